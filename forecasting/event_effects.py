"""What events did and will do: sizes of past events estimated from demand, those of returning ones from their past.

The result is the same events with other sizes, so that whatever handles events needs not know where a size is from.
Not here: the regression (`forecasting.event_evidence`), what counts as the same event again
(`forecasting.event_families`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.daily import DailyHistory
from forecasting.event_evidence import BASE_DAYS, PoolSeries, evidence, usual_units
from forecasting.event_families import Belief, Seen, beliefs, family_key
from forecasting.event_progress import ongoing
from forecasting.event_scores import (
    bounded_score,
    declared_score,
    declared_sds,
    effect_fraction,
    has_score,
    is_factor,
    primary_pools,
    with_score,
)
from forecasting.events import NORMAL_Q90
from forecasting.hours import HOURS_PER_DAY
from forecasting.roadmap import Event

NORMAL_Q95 = 1.6448536269514722

AWAITED_FRACTION = 0.25  # of the declared effect: an event of which demand shows less has not begun

DECLARED = "declared"
ESTIMATED = "estimated"
FOUND = "found"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventEffect:
    """What one event does at full progress to the demand of the pools on which it is measured.

    Attributes
    ----------
    name, kind : str
        Of the event; the kind of what was found without being declared is ``level_shift``.
    pools : tuple of str
        The pools that gain (launch, promotion) or lose (all others).
    start_hour, end_hour : int
        Declared first hour, and hour after the last day of the ramp.
    declared_fraction : float or None
        Declared change of their demand; None where no size was declared. Below 0: loss.
    fraction, low_fraction, high_fraction : float
        Estimated change, and its central 90 % interval.
    base_units : float
        Their demand before the event, or now for an event to come: units are fraction times this, but for added units
        to pools without demand. [units]
    units, low_units, high_units : float
        Estimated change, and its central 90 % interval. [units]
    n_seen : int
        Occurrences of the same event in history, this one included, that the estimate rests on.
    source : str
        ``declared``, ``estimated`` or ``found``.
    note : str
        What a reader must know, in one sentence; empty mostly.
    """

    name: str
    kind: str
    pools: tuple[str, ...]
    start_hour: int
    end_hour: int
    declared_fraction: float | None
    fraction: float
    low_fraction: float
    high_fraction: float
    base_units: float
    units: float
    low_units: float
    high_units: float
    n_seen: int
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectEstimates:
    """Events with the sizes that history speaks for.

    Attributes
    ----------
    events : tuple of Event
        In the order given, with `size`, `add_units` or `multiply` estimated and P10 and P90 as `size_range`.
    effects : tuple of EventEffect
        One for each event that acts on demand.
    """

    events: tuple[Event, ...]
    effects: tuple[EventEffect, ...]


def estimated_events(
    daily: DailyHistory, events: Sequence[Event], *, holidays: Sequence[str] | None = None
) -> EffectEstimates:
    """Events with estimated sizes.

    Parameters
    ----------
    daily : DailyHistory
        Only `observed` is read.
    events : sequence of Event
        All visible ones, past and to come.
    holidays : sequence of str, optional
        Name of the holiday on each day of history, empty on ordinary days. None: no holidays.

    Notes
    -----
    An event that has begun within the data is estimated from demand and from what is believed of it: its declared size
    and range, and past occurrences of the same event; a move that goes on or is but a little overdue keeps its declared
    size (`forecasting.event_progress`). One to come takes the mean and spread of its past occurrences.
    One without any, and one that began before the data, stays as declared. One of which demand shows nothing, and
    that its declared slip allows to be late, is yet to come.
    """
    names = tuple(holidays) if holidays is not None else ("",) * daily.n_days
    units = daily.observed.mean(axis=2)
    declared = _comparable(tuple(events), units, daily)
    moves = [ongoing(event, daily) for event in declared]
    given = tuple(event if move is None else move.event for event, move in zip(declared, moves, strict=True))
    is_moving = [move is not None for move in moves]
    alone = _measured(daily, given, names, None, is_moving)
    believed = beliefs(given, alone)
    final = _measured(daily, given, names, believed, is_moving) if any(seen is not None for seen in alone) else alone
    made, effects = [], []
    for event, move, seen, belief in zip(declared, moves, final, believed, strict=True):
        if move is None:
            estimate = _estimate(event, seen, belief, origin_hour=daily.origin_hour)
        else:
            estimate = _as_declared(move.event, note=move.note)
        made.append(estimate.event)
        if primary_pools(event):
            effects.append(_effect(event, estimate, _base_units(event, units, daily), daily.origin_hour))
    return EffectEstimates(events=tuple(made), effects=tuple(effects))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Estimate:
    """An event with the score that it is taken to have."""

    event: Event
    score: float
    low_sd: float
    high_sd: float
    n_seen: int
    source: str
    note: str = ""


def _as_declared(event: Event, *, note: str = "") -> _Estimate:
    """Event of its declared size and range."""
    low_sd, high_sd = declared_sds(event) if has_score(event) else (0.0, 0.0)
    score = declared_score(event) if has_score(event) else 0.0
    return _Estimate(event=event, score=score, low_sd=low_sd, high_sd=high_sd, n_seen=0, source=DECLARED, note=note)


def _estimate(event: Event, seen: Seen | None, belief: Belief, *, origin_hour: int) -> _Estimate:
    """Event as its own demand, as its family, or as its declaration says."""
    if seen is not None and _is_awaited(event, seen, origin_hour):
        return _as_declared(_postponed(event, origin_hour))
    if seen is not None:
        mean, sd, n_seen = seen.score, seen.sd, belief.n_seen + 1
    elif belief.n_seen > 0 and event.start_hour >= origin_hour and has_score(event):
        mean, sd, n_seen = bounded_score(event, belief.mean), belief.sd, belief.n_seen
    else:
        return _as_declared(replace(event, multiply=1.0) if event.is_to_be_learned else event)
    sized = with_score(event, mean, mean - NORMAL_Q90 * sd, mean + NORMAL_Q90 * sd)
    return _Estimate(event=sized, score=mean, low_sd=sd, high_sd=sd, n_seen=n_seen, source=ESTIMATED)


def _is_awaited(event: Event, seen: Seen, origin_hour: int) -> bool:
    """Whether demand shows next to nothing of an event that may yet come by what was declared of its slip."""
    late_days = (origin_hour - event.start_hour) / HOURS_PER_DAY
    declared = effect_fraction(event, declared_score(event), base_units=1.0)
    if event.is_to_be_learned or late_days >= event.slip_days[2] or declared == 0.0:
        return False
    ends = [bounded_score(event, seen.score + sign * NORMAL_Q95 * seen.sd) for sign in (-1.0, 1.0)]
    return max(effect_fraction(event, end, base_units=1.0) / declared for end in ends) < AWAITED_FRACTION


def _postponed(event: Event, origin_hour: int) -> Event:
    """Event that begins now at the earliest, late by what is left of its slip."""
    late_days = (origin_hour - event.start_hour) / HOURS_PER_DAY
    low, middle, high = (max(days - late_days, 0.0) for days in event.slip_days)
    end_hour = origin_hour + event.end_hour - event.start_hour
    return replace(event, start_hour=origin_hour, end_hour=end_hour, slip_days=(low, middle, high))


def _effect(event: Event, estimate: _Estimate, base: float, origin_hour: int) -> EventEffect:
    """Row of the table of effects."""
    scores = [
        bounded_score(event, estimate.score + offset) if has_score(event) else 0.0
        for offset in (-NORMAL_Q95 * estimate.low_sd, 0.0, NORMAL_Q95 * estimate.high_sd)
    ]
    changes = sorted(_change(event, score, base) for score in scores)
    fractions, units = [change[0] for change in changes], [change[1] for change in changes]
    declared = None
    if has_score(event) and not event.is_to_be_learned:
        declared = effect_fraction(event, declared_score(event), base_units=base)
    return EventEffect(
        name=event.name,
        kind=event.kind.value,
        pools=primary_pools(event),
        start_hour=event.start_hour,
        end_hour=event.end_hour,
        declared_fraction=declared,
        fraction=fractions[1],
        low_fraction=fractions[0],
        high_fraction=fractions[2],
        base_units=base,
        units=units[1],
        low_units=units[0],
        high_units=units[2],
        n_seen=estimate.n_seen,
        source=estimate.source,
        note=_note(event, estimate, fractions, declared, is_over=event.end_hour <= origin_hour),
    )


def _change(event: Event, score: float, base: float) -> tuple[float, float]:
    """Change of demand as a fraction and in units."""
    fraction = effect_fraction(event, score, base_units=base) if has_score(event) else 0.0
    added = event.add_units
    return fraction, (score * added if added is not None and not is_factor(event) else fraction * base)


def _note(event: Event, estimate: _Estimate, fractions: list[float], declared: float | None, *, is_over: bool) -> str:
    """What sets an estimate apart from what was declared."""
    if estimate.note:
        return estimate.note
    if estimate.source == ESTIMATED and is_over and declared is not None:
        holds_none = fractions[0] <= 0.0 <= fractions[2] or abs(fractions[1]) < 0.1 * abs(declared)
        if holds_none and not fractions[0] <= declared <= fractions[2]:
            return "Its declared end has passed, and demand shows nothing of it."
    if estimate.event.start_hour > event.start_hour:
        return "Demand shows nothing of it yet: it is taken to be late, within its declared slip."
    if estimate.source == DECLARED and event.is_to_be_learned:
        return "No past event of its label could be measured: it is taken to do nothing."
    return ""


def _measured(
    daily: DailyHistory,
    events: tuple[Event, ...],
    holidays: tuple[str, ...],
    believed: tuple[Belief, ...] | None,
    is_moving: Sequence[bool],
) -> list[Seen | None]:
    """Scores of all events but moves that go on, pools by pools."""
    clusters: dict[tuple[str, ...], list[int]] = {}
    for index, event in enumerate(events):
        if has_score(event) and _is_in(event, daily) and not is_moving[index]:
            clusters.setdefault(primary_pools(event), []).append(index)
    found: list[Seen | None] = [None] * len(events)
    units = daily.observed.mean(axis=2)
    for pools, members in clusters.items():
        rows = [row for row, pool in enumerate(daily.pools) if pool in pools]
        others = [e for index, e in enumerate(events) if index not in members and _touches(e, pools)]
        series = PoolSeries(days=daily.days, units=units[rows].sum(axis=0), holidays=holidays, others=tuple(others))
        chosen = None if believed is None else [believed[index] for index in members]
        for index, seen in zip(members, evidence(series, [events[i] for i in members], chosen), strict=True):
            found[index] = seen
    return found


def _is_in(event: Event, daily: DailyHistory) -> bool:
    """Whether an event began within the data."""
    return daily.first_day * HOURS_PER_DAY < event.start_hour < daily.origin_hour


def _touches(event: Event, pools: tuple[str, ...]) -> bool:
    """Whether an event moves any demand of the pools."""
    return not set(pools).isdisjoint({*event.from_pools, *(pool for pool, _ in event.to_shares)})


def _base_units(event: Event, units: FloatArray, daily: DailyHistory) -> float:
    """Demand of the primary pools in the four weeks before an event, or the last four weeks. [units]"""
    rows = [row for row, pool in enumerate(daily.pools) if pool in primary_pools(event)]
    before: IntArray = np.flatnonzero(daily.days < event.start_hour // HOURS_PER_DAY)[-BASE_DAYS:]
    return usual_units(units[rows][:, before].sum(axis=0)) if len(before) and rows else 0.0


def _comparable(events: tuple[Event, ...], units: FloatArray, daily: DailyHistory) -> tuple[Event, ...]:
    """Events, with added units turned into a factor where another event of the label has no size to compare with."""
    learned = {family_key(event) for event in events if event.is_to_be_learned}
    made = []
    for event in events:
        base = _base_units(event, units, daily)
        if event.add_units is not None and base > 0 and family_key(event) in learned:
            event = replace(event, multiply=1.0 + event.add_units / base, add_units=None)
        made.append(event)
    return tuple(made)
