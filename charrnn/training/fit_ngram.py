"""Counting an n-gram as a config says: what `charrnn train` does for model.cell: ngram.

There are no steps: the training split is counted, the validation split scored, and a run directory written like that
of a network: config.yaml, a log of one record, and best.npz. The checkpoint holds the training text, as ids, from which
all counts of every order follow: that takes seconds, and far less space than the counts themselves.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from charrnn.config import Config
from charrnn.data import Corpus, load_corpus
from charrnn.errors import TextError
from charrnn.evaluation import score
from charrnn.models import NGram, describe
from charrnn.storage import BEST, LOG, Lock, check_free, checkpoint, clear, put, put_config, sweep
from charrnn.training.resuming import versions


@dataclass(frozen=True)
class Fitted:
    """A counted n-gram, the text that it was counted on, and the record of the log."""

    model: NGram
    corpus: Corpus
    record: dict[str, Any]


def fit(config: Config, force: bool = False, keep: bool = True) -> Fitted:
    """Count the n-gram of a config; with `keep`, write the run directory config.out; `force` replaces an earlier run.

    Raises TextError where the text is unfit, RunExistsError and RunInUseError where the directory is.
    """
    folder = Path(config.out or "runs/run")
    if keep:
        check_free(folder, False, force)
    corpus = load_corpus(config)
    if len(corpus.train) < config.model.order:
        raise TextError(
            f"data.path: the training split has {len(corpus.train):,} characters; model.order {config.model.order} "
            f"needs at least as many"
        )
    if not keep:
        return count(config, corpus)
    folder.mkdir(parents=True, exist_ok=True)
    lock = Lock(folder)
    try:
        check_free(folder, False, force)  # another trainer may have come and gone meanwhile
        fitted = count(config, corpus)  # before an earlier run goes
        sweep(folder)
        clear(folder)
        put_config(folder, config.to_yaml())
        put(folder / LOG, (json.dumps(fitted.record) + "\n").encode())
        save(folder / BEST, config, fitted)
        return fitted
    finally:
        lock.close()


def count(config: Config, corpus: Corpus) -> Fitted:
    """Count, and score the validation split where there is one."""
    began = perf_counter()
    model = NGram(corpus.vocab, corpus.train.ids, config.model.order, config.model.smoothing)
    _ = model.levels  # counts them
    seconds = perf_counter() - began
    valid = score(model, corpus.valid.ids, corpus.valid.unknown) if len(corpus.valid) else None
    record = {
        "step": 1,
        "epoch": 1,
        "chars": len(corpus.train),
        "valid_loss": valid.nats_per_char if valid else None,
        "valid_bits_per_char": valid.bits_per_char if valid else None,
        "valid_perplexity": valid.perplexity if valid else None,
        "seconds": round(seconds, 3),
        "chars_per_second": round(len(corpus.train) / seconds),
    }
    return Fitted(model, corpus, record)


def save(path: Path, config: Config, fitted: Fitted) -> None:
    """Write the checkpoint."""
    corpus, record = fitted.corpus, fitted.record
    training = {"step": 1, "chars": record["chars"], "best": record["valid_loss"], "best_step": 1, "history": []}
    header = describe(config, corpus.vocab) | {
        "training": training,
        "splits": {split.name: len(split) for split in (corpus.train, corpus.valid, corpus.test)},
        "data": corpus.fingerprint,
        "versions": versions(),
    }
    checkpoint.save(path, header, {"text": fitted.model.ids})
