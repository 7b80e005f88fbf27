"""Event files: what they hold, read back by a second reader, and by TensorBoard where it is installed."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.storage.events import EVENTS_NAME, checksum, run_events
from tests.support.processes import call

CONFIG = """\
data: {path: my.txt}
model: {hidden_size: 5, num_layers: 1}
train: {max_steps: 4, log_every: 1, eval_every: 2, sample_length: 9, batch_size: 4, seq_length: 16, workers: 1}
"""
EVENTS = Path("runs/my/tensorboard") / EVENTS_NAME


def fields(data: bytes) -> list[tuple[int, Any]]:
    """The fields of a message of protocol buffers: number and value."""
    found: list[tuple[int, Any]] = []
    position = 0

    def varint() -> int:
        nonlocal position
        value = shift = 0
        while True:
            byte = data[position]
            position += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while position < len(data):
        key = varint()
        if key & 7 == 0:
            found.append((key >> 3, varint()))
            continue
        size = {1: 8, 5: 4}.get(key & 7) or varint()
        piece = data[position : position + size]
        assert len(piece) == size
        position += size
        value: Any = {1: "<d", 5: "<f"}.get(key & 7)
        found.append((key >> 3, struct.unpack(value, piece)[0] if value else piece))
    return found


def events_of(data: bytes) -> list[tuple[int, str, Any]]:
    """Step, tag and value of everything in a file; checks every length and checksum."""

    def masked(piece: bytes) -> int:
        value = checksum(piece)
        return ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF

    found = []
    position = 0
    while position < len(data):
        (size,) = struct.unpack_from("<Q", data, position)
        body = data[position + 12 : position + 12 + size]
        assert struct.unpack_from("<I", data, position + 8) == (masked(data[position : position + 8]),)
        assert struct.unpack_from("<I", data, position + 12 + size) == (masked(body),)
        position += 16 + size
        event = dict(fields(body))
        for _, value in fields(event.get(5, b"")):
            own = dict(fields(value))
            if 2 not in own:  # a text: an array of one string, for the plugin that shows such
                assert dict(fields(dict(fields(own[9]))[1])) == {1: b"text"}
                own[2] = dict(fields(own[8]))[8].decode()
            found.append((event[2], own[1].decode(), own[2]))
    return found


def test_the_checksum_is_the_published_one() -> None:
    assert checksum(b"123456789") == 0xE3069283


@settings(max_examples=40)
@given(
    st.lists(
        st.dictionaries(st.sampled_from(["loss", "a", "step", "seconds"]), st.floats() | st.text() | st.integers())
    ),
    st.dictionaries(st.integers(0, 99), st.text()),
)
def test_any_log_gives_a_file_that_can_be_read(records: list[dict[str, Any]], samples: dict[int, str]) -> None:
    data = b"".join(run_events([*records, {"step": 50, "seconds": 1.5, "loss": 2.0}], samples, 1e9))
    found = events_of(data)
    assert (50, "loss", 2.0) in found
    texts = {(step, value) for step, tag, value in found if tag == "sample"}
    assert texts == {(step, "    " + text.replace("\n", "\n    ")) for step, text in samples.items() if step <= 50}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current folder, with a text and a config."""
    monkeypatch.chdir(tmp_path)
    Path("my.txt").write_text("the cat sat on the mat\n" * 30)
    Path("my.yaml").write_text(CONFIG)


def expected() -> list[tuple[int, str, Any]]:
    """What the log and the samples of the run call for."""
    wanted: list[tuple[int, str, Any]] = []
    for line in Path("runs/my/log.jsonl").read_text().splitlines():
        record = json.loads(line)
        numbers = {name: value for name, value in record.items() if isinstance(value, int | float)}
        wanted += [(record["step"], name, np.float32(value)) for name, value in numbers.items()]
    wanted = [entry for entry in wanted if entry[1] not in ("step", "seconds")]
    for path in Path("runs/my/samples").iterdir():
        wanted.append((int(path.stem), "sample", "    " + path.read_text().replace("\n", "\n    ")))
    return sorted(wanted, key=str)


@pytest.mark.usefixtures("folder")
def test_a_run_writes_its_log_and_samples_while_it_goes_on_and_when_it_is_resumed() -> None:
    assert call("train", "my.yaml", "--quiet", "--set", "train.max_steps=2").code == 0
    assert not EVENTS.exists()
    live = ["--quiet", "--set", "train.tensorboard=true"]
    assert call("train", "my.yaml", "--resume", *live).code == 0
    assert sorted(events_of(EVENTS.read_bytes()), key=str) == expected()
    assert {tag for _, tag, _ in expected()} >= {"loss", "valid_loss", "learning_rate", "sample"}
    assert call("train", "my.yaml", "--force", *live).code == 0
    assert sorted(events_of(EVENTS.read_bytes()), key=str) == expected()
    model = Path("runs/my/last.npz").read_bytes()
    assert call("train", "my.yaml", "--force", "--quiet").code == 0
    assert not EVENTS.exists()
    assert Path("runs/my/last.npz").read_bytes() == model


@pytest.mark.usefixtures("folder")
def test_export_writes_the_events_of_a_finished_run() -> None:
    assert call("train", "my.yaml", "--quiet").code == 0
    assert call("export", "runs/my", "events", "--to", "tensorboard").code == 0
    assert sorted(events_of((Path("events") / EVENTS_NAME).read_bytes()), key=str) == expected()
    again = call("export", "runs/my", "events", "--to", "tensorboard")
    assert (again.code, again.err.count("\n")) == (2, 1)
    alone = call("export", "runs/my/best.npz", "other", "--to", "tensorboard")
    assert (alone.code, alone.err.count("\n"), Path("other").exists()) == (2, 1, False)


@pytest.mark.usefixtures("folder")
def test_tensorboard_reads_the_file() -> None:
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    assert call("train", "my.yaml", "--quiet", "--set", "train.tensorboard=true").code == 0
    with np.errstate(all="ignore"):
        read = reader.EventAccumulator(str(EVENTS.parent))
        read.Reload()
    losses = [(event.step, "loss", np.float32(event.value)) for event in read.Scalars("loss")]
    assert losses == [entry for entry in expected() if entry[1] == "loss"]
    texts = [event.tensor_proto.string_val[0].decode() for event in read.Tensors("sample")]
    assert texts == [value for _, tag, value in expected() if tag == "sample"]
