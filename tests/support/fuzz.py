"""Feeds the loader files that are wrong in all manner of ways, and says what came of it as one line of JSON.

    python tests/fuzz.py SEED SECONDS FOLDER

A process of its own, so that its memory is the loader's. Half of the files are a good one with bytes changed; the other
half are whole archives, checksums and all, with what is inside them changed.
"""

import io
import json
import random
import sys
import time
import warnings
import zipfile
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.errors import CheckpointError
from charrnn.models.loading import load_checkpoint

GOOD = Path(__file__).parent / "fixtures" / "format-1.npz"
ODD: list[Any] = [
    None, True, 0, 1, -1, 2**31, 2**63, 10**40, 0.5, -0.0, 1e308, "", "a", "<f4", "|O", "\x00", "\ud800", "☃" * 9,
    [], [1], [2, 3], [[]] * 9, {}, {"a": 1}, "lstm", "char", [1 << 40], [-1], "0" * 64,
]  # fmt: skip


def flipped(rng: random.Random, data: bytes) -> bytes:
    """Bytes changed, taken out, put in, moved or cut off."""
    changed = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5, 50])):
        at, size = rng.randrange(len(changed) + 1), rng.choice([1, 2, 4, 8, 100])
        way = rng.randrange(5)
        if way == 0 and at < len(changed):
            changed[at] ^= 1 << rng.randrange(8)
        elif way == 1:
            changed[at : at + size] = rng.randbytes(size)
        elif way == 2:
            changed[at : at + size] = b""
        elif way == 3:
            changed[at:at] = changed[(start := rng.randrange(len(changed) + 1)) : start + size]
        else:
            changed[at : at + size] = rng.choice([b"\0", b"\xff"]) * size
        if not changed:
            break
    return bytes(changed[: rng.randrange(len(changed) + 1)]) if rng.random() < 0.1 else bytes(changed)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every place inside a JSON document: what holds it, and its key there."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    return [place for key in keys for place in [(value, key), *places(value[key])]]


def rebuilt(rng: random.Random, data: bytes) -> bytes:
    """A whole archive, with members, arrays, manifest and header changed at random."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {info.filename.removesuffix(".npy"): archive.read(info) for info in archive.infolist()}
    header = json.loads(np.load(io.BytesIO(members.pop("header"))).tobytes())
    for _ in range(rng.choice([0, 1, 1, 2, 5])):
        holder, key = rng.choice(places(header))
        if rng.random() < 0.3:
            del holder[key]
            break  # the other places may have gone with it
        holder[key] = deepcopy(rng.choice(ODD))
    for _ in range(rng.choice([0, 1, 1, 2])):
        name = rng.choice(list(members))
        way = rng.randrange(5)
        if way == 0:
            del members[name]
        elif way == 1:
            members[rng.choice(["x", "header2", "../x", "", "a" * 300, "\x1b[2J"])] = members[name]
        elif way == 2:
            members[name] = flipped(rng, members[name])
        elif way == 3:
            file = io.BytesIO()
            shape = [rng.choice([0, 1, 3, 7]) for _ in range(rng.randrange(4))]
            kind = rng.choice(["<f4", "<f8", ">f4", "|u1", "<i8", "|b1", "<c8", "|S3"])
            np.lib.format.write_array(file, np.zeros(shape, kind), allow_pickle=False)
            members[name] = file.getvalue()
        else:
            text = b"{'descr': '<f4', 'fortran_order': False, 'shape': (%d,), }" % rng.choice([0, 1, 2**40, 10**30])
            members[name] = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + rng.randbytes(8)
    text = json.dumps(header).encode()
    file = io.BytesIO()
    np.lib.format.write_array(file, np.frombuffer(text, np.uint8))
    out = io.BytesIO()
    how = rng.choice([zipfile.ZIP_STORED] * 9 + [zipfile.ZIP_DEFLATED])
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", how) as archive:
        warnings.simplefilter("ignore")
        for name, content in {"header": file.getvalue(), **members}.items():
            info = zipfile.ZipInfo(f"{name}.npy")
            info.compress_type = how
            archive.writestr(info, content)
            if rng.random() < 0.03:
                setattr(info, rng.choice(["file_size", "compress_size", "header_offset"]), rng.choice([0, 1, 1 << 31]))
    return out.getvalue()


def peak_memory() -> int:
    """The most memory that this process has had, in bytes."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) << 10


def fuzz(seed: int, seconds: float, folder: Path) -> dict[str, Any]:
    """Until the time is over. Any error but CheckpointError ends it, with a traceback; the file stays."""
    rng, good, path = random.Random(seed), GOOD.read_bytes(), folder / "fuzzed.npz"
    found = {"tried": 0, "taken": 0, "lines": 0, "slowest": 0.0}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        path.write_bytes(rng.choice([flipped, rebuilt])(rng, good))
        began = time.process_time()
        try:
            load_checkpoint(path)
            found["taken"] += 1
        except CheckpointError as error:
            found["lines"] = max(found["lines"], str(error).count("\n") + 1)
        found["tried"] += 1
        found["slowest"] = max(found["slowest"], time.process_time() - began)
    return found | {"memory": peak_memory()}


if __name__ == "__main__":
    print(json.dumps(fuzz(int(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3]))))
