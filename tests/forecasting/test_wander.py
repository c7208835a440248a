import numpy as np
import pytest

from forecasting.lifetimes import pool_lives
from forecasting.wander import PRIOR_WEEKLY_SD, day_factors, drawn_days, weekly_log_sd

GROUP = np.zeros(4, dtype=np.int64)


def test_the_step_of_a_random_walk_is_found():
    rng = np.random.default_rng(0)
    logits = np.cumsum(rng.normal(0, 0.1 / np.sqrt(7), 4000))
    share = 0.05 * np.exp(logits - logits[-1])
    units = np.stack([1 - share, share])
    group = np.zeros(2, dtype=np.int64)
    measured = weekly_log_sd(units, group, pool_lives(units, group))
    now = np.array([0.95, 0.05])
    np.testing.assert_allclose(measured, 0.1 * np.sqrt(1 - now), rtol=0.2)


def test_a_steady_succession_is_no_wander():
    moved = 1 / (1 + np.exp(-np.linspace(-3, 3, 700)))
    units = np.stack([1 - moved, moved])
    group = np.zeros(2, dtype=np.int64)
    measured = weekly_log_sd(units, group, pool_lives(units, group))
    assert measured.max() < 0.4 * PRIOR_WEEKLY_SD


def test_too_short_a_history_has_the_prior():
    units = np.full((4, 42), 3.0)
    measured = weekly_log_sd(units, GROUP, pool_lives(units, GROUP))
    np.testing.assert_allclose(measured, PRIOR_WEEKLY_SD * np.sqrt(0.75))


def test_factors_are_the_share_of_a_day_over_that_of_the_weeks_around():
    rng = np.random.default_rng(1)
    units = rng.uniform(1, 5, (4, 120))
    factors = day_factors(units, GROUP, pool_lives(units, GROUP))
    window = units[:, 60 - 14 : 60 + 15]
    usual = window.sum(axis=1) / window.sum()
    np.testing.assert_allclose(factors[:, 60], units[:, 60] / units[:, 60].sum() / usual)


def test_days_before_a_pool_settled_repeat_its_life_after_and_outages_are_neutral():
    rng = np.random.default_rng(2)
    units = rng.uniform(1, 5, (4, 220))
    units[3, :50] = 0.0
    units[:, 200] = 0.0
    factors = day_factors(units, GROUP, pool_lives(units, GROUP))
    settled, period = 50 + 56, 112  # whole weeks of the 114 days since
    for day in (0, 10, 49, 50, 105):
        weeks = -(-(settled - day) // period) * period
        np.testing.assert_allclose(factors[3, day], factors[3, day + weeks])
    np.testing.assert_allclose(factors[:, 200], 1.0)
    assert np.isfinite(factors).all()


@pytest.mark.parametrize(("n_days", "born"), [(400, 300), (400, 340), (60, 30)])
def test_the_ramp_of_a_young_pool_is_no_noise(n_days: int, born: int):
    day = np.arange(n_days)
    ramp = np.where(day >= born, 30.0 * (1.0 - np.exp(-(day - born + 1) / 20)), 0.0)
    units = np.stack([np.full(n_days, 50.0), ramp])
    group = np.zeros(2, dtype=np.int64)
    young = day_factors(units, group, pool_lives(units, group))[1]
    # its first day has a share far below that of the weeks around; what is left after eight weeks is nearly level
    np.testing.assert_allclose(young, 1.0, atol=0.03)


def test_a_pool_as_old_as_a_short_history_has_its_own_noise():
    units = np.random.default_rng(3).uniform(1, 5, (4, 24))
    factors = day_factors(units, GROUP, pool_lives(units, GROUP))
    shares = units / units.sum(axis=0)
    usual = (units[:, :24] / units[:, :24].sum()).sum(axis=1)
    np.testing.assert_allclose(factors[:, 12], shares[:, 12] / usual)


def test_empty_pools_are_neutral():
    units = np.zeros((4, 60))
    np.testing.assert_allclose(day_factors(units, GROUP, pool_lives(units, GROUP)), 1.0)


def test_drawn_days_keep_the_day_of_the_week():
    for n_history in (42, 100, 365):
        columns = drawn_days(n_history, n_paths=50, n_days=90, rng=np.random.default_rng(0))
        assert columns.min() >= 0
        assert columns.max() < n_history
        np.testing.assert_array_equal((columns - n_history - np.arange(90)) % 7, 0)
