"""What a plan takes from a review: wider intervals around the same medians.

Sizes and dates of events are edits of the roadmap, for a person to make. Not here: the review
(`optimizer.jobs.tracking.track`).
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.errors import InputError, Problem
from forecasting.forecast import Forecast
from forecasting.hours import HOURS_PER_DAY, date_of_hour, hour_of_date
from forecasting.quantiles import weighted_quantiles
from optimizer.jobs.tracking.calibration import MAX_WIDENING
from optimizer.jobs.tracking.lessons import TRACK_SCHEMA


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLessons:
    """What a plan takes from a review.

    Attributes
    ----------
    name : str
        Of the file.
    widening_factor : float
        From 1 to `MAX_WIDENING`.
    end_hour : int
        Hour after the last that the review has seen.
    """

    name: str
    widening_factor: float
    end_hour: int


def read_lessons(path: Path, *, as_of_hour: int) -> PlanLessons:
    """Lessons of a track.json.

    Parameters
    ----------
    path : Path
    as_of_hour : int
        Of the plan that takes them.

    Raises
    ------
    InputError
        If it is no such document, or has seen days at or after the decision.
    """
    if not path.is_file():
        raise _refused(path, "must be a file, and there is none.")
    try:
        document: Any = json.loads(path.read_bytes())
        version, kind = document["schema_version"], document["kind"]
        factor = float(document["lessons"]["widening_factor"])
        end_hour = hour_of_date(document["end_utc"][:10]) + int(document["end_utc"][11:13])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _refused(path, "must be a track.json that `plimsoll track` wrote, and is not.") from None
    if (version, kind) != (TRACK_SCHEMA, "track"):
        raise _refused(path, f"must be a review of schema version {TRACK_SCHEMA}, got {str((kind, version))[:60]}.")
    if not math.isfinite(factor) or not 1.0 <= factor <= MAX_WIDENING:
        message = f"must be from 1 to {MAX_WIDENING:g}, got {factor!r}."
        raise _refused(path, message, column="lessons.widening_factor")
    if end_hour > as_of_hour:
        seen, decided = date_of_hour(end_hour - 1), date_of_hour(as_of_hour)
        message = f"must have seen nothing at or after --as-of {decided}, and goes to {seen}."
        raise _refused(path, message, column="end_utc")
    return PlanLessons(name=path.name, widening_factor=factor, end_hour=end_hour)


def widened(forecast: Forecast, lessons: PlanLessons) -> Forecast:
    """Same forecast with the daily means of every pool further from their median.

    Notes
    -----
    A day's mean m of a scenario becomes max(0, M + f (m - M)), M the weighted median of the scenarios and f the
    factor; its hours keep their shape. What a pool does in one scenario it still does together with the others.
    """
    if lessons.widening_factor <= 1.0:
        told = f"The review {lessons.name} asks for no wider intervals."
        return replace(forecast, assumptions=(*forecast.assumptions, told))
    scenarios = forecast.scenarios
    told = (
        f"Intervals are {lessons.widening_factor:.2f} times as wide as the forecast gives them, as the review "
        f"{lessons.name} asks; growth over the horizon is told as it would be without that."
    )
    days = scenarios.hours // HOURS_PER_DAY
    spread = (scenarios.weights, days, lessons.widening_factor)
    return replace(
        forecast,
        scenarios=replace(scenarios, units=spread_units(scenarios.units, *spread)),
        unnamed_units=spread_units(forecast.unnamed_units, *spread),
        assumptions=(*forecast.assumptions, told),
        every=None,  # the factor is put on the scenarios, not on the paths that they stand for
    )


def spread_units(units: FloatArray, weights: FloatArray, days: IntArray, factor: float) -> FloatArray:
    """Demand whose daily means lie a factor further from their median.

    Parameters
    ----------
    units : FloatArray of shape (n_scenarios, n_rows, n_hours)
        [units]
    weights : FloatArray of shape (n_scenarios,)
    days : IntArray of shape (n_hours,)
        Day of each hour, rising.
    factor : float

    Returns
    -------
    FloatArray of shape (n_scenarios, n_rows, n_hours)
    """
    _, starts, day_of, counts = np.unique(days, return_index=True, return_inverse=True, return_counts=True)
    out = np.empty_like(units)
    for row in range(units.shape[1]):  # one after the other: a copy of all of them is all that fits
        means = np.add.reduceat(units[:, row], starts, axis=1) / counts
        median = weighted_quantiles(means, weights, [0.5])[:, 0]
        wanted = np.maximum(median + factor * (means - median), 0.0)
        ratio = np.where(means > 0, wanted / np.where(means > 0, means, 1.0), 1.0)
        out[:, row] = units[:, row] * ratio[:, day_of]
    return out


def _refused(path: Path, message: str, *, column: str = "") -> InputError:
    """One problem of the file."""
    problems: Sequence[Problem] = [Problem(column=column, message=f"{message} Give the review of an earlier plan.")]
    return InputError(str(path), problems)
