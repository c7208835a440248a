"""Launches that nobody declared: pools that were born and added demand, while no other pool of the group gave any.

A new pool that takes over from an old one leaves the group as it was; one that adds to it is a launch, and neither the
growth of the group nor the decline of its neighbours. Not here: successions (`forecasting.succession`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray
from forecasting.daily import DailyHistory
from forecasting.event_effects import FOUND, NORMAL_Q95, EventEffect
from forecasting.hours import HOURS_PER_DAY
from forecasting.roadmap import Event, EventKind, RampShape
from forecasting.seasons import MAD_TO_SD

MIN_DAYS_LIVED = 2
AFTER_DAYS = 7
SIZE_DAYS = 28  # after birth, in which the launch is measured: what comes later is growth
WEEKS_BEFORE = 4
NOISE_DAYS = 56
NEEDED_SDS = 4.0  # of what the other pools do by themselves, for a birth to be told from their noise
MAX_GIVEN_FRACTION = 0.5  # of the newborn's demand, lost by the other pools: more is a succession
MAX_AGE_DAYS = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundLaunch:
    """One launch.

    Attributes
    ----------
    event : Event
        A step of added units on the first day of the pool.
    noise_units : float
        Standard deviation of what the other pools do in a week by themselves. [units]
    """

    event: Event
    noise_units: float


def found_launches(daily: DailyHistory, events: Sequence[Event]) -> tuple[FoundLaunch, ...]:
    """Births of the last year that added demand to their group, in the order of the pools.

    Parameters
    ----------
    daily : DailyHistory
        Restated by the declared events.
    events : sequence of Event
        A pool that one of them names is accounted for.
    """
    named = {pool for event in events for pool in (*event.from_pools, *(pool for pool, _ in event.to_shares))}
    units = daily.restated.mean(axis=2)
    found = []
    for row, pool in enumerate(daily.pools):
        lived = np.flatnonzero(units[row] > 0)
        if pool in named or len(lived) == 0:
            continue
        born = int(lived[0]) + 1  # the first day is seldom whole
        others = units[(daily.group_of == daily.group_of[row]) & (np.arange(len(units)) != row)].sum(axis=0)
        launch = _launch(pool, units[row], others, born, first_day=daily.first_day)
        if launch is not None:
            found.append(launch)
    return tuple(found)


def launch_effects(launches: Sequence[FoundLaunch]) -> tuple[EventEffect, ...]:
    """Launches as rows of the table of effects; what the other pools did in that week is their uncertainty."""
    rows = []
    for launch in launches:
        added = float(launch.event.add_units or 0.0)
        reach = NORMAL_Q95 * launch.noise_units
        rows.append(
            EventEffect(
                name=launch.event.name,
                kind=launch.event.kind.value,
                pools=tuple(pool for pool, _ in launch.event.to_shares),
                start_hour=launch.event.start_hour,
                end_hour=launch.event.end_hour,
                declared_fraction=None,
                fraction=0.0,
                low_fraction=0.0,
                high_fraction=0.0,
                base_units=0.0,
                units=added,
                low_units=max(added - reach, 0.0),
                high_units=added + reach,
                n_seen=1,
                source=FOUND,
                note="A pool that was born and took no demand from others.",
            )
        )
    return tuple(rows)


def _launch(pool: str, own: FloatArray, others: FloatArray, born: int, *, first_day: int) -> FoundLaunch | None:
    """Launch of a pool whose first whole day is `born`; None where it is too early, too old, small or a successor."""
    n_days = len(own)
    lived = n_days - born
    if born < 7 * WEEKS_BEFORE + 7 or not MIN_DAYS_LIVED <= lived <= MAX_AGE_DAYS or not np.any(others[:born] > 0):
        return None
    size = float(own[born : born + SIZE_DAYS].mean())
    usual = np.mean([others[7 * week : n_days - 7 * (WEEKS_BEFORE - week)] for week in range(WEEKS_BEFORE)], axis=0)
    changes = np.concatenate([np.full(7 * WEEKS_BEFORE, np.nan), others[7 * WEEKS_BEFORE :] - usual])
    calm = changes[max(born - NOISE_DAYS, 0) : born - 1]
    calm = calm[np.isfinite(calm)]
    noise = MAD_TO_SD * float(np.median(np.abs(calm - np.median(calm)))) if len(calm) else np.inf
    after = changes[born : min(born + AFTER_DAYS, n_days)]
    given = -float(np.mean(after)) + (float(np.median(calm)) if len(calm) else 0.0)
    if size < NEEDED_SDS * noise or size <= 0.0 or given > MAX_GIVEN_FRACTION * size:
        return None
    start = (first_day + born - 1) * HOURS_PER_DAY
    event = Event(
        name=f"launch of {pool}",
        kind=EventKind.LAUNCH,
        to_shares=((pool, 1.0),),
        add_units=size,
        shape=RampShape.STEP,
        start_hour=start,
        end_hour=start + HOURS_PER_DAY,
    )
    return FoundLaunch(event=event, noise_units=noise)
