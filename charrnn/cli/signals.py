"""Signals that end a run."""

import os
import signal
import sys
import threading
from contextlib import suppress
from types import FrameType

from charrnn.processes import STOPPING


class Stop:
    """Turns SIGINT, SIGTERM and SIGHUP into a flag that is read between steps; the second Ctrl-C ends at once."""

    def __init__(self) -> None:
        self.code = 0  # 128 + the signal's number, once one has come
        self.message = ""
        if threading.current_thread() is threading.main_thread():
            for name in STOPPING:
                number = getattr(signal, name)
                if name != "SIGHUP" or signal.getsignal(number) != signal.SIG_IGN:  # nohup has it ignored
                    signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.code and number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            raise KeyboardInterrupt
        self.code = 128 + number
        self.message = "stopping after this step, saving; Ctrl-C again to stop now"
        if not sys.stderr.isatty():
            with suppress(OSError):  # whoever read it may have gone
                os.write(2, f"{self.message}\n".encode())
