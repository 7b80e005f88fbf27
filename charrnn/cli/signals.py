"""Signals that end a run."""

import os
import signal
import sys
import threading
from contextlib import suppress
from types import FrameType

from charrnn.processes import STOPPING


class Stop:
    """Turns the signals that end a run into a flag that is read between steps. A second Ctrl-C ends the run at once.

    SIGUSR1 is the one that every launcher of several processes passes on, and that Slurm sends before the time is up.

    Arguments:
        silent: do not acknowledge the signal; another rank does.

    Attributes:
        code: 0, or after a signal 128 plus its number.
        message: "", or after a signal the line that acknowledges it.
    """

    def __init__(self, silent: bool = False) -> None:
        self._silent = silent
        self.code = 0
        self.message = ""
        if threading.current_thread() is threading.main_thread():
            for name in STOPPING:
                number = getattr(signal, name)
                if name != "SIGHUP" or signal.getsignal(number) != signal.SIG_IGN:  # nohup ignores it
                    signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.code and number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            raise KeyboardInterrupt
        self.code = 128 + number
        self.message = "stopping after this step, saving; Ctrl-C again to stop now"
        if not sys.stderr.isatty() and not self._silent:
            with suppress(OSError):  # the reader of stderr may have ended
                os.write(2, f"{self.message}\n".encode())
