import numpy as np
import pytest

from forecasting.spike_lift import (
    BLOCK_DAYS,
    HALF_LIFE_DAYS,
    N_PATHS,
    N_RECENT_BLOCKS,
    PRIOR_BLOCKS,
    PastPeaks,
    with_lift_of,
)
from forecasting.spike_process import fit_spike_process
from forecasting.spikes import find_spikes

BLOCK_HOURS = BLOCK_DAYS * 24
N_BLOCKS = 13
WAVE = 1 + 0.3 * np.sin(2 * np.pi * np.arange(BLOCK_HOURS) / 24)


def past(lifts, *, level=10.0):
    """Blocks of waves whose highest hour is raised by the given logs."""
    usual = np.tile(level * WAVE, len(lifts))
    units = usual.reshape(len(lifts), -1).copy()
    units[np.arange(len(lifts)), units.argmax(axis=1)] *= np.exp(lifts)
    return PastPeaks(units=units.reshape(-1), cleaned=usual, usual=usual)


@pytest.fixture
def process():
    """Process of the prior and of about one spike of three times the usual in a block."""
    units = np.tile(10.0 * WAVE, N_BLOCKS)
    for block in range(N_BLOCKS):
        start = block * BLOCK_HOURS + 24 * 11 + 6
        units[start : start + 3] *= 3.0
    return fit_spike_process(find_spikes(units, start_hour=0), units, start_hour=0)


def scale_of(scaled, process):
    """Factor on all sizes."""
    ratios = (
        scaled.excess_fractions[process.excess_fractions > 0] / process.excess_fractions[process.excess_fractions > 0]
    )
    np.testing.assert_allclose(ratios, ratios[0])
    return float(ratios[0])


def sampled_lift(process, given, rng):
    """Mean log by which sampled spikes raise the highest hour of the last blocks, by a plain loop."""
    factors = process.sample(N_PATHS, BLOCK_HOURS, rng)
    usual = given.usual.reshape(-1, BLOCK_HOURS)[-N_RECENT_BLOCKS:]
    lifts = []
    for block in usual:
        for path in factors:
            lifts.append(np.log(max((block[path > 1] * path[path > 1]).max(initial=0.0), block.max()) / block.max()))
    return np.mean(lifts)


def test_spikes_that_never_raised_a_peak_raise_none(process):
    given = past(np.zeros(N_BLOCKS))
    scaled = with_lift_of(process, given, np.random.default_rng(0))
    assert sampled_lift(process, given, np.random.default_rng(0)) > 0.1
    np.testing.assert_allclose(sampled_lift(scaled, given, np.random.default_rng(0)), 0.0, atol=1e-3)


def test_sampled_spikes_raise_peaks_by_what_spikes_did_less_the_prior(process):
    lifts = np.linspace(0.1, 0.5, N_BLOCKS)
    given = past(lifts)
    scaled = with_lift_of(process, given, np.random.default_rng(1))
    ages = BLOCK_DAYS * (np.arange(N_BLOCKS)[::-1] + 0.5)
    weights = 0.5 ** (ages / HALF_LIFE_DAYS)
    wanted = (weights * lifts).sum() / (weights.sum() + PRIOR_BLOCKS)
    assert wanted < sampled_lift(process, given, np.random.default_rng(1))
    np.testing.assert_allclose(sampled_lift(scaled, given, np.random.default_rng(1)), wanted, rtol=0.05)


def test_spikes_that_raised_peaks_by_more_than_sampled_ones_stay_as_they_are(process):
    scaled = with_lift_of(process, past(np.full(N_BLOCKS, 4.0)), np.random.default_rng(0))
    np.testing.assert_allclose(scaled.excess_fractions, process.excess_fractions)


def test_the_lifts_of_late_count_more(process):
    late, early = np.where(np.arange(N_BLOCKS) >= 9, 0.4, 0.0), np.where(np.arange(N_BLOCKS) < 4, 0.4, 0.0)
    scales = [
        scale_of(with_lift_of(process, past(lifts), np.random.default_rng(0)), process) for lifts in (late, early)
    ]
    assert scales[0] > scales[1]


def test_only_sizes_are_scaled_whatever_the_level(process):
    lifts = np.full(N_BLOCKS, 0.2)
    one, other = (with_lift_of(process, past(lifts, level=level), np.random.default_rng(0)) for level in (10.0, 1e6))
    np.testing.assert_allclose(one.excess_fractions, other.excess_fractions)
    assert 0.0 < scale_of(one, process) < 1.0
    assert (one.rate_shape, one.rate_days) == (process.rate_shape, process.rate_days)


@pytest.mark.parametrize("cut", [BLOCK_HOURS - 1, None], ids=["less than a block", "a block without demand"])
def test_where_no_peak_is_known_the_process_stays(process, cut):
    given = past(np.zeros(3))
    arrays = {"units": given.units, "cleaned": given.cleaned, "usual": given.usual}
    if cut is None:
        arrays["cleaned"] = np.where(np.arange(3 * BLOCK_HOURS) < BLOCK_HOURS, 0.0, given.cleaned)
    else:
        arrays = {name: values[:cut] for name, values in arrays.items()}
    assert with_lift_of(process, PastPeaks(**arrays), np.random.default_rng(0)) is process
