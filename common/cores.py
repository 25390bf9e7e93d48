"""How many cores this process may use."""

import os
import sys
from contextlib import suppress
from math import ceil
from pathlib import Path

# A worker opens up to 8 database connections. With a worker on each of 12 cores, PostgreSQL would run out of them.
_MOST_CORES = 8
_CPU_LIMIT = Path("/sys/fs/cgroup/cpu.max")  # "200000 100000" (microseconds of each period) or "max 100000"


def usable_cores() -> int:
    """Return the cores of this process's affinity and, in a container, of its CPU limit; at most 8."""
    return min(_scheduled_cores(), _limit_of_container(), _MOST_CORES)


def _scheduled_cores() -> int:
    if sys.version_info >= (3, 13):
        return os.process_cpu_count() or 1
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _limit_of_container() -> int:
    with suppress(OSError, ValueError):
        quota, period = map(int, _CPU_LIMIT.read_text().split())
        return max(1, ceil(quota / period))
    return _MOST_CORES
