"""Sections of the page about demand: bands and growth, peaks with the capacity they take.

Not here: cost (`optimizer.report.cost_sections`).
"""

from collections import defaultdict
from collections.abc import Sequence

from forecasting.numerals import percent
from optimizer.plan import EventMark, GrowthPart, PeakRow, Plan
from optimizer.report.charts import Chart, distinct
from optimizer.report.demand_charts import demand_charts, growth_chart, headroom_chart, peak_chart
from optimizer.report.markup import Heading, Html, dates, element, escaped, folded, joined, name_text, table, words
from optimizer.report.numbers import column, number, without_noise
from optimizer.report.sections import figure, paragraph, section
from optimizer.report.words import ALL_POOLS, counted, day

NOT_DECLARED = "not declared"


def demand_section(plan: Plan) -> Html:
    """Demand with its bands and events, and where its growth comes from."""
    charts = demand_charts(plan)
    hidden = len(plan.bands) - len(charts)
    more = [paragraph(f"{counted(hidden, 'smaller group')} not drawn.", css="under")] if hidden else []
    return section("demand", "4. Demand", *map(figure, charts), *more, _event_list(plan), *_growth_parts(plan))


def _event_list(plan: Plan) -> Html:
    """Events by the numbers they have in the charts."""
    if not plan.events:
        return paragraph("No declared event is visible at this date.")
    items = [
        element(
            "li",
            element("strong", name_text(event.name)),
            f": {event.text}" if day(event.start_hour) in event.text else f" ({_kind_and_days(event)}). {event.text}",
        )
        for event in plan.events
    ]
    return joined(element("h3", "Declared events"), element("ol", *items, attributes={"class": "events"}))


def _kind_and_days(event: EventMark) -> str:
    """Kind of an event, its first and its last day."""
    return f"{event.kind.replace('_', ' ')}, {day(event.start_hour)} to {day(event.end_hour - 1)}"


def _growth_parts(plan: Plan) -> list[Html]:
    """Chart of the total, its table, and one table with every pool."""
    total = [part for part in plan.growth if part.pool is None]
    pools = [part for part in plan.growth if part.pool is not None]
    parts = [element("h3", "Organic and inorganic growth")] if plan.growth else []
    if total:
        parts.append(_growth_table("Change of mean demand of all pools, units", total, name_of="part"))
    chart = growth_chart(plan)
    if chart:
        parts.append(figure(chart))
    if pools:
        parts.append(
            folded("Growth of every pool", _growth_table("Change of mean demand by pool, units", pools, name_of="pool"))
        )
    return parts


def _growth_table(caption: str, parts: Sequence[GrowthPart], *, name_of: str) -> Html:
    """One row for each cause (of each pool), one column for each window; sums only of the total."""
    windows = distinct(part.window for part in parts)
    keys = list(dict.fromkeys((part.pool, part.kind, part.name) for part in parts))
    keys.sort(key=lambda key: (key[0] or "", key[1] != "organic"))
    units: defaultdict[tuple[str | None, ...], float] = defaultdict(float)
    for part in parts:
        units[part.window, part.pool, part.kind, part.name] += part.units
    columns = []
    for window in windows:
        sums = [units[window, *key] for key in keys]
        largest = max((abs(value) for value in sums), default=0.0)
        columns.append(column([without_noise(value, largest) for value in (*sums, sum(sums))]))
    is_total = name_of == "part"
    rows = [
        [
            *([] if is_total else [_pool_text(pool)]),
            "Organic" if name == kind == "organic" else name_text(name),
            kind,
            *(texts[index] for texts in columns),
        ]
        for index, (pool, kind, name) in enumerate(keys)
    ]
    if is_total:
        rows.append(["All", "", *(texts[-1] for texts in columns)])
    headings = (
        *([] if is_total else [words("Pool")]),
        words("Cause"),
        words("Kind"),
        *(Heading(title=window, unit="units") for window in windows),
    )
    return table(caption, headings, rows, total=is_total)


def peak_section(plan: Plan) -> Html:
    """Peaks by pool and month, the capacity they take and the capacity there is."""
    charts: list[Chart] = [chart for chart in (peak_chart(plan), headroom_chart(plan)) if chart]
    if not plan.peaks:
        return section("peaks", "6. Peaks and headroom", paragraph("No peaks were computed."))
    pools = sorted(dict.fromkeys(row.pool for row in plan.peaks), key=lambda pool: pool is not None)
    return section(
        "peaks",
        "6. Peaks and headroom",
        paragraph(
            "Required is the peak at the policy's quantile with headroom on top. Firm capacity is reservations that "
            "guarantee it and on-demand quota times availability; where these are not declared it is not known and "
            "nothing is enforced."
        ),
        *map(figure, charts),
        *(_pool_peaks(pool, [row for row in plan.peaks if row.pool == pool]) for pool in pools),
    )


def _pool_peaks(pool: str | None, rows: Sequence[PeakRow]) -> Html:
    """Months of one pool."""
    highest = max(row.p99_units for row in rows)
    short = sum(_is_short(row) for row in rows)
    note = f"highest P99 {number(highest)} units" + (f", below required in {counted(short, 'month')}" if short else "")
    keys = ("p50_units", "p90_units", "p99_units")
    peaks = [column([getattr(row, key) for row in rows]) for key in keys]
    cells = [
        [row.month, *(texts[index] for texts in peaks), *_capacity_cells(row, is_total=pool is None)]
        for index, row in enumerate(rows)
    ]
    headings = (
        dates("Month"),
        *(Heading(title=title, unit="units") for title in ("P50", "P90", "P99")),
        Heading(title="Headroom"),
        Heading(title="Required", unit="units"),
        Heading(title="Firm", unit="units"),
        Heading(title="Firm above required"),
    )
    summary = joined(_pool_text(pool), element("span", note, attributes={"class": "note"}))
    return folded(summary, table("Highest hour of each month", headings, cells))


def _pool_text(pool: str | None) -> Html:
    """Name of a pool; words of our own for all of them together."""
    return escaped(ALL_POOLS) if pool is None else name_text(pool)


def _is_short(row: PeakRow) -> bool:
    """Whether the known firm capacity is below what is required, by more than rounding."""
    if row.firm_units is None or row.required_units is None:
        return False
    return row.firm_units < row.required_units * (1 - 1e-6)


def _capacity_cells(row: PeakRow, *, is_total: bool) -> list[str]:
    """Headroom, required and firm capacity, margin."""
    if is_total:
        return ["by pool"] * 4
    if row.required_units is None:
        required, headroom = "not set", "not set"
    else:
        required, headroom = number(row.required_units), percent(row.headroom_fraction or 0.0)
    if row.firm_units is None:
        return [headroom, required, NOT_DECLARED, NOT_DECLARED]
    margin = row.firm_units / row.required_units - 1.0 if row.required_units else float("nan")
    return [headroom, required, number(row.firm_units), percent(margin)]
