"""Segments: stretches of hours in which the same batches are held and an hour counts the same.

Not here: what the hours of a segment cost (`optimizer.sweep`).
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray, frozen_floats, frozen_ints
from optimizer.problem import PlanningProblem


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segments:
    """Stretches of hours.

    Attributes
    ----------
    of_hour : IntArray of shape (n_hours,)
        Segment of each column of the problem.
    first_hour : IntArray of shape (n_segments,)
        Epoch hour of the segment's first column.
    hours : FloatArray of shape (n_segments,)
        Hours it stands for, sampled ones counted by their weight. [h]
    discount : FloatArray of shape (n_segments,)
        Discount factor of its hours.
    in_window : BoolArray of shape (n_segments,)
        Whether metrics and limits are taken in it.
    """

    of_hour: IntArray
    first_hour: IntArray
    hours: FloatArray
    discount: FloatArray
    in_window: BoolArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("of_hour", "first_hour"):
            object.__setattr__(self, name, frozen_ints(getattr(self, name)))
        for name in ("hours", "discount"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))

    @property
    def n_segments(self) -> int:
        """Number of segments."""
        return len(self.first_hour)


def segments_of(problem: PlanningProblem) -> Segments:
    """Cut the hours wherever a leg of a batch starts or ends, the discount changes, or the window or a year ends."""
    hours, legs = problem.hours, problem.legs
    cuts = np.zeros(len(hours), dtype=bool)
    cuts[0] = True
    for edges in (legs.start_hour, legs.end_hour):
        place = np.searchsorted(hours, edges)
        cuts[place[place < len(hours)]] = True
    cuts[1:] |= problem.discount[1:] != problem.discount[:-1]
    cuts[1:] |= problem.in_window[1:] != problem.in_window[:-1]
    if problem.contract is not None:
        year = problem.contract.year_of_hour
        cuts[1:] |= year[1:] != year[:-1]
    of_hour = np.cumsum(cuts) - 1
    first = np.flatnonzero(cuts)
    return Segments(
        of_hour=of_hour,
        first_hour=hours[first],
        hours=np.bincount(of_hour, weights=problem.hour_weights).astype(np.float64),
        discount=problem.discount[first],
        in_window=problem.in_window[first],
    )
