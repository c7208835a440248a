"""Charts of a backtest: what was saved by when, what was held, what plans expected, and where regret comes from.

Not here: the tables beside them.
"""

from typing import Any

import numpy as np

from forecasting.arrays import FloatArray
from forecasting.hours import HOURS_PER_DAY
from forecasting.numerals import percent
from optimizer.jobs.backtest.answer import BacktestAnswer
from optimizer.jobs.backtest.score import Track
from optimizer.plan import Purchase
from optimizer.report.backtest_words import best_rival
from optimizer.report.charts import (
    ACCENT,
    ALERT,
    INK,
    KIND_COLORS,
    QUIET,
    Chart,
    dates,
    distinct,
    index_axis,
    kind_color,
    label,
    layout,
    shown,
)
from optimizer.report.words import day, kind_title

STEP_DAYS = 7  # between two points of cumulated lines
GOOD = "#1d7a6c"
FAINT = "#b9c2cb"


def saving_chart(answer: BacktestAnswer) -> Chart:
    """Saving against all on demand, cumulated over the window, for every way of buying."""
    n_days = len(answer.on_demand_daily_usd)
    places = np.unique(np.append(np.arange(STEP_DAYS - 1, n_days, STEP_DAYS), n_days - 1))
    axis = dates(answer.start_hour // HOURS_PER_DAY + places + 1)
    best = best_rival(answer)
    traces = []
    for track in answer.rivals:
        is_best = best is not None and track.replay.name == best.replay.name
        if not is_best and track.replay.bought:
            traces.append(_line(track, answer, (places, axis), color=FAINT, width=1.2))
    if best is not None:
        traces.append(_line(best, answer, (places, axis), color=ALERT, width=2.0))
    traces.append(_line(answer.clairvoyant, answer, (places, axis), color=INK, width=1.6, dash="dash"))
    traces.append(_line(answer.ours, answer, (places, axis), color=ACCENT, width=3.0))
    figure = layout(y_title="USD", height_px=400)
    figure["xaxis"]["type"] = "date"
    figure["hovermode"] = "closest"
    named = "red is the best of the rules, grey are the others" if best is not None else "there is no rule"
    return Chart(
        chart_id="saving",
        title="Saved against all on demand, cumulated USD",
        caption=(
            f"Zero is the bill with everything on demand. Blue is Plimsoll, dashed is the clairvoyant, who knew all "
            f"demand in advance; {named}. Each line is billed hour by hour for what came."
        ),
        figure={"data": traces, "layout": figure},
        height_px=400,
    )


def _line(
    track: Track, answer: BacktestAnswer, at: tuple[Any, list[str]], *, color: str, width: float, dash: str = "solid"
) -> dict[str, Any]:
    """Cumulated saving of one way of buying."""
    places, axis = at
    saved: FloatArray = np.cumsum(answer.on_demand_daily_usd - track.daily_usd)
    return {
        "type": "scatter",
        "mode": "lines",
        "name": label(track.replay.title, 60),
        "showlegend": color != FAINT,
        "x": axis,
        "y": shown(saved[places]),
        "line": {"color": color, "width": width, "dash": dash},
        "hovertemplate": f"{label(track.replay.title, 60)}<br>%{{x}}: %{{y:,.0f}} USD<extra></extra>",
    }


def held_chart(answer: BacktestAnswer) -> Chart:
    """Fees of what was bought, by kind, over time."""
    bought = answer.purchases
    ends = {min(one.end_hour, answer.end_hour) for one in bought}
    breaks = sorted({answer.start_hour, answer.end_hour, *(one.start_hour for one in bought), *ends})
    order = tuple(KIND_COLORS)
    kinds = sorted(distinct(one.kind for one in bought), key=lambda kind: order.index(kind))
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": kind_title(kind),
            "x": [day(hour) for hour in breaks],
            "y": shown([_fee_usd([one for one in bought if one.kind == kind], hour) for hour in breaks]),
            "line": {"shape": "hv", "width": 0.8, "color": kind_color(kind)},
            "fillcolor": kind_color(kind),
            "stackgroup": "fees",
            "hovertemplate": "%{y:,.4~g} USD/h",
        }
        for kind in kinds
    ]
    figure = layout(y_title="USD per hour", height_px=340)
    figure["yaxis"]["rangemode"] = "tozero"
    figure["xaxis"]["type"] = "date"
    figure["hovermode"] = "x unified"
    return Chart(
        chart_id="held",
        title="Commitments bought, USD per hour",
        caption="Amortized fee of what was bought and still ran; what was owned from the start is left out.",
        figure={"data": traces, "layout": figure},
    )


def _fee_usd(bought: list[Purchase], hour: int) -> float:
    """Amortized fee in one hour of the purchases that run in it. [USD/h]"""
    running = [one for one in bought if one.start_hour <= hour < one.end_hour]
    return sum(one.committed_usd / (one.end_hour - one.start_hour) for one in running)


def interval_chart(answer: BacktestAnswer) -> Chart:
    """The plan's interval of each period's cost, what came, and the on-demand cost."""
    checks = answer.checks
    names = [day(check.date_hour) for check in checks]
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "Expected, 90 % interval",
            "showlegend": index == 0,
            "x": [name, name],
            "y": shown((check.expected.cost_low_usd, check.expected.cost_high_usd)),
            "line": {"width": 12, "color": ACCENT},
            "opacity": 0.35,
            "hovertemplate": "%{y:,.0f} USD<extra></extra>",
        }
        for index, (name, check) in enumerate(zip(names, checks, strict=True))
    ]
    for title, values, color, symbol in (
        ("Expected, mean", [check.expected.cost_usd for check in checks], ACCENT, "line-ew-open"),
        ("Came, inside", [check.came.total_usd if check.holds else np.nan for check in checks], GOOD, "circle"),
        ("Came, outside", [np.nan if check.holds else check.came.total_usd for check in checks], ALERT, "x"),
        ("All on demand", [check.on_demand_usd for check in checks], FAINT, "diamond"),
    ):
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": title,
                "x": names,
                "y": shown(values),
                "marker": {"color": color, "size": 10, "symbol": symbol, "line": {"width": 2, "color": color}},
                "hovertemplate": f"{title}<br>%{{y:,.0f}} USD<extra></extra>",
            }
        )
    figure = layout(y_title="USD in the period", height_px=340)
    figure["xaxis"] |= {"type": "category", "tickangle": -45}
    return Chart(
        chart_id="interval",
        title="Cost of the next period: what each plan expected and what came, USD",
        caption=(
            "The bar is the 90 % interval that the plan stated on its date for the time up to the next one, with what "
            "was held after its purchases. The axis does not start at zero."
        ),
        figure={"data": traces, "layout": figure},
    )


def regret_chart(answer: BacktestAnswer) -> Chart:
    """Parts of the regret as bars."""
    parts = answer.regret
    names = [part.title for part in parts]
    height_px = 90 + 36 * len(parts)
    figure = layout(y_title="", height_px=height_px)
    figure["yaxis"] = {**figure["yaxis"], **index_axis(names)}
    figure["xaxis"] |= {"showgrid": True, "title": {"text": "USD", "font": {"size": 12, "color": QUIET}}}
    figure["margin"]["t"] = 12
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": shown([part.usd for part in parts]),
        "y": list(range(len(parts))),
        "marker": {"color": ACCENT},
        "hovertemplate": "%{x:,.0f} USD<extra></extra>",
    }
    return Chart(
        chart_id="regret",
        title="Regret by cause, USD",
        caption="What the replay cost above the clairvoyant; the bars sum to the regret.",
        figure={"data": [bars], "layout": figure},
        height_px=height_px,
    )


def use_chart(answer: BacktestAnswer) -> Chart:
    """Coverage, utilization and stranded share of each period."""
    names = [day(hour) for hour in answer.date_hours]
    traces = []
    for title, key, color in (
        ("Coverage", "coverage", ACCENT),
        ("Utilization", "utilization", GOOD),
        ("Stranded share", "stranded_fraction", ALERT),
    ):
        values = [getattr(period, key) for period in answer.ours.periods]
        known = [float("nan") if value is None else value for value in values]
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": title,
                "x": names,
                "y": shown([100.0 * value for value in known]),
                "text": [percent(value) for value in known],
                "line": {"color": color, "width": 2},
                "hovertemplate": "%{text}",
            }
        )
    figure = layout(y_title="", height_px=320)
    figure["yaxis"] |= {"ticksuffix": " %", "range": [0, 105]}
    figure["xaxis"] |= {"type": "category", "tickangle": -45}
    figure["hovermode"] = "x unified"
    return Chart(
        chart_id="use",
        title="Coverage, utilization and stranded share by period",
        caption="From each date to the next, as billed.",
        figure={"data": traces, "layout": figure},
        height_px=320,
    )
