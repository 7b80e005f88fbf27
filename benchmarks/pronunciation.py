"""Trains the shipped config `pronounce` on several languages and compares it with the shared task's LSTM.

    python benchmarks/pronunciation.py FOLDER [--languages fre,hun] [--seeds 1,2,3] [--set KEY=VALUE]... [--out DIR]

FOLDER holds LANGUAGE_train.tsv, LANGUAGE_dev.tsv and LANGUAGE_test.tsv of SIGMORPHON 2020, task 1 (Gorman et al. 2020).
A run that exists is not trained again. For each language the table has the word error rate on the test split: the mean
over the seeds, their vote if there are several, a joint n-gram, and what the shared task's LSTM reached, which was
tuned for each language. Nothing is chosen by the test split. Minutes are those of training.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LSTM = {  # word error rates of the shared task's LSTM, in percent
    "ady": 28.00, "arm": 14.67, "bul": 31.11, "dut": 16.44, "fre": 6.22,
    "geo": 26.44, "gre": 18.89, "hin": 6.67, "hun": 5.33, "jpn": 7.56,
}  # fmt: skip


def charrnn(*words: str) -> str:
    """Run a command; what it prints."""
    command = [sys.executable, "-m", "charrnn", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def trained(folder: Path, language: str, seed: int, out: Path, overrides: list[str]) -> Path:
    """The run of a language and seed."""
    run = out / f"{language}-{seed}"
    if not (run / "best.npz").exists() or "step" not in (run / "log.jsonl").read_text():
        keys = {"path": "train", "valid_path": "dev", "test_path": "test"}
        paths = [f"data.{key}={folder / f'{language}_{part}.tsv'}" for key, part in keys.items()]
        words = [word for one in [*paths, *overrides] for word in ("--set", one)]
        charrnn("train", "pronounce", "--out", str(run), "--seed", str(seed), "--quiet", *words)
    return run


def wrong(report: dict[str, Any]) -> list[float]:
    """The word error rate, in percent, of each row of a report: each model, the vote of several, the baselines."""
    return [100 * (1 - row["exact"]) for row in report["rows"]]


def minutes(run: Path) -> float:
    """The minutes that a run was trained for."""
    records = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return float(records[-1]["seconds"] / 60)


def line(name: str, row: list[float]) -> str:
    """A row of the table; the last of its numbers is in minutes, the others are word error rates."""
    *rates, spent = row
    return f"| {name} | {' | '.join(f'{rate:.2f}' for rate in rates)} | {spent:.1f} |"


def main() -> None:
    """Train, score, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--languages", default=",".join(LSTM))
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--out", type=Path, default=Path("runs/pronunciation"))
    arguments = parser.parse_args()
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    print(f"| language | mean of {len(seeds)} | vote | joint n-gram | LSTM of the shared task | minutes |")
    print("|---|---:|---:|---:|---:|---:|")
    table: list[list[float]] = []
    for language in arguments.languages.split(","):
        runs = [trained(arguments.folder, language, seed, arguments.out, arguments.set) for seed in seeds]
        rates = wrong(json.loads(charrnn("eval", *map(str, runs), "--json", "--baselines")))
        own, vote = rates[: len(seeds)], rates[len(seeds) if len(seeds) > 1 else 0]
        table.append([sum(own) / len(own), vote, rates[-1], LSTM[language], sum(map(minutes, runs)) / len(runs)])
        print(line(language, table[-1]), flush=True)
    print(line("mean", [sum(column) / len(table) for column in zip(*table, strict=True)]))


if __name__ == "__main__":
    main()
