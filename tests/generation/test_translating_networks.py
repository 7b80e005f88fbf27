"""Greedy, beam search and several models, beside all strings up to a length that random networks can write."""

from itertools import product
from typing import Any

import numpy as np
import pytest

from charrnn.config import config_from_dict
from charrnn.data.pair_batches import padded_pairs
from charrnn.data.pair_rows import PairRules
from charrnn.data.pairs import PairExamples
from charrnn.data.rows import Layout
from charrnn.data.symbols import Symbols
from charrnn.evaluation.translation_losses import target_losses
from charrnn.generation import translating
from charrnn.generation.translating import translate_texts
from charrnn.models.translate_model import TranslateModel, translation_of
from charrnn.models.translate_network import TranslateNetwork

SOURCE, TARGET = Symbols(tuple("abc")), Symbols(tuple("xy"))
LONGEST = 3
EVERYTHING = 3 * 2**LONGEST  # extensions of all beginnings of the greatest length
END = "."
SOURCES = ["a", "abcab", "c?"]
KNOWN: dict[tuple[int, str, str], float] = {}


def a_translator(seed: int, **model: Any) -> TranslateModel:
    """A random network, which is rather sure of what it writes."""
    settings = {"cell": "gru", "hidden_size": 5, "num_layers": 1, **model}
    config = config_from_dict({"task": "translate", "data": {"path": "pairs.tsv"}, "model": settings})
    network = TranslateNetwork(config.model, translation_of(config, SOURCE, TARGET))
    network.params.values[...] = np.random.default_rng(seed).standard_normal(network.params.size)
    network.params.value["output_bias"][TARGET.last_id] += 1
    return TranslateModel(config, network, SOURCE, TARGET, PairRules(Layout("tsv")))


def all_targets(models: list[TranslateModel], source: str) -> list[tuple[str, float]]:
    """All targets up to a length with their probabilities, the likeliest first."""
    found = []
    for length in range(LONGEST + 1):
        for symbols in map("".join, product(TARGET.names, repeat=length)):
            p = [next_p(models, source, symbols[:k], symbols[k]) for k in range(length)]
            found.append((symbols, float(np.prod(p)) * next_p(models, source, symbols, END)))
    return sorted(found, key=lambda item: -item[1])


def next_p(models: list[TranslateModel], source: str, before: str, symbol: str) -> float:
    """The probability of a symbol after others, as the mean of the models has it."""
    totals = [(log_p(model, source, before + symbol), log_p(model, source, before)) for model in models]
    return float(np.mean([np.exp(after - begun) for after, begun in totals]))


def log_p(model: TranslateModel, source: str, symbols: str) -> float:
    """ln p of symbols, END included if it is the last: from the loss of the pass of training, which knows no steps."""
    key = id(model), source, symbols
    if key not in KNOWN:
        written, ended = symbols.removesuffix(END), symbols.endswith(END)
        examples = model.encode([source])
        pair = PairExamples(examples.ids, examples.bounds, *TARGET.encode([written]))
        batch = padded_pairs(pair, np.arange(1), TARGET.last_id)
        batch.y_out[len(written) + ended :] = -1
        tape = model.network.tape(len(batch.x), len(written) + 1, 1)
        KNOWN[key] = -float(model.network.forward(batch, tape)) * batch.count
    return KNOWN[key]


MODELS: dict[str, list[TranslateModel]] = {
    "gru": [a_translator(1)],
    "two lstms, forwards, dot": [a_translator(2, cell="lstm", num_layers=2, bidirectional=False, attention="dot")],
    "rnn without attention": [a_translator(3, cell="rnn", attention="none", embedding_size=3)],
    "additive": [a_translator(4, attention="additive")],
    "several": [a_translator(5), a_translator(6, cell="lstm"), a_translator(7, attention="none", hidden_size=3)],
}


@pytest.fixture(params=[*MODELS])
def models(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[TranslateModel]:
    monkeypatch.setattr(translating, "MAX_FACTOR", 0)
    monkeypatch.setattr(translating, "MAX_MORE", LONGEST)
    return MODELS[request.param]


def test_a_beam_that_holds_everything_finds_the_likeliest_of_all_targets(models: list[TranslateModel]) -> None:
    found = translate_texts(models, SOURCES, beam=EVERYTHING, top=5)
    for source, own in zip(SOURCES, found, strict=True):
        expected = all_targets(models, source)[:5]
        assert [(other.text, other.cut) for other in own.hypotheses] == [(text, False) for text, _ in expected]
        np.testing.assert_allclose([other.probability for other in own.hypotheses], [p for _, p in expected], rtol=1e-4)


def test_greedy_writes_the_likeliest_symbol_at_each_step(models: list[TranslateModel]) -> None:
    found = translate_texts(models, SOURCES)
    narrow = translate_texts(models, SOURCES, beam=1, top=1)
    assert found == narrow
    for source, own in zip(SOURCES, found, strict=True):
        text = ""
        while len(text) <= LONGEST:
            steps = {symbol: next_p(models, source, text, symbol) for symbol in (*TARGET.names, END)}
            likeliest = max(steps, key=lambda symbol: steps[symbol])
            if likeliest == END:
                break
            text += likeliest
        (first,) = own.hypotheses
        assert (first.text, first.cut) == (text[:LONGEST], len(text) > LONGEST)
        if not first.cut:
            assert first.probability == pytest.approx(dict(all_targets(models, source))[text], rel=1e-4)


def test_no_beam_finds_a_likelier_target_than_one_that_holds_everything(models: list[TranslateModel]) -> None:
    narrow, whole = (translate_texts(models, SOURCES, beam=beam) for beam in (2, EVERYTHING))
    for few, own in zip(narrow, whole, strict=True):
        assert few.hypotheses[0].cut or few.probability <= own.probability * (1 + 1e-6)


def test_the_probability_of_what_is_written_is_that_of_its_loss(models: list[TranslateModel]) -> None:
    examples = [model.encode(SOURCES) for model in models]
    written = [own.symbols for own in translate_texts(models, SOURCES, beam=4)]
    sides = TARGET.encode(written)
    losses, counts = target_losses(models, [PairExamples(own.ids, own.bounds, *sides) for own in examples])
    assert counts.tolist() == [len(own) + 1 for own in written]
    for loss, own in zip(losses.tolist(), translate_texts(models, SOURCES, beam=4), strict=True):
        assert own.hypotheses[0].cut or np.exp(-loss) == pytest.approx(own.probability, rel=1e-5)
