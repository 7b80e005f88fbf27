"""Errors: what a terminal may see of a user's text, and messages with their hints."""

import pickle
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from charrnn import config
from charrnn.errors import CharrnnError, DivergedError, TextError, visible
from tests.support.processes import Result, call
from tests.support.texts import ALL

# -- what a terminal may see --------------------------------------------------------------------------------------


def test_no_character_that_commands_a_terminal_or_turns_text_around_is_shown_raw():
    every = ALL[:0x20000] + "".join(map(chr, range(0xE0000, 0xE0200))) + "\ud800\udfff"
    shown = set(visible(every))
    assert {symbol for symbol in shown if unicodedata.category(symbol)[0] == "C"} == set("\n\t\u200c\u200d")
    assert not shown & set(
        "\x1b\x9b\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\u2028\u2029"
    )


@given(text=st.text(st.characters(categories=["L", "N", "P", "S", "Zs", "M"], include_characters="\n\t")))
@example("a family: 👩\u200d👧, می\u200cخواهم")
def test_what_is_printable_is_shown_as_it_is(text):
    assert visible(text) == text


def test_control_characters_are_shown_by_their_escapes():
    assert visible("a\x1b[31m\r\n\x9b\u202e\u2066\u2028\ufeff\0\U000e0001") == (
        "a\\x1b[31m\\r\n\\x9b\\u202e\\u2066\\u2028\\ufeff\\x00\\U000e0001"
    )


# -- messages -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [CharrnnError, TextError, DivergedError])
def test_a_message_is_shown_without_its_hint_and_survives_pickling(kind):
    error = kind("loss inf") if kind is DivergedError else kind("one", "two", hint="--out DIR")
    for copy in (error, pickle.loads(pickle.dumps(error))):
        assert str(copy) == ("loss inf" if kind is DivergedError else "one\ntwo")
        assert copy.hint == ("" if kind is DivergedError else "--out DIR")


def test_the_command_line_appends_the_hint_to_the_last_line(monkeypatch):
    def fails(*_, **__):
        raise TextError("one", "two", hint="--out DIR")

    monkeypatch.setattr(config, "load_config", fails)
    assert call("train", "my.yaml") == Result(2, b"", "charrnn: one\ncharrnn: two (--out DIR)\n")
