"""Options and arguments that several commands share."""

from math import isnan
from typing import Any

import click

CHECKPOINT = click.argument("checkpoint", type=click.Path())


class Number(click.FloatRange):
    """A number in a range; what is not a number is in none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Raises BadParameter for nan too, which passes every comparison."""
        number: float = super().convert(value, param, ctx)
        if isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number
