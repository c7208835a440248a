import numpy as np
import pytest

from forecasting.forecast import Forecast, ForecastRequest, ForecastSettings, forecast_demand
from forecasting.history import History
from forecasting.hours import hour_of_date
from forecasting.roadmap import Roadmap
from optimizer.jobs.forecast_series import group_series, past_units, path_units, pool_series, total_series

POOLS = ("alone", "east/a", "east/b", "west/a")


@pytest.fixture(scope="module")
def history() -> History:
    """Ten weeks of four pools, one of them without a group."""
    rng = np.random.default_rng(0)
    units = rng.gamma(30.0, 1.0, (4, 70 * 24))
    return History(pools=POOLS, start_hour=hour_of_date("2024-01-01"), units=units)


@pytest.fixture(scope="module")
def forecast(history: History) -> Forecast:
    """Four days of ten paths."""
    hours = np.arange(history.end_hour, history.end_hour + 96)
    request = ForecastRequest(
        as_of_hour=history.end_hour,
        hours=hours,
        hour_weights=np.ones(96),
        settings=ForecastSettings(n_paths=10, n_scenarios=10),
    )
    return forecast_demand(history, Roadmap(), request, np.random.default_rng(0))


def test_paths_of_groups_and_pools_agree_with_a_loop(forecast: Forecast) -> None:
    units, unnamed = forecast.scenarios.units, forecast.unnamed_units
    east = sum(units[:, row] for row, pool in enumerate(forecast.scenarios.pools) if pool.startswith("east/"))
    (group,) = group_series(["east"])
    np.testing.assert_allclose(path_units(forecast, group), east + unnamed[:, forecast.groups.index("east")])
    (pool,) = pool_series(["west/a"])
    np.testing.assert_allclose(path_units(forecast, pool), units[:, forecast.scenarios.pools.index("west/a")])
    np.testing.assert_allclose(path_units(forecast, total_series()), units.sum(axis=1) + unnamed.sum(axis=1))


def test_groups_add_up_to_the_total(forecast: Forecast, history: History) -> None:
    groups = group_series(forecast.groups)
    assert [series.name for series in groups] == ["", "east", "west"]
    sums = sum(path_units(forecast, series) for series in groups)
    np.testing.assert_allclose(sums, path_units(forecast, total_series()))
    np.testing.assert_allclose(
        sum(past_units(history, series) for series in groups), past_units(history, total_series())
    )


def test_a_series_that_history_does_not_have_is_zero_there(history: History) -> None:
    (unknown,) = pool_series(["east/new"])
    assert past_units(history, unknown).tolist() == [0.0] * 70 * 24
