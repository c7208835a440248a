import numpy as np

from forecasting.lifetimes import pool_lives
from forecasting.ramps import (
    PRIOR_RAMP_DAYS,
    UNSEEN_FRACTION,
    finally_kept,
    fit_ramps,
    kept_by_replacement,
    kept_by_running,
)
from forecasting.succession import Succession, SuccessionState


def succession(*, moved: float = 0.5, logit: float = 0.0, slope: float = 0.05, days: int = 24) -> Succession:
    """From pool 0 to pool 1."""
    return Succession(
        losing=0,
        gaining=(1,),
        gained_fractions=(1.0,),
        start_day=1000,
        moved_fraction=moved,
        state=SuccessionState.FINISHED,
        end_days=(1000 + days,) * 3,
        logit=logit,
        daily_slope=slope,
    )


def test_a_running_succession_follows_its_logistic():
    elapsed = np.arange(0.0, 80.0)
    kept = kept_by_running(succession(logit=-1.0), np.ones(1), np.zeros(1), elapsed)[0]
    left = 1 / (1 + np.exp(-1.0 + 0.05 * elapsed))
    np.testing.assert_allclose(kept, left / left[0])


def test_a_running_succession_ends_at_nothing_or_where_it_stalls():
    kept = kept_by_running(succession(), np.ones(2), np.array([0.0, 0.3]), np.array([1000.0]))
    np.testing.assert_allclose(kept, [[0.0], [0.3]])


def test_the_further_a_succession_is_the_likelier_it_is_to_be_whole():
    draws = np.random.default_rng(0).random((2, 20_000))
    whole = [float((finally_kept(succession(moved=moved), draws) == 0).mean()) for moved in (0.01, 0.1, 0.5, 0.9)]
    assert whole == sorted(whole)
    np.testing.assert_allclose(whole[2], 0.2 / (0.2 + 0.8 * np.log(0.5) / np.log(1e-3)), atol=0.01)
    kept = finally_kept(succession(moved=0.5), draws)
    assert kept.min() >= 0
    assert kept.max() <= 1


def test_a_replacement_starts_at_all_and_leaves_what_it_leaves():
    kept = kept_by_replacement(np.array([10.0, 5.0]), np.array([100.0, 1.0]), np.array([0.2, 0.0]), np.arange(200.0))
    np.testing.assert_allclose(kept[:, 0], 1.0)
    np.testing.assert_allclose(kept[:, -1], [0.2, 0.0])
    np.testing.assert_allclose(kept[0, 60], 1 - 0.8 * 0.5)
    assert (np.diff(kept, axis=1) <= 1e-12).all()


def test_a_replacement_that_began_unseen_goes_on_from_today():
    start = np.array([-UNSEEN_FRACTION * 100.0])
    kept = kept_by_replacement(start, np.array([100.0]), np.array([0.0]), np.array([0.0, 50.0 + start[0]]))
    np.testing.assert_allclose(kept, [[1.0, 0.5 / 0.9]])


def test_lengths_are_shrunk_to_the_prior_and_learned_from_pools_of_the_size():
    units = np.full((3, 300), 100.0)
    units[2] = 0.001
    lives = pool_lives(units, np.zeros(3, dtype=np.int64))
    days = np.arange(900, 1200)
    prior = fit_ramps((), lives, days)
    np.testing.assert_allclose(np.exp(prior.log_mean), PRIOR_RAMP_DAYS)
    np.testing.assert_allclose(prior.named_fraction, 0.5)
    many = fit_ramps((succession(days=7),) * 20, lives, days)
    measured = 7 * 2 * np.log(99) / (2 * np.log(3))
    np.testing.assert_allclose(many.log_mean[1], (2 * np.log(PRIOR_RAMP_DAYS) + 20 * np.log(measured)) / 22)
    assert many.log_mean[2] > many.log_mean[1]
    assert many.named_fraction[1] > 0.9
    # twenty that are alike leave hardly any spread, none leaves that of anything between a week and two years
    np.testing.assert_allclose(np.exp(prior.log_mean), np.sqrt(7.0 * 730.0))
    np.testing.assert_allclose(prior.log_sd, np.log(730.0 / 7.0) / np.sqrt(12.0) * np.sqrt(1.5))
    squares = 20 * (np.log(measured) - many.log_mean[1]) ** 2
    variance = (2 * np.log(730.0 / 7.0) ** 2 / 12 + squares) / 22
    np.testing.assert_allclose(many.log_sd[1], np.sqrt(variance * (1 + 1 / 22)))
    assert many.log_sd[1] < 0.5 * prior.log_sd[1]
    mixed = fit_ramps((succession(days=7), succession(days=200)) * 10, lives, days)
    assert mixed.log_sd[1] > 2 * many.log_sd[1]
    lengths = many.draw(1000, np.random.default_rng(0))
    assert lengths.shape == (1000, 3)
    assert lengths.min() > 0
