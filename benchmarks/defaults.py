"""What charrnn chooses for a text of its own accord, beside a dozen configs set by hand, at several sizes of text.

    python benchmarks/defaults.py --text prose=novel.txt --text names=names.txt:line
    python benchmarks/defaults.py --text code=src.py --sizes 3000,10000 --configs default,3,5

Of each text, the first N characters are given to `charrnn train` with `data.path` alone, and once more with each of the
configs below. The loss is that of best.npz on the 20,000 characters that follow, which no run has seen. With `:line`
the lines are documents: they are shuffled once, and `data.documents: line` is set. An n-gram and its mixture with the
default are scored too. Runs use one worker, two at a time, so the minutes are those of one processor that shares its
memory with another run. JSON goes to benchmarks/results/defaults.json, tables to stdout.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "defaults.json"
HELD_OUT = 20_000  # characters, after those that are given to training
SIZES = (3_000, 10_000, 50_000, 200_000)

# cell, num_layers, hidden_size, dropout, batch_size, seq_length, learning_rate, epochs, other keys
ADAM = "train.schedule=cosine", "train.optimizer=adam", "train.weight_decay=0"
ADAMW = "train.schedule=cosine", "train.optimizer=adamw", "train.weight_decay=0.1"
BY_HAND: dict[str, tuple[str, int, int, float, int, int, float, int, tuple[str, ...]]] = {
    "1": ("lstm", 1, 128, 0.0, 32, 100, 2e-3, 30, ADAM),
    "2": ("lstm", 2, 128, 0.0, 50, 50, 2e-3, 50, ADAM),
    "3": ("gru", 1, 128, 0.0, 8, 50, 3e-3, 40, ADAM),
    "4": ("gru", 1, 256, 0.0, 4, 50, 3e-3, 40, ADAM),
    "5": ("gru", 1, 256, 0.0, 8, 50, 3e-3, 40, ADAM),
    "6": ("gru", 1, 256, 0.0, 8, 50, 3e-3, 20, ADAM),
    "7": ("gru", 1, 256, 0.0, 16, 64, 4e-3, 20, ADAMW),
    "8": ("gru", 2, 256, 0.3, 16, 64, 3e-3, 20, ADAMW),
    "9": ("gru", 2, 128, 0.25, 16, 64, 3e-3, 30, ADAM),
    "10": ("lstm", 1, 256, 0.0, 16, 64, 3e-3, 20, ADAM),
    "11": ("gru", 1, 512, 0.0, 32, 64, 2e-3, 10, ADAMW),
    "12": ("rnn", 1, 256, 0.0, 16, 32, 1e-3, 20, ADAM),
}
KEYS = ["model.cell", "model.num_layers", "model.hidden_size", "model.dropout", "train.batch_size", "train.seq_length"]
KEYS += ["train.learning_rate", "train.epochs"]


@dataclass(frozen=True)
class Text:
    """A text to train on: its name, its content, and whether its lines are documents."""

    name: str
    content: str
    lines: bool

    @classmethod
    def of(cls, argument: str) -> "Text":
        """Read NAME=PATH or NAME=PATH:line."""
        name, _, path = argument.partition("=")
        lines = path.endswith(":line")
        content = Path(path.removesuffix(":line")).read_text(encoding="utf-8")
        if lines:
            documents = content.splitlines()
            random.Random(1).shuffle(documents)
            content = "\n".join(documents) + "\n"
        return cls(name, content, lines)

    def cut(self, size: int) -> tuple[str, str] | None:
        """The first `size` characters and the held-out ones after them; None if the text is too short."""
        if len(self.content) < size + HELD_OUT:
            return None
        if self.lines:
            size = self.content.rindex("\n", 0, size) + 1
        return self.content[:size], self.content[size : size + HELD_OUT]


def settings(name: str) -> list[str]:
    """The keys of a config by hand, as KEY=VALUE; none for the default."""
    if name not in BY_HAND:
        return ["model.cell=ngram"] if name == "ngram" else []
    *values, others = BY_HAND[name]
    return [f"{key}={value}" for key, value in zip(KEYS, values, strict=True)] + list(others)


def charrnn(*arguments: str) -> str:
    """Run charrnn and return its output."""
    command = [sys.executable, "-m", "charrnn", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"charrnn {' '.join(arguments)}: {done.stderr}")
    return done.stdout


def score(folder: Path, *names: str) -> float:
    """Nats per character of a run, or of the mixture of several, on the held-out text."""
    report = json.loads(charrnn("eval", *(str(folder / name) for name in names), str(folder / "held.txt"), "--json"))
    if len(names) > 1:
        report = next(row for row in report["rows"] if row["name"] == "mixture")
    return float(report["nats_per_char"])


def measure(folder: Path, name: str, documents: bool) -> dict[str, Any]:
    """Train one config on the text in a folder, and score it."""
    config = folder / f"{name}.yaml"
    lines = ", documents: line" if documents else ""
    config.write_text(f"data: {{path: {folder / 'text.txt'}{lines}}}\n", encoding="utf-8")
    keys = [part for key in [*settings(name), "train.workers=1", "train.sample_length=0"] for part in ("--set", key)]
    began = perf_counter()
    charrnn("train", str(config), "--out", str(folder / name), "--quiet", *keys)
    return {"config": name, "seconds": perf_counter() - began, "loss": score(folder, name)}


def main() -> None:
    """Measure every text at every size, and print a table for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", action="append", required=True, type=Text.of, metavar="NAME=PATH[:line]")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="characters, with commas between them")
    parser.add_argument("--configs", default=",".join(["default", "ngram", *BY_HAND]), help="which, of the table above")
    options = parser.parse_args()
    names = options.configs.split(",")
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(2) as pool:
        for size in map(int, options.sizes.split(",")):
            for text in options.text:
                cut = text.cut(size)
                if cut is None:
                    continue
                folder = Path(scratch) / f"{text.name}-{size}"
                folder.mkdir()
                (folder / "text.txt").write_text(cut[0], encoding="utf-8")
                (folder / "held.txt").write_text(cut[1], encoding="utf-8")
                rows = list(pool.map(lambda name: measure(folder, name, text.lines), names))  # noqa: B023
                if "ngram" in names and "default" in names:
                    rows.append({"config": "mixture", "loss": score(folder, "default", "ngram"), "seconds": 0.0})
                print(f"\n{text.name}, {size:,} characters")
                for row in sorted(rows, key=lambda row: row["loss"]):
                    print(f"  {row['config']:10} {row['loss']:.4f} {row['seconds']:7.1f} s", flush=True)
                results.setdefault(f"{text.name} {size}", {}).update({row["config"]: row for row in rows})
                RESULTS.parent.mkdir(exist_ok=True)
                RESULTS.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
