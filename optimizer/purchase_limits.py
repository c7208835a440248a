"""Limits that quantities alone decide, as numbers: cash, shares, purchases of a date, firm capacity.

What the program over bounds, the search in whole steps, relaxations and reports read. Not here: the same limits as
readable rows (`optimizer.limit_rows`); limits on use (`optimizer.slack`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from forecasting.arrays import FloatArray, IntArray, frozen_floats
from optimizer.coefficients import committed_fees, serving_batches, term_fees
from optimizer.problem import PlanningProblem

SMALLEST_SCALE = 1.0  # USD or units
AMOUNT_SCALE_FRACTION = 0.01  # of the on-demand cost: what a limit near zero in USD is measured by

LimitUnit = Literal["USD", "fraction", "units"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PurchaseRow:
    """One limit: amount @ quantity <= limit, or <= limit x base @ quantity; >= for a floor.

    Attributes
    ----------
    label : str
        Its name for people, unique among the limits.
    unit : {"USD", "fraction", "units"}
        Of `limit`.
    limit : float
        The number the policy states.
    amount : FloatArray of shape (n_batches,)
        What a quantity counts. [USD or units per quantity]
    base : FloatArray of shape (n_batches,) or None
        What a fraction is taken of; None where the limit is an amount. [USD per quantity]
    is_floor : bool
        Whether it is a minimum.
    """

    label: str
    unit: LimitUnit
    limit: float
    amount: FloatArray
    base: FloatArray | None = None
    is_floor: bool = False

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "amount", frozen_floats(self.amount))
        if self.base is not None:
            object.__setattr__(self, "base", frozen_floats(self.base))

    @property
    def coefficients(self) -> FloatArray:
        """Left side of the row, all that quantities count brought there. Shape (n_batches,)."""
        return self.amount if self.base is None else self.amount - self.limit * self.base

    @property
    def right_side(self) -> float:
        """Right side of that row. [USD or units]"""
        return self.limit if self.base is None else 0.0

    def base_usd(self, quantity: FloatArray) -> float:
        """What the fraction is taken of; 1 where the limit is an amount."""
        return 1.0 if self.base is None else float(self.base @ quantity)

    def value(self, quantity: FloatArray) -> float:
        """What quantities of shape (n_batches,) take, in the limit's unit; 0 of nothing."""
        taken, base_usd = float(self.amount @ quantity), self.base_usd(quantity)
        return taken / base_usd if base_usd > 0.0 else 0.0

    def missed_by(self, quantity: FloatArray) -> float:
        """By how much quantities of shape (n_batches,) miss the limit, below 0 where there is room. [USD or units]"""
        over = float(self.coefficients @ quantity) - self.right_side
        return -over if self.is_floor else over

    def scale(self, on_demand_usd: float) -> float:
        """What a change of the row is measured by, given the on-demand cost of the window. [USD or units]"""
        if self.unit == "USD":
            return max(self.limit, AMOUNT_SCALE_FRACTION * on_demand_usd)
        return on_demand_usd if self.unit == "fraction" else max(self.limit, SMALLEST_SCALE)


def purchase_rows(problem: PlanningProblem) -> Iterator[PurchaseRow]:
    """Each limit that quantities alone decide, one after the other: together they may be more than memory holds."""
    batches, limits = problem.batches, problem.limits
    for cash in limits.cash:
        amount = _at(batches.upfront_usd, cash.batch_indices)
        yield PurchaseRow(label=cash.label, unit="USD", limit=cash.usd, amount=amount)
    if limits.shares:
        committed = committed_fees(problem)
        for share in limits.shares:
            amount = _at(committed, share.batch_indices)
            yield PurchaseRow(label=share.label, unit="fraction", limit=share.fraction, amount=amount, base=committed)
    for purchase in limits.purchases:
        amount = _at(term_fees(problem), purchase.batch_indices)
        yield PurchaseRow(label=purchase.label, unit="USD", limit=purchase.usd, amount=amount)
    for firm in limits.firm:
        amount = serving_batches(problem, firm).astype(np.float64)
        yield PurchaseRow(label=firm.label, unit="units", limit=firm.units, amount=amount, is_floor=True)


def _at(values: FloatArray, places: IntArray) -> FloatArray:
    """Values at some places, 0 at all others."""
    out = np.zeros_like(values)
    out[places] = values[places]
    return out
