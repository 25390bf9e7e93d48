"""The wish to stop: Ctrl-C, SIGTERM or the terminal's end, as something any thread can wait for."""

import os
import select
import signal
import socket


class Stop:
    """Not wished for at first, and for good once it is."""

    def __init__(self) -> None:
        """Take over the signals that ask for an end."""
        self._read, self._write = os.pipe()
        self._times = 0
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, lambda _signum, _frame: self.request())

    def request(self) -> None:
        """Ask for the end; twice, and nobody is waited for any more."""
        self._times += 1
        os.write(self._write, b".")  # a threading.Event could deadlock with the thread its handler interrupts

    def wait(self, seconds: float, *readable: socket.socket) -> bool:
        """Return whether the end is wished for, after these seconds at the latest, or when one can be read from."""
        awaited = [self._read, *(connection.fileno() for connection in readable)]
        return self._read in select.select(awaited, [], [], seconds)[0]

    @property
    def at_once(self) -> bool:
        """Whether it was wished for twice."""
        return self._times > 1
