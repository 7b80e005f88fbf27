"""Rows with their predictions, as `charrnn predict` prints them: some thousand at a time, in their order."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from charrnn.cli.predicted_columns import Columns, Shown
from charrnn.cli.streams import LinesOut
from charrnn.errors import TextError

if TYPE_CHECKING:
    from charrnn.data import StreamedRow

ROWS_AT_ONCE = 4096
CHARS_AT_ONCE = 1 << 20  # of all of these rows
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
            self._write_in_processes(chain([others], chunks))

    def _write_in_processes(self, chunks: "Iterator[list[StreamedRow]]") -> None:
        from charrnn.processes import call_worker, close, cores, start

        workers = [start(_serve, self) for _ in range(cores() - 1)]
        try:
            for group in _groups(chunks, cores()):
                own, *others = group
                for (_, pipe), chunk in zip(workers, others, strict=False):
                    pipe.send(chunk)
                self.out.write(self.lines(own))
                for (process, pipe), _ in zip(workers, others, strict=False):
                    self.out.write(call_worker(process, "predict a smaller file at a time", pipe.recv))
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
    """The task of another process: the lines of each chunk of rows that it receives."""
    while True:
        pipe.send([*writer.lines(pipe.recv())])


def _groups(chunks: "Iterator[list[StreamedRow]]", size: int) -> "Iterator[list[list[StreamedRow]]]":
    """As many chunks at a time; before a fault those that were read."""
    group: list[list[StreamedRow]] = []
    try:
        for chunk in chunks:
            group.append(chunk)
            if len(group) == size:
                yield group
                group = []
    except TextError:
        if group:
            yield group
        raise
    if group:
        yield group


def csv_cell(text: str) -> str:
    """A cell of a CSV file (RFC 4180)."""
    return '"' + text.replace('"', '""') + '"' if any(symbol in text for symbol in ',"\r\n') else text
