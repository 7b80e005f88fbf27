"""Malicious files of every kind that charrnn reads: no code runs, memory stays bounded, no control character shows."""

import io
import json
import os
import pickle
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charrnn.errors import CheckpointError
from charrnn.models.loading import load_checkpoint
from charrnn.storage import checkpoint
from tests.support.archives import GRID, entry, header_saying, npy, npy_saying, zipped
from tests.support.processes import CSI, SMALL, call, commands_to_a_terminal, environment, project, run_in_terminal
from tests.support.torture import volume

HERE = Path(__file__).parent
GOOD = HERE.parent / "support" / "fixtures" / "format-1.npz"
SEEDS = 4


@pytest.mark.row(6)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_loader_accepts_any_file_or_raises_one_kind_of_error_in_little_memory_and_time(
    seed: int, tmp_path: Path, tried: Any
) -> None:
    seconds = volume(8, 15 * 60) / SEEDS
    command = [
        sys.executable,
        str(HERE.parent / "support" / "fuzz.py"),
        str(seed + (os.getpid() if seconds > 60 else 0)),
        str(seconds),
    ]
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, env=environment())
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    tried(found["tried"])
    assert found["tried"] >= 20, "a busy machine tries few, but not none"
    assert found["tried"] / 2 > found["taken"] > 0, "some files must be harmless, or the fuzzer makes only one kind"
    assert (found["lines"], found["slowest"] < 1) == (1, True)
    assert found["memory"] < 128 << 20


# -- bombs --------------------------------------------------------------------------------------------------------

HEADER_BYTES = 14 << 20  # as large as a header may be


def document(inside: str, count: int) -> str:
    """The JSON of a header with a list of `count` equal values."""
    return '{"format": "charrnn", "version": 1, "arrays": {}, "more": [' + ",".join([inside] * count) + "]}"


BOMBS: dict[str, Callable[[], str]] = {
    "a header of empty lists": lambda: document("[]", HEADER_BYTES // 3 - 50),
    "a header of empty objects": lambda: document("{}", HEADER_BYTES // 3 - 50),
    "a header of small objects": lambda: document('{"a":1}', HEADER_BYTES // 8 - 50),
    "a header of numbers": lambda: document("1.5", HEADER_BYTES // 4 - 50),
    "a header of long numbers": lambda: document("9" * 4000, HEADER_BYTES // 4001 - 50),
    "a header of short texts": lambda: document('"ab"', HEADER_BYTES // 5 - 50),
    "a header of nested lists": lambda: document("[" * 500 + "]" * 500, HEADER_BYTES // 1001 - 50),
    "a header of one wide text": lambda: document('"' + "a" * (HEADER_BYTES - 200) + '\\ud83d\\ude00"', 1),
    "a header of wide texts": lambda: document('"' + "a" * 1000 + '\\ud83d\\ude00"', HEADER_BYTES // 1015 - 50),
    "a header of escapes": lambda: document('"' + "\\u0041" * (HEADER_BYTES // 6 - 100) + '"', 1),
    "a header of different keys": lambda: json.dumps({f"k{n}": n for n in range(HEADER_BYTES // 18)}),
    "a header that is too large": lambda: document('"' + "a" * HEADER_BYTES + '"', 1),
    "a header that is all blanks": lambda: " " * (HEADER_BYTES - 200),
    "a header of raw wide text": lambda: document('"' + "😀" * (HEADER_BYTES // 5) + '"', 1),
}


def assert_refused_in_bounded_memory(path: Path) -> None:
    """The loader refuses a file with one printable error, in memory of at most twice its size and 64 MB."""
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError) as error:
            load_checkpoint(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert str(error.value).isprintable()
    assert peak <= 2 * path.stat().st_size + (64 << 20), f"{peak / 2**20:.0f} MB for {path.stat().st_size / 2**20:.0f}"


@pytest.mark.row(7)
@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_header_does_not_unfold_to_many_times_its_size(bomb: Callable[[], str], tmp_path: Path) -> None:
    assert_refused_in_bounded_memory(
        zipped(tmp_path / "bomb.npz", [("header.npy", npy(np.frombuffer(bomb().encode(), np.uint8)))])
    )


def test_a_checkpoint_with_all_of_unicode_and_many_evaluations_is_readable(tmp_path: Path) -> None:
    symbols = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
    header = {"vocab": {"symbols": symbols}, "training": {"history": [[10**6, 1 / 3, 2 / 3]] * 1000}}
    checkpoint.save(tmp_path / "wide.npz", header, {"grid": GRID})
    assert checkpoint.load(tmp_path / "wide.npz")[0]["vocab"]["symbols"] == symbols


def test_a_member_of_the_length_of_a_header_is_not_read_twice(tmp_path: Path) -> None:
    """A header stored as four-byte numbers instead of bytes does not escape the limits."""
    text = document("[]", HEADER_BYTES // 3 - 100).encode()
    wide = np.frombuffer(text[: len(text) // 4 * 4], "<f4")
    assert_refused_in_bounded_memory(zipped(tmp_path / "wide.npz", [("header.npy", npy(wide))]))


# -- code ---------------------------------------------------------------------------------------------------------

CANARY = "canary"  # the file that each of these creates in the working directory if its code runs


class Evil:
    """An object that creates the canary when it is unpickled."""

    def __reduce__(self) -> Any:
        return open, (CANARY, "w")


def pickled(protocol: int) -> bytes:
    """A pickle of the evil object."""
    return pickle.dumps([Evil()], protocol)


def objects(protocol: int) -> bytes:
    """An array of the evil object in NumPy's format, in any protocol of pickle."""
    return npy_saying("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", pickled(protocol))


def with_member(name: str, data: bytes, kind: str = "|O") -> bytes:
    """A checkpoint with one more member, which its header calls an array of a NumPy type."""
    described = {"dtype": kind, "shape": [1], "sha256": "0" * 64}
    document = {"format": "charrnn", "version": 1, "arrays": {name: described, "grid": entry(GRID)}}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for member, content in [header_saying(document), ("grid.npy", npy(GRID)), (f"{name}.npy", data)]:
            archive.writestr(member, content)
    return out.getvalue()


CALL = f"__import__('pathlib').Path('{CANARY}').touch()"
CHECKPOINTS: dict[str, bytes] = {
    **{f"a pickle of protocol {n}": pickled(n) for n in range(6)},
    **{f"an array of objects of protocol {n}": objects(n) for n in range(6)},
    **{f"objects among the arrays, protocol {n}": with_member("weight_hh_l0", objects(n)) for n in range(6)},
    **{f"a pickle among the arrays, protocol {n}": with_member("moments", pickled(n)) for n in range(6)},
    **{
        f"a pickle called an array of {kind}": with_member("state", pickled(2), kind)
        for kind in sorted(checkpoint.DTYPES)
    },
    **{
        f"a call for {field}": with_member("x", npy_saying(fields.replace("@", CALL)), "<f4")
        for field, fields in {
            "a type": "{'descr': @, 'fortran_order': False, 'shape': (1,), }",
            "an order": "{'descr': '<f4', 'fortran_order': @, 'shape': (1,), }",
            "a shape": "{'descr': '<f4', 'fortran_order': False, 'shape': @, }",
            "a header": "@",
        }.items()
    },
    "a Python script": CALL.encode(),
    "a Python archive": b"#!/usr/bin/env python3\n" + with_member("__main__", CALL.encode()),
}


@pytest.mark.row(8)
@pytest.mark.parametrize("data", CHECKPOINTS.values(), ids=CHECKPOINTS)
def test_no_checkpoint_runs_anything(data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project(tmp_path))
    Path("evil.npz").write_bytes(data)
    for command in ("info evil.npz", "sample evil.npz", "eval evil.npz", "train my.yaml --init-from evil.npz"):
        result = call(*command.split())
        assert (result.code, result.out, len(result.lines)) == (2, b"", 1)
    assert not Path(CANARY).exists()


def test_the_canary_appears_if_one_of_these_files_is_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for n in range(6):
        pickle.loads(pickled(n))[0].close()
        assert Path(CANARY).exists()
        Path(CANARY).unlink()
        Path("objects.npy").write_bytes(objects(n))
        np.load("objects.npy", allow_pickle=True)[0].close()
        assert Path(CANARY).exists()
        Path(CANARY).unlink()


TAGS = [
    f"!!python/object/apply:os.system ['touch {CANARY}']",
    f"!!python/object/apply:builtins.open [{CANARY}, w]",
    f"!!python/object/new:os.system [touch {CANARY}]",
    "!!python/name:os.system",
    "!!python/module:os",
    "!!python/object:charrnn.Network {}",
    f"!!python/tuple [{CANARY}]",
    "!!python/bytes aGk=",
    f"!<tag:yaml.org,2002:python/object/apply:os.system> ['touch {CANARY}']",
    "!!binary aGk=",
    "!!set {a}",
    "!custom a",
    f"!!js/function 'touch {CANARY}'",
]
SPOTS = ["{}", "data: {}", "data: {{path: {}}}", "data: {{path: text.txt}}\nmodel: {{cell: {}}}"]


@pytest.mark.row(8)
@pytest.mark.parametrize("spot", SPOTS)
@pytest.mark.parametrize("tag", TAGS)
def test_no_config_runs_anything(tag: str, spot: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project(tmp_path, config=spot.format(tag)))
    result = call("train", "my.yaml")
    assert (result.code, result.out) == (2, b"")
    assert all(line.startswith("charrnn: my.yaml:") for line in result.lines)
    if spot.startswith("data: {{"):
        result = call("train", "my.yaml", "--set", f"model.cell={tag}")
        assert result.code == 2
    assert not Path(CANARY).exists()


SEQUENCES = {
    "a title": "\x1b]0;owned\x07", "a colour": "\x1b[31m", "a cleared screen": "\x1b[2J\x1b[H", "eight bits": "\x9b31m",
    "a clipboard": "\x1b]52;c;aGk=\x07", "a link": "\x1b]8;;http://evil\x1b\\", "backspaces": "a\b\b\b",
    "a bell": "\x07",
    "text that runs backwards": "\u202etxt", "nothing to see": "\u200b\u2060", "a line of its own": "a\rcharrnn: fine",
}  # fmt: skip


@pytest.mark.row(8)
@pytest.mark.parametrize("part", range(3))
def test_no_text_sends_control_characters_to_a_terminal(part: int, tmp_path: Path) -> None:
    """They are in the corpus, so in the vocabulary, samples and live panel; and in keys, values and file names."""
    sequence = " ".join([*SEQUENCES.values()][part::3])
    project(tmp_path, (sequence + " abc ") * 500, SMALL)
    (tmp_path / "bad.yaml").write_text(
        f"data: {{path: text.txt}}\n{json.dumps(sequence)}: 1\nmodel: {{cell: {json.dumps(sequence)}}}\n"
    )
    for typed in ("train my.yaml", "sample runs/my --length 50", "info runs/my", "train bad.yaml", "eval"):
        command = [*typed.split(), sequence] if typed == "eval" else typed.split()
        shown = run_in_terminal(*command, cwd=tmp_path).out.decode(errors="backslashreplace")
        if typed == "train my.yaml":  # the panel has sequences of its own
            shown = CSI.sub("", shown)
        assert shown
        assert not commands_to_a_terminal(shown.replace("\r", "")), typed
