"""Every error of the forecasting package, and the way several problems of one file become one error.

The tree:

    ForecastingError
    +-- InputError (ValueError)      a file or value handed over by the user is wrong; carries all problems
    +-- HistoryError (ValueError)    the history cannot carry a forecast (too short, outside as-of)

Not here: what the optimizer raises (`optimizer.errors`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

MAX_SHOWN_PROBLEMS = 20


class ForecastingError(Exception):
    """Root of the errors of this package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with one input.

    Attributes
    ----------
    column : str
        Column or key; empty when the file as a whole is meant.
    row : int or None
        1-based data row (the header is row 0); None when no single row is meant.
    message : str
        "must be <rule>, got <value>. <way out>", or a whole sentence.
    """

    column: str = ""
    row: int | None = None
    message: str

    def __str__(self) -> str:
        """Put the place in front of the message."""
        place = []
        if self.column:
            place.append(f"column '{self.column}'")
        if self.row is not None:
            place.append(f"row {self.row}")
        return f"{', '.join(place)}: {self.message}" if place else self.message


class InputError(ForecastingError, ValueError):
    """An input is refused: names the source and lists all of its problems at once.

    Parameters
    ----------
    source : str
        What was read: a file name, or an option such as ``--as-of``.
    problems : sequence of Problem
        At least one.
    """

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        self.source = source
        self.problems = tuple(problems)
        shown = [f"  - {problem}" for problem in self.problems[:MAX_SHOWN_PROBLEMS]]
        hidden = len(self.problems) - len(shown)
        if hidden > 0:
            shown.append(f"  - and {hidden} more")
        noun = "problem" if len(self.problems) == 1 else "problems"
        head = f"{source} is refused, {len(self.problems)} {noun}:"
        super().__init__("\n".join([head, *shown]))


class HistoryError(ForecastingError, ValueError):
    """The history cannot carry the forecast that was asked for."""
