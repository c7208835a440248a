"""Mitigate or accept: whether engineering work costs less than the headroom and the expected loss that it saves.

Not here: what a shortage costs (`optimizer.shortage`), what the policy says of the work (`optimizer.headroom_policy`).
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import BoolArray, FloatArray
from forecasting.hours import HOURS_PER_YEAR, hour_of_date
from optimizer.headroom_policy import MitigationPart, touching
from optimizer.plan_headroom import MitigationRow
from optimizer.shortage import LossCurve

LEAST_FACTOR, MOST_FACTOR, N_FACTORS = 1e-3, 1e3, 61  # flips beyond a thousandth or a thousand times are no advice
BISECTIONS = 50  # of a step of 26 % on the logarithm: to the last bit of a float


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolMonth:
    """One pool's month, at the capacities it may have.

    Attributes
    ----------
    pool : str
    start_hour : int
        First hour of the month that counts.
    curve : LossCurve
    base_probability : float
        Chance that demand is above what is firm before anything is decided.
    """

    pool: str
    start_hour: int
    curve: LossCurve
    base_probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """Curves of some pools and months side by side; arrays of shape (n_months, n_levels), missing levels never best."""

    months: tuple[PoolMonth, ...]
    holding_usd: FloatArray
    direct_usd: FloatArray
    liability_usd: FloatArray

    def touched(self, part: MitigationPart) -> BoolArray:
        """Months that the work is there for in full. Shape (n_months,)."""
        first = None if part.start is None else hour_of_date(part.start)
        pools = set(part.pools)
        return np.array([one.pool in pools and (first is None or first <= one.start_hour) for one in self.months])

    def totals(self, parts: Sequence[MitigationPart], *, factor: float = 1.0) -> FloatArray:
        """Holding cost and expected loss with some work done, capacity chosen anew. Shape (2,). [USD]"""
        direct, liability = np.full(len(self.months), factor), np.full(len(self.months), factor)
        for part in parts:
            touched = self.touched(part)
            direct = np.where(touched, direct * part.direct_factor, direct)
            liability = np.where(touched, liability * part.liability_factor, liability)
        loss = self.direct_usd * direct[:, None] + self.liability_usd * liability[:, None]
        best = np.argmin(self.holding_usd + loss, axis=1)[:, None]
        return np.array([float(np.take_along_axis(x, best, axis=1).sum()) for x in (self.holding_usd, loss)])


def decide_mitigations(
    parts: Sequence[MitigationPart], months: Sequence[PoolMonth], *, start_hour: int, end_hour: int
) -> tuple[MitigationRow, ...]:
    """Verdict on each piece of work; of those that touch each other the set of the least cost in all is done.

    Parameters
    ----------
    parts : sequence of MitigationPart
    months : sequence of PoolMonth
        Of the window; curves already have in them what is decided.
    start_hour, end_hour : int
        The window: yearly costs are charged for its part of a year, costs paid once in full.

    Returns
    -------
    tuple of MitigationRow
        In the order given.
    """
    found: dict[str, MitigationRow] = {
        part.name: MitigationRow(name=part.name, pools=part.pools, verdict="decided") for part in parts if part.decided
    }
    for group in touching(part for part in parts if not part.decided):
        costs = {part.name: work_usd(part, start_hour=start_hour, end_hour=end_hour) for part in group}
        pools = {pool for part in group for pool in part.pools}
        table = _table([one for one in months if one.pool in pools])
        chosen = _best_set(group, table, costs)
        found |= {part.name: _row(part, chosen, table, costs[part.name]) for part in group}
    return tuple(found[part.name] for part in parts)


def work_usd(part: MitigationPart, *, start_hour: int, end_hour: int) -> float:
    """Cost of the work in the window: once in full, and by the year from the day it works. [USD]"""
    first = start_hour if part.start is None else max(start_hour, hour_of_date(part.start))
    return part.cost_usd + part.cost_usd_per_year * max(end_hour - first, 0) / HOURS_PER_YEAR


def _table(months: Sequence[PoolMonth]) -> _Table:
    """Curves side by side."""
    n_levels = max((len(one.curve.units) for one in months), default=1)

    def stacked(values: Callable[[LossCurve], FloatArray], filler: float) -> FloatArray:
        """One row for each month, filled up."""
        out = np.full((len(months), n_levels), filler)
        for row, one in enumerate(months):
            out[row, : len(one.curve.units)] = values(one.curve)
        return out

    return _Table(
        months=tuple(months),
        holding_usd=stacked(lambda curve: curve.holding_usd, np.inf),
        direct_usd=stacked(lambda curve: curve.direct_usd, 0.0),
        liability_usd=stacked(lambda curve: curve.liability_usd, 0.0),
    )


def _best_set(group: Sequence[MitigationPart], table: _Table, costs: dict[str, float]) -> tuple[MitigationPart, ...]:
    """Set of the least cost in all, out of every one; the smallest of equals."""
    sets = (chosen for n_parts in range(len(group) + 1) for chosen in itertools.combinations(group, n_parts))
    return min(sets, key=lambda chosen: float(table.totals(chosen).sum()) + sum(costs[part.name] for part in chosen))


def _row(part: MitigationPart, chosen: tuple[MitigationPart, ...], table: _Table, cost_usd: float) -> MitigationRow:
    """Figures of one piece of work beside the others that are chosen, and where the verdict flips."""
    others = tuple(one for one in chosen if one.name != part.name)
    without, done = table.totals(others), table.totals((*others, part))
    touched = table.touched(part)
    chances = [one.base_probability for one, is_on in zip(table.months, touched, strict=True) if is_on]
    base = float(np.mean(chances)) if chances else 0.0
    low, high = _flips(part, others, table, cost_usd)
    return MitigationRow(
        name=part.name,
        pools=part.pools,
        verdict="mitigate" if part in chosen else "accept",
        cost_usd=cost_usd,
        saved_usd=float(without.sum() - done.sum()),
        holding_usd=float(without[0]),
        loss_usd=float(without[1]),
        mitigated_holding_usd=float(done[0]),
        mitigated_loss_usd=float(done[1]),
        probability=base,
        flip_below_factor=low,
        flip_below_probability=_scaled(base, low),
        flip_above_factor=high,
        flip_above_probability=_scaled(base, high),
    )


def _scaled(probability: float, factor: float | None) -> float | None:
    """Probability times a factor; None above 1, and without a factor."""
    return None if factor is None or probability * factor > 1.0 else probability * factor


def _flips(
    part: MitigationPart, others: tuple[MitigationPart, ...], table: _Table, cost_usd: float
) -> tuple[float | None, float | None]:
    """Nearest factors below and above 1 on the chance of a shortage at which the work is worth what it costs."""

    def gain(logarithm: float) -> float:
        """What the work brings above its cost."""
        factor = float(np.exp(logarithm))
        without, done = table.totals(others, factor=factor), table.totals((*others, part), factor=factor)
        return float(without.sum() - done.sum()) - cost_usd

    half = N_FACTORS // 2 + 1
    below = np.linspace(0.0, np.log(LEAST_FACTOR), half)
    above = np.linspace(0.0, np.log(MOST_FACTOR), half)
    return _change(gain, below), _change(gain, above)


def _change(gain: Callable[[float], float], grid: FloatArray) -> float | None:
    """First place along a grid at which the sign changes, as a factor; None where it does not."""
    is_worth = gain(float(grid[0])) > 0.0
    for near, far in itertools.pairwise(grid.tolist()):
        if (gain(far) > 0.0) != is_worth:
            for _ in range(BISECTIONS):
                middle = (near + far) / 2.0
                near, far = (near, middle) if (gain(middle) > 0.0) != is_worth else (middle, far)
            return float(np.exp((near + far) / 2.0))
    return None
