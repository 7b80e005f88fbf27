"""Trains classifiers and taggers on public sets and compares them with published figures.

    python benchmarks/published.py FOLDER [--only latin,tox21] [--seeds 1,2,3] [--set KEY=VALUE]... [--out DIR]

FOLDER holds the sets in folders that TABLE names. For each set the table has the published figure; the mean of the
seeds on the test split with its standard deviation; their vote; the vote of them and of the n-grams that
`model.cell: ngram` counts, where these give one label; the best baseline of `charrnn eval --baselines`; the minutes of
training a seed; and its parameters. Nothing is chosen by a test split. A run goes on where it was stopped, and one that
is finished is not trained again. What no config can read is rewritten into the folder `data` of DIR.
"""

import argparse
import csv
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

Table = list[tuple[str, ...]]
Figure = Callable[[dict[str, Any], dict[str, Any]], float | None]  # of a report and one of its rows

TASKS = (
    "NR-AR", "NR-AR-LBD", "NR-AhR", "NR-Aromatase", "NR-ER", "NR-ER-LBD", "NR-PPAR-gamma", "SR-ARE", "SR-ATAD5",
    "SR-HSE", "SR-MMP", "SR-p53",
)  # fmt: skip


@dataclass(frozen=True)
class Set:
    """A public set.

    Attributes:
        published: what was reached on it.
        figure: the figure that is compared; None for a row that has none.
        config: the task and the sections of the config; paths begin in FOLDER, or in DIR/data if `rows` are given.
        percent: whether the figure is shown in percent.
        lower: whether a lower figure is better.
        rows: makes the rows of the table that config.data.path names.
    """

    published: str
    figure: Figure
    config: dict[str, Any]
    percent: bool = True
    lower: bool = False
    rows: Callable[[Path], Table] | None = None


def of_row(name: str) -> Figure:
    """A figure that every row of a report has."""
    return lambda _, row: row.get(name)


def of_ambiguous(report: dict[str, Any], row: dict[str, Any]) -> float:
    """The accuracy on units with several labels in the training split, where every wrong unit counts as one of them."""
    units, ambiguous = (report["tags"][kind]["count"] for kind in ("units", "ambiguous"))
    return float(1 - (1 - row["units"]) * units / ambiguous)


def f1_of(label: str) -> Figure:
    """The F1 of one label, which a report has for the model that it is about."""

    def figure(report: dict[str, Any], row: dict[str, Any]) -> float | None:
        found = [own["f1"] for own in report["labels"]["labels"] if own["name"] == label]
        return found[0] if row["name"] == report["scored"] else None

    return figure


def names_once(folder: Path) -> Table:
    """Each pair of a name and a language once: many lines stand in the files several times."""
    files = sorted((folder / "names").glob("*.txt"))
    return [*dict.fromkeys((name, file.stem) for file in files for name in file.read_text("utf-8").split("\n") if name)]


def polarity(folder: Path) -> Table:
    """The sentences of two files whose names differ in their ending alone."""
    files = [(kind, folder / "sentence_polarity" / f"rt-polarity.{kind}") for kind in ("pos", "neg")]
    return [(line, kind) for kind, file in files for line in file.read_text("utf-8").split("\n") if line]


def sarcasm(folder: Path) -> Table:
    """Both files, whose columns have different names, with a tenth of the training rows to validate."""
    rows: Table = []
    for split, name, column in (("train", "train.En.csv", "tweet"), ("test", "test_A.En.csv", "text")):
        with open(folder / "isarcasm" / name, encoding="utf-8", newline="") as file:
            for k, row in enumerate(csv.DictReader(file)):
                own = "valid" if split == "train" and k % 10 == 9 else split
                rows.append((" ".join(row[column].split()), row["sarcastic"], own))
    return rows


TABLE: dict[str, Set] = {
    "latin": Set(
        "97.05 BiLSTM, 97.53 BiGRU, 97.77 transformer",
        of_ambiguous,
        {
            "task": "tag",
            "data": {
                "path": "latin_macrons/train.tsv",
                "valid_path": "latin_macrons/dev.tsv",
                "test_path": "latin_macrons/test.tsv",
                "label_separator": "\0",
            },
            "model": {"hidden_size": 256, "num_layers": 2, "dropout": 0.4},
            "train": {"epochs": 20, "learning_rate": 2e-3, "best": "accuracy"},
        },
    ),
    "tox21": Set(
        "0.829 MoleculeNet, 0.851 D-MPNN",
        of_row("mean_auc"),
        {
            "task": "classify",
            "data": {
                "path": "moleculenet/tox21.csv",
                "source": "smiles",
                "target": TASKS,
                "fractions": [0.8, 0.1, 0.1],
            },
            "model": {
                "init": "one_hot",
                "output": "sigmoid",
                "hidden_size": 128,
                "num_layers": 2,
                "dropout": 0.4,
                "pooling": "max",
            },
            "train": {"epochs": 25, "best": "auc"},
        },
        percent=False,
    ),
    "lipophilicity": Set(
        "0.655 MoleculeNet, 0.555 D-MPNN",
        of_row("rmse"),
        {
            "task": "classify",
            "data": {
                "path": "moleculenet/lipo.csv",
                "source": "smiles",
                "target": "lipo",
                "fractions": [0.8, 0.1, 0.1],
            },
            "model": {
                "init": "one_hot",
                "output": "linear",
                "hidden_size": 128,
                "num_layers": 2,
                "dropout": 0.3,
                "pooling": "max",
            },
            "train": {"epochs": 40, "best": "rmse"},
        },
        percent=False,
        lower=True,
    ),
    "languages": Set(
        "96.0 lingua, 93.9 CLD2",
        of_row("accuracy"),
        {
            "task": "classify",
            "data": {"path": "lingua_sentences", "format": "files", "fractions": [0.8, 0.1, 0.1]},
            "model": {
                "hidden_size": 128,
                "num_layers": 1,
                "embedding_size": 64,
                "pooling": "max",
                "input_dropout": 0.05,
            },
            "train": {"epochs": 4, "batch_size": 64, "best": "accuracy"},
        },
    ),
    "names": Set(
        "81.3 naive Bayes",
        of_row("accuracy"),
        {
            "task": "classify",
            "data": {"path": "names.tsv", "fractions": [0.7, 0.1, 0.2]},
            "model": {"hidden_size": 128, "num_layers": 2, "dropout": 0.4, "output_dropout": 0.3, "pooling": "max"},
            "train": {"epochs": 15, "best": "accuracy"},
        },
        rows=names_once,
    ),
    "polarity": Set(
        "76.1 CNN, 81.5 CNN with word vectors",
        of_row("accuracy"),
        {
            "task": "classify",
            "data": {"path": "polarity.tsv", "fractions": [0.8, 0.1, 0.1]},
            "model": {
                "hidden_size": 192,
                "num_layers": 1,
                "pooling": "max",
                "input_dropout": 0.2,
                "output_dropout": 0.5,
            },
            "train": {"epochs": 12, "best": "accuracy"},
        },
        rows=polarity,
    ),
    "sarcasm": Set(
        "60.5 the best, 25 always sarcastic",
        f1_of("1"),
        {
            "task": "classify",
            "data": {"path": "sarcasm.tsv", "split_column": 3, "empty": "skip"},
            "model": {
                "hidden_size": 128,
                "num_layers": 1,
                "pooling": "max",
                "input_dropout": 0.3,
                "output_dropout": 0.5,
            },
            "train": {"epochs": 20, "class_weights": "balanced", "best": "macro_f1"},
        },
        rows=sarcasm,
    ),
    "atis": Set(
        "98.97 to 99.07 UDPipe 2 with BERT",
        of_row("units"),
        {
            "task": "tag",
            "data": {
                "path": "tagging/en_atis-ud-train.conllu",
                "valid_path": "tagging/en_atis-ud-dev.conllu",
                "test_path": "tagging/en_atis-ud-test.conllu",
                "target": "upos",
            },
            "model": {"init": "one_hot", "hidden_size": 128, "num_layers": 2, "dropout": 0.4, "input_dropout": 0.05},
            "train": {"epochs": 12, "best": "accuracy"},
        },
    ),
    "vietnamese": Set(
        "87.3 the best of CoNLL 2017, 85.4 UDPipe, 86.1 longest match",
        of_row("span_f1"),
        {
            "task": "tag",
            "data": {
                "path": "vietnamese_words/train.conllu",
                "valid_path": "vietnamese_words/dev.conllu",
                "test_path": "vietnamese_words/test.conllu",
            },
            "model": {
                "scheme": "segments",
                "hidden_size": 128,
                "num_layers": 1,
                "embedding_size": 64,
                "output_dropout": 0.4,
                "input_dropout": 0.03,
            },
            "train": {"epochs": 80, "batch_size": 16, "learning_rate": 6e-3, "best": "span_f1", "patience": None},
        },
    ),
}


def charrnn(*words: str) -> str:
    """Run a command; what it prints."""
    command = [sys.executable, "-m", "charrnn", *words]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def written(name: str, folder: Path, out: Path) -> Path:
    """The config of a set, written into `out` with the rows that it needs, if no config can read the set."""
    own = TABLE[name]
    data = dict(own.config["data"])
    home = folder
    if own.rows:
        home = out / "data"
        home.mkdir(parents=True, exist_ok=True)
        (home / data["path"]).write_text("".join("\t".join(row) + "\n" for row in own.rows(folder)), "utf-8")
    for key in ("path", "valid_path", "test_path"):
        if key in data:
            data[key] = str(home / data[key])
    config = out / f"{name}.yaml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(json.dumps(own.config | {"data": data}, indent=1), "utf-8")
    return config


def trained(config: Path, name: str, overrides: list[str]) -> Path:
    """A run of a config; `name` tells it from the others."""
    run = config.with_name(f"{config.stem}-{name}")
    words = [word for one in overrides for word in ("--set", one)]
    charrnn("train", str(config), "--out", str(run), "--resume", "--quiet", *words)
    return run


def minutes(run: Path) -> float:
    """The minutes that a run was trained for."""
    records = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return float(records[-1]["seconds"] / 60)


def report_of(runs: list[Path], *options: str) -> tuple[dict[str, Any], int]:
    """The report on runs that vote, and the position of the row that it is about; baselines follow that row."""
    report: dict[str, Any] = json.loads(charrnn("eval", *map(str, runs), "--json", *options))
    return report, [row["name"] for row in report["rows"]].index(report["scored"])


def figures(own: Set, runs: list[Path], counted: list[Path]) -> Iterator[float]:
    """The figure of each run, of their vote, of that with what was counted, and of the best baseline, or NaN."""
    for voters in (*([run] for run in runs), runs, runs + counted):
        report, position = report_of(voters)
        yield own.figure(report, report["rows"][position]) or 0.0
    report, position = report_of(runs[:1], "--baselines")
    others = [own.figure(report, row) for row in report["rows"][position + 1 :]]
    known = [value for value in others if value is not None]
    yield (min if own.lower else max)(known, default=float("nan"))


def line_of(name: str, runs: list[Path], counted: list[Path]) -> str:
    """The row of a set in the table: its runs, and the n-grams of the same examples, if there are any."""
    own = TABLE[name]
    *seeds, vote, both, baseline = [value * 100 if own.percent else value for value in figures(own, runs, counted)]
    digits = 2 if own.percent else 3
    spread = f" ± {stdev(seeds):.{digits}f}" if len(seeds) > 1 else ""
    size = json.loads(charrnn("info", str(runs[0]), "--json")).get("parameters", 0)
    cells = [
        name,
        own.published,
        f"{mean(seeds):.{digits}f}{spread}",
        f"{vote:.{digits}f}",
        f"{both:.{digits}f}" if counted else "-",
        f"{baseline:.{digits}f}" if baseline == baseline else "-",
        f"{mean(map(minutes, runs)):.1f}",
        f"{size:,}",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Train, score, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default=",".join(TABLE), help="names of sets, with commas between them")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--out", type=Path, default=Path("runs/published"))
    arguments = parser.parse_args()
    names = arguments.only.split(",")
    if unknown := {*names} - {*TABLE}:
        parser.error(f"no set is called {', '.join(sorted(unknown))}; there are {', '.join(TABLE)}")
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    print(f"| set | published | mean of {len(seeds)} | vote | with n-grams | baseline | minutes | parameters |")
    print("|---|---|---:|---:|---:|---:|---:|---:|", flush=True)
    for name in names:
        config = written(name, arguments.folder, arguments.out)
        runs = [trained(config, str(seed), [*arguments.set, f"seed={seed}"]) for seed in seeds]
        one_label = TABLE[name].config["task"] == "classify" and "output" not in TABLE[name].config["model"]
        counted = [trained(config, "ngram", ["model.cell=ngram"])] if one_label else []
        print(line_of(name, runs, counted), flush=True)


if __name__ == "__main__":
    main()
