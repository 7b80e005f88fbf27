"""A config's text made ready: the vocabulary of the training split alone, and checks that name the numbers."""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from charrnn.config.building import config_from_dict
from charrnn.data.corpus import check_sizes, remarks
from charrnn.data.loading import load_corpus
from charrnn.data.vocab import END, Vocab
from charrnn.errors import TextError
from tests.support.strategies import texts

TALES = Path(__file__).parents[2] / "data" / "tales.txt"


@pytest.fixture(scope="module")
def write(tmp_path_factory):
    """write(data, name): the path of a file with this content."""
    folder = tmp_path_factory.mktemp("texts")

    def write(data, name="my.txt"):
        path = folder / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return str(path)

    return write


def settings_for(path, batch_size=2, seq_length=4, **data):
    return config_from_dict(
        {"data": {"path": path, **data}, "train": {"batch_size": batch_size, "seq_length": seq_length}}
    )


def load(path, **keys):
    return load_corpus(settings_for(path, **keys))


def spelled(corpus, name):
    return corpus.vocab.decode(getattr(corpus, name).ids)


# -- vocabulary and splits ----------------------------------------------------------------------------------------


def test_the_bundled_text_is_split_in_order_and_nothing_is_lost():
    corpus = load(str(TALES))
    text = TALES.read_text("utf-8")
    assert len(corpus.valid) == pytest.approx(0.05 * len(text), abs=2)
    assert "".join(spelled(corpus, name) for name in ("train", "valid", "test")) == text
    assert (corpus.size, corpus.left_out) == (len(text), 0)
    assert corpus.train.ids.dtype == np.uint8


def test_the_vocabulary_is_that_of_the_training_split_and_what_else_occurs_is_counted(write):
    corpus = load(write("abcabcabab" + "aXbYX" + "Zaba."), fractions=[0.5, 0.25, 0.25])
    assert corpus.vocab == Vocab("abc")
    assert [spelled(corpus, name) for name in ("train", "valid", "test")] == ["abcabcabab", "ab", "aba"]
    assert [corpus.train.unknown, corpus.valid.unknown, corpus.test.unknown] == [0, 3, 2]


@given(text=texts, fractions=st.sampled_from([[0.9, 0.05, 0.05], [0.5, 0.3, 0.2], [0.4, 0.6, 0], [1, 0, 0]]))
def test_no_character_is_lost_but_those_that_are_counted(write, text, fractions):
    text = text.removeprefix("\ufeff")
    assume(text)
    corpus = load(write(text), fractions=fractions)
    splits = [corpus.train, corpus.valid, corpus.test]
    assert sum(len(split) + split.unknown for split in splits) == len(text)
    train = text[: len(corpus.train)]
    assert corpus.vocab.symbols == "".join(sorted(set(train)))
    assert corpus.train.unknown == 0
    kept = train + "".join(symbol for symbol in text[len(train) :] if symbol in train)
    assert "".join(spelled(corpus, split.name) for split in splits) == kept


def test_rare_characters_of_the_training_text_become_the_unknown_one(write):
    corpus = load(write("aabbaabbcd" + "acxb"), fractions=[10 / 14, 4 / 14, 0], min_count=2)
    assert corpus.vocab == Vocab("ab", has_unknown=True)
    assert [spelled(corpus, name) for name in ("train", "valid")] == ["aabbaabb��", "a��b"]
    assert [corpus.train.unknown, corpus.valid.unknown] == [2, 2]


def test_bytes_are_all_known_whatever_the_training_text_holds(write):
    data = bytes(range(256)) * 2
    corpus = load(write(data), tokens="byte", fractions=[0.5, 0.5, 0])
    assert corpus.vocab == Vocab.of_bytes()
    assert corpus.vocab.to_bytes(spelled(corpus, "train") + spelled(corpus, "valid")) == data
    assert corpus.valid.unknown == 0


def test_a_vocabulary_that_is_given_is_used_as_it_is(write):
    corpus = load_corpus(settings_for(write("abcabcabcabc"), fractions=[1, 0, 0]), Vocab("bcd"))
    assert corpus.vocab == Vocab("bcd")
    assert spelled(corpus, "train") == "bcbcbcbc"
    assert corpus.train.unknown == 4


def test_texts_of_their_own_leave_all_of_the_path_to_train_on(write):
    path, valid, test = write("abcabc"), write("axb", "valid.txt"), write("cba", "test.txt")
    corpus = load(path, valid_path=valid, test_path=[test, valid])
    assert [spelled(corpus, name) for name in ("train", "valid", "test")] == ["abcabc", "ab", "cbaab"]
    assert (corpus.size, corpus.left_out, corpus.valid.unknown, corpus.test.unknown) == (6, 0, 1, 1)
    corpus = load(path, test_path=test)
    assert [spelled(corpus, name) for name in ("train", "valid", "test")] == ["abcabc", "", "cba"]


def test_the_streams_split_follows_batch_size_and_seq_length_and_counts_what_is_left_out(write):
    corpus = load(write("abcdefghij" * 10 + "xyz"), split="streams", fractions=[0.8, 0.1, 0.1], seq_length=5)
    assert [len(corpus.train), len(corpus.valid), len(corpus.test)] == [80, 10, 10]
    assert spelled(corpus, "train") == ("abcdefghij" * 4) * 2
    assert spelled(corpus, "valid") == "abcde" * 2
    assert (corpus.size, corpus.left_out) == (103, 3)
    with pytest.raises(TextError, match=r"blocks of 20 x 6 = 120 characters; 103 give none to train on"):
        load(write("abcdefghij" * 10 + "xyz"), split="streams", batch_size=20, seq_length=6)


def test_text_is_folded_and_decoded_as_the_config_says(write):
    path = write("CAFE\u0301 É\r\n".encode("utf-16"))
    corpus = load(path, encoding="utf-16", lowercase=True, normalize="nfc", fractions=[1, 0, 0])
    assert spelled(corpus, "train") == "café é\r\n"


def test_the_fingerprint_is_of_the_bytes_of_each_text(write):
    path, other, valid = write(b"abc\r\n"), write("é", "b.txt"), write("cba", "valid.txt")
    both, own = (hashlib.sha256(data).hexdigest() for data in (b"abc\r\n\xc3\xa9", b"cba"))
    assert load([path, other], valid_path=valid).fingerprint == {"path": both, "valid_path": own}
    assert load([path, other], lowercase=True).fingerprint == {"path": both}


def test_vocabulary_and_ids_do_not_depend_on_the_hash_seed(write):
    code = (
        "import sys; from charrnn.config.building import *; from charrnn.data.loading import load_corpus\n"
        "corpus = load_corpus(config_from_dict({'data': {'path': sys.argv[1], 'min_count': 2}}))\n"
        "print(ascii(corpus.vocab.symbols), corpus.train.ids.tolist(), corpus.fingerprint)"
    )
    path = write("the quick brown fox jumps over the lazy dog " * 3 + "Ünïçödé 😀 " * 2)
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code, path],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


# -- documents ----------------------------------------------------------------------------------------------------

NAMES = [f"{first}{last}" for first in "abcdefgh" for last in ("ka", "ri", "lo", "sun", "mi")]  # 40, all different


def documents_of(corpus, name):
    text = spelled(corpus, name)
    assert text.endswith(corpus.vocab.end) or not text
    return text.split(corpus.vocab.end)[:-1]


@pytest.mark.parametrize(
    ("documents", "between"),
    [("line", "\n"), ("line", "\r\n"), ("paragraph", "\n \n"), ({"separator": "%%"}, "%%"), ("file", None)],
)
def test_documents_are_split_whole_at_random_and_none_is_lost(write, documents, between):
    path = [write(own, own) for own in NAMES] if between is None else write(between.join(NAMES))
    corpus = load(path, documents=documents, fractions=[0.8, 0.1, 0.1])
    splits = [documents_of(corpus, name) for name in ("train", "valid", "test")]
    assert sorted(own for split in splits for own in split) == sorted(NAMES)
    assert [len(split) for split in splits] == [32, 4, 4]
    assert all(split == sorted(split, key=NAMES.index) for split in splits)
    assert splits[2] != NAMES[-4:]
    assert corpus.size == len("".join(NAMES)) + 39 * len(between or "")
    assert corpus.documents.splits == {"train": 32, "valid": 4, "test": 4}
    assert (corpus.documents.count, corpus.documents.shortest, corpus.documents.longest) == (40, 3, 4)


def test_the_contiguous_split_keeps_documents_in_order(write):
    corpus = load(write("\n".join(NAMES)), documents="line", split="contiguous", fractions=[0.8, 0.1, 0.1])
    assert [documents_of(corpus, name) for name in ("train", "valid", "test")] == [
        NAMES[:32],
        [*NAMES[32:35], "ka"],  # h does not occur in training
        ["ri", "lo", "sun", "mi"],
    ]


@given(
    documents=st.lists(st.text("ab \r\té", max_size=12), max_size=30),
    split=st.sampled_from(["random", "contiguous"]),
    fractions=st.sampled_from([[0.6, 0.2, 0.2], [0.8, 0.2, 0], [1, 0, 0]]),
)
def test_every_document_is_in_one_split_and_equal_ones_are_together(write, documents, split, fractions):
    text = "".join(own + "\n" for own in documents)
    used = [own.removesuffix("\r") for own in documents if own.removesuffix("\r")]
    assume(len(set(used)) >= 3)
    assume(len(used) >= 5)
    corpus = load(write(text), documents="line", split=split, fractions=fractions)
    splits = [documents_of(corpus, name) for name in ("train", "valid", "test")]
    lost = sum(getattr(corpus, name).unknown for name in ("valid", "test"))
    assert sum(map(len, splits)) == len(used)
    assert sum(len(own) for split in splits for own in split) + lost == sum(map(len, used))
    if not lost:
        assert sorted(own for split in splits for own in split) == sorted(used)
    facts = corpus.documents
    assert (facts.count, facts.empty) == (len(used), len(documents) - len(used))
    assert facts.duplicates == len(used) - len(set(used))
    if split == "random":
        assert facts.seen == {"valid": 0, "test": 0}


def test_the_split_has_a_seed_of_its_own(write):
    path = write("\n".join(NAMES))

    def held_out(seed, split_seed):
        how = {"path": path, "documents": "line", "split_seed": split_seed, "fractions": [0.8, 0.1, 0.1]}
        config = config_from_dict({"data": how, "seed": seed, "train": {"batch_size": 2, "seq_length": 4}})
        return documents_of(load_corpus(config), "test")

    assert held_out(1, 1) == held_out(2, 1) != held_out(1, 2)


def test_texts_of_their_own_hold_documents_too_and_those_seen_in_training_are_counted(write):
    path, valid, test = write("aab\nabb\nab\n"), write("ab\nba\n", "v.txt"), write("\nzz\nabb", "t.txt")
    corpus = load(path, valid_path=valid, test_path=test, documents="line")
    assert [documents_of(corpus, name) for name in ("train", "valid", "test")] == [
        ["aab", "abb", "ab"],
        ["ab", "ba"],
        ["", "abb"],  # its characters are unknown, its end is not
    ]
    assert (corpus.test.unknown, corpus.documents.empty) == (2, 1)
    assert corpus.documents.seen == {"valid": 1, "test": 1}
    assert corpus.documents.splits == {"train": 3, "valid": 2, "test": 2}


def test_rare_characters_are_replaced_but_never_the_end_of_a_document(write):
    corpus = load(write("aaab\n\naac"), documents="paragraph", fractions=[1, 0, 0], min_count=3)
    assert corpus.vocab == Vocab("a" + END, has_unknown=True, end=END)
    assert spelled(corpus, "train") == f"aaa�{END}aa�{END}"


def test_documents_of_bytes_have_all_bytes_and_an_end(write):
    data = bytes(range(1, 256))
    corpus = load(
        [write(data, "1.bin"), write(data[::-1], "2.bin")], tokens="byte", documents="file", fractions=[1, 0, 0]
    )
    assert corpus.vocab == Vocab.of_bytes(END)
    assert corpus.train.ids.tolist() == [*range(1, 256), 256, *range(255, 0, -1), 256]
    assert corpus.size == 510
    lines = load(write(data * 2), tokens="byte", documents="line", fractions=[1, 0, 0])
    assert lines.vocab == Vocab.of_bytes("\n")
    assert len(documents_of(lines, "train")) == 3


def test_text_is_folded_before_documents_are_told_apart(write):
    path = write("CAFE\u0301ENDtheENDend")
    corpus = load(path, documents={"separator": "END"}, lowercase=True, normalize="nfc", fractions=[1, 0, 0])
    assert documents_of(corpus, "train") == ["café", "the"]
    assert corpus.documents.empty == 1


REFUSED = {
    "no separator": ({"documents": {"separator": "%%"}}, "abc\nabd", "the separator '%%' of data.documents does not"),
    "nothing but empty lines": ({"documents": "line"}, "\n\r\n\n", "data.path: every document is empty"),
    "nothing but empty paragraphs": ({"documents": "paragraph"}, "\n \n\n", "data.path: every document is empty"),
    "one document": ({"documents": "line"}, "abcabc\n", "data.path: 1 document cannot be divided into splits that all"),
    "one file": ({"documents": "file"}, "abcabc\n", "data.path: 1 document cannot be divided into splits that all"),
    "too few": ({"documents": "line"}, "abc\nabd\n", "data.path: 2 documents cannot be divided into splits that all"),
    "too few in order": ({"documents": "line", "split": "contiguous"}, "abc\nabd\n", "2 documents cannot be divided"),
    "all alike": (
        {"documents": "line"},
        "abc\n" * 9,
        "1 different document among 9 cannot be divided into splits that",
    ),
    "two of a kind": (
        {"documents": "line"},
        "ab\n" * 5 + "cd\n" * 4,
        "2 different documents among 9 cannot be divided",
    ),
    "the end itself": ({"documents": "paragraph"}, f"abc{END}\n\nabd", "the text holds the character U+FFFF, which"),
    "the end itself in a file": ({"documents": "file"}, f"abc{END}", "holds the character U+FFFF, which marks ends of"),
}


@pytest.mark.row(10)
@pytest.mark.parametrize(("data", "text", "words"), REFUSED.values(), ids=REFUSED)
def test_documents_that_cannot_be_used_are_refused_in_one_line(write, data, text, words):
    with pytest.raises(TextError, match=re.escape(words)) as caught:
        load(write(text), **data)
    assert caught.value.exit_code == 2
    assert len(str(caught.value).splitlines()) == 1


def test_documents_all_alike_can_be_trained_on_if_none_is_held_out(write):
    corpus = load(write("abc\n" * 9), documents="line", fractions=[1, 0, 0])
    assert (corpus.documents.duplicates, documents_of(corpus, "train")) == (8, ["abc"] * 9)


def test_sizes_of_documents_are_named_with_their_number(write):
    settings = settings_for(write("abc\nde\n"), seq_length=9, documents="line", fractions=[1, 0, 0])
    with pytest.raises(
        TextError, match=r"has 2 documents, with the ends 7 characters, which is shorter than one window"
    ):
        check_sizes(settings, load_corpus(settings))


# -- checks before the first step ---------------------------------------------------------------------------------


@pytest.mark.row(10)
@pytest.mark.parametrize("name", ["path", "valid_path", "test_path"])
@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf"])
def test_a_text_with_nothing_in_it_is_refused_by_the_key_that_names_it(write, name, data):
    empty = write(data, "empty.txt")
    paths = {"path": write("abcabc"), name: empty}
    with pytest.raises(TextError, match=re.escape(f"data.{name}: {empty}: there is no text in it")):
        load(**paths)


@pytest.mark.row(10)
@pytest.mark.parametrize(
    ("text", "keys", "message"),
    [
        ("a", {}, "the training split has 0 of 1 characters; at least 2 are needed"),
        ("a", {"fractions": [1, 0, 0]}, "the training split has 1 of 1 characters; at least 2 are needed"),
        ("ab" * 50, {"seq_length": 100}, "has 90 of 100 characters, which is shorter than one window"),
        ("ab" * 50, {"seq_length": 100}, "of train.seq_length 100; set train.seq_length to 89 or less"),
        ("ab" * 50, {"seq_length": 90}, "has 90 of 100 characters, which is shorter than one window"),
        ("a" * 100, {}, "has 90 of 100 characters, all of them 'a': there is nothing to learn"),
        ("\n" * 1000, {}, r"has 900 of 1,000 characters, all of them '\n': there is nothing to learn"),
        ("ab" * 50, {"batch_size": 90}, "has 90 of 100 characters, too few for train.batch_size 90; lower it"),
        ("abcdef" * 20, {"min_count": 1000}, "has 108 of 120 characters, all of them "),
    ],
)
def test_a_text_that_cannot_be_trained_on_is_refused_with_the_numbers(write, text, keys, message):
    config = settings_for(write(text), **keys)
    with pytest.raises(TextError) as caught:
        check_sizes(config, load_corpus(config))
    assert str(caught.value).startswith("data.path: ")
    assert message in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.row(10)
@pytest.mark.parametrize("keys", [{"seq_length": 89}, {"batch_size": 89}, {"seq_length": 1, "batch_size": 1}])
def test_the_smallest_texts_that_can_be_trained_on_are_taken(write, keys):
    config = settings_for(write("ab" * 50), **keys)
    check_sizes(config, load_corpus(config))


@pytest.mark.parametrize(
    ("text", "keys", "parameters", "remark"),
    [
        ("ab" * 500, {}, 1, "the validation split has only 50 characters, so its loss is a rough guide"),
        ("ab" * 50, {"batch_size": 30}, 1, "each of 30 streams gets 3 characters, less than one window of 4"),
        (
            "ab" * 50,
            {"fractions": [0.9, 0, 0.1]},
            1,
            "there is no validation split: no early stopping, and no best.npz",
        ),
        (
            "ab" * 45 + "xyaza" + "ababa",
            {},
            1,
            "characters of the valid split that do not occur in the training text: 3",
        ),
        ("ab" * 45 + "ababaxyxyx", {}, 1, "characters of the test split that do not occur in the training text: 5"),
        ("ab" * 500 + "c", {"split": "streams"}, 1, "the last 1 characters do not fill a block of the streams split"),
        ("ab" * 50, {}, 4501, "4,501 parameters for 90 training characters: it will learn the text by heart"),
    ],
)
def test_what_is_worth_knowing_is_remarked_with_the_numbers(write, text, keys, parameters, remark):
    config = settings_for(write(text), **keys)
    assert any(found.startswith(remark) for found in remarks(config, load_corpus(config), parameters))


def test_where_nothing_is_worth_knowing_nothing_is_remarked(write):
    config = settings_for(write("ab" * 25_000))
    assert remarks(config, load_corpus(config), 9000) == []


def test_rare_characters_are_not_said_to_be_missing_from_the_training_text(write):
    config = settings_for(write("ab" * 44 + "xa" + "ababx" + "ababa"), min_count=2)
    corpus = load_corpus(config)
    assert corpus.valid.unknown == 1
    assert not any("do not occur" in remark for remark in remarks(config, corpus, 1))
