"""Rows with their predictions, as `charrnn predict` prints them: some thousand at a time, in their order."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from charrnn.cli.streams import LinesOut
from charrnn.errors import TextError

if TYPE_CHECKING:
    from charrnn.data import Layout, StreamedRow
    from charrnn.evaluation import Prediction
    from charrnn.models import TaskModel

ROWS_AT_ONCE = 4096
CHARS_AT_ONCE = 1 << 20  # of all of these rows
MAX_TEXT_BYTES = 1 << 30  # of memory to read one text
DECIMALS = 6  # of a probability in JSON
ESCAPED = str.maketrans({"\t": "\\t", "\n": "\\n", "\r": "\\r"})


@dataclass(frozen=True)
class Shown:
    """What is printed of each row: the options of the command, and the format of the rows."""

    format: str
    top: int | None = None
    threshold: float | None = None
    only: bool = False
    as_json: bool = False


class RowWriter:
    """Predicts rows and prints them.

    Arguments:
        voters: models with the same labels.
        shown: what is printed of each row.
        out: where it is printed.
    """

    def __init__(self, voters: "Sequence[TaskModel]", shown: Shown, out: LinesOut) -> None:
        self.voters = voters
        self.shown = shown
        self.out = out
        first = voters[0]
        self.output = "tag" if first.network.task.tag else first.network.task.output
        self.names = first.labels.names
        self.between = separator_of(first)
        self.longest = min(longest_text(voter) for voter in voters)

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
        if row.source and len(row.source) > self.longest:
            raise TextError(
                f"{row.place}: a text of {len(row.source):,} characters; this model can read {self.longest:,} at once: "
                f"cut it into several"
            )

    def lines(self, rows: "Sequence[StreamedRow]") -> Iterator[str]:
        """The lines of rows with their predictions."""
        from charrnn.evaluation import predict

        threshold = {} if self.shown.threshold is None else {"threshold": self.shown.threshold}
        predictions = predict(self.voters, [row.source or "" for row in rows], **threshold)
        lines = map(self._line, rows, predictions)
        return (line for line in lines if line is not None)

    def _line(self, row: "StreamedRow", prediction: "Prediction") -> str | None:
        """The line of a row; the header of a table has none if objects are printed."""
        if self.shown.format == "jsonl" and not self.shown.only:
            return self._object(row.record, prediction) if row.record is not None else row.line
        if self.shown.as_json:
            return None if row.source is None else self._object({"text": row.source}, prediction)
        cells = self._head() if row.source is None else self._cells(prediction)
        return self._joined([] if self.shown.only else [row.line], cells)

    def _joined(self, before: list[str], cells: list[str]) -> str:
        if self.shown.format == "csv":
            return ",".join([*before, *map(csv_cell, cells)])
        return "\t".join([*before, *(cell.translate(ESCAPED) for cell in cells)])

    def _head(self) -> list[str]:
        """The names of the new columns."""
        if self.output == "linear":
            return [f"predicted {name}" for name in self.names]
        count = min(self.shown.top or 1, len(self.names))
        pair = ["prediction"] if self.shown.only else ["prediction", "probability"]
        return [f"{name} {k}" for k in range(1, count + 1) for name in pair] if self.shown.top else pair

    def _cells(self, prediction: "Prediction") -> list[str]:
        """The new cells of a row."""
        scores = prediction.scores
        if self.output == "linear":
            return [f"{value:.6g}" for value in scores.tolist()] or [""] * len(self.names)
        if self.shown.top:
            pairs = [(name, f"{p:.4f}") for name, p in self._likeliest(prediction)]
            pairs = pairs or [("", "")] * min(self.shown.top, len(self.names))
            return [cell for pair in pairs for cell in (pair[:1] if self.shown.only else pair)]
        label = self.between.join(prediction.labels)
        if self.shown.only:
            return [label]
        if self.output == "tag":
            return [label, f"{prediction.label_scores.mean():.4f}" if len(scores) else ""]
        if self.output == "softmax":
            return [label, f"{max(scores.tolist()):.4f}" if len(scores) else ""]
        return [label, self.between.join(f"{prediction.probabilities[name]:.4f}" for name in prediction.labels)]

    def _likeliest(self, prediction: "Prediction") -> list[tuple[str, float]]:
        """Labels with their probabilities, the likeliest first; --top says how many."""
        pairs = sorted(prediction.probabilities.items(), key=lambda pair: -pair[1])
        return pairs[: self.shown.top]

    def _object(self, record: dict[str, Any], prediction: "Prediction") -> str:
        """A record with what is predicted, as a line of JSON."""
        text = json.dumps(record | self._fields(prediction), ensure_ascii=self.out.is_terminal)
        try:
            text.encode()
        except UnicodeEncodeError:  # half a surrogate pair in a cell that is not predicted from
            return json.dumps(record | self._fields(prediction))
        return text

    def _fields(self, prediction: "Prediction") -> dict[str, Any]:
        """What is predicted, as JSON data."""
        if self.output == "tag":
            return tag_fields(prediction)
        numbers = prediction.probabilities
        if self.output == "linear":
            values = {name: float(f"{value:.{DECIMALS}g}") for name, value in numbers.items()}
            return {"prediction": next(iter(values.values()), None) if len(self.names) == 1 else values or None}
        rounded = {name: round(p, DECIMALS) for name, p in self._likeliest(prediction)}
        if self.output == "sigmoid":
            return {"prediction": list(prediction.labels), "probabilities": rounded}
        if not prediction.labels:
            return {"prediction": None, "probability": None, "probabilities": {}}
        return {"prediction": prediction.label, "probability": rounded[prediction.label], "probabilities": rounded}


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


def tag_fields(prediction: "Prediction") -> dict[str, Any]:
    """The labels of units and their places, and the spans that they stand for, as JSON data."""
    from charrnn.data import has_span_labels
    from charrnn.evaluation import predicted_spans

    p = prediction.label_scores.tolist()
    fields: dict[str, Any] = {
        "prediction": list(prediction.labels),
        "probability": round(sum(p) / len(p), DECIMALS) if p else None,
        "units": [
            {"start": start, "end": stop, "label": label, "probability": round(own, DECIMALS)}
            for (start, stop), label, own in zip(prediction.places, prediction.labels, p, strict=True)
        ],
    }
    if has_span_labels(prediction.names):
        spans = predicted_spans(prediction)
        fields["spans"] = [{"start": own.start, "end": own.stop, "label": own.type} for own in spans]
    return fields


def separator_of(model: "TaskModel") -> str:
    """What is written between the labels of a text."""
    from charrnn.evaluation import has_tokens

    if not model.network.task.tag:
        return model.rules.separator or ","
    return " " if has_tokens(model.rules) else model.rules.separator or ""


def longest_text(model: "TaskModel") -> int:
    """The characters of the longest text that a model reads in MAX_TEXT_BYTES."""
    steps = 1000
    per_symbol = model.network.tape_bytes(steps, 1, training=False) / steps
    symbols_per_char = 4 if model.vocab.tokens == "byte" else 1
    return int(MAX_TEXT_BYTES / per_symbol / symbols_per_char)


def csv_cell(text: str) -> str:
    """A cell of a CSV file (RFC 4180)."""
    return '"' + text.replace('"', '""') + '"' if any(symbol in text for symbol in ',"\r\n') else text


def write_sentences(voters: "Sequence[TaskModel]", source: Any, layout: "Layout", out: LinesOut) -> None:
    """Print a CoNLL or CoNLL-U file with the predicted labels in its target column. A missing column is added."""
    from charrnn.data import stream_sentences, target_position
    from charrnn.evaluation import predict_units, spell_sentence

    rules = voters[0].rules
    position = target_position(layout)
    for block in stream_sentences(source, layout, voters[0].config.data.encoding):
        lines = block.lines
        predictions = predict_units(voters, [spell_sentence(own, rules) for own in block.sentences])
        for sentence, prediction in zip(block.sentences, predictions, strict=True):
            for token_line, label in zip(sentence.token_lines, prediction.labels, strict=True):
                number = sentence.line - block.first + token_line
                cells = lines[number].split("\t")
                cells += ["_"] * (position + 1 - len(cells))
                cells[position] = label
                lines[number] = "\t".join(cells)
        out.write(lines)
