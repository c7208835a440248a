"""Moves under way or overdue: how far demand shows them, and what is still to come.

A migration that lags behind its dates says little about how much will move in the end: the last servers often go on the
last day. Until a quarter after its declared end the declared size stands. A ramp that demand shows to be behind its
dates is late by as much, one that came at other dates is moved to them, any other runs through what demand shows.
Not here: the size of what is over (`forecasting.event_effects`).
"""

from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import IntArray
from forecasting.daily import DailyHistory
from forecasting.events import LOSING_KINDS, MOVING_KINDS, progress
from forecasting.hours import HOURS_PER_DAY
from forecasting.numerals import percent
from forecasting.roadmap import Event, RampShape

GRACE_DAYS = 91.0  # after the declared end, in which what is not done is late, not cancelled
DONE_FRACTION = 0.9  # of the declared size: the rest is a matter of its size
BEGUN_FRACTION = 0.25  # of the declared size: an overdue event that shows less has not begun
BASE_DAYS = 28
MIN_BASE_DAYS = 7
RECENT_DAYS = 7
MIN_REMAINING_DAYS = 14.0
MAX_SLIP_DAYS = 365.0
BEHIND_SDS = 2.0  # of what is shown, by which progress must lack
MIN_LATE_DAYS = 14.0  # less is the ramp's shape, not its date
NOT_BEGUN_FRACTION = 0.02  # of the declared size
EDGE_FRACTION = 0.1  # of a move, that is gone when it is dated to begin, and left when it is dated to end


@dataclass(frozen=True, slots=True, kw_only=True)
class Ongoing:
    """An event with the ramp that demand shows.

    Attributes
    ----------
    event : Event
        Of the declared size, or of what demand shows where it is done.
    note : str
        What a reader must know, in one sentence.
    """

    event: Event
    note: str


def ongoing(event: Event, daily: DailyHistory) -> Ongoing | None:
    """Event as it goes on or went; None for one to come, done in time, long overdue, or not to be measured.

    Parameters
    ----------
    event : Event
        As declared.
    daily : DailyHistory
        Only `observed` is read.
    """
    if event.kind not in LOSING_KINDS or event.shape is RampShape.PULSE or event.start_hour >= daily.origin_hour:
        return None
    moved = moved_fraction(event, daily)
    if moved is None or event.size <= 0.0:
        return None
    shown = moved / event.size
    late_days = (daily.origin_hour - event.end_hour) / HOURS_PER_DAY
    if late_days < 0:
        event = replace(event, size=min(max(event.size, moved), 1.0))
        behind = _behind(event, (shown, _moved_sd(event, daily) / event.size), _recent_days(event, daily))
        if behind is not None:
            return behind
        told = f"Under way: demand shows {percent(min(shown, 1.0), 0)} of it, and the rest is taken to come by its end."
        sd = _moved_sd(event, daily) / event.size
        return Ongoing(event=_through(event, (shown, sd), _recent_days(event, daily)), note=told)
    if shown >= DONE_FRACTION:
        return _dated(event, moved, daily)
    if late_days > max(GRACE_DAYS, event.slip_days[2]):
        return None
    if shown < BEGUN_FRACTION:
        return Ongoing(
            event=_late(event, daily.origin_hour), note="Overdue: demand shows nothing of it to speak of yet."
        )
    remaining = int(max(late_days, MIN_REMAINING_DAYS)) * HOURS_PER_DAY
    rest, sd = (event.end_hour, daily.origin_hour), _moved_sd(event, daily) / event.size
    longer = replace(event, end_hour=daily.origin_hour + remaining, rest=rest, shown=(1.0, shown, sd))
    told = f"Overdue: demand shows {percent(shown, 0)} of it, and the rest is taken to come yet."
    return Ongoing(event=longer, note=told)


def moved_fraction(event: Event, daily: DailyHistory) -> float | None:
    """Fraction of the losing pools' demand that is gone by the end of history; None where nothing came before.

    Of a migration or transfer by the part of the losing pools in all that takes part, so that growth is no move; of
    other kinds by their demand alone.
    """
    first = event.start_hour // HOURS_PER_DAY - daily.first_day
    if first < MIN_BASE_DAYS:
        return None
    before = slice(max(first - BASE_DAYS, 0), first)
    now = _recent_days(event, daily) - daily.first_day
    was, left = (_losing_part(event, daily, days) for days in (before, slice(int(now[0]), int(now[-1]) + 1)))
    return None if was <= 0.0 else float(np.clip(1.0 - left / was, 0.0, 1.0))


def _recent_days(event: Event, daily: DailyHistory) -> IntArray:
    """Epoch days of the last week, or of what the event has lived of it."""
    return np.arange(max(daily.origin_day - RECENT_DAYS, event.start_hour // HOURS_PER_DAY), daily.origin_day)


def _losing_part(event: Event, daily: DailyHistory, days: slice) -> float:
    """Demand of the losing pools over some days: its mean, or its part in that of all pools of a move."""
    row_of = {pool: row for row, pool in enumerate(daily.pools)}
    means = daily.observed[:, days].mean(axis=(1, 2))
    losing = float(sum(means[row_of[pool]] for pool in event.from_pools if pool in row_of))
    if event.kind not in MOVING_KINDS or event.conversion <= 0.0:
        return losing
    gaining = float(sum(means[row_of[pool]] for pool, _ in event.to_shares if pool in row_of)) / event.conversion
    return losing / (losing + gaining) if losing + gaining > 0 else 0.0


def _moved_sd(event: Event, daily: DailyHistory) -> float:
    """Standard deviation of the moved fraction: noise of the days, and the wander of the mix since the ramp began."""
    first = event.start_hour // HOURS_PER_DAY - daily.first_day
    days = range(max(first - BASE_DAYS, 0), first)
    parts = np.array([_losing_part(event, daily, slice(day, day + 1)) for day in days])
    weeks = parts[len(parts) % RECENT_DAYS :].reshape(-1, RECENT_DAYS).mean(axis=1)
    wander = float(np.abs(np.diff(weeks)).mean()) if len(weeks) > 1 else 0.0
    since = max((daily.n_days - first) / RECENT_DAYS, 1.0)
    noise = float(np.hypot(parts.std() / np.sqrt(RECENT_DAYS), wander * np.sqrt(since)))
    return noise / float(parts.mean()) if parts.mean() > 0 else 0.0


def _through(event: Event, shown: tuple[float, float], days: IntArray) -> Event:
    """Event whose ramp runs through what demand shows on some days, progress and its standard deviation."""
    hours = np.arange(days[0] * HOURS_PER_DAY, (days[-1] + 1) * HOURS_PER_DAY)
    planned = float(progress(replace(event, shown=None), hours).mean())
    if not 0.0 < planned < 1.0:
        return event
    return replace(event, shown=(planned, float(np.clip(shown[0], 0.0, 1.0)), shown[1]))


def _behind(event: Event, shown: tuple[float, float], days: IntArray) -> Ongoing | None:
    """Event that is late by as much as demand lags behind its dates; None where it does not lag clearly."""
    hours = np.arange(days[0] * HOURS_PER_DAY, (days[-1] + 1) * HOURS_PER_DAY)
    by_dates = replace(event, shown=None)
    part, sd = shown
    if float(progress(by_dates, hours).mean()) - part < BEHIND_SDS * sd:
        return None
    ramp = np.arange(event.start_hour, event.end_hour + 1)
    place = int(np.searchsorted(progress(by_dates, ramp)[0], part))
    late_hours = int(hours[len(hours) // 2] - ramp[min(place, len(ramp) - 1)])
    late_days = late_hours / HOURS_PER_DAY
    if late_days < MIN_LATE_DAYS:
        return None
    if part < max(NOT_BEGUN_FRACTION, BEHIND_SDS * sd):
        note = "Late: by its dates it is under way, and demand shows nothing of it to speak of yet."
        return Ongoing(event=_late(event, (int(days[-1]) + 1) * HOURS_PER_DAY), note=note)
    slips = (0.0, 0.0, min(max(late_days, event.slip_days[2]), MAX_SLIP_DAYS))
    moved = replace(
        event, start_hour=event.start_hour + late_hours, end_hour=event.end_hour + late_hours, slip_days=slips
    )
    note = f"Under way, about {late_days:.0f} days behind its dates: demand shows {percent(part, 0)} of it."
    return Ongoing(event=_through(moved, shown, days), note=note)


def _dated(event: Event, moved: float, daily: DailyHistory) -> Ongoing | None:
    """Event that is done, at the dates and of the size that demand shows; None where the dates are about the declared.

    It is dated by when a tenth, half and nine tenths of what the losing pools lost had gone, and a linear ramp.
    """
    first = event.start_hour // HOURS_PER_DAY - daily.first_day
    start = max(first - BASE_DAYS, 0)
    parts = np.array([_losing_part(event, daily, slice(day, day + 1)) for day in range(start, daily.n_days)])
    was = float(parts[: first - start].mean())
    gone = np.clip((was - parts) / (was * moved), 0.0, 1.0)
    weekly = np.maximum.accumulate(np.convolve(gone, np.full(RECENT_DAYS, 1.0 / RECENT_DAYS), mode="valid"))
    levels = (EDGE_FRACTION, 0.5, 1.0 - EDGE_FRACTION)
    tenth, half, most = (start + RECENT_DAYS // 2 + int(np.argmax(weekly >= level)) for level in levels)
    middle = (event.start_hour + event.end_hour) / (2.0 * HOURS_PER_DAY) - daily.first_day
    length = (event.end_hour - event.start_hour) / HOURS_PER_DAY
    if abs(half - middle) <= max(MIN_LATE_DAYS, length / 2.0):
        return None
    beyond = round((most - tenth) * EDGE_FRACTION / (1.0 - 2.0 * EDGE_FRACTION))
    begun, ended = tenth - beyond, min(max(most + beyond, tenth + 1), daily.n_days)
    dated = replace(
        event,
        start_hour=(daily.first_day + begun) * HOURS_PER_DAY,
        end_hour=(daily.first_day + ended) * HOURS_PER_DAY,
        size=moved,
        size_range=None,
        shape=RampShape.LINEAR,
    )
    days = f"about {abs(half - middle):.0f} days {'after' if half > middle else 'before'} its dates"
    return Ongoing(event=dated, note=f"Done, {days}, as demand shows.")


def _late(event: Event, origin_hour: int) -> Event:
    """Event that begins now at the earliest.

    How long it still takes to begin is as uncertain as the delay so far is long: what has been late for a month is
    late for another in the middle case (the median of Lindy's law), and three times that once in ten.
    """
    late_days = (origin_hour - event.start_hour) / HOURS_PER_DAY
    known = max(event.slip_days[2] - late_days, 0.0)
    slips = (0.0, min(late_days, MAX_SLIP_DAYS), min(max(3.0 * late_days, known), MAX_SLIP_DAYS))
    length = event.end_hour - event.start_hour
    return replace(event, start_hour=origin_hour, end_hour=origin_hour + length, slip_days=slips)
