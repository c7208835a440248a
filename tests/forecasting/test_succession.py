import numpy as np
import pytest

from forecasting.lifetimes import pool_lives
from forecasting.succession import Succession, SuccessionState, finished_successions, running_successions

N_DAYS = 500
DAYS = np.arange(18_000, 18_000 + N_DAYS)


def handover(*, middle: float, length: float, n_days: int = N_DAYS, seed: int = 0) -> np.ndarray:
    """Demand of pool 0 going to pool 1 along a logistic, beside two pools that wander."""
    rng = np.random.default_rng(seed)
    part = (np.arange(n_days) - middle) / length
    moved = np.where(part < -0.5, 0.0, np.where(part > 0.5, 1.0, 1 / (1 + np.exp(-2 * np.log(99) * part))))
    wander = np.exp(np.cumsum(rng.normal(0, 0.01, (3, n_days)), axis=1))
    base = np.array([60.0, 30.0, 10.0])[:, None] * wander
    units = np.stack([base[0] * (1 - moved), base[0] * moved, base[1], base[2]])
    return units * np.exp(rng.normal(0, 0.02, units.shape))


def running(units: np.ndarray, may_lose: np.ndarray | None = None) -> tuple[Succession, ...]:
    """Running successions of one group."""
    group_of = np.zeros(len(units), dtype=np.int64)
    allowed = np.ones(len(units), dtype=np.bool_) if may_lose is None else may_lose
    days = DAYS[0] + np.arange(units.shape[1])
    return running_successions(units, group_of, days, pool_lives(units, group_of), may_lose=allowed)


def finished(units: np.ndarray) -> tuple[Succession, ...]:
    """Finished successions of one group."""
    group_of = np.zeros(len(units), dtype=np.int64)
    return finished_successions(units, group_of, DAYS[0] + np.arange(units.shape[1]), pool_lives(units, group_of))


@pytest.mark.parametrize("length", [60, 120, 250])
def test_a_succession_half_way_is_found_with_its_speed_and_end(length: int):
    units = handover(middle=480, length=length)
    (found,) = running(units)
    assert (found.losing, found.gaining, found.state) == (0, (1,), SuccessionState.RUNNING)
    assert 0.3 < found.moved_fraction < 0.95
    np.testing.assert_allclose(found.daily_slope, 2 * np.log(99) / length, rtol=0.35)
    low, middle, high = found.end_days
    assert low <= middle <= high
    assert low <= DAYS[0] + 480 + length / 2 <= high


def test_nothing_of_the_future_is_read():
    units = handover(middle=480, length=120)
    assert running(units[:, :430]) == running(np.concatenate([units[:, :430]], axis=1))
    assert running(units[:, :400]) == ()


@pytest.mark.slow
def test_shares_that_wander_are_hardly_ever_taken_for_successions():
    rng = np.random.default_rng(3)
    n_found, n_tried = 0, 0
    for _ in range(40):
        units = 10 * np.exp(np.cumsum(rng.normal(0, 0.012, (5, 400)), axis=1)) * rng.lognormal(0, 1, (5, 1))
        n_found += len(running(units))
        n_tried += 5
    assert n_found / n_tried < 0.04


def test_a_declared_loser_is_left_alone():
    units = handover(middle=480, length=120)
    assert running(units, np.array([False, True, True, True])) == ()


def test_a_succession_that_is_over_is_finished_with_its_days_and_heir():
    units = handover(middle=250, length=80)
    assert running(units) == ()
    (found,) = finished(units)
    assert (found.losing, found.gaining, found.gained_fractions) == (0, (1,), (1.0,))
    assert found.state is SuccessionState.FINISHED
    assert not found.is_running
    assert DAYS[0] + 210 <= found.start_day <= DAYS[0] + 250 <= found.end_days[1] <= DAYS[0] + 290
    np.testing.assert_allclose(found.moved_fraction, 1.0, atol=1e-6)


def test_what_moves_to_two_pools_is_divided_by_what_they_gained():
    units = handover(middle=480, length=120)
    both = np.concatenate([units, 0.25 * units[1:2]])
    both[1] *= 0.75
    (found,) = running(both)
    assert found.gaining == (1, 4)
    np.testing.assert_allclose(found.gained_fractions, [0.75, 0.25], atol=0.02)


def test_groups_do_not_take_over_from_each_other():
    units = handover(middle=480, length=120)[:2]
    group_of = np.array([0, 1])
    may_lose = np.ones(2, dtype=np.bool_)
    assert running_successions(units, group_of, DAYS, pool_lives(units, group_of), may_lose=may_lose) == ()


@pytest.mark.parametrize(
    "units",
    [np.zeros((2, 60)), np.full((2, 60), 4.0), np.full((1, 60), 1e12), np.eye(2).repeat(30, axis=1), np.ones((2, 42))],
    ids=["empty", "constant", "one pool", "swap", "short"],
)
def test_odd_demand_has_no_running_succession_and_no_error(units: np.ndarray):
    assert running(units) == ()
    assert all(np.isfinite(s.moved_fraction) for s in finished(units))
