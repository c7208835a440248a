"""Sentences that tell a reader what a forecast took for granted.

Not here: any number that the forecast depends on.
"""

from collections.abc import Sequence

import numpy as np

from forecasting.baseline import Baseline, Draws
from forecasting.combination import FAMILIES, GROWTH_HALF_LIFE_DAYS
from forecasting.daily import DailyHistory
from forecasting.events import future_change, no_uncertainty
from forecasting.hours import HOURS_PER_DAY, date_of_hour
from forecasting.numerals import percent
from forecasting.paths import ENOUGH_STRETCHES
from forecasting.roadmap import Event
from forecasting.seasons import DAYS_PER_YEAR

MAX_NAMED_POOLS = 8


def stated_assumptions(
    daily: DailyHistory, baseline: Baseline, draws: Draws, events: Sequence[Event]
) -> tuple[str, ...]:
    """One sentence for each thing that a reader of the forecast must know."""
    return (*_about_history(daily, baseline), *_about_spread(daily, baseline, draws), *_about_events(daily, events))


def _about_history(daily: DailyHistory, baseline: Baseline) -> list[str]:
    """Length of history, trend, seasons, pools that are dead, groups that are patchy."""
    first = date_of_hour(daily.first_day * HOURS_PER_DAY)
    told = [
        f"History: {daily.n_days} whole days from {first} to {date_of_hour(daily.origin_hour - 1)}.",
        f"Growth fades with a half-life of {GROWTH_HALF_LIFE_DAYS:.0f} days.",
    ]
    kinds = zip(
        daily.groups,
        baseline.model.fits[: baseline.n_groups],
        baseline.calendar.seasons[: baseline.n_groups],
        baseline.intermittent,
        strict=True,
    )
    had = (daily.observed.max(axis=(1, 2)) > 0).tolist()
    seen = {daily.groups[group] for group, was in zip(daily.group_of.tolist(), had, strict=True) if was}
    for group, fits, season, patchy in kinds:
        where = f"group '{group}'" if group else "all pools"
        if group not in seen:
            told.append(f"There has been no demand of {where} yet: what is forecast of it comes from events.")
            continue
        if not patchy and fits.is_known[-1]:
            weights = fits.combination.weights[-1]
            shares = ", ".join(f"{name} {percent(w, 0)}" for name, w in zip(FAMILIES, weights, strict=True))
            told.append(f"Models of {where}, weighted by how they did at earlier origins: {shares}.")
        if patchy:
            told.append(f"Demand of {where} is intermittent: no trend, season or holidays are forecast for it.")
        elif daily.n_days < 2 * DAYS_PER_YEAR:
            told.append(f"Season of the year of {where}: none, as it takes two years of history.")
        else:
            kept = f"{percent(season.reliability, 0)} of the waves"
            told.append(f"Season of the year of {where}: {kept} is kept, as far as the years are alike beyond chance.")
    country = baseline.calendar.country
    told.append(f"Holidays: of {country}, shrunk to their common effect." if country else "Holidays: none.")
    dead = [
        pool for pool, share, was in zip(daily.pools, baseline.mix.shares, had, strict=True) if was and share == 0.0
    ]
    if dead:
        more = f" and {len(dead) - MAX_NAMED_POOLS} more" if len(dead) > MAX_NAMED_POOLS else ""
        told.append(f"No demand in the last two weeks, and none forecast: {', '.join(dead[:MAX_NAMED_POOLS])}{more}.")
    return told


def _about_spread(daily: DailyHistory, baseline: Baseline, draws: Draws) -> list[str]:
    """Where the spread comes from, and what happens to demand of pools that nobody has named."""
    n_origins = len(np.unique(draws.paths.origin_rows[:, 0]))
    told = [
        f"Spread: misses of {n_origins} rolling origins in history, resampled as joint stretches.",
    ]
    if draws.paths.noise.size:
        told.append(
            f"History is short: fewer than {ENOUGH_STRETCHES} origins speak for some group, so a generic spread is "
            "mixed in."
        )
    last_day = np.array([draws.paths.columns.shape[1] - 1])
    unnamed = baseline.mix.split(draws.mix, last_day)[:, len(daily.pools) :, 0].mean(axis=0)
    for group, fraction in zip(daily.groups, unnamed, strict=True):
        if fraction > 0.005:
            where = f" of group '{group}'" if group else ""
            told.append(
                f"As pools are replaced, demand{where} moves to pools that do not exist yet: {percent(fraction)} "
                "is expected to by the end of the horizon, and is in no pool with a name."
            )
    return told


def _about_events(daily: DailyHistory, events: Sequence[Event]) -> list[str]:
    """Which events still act, and which are taken as done."""
    after = np.array([daily.origin_hour], dtype=np.int64)
    told = []
    for event in events:
        acts = future_change(event, no_uncertainty(event), after, origin_hour=daily.origin_hour) is not None
        if event.start_hour < daily.origin_hour:
            state = "is under way: only the rest of it acts" if acts else "is taken as done"
            told.append(f"Event '{event.name}' {state}.")
    return told
