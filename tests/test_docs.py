"""The README and the pages of docs/ are true: their commands and Python blocks run, their links and names exist.

Every command line that a page tells the reader to type runs here, on a small text and a small model, or is one of
NOT_RUN. The lines of a page run in order, in a folder of their own.
"""

import ast
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import charrnn
import charrnn.cli.main  # registers the commands
from charrnn import errors
from charrnn.cli.group import cli
from charrnn.config.keys import all_keys
from charrnn.processes import STOPPING
from tests.support.processes import ROOT, TALES, call
from tests.support.task_runs import names_table

DOCS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md"))
PAGES = {name: (ROOT / name).read_text() for name in ("README.md", *DOCS, "CHANGELOG.md", "data/README.md")}
TYPED = ("README.md", *DOCS)  # the pages whose commands run
MAKEFILE = (ROOT / "Makefile").read_text()
HELP = {name: command.help or "" for name, command in {"charrnn": cli, **cli.commands}.items()}
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)|\bsrc=\"([^\"]+)\"")
FOLDERS = "configs|data|benchmarks|tests|charrnn|docs"

NOT_RUN = {  # how a line begins -> why no test here runs it
    "make ": "targets install packages or take minutes; that they exist is tested",
    "echo 'data: {path: my.txt}' > my.yaml": "the folder of the tests holds such a config already, of a small model",
    "python benchmarks/": "measures for minutes",
    "charrnn train pronounce": "reads files that are to be downloaded",
    "python docs/make_numbers.py": "writes files; a test of the data runs it",
    "charrnn train numbers --set data.path=million.tsv": "reads a file of 50,000 rows that is not here",
    "charrnn eval runs/pronounce": "there is no such run for want of these files",
    "charrnn train spelling": "reads files that are to be downloaded",
    "charrnn eval runs/spelling": "there is no such run for want of these files",
    ".venv/bin/python -m pytest": "these tests",
    "pip install ": "installs a package",
    "charrnn export runs/my my.onnx ": "needs the package onnx; tests/export runs it where that is installed",
    "node benchmarks/": "needs Node, and measures for seconds",
    "echo 'arma ": "is piped through sed and tr, to a run that is not here",
    "git ": "publishes a version",
    "eval ": "is a line for the start-up file of a shell",
    "charrnn bench ": "starts a process for each number of workers and measures; tests/training runs it",
}
MY_TEXT = 'Once upon a time the miller said: "No."\n' * 8 + TALES.read_text()[:2500]
MY_CONFIG = "data: {path: my.txt}\nmodel: {hidden_size: 20, num_layers: 2}\n"
NAMES = "".join(f"{name}{k}\n" for k in range(40) for name in ("Anna", "Bert", "Emil"))
SMALLER = "train.max_steps=2 train.eval_every=2 train.workers=1 train.sample_length=9 model.hidden_size=20"
EXAMPLE_OVERRIDES = [word for each in SMALLER.split() if "sample" not in each for word in ("--set", each)]
OF_EXAMPLES = ("origins.yaml", "numbers")  # configs whose runs read examples
OVERRIDES = [word for each in SMALLER.split() for word in ("--set", each)]  # for every `charrnn train`


def blocks(text: str, *languages: str) -> Iterator[str]:
    """The fenced code blocks of a page in one of these languages, with continued lines joined."""
    for indent, language, block in FENCE.findall(text):
        if language in languages:
            yield re.sub(rf"^{indent}", "", block, flags=re.MULTILINE).replace("\\\n", " ")


def typed_lines(page: str) -> list[str]:
    """The lines of a page that the reader is told to type: those after a prompt, and those of scripts."""
    shown = [line for block in blocks(PAGES[page], "console", "text") for line in block.splitlines()]
    scripts = [line for block in blocks(PAGES[page], "sh", "bash", "shell") for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in shown if line.startswith("$ ")] + scripts


def shell_lines() -> Iterator[tuple[str, str]]:
    """Every line of a shell that a document tells the reader to type, with its place."""
    yield from ((page, line) for page in PAGES for line in typed_lines(page))
    for name, text in HELP.items():  # an example, then spaces, then what it does
        yield from ((f"help of {name}", re.split(r" {2,}", line.strip())[0]) for line in examples(text))
    for line in MAKEFILE.splitlines():
        for command in re.findall(r"\$\(BIN\)/(charrnn .*?)(?:;|\|\||$)", line):
            yield "Makefile", re.sub(r"\$\$\w+|\$\(\w+\)", "1", command)


def examples(text: str) -> list[str]:
    """The examples of a help text."""
    return [line for line in text.splitlines() if line.strip().startswith("charrnn ")]


def words_of(line: str) -> list[str]:
    """The words of a shell line, without its comment."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    return [*lexer]


def simple_commands(line: str) -> Iterator[list[str]]:
    """The charrnn commands of a shell line, without comments, redirections and what they are piped into."""
    words: list[str] = []
    for word in [*words_of(line), ";"]:
        if set(word) <= set("|&;"):
            if words[:1] == ["charrnn"]:
                yield words[1:]
            words = []
        else:
            words.append(word)


def parse(words: list[str]) -> None:
    """Check a command as click would before it runs it. Raises click.UsageError."""
    words = words[: next((k for k, word in enumerate(words) if set(word) <= set("<>")), None)]
    if words and words[0] in cli.commands:
        try:
            cli.commands[words[0]].make_context(words[0], words[1:], **cli.context_settings)
        except click.exceptions.Exit:  # --help
            return
    else:
        valid = {name for parameter in cli.params for name in parameter.opts} | {"-h", "--help"}
        if not words or words[0] not in valid:
            raise click.UsageError(f"no command {words}")


def options_of(name: str) -> set[str]:
    return {option for p in cli.commands[name].params if isinstance(p, click.Option) for option in p.opts}


# -- commands ---------------------------------------------------------------------------------------------------------

LINES = sorted(set(shell_lines()))


def test_there_are_examples_to_check() -> None:
    places = {place for place, _ in LINES}
    assert places >= {"README.md", "docs/guide.md", "Makefile"} | {f"help of {name}" for name in HELP}
    assert {words[0] for _, line in LINES for words in simple_commands(line)} >= set(cli.commands)


@pytest.mark.parametrize(("place", "line"), LINES, ids=[f"{place}: {line}" for place, line in LINES])
def test_a_line_that_a_reader_may_copy_is_understood(place: str, line: str) -> None:
    if line.startswith("make "):
        for word in words_of(line)[1:]:
            target = re.escape(word.partition("=")[0])
            assert re.search(rf"^{target}:|\({target}\)|^{target} [?:]?=", MAKEFILE, re.MULTILINE), f"{place}: {line}"
    for words in simple_commands(line):
        try:
            parse(words)
        except click.UsageError as error:
            pytest.fail(f"{place}: {line}\n{error.format_message()}")


def test_a_wrong_line_would_be_found() -> None:
    for line in ("charrnn trian my.yaml", "charrnn train", "charrnn sample run --tmp 1 | head", "charrnn --versoin"):
        with pytest.raises(click.UsageError):
            parse(next(simple_commands(line)))


def fill(folder: Path) -> None:
    """Put what the pages take for granted into the current folder: texts, configs and a trained run."""
    for name in ("my.txt", "other.txt", "chapter.txt"):
        (folder / name).write_text(MY_TEXT if name == "my.txt" else MY_TEXT[:400])
    (folder / "names.txt").write_text(NAMES)
    (folder / "names.yaml").write_text("data: {path: names.txt, documents: line}\nmodel: {num_layers: 1}\n")
    (folder / "books").mkdir()
    (folder / "books" / "one.txt").write_text(MY_TEXT)
    for name in ("my.yaml", "other.yaml"):
        (folder / name).write_text(MY_CONFIG)
    (folder / "origins.tsv").write_text(names_table())
    (folder / "origins.yaml").write_text("task: classify\ndata: {path: origins.tsv}\nmodel: {num_layers: 1}\n")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with texts, configs and small runs: runs/my, runs/names, runs/origins and runs/numbers."""
    folder = tmp_path_factory.mktemp("trained")
    fill(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in ("my.yaml", "names.yaml"):
            assert call("train", name, "--quiet", *OVERRIDES, "--set", "train.seq_length=16").code == 0
        for name in OF_EXAMPLES:
            assert call("train", name, "--quiet", *EXAMPLE_OVERRIDES).code == 0
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder, as the current one."""
    copy = shutil.copytree(trained, tmp_path / "copy")
    monkeypatch.chdir(copy)
    return copy


def run_line(line: str) -> None:
    """Run a shell line of charrnn commands: pipes and redirection of standard output, training cut short."""
    data, command = b"", list[str]()
    for word in [*words_of(line), "|"]:
        if word != "|":
            command.append(word)
            continue
        target = command[command.index(">") + 1] if ">" in command else None
        name, *words = command[: command.index(">")] if ">" in command else command
        if name == "cat":
            data, command = b"".join(Path(word).read_bytes() for word in words), []
            continue
        if name == "printf":
            data, command = words[0].encode().decode("unicode_escape").encode(), []
            continue
        assert name == "charrnn", f"not a command of charrnn, and not in NOT_RUN: {line}"
        if words[0] == "train":
            if not Path(words[1]).exists() and words[1] not in OF_EXAMPLES:  # a shipped config, whose text is larger
                words += ["--set", "data.path=my.txt"]
            overrides = EXAMPLE_OVERRIDES if words[1] in OF_EXAMPLES else OVERRIDES
            words += overrides if {"--resume", "--dry-run"} & {*words} else [*overrides, "--force"]
        result = call(*words, stdin=data)
        assert result.code == 0, f"{line}\n{result.err}"
        data, command = result.out, []
        if target:
            Path(target).write_bytes(data)


def why_not_run(line: str) -> str | None:
    """The beginning in NOT_RUN that a line has."""
    return next((beginning for beginning in NOT_RUN if line.startswith(beginning)), None)


@pytest.mark.parametrize("page", [page for page in TYPED if any(not why_not_run(line) for line in typed_lines(page))])
def test_the_commands_of_a_page_run(page: str, folder: Path) -> None:
    for line in typed_lines(page):
        if "runs/quickstart" in line and not Path("runs/quickstart").exists():
            shutil.copytree("runs/my", "runs/quickstart")
        if not why_not_run(line):
            run_line(line)


def test_every_exception_is_needed() -> None:
    lines = [line for page in TYPED for line in typed_lines(page)]
    assert {why_not_run(line) for line in lines} >= {*NOT_RUN}


@pytest.mark.parametrize("page", [page for page in TYPED if [*blocks(PAGES[page], "python")]])
def test_the_python_blocks_of_a_page_run_one_after_the_other(page: str, folder: Path) -> None:
    names: dict[str, object] = {}
    for block in blocks(PAGES[page], "python"):
        exec(compile(block, page, "exec"), names)  # our own pages


def test_there_are_python_blocks() -> None:
    assert len([*blocks(PAGES["docs/library.md"], "python")]) > 5


@pytest.mark.parametrize("page", TYPED)
def test_the_python_examples_use_public_names(page: str) -> None:
    for tree in map(ast.parse, blocks(PAGES[page], "python")):
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "charrnn":
                assert node.attr in charrnn.__all__, f"{page}, line {node.lineno} of an example: charrnn.{node.attr}"


# -- names ------------------------------------------------------------------------------------------------------------


def synopses() -> dict[str, str]:
    """The synopsis of each command, its indented lines joined."""
    joined = [re.sub(r"\n +", " ", block) for block in blocks(PAGES["docs/commands.md"], "console")]
    lines = [line for block in joined for line in block.splitlines() if line.startswith("charrnn ")]
    return {line.split()[1]: line for line in lines}


@pytest.mark.parametrize("name", cli.commands)
def test_a_synopsis_names_every_option_of_its_command_and_no_other(name: str) -> None:
    assert set(re.findall(r"--[a-z-]+", synopses()[name])) == options_of(name)


@pytest.mark.parametrize("name", cli.commands)
def test_help_explains_every_option(name: str) -> None:
    command = cli.commands[name]
    context = command.make_context(name, [], resilient_parsing=True, **cli.context_settings)
    shown = command.get_help(context)
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.opts[0] in shown
            assert parameter.help, f"{name} {parameter.opts[0]} is not explained"
            assert parameter.help.rstrip("]").rstrip().endswith("."), parameter.help


def test_the_generated_tables_are_up_to_date() -> None:
    done = subprocess.run([sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_options_in_running_text_exist(page: str) -> None:
    text = FENCE.sub("", PAGES[page])
    options = set().union(*(options_of(name) for name in cli.commands)) | {"--version", "--help", "-h", "--strict"}
    for code in re.findall(r"`([^`\n]+)`", text):
        words = code.split()
        if words[0] == "charrnn" and len(words) > 1:
            assert words[1] in {*cli.commands, *options, "COMMAND"}, f"{page}: `{code}`"
        if words[0] == "make":
            targets = [word for word in words[1:] if "=" not in word]
            assert all(re.search(rf"^{target}:", MAKEFILE, re.MULTILINE) for target in targets), f"{page}: `{code}`"
        assert {word for word in words if re.fullmatch(r"--[a-z-]+", word)} <= options, f"{page}: `{code}`"


@pytest.mark.parametrize("page", PAGES)
def test_keys_of_the_config_exist(page: str) -> None:
    text = re.sub(r"```python\n.*?```", "", PAGES[page], flags=re.DOTALL)
    named = set(re.findall(r"\b(?:data|model|train)\.[a-z_]+(?:\.[a-z_]+)?", text))
    files = {name for name in named if name.endswith(".py")}
    keys = set(all_keys())
    assert named - files <= keys | {key.rpartition(".")[0] for key in keys}


def test_what_may_change_on_resume_is_listed_in_the_guide() -> None:
    resumable = re.findall(r"\btrain\.\w+|\bout\b", HELP["train"].partition("log and save:")[2])
    assert len(resumable) > 8
    assert [key for key in resumable if f"`{key}`" not in PAGES["docs/guide.md"]] == []


@pytest.mark.parametrize("page", ["docs/commands.md", "charrnn/cli/main.py"])
def test_every_exit_code_is_documented(page: str) -> None:
    listed = re.search(r"Exit codes: (.*?)\.\n", (ROOT / page).read_text(), re.DOTALL)
    assert listed
    codes = {int(code) for code in re.findall(r"\b(\d+)\s\w", listed[1])}
    own = {kind.exit_code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "exit_code")}
    assert codes == own | {0} | {128 + getattr(signal, name) for name in STOPPING}


# -- links and files --------------------------------------------------------------------------------------------------


def slug(heading: str) -> str:
    """The anchor that GitHub and MyST give to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).strip().replace(" ", "-")


def anchors(path: Path) -> set[str]:
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", FENCE.sub("", path.read_text()), re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_and_its_anchor_lead_somewhere(page: str) -> None:
    for link in (a or b for a, b in LINK.findall(FENCE.sub("", PAGES[page]))):
        if re.match(r"\w+:", link):
            continue
        name, _, anchor = link.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        assert path.exists(), f"{page}: {link}"
        assert not anchor or anchor in anchors(path), f"{page}: {link}"


@pytest.mark.parametrize("page", DOCS)
def test_a_link_out_of_docs_begins_so_that_the_site_sends_it_to_the_repository(page: str) -> None:
    for link in (a or b for a, b in LINK.findall(FENCE.sub("", PAGES[page]))):
        assert re.match(r"https?:|#|\.\./\w|\.\./\.github|pictures/|[\w-]+\.md\b", link), f"{page}: {link}"


@pytest.mark.parametrize("page", PAGES)
def test_files_that_a_page_names_exist(page: str) -> None:
    text = re.sub(r"\w+://[^\s)]+", "", PAGES[page])
    paths = set(re.findall(rf"(?<![\w./-])(?:{FOLDERS})/[\w./-]*\w", text))
    files = [path for part in FOLDERS.split("|") for path in (ROOT / part).rglob("*.py")]
    missing = [path for path in paths if not any((root / path).exists() for root in (ROOT, ROOT / "charrnn"))]
    for name in set(re.findall(r"`([\w/]+\.py)`", text)):
        if not any(f"/{path.relative_to(ROOT).as_posix()}".endswith(f"/{name}") for path in files):
            missing.append(name)
    assert not missing, f"{page} names what is not there: {', '.join(missing)}"


def test_the_tests_that_pages_link_to_exist() -> None:
    pattern = re.compile(r"\[`(test_\w+)`\]\(\.\./(tests/\S+\.py)\)")
    links = [(page, *each) for page in DOCS for each in pattern.findall(PAGES[page])]
    assert len(links) > 5
    for page, name, path in links:
        assert re.search(rf"^def {name}\(", (ROOT / path).read_text(), re.MULTILINE), f"{page}: {path} has no {name}"


def test_files_that_the_help_names_exist() -> None:
    for name, text in HELP.items():
        for path in re.findall(r"\bconfigs/[\w.-]+\w", text):
            assert (ROOT / path).exists(), f"the help of {name} names {path}"


def test_the_index_names_every_page() -> None:
    index = PAGES["docs/index.md"]
    for page in {*DOCS} - {"docs/index.md"}:
        assert f"]({Path(page).name})" in index
        assert re.search(rf"^{Path(page).stem}$", index, re.MULTILINE)
        assert f"](docs/{Path(page).name}" in PAGES["README.md"]


# -- the whole --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", DOCS)
def test_prose_is_wrapped(page: str) -> None:
    """Tables, code, and lines that hold one long link are not."""
    text = re.sub(r"^ *```.*?^ *```$", "", PAGES[page], flags=re.DOTALL | re.MULTILINE)
    lines = [line for line in text.splitlines() if len(line) > 122 and not line.startswith("|")]
    assert [line for line in lines if max(map(len, line.split())) < 100] == []


def test_the_readme_is_short() -> None:
    assert len(PAGES["README.md"].splitlines()) <= 160


def test_no_text_tells_anybody_to_install_the_other_project_of_this_name_from_the_index() -> None:
    sources = [*(ROOT / "charrnn").rglob("*.py"), *ROOT.glob("*.*"), *(ROOT / "configs").iterdir(), ROOT / "Makefile"]
    texts = {str(path): path.read_text() for path in sources if path.is_file()} | PAGES
    assert [name for name, text in texts.items() if re.search(r"pip\S* install [^\n]*\bcharrnn\b(?!/)", text)] == []


def test_nothing_is_left_to_fill_in() -> None:
    for page, text in PAGES.items():
        assert not re.findall(r"@@\w*|TODO|FIXME|XXX", text), page


def test_the_changelog_begins_with_this_version_or_what_comes_after_it() -> None:
    versions = re.findall(r"^## \[?v?([^\s\]]+)", PAGES["CHANGELOG.md"], re.MULTILINE)
    assert next(version for version in versions if version != "Unreleased") == charrnn.__version__
    assert "Unreleased" not in versions[1:]
