"""`make call`: one function asked by curl, past the proxy."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from api.endpoints import ENDPOINTS
from common.settings import AddressSettings, AuthSettings, SettingsError, load
from tools import env_file
from tools.console import warn

_ROOT = Path(__file__).resolve().parents[1]
_BAD_USAGE = 2


def main(name: str = "", path: str = "", *options: str) -> int:
    """Call the function at `path`, or at its own, with our token and curl's `options`; return curl's status."""
    os.chdir(_ROOT)
    numbers = {function.name: i for i, function in enumerate(ENDPOINTS)}
    if name not in numbers:
        warn(f"Which function? make call f=NAME, one of {', '.join(numbers)}")
        return _BAD_USAGE
    function = ENDPOINTS[numbers[name]]
    try:
        env_file.check(Path(".env"))
        port, tokens = load(AddressSettings).functions_port + numbers[name], load(AuthSettings).api_tokens
    except SettingsError as error:
        warn(f"These settings, from the environment or .env, are not valid:\n{error}")
        return _BAD_USAGE
    url = f"http://127.0.0.1:{port}{path or function.path}"
    return _curl(tokens, "--request", function.method, *options, url)


def _curl(tokens: Sequence[str], *arguments: str) -> int:
    """Run curl with the first token; return its status.

    curl reads the header from a pipe: every user of the machine sees its arguments. Its stdin stays the caller's.
    """
    read, write = os.pipe()
    with os.fdopen(read), os.fdopen(write, "w") as pipe:
        pipe.write("".join(f"Authorization: Bearer {token}\n" for token in tokens[:1]))
        pipe.close()
        curl = ["curl", "--silent", "--show-error", "--globoff", "--header", f"@/dev/fd/{read}", *arguments]
        return subprocess.call(curl, pass_fds=[read])  # noqa: S603  # what our caller typed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
