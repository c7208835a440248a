import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.scoring import LEVELS, LOSS_LEVELS, naive_outlook, outlook_scores, path_outlook, year_scores

N_DAYS, N_PAST_DAYS = 10, 60


@pytest.fixture
def window():
    """Past, what came, and sample paths of it."""
    rng = np.random.default_rng(1)
    past = rng.gamma(20.0, 1.0, N_PAST_DAYS * 24)
    actual = rng.gamma(22.0, 1.0, N_DAYS * 24)
    paths = rng.gamma(21.0, 1.0, (200, N_DAYS * 24))
    return past, actual, paths


def pinball(actual, predicted, level):
    return level * (actual - predicted) if actual > predicted else (1 - level) * (predicted - actual)


def inverted_cdf(sample, level):
    ordered = sorted(sample)
    return next(value for rank, value in enumerate(ordered, start=1) if rank / len(ordered) >= level - 1e-12)


def test_scores_agree_with_plain_loops(window):
    past, actual, paths = window
    made = outlook_scores(path_outlook(paths, np.full(200, 1 / 200)), actual=actual, past=past)
    days = [actual[24 * d : 24 * d + 24].max() for d in range(N_DAYS)]
    before = [past[24 * d : 24 * d + 24].max() for d in range(N_PAST_DAYS)]
    sampled = [[path[24 * d : 24 * d + 24].max() for path in paths] for d in range(N_DAYS)]
    quantiles = [{level: inverted_cdf(sample, level) for level in LEVELS} for sample in sampled]
    scale = sum(abs(before[d] - before[d - 7]) for d in range(7, N_PAST_DAYS)) / (N_PAST_DAYS - 7)
    mase = sum(abs(y - q[0.5]) for y, q in zip(days, quantiles, strict=True)) / N_DAYS / scale
    hourly_scale = sum(abs(past[h] - past[h - 168]) for h in range(168, len(past))) / (len(past) - 168)
    hourly = sum(abs(actual[h] - sum(paths[:, h]) / 200) for h in range(len(actual))) / len(actual) / hourly_scale
    losses = [
        2 * sum(pinball(y, q[level], level) for y, q in zip(days, quantiles, strict=True)) / sum(days)
        for level in LOSS_LEVELS
    ]
    highest = {level: inverted_cdf([path.max() for path in paths], level) for level in LEVELS}
    peak = max(actual)
    peak_losses = [2 * pinball(peak, highest[level], level) / peak for level in LOSS_LEVELS]
    np.testing.assert_allclose(made.mase_daily_peak, mase)
    np.testing.assert_allclose(made.mase_hourly, hourly)
    np.testing.assert_allclose(made.wql_daily_peak, sum(losses) / len(LOSS_LEVELS))
    np.testing.assert_allclose(made.wql_horizon_peak, sum(peak_losses) / len(LOSS_LEVELS))
    inside = [q[0.05] <= y <= q[0.95] for y, q in zip(days, quantiles, strict=True)]
    assert made.coverage_90 == sum(inside) / N_DAYS
    assert made.peak_within_q95 == float(peak <= highest[0.95])
    np.testing.assert_allclose(made.q95_above_fraction, highest[0.95] / peak - 1)
    np.testing.assert_allclose(made.median_peak_above_fraction, highest[0.5] / peak - 1)


@given(factor=st.floats(0.01, 1000.0))
def test_scores_do_not_depend_on_the_unit(factor):
    rng = np.random.default_rng(2)
    past, actual, paths = rng.random(30 * 24) + 1, rng.random(5 * 24) + 1, rng.random((20, 5 * 24)) + 1
    weights = np.full(20, 1 / 20)
    plain = outlook_scores(path_outlook(paths, weights), actual=actual, past=past)
    scaled = outlook_scores(path_outlook(factor * paths, weights), actual=factor * actual, past=factor * past)
    for name in ("mase_daily_peak", "mase_hourly", "wql_daily_peak", "wql_horizon_peak", "q95_above_fraction"):
        np.testing.assert_allclose(getattr(scaled, name), getattr(plain, name), rtol=1e-9)


def test_the_naive_repeats_the_last_week_and_spreads_as_the_past_changed():
    rng = np.random.default_rng(3)
    past = rng.random(40 * 24)
    made = naive_outlook(past, n_days=10)
    daily = past.reshape(-1, 24).max(axis=1)
    np.testing.assert_allclose(made.hourly_mean_units[:168], past[-168:])
    np.testing.assert_allclose(made.hourly_mean_units[168:240], past[-168:-96])
    np.testing.assert_allclose(made.daily_point_units, [daily[33 + d % 7] for d in range(10)])
    two_weeks = [daily[d] - daily[d - 14] for d in range(14, 40)]
    np.testing.assert_allclose(made.daily_peak_units[8], np.maximum(daily[34] + np.quantile(two_weeks, LEVELS), 0))
    np.testing.assert_allclose(made.horizon_peak_units, made.daily_peak_units.max(axis=0))


def test_a_past_that_repeats_itself_is_forecast_without_a_miss_by_the_naive():
    week = np.random.default_rng(4).random(168)
    made = naive_outlook(np.tile(week, 6), n_days=14)
    scores = outlook_scores(made, actual=np.tile(week, 2), past=np.tile(week, 6))
    assert scores.wql_daily_peak == scores.wql_horizon_peak == 0.0
    assert scores.coverage_90 == scores.peak_within_q95 == 1.0
    assert math.isnan(scores.mase_daily_peak)  # it never changed: no scale


def test_a_window_without_demand_has_no_relative_scores():
    zeros = np.zeros(14 * 24)
    scores = outlook_scores(naive_outlook(zeros, n_days=7), actual=zeros[: 7 * 24], past=zeros)
    assert math.isnan(scores.wql_daily_peak)
    assert math.isnan(scores.q95_above_fraction)
    assert scores.coverage_90 == 1.0
    year = year_scores(np.zeros(4), np.full(4, 0.25), actual_mean_units=0.0)
    assert math.isnan(year.mean_above_fraction)
    assert year.within_80 == 1.0


def test_a_year_is_judged_by_its_expected_mean_and_its_band():
    means = np.arange(1.0, 11.0)
    scores = year_scores(means, np.full(10, 0.1), actual_mean_units=5.0)
    np.testing.assert_allclose(scores.mean_above_fraction, 0.1)
    assert scores.within_80 == 1.0
    assert year_scores(means, np.full(10, 0.1), actual_mean_units=9.5).within_80 == 0.0
