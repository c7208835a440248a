"""What declared events do to demand: ramps, sampled slips and sizes, and units that move between pools.

An event is applied as a change of its progress: from what already shows in the demand at hand to what shall show.
Only that difference acts, so an event under way moves only what is left to move, and a finished one nothing.
The same operation restates history in the state of today. Not here: how organic demand is forecast.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray, frozen_floats
from forecasting.hours import HOURS_PER_DAY
from forecasting.roadmap import Event, EventKind, RampShape

LOSING_KINDS = frozenset({EventKind.MIGRATION, EventKind.TRANSFER, EventKind.EFFICIENCY, EventKind.SHUTDOWN})
MOVING_KINDS = frozenset({EventKind.MIGRATION, EventKind.TRANSFER})
LOGISTIC_ENDS_LOGIT = float(np.log(99.0))  # logit of 99 %: a logistic ramp runs from 1 % to 99 %
NORMAL_Q90 = 1.2815515655446004  # standard normal quantile at 0.9
MIN_LEFT_FRACTION = 1e-3  # less than this left of a pool is nothing left: dividing by it would invent demand


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EventDraws:
    """Sampled uncertainty of one event, one value for each path.

    Attributes
    ----------
    happens : BoolArray of shape (n_paths,)
        Whether the event comes at all.
    delay_hours : FloatArray of shape (n_paths,)
        How late it runs, >= 0. [h]
    size : FloatArray of shape (n_paths,)
        Fraction of `from_pools`; for launch and promotion the factor of add_units or multiply.
    """

    happens: BoolArray
    delay_hours: FloatArray
    size: FloatArray

    def of(self, paths: IntArray) -> "EventDraws":
        """Return the draws of some paths only."""
        return EventDraws(happens=self.happens[paths], delay_hours=self.delay_hours[paths], size=self.size[paths])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Change:
    """From which progress to which an event is taken.

    Attributes
    ----------
    before, after : FloatArray of shape (n_paths or 1, n_hours or 1)
        Progress that the demand already shows, and that it shall show, in [0, 1].
    size : FloatArray of shape (n_paths or 1, 1)
        As in `EventDraws`.
    """

    before: FloatArray
    after: FloatArray
    size: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("before", "after", "size"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))


def progress(event: Event, hours: IntArray, *, delay_hours: FloatArray | None = None) -> FloatArray:
    """Progress of an event's ramp.

    Parameters
    ----------
    event : Event
    hours : IntArray of shape (n_hours,)
        Epoch hours.
    delay_hours : FloatArray of shape (n_paths,), optional
        How late the event runs; on time where absent. [h]

    Returns
    -------
    FloatArray of shape (n_paths or 1, n_hours)
        In [0, 1]. A pulse is 1 between start and end and 0 elsewhere; every other ramp stays at 1 from its end on.
    """
    delays = np.zeros(1) if delay_hours is None else np.asarray(delay_hours, dtype=np.float64)
    if event.rest is not None:
        return _after_a_rest(event, hours, delays)
    elapsed = np.asarray(hours, dtype=np.float64)[None, :] - event.start_hour - delays[:, None]
    part = elapsed / max(event.end_hour - event.start_hour, 1)
    if event.shape is RampShape.STEP:
        return np.where(elapsed >= 0, 1.0, 0.0)
    if event.shape is RampShape.PULSE:
        return np.where((part >= 0) & (part < 1), 1.0, 0.0)
    if event.shape is RampShape.LINEAR:
        return _through_shown(event, np.clip(part, 0.0, 1.0))
    inside = 1.0 / (1.0 + np.exp(-LOGISTIC_ENDS_LOGIT * (2.0 * np.clip(part, 0.0, 1.0) - 1.0)))
    return _through_shown(event, np.where(part < 0, 0.0, np.where(part >= 1, 1.0, inside)))


def _after_a_rest(event: Event, hours: IntArray, delays: FloatArray) -> FloatArray:
    """Progress of a ramp that ended by its dates before it was done, and goes on: the rest in proportion to time."""
    stood_still, goes_on = event.rest or (event.end_hour, event.end_hour)
    so_far = 1.0 if event.shown is None else event.shown[1]
    by_dates = progress(replace(event, end_hour=stood_still, shown=None, rest=None), hours)
    since = np.asarray(hours, dtype=np.float64)[None, :] - goes_on - delays[:, None]
    later: FloatArray = np.clip(since / max(event.end_hour - goes_on, 1), 0.0, 1.0)
    return by_dates * so_far + later * (1.0 - so_far)


def _through_shown(event: Event, part: FloatArray) -> FloatArray:
    """Progress by the dates, stretched so that it runs through what demand has shown; as it is where that is unknown.

    Between nothing and what was shown, and from there to the whole, in proportion.
    """
    if event.shown is None:
        return part
    stretched: FloatArray = np.interp(part, [0.0, event.shown[0], 1.0], [0.0, event.shown[1], 1.0])
    return stretched


def shown_progress(event: Event, *, origin_hour: int) -> float:
    """Progress that the last hour before `origin_hour` shows; all of it once a ramp's last hour has passed."""
    if event.end_hour <= origin_hour and event.shape is not RampShape.PULSE:
        return 1.0
    return float(progress(event, np.array([origin_hour - 1]))[0, 0])


def draw_event(event: Event, *, n_paths: int, rng: np.random.Generator) -> EventDraws:
    """Sample whether, how late and how large an event comes.

    Slip and size follow two-piece normal distributions through the declared P10, P50 and P90; a slip below zero is
    zero, and a fraction stays in [0, 1].
    """
    happens = rng.random(n_paths) < event.probability
    low, middle, high = event.slip_days
    slips = _two_piece(rng.standard_normal(n_paths), low, middle, high)
    scores = rng.standard_normal(n_paths)  # drawn in any case: a range added to one event leaves the others' draws
    size_low, size_high = event.size_range or (event.size, event.size)
    sizes = np.maximum(_two_piece(scores, size_low, event.size, size_high), 0.0)
    if event.kind in LOSING_KINDS:
        sizes = np.minimum(sizes, 1.0)
    return EventDraws(happens=happens, delay_hours=np.maximum(slips, 0.0) * HOURS_PER_DAY, size=sizes)


def no_uncertainty(event: Event) -> EventDraws:
    """One path on which the event comes on time and at its median size."""
    return EventDraws(happens=np.ones(1, dtype=np.bool_), delay_hours=np.zeros(1), size=np.array([event.size]))


def future_change(event: Event, draws: EventDraws, hours: IntArray, *, origin_hour: int) -> Change | None:
    """Change of an event over future hours, on top of the demand seen just before `origin_hour`.

    Returns
    -------
    Change or None
        None where the event is finished or never acts on demand. An event already under way is certain to go on;
        only the rest of it is late by the sampled slip.
    """
    if event.kind is EventKind.CAPACITY_CLIFF:
        return None
    now = shown_progress(event, origin_hour=origin_hour)
    is_started = event.start_hour < origin_hour
    if is_started and (event.end_hour <= origin_hour or (now >= 1.0 and event.shape is not RampShape.PULSE)):
        return None
    after = progress(event, hours, delay_hours=draws.delay_hours)
    if not is_started:
        after = after * draws.happens[:, None]
    elif event.shape is RampShape.PULSE:
        after = (np.asarray(hours)[None, :] < event.end_hour + draws.delay_hours[:, None]).astype(np.float64)
    else:
        after = np.maximum(after, now)
    return Change(before=np.full((1, 1), now), after=after, size=draws.size[:, None])


def past_change(event: Event, hours: IntArray, *, origin_hour: int) -> Change | None:
    """Change that restates demand of past hours in the event's state just before `origin_hour`, by its median size.

    Returns
    -------
    Change or None
        None where the event has not begun or never acts on demand.
    """
    if event.kind is EventKind.CAPACITY_CLIFF or event.start_hour >= origin_hour:
        return None
    now = np.full((1, 1), shown_progress(event, origin_hour=origin_hour))
    return Change(before=progress(event, hours), after=now, size=np.full((1, 1), event.size))


def apply_change(units: FloatArray, pools: Sequence[str], event: Event, change: Change) -> None:
    """Move the units of an event, in place.

    Parameters
    ----------
    units : FloatArray of shape (n_paths, n_pools, n_hours)
        Demand, changed in place; stays >= 0. [units]
    pools : sequence of str
        Pool axis. Pools of the event that are not in it are left out.
    event : Event
    change : Change

    Notes
    -----
    A pool of which the fraction `size * before` is gone keeps ``(1 - size * after) / (1 - size * before)`` of what is
    seen; for a migration or transfer what it loses arrives at the receiving pools, times their shares and the
    conversion. A launch adds ``add_units * size * (after - before)`` by shares; ``multiply`` scales each receiving
    pool by ``(1 + (m - 1) after) / (1 + (m - 1) before)`` with m = multiply * size.
    """
    row_of = {pool: row for row, pool in enumerate(pools)}
    targets = [(row_of[pool], share) for pool, share in event.to_shares if pool in row_of]
    if event.kind in LOSING_KINDS:
        sources = [row_of[pool] for pool in event.from_pools if pool in row_of]
        _take(units, sources, targets if event.kind in MOVING_KINDS else [], change, event.conversion)
    elif event.add_units is not None:
        added = event.add_units * change.size * (change.after - change.before)
        for row, share in targets:
            units[:, row] = np.maximum(units[:, row] + added * share, 0.0)
    elif event.multiply is not None:
        gain = event.multiply * change.size - 1.0
        factor = _safe_ratio(1.0 + gain * change.after, 1.0 + gain * change.before)
        for row, _ in targets:
            units[:, row] *= factor


def declared_spans(pools: Sequence[str], events: Sequence[Event]) -> tuple[tuple[int, int] | None, ...]:
    """For each pool, first epoch day and day after the last of the events that take demand from it, None without."""
    spans: list[tuple[int, int] | None] = []
    for pool in pools:
        own = [event for event in events if event.kind in LOSING_KINDS and pool in event.from_pools]
        last = max((-(-event.end_hour // HOURS_PER_DAY) for event in own), default=0)
        spans.append((min(event.start_hour for event in own) // HOURS_PER_DAY, last) if own else None)
    return tuple(spans)


def _take(
    units: FloatArray, sources: list[int], targets: list[tuple[int, float]], change: Change, conversion: float
) -> None:
    """Take from the sources what goes, and give it to the targets, in place."""
    kept = _safe_ratio(1.0 - change.size * change.after, 1.0 - change.size * change.before)
    for source in sources:
        moved = units[:, source] * (1.0 - kept)
        units[:, source] *= kept
        for row, share in targets:
            units[:, row] = np.maximum(units[:, row] + moved * (share * conversion), 0.0)


def _safe_ratio(after: FloatArray, before: FloatArray) -> FloatArray:
    """Ratio of what is left after to before, never negative; 1 where nothing was left before."""
    has_rest = before > MIN_LEFT_FRACTION
    ratio: FloatArray = np.where(has_rest, np.maximum(after, 0.0) / np.where(has_rest, before, 1.0), 1.0)
    return ratio


def _two_piece(scores: FloatArray, low: float, middle: float, high: float) -> FloatArray:
    """Two-piece normal values with the given P10, P50 and P90 at standard normal scores."""
    spread = np.where(scores > 0, high - middle, middle - low)
    values: FloatArray = middle + scores * spread / NORMAL_Q90
    return values
