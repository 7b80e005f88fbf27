"""The command line as a process, in pipes or in a terminal: what the tests of commands, errors and signals share."""

import io
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import charrnn
from charrnn.cli import main as cli

ROOT = Path(__file__).parents[2]
TALES = ROOT / "data" / "tales.txt"
CHARRNN = [sys.executable, "-m", "charrnn"]
PATIENCE = 60  # seconds after which a process is given up; none takes more than a few
LOOKS = {"NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS", "LINES", "TERM", "PYTHONIOENCODING", "LC_ALL", "LANG"}
CSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # all that a live panel needs of a terminal: colour, cursor, erasing
SMALL = """\
data: {path: text.txt}
model: {hidden_size: 8, num_layers: 1}
train: {batch_size: 4, seq_length: 16, max_steps: 10, log_every: 5, sample_length: 200}
"""


@dataclass(frozen=True)
class Result:
    """How a process ended and what it wrote; a terminal shows both streams as one, here `out`."""

    code: int
    out: bytes
    err: str = ""

    @property
    def text(self) -> str:
        return self.out.decode()

    @property
    def lines(self) -> list[str]:
        """The lines of standard error."""
        return self.err.removesuffix("\n").split("\n") if self.err else []


def checked(result: Result) -> Result:
    """Whatever a user does, the inside of the program does not show."""
    for inside in (b"Traceback", b"Warning:", b"Exception ignored"):
        assert inside not in result.out + result.err.encode(), result.out.decode(errors="replace") + result.err
    return result


def environment(**changes: str) -> dict[str, str]:
    """This environment without what changes the looks of output, and with the package that is being tested."""
    kept = {name: value for name, value in os.environ.items() if name not in LOOKS}
    return kept | {"PYTHONPATH": str(Path(charrnn.__file__).parents[1]), "TERM": "xterm-256color"} | changes


def run(
    *args: Any, cwd: Path = ROOT, stdin: bytes = b"", redirect: str = "", shell: str = "", **changes: str
) -> Result:
    """Run charrnn to its end with pipes for streams, with redirections as a shell writes them, or by a whole script."""
    command = [*CHARRNN, *map(str, args)]
    if redirect or shell:
        command = ["sh", "-c", shell or f'exec "$@" {redirect}', "sh", *command]
    env = environment(**changes)
    done = subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, env=env, timeout=PATIENCE)
    return checked(Result(done.returncode, done.stdout, done.stderr.decode()))


def call(*args: str, stdin: bytes = b"The ") -> Result:
    """The command line in this process, with streams of its own: quick, and faults can be injected."""
    buffers = [io.BytesIO(data) for data in (stdin, b"", b"")]
    streams = [io.TextIOWrapper(buffer, "utf-8", "backslashreplace") for buffer in buffers]
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    replaced: dict[str, Any] = dict(zip(("stdin", "stdout", "stderr"), streams, strict=True))
    try:
        with mock.patch.multiple(sys, argv=["charrnn", *args], **replaced), pytest.raises(SystemExit) as left:
            cli.main()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    for stream in streams:
        stream.flush()
    assert isinstance(left.value.code, int)
    return Result(left.value.code, buffers[1].getvalue(), buffers[2].getvalue().decode())


def start(*args: Any, cwd: Path = ROOT) -> subprocess.Popen[str]:
    """Start charrnn with text pipes for streams, in a process group of its own, and leave it running."""
    return subprocess.Popen(
        [*CHARRNN, *map(str, args)],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run_in_terminal(*args: Any, cwd: Path = ROOT, columns: int = 80, **changes: str) -> Result:
    """Run charrnn to its end in a pseudo-terminal."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, columns))
    command, env = [*CHARRNN, *map(str, args)], environment(**changes)
    with subprocess.Popen(command, cwd=cwd, env=env, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = read_terminal(ours)
        if process.poll() is None and not select.select([ours], [], [], 0)[0]:
            process.kill()
    os.close(ours)
    return checked(Result(process.returncode, shown))


def read_terminal(descriptor: int, until: bytes = b"") -> bytes:
    """What a terminal shows up to the end of its process, or up to `until`."""
    shown = b""
    while select.select([descriptor], [], [], PATIENCE)[0]:
        try:
            piece = os.read(descriptor, 65536)
        except OSError:  # Linux's way of saying that nobody writes any more
            piece = b""
        shown += piece
        if not piece or (until and until in shown):
            break
    return shown.replace(b"\r\n", b"\n")


def commands_to_a_terminal(text: str) -> set[str]:
    """The characters of a text that a terminal obeys rather than shows."""
    hidden = {symbol for symbol in text if unicodedata.category(symbol) in ("Cc", "Cf", "Cs")}
    return hidden - {"\n", "\t"}


def train_tiny(folder: Path) -> Result:
    """configs/tiny.yaml, cut down to 20 steps."""
    return run("train", "configs/tiny.yaml", "--set", "train.max_steps=20", "--out", folder)


def project(folder: Path, text: str | bytes | None = None, config: str = SMALL, name: str = "my.yaml") -> Path:
    """A folder with a text (without one, the beginning of the tales) and a small config for it."""
    folder.mkdir(parents=True, exist_ok=True)
    if text is None:
        text = TALES.read_text()[:4000]
    (folder / "text.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    (folder / name).write_text(config)
    return folder


def read_until(process: subprocess.Popen[str], beginning: str) -> str:
    """Read stderr up to the first line that begins so; return that line."""
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        seen.append(line)
        if line.startswith(beginning):
            return line
    raise AssertionError(f"it ended before it printed {beginning!r}:\n{''.join(seen)}")


def ended(process: subprocess.Popen[str]) -> Result:
    """The rest of what a process prints, and its exit code."""
    out, err = process.communicate(timeout=PATIENCE)
    return checked(Result(process.returncode, out.encode(), err))
