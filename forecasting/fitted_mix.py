"""Fits what moves the mix of pools on history: lives, successions, ramps, newcomers, wander.

Not here: what the mix does on a path (`forecasting.mix`).
"""

from dataclasses import replace

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.lifetimes import DAYS_PER_YEAR, fit_hazard, pool_lives
from forecasting.mix import MixModel
from forecasting.newcomers import adopting_ages, fit_newcomers
from forecasting.ramps import fit_ramps
from forecasting.shares import NEWBORN_SHARE_DAYS, fit_shares, group_sums, trailing_shares
from forecasting.stalled import stalled_successions
from forecasting.succession import Succession, finished_successions, running_successions
from forecasting.wander import day_factors, weekly_log_sd


def fit_mix(
    pool_units: FloatArray,
    group_of: IntArray,
    days: IntArray,
    *,
    declared_from: tuple[tuple[int, int] | None, ...],
    observed_units: FloatArray | None = None,
    vouched_days: int = 0,
) -> MixModel:
    """Fit everything that moves the mix on history.

    Parameters
    ----------
    pool_units : FloatArray of shape (n_pools, n_days)
        Daily mean demand in today's state of the declared events. [units]
    group_of : IntArray of shape (n_pools,)
    days : IntArray of shape (n_days,)
        Epoch days.
    declared_from : tuple of (int, int) or None, one for each pool
        Epoch days of start and end of the declared events by which a pool loses demand; None without any.
    observed_units : FloatArray of shape (n_pools, n_days), optional
        Daily mean demand as it was: births and ages are read from it. `pool_units` where absent. [units]
    vouched_days : int
        Days after the end of history for which a roadmap vouches: no replacement begins in them that it does not name.
    """
    observed = pool_units if observed_units is None else observed_units
    lives = pool_lives(observed, group_of)
    may_lose = np.array([_may_lose(span, days) for span in declared_from], dtype=np.bool_)
    running = running_successions(pool_units, group_of, days, lives, may_lose=may_lose)
    losing = {succession.losing for succession in running}
    finished = finished_successions(observed, group_of, days, lives)
    # What a declared migration filled or emptied is neither born nor young by it.
    born = np.minimum(lives.born, pool_lives(pool_units, group_of).born)
    organic_lives = replace(lives, born=born)
    newcomers = fit_newcomers(pool_units, group_of, organic_lives, (*running, *finished))
    may_stall = may_lose & ~np.isin(np.arange(len(lives.born)), [s.losing for s in (*running, *finished)])
    stalled = stalled_successions(pool_units, group_of, days, lives, may_lose=may_stall)
    ends = [span[1] if span is not None else int(days[-1]) for span in declared_from]
    undeclared = [s for s in finished if s.losing not in losing and declared_from[s.losing] is None]
    return MixModel(
        group_of=group_of,
        shares=_present_shares(pool_units, group_of, running),
        lives=lives,
        hazard=fit_hazard(lives),
        successions=(*running, *stalled, *undeclared),
        ramps=fit_ramps(finished, lives, days),
        newcomers=newcomers,
        adopting_days=adopting_ages(organic_lives, (*running, *finished)),
        wander_sd=weekly_log_sd(pool_units, group_of, lives),
        factors=day_factors(pool_units, group_of, lives),
        blocked_days=np.maximum(np.array(ends, dtype=np.int64) - int(days[-1]), vouched_days),
    )


def _may_lose(declared: tuple[int, int] | None, days: IntArray) -> bool:
    """Whether a fall that history shows can be undeclared: no declared event lies in the last year or ahead."""
    return declared is None or declared[1] < int(days[-1]) - DAYS_PER_YEAR


def _present_shares(pool_units: FloatArray, group_of: IntArray, running: tuple[Succession, ...]) -> FloatArray:
    """Shares at the end of history; of the last week where a succession moves them. Shape (n_pools,)."""
    end = np.array([pool_units.shape[1]], dtype=np.int64)
    shares: FloatArray = fit_shares(pool_units, group_of, end)[:, 0]
    moving = sorted({pool for s in running for pool in (s.losing, *s.gaining)})
    if moving:
        totals = group_sums(pool_units, group_of)[group_of]
        shares[moving] = trailing_shares(pool_units, totals, end, NEWBORN_SHARE_DAYS)[moving, 0]
        sums = group_sums(shares[:, None], group_of)[group_of, 0]
        shares = np.where(sums > 0, shares / np.where(sums > 0, sums, 1.0), 0.0)
    return shares
