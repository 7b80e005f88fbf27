"""Faults are records with a place: they are sorted, printed and counted without reading text back."""

import pickle
from pathlib import Path

import pytest

from charrnn.config.building import config_from_dict, load_config
from charrnn.config.faults import Faults
from charrnn.errors import ConfigError, Fault, Place

TWO_FAULTS = "data: {path: a.txt}\nseed: x\nsede: 1\n"  # the unknown key of line 3 is found before the value of line 2


def error_of(path: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    return caught.value


def test_a_place_is_written_with_line_and_column_if_it_has_them() -> None:
    assert str(Place("my.yaml", 3, 7)) == "my.yaml:3:7"
    assert Place("my.yaml", 3, 7).position == "3:7"
    assert str(Place("override seed")) == "override seed"
    assert Place("override seed").position == ""


def test_a_config_error_holds_a_record_of_each_fault(tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(TWO_FAULTS)
    error = error_of(path)
    assert error.faults == [
        Fault("seed: expected a whole number, got 'x'", Place(str(path), 2, 7)),
        Fault("sede: unknown key; did you mean seed?", Place(str(path), 3, 1)),
    ]
    assert str(error) == "\n".join(
        [f"{path}:2:7: seed: expected a whole number, got 'x'", f"{path}:3:1: sede: unknown key; did you mean seed?"]
    )


def test_faults_are_sorted_by_place_even_if_the_name_of_the_file_looks_like_one(tmp_path: Path) -> None:
    path = tmp_path / "my:9:9: .yaml"
    path.write_text(TWO_FAULTS)
    assert [fault.place for fault in error_of(path).faults] == [Place(str(path), 2, 7), Place(str(path), 3, 1)]


def test_faults_are_sorted_by_line_and_column_as_numbers_and_those_without_a_line_keep_their_order() -> None:
    faults = Faults()
    for place in [Place("b"), Place("f", 10, 1), Place("f", 9, 10), Place("f", 9, 9), Place("a"), Place("f", 10, 1)]:
        faults.add(place, "wrong")
    with pytest.raises(ConfigError) as caught:
        faults.raise_if_any()
    assert str(caught.value).split("\n") == ["f:9:9: wrong", "f:9:10: wrong", "f:10:1: wrong", "b: wrong", "a: wrong"]


def test_no_fault_raises_nothing() -> None:
    Faults().raise_if_any()


def test_a_fault_is_one_line_whatever_is_in_it() -> None:
    error = ConfigError(Fault("a\nb\x1b[31m", Place("my\r.yaml")), "c\u2028d")
    assert str(error) == "my\\r.yaml: a\\nb\\x1b[31m\nc\\u2028d"


def test_a_value_with_line_ends_is_one_fault() -> None:
    with pytest.raises(ConfigError) as caught:
        config_from_dict({"data": {"path": "a.txt"}, "seed": "1\n2"})
    assert [str(fault) for fault in caught.value.faults] == ["config: seed: expected a whole number, got '1\\n2'"]


def test_a_plain_message_is_a_fault_without_a_place() -> None:
    assert ConfigError("it is wrong").faults == [Fault("it is wrong")]
    assert str(ConfigError("it is wrong")) == "it is wrong"


def test_a_config_error_survives_pickling() -> None:
    error = ConfigError(Fault("wrong", Place("my.yaml", 1, 2)), "also wrong")
    assert pickle.loads(pickle.dumps(error)).faults == error.faults
