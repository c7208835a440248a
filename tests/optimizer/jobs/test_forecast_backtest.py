import numpy as np
import pytest

from forecasting.forecast import ForecastSettings
from forecasting.history import History
from forecasting.hours import hour_of_date
from forecasting.roadmap import Roadmap
from forecasting.scoring import naive_outlook, outlook_scores
from optimizer.jobs.forecast_backtest import BacktestPlan, WindowScores, backtest_forecasts

START = hour_of_date("2023-01-02")
ORIGINS = (hour_of_date("2023-04-01"), hour_of_date("2023-05-01"))
SMALL = ForecastSettings(n_paths=20, n_scenarios=20)


def fleet(n_days: int, pools: tuple[str, ...] = ("east/a", "east/b", "west/a")) -> History:
    """Pools with days and weeks, and noise."""
    rng = np.random.default_rng(0)
    hours = np.arange(24 * n_days)
    shape = 1 + 0.3 * np.sin(2 * np.pi * hours / 24) - 0.2 * ((hours // 24) % 7 >= 5)
    units = np.stack([10 * (row + 1) * shape * rng.lognormal(0, 0.05, len(hours)) for row in range(len(pools))])
    return History(pools=pools, start_hour=START, units=units)


def run(history: History, **options: object) -> list[WindowScores]:
    """Backtest of two origins, two weeks ahead."""
    plan = {"origin_hours": ORIGINS, "horizon_days": 14, "settings": SMALL} | options
    return backtest_forecasts(history, Roadmap(), BacktestPlan(**plan))


@pytest.mark.parametrize(
    ("scored", "names"),
    [
        ("total", ["total"]),
        ("groups", ["east", "west", "total"]),
        ("pools", ["east/a", "east/b", "west/a"]),
    ],
)
def test_every_origin_scores_the_series_that_were_asked_for(scored: str, names: list[str]) -> None:
    scores = run(fleet(150), scored=scored)
    assert [(window.origin_hour, window.series) for window in scores] == [
        (at, name) for at in ORIGINS for name in names
    ]


def test_a_single_group_is_the_total_and_is_scored_once() -> None:
    assert [window.series for window in run(fleet(150, ("east/a", "east/b")))] == ["total", "total"]


def test_the_actual_is_what_came_in_all_pools_those_born_after_the_origin_included() -> None:
    history = fleet(150)
    units = history.units.copy()
    units[2, : ORIGINS[1] - START + 48] = 0.0  # born two days after the second origin
    born = History(pools=history.pools, start_hour=START, units=units)
    window = run(born, scored="total")[-1]
    total = units.sum(axis=0)
    at = ORIGINS[1] - START
    past, actual = total[:at], total[at : at + 14 * 24]
    assert window.naive == outlook_scores(naive_outlook(past, n_days=14), actual=actual, past=past)


def test_what_comes_after_a_window_changes_nothing_in_it() -> None:
    history = fleet(150)
    units = history.units.copy()
    units[:, ORIGINS[0] - START + 14 * 24 :] *= 7.0
    other = History(pools=history.pools, start_hour=START, units=units)
    before, after = run(history)[0], run(other)[0]
    assert (before.forecast, before.naive) == (after.forecast, after.naive)


def test_the_future_is_not_shown_to_the_forecast() -> None:
    history = fleet(150)
    units = history.units.copy()
    units[:, ORIGINS[0] - START :] *= 2.0
    doubled = run(History(pools=history.pools, start_hour=START, units=units), scored="total")[0]
    plain = run(history, scored="total")[0]
    # the same forecast against twice the demand: half of the median above it, less the other half
    np.testing.assert_allclose(
        2 * (1 + doubled.forecast.median_peak_above_fraction), 1 + plain.forecast.median_peak_above_fraction
    )


def test_a_year_is_scored_where_history_goes_on_for_it() -> None:
    scores = run(fleet(480), has_year=True, scored="total")
    assert scores[0].year is not None
    assert scores[1].year is None
    assert abs(scores[0].year.mean_above_fraction) < 0.2
