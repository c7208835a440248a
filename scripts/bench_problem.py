"""Planning problems for the benchmark: synthetic demand of any size from a seed, or a window of a trace on disk.

Not here: timing (`bench_measure.py`), what is printed (`bench_run.py`).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forecasting.history import read_usage
from forecasting.hours import HOURS_PER_YEAR, hour_of_date
from forecasting.scenarios import Scenarios
from optimizer.assembly import Market, assemble
from optimizer.calendar_dates import Timeline
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.pools import pool_table
from optimizer.prices import build_catalog, read_price_rows
from optimizer.problem import PlanningProblem

Floats = NDArray[np.float64]

SEED = 20_240_101
START_HOUR = hour_of_date("2024-01-01")
TERM_MONTHS = 12
RESERVED_FRACTION, PLAN_FRACTION = 0.63, 0.73  # of the on-demand price
TRACE_START, TRACE_END = hour_of_date("2022-02-01"), hour_of_date("2023-02-01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a synthetic problem is.

    Attributes
    ----------
    n_scenarios, n_hours, n_pools, n_dates : int
        Purchase dates are spread evenly over the hours; every pool has a reservation, and one plan covers them all.
    """

    n_scenarios: int
    n_hours: int
    n_pools: int
    n_dates: int

    @property
    def label(self) -> str:
        """Scenarios x hours x pools x dates."""
        return f"{self.n_scenarios} x {self.n_hours:,} x {self.n_pools} x {self.n_dates}"

    @property
    def n_cells(self) -> int:
        """Numbers of demand."""
        return self.n_scenarios * self.n_hours * self.n_pools


def synthetic_problem(size: Size) -> PlanningProblem:
    """Problem of that size; a smaller one holds a part of the demand of a larger one."""
    names = tuple(f"pool{pool:04d}" for pool in range(size.n_pools))
    scenarios = Scenarios(
        pools=names,
        hours=START_HOUR + np.arange(size.n_hours),
        hour_weights=np.ones(size.n_hours),
        weights=np.full(size.n_scenarios, 1.0 / size.n_scenarios),
        units=demand_units(size),
    )
    dates = START_HOUR + np.arange(size.n_dates) * size.n_hours // size.n_dates
    return _assembled(scenarios, _market(names), _timeline(dates, START_HOUR, START_HOUR + size.n_hours))


def demand_units(size: Size) -> Floats:
    """Whole units of demand: levels, growth, days, weeks, a slow drift, noise, and one pool that moves to the next.

    Returns
    -------
    Floats of shape (n_scenarios, n_pools, n_hours)
        [units]
    """
    out = np.empty((size.n_scenarios, size.n_pools, size.n_hours))
    moved = np.zeros((size.n_scenarios, size.n_hours))
    for scenario, pool in np.ndindex(size.n_scenarios, size.n_pools):
        out[scenario, pool] = _organic_units(scenario, pool, size.n_hours)
    for scenario in range(size.n_scenarios):
        slip_days = float(np.random.default_rng([SEED, scenario]).uniform(0.0, 90.0))
        middle_hour = HOURS_PER_YEAR / 3 + 24 * slip_days
        moved[scenario] = 0.9 / (1.0 + np.exp((middle_hour - np.arange(size.n_hours)) / 400.0))
    if size.n_pools > 1:
        out[:, 1] += moved * out[:, 0]
        out[:, 0] -= moved * out[:, 0]
    return np.rint(out)


def trace_problem(folder: Path) -> PlanningProblem:
    """Problem of `usage_r1.parquet` and `prices_r1.csv`: one certain year, one date, one-year offers."""
    history = read_usage(folder / "usage_r1.parquet", missing_hours="zero").between(TRACE_START, TRACE_END)
    used = history.units.sum(axis=1) > 0
    names = tuple(pool for pool, is_used in zip(history.pools, used, strict=True) if is_used)
    prices = folder / "prices_r1.csv"
    table = pool_table(names)
    catalog = build_catalog(read_price_rows(prices), pools=names, pool_table=table, source=str(prices))
    market = Market(catalog=catalog, pools=table, commitments=(), terms_months=(TERM_MONTHS,))
    scenarios = Scenarios(
        pools=catalog.pools,
        hours=np.arange(TRACE_START, TRACE_END),
        hour_weights=np.ones(TRACE_END - TRACE_START),
        weights=np.ones(1),
        units=history.units[used][None],
    )
    return _assembled(scenarios, market, _timeline(np.array([TRACE_START]), TRACE_START, TRACE_END))


def _organic_units(scenario: int, pool: int, n_hours: int) -> Floats:
    """Demand of one pool in one scenario before the migration. Shape (n_hours,)."""
    shape = np.random.default_rng([SEED, pool])  # what a pool is like is the same in every scenario
    level_units, growth_yearly = shape.uniform(40.0, 800.0), shape.uniform(0.0, 0.4)
    swing, peak_hour, weekend = shape.uniform(0.05, 0.35), shape.uniform(0.0, 24.0), shape.uniform(0.7, 1.05)
    rng = np.random.default_rng([SEED, pool, scenario])
    growth_yearly += rng.normal(0.0, 0.1)
    hour = np.arange(n_hours)
    season = 1.0 + swing * np.cos(2 * np.pi * (hour - peak_hour) / 24)
    season = season * np.where(hour // 24 % 7 >= 5, weekend, 1.0)
    daily = np.cumsum(rng.normal(0.0, 0.006, size=n_hours // 24 + 2))
    drift = np.interp(hour / 24.0, np.arange(len(daily)), daily)
    noise = rng.normal(0.0, 0.02, size=n_hours)
    return level_units * season * np.exp(growth_yearly * hour / HOURS_PER_YEAR + drift + noise)


def _market(names: tuple[str, ...]) -> Market:
    """A one-year reservation for every pool, and a one-year plan for all."""
    rng = np.random.default_rng(SEED)
    on_demand_usd = np.array([0.05 * rng.integers(1, 21) for _ in names])
    reservations = [
        _offer(f"reserved:{name}", OfferKind.RESERVED_STANDARD, (name,), RESERVED_FRACTION * on_demand_usd[[pool]])
        for pool, name in enumerate(names)
    ]
    plan = _offer("plan", OfferKind.COMPUTE_SAVINGS_PLAN, names, PLAN_FRACTION * on_demand_usd)
    catalog = Catalog(
        pools=names,
        on_demand_usd=on_demand_usd,
        spot_usd=np.full(len(names), np.nan),
        offers=(*reservations, plan),
    )
    return Market(catalog=catalog, pools=pool_table(names), commitments=(), terms_months=(TERM_MONTHS,))


def _offer(offer_id: str, kind: OfferKind, pools: tuple[str, ...], rate_usd: Floats) -> Offer:
    """Offer for one year, nothing upfront; `rate_usd` by pool."""
    is_plan = kind is OfferKind.COMPUTE_SAVINGS_PLAN
    return Offer(
        offer_id=offer_id,
        kind=kind,
        provider="synthetic",
        region="here",
        pools=pools,
        draw=rate_usd if is_plan else np.ones(len(pools)),
        hourly_usd=1.0 if is_plan else float(rate_usd[0]),
        upfront_usd=0.0,
        term_months=TERM_MONTHS,
        payment_option="none",
    )


def _timeline(dates: NDArray[np.int64], start_hour: int, end_hour: int) -> Timeline:
    """Window without a tail: a term counts as far as it lies inside."""
    return Timeline(
        decision_hours=dates,
        tail_hours=np.zeros(0, dtype=np.int64),
        start_hour=start_hour,
        end_hour=end_hour,
        valued_end_hour=end_hour,
    )


def _assembled(scenarios: Scenarios, market: Market, timeline: Timeline) -> PlanningProblem:
    """Problem without limits, undiscounted, of the cheapest offers."""
    found = assemble(scenarios, market, timeline, discount_rate_yearly=0.0, risk_lambda=0.0, keep_dominated=False)
    return found.problem
