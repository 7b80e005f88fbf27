"""A charrnn classifier of languages beside langid (Lui and Baldwin 2012), on whole sentences and on their beginnings.

    pip install langid
    python benchmarks/languages.py RUN... [--cut 20,50]

RUN is a run on files that are named by the ISO 639-1 codes of their languages, for instance of benchmarks/published.py;
several of them vote. The test split is read whole, and cut to its first characters. The table has the share of right
answers: of charrnn on all lines; and of both on the lines in languages that langid knows, with the mean over these
languages. langid chooses among these languages only, charrnn among all of its own.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean

import charrnn
from charrnn.models.loading import load_checkpoint

Guess = Callable[[Sequence[str]], list[str]]
ROW = "| {:20} | {:>12} | {:>13} | {:>6} |"


def test_rows(run: Path) -> list[tuple[str, str]]:
    """The text and the language of each example of the test split."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "examples.tsv"
        command = [sys.executable, "-m", "charrnn", "eval", str(run), "--split", "test", "--per-example", str(table)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with open(table, encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            return [(row["text"], row["truth"].removesuffix(".txt")) for row in rows]


def by_charrnn(runs: Sequence[Path]) -> Guess:
    """What runs predict together."""
    models = [load_checkpoint(run).task_model for run in runs]
    return lambda texts: [each.labels[0].removesuffix(".txt") for each in charrnn.predict(models, texts)]


def by_langid(languages: set[str]) -> tuple[Guess, set[str]]:
    """What langid says, and those of the languages that it knows, among which it chooses."""
    from langid.langid import LanguageIdentifier, model

    identifier = LanguageIdentifier.from_modelstring(model)
    known = languages & set(identifier.nb_classes)
    identifier.set_languages(sorted(known))
    return lambda texts: [identifier.classify(text)[0] for text in texts], known


def right(guess: Guess, rows: Sequence[tuple[str, str]], cut: int | None) -> dict[str, float]:
    """The share of right answers of each language on texts of at most `cut` characters."""
    answers: dict[str, list[bool]] = {}
    for (_, language), found in zip(rows, guess([text[:cut] for text, _ in rows]), strict=True):
        answers.setdefault(language, []).append(found == language)
    return {language: mean(each) for language, each in answers.items()}


def main() -> None:
    """Print the table, and write it as JSON if a file is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--cut", default="20", help="characters, with commas between them")
    parser.add_argument("--json", type=Path, help="also write the share of each language into this file")
    options = parser.parse_args()
    rows = test_rows(options.runs[0])
    own = by_charrnn(options.runs)
    other, known = by_langid({language for _, language in rows})
    if not known:
        raise SystemExit("langid knows none of these languages; name the files by the ISO 639-1 codes of theirs")
    shared = [row for row in rows if row[1] in known]
    print(ROW.format("characters of a line", "charrnn, all", "charrnn, these", "langid"))
    print("|---|---:|---:|---:|")
    found = {}
    for cut in (None, *map(int, options.cut.split(","))):
        shares = {"charrnn": right(own, rows, cut), "langid": right(other, shared, cut)}
        found[str(cut)] = shares
        these = mean(shares["charrnn"][language] for language in known)
        cells = (mean(shares["charrnn"].values()), these, mean(shares["langid"].values()))
        print(ROW.format(cut or "all", *(f"{100 * cell:.1f}" for cell in cells)), flush=True)
    print(f"{len(rows):,} lines in {len(found['None']['charrnn'])} languages, of which langid knows {len(known)}")
    if options.json:
        options.json.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
