"""Charts of renewals: demand of a reach with its band, and what is owned of it, which steps down where it ends.

Not here: the tables (`optimizer.report.renewals_sections`).
"""

from typing import Any

import numpy as np

from forecasting.hours import iso_of_hour
from optimizer.jobs.renewals.answer import PoolChart, RenewalAnswer
from optimizer.report.charts import ACCENT, QUIET, SERIES_COLORS, Chart, dates, label, layout, shown

HEIGHT_PX = 320
MAX_CHARTS = 12
CAPTION = (
    "Steps: what is owned, stacked, down where a commitment ends. Blue: daily mean of the demand that it can cover, "
    "P50 with the band from P10 to P90. Dotted: the end of the time asked for."
)


def renewal_charts(answer: RenewalAnswer) -> tuple[Chart, ...]:
    """One chart for each reach of the commitments, the first ones where there are very many."""
    return tuple(_chart(chart, index, answer) for index, chart in enumerate(answer.charts[:MAX_CHARTS]))


def _chart(chart: PoolChart, index: int, answer: RenewalAnswer) -> Chart:
    """One reach."""
    days = dates(chart.days)
    figure = layout(y_title=chart.unit, height_px=HEIGHT_PX)
    figure["yaxis"]["rangemode"] = "tozero"
    figure["xaxis"]["type"] = "date"
    figure["hovermode"] = "x unified"
    until = iso_of_hour(answer.until_hour)[:10]
    figure["shapes"] = [
        {
            "type": "line",
            "xref": "x",
            "yref": "paper",
            "x0": until,
            "x1": until,
            "y0": 0,
            "y1": 1,
            "line": {"color": QUIET, "width": 1, "dash": "dot"},
        }
    ]
    low, middle, high = chart.demand
    traces = [_step(name, days, held, place, chart.unit) for place, (name, held) in enumerate(chart.owned)]
    traces += [
        _line("P10 of demand", days, low, chart.unit, width=0.0) | {"showlegend": False},
        _line("Demand, P10 to P90", days, high, chart.unit, width=0.0)
        | {"fill": "tonexty", "fillcolor": "rgba(31,95,153,0.20)"},
        _line("Demand, P50", days, middle, chart.unit, width=2.0),
    ]
    return Chart(
        chart_id=f"expiries-{index}",
        title=f"Owned against demand: {chart.title}, {chart.unit}",
        caption=CAPTION,
        figure={"data": traces, "layout": figure},
        height_px=HEIGHT_PX,
    )


def _step(name: str, days: list[str], held: Any, place: int, unit: str) -> dict[str, Any]:
    """What is held of one commitment, on top of those before it."""
    color = SERIES_COLORS[place % len(SERIES_COLORS)]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": label(name),
        "x": days,
        "y": shown(np.asarray(held)),
        "stackgroup": "owned",
        "line": {"color": color, "width": 0, "shape": "hv"},
        "fillcolor": f"{color}66",
        "hovertemplate": f"%{{y:,.4~g}} {unit}",
    }


def _line(name: str, days: list[str], values: Any, unit: str, *, width: float) -> dict[str, Any]:
    """One line over days."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": days,
        "y": shown(values),
        "line": {"color": ACCENT, "width": width},
        "hovertemplate": f"%{{y:,.4~g}} {unit}",
    }
