"""Vocabularies: text to ids and back, and what happens to characters that a model does not know."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from charrnn.data.reading import read_raw
from charrnn.data.splits import make_split
from charrnn.data.vocab import Vocab, build_vocab
from tests.support.strategies import texts
from tests.support.texts import ALL, cut, fault, spelled


@given(text=texts)
def test_decoding_gives_back_any_text_that_was_encoded(text):
    vocab = Vocab("".join(sorted(set(text))))
    ids = vocab.encode(text)
    assert (ids.dtype, ids.shape) == (np.int32, (len(text),))
    assert vocab.decode(ids) == text
    assert vocab.decode(ids.tolist()) == text
    assert vocab.to_bytes(text) == text.encode()
    assert vocab.byte_lengths()[ids].sum() == len(text.encode())
    assert (vocab.encode(text.encode()) == ids).all()


@given(data=st.binary())
def test_a_byte_vocabulary_gives_back_any_bytes(data):
    vocab = Vocab.of_bytes()
    ids = vocab.encode(data)
    assert (vocab.size, ids.tolist()) == (256, list(data))
    assert vocab.to_bytes(vocab.decode(ids)) == data
    assert vocab.byte_lengths()[ids].sum() == len(data)


@given(text=texts)
def test_a_byte_vocabulary_reads_text_as_utf_8(text):
    assert bytes(Vocab.of_bytes().encode(text).tolist()) == text.encode()


@given(text=texts, symbols=texts.map(lambda text: "".join(sorted(set(text)))))
@example("a-b", "\n ab")
def test_unknown_characters_are_refused_left_out_or_replaced_as_asked(text, symbols):
    vocab = Vocab(symbols)
    unknown = [symbol for symbol in text if symbol not in symbols]
    assert vocab.decode(vocab.encode(text, "skip")) == "".join(symbol for symbol in text if symbol in symbols)
    if symbols:
        stand_in = " " if " " in symbols else symbols[0]
        replaced = "".join(symbol if symbol in symbols else stand_in for symbol in text)
        assert vocab.decode(vocab.encode(text, "replace")) == replaced
    if unknown:
        assert fault(vocab.encode, text).startswith(f"the model does not know {unknown[0]!r} (position ")
    else:
        assert vocab.decode(vocab.encode(text)) == text


def test_unknown_characters_are_named_once_each_with_their_first_position():
    message = fault(Vocab("ab").encode, "axbéaxx\x1b")
    assert message.startswith("the model does not know 'x' (position 1), 'é' (position 3), '\\x1b' (position 7); ")
    assert message.endswith("; leave them out or replace them")


def test_of_many_unknown_characters_the_first_eight_are_named():
    message = fault(Vocab("ab").encode, "abcdefghijkl")
    assert "'c' (position 2), " in message
    assert "'j' (position 9) and 2 more; " in message


def test_a_vocabulary_with_an_unknown_character_encodes_any_text():
    vocab = Vocab("ab", has_unknown=True)
    assert vocab.size == 3
    assert vocab.encode("abxa").tolist() == [0, 1, 2, 0]
    assert vocab.encode("x", "replace").tolist() == [2]
    assert vocab.decode([0, 2, 1]) == "a�b"
    assert vocab.byte_lengths().tolist() == [1, 1, 1]


@given(text=texts.filter(bool), min_count=st.integers(1, 4))
def test_a_vocabulary_holds_the_characters_that_are_frequent_enough_in_order(text, min_count):
    raw = read_raw(cut(text.encode(), 4))
    pieces = np.array_split(raw.codes, 3)
    vocab = build_vocab(pieces, raw.symbols, "char", min_count)
    counts = Counter(spelled(raw))
    assert vocab.symbols == "".join(sorted(symbol for symbol in counts if counts[symbol] >= min_count))
    assert vocab.has_unknown == (min_count > 1)
    split = make_split("train", pieces, raw.symbols, vocab)
    rare = sum(n for n in counts.values() if n < min_count)
    assert (len(split), split.unknown) == (len(raw), rare)
    expected = "".join(symbol if symbol in vocab.symbols else "�" for symbol in spelled(raw))
    assert vocab.decode(split.ids) == expected


@pytest.mark.parametrize(
    ("distinct", "dtype"),
    [(1, np.uint8), (256, np.uint8), (257, np.uint16), (65536, np.uint16), (65537, np.uint32)],
)
def test_ids_are_of_the_smallest_type_that_holds_them(distinct, dtype):
    symbols = ALL[len(ALL) - distinct :]
    raw = read_raw(cut(symbols.encode(), 999))
    assert raw.codes.dtype == dtype
    vocab = build_vocab([raw.codes], raw.symbols, "char", 1)
    split = make_split("train", [raw.codes], raw.symbols, vocab)
    assert (vocab.size, split.ids.dtype) == (distinct, dtype)
    assert (split.ids == np.arange(distinct)).all()
