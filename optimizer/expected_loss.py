"""Expected loss of an outage or a shortage, by hour of the calendar, and at which chance its prevention pays.

Not here: how likely a shortage is (`optimizer.headroom`), where the numbers are declared.
"""

import datetime as dt
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray
from forecasting.hours import HOURS_PER_YEAR

MINUTES_PER_HOUR = 60
MONTHS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarFactor:
    """Hours of the calendar in which an hour of outage costs a multiple of an ordinary one.

    An empty tuple puts no condition; all that are given must hold. Hours and days are UTC.

    Attributes
    ----------
    name : str
    factor : float
        Times the impact of an ordinary hour, >= 0.
    months, days, weekdays, hours : tuple of int
        1 to 12; days of the month, 1 to 31; weekdays, 1 for Monday to 7 for Sunday; 0 to 23.
    start_hour, end_hour : int or None
        Epoch hours between which it counts, end exclusive; None: no bound.
    """

    name: str
    factor: float
    months: tuple[int, ...] = ()
    days: tuple[int, ...] = ()
    weekdays: tuple[int, ...] = ()
    hours: tuple[int, ...] = ()
    start_hour: int | None = None
    end_hour: int | None = None

    def holds(self, epoch_hours: IntArray) -> BoolArray:
        """Whether it counts in each epoch hour. Shape as given."""
        stamps = np.asarray(epoch_hours, dtype=np.int64).astype("datetime64[h]")
        days = stamps.astype("datetime64[D]")
        month = stamps.astype("datetime64[M]")
        fields = (
            (self.months, month.astype(np.int64) % MONTHS + 1),
            (self.days, (days - month.astype("datetime64[D]")).astype(np.int64) + 1),
            (self.weekdays, (days.astype(np.int64) + 3) % 7 + 1),
            (self.hours, np.asarray(epoch_hours, dtype=np.int64) % 24),
        )
        out: BoolArray = np.ones(stamps.shape, dtype=np.bool_)
        for wanted, value in fields:
            if wanted:
                out = out & np.isin(value, wanted)
        if self.start_hour is not None:
            out = out & (np.asarray(epoch_hours) >= self.start_hour)
        if self.end_hour is not None:
            out = out & (np.asarray(epoch_hours) < self.end_hour)
        return out


def hour_factors(epoch_hours: IntArray, factors: Sequence[CalendarFactor]) -> FloatArray:
    """Factor of each hour on the impact of an ordinary one: the largest of those that hold, 1 where none does.

    Parameters
    ----------
    epoch_hours : IntArray of any shape
    factors : sequence of CalendarFactor

    Returns
    -------
    FloatArray of the same shape

    Examples
    --------
    >>> hour_factors(np.array([0, 12]), [CalendarFactor(name="noon", factor=100.0, hours=(12,))]).tolist()
    [1.0, 100.0]
    """
    out = np.full(np.shape(epoch_hours), -np.inf)
    for factor in factors:
        out = np.where(factor.holds(epoch_hours), np.maximum(out, factor.factor), out)
    return np.where(np.isneginf(out), 1.0, out)


def hours_of_year(year: int) -> IntArray:
    """Epoch hours of a calendar year. Shape (8,760,) or (8,784,)."""
    first, last = (np.datetime64(dt.date(number, 1, 1), "h").astype(np.int64) for number in (year, year + 1))
    return np.arange(first, last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credits:
    """Credits owed under service level agreements when an outage happens.

    Attributes
    ----------
    affected_fraction : float
        Part of the customers that it hits.
    monthly_bill_usd : float
        What all customers pay in a month. [USD]
    credit_fraction : float
        Part of the bill of those it hits that is given back.
    """

    affected_fraction: float
    monthly_bill_usd: float
    credit_fraction: float

    @property
    def usd(self) -> float:
        """Affected share x monthly bill x credit. [USD]"""
        return self.affected_fraction * self.monthly_bill_usd * self.credit_fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLoss:
    """What one event costs.

    Attributes
    ----------
    direct_usd : float
        Impact x blast radius x duration. [USD]
    liability_usd : float
        Credits owed. [USD]
    """

    direct_usd: float
    liability_usd: float

    @property
    def usd(self) -> float:
        """Both. [USD]"""
        return self.direct_usd + self.liability_usd


def event_loss(
    *, impact_usd_per_hour: float, blast_radius_fraction: float, duration_hours: float, credits_usd: float = 0.0
) -> EventLoss:
    """Loss of one event: (impact x blast radius) x duration, and the credits owed.

    Examples
    --------
    >>> event_loss(impact_usd_per_hour=1000.0, blast_radius_fraction=0.5, duration_hours=2.0, credits_usd=50.0).usd
    1050.0
    """
    direct = impact_usd_per_hour * blast_radius_fraction * duration_hours
    return EventLoss(direct_usd=direct, liability_usd=credits_usd)


def flip_probability(*, cost_usd: float, loss_usd: float, removed_fraction: float = 1.0) -> float | None:
    """Chance of the event at which its mitigation costs as much as the expected loss it removes.

    Parameters
    ----------
    cost_usd : float
        Of the mitigation, over the time that the chance is for. [USD]
    loss_usd : float
        Of one event. [USD]
    removed_fraction : float
        Part of the expected loss that the mitigation removes.

    Returns
    -------
    float or None
        None where no chance up to 1 makes it worth its cost.

    Examples
    --------
    >>> flip_probability(cost_usd=5e6, loss_usd=50e6)
    0.1
    """
    removed = loss_usd * removed_fraction
    if cost_usd > removed or removed == 0.0:
        return None if cost_usd > 0.0 else 0.0
    return cost_usd / removed


def allowed_downtime_hours(availability_fraction: float, *, period_hours: float = HOURS_PER_YEAR) -> float:
    """Hours of a period, a year where none is given, in which a service may be down. [h]

    Examples
    --------
    >>> round(allowed_downtime_hours(0.999), 2), round(allowed_downtime_hours(0.99999) * 60, 1)
    (8.76, 5.3)
    """
    return (1.0 - availability_fraction) * period_hours


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityOption:
    """One amount of capacity for a peak.

    Attributes
    ----------
    name : str
    cost_usd : float
        Of holding it. [USD]
    fails_above_fraction : float or None
        Traffic, as a part of the forecast peak, above which it fails; None: never.
    loss_usd : float
        Of failing. [USD]
    """

    name: str
    cost_usd: float
    fails_above_fraction: float | None
    loss_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Chances between which one option has the least expected cost."""

    name: str
    from_probability: float
    to_probability: float


def expected_cost_usd(option: CapacityOption, chance_above: dict[float, float]) -> float:
    """Cost of holding it and expected loss of failing. [USD]

    Parameters
    ----------
    option : CapacityOption
    chance_above : dict of float to float
        Chance that traffic passes each threshold.
    """
    chance = 0.0 if option.fails_above_fraction is None else chance_above[option.fails_above_fraction]
    return option.cost_usd + chance * option.loss_usd


def best_by_chance(
    options: Sequence[CapacityOption], *, threshold_fraction: float, others: dict[float, float]
) -> tuple[Stretch, ...]:
    """Which option is best as the chance of passing one threshold goes from 0 to 1; ties to the one named first.

    Parameters
    ----------
    options : sequence of CapacityOption
    threshold_fraction : float
        The one whose chance varies.
    others : dict of float to float
        Chances of passing the other thresholds.

    Returns
    -------
    tuple of Stretch
        In the order of the chance, without gaps; the edges between them are the flip points.

    Examples
    --------
    >>> low = CapacityOption(name="120 %", cost_usd=0.0, fails_above_fraction=1.25, loss_usd=50e6)
    >>> high = CapacityOption(name="150 %", cost_usd=5e6, fails_above_fraction=None, loss_usd=0.0)
    >>> [(one.name, one.to_probability) for one in best_by_chance([low, high], threshold_fraction=1.25, others={})]
    [('120 %', 0.1), ('150 %', 1.0)]
    """

    def cost_at(option: CapacityOption, chance: float) -> float:
        return expected_cost_usd(option, {**others, threshold_fraction: chance})

    lines = [(cost_at(option, 0.0), cost_at(option, 1.0) - cost_at(option, 0.0)) for option in options]
    edges = {0.0, 1.0}
    for row, (start, slope) in enumerate(lines):
        for other_start, other_slope in lines[row + 1 :]:
            if slope != other_slope:
                edges.add(min(max((other_start - start) / (slope - other_slope), 0.0), 1.0))
    ordered = sorted(edges)
    out: list[Stretch] = []
    for low, high in itertools.pairwise(ordered):
        middle = (low + high) / 2.0
        best = min(options, key=lambda option: cost_at(option, middle))
        if out and out[-1].name == best.name:
            low = out.pop().from_probability
        out.append(Stretch(name=best.name, from_probability=low, to_probability=high))
    return tuple(out)
