"""Event files of TensorBoard, which show the log and the samples of a run as curves and texts.

A file is a sequence of records: the length, a checksum of it, the data, and a checksum of these. The data is an `Event`
in the wire format of protocol buffers; field numbers are those of TensorFlow's event.proto, summary.proto and
tensor.proto. The checksums are CRC-32C (Castagnoli et al. 1993), masked as in TensorFlow. The log is the record of a
run: events are made from it, and nothing reads them back.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

EVENTS_NAME = "events.out.tfevents.charrnn"  # of a file; TensorBoard looks for "tfevents"
NOT_DRAWN = ("step", "seconds")  # fields of a record that are no curves
CASTAGNOLI, MASK = 0x82F63B78, 0xA282EAD8
SAMPLE = "sample"  # the name of the texts that are drawn in training
DT_STRING = 7
LARGEST = 3e38  # number that a curve can hold


@cache
def _checksums_of_bytes() -> list[int]:
    table = []
    for byte in range(256):
        remainder = byte
        for _ in range(8):
            remainder = remainder >> 1 ^ CASTAGNOLI * (remainder & 1)
        table.append(remainder)
    return table


def checksum(data: bytes) -> int:
    """The CRC-32C of bytes."""
    table, remainder = _checksums_of_bytes(), 0xFFFFFFFF
    for byte in data:
        remainder = table[(remainder ^ byte) & 0xFF] ^ remainder >> 8
    return remainder ^ 0xFFFFFFFF


def _masked(data: bytes) -> bytes:
    value = checksum(data)
    return struct.pack("<I", ((value >> 15 | value << 17) + MASK) & 0xFFFFFFFF)


def _record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + _masked(length) + data + _masked(data)


# -- protocol buffers -------------------------------------------------------------------------------------------------


def _varint(value: int) -> bytes:
    """A whole number, 7 bits in each byte, the lowest first."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])


def _int(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _double(number: int, value: float) -> bytes:
    return _varint(number << 3 | 1) + struct.pack("<d", value)


def _bytes(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _float(number: int, value: float) -> bytes:
    return _varint(number << 3 | 5) + struct.pack("<f", value)


# -- events -----------------------------------------------------------------------------------------------------------


def opening(time: float) -> bytes:
    """What a file begins with: the version of the format. Times are in seconds since 1970."""
    return _record(_double(1, time) + _bytes(3, b"brain.Event:2"))


def _event(time: float, step: int, values: Iterable[bytes]) -> bytes:
    summary = b"".join(_bytes(1, value) for value in values)
    return _record(_double(1, time) + _int(2, step) + _bytes(5, summary))


def record_event(time: float, record: Mapping[str, Any]) -> bytes:
    """The event of a record of the log: a point of a curve for each number, a text for each string."""
    return _event(time, record["step"], _values(record))


def _values(record: Mapping[str, Any]) -> Iterator[bytes]:
    for name, value in record.items():
        if name in NOT_DRAWN:
            continue
        if isinstance(value, int | float) and abs(value) < LARGEST:
            yield _bytes(1, _encoded(name)) + _float(2, value)
        elif isinstance(value, str):
            yield _text(name, value)


def sample_event(time: float, step: int, text: str) -> bytes:
    """The event of a text that was drawn after a step."""
    return _event(time, step, [_text(SAMPLE, text)])


def _text(name: str, text: str) -> bytes:
    """A text, indented so that TensorBoard, which reads Markdown, shows it as it is."""
    shown = "\n".join(f"    {line}" for line in text.split("\n"))
    plugin = _bytes(9, _bytes(1, _bytes(1, b"text")))
    shape = _bytes(2, _bytes(2, _int(1, 1)))
    tensor = _int(1, DT_STRING) + shape + _bytes(8, shown.encode("utf-8", "replace"))
    return _bytes(1, _encoded(name)) + plugin + _bytes(8, tensor)


def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "replace")


def run_events(records: Iterable[Mapping[str, Any]], samples: Mapping[int, str], end: float) -> Iterator[bytes]:
    """A whole file of a run, piece by piece.

    Arguments:
        records: of the log, in order.
        samples: step -> text.
        end: when the last record was written, in seconds since 1970.
    """
    timed = [record for record in records if _has_place(record)]
    start = end - (timed[-1]["seconds"] if timed else 0)
    yield opening(start)
    for record in timed:
        yield record_event(start + record["seconds"], record)
    times = {record["step"]: start + record["seconds"] for record in timed}
    last = timed[-1]["step"] if timed else 0
    for step, text in samples.items():
        if step <= last:  # later ones belong to steps that were undone
            yield sample_event(times.get(step, end), step, text)


def _has_place(record: Mapping[str, Any]) -> bool:
    """Whether a record says at which step and after how many seconds it was made; a log may have been edited."""
    step, seconds = record.get("step"), record.get("seconds")
    return type(step) is int and 0 <= step < 1 << 63 and isinstance(seconds, int | float) and abs(seconds) < 1e15
