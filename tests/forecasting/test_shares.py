import numpy as np

from forecasting.shares import fit_shares

N_DAYS = 100
ONE_GROUP = np.zeros(3, dtype=np.int64)


def test_shares_are_four_weeks_of_the_pool_over_four_weeks_of_the_group():
    rng = np.random.default_rng(0)
    units = rng.uniform(1, 5, (3, N_DAYS))
    shares = fit_shares(units, ONE_GROUP, np.array([50, 100]))
    for column, origin in enumerate((50, 100)):
        window = units[:, origin - 28 : origin]
        np.testing.assert_allclose(shares[:, column], window.sum(axis=1) / window.sum())


def test_shares_sum_to_one_in_each_group():
    rng = np.random.default_rng(1)
    shares = fit_shares(rng.uniform(1, 5, (5, N_DAYS)), np.array([0, 0, 1, 1, 1]), np.array([60, 100]))
    np.testing.assert_allclose([shares[:2].sum(axis=0), shares[2:].sum(axis=0)], 1.0)


def test_a_pool_without_demand_for_two_weeks_is_dead():
    units = np.full((3, N_DAYS), 5.0)
    units[1, 86:] = 0.0
    units[2, 87:] = 0.0
    shares = fit_shares(units, ONE_GROUP, np.array([100]))
    assert shares[1, 0] == 0.0
    assert shares[2, 0] > 0.0


def test_a_newborn_pool_counts_with_what_it_has_lived_of_the_last_week():
    units = np.full((3, N_DAYS), 5.0)
    units[1, :80], units[2, :99] = 0.0, 0.0
    shares = fit_shares(units, ONE_GROUP, np.array([100]))
    expected = np.array([28 * 5 / (28 * 5 + 20 * 5 + 5), 35 / (7 * 10 + 5), 5 / 15.0])
    np.testing.assert_allclose(shares[:, 0], expected / expected.sum())


def test_a_group_without_demand_has_no_shares():
    shares = fit_shares(np.zeros((3, N_DAYS)), ONE_GROUP, np.array([100]))
    assert not shares.any()
