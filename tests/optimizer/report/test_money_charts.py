import dataclasses

import numpy as np
import plotly.graph_objects as graph_objects

from forecasting.hours import iso_of_hour
from optimizer.plan import Plan
from optimizer.report.money_charts import allocation_charts, cost_chart, ladder_chart


def test_plotly_knows_every_property_of_the_charts(plan: Plan) -> None:
    for chart in (ladder_chart(plan), cost_chart(plan), *allocation_charts(plan)):
        assert len(graph_objects.Figure(chart.figure).data) == len(chart.figure["data"]) > 0


def test_the_steps_of_the_ladder_sum_to_the_fees_of_what_runs(plan: Plan) -> None:
    traces = ladder_chart(plan).figure["data"]
    purchases = (*plan.purchases, *plan.schedule)
    for place, date in enumerate(traces[0]["x"]):
        expected = sum(
            p.committed_usd / (p.end_hour - p.start_hour)
            for p in purchases
            if iso_of_hour(p.start_hour)[:10] <= date < iso_of_hour(p.end_hour)[:10]
        )
        expected += sum(e.hourly_fee_usd for e in plan.expiries if date < iso_of_hour(e.end_hour)[:10])
        np.testing.assert_allclose(sum(trace["y"][place] for trace in traces), expected, rtol=1e-5, atol=1e-9)


def test_the_ladder_keeps_what_is_bought_now_apart_from_what_comes_later(plan: Plan) -> None:
    traces = ladder_chart(plan).figure["data"]
    later = [trace for trace in traces if trace["name"].endswith(", later")]
    assert [trace["y"][0] for trace in later] == [0.0] * len(later)
    assert len(later) == len({purchase.kind for purchase in plan.schedule})
    assert all(trace["fillpattern"]["shape"] for trace in later)


def test_a_ladder_without_purchases_still_shows_what_expires(plan: Plan) -> None:
    traces = ladder_chart(dataclasses.replace(plan, purchases=(), schedule=())).figure["data"]
    assert [trace["name"] for trace in traces] == ["Owned, ends in the window"]
    assert traces[0]["y"][0] == sum(expiry.hourly_fee_usd for expiry in plan.expiries)
    assert traces[0]["y"][-1] == 0.0


def test_the_bars_of_the_allocation_sum_to_the_expected_cost(plan: Plan) -> None:
    in_usd, in_units = allocation_charts(plan)
    np.testing.assert_allclose(sum(sum(t["y"]) for t in in_usd.figure["data"]), plan.summary.mean_usd, rtol=1e-5)
    assert "Committed, not used" in [trace["name"] for trace in in_usd.figure["data"]]
    assert "Committed, not used" not in [trace["name"] for trace in in_units.figure["data"]]


def test_every_scenario_is_a_dot_of_the_cost_chart_and_likelier_ones_are_larger(plan: Plan) -> None:
    weights = np.linspace(1, 3, len(plan.scenario_weights))
    chart = cost_chart(dataclasses.replace(plan, scenario_weights=weights / weights.sum()))
    dots = [trace for trace in chart.figure["data"] if trace["mode"] == "markers"]
    assert [len(trace["x"]) for trace in dots] == [len(plan.scenario_weights)] * len(plan.summaries)
    assert (np.diff(dots[0]["marker"]["size"]) > 0).all()
