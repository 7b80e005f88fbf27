"""`charrnn report` of classifiers and taggers: what can be measured on held-out examples."""

from typing import TYPE_CHECKING

from charrnn.cli.evaluate_task import own_split

if TYPE_CHECKING:
    from charrnn.display import HeldOutExamples
    from charrnn.models import SavedModel

MAX_BASELINE_SYMBOLS = 5_000_000  # of training examples; with more, baselines would take too long


def about_task(loaded: "SavedModel") -> str:
    """The model in a sentence or two."""
    from charrnn.models import model_name

    model = loaded.task_model
    kind = {"classify": "A classifier", "tag": "A tagger"}[loaded.config.task]
    ways = " in both directions" if model.network.task.bidirectional else ""
    steps = f", after {loaded.step:,} steps" if loaded.step else ""
    count = f"{len(model.labels):,} {'column' if model.network.task.output == 'linear' else 'label'}"
    text = (
        f"{kind}: {model_name(loaded.config.model)}{ways}, {model.size:,} parameters, "
        f"vocabulary of {model.vocab.size}, {count}{'s' * (len(model.labels) != 1)}{steps}."
    )
    return f"{text} {loaded.note}".rstrip()


def measure_examples(loaded: "SavedModel") -> "HeldOutExamples":
    """Everything that is measured on held-out examples. Raises: TextError without any, or where they have changed."""
    from charrnn.display import HeldOutExamples
    from charrnn.evaluation import ScoredModel, assess_task, character_names, task_details
    from charrnn.inspection import occlusions

    model, corpus = loaded.task_model, loaded.examples()
    scored = ScoredModel(loaded.name, model, own_split(corpus, None), corpus)
    report, scores = assess_task([scored], baselines=len(corpus.train.examples.ids) <= MAX_BASELINE_SYMBOLS)
    explained = [] if model.network.task.tag else occlusions(model, scored.split, scores)
    return HeldOutExamples(report, task_details(scored, report, scores), explained, character_names(model.vocab))
