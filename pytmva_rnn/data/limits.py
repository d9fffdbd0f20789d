"""How much the inputs may be at most: a line of a configuration or of somebody else's file can ask for any number.

What it asks for is counted, and refused with the number, before anything of that size is made.
"""

from __future__ import annotations

from pytmva_rnn.errors import DataError

__all__ = ["MOST_CLASSES", "MOST_REPETITIONS", "check_at_most", "check_expressions", "check_variables"]

MOST_VARIABLES = 1_000_000
"""Of an event; TMVA's own examples have hundreds."""

MOST_EXPRESSIONS = 20_000
"""Of all variables, or inputs of a step: each is a formula, and most likely a branch."""

MOST_REPETITIONS = 10_000
"""Events that `for_each` may make of an entry."""

MOST_CLASSES = 1_000


def check_variables(count: int) -> None:
    """Refuse more variables of an event than there may be.

    Raises
    ------
    DataError
        With their number.
    """
    check_at_most(count, MOST_VARIABLES, "the inputs are {} variables an event")


def check_expressions(count: int) -> None:
    """Refuse more variables, each with an expression of its own, than there may be.

    Raises
    ------
    DataError
        With their number.
    """
    check_at_most(count, MOST_EXPRESSIONS, "the inputs are {} variables with an expression each")


def check_at_most(count: int, most: int, words: str) -> None:
    """Refuse a count above its bound.

    Parameters
    ----------
    words : str
        With `{}` for the count.

    Raises
    ------
    DataError
        With the number and the bound.
    """
    if count > most:
        number = f"{count:,}" if count < 10**18 else "more than 10^18"
        raise DataError(f"{words.format(number)}; at most {most:,} are taken")
