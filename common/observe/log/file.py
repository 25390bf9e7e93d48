"""A log file that many processes and threads write, rotate and read."""

import errno
import fcntl
import os
import stat
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import dropwhile, islice, takewhile
from pathlib import Path

from common.observe.log.page import OLDEST, Cursor, Page

_BLOCK_BYTES = 65_536
_EDGE_BYTES = 256  # fingerprinted at a file's beginning and before a cursor: times and request ids make them unique
_READ = os.O_RDONLY | os.O_CREAT | os.O_NONBLOCK  # O_NONBLOCK: opening a FIFO does not block
_WRITE = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK


class LogFile:
    """Whole lines in `app.log`, older ones in `app.log.1` to `app.log.N`.

    The lock is a lock on the current file. A process has exclusive access if it holds the lock and the locked file
    still has the name `app.log`: it was not rotated while the process waited.
    """

    def __init__(self, path: Path, *, max_bytes: int, backups: int) -> None:
        """Store the path and the limits. No file is opened before the first line."""
        self._path = Path(os.path.realpath(path))
        self._names = [self._path, *(Path(f"{self._path}.{n}") for n in range(1, backups + 1))]
        self._max_bytes = max_bytes
        self._writing_pid = 0
        self._lines: list[bytes] = []

    def append(self, line: bytes) -> None:
        """Write one whole line. Raises OSError if that fails, and then removes any part of the line.

        One thread of a process at a time may call this: logging.Handler's lock ensures it.
        """
        if self._writing_pid == os.getpid():  # a finaliser logs during a write: queue its line, or it deadlocks
            self._lines.append(line)
            return
        self._writing_pid, self._lines = os.getpid(), [line]
        try:
            for each in self._lines:
                while not self._write_or_rotate(each):
                    pass
        finally:
            self._writing_pid = 0

    def tail(self, limit: int) -> Page:
        """Return the last `limit` lines; `limit` is at least 1. If there is no log, there are no lines."""
        blocks: deque[bytes] = deque()
        newlines = 0
        cursor = OLDEST
        with closing(self._backwards()) as backwards:
            for file, start, block in backwards:
                if not newlines and b"\n" in block:
                    cursor = _cursor(file, start + block.rindex(b"\n") + 1)
                blocks.appendleft(block)
                newlines += block.count(b"\n")
                if newlines > limit:  # one more than `limit`: it ends the line before the first line of the page
                    break
        lines = b"".join(blocks).split(b"\n")[:-1]  # the rest after the last newline is not a whole line
        return Page(b"".join(line + b"\n" for line in lines[-limit:]), cursor)

    def since(self, cursor: Cursor, limit: int) -> Page:
        """Return the first `limit` lines after the cursor. If its position is gone: a gap, and the oldest lines."""
        found = self._open_first(self._names, lambda file: _cursor(file, cursor.position) == cursor)
        following, start = (OLDEST, 0) if found is None else (cursor, cursor.position)
        lines: list[bytes] = []
        with closing(self._files(self._names[::-1], found)) as oldest_first:
            for file in oldest_first:
                if read := _lines(file, start, limit - len(lines)):
                    lines += read
                    following = _cursor(file, start + sum(map(len, read)))
                if len(lines) == limit:
                    break
                start = 0
        return Page(b"".join(lines), following, gap=found is None and cursor != OLDEST)

    def _write_or_rotate(self, line: bytes) -> bool:
        """Write the line and return True. If it does not fit in the file, rotate and return False."""
        with self._locked(_WRITE, fcntl.LOCK_EX) as file:
            size = os.fstat(file).st_size
            if size and os.pread(file, 1, size - 1) != b"\n":  # a writer was killed in the middle of a line
                size += os.write(file, b"\n")
            if size and size + len(line) > self._max_bytes:
                self._rotate()
                return False
            if os.write(file, line) < len(line):
                os.ftruncate(file, size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
            return True

    def _rotate(self) -> None:
        """Rename each file to the next name, up to the first free name. A killed rotation leaves a free name."""
        free = next((n for n, name in enumerate(self._names) if not name.exists()), len(self._names) - 1)
        for n in range(free, 0, -1):
            self._names[n - 1].replace(self._names[n])

    @contextmanager
    def _locked(self, flags: int, lock: int) -> Iterator[int]:
        """Lock the current file and yield a new descriptor of it.

        Forked processes would share a cached descriptor, and so its lock.
        """
        while True:
            file = self._open(flags)
            try:
                fcntl.flock(file, lock)
                if self._is_current(file):
                    yield file
                    return
            finally:
                fcntl.flock(file, fcntl.LOCK_UN)  # close() alone keeps the lock if a fork has a copy of the descriptor
                os.close(file)

    def _open(self, flags: int) -> int:
        """Return a new descriptor of the current file. Creates the file and its folder if they are missing."""
        with suppress(FileNotFoundError):
            return os.open(self._path, flags, 0o640)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(self._path, flags, 0o640)

    def _is_current(self, file: int) -> bool:
        """Return whether the file still has the log's name. Raises OSError if it is a device, a pipe or a folder."""
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(self._path))
        return _is_named(file, self._path)

    def _backwards(self) -> Generator[tuple[int, int, bytes], None, None]:
        """Yield (file, position, block) from the log's end to its beginning."""
        for file in self._files(self._names):
            end = os.fstat(file).st_size
            while end:
                start = max(0, end - _BLOCK_BYTES)
                yield file, start, os.pread(file, end - start, start)
                end = start

    def _files(self, names: list[Path], file: int | None = None) -> Generator[int, None, None]:
        """Yield an open descriptor for each name in order, starting with `file` if given. All are closed here.

        No file is yielded twice or left out if the files rotate meanwhile. The next file is opened before the current
        one is yielded, so the current inode cannot be reused, and a file that was rotated is complete.
        """
        following: int | None = None
        try:
            file = self._open_first(names) if file is None else file
            while file is not None:
                following = self._open_first(_names_after(names, file))
                yield file
                os.close(file)
                file, following = following, None
        finally:
            for left in (file, following):
                if left is not None:
                    os.close(left)

    def _open_first(self, names: Iterable[Path], is_wanted: Callable[[int], bool] = lambda _: True) -> int | None:
        """Return a descriptor of the first file that exists and is wanted. The lock stops rotation meanwhile."""
        try:
            with self._locked(_READ, fcntl.LOCK_SH):
                for name in names:
                    with suppress(FileNotFoundError):
                        file = os.open(name, os.O_RDONLY)
                        if is_wanted(file):
                            return file
                        os.close(file)
        except OSError:
            if self._path.is_file():
                raise
        return None


def _names_after(names: list[Path], file: int) -> Iterator[Path]:
    """Yield the names after the file's own name, which is looked up when the first name is requested."""
    found = dropwhile(lambda name: not _is_named(file, name), names)
    next(found, None)
    yield from found


def _lines(file: int, start: int, limit: int) -> list[bytes]:
    """Return up to `limit` whole lines of a file. A line without its newline is still being written."""
    with open(file, "rb", buffering=_BLOCK_BYTES, closefd=False) as reader:
        reader.seek(start)
        return list(islice(takewhile(lambda line: line.endswith(b"\n"), reader), limit))


def _cursor(file: int, position: int) -> Cursor:
    edge = min(position, _EDGE_BYTES)
    return Cursor.of(position, os.pread(file, edge, 0) + os.pread(file, edge, position - edge))


def _is_named(file: int, name: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file), name.stat())
    return False
