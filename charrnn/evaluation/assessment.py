"""The report of `charrnn eval`: a text scored by one or more models, their mixture, their parts, and baselines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import log
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.data import Corpus, Split, Vocab, digests_of_ids
from charrnn.errors import CheckpointError
from charrnn.evaluation.baselines import baselines
from charrnn.evaluation.characters import shown
from charrnn.evaluation.documents import bounds, by_place
from charrnn.evaluation.dynamic import Rule, score_dynamically
from charrnn.evaluation.figures import analyse, block_sums, by_position, charged, intervals, whole_text
from charrnn.evaluation.mixture import cross_mix, fit_weights, mix
from charrnn.evaluation.novelty import novelty
from charrnn.evaluation.results import Assessment, DocumentNovelty, Figures, MixtureWeight, Novelty, Row
from charrnn.evaluation.scores import Scores
from charrnn.evaluation.scoring import check_text, score_each
from charrnn.evaluation.windows import score_in_windows
from charrnn.models import GatedNetwork, LanguageModel, Network, NGram, SavedModel, model_name
from charrnn.processes import cores


@dataclass(frozen=True)
class ReportOptions:
    """What a report holds beside the scores of the models, and how these read the text.

    `dynamic_rate` None: the default of the `dynamic` rule. `window`: characters after which a model forgets the text
    before, see windows.py; None for a state that is carried through the whole text.
    """

    window: int | None = None
    baselines: bool = False
    novelty: bool = False
    dynamic: Rule | None = None
    dynamic_rate: float | None = None


def assess(
    models: Sequence[SavedModel], split: Split, corpus: Corpus | None, options: ReportOptions
) -> tuple[Assessment, Scores]:
    """Score a split by one or more models.

    Arguments: `corpus`, the text of the first model; without it there are no options and no mixture.

    Returns: the report, and the scores of each character by the first model.

    Raises: TextError where there is nothing to score, CheckpointError where the models do not go together.
    """
    check_text(split.ids, split.unknown)
    check_alike(models)
    check_streams(models, options)
    vocab, ids = models[0].language_model.vocab, split.ids
    train = corpus.train.ids if corpus else ids[:0]
    names = model_names(models)
    scored = [scores_of(loaded.language_model, ids, options.window) for loaded in models]
    rows = [row(name, vocab, ids, scores, split.unknown) for name, scores in zip(names, scored, strict=True)]
    logs, fitted = np.array([-scores.nats for scores in scored]), np.zeros(0)
    if corpus and len(models) > 1:
        log_probs, fitted = mixture(models, corpus, split, logs, options.window)
        rows.append(row("mixture", vocab, ids, Scores(-log_probs), split.unknown))
    rows += part_rows(models, names, split, options.window)
    if corpus and options.dynamic:
        rows += dynamic_rows(models, names, split, corpus, logs, fitted, options)
    if options.baselines:
        rows += baseline_rows(vocab, train, split)
    report = Assessment(
        text=text_name(split, corpus),
        analysis=analyse(vocab, ids, scored[0], split.unknown),
        positions=by_place(vocab, ids, scored[0].nats) if vocab.end else by_position(models[0].language_model, ids),
        rows=rows,
        weights=[MixtureWeight(name, weight) for name, weight in zip(names, fitted.tolist(), strict=False)],
        novelty=novelty_with_passage(vocab, train, ids) if options.novelty else None,
        window=options.window,
    )
    return report, scored[0]


def are_alike(models: Sequence[SavedModel]) -> bool:
    """Whether models can be mixed: they have the same characters, text and split."""
    try:
        check_alike(models)
    except CheckpointError:
        return False
    return True


def check_alike(models: Sequence[SavedModel]) -> None:
    """Raises: CheckpointError where models cannot be mixed: other characters, other text or another split."""
    first = models[0]
    for other in models[1:]:
        if other.language_model.vocab != first.language_model.vocab:
            raise CheckpointError(f"{other.path}: another vocabulary than {first.path}; a mixture needs the same one")
        if split_key(other) != split_key(first):
            raise CheckpointError(
                f"{other.path}: trained on another text or split than {first.path}; the weights of a mixture are "
                f"fitted on a text that is new to all of its models"
            )


def check_streams(models: Sequence[SavedModel], options: ReportOptions) -> None:
    """Raises: CheckpointError where an option needs a text that is one stream, and the models are of documents."""
    if not models[0].language_model.vocab.end or not (options.dynamic or options.window):
        return
    raise CheckpointError(
        f"{models[0].path}: this is a model of documents, which are scored each by itself; "
        f"{'dynamic evaluation needs' if options.dynamic else 'windows need'} a text that is one stream",
        hint=f"leave out --{'dynamic' if options.dynamic else 'window'}",
    )


def split_key(loaded: SavedModel) -> tuple[Any, ...]:
    """What decides on which characters a model was trained; equal for two models trained on the same ones."""
    data, train, header = loaded.config.data, loaded.config.train, loaded.header
    layout = (train.batch_size, train.seq_length) if data.split == "streams" else ()
    drawn = (data.documents, data.split_seed, data.fractions) if data.documents else ()
    return data.resolved().split, layout, drawn, header.fingerprint, header.splits


def scores_of(model: LanguageModel, ids: Array, window: int | None = None) -> Scores:
    """Score ids by a model: a network on all processors, an n-gram, which is fast, on one. `window`: see windows.py."""
    processes = 1 if isinstance(model, NGram) else cores()
    if window is not None:
        return score_in_windows(model, ids, window, processes)
    return score_each(model, ids, processes)


def text_name(split: Split, corpus: Corpus | None) -> str:
    """What a report calls the text: a split of the models' own corpus, or the files that were given."""
    own = corpus is not None and any(split is each for each in (corpus.train, corpus.valid, corpus.test))
    return f"{split.name} split" if own else split.name


def model_names(models: Sequence[SavedModel]) -> list[str]:
    """What a table calls each model: its architecture, and its path where there are several."""
    names = [model_name(loaded.config.model) for loaded in models]
    if len(models) == 1:
        return names
    return [f"{name} ({loaded.name})" for name, loaded in zip(names, models, strict=True)]


def mixture_weights(models: Sequence[SavedModel]) -> Array:
    """The weights (K,) of the mixture of models that predicts the validation split of their text best.

    Without a validation split they are equal.

    Raises: CheckpointError where the models do not go together, TextError where the text cannot be read.
    """
    check_alike(models)
    return weights_for(models, models[0].corpus())


def weights_for(models: Sequence[SavedModel], corpus: Corpus, window: int | None = None) -> Array:
    """The same for models of this text; `window` as for scores_of()."""
    valid = corpus.valid.ids
    if not len(valid):
        return np.full(len(models), 1 / len(models))
    return fit_weights(np.array([-scores_of(loaded.language_model, valid, window).nats for loaded in models]))


def mixture(
    models: Sequence[SavedModel], corpus: Corpus, split: Split, logs: Array, window: int | None = None
) -> tuple[Array, Array]:
    """ln p (len,) of the mixture of models that gave ln p `logs` (K, len), and its weights (K,).

    The weights are fitted on the validation split. Where that is the text to score, each half of it gets the weights
    of the other half. Without a validation split they are equal. `window` as for scores_of(), of the text to score and
    of the validation split.
    """
    if split is corpus.valid:
        return cross_mix(logs)
    weights = weights_for(models, corpus, window)
    return mix(logs, weights), weights


def row(name: str, vocab: Vocab, ids: Array, scores: Scores, unknown: int) -> Row:
    """A row of the table, from scores of ids (len,); `unknown` characters had been left out of the text."""
    sums = block_sums(vocab, ids, scores)
    return Row(name, whole_text(sums), intervals(sums).nats_per_char, charged(vocab, scores.nats, unknown))


def part_rows(models: Sequence[SavedModel], names: Sequence[str], split: Split, window: int | None) -> Iterator[Row]:
    """For each network with an n-gram inside, a row for the network alone and one for the n-gram alone."""
    for name, each in zip(names, models, strict=True):
        if isinstance(each.model, GatedNetwork):
            for part, model in (("network", each.model.network), ("n-gram", each.model.ngram)):
                scores = scores_of(model, split.ids, window)
                yield row(f"{name}, {part} alone", model.vocab, split.ids, scores, split.unknown)


def dynamic_rows(
    models: Sequence[SavedModel],
    names: Sequence[str],
    split: Split,
    corpus: Corpus,
    still: Array,
    weights: Array,
    options: ReportOptions,
) -> Iterator[Row]:
    """A row for each network as it adapts to the text, and for several models one for their mixture.

    Arguments: `still`, ln p of each model as it is, (K, len); `weights`, those of the mixture of them.

    Raises: CheckpointError where there is no network.
    """
    networks = {k: each.model for k, each in enumerate(models) if isinstance(each.model, Network | GatedNetwork)}
    if not networks:
        raise CheckpointError(f"{models[0].path}: this is an n-gram; it has no weights that could follow the text")
    assert options.dynamic is not None, "a report without dynamic evaluation has no such rows"
    rule, vocab, logs = options.dynamic, models[0].language_model.vocab, still.copy()
    for k, network in networks.items():
        nats = score_dynamically(network, split.ids, corpus.train.ids, rule, options.dynamic_rate)
        logs[k] = -nats
        yield row(f"{names[k]}, dynamic ({rule})", vocab, split.ids, Scores(nats), split.unknown)
    if len(models) > 1:
        mixed = cross_mix(logs)[0] if split is corpus.valid else mix(logs, weights)
        yield row(f"mixture, dynamic ({rule})", vocab, split.ids, Scores(-mixed), split.unknown)


def baseline_rows(vocab: Vocab, train: Array, split: Split) -> Iterator[Row]:
    """A row for each baseline. A compressor gives no probability to single characters, so it has only its mean."""
    ids = split.ids
    for name, result in baselines(vocab, train, ids):
        if isinstance(result, Scores):
            yield row(name, vocab, ids, result, split.unknown)
        else:
            per_document = result / len(bounds(vocab, ids)[0]) if vocab.end else None
            nats = result / len(ids)
            figures = Figures(nats, nats / log(2), nats_per_document=per_document)
            yield Row(name, figures, charged=charged(vocab, np.full(len(ids), nats), split.unknown))


def novelty_with_passage(vocab: Vocab, train: Array, ids: Array) -> Novelty:
    """The novelty of a text, with the longest passage that it shares with the training text, and of its documents."""
    found = novelty(train, ids, vocab.end_id)
    if vocab.end_id is not None:
        own, known = (digests_of_ids(each, vocab.symbols, vocab.end_id) for each in (ids, train))
        seen, duplicates = int(np.isin(own, known).sum()), len(own) - len(np.unique(own))
        found = replace(found, documents=DocumentNovelty(len(own), seen, duplicates))
    return replace(found, passage=shown(vocab, ids[found.start : found.start + found.longest]))
