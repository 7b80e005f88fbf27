"""Symbols of one side of a translation: spelling, ids, and what has none."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charrnn.data.symbols import NO_SYMBOL, Symbols, join, spell, symbols_of

PHONES = ["t͡ʃ", "a", "ʁ", "ɑ̃"]


@given(st.lists(st.lists(st.sampled_from(PHONES), max_size=5), min_size=1, max_size=5))
def test_what_is_encoded_is_decoded_text_by_text(spelled):
    symbols = symbols_of(spelled)
    ids, bounds = symbols.encode(spelled)
    assert [symbols.decode(ids[bounds[k] : bounds[k + 1]]) for k in range(len(spelled))] == spelled
    assert ids.dtype == np.int32
    assert list(symbols.names) == sorted({name for own in spelled for name in own})


def test_an_unknown_symbol_of_a_source_has_the_last_id_and_that_of_a_target_none():
    symbols = Symbols(("a", "b"))
    assert (symbols.size, symbols.last_id) == (3, 2)
    assert symbols.encode([["a", "z"], []])[0].tolist() == [0, 2]
    assert symbols.encode([["a", "z"], []], NO_SYMBOL)[0].tolist() == [0, -1]


def test_rare_symbols_are_not_kept():
    assert symbols_of([["a", "b"], ["a"]], min_count=2).names == ("a",)


def test_a_text_is_spelled_by_characters_or_between_blanks():
    assert spell("t͡ʃ a", "space") == ["t͡ʃ", "a"]
    assert spell("ab c", "char") == ["a", "b", " ", "c"]
    assert join(["t͡ʃ", "a"], "space") == "t͡ʃ a"
    assert join(["a", "b"], "char") == "ab"
