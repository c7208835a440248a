"""How pools of a history have lived and died, and how likely each is to be replaced: a survival model by age.

A pool has halved when its share falls below half of its former peak and stays there. Few halvings are seen in any one
history, so what is seen corrects a prior made of how often hardware generations succeed each other.
Not here: who took over (`forecasting.succession`), nor what replacement does to the shares (`forecasting.mix`).
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray, frozen_floats, frozen_ints
from forecasting.shares import SHARE_DAYS, group_sums, trailing_shares

DAYS_PER_YEAR = 365
# Prior. Hardware generations follow each other every two to three years: the time from a pool's birth until half of it
# is gone is Weibull with these quartiles, 2.5 years in the mean. Its hazard stops growing at the mean: what has
# outlived its generation is not of the kind that is replaced at once.
LIFE_QUARTILES_YEARS = (2.0, 3.0)
LIFE_SHAPE = float(np.log(np.log(4.0) / np.log(4.0 / 3.0)) / np.log(LIFE_QUARTILES_YEARS[1] / LIFE_QUARTILES_YEARS[0]))
LIFE_SCALE_YEARS = float(LIFE_QUARTILES_YEARS[1] / np.log(4.0) ** (1.0 / LIFE_SHAPE))
LONGEST_LIFE_YEARS = 60  # tabulated
# Halvings that the prior is worth. Fleets differ in pace: the rate's distribution has its P90 at three times its P10.
PRIOR_HALVINGS = 6.0
HALF = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lives:
    """What is known of every pool's life.

    Attributes
    ----------
    n_days : int
        Days of history.
    born : IntArray of shape (n_pools,)
        Index of the first day with demand; 0 for a pool as old as the history, `n_days` for one without any.
    peak_share : FloatArray of shape (n_pools,)
        Highest four-week share of the group's demand.
    halved : IntArray of shape (n_pools,)
        Index of the day from which on the share stayed below half of its peak; -1 where it did not.
    """

    n_days: int
    born: IntArray
    peak_share: FloatArray
    halved: IntArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "born", frozen_ints(self.born))
        object.__setattr__(self, "peak_share", frozen_floats(self.peak_share))
        object.__setattr__(self, "halved", frozen_ints(self.halved))

    @property
    def is_age_known(self) -> BoolArray:
        """Whether a pool was born within history. Shape (n_pools,)."""
        known: BoolArray = self.born > 0
        return known

    @property
    def age_days(self) -> IntArray:
        """Age at the end of history; of a pool of unknown age the days it was seen. Shape (n_pools,)."""
        return self.ages_at(np.full(len(self.born), self.n_days))

    def ages_at(self, day: IntArray) -> IntArray:
        """Age of each pool on one day each, of unknown age since history began; 0 before birth. Shape (n_pools,)."""
        ages: IntArray = np.maximum(day - self.born, 0)
        return ages

    def cumulated_hazard(self, ages: FloatArray | IntArray) -> FloatArray:
        """Prior hazard cumulated until each pool has an age. Shape (..., n_pools) as given."""
        known, unknown = _hazard_tables()
        days = np.arange(len(known))
        seen = np.asarray(ages, dtype=np.float64)
        cumulated: FloatArray = np.where(
            self.is_age_known, np.interp(seen, days, known), np.interp(seen, days, unknown)
        )
        return cumulated

    def age_at_hazard(self, cumulated: FloatArray) -> FloatArray:
        """Age at which the prior hazard has cumulated to this much: the inverse of `cumulated_hazard`. [days]"""
        known, unknown = _hazard_tables()
        days = np.arange(len(known), dtype=np.float64)
        ages: FloatArray = np.where(
            self.is_age_known, np.interp(cumulated, known, days), np.interp(cumulated, unknown, days)
        )
        return ages


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplacementChance:
    """How likely a pool is to be replaced by half within a year, and why.

    Attributes
    ----------
    pool : int
        Row of the pool.
    age_days : int
        Age at the end of history; where it is not known, at least this.
    is_age_known : bool
    prior_chance : float
        From the age alone, as generations succeed each other.
    n_halved, n_expected : float
        Pools of about this size that fell below half of their peak for good in this history, and how many the prior
        expected.
    chance : float
        From both; 1 for a pool that is being replaced already, and only of the rest of the year after a declared event.
    """

    pool: int
    age_days: int
    is_age_known: bool
    prior_chance: float
    n_halved: float
    n_expected: float
    chance: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hazard:
    """Posterior of how much faster or slower pools are replaced than the prior says: a Gamma distribution for each.

    Attributes
    ----------
    n_halved : FloatArray of shape (n_pools,)
        Halvings seen, of pools of about the same size.
    n_expected : FloatArray of shape (n_pools,)
        Halvings that the prior expected in what was seen.
    """

    n_halved: FloatArray
    n_expected: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "n_halved", frozen_floats(self.n_halved))
        object.__setattr__(self, "n_expected", frozen_floats(self.n_expected))

    @property
    def mean_factor(self) -> FloatArray:
        """Posterior mean of the factor on the prior hazard. Shape (n_pools,)."""
        factor: FloatArray = (PRIOR_HALVINGS + self.n_halved) / (PRIOR_HALVINGS + self.n_expected)
        return factor

    def factors(self, scores: FloatArray) -> FloatArray:
        """Posterior quantile of the factor at standard normal scores (Wilson and Hilferty).

        Parameters
        ----------
        scores : FloatArray of shape (n_paths, 1)
            One for each path: all pools of a path are replaced fast, or all slowly.

        Returns
        -------
        FloatArray of shape (n_paths, n_pools)
        """
        shape = PRIOR_HALVINGS + self.n_halved
        cube_root = np.maximum(1.0 - 1.0 / (9.0 * shape) + scores / (3.0 * np.sqrt(shape)), 0.0)
        factors: FloatArray = self.mean_factor * cube_root**3
        return factors

    def without_data(self) -> "Hazard":
        """Return the prior alone."""
        return Hazard(n_halved=np.zeros_like(self.n_halved), n_expected=np.zeros_like(self.n_expected))

    def chance(self, cumulated: FloatArray) -> FloatArray:
        """Chance that a pool halves while the prior hazard cumulates to this much. Shape (n_pools,)."""
        rate = PRIOR_HALVINGS + self.n_expected
        chance: FloatArray = 1.0 - (rate / (rate + cumulated)) ** (PRIOR_HALVINGS + self.n_halved)
        return chance


def life_survival(years: FloatArray) -> FloatArray:
    """Chance that a pool has not halved at an age, a priori. Shape as given.

    Examples
    --------
    >>> life_survival(np.array([0.0, 2.0, 3.0])).round(3).tolist()
    [1.0, 0.75, 0.25]
    """
    survival: FloatArray = np.exp(-((np.asarray(years, dtype=np.float64) / LIFE_SCALE_YEARS) ** LIFE_SHAPE))
    return survival


@cache
def _hazard_tables() -> tuple[FloatArray, FloatArray]:
    """Prior hazard cumulated by the day, of pools seen from birth on and of pools first seen at some moment of theirs.

    Of lives that follow each other without end one meets, at a random moment, one with a chance in proportion to its
    length: what is left of it then survives as the integral of the survival function (renewal theory). Both hazards
    stop growing at the hazard of the mean life.
    """
    years = np.arange(LONGEST_LIFE_YEARS * DAYS_PER_YEAR + 1) / DAYS_PER_YEAR
    survival = life_survival(years)
    left = np.cumsum(survival[::-1])[::-1] / DAYS_PER_YEAR
    slope = LIFE_SHAPE / LIFE_SCALE_YEARS
    top = slope * (left[0] / LIFE_SCALE_YEARS) ** (LIFE_SHAPE - 1.0)
    known = np.minimum(slope * (years / LIFE_SCALE_YEARS) ** (LIFE_SHAPE - 1.0), top)
    is_below = np.logical_and.accumulate(survival < top * left)
    unknown = np.where(is_below, survival / np.where(is_below, left, 1.0), top)
    return _cumulated(known), _cumulated(unknown)


def _cumulated(yearly: FloatArray) -> FloatArray:
    """Sum of a yearly hazard up to each day, by trapezes. Shape (n_days,)."""
    return np.concatenate([[0.0], np.cumsum((yearly[1:] + yearly[:-1]) / (2.0 * DAYS_PER_YEAR))])


def pool_lives(units: FloatArray, group_of: IntArray) -> Lives:
    """Birth, peak and halving of every pool.

    Parameters
    ----------
    units : FloatArray of shape (n_pools, n_days)
        Daily mean demand as it was observed. [units]
    group_of : IntArray of shape (n_pools,)
    """
    n_days = units.shape[1]
    has_demand = units > 0
    born = np.where(has_demand.any(axis=1), has_demand.argmax(axis=1), n_days)
    days = np.arange(1, n_days + 1)
    smooth = trailing_shares(units, group_sums(units, group_of)[group_of], days, SHARE_DAYS)
    is_measured = days[None, :] >= np.minimum(born[:, None] + SHARE_DAYS, n_days)
    measured = np.where(is_measured, smooth, 0.0)
    peaks = np.maximum.accumulate(measured, axis=1)
    is_below = (measured < HALF * peaks) & (peaks > 0)
    stays = np.logical_and.accumulate(is_below[:, ::-1], axis=1)[:, ::-1]
    n_below = stays.sum(axis=1)
    return Lives(
        n_days=n_days,
        born=born,
        peak_share=peaks[:, -1],
        halved=np.where(n_below >= SHARE_DAYS, n_days - n_below, -1),
    )


def size_likeness(peak_shares: FloatArray) -> FloatArray:
    """How much one pool tells of another: ``exp(-d ** 2 / 2)``, d powers of ten apart. Shape (n_pools, n_pools)."""
    size = np.log10(np.where(peak_shares > 0, peak_shares, 1.0))
    likeness: FloatArray = np.exp(-0.5 * (size[:, None] - size[None, :]) ** 2)
    return likeness


def fit_hazard(lives: Lives) -> Hazard:
    """Posterior of the hazard: halvings seen against halvings expected, pools of like size counting most.

    Exposure begins with a pool's birth, or where history does (left truncation), and ends with its
    halving or four weeks before the end of history (right censoring): what halved later is not yet known to stay so.
    Pools count for each other as `size_likeness` says.
    """
    n_pools = len(lives.born)
    start = np.minimum(np.maximum(lives.born, 0), lives.n_days)
    end = np.where(lives.halved >= 0, lives.halved, np.maximum(lives.n_days - SHARE_DAYS, start))
    expected = lives.cumulated_hazard(lives.ages_at(end)) - lives.cumulated_hazard(lives.ages_at(start))
    halved = (lives.halved >= 0).astype(np.float64)
    is_counted = lives.peak_share > 0
    likeness = np.where(is_counted[None, :], size_likeness(lives.peak_share), 0.0)
    return Hazard(
        n_halved=likeness @ halved if n_pools else np.zeros(0),
        n_expected=likeness @ np.maximum(expected, 0.0) if n_pools else np.zeros(0),
    )


def replacement_chances(lives: Lives, hazard: Hazard, blocked_days: IntArray) -> tuple[ReplacementChance, ...]:
    """Chance of every pool that half of it is replaced within a year of the end of history.

    Parameters
    ----------
    lives : Lives
    hazard : Hazard
    blocked_days : IntArray of shape (n_pools,)
        Days from the end of history that do not count, as a declared event accounts for them.
    """
    ages = lives.age_days
    first = ages + np.minimum(blocked_days, DAYS_PER_YEAR)
    cumulated = lives.cumulated_hazard(ages + DAYS_PER_YEAR)
    chances = hazard.chance(cumulated - lives.cumulated_hazard(first))
    priors = hazard.without_data().chance(cumulated - lives.cumulated_hazard(ages))
    return tuple(
        ReplacementChance(
            pool=pool,
            age_days=lives.n_days - int(lives.born[pool]),
            is_age_known=bool(lives.is_age_known[pool]),
            prior_chance=float(priors[pool]),
            n_halved=float(hazard.n_halved[pool]),
            n_expected=float(hazard.n_expected[pool]),
            chance=float(chances[pool]),
        )
        for pool in range(len(lives.born))
    )
