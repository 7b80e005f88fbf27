"""Runs on examples: what each step computes, what is kept, and that a run goes on bit for bit from any step."""

import json
import os
from contextlib import closing
from dataclasses import replace
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charrnn.config.building import config_from_dict, load_config
from charrnn.config.keys import Config
from charrnn.config.train_keys import TrainConfig
from charrnn.data.example_loading import load_examples
from charrnn.data.length_batches import LengthBatches
from charrnn.errors import CheckpointError, ConfigError, TextError
from charrnn.evaluation import task_validation
from charrnn.evaluation.predicting import predict, thresholds_of
from charrnn.evaluation.rank_metrics import best_threshold
from charrnn.models.header import Header
from charrnn.models.loading import load, load_checkpoint
from charrnn.models.task_model import TaskModel, task_of
from charrnn.models.task_network import TaskNetwork
from charrnn.optim.clipping import clip_, global_norm
from charrnn.optim.rules import Hyper, Optimizer
from charrnn.storage import checkpoint
from charrnn.training import material
from charrnn.training.advice import conclusion, next_commands
from charrnn.training.class_weights import balanced_weights
from charrnn.training.defaults import EXAMPLE_RECIPES, settled
from charrnn.training.estimate import estimate_run
from charrnn.training.loop import Run
from charrnn.training.opening import open_run
from charrnn.training.state import Progress
from tests.support.example_files import KINDS, example_config, write_examples
from tests.support.runs import BEST, LAST, PREVIOUS, RUN, kept, records, snapshot, timeless


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory with examples of every kind; nothing waits for a disk."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    write_examples(tmp_path)


def finish(run: Run) -> list[Progress]:
    with closing(run):
        return list(run)


def completed(config: Any, **how: Any) -> Run:
    run = open_run(config, **how)
    finish(run)
    return run


# -- what a step computes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_is_the_plain_loop_and_nothing_more(kind):
    config = example_config(kind, train={"clip_norm": 0.3})
    run = Run(config)
    corpus = run.corpus
    task = task_of(run.config, corpus.vocab, corpus.labels)
    network = TaskNetwork(run.config.model, task)
    network.initialise(np.random.default_rng(config.seed))
    rule, steps = Optimizer("adam", network.params.values, Hyper()), iter(run)
    batches = LengthBatches(corpus.train.examples, 8, config.seed, task.tag)
    for epoch in range(2):
        for k in range(len(batches)):
            batch = batches.batch(k, epoch)
            tape = network.tape(batches.longest, len(batch.lengths))
            loss = network.forward(batch, tape)
            network.backward(batch, tape)
            norm = global_norm(network.params.grads)
            clip_(network.params.grads, norm, 0.3, None)
            progress = next(steps)
            assert (progress.loss, progress.grad_norm) == (loss, norm)
            rule.step(network.params.values, network.params.grads, 5e-3, progress.step)
    assert next(steps, None) is None
    np.testing.assert_array_equal(run.network.params.values, network.params.values)


@pytest.mark.parametrize(
    ("kind", "model", "figure", "least"),
    [
        *(("softmax", {"pooling": pooling}, "accuracy", 0.8) for pooling in ("last", "mean", "max")),
        ("sigmoid", {}, "auc", 0.9),
        ("tag", {}, "accuracy", 0.95),
        ("conll", {}, "span_f1", 0.6),
    ],
)
def test_a_run_learns_what_is_easy(kind, model, figure, least):
    train = {"epochs": 40, "learning_rate": 0.02, "eval_every": 20, "patience": None}
    run = Run(example_config(kind, model={"hidden_size": 16} | model, train=train))
    figures = [progress.record.valid_figures[figure] for progress in finish(run) if evaluated(progress)]
    assert max(figures) >= least


def evaluated(progress: Progress) -> bool:
    return progress.record is not None and progress.record.valid_loss is not None


def test_numbers_are_learned_in_their_own_unit():
    run = Run(example_config("linear", model={"hidden_size": 16}, train={"epochs": 40, "learning_rate": 0.02}))
    finish(run)
    model = run.material.model(run.network)
    numbers = model.predict(["ab", "abababab"])
    assert numbers[:, 0] == pytest.approx([2, 8], abs=1)


@pytest.mark.parametrize("kind", KINDS)
def test_every_example_is_read_once_in_every_epoch(kind):
    run = Run(example_config(kind, train={"epochs": 3}))
    finish(run)
    assert run.state.chars == 3 * len(run.corpus.train.examples.ids)


@pytest.mark.parametrize("kind", ["softmax", "tag"])
def test_balanced_weights_have_a_mean_of_one_and_weigh_every_label_alike(kind):
    run = Run(example_config(kind, train={"class_weights": "balanced"}))
    targets = run.corpus.train.examples.targets
    weights = np.array(balanced_weights(targets, len(run.corpus.labels)))
    assert run.material.task.class_weights == tuple(weights)
    assert weights[targets].mean() == pytest.approx(1)
    sums = np.bincount(targets, weights[targets])
    assert sums == pytest.approx(np.full(len(sums), sums[0]))
    run.close()


def test_a_label_without_a_target_has_no_weight():
    assert balanced_weights(np.array([0, 0, 2, -1]), 3) == (0.75, 0.0, 1.5)


@pytest.mark.parametrize("kind", ["softmax", "tag"])
def test_labels_have_the_weights_of_a_mapping_and_the_others_one(kind):
    plain = completed(example_config(kind))
    name = plain.corpus.labels.names[1]
    weighted = completed(example_config(kind, out="weighted", train={"class_weights": {name: 4}}))
    others = [1.0] * (len(plain.corpus.labels) - 2)
    assert weighted.material.task.class_weights == (1.0, 4.0, *others)
    assert not np.array_equal(plain.network.params.values, weighted.network.params.values)
    assert load_config("weighted/config.yaml") == weighted.config
    resumed = open_run(replace(weighted.config, train=replace(weighted.config.train, epochs=3)), resume=True)
    assert resumed.material.task.class_weights == weighted.material.task.class_weights
    resumed.close()


def test_a_weight_of_an_unknown_label_names_the_nearest_before_anything_is_written():
    name = completed(example_config("softmax")).corpus.labels.names[0]
    config = example_config("softmax", out="other", train={"class_weights": {name + "x": 2, name: 1}})
    with pytest.raises(ConfigError, match=f"no example has the label '{name}x'; did you mean .*'{name}'") as caught:
        open_run(config)
    assert len(str(caught.value).splitlines()) == 1
    assert not Path("other").exists()


# -- validation ---------------------------------------------------------------------------------------------------


def test_the_validation_loss_is_that_of_the_network_on_the_validation_split():
    for kind in KINDS:
        run = Run(example_config(kind))
        finish(run)
        examples = run.corpus.valid.examples
        batch = LengthBatches(examples, len(examples), None, run.material.task.tag)[0]
        found = run.material.validate(run.network)
        network = run.network
        assert found.loss == pytest.approx(network.forward(batch, network.tape(20, len(examples))), rel=1e-5)
        assert found.loss == pytest.approx(run.state.history[-1].valid_loss, rel=1e-12)


def test_the_figures_are_those_that_one_counts(monkeypatch):
    run = Run(example_config("softmax"))
    truth = run.corpus.valid.examples.targets
    names = len(run.corpus.labels)
    labels = np.where(np.arange(len(truth)) % 2, truth, (truth + 1) % names)
    p = np.eye(names)[labels] * 0.7 + 0.1
    monkeypatch.setattr(TaskModel, "predict_examples", lambda *_, **options: p)
    found, _ = task_validation.validation_figures(run.material.model(run.network), run.corpus.valid)
    run.close()
    right = labels == truth
    assert found["accuracy"] == right.mean()
    assert found["loss"] == pytest.approx(-(right * log(0.8) + ~right * log(0.1)).mean())
    f1 = []
    for k in set(truth) | set(labels):
        hits = ((truth == k) & (labels == k)).sum()
        f1.append(2 * hits / ((truth == k).sum() + (labels == k).sum()))
    assert found["macro_f1"] == pytest.approx(np.mean(f1))


@pytest.mark.parametrize(
    ("kind", "best"),
    [("softmax", "accuracy"), ("softmax", "macro_f1"), ("sigmoid", "auc"), ("linear", "rmse"), ("conll", "span_f1")],
)
def test_the_best_model_is_the_one_with_the_best_figure(kind, best, monkeypatch):
    values = iter([0.5, 0.7, 0.7, 0.6, 0.9, 0.8])
    losses = iter([9.0, 8.0, 7.0, 6.0, 5.0, 4.0])
    monkeypatch.setattr(
        material, "validation_figures", lambda *_: ({"loss": next(losses), best: round(sign * next(values), 3)}, ())
    )
    sign = -1 if best == "rmse" else 1
    run = completed(example_config(kind, train={"best": best, "eval_every": 1, "max_steps": 6}))
    assert (run.state.best, run.state.best_step) == (sign * 0.9, 5)
    assert load_checkpoint(RUN / BEST).step == 5


def test_patience_follows_the_figure_and_not_the_loss(monkeypatch):
    values, losses = iter([0.5, 0.5, 0.4, 0.9]), iter([9.0, 8.0, 7.0, 6.0])
    monkeypatch.setattr(
        material, "validation_figures", lambda *_: ({"loss": next(losses), "accuracy": next(values)}, ())
    )
    run = completed(example_config("softmax", train={"best": "accuracy", "eval_every": 1, "patience": 2}))
    assert (run.state.step, run.state.best_step) == (3, 1)
    assert run.state.stopped


def test_a_figure_that_is_not_defined_is_never_the_best(monkeypatch):
    values = iter([np.nan, 0.5, np.nan])
    monkeypatch.setattr(material, "validation_figures", lambda *_: ({"loss": 1.0, "auc": next(values)}, ()))
    run = completed(example_config("sigmoid", train={"best": "auc", "eval_every": 1, "max_steps": 3}))
    assert (run.state.best, run.state.best_step) == (0.5, 2)
    assert [line["valid_auc"] for line in records()] == [None, 0.5, None]


# -- what is kept -------------------------------------------------------------------------------------------------


def test_the_log_holds_the_figures_and_nothing_about_characters_as_targets():
    completed(example_config("softmax", train={"log_every": 1, "eval_every": 4}))
    lines = records()
    assert [("valid_accuracy" in line) for line in lines] == [line["step"] % 4 == 0 for line in lines]
    assert not {"bits_per_char", "perplexity"} & set(lines[0])
    assert {"step", "epoch", "chars", "loss", "valid_loss", "learning_rate", "clipped"} <= set(lines[0])


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_model_predicts_as_the_run_does(kind):
    run = completed(example_config(kind))
    model = load(RUN / LAST)
    assert isinstance(model, TaskModel)
    own, saved = (m.predict(["ab", "", "deo ab", "éa"]) for m in (run.material.model(run.network), model))
    for one, other in zip(own, saved, strict=True):
        np.testing.assert_array_equal(one, other)
    assert model.config.data.format != "auto"
    assert load_checkpoint(RUN).examples().facts == run.corpus.facts


def test_an_empty_text_has_no_prediction_and_order_is_kept():
    completed(example_config("softmax"))
    model = load(RUN)
    together = model.predict(["abeio", "", "d", "cccccc"], batch_size=2)
    assert np.isnan(together[1]).all()
    for k, text in enumerate(["abeio", "", "d", "cccccc"]):
        np.testing.assert_allclose(together[k], model.predict([text])[0], atol=1e-6)
    completed(example_config("tag", out="tagger"))
    assert [len(own) for own in load("tagger").predict(["abe", "", "d"])] == [3, 0, 1]


def test_a_text_model_is_told_from_a_task_in_one_line():
    completed(example_config("softmax"))
    saved = load_checkpoint(RUN)
    with pytest.raises(CheckpointError, match="this is a classifier, not a language model; use charrnn predict"):
        _ = saved.network
    with pytest.raises(CheckpointError, match="classifier"):
        saved.corpus()


def test_renaming_a_file_that_names_a_class_is_another_text():
    completed(example_config("files", train={"max_steps": 3}))
    Path("files/other.txt").rename("files/others.txt")
    with pytest.raises(TextError, match="changed"):
        load_checkpoint(RUN).examples()


# -- resuming -----------------------------------------------------------------------------------------------------

DROPS = {"num_layers": 2, "dropout": 0.4, "input_dropout": 0.3}


@pytest.mark.parametrize("kind", ["softmax", "sigmoid", "linear", "tag", "conll"])
def test_a_run_goes_on_bit_for_bit_from_every_step(kind):
    often = {"save_every": 1, "eval_every": 3, "log_every": 2, "epochs": 2, "shards": 2}
    config = example_config(kind, model=DROPS, train=often)
    whole = completed(config)
    expected = timeless(snapshot())
    for step in range(1, whole.plan.steps):
        with closing(open_run(example_config(kind, out="part", model=DROPS, train=often), force=True)) as run:
            for progress in run:
                if progress.step == step:
                    break
        completed(example_config(kind, out="part", model=DROPS, train=often), resume=True)
        assert timeless(snapshot(Path("part"))) == expected | {
            "config.yaml": timeless(snapshot(Path("part")))["config.yaml"]
        }, step


@pytest.mark.parametrize("kind", ["softmax", "sigmoid", "tag"])
def test_any_number_of_workers_gives_the_same_bits(kind):
    config = example_config(kind, model=DROPS, train={"shards": 4, "epochs": 2})
    values = []
    for workers in (1, 2, 4):
        run = Run(config, workers=workers)
        finish(run)
        values.append(run.network.params.values.tobytes())
    assert values[0] == values[1] == values[2]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("train", {"class_weights": "balanced"}),
        ("train", {"label_smoothing": 0.1}),
        ("model", {"pooling": "max"}),
        ("data", {"split_seed": 2}),
        ("model", {"bidirectional": False}),
    ],
)
def test_a_run_is_not_resumed_with_other_settings(key, value):
    completed(example_config("softmax", train={"max_steps": 3}))
    (name,) = value
    train = {"max_steps": 6} | (value if key == "train" else {})
    with pytest.raises(CheckpointError, match=f"{key}.{name} was"):
        open_run(example_config("softmax", **({key: value} | {"train": train})), resume=True)


def test_a_run_is_not_resumed_on_other_examples():
    completed(example_config("softmax", train={"max_steps": 3}))
    with open("rows.tsv", "a") as file:
        file.write("abba\tother\t1\t0\t4\tVCCV\n")
    with pytest.raises(CheckpointError, match="the text has changed"):
        open_run(example_config("softmax", train={"max_steps": 6}), resume=True)


def test_fine_tuning_is_for_language_models():
    completed(example_config("softmax", train={"max_steps": 3}))
    with pytest.raises(ConfigError, match="--init-from goes with a language model only"):
        open_run(example_config("softmax", out="other"), init_from=RUN)


# -- damage -------------------------------------------------------------------------------------------------------


def rewritten(change: Any) -> None:
    """Replace the checkpoints of a run by ones whose header or arrays were changed."""
    document, arrays = checkpoint.load(RUN / LAST)
    change(document, arrays)
    for name in (BEST, LAST):
        checkpoint.save(RUN / name, document, arrays)
    (RUN / PREVIOUS).unlink(missing_ok=True)


DAMAGES = {
    "no labels": lambda header, arrays: header.pop("labels"),
    "labels of another type": lambda header, arrays: header.update(labels=["a", "b"]),
    "one label twice": lambda header, arrays: header["labels"].update(names=["a", "a", "b"]),
    "no name of a label": lambda header, arrays: header["labels"].update(names=[]),
    "a label that is a number": lambda header, arrays: header["labels"].update(names=["a", "b", 3]),
    "a label too many": lambda header, arrays: header["labels"].update(names=["a", "b", "c", "d"]),
    "means without numbers": lambda header, arrays: header["labels"].update(means=[0.0, 0.0, 0.0]),
    "a vocabulary without an unknown symbol": lambda header, arrays: header["vocab"].update(has_unknown=False),
    "no format": lambda header, arrays: header["config"]["data"].update(format="auto"),
    "another output": lambda header, arrays: header["config"]["model"].update(output="linear"),
    "one direction": lambda header, arrays: header["config"]["model"].update(bidirectional=False, hidden_size=6),
    "no array": lambda header, arrays: arrays.pop(next(iter(arrays))),
    "a wider array": lambda header, arrays: arrays.update({"weight_ih_l0": np.zeros((9, 99), "<f4")}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_refused_in_one_line(damage):
    completed(example_config("softmax", train={"max_steps": 3}))
    rewritten(DAMAGES[damage])
    with pytest.raises(CheckpointError, match="damaged") as error:
        load(RUN)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("numbers", [[0.0, 1.0], ["x"], [1], [], 3])
@pytest.mark.parametrize("name", ["means", "deviations"])
def test_numbers_that_cannot_restore_a_unit_are_refused(name, numbers):
    completed(example_config("linear", train={"max_steps": 3}))
    rewritten(lambda header, arrays: header["labels"].update({name: numbers}))
    with pytest.raises(CheckpointError, match="damaged"):
        load(RUN)


def test_a_run_is_resumed_from_the_save_before_a_damaged_one():
    whole = completed(example_config("softmax", train={"save_every": 1}))
    (RUN / LAST).write_bytes((RUN / LAST).read_bytes()[:-200])
    resumed = completed(example_config("softmax", train={"save_every": 1}), resume=True)
    assert resumed.notes
    assert resumed.network.params.values.tobytes() == whole.network.params.values.tobytes()


# -- what is said -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target": "vowels", "fractions": [0.9, 0.05, 0.05]}, "has no other example"),
        ({"target": "nothing"}, "no column is called 'nothing'"),
        ({"source": 9, "target": 2}, "no row has a column 9"),
        ({"path": "nowhere.tsv"}, "nowhere.tsv does not exist"),
        ({"path": "files"}, "says nothing about the format"),
    ],
)
def test_what_is_wrong_with_the_examples_is_said_before_anything_is_written(change, message):
    with pytest.raises(TextError, match=message):
        open_run(example_config("softmax", data=change))
    assert not RUN.exists()


def test_a_single_label_is_nothing_to_learn():
    Path("one.tsv").write_text("".join(f"word{k}\tsame\n" for k in range(30)))
    with pytest.raises(TextError, match="the only label is 'same'"):
        Run(example_config("softmax", data={"path": "one.tsv", "source": 1, "target": 2}))


def test_the_f1_of_spans_needs_labels_of_spans():
    with pytest.raises(TextError, match="span_f1 needs labels such as B-PER"):
        Run(example_config("tag", train={"best": "span_f1"}))


def test_the_end_names_the_best_figure_and_the_commands_for_a_classifier():
    run = completed(example_config("softmax", train={"best": "accuracy"}))
    assert conclusion(run)[0].startswith(f"Best validation accuracy {run.state.best:.4f} at step")
    assert next_commands(run) == ["charrnn predict run", "charrnn eval run --baselines", "charrnn report run"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_estimate_trains_nothing_and_writes_nothing(kind):
    estimate = estimate_run(example_config(kind), budget=0.01)
    assert estimate.seconds > 0
    assert set(estimate.memory) == {"parameters", "gradients and moments", "one batch", "text"}
    assert not RUN.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_the_facts_of_guessing_are_those_of_the_first_step(kind):
    run = Run(example_config(kind, model={"init": {"scheme": "uniform", "scale": 1e-6}}, train={"max_steps": 1}))
    (first,) = finish(run)
    if kind != "linear":  # whose numbers have a mean square of 1 over all batches
        assert first.loss == pytest.approx(run.facts.guessing, rel=1e-3)
    assert run.facts.unigram_entropy <= run.facts.guessing + 1e-9


def test_the_order_of_the_files_and_the_seed_decide_about_the_bits():
    values = {Run(example_config("softmax", seed=seed)).network.params.values.tobytes() for seed in (1, 1, 2)}
    assert len(values) == 2


def test_the_config_of_a_run_can_be_trained_again():
    completed(example_config("softmax", train={"max_steps": 3}))
    again = completed(load_config(RUN / "config.yaml", out="again"))
    assert kept(Path("again"))[LAST] == kept()[LAST]
    assert again.network.params.values.tobytes() == load(RUN / LAST).network.params.values.tobytes()
    assert json.loads(json.dumps(again.config.to_dict())) == again.config.to_dict()


def test_a_corpus_that_is_read_already_is_not_read_again():
    corpus = load_examples(example_config("softmax"))
    Path("rows.tsv").write_text("gone")
    run = Run(example_config("softmax", data={"format": "tsv"}), corpus)
    assert run.corpus is corpus
    run.close()


def test_few_examples_are_read_more_often_in_smaller_batches():
    few, many = EXAMPLE_RECIPES
    assert (few.longest, few.batch_size, few.epochs) == (2000, 8, 30)
    assert (many.batch_size, many.epochs) == (32, 20)


@pytest.mark.parametrize(("count", "batch_size"), [(5, 5), (300, 8)])
def test_what_a_config_leaves_out_follows_the_number_of_examples(count, batch_size):
    Path("few.tsv").write_text("".join(f"{chr(97 + k % 26) * (k // 26 + 1)}\t{'xy'[k % 2]}\n" for k in range(count)))

    def settings(**train: Any) -> Config:
        data = {"path": "few.tsv", "fractions": [1, 0, 0]}
        return config_from_dict({"task": "classify", "data": data, "train": train})

    def training(**train: Any) -> TrainConfig:
        return settled(settings(**train), load_examples(settings())).train

    assert (training().batch_size, training().epochs, training().seq_length) == (batch_size, 30, None)
    assert training(max_steps=5, shards=5).epochs is None
    assert training(shards=5).batch_size >= 5


def test_what_was_chosen_is_said_and_kept_when_the_run_is_resumed():
    config = config_from_dict({**KINDS["softmax"], "train": {"max_steps": 2}, "out": "run"})
    run = completed(config)
    assert run.chosen["model.hidden_size"] == 128
    assert "train.seq_length" not in run.chosen
    again = completed(replace(config, train=replace(config.train, max_steps=4)), resume=True)
    assert (again.state.step, again.config.train.batch_size) == (4, run.config.train.batch_size)


# -- thresholds ---------------------------------------------------------------------------------------------------


def test_thresholds_are_fitted_on_validation_kept_with_the_best_model_and_used():
    run = completed(example_config("sigmoid"))
    model, valid = load(run.directory.best), run.corpus.valid
    scores, truth = model.predict_examples(valid.examples), valid.examples.targets
    fitted = tuple(best_threshold(truth[:, k], scores[:, k]) for k in range(len(model.labels)))
    assert model.thresholds == pytest.approx(fitted)
    assert fitted != (0.5,) * len(fitted)
    strict = replace(model, thresholds=(1.0,) * len(fitted))
    (usual,), (none,) = predict(model, ["ab"]), predict(strict, ["ab"])
    assert usual.labels == tuple(
        name for name, p in usual.probabilities.items() if p >= fitted[model.labels.names.index(name)]
    )
    assert none.labels == ()
    assert predict(strict, ["ab"], 0.0)[0].labels == model.labels.names
    without = replace(model, thresholds=())
    assert thresholds_of([without]) == pytest.approx(np.full(len(fitted), 0.5))
    assert thresholds_of([strict, without]) == pytest.approx(np.full(len(fitted), 0.75))


@pytest.mark.parametrize("wrong", [[0.5], [], "half", [2.0, 0.5], [True, 0.5], {}])
def test_damaged_thresholds_are_refused(wrong):
    best = completed(example_config("sigmoid")).directory.best
    header = load_checkpoint(best).header
    saved = json.loads(json.dumps(header.to_dict()))
    assert Header.from_dict(saved, best).thresholds == header.thresholds
    with pytest.raises(CheckpointError, match=r"damaged \(its thresholds\)"):
        Header.from_dict(saved | {"thresholds": wrong}, best)
