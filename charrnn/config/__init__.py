"""The configuration of a run: a table of keys, from which reading, checking, the reference and the schema derive.

Config files are strict YAML. Values follow the core rules of YAML 1.2: `1e-3` is a number, `no` is a string, `010` is
ten. Every fault of a file is reported at once, with its line and column and the nearest valid key.

    table       how keys are declared; conditions on other keys
    keys        a whole config, whose sections are in data_keys, model_keys and train_keys
    yaml_tree   text to a tree of nodes with places
    values      scalars to typed values; bounds
    building    tree and overrides to a Config
    rules       what keys forbid each other; task_rules those about what is learned
    clash       a contradiction between keys
    faults      the faults found so far
    reference   the commented reference and the JSON Schema

This package imports no NumPy. It does not read the text that a config names.
"""

from charrnn.config.building import config_from_dict, load_config
from charrnn.config.data_keys import DataConfig, DocumentsConfig
from charrnn.config.keys import Config, flat
from charrnn.config.model_keys import ModelConfig
from charrnn.config.reference import json_schema, reference_yaml
from charrnn.config.search_space import Choice, Range, Space, load_space, number_text
from charrnn.config.train_keys import TrainConfig

__all__ = [
    "Choice",
    "Config",
    "DataConfig",
    "DocumentsConfig",
    "ModelConfig",
    "Range",
    "Space",
    "TrainConfig",
    "config_from_dict",
    "flat",
    "json_schema",
    "load_config",
    "load_space",
    "number_text",
    "reference_yaml",
]
