"""Runs on pairs: what each step computes, what is kept, and that a run goes on bit for bit from any step."""

import os
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charrnn.data.pair_batches import PairBatches, padded_pairs
from charrnn.errors import CheckpointError, ConfigError, TextError
from charrnn.models.loading import load, load_checkpoint
from charrnn.models.translate_model import TranslateModel, translation_of
from charrnn.models.translate_network import TranslateNetwork
from charrnn.optim.clipping import clip_, global_norm
from charrnn.optim.rules import Hyper, Optimizer
from charrnn.storage import checkpoint
from charrnn.training.advice import next_commands
from charrnn.training.defaults import PAIR_RECIPES
from charrnn.training.estimate import estimate_run
from charrnn.training.loop import Run
from charrnn.training.opening import open_run
from tests.support.pair_files import pair_config, write_pairs
from tests.support.runs import BEST, LAST, PREVIOUS, RUN, records, snapshot, timeless

DROPS = {"num_layers": 2, "dropout": 0.4, "input_dropout": 0.3}


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory with pairs; nothing waits for a disk."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    write_pairs(tmp_path)


def finish(run: Run) -> Run:
    with closing(run):
        list(run)
    return run


def completed(config: Any, **how: Any) -> Run:
    return finish(open_run(config, **how))


def test_a_run_is_the_plain_loop_and_nothing_more() -> None:
    config = pair_config(train={"clip_norm": 0.3, "label_smoothing": 0.1})
    run = Run(config)
    corpus: Any = run.corpus
    network = TranslateNetwork(run.config.model, translation_of(config, corpus.source, corpus.target, 0.1))
    network.initialise(np.random.default_rng(config.seed))
    rule, steps = Optimizer("adam", network.params.values, Hyper()), iter(run)
    batches = PairBatches(corpus.train.examples, 8, config.seed, corpus.target.last_id)
    for epoch in range(2):
        for k in range(len(batches)):
            batch = batches.batch(k, epoch)
            tape = network.tape(batches.longest, batches.longest_target, len(batch.lengths))
            loss = network.forward(batch, tape)
            network.backward(batch, tape)
            norm = global_norm(network.params.grads)
            clip_(network.params.grads, norm, 0.3, None)
            progress = next(steps)
            assert (progress.loss, progress.grad_norm) == (loss, norm)
            rule.step(network.params.values, network.params.grads, 5e-3, progress.step)
    assert next(steps, None) is None
    np.testing.assert_array_equal(run.network.params.values, network.params.values)


def test_a_run_learns_what_is_easy_tags_included() -> None:
    write_pairs(Path(), count=300)
    train = {"epochs": 20, "learning_rate": 0.01, "eval_every": 100, "patience": None, "best": "exact"}
    run = finish(Run(pair_config(model={"hidden_size": 32}, train=train)))
    assert run.state.best is not None
    assert run.state.best >= 0.7


def test_the_validation_loss_is_that_of_the_network_on_the_validation_split() -> None:
    run = finish(Run(pair_config(train={"label_smoothing": 0.2})))
    corpus: Any = run.corpus
    batch = padded_pairs(corpus.valid.examples, np.arange(len(corpus.valid)), corpus.target.last_id)
    plain = translation_of(run.config, corpus.source, corpus.target)
    network = TranslateNetwork(run.config.model, plain, np.float32, run.network.params.values)
    tape = network.tape(len(batch.x), len(batch.y_in), len(batch.lengths))
    assert run.state.history[-1].valid_loss == pytest.approx(network.forward(batch, tape), rel=1e-5)


def test_the_best_model_by_symbol_error_is_the_one_with_the_least() -> None:
    completed(pair_config(train={"best": "symbol_error", "eval_every": 3, "epochs": 6, "learning_rate": 0.02}))
    errors = {line["step"]: line["valid_symbol_error"] for line in records() if "valid_symbol_error" in line}
    assert errors[load_checkpoint(RUN / BEST).step] == min(errors.values())
    assert len({*errors.values()}) > 1


def test_a_saved_model_is_that_of_the_run_and_its_pairs_can_be_read_again() -> None:
    run = completed(pair_config())
    saved = load_checkpoint(RUN)
    model = saved.translate_model
    corpus: Any = run.corpus
    assert isinstance(load(RUN), TranslateModel)
    assert (model.source, model.target) == (corpus.source, corpus.target)
    assert load_checkpoint(RUN / LAST).translate_model.network.params.values.tobytes() == (
        run.network.params.values.tobytes()
    )
    assert saved.pairs().facts == corpus.facts
    assert saved.layout == model.rules.layout
    with pytest.raises(CheckpointError, match="this is a translator, not a language model; use charrnn predict"):
        saved.corpus()
    with pytest.raises(CheckpointError, match="this is a translator"):
        saved.examples()


def test_a_run_goes_on_bit_for_bit_from_every_step() -> None:
    often = {"save_every": 1, "eval_every": 3, "log_every": 2, "epochs": 2, "shards": 2, "best": "exact"}
    whole = completed(pair_config(model=DROPS, train=often))
    expected = timeless(snapshot())
    config = pair_config(out="part", model=DROPS, train=often)
    for step in range(1, whole.plan.steps, 3):
        with closing(open_run(config, force=True)) as run:
            next(progress for progress in run if progress.step == step)
        completed(config, resume=True)
        found = timeless(snapshot(Path("part")))
        assert found == expected | {"config.yaml": found["config.yaml"]}, step


def test_any_number_of_workers_gives_the_same_bits() -> None:
    config = pair_config(model=DROPS, train={"shards": 4, "label_smoothing": 0.1})
    values = [finish(Run(config, workers=workers)).network.params.values.tobytes() for workers in (1, 2)]
    assert values[0] == values[1]


@pytest.mark.parametrize(
    ("key", "value"),
    [("model", {"attention": "none"}), ("data", {"target_symbols": "char"}), ("train", {"label_smoothing": 0.1})],
)
def test_a_run_is_not_resumed_with_other_settings(key: str, value: dict[str, Any]) -> None:
    completed(pair_config(train={"max_steps": 2}))
    train = {"max_steps": 4} | (value if key == "train" else {})
    with pytest.raises(CheckpointError, match=f"{key}.{next(iter(value))} was"):
        open_run(pair_config(**({key: value} | {"train": train})), resume=True)


def test_other_pairs_are_not_those_of_the_run() -> None:
    completed(pair_config(train={"max_steps": 2}))
    with open("pairs.tsv", "a") as file:
        file.write("aaaaaa\tay\tF\n")
    with pytest.raises(CheckpointError, match="the text has changed"):
        open_run(pair_config(train={"max_steps": 4}), resume=True)
    with pytest.raises(TextError, match="the text has changed"):
        load_checkpoint(RUN).pairs()


def test_fine_tuning_is_for_language_models() -> None:
    with pytest.raises(ConfigError, match="--init-from goes with a language model only"):
        open_run(pair_config(), init_from="any")


def test_a_figure_needs_a_validation_split() -> None:
    rows = Path("pairs.tsv").read_text().splitlines()
    Path("pairs.tsv").write_text("\n".join([rows[0] + "\tpart", *(f"{row}\ttrain" for row in rows[1:])]) + "\n")
    with pytest.raises(TextError, match="exact depends on validation, but no example is in that split"):
        open_run(pair_config(data={"split_column": "part", "fractions": [0.9, 0.05, 0.05]}, train={"best": "exact"}))
    assert not RUN.exists()


def test_sizes_that_a_config_leaves_out_follow_the_pairs() -> None:
    config = pair_config(model={"hidden_size": None, "num_layers": None}, train={"batch_size": None, "epochs": None})
    run = Run(config)
    run.close()
    recipe = PAIR_RECIPES[0]
    assert (run.config.model.hidden_size, run.config.train.batch_size) == (recipe.hidden_size, recipe.batch_size)
    assert run.config.model.bidirectional is True


def test_an_estimate_trains_nothing_and_writes_nothing() -> None:
    estimate = estimate_run(pair_config(), budget=0.01)
    assert estimate.seconds > 0
    assert set(estimate.memory) == {"parameters", "gradients and moments", "one batch", "text"}
    assert not RUN.exists()


def test_the_loss_of_guessing_is_that_of_the_first_step_and_every_pair_is_read_once() -> None:
    run = Run(pair_config(model={"init": {"scheme": "uniform", "scale": 1e-6}}, train={"epochs": 1}))
    with closing(run):
        first, *_ = [*run]
    assert first.loss == pytest.approx(run.material.guessing, abs=1e-3)
    assert run.state.chars == pytest.approx(run.material.chars_per_step * run.plan.steps)
    assert next_commands(run) == []


# -- damage -------------------------------------------------------------------------------------------------------

DAMAGES = {
    "no symbols": lambda header, arrays: header.pop("source"),
    "symbols of another type": lambda header, arrays: header.update(target=["a", "b"]),
    "one symbol twice": lambda header, arrays: header["target"].update(names=["ay", "ay", "bee", "dee"]),
    "symbols out of order": lambda header, arrays: header["target"]["names"].reverse(),
    "a symbol that is a number": lambda header, arrays: header["source"]["names"].append(3),
    "a symbol that is empty": lambda header, arrays: header["source"]["names"].insert(0, ""),
    "half of a surrogate pair": lambda header, arrays: header["source"]["names"].append("\ud800"),
    "a symbol too many": lambda header, arrays: header["source"]["names"].append("z"),
    "no format": lambda header, arrays: header["config"]["data"].update(format="auto"),
    "another attention": lambda header, arrays: header["config"]["model"].update(attention="additive"),
    "no array": lambda header, arrays: arrays.pop(next(iter(arrays))),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_refused_in_one_line(damage: str) -> None:
    completed(pair_config(train={"max_steps": 2}))
    document, arrays = checkpoint.load(RUN / LAST)
    DAMAGES[damage](document, arrays)
    for name in (BEST, LAST):
        checkpoint.save(RUN / name, document, arrays)
    (RUN / PREVIOUS).unlink(missing_ok=True)
    with pytest.raises(CheckpointError, match="damaged") as error:
        load(RUN)
    assert "\n" not in str(error.value)
