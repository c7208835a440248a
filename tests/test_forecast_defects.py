"""Defects found by using the forecast commands on odd fleets, each kept from coming back."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from typer.testing import Result

from forecasting.arrays import FloatArray
from forecasting.daily import DailyHistory
from forecasting.event_effects import estimated_events
from forecasting.roadmap import Event, EventKind
from forecasting.scoring import Outlook, outlook_scores, year_scores
from forecasting.shares import DEAD_DAYS, fit_shares, patience_days

Plimsoll = Callable[..., Result]
N_DAYS = 154
AS_OF = "2024-06-03"  # 154 days after 1 January: a Monday


@pytest.fixture(scope="module")
def forecast(plimsoll: Plimsoll, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Result, Path]]:
    """Result and folder of a forecast of pools by hour from 2024 on."""

    def run(pools: dict[str, FloatArray], *more: object, as_of: str = AS_OF) -> tuple[Result, Path]:
        folder = tmp_path_factory.mktemp("defect")
        hours = pd.date_range("2024-01-01", periods=24 * N_DAYS, freq="h", tz="UTC").strftime("%Y-%m-%dT%H:%M:%SZ")
        tables = [pd.DataFrame({"hour_utc": hours, "pool": pool, "units": units}) for pool, units in pools.items()]
        pd.concat(tables).dropna().to_csv(folder / "usage.csv", index=False)
        fixed = ("--usage", folder / "usage.csv", "--as-of", as_of, "--horizon-days", 40, "--paths", 40)
        return plimsoll("forecast", *fixed, *more, "--out", folder / "out"), folder / "out"

    return run


def highest(out: Path, group: str) -> "pd.Series[float]":
    """Distribution of the highest hour of the horizon."""
    table = pd.read_parquet(out / "horizon_peak.parquet")
    return table[table["group"] == group].iloc[0]


def test_a_monthly_batch_is_not_forecast_to_be_gone(forecast: Callable[..., tuple[Result, Path]]) -> None:
    units = np.zeros(24 * N_DAYS)
    units[3 :: 24 * 30] = 1000.0  # the last one came three days before the end, the one before it 33 days before
    for late in (0, 26 * 24):
        result, out = forecast({"east/batch": np.roll(units, -late) if late else units})
        assert result.exit_code == 0, result.output
        assert highest(out, "east/batch")["q0.95"] > 500.0
        hourly = pd.read_parquet(out / "hourly.parquet").query("group == 'east/batch'")
        assert_allclose(hourly["q0.5"], 0.0)  # no demand around the clock that a reservation could be bought for


def test_use_in_office_hours_keeps_its_height_on_every_day(forecast: Callable[..., tuple[Result, Path]]) -> None:
    hours = np.arange(24 * N_DAYS)
    is_open = (hours // 24 % 7 < 5) & (hours % 24 >= 8) & (hours % 24 < 18)
    result, out = forecast({"east/desks": np.where(is_open, 50.0, 0.0)})
    assert result.exit_code == 0, result.output
    hourly = pd.read_parquet(out / "hourly.parquet").query("group == 'total'")
    ahead = hours[: len(hourly)]
    opens = (ahead // 24 % 7 < 5) & (ahead % 24 >= 8) & (ahead % 24 < 18)  # as-of is a Monday, too
    assert_allclose(hourly["mean"][opens][:200], 50.0, rtol=0.02)  # four weeks
    assert_allclose(hourly["mean"][~opens], 0.0)


def test_one_gap_is_not_called_gaps(forecast: Callable[..., tuple[Result, Path]]) -> None:
    units = np.full(24 * N_DAYS, 5.0)
    units[1000:1010] = np.nan
    result, _ = forecast({"east/a": units})
    assert result.exit_code == 2
    assert "in 1 gap: 2024-02-11T16:00:00Z" in " ".join(result.output.split())


def test_the_latest_date_that_is_offered_is_one_that_can_be_given(
    forecast: Callable[..., tuple[Result, Path]],
) -> None:
    units = np.full(24 * N_DAYS, 5.0)
    units[-5:] = np.nan
    result, _ = forecast({"east/a": units}, as_of="2024-07-06")
    assert result.exit_code == 2
    assert "Use a date up to 2024-07-03, or" in " ".join(result.output.split())
    result, _ = forecast({"east/a": units}, as_of="2024-07-03")
    assert result.exit_code == 0, result.output


def test_a_group_without_demand_yet_is_not_called_intermittent(
    forecast: Callable[..., tuple[Result, Path]], tmp_path: Path
) -> None:
    (tmp_path / "roadmap.yaml").write_text(
        "events: [{name: west, kind: launch, to: {west/new: 1.0}, add_units: 9, start: 2024-06-10}]"
    )
    result, out = forecast({"east/a": np.full(24 * N_DAYS, 5.0)}, "--roadmap", tmp_path / "roadmap.yaml")
    assert result.exit_code == 0, result.output
    told = (out / "forecast.json").read_text()
    assert "There has been no demand of group 'west' yet" in told
    assert "intermittent" not in told


# --- parts ---------------------------------------------------------------------------------------------------------


def test_a_pool_is_given_twice_its_usual_rest_before_it_counts_as_dead() -> None:
    units = np.zeros((3, 300))
    units[0, ::30] = 30.0
    units[1] = 2.0
    units[2, :100], units[2, 150:250] = 1.0, 1.0  # one long outage is no habit
    origins = np.array([60, 280, 300])
    assert patience_days(units, origins).tolist() == [[DEAD_DAYS, 58, 58], [DEAD_DAYS] * 3, [DEAD_DAYS] * 3]
    shares = fit_shares(units, np.zeros(3, dtype=np.int64), origins)
    group = units[:, -58:].sum()
    assert_allclose(shares[:, -1], np.array([30 / group, 1.0, 0.0]) / (30 / group + 1.0))


@pytest.mark.parametrize("kind", [EventKind.LAUNCH, EventKind.EFFICIENCY])
def test_the_interval_of_a_declared_event_is_as_skewed_as_its_range(kind: EventKind) -> None:
    units = np.full((1, 60, 24), 10.0)
    daily = DailyHistory(
        pools=("g/a",), groups=("g",), group_of=np.zeros(1), first_day=0, observed=units, restated=units
    )
    start = daily.origin_hour + 240
    event = {
        EventKind.LAUNCH: Event(
            name="e", kind=kind, to_shares=(("g/a", 1.0),), add_units=10.0, start_hour=start, end_hour=start + 24,
            size_range=(0.9, 2.0),
        ),
        EventKind.EFFICIENCY: Event(
            name="e", kind=kind, from_pools=("g/a",), size=0.2, start_hour=start, end_hour=start + 24,
            size_range=(0.18, 0.4),
        ),
    }[kind]  # fmt: skip
    (effect,) = estimated_events(daily, (event,)).effects
    ends = sorted(abs(end - effect.fraction) for end in (effect.low_fraction, effect.high_fraction))
    assert_allclose(ends[1] / ends[0], 10.0)


def test_what_is_foreseen_but_for_rounding_lies_inside_its_interval() -> None:
    actual = np.full(14 * 24, 7.0)
    below = np.full((14, 8), np.nextafter(7.0, 0.0))
    outlook = Outlook(
        hourly_mean_units=actual,
        daily_peak_units=below,
        daily_point_units=below[:, 0],
        horizon_peak_units=below[0],
    )
    scores = outlook_scores(outlook, actual=actual, past=actual)
    assert (scores.coverage_90, scores.peak_within_q95) == (1.0, 1.0)
    assert year_scores(below[:, 0], np.full(14, 1 / 14), actual_mean_units=7.0).within_80 == 1.0
