"""Lines about a run on pairs, before its first step: both sides, the model, and what to know of them.

Each function returns lines and prints nothing.
"""

from charrnn.data import PairCorpus, Symbols
from charrnn.display.example_summary import held_out_clauses, training_line, validation_remarks
from charrnn.display.formats import plural
from charrnn.training import Run


def pair_header(run: Run, corpus: PairCorpus) -> list[str]:
    """Return lines that name the pairs, the model and the length of training."""
    facts, model = corpus.facts, run.config.model
    splits = ", ".join(f"{name} {count:,}" for name, count in facts.splits.items())
    both = ", both directions" if model.bidirectional else ""
    clauses = held_out_clauses(facts.splits, facts.seen, "sources")
    if facts.ambiguous:
        clauses.append(f"{plural(facts.ambiguous, 'source')} with different targets")
    if facts.skipped:
        clauses.append(f"{facts.skipped:,} longer than data.max_length skipped")
    if facts.empty:
        clauses.append(f"{facts.empty:,} empty left out")
    return [
        f"pairs: {facts.count:,} ({splits})",
        f"sources: {_side(facts.sources, corpus.source)}",
        f"targets: {_side(facts.targets, corpus.target)}",
        *(["; ".join(clauses)] if clauses else []),
        f"model: {model.cell} {model.num_layers} x {model.hidden_size}{both}, attention {model.attention}, "
        f"{run.network.params.size:,} parameters",
        training_line(run),
    ]


def _side(lengths: tuple[int, int, int], symbols: Symbols) -> str:
    shortest, median, longest = lengths
    return f"{shortest:,} to {longest:,} symbols, median {median:,}; {len(symbols.names):,} different in training"


def pair_remarks(corpus: PairCorpus) -> list[str]:
    """Return what a user should know about the pairs before the first step, one sentence each."""
    sentences = validation_remarks(len(corpus.valid))
    for split in (corpus.valid, corpus.test):
        if split.unknown:
            sentences.append(
                f"source symbols of the {split.name} split that are too rare or missing in training: {split.unknown:,}"
            )
        if split.unwritable:
            sentences.append(
                f"targets of the {split.name} split with a symbol that is missing in training, so that they cannot be "
                f"predicted: {split.unwritable:,}"
            )
    return sentences
