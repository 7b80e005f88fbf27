"""Configs and texts that come with charrnn are found by name from any folder."""

import os
import re
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

import charrnn
from charrnn import shipped
from charrnn.data import find_files
from charrnn.errors import ConfigError, TextError
from tests.support.processes import ROOT, TALES, call, run

NAMES = sorted(path.stem for path in (ROOT / "configs").glob("*.yaml"))
FEW = ["--set", "train.max_steps=4", "--set", "train.eval_every=2", "--set", "train.sample_length=0"]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=["checkout", "wheel"])
def layout(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The files as in a checkout, or as a wheel lays them out."""
    if request.param == "wheel":
        package = tmp_path_factory.mktemp("site-packages") / "charrnn"
        for name in ("configs", "data"):
            (package / "_shipped").mkdir(parents=True, exist_ok=True)
            (package / "_shipped" / name).symlink_to(ROOT / name, target_is_directory=True)
        monkeypatch.setattr(shipped, "__file__", str(package / "shipped.py"))
    return str(request.param)


def test_every_config_is_found_by_its_name(layout: str) -> None:
    assert list(shipped.configs()) == NAMES
    assert "quickstart" in NAMES
    for name in NAMES:
        path = shipped.find_config(name)
        assert path.read_text() == (ROOT / "configs" / f"{name}.yaml").read_text()
        assert ("_shipped" in path.parts) == (layout == "wheel")


@pytest.mark.parametrize("name", NAMES)
def test_a_config_by_name_says_the_same_as_its_file_and_has_its_run_directory(name: str) -> None:
    assert charrnn.load_config(name) == charrnn.load_config(ROOT / "configs" / f"{name}.yaml")
    assert charrnn.load_config(name).out == f"runs/{name}".replace("/", os.sep)


def test_a_file_of_that_very_name_wins_and_a_folder_does_not() -> None:
    Path("tiny").mkdir()
    Path("quickstart").write_text("data: {path: mine.txt}")
    assert charrnn.load_config("tiny").data.path == "shipped:tales.txt"
    assert charrnn.load_config("quickstart").data.path == "mine.txt"


@pytest.mark.parametrize(
    ("name", "near"),
    [("qickstart", "quickstart"), ("quickstart.yaml", "quickstart"), ("configs/tiny.yaml", "tiny"), ("./tiny", "tiny")],
)
def test_an_unknown_name_is_one_line_that_names_all_configs_and_the_nearest(name: str, near: str) -> None:
    with pytest.raises(ConfigError) as error:
        charrnn.load_config(name)
    assert str(error.value) == (
        f"{Path(name)}: No such file or directory; a config is a YAML file, or the name of a shipped config "
        f"({', '.join(NAMES)}); did you mean {near}?"
    )


def test_what_is_mistaken_for_a_config_is_one_line_that_says_what_to_name(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text("data: {path: my.txt}")
    (tmp_path / "my.tsv").write_text("one\tA\n")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.yaml").write_text("data: {path: my.txt}")
    for name, remedy in {
        "my.yml": f"did you mean {tmp_path / 'my.yaml'}?",
        "my.tsv": f"this is no config; to train on it, write `data: {{path: {tmp_path / 'my.tsv'}}}` to a YAML file",
        "run": f"the config of this run is {tmp_path / 'run' / 'config.yaml'}",
    }.items():
        with pytest.raises(ConfigError) as error:
            charrnn.load_config(tmp_path / name)
        assert remedy in str(error.value)
        assert "\n" not in str(error.value)


def test_a_name_like_no_other_suggests_nothing() -> None:
    assert "did you mean" not in shipped.config_hint("my.yaml")


def test_the_text_of_every_config_comes_with_charrnn_or_is_to_be_had_somewhere(layout: str) -> None:
    for name in NAMES:
        path = charrnn.load_config(name).data.path
        assert isinstance(path, str)
        if path in shipped.SOURCES:
            assert f"# The text: {shipped.SOURCES[path]}\n" in shipped.find_config(name).read_text()
        else:
            (file,) = find_files(path)
            assert file.read_bytes() == (TALES.parent / path.removeprefix("shipped:")).read_bytes()
            assert ("_shipped" in file.parts) == (layout == "wheel")


def test_a_text_that_is_to_be_downloaded_is_one_line_that_says_from_where() -> None:
    said = call("train", "shakespeare")
    assert said.code == 2
    (line,) = said.lines
    assert "data.path: tinyshakespeare.txt does not exist" in line
    assert f"download it from {shipped.SOURCES['tinyshakespeare.txt']} and save it under this name" in line


def test_a_text_that_does_not_come_with_charrnn_is_one_line_that_names_those_that_do() -> None:
    with pytest.raises(TextError, match=r"shipped:tails\.txt does not exist .* are .*shipped:tales\.txt"):
        find_files("shipped:tails.txt")
    for name in ("shipped:../data/tales.txt", "shipped:", "shipped:README.md", "tales.txt"):
        assert shipped.find_text(name) == name


def test_training_by_name_works_from_an_empty_folder_and_so_does_all_that_follows() -> None:
    trained = run("train", "quickstart", *FEW, cwd=Path.cwd())
    assert trained.code == 0, trained.err
    assert (Path("runs") / "quickstart" / "best.npz").exists()
    assert run("train", ROOT / "configs" / "quickstart.yaml", *FEW, "--resume", cwd=Path.cwd()).code == 0
    assert run("eval", "runs/quickstart", "shipped:tales.txt", "--json", cwd=Path.cwd()).code == 0


@pytest.mark.parametrize(
    "arguments", ["train tiny --dry-run", "bench tiny --seconds 0.01", "flow tiny", "train tiny --set model.cell=ngram"]
)
def test_every_command_that_takes_a_config_takes_a_name(arguments: str) -> None:
    said = call(*arguments.split())
    assert said.code == 0, said.err


def test_the_schema_that_a_printed_config_names_exists(layout: str) -> None:
    first = call("config").text.split("\n")[0]
    found = re.fullmatch(r"# yaml-language-server: \$schema=(file://\S+)", first)
    assert found
    path = Path(urllib.request.url2pathname(urllib.parse.urlparse(found[1]).path))
    assert path.read_text() == (ROOT / "configs" / shipped.SCHEMA).read_text()


def test_without_its_files_charrnn_still_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shipped, "__file__", str(tmp_path / "charrnn" / "shipped.py"))
    assert shipped.schema() == shipped.SCHEMA
    assert shipped.configs() == {}
    assert call("train", "quickstart").code == 2
