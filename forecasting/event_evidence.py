"""What demand says of the events in it: their scores estimated together with level, weekdays and seasons, in logs.

Events on the same pools are one regression, with a wandering level under them so that slow growth is no effect, and
with days and steps that stick out set aside. Pools that came from nothing or went to nothing are compared directly.
Not here: the regression (`forecasting.event_regression`), where beliefs come from (`forecasting.event_families`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray, frozen_floats
from forecasting.day_columns import calendar_columns, local_weekdays
from forecasting.event_families import Belief, Seen
from forecasting.event_kinds import RampShape
from forecasting.event_regression import EventRegression
from forecasting.event_scores import LEAST_LEFT, bounded_score
from forecasting.events import LOSING_KINDS, progress
from forecasting.hours import HOURS_PER_DAY
from forecasting.level import is_intermittent, log_daily
from forecasting.roadmap import Event
from forecasting.seasons import MAD_TO_SD, calendar_residuals, holiday_effects

BASE_DAYS = 28
MIN_BASE_DAYS = 7  # before an event, or there is nothing to compare it with
MIN_SERIES_DAYS = 21
MIN_HOLIDAY_DAYS = 90
FROM_NOTHING_FRACTION = 0.05  # of what came, below which there was nothing before
TO_NOTHING_FRACTION = 0.02
TO_NOTHING_SD = 0.01
TINY_UNITS = 1e-12
SETTLING_DAYS = 7
TIMING_FRACTION = 0.25  # of its length, by which a ramp under way runs ahead or behind two times in three


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PoolSeries:
    """Daily demand of the primary pools of some events.

    Attributes
    ----------
    days : IntArray of shape (n_days,)
        Epoch days.
    units : FloatArray of shape (n_days,)
        Daily mean. [units]
    holidays : tuple of str
        Name of each day's holiday, empty on ordinary days.
    others : tuple of Event
        Events whose size is measured elsewhere but that move demand here too.
    """

    days: IntArray
    units: FloatArray
    holidays: tuple[str, ...]
    others: tuple[Event, ...] = ()

    def __post_init__(self) -> None:
        """Freeze the array."""
        object.__setattr__(self, "units", frozen_floats(self.units))

    def cut(self, first: int, last: int) -> "PoolSeries":
        """Days from `first` to before `last`."""
        return replace(
            self, days=self.days[first:last], units=self.units[first:last], holidays=self.holidays[first:last]
        )

    @property
    def n_living_days(self) -> int:
        """Days up to the last one with any demand to speak of."""
        usual = float(np.median(self.units[self.units > 0])) if np.any(self.units > 0) else np.inf
        living = np.flatnonzero(self.units > LEAST_LEFT * usual)
        return int(living[-1]) + 1 if len(living) else 0

    def base_units(self, event: Event) -> float:
        """Demand in the four weeks before an event, or the last there are; nan where too little came before."""
        before = self.units[self.days < event.start_hour // HOURS_PER_DAY][-BASE_DAYS:]
        return usual_units(before) if len(before) >= MIN_BASE_DAYS else np.nan


def usual_units(units: FloatArray) -> float:
    """Median of the means of seven days in a row, so that quiet days of the week count; the mean of fewer days.

    Examples
    --------
    >>> usual_units(np.array([7.0, 7, 7, 7, 7, 0, 0] * 3))
    5.0
    """
    if len(units) < 7:
        return float(units.mean()) if len(units) else 0.0
    return float(np.median(np.lib.stride_tricks.sliding_window_view(units, 7).mean(axis=1)))


def daily_progress(event: Event, days: IntArray) -> FloatArray:
    """Mean progress of an event on each day. Shape (n_days,)."""
    hours = (days[:, None] * HOURS_PER_DAY + np.arange(HOURS_PER_DAY)).ravel()
    mean: FloatArray = progress(event, hours)[0].reshape(len(days), HOURS_PER_DAY).mean(axis=1)
    return mean


def evidence(series: PoolSeries, events: Sequence[Event], believed: Sequence[Belief] | None) -> tuple[Seen | None, ...]:
    """Scores of events on the same primary pools.

    Parameters
    ----------
    series : PoolSeries
    events : sequence of Event
    believed : sequence of Belief or None
        Of each event; None: what demand alone says.

    Returns
    -------
    tuple of Seen or None
        None for an event that is not yet, or was always, in the data, or where demand is too patchy to say anything.
    """
    found: list[Seen | None] = [None] * len(events)
    fitted = []
    last = series.n_living_days
    for index, event in enumerate(events):
        part = daily_progress(event, series.days)
        base = series.base_units(event)
        if not np.any(part > 0) or not base >= 0:
            continue
        found[index] = _compared(series, event, part, base)
        if found[index] is None and base > 0:
            fitted.append(index)
        elif event.kind in LOSING_KINDS:  # nothing is left that could say more
            last = min(last, int(np.argmax(part > 0)))
    if believed is not None:
        found = [None if seen is None else _shrunk(seen, belief) for seen, belief in zip(found, believed, strict=True)]
    first = int(np.argmax(series.units > 0))
    if fitted and last - first >= MIN_SERIES_DAYS:
        chosen = [events[index] for index in fitted]
        beliefs = None if believed is None else [believed[index] for index in fitted]
        for index, seen in zip(fitted, _fitted(series.cut(first, last), chosen, beliefs), strict=True):
            found[index] = seen
    return tuple(found)


def _compared(series: PoolSeries, event: Event, part: FloatArray, base: float) -> Seen | None:
    """Score of an event before which, or after which, there is nothing; None for any other."""
    if _came_from_nothing(series, event, part, base):
        return _seen_from_nothing(series, event, part)
    if _went_to_nothing(series, event, part, base):
        return Seen(score=bounded_score(event, 1.0 / event.size), sd=TO_NOTHING_SD)
    return None


def _shrunk(seen: Seen, belief: Belief) -> Seen:
    """What is seen and what is believed, by their precisions."""
    precision = 1.0 / seen.sd**2 + 1.0 / belief.sd**2
    score = (seen.score / seen.sd**2 + belief.mean / belief.sd**2) / precision
    return Seen(score=score, sd=float(np.sqrt(1.0 / precision)))


def _came_from_nothing(series: PoolSeries, event: Event, part: FloatArray, base: float) -> bool:
    """Whether added units are all that there is."""
    during = series.units[part > 0][:BASE_DAYS]
    return event.add_units is not None and base <= FROM_NOTHING_FRACTION * float(np.median(during))


def _went_to_nothing(series: PoolSeries, event: Event, part: FloatArray, base: float) -> bool:
    """Whether nothing is left after a ramp that is complete."""
    after = series.units[part >= 1.0][:BASE_DAYS]
    is_over = event.kind in LOSING_KINDS and len(after) > 0 and base > 0
    return is_over and float(after.max()) <= TO_NOTHING_FRACTION * base


def _seen_from_nothing(series: PoolSeries, event: Event, part: FloatArray) -> Seen:
    """Added units of pools that had none before: what runs in them in the first weeks of the whole ramp, or so far."""
    complete = np.flatnonzero(part >= min(0.9, float(part.max())))[:BASE_DAYS]
    ratios = series.units[complete] / (part[complete] * float(event.add_units or 1.0))
    score = float(np.median(ratios))
    n_weeks = max(len(ratios) / 7.0, 0.5)  # days of a week are alike
    sd = max(MAD_TO_SD * float(np.median(np.abs(ratios - score))), 0.02 * score) / np.sqrt(n_weeks)
    timing = TIMING_FRACTION * score * _unfinished(event, part)
    return Seen(score=bounded_score(event, score), sd=float(max(np.hypot(sd, timing), TO_NOTHING_SD)))


def _unfinished(event: Event, part: FloatArray) -> float:
    """How much an error of timing counts for a ramp under way: what is to come over what has come; 0 for others."""
    if event.shape in (RampShape.PULSE, RampShape.STEP):
        return 0.0
    return (1.0 - float(part[-1])) / max(float(part[-1]), 1e-3)


def _fitted(series: PoolSeries, events: list[Event], believed: Sequence[Belief] | None) -> list[Seen | None]:
    """Scores by regression, those of ramps under way with their error of timing."""
    parts = [daily_progress(event, series.days) for event in events]
    windows = [_window(event, part, series.days) for event, part in zip(events, parts, strict=True)]
    losing = np.zeros(len(series.days), dtype=np.bool_)
    for event, part in zip(events, parts, strict=True):
        losing |= (part > 0) & (event.kind in LOSING_KINDS)
    if losing.all() or is_intermittent(series.units[~losing]):
        return [None] * len(events)
    is_known = (series.units > 0) | losing
    is_pulse = np.zeros(len(series.days), dtype=np.bool_)
    for event, part, (_, is_settling) in zip(events, parts, windows, strict=True):
        is_pulse |= (part > 0) & (event.shape is RampShape.PULSE)
        is_known &= ~is_settling
    logs = log_daily(series.units)
    logs = logs - _holidays(series, logs, ~is_pulse & is_known)
    regression = EventRegression(
        logs=logs - local_weekdays(logs),
        nuisance=np.column_stack([calendar_columns(series.days), *_other_columns(series)]),
        is_known=is_known | is_pulse,
        is_dated=np.any([dated for dated, _ in windows], axis=0),
        events=tuple(events),
        parts=tuple(parts),
        bases=tuple(_base(series, event, part) for event, part in zip(events, parts, strict=True)),
    )
    timings = [TIMING_FRACTION * _unfinished(event, part) for event, part in zip(events, parts, strict=True)]
    return list(_with_timing(regression, events, timings, believed))


def _base(series: PoolSeries, event: Event, part: FloatArray) -> FloatArray:
    """What added units are seen against: demand before a pulse, running means of what there is for others."""
    before = np.full(len(part), max(series.base_units(event), TINY_UNITS))
    during = np.flatnonzero(part > 0)
    if event.add_units is None or event.shape is RampShape.PULSE:
        return before
    width = 2 * (min(BASE_DAYS, len(during)) // 2) + 1
    padded = np.pad(series.units[during], width // 2, mode="reflect" if len(during) > width // 2 else "edge")
    before[during] = np.maximum(np.lib.stride_tricks.sliding_window_view(padded, width).mean(axis=1), TINY_UNITS)
    return before


def _with_timing(
    regression: EventRegression, events: list[Event], timings: list[float], believed: Sequence[Belief] | None
) -> list[Seen]:
    """Scores where what is fitted is the score times what a ramp is ahead of or behind its dates."""
    if believed is None:
        return [
            Seen(score=seen.score, sd=float(np.hypot(seen.sd, timing * max(abs(seen.score), 0.1))))
            for seen, timing in zip(regression.solved(None), timings, strict=True)
        ]
    extras = [timing * max(abs(belief.mean), 0.1) for timing, belief in zip(timings, believed, strict=True)]
    wider = [
        Belief(mean=belief.mean, sd=float(np.hypot(belief.sd, extra)), n_seen=belief.n_seen)
        for belief, extra in zip(believed, extras, strict=True)
    ]
    made = []
    for event, seen, belief, wide in zip(events, regression.solved(wider), believed, wider, strict=True):
        kept = (belief.sd / wide.sd) ** 2
        score = belief.mean + kept * (seen.score - belief.mean)
        variance = belief.sd**2 * (1.0 - kept) + (kept * seen.sd) ** 2
        made.append(Seen(score=bounded_score(event, score), sd=float(np.sqrt(variance))))
    return made


def _window(event: Event, part: FloatArray, days: IntArray) -> tuple[BoolArray, BoolArray]:
    """Days about which an event speaks, and those among them on which it may not yet have settled.

    What lasts may come some days late, and need not follow its ramp: once a week has passed since its end, only what
    was before and after is compared. A pulse has its own days.
    """
    start = event.start_hour // HOURS_PER_DAY
    if event.shape is RampShape.PULSE:
        return part > 0, np.zeros(len(days), dtype=np.bool_)
    settled = -(-event.end_hour // HOURS_PER_DAY) + SETTLING_DAYS
    dated: BoolArray = (days >= start) & (days <= settled)
    is_over = bool(days[-1] >= settled + SETTLING_DAYS)
    return dated, dated & (days < settled) if is_over else np.zeros(len(days), dtype=np.bool_)


def _other_columns(series: PoolSeries) -> list[FloatArray]:
    """Log ramp of each event measured elsewhere, of a size left free: bent as its own rise or fall here bends it."""
    columns = []
    for event in series.others:
        part = daily_progress(event, series.days)
        before, after = series.units[part <= 0][-BASE_DAYS:], series.units[part >= part.max()][:BASE_DAYS]
        if part.max() <= 0 or part.min() > 0:
            continue
        was, came = max(float(np.median(before)), 1e-12), float(np.median(after))
        change = np.clip(came / was, LEAST_LEFT, 1.0 / LEAST_LEFT) - 1.0
        columns.append(np.log(1.0 + change * part / part.max()) if abs(change) > 0.01 else part)
    return columns


def _holidays(series: PoolSeries, logs: FloatArray, ordinary: BoolArray) -> FloatArray:
    """Log effect of each day's holiday, learned from days without a pulse. Shape (n_days,)."""
    if len(logs) < MIN_HOLIDAY_DAYS or not any(series.holidays):
        return np.zeros(len(logs))
    plain = np.array([not name for name in series.holidays])
    residuals = np.where(ordinary, calendar_residuals(logs, series.days, plain & ordinary), np.nan)
    effects = holiday_effects(residuals[None], series.holidays)
    return np.array([effects.get(name, effects[""]) if name else 0.0 for name in series.holidays])
