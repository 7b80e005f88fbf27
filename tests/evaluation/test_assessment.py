"""The whole report: the models, their mixture, what adapts and the baselines, each as it is computed apart."""

import bz2
import lzma
from contextlib import closing
from dataclasses import replace
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charrnn.config.building import config_from_dict
from charrnn.config.keys import Config
from charrnn.data.corpus import choose_split
from charrnn.data.splits import Split
from charrnn.data.vocab import Vocab
from charrnn.errors import CheckpointError, TextError
from charrnn.evaluation.assessment import ReportOptions, assess
from charrnn.evaluation.baselines import baselines, best_order, xz_size
from charrnn.evaluation.dynamic import score_dynamically
from charrnn.evaluation.mixture import cross_mix, fit_weights, mix
from charrnn.evaluation.novelty import novelty
from charrnn.evaluation.results import Assessment
from charrnn.evaluation.scoring import Scores, score, score_each
from charrnn.evaluation.windows import score_in_windows
from charrnn.models.gated_network import GatedNetwork
from charrnn.models.loading import SavedModel, is_checkpoint, load_checkpoint
from charrnn.models.network import Network
from charrnn.models.ngram import NGram
from charrnn.training.fit_ngram import fit
from charrnn.training.opening import open_run
from tests.support.processes import TALES

TEXT = TALES.read_text()[:12_000]


def config_for(folder: Path, name: str, **model: object) -> Config:
    (folder / "text.txt").write_text(TEXT)
    return config_from_dict({
        "data": {"path": str(folder / "text.txt"), "fractions": [0.8, 0.1, 0.1]},
        "model": {"cell": "lstm"} | model,
        "train": {"max_steps": 400, "batch_size": 8, "seq_length": 24, "learning_rate": 0.02, "sample_length": 0,
                  "optimizer": "adam", "schedule": "constant"},
        "out": str(folder / name),
    })  # fmt: skip


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> SavedModel:
    """A small network, trained a little."""
    config = config_for(tmp_path_factory.mktemp("assess"), "network", hidden_size=32, num_layers=1)
    run = open_run(config)
    list(run)
    run.close()
    return load_checkpoint(str(config.out))


@pytest.fixture(scope="module")
def ngram(network: SavedModel) -> SavedModel:
    """An n-gram of the same text."""
    config = config_for(network.path.parents[1], "ngram", cell="ngram", order=4)
    fit(config)
    return load_checkpoint(str(config.out))


def loss(report: Assessment, name: str) -> float:
    """The nats per character in the first row whose name begins so."""
    return next(row.figures.nats_per_char for row in report.rows if row.name.startswith(name))


def test_a_report_holds_all_that_was_asked_for_each_as_computed_apart(network: SavedModel, ngram: SavedModel) -> None:
    corpus = network.corpus()
    split, train = choose_split(corpus, None), corpus.train.ids
    assert split is corpus.test
    report, scores = assess(
        [network, ngram], split, corpus, ReportOptions(baselines=True, novelty=True, dynamic="sgd", dynamic_rate=0.1)
    )
    logs = {
        part: np.array([-score_each(m.model, ids).nats for m in (network, ngram)])
        for part, ids in (("valid", corpus.valid.ids), ("test", split.ids))
    }
    weights = fit_weights(logs["valid"])
    np.testing.assert_array_equal(scores.nats, -logs["test"][0])
    assert [each.weight for each in report.weights] == pytest.approx(weights.tolist())
    assert loss(report, "mixture") == pytest.approx(-mix(logs["test"], weights).mean())
    for name, each in (("lstm", network), ("4-gram", ngram)):
        assert loss(report, name) == pytest.approx(score(each.model, split.ids).nats_per_char)
    adapted = score_dynamically(network.network, split.ids, train, "sgd", 0.1)
    assert loss(report, f"lstm 1 x 32 ({network.name}), dynamic") == pytest.approx(adapted.mean())
    both = mix(np.array([-adapted, logs["test"][1]]), weights)
    assert loss(report, "mixture, dynamic (sgd)") == pytest.approx(-both.mean())
    assert report.novelty is not None
    start, stop = report.novelty.start, report.novelty.start + report.novelty.longest
    passage = network.model.vocab.decode(split.ids[start:stop])
    assert report.novelty == replace(novelty(train, split.ids), passage=passage)
    for name, made in baselines(network.model.vocab, train, split.ids):
        nats = made.nats.sum() if isinstance(made, Scores) else made
        assert loss(report, name) == pytest.approx(nats / len(split))


@pytest.mark.parametrize("window", [None, 64])
def test_a_network_with_an_ngram_inside_is_followed_by_each_of_them_alone(
    network: SavedModel, window: int | None
) -> None:
    config = config_for(network.path.parents[1], f"gated-{window}", hidden_size=16, num_layers=1, ngram=4)
    with closing(open_run(config)) as run:
        list(zip(range(60), run, strict=False))
        run.save()
    gated, corpus = load_checkpoint(str(config.out) + "/last.npz"), network.corpus()
    report, _ = assess([gated], corpus.test, corpus, ReportOptions(window=window))
    inside = gated.language_model
    assert isinstance(inside, GatedNetwork)
    assert len(report.rows) == 3
    for name, model in (("", inside), (", network alone", inside.network), (", n-gram alone", inside.ngram)):
        scores = score_in_windows(model, corpus.test.ids, window) if window else score_each(model, corpus.test.ids)
        assert loss(report, f"lstm 1 x 16 with a 4-gram{name}") == pytest.approx(scores.nats.mean())
    both, _ = assess([network, gated], corpus.test, corpus, ReportOptions(window=window))
    assert [row.name.partition(", ")[2] for row in both.rows] == ["", "", "", "network alone", "n-gram alone"]


def test_a_mixture_is_better_than_both(network: SavedModel, ngram: SavedModel) -> None:
    corpus = network.corpus()
    report, _ = assess([network, ngram], corpus.test, corpus, ReportOptions())
    alone = [loss(report, name) for name in ("lstm", "4-gram")]
    assert loss(report, "mixture") < min(alone)


def test_where_validation_is_scored_each_half_gets_the_weights_of_the_other(
    network: SavedModel, ngram: SavedModel
) -> None:
    corpus = network.corpus()
    report, _ = assess([network, ngram], corpus.valid, corpus, ReportOptions())
    logs = np.array([-score_each(m.model, corpus.valid.ids).nats for m in (network, ngram)])
    assert loss(report, "mixture") == pytest.approx(-cross_mix(logs)[0].mean())


def test_without_a_validation_split_models_have_equal_weights(network: SavedModel, ngram: SavedModel) -> None:
    corpus = network.corpus()
    none = replace(corpus, valid=Split("valid", corpus.valid.ids[:0]))
    report, _ = assess([network, ngram], corpus.test, none, ReportOptions())
    logs = np.array([-score_each(m.model, corpus.test.ids).nats for m in (network, ngram)])
    assert [each.weight for each in report.weights] == [0.5, 0.5]
    assert loss(report, "mixture") == pytest.approx(-mix(logs, np.array([0.5, 0.5])).mean())


def test_the_network_is_left_as_it_was(network: SavedModel) -> None:
    corpus, before = network.corpus(), network.network.params.values.copy()
    assess([network], corpus.test, corpus, ReportOptions(dynamic="rms", novelty=True))
    np.testing.assert_array_equal(network.network.params.values, before)


def with_header(saved: SavedModel, **changes: Any) -> SavedModel:
    return replace(saved, header=replace(saved.header, **changes))


def test_models_that_do_not_go_together_are_refused(network: SavedModel, ngram: SavedModel) -> None:
    corpus = network.corpus()
    for other, reason in (
        (with_header(ngram, fingerprint={"path": "0" * 64}), "another text or split"),
        (with_header(ngram, splits={"train": 1}), "another text or split"),
        (
            with_header(ngram, config=replace(ngram.config, data=replace(ngram.config.data, split="streams"))),
            "or split",
        ),
        (replace(ngram, model=NGram(Vocab("ab"), np.zeros(9, np.uint8), 2)), "another vocabulary"),
    ):
        with pytest.raises(CheckpointError, match=reason):
            assess([network, other], corpus.test, corpus, ReportOptions())
    with pytest.raises(CheckpointError, match="n-gram"):
        assess([ngram], corpus.test, corpus, ReportOptions(dynamic="rms"))
    with pytest.raises(TextError, match="no text to score: all 7 characters"):
        assess([network], Split("x", corpus.test.ids[:0], 7), None, ReportOptions())


# -- baselines ----------------------------------------------------------------------------------------------------


def test_the_baselines_are_what_they_are_called() -> None:
    vocab = Vocab("".join(sorted(set(TEXT))))
    train, ids = vocab.encode(TEXT[:9000]), vocab.encode(TEXT[9000:])
    found = dict(baselines(vocab, train, ids))
    nats = {name: each.nats.sum() if isinstance(each, Scores) else each for name, each in found.items()}
    order = best_order(train, vocab.size)
    assert list(nats) == ["uniform", "unigram", f"{order}-gram, Kneser-Ney", "xz -9e", "bzip2 -9"]
    assert nats["uniform"] == pytest.approx(3000 * log(vocab.size))
    counts = {symbol: TEXT[:9000].count(symbol) + 1 for symbol in vocab.symbols}
    unigram = -sum(log(counts[symbol] / sum(counts.values())) for symbol in TEXT[9000:])
    assert nats["unigram"] == pytest.approx(unigram)
    assert nats[f"{order}-gram, Kneser-Ney"] == pytest.approx(score(NGram(vocab, train, order), ids).nats)
    both, known = TEXT.encode(), TEXT[:9000].encode()
    added = len(bz2.compress(both, 9)) - len(bz2.compress(known, 9))
    assert nats["bzip2 -9"] == pytest.approx(added * 8 * log(2))
    # an .xz file is the same stream in a frame that is equally long for both, but for padding and the size of an index
    added = len(lzma.compress(both, preset=9 | lzma.PRESET_EXTREME)) - len(
        lzma.compress(known, preset=9 | lzma.PRESET_EXTREME)
    )
    assert nats["xz -9e"] == pytest.approx(added * 8 * log(2), abs=9 * 8 * log(2))


def test_the_best_order_is_chosen_on_the_end_of_the_training_text_alone() -> None:
    vocab = Vocab("".join(sorted(set(TEXT))))
    train = vocab.encode(TEXT)
    cut = int(len(train) * 0.9)
    losses = [score(NGram(vocab, train[:cut], n), train[cut:]).nats for n in range(1, 9)]
    assert best_order(train, vocab.size) == 1 + int(np.argmin(losses)) > 2


@pytest.mark.parametrize("length", [1, 2, 3, 11])
def test_the_shortest_training_texts_have_baselines(length: int) -> None:
    ids = np.arange(length) % 3
    assert len(list(baselines(Vocab("abc"), ids, np.array([0, 1, 2])))) == 5


def test_xz_sees_the_whole_training_text() -> None:
    noise = np.random.default_rng(0).integers(0, 256, 1 << 17).astype(np.uint8).tobytes()
    assert xz_size(noise + noise) - xz_size(noise) < 500


# -- which argument is a model ------------------------------------------------------------------------------------


def test_a_checkpoint_is_known_by_its_content(network: SavedModel, tmp_path: Path) -> None:
    text, moved = tmp_path / "a.npz", tmp_path / "no ending"
    text.write_text("PK, said the fox. header.npy")
    moved.write_bytes(network.path.read_bytes())
    assert is_checkpoint(moved)
    assert is_checkpoint(network.path.parent)
    for other in (text, tmp_path, tmp_path / "missing", "-", "a\0b"):
        assert not is_checkpoint(other)


def test_a_network_and_an_n_gram_come_from_the_same_call(network: SavedModel, ngram: SavedModel) -> None:
    assert isinstance(network.model, Network)
    assert isinstance(ngram.model, NGram)
    with pytest.raises(CheckpointError, match="n-gram"):
        ngram.network  # noqa: B018
