"""`charrnn sample`: the text that it writes to stdout, and nothing else."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

import charrnn
from charrnn.generation.sampling import Options, generate_batch
from charrnn.models.mixed_model import MixedModel
from tests.support.processes import Result, Trained, call, run, start
from tests.support.torture import volume

FILTERS: dict[str, Any] = {"temp": 0.2, "top_k": 6, "top_p": 0.8, "min_p": 0.4, "repetition_penalty": 3, "length": 300}
FILTERS_TYPED = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in FILTERS.items())
SAMPLES: dict[
    str, tuple[str, str, dict[str, Any]]
] = {  # what is typed, the prime that is shown, and the arguments of generate() that give the same text
    "the defaults": ("", "", {}),
    "a seed": ("--seed 7", "", {"seed": 7}),
    "a prime": ("--prime Once", "Once", {"prime": "Once"}),
    "a hidden prime": ("--prime Once --hide-prime", "", {"prime": "Once"}),
    "a prime from a file": ("--prime-file prime.txt", "In a file\n", {"prime": "In a file\n"}),
    "a prime from stdin": ("--prime-file -", "On stdin", {"prime": "On stdin"}),
    "unknown characters skipped": ("--prime s☃o --unknown skip", "s☃o", {"prime": "so"}),
    "unknown characters replaced": ("--prime s☃o --unknown replace", "s☃o", {"prime": "s o"}),
    "all filters": (FILTERS_TYPED, "", FILTERS),
    "temperature 0, for which no seed counts": ("--temp 0 --seed 5", "", {"temp": 0, "seed": 6}),
    "no length but an end": ("--length 0 --until e", "", {"length": 0, "until": "e"}),
}


@pytest.mark.parametrize(("typed", "prime", "arguments"), SAMPLES.values(), ids=SAMPLES)
def test_sample_writes_the_text_and_nothing_else(
    typed: str, prime: str, arguments: dict[str, Any], tiny: Trained, tmp_path: Path
) -> None:
    (tmp_path / "prime.txt").write_text("In a file\n")
    result = call("sample", tiny.folder, "--length", "40", *typed.split(), cwd=tmp_path, stdin=b"On stdin")
    arguments = {"length": 40, "temp": 0.8, **arguments}
    written = "".join(charrnn.generate(tiny.model, **arguments))
    assert len(written) == arguments["length"] or written.endswith("e")
    assert result == Result(0, (prime + written).encode(), "")


@pytest.mark.parametrize("name", FILTERS)
def test_every_filter_changes_the_text(name: str, tiny: Trained) -> None:
    fewer = {key: value for key, value in FILTERS.items() if key != name}
    assert list(charrnn.generate(tiny.model, **fewer)) != list(charrnn.generate(tiny.model, **FILTERS))


def test_another_seed_writes_another_text(tiny: Trained) -> None:
    assert len({"".join(charrnn.generate(tiny.model, length=40, seed=seed)) for seed in range(5)}) == 5


def test_several_texts_are_printed_in_order_with_an_empty_line_between(tiny: Trained) -> None:
    result = call("sample", tiny.folder, "--num", "3", "--length", "20", "--prime", "The ", "--seed", "2")
    texts = ["The "] * 3
    for stream, character in generate_batch(tiny.model, Options(length=20, temp=0.8), 3, "The ", 2):
        texts[stream] += character
    assert result == Result(0, ("\n\n".join(texts) + "\n").encode(), "")


def test_several_texts_may_be_as_long_as_they_like_if_something_ends_them(tiny: Trained) -> None:
    result = call("sample", tiny.folder, "--num", "2", "--length", "0", "--until", "e")
    texts = result.text.removesuffix("\n").split("\n\n")
    assert (result.code, result.err) == (0, "")
    assert result.text.endswith("e\n")
    assert texts[0].endswith("e")


@pytest.mark.parametrize("way", ["typed", "from stdin"])
def test_a_byte_model_reads_and_writes_any_bytes(way: str, bytewise: Path) -> None:
    every = bytes(range(1, 256)) if way == "typed" else bytes(range(256))  # no command line holds a zero
    prime = ["--prime", os.fsdecode(every)] if way == "typed" else ["--prime-file", "-"]
    result = run("sample", "runs/my", *prime, "--length", "30", cwd=bytewise, stdin=every)
    assert (result.code, result.out[: len(every)], len(result.out), result.err) == (0, every, len(every) + 30, "")


@pytest.mark.row(18)
@pytest.mark.parametrize("part", range(4))
def test_closing_the_pipe_early_is_no_error_for_any_of_many_samples(part: int, tiny: Trained, tried: Any) -> None:
    count = volume(3, 50)
    tried(count)
    for seed in range(count * part, count * part + count):
        result = run("sample", tiny.folder, "--length", "0", "--seed", seed, shell='"$@" | head -c 10')
        assert (result.code, len(result.out), result.err) == (0, 10, "")


@pytest.mark.row(18)
def test_closing_the_pipe_early_is_no_error(tiny: Trained) -> None:
    with start("sample", tiny.folder, "--length", "0") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.read(10)
        process.stdout.close()
        assert (len(first), process.stderr.read(), process.wait()) == (10, "", 0)


def test_several_models_write_as_one(small: Path) -> None:
    """The weights are those that eval fits, or the given ones."""
    assert call("train", "my.yaml", "--set", "model.cell=ngram", "--out", "runs/ngram", "--force", cwd=small).code == 0
    models = ["runs/my", "runs/ngram"]
    fitted = [each["weight"] for each in json.loads(call("eval", *models, "--json", cwd=small).out)["weights"]]
    loaded = [charrnn.load(small / name) for name in models]
    for typed, weights in (([], fitted), (["--weights", "2,6"], [0.25, 0.75])):
        result = call("sample", *models, *typed, "--length", "60", cwd=small)
        assert (result.code, result.err) == (0, "")
        assert result.text == "".join(charrnn.generate(MixedModel(loaded, weights), length=60, temp=0.8))
    for typed, message in (
        (["--weights", "1"], "1 for 2 models; give one for each"),
        (["--weights", "1,x"], "write numbers between commas"),
        (["--weights=-1,2"], "none below 0"),
        (["--weights", "0,nan"], "none below 0"),
    ):
        result = call("sample", *models, *typed, cwd=small)
        assert (result.code, result.out, len(result.lines)) == (2, b"", 1)
        assert message in result.err
    result = call("sample", "runs/my", "--weights", "1", cwd=small)
    assert (result.code, result.out) == (2, b"")
    assert "applies only with several models" in result.err
