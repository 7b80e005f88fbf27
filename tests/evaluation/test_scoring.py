"""Every character is scored once, given all before it; whatever model it is, whichever way the text is cut up."""

import pickle
from math import exp, log, log2
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from charrnn.arrays import Array
from charrnn.config.model_keys import ModelConfig
from charrnn.data.splits import make_split
from charrnn.data.vocab import Vocab
from charrnn.errors import TextError
from charrnn.evaluation import scoring as evaluate
from charrnn.evaluation.scoring import log_probs, predictions, score, score_each, score_text
from charrnn.evaluation.streams import MAX_STREAMS, WARM_UP
from charrnn.models.network import Network


def log_softmax(logits: Array) -> Array:
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


class Echo:
    """A language model that is no network: it looks `memory` characters back, and at that one alone."""

    def __init__(self, vocab: Vocab, memory: int = 1) -> None:
        self.vocab, self.memory = vocab, memory
        self.table = np.random.default_rng(0).normal(0, 2, (vocab.size + 1, vocab.size))  # last: before the text

    def start(self, streams: int) -> Array:
        return np.full((self.memory, streams), self.vocab.size)

    def predict(self, state: Array) -> Array:
        return self._handed_out(state[0])

    def feed(self, ids: Array, state: Array) -> Array:
        seen = np.concatenate([state, ids])
        state[...] = seen[len(ids) :]
        return self._handed_out(seen[1 : len(ids) + 1])

    def _handed_out(self, context: Array) -> Array:
        logits = self.table[context]
        logits.flags.writeable = False  # it is the model's
        return logits

    def truth(self, ids: Array) -> Array:
        """ln p of every character, from the definition."""
        context = np.concatenate([np.full(self.memory, self.vocab.size), ids])[: len(ids)]
        return log_softmax(self.table)[context, ids]


LETTERS = Vocab("abcde")
UNIFORM = Network(
    ModelConfig(cell="lstm", hidden_size=2, num_layers=2), Vocab(" 1aén…日😀")
)  # all of its parameters are zero


def some_text(length: int, seed: int = 0, size: int = LETTERS.size) -> Array:
    return np.random.default_rng(seed).integers(0, size, length).astype(np.uint8)


def collected(model: Any, ids: Array, *arguments: int) -> tuple[Array, Array]:
    """Positions in order, and the ln p of each."""
    pieces = list(log_probs(predictions(model, ids, *arguments), ids))
    positions, logs = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    order = np.argsort(positions, kind="stable")
    return positions[order], logs[order]


# -- every position once, with the right probability --------------------------------------------------------------


@given(
    length=st.integers(1, 2000),
    streams=st.none() | st.integers(1, 8),
    chunk=st.integers(1, 300),
    memory=st.sampled_from([1, 2, WARM_UP]),
)
@example(length=1, streams=8, chunk=1, memory=1)
@example(length=WARM_UP, streams=3, chunk=64, memory=1)
@example(length=WARM_UP + 1, streams=8, chunk=64, memory=1)
def test_each_position_is_scored_once_and_streams_change_nothing_within_their_warm_up(length, streams, chunk, memory):
    model, ids = Echo(LETTERS, memory), some_text(length)
    positions, logs = collected(model, ids, streams, chunk)
    np.testing.assert_array_equal(positions, np.arange(length))
    np.testing.assert_allclose(logs, model.truth(ids), rtol=1e-12)


def test_a_memory_beyond_the_warm_up_is_scored_whole_in_a_single_pass_alone():
    model, ids = Echo(LETTERS, WARM_UP + 1), some_text(3000)
    np.testing.assert_allclose(collected(model, ids, 1)[1], model.truth(ids), rtol=1e-12)
    assert not np.allclose(collected(model, ids, 4)[1], model.truth(ids))


@pytest.mark.parametrize(("length", "streams"), [(1, 1), (2000, 1), (2400, 2), (20_000, 19), (10**6, MAX_STREAMS)])
def test_long_texts_are_read_as_many_streams_and_short_ones_as_one(length, streams):
    class Started(Exception):
        pass

    class Watched(Echo):
        def start(self, streams: int) -> Array:
            raise Started(streams)

    with pytest.raises(Started) as started:
        score(Watched(LETTERS), some_text(length))
    assert started.value.args == (streams,)


def one_character_at_a_time(model: Network, ids: Array) -> float:
    state = model.start(1)
    logits, nats = model.predict(state), 0.0
    for k in ids:
        nats -= log_softmax(logits[0].copy())[k]
        logits = model.feed(np.array([[k]]), state)[0]
    return nats


@pytest.mark.parametrize("length", [1, 2, 65, 700])
def test_a_network_is_scored_as_one_character_after_the_other_would_be(make_toy, cell, length):
    model = make_toy(ModelConfig(**cell, hidden_size=3, num_layers=2)).network
    ids = some_text(length)
    assert score(model, ids).nats == pytest.approx(one_character_at_a_time(model, ids), rel=1e-12)


def test_the_length_of_a_chunk_does_not_matter(make_toy):
    model = make_toy(ModelConfig(cell="lstm", hidden_size=16, num_layers=2), dtype=np.float32).network
    for streams in (1, 3):
        found = [score(model, some_text(900), streams=streams, chunk=k).nats_per_char for k in (1, 7, 64, 5000)]
        assert found == pytest.approx([found[0]] * 4, abs=1e-6)


def test_streams_of_a_network_come_close_to_a_single_pass(make_toy, cell):
    model = make_toy(ModelConfig(**cell, hidden_size=3, num_layers=2)).network
    ids = some_text(4000)
    assert score(model, ids, streams=8).nats_per_char == pytest.approx(score(model, ids, streams=1).nats_per_char, 1e-4)


def test_scoring_leaves_no_trace_in_a_network(make_toy):
    model = make_toy(ModelConfig(cell="lstm", hidden_size=3, num_layers=2)).network
    before = model.params.values.copy()
    first, second = (score(model, some_text(500)) for _ in range(2))
    assert first == second
    np.testing.assert_array_equal(model.params.values, before)


# -- what is made of it -------------------------------------------------------------------------------------------


def test_a_model_that_knows_nothing_scores_ln_of_its_vocabulary():
    report = score_text(UNIFORM, "a 1n1")
    assert report.nats_per_char == pytest.approx(log(8))
    assert report.bits_per_char == pytest.approx(3)
    assert report.perplexity == pytest.approx(8)


def test_bits_are_counted_per_character_and_per_byte_of_utf_8():
    text = "né 日😀…"
    report = score_text(UNIFORM, text)
    assert (report.chars, report.bytes) == (6, len(text.encode())) == (6, 14)
    assert report.nats == pytest.approx(6 * log(8))
    assert report.bits_per_byte == pytest.approx(6 * 3 / 14)


def test_a_report_reads_as_the_command_line_prints_it():
    report = score_text(UNIFORM, "aé?")
    assert report.to_dict() == {
        "chars": 2,
        "unknown_chars": 1,
        "nats_per_char": report.nats_per_char,
        "bits_per_char": report.nats_per_char / log(2),
        "bits_per_byte": report.nats / log(2) / 3,
        "perplexity": exp(report.nats_per_char),
    }
    assert list(report.to_dict())[:2] == ["chars", "unknown_chars"]


def test_however_wrong_a_model_is_its_perplexity_is_a_number():
    model = Network(ModelConfig(cell="lstm", hidden_size=2, num_layers=2), LETTERS)
    model.params.value["output_bias"][0] = 5000
    report = score_text(model, "bcd")
    assert report.nats_per_char == pytest.approx(5000)
    assert np.isfinite(report.perplexity)


def test_bytes_are_the_characters_of_a_byte_model():
    model = Network(ModelConfig(cell="lstm", hidden_size=2, num_layers=2), Vocab.of_bytes())
    report = score_text(model, b"\xff\x00\n")
    assert (report.chars, report.bytes, report.unknown_chars) == (3, 3, 0)
    assert report.bits_per_byte == pytest.approx(log2(256))
    assert score_text(model, "né") == score_text(model, "né".encode())


# -- unknown characters, and nothing at all -----------------------------------------------------------------------


def test_characters_that_the_model_does_not_know_are_left_out_and_counted():
    known, mixed = score_text(Echo(LETTERS), "abcab"), score_text(Echo(LETTERS), "aXbca\nbé")
    assert (mixed.chars, mixed.unknown_chars, mixed.nats) == (5, 3, known.nats)


def test_text_may_come_as_bytes_and_is_counted_in_characters():
    text = "né né?"
    assert score_text(UNIFORM, text.encode()) == score_text(UNIFORM, text)
    with pytest.raises(TextError, match="0xff"):
        score_text(UNIFORM, b"a\xff")


def test_a_model_with_an_unknown_character_scores_it_and_counts_it_as_a_split_does():
    model, text = Echo(Vocab("abc", has_unknown=True)), "abXcYa"
    report = score_text(model, text)
    split = make_split("test", [np.arange(6, dtype=np.uint8)], text, model.vocab)
    assert report == score(model, split.ids, split.unknown)
    assert (report.chars, report.unknown_chars) == (6, 2)


def test_a_string_is_scored_in_one_pass_however_long():
    model = Echo(LETTERS, WARM_UP + 1)
    ids = some_text(3000)
    assert score_text(model, LETTERS.decode(ids)).nats == pytest.approx(-model.truth(ids).sum())


@pytest.mark.parametrize("text", ["", b""])
def test_no_text_is_refused(text):
    with pytest.raises(TextError, match=r"no text to score$"):
        score_text(Echo(LETTERS), text)


def test_a_text_of_unknown_characters_is_refused_with_their_number():
    with pytest.raises(TextError, match="all 1,200 characters are unknown"):
        score_text(Echo(LETTERS), "XYZ" * 400)


class Latch:
    """Predicts for ever the first character that it read: a memory that no warm-up replaces."""

    vocab = LETTERS

    def start(self, streams: int) -> Any:
        return np.full(streams, -1)

    def predict(self, state: Any) -> Any:
        return np.where(np.arange(self.vocab.size) == state[:, None], 3.0, 0.0)

    def feed(self, ids: Any, state: Any) -> Any:
        state[state < 0] = ids[0][state < 0]
        return np.repeat(self.predict(state)[None], len(ids), axis=0)


def test_a_model_that_remembers_longer_than_the_warm_up_is_scored_in_one_pass(monkeypatch):
    ids = some_text(20_000)
    exact = score(Latch(), ids, streams=1)
    assert score(Latch(), ids) == exact
    monkeypatch.setattr(evaluate, "MAX_GAP", 2.0)
    assert score(Latch(), ids).nats != pytest.approx(exact.nats)


def test_parts_of_the_streams_and_groups_of_documents_are_read_by_whoever_takes_them(make_toy):
    def spread(call: Any, each: Any) -> list[Any]:
        calls.append(len(each))
        return [pickle.loads(pickle.dumps(call))(one) for one in each]  # as another process does

    calls: list[int] = []
    model = make_toy(ModelConfig(cell="lstm", hidden_size=4, num_layers=2)).network
    ids = some_text(20_000)
    whole, parts = score(model, ids), score(model, ids, parts=3, spread=spread)
    assert parts.nats == pytest.approx(whole.nats, rel=1e-13)
    assert parts == score(model, ids, parts=3)
    assert calls == [3]
    assert score(Latch(), ids, parts=3, spread=spread) == score(Latch(), ids, streams=1)
    assert calls == [3, 3, 1]  # these streams do not agree where they meet
    lines = Network(ModelConfig(cell="lstm", hidden_size=4, num_layers=2), Vocab("ab\n", end="\n"))
    lines.initialise(np.random.default_rng(1))
    ids = lines.vocab.encode("ab\n" * 99 + "ab" * 2000 + "\n")
    assert score(lines, ids, spread=spread) == score(lines, ids)
    assert calls[3:] == [3]


def test_streams_that_meet_in_the_same_state_leave_no_gap():
    gaps: list[float] = []
    list(predictions(Echo(LETTERS, 3), some_text(5000), 4, gaps=gaps))
    assert gaps == pytest.approx([0, 0, 0], abs=1e-6)


@pytest.mark.parametrize("size", [9_000, 20_001])
def test_processes_share_a_text_and_change_nothing_of_its_scores(size, monkeypatch):
    monkeypatch.setattr(evaluate, "MIN_CHARS_PER_PROCESS", 7_000)
    model, ids = Network(ModelConfig(cell="lstm", hidden_size=9, num_layers=2), LETTERS), some_text(size)
    model.initialise(np.random.default_rng(1))
    alone, shared = score_each(model, ids), score_each(model, ids, processes=3)
    for name in ("nats", "confidence"):
        np.testing.assert_allclose(getattr(shared, name), getattr(alone, name), atol=1e-4)
    assert (shared.rank == alone.rank).mean() > 0.999  # equals may change places in the last digit
    assert shared.nats.sum() == pytest.approx(score(model, ids, streams=1).nats, rel=1e-6)


def test_processes_whose_streams_disagree_leave_the_text_to_one_pass(monkeypatch):
    monkeypatch.setattr(evaluate, "MIN_CHARS_PER_PROCESS", 7_000)
    ids = some_text(20_000)
    assert score_each(Latch(), ids, processes=2).nats.sum() == pytest.approx(score(Latch(), ids, streams=1).nats)
