"""Every codec that Python ships, and some that it does not: good text, or one clear message."""

import binascii
import codecs
import encodings
import pkgutil
import random
import re
import warnings
import zlib
from contextlib import suppress
from encodings.aliases import aliases
from functools import partial

import pytest

from charrnn.config.building import config_from_dict
from charrnn.data import files
from charrnn.data.corpus import read_pieces
from charrnn.data.decoding import decode_bytes
from charrnn.data.loading import load_corpus
from charrnn.data.reading import read_raw
from charrnn.errors import CharrnnError, ConfigError, TextError
from tests.support.processes import call, project
from tests.support.texts import cut, fault, spelled

CODECS = sorted({module.name for module in pkgutil.iter_modules(encodings.__path__)} | {*aliases} | {*aliases.values()})
SAMPLE = "The fox, the hen.\nÉtude, naïve; ж 中 😀 and the end.\n" * 3
CONTENTS = {
    "ASCII": b"The fox said: xn--a.b \\N{DIGIT ONE} \\x41 \\u00e9\n" * 9,
    "UTF-8 with accents": SAMPLE.encode(),
    "random bytes": random.Random(0).randbytes(700),
    "empty": b"",
    "one byte": b"\xff",
}


@pytest.fixture(autouse=True)
def quiet_codecs():
    """Python warns of escapes that unicode_escape does not know; a user's command does not show that."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def is_text(encoding):
    try:
        "".encode(encoding)
    except (LookupError, UnicodeError):
        return False
    return True


def message_of(call):
    """The message of the TextError that a call may raise."""
    try:
        call()
    except TextError as error:
        return str(error)
    return ""


def encodable(encoding):
    """The characters of the sample that an encoding has."""

    def has(symbol):
        try:
            symbol.encode(encoding)
        except UnicodeError:
            return False
        return True

    return "".join(filter(has, SAMPLE))


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_any_text_encoding_gives_text_or_one_clear_message(content, tmp_path):
    path = tmp_path / "my.txt"
    path.write_bytes(content)
    for encoding in sorted({codecs.lookup(name).name for name in CODECS if is_text(name)}):  # each by one of its names
        config = config_from_dict({"data": {"path": str(path), "encoding": encoding, "fractions": [1, 0, 0]}})
        for size in (5, 1000):
            message = message_of(partial(read_pieces, config.data, cut(content, size)))
            if message:
                assert "\n" not in message, encoding
                assert message.startswith(("my.txt: ", "the text holds half a surrogate pair")), encoding
                assert re.search(r"; (set|convert) .*data\.(encoding|tokens)", message), encoding
        with suppress(TextError):
            assert load_corpus(config).size, encoding


@pytest.mark.parametrize("encoding", [name for name in CODECS if not is_text(name)])
@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_a_codec_that_is_no_text_encoding_is_refused_by_config_and_library(encoding, content):
    message = f"data.encoding: {encoding!r} is not a text encoding; common ones are utf-8, latin-1, cp1252"
    with pytest.raises(ConfigError) as caught:
        config_from_dict({"data": {"path": "my.txt", "encoding": encoding}})
    assert str(caught.value) == f"config: {message}"
    assert fault(decode_bytes, content, encoding, "my.txt") == message


@pytest.mark.parametrize("size", [4, 7, 1000])
def test_any_text_encoding_reads_what_python_wrote_wherever_the_pieces_are_cut(size):
    for encoding in filter(is_text, CODECS):
        text = "fox.hen.cock" if encoding == "idna" else encodable(encoding)
        assert len(text) > 10, encoding
        data = text.encode(encoding)
        assert spelled(read_raw(cut(data, size), encoding=encoding)) == data.decode(encoding), encoding


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_utf_16_without_a_byte_order_mark_is_refused_with_the_encodings_that_need_none(encoding):
    message = fault(decode_bytes, "The fox".encode(f"{encoding}-le"), encoding, "my.txt")
    assert message.startswith(f"my.txt: no byte order mark at offset 0, which {encoding} calls for ")
    assert f"({encoding}-le and {encoding}-be do without); convert it to {encoding}, which the model reads" in message
    assert decode_bytes("The fox".encode(f"{encoding}-le"), f"{encoding}-le", "my.txt") == "The fox"


@pytest.mark.parametrize(("encoding", "content"), [("ascii", "The\nfox é"), ("cp1252", "The\nfox \x81")])
@pytest.mark.parametrize("size", [3, 4, 100])
def test_a_fault_in_other_encodings_is_named_by_offset_and_line(encoding, content, size):
    data = content.encode("latin-1")
    message = fault(read_raw, cut(data, size), encoding=encoding)
    assert message.startswith(f"my.txt: byte 0x{data[-1]:02x} at offset 8 (line 2) is not valid {encoding}; ")


# -- codecs of other packages -------------------------------------------------------------------------------------


class WithoutOffsets(codecs.IncrementalDecoder):
    """A decoder that fails with an error of its own kind; it knows no place."""

    error: Exception

    def decode(self, data, final=False):
        raise self.error


@pytest.fixture
def register():
    """register(incremental, decode): a codec named `strange`."""
    searches = []

    def register(incremental, decode=None):
        info = codecs.CodecInfo(lambda text, _="": (text.encode(), len(text)), decode, name="strange")
        info.incrementaldecoder = incremental
        searches.append(lambda name: info if name == "strange" else None)
        codecs.register(searches[-1])

    yield register
    for search in searches:
        codecs.unregister(search)


ERRORS = [
    UnicodeError("no mark"),
    UnicodeDecodeError("strange", b"other bytes", 3, 4, "odd"),
    UnicodeDecodeError("strange", b"", 0, 1, "nothing"),
    UnicodeEncodeError("strange", "abc", 0, 1, "odd"),
    binascii.Error("padding"),
    zlib.error("header"),
    ValueError("value"),
    LookupError("table"),
    SyntaxError("syntax"),
    OSError(5, "I/O"),
    AssertionError(),
    RecursionError("deep"),
    DeprecationWarning("escape"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_whatever_a_codec_raises_is_one_message_with_the_file(error, register):
    register(type("Failing", (WithoutOffsets,), {"error": error}))
    message = fault(decode_bytes, b"The fox", "strange", "my.txt")
    assert message.startswith(
        f"my.txt: not valid strange ({str(error) or type(error).__name__}); convert it to strange"
    )


def test_a_fault_is_placed_also_when_a_codec_shows_only_the_end_of_what_it_got(register):
    class Failing(WithoutOffsets):
        def decode(self, data, final=False):
            if b"!" in data:
                raise UnicodeDecodeError("strange", data[-3:], 2, 3, "odd")
            return data.decode()

    register(Failing)
    message = fault(read_raw, [*cut(b"a\nb\ncd\nef\ng!h", 6)], encoding="strange")
    assert message.startswith("my.txt: byte 0x21 at offset 11 (line 5) is not valid strange; ")


def test_too_little_memory_for_a_codec_is_not_called_a_fault_of_the_text(register):
    register(type("Failing", (WithoutOffsets,), {"error": MemoryError()}))
    with pytest.raises(MemoryError):
        decode_bytes(b"The fox", "strange", "my.txt")


def test_a_codec_that_cannot_decode_in_pieces_gets_the_file_whole(register):
    register(None, lambda data, errors: (data.decode()[::-1], len(data)))
    assert spelled(read_raw([*cut(b"abcdef", 2), *cut(b"ghi", 2)], encoding="strange")) == "fedcbaihg"


# -- as a process -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "message"),
    [
        ("utf-16", "text.txt: no byte order mark at offset 0"),
        ("punycode", "text.txt: .*not valid punycode"),  # from Python 3.13 on with the offset
        ("base64", "data.encoding: 'base64' is not a text encoding"),
        ("undefined", "data.encoding: 'undefined' is not a text encoding"),
    ],
)
def test_a_command_ends_with_one_line_and_exit_code_2(encoding, message, tmp_path):
    project(tmp_path)
    result = call("train", "my.yaml", "--set", f"data.encoding={encoding}", cwd=tmp_path)
    assert (result.code, result.out, len(result.lines)) == (2, b"", 1)
    assert re.search(message, result.err)


# -- several files ------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """folder(contents): a folder of files 00.txt, 01.txt, ... with these contents."""
    monkeypatch.setattr(files, "PIECE_BYTES", 7)

    def folder(*contents):
        for number, content in enumerate(contents):
            (tmp_path / f"{number:02}.txt").write_bytes(content)
        return config_from_dict({"data": {"path": str(tmp_path)}})

    return folder


GOOD = "The fox, näive.\n".encode()


def bad_lines(config):
    with pytest.raises(CharrnnError) as caught:
        load_corpus(config)
    assert caught.value.exit_code == 2
    return [line.removeprefix(f"{config.data.path}/") for line in caught.value.args]


def test_all_files_that_are_not_in_the_encoding_are_named_at_once(folder):
    lines = bad_lines(folder(GOOD, b"The\nfox \xe9 and \xff", GOOD, b"", b"\x80", GOOD, b"the hen\n\xe2\x82"))
    assert lines[:-1] == [
        "01.txt: byte 0xe9 at offset 8 (line 2) is not valid utf-8",
        "04.txt: byte 0x80 at offset 0 (line 1) is not valid utf-8",
        "06.txt: byte 0xe2 at offset 8 (line 2) is not valid utf-8",
    ]
    assert lines[-1] == (
        "convert them to utf-8, set data.encoding to what all files are in (for instance cp1252), or data.tokens to "
        "byte to model bytes as they are"
    )


@pytest.mark.parametrize(("bad", "more"), [(10, ""), (11, "and 1 more file; "), (14, "and 4 more files; ")])
def test_ten_of_them_are_named_and_the_others_counted(folder, bad, more):
    lines = bad_lines(folder(*[GOOD, b"\xff"] * bad))
    assert [line.split(":")[0] for line in lines[:-1]] == [f"{2 * k + 1:02}.txt" for k in range(10)]
    assert lines[-1].startswith(f"{more}convert them to utf-8")


def test_one_file_among_many_is_one_line(folder):
    (line,) = bad_lines(folder(GOOD, GOOD, b"the \xff"))
    assert line.startswith("02.txt: byte 0xff at offset 4 (line 1) is not valid utf-8; set data.encoding to what ")


def test_a_file_that_cannot_be_read_does_not_hide_the_faults_before_it(folder, tmp_path):
    config = folder(GOOD, b"\xff", GOOD)
    (tmp_path / "03.gz").write_bytes(b"not packed")
    assert [line.split(": ")[0] for line in bad_lines(config)[:-1]] == ["01.txt", "03.gz"]
    (tmp_path / "01.txt").write_bytes(GOOD)
    (line,) = bad_lines(config)
    assert line.startswith("03.gz: ")


def test_a_command_names_the_files_one_on_a_line(tmp_path):
    project(tmp_path)
    (tmp_path / "texts").mkdir()
    names = ["a.txt", "b\n.txt", "c.txt"]
    for name in names:
        (tmp_path / "texts" / name).write_bytes(b"caf\xe9 " * 900)
    result = call("train", "my.yaml", "--set", "data.path=texts", cwd=tmp_path)
    assert result.code == 2
    shown = ["texts/a.txt", "texts/b\\n.txt", "texts/c.txt"]
    assert result.lines[:-1] == [
        f"charrnn: {name}: byte 0xe9 at offset 3 (line 1) is not valid utf-8" for name in shown
    ]
    assert result.lines[-1].startswith("charrnn: convert them to utf-8, ")
