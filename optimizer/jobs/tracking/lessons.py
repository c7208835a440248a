"""What the next plan should learn of a review: how much wider its intervals, how large and how late its events.

Not here: how it was found (`optimizer.jobs.tracking.calibration`, `optimizer.jobs.tracking.event_sizes`), what a plan
does with it (`optimizer.jobs.tracking.revision`).
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from forecasting.numerals import percent
from optimizer.jobs.tracking.calibration import MAX_WIDENING, MIN_LESSON_DAYS, NOMINAL_FRACTION, Calibration
from optimizer.jobs.tracking.driver_bias import DriverBias
from optimizer.jobs.tracking.event_sizes import EventFound

TRACK_SCHEMA = 1  # of track.json, which a plan reads back
SIZE_ERRORS = 2.0  # standard errors that a size must be off by to be corrected
LEAST_SIZE_FRACTION = 0.1  # and by how much: smaller ones lie inside any declared range
LEAST_LAG_DAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLesson:
    """A correction of one declared event.

    Attributes
    ----------
    name : str
    size_factor : float
        What to multiply its size by; 1 where it stands.
    lag_days : int
        How many days to put its dates back; 0 where they stand.
    is_under_way : bool
        Whether its ramp goes on after the tracked days: the factor is its size or its pace then.
    text : str
        The edit of the roadmap in words.
    """

    name: str
    size_factor: float
    lag_days: int
    is_under_way: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lessons:
    """All lessons of one review.

    Attributes
    ----------
    widening_factor : float
        On the distance of the scenarios from their median, from 1 to `MAX_WIDENING`.
    organic_fraction : float
        Actual over expected organic demand, less 1.
    events : tuple of EventLesson
        Those to correct.
    sentences : tuple of str
        All of it in words.
    """

    widening_factor: float
    organic_fraction: float
    events: tuple[EventLesson, ...]
    sentences: tuple[str, ...]


def lessons_of(
    found: Calibration, events: Sequence[EventFound], drivers: Sequence[DriverBias], *, under_way: Collection[str] = ()
) -> Lessons:
    """Lessons of what was found.

    Parameters
    ----------
    found : Calibration
    events : sequence of EventFound
    drivers : sequence of DriverBias
    under_way : collection of str
        Events whose ramp goes on after the tracked days.
    """
    told = (event_lesson(event, is_under_way=event.name in under_way) for event in events)
    corrections = tuple(lesson for lesson in told if lesson is not None)
    organic = found.total.organic_fraction
    sentences = [_widening_sentence(found)]
    if math.isfinite(organic):
        side = "above" if organic >= 0 else "below"
        sentences.append(
            f"Organic demand, weighted by on-demand USD, ran {percent(abs(organic))} {side} the forecast, events and "
            "anomalies apart."
        )
    sentences += [_driver_sentence(driver) for driver in drivers]
    sentences += [lesson.text for lesson in corrections]
    sentences += [
        f"Event '{event.name}': too little of it was to be seen in these days to judge it."
        for event in events
        if not event.is_seen
    ]
    return Lessons(
        widening_factor=found.widening_factor,
        organic_fraction=organic,
        events=corrections,
        sentences=tuple(sentences),
    )


def event_lesson(event: EventFound, *, is_under_way: bool) -> EventLesson | None:
    """Correction of an event; None where its size and dates stand."""
    if not event.is_seen:
        return None
    off = abs(event.factor - 1.0)
    is_off = off >= LEAST_SIZE_FRACTION and off > SIZE_ERRORS * event.factor_error
    is_late = abs(event.lag_days) >= LEAST_LAG_DAYS
    if not is_off and not is_late:
        return None
    factor, lag = (event.factor if is_off else 1.0), (event.lag_days if is_late else 0)
    edits = []
    if is_off and factor < LEAST_SIZE_FRACTION:
        edits.append("next to nothing of it came: take it out, or put its dates back")
    elif is_off and is_under_way:
        edits.append(
            f"so far it changed demand {factor:.2f} times as much as expected: check its size and, as its ramp goes "
            "on, its dates"
        )
    elif is_off:
        edits.append(f"multiply its size by {factor:.2f} (it changed demand {factor:.2f} times as much as expected)")
    if lag:
        side = "later" if lag > 0 else "earlier"
        edits.append(f"put its dates {abs(lag)} days {side}")
    text = f"Event '{event.name}': {'; '.join(edits)}."
    return EventLesson(name=event.name, size_factor=factor, lag_days=lag, is_under_way=is_under_way, text=text)


def _widening_sentence(found: Calibration) -> str:
    """What is recommended of the intervals, and why."""
    pools, total = percent(found.coverage_fraction, 0), percent(found.total.coverage_fraction, 0)
    inside = f"{pools} of the pool-days, and {total} of the days of all pools together, lay between P10 and P90"
    if found.n_days < MIN_LESSON_DAYS:
        return f"{inside}; {MIN_LESSON_DAYS} days are needed to say how wide the next intervals should be."
    if found.widening_factor <= 1.0:
        return f"{inside} ({percent(NOMINAL_FRACTION, 0)} expected): the intervals stand."
    most = f", as far as it is taken ({MAX_WIDENING:g})" if found.widening_factor >= MAX_WIDENING else ""
    return (
        f"{inside} ({percent(NOMINAL_FRACTION, 0)} expected): widen the intervals of the next plan "
        f"{found.widening_factor:.2f} times{most}."
    )


def _driver_sentence(driver: DriverBias) -> str:
    """What one driver did, and what demand should have made of it."""
    side = "above" if driver.actual_factor >= 1.0 else "below"
    off = f"Driver '{driver.name}' came {percent(abs(driver.actual_factor - 1.0))} {side} what was expected"
    if driver.elasticity is None:
        return f"{off}; its elasticity is not declared."
    effect = driver.effect_fraction
    return f"{off}, which makes {percent(effect)} of demand of {driver.target} at elasticity {driver.elasticity:g}."
