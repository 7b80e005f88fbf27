"""Processes that work for this one: spawned, so that they are the same on every system, and gone when it is.

A process has one BLAS thread and a pipe to its parent. It ignores the signals that end a run: the parent decides,
and the end of the pipe ends the process too. What it is asked to do must be a function of an importable module. It
shares no memory of its own accord and restarts nothing.
"""

import atexit
import errno
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from time import perf_counter
from typing import Any

from charrnn.blas import one_thread
from charrnn.errors import CharrnnError

Map = Callable[
    [Callable[[Any], Any], Sequence[Any]], Iterable[Any]
]  # calls a function for each argument, as map() does
SPIN_SECONDS = 2e-3
STOPPING = [
    name for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1") if hasattr(signal, name)
]  # signals that end a run


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def start(target: Callable[..., None], *arguments: Any) -> tuple[Any, Any]:
    """Spawn a process that calls `target` with its end of a pipe and the arguments.

    Returns:
        The process, and this end of the pipe.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_live, args=(target, theirs, arguments), daemon=True)
    main = threading.current_thread() is threading.main_thread()  # only this thread may set signals
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if main else None
    try:  # it starts with the parent's setting, so that a Ctrl-C cannot end it while it starts
        process.start()
    finally:
        if main:
            signal.signal(signal.SIGINT, before)
    theirs.close()
    atexit.register(ours.close)  # runs before Python waits for the process, which itself waits for the end of its pipe
    return process, ours


def close(pipe: Any) -> None:
    """Close this end of a pipe, which ends a process that waits for a message."""
    pipe.close()
    atexit.unregister(pipe.close)


def _live(target: Callable[..., None], pipe: Any, arguments: tuple[Any, ...]) -> None:
    """What every process does around its task."""
    for name in STOPPING:
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    try:
        with one_thread():
            target(pipe, *arguments)
    except (EOFError, OSError):  # the parent has gone
        return
    except MemoryError:  # the parent explains it in one line
        sys.exit(errno.ENOMEM)


def receive(pipe: Any) -> Any:
    """The next message of a pipe.

    Spin for up to SPIN_SECONDS before blocking: a process that sleeps wakes up late, on a processor that has slowed
    down meanwhile. While spinning, give the processor to other processes that want it.
    """
    end = perf_counter() + SPIN_SECONDS
    while not pipe.poll(0) and perf_counter() < end:
        if hasattr(os, "sched_yield"):
            os.sched_yield()
    return pipe.recv()


def call_worker(process: Any, remedy: str, call: Callable[..., Any], *message: Any) -> Any:
    """Call send or receive on a worker's pipe. Raises CharrnnError, ending with `remedy`, if the worker has died."""
    try:
        return call(*message)
    except (EOFError, OSError):
        process.join(5)
        out_of_memory = process.exitcode == errno.ENOMEM
        why = "ran out of memory" if out_of_memory else f"ended unexpectedly (exit code {process.exitcode})"
        raise CharrnnError(f"a worker process {why}; {remedy}") from None


def run_in_processes(call: Callable[..., Any], each: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Call a function with each of several argument lists at once, in a process each; return the results in order.

    A single call is made in this process. Raises CharrnnError if a process dies.
    """
    if len(each) == 1:
        return [call(*each[0])]
    started = [start(_answer, call, arguments) for arguments in each]
    try:
        return [call_worker(process, "close other programs and try again", pipe.recv) for process, pipe in started]
    finally:
        for process, pipe in started:
            process.kill()  # it has answered, or nobody waits for it
            process.join()
            close(pipe)


def _answer(pipe: Any, call: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    pipe.send(call(*arguments))
