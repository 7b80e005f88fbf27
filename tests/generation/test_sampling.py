"""Drawn text: the right characters with the right probabilities, the same for the same seed, and an end where asked."""

from itertools import islice
from math import log
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.arrays import Array
from charrnn.config.model_keys import ModelConfig
from charrnn.data.vocab import Vocab
from charrnn.errors import TextError
from charrnn.generation.sampling import PASSAGE_CHARS, Options, generate, generate_batch, weights
from charrnn.models.network import Network

SIX = Vocab("abcdef")


def always(logits: Any, vocab: Vocab = SIX) -> Network:
    """A network that predicts the same at every step."""
    network = Network(ModelConfig(cell="rnn", hidden_size=1, num_layers=1), vocab, np.float64)
    network.params.value["output_bias"][...] = logits
    return network


def follows(pairs: dict[str, str], gap: float = 5.0) -> Network:
    """A network in which each character calls for one other, whose logit lies `gap` above the rest."""
    vocab = Vocab("".join(sorted(pairs)))
    network = Network(ModelConfig(cell="rnn", hidden_size=vocab.size, num_layers=1), vocab, np.float64)
    network.params.value["weight_ih_l0"][0] = 50 * np.eye(vocab.size)  # h is 1 at the latest character, 0 elsewhere
    for now, then in pairs.items():
        network.params.value["output_weight"][vocab.symbols.index(now), vocab.symbols.index(then)] = gap
    return network


def ring(letters: str, gap: float = 5.0) -> Network:
    """A network whose argmax goes round in a circle."""
    return follows(dict(zip(letters, letters[1:] + letters[0], strict=True)), gap)


@pytest.fixture(scope="module")
def random_network(make_toy: Any) -> Network:
    network = make_toy(ModelConfig(cell="lstm", hidden_size=8, num_layers=2), vocab_size=6).network
    network.params.value["output_weight"][...] *= 10  # so that what came before matters
    return network


def text_of(model: Network, **options: Any) -> str:
    return "".join(generate(model, **options))


def texts_of(model: Network, num: int, seed: int = 1, **options: Any) -> list[str]:
    texts = [""] * num
    for stream, character in generate_batch(model, Options(**options), num, seed=seed):
        texts[stream] += character
    return texts


# -- what is drawn ------------------------------------------------------------------------------------------------


def test_temperature_zero_takes_the_likeliest_each_time(random_network):
    expected, state = "", random_network.start(1)
    logits = random_network.predict(state)[0]
    for _ in range(60):
        best = int(logits.argmax())
        expected += random_network.vocab.symbols[best]
        logits = random_network.feed(np.array([[best]]), state)[0, 0]
    assert text_of(random_network, length=60, temp=0) == expected
    assert text_of(random_network, length=60, temp=0, seed=99) == expected


def naive_probabilities(logits: list[float], options: Options) -> list[float]:
    """The docstring of Options, word by word."""
    weights = [float(np.exp((x - max(logits)) / options.temp)) for x in logits]
    if options.top_k:
        least = sorted(weights, reverse=True)[: options.top_k][-1]
        weights = [w if w >= least else 0 for w in weights]
    if options.top_p < 1:
        kept, reached = set(), 0.0
        for i in sorted(range(len(weights)), key=lambda i: -weights[i]):
            if reached < options.top_p:
                kept.add(i)
            reached += weights[i] / sum(weights)
        weights = [w if i in kept else 0 for i, w in enumerate(weights)]
    weights = [w if w >= options.min_p * max(weights) else 0 for w in weights]
    return [w / sum(weights) for w in weights]


@given(
    logits=st.lists(st.integers(-40, 40).map(lambda n: n / 4), min_size=1, max_size=12),
    options=st.builds(
        Options,
        temp=st.sampled_from([0.1, 0.7, 1.0, 1.9]),
        top_k=st.integers(0, 14),
        top_p=st.sampled_from([0.0101, 0.3141, 0.5772, 0.7071, 0.9093, 0.9901, 1.0]),  # no sum lies just on the edge
        min_p=st.sampled_from([0.0, 0.02, 0.1, 0.5, 1.0]),
    ),
)
def test_top_k_top_p_and_min_p_keep_exactly_what_they_say(logits, options):
    found = weights(np.array([logits, logits]), options)
    np.testing.assert_array_equal(*found)
    found = found[0] / found[0].sum()
    expected = naive_probabilities(logits, options)
    assert [p > 0 for p in found] == [p > 0 for p in expected]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_top_p_counts_the_characters_that_top_k_left():
    """Of 0.4, 0.3, 0.2, 0.1, the first has 0.57 of the two that remain; before top k, half would take two."""
    found = weights(np.log([[0.4, 0.3, 0.2, 0.1]]), Options(top_k=2, top_p=0.5))
    np.testing.assert_array_equal(found, [[1, 0, 0, 0]])


def test_the_temperature_counts_before_top_p():
    """At temperature 2 the probabilities 0.64, 0.32, 0.04 become 0.51, 0.36, 0.13: two characters have only 0.87."""
    logits = np.log([[0.64, 0.32, 0.04]])
    assert (weights(logits, Options(temp=2.0, top_p=0.9)) > 0).tolist() == [[True, True, True]]
    assert (weights(logits, Options(top_p=0.9)) > 0).tolist() == [[True, True, False]]


def test_a_character_that_is_kept_out_or_impossible_has_probability_zero():
    logits = np.array([0.0, -np.inf, 1.0, 2.0])
    np.testing.assert_array_equal(weights(logits[None], Options())[0] > 0, [True, False, True, True])
    np.testing.assert_array_equal(weights(logits[None], Options(top_k=1))[0], [0, 0, 0, 1])


LOGITS = np.array([0.0, 1.0, -1.0, 2.0, 0.5, -3.0])


@pytest.mark.parametrize(
    "options",
    [{"temp": 1.0}, {"temp": 0.5}, {"temp": 2.5}, {"top_k": 3}, {"top_p": 0.8}, {"min_p": 0.2}],
    ids=str,
)
@pytest.mark.parametrize("unknown", [None, 1.9, 20.0])  # of a character that is never written, the logit
def test_characters_are_drawn_as_often_as_they_are_likely(options, unknown):
    count, model = 4000, always(LOGITS)
    if unknown:
        model = always(np.append(LOGITS, unknown), Vocab(SIX.symbols, has_unknown=True))
    text = text_of(model, length=count, seed=3, **options)
    expected = count * np.array(naive_probabilities(LOGITS.tolist(), Options(**options)))
    found = np.array([text.count(symbol) for symbol in SIX.symbols])
    assert not found[expected == 0].any()
    likely = expected > 0
    assert (((found - expected)[likely] ** 2) / expected[likely]).sum() < 30, "chi-square of at most 5 degrees"


@pytest.mark.parametrize("options", [{"temp": 0}, {"temp": 1.0}, {"temp": 3.0, "top_k": 2}, {"top_p": 0.1}], ids=str)
def test_the_unknown_character_is_never_written(options):
    logits = np.append(LOGITS, 20.0)
    text = text_of(always(logits, Vocab(SIX.symbols, has_unknown=True)), length=300, **options)
    assert len(text) == 300
    assert set(text) <= set(SIX.symbols)


# -- seeds and streams --------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_text_and_another_seed_another(random_network):
    texts = [text_of(random_network, length=200, seed=seed) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_each_stream_is_what_it_would_be_among_fewer():
    five = texts_of(always(LOGITS), 5, length=80)
    assert len(set(five)) == 5
    assert texts_of(always(LOGITS), 3, length=80) == five[:3]
    assert text_of(always(LOGITS), length=80) == five[0]


def test_streams_of_a_network_keep_to_their_own_state(random_network):
    three = texts_of(random_network, 3, length=60)
    assert text_of(random_network, length=60) == three[0]


def test_a_stream_that_ends_leaves_the_others_alone():
    whole = texts_of(always(LOGITS), 4, length=100)
    cut = texts_of(always(LOGITS), 4, length=100, until="db")
    assert cut == [text[: text.find("db") + 2] if "db" in text else text for text in whole]
    assert len({len(text) for text in cut}) > 1, "or the test shows nothing"


def test_texts_that_are_drawn_at_the_same_time_do_not_mix(random_network):
    options = Options(length=40)
    alone = [list(generate_batch(random_network, options, 2, seed=seed)) for seed in (1, 2)]
    together = zip(*(generate_batch(random_network, options, 2, seed=seed) for seed in (1, 2)), strict=True)
    assert [list(drawn) for drawn in zip(*together, strict=True)] == alone


# -- the end ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 2, 77])
def test_length_counts_the_characters(random_network, length):
    assert len(text_of(random_network, length=length)) == length


def test_length_zero_has_no_end(random_network):
    assert len(list(islice(generate(random_network, length=0), 1000))) == 1000


@pytest.mark.parametrize("until", ["c", "cab", "bcabcabc"])
def test_until_ends_right_after_what_it_names(until):
    text = text_of(ring("abc"), length=0, temp=0, until=until)
    endless = "".join(islice(generate(ring("abc"), length=0, temp=0), 50))
    assert text == endless[: endless.index(until) + len(until)]


def test_length_ends_a_text_in_which_until_never_comes():
    assert len(text_of(ring("abc"), length=30, temp=0, until="ba")) == 30


def test_until_must_be_written_whole_and_the_prime_is_not_written():
    assert text_of(ring("abc"), length=30, temp=0, prime="ab", until="bc") == "cabc"
    lines = follows({"\n": "a", "a": "\n"})
    assert text_of(lines, length=30, temp=0, until="\na") == "a\na", "nor is the newline that it began from"


# -- repetition ---------------------------------------------------------------------------------------------------

ROUND = "abcdefghij"


def test_a_loop_of_argmax_is_broken():
    assert text_of(ring(ROUND), length=60, temp=0)[10:] == text_of(ring(ROUND), length=60, temp=0)[:-10]
    text = text_of(ring(ROUND), length=600, temp=0, repetition_penalty=1.3)
    passages = [text[at : at + 40] for at in range(len(text) - 40)]
    assert len(set(passages)) > 500


@pytest.mark.parametrize(("penalty", "repeats"), [(5, 0), (3, 1), (1.7, 2), (1.5, 3)])
def test_a_passage_carried_on_gets_less_likely_with_each_character(penalty, repeats):
    """Four to one for the ring: F, F^2, F^3 ... less likely, it holds while the power is below 4."""
    text = text_of(ring(ROUND, gap=log(4)), length=40, temp=0, prime="j", repetition_penalty=penalty)
    round_and_round = ROUND * 4
    held = len(ROUND) + PASSAGE_CHARS - 1 + repeats
    assert text[:held] == round_and_round[:held]
    assert text[held] != round_and_round[held]


def test_without_a_repetition_the_penalty_does_nothing():
    model = always(np.zeros(26), Vocab("abcdefghijklmnopqrstuvwxyz"))
    assert text_of(model, length=300, repetition_penalty=4) == text_of(model, length=300)


# -- the prime ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 5, 256, 257, 700])
def test_a_prime_is_read_character_by_character_before_the_first_is_drawn(random_network, length):
    model = random_network
    ids = np.random.default_rng(length).integers(0, 6, length)
    state = model.start(1)
    for k in ids:
        logits = model.feed(np.array([[k]]), state)[0]
    rng = np.random.default_rng([1, 0])
    expected = ""
    for _ in range(40):
        drawn = int((logits[0] - np.log(rng.standard_exponential(6))).argmax())
        expected += model.vocab.symbols[drawn]
        logits = model.feed(np.array([[drawn]]), state)[0]
    assert text_of(model, length=40, prime=model.vocab.decode(ids)) == expected


def test_a_text_goes_on_from_its_own_beginning(random_network):
    whole = text_of(random_network, length=90, temp=0, prime="a")
    assert text_of(random_network, length=60, temp=0, prime="a" + whole[:30]) == whole[30:]
    assert text_of(random_network, length=60, temp=0, prime="b") != whole[:60]


def test_without_a_prime_a_model_that_knows_newlines_begins_a_line():
    model = follows({"\n": "a", "a": "b", "b": "a"})
    model.params.value["output_bias"][2] = 1.0  # before any character it would say b
    assert text_of(model, length=4, temp=0) == text_of(model, length=4, temp=0, prime="\n") == "abab"
    assert text_of(model, length=4, temp=0, prime="a") == "baba"
    assert text_of(ring("abc"), length=4, temp=0) == "abca"


def test_a_prime_with_unknown_characters_is_refused_skipped_or_replaced():
    letters = "ab cd"
    model = ring(letters)

    def after(prime: str, unknown: Any) -> str:
        return text_of(model, length=5, temp=0, prime=prime, unknown=unknown)

    with pytest.raises(TextError, match=r"'Z' \(position 1\).*'é' \(position 3\).*leave them out or replace them"):
        after("aZbé", "error")
    assert after("aZbé", "skip") == after("ab", "skip") == " cdab"
    assert after("abZ", "replace") == after("ab ", "error") == "cdab "
    assert after("Z", "skip") == after("", "error")


def test_a_model_with_an_unknown_character_reads_it_in_a_prime():
    model = always([*LOGITS, 0], Vocab(SIX.symbols, has_unknown=True))
    assert text_of(model, length=3, temp=0, prime="aZ") == "ddd"


def test_bytes_are_written_as_the_characters_of_their_numbers():
    logits = np.zeros(256)
    logits[[0xC3, 0xA9, 0x0A]] = 50
    model = always(logits, Vocab.of_bytes())
    text = text_of(model, length=60)
    assert set(model.vocab.to_bytes(text)) == {0xC3, 0xA9, 0x0A}
    assert text == text_of(model, length=60, prime="né") == text_of(model, length=60, prime="né".encode())
    assert text == text_of(model, length=60, prime=b"\xff\x00")


def test_sampling_reads_the_array_that_a_model_hands_out_and_keeps_none():
    """The next feed() may use the same memory."""

    class Reuses:
        vocab = SIX
        memory = np.zeros((1, 1, 6))

        def start(self, streams: int) -> Array:
            return np.zeros(streams)

        def predict(self, state: Array) -> Array:
            self.memory[...] = LOGITS
            return self.memory[0]

        def stepper(self, state: Array) -> Any:
            return lambda ids: self.feed(ids[None], state)[0]

        def feed(self, ids: Array, state: Array) -> Array:
            self.memory[...] = LOGITS
            return self.memory

    assert text_of(Reuses(), length=100) == text_of(always(LOGITS), length=100)
