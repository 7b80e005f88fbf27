"""Documents that are drawn: whole, from the first symbol to the end, as many as asked for, unique and novel."""

from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import charrnn.generation.documents as documents_module
from charrnn.arrays import Array
from charrnn.config.data_keys import DataConfig, DocumentsConfig
from charrnn.config.model_keys import ModelConfig
from charrnn.data.documents import tell_apart
from charrnn.data.files import Piece
from charrnn.data.reading import read_raw
from charrnn.data.vocab import END, Vocab
from charrnn.errors import TextError
from charrnn.generation.documents import Joints, Screen, draw_documents, draw_together, most_in_vain, was_cut
from charrnn.generation.sampling import Options, generate, generate_batch
from charrnn.models.known import known_documents
from charrnn.models.network import Network
from charrnn.models.ngram import NGram

LINES = Vocab("\nabc", end="\n")


def network_of(vocab: Vocab = LINES, sharpness: float = 4.0) -> Network:
    """A random network of documents in which what came before matters."""
    network = Network(ModelConfig(cell="lstm", hidden_size=6, num_layers=2), vocab, np.float64)
    network.params.values[...] = np.random.default_rng(5).standard_normal(network.params.size)
    network.params.value["output_weight"][...] *= sharpness
    network.params.value["output_bias"][vocab.end_id] = -1.5 * sharpness  # or most documents would be very short
    return network


def ngram_of(*documents: str, order: int = 3) -> NGram:
    """An n-gram of documents that are lines."""
    vocab = Vocab("".join(sorted({"\n", *"".join(documents)})), end="\n")
    return NGram(vocab, vocab.encode("".join(f"{document}\n" for document in documents)), order, "witten-bell")


# -- one document -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vocab", [LINES, Vocab("abc\n" + END, end=END), Vocab.of_bytes(END)], ids=["line", "END", "b"])
def test_a_document_ends_where_its_end_is_drawn_which_is_not_written(vocab: Vocab) -> None:
    model = network_of(vocab, sharpness=0.5)
    model.params.value["output_bias"][vocab.end_id] = 3 if vocab.tokens == "byte" else 0
    texts = draw_together(model, Options(length=200), 40)
    assert not any(vocab.end in text for text in texts)
    assert len({len(text) for text in texts}) > 2, "ends that are drawn, each at another place"


def test_the_first_character_follows_from_the_start_alone() -> None:
    model = network_of()
    first = model.predict(model.start(1))[0]
    first[model.vocab.end_id] = -np.inf  # no document is empty
    assert next(generate(model, temp=0)) == model.vocab.symbols[first.argmax()]
    counts = np.bincount([model.vocab.symbols.index(text[0]) for text in draw_together(model, Options(), 2000)])
    expected = 2000 * np.exp(first - first.max()) / np.exp(first - first.max()).sum()
    likely = expected > 0
    assert not counts[~likely].any()
    assert (((counts - expected)[likely] ** 2) / expected[likely]).sum() < 20, "chi-square of 2 degrees"


@pytest.mark.parametrize("options", [{}, {"top_k": 1}, {"top_p": 0.1}, {"min_p": 1.0}, {"temp": 0}], ids=str)
def test_no_document_is_empty_however_likely_that_is(options: dict[str, Any]) -> None:
    model = network_of()
    model.params.value["output_bias"][model.vocab.end_id] = 50
    assert set(map(len, draw_together(model, Options(**options), 20))) == {1}


def test_a_prime_begins_each_document_and_may_be_all_of_it() -> None:
    model = ngram_of("ab", "ab", "abc")
    drawn = draw_together(model, Options(temp=0.01), 5, prime="ab")
    assert drawn == [""] * 5
    assert draw_together(model, Options(temp=0.01), 2, prime="abc") == ["", ""]


@pytest.mark.parametrize("prime", ["\n", "ab\n", "a\nb"])
def test_a_prime_that_holds_an_end_is_refused(prime: str) -> None:
    with pytest.raises(TextError, match=rf"a line end \(position {prime.index(chr(10))}\).*leave it out"):
        draw_together(network_of(), Options(), 1, prime=prime)


def test_an_unknown_character_of_a_prime_is_never_replaced_by_an_end() -> None:
    assert LINES.encode("é", "replace").tolist() == [1]
    assert draw_together(network_of(), Options(length=9), 2, "é", 1, "replace") == draw_together(
        network_of(), Options(length=9), 2, "a"
    )


def test_length_bounds_a_document_and_it_is_said_which_were_cut() -> None:
    model = network_of()
    whole = draw_together(model, Options(length=1000), 60)
    options = Options(length=4)
    cut = draw_together(model, options, 60)
    assert cut == [text[:4] for text in whole]
    assert [was_cut(text, options) for text in cut] == [len(text) >= 4 for text in whole]
    assert {was_cut(text, options) for text in cut} == {True, False}


def test_a_document_that_until_ends_was_not_cut() -> None:
    assert not was_cut("abcd", Options(length=4, until="cd"))
    assert was_cut("abcd", Options(length=4, until="bc"))
    assert not was_cut("abcd", Options(length=0))


# -- side by side -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("temp", [1.0, 0.0])
def test_a_document_does_not_depend_on_those_beside_it(temp: float) -> None:
    model, options = network_of(), Options(length=50, temp=temp)
    texts = draw_together(model, options, 12, seed=3)
    assert texts == [draw_together(model, options, 1, seed=3, first=k)[0] for k in range(12)]


def test_the_penalty_and_until_follow_their_stream_when_others_have_ended() -> None:
    model = network_of(sharpness=1)
    options = Options(length=300, repetition_penalty=2, until="abca")
    texts = draw_together(model, options, 12, seed=3)
    assert texts == [draw_together(model, options, 1, seed=3, first=k)[0] for k in range(12)]
    assert len({*map(len, texts)}) > 6, "or the test shows nothing"


class Counting:
    """A model of documents that notes how many streams are read at each step."""

    def __init__(self, model: Network) -> None:
        self.model, self.vocab = model, model.vocab
        self.start, self.predict, self.feed, self.select = model.start, model.predict, model.feed, model.select
        self.widths: list[int] = []

    def stepper(self, state: Array) -> Any:
        read = self.model.stepper(state)

        def counted(ids: Array) -> Array:
            self.widths.append(len(ids))
            return read(ids)

        return counted


def test_streams_that_have_ended_are_not_read_on() -> None:
    model = Counting(network_of())
    texts = draw_together(model, Options(length=1000), 64)
    needed = sum(len(text) for text in texts)
    assert sum(model.widths) <= 2 * needed
    assert model.widths == sorted(model.widths, reverse=True)


@pytest.mark.parametrize("together", [1, 3, 7, 256])
def test_any_number_of_documents_is_drawn_in_batches_and_gives_the_same(
    together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, options = network_of(), Options(length=100)
    expected = draw_together(model, options, 20, seed=9)
    monkeypatch.setattr(documents_module, "SIDE_BY_SIDE", together)
    assert list(draw_documents(model, options, 20, seed=9)) == expected


def test_no_more_are_drawn_side_by_side_than_memory_is_meant_for() -> None:
    model = Counting(network_of())
    assert len(list(draw_documents(model, Options(length=3), 600))) == 600
    assert max(model.widths) <= documents_module.SIDE_BY_SIDE


# -- unique and novel ---------------------------------------------------------------------------------------------


def test_unique_documents_are_the_first_of_each_in_the_order_of_drawing() -> None:
    model, options = network_of(), Options(length=100)
    drawn = draw_together(model, options, 400, seed=2)
    assert len(set(drawn)) < len(drawn)
    found = list(draw_documents(model, options, 20, seed=2, screen=Screen(unique=True)))
    assert found == list(islice(dict.fromkeys(drawn), 20))


def test_novel_documents_are_those_that_the_training_text_lacks() -> None:
    texts = ("ab", "abc", "ac", "b")
    model = ngram_of(*texts, order=2)
    known = known_documents(model.ids, model.vocab)
    drawn = draw_together(model, Options(), 400)
    assert set(drawn) & set(texts)
    found = list(draw_documents(model, Options(), 50, screen=Screen(known=known)))
    assert found == [text for text in drawn if text not in texts][:50]
    assert len(set(found)) < len(found), "novel does not mean unique"
    both = list(draw_documents(model, Options(), 20, screen=Screen(True, known)))
    assert both == list(dict.fromkeys(text for text in drawn if text not in texts))[:20]


def test_a_document_is_judged_with_its_prime() -> None:
    model = ngram_of("ab", "ab", "cb")
    known = known_documents(model.ids, model.vocab)
    options = Options(temp=0.01)
    assert list(draw_documents(model, options, 3, prime="a", screen=Screen(known=known))) == []
    assert list(draw_documents(model, options, 3, prime="ac", screen=Screen(known=known))) == ["b", "b", "b"]


@pytest.mark.parametrize(("num", "bound"), [(1, 1000), (100, 1000), (101, 1010), (10_000, 100_000)])
def test_the_bound_on_drawing_in_vain_is_what_the_docs_say(num: int, bound: int) -> None:
    assert most_in_vain(num) == bound


def told(monkeypatch: pytest.MonkeyPatch, text_of: Callable[[int], str]) -> list[int]:
    """Have document k be text_of(k); the numbers of those that are drawn are listed."""
    drawn: list[int] = []

    def draw(model: Any, options: Any, num: int, prime: Any, seed: int, unknown: Any, first: int) -> list[str]:
        drawn.extend(range(first, first + num))
        return [text_of(k) for k in range(first, first + num)]

    monkeypatch.setattr(documents_module, "draw_together", draw)
    return drawn


def test_drawing_ends_when_nothing_new_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = told(monkeypatch, lambda k: "ab")
    assert list(draw_documents(network_of(), Options(), 5, screen=Screen(unique=True))) == ["ab"]
    assert drawn == list(range(1 + most_in_vain(5)))


def test_drawing_goes_on_as_long_as_something_new_comes_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, lambda k: "a" * (1 + k // 900))
    found = list(draw_documents(network_of(), Options(), 4, screen=Screen(unique=True)))
    assert found == ["a", "aa", "aaa", "aaaa"]


@given(
    texts=st.lists(st.sampled_from(["a", "b", "ab", "ba", "aab"]), min_size=1, max_size=40),
    unique=st.booleans(),
    known=st.sets(st.sampled_from(["a", "ba", "c"])),
)
def test_a_screen_lets_pass_what_is_neither_known_nor_there_already(
    texts: list[str], unique: bool, known: set[str]
) -> None:
    vocab = Vocab("\nabc", end="\n")
    digests = known_documents(vocab.encode("".join(f"{text}\n" for text in known)), vocab)
    screen = Screen(unique, digests)
    passed = [text for text in texts if screen.passes(text)]
    expected = [text for text in texts if text not in known]
    assert passed == (list(dict.fromkeys(expected)) if unique else expected)


# -- one after another in a file ----------------------------------------------------------------------------------


def read_back(text: str, documents: DocumentsConfig) -> list[str]:
    """The documents that are found in a text."""
    found = tell_apart(read_raw([Piece("my.txt", text.encode(), True)]), DataConfig("-", documents=documents), "my.txt")
    letters = np.array([*found.symbols])
    return ["".join(letters[found.codes[a:b]]) for a, b in zip(found.begins, found.stops, strict=True)]


words = st.text("ab \t", min_size=1).filter(str.strip)


@pytest.mark.parametrize(
    ("kind", "documents"),
    [
        (DocumentsConfig("line"), words),
        (DocumentsConfig("paragraph"), st.lists(words, min_size=1, max_size=3).map("\n".join)),
        (DocumentsConfig(separator="\n--\n"), st.text("ab\n", min_size=1).filter(lambda text: text[-1:] != "\n")),
        (DocumentsConfig(separator="|"), st.text("ab\n", min_size=1)),
    ],
    ids=["line", "paragraph", "rule", "bar"],
)
@given(data=st.data())
def test_documents_one_after_another_are_read_back_as_they_were(
    kind: DocumentsConfig, documents: st.SearchStrategy[str], data: st.DataObject
) -> None:
    several = data.draw(st.lists(documents, min_size=2, max_size=5))
    assert read_back(Joints.of(kind).join(several), kind) == several


def test_files_have_an_empty_line_between_and_one_alone_is_left_as_it_is() -> None:
    joints = Joints.of(DocumentsConfig("file"))
    assert joints.join(["a\n"]) == "a\n"
    assert joints.join(["a", "b"]) == "a\n\nb"


def test_no_documents_are_an_empty_file() -> None:
    assert Joints.of(DocumentsConfig("line")).join([]) == ""


def test_the_streams_of_a_batch_are_counted_from_zero_wherever_it_begins() -> None:
    assert {stream for stream, _ in generate_batch(network_of(), Options(), 3, first=100)} == {0, 1, 2}
