"""Capacity that lets a group of pools carry its peak without its largest site: how much, and where it costs least.

Not here: who is in the group, what its peak is (`optimizer.headroom`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import BoolArray, FloatArray

TOLERANCE = 1e-9  # of what is needed: a fill that misses it by rounding is a fill


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteMember:
    """One pool of a group.

    Attributes
    ----------
    pool : str
    site : str
        Its region or zone.
    unit_size : float
        What one unit carries, in the units of the group.
    firm_units : float
        Firm capacity that it has anyway. [units]
    unit_usd : float
        Cost of holding one unit more for the month. [USD/unit]
    can_reserve : bool
        Whether anything on sale adds firm capacity there.
    """

    pool: str
    site: str
    unit_size: float
    firm_units: float
    unit_usd: float
    can_reserve: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteNeed:
    """What a group needs so that any one site may be lost.

    Attributes
    ----------
    largest_site : str
        Site of the most firm capacity, before anything is added.
    left_units : float
        Firm capacity of the other sites, before anything is added. [units of the group]
    extra_units : tuple of float
        What each member adds. [units]
    is_possible : bool
        False where the group has one site only.
    """

    largest_site: str
    left_units: float
    extra_units: tuple[float, ...]
    is_possible: bool


def site_need(members: Sequence[SiteMember], *, peak_units: float) -> SiteNeed:
    """Least cost of capacity so that the sum of all sites without any one of them is at least the peak.

    What a site adds goes to its pool of the least cost for what it carries, then by name.

    Parameters
    ----------
    members : sequence of SiteMember
    peak_units : float
        [units of the group]

    Examples
    --------
    >>> parts = dict(unit_size=1.0, unit_usd=1.0, can_reserve=True)
    >>> pair = [SiteMember(pool=name, site=name, firm_units=60.0, **parts) for name in ("east", "west")]
    >>> site_need(pair, peak_units=100.0).extra_units
    (40.0, 40.0)
    """
    sites = sorted({member.site for member in members})
    firm = np.array([sum(one.firm_units * one.unit_size for one in members if one.site == site) for site in sites])
    adds = [_adding(members, site) for site in sites]
    usd = np.array([one.unit_usd / one.unit_size for one in adds])
    can = np.array([one.can_reserve for one in adds])
    largest = int(np.argmax(firm))
    extra = least_extra(firm, usd, needed=peak_units, can_add=can)
    if extra is None:  # the limit is then out of reach, and the solver names it
        extra = least_extra(firm, usd, needed=peak_units, can_add=np.ones_like(can))
    by_pool = {} if extra is None else {one.pool: x / one.unit_size for one, x in zip(adds, extra, strict=True)}
    return SiteNeed(
        largest_site=sites[largest],
        left_units=float(np.delete(firm, largest).sum()),
        extra_units=tuple(float(by_pool.get(member.pool, 0.0)) for member in members),
        is_possible=extra is not None,
    )


def _adding(members: Sequence[SiteMember], site: str) -> SiteMember:
    """The pool of a site to which capacity is added."""
    here = [member for member in members if member.site == site]
    return min(here, key=lambda one: (not one.can_reserve, one.unit_usd / one.unit_size, one.pool))


def least_extra(firm: FloatArray, unit_usd: FloatArray, *, needed: float, can_add: BoolArray) -> FloatArray | None:
    """Least-cost additions so that no site is missed: sum(firm + extra) - max(firm + extra) >= needed.

    With the level M of the largest site fixed it is best to fill the cheapest sites up to M until they add up to
    needed + M. That cost is linear in M but where one more site is full, so that only those levels are tried.

    Parameters
    ----------
    firm, unit_usd : FloatArray of shape (n_sites,)
        Capacity of each site, and the cost of one more unit of it.
    needed : float
    can_add : BoolArray of shape (n_sites,)

    Returns
    -------
    FloatArray of shape (n_sites,) or None
        None where no additions are enough.

    Examples
    --------
    >>> least_extra(np.array([6.0, 2.0, 2.0]), np.array([1.0, 3.0, 2.0]), needed=7.0, can_add=np.ones(3, dtype=bool))
    array([0., 0., 3.])
    """
    order = [int(site) for site in np.argsort(unit_usd, kind="stable") if can_add[site]]
    most, total = float(firm.max()), float(firm.sum())
    if total - most >= needed:
        return np.zeros_like(firm)
    levels = [most]
    for count in range(2, len(order) + 1):
        levels.append((needed - total + float(firm[order[:count]].sum())) / (count - 1))
    fills = [_filled(firm, order, level, needed + level - total) for level in sorted(levels) if level >= most]
    found = [fill for fill in fills if fill is not None]
    return min(found, key=lambda fill: float(unit_usd @ fill)) if found else None


def _filled(firm: FloatArray, order: Sequence[int], level: float, missing: float) -> FloatArray | None:
    """Sites raised to a level, the first ones first, until nothing is missing; None where they cannot."""
    extra, left = np.zeros_like(firm), missing
    for site in order:
        extra[site] = min(max(level - float(firm[site]), 0.0), max(left, 0.0))
        left -= float(extra[site])
    return extra if left <= TOLERANCE * max(abs(missing), level, 1.0) else None
