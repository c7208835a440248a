import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.errors import InputError
from forecasting.external import ExternalForecast, ExternalPaths, ExternalQuantiles
from forecasting.remapping import remapped, with_external
from forecasting.scenarios import Scenarios

FIRST_DAY = 20_000
LEVELS = np.array([0.1, 0.5, 0.9])


def scenarios_of(units, *, hours=None, hour_weights=None):
    n_scenarios, n_pools, n_hours = units.shape
    hours = FIRST_DAY * 24 + np.arange(n_hours) if hours is None else hours
    return Scenarios(
        pools=tuple("abcdef"[:n_pools]),
        hours=hours,
        hour_weights=np.ones(len(hours)) if hour_weights is None else hour_weights,
        weights=np.full(n_scenarios, 1 / n_scenarios),
        units=units,
    )


def quantiles_of(units, levels=LEVELS, *, first_day=FIRST_DAY, name="total"):
    one = ExternalQuantiles(name=name, first_day=first_day, levels=levels, units=units)
    return ExternalForecast(source="theirs.csv", quantiles=(one,))


@pytest.fixture
def sampled():
    rng = np.random.default_rng(3)
    return rng.gamma(5.0, 2.0, (40, 3, 24 * 5))


def test_remapped_paths_have_the_quantiles_given_and_the_ranks_of_before():
    rng = np.random.default_rng(0)
    paths = rng.gamma(3.0, 5.0, (1999, 2))
    wanted = np.array([[1.0, 4.0, 5.0], [100.0, 300.0, 310.0]])
    made = remapped(paths, np.full(1999, 1 / 1999), LEVELS, wanted)
    np.testing.assert_allclose(np.quantile(made, LEVELS, axis=0).T, wanted, rtol=5e-3)
    np.testing.assert_array_equal(np.argsort(paths, axis=0), np.argsort(made, axis=0))


def test_beyond_the_outer_levels_our_own_tail_goes_on():
    paths = np.arange(1.0, 1000.0)[:, None]
    made = remapped(paths, np.full(999, 1 / 999), LEVELS, np.array([[50.0, 500.0, 1800.0]]))
    np.testing.assert_allclose(made[-1] / paths[-1], 2.0, rtol=1e-2)
    np.testing.assert_allclose(made[0] / paths[0], 0.5, rtol=1e-2)


def test_one_level_only_scales():
    paths = np.array([[1.0, 3.0], [2.0, 2.0], [6.0, 1.0]])
    made = remapped(paths, np.full(3, 1 / 3), np.array([0.5]), np.array([[4.0], [1.0]]))
    np.testing.assert_allclose(made, paths * [2.0, 0.5])


@given(
    st.lists(st.floats(0, 1e9), min_size=1, max_size=8),
    st.lists(st.floats(0, 1e9), min_size=3, max_size=3),
)
def test_whatever_the_paths_remapping_is_finite_and_not_negative(values, quantiles):
    paths = np.array(values)[:, None]
    made = remapped(paths, np.full(len(values), 1 / len(values)), LEVELS, np.sort(quantiles)[None])
    assert np.all(np.isfinite(made))
    assert np.all(made >= 0)


def test_daily_means_of_the_total_follow_the_quantiles_given(sampled):
    wanted = np.array([[100.0, 200.0, 400.0]] * 5)
    made = with_external(scenarios_of(sampled), quantiles_of(wanted), {"total": np.arange(3)})
    daily = made.sum(axis=1).reshape(40, 5, 24).mean(axis=2)
    own = sampled.sum(axis=1).reshape(40, 5, 24).mean(axis=2)
    np.testing.assert_allclose(daily, remapped(own, np.full(40, 1 / 40), LEVELS, wanted))
    np.testing.assert_allclose(made / made.sum(axis=1, keepdims=True), sampled / sampled.sum(axis=1, keepdims=True))


def test_other_rows_stay_as_they_are(sampled):
    made = with_external(scenarios_of(sampled), quantiles_of(np.ones((5, 3))), {"total": np.array([1])})
    np.testing.assert_array_equal(made[:, [0, 2]], sampled[:, [0, 2]])


def test_days_before_stay_and_days_after_are_scaled_by_the_last_week(sampled):
    external = quantiles_of(np.array([[1000.0]]), np.array([0.5]), first_day=FIRST_DAY + 2)
    made = with_external(scenarios_of(sampled), external, {"total": np.arange(3)})
    np.testing.assert_allclose(made[:, :, :48], sampled[:, :, :48])
    ratio = made[:, :, 48:72].mean() / sampled[:, :, 48:72].mean()
    np.testing.assert_allclose(made[:, :, 72:], ratio * sampled[:, :, 72:])


def test_hours_that_stand_for_five_bring_every_hour_of_the_day_once():
    hours = FIRST_DAY * 24 + np.arange(0, 24 * 30, 5)
    profile = 10.0 + hours % 24  # a daily mean of 21.5, whatever hours a day happens to have
    scenarios = scenarios_of(np.tile(profile, (4, 1, 1)), hours=hours, hour_weights=np.full(len(hours), 5.0))
    external = quantiles_of(np.full((30, 1), 43.0), np.array([0.5]))
    made = with_external(scenarios, external, {"total": np.array([0])})
    inside = slice(20, -20)
    np.testing.assert_allclose(made[:, :, inside], 2 * scenarios.units[:, :, inside], rtol=0.05)


def test_demand_where_ours_is_none_comes_by_the_usual_shares():
    units = np.zeros((2, 2, 48))
    units[:, :, 24:] = [[[3.0]], [[3.0]]]
    units[:, 1, 24:] = 1.0
    external = quantiles_of(np.array([[8.0], [8.0]]), np.array([0.5]))
    made = with_external(scenarios_of(units), external, {"total": np.arange(2)})
    np.testing.assert_allclose(made, np.tile([[6.0], [2.0]], (2, 1, 48)))
    nothing = with_external(scenarios_of(np.zeros((2, 2, 24))), external, {"total": np.arange(2)})
    np.testing.assert_allclose(nothing, 4.0)


def test_sample_paths_take_the_place_of_ours_the_largest_of_the_largest():
    ours = np.array([5.0, 1.0, 3.0])[:, None, None] * np.ones((3, 2, 48))
    theirs = np.array([[[10.0], [1.0]], [[20.0], [2.0]], [[30.0], [3.0]]]) * np.ones((3, 2, 48))
    paths = ExternalPaths(names=("a", "b"), hours=FIRST_DAY * 24 + np.arange(48), units=theirs)
    made = with_external(
        scenarios_of(ours),
        ExternalForecast(source="p", paths=paths),
        {"a": np.array([0]), "b": np.array([1])},
    )
    np.testing.assert_allclose(made[:, :, 0], [[30, 3], [10, 1], [20, 2]])


def test_fewer_paths_than_scenarios_are_dealt_evenly_and_carried_on_beyond_their_end():
    ours = np.arange(1.0, 5.0)[:, None, None] * np.ones((4, 1, 72))
    paths = ExternalPaths(
        names=("a",), hours=FIRST_DAY * 24 + np.arange(24), units=np.array([[[2.0]], [[8.0]]]) * np.ones((2, 1, 24))
    )
    made = with_external(scenarios_of(ours), ExternalForecast(source="p", paths=paths), {"a": np.array([0])})
    np.testing.assert_allclose(made[:, 0, 0], [2, 2, 8, 8])
    np.testing.assert_allclose(made[:, 0, -1], 2 * np.arange(1, 5))  # 5 over 2.5


@pytest.mark.parametrize("first_day", [FIRST_DAY - 9, FIRST_DAY + 9])
def test_a_forecast_of_other_days_is_refused(sampled, first_day):
    external = quantiles_of(np.ones((5, 3)), first_day=first_day)
    with pytest.raises(InputError, match="must hold days of the horizon from 2024-10-04 to 2024-10-08, and holds none"):
        with_external(scenarios_of(sampled), external, {"total": np.arange(3)})
    paths = ExternalPaths(names=("total",), hours=np.array([first_day * 24]), units=np.ones((1, 1, 1)))
    with pytest.raises(InputError, match="must hold days of the horizon"):
        with_external(scenarios_of(sampled), ExternalForecast(source="p", paths=paths), {"total": np.arange(3)})
