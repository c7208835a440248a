"""When an event slips: which choice is then the best, and at which slip that changes.

Choices are held as they were priced, with the purchases that go with each: what is decided today does not know how late
the event will be. Not here: prices as declared (`pricing`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray
from optimizer.costs import evaluate_with
from optimizer.cover import cover_classes
from optimizer.jobs.renewals.futures import Futures
from optimizer.jobs.renewals.pricing import Priced
from optimizer.problem import PlanningProblem
from optimizer.sweep import Sweeper

SLIP_DAYS = (0.0, 30.0, 60.0, 90.0, 180.0)
FLIP_DAYS = 5.0  # a flip is found to within so many days


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """Slip of an event at which another choice becomes the best.

    Attributes
    ----------
    event : str
    slip_days : float
        Later than drawn, to within `FLIP_DAYS`. [days]
    before, after : int
        The best choice below and above it, by its place among those compared.
    """

    event: str
    slip_days: float
    before: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slips:
    """Costs of choices as one event slips.

    Attributes
    ----------
    event : str
    cost_usd : FloatArray of shape (n_slips, n_choices)
        At `SLIP_DAYS`, on sampled hours. [USD]
    best : tuple of int
        Best choice at each of them; the one before stays where no other is better by more than the gap.
    flips : tuple of Flip
        By slip.
    """

    event: str
    cost_usd: FloatArray
    best: tuple[int, ...]
    flips: tuple[Flip, ...]


class SlipCosts:
    """Costs of held quantities under slips; each future is prepared once.

    Parameters
    ----------
    problem : PlanningProblem
        Of the choices.
    futures : Futures
    """

    def __init__(self, problem: PlanningProblem, futures: Futures) -> None:
        self.problem, self.futures = problem, futures
        self._classes = cover_classes(problem.instruments, split_by_fee=False)
        self._sweepers: dict[tuple[str, float], Sweeper] = {}

    def __call__(self, event: str, days: float, priced: Sequence[Priced]) -> FloatArray:
        """Cost of each choice where one event slips. Shape (n_choices,). [USD]"""
        key = (event, days)
        if key not in self._sweepers:
            self._sweepers[key] = Sweeper(self.futures.slipped(self.problem, event, days), self._classes)
        sweeper, scale = self._sweepers[key], 1.0 + self.problem.risk_lambda
        return np.array(
            [evaluate_with(sweeper, item.quantity).objective_usd + item.setting.one_off_usd * scale for item in priced]
        )


def slips_of(event: str, priced: Sequence[Priced], costs: SlipCosts, *, first: int) -> Slips:
    """Costs at every slip, and where the best choice changes.

    Parameters
    ----------
    event : str
    priced : sequence of Priced
        What is compared.
    costs : SlipCosts
    first : int
        The choice to be left only for one that is better by more than the gap of the two.
    """
    gap = np.array([item.objective_usd - item.lower_bound_usd for item in priced])

    def at(days: float) -> FloatArray:
        return costs(event, days, priced)

    def best_after(held: int, cost: FloatArray) -> int:
        found = int(np.argmin(cost))
        return found if cost[held] - cost[found] > max(gap[held], gap[found]) else held

    table = np.array([at(days) for days in SLIP_DAYS])
    best = [best_after(first, table[0])]
    flips = []
    for place in range(1, len(SLIP_DAYS)):
        best.append(best_after(best[-1], table[place]))
        if best[-1] != best[-2]:
            days = _crossing(lambda slip: best_after(best[-2], at(slip)) == best[-2], SLIP_DAYS[place - 1 : place + 1])
            flips.append(Flip(event=event, slip_days=days, before=best[-2], after=best[-1]))
    return Slips(event=event, cost_usd=table, best=tuple(best), flips=tuple(flips))


def _crossing(stays: Callable[[float], bool], ends: Sequence[float]) -> float:
    """Slip from which on a choice that is the best at the lower end no longer is."""
    low, high = ends
    while high - low > FLIP_DAYS:
        middle = (low + high) / 2
        low, high = (middle, high) if stays(middle) else (low, middle)
    return high
