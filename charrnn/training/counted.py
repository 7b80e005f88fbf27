"""At the end of a run on a small text: would an n-gram that is counted in a moment predict the held-out text better?

On ten thousand characters it often does, and a mixture of both is better still. Nothing is written or printed here.
"""

import shlex
from dataclasses import dataclass

import numpy as np

from charrnn.data import Corpus, reads_standard_input
from charrnn.evaluation import best_order, cross_mix, score_each
from charrnn.models import Network, NGram, load_checkpoint
from charrnn.storage import RunDirectory
from charrnn.training.loop import Run

MAX_CHARS = 1 << 19  # of the training text: counting and scoring then take a few seconds at most
WORTH_MIXING = 0.01  # nats per character that a mixture must gain to be mentioned


@dataclass(frozen=True)
class Counted:
    """A Kneser-Ney n-gram beside a network on the same validation split, in nats per character.

    Attributes:
        order: of the n-gram, chosen on the last tenth of the training text.
        ngram, network: their losses; the network is the best of its run.
        mixture: the loss of both together, where each half of the split has weights that were fitted on the other.
    """

    order: int
    ngram: float
    network: float
    mixture: float


def count_beside(run: Run) -> Counted | None:
    """Count an n-gram of a run's training text and score the validation split by it, by the network, and by both.

    Returns None for a run on examples, for a network with an n-gram inside, for a run without a best checkpoint, for a
    text of more than MAX_CHARS, and for one from standard input, which could not be read again.
    """
    corpus = run.corpus
    if not isinstance(corpus, Corpus) or run.config.model.ngram:
        return None
    directory = countable(run, len(corpus.train), MAX_CHARS)
    if directory is None or len(corpus.valid) < 2:
        return None
    order = best_order(corpus.train.ids, corpus.vocab.size, corpus.vocab.end_id)
    network: Network = load_checkpoint(directory.best).network
    models = (NGram(corpus.vocab, corpus.train.ids, order), network)
    logs = np.array([-score_each(model, corpus.valid.ids).nats for model in models])
    ngram, best = -logs.mean(axis=1)
    return Counted(order, float(ngram), float(best), float(-cross_mix(logs)[0].mean()))


def counted_lines(run: Run) -> list[str]:
    """What to tell about an n-gram at the end of a run: nothing if it would not help."""
    found = count_beside(run)
    if found is None or min(found.ngram, found.mixture) > found.network - WORTH_MIXING or run.directory is None:
        return []
    if found.ngram < found.network:
        mixed = f"; both mixed reach {found.mixture:.4f}" if found.mixture < found.ngram - WORTH_MIXING else ""
        line = (
            f"An n-gram of order {found.order}, counted in a moment, is better on this validation split: "
            f"{found.ngram:.4f} nats per character{mixed}."
        )
    else:
        line = (
            f"Mixed with an n-gram of order {found.order}, which is counted in a moment, it reaches "
            f"{found.mixture:.4f} nats per character."
        )
    changes = f"--set model.cell=ngram --set model.order={found.order}"
    if run.config.train.teacher:
        changes += " --set train.teacher=null"
    return [line, *counting_commands(run.directory, changes)]


def countable(run: Run, chars: int, most: int) -> RunDirectory | None:
    """The directory of a run beside which n-grams can be counted; None if they cannot.

    They cannot for a run without a best checkpoint, for more than `most` characters to count, and for a text from
    standard input, which could not be read again.
    """
    if chars > most or reads_standard_input(run.config.data) or not run.directory or not run.directory.best.exists():
        return None
    return run.directory


def counting_commands(directory: RunDirectory, changes: str) -> list[str]:
    """The lines that say how to count n-grams beside a run, given --set options, and how to score both."""
    folder, config = shlex.quote(str(directory.path)), shlex.quote(str(directory.config))
    counted = shlex.quote(f"{directory.path}-ngram")
    return [
        f"try:   charrnn train {config} {changes} --out {counted}",
        f"try:   charrnn eval {folder} {counted}",
    ]
