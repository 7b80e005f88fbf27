"""`charrnn eval` of classifiers and taggers."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from charrnn.cli.messages import note
from charrnn.cli.streams import write_new
from charrnn.errors import CharrnnError, TextError

if TYPE_CHECKING:
    from charrnn.arrays import Array
    from charrnn.data import ExampleCorpus, ExampleSplit
    from charrnn.display import HeldOutExamples
    from charrnn.evaluation import ScoredModel, TaskAssessment
    from charrnn.models import SavedModel


def evaluate_task(
    loaded: "Sequence[SavedModel]",
    files: Sequence[str],
    split: str | None,
    baselines: bool,
    table: str | None,
    html: str | None,
    as_json: bool,
) -> None:
    """Score examples by one or several models and print the report.

    Arguments:
        loaded: classifiers or taggers that can vote.
        files: examples; without any, a split of the run's own.
        split: its name; None for test, else valid.
        baselines: whether simpler models are added.
        table: the file to which a row for each example is written, if any.
        html: the page that shows the report, if any.
        as_json: whether the report is printed as a JSON object.
    """
    import json

    from charrnn.display import examples_page, task_lines
    from charrnn.evaluation import assess_task, per_example

    scored = [scored_model(saved, files, split, baselines) for saved in loaded]
    report, scores = assess_task(scored, baselines)
    if table:
        write_new(table, per_example(scored[0].model, scored[0].split, scores))
    if html:
        write_new(html, [examples_page(scored[0].name, found_on_examples(scored, report, scores))])
    for line in [json.dumps(report.to_dict())] if as_json else task_lines(report):
        click.echo(line)


def found_on_examples(scored: "Sequence[ScoredModel]", report: "TaskAssessment", scores: "Array") -> "HeldOutExamples":
    """What a page shows of a report; `report` and `scores` are those of assess_task(). A vote is not explained."""
    from charrnn.display import HeldOutExamples
    from charrnn.evaluation import character_names, task_details
    from charrnn.inspection import occlusions

    first = scored[0]
    explainable = len(scored) == 1 and not first.model.network.task.tag
    explained = occlusions(first.model, first.split, scores) if explainable else []
    return HeldOutExamples(report, task_details(first, report, scores), explained, character_names(first.model.vocab))


def scored_model(saved: "SavedModel", files: Sequence[str], split: str | None, needs_corpus: bool) -> "ScoredModel":
    """A model with the examples to score: those of files, or a split of its own."""
    from charrnn.evaluation import ScoredModel

    model = saved.task_model
    if not files:
        corpus = saved.examples()
        return ScoredModel(saved.name, model, own_split(corpus, split), corpus)
    examples = examples_of_files(saved, files)
    try:
        return ScoredModel(saved.name, model, examples, saved.examples())
    except CharrnnError as error:
        if needs_corpus:
            raise
        if model.network.task.tag or (model.network.task.output == "sigmoid" and not model.thresholds):
            what = "seen words" if model.network.task.tag else "fitted thresholds"
            note(f"without {what}, which need the examples that the model was trained on: {error}")
    return ScoredModel(saved.name, model, examples)


def examples_of_files(saved: "SavedModel", files: Sequence[str]) -> "ExampleSplit":
    """Read examples, laid out as those that a model was trained on."""
    from charrnn.data import find_files, held_out_examples, read_files

    model = saved.task_model
    rules = replace(model.rules, layout=replace(model.rules.layout, split=None))
    texts, _ = read_files(find_files(files, "FILE"), saved.config.data.encoding)
    examples = held_out_examples(texts, rules, model.vocab, model.labels, ", ".join(files))
    if examples.empty:
        note(f"examples that lack something are left out, as data.empty of the model says: {examples.empty:,}")
    if not len(examples):
        raise TextError(f"{', '.join(files)}: there is no example in it; give it some")
    return examples


def own_split(corpus: "ExampleCorpus", name: str | None) -> "ExampleSplit":
    """A split of the examples of a run: the named one, else test, else valid."""
    splits = {own.name: own for own in (corpus.train, corpus.valid, corpus.test)}
    chosen = splits[name or ("test" if len(corpus.test) else "valid")]
    if not len(chosen):
        raise TextError(f"the {chosen.name} split is empty; name another --split, or a FILE")
    return replace(chosen, name=f"{chosen.name} split")
