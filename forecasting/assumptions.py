"""Sentences that tell a reader what a forecast took for granted.

Not here: any number that the forecast depends on.
"""

from collections.abc import Sequence

import numpy as np

from forecasting.baseline import Baseline
from forecasting.daily import DailyHistory
from forecasting.events import future_change, no_uncertainty
from forecasting.hours import HOURS_PER_DAY, date_of_hour
from forecasting.numerals import percent
from forecasting.paths import ENOUGH_STRETCHES, KEPT_BIAS_FRACTION, PathPlan
from forecasting.roadmap import Event
from forecasting.seasons import DAYS_PER_YEAR

MAX_NAMED_POOLS = 8


def stated_assumptions(
    daily: DailyHistory, baseline: Baseline, plan: PathPlan, events: Sequence[Event]
) -> tuple[str, ...]:
    """One sentence for each thing that a reader of the forecast must know."""
    return (*_about_history(daily, baseline), *_about_spread(daily, baseline, plan), *_about_events(daily, events))


def _about_history(daily: DailyHistory, baseline: Baseline) -> list[str]:
    """Length of history, trend, seasons, pools that are dead, groups that are patchy."""
    rule = baseline.model.rule
    first = date_of_hour(daily.first_day * HOURS_PER_DAY)
    told = [
        f"History: {daily.n_days} whole days from {first} to {date_of_hour(daily.origin_hour - 1)}.",
        f"Growth: {percent(rule.shrink, 0)} of the slope of the last 17 weeks is carried on, fading with a half-life "
        f"of {rule.half_life_days:.0f} days; chosen on the history's own rolling origins.",
    ]
    for group, season, patchy in zip(daily.groups, baseline.seasons, baseline.intermittent, strict=True):
        where = f"group '{group}'" if group else "all pools"
        if patchy:
            told.append(f"Demand of {where} is intermittent: no trend, season or holidays are forecast for it.")
        elif daily.n_days < 2 * DAYS_PER_YEAR:
            told.append(f"Season of the year of {where}: none, as it takes two years of history.")
        else:
            kept = f"{percent(season.reliability, 0)} of the waves"
            told.append(f"Season of the year of {where}: {kept} is kept, as far as the years are alike beyond chance.")
    country = baseline.holiday_country
    told.append(f"Holidays: of {country}, shrunk to their common effect." if country else "Holidays: none.")
    had = (daily.observed.max(axis=(1, 2)) > 0).tolist()
    dead = [pool for pool, share, was in zip(daily.pools, baseline.shares, had, strict=True) if was and share == 0.0]
    if dead:
        more = f" and {len(dead) - MAX_NAMED_POOLS} more" if len(dead) > MAX_NAMED_POOLS else ""
        told.append(f"No demand in the last two weeks, and none forecast: {', '.join(dead[:MAX_NAMED_POOLS])}{more}.")
    return told


def _about_spread(daily: DailyHistory, baseline: Baseline, plan: PathPlan) -> list[str]:
    """Where the spread comes from, and what happens to demand of pools that nobody has named."""
    n_origins = len(np.unique(plan.origin_rows[:, 0]))
    told = [
        f"Spread: misses of {n_origins} rolling origins in history, resampled as joint stretches; "
        f"{percent(KEPT_BIAS_FRACTION, 0)} of their median miss is taken to go on.",
    ]
    if plan.noise.size:
        told.append(
            f"History is short: fewer than {ENOUGH_STRETCHES} origins speak for some group, so a generic spread is "
            "mixed in."
        )
    named = [float(baseline.model.named_fraction(plan, g)[:, -1].mean()) for g in range(len(daily.groups))]
    for group, fraction in zip(daily.groups, named, strict=True):
        if fraction < 0.995:
            where = f" of group '{group}'" if group else ""
            told.append(
                f"As often as in history, demand{where} moves to pools that do not exist yet: {percent(1 - fraction)} "
                "is expected to by the end of the horizon, and is in no pool of the scenarios."
            )
    return told


def _about_events(daily: DailyHistory, events: Sequence[Event]) -> list[str]:
    """Which events still act, and which are taken as done."""
    after = np.array([daily.origin_hour], dtype=np.int64)
    told = []
    for event in events:
        acts = future_change(event, no_uncertainty(event), after, origin_hour=daily.origin_hour) is not None
        if event.start_hour < daily.origin_hour:
            state = "is under way: only the rest of it acts" if acts else "is taken as done, as declared"
            told.append(f"Event '{event.name}' {state}.")
    return told
