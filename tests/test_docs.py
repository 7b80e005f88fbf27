"""What the documents name exists: commands, options, keys, make targets, files, public names, the version."""

import ast
import re
import shlex
import signal
from collections.abc import Iterator

import click
import pytest

import charrnn
from charrnn import errors
from charrnn.cli.group import cli
from charrnn.config.keys import all_keys
from charrnn.processes import STOPPING
from tests.support.processes import ROOT

PAGES = {name: (ROOT / name).read_text() for name in ("README.md", "CHANGELOG.md", "data/README.md")}
README = PAGES["README.md"]
MAKEFILE = (ROOT / "Makefile").read_text()
HELP = {name: command.help or "" for name, command in {"charrnn": cli, **cli.commands}.items()}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(text: str, *languages: str) -> Iterator[str]:
    """The fenced code blocks of a page in one of these languages, with continued lines joined."""
    for language, block in FENCE.findall(text):
        if language in languages:
            yield block.replace("\\\n", " ")


def shell_lines() -> Iterator[tuple[str, str]]:
    """Every line of a shell that a document tells the reader to type, with its place."""
    for page, text in PAGES.items():
        for block in blocks(text, "console", "sh", "bash", "shell", ""):
            for line in block.splitlines():
                if line.removeprefix("$ ").startswith(("charrnn ", "make ")) and "[" not in line:
                    yield page, line.removeprefix("$ ")
    for name, text in HELP.items():  # an example, then spaces, then what it does
        yield from ((f"help of {name}", re.split(r" {2,}", line.strip())[0]) for line in examples(text))
    for line in MAKEFILE.splitlines():
        for command in re.findall(r"\$\(BIN\)/(charrnn .*?)(?:;|\|\||$)", line):
            yield "Makefile", re.sub(r"\$\$\w+|\$\(\w+\)", "1", command)


def examples(text: str) -> list[str]:
    """The examples of a help text."""
    return [line for line in text.splitlines() if line.strip().startswith("charrnn ")]


def simple_commands(line: str) -> Iterator[list[str]]:
    """The charrnn commands of a shell line, without comments, redirections and what they are piped into."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
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
        known = {name for parameter in cli.params for name in parameter.opts} | {"-h", "--help"}
        if not words or words[0] not in known:
            raise click.UsageError(f"no command {words}")


def options_of(name: str) -> set[str]:
    return {option for p in cli.commands[name].params if isinstance(p, click.Option) for option in p.opts}


LINES = sorted(set(shell_lines()))


def test_there_are_examples_to_check() -> None:
    places = {place for place, _ in LINES}
    assert places >= {"README.md", "Makefile"} | {f"help of {name}" for name in HELP}
    assert {words[0] for _, line in LINES for words in simple_commands(line)} == set(cli.commands)


@pytest.mark.parametrize(("place", "line"), LINES, ids=[f"{place}: {line}" for place, line in LINES])
def test_a_line_that_a_reader_may_copy_is_understood(place: str, line: str) -> None:
    if line.startswith("make "):
        for target in line.partition("#")[0].split()[1:]:
            assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), f"{place}: the Makefile has no target {target}"
    for words in simple_commands(line):
        try:
            parse(words)
        except click.UsageError as error:
            pytest.fail(f"{place}: {line}\n{error.format_message()}")


def test_a_wrong_line_would_be_found() -> None:
    for line in ("charrnn trian my.yaml", "charrnn train", "charrnn sample run --tmp 1 | head", "charrnn --versoin"):
        with pytest.raises(click.UsageError):
            parse(next(simple_commands(line)))


def synopses() -> dict[str, str]:
    """The README's synopsis of each command, its indented lines joined."""
    joined = [re.sub(r"\n +", " ", block) for block in blocks(README, "console")]
    lines = [line for block in joined for line in block.splitlines() if line.startswith("charrnn ") and "[" in line]
    return {line.split()[1]: line for line in lines}


@pytest.mark.parametrize("name", cli.commands)
def test_the_readme_names_every_option_of_a_command_and_no_other(name: str) -> None:
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


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_options_in_running_text_exist(page: str) -> None:
    text = FENCE.sub("", PAGES[page])
    known = set().union(*(options_of(name) for name in cli.commands)) | {"--version", "--help", "--strict"}
    for code in re.findall(r"`([^`\n]+)`", text):
        words = code.split()
        if words[0] == "charrnn" and len(words) > 1:
            assert words[1] in cli.commands or words[1] in known, f"{page}: `{code}`"
        if words[0] == "make":
            assert all(re.search(rf"^{target}:", MAKEFILE, re.MULTILINE) for target in words[1:]), f"{page}: `{code}`"
        assert {word for word in words if re.fullmatch(r"--[a-z-]+", word)} <= known, f"{page}: `{code}`"


@pytest.mark.parametrize("page", PAGES)
def test_keys_of_the_config_exist(page: str) -> None:
    named = set(re.findall(r"\b(?:data|model|train)\.[a-z_]+(?:\.[a-z_]+)?", PAGES[page]))
    files = {name for name in named if name.endswith(".py")}
    assert named - files <= set(all_keys())


@pytest.mark.parametrize("page", PAGES)
def test_files_that_a_page_names_exist(page: str) -> None:
    text, folder = re.sub(r"\w+://[^\s)]+", "", PAGES[page]), (ROOT / page).parent
    links = set(re.findall(r"\]\(([^)#\s]+)\)", text))
    paths = set(re.findall(r"\b(?:configs|data|benchmarks|tests|charrnn)/[\w./-]*\w", text))
    modules = set(re.findall(r"`(\w+\.py)`", text))
    missing = [str(path) for path in links if not (folder / path).exists()]
    missing += [path for path in paths if not (ROOT / path).exists()]
    missing += [name for name in modules if not (ROOT / "charrnn" / name).exists()]
    assert not missing, f"{page} names what is not there: {', '.join(missing)}"


def test_the_tests_that_the_readme_links_to_exist() -> None:
    links = re.findall(r"\[`(test_\w+)`\]\((tests/\w+\.py)\)", README)
    assert len(links) > 5
    for name, path in links:
        assert re.search(rf"^def {name}\(", (ROOT / path).read_text(), re.MULTILINE), f"{path} has no {name}"


@pytest.mark.parametrize("place", ["README.md", "cli.py"])
def test_every_exit_code_is_documented(place: str) -> None:
    text = README if place == "README.md" else (ROOT / "charrnn" / place).read_text()
    listed = re.search(r"Exit codes: (.*?)\.\n", text, re.DOTALL)
    assert listed
    codes = {int(code) for code in re.findall(r"\b(\d+) \w", listed[1])}
    own = {kind.exit_code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "exit_code")}
    assert codes == own | {0} | {128 + getattr(signal, name) for name in STOPPING}


def test_files_that_the_help_names_exist() -> None:
    for name, text in HELP.items():
        for path in re.findall(r"\bconfigs/[\w.-]+\w", text):
            assert (ROOT / path).exists(), f"the help of {name} names {path}"


def test_the_python_examples_use_public_names() -> None:
    examples = [*blocks(README, "python")]
    assert examples
    for tree in map(ast.parse, examples):
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "charrnn":
                assert node.attr in charrnn.__all__, f"README, line {node.lineno} of an example: charrnn.{node.attr}"


def test_nothing_is_left_to_fill_in() -> None:
    for page, text in PAGES.items():
        assert not re.findall(r"@@\w*|TODO|FIXME|XXX", text), page


def test_the_changelog_begins_with_this_version() -> None:
    versions = re.findall(r"^## \[?v?([^\s\]]+)", PAGES["CHANGELOG.md"], re.MULTILINE)
    assert versions[0] == charrnn.__version__
