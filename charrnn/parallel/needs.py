"""How much memory a run needs, before any is taken: parameters, gradients, moments, and the tape of one step.

P parameters, S shards, K moments of the optimizer: P numbers for the parameters, S times P for the gradients and
K times P for the moments.
"""

from charrnn.arrays import Array
from charrnn.config import Config
from charrnn.data import Vocab
from charrnn.errors import CharrnnError
from charrnn.models import (
    build_encoder,
    build_stack,
    dropping_scalars,
    parameter_count,
    parameter_shapes,
    task_shapes,
    task_size,
    translate_size,
    translate_tape_scalars,
)
from charrnn.optim import RULES
from charrnn.parallel.example_shards import TaskExamples, TranslatePairs
from charrnn.parallel.memory import machine_memory

Content = Array | TaskExamples | TranslatePairs

# Bytes that counting n-grams takes for a character at its peak: 71 to 85, with an order of 7, on 0.2 to 1 million
# characters of three texts, and the least on the longest. Nine folds of ten take less. Then 19 to 33 are held.
COUNTING = 76


def check_memory(config: Config, vocab: Vocab | None, content: Content) -> None:
    """Refuse a run that does not fit into this machine's memory, before any is taken. Raises CharrnnError."""
    train, available = config.train, machine_memory()
    vectors = 1 + (train.shards or 1) + RULES[train.optimizer][1]  # parameters, gradients, moments
    remedy, counted = "train.batch_size or data.max_length", 0
    streams: int = train.batch_size
    if isinstance(content, TranslatePairs):
        examples = content.examples
        longest = int(examples.lengths.max(initial=0))
        longest_target = int(examples.target_lengths.max(initial=0)) + 1
        sizes = (longest, longest_target, streams)
        scalars = translate_tape_scalars(config.model, content.translation, *sizes, training=True)
    elif isinstance(content, TaskExamples):
        longest = int(content.examples.lengths.max(initial=0))
        encoder = build_encoder(config.model, content.task)
        rows = longest * streams if content.task.tag else streams
        scalars = encoder.tape_scalars(longest, streams, True)
        scalars += dropping_scalars(config.model, task_shapes(config.model, content.task), rows, encoder.width)
    else:
        assert vocab is not None, "a language model has a vocabulary"
        window = min(train.seq_length, len(content))
        stack = build_stack(config.model, vocab.size, cut=vocab.end_id is not None)
        rows, shapes = window * streams, parameter_shapes(config.model, vocab.size)
        gate = bool(config.model.ngram)
        scalars = stack.tape_scalars(window, streams, True) + rows * (vocab.size + gate)
        scalars += dropping_scalars(config.model, shapes, rows, config.model.hidden_size)
        remedy = "train.batch_size or train.seq_length"
        counted = ngram_bytes(config, len(content))
        if gate:
            remedy += ", or leave out model.ngram"
    needed = 4 * (content_size(config, vocab, content) * vectors + scalars) + counted
    if needed > available:
        raise CharrnnError(
            f"this model and window need about {needed / 1e9:,.1f} GB of memory, and this machine has "
            f"{available / 1e9:,.1f}; lower model.hidden_size, {remedy}"
        )


def ngram_bytes(config: Config, chars: int) -> int:
    """The bytes that an n-gram inside a network takes on a training text of so many characters; 0 without one."""
    return chars * COUNTING if config.model.ngram else 0


def content_size(config: Config, vocab: Vocab | None, content: Content) -> int:
    """The number of parameters of a network that learns from this content."""
    if isinstance(content, TranslatePairs):
        return translate_size(config.model, content.translation)
    if isinstance(content, TaskExamples):
        return task_size(config.model, content.task)
    assert vocab is not None, "a language model has a vocabulary"
    return parameter_count(config.model, vocab.size)
