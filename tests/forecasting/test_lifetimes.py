import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gamma

from forecasting.lifetimes import (
    LIFE_SCALE_YEARS,
    LIFE_SHAPE,
    PRIOR_HALVINGS,
    Hazard,
    Lives,
    fit_hazard,
    life_survival,
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


def one_old_and_one_young() -> Lives:
    """Lives of a pool as old as the history, or older, and of one that was born in it."""
    none = np.full(2, -1)
    return Lives(n_days=N_DAYS, born=np.array([0, 100]), peak_share=np.full(2, 0.5), halved=none)


def hazard_until(years: float) -> float:
    """Cumulated Weibull hazard of a life from birth, younger than the mean life."""
    return float((years / LIFE_SCALE_YEARS) ** LIFE_SHAPE)


def residual_hazard_until(years: float) -> float:
    """Minus the log of the chance that what is left of a life met at a random moment is longer (renewal theory)."""
    left = quad(lambda age: np.exp(-hazard_until(age)), years, 30.0)[0]
    return float(-np.log(left / quad(lambda age: np.exp(-hazard_until(age)), 0.0, 30.0)[0]))


def test_a_quarter_of_lives_is_half_gone_by_two_years_and_a_quarter_lasts_three():
    np.testing.assert_allclose(life_survival(np.array([2.0, 3.0])), [0.75, 0.25], rtol=1e-12)
    np.testing.assert_allclose(LIFE_SCALE_YEARS * gamma(1 + 1 / LIFE_SHAPE), 2.5, atol=0.01)


def test_age_and_hazard_are_each_others_inverse():
    ages = np.linspace(0.0, 3000.0, 40)[:, None] * np.ones(2)
    lives = one_old_and_one_young()
    np.testing.assert_allclose(lives.age_at_hazard(lives.cumulated_hazard(ages)), ages, atol=0.05)
    # a day is the step of the tables: of a newborn pool, whose hazard is next to none, it is the accuracy
    assert np.all(np.diff(lives.cumulated_hazard(ages), axis=0) > 0)


def test_a_pool_seen_from_birth_has_the_weibull_hazard():
    ages = np.array([1.0, 1.5, 2.0, 2.5])
    found = one_old_and_one_young().cumulated_hazard(365.0 * ages[:, None] * np.ones(2))[:, 1]
    np.testing.assert_allclose(found, [hazard_until(age) for age in ages], rtol=1e-3)


def test_the_hazard_of_every_pool_stops_growing_at_that_of_the_mean_life():
    lives = one_old_and_one_young()
    grown = np.diff(lives.cumulated_hazard(np.array([[2000.0, 2000.0], [2365.0, 2365.0]])), axis=0)[0]
    mean_years = LIFE_SCALE_YEARS * gamma(1 + 1 / LIFE_SHAPE)
    top = LIFE_SHAPE / LIFE_SCALE_YEARS * (mean_years / LIFE_SCALE_YEARS) ** (LIFE_SHAPE - 1)
    np.testing.assert_allclose(grown, top, rtol=3e-3)


def test_of_a_pool_met_in_mid_life_as_long_is_left_as_of_lives_in_a_long_chain():
    rng = np.random.default_rng(4)
    ends = np.cumsum(LIFE_SCALE_YEARS * rng.weibull(LIFE_SHAPE, 400_000))
    moments = np.sort(rng.uniform(100.0, ends[-1] - 100.0, 200_000))
    left = ends[np.searchsorted(ends, moments)] - moments
    for years in (0.25, 0.5, 1.0, 1.5, 1.7):  # until the hazard stops growing
        until = one_old_and_one_young().cumulated_hazard(np.full(2, 365.0 * years))[0]
        np.testing.assert_allclose(np.exp(-until), (left > years).mean(), atol=0.004)
        np.testing.assert_allclose(until, residual_hazard_until(years), rtol=2e-3)


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
    old = residual_hazard_until((N_DAYS - 28) / 365)
    young = hazard_until((N_DAYS - 28 - 100) / 365)
    fallen = residual_hazard_until(int(lives.halved[2]) / 365)
    size = np.log10(lives.peak_share)
    likeness = np.exp(-0.5 * (size[0] - size) ** 2)
    np.testing.assert_allclose(hazard.n_halved[0], likeness[2])
    np.testing.assert_allclose(hazard.n_expected[0], likeness @ np.array([old, young, fallen]), rtol=2e-3)
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
    drawn = np.random.default_rng(0).standard_gamma(PRIOR_HALVINGS + hazard.n_halved, (200_000, 2))
    factors = drawn / (PRIOR_HALVINGS + hazard.n_expected)
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
