"""The report of `charrnn eval`: a text scored by one model or several, their mixture, and baselines beside them.

Everything is a plain dict, as `--json` prints it: the figures of the first model, and `rows`, a table with one row for
each model, the mixture, the adapted networks, and the baselines, all of the same characters.

"""

from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.data import Corpus, Split
from charrnn.errors import CheckpointError, TextError
from charrnn.evaluation.baselines import baselines
from charrnn.evaluation.dynamic import Rule, score_dynamically
from charrnn.evaluation.figures import analyse, block_sums, by_position, figures, intervals, shown
from charrnn.evaluation.mixture import cross_mix, fit_weights, mix
from charrnn.evaluation.novelty import novelty
from charrnn.evaluation.scoring import Scores, score_each
from charrnn.models import Network, SavedModel, model_name
from charrnn.processes import cores


@dataclass(frozen=True)
class ReportOptions:
    """What a report shall hold beside the scores of the models; `rate` None is the default of the `dynamic` rule."""

    baselines: bool = False
    novelty: bool = False
    dynamic: Rule | None = None
    rate: float | None = None


def check_alike(models: list[SavedModel]) -> None:
    """Refuse to mix models of different characters, text or splits. Raises CheckpointError."""
    first = models[0]
    for other in models[1:]:
        if other.model.vocab != first.model.vocab:
            raise CheckpointError(f"{other.path}: another vocabulary than {first.path}; a mixture needs the same one")
        if split_key(other) != split_key(first):
            raise CheckpointError(
                f"{other.path}: trained on another text or split than {first.path}, so no text is left that is new to "
                f"both, on which the weights of a mixture could be fitted"
            )


def split_key(loaded: SavedModel) -> tuple[Any, ...]:
    """What decides which characters a model was trained on: equal for two models if these are the same."""
    data, train, header = loaded.config.data, loaded.config.train, loaded.header
    layout = (train.batch_size, train.seq_length) if data.split == "streams" else ()
    return data.split, layout, header.fingerprint, header.splits


def assess(
    models: list[SavedModel], split: Split, corpus: Corpus | None, wanted: ReportOptions
) -> tuple[dict[str, Any], Scores]:
    """Score a split by one or more models: the report, and the scores of each character by the first.

    `corpus`, the text of the first model: without it nothing is `wanted`, and there is no mixture. Raises TextError
    where there is nothing to score, CheckpointError where models do not go together.
    """
    if not len(split):
        left_out = f": all {split.unknown:,} characters are unknown to the model" if split.unknown else ""
        raise TextError(f"there is no text to score{left_out}")
    check_alike(models)
    vocab, ids, names = models[0].model.vocab, split.ids, named(models)
    train = corpus.train.ids if corpus else ids[:0]
    scored = [scores_of(loaded, ids) for loaded in models]
    rows = [row(name, vocab, ids, scores) for name, scores in zip(names, scored, strict=True)]
    own = corpus is not None and any(split is part for part in (corpus.train, corpus.valid, corpus.test))
    report = {"text": f"{split.name} split" if own else split.name, **analyse(vocab, ids, scored[0], split.unknown)}
    report["positions"] = by_position(models[0].model, ids)
    if corpus and len(models) > 1:
        logs, weights = mixture(models, corpus, split, np.array([-scores.nats for scores in scored]))
        rows.append(row("mixture", vocab, ids, Scores(-logs)))
        report["weights"] = [{"name": n, "weight": w} for n, w in zip(names, weights.tolist(), strict=True)]
    if wanted.dynamic:
        networks = [(name, m.model) for name, m in zip(names, models, strict=True) if isinstance(m.model, Network)]
        if not networks:
            models[0].network  # noqa: B018 - says why an n-gram cannot adapt
        for name, network in networks:
            nats = score_dynamically(network, ids, train, wanted.dynamic, wanted.rate)
            rows.append(row(f"{name}, dynamic ({wanted.dynamic})", vocab, ids, Scores(nats)))
    if wanted.baselines:
        for name, made in baselines(vocab, train, ids):
            rows.append(row(name, vocab, ids, made) if isinstance(made, Scores) else compressor_row(name, made, ids))
    if wanted.novelty:
        found = novelty(train, ids)
        passage = shown(vocab, ids[found["at"] : found["at"] + found["longest"]])
        report["novelty"] = found | {"passage": passage}
    return report | {"rows": rows}, scored[0]


def scores_of(loaded: SavedModel, ids: Array) -> Scores:
    """Score ids by a model; a network has all processors work on a long text, an n-gram is quick anyway."""
    return score_each(loaded.model, ids, cores() if isinstance(loaded.model, Network) else 1)


def named(models: list[SavedModel]) -> list[str]:
    """What a table calls each model: what it is, and its path where there are several."""
    kinds = [model_name(loaded.config.model) for loaded in models]
    return [f"{kind} ({m.name})" for kind, m in zip(kinds, models, strict=True)] if len(models) > 1 else kinds


def mixture(models: list[SavedModel], corpus: Corpus, split: Split, logs: Array) -> tuple[Array, Array]:
    """ln p (len,) of the mixture of models that gave ln p `logs` (K, len), and its weights (K,).

    The weights are fitted on the validation split. Where that is the text to score, each half gets those of the other.
    """
    if not len(corpus.valid):
        raise TextError("there is no validation split to fit the weights of a mixture on")
    if split is corpus.valid:
        return cross_mix(logs)
    weights = fit_weights(np.array([-scores_of(loaded, corpus.valid.ids).nats for loaded in models]))
    return mix(logs, weights), weights


def row(name: str, vocab: Any, ids: Array, scores: Scores) -> dict[str, Any]:
    """A row of the table, from scores."""
    sums = block_sums(vocab, ids, scores)
    values = {key: float(value[0]) for key, value in figures(sums.sum(axis=1, keepdims=True)).items()}
    return {"name": name, **values, "interval": intervals(sums)["nats_per_char"]}


def compressor_row(name: str, nats: float, ids: Array) -> dict[str, Any]:
    """The row of a compressor, which gives no probability to single characters."""
    return {"name": name, "nats_per_char": nats / len(ids), "bits_per_char": nats / len(ids) / log(2)}
