"""What a text shares with its training text, found once more by looking for every passage with Python's `in`."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from charrnn.data.vocab import Vocab
from charrnn.evaluation.novelty import LENGTHS, novelty

VOCAB = Vocab("abc")


def slow(train: str, text: str) -> tuple[int, dict[int, float]]:
    """The longest overlap, and the share of passages of each length that are new."""
    longest = max(
        (j - i for i in range(len(text)) for j in range(i + 1, len(text) + 1) if text[i:j] in train), default=0
    )
    passages = {n: [text[i : i + n] for i in range(len(text) - n + 1)] for n in LENGTHS if n <= len(text)}
    return longest, {n: sum(passage not in train for passage in each) / len(each) for n, each in passages.items()}


@given(st.text("abc", min_size=1, max_size=120), st.text("abc", min_size=1, max_size=50))
@example("a" * 70, "a" * 40)
@example("ab" * 30, "ba" * 20)
@example("b", "aa")
def test_every_figure_is_that_of_a_search(train: str, text: str) -> None:
    found = novelty(VOCAB.encode(train), VOCAB.encode(text))
    longest, new = slow(train, text)
    assert found.longest == longest
    assert {each.length: each.share for each in found.new} == new
    start, source = found.start, found.source_start
    assert text[start : start + longest] == train[source : source + longest]


def test_a_copied_passage_is_found_where_it_stands() -> None:
    rng = np.random.default_rng(0)
    train, text = rng.integers(0, 50, 20_000), rng.integers(0, 50, 5000)
    text[1234:1334] = train[7777:7877]
    found = novelty(train, text)
    # a neighbour may agree by chance; the passage itself is there
    assert 100 <= found.longest <= 103
    assert found.source_start - found.start == 7777 - 1234
    assert {each.length: each.share for each in found.new}[64] == 1 - (found.longest - 63) / (5000 - 63)


def test_memory_grows_about_as_the_text_does(peak_memory) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(0)
    small, large = (
        peak_memory(lambda n=n: novelty(rng.integers(0, 50, n), rng.integers(0, 50, n))) for n in (20_000, 40_000)
    )
    assert large < 2.5 * small
