"""The n-gram is what its equations say, counted once more with dictionaries; its distributions are distributions."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from charrnn.arrays import Array
from charrnn.data.vocab import Vocab
from charrnn.evaluation.scoring import score, score_each
from charrnn.generation.sampling import generate
from charrnn.models import ngram
from charrnn.models.counting import count, distinct
from charrnn.models.ngram import NGram, discounts, order_losses

SMOOTHINGS = ("kneser-ney", "witten-bell", "additive")
LETTERS = Vocab("abcd")


def english(length: int, seed: int = 0) -> Array:
    """Letters that follow one another with some regularity, so that counts of all sizes occur."""
    rng = np.random.default_rng(seed)
    ids = [0]
    for _ in range(length - 1):
        ids.append(int(rng.choice([(ids[-1] + 1) % 4, (ids[-1] * 3 + len(ids)) % 4, int(rng.integers(4))])))
    return np.array(ids, np.uint8)


class Plain:
    """The same model with one dictionary for each length and no vectors, from the papers' equations."""

    def __init__(self, ids: Sequence[int], size: int, order: int, smoothing: str) -> None:
        self.size, self.order, self.smoothing = size, order, smoothing
        self.counts: list[Counter[tuple[int, ...]]] = []
        text = list(ids)
        for n in range(1, order + 1):
            grams = [tuple(text[i : i + n]) for i in range(len(text) - n + 1)]
            if n == order or smoothing != "kneser-ney":
                self.counts.append(Counter(grams))
                continue
            before = defaultdict(set)  # what stands before each, of which the beginning of the text is one
            for i, gram in enumerate(grams):
                before[gram].add(text[i - 1] if i else None)
            self.counts.append(Counter({gram: len(what) for gram, what in before.items()}))

    def discount(self, counts: Counter[tuple[int, ...]], count: int) -> float:
        n = Counter(counts.values())
        k = min(count, 3)
        if n[1] and n[k]:
            y = n[1] / (n[1] + 2 * n[2])
            found = k - (k + 1) * y * n[k + 1] / n[k]
            if found > 0:
                return found
        return k / 2

    @cached_property
    def followers(self) -> list[dict[tuple[int, ...], dict[tuple[int, ...], int]]]:
        """For each length, context -> its n-grams -> their counts."""
        found = []
        for counts in self.counts:
            found.append(defaultdict(dict))
            for gram, n in counts.items():
                found[-1][gram[:-1]][gram] = n
        return found

    @cached_property
    def discounts(self) -> list[list[float]]:
        """For each length, what is subtracted from a count of 0, 1, 2, and 3 or more."""
        return [[self.discount(counts, k) for k in range(4)] for counts in self.counts]

    def p(self, context: tuple[int, ...], c: int) -> float:
        """The probability of c after all that was read."""
        if self.smoothing == "additive":
            if len(context) < self.order - 1:
                return 1 / self.size
            context = context[len(context) - self.order + 1 :]
            counts = self.counts[-1]
            total = sum(self.followers[-1].get(context, {}).values())
            return (counts[(*context, c)] + 1) / (total + self.size)
        return self.interpolated(context[max(len(context) - self.order + 1, 0) :], c)

    def interpolated(self, context: tuple[int, ...], c: int) -> float:
        counts = self.counts[len(context)]
        lower = self.interpolated(context[1:], c) if context else 1 / self.size
        followers = self.followers[len(context)].get(context, {})
        if not followers:
            return lower
        total, count = sum(followers.values()), counts[(*context, c)]
        if self.smoothing == "witten-bell":
            return (count + len(followers) * lower) / (total + len(followers))
        discount = self.discounts[len(context)]
        left = sum(discount[min(n, 3)] for n in followers.values())
        return max(count - discount[min(count, 3)], 0) / total + left / total * lower


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("order", [1, 2, 3, 5, 8])
def test_every_probability_is_that_of_the_equations(smoothing, order):
    train, text = english(400), english(60, seed=3)
    model, plain = NGram(LETTERS, train, order, smoothing), Plain(train.tolist(), 4, order, smoothing)
    logs = np.concatenate([model.predict(model.start(1))[None], model.feed(text[:, None], model.start(1))])[:, 0]
    wanted = [[plain.p(tuple(text[:t].tolist()), c) for c in range(4)] for t in range(len(text) + 1)]
    np.testing.assert_allclose(np.exp(logs), wanted, rtol=1e-12)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_a_whole_vocabulary_with_characters_that_never_occur(smoothing):
    vocab, train = Vocab("abcdefgh", has_unknown=True), english(300)
    model, plain = NGram(vocab, train, 4, smoothing), Plain(train.tolist(), 9, 4, smoothing)
    text = np.array([7, 0, 1, 8, 2, 3, 0, 1], np.uint8)
    nats = score_each(model, text).nats
    wanted = [-np.log(plain.p(tuple(text[:t].tolist()), int(text[t]))) for t in range(len(text))]
    np.testing.assert_allclose(nats, wanted, rtol=1e-12)


@pytest.mark.parametrize("limit", [0, 16, 1 << 19])
def test_rows_of_followers_and_tables_of_them_are_the_same(monkeypatch, limit):
    wanted = score_each(NGram(LETTERS, english(2000), 6), english(500, seed=1)).nats
    monkeypatch.setattr(ngram, "MAX_TABLE_NUMBERS", limit)
    np.testing.assert_allclose(score_each(NGram(LETTERS, english(2000), 6), english(500, seed=1)).nats, wanted, 1e-12)


@given(
    text=st.lists(st.integers(0, 3), min_size=1, max_size=60),
    order=st.integers(1, 20),
    smoothing=st.sampled_from(SMOOTHINGS),
    asked=st.lists(st.integers(0, 5), min_size=1, max_size=20),
)
@example(text=[0] * 30, order=4, smoothing="kneser-ney", asked=[0, 0, 0, 5])
@example(text=[0, 1, 2, 3], order=4, smoothing="kneser-ney", asked=[0, 1, 2, 3])
def test_every_distribution_sums_to_one_and_leaves_something_for_all(text, order, smoothing, asked):
    train = np.array(text, np.uint8)
    model = NGram(Vocab("abcdef"), train, min(order, len(train)), smoothing)
    p = np.exp(model.feed(np.array(asked)[:, None], model.start(1)))
    np.testing.assert_allclose(p.sum(axis=2), 1, rtol=1e-12)
    assert (p > 0).all()


def test_the_state_is_all_that_counts_whichever_way_the_text_is_cut():
    model, text = NGram(LETTERS, english(500), 5), english(90, seed=2).reshape(30, 3)
    whole_state, state = model.start(3), model.start(3)
    whole = model.feed(text, whole_state)
    pieces = [model.feed(piece, state) for piece in np.split(text, [1, 2, 11, 29])]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
    np.testing.assert_array_equal(state, whole_state)
    np.testing.assert_array_equal(model.predict(state), whole[-1])
    for k in range(3):
        np.testing.assert_array_equal(model.feed(text[:, [k]], model.start(1))[:, 0], whole[:, k])


def test_long_texts_are_scored_in_parallel_as_in_one_pass():
    model, ids = NGram(LETTERS, english(3000), 7), english(20_000, seed=5)
    assert score(model, ids).nats == pytest.approx(score(model, ids, streams=1).nats, rel=1e-12)


def test_a_sample_knows_only_passages_of_its_text_where_nothing_else_is_likely():
    vocab = Vocab("abcdefgh")
    model = NGram(vocab, np.tile(np.arange(8, dtype=np.uint8), 400), 3)
    written = "".join(generate(model, 40, temp=0.3, prime="ab"))
    assert written == ("cdefghab" * 5)


def test_discounts_are_those_of_chen_and_goodman():
    counts = np.array([1] * 40 + [2] * 12 + [3] * 6 + [4] * 4 + [9] * 5)
    y = 40 / (40 + 24)
    wanted = [0, 1 - 2 * y * 12 / 40, 2 - 3 * y * 6 / 12, 3 - 4 * y * 4 / 6]
    np.testing.assert_allclose(discounts(counts), wanted)


@pytest.mark.parametrize("counts", [[1, 1, 1], [5, 6, 7], [2, 2], [1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3]])
def test_discounts_leave_something_and_never_take_more_than_there_is(counts):
    found = discounts(np.array(counts))
    assert (found[1:] > 0).all()
    assert (found <= [0, 1, 2, 3]).all()


def test_the_losses_of_all_orders_are_those_of_the_models_one_by_one():
    train, held_out = english(3000), english(700, seed=9)
    wanted = [score(NGram(LETTERS, train, order), held_out).nats_per_char for order in range(1, 9)]
    np.testing.assert_allclose(list(order_losses(train, held_out, 4, 8)), wanted, rtol=1e-12)


@given(st.lists(st.integers(0, 1 << 62), max_size=50) | st.lists(st.integers(0, 9), max_size=200))
def test_distinct_numbers_are_those_of_numpy(numbers):
    values = np.array(numbers, np.int64)
    for found, wanted in zip(distinct(values), np.unique(values, return_inverse=True, return_counts=True), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_memory_grows_with_the_text_and_no_faster(peak_memory):
    small, large = (peak_memory(lambda n=n: NGram(LETTERS, english(n), 8)) for n in (20_000, 40_000))
    assert large < 2.5 * small
    assert large < 40_000 * 400


# -- documents ----------------------------------------------------------------------------------------------------

LINES = Vocab("\nabcd", end="\n")  # the end has the id 0


def documents(count: int, longest: int = 9, seed: int = 0) -> list[list[int]]:
    """Documents of letters that follow one another with some regularity, none empty."""
    rng = np.random.default_rng(seed)
    letters = iter((english(count * longest, seed) + 1).tolist())
    return [[next(letters) for _ in range(rng.integers(1, longest + 1))] for _ in range(count)]


def joined(docs: Sequence[Sequence[int]]) -> Array:
    return np.array([c for document in docs for c in [*document, 0]], np.uint8)


def nats_of(model: NGram, ids: Array) -> Array:
    """-ln p of each symbol of documents, read one after another."""
    state = model.start(1)
    logs = np.concatenate([model.predict(state)[None], model.feed(ids[:-1, None], state)])[:, 0]
    return -logs[np.arange(len(ids)), ids]


class PlainDocuments(Plain):
    """The same for documents: n-grams lie within one, between its mark, which is another end before it, and its end.

    The mark is no character of the document, so it is counted in no unigram, and nothing stands before it.
    """

    def __init__(self, docs: Sequence[Sequence[int]], size: int, order: int, smoothing: str) -> None:
        self.size, self.order, self.smoothing = size, order, smoothing
        self.counts = []
        for n in range(1, order + 1):
            found: Counter[tuple[int, ...]] = Counter()
            before = defaultdict(set)
            marked = Counter()
            for document in docs:
                text = [0, *document, 0]
                for i in range(len(text) - n + 1):
                    gram = tuple(text[i : i + n])
                    if (n, i) == (1, 0):
                        continue  # the mark
                    found[gram] += 1
                    if i:
                        before[gram].add(text[i - 1])
                    else:
                        marked[gram] += 1
            if n < order and smoothing == "kneser-ney":
                found = Counter({gram: len(what) for gram, what in before.items()}) + marked
            self.counts.append(found)

    def nats(self, docs: Sequence[Sequence[int]]) -> list[float]:
        """-ln p of each symbol of documents, their ends included."""
        return [
            -float(np.log(self.p((0, *document[:k]), c))) for document in docs for k, c in enumerate([*document, 0])
        ]


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("order", [1, 2, 3, 5, 8, 14])
def test_every_probability_within_documents_is_that_of_the_equations(smoothing, order):
    train, held_out = documents(60), documents(12, seed=3)
    model, plain = NGram(LINES, joined(train), order, smoothing), PlainDocuments(train, 5, order, smoothing)
    for document in held_out:
        state = model.start(1)
        logs = np.concatenate([model.predict(state)[None], model.feed(np.array(document)[:, None], state)])[:, 0]
        wanted = [[plain.p((0, *document[:k]), c) for c in range(5)] for k in range(len(document) + 1)]
        np.testing.assert_allclose(np.exp(logs), wanted, rtol=1e-12)
    np.testing.assert_allclose(nats_of(model, joined(held_out)), plain.nats(held_out), rtol=1e-12)


def test_a_model_that_reads_on_over_an_end_begins_a_document():
    model, text = NGram(LINES, joined(documents(60)), 5), joined(documents(20, seed=2))
    state = model.start(1)
    logs = np.concatenate([model.predict(state)[None], model.feed(text[:, None], state)])[:, 0]
    begin = model.predict(model.start(1))[0]
    np.testing.assert_allclose(logs[[0, *(np.flatnonzero(text == 0) + 1)]], np.tile(begin, (21, 1)), rtol=1e-12)
    np.testing.assert_allclose(-logs[np.arange(len(text)), text], nats_of(model, text), rtol=1e-12)


short_documents = st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=6), min_size=1, max_size=20)


@given(
    train=short_documents,
    order=st.integers(1, 12),
    smoothing=st.sampled_from(SMOOTHINGS),
    asked=st.lists(st.integers(0, 6), min_size=1, max_size=20),
    limit=st.sampled_from([0, 16, 1 << 19]),
)
@example(train=[[1]], order=12, smoothing="kneser-ney", asked=[1, 0, 1, 1], limit=0)
@example(train=[[1]], order=12, smoothing="witten-bell", asked=[1, 0, 1, 1], limit=1 << 19)
def test_every_distribution_within_documents_sums_to_one(train, order, smoothing, asked, limit):
    vocab = Vocab("\nabcd", has_unknown=True, end="\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ngram, "MAX_TABLE_NUMBERS", limit)
        model = NGram(vocab, joined(train), order, smoothing)
        state = model.start(1)
        p = np.exp([model.predict(state), *model.feed(np.minimum(asked, 5)[:, None], state)])
    np.testing.assert_allclose(p.sum(axis=2), 1, rtol=1e-12)
    assert (p > 0).all()


@given(train=short_documents, order=st.integers(1, 6), smoothing=st.sampled_from(SMOOTHINGS), data=st.data())
def test_the_order_of_documents_changes_no_probability(train, order, smoothing, data):
    other, text = data.draw(st.permutations(train)), joined(documents(9, seed=4))
    one, two = (NGram(LINES, joined(docs), order, smoothing) for docs in (train, other))
    np.testing.assert_array_equal(nats_of(one, text), nats_of(two, text))


@pytest.mark.parametrize("longest", [3, 9])  # documents shorter than the highest order too
def test_the_losses_of_all_orders_on_documents_are_those_of_the_models_one_by_one(longest):
    train, held_out = joined(documents(300, longest)), joined(documents(70, longest, seed=9))
    wanted = [score(NGram(LINES, train, order), held_out).nats_per_char for order in range(1, 13)]
    np.testing.assert_allclose(list(order_losses(train, held_out, 5, 12, end=0)), wanted, rtol=1e-12)


def test_a_text_that_stops_inside_a_document_is_counted_as_far_as_it_goes():
    train = joined([[1, 2, 3], [1, 2, 4]])
    with_end, without = (list(count(ids, 5, 9, end=0)) for ids in (train, train[:-1]))
    assert [counts.counts.sum() for counts in with_end] == [8, 8, 6, 4, 2, 0, 0, 0, 0]
    assert [counts.counts.sum() for counts in without] == [7, 7, 5, 3, 1, 0, 0, 0, 0]
    assert len(list(order_losses(train[:-1], train[2:], 5, 9, end=0))) == 9


def test_n_grams_of_documents_that_no_passage_joins_are_never_predicted():
    model = NGram(LINES, joined([[1, 2], [3, 4]]), 3, "witten-bell")
    state = model.start(1)
    after = np.exp(model.feed(np.array([[1], [2]]), state))[-1, 0]
    assert after.argmax() == 0  # the end: no document goes on after 1, 2
    assert after[3] == after[1]  # 3 follows 2 only beyond an end


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("streams", [1, 3])
@pytest.mark.parametrize("vocab", [LETTERS, Vocab("abcd", end="d")], ids=["a stream", "documents"])
def test_a_stepper_reads_single_characters_as_feed_reads_them(smoothing, streams, vocab):
    model = NGram(vocab, english(300), 5, smoothing)
    text = np.stack([english(200, seed + 1) for seed in range(streams)], axis=1)  # with contexts that are new
    state, other = model.start(streams), model.start(streams)
    read = model.stepper(other)
    for ids in text:
        np.testing.assert_array_equal(read(ids), model.feed(ids[None], state)[0])
        np.testing.assert_array_equal(other, state)
    assert (state >= 0).any()
