"""Lines about a run on examples, before its first step: rows, labels, lengths, the model, and what to know of them.

Each function returns lines and prints nothing.
"""

from collections.abc import Mapping

from charrnn.data import ExampleCorpus
from charrnn.display.formats import plural
from charrnn.errors import visible
from charrnn.training import FittedClassifier, Run

MAX_LABELS = 12  # named in the header, the most frequent ones
MAX_LABEL_CHARS = 30
MIN_VALID = 100  # examples, below which validation figures are a rough guide


def example_header(run: Run, corpus: ExampleCorpus) -> list[str]:
    """Return lines that name the examples, the model and the length of training."""
    model = run.config.model
    both = ", both directions" if model.bidirectional else ""
    return [
        *examples_lines(run, corpus),
        f"model: {model.cell} {model.num_layers} x {model.hidden_size}{both}, {run.network.params.size:,} parameters",
        training_line(run),
    ]


def examples_lines(run: Run | FittedClassifier, corpus: ExampleCorpus) -> list[str]:
    """Return lines that name the examples and their labels."""
    facts = corpus.facts
    kind = "bytes" if corpus.vocab.tokens == "byte" else "characters"
    splits = ", ".join(f"{name} {count:,}" for name, count in facts.splits.items())
    return [
        f"examples: {facts.count:,} ({splits}) of {facts.shortest:,} to {facts.longest:,} {kind}, median "
        f"{facts.median:,}; vocabulary {corpus.vocab.size}",
        *labels_lines(run, corpus),
        *held_out_lines(corpus),
    ]


def training_line(run: Run) -> str:
    """Return the line about the length of training."""
    train = run.config.train
    return (
        f"training: {run.plan.steps:,} steps of {train.batch_size} examples, {plural(run.plan.epochs, 'epoch')}; "
        f"evaluated every {run.plan.eval_every:,} steps; the best by {train.best}"
    )


def labels_lines(run: Run | FittedClassifier, corpus: ExampleCorpus) -> list[str]:
    """Return the line about the labels or columns, the most frequent first, with their counts in the training split."""
    config = run.config
    counts = {name: own[0] for name, own in corpus.facts.labels.items()}
    columns = config.task == "classify" and config.model.output != "softmax" and config.data.label_separator is None
    order = list(counts) if columns else sorted(counts, key=lambda name: (-counts[name], name))
    named = ", ".join(f"{_shown(name)} {counts[name]:,}" for name in order[:MAX_LABELS])
    more = f" and {len(order) - MAX_LABELS:,} more" if len(order) > MAX_LABELS else ""
    kind, counted = "labels", "in training"
    if config.task == "classify" and config.model.output == "linear":
        kind, counted = "columns", "numbers in training"
    elif columns:
        kind, counted = "columns", "yes in training"
    return [f"{kind}: {len(order):,} ({counted}: {named}{more})"]


def _shown(name: str) -> str:
    cut = name if len(name) <= MAX_LABEL_CHARS else name[:MAX_LABEL_CHARS] + "…"
    return visible(cut, keep="")


def held_out_lines(corpus: ExampleCorpus) -> list[str]:
    """Return the line about held-out inputs that training has too, and about inputs with different targets."""
    facts = corpus.facts
    clauses = held_out_clauses(facts.splits, facts.seen, "inputs")
    if facts.ambiguous:
        clauses.append(f"{plural(facts.ambiguous, 'input')} with different targets")
    if facts.cut:
        clauses.append(f"{facts.cut:,} cut to data.max_length")
    if facts.skipped:
        clauses.append(f"{facts.skipped:,} longer than data.max_length skipped")
    if facts.empty:
        clauses.append(f"{facts.empty:,} empty left out")
    return ["; ".join(clauses)] if clauses else []


def held_out_clauses(splits: Mapping[str, int], seen: Mapping[str, int], noun: str) -> list[str]:
    """Return the clause about held-out inputs that training has too; none without held-out ones.

    Arguments:
        splits: the examples of each split.
        seen: for each split but train, how many of its inputs also stand in training.
        noun: what an input is called.
    """
    held_out, count = sum(splits[name] for name in seen), sum(seen.values())
    if not held_out:
        return []
    return [f"{count:,} of the {held_out:,} held-out {noun} also stand{'s' * (count == 1)} in training"]


def example_remarks(corpus: ExampleCorpus) -> list[str]:
    """Return what a user should know about the examples before the first step, one sentence each."""
    sentences = validation_remarks(len(corpus.valid))
    for split in (corpus.valid, corpus.test):
        if split.unknown:
            sentences.append(
                f"characters of the {split.name} split that are too rare or missing in training: {split.unknown:,}"
            )
    return sentences


def validation_remarks(count: int) -> list[str]:
    """Return what to say of a validation split that has few examples, or none."""
    if not count:
        return ["there is no validation split: no early stopping, and no best.npz; watch the training loss with care"]
    if count >= MIN_VALID:
        return []
    return [
        f"the validation split has only {plural(count, 'example')}, so its figures are a rough guide; hold "
        f"out more with data.fractions, e.g. [0.8, 0.2, 0]"
    ]
