import dataclasses

import numpy as np
import plotly.graph_objects as graph_objects

from forecasting.hours import hour_of_date
from optimizer.jobs.forecast_causes import Causes
from optimizer.plan import DemandBands, Plan
from optimizer.report.demand_charts import demand_charts, headroom_chart, peak_chart
from optimizer.report.forecast_cause_charts import growth_chart


def test_plotly_knows_every_property_of_the_charts(plan: Plan, causes: Causes) -> None:
    charts = (*demand_charts(plan), growth_chart(causes.growth), peak_chart(plan), headroom_chart(plan))
    for chart in charts:
        assert chart is not None
        assert len(graph_objects.Figure(chart.figure).data) == len(chart.figure["data"]) > 0


def test_history_ends_where_the_forecast_begins_and_bands_enclose_the_median(plan: Plan) -> None:
    _, mean, low, high, middle, _ = demand_charts(plan)[0].figure["data"]
    assert mean["x"][-1] == "2024-12-31"
    assert middle["x"][0] == "2025-01-01"
    assert (np.array(low["y"]) <= middle["y"]).all()
    assert (np.array(high["y"]) >= middle["y"]).all()


def test_events_outside_the_days_shown_are_not_marked_but_keep_their_numbers(plan: Plan) -> None:
    past = dataclasses.replace(plan.events[0], start_hour=0, end_hour=24)
    moved = dataclasses.replace(plan, events=(past, *plan.events[1:]))
    layout = demand_charts(moved)[0].figure["layout"]
    assert [note["text"] for note in layout["annotations"]] == ["2", "3"]
    assert len(layout["shapes"]) == 3  # the date of the plan and two events


def test_an_event_that_reaches_beyond_the_days_shown_is_cut_at_their_ends(plan: Plan) -> None:
    endless = dataclasses.replace(plan.events[0], start_hour=0, end_hour=hour_of_date("2100-01-01"))
    shapes = demand_charts(dataclasses.replace(plan, events=(endless,)))[0].figure["layout"]["shapes"]
    assert (shapes[1]["x0"], shapes[1]["x1"]) == ("2023-01-01T00:00:00Z", "2026-01-01T00:00:00Z")


def test_a_group_without_any_day_is_drawn_empty(plan: Plan) -> None:
    none = np.zeros(0)
    empty = DemandBands(
        group="new",
        history_days=none,
        history_mean=none,
        history_peak=none,
        days=none,
        mean_quantiles=np.zeros((3, 0)),
        peak_quantiles=np.zeros((3, 0)),
    )
    chart = demand_charts(dataclasses.replace(plan, bands=(empty,)))[0]
    assert chart.figure["layout"]["annotations"] == []
    assert "Numbered" not in chart.caption


def test_the_bars_of_growth_sum_to_the_change_of_the_total(causes: Causes) -> None:
    chart = growth_chart(causes.growth)
    assert chart is not None
    horizon = sum(part.units for part in causes.growth if part.pool is None and part.window == "horizon")
    place = chart.figure["layout"]["xaxis"]["ticktext"].index("horizon")
    np.testing.assert_allclose(sum(trace["y"][place] for trace in chart.figure["data"]), horizon, rtol=1e-6)


def test_a_pool_or_region_named_total_is_not_taken_for_all_pools(plan: Plan) -> None:
    assert [chart.title for chart in demand_charts(plan)[:2]] == [
        "Demand of all pools, units",
        "Demand of total, units",
    ]
    chart = peak_chart(plan)
    assert chart is not None
    months = [row.month for row in plan.peaks if row.pool is None]
    assert chart.figure["data"][0]["x"] == months
    assert len(set(months)) == len(months)


def test_an_event_named_organic_is_drawn_beside_organic_growth(causes: Causes) -> None:
    named = tuple(
        dataclasses.replace(part, name="organic") if part.name == "graviton <b>" else part for part in causes.growth
    )
    chart, plain = growth_chart(named), growth_chart(causes.growth)
    assert chart is not None
    assert plain is not None
    assert [trace["y"] for trace in chart.figure["data"]] == [trace["y"] for trace in plain.figure["data"]]
    assert [trace["name"] for trace in chart.figure["data"]] == ["Organic", "organic", "launch of checkout"]


def test_headroom_shows_firm_over_required_for_declared_pools_tightest_first(plan: Plan) -> None:
    chart = headroom_chart(plan)
    assert chart is not None
    trace = chart.figure["data"][0]
    declared = {row.pool for row in plan.peaks if row.firm_units is not None}
    assert len(trace["z"]) == len(declared)
    assert [min(line) for line in trace["z"]] == sorted(min(line) for line in trace["z"])
    np.testing.assert_allclose(trace["z"][0][0], 30.0, rtol=1e-9)


def test_charts_of_what_is_not_known_are_left_out(plan: Plan) -> None:
    undeclared = tuple(dataclasses.replace(row, firm_units=None) for row in plan.peaks)
    assert headroom_chart(dataclasses.replace(plan, peaks=undeclared)) is None
    assert peak_chart(dataclasses.replace(plan, peaks=())) is None
    assert growth_chart(()) is None
