"""Successions that rest: found where one stopped half way, and not where a launch only brought demand of its own."""

import numpy as np
import pytest

from forecasting.lifetimes import pool_lives
from forecasting.stalled import resumed_days, resumption_chance, stalled_successions
from forecasting.succession import Succession, SuccessionState, finished_successions, running_successions

N_DAYS = 500
DAYS = np.arange(18_000, 18_000 + N_DAYS)


def moved(part: float, *, first: int = 200, last: int = 300) -> np.ndarray:
    """Fraction of a pool that is gone: linear between two days, then at rest. Shape (N_DAYS,)."""
    return part * np.clip((np.arange(N_DAYS) - first) / (last - first), 0.0, 1.0)


def stalled(units: np.ndarray, may_lose: np.ndarray | None = None) -> tuple[Succession, ...]:
    """Stalled successions of one group with 2 % of noise on its days."""
    noisy = units * np.random.default_rng(2).lognormal(0.0, 0.02, units.shape)
    group_of = np.zeros(len(units), dtype=np.int64)
    allowed = np.ones(len(units), dtype=np.bool_) if may_lose is None else may_lose
    return stalled_successions(noisy, group_of, DAYS, pool_lives(noisy, group_of), may_lose=allowed)


def handed_over(part: float, growth_yearly: float = 0.0) -> np.ndarray:
    """Pool 0 of 60 units giving a part to pool 1, beside pool 2 of 40, all of them growing alike."""
    gone = 60.0 * moved(part)
    return np.stack([60.0 - gone, gone, np.full(N_DAYS, 40.0)]) * (1.0 + growth_yearly) ** (np.arange(N_DAYS) / 365.0)


@pytest.mark.parametrize("growth_yearly", [0.0, 0.3, -0.2])
@pytest.mark.parametrize("part", [0.35, 0.5, 0.7])
def test_a_succession_that_stopped_on_its_way_is_found_with_its_rest(part: float, growth_yearly: float):
    (found,) = stalled(handed_over(part, growth_yearly))
    assert (found.losing, found.gaining, found.gained_fractions) == (0, (1,), (1.0,))
    assert (found.state, found.is_running) == (SuccessionState.STALLED, False)
    np.testing.assert_allclose(found.moved_fraction, part, atol=0.03)
    # shares are of four weeks, and the last tenth of the way counts as rest
    np.testing.assert_allclose(found.stalled_days, N_DAYS - 300, atol=28)
    assert found.end_days == (int(DAYS[-1]) - found.stalled_days,) * 3
    np.testing.assert_allclose(found.start_day, DAYS[200], atol=28)


def test_two_successors_share_what_they_took_by_what_they_gained():
    gone = 60.0 * moved(0.5)
    units = np.stack([60.0 - gone, 0.75 * gone, 0.25 * gone, np.full(N_DAYS, 40.0)])
    (found,) = stalled(units)
    assert found.gaining == (1, 2)
    np.testing.assert_allclose(found.gained_fractions, [0.75, 0.25], atol=0.02)


def test_what_is_all_but_over_or_hardly_begun_does_not_rest():
    assert stalled(handed_over(0.95)) == ()
    assert stalled(handed_over(0.15)) == ()


def test_a_pool_that_may_not_lose_or_lost_to_an_older_one_does_not_rest():
    assert stalled(handed_over(0.5), np.array([False, True, True])) == ()
    units = handed_over(0.5)
    assert stalled(np.stack([units[0], units[1] + 5.0, units[2]])) == ()


@pytest.mark.parametrize("n_older", [1, 2, 4])
def test_a_launch_halves_the_shares_of_older_pools_and_stalls_none_of_them(n_older: int):
    older = 30.0 * np.arange(1, n_older + 1)[:, None] * np.ones(N_DAYS)
    launched = older.sum(axis=0) * moved(1.0, first=200, last=230)
    units = np.concatenate([older, launched[None, :]])
    shares = units[0] / units.sum(axis=0)
    assert shares[-1] < 0.55 * shares[0]
    assert stalled(units) == ()


def test_groups_do_not_take_from_each_other():
    units = handed_over(0.5)[:2]
    group_of = np.array([0, 1])
    lives = pool_lives(units, group_of)
    assert stalled_successions(units, group_of, DAYS, lives, may_lose=np.ones(2, dtype=np.bool_)) == ()


def test_what_rests_neither_runs_nor_is_over():
    units = handed_over(0.5)
    group_of = np.zeros(3, dtype=np.int64)
    lives = pool_lives(units, group_of)
    assert running_successions(units, group_of, DAYS, lives, may_lose=np.ones(3, dtype=np.bool_)) == ()
    assert finished_successions(units, group_of, DAYS, lives) == ()


@pytest.mark.parametrize(
    "units",
    [
        np.zeros((2, 60)),
        np.full((1, 60), 1e12),
        np.eye(2).repeat(30, axis=1),
        np.ones((2, 21)),
        np.full((3, 70), 1e-300),
    ],
    ids=["empty", "one pool", "swap", "short", "tiny"],
)
def test_odd_demand_has_nothing_at_rest_and_no_error(units: np.ndarray):
    group_of = np.zeros(len(units), dtype=np.int64)
    may_lose = np.ones(len(units), dtype=np.bool_)
    days = DAYS[: units.shape[1]]
    assert stalled_successions(units, group_of, days, pool_lives(units, group_of), may_lose=may_lose) == ()


def test_an_outage_of_the_whole_group_before_the_loss_is_no_error():
    units = handed_over(0.5)
    units[:, 100:190] = 0.0
    assert [found.losing for found in stalled(units)] == [0]
    units[:, :190] = 0.0
    assert len(stalled(units)) <= 1


def test_rest_goes_on_by_lindys_law():
    (found,) = stalled(handed_over(0.5))
    days = resumed_days(found, np.random.default_rng(0).random(100_000))
    np.testing.assert_allclose(np.median(days), found.stalled_days, rtol=0.02)
    for horizon in (10.0, 91.0, 365.0, 3_650.0):
        chance = resumption_chance(found, horizon)
        np.testing.assert_allclose(chance, horizon / (horizon + found.stalled_days), rtol=1e-12)
        np.testing.assert_allclose((days <= horizon).mean(), chance, atol=0.005)
    assert np.isfinite(resumed_days(found, np.array([0.0, 1.0]))).all()
