"""One log file that many processes and threads write and rotate, and its last lines."""

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
_EDGE_BYTES = 256  # of a file's beginning and of what ends at a cursor: times and request ids, found only once
_READ = os.O_RDONLY | os.O_CREAT | os.O_NONBLOCK  # should it be a pipe, that is found out, not waited for
_WRITE = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK


class LogFile:
    """Whole lines in `app.log`, older ones in `app.log.1` to `app.log.N`.

    The lock is the current file itself: who holds it, and then still finds it under its name, is alone.
    """

    def __init__(self, path: Path, *, max_bytes: int, backups: int) -> None:
        """Remember where and how much; nothing is opened before the first line."""
        self._path = Path(os.path.realpath(path))
        self._names = [self._path, *(Path(f"{self._path}.{n}") for n in range(1, backups + 1))]
        self._max_bytes = max_bytes
        self._writing_pid = 0
        self._lines: list[bytes] = []

    def append(self, line: bytes) -> None:
        """Write one line whole, or raise OSError and leave nothing of it.

        Of a process one thread may be in here at a time, as a logging.Handler sees to.
        """
        if self._writing_pid == os.getpid():  # a finaliser that logs in mid-write would wait for itself
            self._lines.append(line)
            return
        self._writing_pid, self._lines = os.getpid(), [line]
        try:
            for each in self._lines:
                while not self._written(each):
                    pass
        finally:
            self._writing_pid = 0

    def tail(self, limit: int) -> Page:
        """Return the last `limit` lines (at least one); where no log is, no lines."""
        blocks: deque[bytes] = deque()
        newlines = 0
        behind = OLDEST
        with closing(self._backwards()) as backwards:
            for file, start, block in backwards:
                if not newlines and b"\n" in block:
                    behind = _cursor(file, start + block.rindex(b"\n") + 1)
                blocks.appendleft(block)
                newlines += block.count(b"\n")
                if newlines > limit:  # one more than asked for: it ends the line before the first
                    break
        lines = b"".join(blocks).split(b"\n")[:-1]  # what follows the last newline is no whole line
        return Page(b"".join(line + b"\n" for line in lines[-limit:]), behind)

    def since(self, cursor: Cursor, limit: int) -> Page:
        """Return the first `limit` lines behind the cursor; behind a gap, the oldest kept, if its place is gone."""
        found = self._open_first(self._names, lambda file: _cursor(file, cursor.position) == cursor)
        behind, start = (OLDEST, 0) if found is None else (cursor, cursor.position)
        lines: list[bytes] = []
        with closing(self._files(self._names[::-1], found)) as oldest_first:
            for file in oldest_first:
                if read := _lines(file, start, limit - len(lines)):
                    lines += read
                    behind = _cursor(file, start + sum(map(len, read)))
                if len(lines) == limit:
                    break
                start = 0
        return Page(b"".join(lines), behind, gap=found is None and cursor != OLDEST)

    def _written(self, line: bytes) -> bool:
        """Return True once the line is in the file, False after a rotation that made room for it."""
        with self._alone(_WRITE, fcntl.LOCK_EX) as file:
            size = os.fstat(file).st_size
            if size and os.pread(file, 1, size - 1) != b"\n":  # its writer was killed in mid-line
                size += os.write(file, b"\n")
            if size and size + len(line) > self._max_bytes:
                self._rotate()
                return False
            if os.write(file, line) < len(line):
                os.ftruncate(file, size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
            return True

    def _rotate(self) -> None:
        """Move each file one name up, as far as the first free name: a rotation that was killed left one."""
        free = next((n for n, name in enumerate(self._names) if not name.exists()), len(self._names) - 1)
        for n in range(free, 0, -1):
            self._names[n - 1].replace(self._names[n])

    @contextmanager
    def _alone(self, flags: int, lock: int) -> Iterator[int]:
        """Yield the current file's descriptor, locked, and its own: forked processes would share a kept one."""
        while True:
            file = self._open(flags)
            try:
                fcntl.flock(file, lock)
                if self._is_current(file):
                    yield file
                    return
            finally:
                fcntl.flock(file, fcntl.LOCK_UN)  # not by closing: a fork of this moment holds a copy
                os.close(file)

    def _open(self, flags: int) -> int:
        """Return a new descriptor of the current file, made with its folder where it is missing."""
        with suppress(FileNotFoundError):
            return os.open(self._path, flags, 0o640)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(self._path, flags, 0o640)

    def _is_current(self, file: int) -> bool:
        """Return whether the file still has the log's name; OSError for a device, a pipe, a folder."""
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(self._path))
        return _is_named(file, self._path)

    def _backwards(self) -> Generator[tuple[int, int, bytes], None, None]:
        """Yield blocks from the log's end to its beginning, each with its file and its place there."""
        for file in self._files(self._names):
            end = os.fstat(file).st_size
            while end:
                start = max(0, end - _BLOCK_BYTES)
                yield file, start, os.pread(file, end - start, start)
                end = start

    def _files(self, names: list[Path], file: int | None = None) -> Generator[int, None, None]:
        """Yield each file's descriptor in the order of their names, none twice and none left out while they rotate.

        It begins with `file` where that is given, and closes it in the end. Each is yielded when the next is open:
        its inode number stays its own until then, and where there is a newer one, it has got its last line.
        """
        following: int | None = None
        try:
            file = self._open_first(names) if file is None else file
            while file is not None:
                following = self._open_first(_names_behind(names, file))
                yield file
                os.close(file)
                file, following = following, None
        finally:
            for left in (file, following):
                if left is not None:
                    os.close(left)

    def _open_first(self, names: Iterable[Path], is_wanted: Callable[[int], bool] = lambda _: True) -> int | None:
        """Return the descriptor of the first of these files that is there and wanted; no file rotates meanwhile."""
        try:
            with self._alone(_READ, fcntl.LOCK_SH):
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


def _names_behind(names: list[Path], file: int) -> Iterator[Path]:
    """Yield the names that follow the file's own, which is looked for when the first is asked for."""
    found = dropwhile(lambda name: not _is_named(file, name), names)
    next(found, None)
    yield from found


def _lines(file: int, start: int, limit: int) -> list[bytes]:
    """Return up to `limit` whole lines of a file: one without its newline is still being written."""
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
