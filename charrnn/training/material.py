"""What a run trains on, a text, examples or pairs: its batches, its validation, its samples, and the facts about it.

Material is all that the loop and the estimates know of any of them. Pairs are in pair_material.py.
"""

from math import log
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from charrnn.arrays import Array
from charrnn.config import Config
from charrnn.data import (
    Corpus,
    ExampleCorpus,
    LengthBatches,
    PairCorpus,
    Vocab,
    make_batches,
    present,
    rules_of,
)
from charrnn.evaluation import score, validation_figures
from charrnn.models import (
    AnyModel,
    AnyNetwork,
    GatedNetwork,
    Network,
    NGram,
    Task,
    TaskModel,
    TaskNetwork,
    known_documents,
    task_of,
)
from charrnn.parallel import TaskExamples, TranslatePairs
from charrnn.processes import Map
from charrnn.training.class_weights import class_weights
from charrnn.training.corpora import AnyCorpus
from charrnn.training.facts import RunFacts, target_entropy
from charrnn.training.pair_material import PairMaterial
from charrnn.training.samples import draw_sample
from charrnn.training.validation import Validation


class Material(Protocol):
    """What the loop and the estimates ask for.

    Attributes: `batches`, of windows, examples or pairs; `steps_per_epoch`; `guessing`, the loss of a model that knows
    nothing; `draws_samples`.
    """

    batches: Any
    steps_per_epoch: int
    guessing: float
    draws_samples: bool

    @property
    def vocab(self) -> Vocab | None:
        """The characters; None of pairs, which have symbols of two sides."""

    @property
    def content(self) -> Array | TaskExamples | TranslatePairs:
        """What the shards read."""

    @property
    def file(self) -> Path | None:
        """The file that the content is mapped from, if it holds nothing else."""

    def model(self, network: AnyNetwork) -> AnyModel:
        """A network as the model that it is trained to be."""

    def facts(self, parameters: int) -> RunFacts:
        """What the diagnosis judges a model of this size by."""

    def sizes(self, step: int) -> tuple[int, int]:
        """The targets and the characters of the batch of a step, which is counted from 0."""

    def validate(self, network: AnyNetwork, spread: Map = map) -> Validation | None:
        """Score the validation split; None without one. `spread` calls a function for its parts, as map() does."""

    def sample(self, network: AnyNetwork, step: int) -> str:
        """Draw a sample after a step."""

    def kept(self) -> dict[str, Array]:
        """The arrays that every checkpoint keeps, beside those of the network."""

    @property
    def chars_per_step(self) -> float:
        """The characters of a step, on average."""

    @property
    def ids_bytes(self) -> int:
        """The bytes of the ids of all splits."""

    def tape_bytes(self, network: AnyNetwork, streams: int) -> int:
        """The bytes of the tape of a shard of so many streams or examples."""


class TextMaterial:
    """A text, of which a language model is trained."""

    draws_samples = True

    def __init__(self, config: Config, corpus: Corpus) -> None:
        train, vocab = config.train, corpus.vocab
        self.config, self.corpus, self.vocab = config, corpus, vocab
        self.batches = make_batches(corpus.train.ids, vocab.end_id, train.batch_size, train.seq_length, config.seed)
        self.steps_per_epoch = len(self.batches)
        self.guessing = log(vocab.size)
        order = config.model.ngram
        self._ngram = NGram(vocab, corpus.train.ids, order) if order else None

    def model(self, network: AnyNetwork) -> Network | GatedNetwork:
        """A network as it samples and scores: with model.ngram, mixed with the n-gram."""
        assert isinstance(network, Network)
        return GatedNetwork(network, self._ngram) if self._ngram else network

    @property
    def content(self) -> Array:
        """The ids of the training text, (len,)."""
        return self.corpus.train.ids

    @property
    def file(self) -> Path | None:
        """The file that they are mapped from, if it holds nothing else."""
        return self.corpus.train.file

    def facts(self, parameters: int) -> RunFacts:
        """What the diagnosis judges a model of this size by."""
        return RunFacts.of(self.config, self.corpus.train.ids, parameters, self.corpus.vocab.size)

    def sizes(self, step: int) -> tuple[int, int]:
        """The characters of the window of a step, as targets and as characters."""
        epoch, window = divmod(step, self.steps_per_epoch)
        count = self.batches.count(window, epoch)
        return count, count

    def validate(self, network: AnyNetwork, spread: Map = map) -> Validation | None:
        """Score the validation split; None without one."""
        valid = self.corpus.valid
        if not len(valid):
            return None
        parts = self.config.train.shards or 1  # as each batch has
        report = score(self.model(network), valid.ids, valid.unknown, parts=parts, spread=spread)
        return Validation(report.nats_per_char, report.nats_per_char, report.nats, report)

    def sample(self, network: AnyNetwork, step: int) -> str:
        """Draw train.sample_length characters after a step."""
        return draw_sample(self.model(network), self.config, step)

    @property
    def chars_per_step(self) -> float:
        """The characters of a whole window of all streams."""
        return float(min(self.config.train.seq_length, self.batches.stream_length) * self.config.train.batch_size)

    @property
    def ids_bytes(self) -> int:
        """The bytes of the ids of all splits."""
        return sum(split.ids.nbytes for split in (self.corpus.train, self.corpus.valid, self.corpus.test))

    def tape_bytes(self, network: AnyNetwork, streams: int) -> int:
        """The bytes of the tape of a shard of `streams` streams."""
        assert isinstance(network, Network)
        return network.tape_bytes(min(self.config.train.seq_length, self.batches.stream_length), streams)

    def kept(self) -> dict[str, Array]:
        """The documents that the run trains on, if the text has any, and the text itself for an n-gram inside."""
        ids, vocab = self.corpus.train.ids, self.corpus.vocab
        documents = {} if vocab.end_id is None else {"documents": known_documents(ids, vocab)}
        return documents | ({"text": ids} if self._ngram else {})


class ExampleMaterial:
    """Examples, on which a classifier or tagger is trained.

    Attributes: `task`, with the weights of the labels.
    """

    draws_samples = False
    file = None

    def __init__(self, config: Config, corpus: ExampleCorpus) -> None:
        train, examples = config.train, corpus.train.examples
        self.config, self.corpus, self.vocab = config, corpus, corpus.vocab
        weights = class_weights(train, examples.targets, corpus.labels.names)
        self.task = task_of(config, corpus.vocab, corpus.labels, weights, train.label_smoothing)
        self.batches = LengthBatches(examples, train.batch_size, config.seed, self.task.tag)
        self.steps_per_epoch = len(self.batches)
        self.guessing = guessing_loss(self.task)

    @property
    def content(self) -> TaskExamples:
        """The training examples."""
        return TaskExamples(self.corpus.train.examples, self.task)

    def facts(self, parameters: int) -> RunFacts:
        """What the diagnosis judges a model of this size by."""
        examples = self.corpus.train.examples
        entropy = target_entropy(examples.targets, self.task.output)
        return RunFacts(self.config, len(examples.ids), parameters, self.corpus.vocab.size, entropy, self.guessing)

    def sizes(self, step: int) -> tuple[int, int]:
        """The targets and the characters of the batch of a step."""
        epoch, k = divmod(step, self.steps_per_epoch)
        return self.batches.count(k, epoch), self.batches.chars(k, epoch)

    def model(self, network: AnyNetwork) -> TaskModel:
        """A network as a model that reads and predicts as the config says."""
        assert isinstance(network, TaskNetwork)
        return TaskModel(self.config, network, self.corpus.vocab, self.corpus.labels, rules_of(self.config))

    def validate(self, network: AnyNetwork, spread: Map = map) -> Validation | None:
        """Predict the validation split and compare; None without one."""
        if not len(self.corpus.valid):
            return None
        figures, thresholds = validation_figures(self.model(network), self.corpus.valid, spread)
        figure = figures.get(self.config.train.best, np.nan)
        loss = figures.pop("loss")
        there = present(self.corpus.valid.examples.targets).any()
        return Validation(loss, figure, loss if there else 0.0, None, thresholds, figures)

    def sample(self, network: AnyNetwork, step: int) -> str:
        """Nothing: only a language model writes."""
        return ""

    @property
    def chars_per_step(self) -> float:
        """The characters of a batch, on average."""
        return len(self.corpus.train.examples.ids) / self.steps_per_epoch

    @property
    def ids_bytes(self) -> int:
        """The bytes of the ids of all splits."""
        return sum(split.examples.ids.nbytes for split in (self.corpus.train, self.corpus.valid, self.corpus.test))

    def tape_bytes(self, network: AnyNetwork, streams: int) -> int:
        """The bytes of the tape of a shard of `streams` examples."""
        assert isinstance(network, TaskNetwork)
        return network.tape_bytes(self.batches.longest, streams)

    def kept(self) -> dict[str, Array]:
        """Nothing."""
        return {}


def make_material(config: Config, corpus: AnyCorpus) -> Material:
    """What a run with this config trains on."""
    if isinstance(corpus, Corpus):
        return TextMaterial(config, corpus)
    return PairMaterial(config, corpus) if isinstance(corpus, PairCorpus) else ExampleMaterial(config, corpus)


def guessing_loss(task: Task) -> float:
    """The loss of a network that knows nothing: of all labels alike, of both answers alike, of numbers as zero."""
    return {"softmax": log(max(task.outputs, 2)), "sigmoid": log(2), "linear": 1.0}[task.output]
