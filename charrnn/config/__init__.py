"""The configuration: one table of keys, and everything derived from it."""

from charrnn.config.building import config_from_dict, load_config
from charrnn.config.keys import Config, DataConfig, ModelConfig, TrainConfig, flat
from charrnn.config.reference import json_schema, reference_yaml

__all__ = [
    "Config",
    "DataConfig",
    "ModelConfig",
    "TrainConfig",
    "config_from_dict",
    "flat",
    "json_schema",
    "load_config",
    "reference_yaml",
]
