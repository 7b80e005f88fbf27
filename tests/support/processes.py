"""The command line as a process, in pipes or in a terminal, and small projects for it to work in."""

import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import unicodedata
from contextlib import chdir, nullcontext
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
TIMEOUT = 60  # seconds after which a process is killed; none takes more than a few
DISPLAY_VARIABLES = {
    "NO_COLOR",
    "FORCE_COLOR",
    "TTY_COMPATIBLE",
    "COLUMNS",
    "LINES",
    "TERM",
    "PYTHONIOENCODING",
    "LC_ALL",
    "LANG",
}
CSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # the control sequences of a live panel: colour, cursor, erasing
HOSTILE = "\x1b]0;x\x07 \x9b31m \u202e é☃ "  # a title, a colour in its 8-bit form, and text that runs backwards
TOO_FAST = ["--set", "train.learning_rate=1", "--set", "train.eval_every=2"]  # what advice is given on
SMALL = """\
data: {path: text.txt}
model: {cell: lstm, hidden_size: 8, num_layers: 1}
train: {batch_size: 4, seq_length: 16, max_steps: 10, log_every: 5, sample_length: 200,
        optimizer: adam, learning_rate: 2e-3, schedule: constant}
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


@dataclass(frozen=True)
class Trained:
    """A run directory, and how the command that trained it ended."""

    folder: Path
    result: Result

    @property
    def model(self) -> charrnn.Network:
        """The best model of the run."""
        model = charrnn.load(self.folder)
        assert isinstance(model, charrnn.Network)
        return model

    @property
    def log(self) -> list[dict[str, Any]]:
        """The records of the log."""
        return [json.loads(line) for line in (self.folder / "log.jsonl").read_text().splitlines()]


def checked(result: Result) -> Result:
    """Check that a user never sees a traceback or a warning of Python's; return the result."""
    for internal in (b"Traceback", b"Warning:", b"Exception ignored"):
        assert internal not in result.out + result.err.encode(), result.out.decode(errors="replace") + result.err
    return result


def environment(**changes: str) -> dict[str, str]:
    """This environment without the variables that change how output looks, and with the package under test."""
    kept = {name: value for name, value in os.environ.items() if name not in DISPLAY_VARIABLES}
    return kept | {"PYTHONPATH": str(Path(charrnn.__file__).parents[1]), "TERM": "xterm-256color"} | changes


def run(
    *args: Any, cwd: Path = ROOT, stdin: bytes = b"", redirect: str = "", shell: str = "", **changes: str
) -> Result:
    """Run charrnn to its end.

    Arguments:
        args: the command line.
        cwd: the working directory.
        stdin: what standard input holds.
        redirect: redirections in the words of a shell; without it, output goes to pipes.
        shell: a script for sh in which "$@" is the command.
        changes: environment variables.
    """
    command = [*CHARRNN, *map(str, args)]
    if redirect or shell:
        command = ["sh", "-c", shell or f'exec "$@" {redirect}', "sh", *command]
    env = environment(**changes)
    done = subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, env=env, timeout=TIMEOUT)
    return checked(Result(done.returncode, done.stdout, done.stderr.decode()))


def call(*args: Any, cwd: Path | None = None, stdin: bytes = b"The ") -> Result:
    """Run charrnn in this process, with streams of its own: it is much faster, and faults can be injected.

    Use run() where a process is the point: what it imports, its real streams, its environment and how it ends.
    """
    buffers = [io.BytesIO(data) for data in (stdin, b"", b"")]
    streams = [io.TextIOWrapper(buffer, "utf-8", "backslashreplace") for buffer in buffers]
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    replaced: dict[str, Any] = dict(zip(("stdin", "stdout", "stderr"), streams, strict=True))
    try:
        with (
            chdir(cwd) if cwd else nullcontext(),
            mock.patch.multiple(sys, argv=["charrnn", *map(str, args)], **replaced),
            pytest.raises(SystemExit) as exit_info,
        ):
            cli.main()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    for stream in streams:
        stream.flush()
    _, out, err = (buffer.getvalue() for buffer in buffers)
    assert isinstance(exit_info.value.code, int)
    return checked(Result(exit_info.value.code, out, err.decode()))


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
    """What a terminal shows until its process ends, or until it shows `until`."""
    shown = b""
    while select.select([descriptor], [], [], TIMEOUT)[0]:
        try:
            piece = os.read(descriptor, 65536)
        except OSError:  # on Linux: the process has closed its end
            piece = b""
        shown += piece
        if not piece or (until and until in shown):
            break
    return shown.replace(b"\r\n", b"\n")


def commands_to_a_terminal(text: str) -> set[str]:
    """The characters of a text that control a terminal instead of being shown."""
    control = {symbol for symbol in text if unicodedata.category(symbol) in ("Cc", "Cf", "Cs")}
    return control - {"\n", "\t"}


def train_tiny(folder: Path) -> Result:
    """Train configs/tiny.yaml for 20 steps."""
    return call("train", "configs/tiny.yaml", "--set", "train.max_steps=20", "--out", folder, cwd=ROOT)


def project(folder: Path, text: str | bytes | None = None, config: str = SMALL, name: str = "my.yaml") -> Path:
    """A folder with text.txt (by default the beginning of the tales) and a small config for it."""
    folder.mkdir(parents=True, exist_ok=True)
    if text is None:
        text = TALES.read_text()[:4000]
    (folder / "text.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    (folder / name).write_text(config)
    return folder


def read_until(process: subprocess.Popen[str], beginning: str) -> str:
    """Read stderr up to the first line with this beginning; return that line."""
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if line.startswith(beginning):
            return line
    raise AssertionError(f"it ended before it printed {beginning!r}:\n{''.join(lines)}")


def ended(process: subprocess.Popen[str]) -> Result:
    """Wait for the end of a process; return its exit code and the rest of what it printed."""
    out, err = process.communicate(timeout=TIMEOUT)
    return checked(Result(process.returncode, out.encode(), err))
