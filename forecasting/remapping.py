"""Our sample paths put on the forecast of another model.

Quantiles keep how our paths move together and take the user's marginals day by day; sample paths take the place of
ours. Not here: reading them (`forecasting.external`).
"""

from collections.abc import Mapping

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.errors import InputError, Problem
from forecasting.external import ExternalForecast, ExternalPaths, ExternalQuantiles
from forecasting.hours import HOURS_PER_DAY, HOURS_PER_WEEK, date_of_hour
from forecasting.scenarios import Scenarios

DAYS_PER_WEEK = 7
NO_UNITS = 1e-9  # daily demand below is none: a factor of it would be rounding


def remapped(paths: FloatArray, weights: FloatArray, levels: FloatArray, quantiles: FloatArray) -> FloatArray:
    """Sample paths with given quantiles on each day, their ranks kept.

    Parameters
    ----------
    paths : FloatArray of shape (n_paths, n_days)
        >= 0. [units]
    weights : FloatArray of shape (n_paths,)
        Probabilities.
    levels : FloatArray of shape (n_levels,)
        Rising, in (0, 1).
    quantiles : FloatArray of shape (n_days, n_levels)
        Not falling along the levels, >= 0. [units]

    Returns
    -------
    FloatArray of shape (n_paths, n_days)
        On each day the path of probability p gets the quantile at p: between two given levels on the straight line,
        beyond the outer ones our own value times the factor between both quantiles at that level. With one level our
        paths are only scaled.
    """
    order = np.argsort(paths, axis=0, kind="stable")
    ranked = np.take_along_axis(paths, order, axis=0)
    ordered_weights = weights[order]
    probability = np.cumsum(ordered_weights, axis=0) - 0.5 * ordered_weights
    made = np.empty_like(ranked)
    for day in range(paths.shape[1]):
        own = np.interp(levels[[0, -1]], probability[:, day], ranked[:, day])
        values = np.interp(probability[:, day], levels, quantiles[day])
        for end, is_beyond in ((0, probability[:, day] < levels[0]), (-1, probability[:, day] > levels[-1])):
            if own[end] > 0:
                values[is_beyond] = quantiles[day, end] * ranked[is_beyond, day] / own[end]
        made[:, day] = values
    result = np.empty_like(made)
    np.put_along_axis(result, order, made, axis=0)
    return result


def with_external(scenarios: Scenarios, external: ExternalForecast, rows_of: Mapping[str, IntArray]) -> FloatArray:
    """Demand of scenarios that follows an external forecast for the names that it has.

    Parameters
    ----------
    scenarios : Scenarios
        Ours, declared events included. Its pools may stand for any rows of demand.
    external : ExternalForecast
        Of all demand of each name, events included.
    rows_of : mapping of str to IntArray
        Rows that each name is the sum of (`forecasting.external.external_rows`).

    Returns
    -------
    FloatArray of shape (n_scenarios, n_pools, n_hours)
        The rows of a name are multiplied by one factor in each hour and scenario. Before its first hour an external
        forecast changes nothing; after its last, demand is multiplied by the factor between the expected demand of
        both in the last week that it covers. [units]

    Raises
    ------
    InputError
        If the external forecast has no hour of the scenarios.
    """
    units = scenarios.units.copy()
    if external.paths is not None:
        dealt = _dealt(scenarios, external.paths, rows_of, external.source)
        for position, name in enumerate(external.paths.names):
            units[:, rows_of[name]] = _scaled(units[:, rows_of[name]], dealt[:, position])
        return units
    for quantiles in external.quantiles:
        rows = rows_of[quantiles.name]
        wanted = _daily_target(scenarios, rows, quantiles, external.source)
        units[:, rows] = _scaled(units[:, rows], wanted)
    return units


def _scaled(units: FloatArray, wanted: FloatArray) -> FloatArray:
    """Rows of demand of shape (n_scenarios, n_rows, n_hours) with the sum wanted; of nothing, by their usual shares."""
    sums = units.sum(axis=1)
    usual = units.mean(axis=(0, 2))
    shares = usual / usual.sum() if usual.sum() > 0 else np.full(units.shape[1], 1.0 / units.shape[1])
    has_some = (sums > 0)[:, None, :]
    parts = np.where(has_some, units / np.where(has_some, sums[:, None, :], 1.0), shares[None, :, None])
    scaled: FloatArray = parts * wanted[:, None, :]
    return scaled


def _daily_target(scenarios: Scenarios, rows: IntArray, external: ExternalQuantiles, source: str) -> FloatArray:
    """Sum of rows wanted in each hour. Shape (n_scenarios, n_hours)."""
    sums = scenarios.units[:, rows].sum(axis=1)
    days = scenarios.hours // HOURS_PER_DAY
    all_days = np.arange(days[0], days[-1] + 1)
    daily = _daily_means(sums, scenarios)
    covered = np.flatnonzero((all_days >= external.days[0]) & (all_days <= external.days[-1]))
    _check_covered(len(covered), scenarios, source)
    given = external.units[all_days[covered] - external.first_day]
    target = daily.copy()
    target[:, covered] = remapped(daily[:, covered], scenarios.weights, external.levels, given)
    last = covered[-DAYS_PER_WEEK:]
    target[:, covered[-1] + 1 :] *= _ratio(scenarios.weights, target[:, last], daily[:, last])
    columns = days - days[0]
    is_known = daily[:, columns] > NO_UNITS
    factor = target[:, columns] / np.where(is_known, daily[:, columns], 1.0)
    wanted: FloatArray = np.where(is_known, sums * factor, target[:, columns])
    return wanted


def _daily_means(sums: FloatArray, scenarios: Scenarios) -> FloatArray:
    """Mean demand around each day: of its own hours, or of as many days as bring every hour of the day once.

    An hour that stands for five like it comes from five days of which each has other hours of the day.
    """
    days = scenarios.hours // HOURS_PER_DAY
    columns = days - days[0]
    n_days = int(columns[-1]) + 1
    half = np.zeros(n_days, dtype=np.int64)
    np.maximum.at(half, columns, (scenarios.hour_weights.astype(np.int64)) // 2)
    totals = np.zeros((len(sums), n_days))
    np.add.at(totals.T, columns, sums.T)
    counts = np.bincount(columns, minlength=n_days)
    before = np.concatenate([np.zeros((len(sums), 1)), np.cumsum(totals, axis=1)], axis=1)
    n_before = np.concatenate([[0], np.cumsum(counts)])
    first = np.maximum(np.arange(n_days) - half, 0)
    after = np.minimum(np.arange(n_days) + half + 1, n_days)
    means: FloatArray = (before[:, after] - before[:, first]) / np.maximum(n_before[after] - n_before[first], 1)
    return np.maximum(means, 0.0)


def _dealt(scenarios: Scenarios, external: ExternalPaths, rows_of: Mapping[str, IntArray], source: str) -> FloatArray:
    """Paths of the user dealt to our scenarios, the largest to the largest. Shape (n_scenarios, n_names, n_hours)."""
    position = scenarios.hours - external.hours[0]
    covered = np.flatnonzero((position >= 0) & (position < len(external.hours)))
    _check_covered(len(covered), scenarios, source)
    own = np.stack([scenarios.units[:, rows_of[name]].sum(axis=1) for name in external.names], axis=1)
    theirs = external.units[:, :, position[covered]]
    order = np.argsort(own[:, :, covered].sum(axis=(1, 2)), kind="stable")
    probability = np.cumsum(scenarios.weights[order]) - 0.5 * scenarios.weights[order]
    ranked = np.argsort(theirs.sum(axis=(1, 2)), kind="stable")
    picked = np.empty(len(order), dtype=np.int64)
    picked[order] = ranked[np.minimum((probability * len(ranked)).astype(np.int64), len(ranked) - 1)]
    dealt = own.copy()
    dealt[:, :, covered] = theirs[picked]
    last = covered[scenarios.hours[covered] > scenarios.hours[covered[-1]] - HOURS_PER_WEEK]
    for row in range(len(external.names)):
        ratio = _ratio(scenarios.weights, dealt[:, row][:, last], own[:, row][:, last])
        dealt[:, row, covered[-1] + 1 :] *= ratio
    return dealt


def _ratio(weights: FloatArray, target: FloatArray, own: FloatArray) -> float:
    """Expected demand wanted over our own; 1 where ours is none."""
    ours = float(weights @ own.mean(axis=1))
    return float(weights @ target.mean(axis=1)) / ours if ours > 0 else 1.0


def _check_covered(n_covered: int, scenarios: Scenarios, source: str) -> None:
    """Refuse an external forecast that says nothing about the horizon."""
    if n_covered == 0:
        first, last = date_of_hour(int(scenarios.hours[0])), date_of_hour(int(scenarios.hours[-1]))
        message = f"must hold days of the horizon from {first} to {last}, and holds none. Check the dates."
        raise InputError(source, [Problem(message=message)])
