"""Young pools: how fast they fill up, and how much of a group's demand goes each year to pools not yet born.

Pools that took over from another are not counted: successions have a model of their own. Not here: that model
(`forecasting.succession`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, IntArray, frozen_floats
from forecasting.lifetimes import DAYS_PER_YEAR, Lives
from forecasting.shares import SHARE_DAYS, group_sums, trailing_shares
from forecasting.succession import Succession

PRIOR_ADOPTION_DAYS = 60.0  # time constant: two thirds of what a pool will have after two months
ADOPTION_LOG_SD = 0.7
PRIOR_ADOPTIONS = 2.0  # births that the prior is worth
TIMED_AGE_DAYS = 180  # at which a pool counts as settled
MAX_GROWTH = 4.0  # of a young share: a few days of a trial do not make a fleet
PRIOR_NEWCOMER_RATE = 0.02  # of a group's demand each year
PRIOR_NEWCOMER_YEARS = 1.0  # of history that the prior is worth
WEEK_DAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Newcomers:
    """How pools are born and grow.

    Attributes
    ----------
    log_adoption : float
        Mean logarithm of the time constant of adoption in days.
    adoption_log_sd : float
    rates : FloatArray of shape (n_groups,)
        Part of a group's demand that goes to newcomers. [1/year]
    shapes : FloatArray of shape (n_groups,)
        Shape of the Gamma distribution of that rate.
    """

    log_adoption: float
    adoption_log_sd: float
    rates: FloatArray
    shapes: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "rates", frozen_floats(self.rates))
        object.__setattr__(self, "shapes", frozen_floats(self.shapes))

    def draw_adoption(self, n_paths: int, rng: np.random.Generator) -> FloatArray:
        """Draw time constants of adoption. Shape (n_paths,). [days]"""
        drawn: FloatArray = np.exp(self.log_adoption + self.adoption_log_sd * rng.standard_normal(n_paths))
        return drawn

    def draw_rates(self, n_paths: int, rng: np.random.Generator) -> FloatArray:
        """Draw rates of newcomers. Shape (n_paths, n_groups). [1/year]"""
        drawn: FloatArray = rng.standard_gamma(self.shapes, size=(n_paths, len(self.rates))) * self.rates / self.shapes
        return drawn


def adopted_fraction(age_days: int, elapsed: FloatArray, adoption_days: FloatArray) -> FloatArray:
    """Growth of a young pool from its age at the end of history on, as ``1 - exp(-age / adoption)`` grows.

    Parameters
    ----------
    age_days : int
        At the end of history. [days]
    elapsed : FloatArray of shape (n_days,)
        Days since.
    adoption_days : FloatArray of shape (n_paths,)

    Returns
    -------
    FloatArray of shape (n_paths, n_days)
        Between 1 and `MAX_GROWTH`.
    """
    age = max(age_days - WEEK_DAYS / 2.0, 1.0)  # its share is that of its last week
    then = -np.expm1(-(age + elapsed[None, :]) / adoption_days[:, None])
    now = -np.expm1(-age / adoption_days[:, None])
    growth: FloatArray = np.clip(then / now, 1.0, MAX_GROWTH)
    return growth


def adopting_ages(lives: Lives, successions: Sequence[Succession]) -> IntArray:
    """Age at the end of history of pools in their first year that took over from no other; -1 for all others.

    Parameters
    ----------
    lives : Lives
        Born when first seen in demand as observed or as restated for declared events: what a declared migration fills
        is not young by itself.
    successions : sequence of Succession
    """
    ages = lives.n_days - lives.born
    is_heir = np.isin(np.arange(len(ages)), _heirs(successions))
    adopting: IntArray = np.where(lives.is_age_known & (ages > 0) & (ages < DAYS_PER_YEAR) & ~is_heir, ages, -1)
    return adopting


def fit_newcomers(units: FloatArray, group_of: IntArray, lives: Lives, successions: Sequence[Succession]) -> Newcomers:
    """Fit on the pools born within history that took over from no other.

    Parameters
    ----------
    units : FloatArray of shape (n_pools, n_days)
        Daily mean demand, restated for declared events. [units]
    group_of : IntArray of shape (n_pools,)
    lives : Lives
        As for `adopting_ages`.
    successions : sequence of Succession
    """
    n_groups = int(group_of.max()) + 1
    heirs = _heirs(successions)
    is_born = lives.is_age_known & (lives.born >= SHARE_DAYS) & (lives.born < lives.n_days)
    newborn = [pool for pool in np.flatnonzero(is_born).tolist() if pool not in heirs]
    totals = group_sums(units, group_of)[group_of]
    grown = np.minimum(lives.born + DAYS_PER_YEAR, lives.n_days)
    taken, n_born, logs = np.zeros(n_groups), np.zeros(n_groups), []
    for pool in newborn:
        row = slice(pool, pool + 1)
        ends = np.arange(lives.born[pool] + WEEK_DAYS, grown[pool] + 1)
        if len(ends) == 0:
            continue
        taken[group_of[pool]] += trailing_shares(units[row], totals[row], ends[-1:], SHARE_DAYS)[0, 0]
        n_born[group_of[pool]] += 1.0
        if len(ends) >= TIMED_AGE_DAYS:
            weekly = trailing_shares(units[row], totals[row], ends[:TIMED_AGE_DAYS], WEEK_DAYS)[0]
            half = int(np.argmax(weekly >= weekly[-SHARE_DAYS:].mean() / 2.0)) + WEEK_DAYS / 2.0
            logs.append(float(np.log(half / np.log(2.0))))
    years = max(lives.n_days - SHARE_DAYS, 0) / DAYS_PER_YEAR
    mean = (PRIOR_ADOPTIONS * np.log(PRIOR_ADOPTION_DAYS) + sum(logs)) / (PRIOR_ADOPTIONS + len(logs))
    return Newcomers(
        log_adoption=float(mean),
        adoption_log_sd=float(ADOPTION_LOG_SD * np.sqrt(1.0 + 1.0 / (PRIOR_ADOPTIONS + len(logs)))),
        rates=(PRIOR_NEWCOMER_YEARS * PRIOR_NEWCOMER_RATE + taken) / (PRIOR_NEWCOMER_YEARS + years),
        shapes=1.0 + n_born,
    )


def _heirs(successions: Sequence[Succession]) -> list[int]:
    """Pools that took over from another."""
    return sorted({pool for succession in successions for pool in succession.gaining})
