"""A job: when it fires, what it does, and the one line each firing leaves."""

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
    """A job could not do what it is for; the message says why, and its next firing tries again."""


@dataclass(frozen=True)
class Job:
    """Something to do on a schedule: `setting` names the cron expression (UTC), `run` says what it did."""

    name: str
    setting: str
    run: Callable[[], str]
    max_seconds: int = 50

    def next_firing(self, after: datetime) -> datetime:
        """Return when it fires next; raise SettingsError where its schedule is none."""
        expression: str = getattr(load(CronSettings), self.setting.lower())
        try:
            moment = next(CronSim(expression, after), None)
        except CronSimError as error:
            raise SettingsError(f"{self.setting}: {error}") from error
        if not moment:
            raise SettingsError(f"{self.setting}: never fires")
        return moment

    def fire(self) -> bool:
        """Run it, for `max_seconds` at the most, and log how it went; return whether it went well."""
        lines.request_scope("-", self.name)
        log = lines.logger()
        began = time.perf_counter()
        try:
            with _at_most(self.max_seconds):
                done = self.run()
        except (JobError, OSError) as error:
            log.error("job finished: status=failed ms=%d: %s", _milliseconds(began), error)  # noqa: TRY400  # it says all
        except Exception:  # the next firing is another try
            log.exception("job finished: status=failed ms=%d", _milliseconds(began))
        else:
            log.info("job finished: status=ok ms=%d: %s", _milliseconds(began), done)
            return True
        return False


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let no signal in between: what is begun here is finished before the process ends or the job's time is up."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGALRM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _at_most(seconds: int) -> Iterator[None]:
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
