"""Shape of the day: how each historical day, spikes included, would look in today's hour-of-week profile.

Not here: the level of a day (`forecasting.paths`).
"""

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.dispersion import noise_exponent, noise_scale, trailing_means
from forecasting.hours import HOURS_PER_DAY

PROFILE_WEEKS = 8
MAX_PROFILE_RATIO = 20.0  # over the profile; more is an artefact of an almost empty hour
MIN_SIZE_FRACTION = 0.25  # of the last four weeks' demand, below which a day is not like today's days
MIN_RISE = 1e-6  # of the mean, below which a day has no shape to stretch
MIN_PROFILE = 0.02  # of the day's mean: an hour below it has no shape of its own


def day_shapes(units: FloatArray, days: IntArray, *, group_units: FloatArray) -> FloatArray:
    """Hourly demand of each historical day over its daily mean, moved into the profile of the last eight weeks.

    The median profile of the block of eight weeks that holds the day is divided out and the last block's is put in,
    so that the day keeps its own deviations (spikes, outages), scaled to today's size, on top of how days look now.
    A day on which the pool was far smaller than now says nothing about it: it takes the deviations of the whole group.

    Parameters
    ----------
    units : FloatArray of shape (n_days, 24)
        Demand of one pool. [units]
    days : IntArray of shape (n_days,)
        Epoch days.
    group_units : FloatArray of shape (n_days, 24)
        Demand of the group that the pool belongs to. [units]

    Returns
    -------
    FloatArray of shape (n_days, 24)
        Each day's mean is 1; all ones, or the last profile, on days without demand.
    """
    block = (len(days) - 1 - np.arange(len(days))) // (7 * PROFILE_WEEKS)
    own, now = _deviations(units, days, block)
    common, _ = _deviations(group_units, days, block)
    means, group_means = units.mean(axis=1), group_units.mean(axis=1)
    before = np.concatenate([[means[0]], trailing_means(means)[:-1]])
    says_something = np.minimum(means, before) >= MIN_SIZE_FRACTION * trailing_means(means)[-1]
    exponent = noise_exponent(group_means, np.abs(common - 1.0).max(axis=1))
    own = 1.0 + (own - 1.0) * noise_scale(means, exponent)[:, None]
    common = 1.0 + (common - 1.0) * noise_scale(group_means, exponent)[:, None]
    shaped = np.maximum(now * np.where(says_something[:, None], own, common), 0.0)
    totals = shaped.mean(axis=1, keepdims=True)
    shapes: FloatArray = np.where(totals > 0, shaped / np.where(totals > 0, totals, 1.0), 1.0)
    return shapes


def current_profile(units: FloatArray, days: IntArray) -> FloatArray:
    """Median hour over daily mean by epoch day modulo 7 in the last eight weeks. Shape (7, 24), each day's mean 1.

    Parameters
    ----------
    units : FloatArray of shape (n_days, 24)
        [units]
    days : IntArray of shape (n_days,)
        Epoch days.
    """
    recent = units[-7 * PROFILE_WEEKS :]
    means = recent.mean(axis=1, keepdims=True)
    ratios = np.where(means > 0, recent / np.where(means > 0, means, 1.0), np.nan)
    return _profile(ratios, days[-7 * PROFILE_WEEKS :])


def with_peak(units: FloatArray, peak_units: FloatArray) -> FloatArray:
    """Hourly demand whose sum over pools has the given highest hour of each day, at the same daily mean.

    Each day's hours of the sum are moved away from their mean, or towards it, all by one factor, and every pool by
    the factor of its hour. A day without any shape stays flat, hours without demand stay empty, and no hour goes below
    zero: the mean is kept but for that.

    Parameters
    ----------
    units : FloatArray of shape (n_paths, n_pools, n_days, 24)
        [units]
    peak_units : FloatArray of shape (n_paths, n_days)
        Highest hour of the sum wanted. [units]

    Returns
    -------
    FloatArray of the shape of `units`
        [units]
    """
    total = units.sum(axis=1)
    mean = total.mean(axis=2)
    rise = total.max(axis=2) - mean
    wanted = np.maximum(peak_units - mean, 0.0)
    stretch = np.where(rise > MIN_RISE * mean, wanted / np.where(rise > MIN_RISE * mean, rise, 1.0), 1.0)
    room = mean - total.min(axis=2)
    stretch = np.minimum(stretch, np.where(room > 0, mean / np.where(room > 0, room, 1.0), stretch))
    target = mean[..., None] + stretch[..., None] * (total - mean[..., None])
    factor = np.where(total > 0, np.maximum(target, 0.0) / np.where(total > 0, total, 1.0), 1.0)
    stretched: FloatArray = units * factor[:, None]
    return stretched


def _deviations(units: FloatArray, days: IntArray, block: IntArray) -> tuple[FloatArray, FloatArray]:
    """Each day over the profile of its block, and the last block's profile on each day. Shapes (n_days, 24)."""
    means = units.mean(axis=1, keepdims=True)
    has_demand = means > 0
    ratios = np.where(has_demand, units / np.where(has_demand, means, 1.0), np.nan)
    profiles = {int(number): _profile(ratios[block == number], days[block == number]) for number in np.unique(block)}
    weekdays = days % 7
    own = np.stack([profiles[int(number)][weekday] for number, weekday in zip(block, weekdays, strict=True)])
    deviations: FloatArray = np.clip(np.where(has_demand, ratios, own) / own, 0.0, MAX_PROFILE_RATIO)
    return deviations, profiles[0][weekdays]


def _profile(ratios: FloatArray, days: IntArray) -> FloatArray:
    """Median hour / daily mean by day of the week, each day's mean 1. Shape (7, 24); flat where nothing is known."""
    profile = np.ones((7, HOURS_PER_DAY))
    known = ratios[np.isfinite(ratios[:, 0])]
    if len(known) == 0:
        return profile
    overall = np.median(known, axis=0)
    for weekday in range(7):
        same = ratios[(days % 7 == weekday) & np.isfinite(ratios[:, 0])]
        profile[weekday] = np.median(same, axis=0) if len(same) > 1 else overall
    if np.mean(profile < MIN_PROFILE) > 0.5:
        return np.ones((7, HOURS_PER_DAY))
    profile = np.maximum(profile, MIN_PROFILE)
    normalized: FloatArray = profile / profile.mean(axis=1, keepdims=True)
    return normalized
