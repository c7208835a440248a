"""History and roadmap become weighted joint scenarios: the whole forecast in one call.

Not here: any single step; each has its module.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from forecasting.arrays import FloatArray, IntArray, frozen_floats, frozen_ints
from forecasting.assumptions import stated_assumptions
from forecasting.baseline import Baseline, fit_baseline
from forecasting.daily import MAX_STALE_DAYS, NEEDED_HISTORY_DAYS, DailyHistory, daily_history
from forecasting.decompose import MEAN_DAYS, Decomposition, decomposition, staged_means
from forecasting.events import EventDraws, apply_change, draw_event, future_change
from forecasting.history import History
from forecasting.hours import HOURS_PER_DAY
from forecasting.paths import PathPlan, draw_plan
from forecasting.reduce import reduced_paths
from forecasting.roadmap import Event, Roadmap
from forecasting.scenarios import Scenarios

__all__ = [
    "MAX_STALE_DAYS",
    "NEEDED_HISTORY_DAYS",
    "Forecast",
    "ForecastRequest",
    "ForecastSettings",
    "forecast_demand",
]

MAX_FEATURE_DAYS = 64  # days on which paths are compared, evenly spread over the horizon


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastSettings:
    """How a forecast is made.

    Attributes
    ----------
    n_paths : int
        Sample paths drawn at the daily level.
    n_scenarios : int
        Weighted scenarios they are reduced to.
    holiday_country : str
        Country whose holidays count (ISO 3166 alpha-2); empty for none.
    """

    n_paths: int = 200
    n_scenarios: int = 40
    holiday_country: str = "US"

    def __post_init__(self) -> None:
        """Check the counts."""
        if not 1 <= self.n_scenarios <= self.n_paths:
            msg = f"n_scenarios must be between 1 and n_paths ({self.n_paths}), got {self.n_scenarios}."
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ForecastRequest:
    """What is to be forecast, and from when.

    Attributes
    ----------
    as_of_hour : int
        Epoch hour of the decision: nothing at or after it is read.
    hours : IntArray of shape (n_hours,)
        Epoch hours wanted, strictly increasing, none before as-of.
    hour_weights : FloatArray of shape (n_hours,)
        Hours that each stands for. [h]
    settings : ForecastSettings
    """

    as_of_hour: int
    hours: IntArray
    hour_weights: FloatArray
    settings: ForecastSettings = field(default_factory=ForecastSettings)

    def __post_init__(self) -> None:
        """Freeze the arrays and check the hours."""
        object.__setattr__(self, "hours", frozen_ints(self.hours))
        object.__setattr__(self, "hour_weights", frozen_floats(self.hour_weights))
        if len(self.hours) == 0 or self.hours[0] < self.as_of_hour or np.any(np.diff(self.hours) <= 0):
            first = self.hours[:1].tolist()
            msg = f"hours must be strictly increasing from as-of ({self.as_of_hour}) on, got {first} as the first."
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forecast:
    """Weighted joint scenarios, and what a reader must know about them.

    Attributes
    ----------
    scenarios : Scenarios
        Demand of the pools in history and of those named by an event.
    groups : tuple of str
        What stands before the first slash of the pools, sorted.
    unnamed_units : FloatArray of shape (n_scenarios, n_groups, n_hours)
        Demand of a group that by then runs in pools which nobody has named yet, as happened before in this history:
        part of the group's total, but of no pool that could be planned. [units]
    decomposition : Decomposition
        Growth of the past and of the horizon, organic and by event.
    assumptions : tuple of str
        Sentences: the rules chosen, what was short, what was taken for granted.
    """

    scenarios: Scenarios
    groups: tuple[str, ...]
    unnamed_units: FloatArray
    decomposition: Decomposition
    assumptions: tuple[str, ...]

    def __post_init__(self) -> None:
        """Freeze the array."""
        object.__setattr__(self, "unnamed_units", frozen_floats(self.unnamed_units))


def forecast_demand(history: History, roadmap: Roadmap, request: ForecastRequest, rng: np.random.Generator) -> Forecast:
    """Weighted joint scenarios of hourly demand from history before as-of and the events visible then.

    Parameters
    ----------
    history : History
        Observed demand; hours at or after as-of are not read.
    roadmap : Roadmap
        Declared events; those not yet known at as-of are not read.
    request : ForecastRequest
    rng : numpy.random.Generator
        The same state gives the same bytes.

    Raises
    ------
    HistoryError
        If the history is shorter than `NEEDED_HISTORY_DAYS` whole days, ends more than `MAX_STALE_DAYS` before as-of
        or holds no demand at all.
    """
    settings = request.settings
    events = tuple(sorted(roadmap.visible_at(request.as_of_hour).events, key=lambda event: event.start_hour))
    daily = daily_history(history, events, as_of_hour=request.as_of_hour)
    baseline = fit_baseline(daily, holiday_country=settings.holiday_country, rng=rng)
    n_days = int(request.hours[-1]) // HOURS_PER_DAY + 1 - daily.origin_day
    plan = draw_plan(baseline.model, n_paths=settings.n_paths, n_days=n_days, rng=rng)
    draws = [draw_event(event, n_paths=settings.n_paths, rng=rng) for event in events]
    declared = tuple(zip(events, draws, strict=True))
    features = _features(baseline, daily, plan, declared, request.hours)
    kept, weights = reduced_paths(features, n_kept=settings.n_scenarios)
    sampled = baseline.hourly_units(plan.of(kept), request.hours)
    units, unnamed = sampled[:, : len(daily.pools)], sampled[:, len(daily.pools) :]
    future = [_last_weeks(units, weights, request)]
    for event, draw in declared:
        _apply(units, daily, event, draw.of(kept), request.hours)
        future.append(_last_weeks(units, weights, request))
    means = staged_means(daily, events)
    return Forecast(
        scenarios=Scenarios(
            pools=daily.pools,
            hours=request.hours,
            hour_weights=request.hour_weights,
            weights=weights,
            units=units,
        ),
        groups=daily.groups,
        unnamed_units=unnamed,
        decomposition=decomposition(daily, events, future=np.stack(future), means=means),
        assumptions=stated_assumptions(daily, baseline, plan, events),
    )


def _features(
    baseline: Baseline,
    daily: DailyHistory,
    plan: PathPlan,
    declared: Sequence[tuple[Event, EventDraws]],
    hours: IntArray,
) -> FloatArray:
    """Daily demand of every pool on some days of the horizon, events included. Shape (n_paths, n_features)."""
    days = np.unique(hours // HOURS_PER_DAY)
    spread = np.unique(np.linspace(0, len(days) - 1, MAX_FEATURE_DAYS).round().astype(np.int64))
    units = baseline.daily_units(plan, days[spread] - daily.origin_day)
    noon = days[spread] * HOURS_PER_DAY + HOURS_PER_DAY // 2
    for event, draw in declared:
        _apply(units, daily, event, draw, noon)
    features: FloatArray = units.reshape(len(units), -1)
    return features


def _apply(units: FloatArray, daily: DailyHistory, event: Event, draw: EventDraws, hours: IntArray) -> None:
    """Apply what is left of an event to sampled demand of shape (n_paths, n_pools, n_hours), in place."""
    change = future_change(event, draw, hours, origin_hour=daily.origin_hour)
    if change is not None:
        apply_change(units, daily.pools, event, change)


def _last_weeks(units: FloatArray, weights: FloatArray, request: ForecastRequest) -> FloatArray:
    """Expected demand of the last four weeks of the horizon. Shape (n_pools,). [units]"""
    last = request.hours > request.hours[-1] - MEAN_DAYS * HOURS_PER_DAY
    means = np.average(units[:, :, last], axis=2, weights=request.hour_weights[last])
    expected: FloatArray = weights @ means
    return expected
