"""`make run` and, with --reload, `make dev`."""

import os
import sys
from pathlib import Path

from common.settings import GROUPS, SettingsError, check
from emulator.processes.stop import Stop
from emulator.supervisor import run
from tools import env_file
from tools.console import say, warn
from tools.errors import StartError

_ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Run until the end is wished for; return 0, or 1 where something is in the way, 2 where a setting is bad."""
    stop = Stop()
    os.chdir(_ROOT)
    if env_file.create(Path(".env.example"), Path(".env")):
        say("run", "made .env, with a token of your own in it")
    try:
        env_file.check(Path(".env"))
        check(*GROUPS)
        run(stop, reload="--reload" in sys.argv[1:])
    except SettingsError as error:
        warn(f"These settings, from the environment or .env, are not valid:\n{error}")
        return 2
    except (StartError, PermissionError) as error:  # the latter where another user ran it before
        warn(f"Image API cannot start: {error}")
        return 1
    say("run", "stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
