"""Pairs as what a run trains on: the material of a translator. See material.py."""

import numpy as np

from charrnn.arrays import Array
from charrnn.config import Config
from charrnn.data import PairBatches, PairCorpus, pair_rules_of
from charrnn.evaluation import translation_figures
from charrnn.models import AnyNetwork, TranslateModel, TranslateNetwork, translation_of
from charrnn.parallel import TranslatePairs
from charrnn.processes import Map
from charrnn.training.facts import RunFacts, unigram_entropy
from charrnn.training.validation import Validation


class PairMaterial:
    """Pairs, on which a translator is trained.

    Attributes: `translation`, what its network reads and writes.
    """

    draws_samples = False
    file = None
    vocab = None

    def __init__(self, config: Config, corpus: PairCorpus) -> None:
        train = config.train
        self.config, self.corpus = config, corpus
        self.translation = translation_of(config, corpus.source, corpus.target, train.label_smoothing)
        self.batches = PairBatches(corpus.train.examples, train.batch_size, config.seed, corpus.target.last_id)
        self.steps_per_epoch = len(self.batches)
        self.guessing = float(np.log(corpus.target.size))

    @property
    def content(self) -> TranslatePairs:
        """The training pairs."""
        return TranslatePairs(self.corpus.train.examples, self.translation)

    def model(self, network: AnyNetwork) -> TranslateModel:
        """A network as a model that reads and writes as the config says."""
        assert isinstance(network, TranslateNetwork)
        rules = pair_rules_of(self.config)
        return TranslateModel(self.config, network, self.corpus.source, self.corpus.target, rules)

    def facts(self, parameters: int) -> RunFacts:
        """What the diagnosis judges a model of this size by."""
        examples, target = self.corpus.train.examples, self.corpus.target
        ends = np.full(len(examples), target.last_id)
        entropy = unigram_entropy(np.concatenate([examples.target_ids, ends]))
        size = len(examples.ids) + len(examples.target_ids)
        return RunFacts(self.config, size, parameters, self.corpus.source.size, entropy, self.guessing)

    def sizes(self, step: int) -> tuple[int, int]:
        """The target symbols with their ends, and the symbols of both sides, of the batch of a step."""
        epoch, k = divmod(step, self.steps_per_epoch)
        return self.batches.count(k, epoch), self.batches.chars(k, epoch)

    def validate(self, network: AnyNetwork, spread: Map = map) -> Validation | None:
        """Score the validation split, and write some of its targets; None without one."""
        valid = self.corpus.valid
        if not len(valid):
            return None
        figures = translation_figures(self.model(network), valid, spread)
        figure = figures[self.config.train.best]
        loss = figures.pop("loss")
        return Validation(loss, figure, loss, figures=figures)

    def sample(self, network: AnyNetwork, step: int) -> str:
        """Nothing: only a language model writes."""
        return ""

    @property
    def chars_per_step(self) -> float:
        """The symbols of both sides of a batch, on average."""
        return sum(self.batches.chars(k) for k in range(self.steps_per_epoch)) / self.steps_per_epoch

    @property
    def ids_bytes(self) -> int:
        """The bytes of the ids of all splits."""
        own = [split.examples for split in (self.corpus.train, self.corpus.valid, self.corpus.test)]
        return sum(examples.ids.nbytes + examples.target_ids.nbytes for examples in own)

    def tape_bytes(self, network: AnyNetwork, streams: int) -> int:
        """The bytes of the tape of a shard of `streams` pairs."""
        assert isinstance(network, TranslateNetwork)
        return network.tape_bytes(self.batches.longest, self.batches.longest_target, streams)

    def kept(self) -> dict[str, Array]:
        """Nothing."""
        return {}
