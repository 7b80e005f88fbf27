"""What each technique gains on a text: the recipe with none of them, with each alone, with all, and with all but one.

    python benchmarks/ladder.py --text shakespeare=tinyshakespeare.txt --text novel=warpeace.txt --epochs 8
    python benchmarks/ladder.py --text novel=warpeace.txt --epochs 2 --only dropout,teacher --set model.hidden_size=128

A teacher does not go with an n-gram inside, so --only has one of the two, by default the n-gram.

Every text is split as by default, and all runs of it are scored on its last twentieth. A technique alone is compared
with the recipe without any, and the recipe without a technique with that of all, by `charrnn compare`: the mean
difference in nats per character, below zero where the row is better, with the 95 % interval of a paired block
bootstrap. It is that of this text for these two runs; how far two runs of one recipe differ, --seed shows.

Runs are kept below benchmarks/results/ladder, so that a ladder which was stopped goes on. They train one at a time.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RUNS = ROOT / "benchmarks" / "results" / "ladder"

PLAIN = (
    "train.optimizer=adam",
    "train.weight_decay=0",
    "train.schedule=constant",
    "model.dropout=0",
    "model.ngram=0",
)
TECHNIQUES: dict[str, tuple[str, ...]] = {
    "adamw": ("train.optimizer=adamw", "train.weight_decay=0.1"),
    "cosine": ("train.schedule=cosine",),
    "dropout": ("model.dropout=0.2",),
    "output_dropout": ("model.output_dropout=0.2",),
    "recurrent_dropout": ("model.recurrent_dropout=0.2",),
    "skip": ("model.skip_connections=true",),
    "ngram": ("model.ngram=7",),
    "teacher": (),  # two runs with other seeds: of the plain recipe for it alone, else of all others
}
TEACHERS = 2
DEFAULT = [name for name in TECHNIQUES if name != "teacher"]


def charrnn(*arguments: str) -> str:
    """Run charrnn and return its output."""
    command = [sys.executable, "-m", "charrnn", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(done.returncode)
    return done.stdout


@dataclass(frozen=True)
class Ladder:
    """The runs on one text.

    Attributes:
        path: of the text.
        folder: where the runs are kept.
        techniques: those that are measured.
        settings: of all runs, as KEY=VALUE.
        seed: of all runs but the teachers, which have the next ones.
    """

    path: str
    folder: Path
    techniques: list[str]
    settings: list[str]
    seed: int

    def run(self, used: list[str], seed: int | None = None) -> Path:
        """The directory of a run with some of the techniques, which is trained first unless it is there."""
        seed = self.seed if seed is None else seed
        folder = self.folder / f"{'+'.join(used) or 'none'}-{seed}"
        settings = [*PLAIN, *self.settings, f"seed={seed}"]
        settings += [setting for name in used for setting in TECHNIQUES[name]]
        if "teacher" in used:
            others = [name for name in self.techniques if name != "teacher" and used != ["teacher"]]
            teachers = [self.run(others, self.seed + 1 + k) for k in range(TEACHERS)]
            settings.append(f"train.teacher={json.dumps(list(map(str, teachers)))}")
        words = [word for setting in settings for word in ("--set", setting)]
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "ladder.yaml"
        config.write_text(f"data: {{path: {json.dumps(self.path)}}}\nmodel: {{num_layers: 2}}\n", encoding="utf-8")
        charrnn("train", str(config), "--out", str(folder), "--resume", "--quiet", *words)
        return folder

    def print(self) -> None:
        """Train what is missing, and print the table."""
        print(f"{'':28} nats/char  difference  95 % interval         seconds")
        none, everything = self.run([]), self.run(self.techniques)
        print(f"{'none':28} {json.loads(charrnn('eval', str(none), '--json'))['nats_per_char']:9.4f}", flush=True)
        for name in self.techniques:
            self._row(f"{name} alone", self.run([name]), none)
        self._row("all", everything, none)
        for name in self.techniques:
            others = [other for other in self.techniques if other != name]
            self._row(f"all but {name}", self.run(others), everything)

    def _row(self, name: str, run: Path, reference: Path) -> None:
        """Print a run beside the one that it is compared with."""
        rows: list[dict[str, Any]] = json.loads(charrnn("compare", str(run), str(reference), "--json"))["runs"]
        own = next(row for row in rows if row["run"] == str(run))
        other = next(row for row in rows if row is not own)
        first, sign = (own, 1) if "difference" in own else (other, -1)  # of two runs, the worse has it
        low, high = sorted(sign * edge for edge in first["interval"])
        difference = f"{sign * first['difference']:+10.4f}  {low:+.4f} to {high:+.4f}"
        print(f"{name:28} {own['nats_per_char']:9.4f}  {difference}  {own['seconds']:10.0f}", flush=True)


def main() -> None:
    """Measure every text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", action="append", required=True, metavar="NAME=PATH")
    parser.add_argument("--epochs", type=int, default=8, help="passes over each text (default: 8)")
    parser.add_argument("--only", default=",".join(DEFAULT), help="techniques, with commas between them")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE", help="for all runs")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    techniques = options.only.split(",")
    if unknown := sorted(set(techniques) - set(TECHNIQUES)):
        parser.error(f"--only: no such technique: {', '.join(unknown)}; choose from {', '.join(TECHNIQUES)}")
    if {"teacher", "ngram"} <= set(techniques):
        parser.error("--only: teacher does not go with ngram; leave one of them out")
    for text in options.text:
        name, _, path = text.partition("=")
        settings = [f"train.epochs={options.epochs}", "train.sample_length=0", *options.settings]
        print(f"\n{name}, {options.epochs} epochs")
        Ladder(path, RUNS / f"{name}-{options.epochs}", techniques, settings, options.seed).print()


if __name__ == "__main__":
    main()
