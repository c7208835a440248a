"""Risk of the next spike: how often spikes come, how large and long they are, faded from a group's past.

Outages are no risk to capacity and are not sampled. Not here: finding spikes (`forecasting.spikes`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, IntArray, frozen_floats, frozen_ints
from forecasting.hours import HOURS_PER_DAY, HOURS_PER_WEEK
from forecasting.spikes import MAX_SPIKE_HOURS, MIN_PROFILE, MIN_SPIKE_FRACTION, Spike, hourly_baseline

# Gamma prior of the rate: Jeffreys' half a spike, in a quarter. Without history it says two a year, after two quiet
# years one in three.
PRIOR_SPIKES = 0.5
PRIOR_DAYS = 91.25
# Exceedance over the least spike is exponential with that least spike as its mean: the five middles of its fifths.
PRIOR_SIZES = tuple(MIN_SPIKE_FRACTION * (1.0 - math.log(1.0 - (k + 0.5) / 5)) for k in range(5))
PRIOR_HOURS = (1, 1, 2, 3, 5)
HALF_LIVES_DAYS = (90.0, 180.0, 360.0, 720.0)
BLOCK_DAYS = 28
LEVEL_HOURS = 4 * HOURS_PER_WEEK
MIN_SPIKES = 8  # before sizes are believed to change with the level
PRIOR_LOG_LEVEL_VARIANCE = 0.05  # of the level at which the measured change is half believed
SIZE_BOUNDS = (0.2, 1.0)
MAX_LOG_BANDWIDTH = 0.3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpikeProcess:
    """Spikes as a Poisson process with a Gamma-distributed rate; each is one of the past, or of the prior, resampled.

    Attributes
    ----------
    as_of_hour : int
        Epoch hour at which sample paths begin.
    half_life_days : float
        Of the weight of the past.
    rate_shape : float
        Of the Gamma distribution of the rate: prior and faded number of spikes.
    rate_days : float
        Its inverse scale: prior and faded days of history. [days]
    start_hours_of_day : IntArray of shape (n_marks,)
        UTC hour at which each resampled spike begins.
    excess_fractions : FloatArray of shape (n_marks, 12)
        Excess over expected demand in each of its hours, at today's level; 0 after its end.
    weights : FloatArray of shape (n_marks,)
        Chance that a spike is this one; sums to 1.
    log_bandwidth : float
        Standard deviation of the log factor that smooths sizes.
    """

    as_of_hour: int
    half_life_days: float
    rate_shape: float
    rate_days: float
    start_hours_of_day: IntArray
    excess_fractions: FloatArray
    weights: FloatArray
    log_bandwidth: float

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "start_hours_of_day", frozen_ints(self.start_hours_of_day))
        object.__setattr__(self, "excess_fractions", frozen_floats(self.excess_fractions))
        object.__setattr__(self, "weights", frozen_floats(self.weights))

    @property
    def daily_rate(self) -> float:
        """Expected number of spikes a day. [1 / day]"""
        return self.rate_shape / self.rate_days

    def expected_excess(self) -> FloatArray:
        """Expected excess fraction by UTC hour of the day. Shape (24,)."""
        by_hour = np.zeros(HOURS_PER_DAY)
        hours = (self.start_hours_of_day[:, None] + np.arange(MAX_SPIKE_HOURS)) % HOURS_PER_DAY
        np.add.at(by_hour, hours, self.weights[:, None] * self.excess_fractions)
        return self.daily_rate * by_hour

    def sample(self, n_paths: int, n_hours: int, rng: np.random.Generator) -> FloatArray:
        """Factors by which spikes raise demand from as-of on; 1 without a spike.

        Each path draws its own rate, so that how little is known of it shows between paths. Spikes that overlap add.

        Returns
        -------
        FloatArray of shape (n_paths, n_hours)
        """
        n_days = -(-n_hours // HOURS_PER_DAY) + 1  # one that began in the day before as-of may still run
        rates = rng.gamma(self.rate_shape, 1.0 / self.rate_days, n_paths)
        paths = np.repeat(np.arange(n_paths), rng.poisson(rates * n_days))
        days = rng.integers(-1, n_days - 1, len(paths))
        marks = rng.choice(len(self.weights), size=len(paths), p=self.weights)
        noise = rng.standard_normal(len(paths))
        scale = np.exp(self.log_bandwidth * noise - 0.5 * self.log_bandwidth**2)
        first = days * HOURS_PER_DAY + (self.start_hours_of_day[marks] - self.as_of_hour) % HOURS_PER_DAY
        hours = first[:, None] + np.arange(MAX_SPIKE_HOURS)
        inside = (hours >= 0) & (hours < n_hours)
        factors = np.ones((n_paths, n_hours))
        rows = np.broadcast_to(paths[:, None], hours.shape)
        np.add.at(factors, (rows[inside], hours[inside]), (scale[:, None] * self.excess_fractions[marks])[inside])
        return factors


def fit_spike_process(spikes: Sequence[Spike], units: FloatArray, *, start_hour: int) -> SpikeProcess:
    """Spike process of a group from the spikes found in its past.

    The rate is Gamma-Poisson: the prior's half a spike in a quarter, plus the faded number of spikes over the faded
    days of history. Fading is exponential, with the half-life of 90, 180, 360 or 720 days that best foresaw each four
    weeks of history from those before them (log score).
    A spike is resampled whole, from its hour of the day on, the recent more often. Sizes shrink by
    (level then / level now) ** g where the group has grown; g is the Theil-Sen slope of log size on log level, at
    least 0 and at most 1, shrunk to 0 where the level hardly varied or there are fewer than eight spikes.

    Parameters
    ----------
    spikes : sequence of Spike
        Outages among them are ignored.
    units : FloatArray of shape (n_hours,)
        Demand up to as-of, in which they were found. [units]
    start_hour : int
        Epoch hour of the first.
    """
    as_of_hour = start_hour + len(units)
    upward = [s for s in spikes if s.excess_units > 0 and s.start_hour >= start_hour and s.start_hour < as_of_hour]
    ages_days = np.array([(as_of_hour - spike.start_hour) / HOURS_PER_DAY for spike in upward])
    n_days = len(units) / HOURS_PER_DAY
    half_life = _half_life_days(ages_days, n_days)
    faded = 0.5 ** (ages_days / half_life)
    profiles = _profiles(upward, units, start_hour)
    sizes = profiles.max(axis=1)
    profiles = profiles * _size_factors(upward, sizes, units, start_hour)[:, None]
    prior_hours, prior_profiles = _prior_marks()
    weights = np.concatenate([faded, np.full(len(prior_hours), PRIOR_SPIKES / len(prior_hours))])
    return SpikeProcess(
        as_of_hour=as_of_hour,
        half_life_days=half_life,
        rate_shape=PRIOR_SPIKES + float(faded.sum()),
        rate_days=PRIOR_DAYS + half_life / math.log(2.0) * (1.0 - 0.5 ** (n_days / half_life)),
        start_hours_of_day=np.concatenate(
            [np.array([spike.start_hour % HOURS_PER_DAY for spike in upward], dtype=np.int64), prior_hours]
        ),
        excess_fractions=np.concatenate([profiles, prior_profiles]),
        weights=weights / weights.sum(),
        log_bandwidth=_log_bandwidth(sizes, faded),
    )


def _half_life_days(ages_days: FloatArray, n_days: float) -> float:
    """Half-life that best foresaw the number of spikes of each block of four weeks, the longest of equals."""
    n_blocks = int(n_days // BLOCK_DAYS)
    blocks = n_blocks - 1 - np.floor(ages_days / BLOCK_DAYS).astype(np.int64)
    counts = np.bincount(blocks[blocks >= 0], minlength=max(n_blocks, 1))
    return max(reversed(HALF_LIVES_DAYS), key=lambda days: _log_score(counts[:n_blocks], days))


def _log_score(counts: IntArray, half_life_days: float) -> float:
    """Sum of log chances that the faded past of each block gave to its count (negative binomial)."""
    kept = 0.5 ** (BLOCK_DAYS / half_life_days)
    n_seen, days_seen, score = 0.0, 0.0, 0.0
    for count in counts:
        shape, days = PRIOR_SPIKES + n_seen, PRIOR_DAYS + days_seen
        chance = days / (days + BLOCK_DAYS)
        ways = math.lgamma(shape + count) - math.lgamma(shape) - math.lgamma(count + 1)
        score += ways + shape * math.log(chance) + count * math.log1p(-chance)
        n_seen, days_seen = kept * (n_seen + count), kept * (days_seen + BLOCK_DAYS)
    return score


def _profiles(spikes: Sequence[Spike], units: FloatArray, start_hour: int) -> FloatArray:
    """Excess fraction in each hour of each spike, at the level of its time. Shape (n_spikes, 12)."""
    profiles = np.zeros((len(spikes), MAX_SPIKE_HOURS))
    if not spikes:
        return profiles
    baseline = hourly_baseline(units)
    for row, spike in enumerate(spikes):
        first = spike.start_hour - start_hour
        last = min(first + min(spike.n_hours, MAX_SPIKE_HOURS), len(units))
        around = baseline[max(first - MAX_SPIKE_HOURS, 0) : last + MAX_SPIKE_HOURS].mean()
        reference = np.maximum(baseline[first:last], MIN_PROFILE * around)
        excess = np.maximum(units[first:last] - baseline[first:last], 0.0)
        profiles[row, : last - first] = np.where(reference > 0, excess / np.where(reference > 0, reference, 1.0), 0.0)
    return profiles


def _size_factors(spikes: Sequence[Spike], sizes: FloatArray, units: FloatArray, start_hour: int) -> FloatArray:
    """Factor that puts each spike's size on today's level. Shape (n_spikes,)."""
    ends = np.array([spike.start_hour - start_hour for spike in spikes], dtype=np.int64)
    summed = np.concatenate([[0.0], np.cumsum(units)])
    starts = np.maximum(ends - LEVEL_HOURS, 0)
    levels = (summed[ends] - summed[starts]) / np.maximum(ends - starts, 1)
    now = units[-LEVEL_HOURS:].mean() if len(units) else 0.0
    known = (levels > 0) & (sizes > 0)
    if known.sum() < MIN_SPIKES or now <= 0:
        return np.ones(len(spikes))
    exponent = _size_exponent(np.log(levels[known]), np.log(sizes[known]))
    factors = np.ones(len(spikes))
    factors[known] = np.clip((levels[known] / now) ** exponent, *SIZE_BOUNDS)
    return factors


def _size_exponent(log_levels: FloatArray, log_sizes: FloatArray) -> float:
    """Power in [0, 1] by which relative sizes fall with the level."""
    earlier, later = np.triu_indices(len(log_levels), k=1)
    run = log_levels[later] - log_levels[earlier]
    apart = np.abs(run) > 1e-9
    if not apart.any():
        return 0.0
    slope = float(np.median((log_sizes[later] - log_sizes[earlier])[apart] / run[apart]))
    variance = float(log_levels.var())
    return float(np.clip(-slope, 0.0, 1.0)) * variance / (variance + PRIOR_LOG_LEVEL_VARIANCE)


def _prior_marks() -> tuple[IntArray, FloatArray]:
    """Start hours and excess fractions of the spikes of the prior: every size from every hour of the day."""
    hours = np.repeat(np.arange(HOURS_PER_DAY), len(PRIOR_SIZES))
    lasting = np.tile(np.array(PRIOR_HOURS), HOURS_PER_DAY)
    sizes = np.tile(np.array(PRIOR_SIZES), HOURS_PER_DAY)
    return hours, np.where(np.arange(MAX_SPIKE_HOURS) < lasting[:, None], sizes[:, None], 0.0)


def _log_bandwidth(sizes: FloatArray, weights: FloatArray) -> float:
    """Silverman's bandwidth of the log sizes at their effective number."""
    known = sizes > 0
    if known.sum() < 2:
        return MAX_LOG_BANDWIDTH
    logs, faded = np.log(sizes[known]), weights[known] / weights[known].sum()
    spread = math.sqrt(float(faded @ (logs - faded @ logs) ** 2))
    n_effective = 1.0 / float(np.sum(faded**2))
    return float(min(1.06 * spread * n_effective**-0.2, MAX_LOG_BANDWIDTH))
