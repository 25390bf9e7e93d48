"""One long-running process: its lines printed under its name, and started again when it ends by itself."""

import signal
import subprocess
import threading
import time
from collections.abc import Callable

from emulator.processes.guardian import Guardian, end
from emulator.processes.stop import Stop
from tools.console import say
from tools.errors import StartError

_SETTLED_SECONDS = 10.0  # one that lived this long was not broken from the start
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 10.0
_PATIENCE_SECONDS = 5.0  # what a request under way may take when all is stopped
_LEFT_OVER_SECONDS = 0.3  # what workers without their master may take before a new one is started beside them

Popen = subprocess.Popen[str]


class Service:
    """A process and its successors.

    `launch` starts one; `refuse` is called while it ends again and again, for whoever waits for its answers.
    """

    def __init__(
        self,
        name: str,
        launch: Callable[[], Popen],
        guardian: Guardian,
        stop: Stop,
        refuse: Callable[[], None] = lambda: None,
    ) -> None:
        """Name it and start it."""
        self.name = name
        self.quick_ends = 0
        self._launch = launch
        self._refuse = refuse
        self._guardian = guardian
        self._stop = stop
        self._lock = threading.Lock()
        self._process: Popen | None = None
        self._left_over: list[threading.Thread] = []
        self._keeper = threading.Thread(target=self._keep, name=name)
        self._keeper.start()

    def end(self, signum: int) -> None:
        """End it, first by this signal, and wait; the wish to stop must be out, or it comes back."""
        with self._lock:  # nothing is being launched, and nothing will be
            process = self._process
        if process:
            end(process.pid, (signum, _PATIENCE_SECONDS), reap=process.poll, is_urgent=lambda: self._stop.at_once)
        self._keeper.join()
        for thread in self._left_over:
            thread.join()

    def _keep(self) -> None:
        while not self._stop.wait(0):
            began = time.monotonic()
            reason = self._run()
            if self._stop.wait(0):
                return
            settled = time.monotonic() - began > _SETTLED_SECONDS
            self.quick_ends = 0 if settled else self.quick_ends + 1
            pause = min(_FIRST_PAUSE_SECONDS * (2**self.quick_ends - 1), _LONGEST_PAUSE_SECONDS)
            say(self.name, f"{reason}; starting it again" + (f" in {pause:g} s" if pause else ""))
            if self.quick_ends > 1:
                self._refuse()
            self._stop.wait(pause)

    def _run(self) -> str:
        """Run one process to its end; return how it ended."""
        try:
            process = self._start()
        except (OSError, StartError) as error:
            return f"could not be started: {error}"
        if not process:
            return "not started"
        printer = threading.Thread(target=self._print, args=(process,))
        printer.start()
        code = process.wait()
        left_over = threading.Thread(target=self._end_left_over, args=(process, printer))
        left_over.start()
        left_over.join(_LEFT_OVER_SECONDS)
        self._left_over = [thread for thread in (*self._left_over, left_over) if thread.is_alive()]
        return f"ended with {code}"

    def _end_left_over(self, process: Popen, printer: threading.Thread) -> None:
        """End the workers of a process that ended; what they are doing they may finish."""
        end(process.pid, (signal.SIGTERM, _PATIENCE_SECONDS), is_urgent=lambda: self._stop.at_once)
        self._guardian.forget(process.pid)
        printer.join()

    def _start(self) -> Popen | None:
        with self._lock:
            if self._stop.wait(0):
                return None
            self._process = self._launch()
            self._guardian.watch(self._process.pid)
            return self._process

    def _print(self, process: Popen) -> None:
        assert process.stdout  # noqa: S101  # a pipe, as every launch asks for
        with process.stdout as lines:
            for line in lines:
                say(self.name, line.rstrip("\n"))
