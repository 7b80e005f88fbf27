"""Trains on the first 90 % of a text and scores the last 10 % once; what to train is chosen within the 90 %.

    python benchmarks/fair.py tinyshakespeare.txt --choose [--config NAME] [--set KEY=VALUE]...
    python benchmarks/fair.py tinyshakespeare.txt [--config NAME] [--set KEY=VALUE]...

The figures that are usual for tinyshakespeare are those of the best epoch by the held-out tenth itself. Here `--choose`
trains on the first 85 % and prints the losses by the next 5 %, so that settings and epochs can be compared, and never
reads the last 10 %. Without it, the same settings are trained on all of the first 90 %, and the parameters after the
last step are scored on the last 10 %: in nats per character of all of it and of each half, with the state carried
through the text and in windows of 256 characters that begin without context, as nanoGPT is scored. Beside it is an
n-gram of the same 90 %.

A run that was stopped is continued, and one that is complete is not trained again.
"""

import argparse
import csv
import json
import subprocess
import sys
from math import log
from pathlib import Path

TO_CHOOSE, TO_SCORE = "[0.85,0.05,0.1]", "[0.9,0,0.1]"
WINDOW = 256
AS_NGRAM = ["model.cell=ngram", "model.ngram=null"]
ROW = "| {:28} | {:>7} | {:>10} | {:>11} |"


def charrnn(*words: str) -> None:
    """Run a command, whose lines go to stderr, so that stdout has the table alone."""
    subprocess.run([sys.executable, "-m", "charrnn", *words], check=True, stdout=sys.stderr)


def trained(text: Path, run: Path, config: str, fractions: str, overrides: list[str]) -> Path:
    """The run of a config with these keys on the text."""
    keys = [f"data.path={text.resolve()}", f"data.fractions={fractions}", *overrides]
    charrnn("train", config, "--out", str(run), "--resume", *(word for key in keys for word in ("--set", key)))
    return run


def losses(run: Path, *options: str) -> tuple[float, float, float]:
    """Nats per character of the test split: of all of it, of its first half and of its second."""
    table = run / "test.tsv"
    table.unlink(missing_ok=True)
    model = run / "last.npz" if (run / "last.npz").exists() else run  # an n-gram has no steps
    charrnn("eval", str(model), "--split", "test", "--per-char", str(table), *options)
    with open(table, encoding="utf-8", newline="") as file:
        nats = [float(row["bits"]) * log(2) for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    half = len(nats) // 2
    whole, first, second = (sum(part) / len(part) for part in (nats, nats[:half], nats[half:]))
    return whole, first, second


def main() -> None:
    """Train, and print the validation losses or the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--choose", action="store_true", help="compare settings, without the last 10 %%")
    parser.add_argument("--config", default="shakespeare", help="a config file or a shipped one (default: shakespeare)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="of the network")
    parser.add_argument("--out", type=Path, default=Path("runs/fair"))
    options = parser.parse_args()
    if options.choose:
        run = trained(options.text, options.out / "chosen", options.config, TO_CHOOSE, options.set)
        records = [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
        for record in records:
            if record.get("valid_loss") is not None:
                print(f"epoch {record['epoch']}: {record['valid_loss']:.4f}")
        return
    runs = {
        "network": trained(options.text, options.out / "network", options.config, TO_SCORE, options.set),
        "n-gram": trained(options.text, options.out / "ngram", options.config, TO_SCORE, AS_NGRAM),
    }
    print(ROW.format("test split, nats/char", "all", "first half", "second half"))
    print("|---|---:|---:|---:|")
    for name, run in runs.items():
        for how, extra in (("state carried", ()), (f"windows of {WINDOW}", ("--window", str(WINDOW)))):
            figures = (f"{loss:.4f}" for loss in losses(run, *extra))
            print(ROW.format(f"{name}, {how}", *figures), flush=True)


if __name__ == "__main__":
    main()
