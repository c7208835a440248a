import numpy as np
import pytest

from forecasting.lifetimes import (
    LARGEST_YEARLY_HAZARD,
    OLD_AGE_DAYS,
    PRIOR_HALVINGS,
    Hazard,
    age_at_hazard,
    cumulated_hazard,
    fit_hazard,
    pool_lives,
    replacement_chances,
)

N_DAYS = 400
ONE_GROUP = np.zeros(3, dtype=np.int64)


def fleet() -> np.ndarray:
    """Old steady pool, pool born on day 100 that takes over, old pool that falls to a tenth on day 200."""
    units = np.full((3, N_DAYS), 50.0)
    units[1, :100] = 0.0
    units[2, 200:] = 5.0
    return units


def test_age_and_hazard_are_each_others_inverse():
    ages = np.linspace(0.0, 3000.0, 40)
    np.testing.assert_allclose(age_at_hazard(cumulated_hazard(ages)), ages, atol=1e-9)


def test_an_old_pool_is_replaced_at_the_largest_rate():
    grown = cumulated_hazard(np.array([2000.0 + 365.0])) - cumulated_hazard(np.array([2000.0]))
    np.testing.assert_allclose(grown, LARGEST_YEARLY_HAZARD)


def test_births_and_halvings_are_found_on_their_days():
    lives = pool_lives(fleet(), ONE_GROUP)
    np.testing.assert_array_equal(lives.born, [0, 100, 0])
    np.testing.assert_array_equal(lives.is_age_known, [False, True, False])
    np.testing.assert_array_equal(lives.halved[:2], [-1, -1])
    assert 200 <= lives.halved[2] <= 228


def test_a_share_that_comes_back_has_not_halved():
    units = fleet()
    units[2, 300:] = 50.0
    assert pool_lives(units, ONE_GROUP).halved[2] == -1


def test_a_fall_of_the_last_days_is_not_believed_yet():
    units = fleet()
    units[0, -20:] = 0.0
    assert pool_lives(units, ONE_GROUP).halved[0] == -1


def test_hazard_is_the_closed_form_of_gamma_and_poisson():
    lives = pool_lives(fleet(), ONE_GROUP)
    hazard = fit_hazard(lives)
    first, last = OLD_AGE_DAYS, OLD_AGE_DAYS + N_DAYS - 28
    old = cumulated_hazard(np.array([last])) - cumulated_hazard(np.array([first]))
    young = cumulated_hazard(np.array([N_DAYS - 28 - 100]))
    halved_at = OLD_AGE_DAYS + lives.halved[2]
    fallen = cumulated_hazard(np.array([halved_at])) - cumulated_hazard(np.array([first]))
    size = np.log10(lives.peak_share)
    likeness = np.exp(-0.5 * (size[0] - size) ** 2)
    np.testing.assert_allclose(hazard.n_halved[0], likeness[2])
    np.testing.assert_allclose(hazard.n_expected[0], likeness @ np.array([old[0], young[0], fallen[0]]))
    np.testing.assert_allclose(
        hazard.mean_factor, (PRIOR_HALVINGS + hazard.n_halved) / (PRIOR_HALVINGS + hazard.n_expected)
    )


def test_tiny_pools_tell_little_of_a_large_one():
    units = np.full((41, N_DAYS), 0.001)
    units[0] = 1000.0
    units[1:, 200:] = 0.0
    hazard = fit_hazard(pool_lives(units, np.zeros(41, dtype=np.int64)))
    assert hazard.n_halved[0] < 0.1
    assert hazard.n_halved[1] > 30


def test_chance_is_the_mean_over_the_drawn_factors():
    hazard = Hazard(n_halved=np.array([1.0, 0.0]), n_expected=np.array([0.5, 3.0]))
    factors = np.random.default_rng(0).standard_gamma(2.0 + hazard.n_halved, (200_000, 2)) / (2.0 + hazard.n_expected)
    np.testing.assert_allclose(hazard.chance(np.full(2, 0.4)), 1 - np.exp(-factors * 0.4).mean(axis=0), atol=2e-3)


def test_factors_have_the_mean_and_spread_of_the_posterior():
    hazard = Hazard(n_halved=np.array([0.0, 5.0]), n_expected=np.array([1.0, 2.0]))
    factors = hazard.factors(np.random.default_rng(1).standard_normal((200_000, 1)))
    np.testing.assert_allclose(factors.mean(axis=0), hazard.mean_factor, rtol=0.02)
    shape = PRIOR_HALVINGS + hazard.n_halved
    np.testing.assert_allclose(factors.std(axis=0), hazard.mean_factor / np.sqrt(shape), rtol=0.03)
    assert factors.min() >= 0


def test_a_long_life_of_many_pools_lowers_the_chance_and_a_young_pool_has_less():
    units = np.full((20, 2000), 5.0)
    units[0, :1900] = 0.0
    lives = pool_lives(units, np.zeros(20, dtype=np.int64))
    chances = replacement_chances(lives, fit_hazard(lives), np.zeros(20, dtype=np.int64))
    assert chances[1].chance < 0.3 * chances[1].prior_chance
    assert chances[0].chance < chances[1].chance
    assert (chances[0].age_days, chances[0].is_age_known, chances[1].is_age_known) == (100, True, False)


def test_a_declared_event_leaves_only_the_rest_of_the_year():
    lives = pool_lives(fleet(), ONE_GROUP)
    hazard = fit_hazard(lives)
    chances = replacement_chances(lives, hazard, np.array([0, 0, 0]))
    blocked = replacement_chances(lives, hazard, np.array([180, 400, 0]))
    assert 0 < blocked[0].chance < chances[0].chance
    assert blocked[1].chance == pytest.approx(0.0)


@pytest.mark.parametrize("units", [np.zeros((2, 42)), np.full((1, 42), 3.0), np.full((2, 42), 1e15)])
def test_empty_constant_and_huge_demand_have_finite_hazards(units: np.ndarray):
    lives = pool_lives(units, np.zeros(len(units), dtype=np.int64))
    assert np.isfinite(fit_hazard(lives).mean_factor).all()
