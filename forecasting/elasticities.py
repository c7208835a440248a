"""Elasticities of demand to drivers, estimated on weeks of history and used only where they would have helped.

log demand moves by the sum of elasticity x log driver. The elasticities have a normal prior around 0 whose width is
chosen by its evidence over all that follows the same drivers, and large misses count less (Huber). They are fitted on
changes over one week, over four, on levels, and on changes beyond those of the year before; the rolling origins of the
history decide which fit is believed, or none, against forecasts that know the season of the year without any driver.
Not here: daily demand, declared elasticities (`forecasting.relations`).
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, frozen_floats
from forecasting.declared_relations import MAX_ELASTICITY
from forecasting.events import NORMAL_Q90

YEAR_WEEKS = 52
MAX_YEARS = 3  # of which the season is the mean
CHANGES_WEEKS: tuple[tuple[int, ...], ...] = (
    (1,),  # which no common trend can fool: taken unless another is clearly better
    (4,),
    (),  # levels
    (1, YEAR_WEEKS),
    (4, YEAR_WEEKS),
)
PRIOR_SDS = (0.03, 0.1, 0.3, 1.0, 3.0)  # an elasticity is a number around 1 where there is a relation at all
MIN_WEEKS = 26  # before the first rolling origin
HORIZON_WEEKS = 13
ORIGIN_STEP_WEEKS = 4
MAX_ORIGINS = 26
NEEDED_WEEKS = MIN_WEEKS + ORIGIN_STEP_WEEKS  # below, no rolling origin can judge
NEEDED_ADVANTAGE = 0.95  # of the miss without drivers: estimated drivers must miss at least 5 % less
LEVEL_WEEKS = 2
SLOPE_WEEKS = 17
SLOPE_FRACTION = 0.3  # of the slope that goes on without drivers: the default of the level's own rule
HUBER_SDS = 1.345  # 95 % efficient where errors are normal
ROBUST_STEPS = 6
SD_OF_MEDIAN = 1.4826  # standard deviation / median absolute deviation of a normal
MIN_SD = 1e-6  # where drivers explain demand exactly
MAX_AUTOCORRELATION = 0.9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Elasticities:
    """Elasticities of several targets to the same drivers.

    Attributes
    ----------
    mean : FloatArray of shape (n_targets, n_drivers)
        0 where the drivers are not used.
    covariance : FloatArray of shape (n_targets, n_drivers, n_drivers)
        Of their errors; 0 where the drivers are not used.
    miss_ratio : FloatArray of shape (n_targets,)
        Mean absolute log miss at rolling origins with drivers over that without; nan where history is too short.
    is_used : BoolArray of shape (n_targets,)
        Whether drivers miss at least 5 % less, and by more than chance would explain.
    """

    mean: FloatArray
    covariance: FloatArray
    miss_ratio: FloatArray
    is_used: BoolArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("mean", "covariance", "miss_ratio"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))


def estimated_elasticities(logs: FloatArray, drivers: FloatArray) -> Elasticities:
    """Elasticities by week, of the targets for which rolling origins speak for them.

    Parameters
    ----------
    logs : FloatArray of shape (n_targets, n_weeks)
        Log demand; nan where it is not known.
    drivers : FloatArray of shape (n_drivers, n_weeks)
        Log drivers, finite. Over the horizon of each rolling origin they are taken as known.
    """
    plain = _misses(logs, drivers, None)
    misses = np.stack([_misses(logs, drivers, changes) for changes in CHANGES_WEEKS])
    plain_mean, means = _row_means(plain), np.stack([_row_means(one) for one in misses])
    handicap = np.where(np.arange(len(CHANGES_WEEKS)) == 0, NEEDED_ADVANTAGE, 1.0)
    best = np.argmin(np.where(np.isfinite(means), means * handicap[:, None], np.inf), axis=0)
    targets = np.arange(len(logs))
    ratio = np.where(plain_mean == 0, 1.0, means[best, targets] / np.where(plain_mean == 0, 1.0, plain_mean))
    is_used = (ratio <= NEEDED_ADVANTAGE) & _is_beyond_chance(plain - misses[best, targets])
    fits = [_fit(logs, drivers, changes) for changes in CHANGES_WEEKS]
    mean = np.stack([mean for mean, _ in fits])[best, targets]
    covariance = np.stack([covariance for _, covariance in fits])[best, targets]
    return Elasticities(
        mean=np.where(is_used[:, None], mean, 0.0),
        covariance=np.where(is_used[:, None, None], covariance, 0.0),
        miss_ratio=ratio,
        is_used=is_used,
    )


def _is_beyond_chance(gains: FloatArray) -> BoolArray:
    """Whether each row's mean gain is above 0 with a chance of 90 %; horizons of neighbouring origins overlap."""
    n_known = np.isfinite(gains).sum(axis=1)
    means = _row_means(gains)
    variances = _row_means((gains - means[:, None]) ** 2)
    n_apart = np.maximum(n_known * ORIGIN_STEP_WEEKS / HORIZON_WEEKS, 1.0)
    is_beyond: BoolArray = means > NORMAL_Q90 * np.sqrt(variances / n_apart)
    return is_beyond


def _misses(logs: FloatArray, drivers: FloatArray, changes: tuple[int, ...] | None) -> FloatArray:
    """Mean absolute misses at rolling origins by the better forecast of the rest. Shape (n_targets, n_origins).

    Without `changes` the drivers are not used.
    """
    n_weeks = logs.shape[1]
    origins = np.arange(n_weeks - ORIGIN_STEP_WEEKS, MIN_WEEKS - 1, -ORIGIN_STEP_WEEKS)[:MAX_ORIGINS]
    if len(origins) == 0:
        return np.full((len(logs), 1), np.nan)
    missed = []
    for origin in origins:
        end = min(origin + HORIZON_WEEKS, n_weeks)
        explained = np.zeros(logs.shape)
        if changes is not None:
            explained = _fit(logs[:, :origin], drivers[:, :origin], changes)[0] @ drivers
        rest = logs - explained
        carried = [_sloped(rest[:, :origin], end - origin), _as_in_years_before(rest[:, :origin], end - origin)]
        missed.append([_row_means(np.abs(rest[:, origin:end] - one)) for one in carried])
    sloped, yearly = np.array(missed).transpose(1, 2, 0)
    is_sloped = _row_means(sloped) <= _row_means(yearly)
    better: FloatArray = np.where(is_sloped[:, None], sloped, yearly)
    return better


def _sloped(logs: FloatArray, n_weeks: int) -> FloatArray:
    """Logs carried on at their last level with a part of their slope. Shape (n_targets, n_weeks)."""
    level = _row_means(logs[:, -LEVEL_WEEKS:])
    recent = logs[:, -SLOPE_WEEKS:]
    first, second = np.triu_indices(recent.shape[1], 1)
    slopes = (recent[:, second] - recent[:, first]) / (second - first)
    slope = np.array([np.median(row[np.isfinite(row)]) if np.isfinite(row).any() else 0.0 for row in slopes])
    ahead = np.arange(n_weeks) + (LEVEL_WEEKS + 1) / 2
    carried: FloatArray = level[:, None] + SLOPE_FRACTION * slope[:, None] * ahead[None, :]
    return carried


def _as_in_years_before(logs: FloatArray, n_weeks: int) -> FloatArray:
    """Logs that go on as they did at the same time of the years before; without any, sloped. As `_sloped`."""
    origins = [logs.shape[1] - YEAR_WEEKS * year for year in range(1, MAX_YEARS + 1)]
    courses = [
        logs[:, origin : origin + n_weeks] - _row_means(logs[:, origin - LEVEL_WEEKS : origin])[:, None]
        for origin in origins
        if origin >= LEVEL_WEEKS
    ]
    sloped = _sloped(logs, n_weeks)
    if not courses:
        return sloped
    means = _row_means(np.stack(courses, axis=-1).reshape(-1, len(courses))).reshape(sloped.shape)
    return np.where(np.isfinite(means), _row_means(logs[:, -LEVEL_WEEKS:])[:, None] + means, sloped)


def _row_means(values: FloatArray) -> FloatArray:
    """Mean of the finite values of each row; nan without any."""
    is_finite = np.isfinite(values)
    n_finite = is_finite.sum(axis=1)
    sums = np.where(is_finite, values, 0.0).sum(axis=1)
    means: FloatArray = np.where(n_finite > 0, sums / np.maximum(n_finite, 1), np.nan)
    return means


def _fit(logs: FloatArray, drivers: FloatArray, spans: tuple[int, ...]) -> tuple[FloatArray, FloatArray]:
    """Posterior mean and covariance of each target. Shapes (n_targets, n_drivers), (.., n_drivers, n_drivers)."""
    evidence = [_evidence(row, drivers, spans) for row in logs]
    grams, moments = np.stack([gram for gram, _ in evidence]), np.stack([moment for _, moment in evidence])
    unit = np.eye(len(drivers))
    scores = []
    for sd in PRIOR_SDS:
        inner = np.linalg.solve(grams + unit / sd**2, moments[:, :, None])[:, :, 0]
        determinants = np.linalg.slogdet(unit + sd**2 * grams)[1]
        scores.append(float((0.5 * (moments * inner).sum(axis=1) - 0.5 * determinants).sum()))
    sd = PRIOR_SDS[int(np.argmax(scores))]
    covariance: FloatArray = np.linalg.inv(grams + unit / sd**2).astype(np.float64)
    mean: FloatArray = np.clip((covariance @ moments[:, :, None])[:, :, 0], -MAX_ELASTICITY, MAX_ELASTICITY)
    never_moved = np.diagonal(grams, axis1=1, axis2=2) <= 0  # nothing tells what such a driver does
    covariance = np.where(never_moved[:, :, None] | never_moved[:, None, :], 0.0, covariance)
    mean = np.where(never_moved, 0.0, mean)
    return mean, covariance


def _evidence(logs: FloatArray, drivers: FloatArray, spans: tuple[int, ...]) -> tuple[FloatArray, FloatArray]:
    """Gram matrix and moment of one target in units of its noise, which counts as often as it is independent."""
    changes = np.vstack([logs[None], drivers])
    for span in spans:
        changes = changes[:, span:] - changes[:, :-span]
    changes = changes[:, np.isfinite(changes[0])]
    n_drivers = len(drivers)
    if changes.shape[1] <= n_drivers + 2:
        return np.zeros((n_drivers, n_drivers)), np.zeros(n_drivers)
    weights, sd, misses = np.ones(changes.shape[1]), 1.0, changes[0]
    centred = changes
    for _ in range(ROBUST_STEPS):
        centred = changes - np.average(changes, axis=1, weights=weights)[:, None]
        slopes = np.linalg.lstsq(centred[1:].T * np.sqrt(weights)[:, None], centred[0] * np.sqrt(weights), rcond=1e-6)[
            0
        ]
        misses = centred[0] - slopes @ centred[1:]
        sd = max(SD_OF_MEDIAN * float(np.median(np.abs(misses))), MIN_SD)
        weights = np.minimum(1.0, HUBER_SDS * sd / np.maximum(np.abs(misses), MIN_SD))
    noise = sd**2 * _repetition(np.clip(misses, -HUBER_SDS * sd, HUBER_SDS * sd))
    moved = centred[1:] * (np.ptp(centred[1:], axis=1) > MIN_SD)[:, None]
    return (moved * weights) @ moved.T / noise, (moved * weights) @ centred[0] / noise


def _repetition(misses: FloatArray) -> float:
    """How many misses in a row say as much as one: more than 1 where neighbours are alike."""
    power = float(misses @ misses)
    alike = float(misses[1:] @ misses[:-1]) / power if power > 0 else 0.0
    alike = min(max(alike, 0.0), MAX_AUTOCORRELATION)
    return (1.0 + alike) / (1.0 - alike)


def weekly_means(values: FloatArray) -> FloatArray:
    """Mean of each whole week, counted back from the last day; nan in a day makes the week nan.

    Parameters
    ----------
    values : FloatArray of shape (n_rows, n_days)

    Returns
    -------
    FloatArray of shape (n_rows, n_weeks)
    """
    n_weeks = values.shape[1] // 7
    means: FloatArray = values[:, values.shape[1] - 7 * n_weeks :].reshape(len(values), n_weeks, 7).mean(axis=2)
    return means
