"""What must give when limits cannot all be met, and the sentence that says so.

Not here: finding it (`optimizer.extensive`, `optimizer.elastic`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

SIGNIFICANT_DIGITS = 6
SMALLEST_CHANGE = "The smallest change found that makes them meetable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxation:
    """One limit that must give.

    Attributes
    ----------
    label : str
        The limit.
    unit : str
        fraction, USD or units.
    is_floor : bool
        Whether the limit is a minimum, and so must be lowered.
    by, to : float
        Change, always positive, and the limit after it.
    """

    label: str
    unit: str
    is_floor: bool
    by: float
    to: float

    def __str__(self) -> str:
        """Say the change, rounded to the side on which the limits can be met.

        Examples
        --------
        >>> str(Relaxation(label="headroom of web", unit="units", is_floor=True, by=2 / 3, to=1 / 3))
        'lower headroom of web to 0.333333 units (by 0.666667)'
        """
        verb = "lower" if self.is_floor else "raise"
        amount = _outward(self.to, is_floor=self.is_floor)
        return f"{verb} {self.label} to {amount:,.{SIGNIFICANT_DIGITS}g} {self.unit} (by {self.by:,.6g})"


def relaxation_message(relaxations: Sequence[Relaxation]) -> str:
    """Say which limits must give and the smallest change, one line each."""
    lines = [f"  - {relaxation}" for relaxation in relaxations]
    return "\n".join([f"the limits cannot all be met. {SMALLEST_CHANGE}:", *lines])


def _outward(amount: float, *, is_floor: bool) -> float:
    """Round to the digits shown, down for a floor and up for a ceiling."""
    if amount == 0.0:
        return 0.0
    digits = SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(abs(amount)))
    step = 10.0**-digits
    rounded = round(amount, digits)
    if (rounded > amount) if is_floor else (rounded < amount):
        rounded += -step if is_floor else step
    return rounded
