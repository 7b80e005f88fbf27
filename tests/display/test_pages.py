"""Pages: what they show is what was computed, nothing in them is alive, and what is missing is left out."""

import json
import re
import shutil
import xml.etree.ElementTree as ET
from html import unescape
from math import log
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

import charrnn
from charrnn.data.loading import load_corpus
from charrnn.evaluation.scoring import score_each
from charrnn.evaluation.surprise import surprise
from charrnn.inspection.gradient_flow import GradientFlow, ModelFlow, flow
from charrnn.inspection.neurons import FEATURES, followers, watch
from charrnn.models.loading import load_checkpoint
from charrnn.storage.log import clipped_share, column, read_log
from tests.support.pages import ATTACK, Page, check_harmless, headings
from tests.support.processes import SMALL, TALES, Result, call, project


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs of a network and of an n-gram on the beginning of the tales."""
    folder = project(tmp_path_factory.mktemp("report"), TALES.read_text()[:20_000])
    assert call("train", "my.yaml", "--quiet", "--set", "train.eval_every=5", cwd=folder).code == 0
    options = ["--set", "model.cell=ngram", "--set", "model.order=5", "--out", "runs/n"]
    assert call("train", "my.yaml", "--quiet", *options, cwd=folder).code == 0
    return folder


@pytest.fixture
def here(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, and the current folder."""
    shutil.copytree(small, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def test_a_report_shows_training_evaluation_surprise_samples_and_config(here: Path) -> None:
    said = call("report", "runs/my", cwd=here)
    assert (said.code, said.err) == (0, "")
    assert said.text.splitlines()[-1].startswith("written: runs/my/report.html (")
    page = Page(here / "runs/my/report.html")
    check_harmless(page)
    assert headings(page) == [
        "Training", "Evaluation", "Loss and calibration", "Worst passages", "Surprise", "Neurons", "Saturated gates",
        "Gradient flow", "Samples over time", "Configuration",
    ]  # fmt: skip
    records = read_log(here / "runs/my/log.jsonl")
    best = min(record["valid_loss"] for record in records if record["valid_loss"] is not None)
    assert f"Best validation loss {best:.4f} nats per character" in page.words
    assert said.text.splitlines()[0].endswith(f", best {best:.4f}")
    assert f"best {best:.4f}" in page.source
    told = json.loads(call("eval", "runs/my", "--baselines", "--json", cwd=here).out)
    table = {row[0]: row[1:] for row in page.rows if len(row) == 6}
    for row in told["rows"]:
        assert table[row["name"]][0] == f"{row['nats_per_char']:.4f}"
        assert table[row["name"]][2] == f"{row['bits_per_char']:.3f}"
    assert (here / "runs/my/samples/00000010.txt").read_text()[:100].strip()[:20] in page.words
    assert "hidden_size: 8" in page.words
    assert call("report", "runs/my", cwd=here).code == 0  # its own file is replaced
    assert call("train", "my.yaml", "--quiet", "--force", cwd=here).code == 0
    assert not (here / "runs/my/report.html").exists()  # it would show the earlier run


def test_the_surprise_of_each_character_is_its_bits_and_the_guesses_are_the_likeliest(here: Path) -> None:
    loaded = load_checkpoint("runs/my")
    ids = load_corpus(loaded.config).test.ids[:300]
    found = surprise(loaded.model, ids)
    nats, best, chance = found.nats, found.guesses, found.probabilities
    np.testing.assert_allclose(nats, score_each(loaded.model, ids).nats, rtol=1e-4)
    model: Any = loaded.model
    state = model.start(1)
    for k, character in enumerate(ids):  # once more, one character after the other
        logits = model.predict(state)[0].astype(np.float64)
        p = np.exp(logits - logits.max())
        p /= p.sum()
        assert nats[k] == pytest.approx(-np.log(p[character]), rel=1e-4)
        np.testing.assert_allclose(chance[k], np.sort(p)[::-1][:5], rtol=1e-4)
        np.testing.assert_allclose(p[best[k]], chance[k], rtol=1e-4)
        model.feed(ids[k : k + 1, None], state)
    call("eval", "runs/my", "--html", "new.html")
    page = Page(here / "new.html")
    assert len(page.guesses) == len(load_corpus(loaded.config).test)
    for k, told in enumerate(page.guesses[:300]):
        first, second = told.split("\n")
        assert float(re.findall(r"([\d.]+) bits", first)[0]) == pytest.approx(nats[k] / log(2), abs=0.006)
        shares = [float(share) for share in re.findall(r"\xa0([\d.]+)%", second)]
        np.testing.assert_allclose(shares, 100 * chance[k], atol=0.06)


def test_eval_writes_a_page_once_and_prints_the_same_report(here: Path) -> None:
    typed = ["eval", "runs/my", "runs/n", "--novelty"]
    plain, said = call(*typed), call(*typed, "--html", "both.html")
    assert said == plain
    page = Page(here / "both.html")
    check_harmless(page)
    assert any(row[:1] == ["mixture"] for row in page.rows)
    overlap = "Overlap with the training text"
    assert headings(page) == ["Evaluation", "Loss and calibration", "Worst passages", overlap, "Surprise"]
    told = json.loads(call(*typed, "--json").out)
    for each in told["weights"]:
        assert f"{each['weight']:.3f} {each['name']}" in page.words
    assert (
        f"also occurs in the training text: {told['novelty']['longest']:,} of {told['chars']:,} characters"
        in page.words
    )
    again = call("eval", "runs/my", "--html", "both.html")
    assert (again.code, again.out) == (2, b"")
    assert "exists already" in again.err
    same = call("eval", "runs/my", "--html", "new", "--per-char", "new")
    assert (same.code, (here / "new").exists()) == (2, False)


def test_units_and_gradients_are_those_that_were_computed(here: Path) -> None:
    assert call("report", "runs/my", "--unit", "1:3", "--unit", "1:8").code == 0
    page = Page(here / "runs/my/report.html")
    loaded = load_checkpoint("runs/my")
    ids = load_corpus(loaded.config).test.ids
    activity = watch(loaded.network, ids)
    found = followers(activity, loaded.model.vocab, ids)
    rows = [row for row in page.rows if row[0] in FEATURES]
    expected = [
        [f.feature, str(f.layer + 1), str(f.unit + 1), f"{f.correlation:+.2f}", f"{f.explained:.0%}"] for f in found
    ]
    assert rows == expected
    shown = re.findall(r"<h3>Unit (\d+) of layer 1.*?</h3><div class=\"text\">(.*?)</div>", page.source, re.DOTALL)
    assert [int(unit) for unit, _ in shown] == [3, 8, *(f.unit + 1 for f in found[:5] if f.explained >= 0.1)]
    for unit, html in shown:
        values = activity.values[:, :, 0, int(unit) - 1]
        best = int(values.var(axis=0).argmax())
        levels = np.rint(8 * values[:, best] / np.abs(values[:, best]).max()).astype(int)
        read: list[int] = []
        for kind, level, text, plain in re.findall(r'<i class="([hc])(\d)">(.*?)</i>|([^<]+)', html, re.DOTALL):
            letters = unescape(text or plain).replace("⏎\n", "⏎")
            read += [int(level or 0) * (-1 if kind == "c" else 1)] * len(letters)
        assert read == levels.tolist()
    weights = flow(loaded.network, ids).weights
    drawn = {row[0]: row[1:] for row in page.rows if row[0].startswith("layer 1, ")}
    for w in weights:
        assert drawn[f"layer 1, {w.gate}"][:2] == [f"{w.radius:.3g}", f"{w.singular[0]:.3g}"]
    for bad in ("1", "2:1", "0:1", "1:0", "1:9", "1:x", "1:²", ":", "1:" + "9" * 5000):
        said = call("report", "runs/my", "--unit", bad)
        assert (said.code, said.out, len(said.lines)) == (2, b"", 1)
        assert "from 1:1 to 1:8" in said.err
    assert "--unit shows a unit of a network, and an n-gram has none" in call("report", "runs/n", "--unit", "1:1").err


def as_json(found: GradientFlow) -> Any:
    return json.loads(json.dumps(ModelFlow("", None, found).to_dict()))


def test_flow_shows_models_beside_one_another_and_draws_them(here: Path) -> None:
    said = call("flow", "runs/my", "my.yaml", "--out", "flow.svg")
    told = json.loads(call("flow", "runs/my", "my.yaml", "--json").out)
    assert (said.code, said.err) == (0, "")
    assert [each["name"] for each in told] == ["runs/my", "my.yaml"]
    loaded = load_checkpoint("runs/my")
    ids = load_corpus(loaded.config).test.ids
    assert told[0] == {**as_json(flow(loaded.network, ids)), "name": "runs/my", "clipped": mock.ANY}
    start = charrnn.Run(charrnn.load_config("my.yaml"))
    try:
        assert told[1] == {**as_json(flow(start.network, ids)), "name": "my.yaml", "clipped": mock.ANY}
    finally:
        start.close()
    assert told[1]["clipped"] is None
    assert told[0]["clipped"] == pytest.approx(np.mean([r["clipped"] for r in read_log(here / "runs/my/log.jsonl")]))
    lines = said.text.splitlines()
    for line, each in zip(lines[1:], told, strict=True):
        norms = each["norms"][0]
        assert line.split()[:4] == [each["name"], "1", f"{norms[9] / norms[0]:.2g}", f"{norms[99] / norms[0]:.2g}"]
    tree = ET.parse("flow.svg").getroot()
    texts = [element.text for element in tree.iter("{http://www.w3.org/2000/svg}text")]
    assert {"runs/my", "my.yaml", "Gradient for the state of layer 1"} <= {*texts}
    assert call("flow", "runs/my", "--out", "flow.svg").code == 2
    for bad in ("runs/n", "nothing", "text.txt", "runs"):
        wrong = call("flow", "runs/my", bad)
        assert (wrong.code, wrong.out) == (2, b""), bad


def test_the_share_of_clipped_steps_counts_steps_not_records() -> None:
    records = [{"step": 100, "clipped": 0.5}, {"step": 90, "rollback": "loss nan"}, {"step": 110, "clipped": 0.0}]
    assert clipped_share(records) == pytest.approx(50 / 110)
    assert clipped_share([]) is None


def test_the_page_of_an_n_gram_has_no_sections_about_a_network(here: Path) -> None:
    assert call("report", "runs/n").code == 0
    page = Page(here / "runs/n/report.html")
    check_harmless(page)
    assert headings(page) == ["Evaluation", "Loss and calibration", "Worst passages", "Surprise", "Configuration"]
    assert "5-gram, kneser-ney" in page.words


def test_a_checkpoint_alone_needs_a_file_to_write_to_and_no_run_around_it(here: Path) -> None:
    (here / "alone").mkdir()
    shutil.copy("runs/my/best.npz", "alone/model.npz")
    refused = call("report", "alone/model.npz")
    assert (refused.code, refused.out) == (2, b"")
    assert "--out FILE.html" in refused.err
    assert call("report", "alone/model.npz", "--out", "alone.html").code == 0
    page = Page(here / "alone.html")
    assert not {"Training", "Samples over time"} & set(headings(page))
    assert {"Evaluation", "Surprise"} <= set(headings(page))
    assert call("report", "alone/model.npz", "--out", "alone.html").code == 2


def test_a_missing_or_changed_text_is_reported_and_the_rest_is_shown(here: Path) -> None:
    for change in ((here / "text.txt").write_text, lambda _: (here / "text.txt").unlink()):
        change("another text")
        said = call("report", "runs/my")
        assert (said.code, len(said.lines)) == (0, 1)
        assert said.err.startswith("charrnn: without evaluation: ")
        page = Page(here / "runs/my/report.html")
        assert {"Training", "Evaluation", "Samples over time", "Configuration"} <= set(headings(page))
        assert not page.guesses
        assert "has changed" in page.words or "does not exist" in page.words


def test_a_log_with_rollbacks_and_rubbish_is_drawn_as_far_as_it_goes(here: Path) -> None:
    path = here / "runs/my/log.jsonl"
    records = read_log(path)
    rollback = {"step": 5, "rollback": "loss nan", "learning_rate": 0.001, "seconds": 1.0}
    odd = ["{", "[1]", "3", "null", '{"step": 7, "loss": "x"}', '{"step": 8, "loss": 1e999}', "[" * 100_000, "\x00\xff"]
    odd += ['{"step": 9, "loss": 1%s}' % ("0" * 400), '{"step": [], "loss": {}, "rollback": 1}', json.dumps(rollback)]
    path.write_text("\n".join([*odd, *map(json.dumps, records)]))
    assert [step for step, _ in column(read_log(path), "loss")] == [record["step"] for record in records]
    assert call("report", "runs/my").code == 0
    page = Page(here / "runs/my/report.html")
    check_harmless(page)
    assert ">rollback</text>" in page.source


@pytest.mark.parametrize("tokens", ["char", "byte"])
def test_a_text_full_of_html_yields_no_live_element(tokens: str, tmp_path: Path, monkeypatch: Any) -> None:
    config = SMALL.replace("data: {", f"data: {{tokens: {tokens}, ")
    folder = project(tmp_path / "<img src=x onerror=alert(3)>", ATTACK * 100, config)
    monkeypatch.chdir(folder)
    assert call("train", "my.yaml", "--quiet", "--out", "runs/<b>&amp;", cwd=folder).code == 0
    (folder / "runs/<b>&amp;/samples/<script>.txt").write_text(ATTACK)
    assert call("report", "runs/<b>&amp;").code == 0
    assert call("eval", "runs/<b>&amp;", "--html", "e.html").code == 0
    for path in (folder / "runs/<b>&amp;/report.html", folder / "e.html"):
        page = Page(path)
        check_harmless(page)
        assert "<img src=x onerror=alert(1)>" in page.words  # there to be read
        assert "runs/<b>&amp;" in page.words


def test_the_parser_of_these_tests_would_find_a_live_element(tmp_path: Path) -> None:
    (tmp_path / "bad.html").write_text("<p>a</p><img src=x onerror=alert(1)>")
    with pytest.raises(AssertionError, match="img"):
        check_harmless(Page(tmp_path / "bad.html"))


def test_a_large_text_gets_no_baselines(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("charrnn.cli.report.MAX_BASELINE_CHARS", 1000)
    assert call("report", "runs/my").code == 0
    assert [row[0] for row in Page(here / "runs/my/report.html").rows if len(row) == 6] == ["model", "lstm 1 x 8"]


def test_a_run_without_held_out_text_or_with_hardly_any_is_drawn_as_far_as_it_goes(here: Path) -> None:
    for name, fractions in (("none", "[1,0,0]"), ("hardly", "[0.9999,0,0.0001]")):
        train = ["train", "my.yaml", "--quiet", "--set", f"data.fractions={fractions}", "--out", f"runs/{name}"]
        assert call(*train, cwd=here).code == 0
        assert call("report", f"runs/{name}", cwd=here) == Result(0, mock.ANY, mock.ANY)
        page = Page(here / f"runs/{name}/report.html")
        check_harmless(page)
        assert {"Training", "Evaluation", "Configuration"} <= set(headings(page))
        said = call("flow", f"runs/{name}")
        assert said.code == (2 if name == "none" else 0)


def test_what_cannot_be_written_is_one_line_and_leaves_nothing(here: Path) -> None:
    before = sorted(path.name for path in (here / "runs/my").iterdir())
    for typed in (
        ["report", "nothing"],
        ["report", "text.txt", "--out", "x.html"],
        ["report", "runs/my", "--out", "no/x.html"],
    ):
        said = call(*typed)
        assert (said.code, said.out, len(said.lines)) == (2, b"", 1), typed
    assert sorted(path.name for path in (here / "runs/my").iterdir()) == before
    assert isinstance(charrnn.load("runs/my"), charrnn.Network)
