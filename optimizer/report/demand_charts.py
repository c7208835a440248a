"""Charts of demand: history with bands and events, peaks and firm capacity.

Not here: growth (`optimizer.report.forecast_cause_charts`), charts of money (`optimizer.report.money_charts`).
"""

from typing import Any

from forecasting.hours import HOURS_PER_DAY, iso_of_hour
from forecasting.numerals import percent
from optimizer.plan import DemandBands, EventMark, PeakRow, Plan
from optimizer.report.charts import (
    ACCENT,
    ALERT,
    INK,
    QUIET,
    Chart,
    dates,
    distinct,
    index_axis,
    label,
    layout,
    shown,
)
from optimizer.report.numbers import number

MAX_GROUPS = 7  # total and six regions; the table of growth names every pool
MAX_HEAT_POOLS = 30
MAX_WRITTEN_MONTHS = 14  # more, and the numbers do not fit their cells
EVENT_LEVELS = 3  # heights at which the numbers of events stand, so that neighbours do not overlap

BANDS_CAPTION = (
    "Black and grey: what was observed, daily mean and highest hour. Blue: the forecast mean with its band from P5 to "
    "P95. Red dots: P95 of the highest hour of the day."
)
EVENTS_CAPTION = " Numbered bars: the events listed below."


def demand_charts(plan: Plan) -> tuple[Chart, ...]:
    """Demand of the total and of each region: daily mean and highest hour, then bands."""
    return tuple(_demand_chart(plan, bands, index) for index, bands in enumerate(plan.bands[:MAX_GROUPS]))


def _demand_chart(plan: Plan, bands: DemandBands, index: int) -> Chart:
    """One group."""
    height_px = 400 if index == 0 else 290
    past, days = dates(bands.history_days), dates(bands.days)
    low, middle, high = bands.mean_quantiles
    traces = [
        _line("Highest hour of the day", past, bands.history_peak, color="#b3bdc7", width=1),
        _line("Daily mean", past, bands.history_mean, color=INK, width=1.4),
        _line("P5 of the mean", days, low, color=ACCENT, width=0) | {"showlegend": False},
        _line("P95 of the mean", days, high, color=ACCENT, width=0)
        | {"fill": "tonexty", "fillcolor": "rgba(31,95,153,0.20)", "name": "Forecast mean, P5 to P95"},
        _line("Forecast mean, P50", days, middle, color=ACCENT, width=2),
        _line("Highest hour, P95", days, bands.peak_quantiles[2], color=ALERT, width=1.2, dash="dot"),
    ]
    figure = layout(y_title="units", height_px=height_px)
    figure["yaxis"]["rangemode"] = "tozero"
    figure["xaxis"]["type"] = "date"
    figure["hovermode"] = "x unified"
    shapes, notes = _event_marks(plan, bands)
    figure |= {"shapes": shapes, "annotations": notes}
    name = "all pools" if bands.group is None else bands.group
    return Chart(
        chart_id=f"demand-{index}",
        title=f"Demand of {name}, units",
        caption=f"The same for {name}." if index else BANDS_CAPTION + (EVENTS_CAPTION if notes else ""),
        figure={"data": traces, "layout": figure},
        height_px=height_px,
    )


def _line(name: str, x: list[str], y: Any, *, color: str, width: float, dash: str = "solid") -> dict[str, Any]:
    """One line over days."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": x,
        "y": shown(y),
        "line": {"color": color, "width": width, "dash": dash},
        "hovertemplate": "%{y:,.4~g} units",
    }


def _event_marks(plan: Plan, bands: DemandBands) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Line at the date of the plan, a numbered bar for each event that touches the days shown."""
    as_of = iso_of_hour(plan.as_of_hour)[:10]
    shapes = [_vertical(as_of, as_of, fill="rgba(0,0,0,0)", line=QUIET)]
    notes: list[dict[str, Any]] = []
    every_day = [*bands.history_days.tolist(), *bands.days.tolist()]
    if not every_day:
        return shapes, notes
    first_hour, last_hour = HOURS_PER_DAY * min(every_day), HOURS_PER_DAY * (max(every_day) + 1)
    for index, event in enumerate(plan.events):
        start, end = max(event.start_hour, first_hour), min(event.end_hour, last_hour)
        if start >= end:
            continue
        shapes.append(
            _vertical(iso_of_hour(start), iso_of_hour(end), fill="rgba(217,164,65,0.10)", line="rgba(217,164,65,0.6)")
        )
        notes.append(_event_note(event, index, iso_of_hour((start + end) // 2)))
    return shapes, notes


def _vertical(start: str, end: str, *, fill: str, line: str) -> dict[str, Any]:
    """Bar over the whole height."""
    place = {"xref": "x", "yref": "paper", "x0": start, "x1": end, "y0": 0, "y1": 1}
    return {"type": "rect", **place, "fillcolor": fill, "line": {"color": line, "width": 1}, "layer": "below"}


def _event_note(event: EventMark, index: int, middle: str) -> dict[str, Any]:
    """Number of an event, its name on hover."""
    return {
        "x": middle,
        "xref": "x",
        "yref": "paper",
        "y": 0.98 - 0.08 * (index % EVENT_LEVELS),
        "text": str(index + 1),
        "hovertext": label(f"{index + 1} {event.name}"),
        "showarrow": False,
        "font": {"size": 11, "color": "#5c430f"},
        "bgcolor": "#fdf3dc",
        "bordercolor": "#d9a441",
        "borderpad": 2,
    }


def peak_chart(plan: Plan) -> Chart | None:
    """Highest hour of all pools together by month; None where there is none."""
    rows = sorted((row for row in plan.peaks if row.pool is None), key=lambda row: row.month)
    if not rows:
        return None
    months = [row.month for row in rows]
    lines = (("P99", "p99_units", ALERT), ("P90", "p90_units", "#d9a441"), ("P50", "p50_units", INK))
    traces = [
        _line(name, months, [getattr(row, key) for row in rows], color=color, width=2) | {"mode": "lines+markers"}
        for name, key, color in lines
    ]
    figure = layout(y_title="units", height_px=300)
    figure["xaxis"] |= {"type": "category"}
    figure["yaxis"]["rangemode"] = "tozero"
    figure["hovermode"] = "x unified"
    return Chart(
        chart_id="peaks",
        title="Highest hour of each month, all pools together, units",
        caption="In half of the scenarios the highest hour stays below P50, in 90 % below P90, in 99 % below P99.",
        figure={"data": traces, "layout": figure},
        height_px=300,
    )


def headroom_chart(plan: Plan) -> Chart | None:
    """Firm capacity above what is required, by pool and month; None where neither is declared."""
    by_place = {
        (row.pool, row.month): row
        for row in plan.peaks
        if row.pool is not None and row.firm_units is not None and row.required_units
    }
    if not by_place:
        return None
    margins = {place: _margin(row) for place, row in by_place.items()}
    months = sorted({month for _, month in by_place})
    worst = {name: min(margins[key] for key in margins if key[0] == name) for name in distinct(p for p, _ in by_place)}
    pools = sorted(worst, key=lambda pool: worst[pool])[:MAX_HEAT_POOLS]
    cells = [[margins.get((pool, month)) for month in months] for pool in pools]
    hover = [[_heat_text(pool, by_place.get((pool, month))) for month in months] for pool in pools]
    height_px = 110 + 26 * len(pools)
    figure = layout(y_title="", height_px=height_px)
    figure["yaxis"] = {**figure["yaxis"], **index_axis(pools)}
    figure["xaxis"] |= {"type": "category", "tickangle": -45}
    figure["margin"]["t"] = 10
    trace = {
        "type": "heatmap",
        "x": months,
        "y": list(range(len(pools))),
        "z": [[None if margin is None else round(100 * margin, 3) for margin in line] for line in cells],
        "text": hover,
        "hoverinfo": "text",
        "zmin": -30,
        "zmax": 30,
        "colorscale": [[0, ALERT], [0.5, "#f7f4ee"], [1, ACCENT]],
        "showscale": False,
        "texttemplate": "%{z:+.1f}" if len(months) <= MAX_WRITTEN_MONTHS else "",
        "textfont": {"size": 11},
        "xgap": 2,
        "ygap": 2,
    }
    return Chart(
        chart_id="headroom",
        title="Firm capacity above (blue) or below (red) what is required, % of required",
        caption=(
            f"{len(pools)} of {len(worst)} pools whose quota and availability are declared, the tightest first. "
            "Required is the peak at the policy's quantile with its headroom."
        ),
        figure={"data": [trace], "layout": figure},
        height_px=height_px,
    )


def _margin(row: PeakRow) -> float:
    """Firm capacity above the requirement, as a part of it; the caller has checked that both are there."""
    return (row.firm_units or 0.0) / (row.required_units or 1.0) - 1.0


def _heat_text(pool: str, row: PeakRow | None) -> str:
    """What a cell says on hover."""
    if row is None:
        return ""
    return (
        f"{label(pool)}, {row.month}<br>firm {number(row.firm_units)}, required {number(row.required_units)} "
        f"units: {percent(_margin(row))}"
    )
