"""`make cron` on this machine: check `.env`, then fire the jobs. Containers have no `.env` and run `cron` alone."""

import os
import sys
from pathlib import Path

from common.settings import SettingsError
from cron.__main__ import main as fire
from tools import env_file
from tools.console import warn

_ROOT = Path(__file__).resolve().parents[1]
_BAD_USAGE = 2


def main() -> int:
    """Return what `python -m cron` returns, or 2 if a line of `.env` cannot be read."""
    os.chdir(_ROOT)
    try:
        env_file.check(Path(".env"))
    except SettingsError as error:
        warn(f"These settings, from the environment or .env, are not valid:\n{error}")
        return _BAD_USAGE
    return fire()


if __name__ == "__main__":
    sys.exit(main())
