"""Runs side by side: what differs, how far they came, and differences that noise explains and does not explain."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charrnn.config.building import config_from_dict
from charrnn.data.loading import load_corpus
from charrnn.data.vocab import Vocab
from charrnn.evaluation.bootstrap import difference
from charrnn.evaluation.comparison import Scored
from charrnn.evaluation.comparison import compare as compare_models
from charrnn.evaluation.comparison import difference_of as difference_between
from charrnn.evaluation.comparison_results import Comparison, RunSummary
from charrnn.evaluation.results import Difference
from charrnn.evaluation.scoring import score_each
from charrnn.models.loading import load_checkpoint
from charrnn.training.fit_ngram import fit
from tests.support.processes import TALES, call


def compare(paths: list[str]) -> Comparison:
    return compare_models([load_checkpoint(path) for path in paths])


def difference_of(run: RunSummary) -> Difference:
    assert run.difference is not None
    return run.difference


def counted(folder: Path, name: str, length: int = 30_000, **model: Any) -> str:
    """A run directory of an n-gram on the beginning of the tales."""
    text = folder / f"{length}.txt"
    text.write_text(TALES.read_text()[:length])
    data = {"path": str(text), "fractions": [0.8, 0.1, 0.1]}
    fit(config_from_dict({"data": data, "model": {"cell": "ngram", **model}, "out": str(folder / name)}))
    return str(folder / name)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Three orders on the same text."""
    folder = tmp_path_factory.mktemp("compare")
    return [counted(folder, f"order {order}", order=order) for order in (2, 7, 6)]


def test_runs_are_sorted_and_compared_with_the_best(runs: list[str]) -> None:
    found = compare(runs)
    assert [run.run for run in found.runs] == [runs[k] for k in (1, 2, 0)]
    models = [load_checkpoint(run.run) for run in found.runs]
    ids = load_corpus(models[0].config).test.ids
    nats = [score_each(loaded.model, ids).nats for loaded in models]
    for run, each, loaded in zip(found.runs, nats, models, strict=True):
        assert (run.text, run.chars) == ("test split", len(ids))
        assert run.nats_per_char == pytest.approx(each.mean())
        log = json.loads((loaded.path.parent / "log.jsonl").read_text())
        assert (run.valid_loss, run.seconds, run.chars_per_second) == tuple(
            log[key] for key in ("valid_loss", "seconds", "chars_per_second")
        )
    for run, each in zip(found.runs[1:], nats[1:], strict=True):
        assert difference_of(run).mean == pytest.approx((each - nats[0]).mean())
        assert difference_of(run).interval == pytest.approx(difference(each, nats[0]).interval)
    assert found.runs[0].difference is None
    assert difference_of(found.runs[2]).beyond_noise


def test_the_interval_of_a_difference_is_that_of_resampled_blocks(runs: list[str]) -> None:
    """The same bootstrap once more: with a loop, blocks of its own and another generator."""
    best, _, worst = compare(runs).runs
    ids = load_corpus(load_checkpoint(runs[0]).config).test.ids
    first, second = (score_each(load_checkpoint(run.run).model, ids).nats for run in (best, worst))
    blocks = np.array_split(second - first, 60)
    rng = np.random.default_rng(99)
    means = [np.concatenate([blocks[k] for k in rng.integers(0, 60, 60)]).mean() for _ in range(2000)]
    low, high = difference_of(worst).interval
    width = high - low
    assert (low, high) == pytest.approx(np.percentile(means, [2.5, 97.5]), abs=0.15 * width)


def test_a_run_and_its_copy_do_not_differ(runs: list[str], tmp_path: Path) -> None:
    shutil.copytree(runs[0], tmp_path / "copy")
    found = compare([runs[0], str(tmp_path / "copy")])
    assert found.differing == {}
    assert difference_of(found.runs[1]).mean == 0
    assert not difference_of(found.runs[1]).beyond_noise


def test_only_the_keys_that_differ_are_named(runs: list[str]) -> None:
    found = compare(runs)
    assert found.differing == {"model.order": [7, 6, 2]}


def test_runs_on_other_texts_are_shown_but_not_compared(runs: list[str], tmp_path: Path) -> None:
    other = counted(tmp_path, "other", 20_000, order=1)
    found = compare([*runs, other])
    odd = next(run for run in found.runs if run.run == other)
    assert odd.difference is None
    assert odd.note is not None
    assert "cannot be compared" in odd.note
    (tmp_path / "20000.txt").write_text("another text")
    odd = next(run for run in compare([*runs, other]).runs if run.run == other)
    assert odd.note is not None
    assert "changed" in odd.note
    (tmp_path / "20000.txt").unlink()
    assert any("does not exist" in (run.note or "") for run in compare([*runs, other]).runs)


def test_a_checkpoint_without_its_log_is_compared_without_its_times(runs: list[str], tmp_path: Path) -> None:
    shutil.copy(f"{runs[0]}/best.npz", tmp_path / "moved.npz")
    found = compare([runs[1], str(tmp_path / "moved.npz")])
    assert found.runs[1].seconds is None
    assert found.runs[1].run == str(tmp_path / "moved.npz")
    assert difference_of(found.runs[1]).mean > 0


def test_a_run_without_validation_has_a_loss_of_null() -> None:
    assert RunSummary("a", None).to_dict() == {"run": "a", "valid_loss": None}


def test_a_folder_without_a_checkpoint_is_refused(runs: list[str], tmp_path: Path) -> None:
    said = call("compare", runs[0], str(tmp_path))
    assert (said.code, said.out, len(said.lines)) == (2, b"", 1)


def test_a_run_with_a_damaged_best_is_compared_by_its_last_with_a_note(runs: list[str], tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(runs[0], damaged)
    shutil.copy(damaged / "best.npz", damaged / "last.npz")
    (damaged / "best.npz").write_bytes(b"PK")
    said = call("compare", str(damaged), runs[1])
    assert said.code == 0
    assert "best.npz" in said.err
    assert "last.npz (step 1) is read instead" in said.err


# -- other vocabularies -------------------------------------------------------------------------------------------


def run_on(folder: Path, name: str, text: str, order: int = 2, **data: Any) -> str:
    """A run directory of an n-gram on a text."""
    (folder / "text.txt").write_text(text)
    settings = {"path": str(folder / "text.txt"), "fractions": [0.5, 0.0, 0.5], **data}
    model = {"cell": "ngram", "order": order}
    fit(config_from_dict({"data": settings, "model": model, "out": str(folder / name)}))
    return str(folder / name)


def test_a_character_that_is_unknown_to_one_run_is_charged_to_it(tmp_path: Path) -> None:
    """A model that calls most characters unknown looks far better than it is."""
    text = "aabcdefghijklmnop" * 100
    knows, knows_not = run_on(tmp_path, "a", text), run_on(tmp_path, "b", text, order=1, min_count=51)
    runs = {run.run: run for run in compare([knows, knows_not]).runs}
    assert runs[knows_not].nats_per_char < 0.4
    assert runs[knows_not].nats_per_char_charged > 12
    (difference,) = (run.difference for run in runs.values() if run.difference)
    sign = 1 if runs[knows_not].difference else -1
    expected = runs[knows_not].nats_per_char_charged - runs[knows].nats_per_char_charged
    assert difference.mean == pytest.approx(sign * expected)
    assert difference.beyond_noise
    said = call("compare", knows, knows_not).text
    assert "unknown to it; charged for" in said


@pytest.mark.parametrize("documents", ["none", "line", "paragraph"])
def test_bytes_and_characters_are_compared_in_bits_per_byte(tmp_path: Path, documents: str) -> None:
    words = ["né", "no", "où", "ab", "naïf"]
    text = "\n\n".join(words[k % 5] + words[k % 3] for k in range(60)) + "\n\n"
    data = {"documents": documents} | ({} if documents == "none" else {"split": "contiguous"})
    if documents == "none":
        text = text.encode("ascii", "ignore").decode()  # the same split in bytes and in characters
    chars, raw = run_on(tmp_path, "chars", text, 1, **data), run_on(tmp_path, "bytes", text, 4, tokens="byte", **data)
    found = compare([chars, raw])
    (run,) = (run for run in found.runs if run.difference)
    assert difference_of(run).unit == "bits/byte"
    totals = {}
    for path in (chars, raw):
        loaded = load_checkpoint(path)
        ids = load_corpus(loaded.config).test.ids
        totals[path] = score_each(loaded.model, ids).nats.sum() / np.log(2)
        if path == raw:
            size = len(ids)
    other = chars if run.run == raw else raw
    assert difference_of(run).mean == pytest.approx((totals[run.run] - totals[other]) / size)
    assert f"{run.run}: its difference is in bits/byte" in call("compare", chars, raw).text


def test_where_characters_were_left_out_other_vocabularies_are_not_compared(tmp_path: Path) -> None:
    text = "abc" * 100 + "abz" * 100
    leaves_out, rare = run_on(tmp_path, "a", text), run_on(tmp_path, "b", text, order=1, min_count=2)
    notes = [run.note for run in compare([leaves_out, rare]).runs]
    assert sum("cannot be compared" in (note or "") for note in notes) == 1
    two, ids, nats = Vocab("ab"), np.array([0, 1]), np.ones(2)
    same_ids = Scored(Vocab("abc"), ids, nats, 0)
    assert difference_between(Scored(two, ids, nats, 0), same_ids) is not None
    assert difference_between(Scored(two, ids, nats, 1), same_ids) is None
    same = compare([leaves_out, run_on(tmp_path, "c", text, order=1)]).runs
    mean = difference_of(same[1]).mean
    assert mean == pytest.approx(same[1].nats_per_char - same[0].nats_per_char)
