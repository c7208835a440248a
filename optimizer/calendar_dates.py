"""Decision dates, the window and the tail of one planning run.

Not here: what is bought on a date (`optimizer.assembly`).
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray, frozen_ints
from forecasting.hours import HOURS_PER_DAY, HOURS_PER_YEAR, add_months, date_of_hour, iso_of_hour, term_hours

MONTHS_PER_QUARTER = 3
FAR_STRIDE_HOURS = 5  # coprime to 24 and 168: five weeks of sampled hours meet every hour of the week


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Timeline:
    """When a run may buy, which hours it answers for, and how far it looks to value what outlives them.

    Attributes
    ----------
    decision_hours : IntArray of shape (n_dates,)
        Purchases that are the answer; the first is the advice.
    tail_hours : IntArray of shape (n_tail_dates,)
        Dates beyond the window at which replacements are bought, only to value the tail.
    start_hour, end_hour : int
        The window: epoch hours, end exclusive.
    valued_end_hour : int
        End of the tail; equal to `end_hour` where there is none.
    charges_full_term : bool
        Whether a purchase costs its whole term, however much of it lies beyond the valued hours; else only the part
        inside.
    sells_at_end : bool
        Whether owned hardware that outlives the valued hours is worth there what it could be sold for
        (`optimizer.hardware_cost`); else its cost is spread evenly over its life, as in a bill.
    stride_hours : int
        Every how many hours one is a column; 0: all of a year, every fifth after it. [h]
    """

    decision_hours: IntArray
    tail_hours: IntArray
    start_hour: int
    end_hour: int
    valued_end_hour: int
    charges_full_term: bool = False
    sells_at_end: bool = False
    stride_hours: int = 0

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "decision_hours", frozen_ints(self.decision_hours))
        object.__setattr__(self, "tail_hours", frozen_ints(self.tail_hours))

    def columns(self) -> tuple[IntArray, FloatArray]:
        """Epoch hours of the demand columns and the hours each stands for: all of a year, every fifth after it.

        Returns
        -------
        tuple of IntArray and FloatArray, each of shape (n_hours,)
        """
        if self.stride_hours:
            parts = (
                _sampled(self.start_hour, self.end_hour, self.stride_hours),
                _sampled(self.end_hour, self.valued_end_hour, self.stride_hours),
            )
            return np.concatenate([hours for hours, _ in parts]), np.concatenate([weights for _, weights in parts])
        near_end = min(self.end_hour, self.start_hour + HOURS_PER_YEAR)
        near = np.arange(self.start_hour, near_end)
        later, later_weights = _sampled(near_end, self.end_hour)
        tail, tail_weights = _sampled(self.end_hour, self.valued_end_hour)
        return np.concatenate([near, later, tail]), np.concatenate([np.ones(len(near)), later_weights, tail_weights])

    def in_window(self, hours: IntArray) -> BoolArray:
        """Whether each hour, of shape (n_hours,), is inside the window."""
        inside: BoolArray = (hours >= self.start_hour) & (hours < self.end_hour)
        return inside


def _sampled(start_hour: int, end_hour: int, stride_hours: int = FAR_STRIDE_HOURS) -> tuple[IntArray, FloatArray]:
    """Every so many hours of a stretch, and the hours each stands for, which sum to its length."""
    hours = np.arange(start_hour, end_hour, stride_hours)
    return hours, np.minimum(stride_hours, end_hour - hours).astype(np.float64)


def planning_timeline(as_of_hour: int, *, cadence_months: int, terms_months: tuple[int, ...]) -> Timeline:
    """Timeline of a plan: the window is the longest term, with purchases at the cadence all through it.

    What is bought late runs past the window, so the tail reaches to the end of the last purchase. Replacements in the
    tail are bought at the same cadence: without them a commitment would be valued there against on-demand alone, and
    look better than it is; with fewer, purchases whose end meets one of their dates would look better than others.

    Parameters
    ----------
    as_of_hour : int
        Epoch hour of the first decision.
    cadence_months : int
    terms_months : tuple of int
        Terms that can be bought; at least one.

    Examples
    --------
    >>> timeline = planning_timeline(0, cadence_months=3, terms_months=(12,))
    >>> len(timeline.decision_hours), timeline.end_hour
    (4, 8760)
    """
    longest = term_hours(max(terms_months))
    end = as_of_hour + longest
    dates = []
    n_steps = 0
    while (date := add_months(as_of_hour, n_steps * cadence_months)) < end:
        dates.append(date)
        n_steps += 1
    valued_end = dates[-1] + longest if len(dates) > 1 else end
    tail = []
    while (date := add_months(as_of_hour, n_steps * cadence_months)) < valued_end:
        tail.append(date)
        n_steps += 1
    return Timeline(
        decision_hours=np.array(dates),
        tail_hours=np.array(tail, dtype=np.int64),
        start_hour=as_of_hour,
        end_hour=end,
        valued_end_hour=valued_end,
        sells_at_end=True,
    )


def moment_text(hour: int) -> str:
    """Date of an epoch hour, with its time where it is not midnight.

    Examples
    --------
    >>> moment_text(48), moment_text(49)
    ('1970-01-03', '1970-01-03T01:00:00Z')
    """
    return iso_of_hour(hour) if hour % HOURS_PER_DAY else date_of_hour(hour).isoformat()


def discount_factors(hours: IntArray, *, as_of_hour: int, rate_yearly: float) -> FloatArray:
    """Discount factor of each hour, constant over quarters from as-of: that of the quarter's middle.

    Within a quarter the mean of exact factors differs from it by 2.0e-5 of itself at 8 % a year; a step for each month
    would triple the number of stretches that the optimizer has to tell apart.

    Examples
    --------
    >>> discount_factors(np.array([0, 8760]), as_of_hour=0, rate_yearly=0.21).round(4)
    array([0.9768, 0.8073])
    """
    edges = [as_of_hour]
    while edges[-1] <= hours[-1]:
        edges.append(add_months(as_of_hour, MONTHS_PER_QUARTER * len(edges)))
    quarter = np.searchsorted(np.array(edges), hours, side="right") - 1
    middle = (np.array(edges[:-1]) + np.array(edges[1:])) / 2.0
    factors: FloatArray = (1.0 + rate_yearly) ** (-(middle[quarter] - as_of_hour) / HOURS_PER_YEAR)
    return factors


def discount_factor_at(hour: int, *, as_of_hour: int, rate_yearly: float) -> float:
    """Discount factor of a payment at one moment, such as an upfront fee.

    Examples
    --------
    >>> discount_factor_at(8760, as_of_hour=0, rate_yearly=0.25)
    0.8
    """
    return float((1.0 + rate_yearly) ** (-(hour - as_of_hour) / HOURS_PER_YEAR))
