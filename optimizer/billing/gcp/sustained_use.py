"""Google Cloud's sustained-use discounts: the longer a resource runs within a month, the less its next hour costs.

Each part of the month that a resource runs is charged at its own part of the base rate [1]_. Usage of one machine
series and region is stacked: what runs at the same time is a layer each, and layers that do not overlap are joined, so
that the k-th unit counts as running in every hour with at least k units. All pools that share a discount get the same
fraction of it.

The month is the calendar month in UTC (Google's is in US Pacific time, 7 or 8 hours later). Hours outside the window
that is billed count as no usage. Not here: what commitments cover, which never earns the discount.

References
----------
.. [1] https://docs.cloud.google.com/compute/docs/sustained-use-discounts
"""

from collections.abc import Sequence

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.hours import month_index

Tiers = tuple[tuple[float, float], ...]  # (part of the month, part of the base rate charged in it)

UP_TO_30_PERCENT: Tiers = ((0.25, 1.0), (0.25, 0.8), (0.25, 0.6), (0.25, 0.4))
UP_TO_20_PERCENT: Tiers = ((0.25, 1.0), (0.25, 0.8678), (0.25, 0.733), (0.25, 0.6))
TIERS_OF_SERIES = {
    **dict.fromkeys(("n1", "m1", "m2", "f1", "g1"), UP_TO_30_PERCENT),
    **dict.fromkeys(("n2", "n2d", "c2"), UP_TO_20_PERCENT),
}


def series_of(family: str) -> str:
    """Machine series of a family or machine type: what stands before the first hyphen, space or underscore.

    Examples
    --------
    >>> series_of("n2d-standard-8"), series_of("N1 highmem"), series_of("")
    ('n2d', 'n1', '')
    """
    words = family.strip().lower().replace("_", "-").replace(" ", "-").split("-")
    return words[0]


def charged_fraction(run_fraction: FloatArray, tiers: Tiers) -> FloatArray:
    """Part of a full month at base rate that running for a part of it costs.

    Parameters
    ----------
    run_fraction : FloatArray
        Part of the month, in [0, 1].
    tiers : Tiers
        Their parts of the month sum to 1.

    Returns
    -------
    FloatArray
        Of the same shape.

    Examples
    --------
    >>> charged_fraction(np.array([0.25, 0.5, 1.0]), UP_TO_30_PERCENT).round(9).tolist()
    [0.25, 0.45, 0.7]
    """
    ends = np.cumsum([0.0, *(part for part, _ in tiers)])
    charged = np.cumsum([0.0, *(part * rate for part, rate in tiers)])
    found: FloatArray = np.interp(run_fraction, ends, charged)
    return found


def effective_discount(run_fraction: float, tiers: Tiers) -> float:
    """Discount on all that one resource costs in a month, as a fraction; 0 where it does not run.

    Examples
    --------
    >>> round(effective_discount(0.5, UP_TO_30_PERCENT), 9)
    0.1
    """
    if run_fraction <= 0.0:
        return 0.0
    return 1.0 - float(charged_fraction(np.array(run_fraction), tiers)) / run_fraction


def discount_fractions(usd: FloatArray, hours: IntArray, hour_weights: FloatArray, tiers: Tiers) -> FloatArray:
    """Discount on the usage of one series and region in each hour; the same in all hours of a month.

    Parameters
    ----------
    usd : FloatArray of shape (n_hours,)
        Usage that no commitment covers, spot left out, at base rates. [USD/h]
    hours : IntArray of shape (n_hours,)
        Epoch hours, increasing.
    hour_weights : FloatArray of shape (n_hours,)
        Hours each column stands for. [h]
    tiers : Tiers

    Returns
    -------
    FloatArray of shape (n_hours,)
        Fractions of the base rate.

    Notes
    -----
    With usage sorted downwards, u(1) >= u(2) >= ..., the layer between u(k) and u(k + 1) runs in k hours of the month's
    H, so the charge is sum_j u(j) H (C(j / H) - C((j - 1) / H)), C being `charged_fraction`.
    """
    out = np.zeros(len(hours))
    months, starts = np.unique(month_index(hours), return_index=True)
    for month, part in zip(months, _parts(starts, len(hours)), strict=True):
        out[part] = _month_discount(usd[part], hour_weights[part], _hours_of_month(int(month)), tiers)
    return out


def _month_discount(usd: FloatArray, hour_weights: FloatArray, month_hours: float, tiers: Tiers) -> float:
    """Discount of one month, as a fraction of the base cost."""
    base_usd = float(usd @ hour_weights)
    if base_usd <= 0.0:
        return 0.0
    downwards = np.argsort(-usd, kind="stable")
    run = np.cumsum(hour_weights[downwards])
    # sampled hours may stand for a little more than the month: its last hours are not free of charge then
    full = max(month_hours, float(run[-1]))
    charged = np.diff(charged_fraction(run / full, tiers), prepend=0.0)
    return 1.0 - float(usd[downwards] @ charged) * full / base_usd


def _hours_of_month(month: int) -> float:
    """Length of a calendar month, counted from January 1970. [h]"""
    start, end = np.array([month, month + 1]).astype("datetime64[M]").astype("datetime64[h]").astype(np.int64)
    return float(end - start)


def _parts(starts: Sequence[int] | IntArray, n_hours: int) -> list[slice]:
    """Columns of each month."""
    ends = [*starts[1:], n_hours]
    return [slice(int(start), int(end)) for start, end in zip(starts, ends, strict=True)]
