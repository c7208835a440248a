"""Charts of a review: from expected to actual cost, and demand beside its forecast.

Not here: the sections of the page (`optimizer.report.track_html`).
"""

from itertools import accumulate, pairwise

from optimizer.jobs.tracking.answer import Review
from optimizer.jobs.tracking.variance import PARTS
from optimizer.report.charts import ACCENT, ALERT, INK, QUIET, Chart, dates, layout, shown
from optimizer.report.numbers import usd
from optimizer.report.track_words import PART_TITLES

GAIN = "#1d7a6c"


def variance_chart(review: Review) -> Chart:
    """Expected cost, its parts one on the other, actual cost."""
    total = review.variance.total
    ends = list(accumulate(total.parts_usd, initial=total.expected_usd))
    names = ["Plan", *(PART_TITLES[part] for part in PARTS), "Actual"]
    bases = [0.0, *(min(pair) for pair in pairwise(ends)), 0.0]
    heights = [total.expected_usd, *(abs(part) for part in total.parts_usd), total.actual_usd]
    colors = [QUIET, *(ALERT if part > 0 else GAIN for part in total.parts_usd), INK]
    signed = [total.expected_usd, *total.parts_usd, total.actual_usd]
    figure = layout(y_title="USD", height_px=340)
    low, high = min((*ends, total.actual_usd)), max((*ends, total.actual_usd))
    room = 0.6 * (high - low) or 0.1 * high
    figure["yaxis"]["range"] = [max(low - room, 0.0), high + room]
    figure["showlegend"] = False
    trace = {
        "type": "bar",
        "x": names,
        "y": shown(heights),
        "base": shown(bases),
        "marker": {"color": colors},
        "text": [usd(value) for value in signed],
        "textposition": "outside",
        "hovertemplate": "%{x}: %{text}<extra></extra>",
        "cliponaxis": False,
    }
    return Chart(
        chart_id="variance",
        title="From the plan to what was spent, USD",
        caption="Each bar starts where the one before ends; red adds, green saves. The axis may not start at 0.",
        figure={"data": [trace], "layout": figure},
    )


def demand_chart(review: Review) -> Chart:
    """Daily demand of all pools together beside its forecast."""
    days = dates(review.days.days)
    low, middle, high = review.days.quantile_units
    band = {"fill": "tonexty", "fillcolor": "rgba(31,95,153,0.20)"}
    traces = [
        _line("P10", days, low, ACCENT, 0) | {"showlegend": False},
        _line("P90", days, high, ACCENT, 0) | band | {"name": "Forecast, P10 to P90"},
        _line("Forecast, P50", days, middle, ACCENT, 1.5),
        _line("Actual", days, review.days.actual_units, INK, 2),
    ]
    figure = layout(y_title="units", height_px=320)
    figure["yaxis"]["rangemode"] = "tozero"
    figure["xaxis"]["type"] = "date"
    figure["hovermode"] = "x unified"
    return Chart(
        chart_id="tracked-demand",
        title="Demand of all pools together, daily mean, units",
        caption="Black: what came. Blue: the forecast of the plan and its interval of 80 %.",
        figure={"data": traces, "layout": figure},
        height_px=320,
    )


def _line(name: str, days: list[str], values: object, color: str, width: float) -> dict[str, object]:
    """One line over days."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": days,
        "y": shown(values),  # type: ignore[arg-type]  # arrays iterate over floats
        "line": {"color": color, "width": width},
    }
