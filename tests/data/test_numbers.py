"""The bundled numbers in words are those that their program writes."""

import runpy
from typing import Any

import pytest

from tests.support.processes import ROOT

PROGRAM: dict[str, Any] = runpy.run_path(str(ROOT / "docs" / "make_numbers.py"))


def test_the_file_is_up_to_date() -> None:
    assert (ROOT / "data" / "numbers.tsv").read_text(encoding="utf-8") == PROGRAM["table"]()


def test_a_larger_file_has_as_many_numbers_as_asked_for() -> None:
    header, *rows = PROGRAM["table"](limit=1_000_000, count=50).splitlines()
    numbers = [int(row.split("\t")[0]) for row in rows]
    assert (header, len({*numbers}), numbers[:100]) == ("number\twords", 150, [*range(100)])
    assert 10_000 < max(numbers) < 1_000_000


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (80, "eighty"),
        (472, "four hundred and seventy-two"),
        (500, "five hundred"),
        (1001, "one thousand and one"),
        (9120, "nine thousand one hundred and twenty"),
        (60_013, "sixty thousand and thirteen"),
        (900_100, "nine hundred thousand one hundred"),
        (999_999, "nine hundred and ninety-nine thousand nine hundred and ninety-nine"),
    ],
)
def test_a_number_is_written_as_in_english(number: int, words: str) -> None:
    assert PROGRAM["in_words"](number) == words
