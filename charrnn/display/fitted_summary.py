"""Lines about what was counted: an n-gram of a text, or those of the labels of examples. Nothing is printed."""

from charrnn.display.example_summary import examples_lines
from charrnn.display.run_summary import documents_lines
from charrnn.training import Fitted, FittedClassifier


def fitted_lines(fitted: Fitted | FittedClassifier) -> list[str]:
    """Return lines that name the text or the examples, the model, and its score on the validation split."""
    return text_lines(fitted) if isinstance(fitted, Fitted) else classifier_lines(fitted)


def text_lines(fitted: Fitted) -> list[str]:
    """Return the lines about an n-gram of a text."""
    corpus, model, valid = fitted.corpus, fitted.config.model, fitted.valid
    return [
        f"text: {corpus.size:,} characters (train {len(corpus.train):,}, valid {len(corpus.valid):,}, "
        f"test {len(corpus.test):,}), vocabulary {corpus.vocab.size}",
        *documents_lines(corpus.documents),
        f"model: {model.order}-gram, {model.smoothing}, {fitted.model.size:,} n-grams, counted in "
        f"{fitted.seconds:.1f} s",
        f"Validation loss {valid.nats_per_char:.4f} nats per character." if valid else "no validation split",
    ]


def classifier_lines(fitted: FittedClassifier) -> list[str]:
    """Return the lines about n-grams of labels."""
    model, corpus = fitted.config.model, fitted.corpus
    tried = ", ".join(f"{order}: {accuracy:.4f}" for order, accuracy in fitted.accuracies.items())
    chosen_on = "the validation split" if len(corpus.valid) else "every tenth training example"
    figures = ", ".join(f"{name} {value:.4f}" for name, value in fitted.figures.items())
    return [
        *examples_lines(fitted, corpus),
        f"orders tried, with their accuracy on {chosen_on}: {tried}",
        f"model: {model.order}-gram of each label, {model.smoothing}, {fitted.model.size:,} n-grams, counted in "
        f"{fitted.seconds:.1f} s",
        f"Validation: {figures}." if figures else "no validation split",
    ]
