"""Rows with their predictions, as `charrnn predict` prints them: two thousand at a time, in their order."""

import json
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain
from typing import TYPE_CHECKING, Any

from charrnn.cli.predicted_columns import Columns, Shown
from charrnn.cli.streams import LinesOut
from charrnn.errors import TextError

if TYPE_CHECKING:
    from charrnn.data import StreamedRow

ROWS_AT_ONCE = 2048
CHARS_AT_ONCE = 1 << 19  # of all of these rows
CHUNKS_AT_ONCE = 8  # that wait to be printed because a process is slow
ESCAPED = str.maketrans({"\t": "\\t", "\n": "\\n", "\r": "\\r"})


class RowWriter:
    """Predicts rows and prints them.

    Arguments:
        columns: what is predicted, as cells of a row.
        shown: what is printed of each row.
        out: where it is printed.
    """

    def __init__(self, columns: Columns, shown: Shown, out: LinesOut) -> None:
        self.columns = columns
        self.shown = shown
        self.out = out

    def write_all(self, rows: "Iterable[StreamedRow]") -> None:
        """Predict and print all rows. Those before a fault are printed first.

        What follows the first chunk of rows is shared out over processes, one for each processor.
        """
        chunks = self._chunks(rows)
        self.out.write(self.lines(next(chunks, [])))
        others = next(chunks, None)
        if others is not None:
            with closing(self._shared_out(chain([others], chunks))) as found:
                for lines in found:
                    self.out.write(lines)

    def _shared_out(self, chunks: "Iterable[list[StreamedRow]]") -> Generator[list[str], None, None]:
        """The lines of chunks, in their order. A chunk goes to a process that is free, or else is predicted here."""
        from charrnn.processes import call_worker, close, cores, start

        workers = [start(_serve, self) for _ in range(cores() - 1)]
        starting, free = [*workers], []
        waiting: deque[Any] = deque()  # the lines of each chunk, or the process that makes them

        def received(worker: Any) -> list[str]:
            """What a process sends: nothing once it has started, then the lines of each chunk. It is free then."""
            process, pipe = worker
            lines: list[str] = call_worker(process, "predict a smaller file at a time", pipe.recv)
            free.append(worker)
            return lines

        def next_lines() -> list[str]:
            lines = waiting.popleft()
            return lines if isinstance(lines, list) else received(lines)

        try:
            fault = None
            try:
                for chunk in chunks:
                    for worker in filter(_is_ready, starting.copy()):
                        received(worker)
                        starting.remove(worker)
                    if free:
                        waiting.append(free.pop())
                        waiting[-1][1].send(chunk)
                    else:
                        waiting.append([*self.lines(chunk)])
                    while waiting and (len(waiting) > CHUNKS_AT_ONCE or _is_ready(waiting[0])):
                        yield next_lines()
            except TextError as error:
                fault = error
            while waiting:
                yield next_lines()
            if fault:
                raise fault
        finally:
            for process, pipe in workers:
                process.kill()
                process.join()
                close(pipe)

    def _chunks(self, rows: "Iterable[StreamedRow]") -> "Iterator[list[StreamedRow]]":
        chunk: list[StreamedRow] = []
        chars = 0
        try:
            for row in rows:
                self._check_length(row)
                chunk.append(row)
                chars += len(row.line)
                if len(chunk) == ROWS_AT_ONCE or chars > CHARS_AT_ONCE:
                    yield chunk
                    chunk, chars = [], 0
        except TextError:
            yield chunk
            raise
        if chunk:
            yield chunk

    def _check_length(self, row: "StreamedRow") -> None:
        longest = self.columns.longest
        if row.source and len(row.source) > longest:
            raise TextError(
                f"{row.place}: a text of {len(row.source):,} characters; this model can read {longest:,} at once: "
                f"cut it into several"
            )

    def lines(self, rows: "Sequence[StreamedRow]") -> Iterator[str]:
        """The lines of rows with their predictions."""
        lines = map(self._line, rows, self.columns.predict(rows))
        return (line for line in lines if line is not None)

    def _line(self, row: "StreamedRow", prediction: Any) -> str | None:
        """The line of a row; the header of a table has none if objects are printed."""
        if self.shown.format == "jsonl" and not self.shown.only:
            return self._object(row.record, prediction) if row.record is not None else row.line
        if self.shown.as_json:
            return None if row.source is None else self._object({"text": row.source}, prediction)
        cells = self.columns.head() if row.source is None else self.columns.cells(prediction)
        return self._joined([] if self.shown.only else [row.line], cells)

    def _joined(self, before: list[str], cells: list[str]) -> str:
        if self.shown.format == "csv":
            return ",".join([*before, *map(csv_cell, cells)])
        return "\t".join([*before, *(cell.translate(ESCAPED) for cell in cells)])

    def _object(self, record: dict[str, Any], prediction: Any) -> str:
        """A record with what is predicted, as a line of JSON."""
        text = json.dumps(record | self.columns.fields(prediction), ensure_ascii=self.out.is_terminal)
        try:
            text.encode()
        except UnicodeEncodeError:  # half a surrogate pair in a cell that is not predicted from
            return json.dumps(record | self.columns.fields(prediction))
        return text


def _serve(pipe: Any, writer: RowWriter) -> None:
    """The task of another process: the lines of each chunk of rows that it receives. It begins by sending none."""
    pipe.send([])
    while True:
        pipe.send([*writer.lines(pipe.recv())])


def _is_ready(lines: Any) -> bool:
    """Whether the lines of a chunk are there, or a process has sent some."""
    return isinstance(lines, list) or lines[1].poll(0)


def csv_cell(text: str) -> str:
    """A cell of a CSV file (RFC 4180)."""
    return '"' + text.replace('"', '""') + '"' if any(symbol in text for symbol in ',"\r\n') else text
