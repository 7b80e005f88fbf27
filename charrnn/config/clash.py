"""A contradiction between keys, and what several rules ask about splits."""

from dataclasses import dataclass

from charrnn.config.data_keys import DataConfig


@dataclass(frozen=True)
class Clash:
    """A contradiction between keys.

    Attributes:
        key: The key to change, at whose place the message is shown.
        message: What is wrong.
        others: The other keys that the contradiction depends on.
    """

    key: str
    message: str
    others: tuple[str, ...] = ()


def separate_texts(data: DataConfig) -> list[str]:
    """Return the keys that name a separate text for validation or testing."""
    return [f"data.{name}" for name in ("valid_path", "test_path") if getattr(data, name)]


def has_validation(data: DataConfig) -> bool:
    """Return whether there may be a validation split; a column decides for itself."""
    return bool(data.valid_path or data.split_column is not None or (data.fractions[1] and not separate_texts(data)))
