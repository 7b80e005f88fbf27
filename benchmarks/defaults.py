"""What charrnn chooses for a text of its own accord, beside a dozen configs set by hand, at several sizes of text.

    python benchmarks/defaults.py --text prose=tinyshakespeare.txt --text names=names.txt:line
    python benchmarks/defaults.py --text molecules=tox21.csv:smiles --text code=charrnn --sizes 3000,10000
    python benchmarks/defaults.py --text prose=tinyshakespeare.txt --configs default,ngram

A text is a file, or a folder, of which all Python files are joined. With `:line` its lines are documents, and with any
other word after the colon the values of that column of a CSV file are; documents are shuffled once, always in the same
way. The first N characters of a text are given to `charrnn train` with `data.path` alone, which trains a network with
an n-gram inside; once more as an n-gram; and once as a network with each of the configs below. No run sees the next
10,000 characters, by which the best of the configs set by hand is chosen, nor the 10,000 after those, which give all
losses of the table; the last column is that of the default's network without its n-gram. A text too short for a size is
left out.

Each run has one worker, and there is one run at a time. Minutes are those that its processor worked, so other work on
the machine hardly counts. Runs are kept in --out, and a run that is there is not trained again: the command may be
stopped and given again. A run has another name if its text, its config or the rules of the defaults have changed.
"""

import argparse
import csv
import hashlib
import json
import random
import resource
import subprocess
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from charrnn.training.defaults import ORDER, RECIPES

OUT = Path(__file__).resolve().parents[1] / "benchmarks" / "results" / "defaults"
HELD_OUT = 10_000  # characters to choose by, and as many to report
SIZES = (3_000, 10_000, 50_000, 200_000, 1_000_000, 5_000_000)

# cell, num_layers, hidden_size, dropout, batch_size, seq_length, learning_rate, epochs, weight_decay. All have the
# cosine schedule, which is also the default.
BY_HAND: dict[str, tuple[str, int, int, float, int, int, float, int, float]] = {
    "lstm-1x128": ("lstm", 1, 128, 0.0, 8, 50, 3e-3, 40, 0.0),
    "lstm-2x128": ("lstm", 2, 128, 0.0, 50, 50, 2e-3, 50, 0.0),
    "lstm-2x128-dropout": ("lstm", 2, 128, 0.5, 8, 50, 3e-3, 40, 0.1),
    "lstm-1x256": ("lstm", 1, 256, 0.0, 16, 64, 3e-3, 20, 0.0),
    "gru-1x128": ("gru", 1, 128, 0.0, 8, 50, 3e-3, 40, 0.0),
    "gru-1x256-slow": ("gru", 1, 256, 0.0, 4, 50, 3e-3, 40, 0.0),
    "gru-1x256": ("gru", 1, 256, 0.0, 16, 64, 4e-3, 20, 0.1),
    "gru-2x128-dropout": ("gru", 2, 128, 0.25, 16, 64, 3e-3, 30, 0.0),
    "gru-2x256-dropout": ("gru", 2, 256, 0.3, 16, 64, 3e-3, 20, 0.1),
    "gru-2x256-more": ("gru", 2, 256, 0.5, 32, 64, 3e-3, 40, 0.1),
    "gru-1x512": ("gru", 1, 512, 0.0, 32, 64, 2e-3, 10, 0.1),
    "rnn-1x256": ("rnn", 1, 256, 0.0, 8, 32, 1e-3, 30, 0.0),
}
KEYS = ["model.cell", "model.num_layers", "model.hidden_size", "model.dropout", "train.batch_size", "train.seq_length"]
KEYS += ["train.learning_rate", "train.epochs", "train.weight_decay"]
COLUMNS = "| {:10} | {:>10} | {:>7} | {:>7} | {:22} | {:>6} | {:>10} | {:>6} | {:>7} |"
HEAD = ("text", "characters", "default", "minutes", "best by hand", "loss", "difference", "n-gram", "network")


@dataclass(frozen=True)
class Text:
    """A text to train on: its name, its content, and whether its lines are documents."""

    name: str
    content: str
    lines: bool

    @classmethod
    def of(cls, argument: str) -> "Text":
        """Read NAME=PATH, NAME=PATH:line or NAME=PATH:COLUMN."""
        name, _, place = argument.partition("=")
        path, _, kind = place.partition(":")
        if Path(path).is_dir():
            return cls(name, "\n".join(file.read_text("utf-8") for file in sorted(Path(path).rglob("*.py"))), False)
        content = Path(path).read_text(encoding="utf-8-sig")
        if not kind:
            return cls(name, content, False)
        rows = csv.DictReader(content.splitlines()) if kind != "line" else ()
        documents = [row[kind] for row in rows] or content.splitlines()
        random.Random(1).shuffle(documents)
        return cls(name, "\n".join(documents) + "\n", True)

    def cut(self, size: int) -> list[str] | None:
        """The first `size` characters, those to choose by and those to report; None if the text is too short."""
        edges = [0, size, size + HELD_OUT, size + 2 * HELD_OUT]
        if len(self.content) < edges[-1]:
            return None
        if self.lines:
            edges = [self.content.rfind("\n", 0, edge) + 1 for edge in edges]
        return [self.content[first:stop] for first, stop in pairwise(edges)]


def settings(name: str, lines: bool) -> list[str]:
    """The keys of a config, as KEY=VALUE: those that the machine needs, and those that were set by hand."""
    keys = ["train.workers=1", "train.sample_length=0", *(["data.documents=line"] if lines else [])]
    if name == "ngram":
        keys.append("model.cell=ngram")
    if name in BY_HAND:
        keys += [f"{key}={value}" for key, value in zip(KEYS, BY_HAND[name], strict=True)]
        keys.append("train.schedule=cosine")
        keys.append("train.optimizer=adamw" if BY_HAND[name][-1] else "train.optimizer=adam")
    return keys


def charrnn(*arguments: str) -> str:
    """Run charrnn and return its output."""
    command = [sys.executable, "-m", "charrnn", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"charrnn {' '.join(arguments)}: {done.stderr}")
    return done.stdout


def score(held: Path, run: Path) -> tuple[float, float | None]:
    """Nats per character of a run on a held-out text; of a network with an n-gram inside, also of the network alone."""
    rows = json.loads(charrnn("eval", str(run), str(held), "--json"))["rows"]
    alone = (row["nats_per_char"] for row in rows if row["name"].endswith("network alone"))
    return rows[0]["nats_per_char"], next(alone, None)


def run_of(folder: Path, name: str, text: str, keys: list[str]) -> Path:
    """The directory of a run, whose name depends on all that it was made of."""
    recipe = next(recipe for recipe in RECIPES if 0.9 * len(text) <= recipe.longest)
    made_of = [text, keys, f"{recipe}, {ORDER}-gram" if name == "default" else ""]
    return folder / f"{name}-{hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:8]}"


def measured(folder: Path, name: str, text: Text, parts: list[str]) -> dict[str, Any]:
    """The row of a config on a text: that of the run in the folder, which is trained if it is not there."""
    keys = settings(name, text.lines)
    run = run_of(folder, name, parts[0], keys)
    result = run.with_suffix(".json")
    if not result.exists():
        for part, content in zip(("text", "choose", "report"), parts, strict=True):
            (folder / f"{part}.txt").write_text(content, encoding="utf-8")
        config = folder / "config.yaml"
        config.write_text(f"data: {{path: {json.dumps(str(folder.resolve() / 'text.txt'))}}}\n", encoding="utf-8")
        began = resource.getrusage(resource.RUSAGE_CHILDREN)
        sets = [part for key in keys for part in ("--set", key)]
        charrnn("train", str(config), "--out", str(run), "--quiet", "--force", *sets)
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime
        choose, (report, alone) = score(folder / "choose.txt", run)[0], score(folder / "report.txt", run)
        row = {"config": name, "seconds": seconds, "choose": choose, "report": report, "alone": alone}
        result.write_text(json.dumps(row), encoding="utf-8")
    return dict(json.loads(result.read_text(encoding="utf-8")))


def line(text: Text, size: int, rows: dict[str, dict[str, Any]]) -> str:
    """One line of the table; a config that was left out leaves its columns empty. The last is of default's network."""
    default, ngram = rows.get("default"), rows.get("ngram")
    by_hand = [row for name, row in rows.items() if name in BY_HAND]
    best = min(by_hand, key=lambda row: float(row["choose"]), default=None)
    cells = [
        f"{default['report']:.3f}" if default else "",
        f"{default['seconds'] / 60:.2f}" if default else "",
        f"{best['config']} ({len(by_hand)})" if best else "",
        f"{best['report']:.3f}" if best else "",
        f"{default['report'] - best['report']:+.3f}" if default and best else "",
        f"{ngram['report']:.3f}" if ngram else "",
        f"{default['alone']:.3f}" if default else "",
    ]
    return COLUMNS.format(text.name, f"{size:,}", *cells)


def main() -> None:
    """Measure every text at every size, and print a line of the table for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", action="append", required=True, type=Text.of, metavar="NAME=PATH[:line or column]")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="characters, with commas between them")
    parser.add_argument("--configs", default=",".join(["default", "ngram", *BY_HAND]), help="which, of the table above")
    parser.add_argument("--out", type=Path, default=OUT, help="where the runs are kept")
    options = parser.parse_args()
    names = options.configs.split(",")
    if unknown := {*names} - {"default", "ngram", *BY_HAND}:
        parser.error(f"--configs: {', '.join(sorted(unknown))}; there are default, ngram, {', '.join(BY_HAND)}")
    print(COLUMNS.format(*HEAD))
    print("|---|---:|---:|---:|---|---:|---:|---:|---:|")
    for size in map(int, options.sizes.split(",")):
        for text in options.text:
            if (parts := text.cut(size)) is None:
                continue
            folder = options.out / f"{text.name}-{size}"
            folder.mkdir(parents=True, exist_ok=True)
            rows = {name: measured(folder, name, text, parts) for name in names}
            print(line(text, size, rows), flush=True)


if __name__ == "__main__":
    main()
