"""Reading: one pass gives codes and symbols of any text, in any piece sizes."""

import hashlib
import unicodedata

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from charrnn.data.decoding import transformed
from charrnn.data.files import file_pieces
from charrnn.data.reading import read_raw
from charrnn.data.vocab import build_vocab
from charrnn.errors import visible
from tests.support.strategies import neighbourly, texts
from tests.support.texts import ALL, TALES, cut, fault, piece_sizes, spelled


def test_every_character_of_unicode_can_be_read_and_known():
    raw = read_raw(cut(ALL.encode(), 1 << 20))
    assert raw.codes.dtype == np.uint32
    assert spelled(raw) == ALL
    assert build_vocab([raw.codes], raw.symbols, "char", 1).symbols == ALL


@pytest.mark.parametrize("distinct", [65_535, 65_536, 65_537])
def test_a_character_that_occurs_again_in_a_later_piece_is_the_same(distinct):
    text = ALL[:distinct] + ALL[distinct - 1] + "a"
    raw = read_raw(cut(text.encode(), len(ALL[:distinct].encode())))
    assert (len(raw.symbols), spelled(raw)) == (distinct, text)


@pytest.mark.parametrize(("data", "encoding"), [(b"a+2AA-", "utf-7"), (rb"a\ud800", "unicode_escape")])
def test_half_a_surrogate_pair_is_no_character_in_any_encoding(data, encoding):
    message = fault(read_raw, cut(data, 100), encoding=encoding)
    assert "half a surrogate pair, '\\ud800'" in message
    assert encoding in message


@given(data=st.binary(), size=piece_sizes)
def test_bytes_are_read_as_they_are(data, size):
    raw = read_raw(cut(data, size), tokens="byte")
    assert raw.codes.tobytes() == data
    assert raw.codes.dtype == np.uint8
    assert (raw.sha256, raw.size) == (hashlib.sha256(data).hexdigest(), len(data))


def changed(text, normalize, lowercase):
    text = text.lower() if lowercase else text
    return unicodedata.normalize("NFC", text) if normalize == "nfc" else text


@settings(max_examples=300)
@given(text=neighbourly | texts, size=piece_sizes, normalize=st.sampled_from(["none", "nfc"]), lowercase=st.booleans())
@example("ΑΣ Σ\u0301Σ'Σ\n\u0301Σ", 4, "nfc", True)
@example("J\u030c is \u01f0 only in lower case", 4, "nfc", True)
def test_normal_form_and_lower_case_are_those_of_the_whole_text(text, size, normalize, lowercase):
    assume(not text.startswith("\ufeff"))
    raw = read_raw(cut(text.encode(), size), normalize=normalize, lowercase=lowercase)
    assert spelled(raw) == changed(text, normalize, lowercase)
    assert raw.sha256 == hashlib.sha256(text.encode()).hexdigest()
    characters = transformed(list(text), normalize, lowercase)
    assert "".join(characters) == changed(text, normalize, lowercase)


def test_all_of_the_bundled_text_is_read_as_it_is():
    raw = read_raw(file_pieces([TALES]))
    assert spelled(raw).encode() == TALES.read_bytes()
    assert raw.sha256 == hashlib.sha256(TALES.read_bytes()).hexdigest()
    assert visible(spelled(raw)) == spelled(raw)
