"""Keys that a config leaves to the text: what is chosen, that given keys are kept, and that a run keeps its choice."""

import json
import os
import re
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.config.building import config_from_dict, load_config
from charrnn.config.keys import Config, leaves
from charrnn.data.loading import load_corpus
from charrnn.display.run_summary import header, opening
from charrnn.errors import CheckpointError, ConfigError, TextError
from charrnn.training import defaults
from charrnn.training.bench import random_corpus
from charrnn.training.defaults import MODEL_KEYS, RECIPES, TRAIN_KEYS, chosen_values, recipe_for, settled
from charrnn.training.loop import Run
from charrnn.training.opening import open_run
from tests.support.processes import call

TALES = (Path(__file__).parents[2] / "data" / "tales.txt").read_text()
GIVEN: dict[str, Any] = {  # keys that may follow the text, each with a value that no recipe has
    "model.hidden_size": 7,
    "model.num_layers": 3,
    "model.dropout": 0.125,
    "model.ngram": 3,
    "train.seq_length": 9,
    "train.batch_size": 3,
    "train.epochs": 77,
    "train.learning_rate": 0.0123,
    "train.weight_decay": 0.0625,
}


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory of its own with a text."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    Path("text.txt").write_text(TALES[:400])


def config(**keys: Any) -> Config:
    """A config with `data.path` and the keys that are given, dots written as double underscores."""
    nested: dict[str, Any] = {"data": {"path": "text.txt"}, "model": {}, "train": {}, "out": "run"}
    for name, value in keys.items():
        section, key = name.replace("__", ".").split(".")
        nested[section][key] = value
    return config_from_dict(nested)


def chosen(settings: Config, chars: int = 5000) -> dict[str, Any]:
    return chosen_values(settings, settled(settings, random_corpus(20, chars)))


def test_the_keys_that_follow_the_text_are_those_that_are_chosen():
    following = {name for name, entry in leaves().items() if "follows_text" in entry.field.metadata}
    assert following | {"train.epochs"} == set(GIVEN)
    assert set(chosen(config())) == set(GIVEN) - {"train.weight_decay"}
    assert set(GIVEN) == {f"model.{name}" for name in MODEL_KEYS} | {f"train.{name}" for name in TRAIN_KEYS}


@given(st.sets(st.sampled_from(sorted(GIVEN))), st.sampled_from([3000, 30_000, 150_000]))
def test_given_keys_are_kept_and_the_others_get_a_value(names, chars):
    settings = config(**{name.replace(".", "__"): GIVEN[name] for name in names})
    complete = settled(settings, random_corpus(20, chars))
    values = {
        **{f"model.{name}": getattr(complete.model, name) for name in MODEL_KEYS},
        **{f"train.{name}": getattr(complete.train, name) for name in TRAIN_KEYS},
    }
    assert None not in values.values()
    assert {name: values[name] for name in names} == {name: GIVEN[name] for name in names}
    none = {"train.weight_decay"} | ({"model.ngram"} if "model.hidden_size" in names else set())
    assert set(chosen_values(settings, complete)) == set(values) - names - none
    assert complete.model.num_layers > 1 or not complete.model.dropout


@pytest.mark.parametrize("recipe", RECIPES[:-1], ids=lambda recipe: f"{recipe.longest:g}")
def test_a_recipe_is_for_texts_up_to_its_length(recipe):
    longest = int(recipe.longest)
    assert recipe_for(random_corpus(20, longest)) is recipe
    assert recipe_for(random_corpus(20, longest + 1)) is RECIPES[RECIPES.index(recipe) + 1]


@pytest.mark.parametrize("chars", [3000, 10_000])
def test_dropout_alone_asks_for_two_layers(chars):
    assert chosen(config(model__dropout=0.3), chars)["model.num_layers"] == 2


def test_skip_connections_alone_ask_for_two_layers():
    complete = settled(config(model__skip_connections=True), random_corpus(20, 3000))
    assert complete.model.num_layers == 2


def test_one_layer_has_no_dropout():
    settings = config(model__num_layers=1)
    assert settled(settings, random_corpus(20, 10_000)).model.dropout == 0
    assert "model.dropout" not in chosen(settings, 10_000)


@pytest.mark.parametrize(
    ("keys", "chars", "order"),
    [
        ({}, 1_000, 7),
        ({"model__num_layers": 1, "train__batch_size": 4}, 5_000, 7),
        ({"model__hidden_size": 5}, 5_000, 0),
        ({"model__ngram": 0}, 5_000, 0),
        ({"model__hidden_size": 5, "model__ngram": 4}, 5_000, 4),
        ({"train__teacher": "runs/other"}, 5_000, 0),
        ({}, 999, 0),
        ({}, 5_000_000, 7),
        ({}, 5_000_001, 0),
    ],
)
def test_an_n_gram_follows_the_text_where_the_size_of_the_network_does(keys, chars, order):
    assert settled(config(**keys), random_corpus(20, chars)).model.ngram == order


def test_a_text_too_long_for_an_n_gram_is_not_searched_for_its_documents(monkeypatch):
    monkeypatch.setattr(defaults, "have_folds", None)  # it reads all of the text, which may be larger than memory
    assert settled(config(), random_corpus(20, 5_000_001)).model.ngram == 0
    assert settled(config(model__hidden_size=5), random_corpus(20, 5_000)).model.ngram == 0


@pytest.mark.parametrize(("others", "order"), [("", 0), ("ab\ncd\n", 0), ("ab\ncde\n", 7)])
def test_a_document_that_others_are_too_short_to_score_has_no_n_gram(others, order):
    Path("text.txt").write_text(others + TALES[:3_000].replace("\n", " ") + "\n")
    Path("valid.txt").write_text("a line\n")
    settings = config(data__documents="line", data__valid_path="valid.txt", train__max_steps=1)
    with closing(Run(settings)) as run:
        assert run.config.model.ngram == order


@pytest.mark.parametrize(("optimizer", "decay"), [("adamw", 0.1), ("adam", 0), ("sgd", 0), ("rmsprop", 0)])
def test_weights_decay_with_adamw_only(optimizer, decay):
    assert settled(config(train__optimizer=optimizer), random_corpus(20, 5000)).train.weight_decay == decay


def test_a_limit_of_steps_replaces_the_epochs():
    settings = config(train__max_steps=10)
    assert settled(settings, random_corpus(20, 5000)).train.epochs is None
    assert "train.epochs" not in chosen(settings)


def test_as_many_streams_as_shards():
    assert chosen(config(train__shards=50))["train.batch_size"] == 50


def test_a_text_of_a_line_is_trained_on_with_its_path_alone():
    Path("text.txt").write_text("to be or not to be, that is the question")
    run = Run(config())
    with closing(run):
        assert run.config.train.seq_length < len(run.corpus.train)
        assert run.advance().step == 1


def test_split_streams_cuts_by_fixed_sizes_which_the_text_cannot_decide():
    settings = config(data__split="streams")
    assert (settings.train.batch_size, settings.train.seq_length) == (32, 100)
    assert config(data__split="streams", train__batch_size=3).train.batch_size == 3


def test_the_choice_is_written_down_and_said():
    with closing(open_run(config())) as run:
        written = load_config("run/config.yaml")
        said = "\n".join(header(run))
    assert written.model == run.config.model
    assert written.train == run.config.train
    assert None not in {getattr(written.model, name) for name in MODEL_KEYS}
    assert f"hidden_size {written.model.hidden_size}, num_layers {written.model.num_layers}" in said
    assert f"for {len(load_corpus(config()).train):,} characters of training text" in said


@pytest.mark.parametrize(("keys", "said"), [({}, False), ({"model__hidden_size": 128, "model__num_layers": 2}, True)])
def test_a_size_that_is_given_is_said_to_be_too_large_and_one_that_follows_the_text_is_not(keys, said):
    with closing(Run(config(data__tokens="byte", **keys))) as run:
        lines = opening(run, None)
    assert any("a smaller model.hidden_size is likely as good" in line for line in lines) == said
    assert any("bytes of training text: " in line for line in lines)


def test_nothing_is_said_where_every_key_is_given():
    everything = {name.replace(".", "__"): value for name, value in GIVEN.items()}
    with closing(Run(config(**everything))) as run:
        assert "chosen" not in "\n".join(header(run))


def test_a_resumed_run_keeps_its_choice_when_the_rules_have_changed(monkeypatch):
    settings = config(train__max_steps=2, model__hidden_size=6)
    with closing(open_run(settings)) as first:
        list(first)
    other = defaults.Recipe(
        float("inf"), hidden_size=9, dropout=0, batch_size=2, seq_length=11, epochs=1, learning_rate=1.0
    )
    monkeypatch.setattr(defaults, "RECIPES", (other,))
    with closing(open_run(config(train__max_steps=4, model__hidden_size=6), resume=True)) as resumed:
        assert resumed.config.train.learning_rate == first.config.train.learning_rate
        assert resumed.config.train.seq_length == first.config.train.seq_length
        assert resumed.state.step == 2
    with pytest.raises(CheckpointError, match=r"model\.hidden_size was 6, now 7"):
        open_run(config(train__max_steps=4, model__hidden_size=7), resume=True)


def test_a_run_from_another_model_takes_its_sizes():
    with closing(open_run(config(train__max_steps=1, model__hidden_size=6, model__num_layers=2))) as first:
        list(first)
    Path("run").rename("first")
    with closing(open_run(config(train__max_steps=1), init_from="first")) as tuned:
        assert (tuned.config.model.hidden_size, tuned.config.model.num_layers) == (6, 2)


def test_a_run_from_another_model_takes_its_n_gram_or_none():
    Path("text.txt").write_text(TALES[:1_200])
    small = {"train__max_steps": 1, "model__num_layers": 1}
    for name, keys in (("counted", {}), ("plain", {"model__ngram": 0})):
        with closing(open_run(config(**small, **keys))) as first:
            list(first)
        Path("run").rename(name)
    for name, order in (("counted", 7), ("plain", 0)):
        with closing(open_run(config(train__max_steps=1), init_from=name, force=True)) as tuned:
            assert tuned.config.model.ngram == order


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"model__dropout": 0.3}, "acts between layers"),
        ({"train__teacher": "run"}, r"does not go with model\.ngram"),
    ],
)
def test_what_does_not_go_with_the_sizes_of_another_model_is_refused_as_no_checkpoint_of_it_could_be_read(
    keys, message
):
    with closing(
        open_run(config(train__max_steps=1, model__hidden_size=6, model__num_layers=1, model__ngram=3))
    ) as run:
        list(run)
    with pytest.raises(ConfigError) as caught:
        open_run(replace(config(train__max_steps=1, **keys), out="other"), init_from="run")
    assert re.search(f"--init-from: .*{message}", str(caught.value.faults[0]))
    assert not Path("other").exists()


def test_the_gradient_flow_of_an_untrained_network_is_that_of_the_size_that_follows_the_text():
    Path("text.txt").write_text(TALES[:900])
    Path("c.yaml").write_text("data: {path: text.txt}\nmodel: {num_layers: 1}\n")
    result = call("flow", "c.yaml", "--json")
    assert result.code == 0
    assert len(json.loads(result.out)[0]["weights"][0]["singular"]) == 128


def test_a_text_shorter_than_a_given_window_is_refused():
    with pytest.raises(TextError, match="shorter than one window"):
        settled(config(train__seq_length=500), load_corpus(config()))
