"""The page, the charts and the tables of a forecast of a small fleet with a hostile name in it."""

import csv
import dataclasses
import io
import json
import re
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow.parquet as parquet
import pytest
from rich.console import Console

from forecasting.event_effects import FOUND, EventEffect
from forecasting.hours import hour_of_date
from forecasting.peaks import PEAK_LEVELS
from optimizer.jobs.forecast import forecast_usage
from optimizer.jobs.forecast_answer import ForecastAnswer, ForecastOrder, ForecastPaths
from optimizer.jobs.inputs import RunOptions
from optimizer.report.forecast_cause_charts import growth_chart, parts_chart
from optimizer.report.forecast_charts import fan_charts, month_chart, ranked, series_chart
from optimizer.report.forecast_csv import events_csv
from optimizer.report.forecast_files import forecast_files
from optimizer.report.forecast_html import forecast_html
from optimizer.report.forecast_tables import daily_peak_parquet, horizon_peak_parquet, hourly_parquet
from optimizer.report.forecast_terminal import print_forecast

HOSTILE = "</script><script>alert(1)</script>"
AS_OF_HOUR = hour_of_date("2024-03-11")


@pytest.fixture(scope="module")
def answer(small_fleet, tmp_path_factory) -> ForecastAnswer:
    """Forecast of 40 days of the small fleet, one of its pools renamed."""
    usage = tmp_path_factory.mktemp("pages") / "usage.csv"
    usage.write_text((small_fleet / "usage.csv").read_text().replace("west/batch", HOSTILE))
    order = ForecastOrder(
        as_of_hour=AS_OF_HOUR, horizon_days=40, zone=ZoneInfo("Europe/Berlin"), has_groups=True, n_paths=20
    )
    paths = ForecastPaths(usage=usage, roadmap=small_fleet / "roadmap.yaml")
    return forecast_usage(paths, RunOptions(), order, tell=lambda _: None)


def effect(**changes) -> EventEffect:
    """A shift that was found."""
    plain = {
        **{"name": "=found()", "kind": "level_shift", "pools": ("east/web", "east/api"), "start_hour": AS_OF_HOUR - 48},
        **{"end_hour": AS_OF_HOUR - 24, "declared_fraction": None, "fraction": 0.2, "low_fraction": 0.1},
        **{"high_fraction": 0.3, "base_units": 10.0, "units": 2.0, "low_units": 1.0, "high_units": 3.0},
        **{"n_seen": 1, "source": FOUND},
    }
    return EventEffect(**plain | changes)


def test_names_never_become_scripts(answer):
    page = forecast_html(answer).decode()
    assert HOSTILE not in page
    assert page.count("&#x27;sha256-") == 2


def test_every_section_that_the_page_lists_is_there(answer):
    page = forecast_html(answer).decode()
    anchors = re.findall(r'<a href="#([a-z]+)"', page)
    assert anchors == ["peaks", "daily", "growth", "events", "replacement", "anomalies", "run"]
    assert all(f'<section id="{anchor}"' in page for anchor in anchors)


def test_charts_hold_no_name_as_markup_and_only_finite_numbers(answer):
    charts = [*fan_charts(answer), month_chart(answer), series_chart(answer)]
    charts += [growth_chart(answer.causes.growth), parts_chart(answer.parts)]
    text = json.dumps([chart.figure for chart in charts], allow_nan=False)
    assert "<script>" not in text


def test_a_fan_holds_history_then_the_quantiles_of_the_files(answer):
    chart, total = fan_charts(answer)[0], ranked(answer)[0]
    by_name = {trace["name"]: trace for trace in chart.figure["data"]}
    assert by_name["Observed"]["x"][-1] == "2024-03-10"  # the 11th has begun by the clocks of Berlin
    assert by_name["P50"]["x"][0] == "2024-03-11"
    middle = total.daily.quantile_units[:-1, PEAK_LEVELS.index(0.5)]  # of the last day only two hours are there
    np.testing.assert_allclose(by_name["P50"]["y"], middle, rtol=1e-6)


def test_a_single_pool_has_no_chart_of_pools(answer):
    alone = dataclasses.replace(answer, outlooks=answer.outlooks[:2])
    assert series_chart(alone) is None


def test_parquet_types_are_those_of_the_documentation(answer):
    hourly = parquet.read_schema(io.BytesIO(hourly_parquet(answer)))
    assert str(hourly.field("hour_utc").type) == "timestamp[ms, tz=UTC]"
    daily = parquet.read_schema(io.BytesIO(daily_peak_parquet(answer)))
    assert str(daily.field("day").type) == "date32[day]"
    horizon = parquet.read_schema(io.BytesIO(horizon_peak_parquet(answer)))
    assert str(horizon.field("window_end").type) == "timestamp[ms, tz=UTC]"
    assert horizon.names[3:] == ["mean", *(f"q{level:g}" for level in PEAK_LEVELS)]


def test_events_that_were_found_are_told_apart_and_escaped():
    rows = list(csv.DictReader(io.StringIO(events_csv([effect(), effect(base_units=0.0)]).decode())))
    assert [row["declared_or_found"] for row in rows] == ["found", "found"]
    assert rows[0]["event"] == "'=found()"
    assert rows[0]["pools"] == "east/web; east/api"
    assert [row["effect_fraction"] for row in rows] == ["0.2", ""]


def test_events_of_every_source_fit_the_page(answer):
    effects = (effect(), effect(base_units=0.0, note="A & B."))
    told = dataclasses.replace(answer, causes=dataclasses.replace(answer.causes, effects=effects))
    page = forecast_html(told).decode()
    assert "found in demand" in page
    assert "new demand" in page
    assert "A &amp; B." in page


def test_the_terminal_shows_names_as_they_are(answer):
    console = Console(file=io.StringIO(), width=200)
    print_forecast(answer, console)
    assert HOSTILE in console.file.getvalue()


def test_the_same_answer_gives_the_same_bytes(answer):
    assert forecast_files(answer) == forecast_files(answer)
