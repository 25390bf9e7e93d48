"""What happens under more than the service can do: memory, refusals, and whether others still get their turn."""

import multiprocessing
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager

from benchmarks import contenders, load, pictures
from benchmarks.contenders import Contender
from benchmarks.report import Table

_HEALTH = load.request("GET", "/health")
_FITTED = {"quality": 80, "x": 1280, "y": 720}


def overload(table: Table) -> None:
    """Add a row a service: 64 uploads of 24 MP at once, to fit a box and at full size."""
    table.columns = [
        "uploads",
        "answers",
        "s",
        "MB idle: PSS, RSS",
        "at the peak",
        "10 s later",
        "/health p99 ms",
    ]
    source = pictures.photo(6000, 4000)
    with contenders.running() as (ours, _, plain), _processes() as pool:
        for name, fields in (("to 1280x720", _FITTED), ("full size", {})):
            for contender in (ours, plain):
                sent = load.upload(contender.token, source, **fields)
                _flood(table, f"{name}: {contender.name}", contender, sent, pool)


def _flood(table: Table, name: str, contender: Contender, sent: bytes, pool: ProcessPoolExecutor) -> None:
    load.run(contender.address, [load.upload(contender.token, pictures.gif())], 8, total=16)
    idle = contender.memory_mb()
    flood = pool.submit(load.run, contender.address, [sent], 64, total=64)
    probe = pool.submit(load.run, contender.address, [_HEALTH], 1, seconds=8, pause=0.02)
    peak = _peak(contender, flood)
    time.sleep(10)
    result = flood.result()
    answers = ", ".join(f"{count} x {status}" for status, count in sorted(result.statuses.items()))
    memory = (f"{once:.0f}, {each:.0f}" for once, each in (idle, peak, contender.memory_mb()))
    table.add(name, answers, f"{result.seconds:.1f}", *memory, f"{probe.result().only(200).percentile(99):.0f}")


def steady(table: Table) -> None:
    """Add a row a service: its memory over 1,000 small uploads."""
    table.columns = ["service", "MB after 100 uploads", "MB after 1,000", "images/s"]
    with contenders.running() as (ours, _, plain):
        for contender in (ours, plain):
            sent = load.upload(contender.token, pictures.photo(640, 480))
            load.run(contender.address, [sent], 4, total=100).only(201)
            before, _ = contender.memory_mb()
            result = load.run(contender.address, [sent], 4, total=900).only(201)
            after, _ = contender.memory_mb()
            table.add(contender.name, f"{before:.0f}", f"{after:.0f}", f"{result.rate:.1f}")


def slow(table: Table) -> None:
    """Add a row a service: uploads by two clients, alone and beside fifty that drip their bodies."""
    table.columns = ["service", "p50, p99 ms alone", "beside 50 slow clients"]
    with contenders.running() as (ours, _, plain):
        for contender in (ours, plain):
            sent = load.upload(contender.token, pictures.photo(2048, 1536), **_FITTED)
            load.run(contender.address, [sent], 2, total=10)
            alone = load.run(contender.address, [sent], 2, total=200).only(201)
            with _dripping(contender, sent, 50):
                beside = load.run(contender.address, [sent], 2, total=200).only(201)
            shown = (f"{each.percentile(50):.0f}, {each.percentile(99):.0f}" for each in (alone, beside))
            table.add(contender.name, *shown)


@contextmanager
def _processes() -> Iterator[ProcessPoolExecutor]:
    """Provide two processes, so that a flood's generator does not slow down the probe."""
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        for started in [pool.submit(time.sleep, 0.5) for _ in range(2)]:
            started.result()
        yield pool


def _peak(contender: Contender, running: "Future[load.Result]") -> tuple[float, float]:
    peak = (0.0, 0.0)
    while not running.done():
        peak = max(peak, contender.memory_mb())
        time.sleep(0.05)
    return peak


@contextmanager
def _dripping(contender: Contender, sent: bytes, clients: int) -> Iterator[None]:
    """Keep so many uploads going at 1 KB every 0.1 s each while the block runs."""
    ended = threading.Event()
    sockets = [socket.create_connection(contender.address) for _ in range(clients)]

    def drip() -> None:
        position = 0
        while not ended.wait(0.1):
            for each in sockets:
                each.sendall(sent[position : position + 1024])
            position += 1024

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        time.sleep(1)
        yield
    finally:
        ended.set()
        thread.join()
        for each in sockets:
            each.close()
