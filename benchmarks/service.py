"""Uploads and reads against the running services, turn by turn."""

import json
import socket
import statistics
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import contenders, convert, load, pictures
from benchmarks.contenders import Contender
from benchmarks.pictures import Job
from benchmarks.report import Table, ratio

_ROUNDS = 9
_READ_SECONDS = 1.5
_READERS = 16
_STORED = {"GET 130 KB": ((1200, 900), 60), "GET 600 KB": ((1600, 1200), 88)}  # made so large by size and quality


@dataclass(frozen=True)
class _Turn:
    result: load.Result
    functions_ms: float  # of CPU, an answer
    proxy_ms: float
    database_ms: float

    @property
    def service_ms(self) -> float:
        """All but the database."""
        return self.functions_ms + self.proxy_ms

    @property
    def all_ms(self) -> float:
        """The database, too."""
        return self.service_ms + self.database_ms


def uploads(table: Table) -> None:
    """Add a row an upload job and number of clients."""
    table.columns = [
        "upload",
        "clients",
        "images/s: Image API",
        "plain",
        "ratio",
        "CPU ms: Image API",
        "plain",
        "ratio",
    ]
    with contenders.running() as (ours, _, plain):
        for job in pictures.JOBS:
            for clients in (2, 8) if "JPEG" in job.name else (2,):
                _upload_row(table, (ours, plain), job, clients)


def _upload_row(table: Table, rivals: tuple[Contender, Contender], job: Job, clients: int) -> None:
    source = job.source()

    def turn(contender: Contender) -> _Turn:
        sent = load.upload(contender.token, source, **job.fields)
        return _measured(contender, lambda: load.run(contender.address, [sent], clients, total=12).only(201))

    mine, theirs = _rounds(rivals, turn)
    rates = [[each.result.rate for each in turns] for turns in (mine, theirs)]
    cpu = [[each.all_ms for each in turns] for turns in (mine, theirs)]
    shown = [f"{statistics.median(each):.1f}" for each in rates]
    table.add(job.name, clients, *shown, ratio(*rates), _cpu(mine), _cpu(theirs), ratio(*cpu))


def path(table: Table) -> None:
    """Add a row a JPEG job: what an upload costs beside its conversion, two of each at once."""
    table.columns = [
        "source",
        "CPU ms: conversion alone",
        "upload: function + database",
        "ratio",
        "with the proxy",
        "ratio",
    ]
    with contenders.running() as (ours, _, _):
        for job in pictures.JOBS[:2]:
            _path_row(table, ours, job)


def _path_row(table: Table, ours: Contender, job: Job) -> None:
    source = job.source()
    sent = load.upload(ours.token, source, **job.fields)
    alone, uploaded = [], []
    with convert.workers(["Image API"] * 2, source, job.quality, job.box) as workers:
        for _ in range(1 + _ROUNDS):
            alone.append(statistics.mean(turn.cpu_ms for _ in range(6) for turn in _both(workers)))
            uploaded.append(_measured(ours, lambda: load.run(ours.address, [sent], 2, total=12).only(201)))
    del alone[0], uploaded[0]
    without_proxy = [turn.functions_ms + turn.database_ms for turn in uploaded]
    table.add(
        job.name,
        f"{statistics.median(alone):.1f}",
        f"{statistics.median(without_proxy):.1f}",
        ratio(without_proxy, alone),
        f"{statistics.median(turn.all_ms for turn in uploaded):.1f}",
        ratio((turn.all_ms for turn in uploaded), alone),
    )


def _both(workers: list[convert.Worker]) -> list[convert.Turn]:
    for worker in workers:
        worker.begin()
    return [worker.turn() for worker in workers]


def reads(table: Table) -> None:
    """Add a row a read job."""
    table.columns = ["read", "req/s", "ratio to plain", "p99 ms", "CPU ms a request: service + database"]
    with contenders.running() as (ours, hot, plain):
        for name, (size, quality) in _STORED.items():
            stored = {each.name: _stored(each, size, quality) for each in (ours, plain)}
            paths = {**stored, hot.name: stored[ours.name]}
            gets = {each: load.request("GET", paths[each.name], each.token) for each in (ours, hot, plain)}
            etag = _etag(ours, gets[ours])
            again = {
                each: load.request("GET", paths[each.name], each.token, If_None_Match=etag) for each in (ours, hot)
            }
            _read_rows(table, name, gets, 200, plain)
            if "130" in name:
                _read_rows(table, "304", again, 304, plain, against=gets[plain])


def _read_rows(
    table: Table,
    name: str,
    requests: dict[Contender, bytes],
    status: int,
    plain: Contender,
    against: bytes = b"",
) -> None:
    sent = {**requests, plain: requests.get(plain, against)}

    def turn(contender: Contender) -> _Turn:
        expected = status if contender in requests else 200
        return _measured(
            contender,
            lambda: load.run(contender.address, [sent[contender]], _READERS, seconds=_READ_SECONDS).only(expected),
        )

    turns = dict(zip(sent, _rounds(tuple(sent), turn), strict=True))
    rates = {each: [one.result.rate for one in turns[each]] for each in turns}
    for each in requests:
        rate = f"{statistics.median(rates[each]):,.0f}"
        p99 = statistics.median(one.result.percentile(99) for one in turns[each])
        relative = ratio(rates[each], rates[plain])
        table.add(f"{name}: {each.name}", rate, relative, f"{p99:.1f}", _cpu(turns[each], 2))


def _rounds(rivals: tuple[Contender, ...], turn: Callable[[Contender], _Turn]) -> list[list[_Turn]]:
    """Return each rival's turns, taken in turn; the first of each is a warm-up."""
    rounds = [[turn(contender) for contender in rivals] for _ in range(1 + _ROUNDS)]
    return [list(turns) for turns in zip(*rounds[1:], strict=True)]


def _measured(contender: Contender, work: Callable[[], load.Result]) -> _Turn:
    before = contender.cpu_seconds()
    result = work()
    used = [after - so_far for after, so_far in zip(contender.cpu_seconds(), before, strict=True)]
    functions, proxy, database = (seconds * 1000 / len(result.milliseconds) for seconds in used)
    return _Turn(result, functions, proxy, database)


def _cpu(turns: list[_Turn], digits: int = 1) -> str:
    service = statistics.median(turn.service_ms for turn in turns)
    database = statistics.median(turn.database_ms for turn in turns)
    return f"{service:.{digits}f} + {database:.{digits}f}"


def _stored(contender: Contender, size: tuple[int, int], quality: int) -> str:
    """Upload a picture; return its path."""
    sent = load.upload(contender.token, pictures.photo(*size), quality=quality)
    return str("/images/" + json.loads(_answer(contender, sent).partition(b"\r\n\r\n")[2])["id"])


def _etag(contender: Contender, get: bytes) -> str:
    head = _answer(contender, get, until=b"\r\n\r\n")
    (line,) = (line for line in head.split(b"\r\n") if line.lower().startswith(b"etag:"))
    return line.split()[1].decode()


def _answer(contender: Contender, request: bytes, until: bytes = b"}") -> bytes:
    with socket.create_connection(contender.address) as connection:
        connection.sendall(request)
        answer = b""
        while until not in answer:
            received = connection.recv(65536)
            if not received:
                break
            answer += received
        return answer
