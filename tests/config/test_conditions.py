"""Keys and sections that apply only with certain values of another key, on a small table made for this test."""

from dataclasses import dataclass
from typing import Any, Literal

import pytest
import yaml
from jsonschema import Draft202012Validator

from charrnn.config.building import build_section
from charrnn.config.faults import Faults
from charrnn.config.reference import section_reference, section_schema
from charrnn.config.rules import check_conditions
from charrnn.config.table import Condition, key, key_table, leaves_of
from charrnn.config.yaml_tree import parse_yaml
from charrnn.errors import ConfigError


@dataclass(frozen=True)
class Brew:
    """How coffee is made."""

    grind: Literal["fine", "coarse"] = key("fine", "How fine the beans are.")
    pressure: float = key(9.0, "Pressure in bar.", above=0, only=Condition("brew.grind", ("fine",)))


@dataclass(frozen=True)
class Steep:
    """How tea is made."""

    minutes: int = key(3, "How long the tea steeps.", low=1)
    second: bool = key(False, "Whether it steeps twice.", only=Condition("steep.minutes", (1, 2)))


@dataclass(frozen=True)
class Order:
    """What is served."""

    drink: Literal["tea", "coffee", "water"] = key("water", "The drink.")
    brew: Brew = key(Brew(), "How coffee is made.", only=Condition("drink", ("coffee",)))
    steep: Steep = key(Steep(), "How tea is made.", only=Condition("drink", ("tea",)))
    sugar: int = key(0, "Lumps of sugar.", low=0, only=Condition("drink", ("tea", "coffee")))


def read(text: str) -> Order:
    """Build an order from YAML and check its conditions, as a config is."""
    faults = Faults()
    root = parse_yaml(text, "order", faults)
    assert root is not None
    order = build_section(Order, root, "", faults)
    assert order is not None
    check_conditions(order, root, faults)
    faults.raise_if_any()
    return order


def refused(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("{}", Order()),
        ("drink: tea\nsteep: {minutes: 5}\nsugar: 2", Order("tea", steep=Steep(5), sugar=2)),
        ("drink: coffee\nsugar: 1", Order("coffee", sugar=1)),
        ("drink: coffee\nbrew: {pressure: 8}", Order("coffee", Brew(pressure=8.0))),
        ("drink: tea\nsteep: {minutes: 2, second: true}", Order("tea", steep=Steep(2, True))),
    ],
)
def test_what_applies_is_taken(text: str, order: Order) -> None:
    assert read(text) == order


@pytest.mark.parametrize("text", ["sugar: 0", "steep: {minutes: 3}", "steep: {}", "brew:"])
def test_what_does_not_apply_may_be_given_at_its_default(text: str) -> None:
    assert read(text) == Order()


def test_a_key_that_does_not_apply_is_refused_with_all_values_that_it_applies_with() -> None:
    assert refused("drink: water\nsugar: 1") == ["order:2:1: sugar applies only with drink: tea | coffee; leave it out"]


def test_a_section_that_does_not_apply_is_refused_once_at_its_own_place() -> None:
    assert refused("drink: coffee\nsteep: {minutes: 5, second: true}") == [
        "order:2:1: steep applies only with drink: tea; leave it out"
    ]


def test_a_condition_may_name_a_key_of_any_section() -> None:
    assert refused("drink: coffee\nbrew:\n  grind: coarse\n  pressure: 8") == [
        "order:4:3: brew.pressure applies only with brew.grind: fine; leave it out"
    ]
    assert refused("drink: tea\nsteep: {second: true}") == [
        "order:2:9: steep.second applies only with steep.minutes: 1 | 2; leave it out"
    ]


@pytest.mark.parametrize(
    "text", ["drink: te\nsteep: {minutes: 5}\nsugar: 3", "drink: tea\nsteep: {minutes: 0, second: true}"]
)
def test_a_condition_on_a_faulty_key_causes_no_further_fault(text: str) -> None:
    (line,) = refused(text)
    assert "applies only" not in line


def test_the_reference_names_the_conditions_of_keys_and_sections() -> None:
    lines = section_reference(Order)
    assert yaml.safe_load("\n".join(lines)) == {
        "drink": "water",
        "brew": {"grind": "fine", "pressure": 9.0},
        "steep": {"minutes": 3, "second": False},
        "sugar": 0,
    }
    section = lines.index("brew:")
    assert lines[section - 2 : section] == ["# How coffee is made.", "# only with drink: coffee"]
    assert lines[lines.index("sugar: 0") - 1] == "# a whole number, at least 0; only with drink: tea | coffee"
    assert lines[lines.index("  pressure: 9.0") - 1] == "  # a number, above 0; only with brew.grind: fine"


def test_the_schema_describes_the_conditions_of_keys_and_sections() -> None:
    schema: dict[str, Any] = section_schema(Order)
    Draft202012Validator.check_schema(schema)
    described = schema["properties"]
    assert described["steep"]["description"] == "How tea is made. (only with drink: tea)"
    assert described["sugar"]["description"] == "Lumps of sugar. (only with drink: tea | coffee)"
    assert described["drink"]["description"] == "The drink."


def test_the_table_lists_each_section_before_its_keys_and_the_leaves_without_sections() -> None:
    names = ["drink", "brew", "brew.grind", "brew.pressure", "steep", "steep.minutes", "steep.second", "sugar"]
    assert list(key_table(Order)) == names
    assert list(leaves_of(Order)) == [name for name in names if name not in ("brew", "steep")]
    assert leaves_of(Order)["steep.minutes"].type_hint is int
    assert leaves_of(Order)["steep.minutes"].field.default == 3
