"""History and roadmap become weighted joint scenarios: the whole forecast in one call.

Not here: any single step; each has its module.
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, IntArray, frozen_floats, frozen_ints
from forecasting.assumptions import stated_assumptions
from forecasting.baseline import fit_baseline
from forecasting.cleaning import spike_processes
from forecasting.daily import MAX_STALE_DAYS, NEEDED_HISTORY_DAYS
from forecasting.decompose import MEAN_DAYS, Decomposition, decomposition, staged_means
from forecasting.events import declared_spans, draw_event
from forecasting.found_events import shift_events
from forecasting.history import History
from forecasting.hours import HOURS_PER_DAY
from forecasting.mix import MixModel
from forecasting.past import Past, understood_past
from forecasting.prepared import BLOCK_DAYS, Prepared, draw_drivers, in_blocks, sparse_spikes, staged
from forecasting.reduce import reduced_paths, weights_of_means
from forecasting.request import ForecastRequest, ForecastSettings
from forecasting.roadmap import Roadmap
from forecasting.scenarios import Scenarios

__all__ = [
    "MAX_STALE_DAYS",
    "NEEDED_HISTORY_DAYS",
    "Forecast",
    "ForecastRequest",
    "ForecastSettings",
    "forecast_demand",
    "prepare_forecast",
]

# A replacement takes a quarter's preparation at least: what begins within one stands in a roadmap that is kept.
VOUCHED_DAYS = 91
MAX_FEATURE_DAYS = 64  # days on which paths are compared, evenly spread over the horizon


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
    past : Past
        Events with their effects, level shifts, spikes, drivers.
    mix : MixModel
        Successions between pools, and the chance of each to be replaced.
    assumptions : tuple of str
        Sentences: the models and their weights, what was short, what was taken for granted.
    every : Prepared or None
        All paths that were drawn, before their reduction to the scenarios; None where the scenarios are no longer
        paths among them.
    kept : IntArray of shape (n_scenarios,)
        Row of each scenario among them, increasing.
    """

    scenarios: Scenarios
    groups: tuple[str, ...]
    unnamed_units: FloatArray
    decomposition: Decomposition
    past: Past
    mix: MixModel
    assumptions: tuple[str, ...]
    every: Prepared | None
    kept: IntArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "unnamed_units", frozen_floats(self.unnamed_units))
        object.__setattr__(self, "kept", frozen_ints(self.kept))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedForecast:
    """A forecast fitted, drawn and reduced: its hours can be laid out block by block.

    Attributes
    ----------
    request : ForecastRequest
    past : Past
    every : Prepared
        All paths drawn.
    kept : IntArray of shape (n_scenarios,)
        Rows of those that are scenarios, increasing.
    prepared : Prepared
        The scenarios.
    assumptions : tuple of str
    """

    request: ForecastRequest
    past: Past
    every: Prepared
    kept: IntArray
    prepared: Prepared
    assumptions: tuple[str, ...]

    def __post_init__(self) -> None:
        """Freeze the array."""
        object.__setattr__(self, "kept", frozen_ints(self.kept))

    def growth(self) -> Decomposition:
        """Growth of the past and of the horizon."""
        request, past = self.request, self.past
        last = request.hours > request.hours[-1] - MEAN_DAYS * HOURS_PER_DAY
        found = (*(launch.event for launch in past.launches), *shift_events(past.daily, past.shifts))
        return decomposition(
            past.daily,
            past.events,
            future=staged(self.prepared, request.hours[last], request.hour_weights[last]),
            means=staged_means(past.daily, (*past.events, *found)),
            weights=self.prepared.weights,
            found=found,
        )


def prepare_forecast(
    history: History, roadmap: Roadmap, request: ForecastRequest, rng: np.random.Generator
) -> PreparedForecast:
    """Fit, draw and reduce; parameters and errors as in `forecast_demand`."""
    settings = request.settings
    past = understood_past(history, roadmap, request)
    daily = past.daily
    baseline = fit_baseline(
        past.organic,
        holiday_country=settings.holiday_country,
        declared_spans=declared_spans(daily.pools, past.events),
        vouched_days=VOUCHED_DAYS if roadmap.is_kept else 0,
        rng=rng,
    )
    n_days = int(request.hours[-1]) // HOURS_PER_DAY + 1 - daily.origin_day
    counts = {"n_paths": settings.n_paths, "n_days": n_days}
    every = Prepared(
        daily=daily,
        baseline=baseline,
        draws=baseline.draw(**counts, rng=rng),
        events=tuple((event, draw_event(event, n_paths=settings.n_paths, rng=rng)) for event in past.events),
        weights=np.full(settings.n_paths, 1.0 / settings.n_paths),
        drivers=None if past.drivers is None else draw_drivers(past.drivers, daily, **counts, rng=rng),
        spikes=tuple(
            sparse_spikes(process.sample(settings.n_paths, n_days * HOURS_PER_DAY, rng))
            for process in spike_processes(daily, past.cleaned, past.spikes, rng)
        ),
    )
    kept, weights = _reduced(every, request)
    return PreparedForecast(
        request=request,
        past=past,
        every=every,
        kept=kept,
        prepared=every if len(kept) == settings.n_paths else every.of(kept, weights),
        assumptions=(*stated_assumptions(daily, baseline, every.draws, past.events), *past.assumptions),
    )


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
    InputError
        If a relation or an event given in drivers does not fit the drivers.
    """
    made = prepare_forecast(history, roadmap, request, rng)
    prepared, daily = made.prepared, made.past.daily
    units = np.empty((len(prepared.weights), len(daily.pools) + len(daily.groups), len(request.hours)))
    for block in in_blocks(request.hours, n_days=BLOCK_DAYS):
        columns = np.searchsorted(request.hours, block)
        units[:, :, columns] = prepared.hourly(block)
    units.flags.writeable = False  # so that the scenarios share it
    return Forecast(
        scenarios=Scenarios(
            pools=daily.pools,
            hours=request.hours,
            hour_weights=request.hour_weights,
            weights=prepared.weights,
            units=units[:, : len(daily.pools)],
        ),
        groups=daily.groups,
        unnamed_units=units[:, len(daily.pools) :],
        decomposition=made.growth(),
        past=made.past,
        mix=prepared.baseline.mix,
        assumptions=made.assumptions,
        every=made.every,
        kept=made.kept,
    )


def _reduced(every: Prepared, request: ForecastRequest) -> tuple[IntArray, FloatArray]:
    """Paths to keep and their weights, by daily demand of every pool on some days of the horizon, events included."""
    settings = request.settings
    if settings.n_scenarios == settings.n_paths:
        return np.arange(settings.n_paths, dtype=np.int64), every.weights
    days = np.unique(request.hours // HOURS_PER_DAY)
    spread = np.unique(np.linspace(0, len(days) - 1, MAX_FEATURE_DAYS).round().astype(np.int64))
    units = every.daily_means(days[spread])
    kept, weights = reduced_paths(units.reshape(settings.n_paths, -1), n_kept=settings.n_scenarios)
    means = units.mean(axis=2)
    means = np.column_stack([means, means.sum(axis=1)])
    return kept, weights_of_means(weights, means[kept], means.mean(axis=0))
