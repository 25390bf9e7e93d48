"""A load generator: one process, one thread, raw sockets. Bodies are counted, not copied: it is seldom in the way."""

import re
import selectors
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_BOUNDARY = "------------------------d74496d66958873e"  # as long as curl's: what is searched for tells how fast
_BROKEN = 0  # the status of an answer that never came whole
_STALLED_SECONDS = 120
_HEAD_BYTES = 4096  # no more is asked for, until the head is whole
_BUFFER = bytearray(1 << 20)
_DISCARD = socket.MSG_TRUNC if sys.platform == "linux" else 0  # tcp(7): the bytes are taken, and never copied

Address = tuple[str, int]


@dataclass
class Result:
    """What came back."""

    seconds: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)
    milliseconds: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.milliseconds) / self.seconds

    def percentile(self, percent: float) -> float:
        """Return the milliseconds within which so many of a hundred answers came."""
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]

    def only(self, status: int) -> "Result":
        """Return itself; RuntimeError where anything else was answered: a refusal is quick, and no result."""
        if set(self.statuses) != {status}:
            raise RuntimeError(f"{status} was expected throughout: {self.statuses}")
        return self


def request(method: str, path: str, token: str = "", body: bytes = b"", **headers: str) -> bytes:
    """Return a request as it is sent."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += [f"Content-Length: {len(body)}"] if body else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def upload(token: str, source: bytes, **fields: int) -> bytes:
    """Return an upload as it is sent."""
    head = f"--{_BOUNDARY}\r\nContent-Disposition: form-data; name="
    parts = [f'{head}"{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
    file = f'{head}"file"; filename="photo.jpg"\r\n\r\n'
    body = "".join([*parts, file]).encode() + source + f"\r\n--{_BOUNDARY}--\r\n".encode()
    return request("POST", "/images", token, body, Content_Type=f"multipart/form-data; boundary={_BOUNDARY}")


def run(
    address: Address,
    requests: Sequence[bytes],
    connections: int,
    *,
    seconds: float = 0,
    total: int = 0,
    pause: float = 0,
) -> Result:
    """Return what came back for `total` requests, or for as many as were answered in `seconds`."""
    began = time.perf_counter()
    result = Result()
    selector = selectors.DefaultSelector()
    coming = cycle(requests)
    left = iter(range(total)) if total else _until(began + seconds)
    active = [_Connection(address, selector) for _ in range(connections)]
    running = sum(connection.begin(coming, left) for connection in active)
    while running:
        ready = selector.select(_STALLED_SECONDS)
        if not ready:
            raise TimeoutError(f"{address} is silent")
        for key, _ in ready:
            connection: _Connection = key.data
            status = connection.go_on()
            if status is None:
                continue
            result.statuses[status] = result.statuses.get(status, 0) + 1
            result.milliseconds.append((time.perf_counter() - connection.began) * 1000)
            if pause:
                time.sleep(pause)
            running -= not connection.begin(coming, left)
    result.seconds = time.perf_counter() - began
    return result


def _until(end: float) -> Iterator[int]:
    while time.perf_counter() < end:
        yield 0


class _Connection:
    """One request at a time."""

    def __init__(self, address: Address, selector: selectors.BaseSelector) -> None:
        self._address = address
        self._selector = selector
        self._socket: socket.socket | None = None
        self.began = 0.0

    def begin(self, coming: Iterator[bytes], left: Iterator[int]) -> bool:
        """Begin the next request; return False, and close, where none is left."""
        if next(left, None) is None:
            self._close()
            return False
        self._unsent = memoryview(next(coming))
        self._head = b""
        self._missing = -1  # bytes of the body; unknown as yet
        self.began = time.perf_counter()
        events = selectors.EVENT_READ | selectors.EVENT_WRITE
        if self._socket is None:
            self._socket = socket.create_connection(self._address)
            self._socket.setblocking(False)  # noqa: FBT003  # the socket module takes it by place only
            self._selector.register(self._socket, events, self)
        elif not self._sent_at_once():
            self._selector.modify(self._socket, events, self)
        return True

    def _sent_at_once(self) -> bool:
        try:
            self._unsent = self._unsent[self._open.send(self._unsent) :]
        except OSError:
            return False
        return not self._unsent

    @property
    def _open(self) -> socket.socket:
        if self._socket is None:
            raise RuntimeError("the connection is closed")
        return self._socket

    def go_on(self) -> int | None:
        """Send or receive what is possible now; return the status once an answer is whole."""
        try:
            if self._unsent:
                self._unsent = self._unsent[self._open.send(self._unsent) :]
                if not self._unsent:
                    self._selector.modify(self._open, selectors.EVENT_READ, self)
            in_head = self._missing < 0
            count = self._open.recv_into(_BUFFER, _HEAD_BYTES if in_head else 0, 0 if in_head else _DISCARD)
        except BlockingIOError:
            return None
        except OSError:
            count = 0
        if not count:
            self._close()
            return _BROKEN
        return self._received(count)

    def _received(self, count: int) -> int | None:
        if self._missing < 0:
            self._head += bytes(_BUFFER[:count])
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return None
            self._missing = self._body_length(self._head[:end]) + end + 4 - len(self._head)
        else:
            self._missing -= count
        if self._missing > 0:
            return None
        if self._unsent or _CLOSE.search(self._head):
            self._close()
        return int(self._head[9:12])

    def _body_length(self, head: bytes) -> int:
        length = _LENGTH.search(head)
        return int(length[1]) if length and head[9:12] != b"304" else 0

    def _close(self) -> None:
        if self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = None
