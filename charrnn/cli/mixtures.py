"""Several language models as one, for commands that write or search."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from charrnn.cli.inputs import load_language

if TYPE_CHECKING:
    from charrnn.models import LanguageModel, SavedModel


def load_mixture(names: Sequence[str], weights: str | None) -> "tuple[SavedModel, LanguageModel]":
    """Read one language model, or several as a mixture.

    Arguments:
        names: checkpoints.
        weights: numbers between commas, one for each; None fits them on the validation split of their text.

    Returns:
        The first checkpoint, and the model or the mixture.

    Raises:
        click.UsageError: the weights are no numbers, or not as many as there are models.
        CheckpointError: the models do not go together.
        TextError: the weights are to be fitted, and the text cannot be read.
    """
    from charrnn.evaluation import check_alike, mixture_weights
    from charrnn.models import MixedModel

    numbers = None if weights is None else _numbers(weights, len(names))
    saved = [load_language(name, "predict") for name in names]
    first = saved[0]
    if len(saved) == 1:
        return first, first.language_model
    if numbers is None:
        numbers = mixture_weights(saved).tolist()
    else:
        check_alike(saved)
    used = [(own.language_model, weight) for own, weight in zip(saved, numbers, strict=True) if weight]
    return first, MixedModel([model for model, _ in used], [weight for _, weight in used])


def _numbers(weights: str, count: int) -> list[float]:
    """The weights of --weights, which sum to 1 then."""
    if count == 1:
        raise click.UsageError("--weights applies only with several models")
    try:
        numbers = [float(part) for part in weights.split(",")]
    except ValueError:
        raise click.UsageError(f"--weights {weights}: write numbers between commas, such as 0.7,0.3") from None
    total = sum(numbers)
    if len(numbers) != count:
        raise click.UsageError(f"--weights {weights}: {len(numbers)} for {count} models; give one for each")
    if not (0 < total < float("inf")) or min(numbers) < 0:
        raise click.UsageError(f"--weights {weights}: give finite numbers, none below 0 and at least one above 0")
    return [number / total for number in numbers]
