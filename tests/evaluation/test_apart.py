"""One text scored by models of other vocabularies, unknown characters charged."""

import json
from contextlib import closing
from math import log
from pathlib import Path
from typing import Any

import pytest

from charrnn.config.building import config_from_dict
from charrnn.training.fit_ngram import fit
from charrnn.training.opening import open_run
from tests.support.processes import call

GUESS = log(1_114_112)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """N-grams of two texts, one of bytes, and one that folds letters; and a text that none of them has seen."""
    folder = tmp_path_factory.mktemp("apart")
    for name, text, data in (
        ("few", "abc" * 200, {}),
        ("many", "aäbc d" * 100, {}),
        ("bytes", "aäbc d" * 100, {"tokens": "byte"}),
        ("folded", "aäbc d" * 100, {"lowercase": True}),
    ):
        (folder / f"{name}.txt").write_text(text)
        settings = {"path": str(folder / f"{name}.txt"), **data}
        model = {"cell": "ngram", "order": 2}
        fit(config_from_dict({"data": settings, "model": model, "out": str(folder / name)}))
    (folder / "text.txt").write_text("aäb c!")
    return folder


def rows(folder: Path, *names: str) -> list[dict[str, Any]]:
    result = call("eval", *names, "text.txt", "--json", cwd=folder)
    assert (result.code, result.err) == (0, "")
    found: list[dict[str, Any]] = json.loads(result.out)["rows"]
    return found


def test_each_is_charged_for_the_characters_that_it_does_not_know(folder: Path) -> None:
    few, many = rows(folder, "few", "many")
    assert few["nats_per_char_charged"] == pytest.approx((3 * few["nats_per_char"] + 3 * GUESS) / 6)
    assert many["nats_per_char_charged"] == pytest.approx((5 * many["nats_per_char"] + GUESS) / 6)
    alone = json.loads(call("eval", "many", "text.txt", "--json", cwd=folder).out)
    assert alone["nats_per_char_charged"] == alone["rows"][0]["nats_per_char_charged"] == many["nats_per_char_charged"]
    said = call("eval", "few", "many", "text.txt", cwd=folder).text
    assert "model, unknown characters charged  nats/char" in said
    assert f"{many['nats_per_char_charged']:.4f}" in said
    assert "mixture" not in said


def test_bytes_and_characters_have_bits_per_byte_in_common(folder: Path) -> None:
    many, of_bytes = rows(folder, "many", "bytes")
    assert many["bits_per_byte_charged"] == pytest.approx(many["nats_per_char_charged"] * 6 / 7 / log(2))
    assert of_bytes["bits_per_byte_charged"] == pytest.approx(of_bytes["bits_per_byte"])
    assert "model, unknown characters charged  bits/byte" in call("eval", "many", "bytes", "text.txt", cwd=folder).text


def test_the_parts_of_a_network_with_an_n_gram_inside_follow_it_wherever_it_stands(folder: Path) -> None:
    settings = {"data": {"path": str(folder / "many.txt")}, "model": {"hidden_size": 3, "num_layers": 1, "ngram": 2}}
    how = {"max_steps": 1, "batch_size": 2, "seq_length": 5, "sample_length": 0}
    with closing(open_run(config_from_dict({**settings, "train": how, "out": str(folder / "inside")}))) as run:
        list(run)
    for names in (("inside", "few"), ("few", "inside")):
        found = rows(folder, *names)
        own = [each for each in found if "inside" in each["name"]]
        whole = found[0 if names[0] == "inside" else 1]["name"]
        assert [each["name"].removeprefix(whole) for each in own] == ["", ", network alone", ", n-gram alone"]
        assert own[2]["nats_per_char_charged"] == pytest.approx(rows(folder, "many", "few")[0]["nats_per_char_charged"])


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("few folded text.txt", "changes the text or tells documents apart otherwise than"),
        ("few many text.txt --baselines", "--baselines needs models of one text and vocabulary"),
        ("few many -", "standard input can be read once; name a file"),
        ("few many", "another vocabulary than few/best.npz; a mixture needs the same one (name a FILE, which each"),
    ],
)
def test_what_cannot_be_compared_is_one_line(folder: Path, typed: str, message: str) -> None:
    result = call("eval", *typed.split(), cwd=folder)
    assert (result.code, result.text, len(result.lines)) == (2, "", 1)
    assert message in result.err
