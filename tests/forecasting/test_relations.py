import numpy as np
import pytest

from forecasting.declared_relations import Relation
from forecasting.drivers import ALWAYS_KNOWN_DAY, Drivers
from forecasting.errors import InputError
from forecasting.relations import DailyDemand, driver_assumptions, fit_drivers

FIRST_DAY = 19_000
N_PAST, N_AHEAD = 420, 60


def make_drivers(values, *, spread=0.0, n_rows=N_PAST + N_AHEAD):
    """Drivers given every day of past and horizon, with a symmetric range of log half width `spread` ahead."""
    names = tuple(sorted(values))
    table = np.array([values[name][:n_rows] for name in names])
    days = np.tile(FIRST_DAY + np.arange(n_rows), len(names))
    return Drivers(
        source="drivers.csv",
        names=names,
        codes=np.repeat(np.arange(len(names)), n_rows),
        days=days,
        known_days=np.full(days.shape, ALWAYS_KNOWN_DAY),
        values=table.ravel(),
        lows=table.ravel() * np.exp(-spread),
        highs=table.ravel() * np.exp(spread),
    )


def fitted(units, drivers, relations, pools=("r1/a", "r2/b")):
    demand = DailyDemand(
        pools=pools,
        group_of_pool=tuple(pool.partition("/")[0] for pool in pools),
        first_day=FIRST_DAY,
        units=np.atleast_2d(units),
    )
    return fit_drivers(demand, drivers, relations, as_of_day=FIRST_DAY + N_PAST, source="roadmap.yaml")


@pytest.fixture
def walk():
    rng = np.random.default_rng(8)
    return lambda sd: 1000 * np.exp(np.cumsum(rng.normal(0, sd, N_PAST + N_AHEAD)))


def test_demand_is_proportional_to_users_times_usage_times_efficiency(walk):
    values = {"dau": walk(0.02), "efficiency": walk(0.01), "usage": walk(0.01)}
    identity = values["dau"] * values["usage"] * values["efficiency"]
    relation = Relation(elasticities=tuple((name, 1.0) for name in values))
    model = fitted(7 * identity[:N_PAST], make_drivers(values), [relation], pools=("r1/a",))
    rest = 7 * identity[:N_PAST] / np.exp(model.past_log_factor[0])
    np.testing.assert_allclose(rest, rest[-1])
    ahead = np.exp(model.sample(5, N_AHEAD, np.random.default_rng(0)))[0]
    np.testing.assert_allclose(rest[-1] * ahead, np.tile(7 * identity[N_PAST:], (5, 1)))


def test_pools_without_a_relation_follow_no_driver(walk):
    units = np.stack([walk(0.01)[:N_PAST]] * 2)
    model = fitted(units, make_drivers({"dau": walk(0.02)}), [Relation(groups=("r2",), elasticities=(("dau", 1.0),))])
    assert model.targets == ("group 'r2'", "")
    np.testing.assert_array_equal(model.row_of_pool, [1, 0])
    np.testing.assert_array_equal(model.past_log_factor[1], 0.0)
    np.testing.assert_array_equal(model.sample(3, 10, np.random.default_rng(0))[1], 0.0)


def test_a_pool_with_a_relation_of_its_own_is_no_part_of_its_group(walk):
    pools = ("r1/a", "r1/b", "r1/c")
    relations = [Relation(pools=("r1/b",), elasticities=(("dau", 2.0),)), Relation(elasticities=(("dau", 1.0),))]
    model = fitted(np.ones((3, N_PAST)), make_drivers({"dau": walk(0.02)}), relations, pools=pools)
    assert model.targets == ("pool 'r1/b'", "group 'r1'", "")
    np.testing.assert_array_equal(model.row_of_pool, [1, 0, 1])
    np.testing.assert_allclose(model.past_log_factor[0], 2 * model.past_log_factor[1])


def test_the_range_of_a_driver_is_the_range_of_demand(walk):
    drivers = make_drivers({"dau": walk(0.0)}, spread=0.3)
    model = fitted(np.ones((1, N_PAST)), drivers, [Relation(elasticities=(("dau", 2.0),))], pools=("r1/a",))
    sampled = model.sample(20_000, 3, np.random.default_rng(0))[0]
    np.testing.assert_allclose(np.quantile(sampled, [0.1, 0.5, 0.9], axis=0)[:, 2], [-0.6, 0, 0.6], atol=0.02)
    np.testing.assert_allclose(sampled[:, 0], sampled[:, 2])  # one score for all days of a path


def test_an_estimated_elasticity_is_found_and_its_error_sampled(walk):
    rng = np.random.default_rng(3)
    dau = walk(0.02)
    rest = np.exp(np.cumsum(rng.normal(0, 0.003, N_PAST)))
    model = fitted(dau[:N_PAST] ** 0.7 * rest, make_drivers({"dau": dau}), [], pools=("r1/a",))
    np.testing.assert_allclose(model.elasticity[0], 0.7, atol=0.1)
    assert model.covariance[0, 0, 0] > 0
    spread = model.sample(500, N_AHEAD, rng)[0].std(axis=0)
    moved = np.abs(np.log(dau[N_PAST:] / dau[N_PAST - 1]))
    np.testing.assert_allclose(spread, moved * np.sqrt(model.covariance[0, 0, 0]), rtol=0.15)
    (told,) = model.assumptions
    assert told.startswith(
        "Drivers of group 'r1' ('dau'): used, at the history's own rolling origins forecasts miss by"
    )


def test_given_and_estimated_elasticities_stand_in_one_relation(walk):
    values = {"dau": walk(0.02), "price": walk(0.02)}
    units = values["dau"][:N_PAST] * values["price"][:N_PAST] ** -0.5
    relation = Relation(elasticities=(("dau", 1.0), ("price", None)))
    model = fitted(units, make_drivers(values), [relation], pools=("r1/a",))
    np.testing.assert_allclose(model.elasticity[0], [1.0, -0.5], atol=1e-3)
    np.testing.assert_array_equal(model.covariance[0, 0], 0.0)


def test_a_driver_that_does_not_help_is_left_out_and_the_reader_is_told(walk):
    model = fitted(np.full(N_PAST, 5.0), make_drivers({"dau": walk(0.02)}), [], pools=("web",))
    assert not model.elasticity.any()
    assert model.assumptions[0].startswith("Drivers of group 'web' ('dau'): not used")


def test_too_short_a_history_to_judge_is_said(walk):
    demand = DailyDemand(pools=("a",), group_of_pool=("",), first_day=FIRST_DAY, units=np.ones((1, 60)))
    model = fit_drivers(demand, make_drivers({"dau": walk(0.1)}), [], as_of_day=FIRST_DAY + 60, source="r")
    assert not model.elasticity.any()
    assert model.assumptions == (
        "Drivers of all pools ('dau'): not used, as it takes 30 weeks of history to judge them.",
    )


def test_a_driver_that_ends_before_the_horizon_is_carried_on_and_said(walk):
    drivers = make_drivers({"dau": walk(0.02)}, n_rows=N_PAST)
    model = fitted(np.ones((1, N_PAST)), drivers, [Relation(elasticities=(("dau", 1.0),))], pools=("r1/a",))
    paths = model.sample(500, N_AHEAD, np.random.default_rng(0))[0]
    spread = paths.std(axis=0)
    assert np.all(np.diff(spread) > 0)
    assert np.all(np.abs(np.median(paths, axis=0)) < 0.2 * spread)
    (told,) = driver_assumptions(model, end_day=FIRST_DAY + N_PAST + N_AHEAD)
    assert "carried on" in told


def test_the_future_of_demand_and_of_dated_drivers_changes_nothing(walk):
    dau, units = walk(0.02), walk(0.02)
    drivers = make_drivers({"dau": dau})
    dated = [
        Drivers(
            source="d",
            names=drivers.names,
            codes=drivers.codes,
            days=drivers.days,
            known_days=drivers.days + 1,
            values=np.where(drivers.days >= FIRST_DAY + N_PAST, factor * drivers.values, drivers.values),
            lows=drivers.lows * factor / 2,
            highs=drivers.highs * factor * 2,
        )
        for factor in (1.0, 3.0)
    ]
    first, second = (fitted(units[:N_PAST], one, [], pools=("r1/a",)) for one in dated)
    for made in (first, second):
        assert made.curves[0].last_day < FIRST_DAY + N_PAST
    np.testing.assert_array_equal(
        first.sample(4, 30, np.random.default_rng(1)), second.sample(4, 30, np.random.default_rng(1))
    )


def test_absurd_drivers_give_no_absurd_demand():
    values = np.concatenate([np.full(N_PAST, 1e-12), np.full(N_AHEAD, 1e12)])
    model = fitted(
        np.ones((1, N_PAST)), make_drivers({"x": values}), [Relation(elasticities=(("x", 10.0),))], pools=("r1/a",)
    )
    factor = np.exp(model.sample(3, N_AHEAD, np.random.default_rng(0)))
    np.testing.assert_allclose(factor[0], 1e6)


def test_a_relation_to_what_is_not_there_is_refused(walk):
    with pytest.raises(InputError, match=r"roadmap.yaml is refused(?s:.*)driver 'dua' must be in the driver file"):
        fitted(np.ones((2, N_PAST)), make_drivers({"dau": walk(0.1)}), [Relation(elasticities=(("dua", 1.0),))])
