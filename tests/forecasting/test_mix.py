import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forecasting.daily import daily_history
from forecasting.fitted_mix import fit_mix
from forecasting.history import read_usage
from forecasting.hours import HOURS_PER_DAY
from forecasting.mix import MixModel
from forecasting.newcomers import Newcomers
from forecasting.ramps import RampLengths

FIRST_DAY = 18_000
N_PATHS = 400


def fitted(units: np.ndarray, **given: object) -> MixModel:
    """Fit one group of pools, without declared events unless given."""
    keywords = {"declared_from": (None,) * len(units), **given}
    group_of = np.zeros(len(units), dtype=np.int64)
    return fit_mix(units, group_of, FIRST_DAY + np.arange(units.shape[1]), **keywords)  # type: ignore[arg-type]  # by name


def steady(n_pools: int = 3, n_days: int = 400, seed: int = 0) -> np.ndarray:
    """Pools with a little noise and no trend."""
    rng = np.random.default_rng(seed)
    return (10.0 * np.arange(1, n_pools + 1))[:, None] * rng.lognormal(0, 0.05, (n_pools, n_days))


def half_way(n_days: int = 500) -> np.ndarray:
    """Pool 0 going to pool 1 along a logistic of 120 days that is at 70 % on the last day, beside pool 2."""
    moved = 1 / (1 + np.exp(-2 * np.log(99) * (np.arange(n_days) - n_days + 11) / 120))
    moved = np.where(moved < 0.01, 0.0, moved)
    units = np.stack([60 * (1 - moved), 60 * moved, np.full(n_days, 40.0)])
    return units * np.random.default_rng(1).lognormal(0, 0.02, units.shape)


def split_mean(model: MixModel, day: int) -> np.ndarray:
    """Mean share of each pool, then unnamed, on a day."""
    rng = np.random.default_rng(5)
    return model.split(model.draw(n_paths=N_PATHS, n_days=day + 1, rng=rng), np.array([day]))[:, :, 0].mean(axis=0)


def test_shares_and_unnamed_sum_to_one_in_every_group_path_and_day():
    units = np.concatenate([half_way(), steady(3, 500)])
    units[4, :470] = 0.0
    group_of = np.array([0, 0, 0, 1, 1, 1])
    model = fit_mix(units, group_of, FIRST_DAY + np.arange(500), declared_from=(None,) * 6)
    shares, unnamed = model.sample(n_paths=50, n_days=800, rng=np.random.default_rng(0))
    assert shares.min() >= 0
    assert unnamed.min() >= 0
    for group in (0, 1):
        np.testing.assert_allclose(shares[:, group_of == group].sum(axis=1) + unnamed[:, group], 1.0)


def test_any_paths_and_days_follow_from_the_plan():
    model = fitted(half_way())
    plan = model.draw(n_paths=30, n_days=300, rng=np.random.default_rng(0))
    whole = model.split(plan, np.arange(300))
    kept, days = np.array([3, 17, 4]), np.array([0, 6, 7, 250, 299])
    np.testing.assert_allclose(model.split(plan.of(kept), days), whole[kept][:, :, days], atol=1e-13)


def test_the_same_seed_gives_the_same_bytes():
    model = fitted(half_way())
    first, second = (model.sample(n_paths=20, n_days=100, rng=np.random.default_rng(3))[0] for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_a_running_succession_goes_on_to_its_end_on_many_paths_and_stalls_on_some():
    model = fitted(half_way())
    assert model.running[0].gaining == (1,)
    shares, _ = model.sample(n_paths=N_PATHS, n_days=300, rng=np.random.default_rng(0))
    gone = float((shares[:, 0, -28:].max(axis=1) == 0).mean())
    assert 0.5 < gone < 0.95
    assert np.median(shares[:, 1, -1]) > 0.45
    assert shares[:, 0, 0].mean() == pytest.approx(0.6 * 0.3, abs=0.06)
    chances = {chance.pool: chance.chance for chance in model.chances}
    assert chances[0] == 1.0


def test_without_a_succession_shares_stay_in_the_mean_but_for_replacement():
    model = fitted(steady())
    split = split_mean(model, 27)
    np.testing.assert_allclose(split[:3] / split[:3].sum(), np.array([1, 2, 3]) / 6, atol=0.02)
    assert split[3] < 0.05


def with_ramps(model: MixModel, days: float) -> MixModel:
    """Model whose replacements all take about so many days."""
    n_pools = len(model.shares)
    ramps = RampLengths(
        log_mean=np.full(n_pools, np.log(days)), log_sd=np.full(n_pools, 1e-9), named_fraction=np.full(n_pools, 0.5)
    )
    return replace(model, ramps=ramps)


def test_half_is_replaced_within_a_year_as_often_as_stated():
    model = with_ramps(fitted(steady(2, 400)), 10.0)
    plan = model.draw(n_paths=20_000, n_days=30, rng=np.random.default_rng(0))
    for chance in model.chances:
        halved = plan.start_days[:, chance.pool] + 5.0 < 365.0
        np.testing.assert_allclose(halved.mean(), chance.chance, atol=0.015)


def test_a_replacement_starts_half_a_ramp_before_its_middle_but_not_in_the_past():
    model = fitted(steady(2, 400))
    short, long = (
        with_ramps(model, days).draw(n_paths=4_000, n_days=30, rng=np.random.default_rng(0)).start_days
        for days in (10.0, 300.0)
    )
    assert short.min() == long.min() == 0.0
    both = (short > 0) & (long > 0)
    np.testing.assert_allclose((short - long)[both], 145.0, rtol=1e-5)
    assert np.all(short[short + 5.0 < 150.0 - 1e-3] < 150.0)
    np.testing.assert_array_equal(long[short < 145.0 - 1e-3], 0.0)


def test_nothing_undeclared_begins_in_the_days_that_a_roadmap_vouches_for():
    units = steady(3, 400)
    units[2, :250] = 0.0
    free, vouched = fitted(units), fitted(units, vouched_days=91)
    starts = [
        model.draw(n_paths=4_000, n_days=30, rng=np.random.default_rng(0)).start_days for model in (free, vouched)
    ]
    assert starts[0].min() < 0.0
    assert starts[1].min() == 91.0
    for less, more in zip(vouched.chances, free.chances, strict=True):
        assert 0.0 < less.chance < more.chance
    declared = fitted(units, vouched_days=91, declared_from=((FIRST_DAY + 390, FIRST_DAY + 399 + 200), None, None))
    assert declared.blocked_days.tolist() == [200, 91, 91]


def stopped_half_way(n_days: int = 500, stopped: int = 300) -> np.ndarray:
    """Pool 0 moving to pool 1 over 100 days until half of it is gone, and resting since; beside pool 2."""
    moved = 0.5 * np.clip((np.arange(n_days) - stopped + 100) / 100, 0.0, 1.0)
    units = np.stack([60 * (1 - moved), 60 * moved, np.full(n_days, 40.0)])
    return units * np.random.default_rng(1).lognormal(0, 0.02, units.shape)


def test_a_stalled_succession_goes_on_to_its_successor_when_lindy_says():
    model = fitted(stopped_half_way())
    assert list(model.stalled) == [0]
    assert model.running == {}
    plan = model.draw(n_paths=20_000, n_days=30, rng=np.random.default_rng(0))
    rested = model.stalled[0].stalled_days
    for days in (90.0, 365.0, 1_000.0):
        np.testing.assert_allclose((plan.start_days[:, 0] <= days).mean(), days / (days + rested), atol=0.01)
    assert np.all(plan.receivers[:, 0] == 1)
    chances = {chance.pool: chance.chance for chance in model.chances}
    np.testing.assert_allclose(chances[0], (plan.start_days[:, 0] <= 365.0).mean(), atol=0.01)
    whole = (plan.kept_fraction[:, 0] == 0.0).mean()
    np.testing.assert_allclose(whole, 0.2 / (0.2 + 0.8 * np.log(0.5) / np.log(1e-3)), atol=0.03)


def test_what_a_stalled_pool_loses_is_passed_on_by_a_successor_that_is_replaced_itself():
    units = np.zeros((4, 500))
    units[:3] = stopped_half_way()
    part = np.clip((np.arange(500) - 420) / 100, 0.0, 1.0)  # pool 1 has since begun to move to pool 3
    units[3] = units[1] * part
    units[1] *= 1 - part
    model = fitted(units)
    assert model.running[1].gaining == (3,)
    assert model.stalled[0].gaining == (1, 3)
    plan = model.draw(n_paths=2_000, n_days=1_000, rng=np.random.default_rng(0))
    resumed = (plan.receivers[:, 0] == 1) & (plan.start_days[:, 0] < 300)
    gone = resumed & (plan.kept_fraction[:, 1] == 0.0)
    assert gone.sum() > 50
    assert model.split(plan, np.array([999]))[gone, 1].max() == 0.0


def test_what_is_replaced_goes_to_a_young_pool_or_to_none_with_a_name():
    units = steady(3, 400)
    units[2, :250] = 0.0
    model = fitted(units)
    plan = model.draw(n_paths=2000, n_days=30, rng=np.random.default_rng(0))
    assert set(np.unique(plan.receivers[:, 0])) == {-1, 2}
    assert set(np.unique(plan.receivers[:, 2])) == {-1}
    begun, soon = plan.start_days[:, 0] < 0, plan.start_days[:, 0] < 548 - 150
    assert (plan.receivers[begun, 0] == 2).all()
    assert begun.any()
    np.testing.assert_allclose((plan.receivers[soon & ~begun, 0] == 2).mean(), 0.5, atol=0.06)
    assert (plan.receivers[~soon, 0] == -1).all()


def test_a_declared_loser_is_not_replaced_again_before_the_event_is_over():
    units = steady(2, 400)
    end = FIRST_DAY + 399 + 200
    model = fitted(units, declared_from=((FIRST_DAY + 450, end), None))
    plan = model.draw(n_paths=2000, n_days=30, rng=np.random.default_rng(0))
    assert plan.start_days[:, 0].min() >= 200
    assert plan.start_days[:, 1].min() < 200


def test_a_fall_that_an_event_declares_is_no_succession():
    units = half_way()
    span = (FIRST_DAY + 400, FIRST_DAY + 560)
    assert fitted(units, declared_from=(span, None, None)).running == {}


def test_ages_are_those_of_observed_demand_and_shares_those_of_restated():
    restated = steady(2, 400)
    observed = restated.copy()
    observed[0, :300] += observed[1, :300]
    observed[1, :300] = 0.0
    model = fitted(restated, observed_units=observed)
    chances = model.chances
    assert (chances[1].age_days, chances[1].is_age_known) == (100, True)
    assert model.adopting_days[1] == -1
    np.testing.assert_allclose(model.shares, [1 / 3, 2 / 3], atol=0.02)


def test_a_young_pool_goes_on_growing():
    units = steady(2, 400)
    units[1] = np.where(np.arange(400) >= 370, 2.0 * (1 - np.exp(-(np.arange(400) - 369) / 60)), 0.0)
    model = fitted(units)
    assert split_mean(model, 180)[1] > 1.5 * model.shares[1]


def test_what_a_declared_migration_emptied_is_not_young():
    observed = steady(2, 400)
    restated = observed.copy()
    restated[0, :380] = 0.0
    assert (
        fitted(
            restated, observed_units=observed, declared_from=((FIRST_DAY + 370, FIRST_DAY + 380), None)
        ).adopting_days.max()
        == -1
    )


def test_wander_leaves_the_expected_share():
    model = replace(
        fitted(steady(2, 400)),
        wander_sd=np.array([0.15, 0.02]),
        factors=np.ones((2, 400)),
        blocked_days=np.full(2, 10_000),
        newcomers=Newcomers(log_adoption=3.0, adoption_log_sd=0.1, rates=np.full(1, 1e-9), shapes=np.ones(1)),
    )
    shares, _ = model.sample(n_paths=20_000, n_days=100, rng=np.random.default_rng(0))
    np.testing.assert_allclose(shares[:, :, -1].mean(axis=0), model.shares, atol=0.015)


def test_a_dead_pool_stays_dead():
    units = steady()
    units[1, 300:] = 0.0
    shares, _ = fitted(units).sample(n_paths=50, n_days=200, rng=np.random.default_rng(0))
    assert shares[:, 1].max() == 0


def test_noise_is_that_of_the_given_days():
    units = steady(2, 400)
    units[0, 350] = 0.0
    model = fitted(units)
    columns = np.full((10, 5), 350)
    plan = model.draw(n_paths=10, n_days=5, rng=np.random.default_rng(0), columns=columns)
    assert model.split(plan, np.arange(5))[:, 0].max() == 0


@pytest.mark.parametrize(
    "units",
    [
        np.zeros((2, 42)),
        np.full((1, 42), 3.0),
        np.full((2, 60), 1e15),
        np.concatenate([np.full((1, 50), 2.0), np.eye(1, 50, 49)]),
        np.concatenate([np.full((1, 50), 2.0), np.zeros((1, 50))]),
        np.tile(np.arange(60) % 5 == 0, (2, 1)) * 1.0,
        np.full((3, 50), 1e-300),
    ],
    ids=["empty", "one pool", "huge", "born yesterday", "unborn", "patchy", "tiny"],
)
def test_odd_demand_gives_finite_shares(units: np.ndarray):
    shares, unnamed = fitted(units).sample(n_paths=30, n_days=400, rng=np.random.default_rng(0))
    assert np.isfinite(shares).all()
    assert shares.min() >= 0
    np.testing.assert_allclose(shares.sum(axis=1) + unnamed[:, 0], float(units.any()))


def world(rng: np.random.Generator, n_days: int) -> np.ndarray:
    """Three lines of generations that succeed each other every 2.5 years in the mean, launched at random."""
    day = np.arange(n_days + 1500)
    pools = []
    for _ in range(3):
        base = rng.lognormal(0, 1) * np.exp(np.cumsum(rng.normal(0, 0.012, len(day))))
        left, middle = np.ones(len(day)), rng.uniform(0, 900)
        while middle < len(day) + 400:
            part = (day - middle) / rng.uniform(60, 400)
            moved = np.where(part < -0.5, 0.0, np.where(part > 0.5, 1.0, 1 / (1 + np.exp(-9.19 * part))))
            pools.append(base * left * (1 - moved))
            left = left * moved
            middle += 365 * 2.82 * np.sqrt(rng.exponential())
        pools.append(base * left)
    units = np.stack(pools)[:, 1500:] * np.exp(rng.normal(0, 0.02, (len(pools), n_days)))
    return units[units.max(axis=1) > 0]


@pytest.mark.slow
def test_on_invented_generations_bands_hold_and_the_error_is_less_than_of_frozen_shares():
    rng = np.random.default_rng(8)
    inside, foreseen, came, errors = [], [], [], []
    for _ in range(40):
        units = world(rng, 730)
        past, later = units[:, :365], units[:, 702:].sum(axis=1) / units[:, 702:].sum()
        model = fitted(past)
        split = model.split(model.draw(n_paths=200, n_days=365, rng=rng), np.arange(337, 365)).mean(axis=2)
        alive = model.shares > 0
        low, high = np.quantile(split[:, : len(past)], [0.1, 0.9], axis=0)
        inside += ((later >= low) & (later <= high))[alive].tolist()
        foreseen += (split[:, : len(past)] < model.shares / 2).mean(axis=0)[alive].tolist()
        came += (later < model.shares / 2)[alive].tolist()
        median = np.median(split[:, : len(past)], axis=0)
        errors.append([np.abs(median - later)[alive].sum(), np.abs(model.shares - later)[alive].sum()])
    assert 0.7 < np.mean(inside) < 0.9
    assert np.mean(foreseen) == pytest.approx(np.mean(came), abs=0.08)
    brier, rate = np.mean((np.array(foreseen) - np.array(came)) ** 2), np.mean(came)
    assert brier < rate * (1 - rate)
    mixed, frozen = np.mean(errors, axis=0)
    assert mixed < frozen


@pytest.mark.slow
def test_three_years_of_twenty_pools_and_paths_take_little_time():
    units = steady(20, 1095)
    began = time.perf_counter()
    fitted(units).sample(n_paths=200, n_days=1095, rng=np.random.default_rng(0))
    assert time.perf_counter() - began < 3.0


def test_the_migration_of_the_trace_is_seen_while_it_runs(shared_data: Path):
    history = read_usage(shared_data / "trace" / "usage_r1.parquet", missing_hours="zero")
    daily = daily_history(history, (), as_of_hour=19_205 * HOURS_PER_DAY)  # 2022-08-01
    units = daily.restated.mean(axis=2)
    model = fit_mix(units, daily.group_of, daily.days, declared_from=(None,) * len(units))
    old, new = daily.pools.index("r1/A"), daily.pools.index("r1/B")
    assert model.running[old].gaining == (new,)


def test_a_group_that_only_ever_had_one_pool_keeps_it():
    units = np.concatenate([steady(3, 400), half_way(400)])
    units[1, :] = 0.0
    units[1, 399] = 1.0  # the third group has a pool that was born yesterday
    group_of = np.array([0, 1, 1, 2, 2, 2])
    model = fit_mix(units, group_of, FIRST_DAY + np.arange(400), declared_from=(None,) * 6)
    assert model.has_mix.tolist() == [False, True, True, True, True, True]
    shares, unnamed = model.sample(n_paths=50, n_days=1_000, rng=np.random.default_rng(0))
    np.testing.assert_allclose(shares[:, 0], 1.0)
    np.testing.assert_allclose(unnamed[:, 0], 0.0)
    assert unnamed[:, 1:].max(axis=(0, 2)).min() > 0.1
    assert 0 not in {chance.pool for chance in model.chances}


def test_a_pool_that_never_had_demand_is_no_company():
    units = np.stack([np.full(200, 5.0), np.zeros(200)])
    model = fitted(units)
    assert model.has_mix.tolist() == [False, False]
    assert fitted(units[::-1]).sample(n_paths=5, n_days=700, rng=np.random.default_rng(0))[1].max() == 0.0
    died = np.where(np.arange(200) < 50, units[::-1], units)
    assert fitted(died).has_mix.tolist() == [True, True]
