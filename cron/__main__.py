"""`python -m cron` fires each job on its schedule. `python -m cron --now` fires every job once, now."""

import os
import signal
import sys
import time
from datetime import UTC, datetime
from types import FrameType
from typing import Never

from common.observe.log import lines
from common.settings import SettingsError
from cron.schedule import JOBS, first_firings


def main() -> int:
    """Return 0 if every job succeeded, 1 if one failed, 2 if a setting is not valid. Without --now, run forever."""
    now = "--now" in sys.argv[1:]
    lines.configure(stored=False)

    def end(signum: int, _frame: FrameType | None) -> Never:
        os._exit(128 + signum if now else 0)  # end at once; signals_blocked() delays the signal

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    try:
        first = first_firings()
    except SettingsError as error:
        sys.stderr.write(f"These settings, from the environment or .env, are not valid:\n{error}\n")
        return 2
    if now:
        return 0 if all([job.fire() for job in JOBS]) else 1  # noqa: C419  # after a failure, the other jobs still fire
    for job, moment in first:
        lines.request_scope("-", job.name)
        lines.logger().info("job scheduled: first=%s", moment.isoformat())
    return _keep_firing()


def _keep_firing() -> Never:
    """Once a second, fire each job that became due since the last check: clocks are set, and machines sleep."""
    before = datetime.now(UTC)
    while True:
        time.sleep(1 - time.time() % 1)
        now = datetime.now(UTC)
        for job in JOBS:
            if job.next_firing(before) <= now:
                job.fire()
        before = now


if __name__ == "__main__":
    sys.exit(main())
