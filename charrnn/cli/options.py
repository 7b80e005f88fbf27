"""Options and arguments that several commands share."""

from math import isnan
from typing import Any

import click

CHECKPOINT = click.argument("checkpoint", type=click.Path())


class Number(click.FloatRange):
    """A number in a range, as click.FloatRange, but never NaN."""

    name = "number"  # in help and error messages

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Convert a value. Raises BadParameter for NaN too, which click would let through any range."""
        number: float = super().convert(value, param, ctx)
        if isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number
