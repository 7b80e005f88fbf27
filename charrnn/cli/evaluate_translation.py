"""`charrnn eval` of translators."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from charrnn.cli.messages import note
from charrnn.cli.streams import check_new, write_new
from charrnn.errors import CharrnnError, TextError

if TYPE_CHECKING:
    from charrnn.data import PairCorpus, PairSplit
    from charrnn.evaluation import ScoredTranslator
    from charrnn.models import SavedModel


def evaluate_translation(
    loaded: "Sequence[SavedModel]",
    files: Sequence[str],
    split: str | None,
    baselines: bool,
    beam: int,
    table: str | None,
    as_json: bool,
) -> None:
    """Score what one or several translators write and print the report.

    Arguments:
        loaded: translators that can vote.
        files: pairs; without any, a split of the run's own.
        split: its name; None for test, else valid.
        baselines: whether simpler models are added.
        beam: how many beginnings of each target are kept.
        table: the file to which a row for each pair is written, if any.
        as_json: whether the report is printed as a JSON object.
    """
    import json

    from charrnn.display import translation_lines
    from charrnn.evaluation import assess_translation, per_pair

    check_new(table)
    scored = [scored_translator(saved, files, split, baselines) for saved in loaded]
    report, answers = assess_translation(scored, baselines, beam)
    if table:
        write_new(table, per_pair(scored[0].model, scored[0].split, answers))
    for line in [json.dumps(report.to_dict())] if as_json else translation_lines(report):
        click.echo(line)


def scored_translator(
    saved: "SavedModel", files: Sequence[str], split: str | None, needs_corpus: bool
) -> "ScoredTranslator":
    """A model with the pairs to score: those of files, or a split of its own."""
    from charrnn.evaluation import ScoredTranslator

    model = saved.translate_model
    if not files:
        corpus = saved.pairs()
        return ScoredTranslator(saved.name, model, own_pairs(corpus, split), corpus)
    pairs = pairs_of_files(saved, files)
    try:
        return ScoredTranslator(saved.name, model, pairs, saved.pairs())
    except CharrnnError as error:
        if needs_corpus:
            raise
        note(f"without sources seen in training, which need the examples that the model was trained on: {error}")
    return ScoredTranslator(saved.name, model, pairs)


def pairs_of_files(saved: "SavedModel", files: Sequence[str]) -> "PairSplit":
    """Read pairs, laid out as those that a model was trained on."""
    from charrnn.data import find_files, held_out_pairs, read_files

    model = saved.translate_model
    rules = replace(model.rules, layout=replace(model.rules.layout, split=None))
    texts, _ = read_files(find_files(files, "FILE"), saved.config.data.encoding)
    pairs = held_out_pairs(texts, rules, model.source, model.target, ", ".join(files))
    if pairs.empty:
        note(f"pairs that lack something are left out, as data.empty of the model says: {pairs.empty:,}")
    if not len(pairs):
        raise TextError(f"{', '.join(files)}: there is no example in it; give it some")
    return pairs


def own_pairs(corpus: "PairCorpus", name: str | None) -> "PairSplit":
    """A split of the pairs of a run: the named one, else test, else valid."""
    splits = {own.name: own for own in (corpus.train, corpus.valid, corpus.test)}
    chosen = splits[name or ("test" if len(corpus.test) else "valid")]
    if not len(chosen):
        raise TextError(f"the {chosen.name} split is empty; name another --split, or a FILE")
    return replace(chosen, name=f"{chosen.name} split")
