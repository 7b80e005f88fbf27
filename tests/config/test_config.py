"""The configuration: strict YAML in, every fault named with its place, and a reference and a schema that agree."""

import json
import math
import random
import re
import string
import subprocess
import sys
from collections import defaultdict
from dataclasses import is_dataclass
from pathlib import Path
from typing import get_args, get_origin
from unicodedata import category

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from charrnn.cli.config import show_config
from charrnn.config.building import config_from_dict, load_config
from charrnn.config.data_keys import DataConfig, DocumentsConfig
from charrnn.config.faults import Faults
from charrnn.config.keys import Config, all_keys, leaves
from charrnn.config.model_keys import InitConfig
from charrnn.config.reference import json_schema, reference_yaml
from charrnn.config.table import keys_of
from charrnn.config.train_keys import ScheduleConfig
from charrnn.config.values import BOOL, FLOAT, INT, NULL
from charrnn.config.yaml_tree import MappingNode, SequenceNode, parse_yaml
from charrnn.errors import HIDDEN_CATEGORIES, JOINERS, ConfigError
from tests.support.strategies import configs, plain_data, texts, yaml_noise
from tests.support.torture import volume

SHIPPED = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))
SCHEMA = Draft202012Validator(json_schema())


def checked(error):
    """The lines of a ConfigError, once nothing in them commands a terminal and the exit code is that of config."""
    assert error.exit_code == 2
    lines = str(error).split("\n")
    assert not any(category(symbol) in HIDDEN_CATEGORIES and symbol not in JOINERS for symbol in "".join(lines)), lines
    return lines


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("configs") / "my.yaml"


@pytest.fixture(scope="module")
def load(file):
    """load(text, *overrides): the Config that a file of this text gives."""

    def load(text, *overrides):
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_config(file, overrides)

    return load


@pytest.fixture(scope="module")
def faults(file, load):
    """faults(text, *overrides): the lines of the ConfigError, with the file called my.yaml."""

    def faults(text, *overrides):
        with pytest.raises(ConfigError) as caught:
            load(text, *overrides)
        return [line.replace(str(file), file.name) for line in checked(caught.value)]

    return faults


def marked(text):
    """Text without its ^ marks, and the line:column in which each stood."""
    first, *rest = text.split("^")
    places = []
    for part in rest:
        line, column = first.count("\n") + 1, len(first) - first.rfind("\n")
        places.append(f"{line}:{column}")
        first += part
    return first, places


def places(lines):
    return [re.match(r"my\.yaml:(\d+:\d+): ", line)[1] for line in lines]


def nested(path, value):
    """A dict of dicts with one value, and data.path beside it."""
    values = {"data": {"path": "a.txt"}}
    *sections, last = path.split(".")
    here = values
    for name in sections:
        here = here.setdefault(name, {})
    here[last] = value
    return values


def block(tree, indent="  "):
    """A dict of dicts as lines of block YAML, the values as they are written."""
    for name, inner in tree.items():
        if isinstance(inner, dict):
            yield f"{name}:"
            yield from (indent + line for line in block(inner, indent))
        else:
            yield f"{name}: {inner}"


def written(path, value):
    """The text of a config with one value, as it is written, and data.path."""
    return "\n".join(block(nested(path, value)))


def at(config, path):
    """The value of a key by its full path."""
    for name in path.split("."):
        config = getattr(config, name)
    return config


def sections(kind=Config, prefix=""):
    """Every section of the config: (prefix of its keys, dataclass)."""
    yield prefix, kind
    for entry, hint in keys_of(kind):
        if is_dataclass(hint):
            yield from sections(hint, f"{prefix}{entry.name}.")


LEAVES = {  # every key that is no section: its path, its entry in the table and its type
    prefix + entry.name: (entry, hint)
    for prefix, kind in sections()
    for entry, hint in keys_of(kind)
    if not is_dataclass(hint)
}


# -- a whole config -----------------------------------------------------------------------------------------------


def test_the_path_of_the_text_alone_is_a_complete_config(load):
    assert load("data: {path: my.txt}") == Config(DataConfig(path="my.txt").resolved(), out="runs/my")


@pytest.mark.parametrize(
    ("documents", "split"),
    [
        ("none", "contiguous"),
        ("line", "random"),
        ("file", "random"),
        ("{separator: '%'}", "random"),
        ("{}", "contiguous"),
    ],
)
def test_the_split_is_random_with_documents_and_contiguous_without_unless_it_is_given(load, documents, split):
    assert load(f"data: {{path: a.txt, documents: {documents}}}").data.split == split
    assert load(f"data: {{path: a.txt, documents: {documents}, split: contiguous}}").data.split == "contiguous"


def test_a_word_alone_is_the_kind_of_documents(load):
    assert load("data: {path: a.txt, documents: line}").data.documents == DocumentsConfig("line")
    assert load("data: {path: a.txt}", "data.documents=paragraph").data.documents == DocumentsConfig("paragraph")
    assert load("data: {path: a.txt}", "data.documents.separator='%'").data.documents == DocumentsConfig(separator="%")


def test_the_run_directory_is_named_after_the_file_unless_it_is_given(load):
    assert load("data: {path: a.txt}").out == "runs/my"
    assert load("data: {path: a.txt}\nout: here").out == "here"


@given(config=configs)
@example(Config(DataConfig(path="two\nlines").resolved(), out="a\x85b"))
@example(Config(DataConfig(path=("null", "~", "1e-3", " a: b #c ")).resolved(), out="\u2028\ufeff\x7f\U0010ffff"))
@example(Config(DataConfig("a", documents=DocumentsConfig(separator="\n\n---\n")).resolved(), out="a"))
def test_a_config_written_as_yaml_reads_back_equal(load, config):
    assert load(config.to_yaml()) == config


@given(config=configs)
def test_a_config_as_plain_data_reads_back_equal(config):
    assert config_from_dict(config.to_dict()) == config
    assert config_from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_a_resolved_config_holds_every_key():
    values = Config(DataConfig(path="a.txt")).to_dict()
    for path in all_keys():
        here = values
        for name in path.split("."):
            here = here[name]


def test_the_leaves_are_the_keys_that_are_no_section_with_their_field_and_type():
    assert {name: (entry.field, entry.type_hint) for name, entry in leaves().items()} == LEAVES
    assert [name for name in all_keys() if name in LEAVES] == list(leaves())
    assert set(all_keys()) - set(leaves()) == {
        "data", "data.documents", "model", "model.init", "train", "train.schedule"
    }  # fmt: skip


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_config_loads_and_names_the_schema_in_its_first_line(path):
    assert load_config(path).out == f"runs/{path.stem}"
    schema = re.fullmatch(r"# yaml-language-server: \$schema=(.+)", path.read_text("utf-8").splitlines()[0])[1]
    assert (path.parent / schema).is_file()


@pytest.mark.parametrize("written", ["model:", "model: ~", "model: null", "model: {}", "train: {schedule: }"])
def test_an_empty_section_is_one_of_defaults(load, written):
    assert load(f"data: {{path: a.txt}}\n{written}") == load("data: {path: a.txt}")


def test_a_word_alone_is_the_kind_of_a_schedule_and_the_scheme_of_an_initialisation(load):
    config = load("data: {path: a.txt}\nmodel: {init: orthogonal}\ntrain: {schedule: cosine}")
    assert config.model.init == InitConfig(scheme="orthogonal")
    assert config.train.schedule == ScheduleConfig(kind="cosine")


def test_importing_the_config_module_imports_neither_numpy_nor_rich():
    code = "import sys, charrnn.config; print(sorted({'numpy', 'rich', 'click'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


# -- scalars by the rules of YAML 1.2 -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("train.learning_rate", "1e-3", 0.001),
        ("train.learning_rate", "1E+0", 1.0),
        ("train.learning_rate", ".5", 0.5),
        ("train.learning_rate", "5.", 5.0),
        ("train.learning_rate", "3", 3.0),
        ("model.forget_bias", "-1.5e0", -1.5),
        ("seed", "010", 10),
        ("seed", "0o10", 8),
        ("seed", "0x1F", 31),
        ("seed", "+7", 7),
        *[("data.lowercase", text, True) for text in ("true", "True", "TRUE")],
        *[("data.lowercase", text, False) for text in ("false", "False", "FALSE")],
        *[("train.clip_norm", text, None) for text in ("null", "Null", "NULL", "~", "")],
        *[
            ("data.path", text, text)
            for text in ("no", "yes", "on", "off", "y", "n", "true", "12:30:45", "1_000", "010", "1e-3", "2024-02-30")
        ],
        *[("data.path", text, text) for text in (".inf", ".nan", "0b1", "=", "<<", "nUll")],
        ("data.path", "'null'", "null"),
        ("data.path", '"~"', "~"),
        ("data.path", "[no, 010, b c]", ("no", "010", "b c")),
        ("data.path", "|-\n    a.txt", "a.txt"),
    ],
)
def test_a_scalar_means_what_yaml_1_2_says(load, path, text, value):
    assert at(load(written(path, text), "model.cell=lstm"), path) == value


NOT_INTEGERS = ["1_000", "1e3", "1.0", "'5'", "true", "no", "12:30:45", "0b1", "0o8", "null", "[1]", "{a: 1}"]
NOT_NUMBERS = [".inf", "-.inf", ".nan", "nan", "inf", "1_000.5", "0x10", "'1e-3'", "yes", "1e", "e3", "1,5", "~", "[1]"]
NOT_BOOLEANS = ["yes", "no", "on", "off", "y", "1", "'true'", "tRUE", "null", "[true]"]
NOT_PATHS = ["null", "~", "''", "[]", "{a: b}", "[a, null]", "[a, [b]]"]


@pytest.mark.parametrize(
    ("path", "expected", "text"),
    [
        *[("seed", "a whole number", text) for text in NOT_INTEGERS],
        *[("train.momentum", "a number", text) for text in NOT_NUMBERS],
        *[("train.clip_norm", "a number or null", text) for text in ("none", "nil", "Null_", "''")],
        *[("data.lowercase", "true or false", text) for text in NOT_BOOLEANS],
        *[("data.path", "a string or a list of strings", text) for text in NOT_PATHS],
        *[("train.betas", "a list of 2 numbers", text) for text in ("0.9", "[0.9]", "[0.9, x]", "[0.9, 0.9, 0.9]")],
        *[("model.cell", "rnn | lstm | gru | ngram", text) for text in ("cnn", "LSTM", "null", "[lstm]")],
    ],
)
def test_a_value_of_the_wrong_type_is_refused_with_its_place_and_the_type_expected(faults, path, expected, text):
    clean, expected_places = marked(written(path, f"^{text}"))
    (line,) = faults(clean)
    assert places([line]) == expected_places
    assert f": {path}: expected {expected}, got " in line


def test_a_number_too_large_for_a_float_is_refused(faults):
    assert faults("data: {path: a.txt}\ntrain: {learning_rate: 1e400}") == [
        "my.yaml:2:24: train.learning_rate: 1e400 is too large"
    ]


def test_a_whole_number_of_thousands_of_digits_is_refused(faults):
    (line,) = faults(f"data: {{path: a.txt}}\nseed: {'9' * 5000}")
    assert line.startswith("my.yaml:2:7: seed: expected a whole number, got '999")


def test_an_override_that_is_empty_or_only_a_comment_is_null(load):
    assert load("data: {path: a.txt}", "out=").out == "runs/my"
    assert load("data: {path: a.txt}", "out= # later").out == "runs/my"


# -- what is not a config -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("^", "data.path is missing"),
        ("^# only a comment\n", "data.path is missing"),
        ("^null", "data.path is missing"),
        ("^seed: 1", "data.path is missing"),
        ("data: ^{tokens: char}", "data.path is missing"),
        ("^- data", "a config is a mapping of keys to values, beginning with `data:`"),
        ("^data", "a config is a mapping of keys to values, beginning with `data:`"),
        ("^[1, 2]", "a config is a mapping of keys to values, beginning with `data:`"),
        ("data: ^my.txt", "data must be a mapping of keys to values"),
        ("data: {path: a}\nmodel: ^[lstm]", "model must be a mapping of keys to values"),
        ("data: {path: a}\nseed: 1\n^seed: 2", "seed: given twice (first at 2:1)"),
        ("data: {path: a, ^path: b}", "path: given twice (first at 1:8)"),
        ("data: {path: a, ^'path': b}", "path: given twice (first at 1:8)"),
        ("data: {path: &a b, valid_path: ^*a}", "*a: aliases are not allowed in a config; write the value out"),
        ("data: ^!!python/object:os.system {path: a}", "tags are not allowed in a config; write the plain value"),
        ("data: {path: a}\nseed: ^!!int '1'", "tags are not allowed in a config; write the plain value"),
        ("data: {path: ^!x a}", "!x: tags are not allowed in a config; write the plain value"),
        ("data: {path: a}\n^---\ndata: {path: b}", "a second document begins here; a config is a single document"),
        ("data: {path: a}\n? ^[seed]\n: 1", "a key must be a word, not a list or a mapping"),
        ("data: {path: a}\n^<<: {seed: 2}", "<<: unknown key"),
        ("data:\n^\tpath: a", "not YAML: found character '\\t' that cannot start any token"),
        ("data: {path: a\n^", "not YAML: expected ',' or '}', but got '<stream end>'"),
        ('data: {path: "a\n^', "not YAML: found unexpected end of stream"),
        ("data: {path: a}\n  ^seed: 1", "not YAML: expected <block end>, but found"),
        ("data: {path: a^\x1b[31m}", "not YAML: the character '\\x1b' is not allowed"),
        ("data:\r\n  path: a^\0", "not YAML: the character '\\x00' is not allowed"),
        ('data: {path: "\\U^00110000"}', "not YAML"),
        ('data: {path: "\\U^FFFFFFFF"}', "not YAML"),
        ('data: {^path: "a\\0b"}', "data.path: no file name holds the character NUL"),
        ('data: {^path: [a, "b\\0"]}\nout: a', "data.path: no file name holds the character NUL"),
        ('data: {path: a}\ntrain: {^teacher: "b\\0"}', "train.teacher: no file name holds the character NUL"),
        ('data: {path: a}\nout: ^"\\ud800"', "out: "),
    ],
)
def test_what_is_not_a_config_is_refused_with_its_place(faults, text, message):
    clean, expected_places = marked(text)
    lines = faults(clean)
    assert places(lines)[:1] == expected_places
    assert message in lines[0]


@pytest.mark.parametrize("text", ["[" * 3000, "{a: " * 3000, "data: " + "[" * 3000, "? " * 3000, "- " * 3000])
def test_deep_nesting_is_refused(faults, text):
    assert re.fullmatch(r"my\.yaml:1:\d+: nested deeper than 16 levels", faults(text)[-1])


def test_collections_may_be_nested_up_to_the_limit_and_no_deeper(faults):
    within = faults("data: " + "[" * 15 + "]" * 15)
    assert not [line for line in within if "nested deeper" in line]
    assert faults("data: " + "[" * 16 + "]" * 16) == ["my.yaml:1:22: nested deeper than 16 levels"]


@pytest.mark.parametrize("text", ["#" * (2 << 20), "data: {path: a}\n" + "\n" * (2 << 20)])
def test_a_file_that_is_too_large_is_refused(faults, text):
    (line,) = faults(text)
    assert line.startswith("my.yaml: a config of 2,097,1")
    assert "the limit is 1,048,576" in line


def test_aliases_that_would_expand_without_end_are_refused_one_by_one(faults):
    bomb = "k0: &k0 [x]\n" + "".join(f"k{n}: &k{n} [{', '.join([f'*k{n - 1}'] * 9)}]\n" for n in range(1, 9))
    aliases = [line for line in faults(bomb) if "aliases are not allowed in a config" in line]
    assert len(aliases) == 72


def test_a_version_number_without_end_is_refused(faults):
    assert places(faults(f"%YAML 1.{'9' * 5000}\n---\ndata: {{path: a.txt}}"))[0].startswith("1:")


@pytest.mark.parametrize("data", [b"data: {path: caf\xe9}", "data: {path: a}".encode("utf-16")])
def test_bytes_that_are_not_utf_8_are_refused_with_their_offset(faults, data):
    (line,) = faults(data)
    offset = data.index(b"\xe9") if b"\xe9" in data else 0
    assert line.startswith(f"my.yaml: byte offset {offset}: ")


def test_a_byte_order_mark_and_windows_line_ends_move_no_place(load, faults):
    assert load("\ufeffdata:\r\n  path: a.txt\r\n") == load("data: {path: a.txt}")
    assert places(faults("\ufeffdata: {path: a.txt}\r\nseed: x\r\n")) == ["2:7"]
    assert places(faults("\ufeffsed: 1\r\ndata: {path: a.txt}\r\n")) == ["1:1"]


@pytest.mark.parametrize("name", ["", "no.yaml", "\x1b[31m.yaml"])
def test_a_file_that_cannot_be_read_is_refused_with_its_name(tmp_path, name):
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / name)
    (line,) = checked(caught.value)
    assert line.startswith(str(tmp_path))
    assert "a config is a YAML file" in line


# -- whatever is written, a Config or a ConfigError ---------------------------------------------------------------


def refused_or_read(load, *args):
    try:
        assert isinstance(load(*args), Config)
    except ConfigError as error:
        checked(error)


@pytest.mark.row(9)
@settings(max_examples=300)
@given(text=texts | yaml_noise)
def test_any_text_is_read_or_refused(load, text):
    refused_or_read(load, text)


@pytest.mark.row(9)
@given(data=st.binary())
def test_any_bytes_are_read_or_refused(load, data):
    refused_or_read(load, data)


SOUND = (
    "data:\n  path: [a.txt, 'b']\ntrain: {betas: [0.9, .99], schedule: cosine}  # a comment\nseed: 0x10\nout: null\n"
)


@pytest.mark.row(9)
@settings(max_examples=300)
@given(data=st.data(), noise=yaml_noise)
def test_any_damage_to_a_sound_config_is_read_or_refused(load, data, noise):
    start = data.draw(st.integers(0, len(SOUND)))
    stop = data.draw(st.integers(start, min(start + 10, len(SOUND))))
    refused_or_read(load, SOUND[:start] + noise + SOUND[stop:])


@pytest.mark.row(9)
@given(assignment=texts | yaml_noise | st.builds("{}={}".format, st.sampled_from(list(all_keys())), yaml_noise))
def test_any_override_is_taken_or_refused(load, assignment):
    refused_or_read(load, "data: {path: a.txt}", assignment)


@pytest.mark.row(9)
@given(value=plain_data, path=st.sampled_from(list(all_keys())))
def test_any_plain_data_is_taken_or_refused(value, path):
    refused_or_read(config_from_dict, nested(path, value))
    refused_or_read(config_from_dict, value)


# -- all faults at once -------------------------------------------------------------------------------------------


@pytest.mark.row(9)
def test_all_faults_are_reported_at_once_in_the_order_of_the_file(faults):
    text, expected_places = marked(
        """\
data:
  path: a.txt
  ^encodin: utf-8
  tokens: ^chars
  fractions: ^[0.9, 0.2, -0.1]
model: {cell: lstm, ^activation: relu, hidden_size: ^0, ^droput: 0.5}
^trian:
  seq_length: 10
train:
    learning_rate: ^fast
    schedule:
        kind: ^cosinus
        floor: ^1.5
seed: ^!!int 1
^seed: 2
out: ^[a]
"""
    )
    lines = faults(text)
    assert places(lines) == expected_places
    for line, message in zip(
        lines,
        [
            "data.encodin: unknown key; did you mean encoding?",
            "data.tokens: expected char | byte, got 'chars'; did you mean char?",
            "data.fractions: (0.9, 0.2, -0.1) must be at least 0",
            "model.activation applies only with model.cell: rnn; leave it out",
            "model.hidden_size: 0 must be at least 1",
            "model.droput: unknown key; did you mean dropout?",
            "trian: unknown key; did you mean train?",
            "train.learning_rate: expected a number or null, got 'fast'",
            "train.schedule.kind: expected constant | exponential | cosine | plateau, got 'cosinus'; "
            "did you mean cosine?",
            "train.schedule.floor: 1.5 must be at most 1",
            "tag:yaml.org,2002:int: tags are not allowed in a config; write the plain value",
            "seed: given twice (first at 14:1)",
            "out: expected a string or null, got a collection",
        ],
        strict=True,
    ):
        assert line.partition(": ")[2] == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data: {path: a, documents: ^lines}", "data.documents: expected none | line | paragraph | file, got 'lines'"),
        ("data: {path: a, documents: {kind: ^lines}}", "data.documents.kind: expected none | line | paragraph | file"),
        ("data: {path: a}\ntrain: {schedule: ^1}", "train.schedule: expected constant | exponential | cosine"),
    ],
)
def test_a_word_that_stands_for_a_section_is_reported_under_the_key_that_was_written(faults, text, message):
    clean, expected_places = marked(text)
    (line,) = faults(clean)
    assert places([line]) == expected_places
    assert message in line


@pytest.mark.row(9)
@given(data=st.data())
def test_every_faulty_value_is_reported_with_its_own_place(faults, data):
    tree = {}
    for path in data.draw(st.lists(st.sampled_from(sorted(LEAVES)), min_size=1, max_size=8, unique=True)):
        *heads, name = path.split(".")
        here = tree
        for head in heads:
            here = here.setdefault(head, {})
        here[name] = "^[[]]"
    text, expected_places = marked("\n".join(block(tree, indent=data.draw(st.integers(1, 6)) * " ")))
    found = [line for line in faults(text) if ": expected " in line]
    assert places(found) == expected_places


@pytest.mark.parametrize(
    "text",
    [
        "data: {path: a.txt}\nmodel: {cell: ^rn, activation: relu}",
        "data: {path: a.txt}\ntrain: {epochs: null, max_steps: ^10k}",
        "data: {path: a.txt, fractions: [0.9, 0, 0.1], valid_path: ^[]}\ntrain: {schedule: plateau}",
        "data: {path: a.txt}\nmodel: {num_layers: ^one, dropout: 0.5}",
    ],
)
def test_a_faulty_key_is_blamed_once_and_causes_no_further_fault(faults, text):
    clean, expected_places = marked(text)
    assert places(faults(clean)) == expected_places


def test_faults_of_plain_data_keep_the_order_of_the_keys():
    unknown = [letter * 4 for letter in "qzjkwyvx"]
    with pytest.raises(ConfigError) as caught:
        config_from_dict({"data": {"path": "a.txt"}, **dict.fromkeys(unknown, 1)}, source="here")
    assert [line[:10] for line in checked(caught.value)] == [f"here: {name}" for name in unknown]


def test_a_long_value_is_shown_shortened(faults):
    (line,) = faults(f"data: {{path: a.txt}}\nseed: {'x' * 100_000}")
    assert line.startswith("my.yaml:2:7: seed: expected a whole number, got 'xxx")
    assert len(line) < 500


@pytest.mark.parametrize(
    "text",
    [
        r'seed: "\e[31m"',
        r'"\e[31mred": 1',
        r'{"a\u202eb": 1}',
        r'{data: {"\x9b": 1}}',
        r"seed: !<%1B%5B31m> 1",
        r'{data: {path: a, encoding: "\e"}}',
        r'model: {cell: "\x07\r\n"}',
    ],
)
def test_control_characters_of_the_file_are_escaped_in_messages(faults, text):
    assert "\\" in " ".join(faults(text))  # and checked() has seen that none is raw


# -- the nearest valid key ----------------------------------------------------------------------------------------


def typos(word):
    """Every word that is one deletion, swap of neighbours, substitution or insertion away."""
    letters = string.ascii_lowercase + "_"
    cuts = [(word[:n], word[n:]) for n in range(len(word) + 1)]
    found = {a + b[1:] for a, b in cuts if b}
    found |= {a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1}
    found |= {a + letter + b[1:] for a, b in cuts if b for letter in letters}
    found |= {a + letter + b for a, b in cuts for letter in letters}
    return found


def suggestions(unknown):
    """(section prefix, unknown key) -> what is suggested for it; all of them in one config."""
    values = {}
    for prefix, name in unknown:
        here = values
        for part in prefix.split(".")[:-1]:
            here = here.setdefault(part, {})
        here[name] = 1
    with pytest.raises(ConfigError) as caught:
        config_from_dict(values)
    pattern = re.compile(r"config: ((?:\w+\.)*)(\w+): unknown key(?:; did you mean ([\w.]+)\?)?")
    found = [pattern.match(line) for line in checked(caught.value)]
    return {(match[1], match[2]): match[3] for match in found if match}


@pytest.mark.row(9)
def test_the_right_key_is_suggested_for_95_percent_of_all_one_letter_typos():
    meant = defaultdict(set)
    for prefix, kind in sections():
        keys = {entry.name for entry, _ in keys_of(kind)}
        for key in keys:
            for typo in typos(key) - keys:
                meant[prefix, typo].add(key)
    found = suggestions(meant)
    assert found.keys() == meant.keys()
    right = defaultdict(list)
    for (prefix, typo), keys in meant.items():
        for key in keys:
            right[prefix + key].append(found[prefix, typo] in keys)
    everything = [hit for hits in right.values() for hit in hits]
    assert len(everything) > 20_000
    assert sum(everything) / len(everything) >= 0.95
    assert min(sum(hits) / len(hits) for hits in right.values()) >= 0.9  # and no key is left behind


def test_a_key_in_the_wrong_section_is_sent_to_the_right_one():
    homes = defaultdict(set)
    for path in all_keys():
        homes[path.rpartition(".")[2]].add(path)
    lost = {
        (prefix, name): paths
        for prefix, kind in sections()
        for name, paths in homes.items()
        if name not in {entry.name for entry, _ in keys_of(kind)}
    }
    found = suggestions(lost)
    assert {place: found[place] for place in lost if found[place] not in lost[place]} == {}


def test_a_key_unlike_any_other_is_answered_with_the_keys_of_its_section(faults):
    assert faults("data: {path: a.txt, zzz: 1}")[0].startswith(
        "my.yaml:1:21: data.zzz: unknown key; data has path, format, source, "
    )


# -- ranges -------------------------------------------------------------------------------------------------------

WORDS = {"low": "at least", "above": "above", "high": "at most", "below": "below"}
BOUNDED = [(path, bound) for path, (entry, _) in LEAVES.items() for bound in WORDS if bound in entry.metadata]


def edge(path, bound):
    """The last value inside of a bound and the first outside: one is at the bound, the other next to it."""
    entry, kind = LEAVES[path]
    limit, whole = entry.metadata[bound], int in (kind, *get_args(kind))
    outward = -1 if bound in ("low", "above") else 1

    def beside(way):
        return limit + way if whole else math.nextafter(limit, way * math.inf)

    found = (limit, beside(outward)) if bound in ("low", "high") else (beside(-outward), limit)
    if isinstance(entry.default, tuple):
        return tuple([number] * len(entry.default) for number in found)
    if dict in map(get_origin, get_args(kind)):
        return tuple({"spam": number} for number in found)
    return found


def complaint(values):
    """What is wrong with plain data; nothing where it is a config."""
    try:
        config_from_dict(values)
    except ConfigError as error:
        return "\n".join(checked(error))
    return ""


def faulty_value(path, rng):
    """A value that is wrong for a key, as it is written in YAML, in one of the ways that the key allows."""
    _, kind = LEAVES[path]
    ways = ["[[]]", "{a: b}"]
    if not any(part is str for part in (kind, *get_args(kind))):
        ways += ["maybe", "'1'", "2 3"] if kind is not bool else ["yes", "1", "'true'"]
    ways += [str(edge(path, bound)[1]) for known, bound in BOUNDED if known == path]
    return rng.choice([way for way in ways if "inf" not in way])


def typo_of(name, known, rng):
    """A name one letter away from a key, and a key itself nowhere."""
    return rng.choice(sorted(typos(name) - known - {""}))


@pytest.mark.row(9)
def test_every_fault_of_a_config_made_from_the_table_is_named_with_its_place(faults, tried):
    known = {path.rpartition(".")[2] for path in all_keys()}
    tried(count := volume(500, 2000))
    for seed in range(count):
        rng = random.Random(seed)
        tree = {"data": {"path": "a.txt"}}
        for path in rng.sample(sorted(LEAVES), rng.randint(1, 8)):
            *heads, name = path.split(".")
            here = tree
            for head in heads:
                here = here.setdefault(head, {})
            if rng.random() < 0.3:
                here["^" + typo_of(name, known, rng)] = rng.choice(["1", "x", "[]", "~"])
            elif path != "data.path" or rng.random() < 0.5:
                here[name] = "^" + faulty_value(path, rng)
        text, wanted = marked("\n".join(block(tree, indent=rng.randint(1, 6) * " ")))
        if not wanted:
            continue
        found = faults(text)
        combined = [
            line for line in found if not re.search(r"unknown key|expected|must be|given twice|a mapping", line)
        ]
        assert sorted(places(found)) == sorted({*wanted, *places(combined)}, key=str), text


def test_the_table_has_bounds_of_every_kind():
    assert {bound for _, bound in BOUNDED} == set(WORDS)
    assert len(BOUNDED) > 30


@pytest.mark.parametrize(("path", "bound"), BOUNDED, ids=lambda value: value)
def test_a_number_is_taken_up_to_its_bound_and_refused_beyond_it(path, bound):
    inside, outside = edge(path, bound)
    wrong = f"must be {WORDS[bound]} {LEAVES[path][0].metadata[bound]}"
    assert wrong not in complaint(nested(path, inside))
    assert "expected" not in complaint(nested(path, inside))
    assert wrong in complaint(nested(path, outside))


# -- combinations -------------------------------------------------------------------------------------------------

OF_BYTES = "does not go with data.tokens: byte; leave it out"
IMPOSSIBLE = [
    ("data: {path: a}\nmodel: {^activation: relu}", "model.activation applies only with model.cell: rnn"),
    ("data: {path: a}\nmodel: {cell: lstm, ^reset: before}", "model.reset applies only with model.cell: gru"),
    ("data: {path: a}\nmodel: {cell: gru, ^forget_bias: 2}", "model.forget_bias applies only with model.cell: lstm"),
    ("data: {path: a}\nmodel: {num_layers: 1, ^dropout: 0.5}", "model.dropout acts between layers"),
    ("data: {path: a}\nmodel: {num_layers: 1, ^skip_connections: true}", "model.skip_connections needs two layers"),
    ("data: {path: a, ^fractions: [0.5, 0.4, 0.2]}", "data.fractions: [0.5, 0.4, 0.2] sum to 1.1, not 1"),
    ("data: {path: a, ^fractions: [0, 0.5, 0.5]}", "data.fractions leave nothing to train on"),
    (
        "data: {path: a, valid_path: b, ^split: streams}",
        "data.split: streams splits data.path; it does not go with data.valid_path",
    ),
    (
        "data: {path: a, test_path: b, ^split: streams}",
        "data.split: streams splits data.path; it does not go with data.test_path",
    ),
    (
        "data: {path: a, test_path: b, ^fractions: [0.8, 0.1, 0.1]}",
        "data.fractions split data.path; they do not go with data.test_path",
    ),
    (
        "data: {path: a, documents: {kind: line, ^separator: '%'}}",
        "data.documents.separator does not go with data.documents.kind; leave one of them out",
    ),
    (
        "data: {path: a, documents: line, ^split: streams}",
        "data.split: streams cuts documents to pieces; use random or contiguous with data.documents",
    ),
    (
        "data: {path: a, ^split: random}",
        "data.split: random draws documents; set data.documents to line, paragraph, file or {separator: TEXT}",
    ),
    ("data: {path: a, tokens: byte, ^normalize: nfc}", f"data.normalize {OF_BYTES}"),
    ("data: {path: a, tokens: byte, ^lowercase: true}", f"data.lowercase {OF_BYTES}"),
    ("data: {path: a, tokens: byte, ^min_count: 2}", f"data.min_count {OF_BYTES}"),
    ("data: {path: a, tokens: byte, ^encoding: cp1252}", f"data.encoding {OF_BYTES}"),
    *[
        (f"data: {{path: a, ^encoding: {name}}}", f"data.encoding: '{name}' is not a text encoding")
        for name in ("utf-9", "rot13", "hex", "undefined")
    ],
    (
        "data: {path: a}\ntrain: {batch_size: 2, ^shards: 3}",
        "train.shards: 3 shards need as many streams, but train.batch_size is 2",
    ),
    ("data: {path: a, fractions: [0.9, 0, 0.1]}\ntrain: {^schedule: plateau}", "there is no validation split"),
    ("data: {path: a, test_path: b}\ntrain: {^schedule: {kind: plateau}}", "there is no validation split"),
]


@pytest.mark.parametrize(("text", "message"), IMPOSSIBLE, ids=lambda value: value[:60])
def test_an_impossible_combination_is_refused_at_the_key_to_change(faults, text, message):
    clean, expected_places = marked(text)
    (line,) = faults(clean)
    assert places([line]) == expected_places
    assert message in line


@pytest.mark.parametrize(
    "text",
    [
        "data: {path: a}\nmodel: {cell: rnn, activation: relu}",
        "data: {path: a}\nmodel: {cell: gru, reset: before}",
        "data: {path: a}\nmodel: {activation: tanh, reset: after, cell: lstm, forget_bias: 0}",
        "data: {path: a}\nmodel: {num_layers: 2, dropout: 0.5}",
        "data: {path: a, fractions: [0.7, 0.2, 0.1]}",
        "data: {path: a, valid_path: b, fractions: [0.9, 0.05, 0.05]}\ntrain: {schedule: plateau}",
        "data: {path: a, documents: paragraph, split: contiguous}",
        "data: {path: a, documents: {separator: '%', kind: none}, split: random}",
        "data: {path: a, documents: line, split: random, valid_path: b}",
        "data: {path: a, tokens: byte, normalize: none, encoding: utf-8}",
        "data: {path: a, encoding: latin-1}",
        "data: {path: a}\ntrain: {epochs: null, max_steps: 1}",
        "data: {path: a}\ntrain: {batch_size: 3, shards: 3}",
    ],
)
def test_a_combination_that_has_what_it_needs_is_taken(load, text):
    assert load(text)


# -- overrides ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("assignments", "path", "value"),
    [
        (["seed=2"], "seed", 2),
        (["seed=2", "seed=3"], "seed", 3),
        ([" seed = 2 "], "seed", 2),
        (["train.learning_rate=1e-3"], "train.learning_rate", 0.001),
        (["train.schedule.floor=0"], "train.schedule", ScheduleConfig(kind="exponential", floor=0.0)),
        (["train.schedule=cosine"], "train.schedule", ScheduleConfig(kind="cosine")),
        (["train.schedule=cosine", "train.schedule.floor=0.1"], "train.schedule", ScheduleConfig("cosine", floor=0.1)),
        (["train.schedule={kind: cosine, floor: 1}"], "train.schedule", ScheduleConfig("cosine", floor=1.0)),
        (["model.init.scale=2"], "model.init", InitConfig("orthogonal", scale=2.0)),
        (["model.init={}"], "model.init", InitConfig()),
        (["data.path=[b.txt, c.txt]"], "data.path", ("b.txt", "c.txt")),
        (["data.path=a=b"], "data.path", "a=b"),
        (["data.path='no'"], "data.path", "no"),
        (["data={path: c.txt}"], "data", DataConfig(path="c.txt").resolved()),
        (["train.clip_norm=null"], "train.clip_norm", None),
        (["train.clip_norm="], "train.clip_norm", None),
        (["out=there"], "out", "there"),
    ],
)
def test_an_override_wins_over_the_file(load, assignments, path, value):
    text = (
        "data: {path: a.txt}\nseed: 1\nmodel: {init: orthogonal}\ntrain: {schedule: {kind: exponential}}\nout: here\n"
    )
    assert at(load(text, *assignments), path) == value


def test_an_override_mends_what_is_wrong_in_the_file(load):
    assert load("data: {path: a.txt}\nseed: banana\nmodel: big", "seed=3", "model={}").seed == 3
    assert load("", "data.path=a.txt").data == DataConfig(path="a.txt").resolved()


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("seed=x", "override: seed: expected a whole number, got 'x'"),
        ("seed=-1", "override: seed: -1 must be at least 0"),
        ("seed=", "override: seed: expected a whole number, got '', which is empty"),
        ("sede=1", "override: sede: unknown key; did you mean seed?"),
        ("modle.cell=gru", "override: modle: unknown key; did you mean model?"),
        ("train.sed=1", "override: train.sed: unknown key; did you mean seed?"),
        ("optimizer=adam", "override: optimizer: unknown key; did you mean train.optimizer?"),
        (
            "model.dropout.rate=1",
            "override: model.dropout: expected a number or null, got a collection",
        ),
        ("train=fast", "override: train must be a mapping of keys to values"),
        ("model.num_layers=1", "my.yaml:2:9: model.dropout acts between layers"),
        ("data.fractions=[1, 1, 1]", "override: data.fractions: [1.0, 1.0, 1.0] sum to 3, not 1"),
        ("data.path=[", "override data.path:1:2: not YAML: "),
        ("out=*a", "override out:1:1: *a: aliases are not allowed in a config"),
        ("seed=1\n---\n2", "override seed:2:1: a second document"),
        ("seed", "override: 'seed' is not of the form KEY=VALUE, for instance train.learning_rate=1e-3"),
        ("=1", "override: '=1' is not of the form KEY=VALUE"),
        ("", "override: '' is not of the form KEY=VALUE"),
    ],
)
def test_an_override_is_checked_as_the_file_is(faults, assignment, message):
    (line,) = faults("data: {path: a.txt}\nmodel: {dropout: 0.5}", assignment)
    assert line.startswith(message)


def test_faults_of_the_file_and_of_the_overrides_are_reported_together(faults):
    lines = faults("data: {path: a.txt}\nsed: 1", "seed=x", "train.epoch=1", "oops")
    assert lines[0].startswith("my.yaml:2:1: sed: ")
    assert {line.split(": ")[0] for line in lines[1:]} == {"override"}


# -- plain data ---------------------------------------------------------------------------------------------------


def test_plain_data_is_checked_as_a_file_is():
    assert complaint({"data": {"path": "a.txt"}, "seed": "1"}) == "config: seed: expected a whole number, got '1'"
    assert complaint({"data": {"path": "a.txt"}, "train": {"learning_rate": math.nan}}).startswith(
        "config: train.learning_rate: expected a number or null"
    )
    assert complaint({}).startswith("config: data.path is missing")
    assert complaint([1]) == "config: a config must be a mapping of keys to values"
    assert complaint({1: 2, "data": {"path": "a.txt"}}).startswith("config: 1: unknown key")


@pytest.mark.parametrize("value", [object(), b"a.txt", {1, 2}, 1j, 10**5000], ids=lambda value: type(value).__name__)
def test_data_that_is_not_plain_is_refused(value):
    assert complaint(nested("seed", value)).startswith("config: seed: ")


def test_paths_and_numpy_numbers_are_taken_for_what_they_are():
    values = {"data": {"path": Path("a.txt")}, "seed": np.int64(3), "train": {"learning_rate": np.float64(0.5)}}
    config = config_from_dict(values)
    assert (config.data.path, config.seed, config.train.learning_rate) == ("a.txt", 3, 0.5)


# -- the reference and the schema ---------------------------------------------------------------------------------


def test_the_reference_is_a_config_of_all_keys_at_their_defaults(load):
    assert load(reference_yaml(), "out=null") == Config(DataConfig(path="shipped:tales.txt").resolved(), out="runs/my")
    tree = parse_yaml(reference_yaml(), "reference", Faults())
    assert list(dotted_keys(tree)) == list(all_keys())


def dotted_keys(node, prefix=""):
    for name, inner in node.items.items() if isinstance(node, MappingNode) else ():
        yield prefix + name
        yield from dotted_keys(inner, f"{prefix}{name}.")


def test_the_reference_explains_every_key(load):
    text = " ".join(reference_yaml().replace("#", " ").split())
    for prefix, kind in sections():
        for entry, _ in keys_of(kind):
            assert " ".join(entry.metadata["help"].split()) in text, prefix + entry.name


@pytest.mark.parametrize(("name", "arguments"), [("reference.yaml", []), ("charrnn.schema.json", ["--schema"])])
def test_the_shipped_file_is_what_the_command_prints(name, arguments):
    printed = CliRunner().invoke(show_config, arguments).stdout
    shipped = (SHIPPED[0].parent / name).read_text("utf-8")
    assert shipped == (json.dumps(json_schema(), indent=1) + "\n" if arguments else reference_yaml())
    assert shipped.splitlines()[1:] == printed.splitlines()[1:]  # the first names the schema of this installation


def plain(node):
    """A tree of nodes as an editor sees it: YAML 1.2 scalars, lists and mappings."""
    if isinstance(node, MappingNode):
        return {name: plain(inner) for name, inner in node.items.items()}
    if isinstance(node, SequenceNode):
        return [plain(inner) for inner in node.items]
    text = node.text
    if not node.plain:
        return text
    if text in NULL or text in BOOL:
        return BOOL.get(text)
    return int(text) if INT.fullmatch(text) else float(text) if FLOAT.fullmatch(text) else text


def test_the_schema_is_one():
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_schema_accepts_every_shipped_config(path):
    SCHEMA.validate(plain(parse_yaml(path.read_text("utf-8"), path.name, Faults())))


@given(config=configs)
def test_the_schema_accepts_every_config(config):
    SCHEMA.validate(config.to_dict())


def test_the_schema_accepts_a_word_alone_where_the_config_does():
    SCHEMA.validate({"data": {"path": "a.txt"}, "train": {"schedule": "cosine"}, "model": {"init": "normal"}})


@pytest.mark.parametrize(
    ("prefix", "kind"), list(sections()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_the_schema_refuses_an_unknown_key_in_any_section(prefix, kind):
    assert not SCHEMA.is_valid(nested(f"{prefix}unknown", 1))


@pytest.mark.parametrize("path", LEAVES)
def test_the_schema_refuses_a_value_of_the_wrong_type_for_any_key(path):
    assert not SCHEMA.is_valid(nested(path, [[]]))


@pytest.mark.parametrize(("path", "bound"), BOUNDED, ids=lambda value: value)
def test_the_schema_knows_every_bound(path, bound):
    inside, outside = edge(path, bound)
    assert SCHEMA.is_valid(nested(path, inside))
    assert not SCHEMA.is_valid(nested(path, outside))


def test_the_schema_asks_for_the_path_of_the_text():
    assert not SCHEMA.is_valid({})
    assert not SCHEMA.is_valid({"data": {}})
    assert SCHEMA.is_valid({"data": {"path": "a.txt"}})
