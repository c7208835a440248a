"""The forecast for people and files: usage and roadmap in, distributions of hours, daily peaks and highest hours out.

Not here: how demand is forecast (`forecasting.forecast`), files and pages (`optimizer.report`).
"""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.daily import group_name
from forecasting.drivers import Drivers
from forecasting.errors import InputError, Problem
from forecasting.external import read_external
from forecasting.forecast import NEEDED_HISTORY_DAYS, ForecastRequest, ForecastSettings
from forecasting.history import History, check_as_of, read_usage
from forecasting.hours import HOURS_PER_DAY, date_of_hour
from forecasting.parts import history_parts
from forecasting.roadmap import EventKind, Roadmap, check_roadmap
from forecasting.zones import UTC, local_days
from optimizer.jobs.forecast_answer import ForecastAnswer, ForecastOrder, ForecastPaths, SeriesOutlook
from optimizer.jobs.forecast_blocks import RunningCliff, RunningOutlook
from optimizer.jobs.forecast_causes import causes_of, series_anomalies
from optimizer.jobs.forecast_layout import Layout, laid_out, paths_that_fit
from optimizer.jobs.forecast_series import (
    TOTAL,
    Series,
    group_series,
    past_units,
    pool_series,
    series_rows,
    total_series,
)
from optimizer.jobs.inputs import RunOptions, read_drivers_with, read_roadmap_with
from optimizer.jobs.solve import Tell
from optimizer.jobs.versions import versions

FEW_PATHS = 100  # below, the outer quantiles are hardly more than the lowest and the highest path


def forecast_usage(paths: ForecastPaths, options: RunOptions, order: ForecastOrder, *, tell: Tell) -> ForecastAnswer:
    """Read, forecast and summarize.

    Raises
    ------
    InputError
        With all problems of the first file that has any.
    HistoryError
        If the history is too short.
    """
    tell("reading inputs")
    roadmap, history, drivers = _read(paths, options, order)
    external = None if paths.external is None else read_external(paths.external)
    pools = sorted({*history.pools, *(pool for event in roadmap.events for pool, _ in event.to_shares)})
    _check_names(pools, has_groups=order.has_groups, source=str(paths.usage))
    request = _request(order, options, drivers, roadmap_source=str(paths.roadmap))
    if external is not None:
        request = paths_that_fit(request, n_rows=len(pools) + len({group_name(pool) for pool in pools}))
    n_paths = request.settings.n_paths
    tell(f"forecasting {len(pools)} pools, {n_paths} paths to {date_of_hour(int(request.hours[-1]))}")
    layout = laid_out(history, roadmap, request, external, np.random.default_rng(options.seed))
    told = _series(layout, has_groups=order.has_groups)
    cliffs = [
        RunningCliff(event, layout.pools, layout.weights)
        for event in layout.past.events
        if event.kind is EventKind.CAPACITY_CLIFF
    ]
    outlooks = _outlooks(layout, history, told, order, cliffs, tell=tell)
    tell("looking for what moved demand")
    past = layout.past
    causes = causes_of(
        past,
        layout.mix,
        layout.growth,
        cliffs=tuple(cliff.cliff(history) for cliff in cliffs),
        anomalies=series_anomalies(history, told),
    )
    return ForecastAnswer(
        order=order,
        n_paths=n_paths,
        hours=request.hours,
        outlooks=outlooks,
        causes=causes,
        parts=history_parts(
            past.daily,
            (*past.events, *(launch.event for launch in past.launches)),
            holidays=past.holidays,
            shifts=past.shifts,
            successions=layout.mix.successions,
        ),
        assumptions=(*layout.assumptions, *_assumptions(order, n_paths)),
        inputs=paths.records(),
        versions=versions(),
        holiday_country=options.holiday_country,
        seed=options.seed,
    )


def _request(
    order: ForecastOrder, options: RunOptions, drivers: Drivers | None, *, roadmap_source: str
) -> ForecastRequest:
    """Every hour of the horizon, every path kept."""
    hours = np.arange(order.as_of_hour, order.as_of_hour + order.horizon_days * HOURS_PER_DAY)
    country = options.holiday_country
    return ForecastRequest(
        as_of_hour=order.as_of_hour,
        hours=hours,
        hour_weights=np.ones(len(hours)),
        settings=ForecastSettings(n_paths=order.n_paths, n_scenarios=order.n_paths, holiday_country=country),
        drivers=drivers,
        roadmap_source=roadmap_source,
    )


def _read(paths: ForecastPaths, options: RunOptions, order: ForecastOrder) -> tuple[Roadmap, History, Drivers | None]:
    """Events visible at as-of, history before it, drivers."""
    as_of = order.as_of_hour
    roadmap = read_roadmap_with(paths.roadmap, options, as_of_hour=as_of)
    drivers = read_drivers_with(paths.drivers, roadmap, source=str(paths.roadmap))
    missing = options.missing_hours or roadmap.missing_hours
    seen = read_usage(paths.usage, missing_hours="zero" if missing == "zero" else None, before_hour=as_of)
    check_as_of(seen, as_of, needed_days=NEEDED_HISTORY_DAYS)
    history = seen.before(as_of)
    if not history.pools:
        message = f"must be > 0 in some hour before {date_of_hour(as_of)}, got 0 in all of them."
        raise InputError(str(paths.usage), [Problem(column="units", message=message)])
    if paths.roadmap is not None:
        seen_hours = range(history.start_hour, as_of)
        check_roadmap(roadmap, history.pools, None, source=str(paths.roadmap), seen_hours=seen_hours)
    return roadmap, history, drivers


def _series(layout: Layout, *, has_groups: bool) -> tuple[Series, ...]:
    """Total, groups where wanted, pools. Pools without a slash are in no group."""
    groups = group_series([group for group in layout.groups if group]) if has_groups else ()
    return (total_series(), *groups, *pool_series(layout.pools))


def _check_names(pools: Sequence[str], *, has_groups: bool, source: str) -> None:
    """Refuse names that the files could not tell apart."""
    groups = {group_name(pool) for pool in pools} if has_groups else set()
    problems = []
    if TOTAL in pools or TOTAL in groups:
        what = "pool" if TOTAL in pools else "group of pools"
        message = f"no {what} can be named {TOTAL!r}, which stands for the sum of all pools. Rename it."
        problems.append(Problem(column="pool", message=message))
    for pool in sorted(groups.intersection(pools) - {TOTAL}):
        message = f"{pool!r} is a pool and the group of the pools '{pool}/...'. Rename it, or leave out --group-by."
        problems.append(Problem(column="pool", message=message))
    if problems:
        raise InputError(source, problems)


def _outlooks(
    layout: Layout,
    history: History,
    told: Sequence[Series],
    order: ForecastOrder,
    cliffs: Sequence[RunningCliff],
    *,
    tell: Tell,
) -> tuple[SeriesOutlook, ...]:
    """Distributions of every series, gathered block by block; the cliffs are told of every block too."""
    rows = [series_rows(series, layout.pools, layout.groups) for series in told]
    gathered = [RunningOutlook(layout.weights) for _ in told]
    hours: list[IntArray] = []
    for block, units in layout.blocks:
        tell(f"laying out days from {date_of_hour(int(block[0]))}")
        hours.append(block)
        days = local_days(block, order.zone)
        for own, outlook in zip(rows, gathered, strict=True):
            outlook.add(units[:, own].sum(axis=1), days)
        for cliff in cliffs:
            cliff.add(units, block)
    every_hour = np.concatenate(hours)
    return tuple(
        _outlook(series, outlook, history, every_hour, order.zone)
        for series, outlook in zip(told, gathered, strict=True)
    )


def _outlook(
    series: Series, gathered: RunningOutlook, history: History, hours: IntArray, zone: ZoneInfo
) -> SeriesOutlook:
    """Distributions of one series."""
    mean_units, quantile_units = gathered.hourly()
    daily, windows = gathered.daily(), gathered.windows()
    starts, end_hour = hours[windows.starts], int(hours[-1]) + 1
    past_days, past_peaks = _past_peaks(history, series, zone, before_day=int(daily.labels[0]))
    return SeriesOutlook(
        series=series,
        hourly_mean_units=mean_units,
        hourly_units=quantile_units,
        daily=daily,
        windows=windows,
        window_hours=np.column_stack([starts, [end_hour, *starts[2:], end_hour]]),
        past_days=past_days,
        past_peak_units=past_peaks,
    )


def _past_peaks(history: History, series: Series, zone: ZoneInfo, *, before_day: int) -> tuple[IntArray, FloatArray]:
    """Epoch days of history and their highest hours, without the day on which the horizon begins."""
    days = local_days(np.arange(history.start_hour, history.end_hour), zone)
    starts = np.flatnonzero(np.concatenate([[True], days[1:] != days[:-1]]))
    is_over = days[starts] < before_day
    return days[starts][is_over], np.maximum.reduceat(past_units(history, series), starts)[is_over]


def _assumptions(order: ForecastOrder, n_paths: int) -> tuple[str, ...]:
    """What the files take for granted."""
    told = [f"{n_paths} joint sample paths; every distribution is that of the paths, each with equal weight."]
    if n_paths < order.n_paths:
        thin = ", so the outermost quantiles are hardly more than single paths" if n_paths < FEW_PATHS else ""
        told.append(
            f"{order.n_paths} paths were asked for; an external forecast needs them whole in memory, and so many pools "
            f"and hours leave room for {n_paths}{thin}."
        )
    if order.zone.key != UTC:
        told.append(
            f"Days and months of peaks are those of {order.zone.key}; the first and the last lie in the horizon in "
            "part. Hours are UTC."
        )
    return tuple(told)
