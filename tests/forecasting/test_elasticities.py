import numpy as np
import pytest

from forecasting.elasticities import NEEDED_ADVANTAGE, NEEDED_WEEKS, estimated_elasticities, weekly_means


def wandering(rng, n_rows, n_weeks, *, sd):
    return np.cumsum(rng.normal(0.003, sd, (n_rows, n_weeks)), axis=1)


@pytest.mark.slow
def test_known_elasticities_come_back_within_their_intervals():
    rng = np.random.default_rng(5)
    true = np.array([1.0, -0.5])
    inside = []
    for _ in range(20):
        drivers = wandering(rng, 2, 104, sd=0.04)
        found = estimated_elasticities(true @ drivers + wandering(rng, 1, 104, sd=0.02), drivers)
        sd = np.sqrt(np.diagonal(found.covariance[0]))
        inside.append(np.abs(found.mean[0] - true) < 1.2816 * sd)
        assert found.miss_ratio[0] < NEEDED_ADVANTAGE
    assert 0.6 <= np.mean(inside) <= 0.95  # of 40 at 80 %


def test_drivers_that_explain_demand_exactly_are_found_exactly():
    drivers = wandering(np.random.default_rng(1), 1, 60, sd=0.05)
    found = estimated_elasticities(2.0 * drivers + 3.0, drivers)
    np.testing.assert_allclose(found.mean, [[2.0]], rtol=1e-6)


@pytest.mark.slow
def test_drivers_that_have_nothing_to_do_with_demand_are_mostly_not_used():
    rng = np.random.default_rng(2)
    used = [
        estimated_elasticities(wandering(rng, 1, 104, sd=0.03), wandering(rng, 2, 104, sd=0.03)).mean.any()
        for _ in range(20)
    ]
    assert np.mean(used) <= 0.2


def test_one_wild_week_does_not_decide():
    rng = np.random.default_rng(3)
    drivers = wandering(rng, 1, 104, sd=0.05)
    logs = drivers + rng.normal(0.0, 0.01, (1, 104))
    logs[0, 50] += 3.0
    found = estimated_elasticities(logs, drivers)
    np.testing.assert_allclose(found.mean, [[1.0]], atol=0.15)


def test_a_history_too_short_to_judge_uses_no_driver():
    drivers = wandering(np.random.default_rng(1), 1, NEEDED_WEEKS - 1, sd=0.05)
    found = estimated_elasticities(drivers, drivers)
    assert np.isnan(found.miss_ratio[0])
    assert not found.mean.any()


@pytest.mark.parametrize(
    "logs",
    [
        pytest.param(np.full((1, 80), np.nan), id="never known"),
        pytest.param(np.zeros((1, 80)), id="constant"),
        pytest.param(np.r_[np.full(70, np.nan), np.zeros(10)][None], id="young"),
        pytest.param(np.zeros((1, 0)), id="no weeks"),
    ],
)
@pytest.mark.parametrize("drivers", [np.zeros(80), np.sin(np.arange(80.0))])
def test_poor_demand_follows_no_driver(logs, drivers):
    found = estimated_elasticities(logs, drivers[None, : logs.shape[1]])
    assert not found.mean.any()
    assert not found.covariance.any()


def test_a_driver_that_never_moved_is_not_used_beside_one_that_did():
    rng = np.random.default_rng(4)
    moving = wandering(rng, 1, 104, sd=0.05)
    found = estimated_elasticities(moving + rng.normal(0, 0.01, (1, 104)), np.vstack([moving, np.zeros(104)]))
    assert found.mean[0, 0] > 0.5
    assert found.mean[0, 1] == 0.0
    np.testing.assert_array_equal(found.covariance[0, 1], 0.0)


def test_weeks_are_counted_back_from_the_last_day():
    np.testing.assert_allclose(weekly_means(np.arange(16.0)[None]), [[5.0, 12.0]])
