"""Expected loss of a shortage against the cost of holding capacity, for one pool and one month, and where it flips.

One shortage a month at most: when the month's highest hour is above capacity. It falls in the dearest of the hours
above capacity. Not here: what must be held in the end (`optimizer.headroom`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, IntArray, frozen_floats
from optimizer.expected_loss import CalendarFactor, Credits, EventLoss, event_loss, hour_factors
from optimizer.pools import Pool


def declares_loss(pool: Pool) -> bool:
    """Whether the pool says what a shortage costs: an impact, credits owed to customers, or both."""
    return pool.impact_usd_per_hour is not None or pool.sla_monthly_bill_usd is not None


def shortage_loss(pool: Pool) -> EventLoss:
    """Loss of one shortage in an ordinary hour: impact x blast radius x duration, and the credits owed.

    Examples
    --------
    >>> pool = Pool(name="a", impact_usd_per_hour=1000.0, blast_radius_fraction=0.5, repair_hours=2.0)
    >>> shortage_loss(pool).direct_usd
    1000.0
    """
    credits = Credits(
        affected_fraction=pool.sla_affected_fraction or 0.0,
        monthly_bill_usd=pool.sla_monthly_bill_usd or 0.0,
        credit_fraction=pool.sla_credit_fraction or 0.0,
    )
    return event_loss(
        impact_usd_per_hour=pool.impact_usd_per_hour or 0.0,
        blast_radius_fraction=pool.blast_radius_fraction,
        duration_hours=pool.detect_hours + pool.repair_hours,
        credits_usd=credits.usd,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassPeaks:
    """Highest hour of a month among the hours whose impact is at least a factor, by scenario.

    Attributes
    ----------
    factors : FloatArray of shape (n_classes,)
        Times an ordinary hour, decreasing.
    units : FloatArray of shape (n_classes, n_scenarios)
        Never decreasing along the first axis; the last row is the highest hour of the month. [units]
    """

    factors: FloatArray
    units: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "factors", frozen_floats(self.factors))
        object.__setattr__(self, "units", frozen_floats(self.units))


def class_peaks(units: FloatArray, hours: IntArray, calendar: Sequence[CalendarFactor]) -> ClassPeaks:
    """Peaks of one pool's month by the factor of the hour.

    Parameters
    ----------
    units : FloatArray of shape (n_scenarios, n_hours)
        Demand in the hours of the month. [units]
    hours : IntArray of shape (n_hours,)
        Epoch hours.
    calendar : sequence of CalendarFactor
        Those about the pool.

    Examples
    --------
    >>> noon = CalendarFactor(name="noon", factor=100.0, hours=(12,))
    >>> found = class_peaks(np.array([[5.0, 3.0]]), np.array([0, 12]), [noon])
    >>> found.factors.tolist(), found.units.tolist()
    ([100.0, 1.0], [[3.0], [5.0]])
    """
    of_hour = hour_factors(hours, calendar)
    factors = np.unique(of_hour)[::-1]
    peaks = np.stack([units[:, of_hour == factor].max(axis=1) for factor in factors])
    return ClassPeaks(factors=factors, units=np.maximum.accumulate(peaks, axis=0))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LossCurve:
    """What a month costs at each capacity worth considering. All arrays of shape (n_levels,).

    Attributes
    ----------
    units : FloatArray
        Capacities, increasing. [units]
    holding_usd : FloatArray
        Cost of holding what is above firm on-demand. [USD]
    probability : FloatArray
        Chance that the highest hour is above it.
    direct_usd, liability_usd : FloatArray
        Expected loss: direct, and credits owed. [USD]
    """

    units: FloatArray
    holding_usd: FloatArray
    probability: FloatArray
    direct_usd: FloatArray
    liability_usd: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("units", "holding_usd", "probability", "direct_usd", "liability_usd"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))

    @property
    def loss_usd(self) -> FloatArray:
        """Both parts of the expected loss. [USD]"""
        return self.direct_usd + self.liability_usd

    @property
    def best(self) -> int:
        """Place of the capacity of the least holding cost and expected loss; the smallest of equals."""
        return int(np.argmin(self.holding_usd + self.loss_usd))

    def levels(self, first: int, end: int) -> "LossCurve":
        """Only the levels from one place to another, end exclusive."""
        names = ("units", "holding_usd", "probability", "direct_usd", "liability_usd")
        return LossCurve(**{name: getattr(self, name)[first:end] for name in names})

    def place(self, units: float) -> int:
        """Place of a capacity that is among the levels."""
        return int(np.searchsorted(self.units, units))


def loss_curve(
    peaks: ClassPeaks,
    weights: FloatArray,
    loss: EventLoss,
    *,
    unit_usd: float,
    free_units: float,
    also: Sequence[float] = (),
) -> LossCurve:
    """Holding cost and expected loss at every capacity at which the loss changes.

    holding = unit_usd x max(c - free_units, 0); direct = sum_s w_s x direct loss x the largest factor of an hour above
    c; liability = P(highest hour > c) x credits. Between the levels nothing is lost less, and more is held, so that
    the best of all capacities is one of them.

    Parameters
    ----------
    peaks : ClassPeaks
    weights : FloatArray of shape (n_scenarios,)
    loss : EventLoss
        Of one shortage in an ordinary hour.
    unit_usd : float
        Cost of holding one unit for the month. [USD/unit]
    free_units : float
        Firm on-demand, at no cost. [units]
    also : sequence of float
        Further capacities to have in the curve. [units]

    Examples
    --------
    >>> peaks = ClassPeaks(factors=np.array([1.0]), units=np.array([[10.0, 20.0]]))
    >>> curve = loss_curve(
    ...     peaks,
    ...     np.array([0.9, 0.1]),
    ...     EventLoss(direct_usd=1000.0, liability_usd=0.0),
    ...     unit_usd=9.0,
    ...     free_units=0.0,
    ... )
    >>> float(curve.units[curve.best]), curve.loss_usd.tolist()
    (20.0, [1000.0, 100.0, 0.0])
    """
    highest = peaks.units[-1]
    free = min(free_units, float(highest.max()))
    units = np.unique(np.concatenate([peaks.units.ravel(), [free, *also]]))
    chance = np.stack([(of_class[None, :] > units[:, None]) @ weights for of_class in peaks.units])
    step = peaks.factors - np.append(peaks.factors[1:], 0.0)
    return LossCurve(
        units=units,
        holding_usd=unit_usd * np.maximum(units - free_units, 0.0),
        probability=chance[-1],
        direct_usd=loss.direct_usd * (step @ chance),
        liability_usd=loss.liability_usd * chance[-1],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """Where another capacity would be as good as the best.

    Attributes
    ----------
    units : float
        The other capacity. [units]
    factor : float
        On the chance of every excess, or on the whole loss, at which it is.
    probability : float or None
        Chance that demand is above the smaller of the two, at that factor; None where it would be above 1.
    impact_factor : float or None
        The same on the impact alone; None where no impact makes it so.
    """

    units: float
    factor: float
    probability: float | None
    impact_factor: float | None


def flip_up(curve: LossCurve) -> Flip | None:
    """Smallest rise at which more capacity is worth holding; None where there is nothing more to save.

    The best level i gives way to j > i at the factor (holding_j - holding_i) / (loss_i - loss_j); the least counts.
    """
    at = curve.best
    saved = curve.loss_usd[at] - curve.loss_usd
    more = np.flatnonzero((np.arange(len(saved)) > at) & (saved > 0.0))
    if not len(more):
        return None
    held = curve.holding_usd[more] - curve.holding_usd[at]
    factors = held / saved[more]
    first = int(np.argmin(factors))
    direct = curve.direct_usd[at] - curve.direct_usd[more]
    liability = curve.liability_usd[at] - curve.liability_usd[more]
    impact = min(((h - b) / a for h, a, b in zip(held, direct, liability, strict=True) if a > 0.0), default=None)
    return Flip(
        units=float(curve.units[more[first]]),
        factor=float(factors[first]),
        probability=_chance(float(factors[first] * curve.probability[at])),
        impact_factor=None if impact is None else float(impact),
    )


def flip_down(curve: LossCurve) -> Flip | None:
    """Smallest fall at which less capacity is enough; None where holding costs nothing, so that none is."""
    at = curve.best
    lost = curve.loss_usd - curve.loss_usd[at]
    held = curve.holding_usd[at] - curve.holding_usd
    less = np.flatnonzero((np.arange(len(held)) < at) & (held > 0.0) & (lost > 0.0))
    if not len(less):
        return None
    factors = held[less] / lost[less]
    first = int(np.argmax(factors))
    direct = curve.direct_usd[less] - curve.direct_usd[at]
    liability = curve.liability_usd[less] - curve.liability_usd[at]
    impacts = [(h - b) / a for h, a, b in zip(held[less], direct, liability, strict=True) if a > 0.0 and h >= b]
    return Flip(
        units=float(curve.units[less[first]]),
        factor=float(factors[first]),
        probability=_chance(float(factors[first] * curve.probability[less[first]])),
        impact_factor=float(max(impacts)) if impacts else None,
    )


def _chance(value: float) -> float | None:
    """A chance, None above 1."""
    return value if value <= 1.0 else None
