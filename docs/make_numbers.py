"""Write the bundled pairs of numbers in figures and in English words: data/numbers.tsv.

    python docs/make_numbers.py

All numbers up to 99 and COUNT larger ones below LIMIT, drawn with a fixed seed and sorted.
"""

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
    """A number below 10,000 in words, such as four hundred and seventy-two."""
    if number < len(UNITS):
        return UNITS[number]
    if number < 100:
        tens, unit = divmod(number, 10)
        return TENS[tens] + (f"-{UNITS[unit]}" if unit else "")
    size, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    count, rest = divmod(number, size)
    joint = " and " if rest < 100 else " "
    return f"{UNITS[count]} {name}" + (f"{joint}{in_words(rest)}" if rest else "")


def table() -> str:
    """The file: a header, and a row for each number."""
    drawn = random.Random(SEED).sample(range(100, LIMIT), COUNT)
    rows = [f"{number}\t{in_words(number)}\n" for number in [*range(100), *sorted(drawn)]]
    return "".join(["number\twords\n", *rows])


if __name__ == "__main__":
    PATH.write_text(table(), encoding="utf-8", newline="\n")
