"""Teachers: networks whose predictions a run learns together with its text (Hinton et al. 2015).

What they expect of the training text is computed once, before the first step: 2 V bytes for each character. It is not
saved. A resumed run computes it again, and is refused if the teachers are no longer the same.

Shapes: len characters of the training text, V vocabulary.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from charrnn.blas import one_thread
from charrnn.config import Config
from charrnn.data import Corpus
from charrnn.errors import CharrnnError, CheckpointError
from charrnn.evaluation import predictions
from charrnn.models import MixedModel, Network, load_checkpoint
from charrnn.parallel import SharedArray, machine_memory, shared
from charrnn.training.corpora import AnyCorpus


@dataclass(frozen=True)
class Teachers:
    """The networks that train.teacher names, and the SHA-256 of the files that they were read from."""

    networks: tuple[Network, ...] = ()
    digests: tuple[str, ...] = ()

    def expected(self, corpus: AnyCorpus) -> SharedArray | None:
        """What they expect of the training text: the mean of their probabilities, (len, V) in float16.

        Row k holds those of character k, given all before it, or all before it in its document. None without teachers.

        Raises:
            CharrnnError: it does not fit into memory.
        """
        if not self.networks or not isinstance(corpus, Corpus):
            return None
        ids, vocab, count = corpus.train.ids, corpus.vocab, len(self.networks)
        needed, available = self.nbytes(corpus), machine_memory()
        if needed > available:
            raise CharrnnError(
                f"train.teacher: predictions of {len(ids):,} characters out of {vocab.size:,} need {needed / 1e9:,.1f} "
                f"GB of memory, and this machine has {available / 1e9:,.1f}; leave it out, or train on a shorter text"
            )
        memory = shared("<f2", len(ids), vocab.size)
        expected = memory.array()
        with one_thread():  # so that a resumed run gets the same bits
            for positions, logs in predictions(MixedModel(self.networks, [1 / count] * count), ids):
                expected[positions] = np.exp(logs)
        return memory

    def nbytes(self, corpus: AnyCorpus) -> int:
        """The bytes of memory that expected() takes."""
        return 2 * len(corpus.train) * corpus.vocab.size if self.networks and isinstance(corpus, Corpus) else 0


def read_teachers(config: Config, corpus: AnyCorpus, out: Path | None) -> Teachers:
    """Read the teachers of a run on a corpus; only a text has any.

    Arguments:
        config, corpus: of the run.
        out: the directory that the run writes to; None if it writes nothing.

    Raises:
        CheckpointError: a file is not a valid checkpoint of a network, or one of other characters, or the run would
            write over it.
    """
    named = config.train.teacher
    if not named or not isinstance(corpus, Corpus):
        return Teachers()
    networks, digests = [], []
    for name in [named] if isinstance(named, str) else named:
        try:
            saved = load_checkpoint(name)
        except CheckpointError as error:
            raise CheckpointError(f"train.teacher: {error}") from None
        if out and saved.path.resolve().parent == out.resolve():
            raise CheckpointError(f"train.teacher: {name}: the run would write over its teacher; choose another --out")
        network = saved.model
        if not isinstance(network, Network):
            raise CheckpointError(
                f"train.teacher: {name}: a teacher is a language model with an rnn, lstm or gru and without an n-gram; "
                f"name such a run, trained with model.ngram: 0"
            )
        if network.vocab != corpus.vocab:
            raise CheckpointError(
                f"train.teacher: {name}: its vocabulary is not that of this text; train it on the same data.path, with "
                f"the same data keys"
            )
        networks.append(network)
        digests.append(hashlib.sha256(saved.path.read_bytes()).hexdigest())
    return Teachers(tuple(networks), tuple(digests))
