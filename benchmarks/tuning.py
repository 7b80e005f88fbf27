"""What `charrnn tune` gains over the defaults, on held-out text that no run and no search has seen.

    python benchmarks/tuning.py FOLDER --minutes 20
    python benchmarks/tuning.py FOLDER --minutes 20 --only play-10k,names

FOLDER holds the corpora that TEXTS names. A text is given to `charrnn tune` with little more than `data.path`. The
first trial has the defaults and is trained to its end; the search then goes on for some minutes. Its own validation
split comes out of what it is given. The loss is that of best.npz, of the defaults and of the best trial, on the
held-out part: in nats per character, or per example for labels. Lines that are documents, and examples, are shuffled
once; of equal ones one is kept. Runs use one worker, and two searches run at a time. JSON goes to
benchmarks/results/tuning.json, the table to stdout.
"""

import argparse
import csv
import json
import random
import re
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from defaults import HELD_OUT, charrnn

RESULTS = Path(__file__).resolve().parent / "results" / "tuning.json"
HELD_SHARE = 0.2  # of examples
TRIALS = 10_000  # more than a search will reach


@dataclass(frozen=True)
class Material:
    """What one search is given, and what is held out, each the content of a file; and the other keys of its config."""

    given: str
    held: str
    task: str
    data: str


def prefix(path: str, size: int, folder: Path) -> Material:
    """The first characters of a text; those that follow are held out."""
    text = (folder / path).read_text(encoding="utf-8-sig")
    return Material(text[:size], text[size : size + HELD_OUT], "language", "")


def documents(lines: list[str]) -> Material:
    """Lines as documents, each once; the last of them, HELD_OUT characters, are held out."""
    lines = sorted(set(lines))
    random.Random(1).shuffle(lines)
    text = "\n".join(lines) + "\n"
    stop = text.rindex("\n", 0, len(text) - HELD_OUT) + 1
    return Material(text[:stop], text[stop:], "language", ", documents: line")


def names(path: str, folder: Path) -> Material:
    """One name a line."""
    return documents((folder / path).read_text(encoding="utf-8").split())


def molecules(path: str, folder: Path) -> Material:
    """The first column of a table with a header."""
    with (folder / path).open(encoding="utf-8", newline="") as file:
        return documents([row[0] for row in csv.reader(file)][1:])


def origins(path: str, folder: Path) -> Material:
    """The lines of a folder's files, to be classified by the file."""
    found = {
        f"{line}\t{file.stem}"
        for file in (folder / path).glob("*.txt")
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.strip()
    }
    rows = sorted(found)
    random.Random(1).shuffle(rows)
    held = int(HELD_SHARE * len(rows))
    given, rest = ("".join(f"{row}\n" for row in own) for own in (rows[held:], rows[:held]))
    return Material(given, rest, "classify", "")


TEXTS: dict[str, Callable[[Path], Material]] = {  # name -> how it is read out of FOLDER
    "play-10k": partial(prefix, "tinyshakespeare.txt", 10_000),
    "play-50k": partial(prefix, "tinyshakespeare.txt", 50_000),
    "novel-200k": partial(prefix, "warpeace.txt", 200_000),
    "names": partial(names, "makemore_names.txt"),
    "molecules": partial(molecules, "moleculenet/tox21.csv"),
    "origins": partial(origins, "names"),
}


def score(run: Path, held: Path) -> dict[str, float]:
    """The held-out loss of a run, and its accuracy if it classifies."""
    report = json.loads(charrnn("eval", str(run), str(held), "--json"))
    if "labels" not in report:
        return {"loss": float(report["nats_per_char"])}
    return {"loss": float(report["rows"][0]["loss"]), "accuracy": float(report["labels"]["accuracy"])}


def measure(folder: Path, material: Material, minutes: float) -> dict[str, Any]:
    """Search for settings for a text in an empty folder, and score the defaults and the best trial."""
    given, held, config = (folder / name for name in ("given.tsv", "held.tsv", "my.yaml"))
    given.write_text(material.given, encoding="utf-8", newline="")
    held.write_text(material.held, encoding="utf-8", newline="")
    config.write_text(f"task: {material.task}\ndata: {{path: {given}{material.data}}}\n", encoding="utf-8")
    search = folder / "search"
    words = ["tune", str(config), "--out", str(search), "--set", "train.workers=1"]
    began = perf_counter()
    charrnn(*words, "--trials", "1", "--quiet")  # the defaults
    first = perf_counter() - began
    table = charrnn(*words, "--trials", str(TRIALS), "--minutes", str(minutes), "--quiet")
    best = re.match(r"# Trial (\d+) ", (search / "best.yaml").read_text(encoding="utf-8"))
    assert best, "best.yaml begins with the number of the trial"
    return {
        "defaults": score(search / "trial-0000", held),
        "best": score(search / f"trial-{int(best[1]):04}", held),
        "default_seconds": first,
        "minutes": minutes,
        "trial": int(best[1]),
        "counts": table.splitlines()[0],
        "table": table,
    }


def row(name: str, found: dict[str, Any]) -> str:
    """A row of the table."""
    before, after = found["defaults"]["loss"], found["best"]["loss"]
    accuracies = [f"{100 * found[own]['accuracy']:.1f} %" for own in ("defaults", "best") if "accuracy" in found[own]]
    cells = [name, f"{before:.4f}", f"{after:.4f}", f"{after - before:+.4f}", f"{found['default_seconds']:.0f} s"]
    return f"| {' | '.join([*cells, str(found['trial']), found['counts'], ' -> '.join(accuracies)])} |"


def main() -> None:
    """Search for settings for each text, and print a row for it as soon as it is scored."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=20, help="of each search, after the run with the defaults")
    parser.add_argument("--only", default=",".join(TEXTS), help="names of texts, with commas between them")
    options = parser.parse_args()
    chosen = options.only.split(",")
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    print("| text | defaults | best trial | difference | defaults take | trial | trials | accuracy |")
    print("|---|---:|---:|---:|---:|---:|---|---|")
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(2) as pool:
        folders = [Path(scratch) / name for name in chosen]
        for folder in folders:
            folder.mkdir()
        materials = [TEXTS[name](options.folder) for name in chosen]
        found = pool.map(partial(measure, minutes=options.minutes), folders, materials)
        for name, own in zip(chosen, found, strict=True):
            print(row(name, own), flush=True)
            RESULTS.parent.mkdir(exist_ok=True)
            results[name] = own
            RESULTS.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
