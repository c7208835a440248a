"""The section of the page on cost against stranded risk: the chart, the knee, and where the plan lies.

Not here: how the frontier is found (`optimizer.frontier`).
"""

from collections.abc import Sequence

from forecasting.numerals import percent
from optimizer.explanation import Frontier, FrontierPoint
from optimizer.report.charts import ACCENT, ALERT, INK, QUIET, Chart, layout, shown
from optimizer.report.markup import Heading, Html, table, words
from optimizer.report.numbers import column, usd
from optimizer.report.sections import figure, paragraph, section
from optimizer.report.words import counted

TITLE = "12. Frontier of cost and stranded risk"


def frontier_section(frontier: Frontier | None) -> Html:
    """Plans from no new commitment to no limit on stranded value; says how to ask for them."""
    if frontier is None:
        return section("frontier", TITLE, paragraph("Not asked for; plimsoll plan --frontier finds it."))
    return section(
        "frontier",
        TITLE,
        paragraph(frontier_sentence(frontier)),
        figure(frontier_chart(frontier)),
        _table(frontier),
        paragraph(
            "Each plan is the cheapest one found that strands so little, within all other limits of the policy; its "
            "gap says how much less any such plan could cost. The knee is the plan farthest below the straight line "
            "from the first plan to the last.",
            css="under",
        ),
    )


def frontier_sentence(frontier: Frontier) -> str:
    """Knee and plan in words."""
    points, knee, plan = frontier.points, frontier.points[frontier.knee], frontier.plan
    return (
        f"{counted(len(points), 'plan')}, from {usd(points[0].objective_usd)} with no new commitment that no limit "
        f"asks for, to {usd(points[-1].objective_usd)} with {usd(points[-1].stranded_usd)} stranded. The knee costs "
        f"{usd(knee.objective_usd)} and strands {usd(knee.stranded_usd)}; this plan costs "
        f"{usd(plan.objective_usd)} and strands {usd(plan.stranded_usd)}, before rounding."
    )


def frontier_chart(frontier: Frontier) -> Chart:
    """Objective against expected stranded USD."""
    points = frontier.points
    knee = points[frontier.knee]
    curve = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "Cheapest plans",
        "x": shown([point.stranded_usd for point in points]),
        "y": shown([point.objective_usd for point in points]),
        "line": {"color": ACCENT, "width": 2},
        "marker": {"color": ACCENT, "size": 7},
        "hovertemplate": "%{y:,.0f} USD, strands %{x:,.0f} USD<extra></extra>",
    }
    bound = {
        "type": "scatter",
        "mode": "lines",
        "name": "Lower bound",
        "x": curve["x"],
        "y": shown([point.lower_bound_usd for point in points]),
        "line": {"color": QUIET, "width": 1, "dash": "dot"},
        "hovertemplate": "no plan below %{y:,.0f} USD<extra></extra>",
    }
    layout_ = layout(y_title="Cost, USD", height_px=380)
    layout_["xaxis"] |= {"showgrid": True, "rangemode": "tozero"}
    layout_["xaxis"]["title"] = {
        "text": "Stranded by new purchases, USD, expected",
        "font": {"size": 12, "color": QUIET},
    }
    marks = [_mark("Knee", [knee], ALERT, "diamond"), _mark("This plan", [frontier.plan], INK, "x")]
    return Chart(
        chart_id="frontier",
        title="Cost (window and valued tail) against stranded value, USD",
        caption=(
            "Each dot is a plan; to the left less is stranded, further down it is cheaper. The dotted line is what no "
            "plan can cost less than. The axis of cost does not start at zero."
        ),
        figure={"data": [bound, curve, *marks], "layout": layout_},
        height_px=380,
    )


def _mark(name: str, points: Sequence[FrontierPoint], color: str, symbol: str) -> dict[str, object]:
    """Points that stand out."""
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": shown([point.stranded_usd for point in points]),
        "y": shown([point.objective_usd for point in points]),
        "marker": {"color": color, "size": 13, "symbol": symbol},
        "hovertemplate": f"{name}: %{{y:,.0f}} USD, strands %{{x:,.0f}} USD<extra></extra>",
    }


def _table(frontier: Frontier) -> Html:
    """Figures of every plan, then of this one."""
    points = [*frontier.points, frontier.plan]
    keys = ("stranded_usd", "stranded_cvar_usd", "objective_usd", "mean_usd", "p90_usd", "cvar_usd")
    money = [column([getattr(point, key) for point in points]) for key in keys]
    bought = column([sum(amount for _, amount in point.committed_now_usd) for point in points])
    headings = (
        words("Plan"),
        Heading(title="Stranded", unit="USD, expected"),
        Heading(title="Stranded", unit="USD, CVaR"),
        Heading(title="Stranded", unit="of committed"),
        Heading(title="Cost", unit="USD, window and tail"),
        Heading(title="In the window", unit="USD, expected"),
        Heading(title="P90", unit="USD"),
        Heading(title="CVaR", unit="USD"),
        Heading(title="Gap"),
        Heading(title="Committed now", unit="USD"),
    )
    rows = []
    for index, point in enumerate(points):
        texts = [values[index] for values in money]
        cells = [*texts[:2], percent(point.stranded_fraction), *texts[2:], percent(point.gap_fraction, 2)]
        rows.append([_name(frontier, index), *cells, bought[index]])
    caption = (
        "Plans of the frontier, the least stranded first; CVaR at the level of the policy. What each commits now by "
        "kind stands in frontier.csv"
    )
    return table(caption, headings, rows, total=True)


def _name(frontier: Frontier, index: int) -> str:
    """Name of a row."""
    if index == len(frontier.points):
        return "This plan"
    name = "Nothing new" if index == 0 else str(index)
    return f"{name}, knee" if index == frontier.knee else name
