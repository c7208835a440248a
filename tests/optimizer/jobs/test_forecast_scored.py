from pathlib import Path

import numpy as np
import pytest

from forecasting.errors import InputError
from forecasting.history import History
from forecasting.hours import date_of_hour, hour_of_date
from optimizer.jobs.forecast_backtest import BacktestPlan
from optimizer.jobs.forecast_scored import BacktestOrder, chosen_origins


def usage(first: str, last: str) -> History:
    """One pool from a date to another."""
    start = hour_of_date(first)
    return History(pools=("a",), start_hour=start, units=np.ones((1, hour_of_date(last) - start)))


def order(start: str | None = None, end: str | None = None, cadence_months: int = 3) -> BacktestOrder:
    """90 days ahead."""
    return BacktestOrder(
        usages=(Path("usage.csv"),),
        roadmap=None,
        drivers=None,
        start_hour=None if start is None else hour_of_date(start),
        end_hour=None if end is None else hour_of_date(end),
        cadence_months=cadence_months,
        plan=BacktestPlan(origin_hours=(), horizon_days=90),
    )


def dates(history: History, wanted: BacktestOrder) -> list[str]:
    """Origins as dates."""
    return [str(date_of_hour(hour)) for hour in chosen_origins(history, wanted, source="usage.csv")]


def test_origins_are_some_months_apart_and_the_end_counts() -> None:
    found = dates(usage("2021-01-01", "2024-02-01"), order("2022-02-01", "2023-11-01"))
    assert found == [f"{year}-{month:02d}-01" for year in (2022, 2023) for month in (2, 5, 8, 11)]


def test_the_last_eight_that_leave_a_horizon_are_taken_by_default() -> None:
    found = dates(usage("2021-01-01", "2024-02-10"), order())
    assert found == [f"{year}-{month:02d}-01" for year in (2022, 2023) for month in (2, 5, 8, 11)]


def test_fewer_are_taken_where_history_is_short() -> None:
    assert dates(usage("2023-01-01", "2023-12-31"), order()) == ["2023-04-01", "2023-07-01", "2023-10-01"]


def test_a_first_date_alone_goes_on_to_the_last_that_leaves_a_horizon() -> None:
    found = dates(usage("2023-01-01", "2023-12-31"), order("2023-03-15", cadence_months=2))
    assert found == ["2023-03-15", "2023-05-15", "2023-07-15", "2023-09-15"]


@pytest.mark.parametrize(
    "wanted", [order("2023-10-15"), order("2023-06-01", "2023-05-01"), order("2023-08-01", "2023-11-01")]
)
def test_windows_without_a_whole_horizon_are_refused(wanted: BacktestOrder) -> None:
    with pytest.raises(InputError, match=r"usage runs from 2023-01-01 .* Choose other --start and --end"):
        dates(usage("2023-01-01", "2023-12-31"), wanted)


def test_a_history_too_short_for_any_window_is_refused() -> None:
    with pytest.raises(InputError, match="got no origin"):
        dates(usage("2023-01-01", "2023-03-31"), order())
