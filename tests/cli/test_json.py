"""The keys of what --json prints: other programs read them, so none may be renamed, added or lost unnoticed."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import SMALL, TALES, call, project

FIGURES = {
    "nats_per_char", "bits_per_char", "bits_per_byte", "perplexity", "word_perplexity", "top1", "top5",
}  # fmt: skip
EVALUATION = FIGURES | {
    "text", "chars", "unknown_chars", "intervals", "kinds", "positions", "calibration", "calibration_error", "worst",
    "rows", "nats_per_char_charged",
}  # fmt: skip
ROW = {"name", "interval", "nats_per_char_charged"} | FIGURES
ROW_WITHOUT_RANKS = ROW - {"top1", "top5"}
ROW_OF_A_COMPRESSOR = {"name", "nats_per_char", "bits_per_char", "nats_per_char_charged"}
RUN = {"run", "valid_loss", "seconds", "chars_per_second", "text", "chars", "nats_per_char"}
RUN |= {"unknown_chars", "nats_per_char_charged"}
DIFFERENCE = {"difference", "interval", "unit", "beyond_noise"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of a network and of n-grams on one text, and of an n-gram on another text."""
    folder = project(tmp_path_factory.mktemp("json"), TALES.read_text()[:20_000])
    (folder / "other.txt").write_text(TALES.read_text()[:9000])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert call("train", "my.yaml", "--quiet").code == 0
        ngram = ["--quiet", "--set", "model.cell=ngram", "--set", "model.order=3"]
        assert call("train", "my.yaml", *ngram, "--out", "runs/n").code == 0
        assert call("train", "my.yaml", *ngram, "--set", "data.path=other.txt", "--out", "runs/other").code == 0
    return folder


@pytest.fixture(autouse=True)
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


def printed(*typed: str) -> Any:
    result = call(*typed, "--json")
    assert (result.code, result.err) == (0, "")
    return json.loads(result.out)


def keys(records: list[dict[str, Any]]) -> set[str]:
    """The keys of records, which must be the same in all of them."""
    assert records
    assert all(record.keys() == records[0].keys() for record in records)
    return set(records[0])


def test_an_evaluation_of_one_model() -> None:
    report = printed("eval", "runs/my")
    assert report.keys() == EVALUATION
    assert report["intervals"].keys() == FIGURES
    assert keys(report["kinds"]) == {"kind", "chars", "nats_per_char", "share"}
    assert keys(report["positions"]) == {"first", "last", "nats_per_char"}
    assert keys(report["calibration"]) == {"chars", "sure", "right"}
    assert keys(report["worst"]) == {"at", "nats_per_char", "before", "text", "after"}
    assert keys(report["rows"]) == ROW


def test_an_evaluation_of_several_models_with_everything() -> None:
    report = printed("eval", "runs/my", "runs/n", "--baselines", "--novelty", "--dynamic")
    assert report.keys() == EVALUATION | {"weights", "novelty"}
    assert keys(report["weights"]) == {"name", "weight"}
    assert report["novelty"].keys() == {"longest", "at", "source", "new", "passage"}
    assert keys(report["novelty"]["new"]) == {"length", "new"}
    ranked = [ROW, ROW]
    ranked += 3 * [ROW_WITHOUT_RANKS]  # their mixture, the network as it adapts, and the mixture with that
    baselines = [ROW_WITHOUT_RANKS, ROW, ROW, ROW_OF_A_COMPRESSOR, ROW_OF_A_COMPRESSOR]
    assert [row.keys() for row in report["rows"]] == [*ranked, *baselines]


def test_a_comparison() -> None:
    found = printed("compare", "runs/my", "runs/n")
    assert found.keys() == {"runs", "differing"}
    assert [run.keys() for run in found["runs"]] == [RUN, RUN | DIFFERENCE]
    on_another_text = printed("compare", "runs/my", "runs/other")["runs"]
    assert [run.keys() for run in on_another_text] == [RUN, RUN | {"note"}]


def test_a_comparison_of_checkpoints_without_a_log_or_a_text(folder: Path) -> None:
    (folder / "alone").mkdir()
    for name in ("my", "n"):
        (folder / "alone" / f"{name}.npz").write_bytes((folder / "runs" / name / "best.npz").read_bytes())
    (folder / "text.txt").rename(folder / "away.txt")
    try:
        runs = printed("compare", "alone/my.npz", "alone/n.npz")["runs"]
    finally:
        (folder / "away.txt").rename(folder / "text.txt")
    assert keys(runs) == {"run", "valid_loss", "note"}


def test_gradient_flow() -> None:
    flows = printed("flow", "runs/my", "my.yaml")
    assert keys(flows) == {"name", "clipped", "norms", "reach", "weights"}
    assert keys(flows[0]["weights"]) == {"layer", "gate", "radius", "singular"}
    assert flows[1]["clipped"] is None


def test_a_measurement_of_speed() -> None:
    config = SMALL.replace("train: {", "train: {shards: 1, ")
    Path("quick.yaml").write_text(config)
    bench = printed("bench", "quick.yaml", "--seconds", "0.01")
    assert bench.keys() == {"rows", "auto", "evaluation", "sampling", "sampling_batch"}
    assert keys(bench["rows"]) == {"workers", "chars_per_second", "ceiling", "memory", "epoch_seconds"}


def test_what_a_checkpoint_holds() -> None:
    header = {"path", "config", "vocab", "training", "data", "splits", "versions", "format", "version"}
    network, ngram = printed("info", "runs/my"), printed("info", "runs/n")
    assert network.keys() == header | {"parameters"}
    assert ngram.keys() == header | {"characters"}
    assert network["config"].keys() == {"task", "data", "model", "train", "out", "seed"}
    assert network["vocab"].keys() == {"symbols", "has_unknown", "tokens", "end"}
