"""Write every file that follows from the table of endpoints, the settings and the handlers: `make generate`.

With --check it writes nothing, names the files that are out of date, and exits with 1 if there are any.
"""

import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from tools.generate import compose, documents, openapi, proxy

_ROOT = Path(__file__).resolve().parents[2]
_MARKS = {
    ".md": ("<!-- generated: {} -->", "<!-- end of generated -->"),
    ".yml": ("# generated: {}", "# end of generated"),
}


def main() -> int:
    """Write the files, or with --check compare them. Return the exit status."""
    is_check = "--check" in sys.argv[1:]
    stale = {path: text for path, text in generated().items() if not path.exists() or path.read_text() != text}
    if is_check and stale:
        names = ", ".join(str(path.relative_to(_ROOT)) for path in stale)
        sys.stderr.write(f"Out of date: {names}. Run `make generate` and commit what it writes.\n")
        return 1
    for path, text in stale.items():
        path.write_text(text)
    return 0


def generated() -> dict[Path, str]:
    """Return the text of each file that is generated, in whole or between marks."""
    return {
        _ROOT / "api/openapi.json": json.dumps(openapi.document(), indent=1) + "\n",
        _ROOT / "proxy/routes.conf.template": proxy.routes(),
        _ROOT / "proxy/problems.conf.template": proxy.problems(),
        _ROOT / ".env.example": documents.env_example(),
        **_with_parts("docker-compose.yml", compose.parts()),
        **_with_parts("README.md", {"endpoints": documents.endpoints()}),
        **_with_parts("docs/operations.md", {"settings": documents.settings()}),
    }


def _with_parts(name: str, parts: Mapping[str, Iterable[str]]) -> dict[Path, str]:
    """Return a file with lines between its marks replaced by these parts."""
    path = _ROOT / name
    text = path.read_text()
    for part, lines in parts.items():
        begin, end = (re.escape(mark.format(part)) for mark in _MARKS[path.suffix])
        inner = "".join(f"{line}\n" for line in lines)
        pattern = rf"(?ms)(^ *{begin}\n).*?(^ *{end}$)"
        text, count = re.subn(pattern, lambda found: found[1] + inner + found[2], text)  # noqa: B023  # used at once
        if count != 1:
            raise LookupError(f"{name} has {count} places for {part}")
    return {path: text}


if __name__ == "__main__":
    sys.exit(main())
