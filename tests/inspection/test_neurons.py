"""Units: their activity step by step, features by eye and by another way, units that were planted, gates by hand."""

import re
from typing import Any

import numpy as np
import pytest

from charrnn.config.model_keys import ModelConfig
from charrnn.data.vocab import END, Vocab
from charrnn.inspection import neurons as module
from charrnn.inspection.neurons import FEATURES, correlate, features, followers, unit_trace, watch
from charrnn.models.network import Network
from tests.support.processes import TALES

TEXT = TALES.read_text()[:9000]
VOCAB = Vocab("".join(sorted(set(TEXT))))
IDS = VOCAB.encode(TEXT)


def network_of(**model: Any) -> Network:
    network = Network(ModelConfig(**model), VOCAB, np.float64)
    network.params.values[...] = np.random.default_rng(2).standard_normal(network.params.size) / 3
    return network


@pytest.mark.parametrize("length", [2, 7, 120, 1650])
def test_values_are_the_states_when_characters_are_read_one_by_one(cell: dict[str, Any], length: int) -> None:
    network = network_of(**cell, hidden_size=5, num_layers=2)
    activity = watch(network, IDS[:length])
    steps, streams = activity.positions.shape
    piece = activity.positions[-1, 0] + 1
    assert streams == max(1, length // 700)
    assert piece == min(700, length // streams)
    assert steps == piece - min(100, piece // 4)
    for n in range(streams):
        state = network.start(1)
        for at in range(n * piece, (n + 1) * piece):
            network.feed(IDS[at : at + 1, None], state)
            t = at - n * piece - (piece - steps)
            if t >= 0:
                assert activity.positions[t, n] == at
                seen = np.tanh(state[:, 1, 0]) if cell["cell"] == "lstm" else state[:, 0, 0]
                np.testing.assert_allclose(activity.values[t, n], seen, atol=1e-6)


def gates_by_hand(network: Network, ids: Any, k: int) -> dict[str, list[Any]]:
    """The sigmoid gates of a network of one layer after each character, by the equations of the papers."""
    value = network.params.value
    w, u, b = value["weight_ih_l0"], value["weight_hh_l0"], value["bias_l0"]
    found: dict[str, list[Any]] = {}
    h = c = np.zeros(k)
    for x in ids:
        a = [w[g, x] + h @ u[g] + b[g] for g in range(len(w))]
        if network.config.cell == "lstm":
            i, f, o = (1 / (1 + np.exp(-a[g])) for g in range(3))
            c = f * c + i * np.tanh(a[3])
            h, now = o * np.tanh(c), {"i": i, "f": f, "o": o}
        else:
            r, z = (1 / (1 + np.exp(-a[g])) for g in range(2))
            n = np.tanh(w[2, x] + b[2] + r * (h @ u[2] + value["bias_hn_l0"]))
            h, now = (1 - z) * n + z * h, {"r": r, "z": z}
        for name, gate in now.items():
            found.setdefault(name, []).append(gate)
    return found


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_saturation_is_the_share_of_steps_at_which_a_gate_is_open_or_shut(name: str) -> None:
    network = network_of(cell=name, hidden_size=6, num_layers=1)
    activity = watch(network, IDS[:300])
    by_hand = gates_by_hand(network, IDS[:300], 6)
    assert [gate.gate for gate in activity.saturation] == list(by_hand)
    for gate in activity.saturation:
        after = np.array(by_hand[gate.gate])[75:]
        np.testing.assert_allclose(gate.low[0], (after < 0.1).mean(axis=0), atol=1e-12)
        np.testing.assert_allclose(gate.high[0], (after > 0.9).mean(axis=0), atol=1e-12)


def row(text: str, name: str) -> list[float]:
    return features(text)[FEATURES.index(name)].tolist()


def test_features_of_a_line() -> None:
    text = '  (Ab "c1.") d\n\n"e f'
    assert row(text, "inside quotes") == [int(c) for c in "0000001111000000" + "1111"]
    assert row(text, "inside brackets") == [int(c) for c in "0011111111100000" + "0000"]
    assert row(text, "position in line") == [*range(1, 15), 0, 0, 1, 2, 3, 4]
    assert row(text, "indentation") == [1, *[2] * 13, 0, 0, 0, 0, 0, 0]
    assert row(text, "position in word") == [int(c) for c in "0001200100000100" + "0101"]
    assert row(text, "after a capital") == [int(c == "A") for c in text]
    assert row(text, "after a vowel") == [int(c in "Ae") for c in text]
    assert row(text, "after a digit") == [int(c == "1") for c in text]


def test_features_agree_with_regular_expressions_on_a_real_text() -> None:
    inside = np.zeros(len(TEXT))
    for match in re.finditer(r'"[^"]*"?', re.sub(r"(?<=\n)\n", "\0", TEXT)):
        stop = min(
            [match.end(), *(match.start() + m.start() for m in re.finditer("\0", match[0].replace("\n\n", "\n\0")))]
        )
        closed = match[0].endswith('"') and len(match[0]) > 1 and stop == match.end()
        inside[match.start() : stop - closed] = 1
    assert row(TEXT, "inside quotes") == inside.tolist()
    assert row(TEXT, "position in line") == [k - 1 - TEXT.rfind("\n", 0, k) for k in range(1, len(TEXT) + 1)]
    ends = [max(TEXT.rfind(c, 0, k) for c in ".!?") for k in range(1, len(TEXT) + 1)]
    assert row(TEXT, "position in sentence") == [k - end for k, end in enumerate(ends)]


def test_correlations_are_those_of_numpy() -> None:
    rng = np.random.default_rng(4)
    known, values = rng.standard_normal((3, 40, 2)), rng.standard_normal((40, 2, 2, 3))
    values[..., 1, 1] += known[2]
    values[..., 0, 0] = 7
    expected = np.array(
        [[np.corrcoef(f.ravel(), values.reshape(80, 6)[:, u])[0, 1] if u else 0 for u in range(6)] for f in known]
    )
    np.testing.assert_allclose(correlate(known, values), expected, atol=1e-12)


def test_planted_units_are_found_and_listed_first() -> None:
    """Unit 3 of a plain RNN is pushed by capitals alone, unit 5 keeps what a closing and an opening mark tell it."""
    text = TEXT.replace('"', "”")
    text = re.sub("”([^”]*)”", r"“\1”", text)  # so that a single unit can know
    vocab = Vocab("".join(sorted({*text, "“", "”"})))
    network = Network(ModelConfig(cell="rnn", hidden_size=8, num_layers=1), vocab)
    network.initialise(np.random.default_rng(1))
    value = network.params.value
    for unit in (3, 5):
        value["weight_ih_l0"][0, :, unit] = value["weight_hh_l0"][0, :, unit] = value["bias_l0"][0, unit] = 0
    for k, symbol in enumerate(vocab.symbols):
        value["weight_ih_l0"][0, k, 3] = -3 if symbol.isupper() else 3
    value["weight_hh_l0"][0, 5, 5] = 3
    value["weight_ih_l0"][0, vocab.symbols.index("“"), 5] = 9
    value["weight_ih_l0"][0, vocab.symbols.index("”"), 5] = -9
    ids = vocab.encode(text)
    activity = watch(network, ids)
    found = followers(activity, vocab, ids)
    first, second = found[:2]
    assert {first.feature: first.unit, second.feature: second.unit} == {
        "after a capital": 3,
        "inside quotes": 5,
    }
    capital = next(f for f in found if f.unit == 3)
    assert capital.correlation == pytest.approx(-1)
    assert capital.explained == pytest.approx(1)
    assert min(first.explained, second.explained) > 0.9
    assert [f.explained for f in found] == sorted((f.explained for f in found), reverse=True)
    assert {"inside brackets", "indentation", "after a digit"}.isdisjoint(f.feature for f in found)  # tales have none


def test_a_unit_is_shown_where_it_varies_most() -> None:
    positions = np.array([[0, 3, 6], [1, 4, 7], [2, 5, 8]])
    values = np.zeros((3, 3, 2, 2), np.float32)
    values[:, 1, 1, 0] = [0.5, -0.5, 0.1]
    values[:, 2, 1, 0] = 0.9  # high, but constant
    trace = unit_trace(module.Activity(positions, values, []), np.arange(10, 19), layer=1, unit=0)
    assert (trace.layer, trace.unit, trace.follower) == (1, 0, None)
    assert trace.ids.tolist() == [13, 14, 15]
    np.testing.assert_array_equal(trace.values, values[:, 1, 1, 0])


def test_a_unit_is_judged_on_the_half_that_did_not_choose_it() -> None:
    """Pure noise: the best of 500 units looks good where it is chosen, and like nothing on the other half."""
    at = np.arange(2000)[:, None]
    values = np.random.default_rng(5).standard_normal((2000, 1, 1, 500)).astype(np.float32)
    found = followers(module.Activity(at, values, []), VOCAB, IDS)
    assert len(found) > 5
    chosen = [np.abs(correlate(features(TEXT)[:, at[:1000]], values[:1000])).max(axis=1).mean()]
    assert np.mean([abs(f.correlation) for f in found]) < 0.06 < chosen[0]


def test_a_text_without_features_has_no_followers_and_bytes_are_no_letters() -> None:
    vocab = Vocab.of_bytes()
    network = Network(ModelConfig(cell="gru", hidden_size=4, num_layers=1), vocab)
    for text in ("é" * 400, "aa"):
        ids = vocab.encode(text)
        assert followers(watch(network, ids), vocab, ids) == []


# -- documents ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", END])
def test_units_forget_a_document_where_it_ends(cell: dict[str, Any], end: str) -> None:
    vocab = Vocab("abc" + end, end=end)
    network = Network(ModelConfig(**cell, hidden_size=4, num_layers=2), vocab, np.float64)
    network.params.values[...] = np.random.default_rng(2).standard_normal(network.params.size) / 3
    documents = ["abc", "a", "cab" * 25, "b", "abcabc"]
    ids = vocab.encode("".join(document + end for document in documents))
    activity = watch(network, ids)
    assert activity.positions.shape[1] == 1
    expected = []
    for document in documents:
        state = network.start(1)
        for k in vocab.encode(document):
            network.feed(np.array([[k]]), state)
            expected.append(np.tanh(state[:, 1, 0]) if cell["cell"] == "lstm" else state[:, 0, 0].copy())
        start = network.start(1)
        expected.append(np.tanh(start[:, 1, 0]) if cell["cell"] == "lstm" else start[:, 0, 0])
    np.testing.assert_allclose(activity.values[:, 0], np.array(expected)[activity.positions[:, 0]], atol=1e-6)


def test_the_end_of_a_document_ends_all_features() -> None:
    text = f'a "b (c{END}d'
    found = dict(zip(FEATURES, features(text, END).T[-1], strict=True))
    assert {name for name, value in found.items() if value} == {
        "position in line", "position in word", "position in sentence",
    }  # fmt: skip
    assert (found["position in line"], found["position in sentence"]) == (1, 1)
    for k, name in enumerate(FEATURES):
        if name != "after a newline":
            assert not features(text, END)[k, 7], name
    lines = dict(zip(FEATURES, features('a "b (c\nd', "\n").T[-1], strict=True))
    assert not lines["inside quotes"]
    assert not lines["inside brackets"]


@pytest.mark.parametrize("vocab", [Vocab("".join(sorted({*TEXT, END})), end=END), Vocab.of_bytes(END)])
def test_followers_are_found_in_documents(vocab: Vocab) -> None:
    network = Network(ModelConfig(cell="gru", hidden_size=6, num_layers=1), vocab)
    network.initialise(np.random.default_rng(1))
    pieces = [[*vocab.encode(part), vocab.end_id] for part in TEXT.split("\n\n")]
    ids = np.concatenate(pieces)
    assert followers(watch(network, ids), vocab, ids)
