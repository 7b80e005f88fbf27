"""`charrnn report` of classifiers and taggers: what can be measured on held-out examples."""

from typing import TYPE_CHECKING

from charrnn.cli.evaluate_task import found_on_examples, own_split
from charrnn.errors import TextError

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
    counted = loaded.config.model.cell == "ngram"
    steps = f", after {loaded.step:,} steps" if loaded.step and not counted else ""
    count = f"{len(model.labels):,} {'column' if model.network.task.output == 'linear' else 'label'}"
    text = (
        f"{kind}: {model_name(loaded.config.model)}{ways}, {model.size:,} {'n-grams' if counted else 'parameters'}, "
        f"vocabulary of {model.vocab.size}, {count}{'s' * (len(model.labels) != 1)}{steps}."
    )
    return f"{text} {loaded.note}".rstrip()


def measure_examples(loaded: "SavedModel") -> "HeldOutExamples":
    """Everything that is measured on held-out examples. Raises: TextError without any, or where they have changed."""
    from charrnn.evaluation import ScoredModel, assess_task

    corpus = loaded.examples()
    if not len(corpus.valid) and not len(corpus.test):
        raise TextError("no example is held out; train with data.fractions or data.test_path that leave some")
    scored = [ScoredModel(loaded.name, loaded.task_model, own_split(corpus, None), corpus)]
    report, scores = assess_task(scored, baselines=len(corpus.train.examples.ids) <= MAX_BASELINE_SYMBOLS)
    return found_on_examples(scored, report, scores)
