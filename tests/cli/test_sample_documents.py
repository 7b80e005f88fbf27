"""`charrnn sample` with models of documents: stdout as a file would hold them, notes on stderr, and misuse."""

import shutil
from pathlib import Path
from typing import Any

import pytest

import charrnn
from charrnn.generation.documents import Screen, draw_documents
from charrnn.generation.likeliest import likeliest_documents
from charrnn.generation.sampling import Options
from charrnn.models.loading import load_checkpoint
from charrnn.storage import checkpoint
from tests.support.processes import SMALL, Result, Trained, call, project, run, run_in_terminal

NAMES = [f"{a}{b}{c}" for a in ("Ann", "Ber", "Car", "Dor") for b in ("a", "e", "i") for c in ("", "na", "th", "s")]
POEM = "roses\nare red"


def trained(folder: Path, text: str, documents: str, **sections: str) -> Path:
    """A folder with a network of documents in runs/my and an n-gram of them in runs/counted."""
    config = SMALL.replace("path: text.txt", f"path: text.txt, documents: {documents}").replace("10,", "60,", 1)
    project(folder, text, config)
    assert call("train", "my.yaml", "--quiet", "--set", "train.learning_rate=0.03", cwd=folder).code == 0
    counted = ["--set", "model.cell=ngram", "--set", "model.order=3", "--out", "runs/counted"]
    assert call("train", "my.yaml", "--quiet", *counted, cwd=folder).code == 0
    return folder


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("lines"), "\n".join([*NAMES, ""]), "line")


@pytest.fixture(scope="module")
def paragraphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("paragraphs"), "\n\n".join([POEM, "violets\nblue", *NAMES]), "paragraph")


@pytest.fixture(scope="module")
def separated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("separated"), " | ".join(NAMES), '{separator: " | "}')


def drawn(folder: Path, num: int, **options: Any) -> list[str]:
    """What the library draws from the network in a folder."""
    model = charrnn.load(folder / "runs" / "my")
    screen = options.pop("screen", None)
    prime, seed = options.pop("prime", ""), options.pop("seed", 1)
    return list(
        draw_documents(model, Options(**{"length": 10_000, "temp": 0.8} | options), num, prime, seed, screen=screen)
    )


def test_lines_are_written_one_a_line(lines: Path) -> None:
    result = run("sample", "runs/my", "--num", "300", "--seed", "4", cwd=lines)
    texts = drawn(lines, 300, seed=4)
    assert result == Result(0, "".join(f"{text}\n" for text in texts).encode(), "")
    assert "" not in result.text.removesuffix("\n").split("\n")


def test_paragraphs_have_an_empty_line_between(paragraphs: Path) -> None:
    result = call("sample", "runs/my", "--num", "3", cwd=paragraphs)
    assert result == Result(0, ("\n\n".join(drawn(paragraphs, 3)) + "\n").encode(), "")


def test_separated_documents_have_their_separator_between(separated: Path) -> None:
    result = call("sample", "runs/my", "--num", "3", cwd=separated)
    assert result == Result(0, " | ".join(drawn(separated, 3)).encode(), "")
    shown = run_in_terminal("sample", "runs/my", "--num", "3", cwd=separated)
    assert shown == Result(0, result.out + b"\n")


def test_one_document_is_the_first_of_several(lines: Path) -> None:
    assert call("sample", "runs/my", cwd=lines) == Result(0, (drawn(lines, 1)[0] + "\n").encode(), "")


PRIMED = {
    "typed": ["--prime", "Be"],
    "in a file with a line end": ["--prime-file", "prime.txt"],
    "on stdin": ["--prime-file", "-"],
}


@pytest.mark.parametrize("num", [1, 4])
@pytest.mark.parametrize("typed", PRIMED.values(), ids=PRIMED)
def test_a_prime_begins_each_document_and_can_be_hidden(typed: list[str], num: int, lines: Path) -> None:
    (lines / "prime.txt").write_bytes(b"Be\r\n")
    command = ["sample", "runs/my", "--num", str(num), *typed]
    texts = drawn(lines, num, prime="Be")
    shown, hidden = (call(*command, *more, cwd=lines, stdin=b"Be\n") for more in ([], ["--hide-prime"]))
    assert shown == Result(0, "".join(f"Be{text}\n" for text in texts).encode(), "")
    assert hidden == Result(0, "".join(f"{text}\n" for text in texts).encode(), "")


def test_a_document_that_is_its_prime_is_printed(lines: Path) -> None:
    whole = ["--prime", "Annath", "--temp", "0.01"]
    assert call("sample", "runs/counted", *whole, cwd=lines) == Result(0, b"Annath\n", "")
    assert call("sample", "runs/counted", *whole, "--num", "2", cwd=lines) == Result(0, b"Annath\n" * 2, "")


def test_until_ends_a_document_early(lines: Path) -> None:
    result = call("sample", "runs/my", "--num", "20", "--until", "n", cwd=lines)
    texts = [text[: text.find("n") + 1] if "n" in text else text for text in drawn(lines, 20)]
    assert result == Result(0, "".join(f"{text}\n" for text in texts).encode(), "")


@pytest.mark.parametrize(("num", "were"), [(1, "1 document was"), (3, "3 documents were")])
def test_documents_that_length_cuts_are_counted_on_stderr(num: int, were: str, lines: Path) -> None:
    result = call("sample", "runs/my", "--num", num, "--length", "1", cwd=lines)
    assert result.lines == [f"charrnn: {were} cut after 1 character; --length sets the bound, 0 for none"]
    assert (result.code, [len(line) for line in result.text.splitlines()]) == (0, [1] * num)


def test_unique_and_novel_leave_out_what_they_say(lines: Path) -> None:
    saved = load_checkpoint(lines / "runs" / "my")
    known = saved.known_documents()
    unique = call("sample", "runs/my", "--num", "40", "--unique", cwd=lines)
    assert unique.text.splitlines() == drawn(lines, 40, screen=Screen(True))
    assert len({*unique.text.splitlines()}) == 40
    novel = call("sample", "runs/my", "--num", "40", "--novel", "--unique", cwd=lines)
    assert novel.text.splitlines() == drawn(lines, 40, screen=Screen(True, known))


def test_novel_names_of_an_ngram_are_not_in_its_text(lines: Path) -> None:
    saved = load_checkpoint(lines / "runs" / "counted")
    train = {*saved.model.vocab.decode(saved.arrays["text"]).split("\n")}
    plain = call("sample", "runs/counted", "--num", "50", cwd=lines)
    novel = call("sample", "runs/counted", "--num", "50", "--novel", cwd=lines)
    assert {*plain.text.splitlines()} & train
    assert not {*novel.text.splitlines()} & train
    assert (novel.code, novel.err, len(novel.text.splitlines())) == (0, "", 50)


@pytest.mark.parametrize(
    ("typed", "found", "why"),
    [("--unique", 1, "among these"), ("--novel --unique --prime Annath", 0, "among these or in the training text"),
     ("--novel --prime Annath", 0, "in the training text")],
)  # fmt: skip
def test_when_nothing_new_comes_it_ends_and_says_so(typed: str, found: int, why: str, lines: Path) -> None:
    result = call("sample", "runs/counted", "--num", "3", "--temp", "0", *typed.split(), cwd=lines)
    assert result.lines == [
        f"charrnn: {found} of 3 documents found: each of the last 1,000 drawn is {why}; a higher --temp or another "
        f"--prime may give more"
    ]
    assert (result.code, len(result.text.splitlines())) == (0, found)


def test_top_prints_the_likeliest_best_first(lines: Path) -> None:
    for name in ("runs/my", "runs/counted"):
        best = likeliest_documents(charrnn.load(lines / name), 5)
        assert best.proven
        result = call("sample", name, "--top", "5", cwd=lines)
        assert result == Result(0, "".join(f"{text}\n" for text, _ in best.documents).encode(), "")


def test_top_with_a_prime_prints_those_that_begin_with_it(lines: Path) -> None:
    result = call("sample", "runs/my", "--top", "3", "--prime", "Ca", cwd=lines)
    best = likeliest_documents(charrnn.load(lines / "runs" / "my"), 3, "Ca").documents
    assert result == Result(0, "".join(f"{text}\n" for text, _ in best).encode(), "")
    assert all(text.startswith("Ca") for text, _ in best)
    hidden = call("sample", "runs/my", "--top", "3", "--prime", "Ca", "--hide-prime", cwd=lines)
    assert hidden == Result(0, "".join(f"{text[2:]}\n" for text, _ in best).encode(), "")


def test_top_says_when_a_bound_leaves_the_result_unproven(lines: Path) -> None:
    result = call("sample", "runs/my", "--top", "100", "--length", "1", cwd=lines)
    found = len(result.text.splitlines())
    short, unproven = result.lines
    assert short == f"charrnn: {found} of 100 documents of at most 1 character found"
    assert unproven.startswith("charrnn: not proven to be the likeliest: ")
    assert result.code == 0


def test_a_byte_model_writes_documents_of_bytes(tmp_path: Path) -> None:
    config = SMALL.replace("path: text.txt", "path: text.txt, documents: paragraph, tokens: byte")
    folder = project(tmp_path, "\n\n".join("é" * (k % 7) + "\nà" + "à" * (k % 5) for k in range(300)), config)
    assert call("train", "my.yaml", "--quiet", cwd=folder).code == 0
    for more in (["--num", "3"], ["--top", "2"], ["--num", "2", "--novel"]):
        result = call("sample", "runs/my", "--length", "2", *more, cwd=folder)
        assert (result.code, b"\xef\xbf\xbf" in result.out, result.out[-1:]) == (0, False, b"\n")


# -- misuse -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["--unique", "--novel", "--top=3"])
def test_models_of_streams_have_no_documents(option: str, tiny: Trained) -> None:
    result = call("sample", tiny.folder, option)
    name = option.partition("=")[0]
    assert (result.code, result.out) == (2, b"")
    assert result.lines == [
        f"charrnn: {name} asks for documents, and {tiny.folder}/best.npz was trained on one stream of text; train with "
        f"data.documents, or leave {name} out (see charrnn sample --help)"
    ]


@pytest.mark.parametrize(
    "option",
    ["--temp=0.8", "--top-k=3", "--top-p=0.5", "--min-p=0.1", "--repetition-penalty=2", "--num=2", "--until=n",
     "--seed=1", "--unique", "--novel"],
)  # fmt: skip
def test_top_goes_with_nothing_that_is_about_drawing(option: str, lines: Path) -> None:
    result = call("sample", "runs/my", "--top", "3", option, cwd=lines)
    said = f"--top finds the likeliest documents and draws none; leave {option.partition('=')[0]} out"
    assert result == Result(2, b"", f"charrnn: {said} (see charrnn sample --help)\n")


def test_a_checkpoint_without_its_documents_cannot_tell_new_ones(lines: Path, tmp_path: Path) -> None:
    header, arrays = checkpoint.load(lines / "runs" / "my" / "best.npz")
    del arrays["documents"]
    checkpoint.save(tmp_path / "old.npz", header, arrays)
    result = call("sample", "old.npz", "--novel", cwd=tmp_path)
    said = "this checkpoint does not say which documents it was trained on, so that new ones cannot be told from them"
    assert result == Result(2, b"", f"charrnn: old.npz: {said}; train it again\n")
    assert call("sample", "old.npz", "--unique", cwd=tmp_path).code == 0


def test_a_prime_with_an_end_is_refused(lines: Path) -> None:
    result = call("sample", "runs/my", "--prime", "A\nn", cwd=lines)
    said = "the prime holds a line end (position 1), which ends a document, and a prime is how one begins; leave it out"
    assert result == Result(2, b"", f"charrnn: {said}\n")


@pytest.mark.parametrize("more", [["--unique"], ["--novel"], ["--num", "2"]], ids=" ".join)
def test_documents_without_any_bound_are_refused_where_whole_ones_are_needed(more: list[str], lines: Path) -> None:
    result = call("sample", "runs/my", "--length", "0", *more, cwd=lines)
    assert (result.code, result.out) == (2, b"")
    assert len(result.lines) == 1
    assert "--length 0" in result.err
    assert call("sample", "runs/my", "--length", "0", "--until", "n", *more, cwd=lines).code == 0


def test_closing_the_pipe_early_is_no_error(lines: Path, tmp_path: Path) -> None:
    shutil.copytree(lines / "runs" / "my", tmp_path / "my")
    result = run("sample", tmp_path / "my", "--num", "5000", shell='"$@" | head -n 2')
    assert (result.code, len(result.text.splitlines()), result.err) == (0, 2, "")
