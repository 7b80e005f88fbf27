"""`charrnn compare` and `charrnn info`."""

import json
import re
from pathlib import Path

import charrnn
from charrnn.storage.files import Lock
from tests.support.processes import Trained, call, run


def test_compare_prints_the_figures_of_its_json(small: Path, tmp_path: Path) -> None:
    nine = tmp_path / "nine"
    assert call("train", "my.yaml", "--set", "model.hidden_size=9", "--out", nine, cwd=small).code == 0
    result = call("compare", "runs/my", nine, cwd=small)
    as_json = call("compare", "runs/my", nine, "--json", cwd=small)
    assert (result.code, result.err, as_json.code, as_json.err) == (0, "", 0, "")
    comparison = json.loads(as_json.out)
    first, second = comparison["runs"]
    assert comparison["differing"]["model.hidden_size"] in ([8, 9], [9, 8])
    lines = result.text.splitlines()
    assert lines[1].split()[:3] == [first["run"], f"{first['valid_loss']:.4f}", f"{first['nats_per_char']:.4f}"]
    assert f"{second['difference']:+.4f}" in lines[2]
    assert f"{second['interval'][0]:+.4f} to {second['interval'][1]:+.4f}" in lines[2]
    better = f"{first['run']} is better than {second['run']} by more than noise."
    equal = f"{first['run']} and {second['run']} do not differ by more than noise."
    assert (better if second["beyond_noise"] else equal) in lines


def test_info_shows_what_a_checkpoint_holds(tiny: Trained) -> None:
    result = run("info", tiny.folder / "last.npz")
    assert (result.code, result.err) == (0, "")
    for expected in (
        rf"^{re.escape(str(tiny.folder))}/last.npz$",
        rf"model +lstm 1 x 32, {tiny.model.params.size:,} parameters",
        r"vocabulary +60 chars: ",
        r"trained +20 steps, 10,240 characters",
        r"best +[\d.]+ nats/char on validation, at step 20",
        rf"versions +charrnn {charrnn.__version__}, numpy ",
        r"max_steps: 20",
    ):
        assert re.search(expected, result.text, re.MULTILINE), result.text


def test_info_json_is_one_object(tiny: Trained) -> None:
    result = call("info", tiny.folder, "--json")
    document = json.loads(result.out)
    assert (result.code, result.err) == (0, "")
    assert document["parameters"] == tiny.model.params.size
    assert document["vocab"]["symbols"] == tiny.model.vocab.symbols
    assert document["config"]["train"]["max_steps"] == document["training"]["step"] == 20


def test_reading_takes_no_lock(small: Path) -> None:
    lock = Lock(small / "runs" / "my")
    try:
        assert run("sample", "runs/my", "--length", "1", cwd=small).code == 0
    finally:
        lock.close()
