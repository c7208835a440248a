"""The demand of the fixture: two years of a synthetic fleet, hour by hour, from a seed.

Not here: prices (`fixture_prices.py`), the files (`make_fixtures.py`).
"""

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SEED = 20250101
START = dt.date(2023, 1, 1)
END = dt.date(2025, 1, 1)
N_HOURS = (END - START).days * 24
ZONE_HOURS = {"us-east-1": -5, "eu-west-1": 1}  # daylight saving time left out
PROMOTIONS = ((dt.date(2023, 11, 20), dt.date(2023, 11, 27)), (dt.date(2024, 11, 25), dt.date(2024, 12, 2)))
PROMOTION_FACTOR = 1.45
PROMOTED = ("eu-west-1/c6i.2xlarge", "us-east-1/m5.xlarge")
MIGRATION_START, MIGRATION_END = dt.date(2024, 10, 1), dt.date(2025, 6, 30)  # first and last day
MIGRATION_SIZE, MIGRATION_CONVERSION = 0.95, 0.9
OLD_POOL, NEW_POOL = "us-east-1/m5.xlarge", "us-east-1/m6i.xlarge"
NEW_POOL_BORN = dt.date(2024, 2, 1)
DYING_POOL, DYING_FROM, DYING_HALF_LIFE_DAYS = "us-east-1/c5.2xlarge", dt.date(2023, 10, 1), 240.0
US_HOLIDAYS_2023 = ("2023-05-29", "2023-07-04", "2023-09-04", "2023-11-23", "2023-12-25")
US_HOLIDAYS_2024 = ("2024-01-01", "2024-05-27", "2024-07-04", "2024-09-02", "2024-11-28", "2024-12-25")
EU_HOLIDAYS_2023 = ("2023-01-02", "2023-04-10", "2023-12-25", "2023-12-26")
EU_HOLIDAYS_2024 = ("2024-01-01", "2024-04-01", "2024-12-25", "2024-12-26")
HOLIDAYS = {
    "us-east-1": (*US_HOLIDAYS_2023, *US_HOLIDAYS_2024),
    "eu-west-1": (*EU_HOLIDAYS_2023, *EU_HOLIDAYS_2024),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """How the organic demand of one pool behaves.

    Attributes
    ----------
    level_units : float
        Daily mean at the start. [units]
    growth_yearly : float
        Fraction by which it grows in a year.
    shape : str
        consumer (evening peak), business (office hours, quiet weekends, holidays), batch (night) or flat.
    daily_fraction : float
        Half the daily swing, as a fraction of the mean.
    spikes_yearly : float
        Spikes of 2 to 11 h a year, 40 to 60 % above.
    """

    level_units: float
    growth_yearly: float
    shape: str
    daily_fraction: float
    spikes_yearly: float = 0.0


FLEET = {
    "eu-west-1/c6i.2xlarge": Fleet(
        level_units=210, growth_yearly=0.15, shape="consumer", daily_fraction=0.30, spikes_yearly=12
    ),
    "eu-west-1/m5.xlarge": Fleet(
        level_units=410, growth_yearly=0.05, shape="business", daily_fraction=0.20, spikes_yearly=8
    ),
    "eu-west-1/m6i.xlarge": Fleet(level_units=120, growth_yearly=0.30, shape="business", daily_fraction=0.22),
    "us-east-1/c5.2xlarge": Fleet(level_units=260, growth_yearly=0.0, shape="business", daily_fraction=0.18),
    "us-east-1/c6i.2xlarge": Fleet(level_units=180, growth_yearly=0.20, shape="batch", daily_fraction=0.45),
    "us-east-1/g5.xlarge": Fleet(
        level_units=36, growth_yearly=0.45, shape="business", daily_fraction=0.30, spikes_yearly=14
    ),
    "us-east-1/m5.xlarge": Fleet(
        level_units=820, growth_yearly=0.12, shape="consumer", daily_fraction=0.24, spikes_yearly=10
    ),
    "us-east-1/m6i.xlarge": Fleet(
        level_units=160, growth_yearly=0.25, shape="consumer", daily_fraction=0.24, spikes_yearly=6
    ),
    "us-east-1/r5.2xlarge": Fleet(level_units=170, growth_yearly=0.15, shape="flat", daily_fraction=0.05),
    "us-east-1/r5.xlarge": Fleet(level_units=240, growth_yearly=0.08, shape="flat", daily_fraction=0.06),
}


def demand_units() -> dict[str, Floats]:
    """Whole units of each pool, in the order of their names; each of shape (N_HOURS,)."""
    rng = np.random.default_rng(SEED)
    shared = {region: _drift(rng, deviation=0.05) + _noise(rng, 0.97, 0.02) for region in ZONE_HOURS}
    spike_starts = {region: rng.integers(0, N_HOURS - 12, size=8) for region in ZONE_HOURS}
    units = {}
    for pool, fleet in FLEET.items():
        region = pool.partition("/")[0]
        own = _drift(rng, deviation=0.04) + _noise(rng, 0.9, 0.02) + rng.normal(0.0, 0.01, N_HOURS)
        expected = fleet.level_units * _trend(pool, fleet) * _season(region, fleet)
        units[pool] = expected * np.exp(0.8 * shared[region] + own) * _spikes(rng, fleet, spike_starts[region])
    for pool in PROMOTED:
        units[pool] = units[pool] * _promotion()
    moved = MIGRATION_SIZE * _logistic_ramp() * units[OLD_POOL]
    units[OLD_POOL] = units[OLD_POOL] - moved
    units[NEW_POOL] = units[NEW_POOL] + MIGRATION_CONVERSION * moved
    return {pool: np.rint(values) for pool, values in units.items()}


def _day(date: dt.date) -> int:
    """Days from the start."""
    return (date - START).days


def _days() -> Floats:
    """Days from the start, at each hour."""
    return np.arange(N_HOURS) / 24.0


def _trend(pool: str, fleet: Fleet) -> Floats:
    """Growth, the end of the dying pool and the start of the new one, as a factor."""
    days = _days()
    trend = (1.0 + fleet.growth_yearly) ** (days / 365.0)
    if pool == DYING_POOL:
        trend = trend * 0.5 ** (np.maximum(days - _day(DYING_FROM), 0.0) / DYING_HALF_LIFE_DAYS)
    if pool == NEW_POOL:
        trend = trend * np.clip((days - _day(NEW_POOL_BORN)) / 120.0, 0.0, 1.0)
    return trend


def _season(region: str, fleet: Fleet) -> Floats:
    """Hour of the day, day of the week, day of the year and holidays, as a factor."""
    local = np.arange(N_HOURS) + ZONE_HOURS[region]
    hour, day = local % 24, local // 24
    weekday = (START.weekday() + day) % 7
    peak_hour = {"consumer": 19, "business": 14, "batch": 2, "flat": 12}[fleet.shape]
    factor = 1.0 + fleet.daily_fraction * np.cos(2 * np.pi * (hour - peak_hour) / 24)
    is_quiet = weekday >= 5
    if fleet.shape == "business":
        closed = [_day(dt.date.fromisoformat(date)) for date in HOLIDAYS[region]]
        factor = factor * np.where(is_quiet | np.isin(day, closed), 0.72, 1.0)
    if fleet.shape == "consumer":
        factor = factor * np.where(is_quiet, 1.08, 1.0)
        factor = factor * (1.0 + 0.07 * np.cos(2 * np.pi * (day - 345) / 365.25))  # highest in mid December
    if region == "eu-west-1":
        factor = factor * (1.0 - 0.06 * np.exp(-0.5 * (((day % 365) - 222) / 18.0) ** 2))  # August
    return factor


def _drift(rng: np.random.Generator, *, deviation: float) -> Floats:
    """Slow log noise of a day's level, joined by straight lines."""
    n_days = N_HOURS // 24 + 1
    daily = _autoregressive(rng.normal(0.0, deviation, n_days), 0.985)
    return np.interp(_days(), np.arange(n_days), daily)


def _noise(rng: np.random.Generator, persistence: float, deviation: float) -> Floats:
    """Hourly log noise."""
    return _autoregressive(rng.normal(0.0, deviation, N_HOURS), persistence)


def _autoregressive(steps: Floats, persistence: float) -> Floats:
    """First-order autoregression whose deviation is that of its steps."""
    scale = float(np.sqrt(1.0 - persistence**2))
    values = np.empty_like(steps)
    last = float(steps[0])
    for index, step in enumerate(steps.tolist()):
        last = persistence * last + scale * step
        values[index] = last
    return values


def _spikes(rng: np.random.Generator, fleet: Fleet, shared_starts: NDArray[np.int64]) -> Floats:
    """Spikes as a factor: the pool's own, and half of those that hit its whole region."""
    factor = np.ones(N_HOURS)
    starts = rng.integers(0, N_HOURS - 12, size=round(2 * fleet.spikes_yearly))
    if fleet.spikes_yearly:
        starts = np.concatenate([starts, shared_starts[rng.random(len(shared_starts)) < 0.5]])
    for start in starts.tolist():
        length, height = int(rng.integers(2, 12)), float(rng.uniform(1.4, 1.6))
        factor[start : start + length] = np.maximum(factor[start : start + length], height)
    return factor


def _promotion() -> Floats:
    """Each year's promotion as a factor."""
    days = _days()
    factor = np.ones(N_HOURS)
    for first, last in PROMOTIONS:
        factor[(days >= _day(first)) & (days < _day(last) + 1)] = PROMOTION_FACTOR
    return factor


def _logistic_ramp() -> Floats:
    """Progress of the migration: 1 % at its first hour, 99 % at its last, 0 before."""
    days = _days()
    first, after = _day(MIGRATION_START), _day(MIGRATION_END) + 1
    logit = np.log(99.0) * (2.0 * (days - first) / (after - first) - 1.0)
    return np.where(days < first, 0.0, 1.0 / (1.0 + np.exp(-logit)))
