"""What all charts share: their look, colours of kinds, labels without markup, and their JSON.

A chart is plain data for plotly.js. Names given by users pass through `label` before they get into one, as plotly
reads some HTML in labels. Not here: any single chart.
"""

import html
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from forecasting.arrays import IntArray

INK, QUIET, GRID, ACCENT, ALERT = "#1c2733", "#6b7785", "#e4e8ec", "#1f5f99", "#b4472f"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
KIND_COLORS = {
    "compute_savings_plan": "#1f5f99",
    "instance_savings_plan": "#5b9bd0",
    "reserved_standard": "#1d7a6c",
    "reserved_convertible": "#6bb8a6",
    "capacity_reservation": "#7c5fa8",
    "owned_hardware": "#4f5b66",
    "spot": "#d9a441",
    "on_demand": "#b9c2cb",
    "unused": "#b4472f",
}
SERIES_COLORS = ("#d9a441", "#7c5fa8", "#5b9bd0", "#c47aa5", "#8c6d46", "#1f5f99", "#9aa84f", "#4f5b66")
MAX_LABEL = 36
SHOWN_DIGITS = 7  # of the numbers in charts; the files have all digits

Figure = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chart:
    """One chart of the page.

    Attributes
    ----------
    chart_id : str
        Fixed name, unique on the page.
    title : str
        Heading, with the unit.
    caption : str
        What it shows, in words: also for those who cannot see it.
    figure : dict
        Data and layout for plotly.js.
    height_px : int
    """

    chart_id: str
    title: str
    caption: str
    figure: Figure
    height_px: int = 340


def label(text: str, most: int = MAX_LABEL) -> str:
    """Name as a label: shortened in the middle where long, and without anything plotly takes for markup.

    Examples
    --------
    >>> label("<b>x</b>"), label("abcdefghij", 7)
    ('&lt;b&gt;x&lt;/b&gt;', 'abc\u2026hij')
    """
    if len(text) > most:
        side = (most - 1) // 2
        text = f"{text[:side]}\N{HORIZONTAL ELLIPSIS}{text[-side:]}"
    return html.escape(text, quote=False)


def layout(*, y_title: str, height_px: int) -> Figure:
    """Layout that every chart starts from."""
    axis = {"gridcolor": GRID, "linecolor": "#c3cad1", "zerolinecolor": "#c3cad1", "ticks": "", "automargin": True}
    return {
        "height": height_px,
        "margin": {"l": 8, "r": 12, "t": 34, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 13, "color": INK},
        "hoverlabel": {"font": {"family": FONT, "size": 13}, "namelength": -1},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": "#c3cad1", "activecolor": QUIET},
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1.02,
            "yanchor": "bottom",
            "traceorder": "normal",
            "font": {"size": 12},
        },
        "xaxis": {**axis, "showgrid": False, "zeroline": False},
        "yaxis": {**axis, "title": {"text": y_title, "font": {"size": 12, "color": QUIET}}, "separatethousands": True},
    }


def kind_color(kind: str) -> str:
    """Colour of an offer kind."""
    return KIND_COLORS.get(kind, QUIET)


def shown(values: Iterable[float]) -> list[float | None]:
    """Numbers as a chart needs them, in `SHOWN_DIGITS` digits; None, a hole, for what is not finite."""
    return [float(f"{value:.{SHOWN_DIGITS}g}") if math.isfinite(value) else None for value in values]


def dates(epoch_days: IntArray) -> list[str]:
    """ISO dates of epoch days."""
    return [str(day) for day in np.asarray(epoch_days, dtype=np.int64).astype("datetime64[D]")]


def distinct(names: Iterable[str]) -> tuple[str, ...]:
    """Names in the order of their first appearance."""
    return tuple(dict.fromkeys(names))


def chart_script(figure: Figure) -> str:
    """JSON of a figure that can stand inside a script element: nothing in it ends the element or starts a comment."""
    text = json.dumps(figure, sort_keys=True, allow_nan=False, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def index_axis(names: Sequence[str], *, most: int = MAX_LABEL) -> Figure:
    """Axis whose ticks are names at 0, 1, 2 ..., so that equal labels never merge two names."""
    return {
        "tickmode": "array",
        "tickvals": list(range(len(names))),
        "ticktext": [label(name, most) for name in names],
        "range": [len(names) - 0.5, -0.5],
        "showgrid": False,
        "zeroline": False,
        "automargin": True,
        "fixedrange": True,
    }
