"""The chart of the contract brief: how spend retires the commitment.

Not here: its numbers (`optimizer.jobs.contract.rows`).
"""

from typing import Any

from optimizer.jobs.contract.answer import OfferResult
from optimizer.report.charts import ACCENT, ALERT, Chart, label, layout, shown


def retirement_chart(result: OfferResult) -> Chart:
    """Cumulative counted spend, P10 to P90, against the commitment."""
    months = [row.month for row in result.curve]
    band = {"mode": "lines", "line": {"width": 0}, "showlegend": False, "hoverinfo": "skip"}
    traces: list[dict[str, Any]] = [
        {"type": "scatter", "x": months, "y": shown(row.p90_usd for row in result.curve), **band},
        {
            "type": "scatter",
            "x": months,
            "y": shown(row.p10_usd for row in result.curve),
            **band,
            "fill": "tonexty",
            "fillcolor": "rgba(31,95,153,0.18)",
            "showlegend": True,
            "name": "P10 to P90",
        },
        _line("P50", months, [row.p50_usd for row in result.curve], color=ACCENT, dash="solid"),
        _line("Commitment", months, [row.commitment_usd for row in result.curve], color=ALERT, dash="dash"),
    ]
    figure = layout(y_title="USD since the start", height_px=240)
    figure["yaxis"]["rangemode"] = "tozero"
    figure["xaxis"]["type"] = "category"
    figure["xaxis"]["nticks"] = 13
    return Chart(
        chart_id="retirement",
        title=f"Retirement of {label(result.offer.name)}, USD",
        caption=(
            "Spend that counts, from the start of the contract to the end of each month, against the commitment in "
            "equal monthly parts. A year is missed where its own spend stays below its own commitment."
        ),
        figure={"data": traces, "layout": figure},
        height_px=240,
    )


def _line(name: str, months: list[str], values: list[float], *, color: str, dash: str) -> dict[str, Any]:
    """One line."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": months,
        "y": shown(values),
        "line": {"color": color, "dash": dash, "width": 2},
    }
