"""Sections of the page about demand: bands, what moves it, peaks with the capacity they take.

Not here: cost (`optimizer.report.cost_sections`), tables of causes (`optimizer.report.forecast_causes`).
"""

from collections.abc import Sequence

from forecasting.numerals import percent
from optimizer.jobs.forecast_causes import Causes
from optimizer.plan import EventMark, PeakRow, Plan
from optimizer.report.charts import Chart
from optimizer.report.demand_charts import demand_charts, headroom_chart, peak_chart
from optimizer.report.forecast_causes import (
    CHANCES,
    EFFECTS,
    GROWTH,
    NO_RIVALS,
    chance_table,
    cliff_table,
    event_table,
    growth_parts,
)
from optimizer.report.forecast_sections import MAX_ANOMALIES, anomaly_table
from optimizer.report.headroom_parts import headroom_parts
from optimizer.report.markup import Heading, Html, dates, element, escaped, folded, joined, name_text, table
from optimizer.report.numbers import column, number
from optimizer.report.sections import figure, paragraph, section
from optimizer.report.words import ALL_POOLS, RECENT_DAYS, counted, day, recent_hour

NOT_DECLARED = "not declared"


def demand_section(plan: Plan, causes: Causes) -> Html:
    """Demand with its bands and events, where its growth comes from, and what may come."""
    charts = demand_charts(plan)
    hidden = len(plan.bands) - len(charts)
    more = [paragraph(f"{counted(hidden, 'smaller group')} not drawn.", css="under")] if hidden else []
    return section(
        "demand",
        "4. Demand",
        *map(figure, charts),
        *more,
        _event_list(plan),
        *_effects(causes),
        *_growth(causes),
        *_cliffs(causes),
        *_chances(causes),
        *_anomalies(plan, causes),
    )


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


def _effects(causes: Causes) -> list[Html]:
    """What events did and will do, declared and found."""
    if not causes.effects:
        return []
    caption = "Effects of events, as declared and as estimated"
    effects = joined(paragraph(EFFECTS), event_table(caption, causes.effects))
    return [folded(f"What {counted(len(causes.effects), 'event')} did or will do", effects)]


def _growth(causes: Causes) -> list[Html]:
    """Growth by cause, every pool folded."""
    if not causes.growth:
        return []
    return [element("h3", "Organic and inorganic growth"), paragraph(GROWTH), *growth_parts(causes.growth)]


def _cliffs(causes: Causes) -> list[Html]:
    """Thresholds, where any is declared."""
    if not causes.cliffs:
        return []
    table_of_cliffs = cliff_table("First hour above each threshold, within the window", causes.cliffs)
    return [element("h3", "Capacity cliffs"), table_of_cliffs]


def _chances(causes: Causes) -> list[Html]:
    """How likely the largest pools are to be replaced."""
    told = [paragraph(CHANCES), chance_table(causes.chances)] if causes.chances else [paragraph(NO_RIVALS)]
    return [element("h3", "Chance of replacement"), *told]


def _anomalies(plan: Plan, causes: Causes) -> list[Html]:
    """How many anomalies history has, and the latest of the last quarter."""
    recent = causes.anomalies_since(recent_hour(plan))
    told = (
        f"History of all pools, groups and their total has {counted(len(causes.anomalies), 'episode')} in which demand "
        f"left, by more than a fifth, what its own past led to expect; {len(recent)} of the last {RECENT_DAYS} days."
    )
    latest = list(reversed(recent))[:MAX_ANOMALIES]
    table_of_latest = [
        folded(
            f"Anomalies of the last {RECENT_DAYS} days",
            anomaly_table(f"The latest {len(latest)} of {len(recent)}", latest),
        )
    ]
    return [element("h3", "Anomalies"), paragraph(told), *(table_of_latest if latest else [])]


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
            "Required is the peak at the policy's quantile with headroom on top, or more where a site may be lost. "
            "Firm capacity is reservations that guarantee it and on-demand quota times availability; where these are "
            "not declared it is not known and nothing is enforced."
        ),
        *map(figure, charts),
        *(_pool_peaks(pool, [row for row in plan.peaks if row.pool == pool]) for pool in pools),
        *headroom_parts(plan.headroom),
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
