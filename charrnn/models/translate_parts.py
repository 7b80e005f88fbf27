"""What a translator consists of: its parts, their parameters, and the memory that they take.

Shapes: see translate_network.py.
"""

from dataclasses import dataclass
from math import prod
from typing import Literal

from charrnn.arrays import Shape
from charrnn.config import ModelConfig
from charrnn.models.dropping import dropping_scalars
from charrnn.nn import (
    Attention,
    Bridge,
    Encoder,
    OutputLayer,
    Pooling,
    Stack,
    make_cell,
)

ENCODER, DECODER = "encoder_", "decoder_"  # what the names of their parameters begin with


@dataclass(frozen=True)
class Translation:
    """What a network reads and writes.

    Attributes:
        source_size: V.
        target_size: U, the end included, whose id is U - 1.
        attention: see nn/attention.py; none for a decoder that knows the source by its first state alone.
        bidirectional: whether the encoder reads in both directions.
        input_dropout: the share of source symbols that are replaced by `unknown_id` while training.
        unknown_id: the id of a source symbol that is not in the vocabulary; None if there is none.
        label_smoothing: the share of a target that is spread evenly over all symbols.
    """

    source_size: int
    target_size: int
    attention: Literal["none", "dot", "general", "additive"] = "general"
    bidirectional: bool = True
    input_dropout: float = 0.0
    unknown_id: int | None = None
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        if self.input_dropout and self.unknown_id is None:
            raise ValueError("input_dropout replaces symbols by unknown_id, which is None")


@dataclass(frozen=True)
class Parts:
    """The parts of a network; they hold sizes only. `attention` is None without it."""

    encoder: Encoder
    bridge: Bridge
    decoder: Stack
    attention: Attention | None
    output_layer: OutputLayer

    @classmethod
    def of(cls, config: ModelConfig, task: Translation) -> "Parts":
        """The parts of a config."""
        cell = make_cell(config.cell, config.activation, config.reset)
        sizes = (config.embedding_size, config.hidden_size, config.num_layers, config.dropout)
        encoder = Encoder(cell, task.source_size, *sizes, task.bidirectional)
        decoder = Stack(cell, task.target_size, *sizes)
        hidden, width = config.hidden_size, encoder.width
        return cls(
            encoder=encoder,
            bridge=Bridge(Pooling("last", hidden), width, (config.num_layers, len(cell.states), hidden)),
            decoder=decoder,
            attention=None if task.attention == "none" else Attention(task.attention, hidden, width),
            output_layer=OutputLayer(hidden, task.target_size),
        )

    def shapes(self) -> dict[str, Shape]:
        """Name -> shape of the parameters."""
        attention = self.attention.shapes() if self.attention else {}
        return {
            **{ENCODER + name: shape for name, shape in self.encoder.shapes().items()},
            **self.bridge.shapes(),
            **{DECODER + name: shape for name, shape in self.decoder.shapes().items()},
            **attention,
            **self.output_layer.shapes(),
        }


def translate_shapes(config: ModelConfig, task: Translation) -> dict[str, Shape]:
    """Name -> shape of every parameter of a network; allocates nothing."""
    return Parts.of(config, task).shapes()


def translate_size(config: ModelConfig, task: Translation) -> int:
    """The number of parameters of a network; allocates nothing."""
    return sum(prod(shape) for shape in translate_shapes(config, task).values())


def translate_tape_scalars(
    config: ModelConfig, task: Translation, source: int, target: int, streams: int, training: bool
) -> int:
    """The numbers of a tape for so many steps of source and target, and those of attention; allocates nothing."""
    parts = Parts.of(config, task)
    decoder = parts.decoder
    carried = prod(decoder.state_shape(streams))
    scalars = parts.encoder.tape_scalars(source, streams, training) + decoder.tape_scalars(target, streams, training)
    scalars += target * streams * task.target_size + carried * (1 + training)
    if parts.attention:
        scalars += parts.attention.scalars(source, target, streams, training)
    if training:
        scalars += dropping_scalars(config, parts.shapes(), target * streams, config.hidden_size)
    return scalars
