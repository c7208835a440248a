"""Work on spot that must end in time: when to go on demand, how often that happens, what the promise costs.

Exact, by dynamic programming over hours left, work left and the state of spot. Not here: the chain of spot
(`optimizer.spot.chain`), what a whole pool pays (`optimizer.spot.rates`).
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray
from optimizer.spot.chain import SpotChain

WORK_DIGITS = 9  # decimals in which two amounts of work left are the same: sums of 1 and of 1 / (1 + rework)
TIE_FRACTION = 1e-12  # of the on-demand rate: choices that cost the same to rounding are the same


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineWork:
    """A piece of work that runs on one unit, on spot or on demand, and must end within a window.

    Attributes
    ----------
    window_hours : int
        From the first hour in which it may run to the deadline. [h]
    work_hours : float
        Hours that it takes without any interruption. [h]
    rework_fraction : float
        Extra hours on spot, as a part of the work done there: interruptions.
    spot_usd, on_demand_usd : float
        Of an hour that it runs. [USD/unit-hour]
    """

    window_hours: int
    work_hours: float
    rework_fraction: float
    spot_usd: float
    on_demand_usd: float

    @property
    def spot_hours(self) -> float:
        """Hours that all of it takes on spot, rework included. [h]"""
        return self.work_hours * (1.0 + self.rework_fraction)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlinePromise:
    """What keeping a deadline on spot comes to, per unit of work, at the least expected cost.

    Attributes
    ----------
    spot_fraction, on_demand_fraction : float
        Expected parts of the work; they sum to 1.
    fallback_probability : float
        Chance that some of it runs on demand.
    miss_probability : float
        Chance that it would not end in time if it could run on spot alone.
    rate_usd : float
        Expected cost of an hour of work, rework included, the deadline always kept. [USD/unit-hour]
    waiting_usd : float
        The same if it waited for spot however long that takes. [USD/unit-hour]
    patience_hours : int
        Hours from the start of the window that it waits where spot does not come at all.
    """

    spot_fraction: float
    on_demand_fraction: float
    fallback_probability: float
    miss_probability: float
    rate_usd: float
    waiting_usd: float
    patience_hours: int

    @property
    def promise_usd(self) -> float:
        """Cost of the promise: what keeping the deadline adds to waiting for spot. [USD/unit-hour]"""
        return self.rate_usd - self.waiting_usd


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Steps:
    """Amounts of work that can be left, largest first, and where an hour of running leads.

    Attributes
    ----------
    left : FloatArray of shape (n_states,)
        [h]
    after : IntArray of shape (2, n_states)
        State after an hour on demand, and on spot.
    ran : FloatArray of shape (2, n_states)
        Part of that hour that it runs on demand, and on spot. [h]
    """

    left: FloatArray
    after: IntArray
    ran: FloatArray


@lru_cache(maxsize=4096)
def keep_deadline(chain: SpotChain, work: DeadlineWork) -> DeadlinePromise:
    """Promise of the deadline at the least expected cost.

    Parameters
    ----------
    chain : SpotChain
        In its long-run balance when the window opens. Its state is known at the start of each hour and holds for it.
    work : DeadlineWork
        That fits into its window on demand.

    Returns
    -------
    DeadlinePromise

    Raises
    ------
    ValueError
        If the work does not fit into its window.

    Notes
    -----
    With h hours and work w left, s the state of spot, each hour takes the cheapest of what still keeps the deadline:

        V(h, w, s) = min( wait       E V(h - 1, w, s')                                       if w <= h - 1
                          on demand  od min(w, 1)       + E V(h - 1, w - 1, s')
                          on spot    spot min(w k, 1)   + E V(h - 1, w - 1 / k, s')          if s, w - 1 / k <= h - 1 )

    with k = 1 + rework. Of equals waiting comes first, then spot. Without rework that is: run on spot when it is
    there, wait when it is not, and go on demand in the last hour that leaves no slack.

    Examples
    --------
    Two hours for one hour of work, spot there half of the time, outages of 4 hours: it goes on demand where spot is
    gone in both hours, 0.5 x 0.75.

    >>> chain = SpotChain(availability=0.5, outage_hours=4.0)
    >>> one = DeadlineWork(window_hours=2, work_hours=1.0, rework_fraction=0.0, spot_usd=0.2, on_demand_usd=1.0)
    >>> keep_deadline(chain, one).fallback_probability
    0.375
    """
    if work.work_hours > work.window_hours:
        msg = f"work_hours must be <= window_hours {work.window_hours}, got {work.work_hours!r}."
        raise ValueError(msg)
    values, patience = _least_cost(chain, work, _steps(work))
    gone = 1.0 - chain.availability
    usd, on_demand_hours, falls_back = (float(gone * of[0] + chain.availability * of[1]) for of in values)
    on_demand = on_demand_hours / work.work_hours
    return DeadlinePromise(
        spot_fraction=1.0 - on_demand,
        on_demand_fraction=on_demand,
        fallback_probability=falls_back,
        miss_probability=_chance_of_fewer(chain, math.ceil(round(work.spot_hours, WORK_DIGITS)), work.window_hours),
        rate_usd=usd / work.work_hours,
        waiting_usd=work.spot_usd * (1.0 + work.rework_fraction),
        patience_hours=patience,
    )


def _steps(work: DeadlineWork) -> _Steps:
    """Amounts that can be left after hours on demand and on spot in any order."""
    on_demand = np.arange(math.ceil(work.work_hours) + 1)
    on_spot = np.arange(min(math.ceil(round(work.spot_hours, WORK_DIGITS)), work.window_hours) + 1)
    per_spot_hour = 1.0 / (1.0 + work.rework_fraction)
    left = work.work_hours - on_demand[:, None] - per_spot_hour * on_spot[None, :]
    states: FloatArray = np.unique(np.round(np.maximum(left, 0.0), WORK_DIGITS)).astype(np.float64)[::-1]
    progress = np.array([1.0, per_spot_hour])
    then = np.round(np.maximum(states[None, :] - progress[:, None], 0.0), WORK_DIGITS)
    after = len(states) - 1 - _nearest(states[::-1], then)
    return _Steps(left=states, after=after, ran=np.minimum(states[None, :] / progress[:, None], 1.0))


def _nearest(rising: FloatArray, wanted: FloatArray) -> IntArray:
    """Place of the nearest of rising values: rounding may part a sum from itself by one last digit."""
    above = np.clip(np.searchsorted(rising, wanted), 1, max(len(rising) - 1, 1))
    is_below = wanted - rising[above - 1] <= rising[above] - wanted
    place: IntArray = np.where(is_below, above - 1, above)
    return place


def _least_cost(chain: SpotChain, work: DeadlineWork, steps: _Steps) -> tuple[list[FloatArray], int]:
    """Cost, hours on demand and chance of any, by the state of spot in the first hour; and the patience.

    Each has shape (2,): spot gone, spot there.
    """
    from_there, from_gone = (float(p) for p in chain.out_after(np.array(chain.memory)))
    step = np.array([[from_gone, 1.0 - from_gone], [from_there, 1.0 - from_there]])
    n_states = len(steps.left)
    values = np.zeros((3, 2, n_states))  # of the hours after: USD, hours on demand, chance of any on demand
    patience = 0
    for hours_left in range(1, work.window_hours + 1):
        ahead = np.einsum("xy,vyn->vxn", step, values)
        wait, on_demand, on_spot = _choices(ahead, steps, work)
        fits = hours_left - 1 + 0.5 * 10.0**-WORK_DIGITS
        is_done = steps.left == 0.0
        may_wait = (steps.left <= fits) | is_done
        may_spot = steps.left[steps.after[1]] <= fits
        chosen, waits = _cheapest(wait, on_demand, on_spot, may_wait=may_wait, may_spot=may_spot, work=work)
        values = np.where(is_done, 0.0, chosen)
        patience = patience + 1 if waits[0] else 0
    return [values[row, :, 0] for row in range(3)], patience


def _choices(ahead: FloatArray, steps: _Steps, work: DeadlineWork) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Values of waiting, of an hour on demand and of one on spot, each of shape (3, 2, n_states)."""
    on_demand, on_spot = ahead[:, :, steps.after[0]], ahead[:, :, steps.after[1]]
    on_demand[0] += work.on_demand_usd * steps.ran[0]
    on_demand[1] += steps.ran[0]
    on_demand[2] = 1.0
    on_spot[0] += work.spot_usd * steps.ran[1]
    return ahead, on_demand, on_spot


def _cheapest(  # the three choices and where two of them are allowed
    wait: FloatArray,
    on_demand: FloatArray,
    on_spot: FloatArray,
    *,
    may_wait: BoolArray,
    may_spot: BoolArray,
    work: DeadlineWork,
) -> tuple[FloatArray, BoolArray]:
    """Values of the best choice, and whether it waits where spot is gone, of shape (n_states,)."""
    tie = TIE_FRACTION * work.on_demand_usd
    is_there = np.array([False, True])[:, None]
    spot_usd = np.where(may_spot & is_there, on_spot[0], np.inf)
    is_spot = spot_usd <= on_demand[0] + tie
    running = np.where(is_spot, on_spot, on_demand)
    waits = may_wait & (np.where(may_wait, wait[0], np.inf) <= running[0] + tie)
    return np.where(waits, wait, running), waits[0]


def _chance_of_fewer(chain: SpotChain, n_needed: int, n_hours: int) -> float:
    """Chance that spot is there in fewer than so many of the hours."""
    if n_needed > n_hours:
        return 1.0
    from_there, from_gone = (float(p) for p in chain.out_after(np.array(chain.memory)))
    gone, there = np.zeros(n_needed + 1), np.zeros(n_needed + 1)  # by hours seen with spot, the last one or more
    gone[0], there[1] = 1.0 - chain.availability, chain.availability
    for _ in range(n_hours - 1):
        next_gone = from_gone * gone + from_there * there
        arriving = (1.0 - from_gone) * gone + (1.0 - from_there) * there
        there = np.concatenate([[0.0], arriving[:-1]])
        there[-1] += arriving[-1]
        gone = next_gone
    return float(gone[:-1].sum() + there[:-1].sum())
