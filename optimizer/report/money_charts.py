"""Charts of money: the purchase ladder, the distribution of cost, what covers demand month by month.

Not here: charts of demand (`optimizer.report.demand_charts`).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from forecasting.hours import iso_of_hour
from optimizer.plan import Plan, Purchase
from optimizer.report.charts import (
    ACCENT,
    INK,
    KIND_COLORS,
    QUIET,
    Chart,
    index_axis,
    kind_color,
    label,
    layout,
    shown,
)
from optimizer.report.numbers import usd
from optimizer.report.words import kind_title

ROW_PX = 62
JITTER = (0.0, 0.09, -0.09, 0.18, -0.18)  # keeps scenarios of equal cost apart
STACK_ORDER = tuple(KIND_COLORS)


def ladder_chart(plan: Plan) -> Chart:
    """Committed USD per hour over time, by kind, split into what is owned, bought now and expected later."""
    purchases = (*plan.purchases, *plan.schedule)
    ends = [end for p in purchases for end in (p.start_hour, p.end_hour)] + [e.end_hour for e in plan.expiries]
    breaks = sorted({plan.as_of_hour, plan.horizon_end_hour, *(hour for hour in ends if hour > plan.as_of_hour)})
    traces = []
    if plan.expiries:
        owned = [sum(e.hourly_fee_usd for e in plan.expiries if hour < e.end_hour) for hour in breaks]
        traces.append(_step("Owned, ends in the window", breaks, owned, color="#8a949e", hatch=""))
    for group, hatch, when in ((plan.purchases, "", "now"), (plan.schedule, "/", "later")):
        for kind in _ordered(purchase.kind for purchase in group):
            fees = [_fee_usd([p for p in group if p.kind == kind], hour) for hour in breaks]
            traces.append(_step(f"{kind_title(kind)}, {when}", breaks, fees, color=kind_color(kind), hatch=hatch))
    figure = layout(y_title="USD per hour", height_px=360)
    figure["yaxis"]["rangemode"] = "tozero"
    figure["xaxis"]["type"] = "date"
    figure["hovermode"] = "x unified"
    return Chart(
        chart_id="ladder",
        title="Purchase ladder: committed USD per hour",
        caption=(
            "Amortized fee of commitments over time. Solid areas are bought now, hatched ones are expected at later "
            "dates; grey is what is owned today and ends inside the window. Owned commitments that outlive the window "
            "are not drawn."
        ),
        figure={"data": traces, "layout": figure},
        height_px=360,
    )


def _fee_usd(purchases: Sequence[Purchase], hour: int) -> float:
    """Amortized fee in one hour of the purchases that run in it. [USD/h]"""
    running = [p for p in purchases if p.start_hour <= hour < p.end_hour]
    return sum(p.committed_usd / (p.end_hour - p.start_hour) for p in running)


def _step(name: str, hours: Sequence[int], values: Sequence[float], *, color: str, hatch: str) -> dict[str, Any]:
    """One stacked area with steps."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [iso_of_hour(hour)[:10] for hour in hours],
        "y": shown(values),
        "line": {"shape": "hv", "width": 0.8, "color": color},
        "fillpattern": {"shape": hatch, "fgcolor": color, "bgcolor": "#ffffff", "size": 6} if hatch else {},
        "fillcolor": color,
        "stackgroup": "fees",
        "hovertemplate": "%{y:,.4~g} USD/h",
    }


def _ordered(kinds: Any) -> list[str]:
    """Kinds that occur, in the order of the stack; unknown ones last."""
    return sorted(set(kinds), key=lambda kind: (STACK_ORDER.index(kind) if kind in STACK_ORDER else 99, kind))


def cost_chart(plan: Plan) -> Chart:
    """Cost of each way of buying in every scenario, with its P10 to P90."""
    names = [summary.title for summary in plan.summaries]
    weights = plan.scenario_weights * len(plan.scenario_weights)
    sizes = shown(5.0 * np.sqrt(weights) + 2.0)
    traces: list[dict[str, Any]] = []
    for row, summary in enumerate(plan.summaries):
        color = ACCENT if row == 0 else QUIET
        jitter = [row + JITTER[index % len(JITTER)] for index in range(len(summary.scenario_usd))]
        traces.append(_points(summary.scenario_usd.tolist(), jitter, color=color, sizes=sizes))
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": shown((summary.p10_usd, summary.p90_usd)),
                "y": [row, row],
                "line": {"width": 9, "color": color},
                "opacity": 0.55,
                "hoverinfo": "skip",
                "showlegend": False,
            }
        )
        traces.append(
            {
                "type": "scatter",
                "mode": "markers+text",
                "x": shown((summary.mean_usd,)),
                "y": [row],
                "text": [usd(summary.mean_usd)],
                "textposition": "top center",
                "textfont": {"size": 12, "color": INK},
                "marker": {"symbol": "line-ns", "size": 22, "line": {"width": 3, "color": INK}},
                "hovertext": [f"{label(summary.title)}: mean {usd(summary.mean_usd)}"],
                "hoverinfo": "text",
                "showlegend": False,
                "cliponaxis": False,
            }
        )
    height_px = 70 + ROW_PX * len(names)
    figure = layout(y_title="", height_px=height_px)
    figure["yaxis"] = {**figure["yaxis"], **index_axis(names)}
    figure["xaxis"] |= {"showgrid": True, "title": {"text": "USD in the window", "font": {"size": 12, "color": QUIET}}}
    figure["margin"]["t"] = 12
    return Chart(
        chart_id="cost",
        title="Cost in the window, USD",
        caption=(
            "Each dot is one scenario (larger: more likely), the bar runs from P10 to P90, the black line is the "
            "mean. The axis does not start at zero."
        ),
        figure={"data": traces, "layout": figure},
        height_px=height_px,
    )


def _points(x: list[float], y: list[float], *, color: str, sizes: list[float | None]) -> dict[str, Any]:
    """Scenarios as dots."""
    return {
        "type": "scatter",
        "mode": "markers",
        "x": shown(x),
        "y": y,
        "marker": {"color": color, "size": sizes, "opacity": 0.35},
        "hovertemplate": "%{x:,.0f} USD<extra></extra>",
        "showlegend": False,
    }


def allocation_charts(plan: Plan) -> tuple[Chart, ...]:
    """What covers demand, month by month, in USD and in mean units."""
    months = sorted({row.month for row in plan.allocation})
    charts = []
    for measure, unit, hover in (
        ("usd", "USD per month", "%{y:,.0f} USD"),
        ("units", "mean units", "%{y:,.4~g} units"),
    ):
        sums = {kind: dict.fromkeys(months, 0.0) for kind in _ordered(row.kind for row in plan.allocation)}
        for row in plan.allocation:
            sums[row.kind][row.month] += getattr(row, measure)
        traces = [_bars(kind, by_month, hover) for kind, by_month in sums.items() if any(by_month.values())]
        figure = layout(y_title=unit, height_px=380)
        figure |= {"barmode": "relative", "bargap": 0.25, "hovermode": "x unified"}
        figure["xaxis"] |= {"type": "category", "tickangle": -45}
        charts.append(
            Chart(
                chart_id=f"allocation-{measure}",
                title=f"What covers demand, {unit}",
                caption=(
                    "Expected cost by what serves the demand; the bars sum to the expected cost of the plan. Only days "
                    "inside the window count."
                    if measure == "usd"
                    else "Mean units over the hours of each month by what serves them, all pools added up."
                ),
                figure={"data": traces, "layout": figure},
                height_px=380,
            )
        )
    return tuple(charts)


def _bars(kind: str, by_month: dict[str, float], hover: str) -> dict[str, Any]:
    """Bars of one kind."""
    return {
        "type": "bar",
        "name": kind_title(kind),
        "x": list(by_month),
        "y": shown(by_month.values()),
        "marker": {"color": kind_color(kind), "pattern": {"shape": "x" if kind == "unused" else ""}},
        "hovertemplate": hover,
    }
