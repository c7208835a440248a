"""How well organic growth is told from events on invented fleets whose truth is known.

    .venv/bin/python scripts/synthetic_growth.py --fleets 200 --seed 0

Each fleet has three pools with trend, weeks, a season of the year and noise, a migration, a launch and a promotion that
returns; what was declared of their sizes is wrong. The truth is the growth that the fleet would have had if every event
had always stood as it stands on the last day. Printed: for the last 90 and 365 days the error of organic growth, beside
that with the sizes as declared, and how often the 80 % interval holds the truth. Only fleets count in which an event
acts on a window: without any, growth is organic, and known exactly.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray
from forecasting.daily import daily_history
from forecasting.decompose import MEAN_DAYS, ORGANIC, Decomposition, decomposition, staged_means
from forecasting.event_effects import estimated_events
from forecasting.found_events import group_shifts, shift_events
from forecasting.history import History
from forecasting.hours import HOURS_PER_DAY, hour_of_date
from forecasting.roadmap import Event, EventKind, RampShape

POOLS = ("r/a", "r/b", "r/c")
N_DAYS = 830
FIRST_DAY = hour_of_date("2023-01-02") // HOURS_PER_DAY
WINDOWS_DAYS = (90, 365)
DECLARED_LOG_SD = 0.4  # of declared sizes around the truth
PROMOTION_DAYS = 5
HOURLY_LOG_SD = 0.02
EXACT_FRACTION = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fleet:
    """One invented fleet.

    Attributes
    ----------
    history : History
    events : tuple of Event
        As declared.
    organic : FloatArray of shape (n_pools, n_days)
        Demand as if every event had always stood as on the last day. [units]
    """

    history: History
    events: tuple[Event, ...]
    organic: FloatArray


def invented_fleet(rng: np.random.Generator) -> Fleet:
    """Fleet with one migration, one launch and yearly promotions of true sizes that nobody declared right."""
    base = _organic_demand(rng)
    day = np.arange(N_DAYS)
    starts = rng.integers(N_DAYS - 420, N_DAYS - 50, 2)
    ramp_days = int(rng.integers(10, 60))
    moved, conversion = rng.uniform(0.3, 0.95), rng.uniform(0.7, 1.1)
    done = np.clip((day + 0.5 - starts[0]) / ramp_days, 0.0, 1.0)
    added = base[2].mean() * rng.uniform(0.1, 0.5)
    factor, promoted = rng.uniform(1.1, 1.6), _promotion_starts(rng)
    is_promoted = np.any([(day >= s) & (day < s + PROMOTION_DAYS) for s in promoted], axis=0)
    units, organic = base.copy(), base.copy()
    for table, progress in ((units, done), (organic, np.full(N_DAYS, done[-1]))):
        table[0] -= base[0] * moved * progress
        table[1] += base[0] * moved * progress * conversion
    units[2] += added * (day >= starts[1])
    organic[2] += added
    units[1] *= np.where(is_promoted, factor, 1.0)
    wrong = np.exp(rng.normal(0.0, DECLARED_LOG_SD, 3))
    events = (
        _event(
            "migration",
            EventKind.MIGRATION,
            starts[0],
            starts[0] + ramp_days,
            from_pools=POOLS[:1],
            to_shares=((POOLS[1], 1.0),),
            shape=RampShape.LINEAR,
            size=min(moved * wrong[0], 1.0),
            conversion=conversion,
        ),
        _event(
            "launch",
            EventKind.LAUNCH,
            starts[1],
            starts[1] + 1,
            to_shares=((POOLS[2], 1.0),),
            add_units=added * wrong[1],
        ),
        *(
            _event(
                f"sale {number}",
                EventKind.PROMOTION,
                start,
                start + PROMOTION_DAYS,
                to_shares=((POOLS[1], 1.0),),
                shape=RampShape.PULSE,
                multiply=1.0 + (factor - 1.0) * wrong[2],
            )
            for number, start in enumerate(promoted)
        ),
    )
    hours = _day_shape() * np.exp(rng.normal(0.0, HOURLY_LOG_SD, (len(POOLS), N_DAYS, HOURS_PER_DAY)))
    hourly = (units[:, :, None] * hours).reshape(len(POOLS), -1)
    history = History(pools=POOLS, start_hour=FIRST_DAY * HOURS_PER_DAY, units=hourly)
    return Fleet(history=history, events=events, organic=organic * hours.mean(axis=2))


def growth(fleet: Fleet, events: Sequence[Event] | None = None) -> Decomposition:
    """Decomposition of a fleet's growth: with estimated sizes, or with the given events taken at their word."""
    end_hour = fleet.history.end_hour
    daily = daily_history(fleet.history, fleet.events, as_of_hour=end_hour)
    found: tuple[Event, ...] = ()
    if events is None:
        events = estimated_events(daily, fleet.events).events
        daily = daily_history(fleet.history, events, as_of_hour=end_hour)
        found = shift_events(daily, group_shifts(daily, ("",) * daily.n_days))
    ordered = sorted(events, key=lambda event: event.start_hour)
    means = staged_means(daily, (*ordered, *found))
    unseen = np.zeros((len(ordered) + 1, 1, len(daily.pools)))  # the horizon is not looked at
    return decomposition(daily, ordered, future=unseen, weights=np.ones(1), means=means, found=found)


def organic_growth(made: Decomposition, days: int) -> tuple[float, float, float]:
    """Organic growth of the total and its interval."""
    part = next(p for p in made.parts if p.pool is None and p.name == ORGANIC and p.window == f"last {days} days")
    return part.units, part.low_units, part.high_units


def true_growth(fleet: Fleet, days: int) -> float:
    """Organic growth of the total."""
    total = fleet.organic.sum(axis=0)
    return float(total[-MEAN_DAYS:].mean() - total[-MEAN_DAYS - days : -days].mean())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--fleets", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.fleets < 1:
        parser.error(f"--fleets must be >= 1, got {arguments.fleets}.")
    rng = np.random.default_rng(arguments.seed)
    rows: dict[int, list[tuple[float, ...]]] = {days: [] for days in WINDOWS_DAYS}
    for _ in range(arguments.fleets):
        fleet = invented_fleet(rng)
        estimated, declared = growth(fleet), growth(fleet, fleet.events)
        for days in WINDOWS_DAYS:
            size = fleet.organic.sum(axis=0)[-MEAN_DAYS:].mean()
            truth = true_growth(fleet, days)
            middle, low, high = organic_growth(estimated, days)
            naive = organic_growth(declared, days)[0]
            if high - low > EXACT_FRACTION * size:
                errors = np.array([middle - truth, naive - truth, high - low, truth]) / size
                rows[days].append((*errors, float(low <= truth <= high)))
            elif abs(middle - truth) > EXACT_FRACTION * size:
                msg = f"growth without any event in the window must be exact, got {middle} for {truth}."
                raise ArithmeticError(msg)
    print(f"{arguments.fleets} fleets, seed {arguments.seed}; organic growth of the total, % of demand now")
    print("window  fleets  true mean  bias (s.e.)   RMSE  RMSE, as declared  80 % interval holds (s.e.)  its width")
    for days, values in rows.items():
        table = 100 * np.array(values)
        (bias, _, width, true_mean, holds), n = table.mean(axis=0), len(table)
        bias_error, _, _, _, holds_error = table.std(axis=0) / n**0.5
        rmse, rmse_declared = np.sqrt((table[:, :2] ** 2).mean(axis=0))
        print(
            f"{days:4d} d {n:7d} {true_mean:10.2f} {bias:6.2f} ({bias_error:.2f}) {rmse:6.2f} {rmse_declared:18.2f}"
            f" {holds:20.1f} ({holds_error:.1f}) {width:10.2f}"
        )


def _organic_demand(rng: np.random.Generator) -> FloatArray:
    """Daily demand of three pools that share most of their movements. Shape (n_pools, n_days)."""
    day = np.arange(N_DAYS)
    common = rng.normal(0.2, 0.15) * day / 365.0 + np.cumsum(rng.normal(0.0, 0.003, N_DAYS))
    season = 0.05 * np.sin(2.0 * np.pi * (day / 365.25 + rng.random()))
    week = np.log(np.where((day + FIRST_DAY) % 7 < 5, 1.0, rng.uniform(0.6, 1.0)))
    own = np.cumsum(rng.normal(0.0, 0.002, (len(POOLS), N_DAYS)), axis=1) + rng.normal(0.0, 0.02, (len(POOLS), N_DAYS))
    levels = rng.uniform(50.0, 150.0, len(POOLS))
    demand: FloatArray = levels[:, None] * np.exp(common + season + week + own + rng.normal(0.0, 0.015, N_DAYS))
    return demand


def _promotion_starts(rng: np.random.Generator) -> tuple[int, ...]:
    """First days of a yearly promotion."""
    last = int(rng.integers(N_DAYS - 120, N_DAYS - PROMOTION_DAYS))
    return last - 728, last - 364, last


def _event(name: str, kind: EventKind, start: int, end: int, **fields: object) -> Event:
    """Declared event from days since the first."""
    event = Event(
        name=name,
        kind=kind,
        start_hour=(FIRST_DAY + int(start)) * HOURS_PER_DAY,
        end_hour=(FIRST_DAY + int(end)) * HOURS_PER_DAY,
    )
    return replace(event, **fields)  # type: ignore[arg-type]  # fields by name


def _day_shape() -> FloatArray:
    """Hours over the mean of the day. Shape (24,)."""
    return 1.0 + 0.3 * np.sin(2.0 * np.pi * np.arange(HOURS_PER_DAY) / HOURS_PER_DAY)


if __name__ == "__main__":
    main()
