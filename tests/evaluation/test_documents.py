"""Documents are scored each by itself: neighbours, order, length and the number of processes change nothing."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from charrnn.arrays import Array
from charrnn.config.model_keys import ModelConfig
from charrnn.data.splits import make_split
from charrnn.data.vocab import END, Vocab
from charrnn.evaluation import documents as module
from charrnn.evaluation import scoring
from charrnn.evaluation.assessment import novelty_with_passage
from charrnn.evaluation.baselines import baselines, best_order
from charrnn.evaluation.bootstrap import sum_blocks
from charrnn.evaluation.characters import character_names, shown
from charrnn.evaluation.documents import document_scores, worst_documents
from charrnn.evaluation.figures import analyse, block_sums, by_kind, charged
from charrnn.evaluation.results import DocumentNovelty
from charrnn.evaluation.scores import Scores
from charrnn.evaluation.scoring import score, score_each, score_text
from charrnn.evaluation.surprise import surprise
from charrnn.evaluation.tsv import per_document, per_line
from charrnn.models.network import Network
from charrnn.models.ngram import NGram
from tests.evaluation.test_scoring import Echo

LINES = Vocab("\nabcde", end="\n")
POEMS = Vocab("\nabcde" + END, end=END)


def network_of(vocab: Vocab = LINES, dtype: type = np.float64, cell: str = "lstm") -> Network:
    network = Network(ModelConfig(cell=cell, hidden_size=6, num_layers=2), vocab, dtype)
    network.params.values[...] = np.random.default_rng(2).standard_normal(network.params.size) / 2
    return network


def joined(documents: Sequence[str], vocab: Vocab = LINES) -> Array:
    return vocab.encode("".join(document + vocab.end for document in documents))


NETWORK, SINGLE, POET = network_of(), network_of(dtype=np.float32, cell="gru"), network_of(POEMS)
TRAIN = ["abc", "abd", "bade", "dead", "bed", "c", "abcabc", "eeee"] * 3
NGRAM, COUNTED = NGram(LINES, joined(TRAIN), 4), NGram(POEMS, joined(TRAIN, POEMS), 3, "witten-bell")
MODELS = {"float64": (NETWORK, 1e-9), "float32": (SINGLE, 1e-6), "END": (POET, 1e-9),
          "ngram": (NGRAM, 1e-9), "ngram END": (COUNTED, 1e-9)}  # fmt: skip
words = st.text("abcde", max_size=12)


@pytest.mark.parametrize(("model", "tolerance"), MODELS.values(), ids=MODELS)
@settings(max_examples=30)
@given(documents=st.lists(words, min_size=1, max_size=8), seed=st.integers(0, 99))
@example(documents=["a", "", "a" * 150, "b"], seed=1)
@example(documents=["abc"] * 150, seed=1)
def test_a_document_scores_the_same_alone_and_in_any_company(model, tolerance, documents, seed):
    vocab = model.vocab
    alone = [score(model, joined([document], vocab)).nats for document in documents]
    order = np.random.default_rng(seed).permutation(len(documents))
    ids = joined([documents[k] for k in order], vocab)
    sizes = np.array([len(document) + 1 for document in documents])
    found = document_scores(vocab, ids, score_each(model, ids).nats)
    np.testing.assert_array_equal(found.sizes, sizes[order])
    np.testing.assert_allclose(found.nats / found.sizes, (np.array(alone) / sizes)[order], atol=tolerance)
    whole = score(model, ids)
    assert whole.nats == pytest.approx(sum(alone), abs=tolerance * len(ids))
    assert whole.documents == len(documents)
    assert whole.nats_per_document == whole.nats / len(documents)


@pytest.mark.parametrize(("model", "tolerance"), MODELS.values(), ids=MODELS)
def test_long_documents_among_short_ones_and_several_processes_change_nothing(model, tolerance, monkeypatch):
    rng = np.random.default_rng(5)
    sizes = [3, 5000, 0, 40, 2100, 7, 700, 1]
    documents = ["".join(rng.choice([*"abcde"], size)) for size in sizes]
    one_by_one = [score(model, joined([document], model.vocab), streams=1).nats for document in documents]
    ids = joined(documents, model.vocab)
    results = [score_each(model, ids).nats]
    monkeypatch.setattr(scoring, "MIN_CHARS_PER_PROCESS", 1500)
    results.append(score_each(model, ids, 3).nats)
    for nats in results:
        found = document_scores(model.vocab, ids, nats)
        np.testing.assert_allclose(
            found.nats / found.sizes, np.array(one_by_one) / found.sizes, atol=max(tolerance, 1e-7)
        )


def test_one_document_that_is_read_in_a_single_pass_changes_no_other(monkeypatch):
    """Its streams do not agree; those of its neighbour do, but for what its warm-up does not settle."""
    monkeypatch.setattr(scoring, "WARM_UP", 4)
    rng = np.random.default_rng(6)
    restless, calm = ("".join(rng.choice([*letters], 3000)) for letters in ("abcde", "a"))
    network = network_of(cell="rnn")
    network.params.values *= 3
    alone = [score_each(network, joined([document])).nats for document in (restless, calm)]
    together = score_each(network, joined([restless, calm])).nats
    np.testing.assert_allclose(together, np.concatenate(alone), atol=1e-9)
    single = [score(network, joined([document]), streams=1).nats for document in (restless, calm)]
    assert alone[0].sum() == pytest.approx(single[0], abs=1e-6), "it was not read again in a single pass"
    assert score(network, joined([restless, calm])).nats == pytest.approx(sum(each.sum() for each in alone))


def test_no_process_is_started_for_a_short_text(monkeypatch):
    jobs = []

    def at_once(call, given):
        jobs.extend(given)
        return [call(*each) for each in given]

    monkeypatch.setattr(scoring, "run_in_processes", at_once)
    score_each(NETWORK, joined(["abc", "de"]), 4)
    assert len(jobs) == 1


def test_a_document_begins_in_the_state_that_its_model_gives_and_ends_with_its_end():
    ids = joined(["ab"])
    state = NETWORK.start(1)
    logits = [np.array(NETWORK.predict(state)[0]), *np.array(NETWORK.feed(ids[:-1, None], state)[:, 0])]
    by_hand = [np.log(np.exp(row).sum()) - row[k] for row, k in zip(logits, ids, strict=True)]
    np.testing.assert_allclose(score_each(NETWORK, ids).nats, by_hand, rtol=1e-9)
    assert score_text(NETWORK, "ab").nats == pytest.approx(sum(by_hand))


def test_an_echo_of_one_character_hears_nothing_of_the_document_before():
    model = Echo(LINES)
    ids = joined(["abc", "a", "abc"])
    nats = score_each(model, ids).nats
    np.testing.assert_allclose(nats[:4], nats[6:])
    np.testing.assert_allclose(nats[:4], -model.truth(ids[:4]))


# -- figures ------------------------------------------------------------------------------------------------------


def test_figures_per_document_count_every_document_once():
    documents = [*TRAIN, "ab" * 900]
    ids = joined(documents, POEMS)
    scores = score_each(POET, ids)
    found = analyse(POEMS, ids, scores)
    assert found.documents == len(documents)
    assert found.figures.nats_per_document == pytest.approx(scores.nats.sum() / len(documents))
    low, high = found.intervals.nats_per_document
    assert low < found.figures.nats_per_document < high
    assert found.worst == []
    assert analyse(Vocab("abc"), np.zeros(9, int), Scores(np.ones(9))).figures.nats_per_document is None


def test_blocks_of_the_bootstrap_hold_whole_documents():
    sizes = np.array([1, 2000, 3, 30, 30, 1, 900, 1])
    begins = np.cumsum(sizes) - sizes
    rows = [np.repeat(np.arange(8.0), sizes), np.ones(sizes.sum())]
    sums = sum_blocks(rows, begins)
    edges = np.concatenate([[0], np.cumsum(sums[1])])
    assert set(edges[:-1]) <= set(begins)
    assert sums[0].sum() == rows[0].sum()
    np.testing.assert_array_equal(block_sums(LINES, joined(["a"] * 9), Scores(np.ones(18)))[4], np.ones(9))


def test_the_worst_documents_are_whole_and_worst_per_character():
    ids = joined(["aaaa", "b", "cc", "d", "e", "abc" * 100, ""])
    nats = np.repeat([1.0, 9.0, 5.0, 2.0, 8.0, 7.0, 0.5], [5, 2, 3, 2, 2, 301, 1])
    found = worst_documents(LINES, ids, nats)
    assert [(each.number, each.chars, each.nats_per_char) for each in found] == [
        (2, 2, 9.0), (5, 2, 8.0), (6, 301, 7.0), (3, 3, 5.0), (4, 2, 2.0),
    ]  # fmt: skip
    assert (found[0].text, found[0].nats) == ("b", 18.0)
    assert (found[2].text[:6], len(found[2].text), found[2].text[-1]) == ("abcabc", module.SHOWN_CHARS, "…")


def test_the_end_is_a_kind_of_its_own_and_ends_a_word():
    ids = joined(["ab", "c\nd"], POEMS)
    kinds = {each.kind: each.chars for each in by_kind(POEMS, ids, np.ones(len(ids)))}
    assert kinds == {"letters": 4, "newlines": 1, "ends": 2}
    assert block_sums(POEMS, ids, Scores(np.ones(len(ids))))[3].sum() == 3, "ab, c and d"
    assert {each.kind for each in by_kind(LINES, joined(["ab"]), np.ones(3))} == {"letters", "newlines"}


def test_the_symbol_of_the_end_is_never_shown_raw():
    ids = joined(["a\\", "b"], POEMS := Vocab("\\ab" + END, end=END))
    assert (shown(POEMS, ids), shown(POEMS, ids, escape=True)) == ("a\\␃b␃", "a\\\\␃b␃")
    assert character_names(POEMS)[-1] == "␃"
    raw = Vocab.of_bytes(END)
    assert shown(raw, np.array([195, 169, 256, 255, 256])) == "é␃\\xff␃"
    assert character_names(raw)[256] == "␃"
    stream = Vocab("a" + END)  # a stream may hold the character
    assert shown(stream, np.array([0, 1]), escape=True) == "a\\uffff"


def test_the_surprise_at_each_character_is_its_score():
    """Documents are read side by side, so characters come out of order."""
    ids = joined(["abcde", "a", "abcdeabcde", ""], POEMS)
    found = surprise(POET, ids)
    scores = score_each(POET, ids)
    np.testing.assert_allclose(found.nats, scores.nats)
    hit = scores.rank == 0
    np.testing.assert_array_equal(found.guesses[hit, 0], ids[hit])
    np.testing.assert_allclose(found.probabilities[:, 0], scores.confidence, rtol=1e-6)


def test_a_table_of_documents_has_a_row_for_each_in_order():
    written = "☃a\nb", "☃☃", "cc☃"
    symbols = "abc\n☃" + END
    codes = [np.array([symbols.index(c) for document in written for c in document + END])]
    split = make_split("x", codes, symbols, POEMS)
    ids, nats = split.ids, np.arange(len(split.ids), dtype=float)
    np.testing.assert_array_equal(ids, joined(["a\nb", "", "cc"], POEMS))
    rows = [line.split("\t") for line in "".join(per_document(POEMS, ids, nats, split.left_out)).splitlines()]
    assert rows == [
        ["document", "chars", "nats", "nats_per_char", "unknown", "text"],
        ["1", "4", "6.000000", "1.500000", "1", "a\\nb"],
        ["2", "1", "4.000000", "4.000000", "2", ""],
        ["3", "3", "18.000000", "6.000000", "1", "cc"],
    ]
    pieces = make_split("x", np.split(codes[0], [1, 2, 5, 7]), symbols, POEMS)
    np.testing.assert_array_equal(pieces.left_out, split.left_out)
    assert "\t-\ta" in "".join(per_document(POEMS, ids, nats))
    rare = replace(POEMS, has_unknown=True)
    counted = make_split("x", codes, symbols, rare)
    found = "".join(per_document(rare, counted.ids, np.ones(len(counted.ids)), counted.left_out)).splitlines()
    assert [line.split("\t")[4] for line in found[1:]] == ["1", "2", "1"]
    lines = [line.split("\t")[-1] for line in "".join(per_line(POEMS, ids, nats)).splitlines()[1:]]
    assert lines == ["a", "b␃", "␃", "cc␃"]


# -- baselines and novelty ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("vocab", [LINES, POEMS, Vocab.of_bytes(END), Vocab.of_bytes("\n")])
def test_baselines_score_documents_whatever_ends_them(vocab):
    pieces = [[*vocab.encode(document), vocab.end_id] for document in TRAIN]
    train, ids = np.concatenate(pieces), np.concatenate(pieces[:2])
    found = dict(baselines(vocab, train, ids))
    assert len(found) == 5
    assert all(np.isfinite(each.nats).all() if isinstance(each, Scores) else each >= 0 for each in found.values())


@pytest.mark.parametrize("train", [["abcabcabc"], ["a", "abcabcabcabcabc"], ["abcabcabcabcabcabc", "a"], ["a"]])
def test_an_order_is_found_on_few_documents_of_any_length(train):
    assert best_order(joined(train), LINES.size, LINES.end_id) >= 1


def test_the_order_is_the_best_on_documents_at_the_end_counted_on_those_before():
    rng = np.random.default_rng(31)
    documents = ["ab" * int(rng.integers(1, 4)) + "c" * int(rng.integers(0, 3)) for _ in range(60)]
    train = joined(documents)
    cut = max(at for at in np.flatnonzero(train == LINES.end_id) + 1 if at <= 0.9 * len(train))
    losses = [score(NGram(LINES, train[:cut], order), train[cut:]).nats for order in range(1, 8)]
    first_rise = next(k for k, (a, b) in enumerate(pairwise(losses), 1) if b >= a)
    assert best_order(train, LINES.size, LINES.end_id) == first_rise
    assert first_rise > 2
    assert best_order(train, LINES.size) != first_rise, "a stream would show no difference"


def test_a_shared_passage_lies_within_one_document():
    train, ids = joined(["abc", "de", "eeee"]), joined(["ab", "cd", "de", "de", "cdee"])
    found = novelty_with_passage(LINES, train, ids)
    assert (found.longest, found.passage) == (2, "ab")
    assert [(each.length, each.share) for each in found.new] == [
        (2, pytest.approx(2 / 7)),  # cd twice among ab, cd, de, de, cd, de, ee
        (4, 1.0),
    ]
    assert found.documents == DocumentNovelty(count=5, in_training=2, duplicates=1)
    assert novelty_with_passage(replace(LINES, end=""), train, ids).documents is None


def test_unknown_characters_are_charged_as_a_guess_among_all_of_unicode():
    nats = np.array([1.0, 2.0])
    assert charged(Vocab("ab"), nats, 0) == 1.5
    assert charged(Vocab("ab"), nats, 2) == pytest.approx((3 + 2 * np.log(0x110000)) / 4)
    assert charged(Vocab("ab", has_unknown=True), nats, 1) == pytest.approx((3 + np.log(0x110000)) / 2)
