"""The likeliest documents against brute force, and the search against all sequences of small random chains."""

from collections.abc import Callable
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import charrnn.generation.search as search_module
from charrnn.arrays import Array
from charrnn.config.model_keys import ModelConfig
from charrnn.data.vocab import END, Vocab
from charrnn.evaluation.scoring import score
from charrnn.generation.likeliest import Likeliest, likeliest_documents
from charrnn.generation.search import Bounds, Decoder, best_sequences
from charrnn.models.gated_network import GatedNetwork
from charrnn.models.language_model import LanguageModel
from charrnn.models.mixed_model import MixedModel
from charrnn.models.network import Network
from charrnn.models.ngram import NGram

LONGEST = 6  # characters of the documents that brute force looks at


def a_network(cell: Any = "lstm", end: str = END, has_unknown: bool = False) -> Network:
    symbols = "".join(sorted({*"abc", end}))
    network = Network(ModelConfig(cell=cell, hidden_size=5, num_layers=2), Vocab(symbols, has_unknown, end=end))
    network.params.values[...] = np.random.default_rng(7).standard_normal(network.params.size)
    network.params.value["output_weight"][...] *= 2
    return network


def an_ngram() -> NGram:
    vocab = Vocab("\nabc", end="\n")
    return NGram(vocab, vocab.encode("ab\nabc\nacb\nb\nb\ncab\naab\n"), 3)


def a_mixture() -> MixedModel:
    return MixedModel([a_network("gru", "\n"), an_ngram()], [0.4, 0.6])


def an_ngram_inside() -> GatedNetwork:
    network = Network(ModelConfig(hidden_size=5, num_layers=1, dropout=0, ngram=3), Vocab("\nabc", end="\n"))
    network.params.values[...] = np.random.default_rng(3).standard_normal(network.params.size)
    return GatedNetwork(network, an_ngram())


MODELS: dict[str, Callable[[], LanguageModel]] = {
    "lstm": a_network,
    "gru of lines": lambda: a_network("gru", "\n"),
    "rnn": lambda: a_network("rnn"),
    "lstm that knows an unknown character": lambda: a_network(has_unknown=True),
    "n-gram": an_ngram,
    "mixture": a_mixture,
    "n-gram inside": an_ngram_inside,
}


def all_documents(model: LanguageModel, prime: str = "", longest: int = LONGEST) -> list[tuple[str, float]]:
    """All documents up to a length, each scored by evaluation, the likeliest first."""
    letters = model.vocab.symbols.replace(model.vocab.end, "")
    end = model.vocab.encode(model.vocab.end)
    found = []
    for length in range(longest + 1):
        for word in map("".join, product(letters, repeat=length)):
            if prime + word:
                ids = np.append(model.vocab.encode(prime + word), end)
                found.append((prime + word, -float(score(model, ids).nats)))
    return sorted(found, key=lambda item: -item[1])


def check(found: Likeliest, expected: list[tuple[str, float]]) -> None:
    assert [text for text, _ in found.documents] == [text for text, _ in expected]
    np.testing.assert_allclose([p for _, p in found.documents], [p for _, p in expected], rtol=1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_the_likeliest_are_those_that_brute_force_finds(name: str) -> None:
    model = MODELS[name]()
    everything = all_documents(model)
    check(likeliest_documents(model, 12, length=LONGEST), everything[:12])
    found = likeliest_documents(model, 4)
    check(found, everything[:4])
    assert found.proven


@pytest.mark.parametrize("name", MODELS)
def test_with_a_prime_they_are_the_likeliest_that_begin_with_it(name: str) -> None:
    model = MODELS[name]()
    found = likeliest_documents(model, 8, "ca", LONGEST - 1)
    check(found, all_documents(model, "ca", LONGEST - 1)[:8])


def test_a_long_prime_is_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    model, prime = a_network(), "abcab"
    expected = likeliest_documents(model, 3, prime)
    monkeypatch.setattr("charrnn.generation.likeliest.PRIME_CHARS", 2)
    check(likeliest_documents(model, 3, prime), expected.documents)


def test_a_length_that_leaves_out_likelier_ones_proves_nothing() -> None:
    model = an_ngram()
    found = likeliest_documents(model, 12, length=2)
    check(found, all_documents(model, longest=2)[:12])
    assert not found.proven
    assert likeliest_documents(model, 1, length=2).proven


def test_all_documents_are_fewer_than_wanted() -> None:
    found = likeliest_documents(an_ngram(), 100, length=2)
    assert len(found.documents) == 3 + 9
    assert not found.proven, "longer ones exist"


def test_a_search_without_memory_finds_documents_but_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_module, "FIRST_WIDTH", 1)
    model = a_network()
    everything = dict(all_documents(model, longest=5))
    found = likeliest_documents(model, 20, length=5, memory=1)
    assert not found.proven
    for text, p in found.documents:
        assert p == pytest.approx(everything[text], rel=1e-4)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_the_search_takes_no_more_memory_than_it_may(cell: Any, peak_memory: Any) -> None:
    vocab = Vocab("".join(map(chr, range(97, 127))) + END, end=END)
    model = Network(ModelConfig(cell=cell, hidden_size=64, num_layers=1), vocab)
    memory = 8 << 20
    found: list[Likeliest] = []
    peak = peak_memory(lambda: found.append(likeliest_documents(model, 2000, length=4, memory=memory)))
    assert not found[0].proven, "all are equally likely: the bound was reached"
    assert peak < memory + (2 << 20)


# -- the search alone ---------------------------------------------------------------------------------------------


def chain(table: Array) -> Decoder:
    """A Markov chain: a state is the latest symbol, of which row table[state] is ln p; it begins after symbol 0."""

    def advance(ids: Array, state: Array) -> Array:
        state[...] = ids
        return table[state].copy()

    return Decoder(np.zeros(1, int), table[0].copy(), advance, lambda state, rows: state[rows], 0)


def everything(table: Array, longest: int) -> list[tuple[float, tuple[int, ...]]]:
    """All sequences with their negative ln p, sorted as the search sorts."""
    found = []
    for length in range(longest + 1):
        for ids in product(range(1, len(table)), repeat=length):
            path = [0, *ids, 0]
            p = sum(table[a, b] for a, b in pairwise(path))
            if p > -np.inf:
                found.append((-float(p), ids))
    return sorted(found)


chains = st.integers(2, 4).flatmap(
    lambda size: st.lists(
        st.lists(st.sampled_from([0.0, 0.1, 0.35, 1.0, 3.0]), min_size=size, max_size=size),
        min_size=size,
        max_size=size,
    )
)


@given(
    weights=chains,
    wanted=st.integers(1, 30),
    longest=st.integers(1, 5),
    width=st.integers(1, 4),
    widest=st.sampled_from([1, 8, 10_000]),
)
def test_a_proven_result_is_the_true_one_and_any_other_is_no_better(
    weights: list[list[float]], wanted: int, longest: int, width: int, widest: int
) -> None:
    with np.errstate(divide="ignore", invalid="ignore"):
        table = np.log(np.array(weights) / np.maximum(np.sum(weights, axis=1, keepdims=True), 1e-9))
    bounds = Bounds(wanted, longest, memory=widest * 1000, bytes_each=1000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_module, "FIRST_WIDTH", width)
        best = best_sequences(chain(table), bounds)
    expected = everything(table, longest)[:wanted]
    found = [p for _, p in best.found]
    assert found == sorted(found, reverse=True)
    assert len({ids for ids, _ in best.found}) == len(found)
    truth = [-p for p, _ in expected]
    if best.proven or widest == 10_000:
        np.testing.assert_allclose(found, truth, rtol=1e-9, atol=1e-9)
    else:
        assert len(found) <= len(truth)
        assert all(p <= true + 1e-9 for p, true in zip(found, truth, strict=False))


def test_equally_likely_sequences_come_in_the_order_of_their_ids() -> None:
    table = np.log(np.full((4, 4), 0.25))
    best = best_sequences(chain(table), Bounds(5, 3, 1 << 20, 10))
    assert [ids for ids, _ in best.found] == [(), (1,), (2,), (3,), (1, 1)]


def test_without_a_bound_on_length_the_better_ones_end_the_search() -> None:
    table = np.log(np.array([[0.5, 0.5], [0.5, 0.5]]))
    best = best_sequences(chain(table), Bounds(3, 0, 1 << 20, 10))
    assert [ids for ids, _ in best.found] == [(), (1,), (1, 1)]
    assert best.proven


def test_a_beginning_that_is_hardly_likelier_than_the_last_result_is_followed() -> None:
    with np.errstate(divide="ignore"):
        table = np.log(np.array([[0.49, 0.51], [1.0, 0.0]]))
    best = best_sequences(chain(table), Bounds(1, 0, 1 << 20, 10))
    assert [ids for ids, _ in best.found] == [(1,)]
