"""Successions that stopped on their way: younger pools have taken a part that counts, and no more comes now.

A move that rests is no pool that will never be replaced: its successor is there, and most of what was begun is ended.
A launch takes from the shares of all older pools alike and from the demand of none: nothing rests there.
Not here: successions under way or over (`forecasting.succession`), how far one goes in the end (`forecasting.ramps`).
"""

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray
from forecasting.lifetimes import Lives
from forecasting.shares import SHARE_DAYS
from forecasting.succession import (
    GONE_FRACTION,
    MIN_GAINED_FRACTION,
    MIN_NOISE_WEEKS,
    WEEK_DAYS,
    Succession,
    SuccessionState,
    weekly_shares,
)

LOST_FRACTION = 0.25  # of its highest share: less may be a shift of work that found its place
OWN_FRACTION = 0.5  # of its loss that its own demand, or its share beside pools that gained nothing, must show
TAKEN_FRACTION = 0.5  # of what it lost that younger pools must have gained meanwhile
STOOD_STILL_FRACTION = 0.9  # of what has moved: since then it has stopped
LEAST_DRAW = 1e-9  # later than any horizon
SHARE_WEEKS = SHARE_DAYS // WEEK_DAYS


def stalled_successions(
    units: FloatArray, group_of: IntArray, days: IntArray, lives: Lives, *, may_lose: BoolArray
) -> tuple[Succession, ...]:
    """Successions that rest at the end of history.

    Parameters
    ----------
    units : FloatArray of shape (n_pools, n_days)
        Daily mean demand, declared events restated. [units]
    group_of : IntArray of shape (n_pools,)
    days : IntArray of shape (n_days,)
        Epoch days.
    lives : Lives
    may_lose : BoolArray of shape (n_pools,)
        Whether a pool's loss counts: not where a declared event accounts for it, nor where a succession runs or is
        over.
    """
    weekly = weekly_shares(units, group_of)
    if weekly.shape[1] < max(MIN_NOISE_WEEKS, SHARE_WEEKS + 1):
        return ()
    windows = np.lib.stride_tricks.sliding_window_view(weekly, SHARE_WEEKS, axis=1)
    shares = windows.mean(axis=2)
    found = []
    for pool in np.flatnonzero(may_lose & (weekly[:, -1] > 0)).tolist():
        top = int(shares[pool].argmax())
        moved = shares[pool, top] - shares[pool, top:]
        lost = float(moved[-1])
        is_part = LOST_FRACTION * shares[pool, top] <= lost < (1.0 - GONE_FRACTION) * shares[pool, top]
        gained = shares[:, -1] - shares[:, top]
        in_group = group_of == group_of[pool]
        is_gaining = in_group & (lives.born > lives.born[pool]) & (gained >= MIN_GAINED_FRACTION * lost)
        gaining = np.flatnonzero(is_gaining).tolist()
        total = float(gained[gaining].sum())
        if not is_part or total < TAKEN_FRACTION * lost:
            continue
        beside = shares[pool, [top, -1]] / shares[in_group & ~is_gaining][:, [top, -1]].sum(axis=0)
        units_then = _mean_units(units[pool], len(moved) - 1), _mean_units(units[pool], 0)
        if max(_fall(*beside.tolist()), _fall(*units_then)) < OWN_FRACTION * lost / shares[pool, top]:
            continue
        still = max(len(moved) - int(np.argmax(moved >= STOOD_STILL_FRACTION * lost)), 1) * WEEK_DAYS
        begun = (len(moved) - int(np.argmax(moved >= GONE_FRACTION * lost))) * WEEK_DAYS
        last = int(days[-1]) - still
        found.append(
            Succession(
                losing=pool,
                gaining=tuple(gaining),
                gained_fractions=tuple(float(gained[row]) / total for row in gaining),
                start_day=int(days[-1]) - begun,
                moved_fraction=lost / float(shares[pool, top]),
                state=SuccessionState.STALLED,
                end_days=(last, last, last),
                stalled_days=still,
            )
        )
    return tuple(found)


def _mean_units(units: FloatArray, weeks_ago: int) -> float:
    """Mean demand of four weeks that ended some weeks ago. [units]"""
    end = len(units) - weeks_ago * WEEK_DAYS
    return float(units[end - SHARE_DAYS : end].mean())


def _fall(then: float, now: float) -> float:
    """By how much of itself something fell; 0 where there was nothing, as in an outage of the group."""
    return 1.0 - now / then if then > 0.0 else 0.0


def resumed_days(succession: Succession, draws: FloatArray) -> FloatArray:
    """Days until a stalled succession goes on: what has rested for long rests for as long again in the middle case.

    By Lindy's law, P(longer than t) = s / (s + t) after s days, from uniform draws. Shape (n_paths,).
    """
    days: FloatArray = succession.stalled_days * (1.0 / np.maximum(draws, LEAST_DRAW) - 1.0)
    return days


def resumption_chance(succession: Succession, days: float) -> float:
    """Chance that a stalled succession goes on within some days."""
    return days / (succession.stalled_days + days)
