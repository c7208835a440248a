"""Legs: what one purchase serves from one age to the next, as hardware that moves on from pool to pool does.

A purchase has one quantity, however many legs. Not here: which pools an instrument serves (`optimizer.problem`).
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import BoolArray, IntArray, frozen_ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Succession:
    """As which instrument each instrument goes on once it has been held for some hours.

    Attributes
    ----------
    next_row : IntArray of shape (n_instruments,)
        -1 where it stays what it is.
    after_hours : IntArray of shape (n_instruments,)
        Hours after which it goes on as `next_row`; not read where that is -1. [h]
    """

    next_row: IntArray
    after_hours: IntArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("next_row", "after_hours"):
            object.__setattr__(self, name, frozen_ints(getattr(self, name)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Legs:
    """Stretches of all batches, in the order of the batches, each batch's one after the other.

    Attributes
    ----------
    batch : IntArray of shape (n_legs,)
        Row of `Batches`; its quantity is held.
    instrument : IntArray of shape (n_legs,)
        Row of `Instruments` that serves.
    start_hour, end_hour : IntArray of shape (n_legs,)
        Epoch hours, end exclusive.
    """

    batch: IntArray
    instrument: IntArray
    start_hour: IntArray
    end_hour: IntArray

    def active(self, hours: IntArray) -> BoolArray:
        """Whether each leg runs in each hour. Shape (n_legs, n_hours)."""
        started = self.start_hour[:, None] <= hours[None, :]
        running: BoolArray = started & (hours[None, :] < self.end_hour[:, None])
        return running


def legs_of(instrument: IntArray, *, start_hour: IntArray, end_hour: IntArray, succession: Succession | None) -> Legs:
    """Legs of some batches.

    Parameters
    ----------
    instrument, start_hour, end_hour : IntArray of shape (n_batches,)
        As in `Batches`.
    succession : Succession or None
        None: every instrument stays what it is.

    Examples
    --------
    >>> moved = Succession(next_row=np.array([1, -1]), after_hours=np.array([10, 0]))
    >>> legs = legs_of(np.array([0]), start_hour=np.array([5]), end_hour=np.array([25]), succession=moved)
    >>> legs.instrument.tolist(), legs.start_hour.tolist(), legs.end_hour.tolist()
    ([0, 1], [5, 15], [15, 25])
    """
    batch = np.arange(len(instrument))
    if succession is None:
        return Legs(batch=batch, instrument=instrument, start_hour=start_hour, end_hour=end_hour)
    parts: list[tuple[IntArray, ...]] = []
    row, start = instrument, start_hour
    while len(batch):
        goes_on = (succession.next_row[row] >= 0) & (start + succession.after_hours[row] < end_hour[batch])
        stop = np.where(goes_on, start + succession.after_hours[row], end_hour[batch])
        parts.append((batch, row, start, stop))
        batch, row, start = batch[goes_on], succession.next_row[row[goes_on]], stop[goes_on]
    if not parts:
        parts.append((batch, row, start, end_hour))
    by_turn = [np.concatenate(columns) for columns in zip(*parts, strict=True)]
    order = np.argsort(by_turn[0], kind="stable")
    all_batches, rows, starts, stops = (column[order] for column in by_turn)
    return Legs(batch=all_batches, instrument=rows, start_hour=starts, end_hour=stops)
