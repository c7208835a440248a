"""Capacity cliffs: when demand crosses a declared threshold, as a distribution over the scenarios.

Not here: how the scenarios are made, nor how a cliff is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray
from forecasting.history import History
from forecasting.hours import date_of_hour, month_index
from forecasting.quantiles import weighted_quantile
from forecasting.roadmap import Event, EventKind
from forecasting.scenarios import Scenarios

DATE_LEVELS = (0.1, 0.5, 0.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarterChance:
    """Chance that a threshold is first crossed in one calendar quarter.

    Attributes
    ----------
    quarter : str
        Like ``2024-Q3``, in UTC; empty for no crossing within the horizon.
    probability : float
        In [0, 1].
    """

    quarter: str
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cliff:
    """When demand of some pools first lies above a threshold.

    Attributes
    ----------
    name : str
        Of the event.
    pools : tuple of str
    threshold_units : float
        Crossed by the first hour in which the sum of the pools lies above it. [units]
    already_crossed_hour : int or None
        Last epoch hour of history in which demand lay above it; None: never did.
    probability : float
        Chance that it is crossed within the horizon, in [0, 1].
    p10_hour, p50_hour, p90_hour : int or None
        Epoch hour by which it is crossed with a chance of 10, 50 and 90 %; None: not within the horizon.
    quarters : tuple of QuarterChance
        Every calendar quarter of the horizon, then no crossing; they sum to 1.
    """

    name: str
    pools: tuple[str, ...]
    threshold_units: float
    already_crossed_hour: int | None
    probability: float
    p10_hour: int | None
    p50_hour: int | None
    p90_hour: int | None
    quarters: tuple[QuarterChance, ...]

    @property
    def likeliest_quarter(self) -> QuarterChance:
        """Quarter with the highest chance, no crossing included; the earliest of equals."""
        return max(self.quarters, key=lambda quarter: quarter.probability)

    def to_rows(self) -> list[dict[str, str | float | None]]:
        """Rows of a table: one for each quarter of the horizon and one for no crossing."""
        dates = {
            f"{level}_date": None if hour is None else date_of_hour(hour).isoformat()
            for level, hour in (("p10", self.p10_hour), ("p50", self.p50_hour), ("p90", self.p90_hour))
        }
        already = self.already_crossed_hour
        common: dict[str, str | float | None] = {
            "event": self.name,
            "threshold_units": self.threshold_units,
            "last_crossed_date": None if already is None else date_of_hour(already).isoformat(),
            "probability": self.probability,
            **dates,
        }
        return [
            {**common, "quarter": chance.quarter or "not within the horizon", "quarter_probability": chance.probability}
            for chance in self.quarters
        ]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CrossingDemand:
    """Demand of a cliff's pools, in history and in the scenarios.

    Attributes
    ----------
    past_hours : IntArray of shape (n_past_hours,)
        Epoch hours of history.
    past_units : FloatArray of shape (n_past_hours,)
        Sum of the pools. [units]
    hours : IntArray of shape (n_hours,)
        Epoch hours of the horizon, strictly increasing, at least one.
    units : FloatArray of shape (n_scenarios, n_hours)
        Sum of the pools. [units]
    weights : FloatArray of shape (n_scenarios,)
        Probabilities of the scenarios.
    """

    past_hours: IntArray
    past_units: FloatArray
    hours: IntArray
    units: FloatArray
    weights: FloatArray


def cliff_dates(event: Event, demand: CrossingDemand) -> Cliff:
    """When demand first lies above the threshold of a capacity cliff.

    Only hours at or after the event's start count: before, the threshold does not hold.

    Parameters
    ----------
    event : Event
        Of kind `capacity_cliff`.
    demand : CrossingDemand
        Of its pools.
    """
    threshold = float(event.threshold_units or 0.0)
    is_above: BoolArray = (demand.units > threshold) & (demand.hours >= event.start_hour)[None, :]
    crosses: BoolArray = np.any(is_above, axis=1)
    beyond = int(demand.hours[-1]) + 1
    first = np.where(crosses, demand.hours[np.argmax(is_above, axis=1)], beyond)
    seen = demand.past_hours[(demand.past_units > threshold) & (demand.past_hours >= event.start_hour)]
    by_level = [weighted_quantile(first.astype(np.float64), demand.weights, level=level) for level in DATE_LEVELS]
    p10, p50, p90 = (int(hour) if hour < beyond else None for hour in by_level)
    return Cliff(
        name=event.name,
        pools=tuple(pool for pool, _ in event.to_shares),
        threshold_units=threshold,
        already_crossed_hour=int(seen[-1]) if len(seen) else None,
        probability=min(1.0, float(demand.weights[crosses].sum())),
        p10_hour=p10,
        p50_hour=p50,
        p90_hour=p90,
        quarters=_quarters(first, crosses, demand),
    )


def capacity_cliffs(events: Sequence[Event], history: History, scenarios: Scenarios) -> tuple[Cliff, ...]:
    """Every capacity cliff among some events, in their order.

    Parameters
    ----------
    events : sequence of Event
        Visible ones of any kind.
    history : History
        Observed demand before as-of.
    scenarios : Scenarios
        Pools that they lack count as zero.
    """
    past_hours = np.arange(history.start_hour, history.end_hour, dtype=np.int64)
    cliffs = []
    for event in events:
        if event.kind is EventKind.CAPACITY_CLIFF:
            pools = [pool for pool, _ in event.to_shares]
            demand = CrossingDemand(
                past_hours=past_hours,
                past_units=history.units[[row for row, pool in enumerate(history.pools) if pool in pools]].sum(axis=0),
                hours=scenarios.hours,
                units=scenarios.units[:, [row for row, pool in enumerate(scenarios.pools) if pool in pools]].sum(
                    axis=1
                ),
                weights=scenarios.weights,
            )
            cliffs.append(cliff_dates(event, demand))
    return tuple(cliffs)


def _quarters(first: IntArray, crosses: BoolArray, demand: CrossingDemand) -> tuple[QuarterChance, ...]:
    """Chance of each calendar quarter of the horizon, then of none."""
    of_hour = _quarter_index(demand.hours[[0, -1]])
    of_scenario = _quarter_index(first)
    chances = [
        QuarterChance(
            quarter=f"{1970 + index // 4}-Q{index % 4 + 1}",
            probability=min(1.0, float(demand.weights[crosses & (of_scenario == index)].sum())),
        )
        for index in range(int(of_hour[0]), int(of_hour[1]) + 1)
    ]
    none = max(0.0, 1.0 - sum(chance.probability for chance in chances))
    return (*chances, QuarterChance(quarter="", probability=none))


def _quarter_index(hours: IntArray) -> IntArray:
    """Calendar quarter of each epoch hour, counted from the first of 1970. Shape as given."""
    quarters: IntArray = month_index(hours) // 3
    return quarters
