"""Sizes of sampled spikes, set so that they raise the peak of four weeks by as much as spikes lately did.

A spike in a quiet hour need not raise any peak. What matters to capacity is measured here directly and used to scale
the process. Not here: the process itself (`forecasting.spike_process`).
"""

from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray
from forecasting.hours import HOURS_PER_DAY
from forecasting.spike_process import SpikeProcess

BLOCK_DAYS = 28
HALF_LIFE_DAYS = 91.0  # a quarter: what spikes did before the last change of a fleet says little
PRIOR_BLOCKS = 3.25
N_PATHS = 200
SCALES = np.linspace(0.0, 1.0, 11)
N_RECENT_BLOCKS = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PastPeaks:
    """Past demand of a group, with and without its spikes.

    Attributes
    ----------
    units, cleaned, usual : FloatArray of shape (n_hours,)
        As it was, without spikes, and the baseline of each hour. [units]
    """

    units: FloatArray
    cleaned: FloatArray
    usual: FloatArray


def with_lift_of(process: SpikeProcess, past: PastPeaks, rng: np.random.Generator) -> SpikeProcess:
    """Process whose spikes are scaled down until they raise the peaks of recent weeks no more than spikes did.

    The lift of a block of four weeks is the log of its highest hour over that without spikes. Past lifts are averaged
    with a half-life of a quarter. Sampled spikes are put on the last four blocks; sizes are never scaled up.
    """
    n_hours = BLOCK_DAYS * HOURS_PER_DAY
    n_blocks = len(past.units) // n_hours
    if n_blocks == 0:
        return process
    was, cleaned, usual = (_blocks(values, n_blocks, n_hours) for values in (past.units, past.cleaned, past.usual))
    peaks = cleaned.max(axis=1)
    if not np.all(peaks > 0):
        return process
    ages_days = (n_blocks - 0.5 - np.arange(n_blocks)) * BLOCK_DAYS
    weights = 0.5 ** (ages_days / HALF_LIFE_DAYS)
    wanted = float(weights @ np.log(np.maximum(was.max(axis=1), peaks) / peaks) / (weights.sum() + PRIOR_BLOCKS))
    excess = process.sample(N_PATHS, n_hours, rng) - 1.0
    recent = range(max(n_blocks - N_RECENT_BLOCKS, 0), n_blocks)
    lifts = np.array(
        [np.mean([_lift(peaks[block], usual[block], scale * excess) for block in recent]) for scale in SCALES]
    )
    scale = float(np.interp(wanted, lifts, SCALES))
    return replace(process, excess_fractions=process.excess_fractions * scale)


def _blocks(values: FloatArray, n_blocks: int, n_hours: int) -> FloatArray:
    """Last whole blocks. Shape (n_blocks, n_hours)."""
    return values[-n_blocks * n_hours :].reshape(n_blocks, n_hours)


def _lift(peak: float, usual: FloatArray, excess: FloatArray) -> float:
    """Mean log by which sampled spikes, excess of shape (n_paths, n_hours), rise above a peak."""
    spiked = np.where(excess > 0, usual * (1.0 + excess), 0.0).max(axis=1)
    return float(np.log(np.maximum(spiked, peak) / peak).mean())
