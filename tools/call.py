"""`make call`: one function asked by curl, past the proxy."""

import os
import subprocess
import sys
from pathlib import Path

from api.endpoints import ENDPOINTS
from common.settings import AddressSettings, AuthSettings, SettingsError, load
from tools.console import complain

_ROOT = Path(__file__).resolve().parents[1]
_BAD_USAGE = 2


def main(name: str = "", path: str = "", *options: str) -> int:
    """Call the function at `path`, or at its own, with our token and curl's `options`; return curl's status."""
    os.chdir(_ROOT)
    numbers = {function.name: i for i, function in enumerate(ENDPOINTS)}
    if name not in numbers:
        complain(f"Which function? make call f=NAME, one of {', '.join(numbers)}")
        return _BAD_USAGE
    function = ENDPOINTS[numbers[name]]
    try:
        port, tokens = load(AddressSettings).functions_port + numbers[name], load(AuthSettings).api_tokens
    except SettingsError as error:
        complain(f"These settings, from the environment or .env, are not valid:\n{error}")
        return _BAD_USAGE
    token = ["--header", f"Authorization: Bearer {tokens[0]}"] if tokens else []
    url = f"http://127.0.0.1:{port}{path or function.path}"
    curl = ["curl", "--silent", "--show-error", "--globoff", "--request", function.method, *token, *options, url]
    return subprocess.call(curl)  # noqa: S603  # what our caller typed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
