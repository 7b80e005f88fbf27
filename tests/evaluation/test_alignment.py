"""Edit distances and alignments, beside the textbook's recursion."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.evaluation import alignment
from charrnn.evaluation.alignment import edit_distances, replacements

WORDS = st.lists(st.text("abc", max_size=5), min_size=1, max_size=6)


def naive_distance(first: str, second: str) -> int:
    """The recursion as it stands in textbooks."""

    @cache
    def distance(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        replaced = distance(i - 1, j - 1) + (first[i - 1] != second[j - 1])
        return min(replaced, distance(i - 1, j) + 1, distance(i, j - 1) + 1)

    return distance(len(first), len(second))


@given(WORDS, WORDS)
def test_distances_are_those_of_the_recursion(first: list[str], second: list[str]) -> None:
    count = min(len(first), len(second))
    first, second = first[:count], second[:count]
    assert edit_distances(first, second).tolist() == [*map(naive_distance, first, second)]


@given(WORDS, WORDS)
def test_an_alignment_has_as_many_differences_as_the_distance(first: list[str], second: list[str]) -> None:
    count = min(len(first), len(second))
    found = replacements(first[:count], second[:count])
    assert found.total() == edit_distances(first[:count], second[:count]).sum()
    # What is deleted and inserted accounts for the difference of the lengths.
    inserted = sum(n for (own, _), n in found.items() if not own) - sum(n for (_, own), n in found.items() if not own)
    assert inserted == sum(map(len, second[:count])) - sum(map(len, first[:count]))


def test_an_alignment_names_what_was_replaced_deleted_and_inserted() -> None:
    assert replacements([["a", "tʃ", "b"]], [["a", "ʃ", "b"]]) == {("tʃ", "ʃ"): 1}
    assert replacements(["kitten"], ["sitting"]) == {("k", "s"): 1, ("e", "i"): 1, ("", "g"): 1}
    assert replacements(["ab", ""], ["b", "c"]) == {("a", ""): 1, ("", "c"): 1}


def test_batches_of_any_size_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = ["abcabc", "", "b", "acb", "aaaa"], ["bca", "ab", "", "acb", "bbbbbb"]
    whole = edit_distances(first, second).tolist(), replacements(first, second)
    monkeypatch.setattr(alignment, "MAX_CELLS", 20)
    assert (edit_distances(first, second).tolist(), replacements(first, second)) == whole


def test_no_pairs_have_no_distances() -> None:
    assert not len(edit_distances([], []))
    assert not replacements([], [])
