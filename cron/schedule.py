"""The schedule: every job, and when it fires."""

from datetime import UTC, datetime

from cron import fetch_logs
from cron.job import Job

JOBS = (Job("fetch_logs", "LOG_FETCH_CRON", fetch_logs.run),)


def first_firings() -> list[tuple[Job, datetime]]:
    """Return when each job fires first. Raises SettingsError, which names the setting, if a schedule is not valid."""
    return [(job, job.next_firing(datetime.now(UTC))) for job in JOBS]


def check_schedule() -> None:
    """Check every schedule at the start. Raises SettingsError if one is not valid."""
    first_firings()
