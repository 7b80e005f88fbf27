"""The state after a document: as when it is read alone, character by character; in the order of the text; as files."""

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import charrnn
from charrnn.config.model_keys import ModelConfig
from charrnn.data.vocab import END, Vocab
from charrnn.errors import CheckpointError, TextError
from charrnn.inspection import states as module
from charrnn.inspection.states import embed, embed_ids, encoded
from charrnn.models.network import Network
from charrnn.models.ngram import NGram

LINES, POEMS, STREAM = Vocab("\nabc", end="\n"), Vocab("\nabc" + END, end=END), Vocab("\nabc")


def network_of(vocab: Vocab, **model: Any) -> Network:
    network = Network(ModelConfig(**{"cell": "lstm", "hidden_size": 5, "num_layers": 2} | model), vocab)
    network.params.values[...] = np.random.default_rng(4).standard_normal(network.params.size) / 2
    return network


NETWORK = network_of(LINES)


def by_hand(network: Network, text: str) -> list[Any]:
    """The state before the first character and after each one, read alone."""
    layers = slice(None) if network.config.skip_connections else slice(-1, None)  # what the output layer reads of
    state = network.start(1)
    states = [state[layers, 0, 0].sum(axis=0)]
    for k in network.vocab.encode(text):
        network.feed(np.array([[k]]), state)
        states.append(state[layers, 0, 0].sum(axis=0))
    return states


@pytest.mark.parametrize("skips", [False, True])
@pytest.mark.parametrize("vocab", [LINES, POEMS, STREAM])
def test_a_row_is_what_the_output_layer_reads_after_the_last_character(
    cell: dict[str, Any], vocab: Vocab, skips: bool
) -> None:
    network = network_of(vocab, **cell, skip_connections=skips)
    texts = ["abc", "", "a", "cab" * 40, "b" * 64, "a" * 65]
    states = embed(network, texts)
    assert (states.shape, states.dtype) == ((6, 5), np.float32)
    np.testing.assert_allclose(states, [by_hand(network, text)[-1] for text in texts], atol=1e-6)


@settings(max_examples=30)
@given(texts=st.lists(st.text("abc", max_size=9), min_size=1, max_size=9), seed=st.integers(0, 99))
@example(texts=["abc"] * 150 + ["c" * 70], seed=3)
def test_neighbours_and_order_change_no_state(texts: list[str], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(texts))
    alone = np.concatenate([embed(NETWORK, [text]) for text in texts])
    np.testing.assert_allclose(embed(NETWORK, [texts[k] for k in order]), alone[order], atol=1e-6)


def test_each_character_has_a_row_and_ends_have_none() -> None:
    network, texts = network_of(POEMS), ["ab", "", "c\nab", "a" * 130]
    ids = POEMS.encode("".join(text + END for text in texts))
    found = embed_ids(network, ids, "character")
    np.testing.assert_array_equal(found.begins, [0, 2, 2, 6])
    expected = np.concatenate([by_hand(network, text)[1:] for text in texts if text])
    np.testing.assert_allclose(found.states, expected, atol=1e-6)
    whole = embed_ids(network, ids)
    np.testing.assert_allclose(whole.states, embed(network, texts), atol=1e-6)
    np.testing.assert_array_equal(whole.begins, [0, 1, 2, 3])


def test_what_follows_the_last_end_is_one_more_document() -> None:
    np.testing.assert_allclose(embed_ids(NETWORK, LINES.encode("ab\nc")).states, embed(NETWORK, ["ab", "c"]), atol=1e-6)
    np.testing.assert_allclose(embed_ids(NETWORK, LINES.encode("c")).states, embed(NETWORK, ["c"]), atol=1e-6)


def test_a_stream_is_one_document() -> None:
    network, text = network_of(STREAM), "ab\nc\n"
    np.testing.assert_allclose(embed_ids(network, STREAM.encode(text)).states, embed(network, [text]), atol=1e-6)
    rows = embed_ids(network, STREAM.encode(text), "character").states
    np.testing.assert_allclose(rows, by_hand(network, text)[1:], atol=1e-6)


def test_bytes_are_read_and_unknown_characters_left_out() -> None:
    np.testing.assert_array_equal(charrnn.embed(NETWORK, [b"ab", "a☃b"]), embed(NETWORK, ["ab", "ab"]))
    raw = network_of(Vocab.of_bytes(END))
    np.testing.assert_allclose(embed(raw, ["é", b"\xff"]), embed(raw, [b"\xc3\xa9", b"\xff"]))
    assert embed(NETWORK, []).shape == (0, 5)


def test_what_cannot_be_embedded_is_refused() -> None:
    with pytest.raises(TextError, match="text 2 holds"):
        embed(NETWORK, ["a", "a\nb"])
    with pytest.raises(TextError, match="utf-8"):
        embed(NETWORK, [b"\xff"])
    with pytest.raises(CheckpointError, match="no state"):
        embed(NGram(LINES, LINES.encode("ab\n"), 2), ["a"])


@pytest.mark.parametrize("rows_at_once", [1, 1024])
def test_files_hold_the_states(monkeypatch: pytest.MonkeyPatch, rows_at_once: int) -> None:
    monkeypatch.setattr(module, "ROWS_AT_ONCE", rows_at_once)
    found = embed_ids(NETWORK, LINES.encode("ab\nc\n"), "character")
    npy, npz = (io.BytesIO(b"".join(encoded(found, ending))) for ending in (".npy", ".npz"))
    np.testing.assert_array_equal(np.load(npy), found.states)
    with np.load(npz) as arrays:
        assert set(arrays) == {"states", "begins"}
        np.testing.assert_array_equal(arrays["states"], found.states)
        np.testing.assert_array_equal(arrays["begins"], [0, 2])
    head, *rows = [line.split("\t") for line in "".join(encoded(found, ".tsv")).splitlines()]
    assert head == ["document", "row", "h1", "h2", "h3", "h4", "h5"]
    assert [row[:2] for row in rows] == [["1", "1"], ["1", "2"], ["2", "1"]]
    np.testing.assert_array_equal(np.array([row[2:] for row in rows], np.float32), found.states)
