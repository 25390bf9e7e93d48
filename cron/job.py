"""A job: when it fires, what it does, and the one line that each firing logs."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import FrameType
from typing import Never

from cronsim import CronSim, CronSimError

from common.observe.log import lines
from common.settings import CronSettings, SettingsError, load


class JobError(Exception):
    """A job failed. The message says why. The next firing tries again."""


@dataclass(frozen=True)
class Job:
    """`setting` names the setting with the cron expression (UTC). `run` does the work and returns a summary."""

    name: str
    setting: str
    run: Callable[[], str]
    max_seconds: int = 50

    def next_firing(self, after: datetime) -> datetime:
        """Return when the job fires next. Raises SettingsError if its schedule is not valid."""
        expression: str = getattr(load(CronSettings), self.setting.lower())
        try:
            moment = next(CronSim(expression, after), None)
        except CronSimError as error:
            raise SettingsError(f"{self.setting}: {error}") from error
        if not moment:
            raise SettingsError(f"{self.setting}: never fires")
        return moment

    def fire(self) -> bool:
        """Run the job for at most `max_seconds`, and log the result. Return whether it succeeded."""
        lines.request_scope("-", self.name)
        log = lines.logger()
        began = time.perf_counter()
        try:
            with _time_limit(self.max_seconds):
                done = self.run()
        except (JobError, OSError) as error:
            log.error("job finished: status=failed ms=%d: %s", _milliseconds(began), error)  # noqa: TRY400  # the message is enough
        except Exception:  # the next firing tries again
            log.exception("job finished: status=failed ms=%d", _milliseconds(began))
        else:
            log.info("job finished: status=ok ms=%d: %s", _milliseconds(began), done)
            return True
        return False


@contextmanager
def signals_blocked() -> Iterator[None]:
    """Delay SIGTERM, SIGINT and SIGALRM until the block is finished."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGALRM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _time_limit(seconds: int) -> Iterator[None]:
    def end(_signum: int, _frame: FrameType | None) -> Never:
        raise TimeoutError(f"not done after {seconds} s")

    signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def _milliseconds(began: float) -> int:
    return round((time.perf_counter() - began) * 1000)
