"""What a search varies: the section of a config, its faults, and the default space."""

from pathlib import Path

import pytest

from charrnn.config import Choice, Range, load_config, load_space
from charrnn.config.building import config_from_dict
from charrnn.config.keys import Config
from charrnn.errors import ConfigError
from charrnn.tuning.space import default_space, first_values

KEYS = "data: {path: a.txt}\n"


def write(folder: Path, section: str) -> Path:
    path = folder / "my.yaml"
    path.write_text(KEYS + section)
    return path


def test_a_section_names_ranges_and_choices(tmp_path: Path) -> None:
    section = (
        "tune:\n  train.learning_rate: {low: 1e-3, high: 1e-2, log: true}\n"
        "  model.num_layers: {low: 1, high: 3e0}\n  train.clip_norm: {low: 1, high: 5, log: True}\n"
        "  model.cell: [gru, lstm]\n  model.hidden_size: [64, 128]\n"
    )
    path = write(tmp_path, section)
    assert load_space(path) == {
        "train.learning_rate": Range(1e-3, 1e-2, log=True),
        "model.num_layers": Range(1, 3, whole=True),
        "train.clip_norm": Range(1, 5, log=True),
        "model.cell": Choice(("gru", "lstm")),
        "model.hidden_size": Choice(("64", "128")),
    }
    assert load_config(path) == load_config(write(tmp_path, "")), "training does not read the section"
    assert load_space(path) == {}


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("tune: fast", "tune names keys with their values"),
        ("tune: {model.size: [1, 2]}", "2:20: tune: model.size is no key that can vary"),
        ("tune: {train.best: [loss, accuracy]}", "tune: train.best is no key that can vary"),
        ("tune: {model.dropout: {low: 0.1, high: 0.5, log: maybe}}", "tune: model.dropout: expected a list of values"),
        (
            "tune: {model.num_layers: {low: 1.5, high: 3}}",
            "model.num_layers: expected a whole number or null, got '1.5'",
        ),
        (
            "tune: {model.hiden_size: [1, 2]}",
            "model.hiden_size is no key that can vary; did you mean model.hidden_size?",
        ),
        ("tune: {model.cell: gru}", "tune: model.cell: expected a list of values"),
        ("tune: {model.dropout: {low: 0.5, high: 0.1}}", "tune: model.dropout: low must be below high"),
        ("tune: {model.dropout: {low: 0, high: 0.5, log: true}}", "model.dropout: with log: true, low must be above 0"),
        ("tune: {model.dropout: {low: nan, high: 0.5}}", "tune: model.dropout: expected a list of values"),
        ("tune: {data.tokens: [char, byte]}", "tune: data.tokens cannot vary, because trials are compared on the same"),
        ("tune: {model.dropout: {low: 0, high: x}}", "tune: model.dropout: expected a list of values"),
        ("tune: {model.dropout: {low: 0, high: 1}}", "2:23: tune: model.dropout: 1 must be below 1"),
        ("tune: {model.cell: [gru, gro]}", "expected rnn | lstm | gru | ngram, got 'gro'; did you mean gru?"),
    ],
)
def test_a_fault_is_one_line_with_its_place(tmp_path: Path, section: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_space(write(tmp_path, section))
    assert message in str(caught.value)
    assert len(caught.value.faults) == 1


def settled(config: Config) -> Config:
    """The config as a short text would settle it."""
    plain = config.to_dict()
    chosen = {"model": {"hidden_size": 128, "num_layers": 2, "dropout": 0.3}, "train": {"learning_rate": 3e-3}}
    chosen["train"] |= {"batch_size": 16, "seq_length": 64, "epochs": 25, "weight_decay": 0.1}
    if config.model.num_layers == 1:
        chosen["model"]["dropout"] = 0.0
    for section, values in chosen.items():
        plain[section] |= {name: value for name, value in values.items() if plain[section][name] is None}
    return config_from_dict(plain)


def test_the_default_space_lies_around_the_defaults_and_leaves_given_keys_alone() -> None:
    config = config_from_dict({"data": {"path": "a.txt"}})
    space = default_space(config, settled(config))
    assert space["train.learning_rate"] == Range(1e-3, pytest.approx(9e-3), log=True)
    assert space["model.hidden_size"] == Choice(("64", "128", "192"))
    assert first_values(space, settled(config)) == {
        "train.learning_rate": 3e-3,
        "model.hidden_size": "128",
        "train.batch_size": "16",
        "model.output_dropout": 0.0,
        "model.recurrent_dropout": 0.0,
        "model.dropout": 0.3,
        "train.weight_decay": 0.1,
    }
    given = config_from_dict({"data": {"path": "a.txt"}, "model": {"hidden_size": 99, "num_layers": 1}})
    space = default_space(given, settled(given))
    assert "model.hidden_size" not in space
    assert "model.dropout" not in space, "it acts between layers"
