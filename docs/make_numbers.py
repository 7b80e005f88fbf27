"""Write pairs of numbers in figures and in English words: the bundled data/numbers.tsv, or a larger FILE.

    python docs/make_numbers.py [FILE --limit N --count N]

All numbers up to 99 and COUNT larger ones below LIMIT, drawn with a fixed seed and sorted.
"""

import argparse
import random
from pathlib import Path

PATH = Path(__file__).resolve().parents[1] / "data" / "numbers.tsv"
LIMIT, COUNT, SEED = 10_000, 900, 1

UNITS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
TENS = ("zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def in_words(number: int) -> str:
    """A number below a million in words, such as four hundred and seventy-two."""
    if number < len(UNITS):
        return UNITS[number]
    if number < 100:
        tens, unit = divmod(number, 10)
        return TENS[tens] + (f"-{UNITS[unit]}" if unit else "")
    size, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    count, rest = divmod(number, size)
    joint = " and " if rest < 100 else " "
    return f"{in_words(count)} {name}" + (f"{joint}{in_words(rest)}" if rest else "")


def table(limit: int = LIMIT, count: int = COUNT) -> str:
    """The file: a header, and a row for each number."""
    drawn = random.Random(SEED).sample(range(100, limit), count)
    rows = [f"{number}\t{in_words(number)}\n" for number in [*range(100), *sorted(drawn)]]
    return "".join(["number\twords\n", *rows])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, default=PATH)
    parser.add_argument("--limit", type=int, default=LIMIT, help="at most a million")
    parser.add_argument("--count", type=int, default=COUNT)
    options = parser.parse_args()
    options.file.write_text(table(options.limit, options.count), encoding="utf-8", newline="\n")
