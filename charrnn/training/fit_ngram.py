"""Counts an n-gram: what `charrnn train` does for model.cell: ngram.

There are no steps. The training split is counted and the validation split is scored. The run directory is that of a
network: config.yaml, a log of one record, and best.npz. The checkpoint holds the training text as ids, which take far
less space than the counts; the counts are made again when it is loaded. An n-gram is never resumed. To classify, see
fit_classifier.py.
"""

from dataclasses import dataclass
from time import perf_counter
from typing import Any

from charrnn.arrays import Array
from charrnn.config import Config
from charrnn.data import Corpus, ExampleCorpus
from charrnn.errors import TextError
from charrnn.evaluation import Report, score
from charrnn.models import NGram, TrainingState
from charrnn.storage import RunDirectory
from charrnn.training.corpora import read_corpus
from charrnn.training.example_checks import check_labels, check_validation
from charrnn.training.fit_classifier import FittedClassifier, count_classifier
from charrnn.training.opening import DEFAULT_DIRECTORY
from charrnn.training.saving import run_header, write_model


@dataclass(frozen=True)
class Fitted:
    """A counted n-gram.

    Attributes:
        config: the settings.
        model: the n-gram.
        corpus: its text.
        valid: the score of the validation split, if there is one.
        seconds: the time of counting.
    """

    config: Config
    model: NGram
    corpus: Corpus
    valid: Report | None
    seconds: float

    @property
    def best(self) -> float | None:
        """The validation loss, in nats per character."""
        return self.valid.nats_per_char if self.valid else None

    @property
    def arrays(self) -> dict[str, Array]:
        """What the checkpoint holds: the training text."""
        return {"text": self.model.ids}

    @property
    def record(self) -> dict[str, Any]:
        """The record of the log, as JSON data."""
        return {
            "step": 1,
            "epoch": 1,
            "chars": len(self.corpus.train),
            "valid_loss": self.best,
            "valid_bits_per_char": self.valid.bits_per_char if self.valid else None,
            "valid_perplexity": self.valid.perplexity if self.valid else None,
            "seconds": round(self.seconds, 3),
            "chars_per_second": round(len(self.corpus.train) / self.seconds),
        }


def fit(config: Config, force: bool = False, keep: bool = True) -> Fitted | FittedClassifier:
    """Count the n-gram of a config, or to classify those of its labels, and score its validation split.

    Arguments:
        config: the settings, with model.cell ngram.
        force: replace the files of an earlier run.
        keep: write the run directory config.out.

    Raises:
        TextError: the text cannot be read, or is shorter than model.order; or nothing can be learned from the examples.
        RunExistsError: the directory holds a run already.
        RunInUseError: another trainer is working in the directory.
    """
    directory = RunDirectory(config.out or DEFAULT_DIRECTORY)
    if keep:
        directory.check_free(force=force)
    corpus = read_corpus(config)
    assert isinstance(corpus, Corpus | ExampleCorpus), "the task is language or classify"
    _check(config, corpus)
    if not keep:
        return count(config, corpus)
    directory.claim(force=force)
    try:
        fitted = count(config, corpus)  # before the files of an earlier run are removed
        directory.clear()
        directory.write_config(fitted.config.to_yaml())
        directory.append_record(fitted.record)
        directory.sync_log()
        state = TrainingState(step=1, chars=fitted.record["chars"], best=fitted.best, best_step=1)
        write_model(directory.best, run_header(fitted.config, corpus, state), fitted.arrays)
        return fitted
    finally:
        directory.release()


def _check(config: Config, corpus: Corpus | ExampleCorpus) -> None:
    """Refuse a text that is shorter than an n-gram, and examples from which nothing can be learned."""
    if isinstance(corpus, ExampleCorpus):
        check_validation(config, corpus)
        check_labels(config, corpus)
    elif len(corpus.train) < config.model.order:
        raise TextError(
            f"data.path: the training split has {len(corpus.train):,} characters; model.order {config.model.order} "
            f"needs at least as many"
        )


def count(config: Config, corpus: Corpus | ExampleCorpus) -> Fitted | FittedClassifier:
    """Count the training split, and score the validation split if there is one; write nothing."""
    if isinstance(corpus, ExampleCorpus):
        return count_classifier(config, corpus)
    began = perf_counter()
    model = NGram(corpus.vocab, corpus.train.ids, config.model.order, config.model.smoothing)
    _ = model.levels  # counting happens on first use
    seconds = perf_counter() - began
    valid = score(model, corpus.valid.ids, corpus.valid.unknown) if len(corpus.valid) else None
    return Fitted(config, model, corpus, valid, seconds)
