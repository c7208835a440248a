"""Successions between pools that nobody declared, as rows of the table of effects.

Not here: how a succession is recognised (`forecasting.succession`), what it does to scenarios (`forecasting.mix`).
"""

from collections.abc import Sequence

import numpy as np

from forecasting.daily import DailyHistory
from forecasting.event_effects import FOUND, EventEffect
from forecasting.event_evidence import BASE_DAYS, usual_units
from forecasting.hours import HOURS_PER_DAY, date_of_hour
from forecasting.numerals import percent
from forecasting.ramps import finally_kept
from forecasting.succession import Succession

SUCCESSION = "succession"
MAX_NAMED = 3
N_DRAWS = 200  # in each of two directions: the distribution of where a succession ends, to half a percent
END_LEVELS = (0.05, 0.5, 0.95)


def succession_effects(daily: DailyHistory, successions: Sequence[Succession]) -> tuple[EventEffect, ...]:
    """Successions with the part of the losing pool that goes: of one under way, what goes in the end.

    Parameters
    ----------
    daily : DailyHistory
    successions : sequence of Succession
        Rows as in `daily`.
    """
    units = daily.observed.mean(axis=2)
    rows = []
    for found in successions:
        before = np.flatnonzero(daily.days < found.start_day)[-BASE_DAYS:]
        base = usual_units(units[found.losing, before]) if len(before) else 0.0
        low, middle, high = (-part for part in _gone_fractions(found)[::-1])
        rows.append(
            EventEffect(
                name=_name(daily.pools, found),
                kind=SUCCESSION,
                pools=(daily.pools[found.losing],),
                start_hour=found.start_day * HOURS_PER_DAY,
                end_hour=(max(found.end_days[1], found.start_day) + 1) * HOURS_PER_DAY,
                declared_fraction=None,
                fraction=middle,
                low_fraction=low,
                high_fraction=high,
                base_units=base,
                units=middle * base,
                low_units=low * base,
                high_units=high * base,
                n_seen=1,
                source=FOUND,
                note=_note(found),
            )
        )
    return tuple(rows)


def _gone_fractions(found: Succession) -> tuple[float, float, float]:
    """Part of the losing pool that has gone, or will have gone in the end: P5, P50, P95."""
    moved = found.moved_fraction
    if not found.is_running:
        return moved, moved, moved
    even = (np.arange(N_DRAWS) + 0.5) / N_DRAWS
    draws = np.stack([np.repeat(even, N_DRAWS), np.tile(even, N_DRAWS)])
    gone = 1.0 - (1.0 - moved) * finally_kept(found, draws)
    p5, p50, p95 = np.quantile(gone, END_LEVELS).tolist()
    return p5, p50, p95


def _name(pools: Sequence[str], found: Succession) -> str:
    """Losing pool and those that gain; one that went without a successor in sight ended."""
    if not found.gaining:
        return f"end of {pools[found.losing]}"
    named = ", ".join(pools[row] for row in found.gaining[:MAX_NAMED])
    hidden = len(found.gaining) - MAX_NAMED
    return f"{pools[found.losing]} to {named}" + (f" and {hidden} more" if hidden > 0 else "")


def _note(found: Succession) -> str:
    """How far one under way has come; nothing of one that is over."""
    if not found.is_running:
        return ""
    early, _, late = (date_of_hour(day * HOURS_PER_DAY) for day in found.end_days)
    return f"Under way: {percent(found.moved_fraction, 0)} has gone; if all goes, over between {early} and {late}."
