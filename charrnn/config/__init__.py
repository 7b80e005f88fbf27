"""The configuration of a run: a table of keys, from which reading, checking, the reference and the schema derive.

Config files are strict YAML. Values follow the core rules of YAML 1.2: `1e-3` is a number, `no` is a string, `010` is
ten. Every fault of a file is reported at once, with its line and column and the nearest valid key.

    table       how keys are declared; conditions on other keys
    keys        the sections and keys themselves: Config and its parts
    yaml_tree   text to a tree of nodes with places
    values      scalars to typed values; bounds
    building    tree and overrides to a Config
    rules       what keys forbid each other
    faults      the faults found so far
    reference   the commented reference and the JSON Schema

This package imports no NumPy. It does not read the text that a config names.
"""

from charrnn.config.building import config_from_dict, load_config
from charrnn.config.keys import Config, DataConfig, DocumentsConfig, ModelConfig, TrainConfig, flat
from charrnn.config.reference import json_schema, reference_yaml

__all__ = [
    "Config",
    "DataConfig",
    "DocumentsConfig",
    "ModelConfig",
    "TrainConfig",
    "config_from_dict",
    "flat",
    "json_schema",
    "load_config",
    "reference_yaml",
]
