"""Charts of a forecast: daily peaks with their fan, the highest hour of the horizon and of its months.

Not here: growth and the parts of history (`optimizer.report.forecast_cause_charts`).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.hours import iso_of_hour, month_name
from forecasting.peaks import PEAK_LEVELS
from optimizer.jobs.forecast_answer import ForecastAnswer, SeriesOutlook
from optimizer.report.charts import (
    ACCENT,
    ALERT,
    INK,
    QUIET,
    Chart,
    Figure,
    dates,
    index_axis,
    layout,
    shown,
)

MAX_FANS = 9  # drawn open or folded; the files have every series
MAX_SPREAD_SERIES = 25
MIN_DAY_HOURS = 23  # what a horizon leaves of a day or month at its ends, and is shorter, is not drawn
MIN_PAST_DAYS = 365  # of history drawn before the fan
ORGANIC_COLOR = "#1d7a6c"
WIDE, NARROW = "rgba(31,95,153,0.16)", "rgba(31,95,153,0.30)"
FAN_CAPTION = (
    "Grey: highest hour of each day of history. Blue: the forecast; half of the paths lie in the dark band (P25 to "
    "P75), 90 % in the light one (P5 to P95). Red dots: P99."
)
LOWEST, LOW, MIDDLE, HIGH, HIGHEST, TOP = (PEAK_LEVELS.index(at) for at in (0.05, 0.25, 0.5, 0.75, 0.95, 0.99))


def fan_charts(answer: ForecastAnswer) -> tuple[Chart, ...]:
    """Daily peaks of the total, the groups and the largest pools."""
    return tuple(_fan_chart(answer, row, index) for index, row in enumerate(drawn(answer)[:MAX_FANS]))


def ranked(answer: ForecastAnswer) -> list[SeriesOutlook]:
    """Total, then groups, then pools, the highest expected peak first in each."""
    order = {"total": 0, "group": 1, "pool": 2}
    return sorted(answer.outlooks, key=lambda row: (order[row.series.kind], -float(row.windows.mean_units[0])))


def drawn(answer: ForecastAnswer) -> list[SeriesOutlook]:
    """The same without a group that is the total again."""
    total, *rows = ranked(answer)
    quantiles = total.windows.quantile_units
    return [
        total,
        *(
            row
            for row in rows
            if row.series.kind != "group" or not np.array_equal(row.windows.quantile_units, quantiles)
        ),
    ]


def series_title(row: SeriesOutlook) -> str:
    """Name of a series in words."""
    return "all pools" if row.series.kind == "total" else row.series.name


def _fan_chart(answer: ForecastAnswer, row: SeriesOutlook, index: int) -> Chart:
    """One series."""
    height_px = 400 if index == 0 else 290
    n_past = max(MIN_PAST_DAYS, 2 * answer.order.horizon_days)
    is_whole = np.diff([*row.daily.starts, len(answer.hours)]) >= MIN_DAY_HOURS
    past, days = dates(row.past_days[-n_past:]), dates(row.daily.labels[is_whole])
    fan = row.daily.quantile_units[is_whole].T
    traces = [
        line("Observed", past, row.past_peak_units[-n_past:], color="#8f9aa5", width=1.2),
        line("P5", days, fan[LOWEST], color=ACCENT, width=0) | {"showlegend": False},
        line("P95", days, fan[HIGHEST], color=ACCENT, width=0)
        | {"fill": "tonexty", "fillcolor": WIDE, "name": "P5 to P95"},
        line("P25", days, fan[LOW], color=ACCENT, width=0) | {"showlegend": False},
        line("P75", days, fan[HIGH], color=ACCENT, width=0)
        | {"fill": "tonexty", "fillcolor": NARROW, "name": "P25 to P75"},
        line("P50", days, fan[MIDDLE], color=ACCENT, width=2),
        line("P99", days, fan[TOP], color=ALERT, width=1.2) | {"line": {"color": ALERT, "width": 1.2, "dash": "dot"}},
    ]
    figure = layout(y_title="units", height_px=height_px)
    figure["yaxis"]["rangemode"] = "tozero"
    figure["xaxis"]["type"] = "date"
    figure["hovermode"] = "x unified"
    as_of = iso_of_hour(answer.order.as_of_hour)[:10]
    place = {"xref": "x", "yref": "paper", "x0": as_of, "x1": as_of, "y0": 0, "y1": 1}
    figure["shapes"] = [{"type": "line", **place, "line": {"color": QUIET, "width": 1, "dash": "dot"}}]
    return Chart(
        chart_id=f"fan-{index}",
        title=f"Highest hour of each day, {series_title(row)}, units",
        caption=f"The same for {series_title(row)}." if index else FAN_CAPTION,
        figure={"data": traces, "layout": figure},
        height_px=height_px,
    )


def line(name: str, x: Sequence[Any], y: FloatArray, *, color: str, width: float) -> Figure:
    """One line."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": list(x),
        "y": shown(y.tolist()),
        "line": {"color": color, "width": width},
        "hovertemplate": "%{y:,.4~g} units",
    }


def month_chart(answer: ForecastAnswer) -> Chart:
    """Distribution of the highest hour of all pools: of the whole horizon, then of every month."""
    total = ranked(answer)[0]
    is_drawn = np.diff(total.window_hours, axis=1)[:, 0] >= MIN_DAY_HOURS
    is_drawn[0] = True
    months = total.windows.labels[is_drawn][1:]
    names = ["Whole horizon", *(month_name(int(month)) for month in months)]
    figure = layout(y_title="units", height_px=340)
    ticks = index_axis(names)
    figure["xaxis"] |= {key: ticks[key] for key in ("tickmode", "tickvals", "ticktext")}
    figure["xaxis"]["range"] = [-0.6, len(names) - 0.4]
    figure |= {"hovermode": "x", "barmode": "overlay"}
    traces = _spread(np.arange(len(names)), total.windows.quantile_units[is_drawn], axis="x")
    return Chart(
        chart_id="months",
        title="Highest hour of all pools together, units",
        caption=(
            "Each bar is the distribution of one highest hour: thin from P5 to P95, thick from P25 to P75, a line at "
            "P50, a red mark at P99. The first is that of the whole horizon, which is higher than that of any month."
        ),
        figure={"data": traces, "layout": figure},
        height_px=340,
    )


def series_chart(answer: ForecastAnswer) -> Chart | None:
    """Distribution of the highest hour of the horizon of every group and pool; None where there is only one."""
    rows = [row for row in drawn(answer)[1:] if row.windows.quantile_units[0, TOP] > 0]
    shown_rows = rows[:MAX_SPREAD_SERIES]
    if len(rows) < 2:
        return None
    height_px = 90 + 26 * len(shown_rows)
    figure = layout(y_title="", height_px=height_px)
    figure["yaxis"] = {**figure["yaxis"], **index_axis([row.series.name for row in shown_rows])}
    figure["xaxis"] |= {"title": {"text": "units", "font": {"size": 12, "color": QUIET}}, "showgrid": True}
    figure["xaxis"] |= {"rangemode": "tozero", "separatethousands": True}
    figure["barmode"] = "overlay"
    quantiles = np.stack([row.windows.quantile_units[0] for row in shown_rows])
    left_out = f" {len(rows) - len(shown_rows)} smaller ones are not drawn." if len(rows) > len(shown_rows) else ""
    return Chart(
        chart_id="series",
        title="Highest hour of the horizon by group and pool, units",
        caption=f"Marks as above. Peaks of pools do not add up: they come in different hours.{left_out}",
        figure={"data": _spread(np.arange(len(shown_rows)), quantiles, axis="y"), "layout": figure},
        height_px=height_px,
    )


def _spread(places: IntArray, quantiles: FloatArray, *, axis: str) -> list[Figure]:
    """Bars of distributions at some places along an axis; quantiles of shape (n_places, n_levels)."""
    bars = (("P5 to P95", LOWEST, HIGHEST, 0.18, "rgba(31,95,153,0.28)"), ("P25 to P75", LOW, HIGH, 0.46, "#5b9bd0"))
    upright = axis == "x"
    traces: list[Figure] = []
    for name, low, high, width, color in bars:
        place, length = [int(at) for at in places], shown((quantiles[:, high] - quantiles[:, low]).tolist())
        traces.append(
            {
                "type": "bar",
                "name": name,
                "orientation": "v" if upright else "h",
                "x": place if upright else length,
                "y": length if upright else place,
                "base": shown(quantiles[:, low].tolist()),
                "width": width,
                "marker": {"color": color},
                "hoverinfo": "skip",
            }
        )
    for name, at, color, thick in (("P50", MIDDLE, INK, 2.5), ("P99", TOP, ALERT, 2)):
        place, value = [int(where) for where in places], shown(quantiles[:, at].tolist())
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": name,
                "x": place if upright else value,
                "y": value if upright else place,
                "marker": {
                    "symbol": "line-ew-open" if upright else "line-ns-open",
                    "size": 14,
                    "color": color,
                    "line": {"width": thick, "color": color},
                },
                "hovertemplate": f"{name}: %{{{'y' if upright else 'x'}:,.4~g}} units<extra></extra>",
            }
        )
    return traces
