"""The scripts that measure on public series: how readings become hours, where windows lie, what they refuse."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from forecasting.hours import hour_of_date

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"


def loaded(name: str) -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location(f"{name}_under_test", SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def forecasts() -> Iterator[ModuleType]:
    """`series_forecasts.py`."""
    yield from loaded("series_forecasts")


@pytest.fixture(params=["series_anomalies", "series_drivers", "series_events", "synthetic_growth", "mix_backtest"])
def other(request: pytest.FixtureRequest) -> Iterator[ModuleType]:
    """Each of the other scripts that measure."""
    yield from loaded(request.param)


def readings(start: str, values: list[float] | np.ndarray, step: str = "h") -> pd.DataFrame:
    return pd.DataFrame({"ds": pd.date_range(start, periods=len(values), freq=step), "y": values})


def hours_of(forecasts: ModuleType, rows: pd.DataFrame, **options: int) -> np.ndarray:
    return forecasts.hourly(rows, name="a", **options).history.units[0].reshape(-1, 24)


def test_readings_of_five_minutes_are_averaged_to_hours(forecasts: ModuleType):
    values = np.random.default_rng(1).uniform(0, 9, 2 * 24 * 12)
    days = hours_of(forecasts, readings("2024-03-01", values, "5min"))
    assert_allclose(days, values.reshape(2, 24, 12).mean(axis=2))


def test_two_readings_of_one_moment_count_once(forecasts: ModuleType):
    rows = readings("2024-03-01", np.full(48, 4.0), "30min")
    twice = pd.concat([rows, pd.DataFrame({"ds": rows["ds"][:1], "y": [0.0]})])
    assert_allclose(hours_of(forecasts, twice)[0, :2], [3.0, 4.0])  # (2 + 4) / 2, not (4 + 0 + 4) / 3


def test_the_order_of_readings_does_not_matter(forecasts: ModuleType):
    rows = readings("2024-03-01", np.arange(72.0))
    assert_array_equal(hours_of(forecasts, rows[::-1]), hours_of(forecasts, rows))


def test_only_whole_days_are_kept(forecasts: ModuleType):
    series = forecasts.hourly(readings("2024-03-01 14:00", np.arange(10 + 48 + 5.0)), name="a")
    assert series.n_days == 2
    assert series.history.start_hour == hour_of_date("2024-03-02")
    assert_allclose(series.history.units[0], np.arange(10, 58.0))


def test_a_missing_hour_takes_the_latest_reading_at_that_hour_and_nothing_later(forecasts: ModuleType):
    rows = readings("2024-03-01", np.arange(96.0))
    is_missing = rows["ds"].isin(pd.to_datetime(["2024-03-02 05:00", "2024-03-03 05:00", "2024-03-03 06:00"]))
    series = forecasts.hourly(rows[~is_missing], name="a")
    assert_allclose(series.history.units[0].reshape(4, 24)[:, 5:7], [[5, 6], [5, 30], [5, 30], [77, 78]])
    assert series.filled_fraction == pytest.approx(3 / 96)


def test_a_reading_that_is_no_number_is_a_missing_one(forecasts: ModuleType):
    values = np.arange(48.0)
    values[30] = np.nan
    assert hours_of(forecasts, readings("2024-03-01", values))[1, 6] == 6.0


def test_hours_that_are_never_read_are_closed(forecasts: ModuleType):
    rows = readings("2024-03-01", np.full(72, 7.0))
    is_open = rows["ds"].dt.hour.between(8, 16)
    start_and_end = rows.index.isin([0, 71])
    series = forecasts.hourly(rows[is_open | start_and_end], name="a")
    assert_allclose(series.history.units[0].reshape(3, 24)[1, [3, 8, 16, 20]], [0, 7, 7, 0])


def test_a_reading_of_a_day_stands_for_its_hours_and_a_missing_day_for_the_day_before(forecasts: ModuleType):
    rows = readings("2024-03-01", [5.0, 6.0, 7.0, 8.0], "D").drop(index=2)
    assert_allclose(hours_of(forecasts, rows, row_hours=24), np.repeat([[5.0], [6.0], [6.0], [8.0]], 24, axis=1))


def test_demand_below_zero_is_zero(forecasts: ModuleType):
    assert_allclose(hours_of(forecasts, readings("2024-03-01", np.full(24, -8.0))), np.zeros((1, 24)))


def test_a_series_without_any_reading_has_no_days(forecasts: ModuleType):
    series = forecasts.hourly(readings("2024-03-01", np.full(30, np.nan)), name="a")
    assert series.n_days == 0
    assert forecasts.reason_against(series).startswith("0 whole days, more than 21 are needed")


@pytest.mark.parametrize("n_days", [22, 23, 28, 30, 62, 216, 1096, 2963])
def test_every_window_has_enough_history_before_it_and_data_to_its_end(forecasts: ModuleType, n_days: int):
    days, ahead = forecasts.origins(n_days), forecasts.horizon(n_days)
    assert 1 <= len(days) <= 8
    assert days == sorted(set(days))
    assert days[0] == 21
    assert days[-1] + ahead == n_days
    assert 1 <= ahead <= 90


def test_a_series_read_on_few_days_is_left_out(forecasts: ModuleType):
    rows = readings("2024-03-01", np.ones(60 * 24))
    few = rows[(rows["ds"].dt.day % 3 == 0) | (rows.index == 0) | (rows.index == len(rows) - 1)]
    assert forecasts.reason_against(forecasts.hourly(rows, name="a")) == ""
    assert "of its 60 days" in forecasts.reason_against(forecasts.hourly(few, name="a"))


def test_a_file_is_forecast_and_short_series_are_listed(
    forecasts: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    noise = np.random.default_rng(2).lognormal(3.0, 0.1, 24 * 24)
    short, long = readings("2024-03-01", noise[:100]), readings("2024-03-01", noise)
    frame = pd.concat([short.assign(unique_id="short"), long.assign(unique_id="long")])
    frame.to_parquet(tmp_path / "azure_v2_total_5min.parquet")
    assert forecasts.main(["--series", str(tmp_path), "--only", "azure_v2_total_5min"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[:3] for line in said if " | 1 / " in line] == [
        ["| long", "1 / 3", "1"],
        ["| azure_v2_total_5min", "1 / 3", "1"],
    ]
    left_out = "azure_v2_total_5min, short: 4 whole days, more than 21 are needed before a window"
    assert said[-1] == f"Left out: {left_out}."


def test_a_folder_without_the_files_is_refused(
    forecasts: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    only = ["--only", "electricity_hourly"]
    assert forecasts.main(["--series", str(tmp_path), *only]) == 2
    assert capsys.readouterr().err == f"--series: {tmp_path} must hold electricity_hourly.parquet.\n"
    assert forecasts.main(["--series", str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err.count(".parquet") == len(forecasts.SOURCES)


def test_a_file_that_the_script_does_not_know_is_refused(forecasts: ModuleType, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit, match="2"):
        forecasts.main(["--series", ".", "--only", "iclaims"])
    assert "argument --only: invalid choice: 'iclaims'" in capsys.readouterr().err


WRONG = {
    "series_anomalies": ("--series", "nowhere", "--series: nowhere must hold nab_realAWSCloudwatch.parquet"),
    "series_drivers": ("--series", "nowhere", "--series: nowhere must hold iclaims_weekly_drivers.parquet."),
    "series_events": ("--series", "nowhere", "--series: nowhere must hold wiki_peyton_manning_daily.parquet."),
    "synthetic_growth": ("--fleets", "0", "--fleets must be >= 1, got 0."),
    "mix_backtest": ("--usage", "nowhere.csv", "--usage: there is no file nowhere.csv."),
}


def test_every_other_script_that_measures_refuses_what_it_cannot_use(
    other: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    option, value, said = WRONG[other.__name__.removesuffix("_under_test")]
    monkeypatch.setattr(sys, "argv", ["script", option, value])
    if other.main.__code__.co_argcount:
        assert other.main([option, value]) == 2
    else:
        with pytest.raises(SystemExit, match="2"):
            other.main()
    assert said in capsys.readouterr().err


def test_every_other_script_that_measures_says_what_an_unknown_option_is(
    other: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    arguments = ["--no-such-option"]
    monkeypatch.setattr(sys, "argv", ["script", *arguments])
    with pytest.raises(SystemExit, match="2"):
        other.main(arguments) if other.main.__code__.co_argcount else other.main()
    assert "error:" in capsys.readouterr().err
