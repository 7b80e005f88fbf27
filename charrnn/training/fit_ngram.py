"""Counts an n-gram: what `charrnn train` does for model.cell: ngram.

There are no steps. The training split is counted and the validation split is scored. The run directory is that of a
network: config.yaml, a log of one record, and best.npz. The checkpoint holds the training text as ids, which take far
less space than the counts; the counts are made again when it is loaded. An n-gram is never resumed.
"""

from dataclasses import dataclass
from time import perf_counter
from typing import Any

from charrnn.config import Config
from charrnn.data import Corpus, load_corpus
from charrnn.errors import TextError
from charrnn.evaluation import Report, score
from charrnn.models import NGram, TrainingState
from charrnn.storage import RunDirectory
from charrnn.training.opening import DEFAULT_DIRECTORY
from charrnn.training.saving import run_header, write_model


@dataclass(frozen=True)
class Fitted:
    """A counted n-gram.

    Attributes:
        model: the n-gram.
        corpus: its text.
        valid: the score of the validation split, if there is one.
        seconds: the time of counting.
    """

    model: NGram
    corpus: Corpus
    valid: Report | None
    seconds: float

    @property
    def record(self) -> dict[str, Any]:
        """The record of the log, as JSON data."""
        return {
            "step": 1,
            "epoch": 1,
            "chars": len(self.corpus.train),
            "valid_loss": self.valid.nats_per_char if self.valid else None,
            "valid_bits_per_char": self.valid.bits_per_char if self.valid else None,
            "valid_perplexity": self.valid.perplexity if self.valid else None,
            "seconds": round(self.seconds, 3),
            "chars_per_second": round(len(self.corpus.train) / self.seconds),
        }


def fit(config: Config, force: bool = False, keep: bool = True) -> Fitted:
    """Count the n-gram of a config, and score its validation split.

    Arguments:
        config: the settings, with model.cell ngram.
        force: replace the files of an earlier run.
        keep: write the run directory config.out.

    Raises:
        TextError: the text cannot be read, or is shorter than model.order.
        RunExistsError: the directory holds a run already.
        RunInUseError: another trainer is working in the directory.
    """
    directory = RunDirectory(config.out or DEFAULT_DIRECTORY)
    if keep:
        directory.check_free(force=force)
    corpus = load_corpus(config)
    if len(corpus.train) < config.model.order:
        raise TextError(
            f"data.path: the training split has {len(corpus.train):,} characters; model.order {config.model.order} "
            f"needs at least as many"
        )
    if not keep:
        return count(config, corpus)
    directory.claim(force=force)
    try:
        fitted = count(config, corpus)  # before the files of an earlier run are removed
        directory.clear()
        directory.write_config(config.to_yaml())
        directory.append_record(fitted.record)
        directory.sync_log()
        state = TrainingState(step=1, chars=len(corpus.train), best=fitted.record["valid_loss"], best_step=1)
        write_model(directory.best, run_header(config, corpus, state), {"text": fitted.model.ids})
        return fitted
    finally:
        directory.release()


def count(config: Config, corpus: Corpus) -> Fitted:
    """Count the training split, and score the validation split if there is one; write nothing."""
    began = perf_counter()
    model = NGram(corpus.vocab, corpus.train.ids, config.model.order, config.model.smoothing)
    _ = model.levels  # counting happens on first use
    seconds = perf_counter() - began
    valid = score(model, corpus.valid.ids, corpus.valid.unknown) if len(corpus.valid) else None
    return Fitted(model, corpus, valid, seconds)
