"""What a run is said to have come to, and what to type next."""

import io
import re
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from charrnn.config.building import config_from_dict
from charrnn.models.header import Evaluation, TrainingState
from charrnn.training.advice import conclusion, fit_verdict, next_commands
from charrnn.training.loop import Run
from charrnn.training.opening import open_run

History = list[tuple[int, float, float | None]]


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.txt").write_text("The miller's cat counts the sacks, and the sacks do not mind. " * 3)


def settings(out: str = "run", fractions: Any = (0.8, 0.1, 0.1), path: str = "text.txt", **train: Any) -> Any:
    data = {"path": path, "fractions": list(fractions)}
    how = {"seq_length": 8, "batch_size": 4, "max_steps": 2, "sample_length": 0} | train
    return config_from_dict({"data": data, "model": {"hidden_size": 2, "num_layers": 1}, "train": how, "out": out})


def ended(history: History, stopped: str = "", **train: Any) -> Run:
    """A run that saw these (step, training loss, validation loss)."""
    run = Run(settings(**{"epochs": 40, "max_steps": None, **train}))
    best, best_step = min(((valid, step) for step, _, valid in history if valid is not None), default=(None, 0))
    run.state = TrainingState(
        step=history[-1][0],
        best=best,
        best_step=best_step,
        stopped=stopped,
        history=[Evaluation(*entry) for entry in history],
    )
    return run


OVERFITTED: History = [(100, 2.5, 2.4), (200, 1.5, 2.0), (300, 1.0, 2.1), (400, 0.5, 2.3)]
IMPROVING: History = [(100, 2.5, 2.4), (200, 2.0, 2.1)]
GAP: History = [(100, 1.5, 2.0), (200, 1.4, 2.001)]
LEVEL: History = [(100, 2.0, 2.0), (200, 1.99, 2.001)]


def test_overfitting_is_said_with_its_step_and_its_numbers():
    said = fit_verdict(ended(OVERFITTED))
    assert said.startswith("Overfitting: since step 200 the validation loss rose by 0.30")
    assert "while training fell to 0.50" in said
    assert "the best model is kept" in said


def test_a_run_that_still_improved_should_have_gone_on():
    assert "Still improving" in fit_verdict(ended(IMPROVING))


@pytest.mark.parametrize(
    ("limits", "key"),
    [
        ({"epochs": 40, "max_steps": None}, "train.epochs"),
        ({"epochs": 40, "max_steps": 20}, "train.max_steps"),
        ({"epochs": None, "max_steps": 20}, "train.max_steps"),
        ({"epochs": 2, "max_steps": 10**6}, "train.epochs"),
    ],
)
def test_the_limit_that_ended_the_run_is_the_one_to_raise(limits, key):
    said = fit_verdict(ended(IMPROVING, **limits))
    assert re.findall(r"train\.\w+", said) == [key]


@pytest.mark.parametrize(
    ("how", "tried"),
    [
        ({"learning_rate": 4e-4}, "train.epochs or train.learning_rate=0.002 would"),
        ({"learning_rate": 1e-3}, "train.epochs would"),
        ({"learning_rate": 4e-4, "optimizer": "sgd"}, "train.epochs would"),
    ],
)
def test_a_low_rate_may_be_why_it_still_improves(how, tried):
    assert f"more {tried} lower it further." in fit_verdict(ended(IMPROVING, **how))


def test_a_gap_between_training_and_validation_is_measured():
    assert fit_verdict(ended(GAP)).startswith("Training loss is 0.60 lower than validation")


def test_losses_that_lie_close_together_ask_for_a_larger_model():
    assert "model.hidden_size" in fit_verdict(ended(LEVEL))
    assert "model.hidden_size" in fit_verdict(ended(LEVEL[:1]))


@pytest.mark.parametrize("soft", [{"label_smoothing": 0.1}, {"teacher": "runs/my"}])
def test_losses_of_soft_targets_that_lie_close_to_validation_ask_for_nothing(soft):
    for history, said in ((LEVEL, 1), (GAP, 2)):  # soft targets make no training loss lower
        run = ended(history)
        run.config = replace(run.config, train=replace(run.config.train, **soft))
        assert len(conclusion(run)) == said


def test_a_run_that_learned_nothing_is_not_asked_for_a_larger_model():
    assert "how frequent each character is" in fit_verdict(ended([(100, 3.0, 3.0), (200, 3.0, 3.0)]))


def test_a_run_on_numbers_that_learned_nothing_knows_their_mean():
    Path("lengths.csv").write_text("text,length\n" + "".join(f"{'a' * n},{n}\n" for n in range(1, 21)))
    data = {"path": "lengths.csv", "source": "text", "target": "length"}
    model = {"hidden_size": 2, "num_layers": 1, "output": "linear"}
    run = Run(config_from_dict({"task": "classify", "data": data, "model": model, "train": {"max_steps": 2}}))
    run.state = TrainingState(step=2, best=1.2, best_step=2, history=[Evaluation(2, 1.1, 1.2)])
    assert fit_verdict(run).startswith("It knows no more than the mean of each number: ")


def test_the_best_is_named_with_its_step_in_nats_and_in_bits():
    said = conclusion(ended(OVERFITTED))
    assert said[0] == "Best validation loss 2.0000 nats per character (2.885 bits) at step 200 of 400."
    assert said[1:] == [fit_verdict(ended(OVERFITTED))]


def test_an_early_stop_and_its_reason_come_first():
    said = conclusion(ended(OVERFITTED, stopped="validation has not improved for 2 evaluations"))
    assert said[0] == "Stopped early at step 400: validation has not improved for 2 evaluations."
    assert len(said) == 3


def test_without_a_validation_split_nothing_is_claimed():
    said = conclusion(ended([(1200, 1.5, None)], fractions=(1, 0, 0)))
    assert said == [
        "Finished at step 1,200 without a validation split, so nothing says how good it is on new text.",
    ]


@pytest.mark.parametrize("history", [OVERFITTED, IMPROVING, GAP, LEVEL, LEVEL[:1], [(5, 1.0, None)]])
def test_advice_is_whole_sentences_a_line_each(history):
    for sentence in conclusion(ended(history)):
        assert re.fullmatch(r"[A-Z][^\n]*\.", sentence)


BLOWN_UP: History = [(100, 9.5, 9.4), (200, 9.3, 9.2), (300, 9.0, 9.1)]


def test_what_the_evaluations_agreed_on_takes_the_place_of_the_fit():
    said = conclusion(ended(BLOWN_UP))
    assert [sentence.partition(":")[0] for sentence in said[1:]] == ["Learning rate too high"]


def test_it_is_said_without_a_validation_split_too():
    history = [(step, train, None) for step, train, _ in BLOWN_UP]
    assert "Learning rate too high" in conclusion(ended(history, fractions=(1, 0, 0)))[-1]


def test_clipping_does_not_keep_the_fit_from_being_said():
    run = ended(LEVEL)
    run.state.history = [entry._replace(grad_norm=50.0, clipped=1.0) for entry in run.state.history]
    assert [sentence.split()[0] for sentence in conclusion(run)[1:]] == ["Clipping:", "Training"]


# -- what to type next --------------------------------------------------------------------------------------------


def finished(**keys: Any) -> Run:
    run = open_run(settings(**keys))
    list(run)
    run.close()
    return run


def test_a_finished_run_can_be_sampled_and_scored():
    assert next_commands(finished()) == ["charrnn sample run", "charrnn eval run --baselines", "charrnn report run"]


def test_without_held_out_text_there_is_nothing_to_score_but_something_to_look_at():
    assert next_commands(finished(fractions=(1, 0, 0))) == ["charrnn sample run", "charrnn info run"]


@pytest.mark.parametrize("fractions", [(0.8, 0.1, 0.1), (1, 0, 0)])
def test_after_a_text_from_standard_input_only_sampling_is_suggested(monkeypatch, fractions):
    """`charrnn eval` would refuse: that text cannot be read again."""
    stdin = io.TextIOWrapper(io.BytesIO(Path("text.txt").read_bytes()))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert next_commands(finished(fractions=fractions, path="-")) == ["charrnn sample run"]


def test_a_run_without_a_folder_has_nothing_to_type():
    assert next_commands(Run(settings())) == []


@pytest.mark.parametrize("name", ["my run", "it's", '"quoted"', "$HOME", "a;b", "*", "été 日", "back\\slash", "-dash"])
def test_a_command_names_its_folder_as_a_shell_and_the_command_line_read_it(name):
    for command in next_commands(finished(out=name)):
        program, _, word, *options = shlex.split(command)
        assert options in ([], ["--baselines"])
        assert program == "charrnn"
        assert not word.startswith("-")
        assert Path(word) == Path(name)
