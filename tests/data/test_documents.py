"""Documents: what is told apart is the text again when it is joined, and every document keeps its characters."""

import re

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from charrnn.config.data_keys import DataConfig, DocumentsConfig
from charrnn.data.decoding import transformed
from charrnn.data.documents import digest, digests_of_ids, ends_of, facts_of, tell_apart
from charrnn.data.reading import read_raw
from charrnn.data.splits import make_split
from charrnn.data.vocab import END, Vocab, build_vocab
from charrnn.storage import spool
from tests.support.strategies import neighbourly, texts
from tests.support.texts import cut, fault

LINE, PARAGRAPH, FILE = (DocumentsConfig(kind) for kind in ("line", "paragraph", "file"))
any_text = st.text("ab \t\r\n%é\u2028", max_size=60) | texts
any_files = st.lists(any_text.map(lambda text: text.replace(END, "").removeprefix("\ufeff")), min_size=1, max_size=5)


def tell(text, documents, **how):
    """The Documents of a text, or of several files."""
    files = text if isinstance(text, list) else [text]
    data = DataConfig("-", documents=documents, **how)
    pieces = [piece for k, own in enumerate(files) for piece in cut(own.encode(), 7, f"{k}.txt")]
    how["end_files"] = documents.kind == "file"
    return tell_apart(read_raw(pieces, **how), data, "my.txt")


def listed(documents, chosen=None):
    """The documents, as they are joined and taken apart again at their ends."""
    chosen = np.arange(len(documents)) if chosen is None else np.array(chosen)
    codes = np.concatenate([*documents.joined(chosen)])
    text = "".join(documents.symbols[code] for code in codes.tolist())
    assert text.endswith(documents.end)
    return text.removesuffix(documents.end).split(documents.end)


def lines_of(text):
    """The lines of a text without their ends, in plain Python."""
    *finished, last = text.split("\n")
    return [line.removesuffix("\r") for line in finished] + [last] * bool(last)


def paragraphs_of(text):
    """The paragraphs of a text: what stands between lines of nothing but blanks."""
    found, open_one = [], False
    for line in re.findall("[^\n]*\n|[^\n]+", text):
        if not line.strip(" \t\r\n"):
            open_one = False
            continue
        found += [] if open_one else [""]
        found[-1] += line
        open_one = True
    return [re.sub("\r?\n$", "", own) if own.endswith("\n") else own for own in found]


def between(text, separator):
    *finished, last = text.split(separator)
    return finished + [last] * bool(last)


def assert_told_apart(text, documents, wanted):
    if not any(wanted):
        assert "every document is empty" in fault(tell, text, documents)
        return
    found = tell(text, documents)
    assert listed(found) == [own for own in wanted if own]
    assert found.empty == wanted.count("")
    assert found.lengths.tolist() == [len(own) for own in wanted if own]


@given(text=any_text)
@example("one\r\ntwo\r\n\r\n\r\r\nthree\r")
@example("\n\n\n")
@example("no line end")
def test_each_line_is_a_document_without_its_end(text):
    assume("\ufeff" not in text[:1])
    assert_told_apart(text, LINE, lines_of(text))


@given(text=any_text)
@example("one\r\ntwo\r\n \t\r\n\r\nthree\n  four \r\n")
@example("\n\n  indented\n\n\n")
def test_paragraphs_stand_between_empty_lines(text):
    assume("\ufeff" not in text[:1] and END not in text)
    assert_told_apart(text, PARAGRAPH, paragraphs_of(text))


@given(
    parts=st.lists(any_text, min_size=2, max_size=8),
    separator=st.text("%\n", min_size=1, max_size=4) | texts.filter(bool),
)
@example(parts=["a", "%", "", "b%"], separator="%%")
@example(parts=["a", "b", "c"], separator="ab")
def test_documents_stand_between_separators(parts, separator):
    text = separator.join(parts)
    assume("\ufeff" not in text[:1] and END not in text)
    assert_told_apart(text, DocumentsConfig(separator=separator), between(text, separator))


@given(files=any_files)
@example(["", "one\n", "", "two"])
def test_each_file_is_a_document(files):
    assert_told_apart(files, FILE, files)


@given(files=st.lists(neighbourly, min_size=1, max_size=4), lowercase=st.booleans())
@example(files=["ΑΣ", "\u0301Σ", "Σα"], lowercase=True)
def test_each_file_is_folded_by_itself(files, lowercase):
    files = [own.removeprefix("\ufeff") for own in files]
    wanted = ["".join(transformed([own], "nfc", lowercase)) for own in files]
    assume(any(wanted))
    assert listed(tell(files, FILE, normalize="nfc", lowercase=lowercase)) == [own for own in wanted if own]


@given(files=any_files, kind=st.sampled_from([LINE, PARAGRAPH, FILE, DocumentsConfig(separator="a")]))
def test_documents_of_bytes_are_the_bytes_of_documents(files, kind):
    """Each byte is read as the character of its number, which the blanks and line ends are as well."""
    text = "".join(files).encode().decode("latin-1")
    wanted = {
        "line": lines_of(text),
        "paragraph": paragraphs_of(text),
        "file": [own.encode().decode("latin-1") for own in files],
        "none": between(text, "a"),
    }[kind.kind]
    assume(any(wanted) and (kind.separator is None or "a" in text))
    found = tell(files, kind, tokens="byte")
    assert listed(found) == [own for own in wanted if own]
    assert len(found.symbols) == 256 + (kind is not LINE)


@pytest.mark.parametrize("chunk", [1, 2, 5, 1000])
@given(data=st.data(), parts=st.lists(st.text("abc", max_size=9), min_size=1, max_size=20))
def test_any_documents_in_any_order_are_joined_whatever_the_size_of_the_pieces(chunk, data, parts):
    assume(any(parts))
    documents = tell("\n".join(parts), LINE)
    used = [own for own in parts if own]
    chosen = data.draw(st.lists(st.sampled_from(range(len(used))), min_size=1, max_size=30))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool, "CHUNK", chunk)
        assert listed(documents, chosen) == [used[k] for k in chosen]
        longest = max(map(len, used)) + 1
        assert all(len(piece) <= max(chunk, longest) for piece in documents.joined(np.array(chosen)))
        assert listed(tell("\n".join(parts), LINE)) == used


@given(parts=st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=20))
def test_documents_have_equal_digests_if_they_are_equal_however_they_were_told_apart(parts):
    documents = tell("\n\n".join(parts), PARAGRAPH)
    found = documents.digests()
    assert [found.tolist().index(number) for number in found.tolist()] == [parts.index(own) for own in parts]
    assert tell("\n".join(parts), LINE).digests().tolist() == found.tolist() == [digest(own) for own in parts]
    vocab = build_vocab(documents.joined(np.arange(len(parts))), documents.symbols, "char", 1, documents.end)
    split = make_split("train", documents.joined(np.arange(len(parts))), documents.symbols, vocab)
    assert digests_of_ids(split.ids, vocab.symbols, vocab.end_id).tolist() == found.tolist()
    assert ends_of(split.ids, vocab.end_id).tolist() == np.cumsum([len(own) + 1 for own in parts]).tolist()


def test_a_digest_does_not_depend_on_the_pieces_it_is_computed_in(monkeypatch):
    wanted = tell("abcdefgh\nxyz", LINE).digests().tolist()
    monkeypatch.setattr(spool, "CHUNK", 3)
    assert tell("abcdefgh\nxyz", LINE).digests().tolist() == wanted


def test_the_facts_about_documents():
    train, test = tell("a\nbbb\n\na\ncc", LINE), tell("cc\ndddd\nbbb\n\n\n", LINE)
    own = train.digests()
    facts = facts_of([train, test], {"train": own[:3], "valid": own[3:], "test": test.digests()})
    assert (facts.count, facts.shortest, facts.median, facts.longest) == (7, 1, 2, 4)
    assert (facts.duplicates, facts.empty) == (3, 3)
    assert facts.splits == {"train": 3, "valid": 1, "test": 3}
    assert facts.seen == {"valid": 0, "test": 1}


# -- the symbol that ends a document ------------------------------------------------------------------------------


@pytest.mark.parametrize(("documents", "end"), [(LINE, "\n"), (PARAGRAPH, END), (DocumentsConfig(separator="b"), END)])
@pytest.mark.parametrize("text", ["abc", "abc\nabd\n\nab"])
def test_lines_end_with_a_line_end_and_all_else_with_a_character_of_its_own(documents, end, text):
    found = tell(text, documents)
    assert found.end == end
    assert found.symbols.count(end) == 1


def test_the_end_is_always_in_the_vocabulary_and_has_no_bytes_if_no_file_holds_it():
    documents = tell("aaa\nbbb\n\nab", PARAGRAPH)
    vocab = build_vocab(documents.joined(np.arange(2)), documents.symbols, "char", 4, documents.end)
    assert vocab == Vocab("ab" + END, has_unknown=True, end=END)
    assert (vocab.end_id, vocab.byte_lengths().tolist()) == (2, [1, 1, 0, 1])
    assert vocab.to_bytes(f"ab{END}a{END}") == b"aba"
    lines = build_vocab(tell("ab", LINE).joined(np.arange(1)), "ab\n", "char", 1, "\n")
    assert (lines.symbols, lines.end_id, lines.byte_lengths().tolist()) == ("\nab", 0, [1, 1, 1])
    assert (Vocab("ab").end_id, Vocab(f"a{END}").byte_lengths().tolist()) == (None, [1, 3])


def test_bytes_have_one_more_symbol_for_the_end_of_anything_but_lines():
    assert Vocab.of_bytes("\n").size == 256
    assert Vocab.of_bytes("\n").end_id == 10
    vocab = Vocab.of_bytes(END)
    assert (vocab.size, vocab.end_id, vocab.byte_lengths().sum()) == (257, 256, 256)
    assert vocab.to_bytes(vocab.decode(range(257))) == bytes(range(256))


# -- what is refused ----------------------------------------------------------------------------------------------


def test_a_separator_that_does_not_occur_is_named():
    for text in ("a%b", "ab"):
        message = fault(tell, text, DocumentsConfig(separator="%%"))
        assert message == (
            "my.txt: the separator '%%' of data.documents does not occur in the text; to read it as one stream, leave "
            "data.documents out"
        )


def test_a_separator_over_lines_that_end_otherwise_is_named_with_the_right_one():
    message = fault(tell, "a\r\n%\r\nb", DocumentsConfig(separator="\n%\n"))
    assert message.endswith(r"its lines end with \r\n, so it should be '\r\n%\r\n'")
    assert listed(tell("a\r\n%\r\nb", DocumentsConfig(separator="\r\n%\r\n"))) == ["a", "b"]


@pytest.mark.parametrize("how", [{"lowercase": True}, {"normalize": "nfc"}])
def test_a_separator_is_read_as_the_text_is(how):
    separator = "END cafe\u0301\n"
    assert listed(tell(f"one{separator}two{separator}", DocumentsConfig(separator=separator), **how)) == ["one", "two"]


def test_a_separator_among_bytes_is_that_of_utf_8():
    assert listed(tell("one§two§", DocumentsConfig(separator="§"), tokens="byte")) == ["one", "two"]
    assert "does not occur" in fault(tell, "one\u00a7"[:3] + "é", DocumentsConfig(separator="§"), tokens="byte")


@pytest.mark.parametrize("documents", [PARAGRAPH, DocumentsConfig(separator="b")])
def test_a_text_that_holds_the_end_itself_is_refused(documents):
    assert "the text holds the character U+FFFF" in fault(tell, f"abc{END}", documents)
    assert listed(tell(f"acb{END}", documents, tokens="byte"))


def test_lines_may_hold_the_character_that_ends_other_documents():
    assert listed(tell(f"a{END}\nb", LINE)) == [f"a{END}", "b"]


def test_a_file_that_holds_the_end_itself_is_named():
    assert fault(tell, ["abc", f"a{END}"], FILE).startswith("1.txt: holds the character U+FFFF")
    assert len(tell(["abc", f"a{END}"], FILE, tokens="byte")) == 2


@pytest.mark.parametrize("documents", [LINE, PARAGRAPH, FILE, DocumentsConfig(separator="\n")])
def test_a_text_of_nothing_but_empty_documents_is_refused(documents):
    text = ["", ""] if documents is FILE else "\n\n\r\n\n"
    if documents.separator:
        text = "\n\n\n"
    message = fault(tell, text, documents)
    assert message == "my.txt: every document is empty; data.documents says how they are told apart"
