"""Charts of what moved demand: growth by cause, and the parts that history is made of.

Not here: peaks (`optimizer.report.forecast_charts`).
"""

from collections.abc import Sequence

import numpy as np

from forecasting.decompose import ORGANIC, GrowthPart
from forecasting.hours import HOURS_PER_DAY
from forecasting.parts import HistoryParts
from forecasting.series_parts import DAY_SEASON, LEVEL_AND_TREND, NOISE
from optimizer.report.charts import INK, QUIET, SERIES_COLORS, Chart, dates, distinct, index_axis, label, layout, shown
from optimizer.report.forecast_charts import line

ORGANIC_COLOR, NOISE_COLOR = "#1d7a6c", "#c3cad1"


def growth_chart(parts: Sequence[GrowthPart]) -> Chart | None:
    """Change of mean demand of all pools by cause; None where nothing is known."""
    total = [part for part in parts if part.pool is None]
    if not total:
        return None
    windows = distinct(part.window for part in total)
    causes = list(dict.fromkeys((part.kind, part.name) for part in sorted(total, key=lambda p: p.kind != ORGANIC)))
    traces = []
    for index, (kind, name) in enumerate(causes):
        own = {part.window: part for part in total if (part.kind, part.name) == (kind, name)}
        here = [(place, own[window]) for place, window in enumerate(windows) if window in own]
        is_organic = kind == ORGANIC
        traces.append(
            {
                "type": "bar",
                "name": "Organic" if is_organic else label(name),
                "x": [place for place, _ in here],
                "y": shown([part.units for _, part in here]),
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": shown([part.high_units - part.units for _, part in here]),
                    "arrayminus": shown([part.units - part.low_units for _, part in here]),
                    "color": QUIET,
                    "thickness": 1.2,
                    "width": 3,
                },
                "marker": {"color": ORGANIC_COLOR if is_organic else SERIES_COLORS[index % len(SERIES_COLORS)]},
                "hovertemplate": "%{y:+,.4~g} units",
            }
        )
    figure = layout(y_title="units", height_px=320)
    figure |= {"barmode": "group", "bargap": 0.35}
    ticks = index_axis(windows)
    figure["xaxis"] |= {key: ticks[key] for key in ("tickmode", "tickvals", "ticktext")}
    return Chart(
        chart_id="growth",
        title="Change of mean demand by cause, units",
        caption="Organic growth and each event, with the central 80 % of what each may have been.",
        figure={"data": traces, "layout": figure},
        height_px=320,
    )


def parts_chart(parts: HistoryParts) -> Chart | None:
    """Daily means of the parts that history of all pools is made of; None where it has none."""
    if not parts.series:
        return None
    total = parts.series[0]
    daily = total.units.reshape(len(total.names), -1, HOURS_PER_DAY).mean(axis=2)
    days = dates(total.start_hour // HOURS_PER_DAY + np.arange(daily.shape[1]))
    colors = dict.fromkeys(total.names, "")
    for index, name in enumerate(name for name in total.names if name not in (LEVEL_AND_TREND, NOISE)):
        colors[name] = SERIES_COLORS[index % len(SERIES_COLORS)]
    colors |= {LEVEL_AND_TREND: INK, NOISE: NOISE_COLOR}
    traces = [
        line(label(name.replace("_", " ")), days, values, color=colors[name], width=1.2)
        for name, values in zip(total.names, daily, strict=True)
        if name != DAY_SEASON  # its daily mean is zero
    ]
    figure = layout(y_title="units", height_px=360)
    figure["xaxis"]["type"] = "date"
    figure["hovermode"] = "x unified"
    return Chart(
        chart_id="parts",
        title="What history of all pools is made of, daily means, units",
        caption="The parts add up to what was observed in every hour; decomposition.parquet has them for every group.",
        figure={"data": traces, "layout": figure},
        height_px=360,
    )
