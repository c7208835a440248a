"""What all sections of the page are made of: sections, paragraphs, figures.

Not here: any single section.
"""

from optimizer.report.charts import Chart, chart_script
from optimizer.report.markup import Html, element


def section(anchor: str, title: str, *parts: str) -> Html:
    """One section with its heading."""
    heading = element("h2", title, attributes={"id": f"{anchor}-title"})
    return element("section", heading, *parts, attributes={"id": anchor, "aria-labelledby": f"{anchor}-title"})


def paragraph(*parts: str, css: str = "") -> Html:
    """One paragraph."""
    return element("p", *parts, attributes={"class": css} if css else {})


def figure(chart: Chart) -> Html:
    """A chart with its heading and its caption; the data stand beside it as JSON that nothing runs."""
    place = element(
        "div",
        attributes={
            "class": "chart",
            "id": f"chart-{chart.chart_id}",
            "role": "img",
            "aria-label": f"{chart.title}. {chart.caption}",
            "style": f"height:{chart.height_px}px",
        },
    )
    data = element(
        "script",
        Html(chart_script(chart.figure)),
        attributes={"type": "application/json", "id": f"chart-{chart.chart_id}-data"},
    )
    return element("figure", element("h3", chart.title), place, data, element("figcaption", chart.caption))
