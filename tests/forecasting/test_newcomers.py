import numpy as np

from forecasting.lifetimes import pool_lives
from forecasting.newcomers import (
    MAX_GROWTH,
    PRIOR_ADOPTION_DAYS,
    PRIOR_NEWCOMER_RATE,
    adopted_fraction,
    adopting_ages,
    fit_newcomers,
)
from forecasting.succession import Succession, SuccessionState

N_DAYS = 28 + 2 * 365
GROUP = np.zeros(2, dtype=np.int64)


def newborn(*, born: int, adoption_days: float, share: float = 0.1) -> np.ndarray:
    """A steady pool and one that fills up to a share."""
    age = np.arange(N_DAYS) - born
    part = np.where(age >= 0, share * (1 - np.exp(-(age + 1) / adoption_days)), 0.0)
    return 100.0 * np.stack([1 - part, part])


HEIR = Succession(
    losing=0,
    gaining=(1,),
    gained_fractions=(1.0,),
    start_day=0,
    moved_fraction=1.0,
    state=SuccessionState.FINISHED,
    end_days=(1, 1, 1),
)


def test_without_births_the_prior_stands_and_fades_with_history():
    units = np.full((2, N_DAYS), 5.0)
    found = fit_newcomers(units, GROUP, pool_lives(units, GROUP), ())
    np.testing.assert_allclose(found.rates, PRIOR_NEWCOMER_RATE / 3)
    np.testing.assert_allclose(np.exp(found.log_adoption), PRIOR_ADOPTION_DAYS)


def test_what_newcomers_took_is_their_rate_but_not_what_heirs_took():
    units = newborn(born=200, adoption_days=20)
    lives = pool_lives(units, GROUP)
    np.testing.assert_allclose(fit_newcomers(units, GROUP, lives, ()).rates, (PRIOR_NEWCOMER_RATE + 0.1) / 3, rtol=1e-3)
    np.testing.assert_allclose(fit_newcomers(units, GROUP, lives, (HEIR,)).rates, PRIOR_NEWCOMER_RATE / 3)


def test_speed_of_adoption_is_learned_and_shrunk():
    slow, fast = (newborn(born=200, adoption_days=days) for days in (80.0, 15.0))
    means = [np.exp(fit_newcomers(u, GROUP, pool_lives(u, GROUP), ()).log_adoption) for u in (fast, slow)]
    np.testing.assert_allclose(means[0], (PRIOR_ADOPTION_DAYS**2 * 15) ** (1 / 3), rtol=0.15)
    assert means[0] < means[1]


def test_growth_continues_the_adoption_curve_and_is_bounded():
    growth = adopted_fraction(40, np.array([30.0, 10_000.0]), np.array([50.0]))
    now = 1 - np.exp(-36.5 / 50)
    np.testing.assert_allclose(growth, [[(1 - np.exp(-66.5 / 50)) / now, 1 / now]])
    np.testing.assert_allclose(adopted_fraction(1, np.array([1e4]), np.array([90.0])), MAX_GROWTH)


def test_only_pools_in_their_first_year_that_took_over_from_none_still_fill_up():
    young, old = (newborn(born=born, adoption_days=20) for born in (N_DAYS - 100, 100))
    np.testing.assert_array_equal(adopting_ages(pool_lives(young, GROUP), ()), [-1, 100])
    np.testing.assert_array_equal(adopting_ages(pool_lives(young, GROUP), (HEIR,)), [-1, -1])
    np.testing.assert_array_equal(adopting_ages(pool_lives(old, GROUP), ()), [-1, -1])


def test_draws_have_the_fitted_means():
    units = newborn(born=200, adoption_days=20)
    found = fit_newcomers(units, GROUP, pool_lives(units, GROUP), ())
    rng = np.random.default_rng(0)
    np.testing.assert_allclose(found.draw_rates(100_000, rng).mean(axis=0), found.rates, rtol=0.02)
    np.testing.assert_allclose(np.log(found.draw_adoption(100_000, rng)).mean(), found.log_adoption, atol=0.02)
