"""Trains the shipped config `shakespeare` with a validation split of its own, and scores the held-out tenth once.

    python benchmarks/fair.py tinyshakespeare.txt [--set KEY=VALUE]... [--out DIR]

The figures that are usual for tinyshakespeare are those of the best epoch by the held-out tenth itself. Here the first
85 % of the text are for training, the next 5 % choose the best epoch, and the last 10 % are scored once that is done.
The table has nats per character of all of it and of each half, with the state carried through the text and in windows
of 256 characters that begin without context, as nanoGPT is scored. Beside it is an n-gram of the same 85 %.

A run that was stopped is continued, and one that is complete is not trained again.
"""

import argparse
import csv
import subprocess
import sys
from math import log
from pathlib import Path

FRACTIONS = "data.fractions=[0.85,0.05,0.1]"
WINDOW = 256
ROW = "| {:28} | {:>7} | {:>10} | {:>11} |"


def charrnn(*words: str) -> None:
    """Run a command, whose lines go to stderr, so that stdout has the table alone."""
    subprocess.run([sys.executable, "-m", "charrnn", *words], check=True, stdout=sys.stderr)


def trained(text: Path, run: Path, overrides: list[str]) -> Path:
    """The run with these keys on the text."""
    keys = [f"data.path={text.resolve()}", FRACTIONS, *overrides]
    charrnn("train", "shakespeare", "--out", str(run), "--resume", *(word for key in keys for word in ("--set", key)))
    return run


def losses(run: Path, *options: str) -> tuple[float, float, float]:
    """Nats per character of the test split: of all of it, of its first half and of its second."""
    table = run / "test.tsv"
    table.unlink(missing_ok=True)
    charrnn("eval", str(run), "--split", "test", "--per-char", str(table), *options)
    with open(table, encoding="utf-8", newline="") as file:
        nats = [float(row["bits"]) * log(2) for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    half = len(nats) // 2
    whole, first, second = (sum(part) / len(part) for part in (nats, nats[:half], nats[half:]))
    return whole, first, second


def main() -> None:
    """Train, score, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="of the network")
    parser.add_argument("--out", type=Path, default=Path("runs/fair"))
    options = parser.parse_args()
    runs = {
        "network": trained(options.text, options.out / "network", options.set),
        "n-gram": trained(options.text, options.out / "ngram", ["model.cell=ngram"]),
    }
    print(ROW.format("test split, nats/char", "all", "first half", "second half"))
    print("|---|---:|---:|---:|")
    for name, run in runs.items():
        for how, extra in (("state carried", ()), (f"windows of {WINDOW}", ("--window", str(WINDOW)))):
            figures = (f"{loss:.4f}" for loss in losses(run, *extra))
            print(ROW.format(f"{name}, {how}", *figures), flush=True)


if __name__ == "__main__":
    main()
