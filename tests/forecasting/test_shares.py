import numpy as np

from forecasting.shares import fit_shares

N_DAYS = 100
ONE_GROUP = np.zeros(3, dtype=np.int64)


def test_shares_are_four_weeks_of_the_pool_over_four_weeks_of_the_group():
    rng = np.random.default_rng(0)
    units = rng.uniform(1, 5, (3, N_DAYS))
    fits = fit_shares(units, ONE_GROUP, np.array([50, 100]))
    for column, origin in enumerate((50, 100)):
        window = units[:, origin - 28 : origin]
        np.testing.assert_allclose(fits.shares[:, column], window.sum(axis=1) / window.sum())


def test_shares_sum_to_one_in_each_group():
    rng = np.random.default_rng(1)
    fits = fit_shares(rng.uniform(1, 5, (5, N_DAYS)), np.array([0, 0, 1, 1, 1]), np.array([60, 100]))
    np.testing.assert_allclose([fits.shares[:2].sum(axis=0), fits.shares[2:].sum(axis=0)], 1.0)


def test_a_pool_without_demand_for_two_weeks_is_dead():
    units = np.full((3, N_DAYS), 5.0)
    units[1, 86:] = 0.0
    units[2, 87:] = 0.0
    fits = fit_shares(units, ONE_GROUP, np.array([100]))
    assert fits.shares[1, 0] == 0.0
    assert fits.shares[2, 0] > 0.0


def test_a_newborn_pool_counts_with_what_it_has_lived_of_the_last_week():
    units = np.full((3, N_DAYS), 5.0)
    units[1, :80], units[2, :99] = 0.0, 0.0
    fits = fit_shares(units, ONE_GROUP, np.array([100]))
    shares = np.array([28 * 5 / (28 * 5 + 20 * 5 + 5), 35 / 71.0, 5 / 15.0])
    shares[1] = 35 / (7 * 10 + 5)
    np.testing.assert_allclose(fits.shares[:, 0], shares / shares.sum())


def test_a_group_without_demand_has_no_shares():
    fits = fit_shares(np.zeros((3, N_DAYS)), ONE_GROUP, np.array([100]))
    assert not fits.shares.any()


def test_errors_are_zero_where_the_share_stayed_and_finite_where_the_pool_was_empty():
    units = np.full((3, N_DAYS), 5.0)
    units[1, 60:] = 0.0
    fits = fit_shares(units, ONE_GROUP, np.array([50]))
    rows, origin = np.array([0, 1, 1]), np.zeros(3, dtype=np.int64)
    errors = fits.log_errors(rows, origin, np.array([55, 55, 70]))
    np.testing.assert_allclose(errors[:2], 0.0, atol=1e-12)
    np.testing.assert_allclose(errors[2], np.log(0.25 / (10 / 3 + 0.25)))
