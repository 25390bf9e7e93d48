"""One log file that many processes and threads write and rotate, and its last lines."""

import errno
import fcntl
import os
import stat
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import dropwhile
from pathlib import Path

_BLOCK_BYTES = 65_536
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

    def tail(self, limit: int) -> bytes:
        """Return the last `limit` lines (at least one), oldest first; where no log is, no lines."""
        blocks: deque[bytes] = deque()
        newlines = 0
        with closing(self._backwards()) as backwards:
            for block in backwards:
                blocks.appendleft(block)
                newlines += block.count(b"\n")
                if newlines > limit:  # one more than asked for: it ends the line before the first
                    break
        lines = b"".join(blocks).split(b"\n")[:-1]  # what follows the last newline is no whole line
        return b"".join(line + b"\n" for line in lines[-limit:])

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

    def _backwards(self) -> Generator[bytes, None, None]:
        """Yield blocks from the log's end to its beginning."""
        for file in self._files():
            end = os.fstat(file).st_size
            while end:
                start = max(0, end - _BLOCK_BYTES)
                yield os.pread(file, end - start, start)
                end = start

    def _files(self) -> Iterator[int]:
        """Yield each file's descriptor, newest first, none twice and none left out while they rotate."""
        with ExitStack() as opened:
            newer = None
            while (older := self._open_behind(newer)) is not None:
                opened.pop_all().close()  # not earlier: until here its inode number had to stay its own
                opened.callback(os.close, older)
                yield older
                newer = older

    def _open_behind(self, newer: int | None) -> int | None:
        """Return the descriptor of the next older file, of the newest for None, or None at the end."""
        try:
            with self._alone(_READ, fcntl.LOCK_SH):
                for name in self._names_behind(newer):
                    with suppress(FileNotFoundError):
                        return os.open(name, os.O_RDONLY)
        except OSError:
            if self._path.is_file():
                raise
        return None

    def _names_behind(self, newer: int | None) -> Iterator[Path]:
        if newer is None:
            return iter(self._names)
        found = dropwhile(lambda name: not _is_named(newer, name), self._names)
        next(found, None)
        return found


def _is_named(file: int, name: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file), name.stat())
    return False
