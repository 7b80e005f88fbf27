"""What the evaluations of a run say: every rule on histories made for it, and on runs that go well or badly."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.config.building import config_from_dict
from charrnn.models.header import Evaluation
from charrnn.training import diagnosis
from charrnn.training.diagnosis import MAX_SENTENCES, MIN_STEPS, MIN_STRIP_GAIN, STRIP_EVALUATIONS, diagnose
from charrnn.training.facts import RunFacts, unigram_entropy
from charrnn.training.loop import Run
from charrnn.training.opening import open_run
from tests.support.processes import TALES

GUESS, FREQUENCIES = np.log(60), 3.0
History = list[Evaluation]


def case(chars: int = 100_000, parameters: int = 100_000, cell: Any = (), **train: Any) -> RunFacts:
    model = {"cell": "lstm", "hidden_size": 128, "num_layers": 2, "dropout": 0.0} | dict(cell)
    plain = {"optimizer": "adam", "learning_rate": 2e-3, "weight_decay": 0.0, "schedule": "constant", "epochs": 30}
    sizes = {"seq_length": 100, "batch_size": 32}
    config = config_from_dict({"data": {"path": "text.txt"}, "model": model, "train": plain | sizes | train})
    return RunFacts(config, chars, parameters, 60, FREQUENCIES)


def entries(train: Sequence[float], valid: Sequence[float | None] | None = None, every: int = 100, norm: float = 0.3,
            clipped: float = 0.0) -> History:  # fmt: skip
    """A history of training losses; validation, unless given, is as good."""
    pairs = enumerate(zip(train, train if valid is None else valid, strict=True), 1)
    return [Evaluation(k * every, first, second, norm, clipped) for k, (first, second) in pairs]


def names(said: list[str]) -> list[str]:
    return [sentence.partition(":")[0] for sentence in said]


def ending(sentence: str) -> str:
    """What is to be tried."""
    return sentence.rpartition("try ")[2]


WELL = [2.9, 1.9, 1.6, 1.5, 1.4, 1.33, 1.28, 1.24, 1.21, 1.19]  # training loss of a run that goes well
ABOVE = [2.1, 1.7, 1.55, 1.45, 1.38, 1.33, 1.3, 1.27, 1.25, 1.23]  # and its validation loss


# -- nothing to say -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", range(len(WELL) + 1))
def test_a_run_that_goes_well_hears_nothing(end):
    assert diagnose(entries(WELL, ABOVE)[:end], case()) == []
    assert diagnose([Evaluation(*entry[:3]) for entry in entries(WELL, ABOVE)][:end], case()) == []  # as 0.1.0 kept it


BAD = {
    "worse than guessing": (entries([20.0] * 3), case()),
    "overfitted": (entries([1.5, 1.2, 1.0, 0.8], [1.6, 1.7, 1.8, 1.9]), case()),
    "small": (entries([1.5, 1.4, 1.3], [1.9, 1.8, 1.7]), case(parameters=10**7)),
    "clipped": (entries(WELL, ABOVE, norm=9.0, clipped=1.0), case(clip_norm=0.01)),
}


@pytest.mark.parametrize(("history", "where"), BAD.values(), ids=BAD)
def test_one_evaluation_is_not_believed_and_two_are(history, where):
    first = next(k for k in range(1, len(history) + 1) if diagnose(history[:k], where))
    rules = [rule for rule in diagnosis.RULES if rule(history[:first], where)]
    assert first > 1
    assert any(rule(history[: first - 1], where) for rule in rules)


def test_what_no_longer_holds_is_no_longer_said():
    train, valid = [1.5, 1.2, 1.0, 0.9, 0.85, 0.8], [1.6, 1.7, 1.8, 1.59, 1.7, 1.7]
    told = [names(diagnose(entries(train, valid)[:k], case())) for k in range(1, 7)]
    assert told == [[], [], ["Overfitting"], [], [], ["Overfitting"]]


def test_no_more_is_said_than_is_read(monkeypatch):
    monkeypatch.setattr(diagnosis, "RULES", [lambda history, facts, k=k: f"{k}" for k in range(5)])
    assert diagnose(entries(WELL), case()) == ["0", "1"][:MAX_SENTENCES]


# -- each rule ----------------------------------------------------------------------------------------------------


def test_a_loss_worse_than_guessing_asks_for_a_lower_rate():
    (said,) = diagnose(entries([20.0, 24.0]), case(learning_rate=0.4))
    assert said == (
        "Learning rate too high: the training loss is 24.00, worse than guessing (4.09); try train.learning_rate=0.04."
    )


def test_a_network_that_begins_as_bad_as_guessing_is_not_blamed():
    assert diagnose(entries([GUESS, GUESS], every=10), case()) == []


def test_a_training_loss_that_climbs_asks_for_a_lower_rate():
    assert diagnose(entries([1.5, 1.4, 1.45, 1.47]), case()) == []
    (said,) = diagnose(entries([1.5, 1.4, 1.55, 1.62]), case(learning_rate=0.002))
    assert said.startswith("Learning rate too high: the training loss rose from 1.40 to 1.62;")
    assert ending(said) == "train.learning_rate=0.0002."


def test_frequencies_alone_mean_too_high_a_rate_after_a_blow_up_and_too_low_a_one_without():
    after = diagnose(entries([20.0, 7.0, 3.0, 3.01, 3.0]), case(learning_rate=0.1))
    without = diagnose(entries([4.09, 3.5, 3.0, 3.01, 3.0]), case(learning_rate=1e-5))
    assert names(after) == ["Learning rate too high"]
    assert names(without) == ["Learning rate too low"]
    assert diagnose(entries([3.5, 3.0, 2.98, 2.975, 2.97]), case()) == []  # DNA, say, of which there is hardly more
    assert ending(after[0]) == "train.learning_rate=0.01."
    assert ending(without[0]) == "train.learning_rate=0.0001."


def test_a_rate_is_not_called_too_low_before_a_sound_run_would_have_learned():
    slow = [4.09, 3.5, 3.1, 3.05, 3.0, 3.0]
    assert diagnose(entries(slow, every=MIN_STEPS // 6), case()) == []
    assert names(diagnose(entries(slow, every=MIN_STEPS // 5), case())) == ["Learning rate too low"]
    assert diagnose(entries(slow, every=MIN_STEPS), case(batch_size=1, seq_length=25)) == []


def test_where_clipping_holds_back_the_steps_the_rate_is_not_to_blame():
    stuck = entries([3.0] * 5, norm=0.1, clipped=1.0)
    assert names(diagnose(stuck, case(clip_norm=0.01, optimizer="momentum"))) == ["Clipping"]
    assert names(diagnose(stuck, case(clip_norm=0.01))) == ["Learning rate too low", "Clipping"]


def test_overfitting_is_validation_that_rises_while_training_falls():
    (said,) = diagnose(entries([1.5, 1.2, 1.0, 0.8], [1.6, 1.7, 1.8, 1.9]), case())
    assert said == (
        "Overfitting: since step 100 the validation loss rose by 0.30 while training fell to 0.80; the best model is "
        "kept; try model.dropout=0.2 or more text."
    )
    assert diagnose(entries([1.5, 1.49, 1.48, 1.47], [1.6, 1.61, 1.61, 1.61]), case()) == []
    assert (
        diagnose(entries([3.05, 3.02, 3.01], [2.99, 3.1, 3.2], every=10), case()) == []
    )  # nothing was learned to lose
    assert "Overfitting" not in names(diagnose(entries([1.5, 1.55, 1.56, 1.56], [1.6, 1.7, 1.8, 1.9]), case()))


LEARNED = entries([1.5, 1.2, 1.0, 0.8], [1.6, 1.7, 1.8, 1.9])  # by heart


@pytest.mark.parametrize(
    ("cell", "tried"),
    [
        ({"dropout": 0.2}, "model.dropout=0.4"),
        ({"dropout": 0.4}, "model.dropout=0.5"),
        ({"dropout": 0.5}, "train.optimizer=adamw with train.weight_decay=0.5"),
        ({"num_layers": 1}, "train.optimizer=adamw with train.weight_decay=0.5"),
    ],
)
def test_what_to_try_against_learning_by_heart_is_what_the_config_may_have_more_of(cell, tried):
    (said,) = diagnose(LEARNED, case(cell=cell))
    assert ending(said) == f"{tried} or more text."


@pytest.mark.parametrize(
    ("how", "tried"),
    [
        ({"optimizer": "adamw", "weight_decay": 0.01}, "train.optimizer=adamw with train.weight_decay=0.5"),
        ({"optimizer": "adamw", "weight_decay": 0.6}, "train.optimizer=adamw with train.weight_decay=1.2"),
        ({"optimizer": "sgd"}, "model.hidden_size=64"),
        ({"optimizer": "sgd", "cell": {"num_layers": 1, "ngram": 5}}, "model.hidden_size=64 with model.ngram=5"),
        ({"optimizer": "sgd", "cell": {"num_layers": 1, "hidden_size": 1}}, "model.hidden_size=1"),
    ],
)
def test_where_dropout_has_no_place_weights_decay_or_units_go(how, tried):
    (said,) = diagnose(LEARNED, case(**{"cell": {"num_layers": 1}} | how))
    assert ending(said) == f"{tried} or more text."


def test_a_text_is_too_small_where_it_is_learned_by_heart_not_where_parameters_are_many():
    train, valid = [1.5, 1.4, 1.3], [1.9, 1.8, 1.7]
    assert diagnose(entries(train, valid), case(parameters=250_000)) == []
    assert diagnose(entries(train), case(parameters=10**7)) == []
    (said,) = diagnose(entries(train, valid), case(parameters=1_200_000))
    assert said == (
        "Text too small: 100,000 characters for 1,200,000 parameters, 0.083 for each; try more text or "
        "model.dropout=0.2."
    )


def test_clipping_of_most_steps_by_much_asks_for_several_times_the_mean_norm():
    (said,) = diagnose(entries(WELL, ABOVE, norm=0.29, clipped=1.0), case(clip_norm=0.01))
    assert said == (
        "Clipping: 100% of the steps are clipped, at a mean gradient norm of 0.29: every gradient counts alike, which "
        "adam can take; to clip exceptions only, try train.clip_norm=1."
    )
    (said,) = diagnose(entries(WELL, ABOVE, norm=0.29, clipped=1.0), case(clip_norm=0.01, optimizer="sgd"))
    assert "that, rather than train.learning_rate, decides how long they are;" in said
    assert ending(said) == "train.clip_norm=1."
    assert diagnose(entries(WELL, ABOVE, norm=0.29, clipped=0.9), case(clip_norm=0.2)) == []  # Pascanu et al.: as well
    assert diagnose(entries(WELL, ABOVE, norm=9.0, clipped=0.2), case(clip_norm=0.2)) == []


def test_clipping_by_value_is_told_from_clipping_by_norm():
    history = entries(WELL, ABOVE, norm=0.3, clipped=0.9)
    assert ending(diagnose(history, case(clip_norm=None, clip_value=0.001))[0]) == "train.clip_value=0.01."
    assert ending(diagnose(history, case(clip_norm=5.0, clip_value=0.001))[0]) == "train.clip_value=0.01."
    assert diagnose(history, case(clip_norm=0.2, clip_value=0.001)) == []  # either of them, and nobody knows which


FLAT_OUT = [2.0 - MIN_STRIP_GAIN / 20 * k for k in range(STRIP_EVALUATIONS + 3)]


def test_a_plateau_asks_for_a_schedule_or_where_nothing_is_overfitted_for_a_larger_model():
    high = [loss - 0.2 for loss in FLAT_OUT]
    (said,) = diagnose(entries(high, FLAT_OUT), case())
    assert said == (
        "Plateau: validation gained less than 0.005 in the last 5 evaluations; try train.schedule=plateau, which "
        "lowers the learning rate, or model.dropout=0.2."
    )
    (said,) = diagnose(entries(FLAT_OUT), case())
    assert said.startswith("Underfitting: validation gained less than 0.005 in the last 5 evaluations")
    assert ending(said) == "model.hidden_size=256."
    assert diagnose(entries(high, FLAT_OUT), case(schedule="cosine")) == []  # its rate falls by itself
    assert diagnose(entries(FLAT_OUT, every=MIN_STEPS // 10), case()) == []


def test_where_one_looks_often_a_plateau_must_be_a_fifth_of_the_run():
    slow = [
        2.0 - MIN_STRIP_GAIN / 8 * k for k in range(100)
    ]  # more than MIN_STRIP_GAIN in a fifth of them, less in STRIP_EVALUATIONS
    assert diagnose(entries(slow, every=10), case()) == []
    assert names(diagnose(entries([2.0 - MIN_STRIP_GAIN / 40 * k for k in range(100)], every=10), case())) == [
        "Underfitting"
    ]


def test_without_a_validation_split_the_rules_that_need_none_remain():
    none = [None] * 3
    assert diagnose(entries(WELL, [None] * len(WELL)), case(parameters=10**9)) == []
    assert names(diagnose(entries([20.0, 20.0, 20.0], none), case())) == ["Learning rate too high"]
    assert names(diagnose(entries([3.0] * 3, none, every=200), case())) == ["Learning rate too low"]


losses = st.floats(0, 500)


@given(st.lists(st.tuples(losses, st.none() | losses, losses, st.floats(0, 1)), max_size=12), st.integers(1, 10**9))
def test_any_history_gives_at_most_two_sentences_that_name_a_thing_to_try(numbers, parameters):
    history = [Evaluation(100 * k, *entry) for k, entry in enumerate(numbers, 1)]
    said = diagnose(history, case(parameters=parameters, clip_value=0.1))
    assert len(set(names(said))) == len(said) <= MAX_SENTENCES
    for sentence in said:
        assert sentence.endswith(".")
        assert "\n" not in sentence
        assert any(key in ending(sentence) for key in ("train.", "model."))


# -- in a run -----------------------------------------------------------------------------------------------------


def test_the_frequencies_of_characters_are_worth_their_entropy():
    assert unigram_entropy(np.array([0, 1, 1, 1], np.uint8)) == pytest.approx(0.75 * np.log(4 / 3) + 0.25 * np.log(4))
    assert unigram_entropy(np.array([7, 7], np.uint16)) == 0


def tales(folder: Path, **train: Any) -> Any:
    (folder / "text.txt").write_text(TALES.read_text()[:20_000])
    how = {"batch_size": 16, "seq_length": 16, "max_steps": 60, "eval_every": 10, "sample_length": 0} | train
    model = {"hidden_size": 16, "num_layers": 1, "cell": "gru"}
    data = {"path": str(folder / "text.txt")}
    return config_from_dict({"data": data, "model": model, "train": how, "out": str(folder / "run")})


def test_a_real_run_that_learns_hears_nothing_and_a_rate_that_is_absurd_is_blamed(tmp_path):
    good, bad = Run(tales(tmp_path, learning_rate=0.01)), Run(tales(tmp_path, learning_rate=5.0))
    assert [progress.record["advice"] for progress in good if progress.step % 10 == 0 and progress.record] == [[]] * 6
    list(bad)
    assert names(bad.advice) == ["Learning rate too high"]


def test_a_resumed_run_says_what_an_unbroken_one_says(tmp_path):
    said: list[list[Any]] = []
    for stop in (0, 35):
        folder = tmp_path / str(stop)
        folder.mkdir()
        config, told = tales(folder, learning_rate=5.0), []
        for resume in (False, True):
            run = open_run(config, resume=resume)
            for progress in run:
                told += [progress.record["advice"]] if progress.record else []
                if progress.step == stop:
                    run.save()
                    break
            run.close()
        said.append(told)
    assert said[0] == said[1]
    assert any(said[0])
