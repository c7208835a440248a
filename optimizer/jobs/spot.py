"""Spot in a plan: hours without it put into its problem, and what its bills say of spot.

Not here: the chain of spot and its deadlines (`optimizer.spot`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray
from forecasting.quantiles import weighted_quantile
from forecasting.scenarios import Scenarios
from optimizer.assembly import Assembled, Market
from optimizer.billing.bill import Bill
from optimizer.pools import Pool
from optimizer.problem import PlanningProblem
from optimizer.spot.deadline import DeadlinePromise
from optimizer.spot.outages import drawn_availability, draws_outages
from optimizer.spot.rates import effective_spot_usd, known_spot_usd, pays_while_there, promises, while_there_usd
from optimizer.spot.rows import SpotDeadline, SpotRow

AvailabilityOf = Callable[[IntArray], BoolArray | None]  # of numbered paths, in the hours of the problem

DRAWN = (
    "Where a pool declares how long outages of spot last, hours without it are drawn in every scenario; its eligible "
    "demand then runs on commitments or on demand."
)
MEAN = (
    "Spot without a declared length of outages costs, in every hour, its rate for the part of the time it is there and "
    "the on-demand rate for the rest."
)
DEADLINES = (
    "Work on spot with a deadline costs, in every hour, what keeping its deadline is expected to: spot, and on demand "
    "in time. No commitment covers what falls back."
)


def pools_of(market: Market) -> list[Pool]:
    """Pools of a market, in the order of its catalog."""
    return [market.pools[name] for name in market.catalog.pools]


def availability_of(market: Market, hours: IntArray, *, seed: int) -> AvailabilityOf:
    """Give the hours with spot of any paths, each the same whatever else is asked for.

    Parameters
    ----------
    market : Market
    hours : IntArray of shape (n_hours,)
        Epoch hours.
    seed : int
    """

    def of(paths: IntArray) -> BoolArray | None:
        """Whether spot is there, of shape (n_paths, n_pools, n_hours); None where no pool declares outages."""
        return drawn_availability(market.catalog, pools_of(market), hours=hours, paths=paths, seed=seed)

    return of


def with_outages(assembled: Assembled, market: Market, *, paths: IntArray, seed: int) -> Assembled:
    """The same problem with the hours in which spot is gone; unchanged where no pool declares outages.

    Parameters
    ----------
    assembled : Assembled
        On the pools of the market.
    market : Market
    paths : IntArray of shape (n_scenarios,)
        Number of the path that each scenario is.
    seed : int
    """
    available = availability_of(market, assembled.problem.hours, seed=seed)(paths)
    if available is None:
        return assembled
    pools = pools_of(market)
    rate_usd = known_spot_usd(market.catalog, pools, is_drawn=draws_outages(market.catalog, pools))
    return replace(assembled, problem=replace(assembled.problem, spot_usd=rate_usd, spot_available=available))


def window_availability(problem: PlanningProblem) -> BoolArray | None:
    """Whether spot is there inside the window. Shape (n_scenarios, n_pools, n_window_hours); None: not drawn."""
    return problem.spot_available_at(problem.in_window)


def spot_sentences(market: Market) -> tuple[str, ...]:
    """What the plan takes for granted about spot."""
    pools = pools_of(market)
    pays = pays_while_there(market.catalog, pools)
    uses = [bool(pays[row]) and pool.spot_eligible_fraction > 0.0 for row, pool in enumerate(pools)]
    drawn = draws_outages(market.catalog, pools)
    due = [pool.deadline_window_hours is not None for pool in pools]
    kinds = {(bool(drawn[row]), due[row]) for row in range(len(pools)) if uses[row]}
    told = ((DRAWN, (True, False)), (DEADLINES, (False, True)), (MEAN, (False, False)))
    return tuple(sentence for sentence, kind in told if kind in kinds)


class SpotLedger:
    """What the bills of a plan say of spot, added up bill by bill.

    Parameters
    ----------
    window : Scenarios
        Hours of the window.
    available : BoolArray of shape (n_scenarios, n_pools, n_hours) or None
        Whether spot is there; None: not drawn.
    """

    def __init__(self, window: Scenarios, available: BoolArray | None) -> None:
        self.window, self.available = window, available
        self.spot_units: list[FloatArray] = []
        self.off_spot_units: list[FloatArray] = []
        self.highest_spot_units: list[FloatArray] = []
        self.highest_on_demand_units: list[FloatArray] = []

    def add(self, bill: Bill, weight: float) -> None:
        """Add the bill of the next scenario; its weight is that of the window's scenarios."""
        del weight  # the window knows it
        hours = bill.hour_weights / bill.hour_weights.sum()
        number = len(self.spot_units)
        gone = np.zeros(bill.demand_units.shape) if self.available is None else ~self.available[number]
        self.spot_units.append(bill.spot_units @ hours)
        self.off_spot_units.append((bill.demand_units * gone) @ hours)
        self.highest_spot_units.append(bill.spot_units.max(axis=1, initial=0.0))
        without = bill.on_demand_units + bill.spot_units
        self.highest_on_demand_units.append(without.max(axis=1, initial=0.0))

    def rows(self, market: Market, *, peak_level: float) -> tuple[SpotRow, ...]:
        """Rows of the pools that use spot, once every bill was added.

        Parameters
        ----------
        market : Market
        peak_level : float
            Quantile over the scenarios that a highest hour is taken at.
        """
        weights = self.window.weights
        seen = _Seen(
            on_spot=weights @ np.array(self.spot_units),
            off_spot=weights @ np.array(self.off_spot_units),
            extra=_quantiles(self.highest_spot_units, weights, peak_level),
            on_demand=_quantiles(self.highest_on_demand_units, weights, peak_level),
            there=self._availability(),
            n_hours=float(self.window.hour_weights.sum()),
        )
        rates = _Rates(market)
        return tuple(rates.row(row, seen) for row in np.flatnonzero(rates.uses_spot).tolist())

    def _availability(self) -> FloatArray | None:
        """Expected part of the hours in which spot is there. Shape (n_pools,)."""
        if self.available is None:
            return None
        hours = self.window.hour_weights / self.window.hour_weights.sum()
        there: FloatArray = self.window.weights @ (self.available @ hours)
        return there


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Seen:
    """What the bills say of every pool, each of shape (n_pools,): means and highest hours of units, spot's part."""

    on_spot: FloatArray
    off_spot: FloatArray
    extra: FloatArray
    on_demand: FloatArray
    there: FloatArray | None
    n_hours: float


class _Rates:
    """Rates and declarations of all pools."""

    def __init__(self, market: Market) -> None:
        catalog, pools = market.catalog, pools_of(market)
        self.pools = pools
        self.on_demand_usd = catalog.on_demand_usd
        self.there_usd = while_there_usd(catalog, pools)
        self.mean_usd = effective_spot_usd(catalog, pools)
        self.drawn = draws_outages(catalog, pools)
        self.promises = promises(catalog, pools)
        eligible = np.array([pool.spot_eligible_fraction for pool in pools])
        self.uses_spot: BoolArray = (eligible > 0.0) & pays_while_there(catalog, pools)

    def spot_share(self, row: int) -> float:
        """Part of what is billed as spot that runs on it: all where hours are drawn, else what the rate supposes."""
        promise = self.promises[row]
        if self.drawn[row]:
            return 1.0
        return self.pools[row].spot_availability if promise is None else promise.spot_fraction

    def row(self, row: int, seen: _Seen) -> SpotRow:
        """What a plan says of one pool."""
        pool, share, on_spot = self.pools[row], self.spot_share(row), float(seen.on_spot[row])
        drawn_out = pool.spot_eligible_fraction * float(seen.off_spot[row]) if self.drawn[row] else 0.0
        on_demand = float(seen.on_demand[row])
        return SpotRow(
            pool=pool.name,
            eligible_fraction=pool.spot_eligible_fraction,
            availability=pool.spot_availability,
            outage_hours=pool.spot_outage_hours,
            correlation=None if pool.spot_outage_hours is None else pool.spot_correlation,
            drawn_availability=None if seen.there is None or not self.drawn[row] else float(seen.there[row]),
            spot_usd=float(self.there_usd[row]),
            rate_usd=float(self.mean_usd[row]),
            on_demand_usd=float(self.on_demand_usd[row]),
            spot_units=on_spot * share,
            displaced_units=drawn_out + on_spot * (1.0 - share),
            outage_extra_units=float(seen.extra[row]),
            outage_on_demand_units=on_demand,
            quota_units=pool.on_demand_quota_units,
            over_quota_units=_over(pool.on_demand_quota_units, on_demand),
            deadline=_deadline(pool, self.promises[row], spot_unit_hours=on_spot * seen.n_hours),
        )


def _quantiles(highest: Sequence[FloatArray], weights: FloatArray, level: float) -> FloatArray:
    """Quantile over the scenarios of each pool's highest hour. Shape (n_pools,). [units]"""
    by_pool = np.array(highest).T
    return np.array([weighted_quantile(values, weights, level=level) for values in by_pool])


def _over(quota_units: float | None, units: float) -> float | None:
    """What is above a quota; None without one. [units]"""
    return None if quota_units is None else max(0.0, units - quota_units)


def _deadline(pool: Pool, promise: DeadlinePromise | None, *, spot_unit_hours: float) -> SpotDeadline | None:
    """Deadline of a pool with the cost of its promise; None without one."""
    if promise is None or pool.deadline_window_hours is None or pool.deadline_work_hours is None:
        return None
    return SpotDeadline(
        window_hours=pool.deadline_window_hours,
        work_hours=pool.deadline_work_hours,
        spot_fraction=promise.spot_fraction,
        on_demand_fraction=promise.on_demand_fraction,
        fallback_probability=promise.fallback_probability,
        miss_probability=promise.miss_probability,
        patience_hours=promise.patience_hours,
        waiting_usd=promise.waiting_usd,
        promise_usd=promise.promise_usd * spot_unit_hours,
    )
