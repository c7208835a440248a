"""How much of each hour's demand is there, or is missing, because of an event or a succession of pools.

Not here: what is left once they are taken off (`forecasting.series_parts`), how large an event was
(`forecasting.event_effects`).
"""

from collections.abc import Sequence

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.events import LOSING_KINDS, MOVING_KINDS, Change, apply_change, progress
from forecasting.hours import HOURS_PER_DAY
from forecasting.roadmap import Event, EventKind
from forecasting.succession import Succession

BEFORE_DAYS = 28
MIN_LEFT_FRACTION = 0.05  # of a pool: with less left, what it would have been is read from where it went


def take_off_event(units: FloatArray, pools: Sequence[str], event: Event, hours: IntArray) -> FloatArray:
    """Take what an event did off demand, in place.

    Parameters
    ----------
    units : FloatArray of shape (n_pools, n_hours)
        Demand; becomes what it would have been had the event stood still since the first hour. [units]
    pools : sequence of str
        Pool axis.
    event : Event
    hours : IntArray of shape (n_hours,)
        Epoch hours.

    Returns
    -------
    FloatArray of shape (n_pools, n_hours)
        What was taken off: below 0 where the event made demand smaller. [units]
    """
    taken = np.zeros_like(units)
    done = progress(event, hours)[0]
    if event.kind is EventKind.CAPACITY_CLIFF or not np.any(done != done[0]):
        return taken
    before = units.copy()
    if event.kind in LOSING_KINDS:
        _give_back(units, pools, event, done)
    else:
        change = Change(before=done[None], after=np.full((1, 1), done[0]), size=np.full((1, 1), event.size))
        apply_change(units[None], pools, event, change)
    taken = before - units
    return taken


def take_off_succession(units: FloatArray, succession: Succession, days: IntArray) -> FloatArray:
    """Take a succession of pools off demand, in place: nothing of it shows in the sum of the pools.

    The loser would have kept the part of its own and its gainers' demand that it had in the four weeks before.

    Parameters
    ----------
    units : FloatArray of shape (n_pools, n_hours)
        Demand. [units]
    succession : Succession
    days : IntArray of shape (n_days,)
        Epoch days of the hours.

    Returns
    -------
    FloatArray of shape (n_pools, n_hours)
        What was taken off. [units]
    """
    taken = np.zeros_like(units)
    start = int(np.searchsorted(days, succession.start_day)) * HOURS_PER_DAY
    window = slice(max(start - BEFORE_DAYS * HOURS_PER_DAY, 0), start)
    gaining = list(succession.gaining)
    both = units[succession.losing] + units[gaining].sum(axis=0)
    had = float(both[window].sum())
    if not gaining or had <= 0:
        return taken
    share = float(units[succession.losing, window].sum()) / had
    moved = np.maximum(share * both[start:] - units[succession.losing, start:], 0.0)
    for pool, fraction in zip(gaining, succession.gained_fractions, strict=True):
        came = np.minimum(moved * fraction, units[pool, start:])
        taken[pool, start:] += came
        taken[succession.losing, start:] -= came
    units -= taken
    return taken


def _give_back(units: FloatArray, pools: Sequence[str], event: Event, done: FloatArray) -> None:
    """Undo what pools lost by an event, and what others gained by it."""
    row_of = {pool: row for row, pool in enumerate(pools)}
    sources = [row_of[pool] for pool in event.from_pools if pool in row_of]
    targets = [(row_of[pool], share) for pool, share in event.to_shares if pool in row_of]
    if event.kind not in MOVING_KINDS:
        targets = []
    left = (
        (1.0 - event.size * done) / (1.0 - event.size * done[0]) if event.size * done[0] < 1.0 else np.ones(len(done))
    )
    is_left = left >= MIN_LEFT_FRACTION
    stood = _stood(units, sources, targets, event.conversion, done)
    for source, still in zip(sources, stood, strict=True):
        full = np.where(is_left, units[source] / np.where(is_left, left, 1.0), np.maximum(still, units[source]))
        moved = np.maximum(full - units[source], 0.0)
        for row, share in targets:  # no more can be given back than has come
            if share * event.conversion > 0:
                moved = np.minimum(moved, units[row] / (share * event.conversion))
        units[source] += moved
        for row, share in targets:
            units[row] = np.maximum(units[row] - moved * (share * event.conversion), 0.0)


def _stood(
    units: FloatArray, sources: list[int], targets: list[tuple[int, float]], conversion: float, done: FloatArray
) -> FloatArray:
    """What sources would have if they had kept their part of what they and the targets have now.

    Without targets: the hours of the day of the four weeks before. Shape (n_sources, n_hours).
    """
    start = int(np.argmax(done > done[0])) // HOURS_PER_DAY * HOURS_PER_DAY
    window = slice(max(start - BEFORE_DAYS * HOURS_PER_DAY, 0), start)
    if start == 0:
        return np.zeros((len(sources), units.shape[1]))
    if not targets or conversion <= 0:
        days = units[sources][:, window].reshape(len(sources), -1, HOURS_PER_DAY).mean(axis=1)
        return np.tile(days, (1, units.shape[1] // HOURS_PER_DAY))
    rows = [row for row, _ in targets]
    together = units[sources].sum(axis=0) + units[rows].sum(axis=0) / conversion
    had = float(together[window].sum())
    shares = units[sources][:, window].sum(axis=1) / had if had > 0 else np.zeros(len(sources))
    stood: FloatArray = shares[:, None] * together
    return stood
