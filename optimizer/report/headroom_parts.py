"""What the page says of shortages: chance and loss by pool and month, lost sites, and work against them.

Not here: how it is found (`optimizer.jobs.shortages`).
"""

from collections.abc import Sequence

from forecasting.numerals import percent
from optimizer.plan_headroom import MitigationRow, PlanHeadroom, ShortageRow, SiteRow
from optimizer.report.markup import Heading, Html, dates, element, escaped, folded, joined, name_text, table, words
from optimizer.report.numbers import column, number, usd
from optimizer.report.sections import paragraph
from optimizer.report.words import counted

NONE = "none"
TOLD = (
    "Asked for is the firm capacity of the policy; advised is the one of the least holding cost and expected "
    "loss, one shortage a month at most, in the dearest of the hours above capacity. More is worth holding from the "
    "chance of a shortage, or the impact in an ordinary hour, in the last columns on; less is enough below the others."
)
TOLD_OF_SITES = (
    "Left is the firm capacity without the largest site: on demand, owned, and what each pool's own headroom asks for. "
    "What is missing to the group's peak is added where it costs least, so that any one site may be lost."
)
TOLD_OF_WORK = (
    "Saved is holding cost and expected loss in the window, capacity chosen anew. Costs paid once count in full. The "
    "plan counts on work only where the policy says that it is decided."
)


def headroom_parts(headroom: PlanHeadroom | None) -> tuple[Html, ...]:
    """Headings and tables; nothing where no pool says what a shortage costs and no group may lose a site."""
    if headroom is None:
        return ()
    out: list[Html] = []
    if headroom.shortages:
        pools = list(dict.fromkeys(row.pool for row in headroom.shortages))
        parts = (_pool(name, [row for row in headroom.shortages if row.pool == name]) for name in pools)
        out += [element("h3", "Expected loss of shortages"), paragraph(TOLD, css="under"), *parts]
    if headroom.sites:
        title = f"The loss of a {headroom.n_plus_one}"
        out += [element("h3", title), paragraph(TOLD_OF_SITES, css="under"), _site_table(headroom.sites)]
    if headroom.mitigations:
        out += [element("h3", "Mitigate or accept"), _work_table(headroom.mitigations)]
        out += [paragraph(TOLD_OF_WORK, css="under")]
    return tuple(out)


def _pool(name: str, rows: Sequence[ShortageRow]) -> Html:
    """Months of one pool."""
    loss, held = sum(row.direct_usd + row.liability_usd for row in rows), sum(row.holding_usd for row in rows)
    highest = max(row.probability for row in rows)
    note = f"expected loss {usd(loss)}, holding {usd(held)}, chance of a shortage up to {percent(highest)}"
    units = [column([getattr(row, key) for row in rows]) for key in ("chosen_units", "advised_units", "plan_units")]
    money = [column([getattr(row, key) for row in rows]) for key in ("direct_usd", "liability_usd", "holding_usd")]
    cells = [
        [
            row.month,
            units[0][index],
            units[1][index],
            "not declared" if row.plan_units is None else units[2][index],
            percent(row.probability),
            *(texts[index] for texts in money),
            _flip(row.more_units, row.more_probability, row.more_impact_usd_per_hour),
            _flip(row.less_units, row.less_probability, row.less_impact_usd_per_hour),
        ]
        for index, row in enumerate(rows)
    ]
    headings = (
        dates("Month"),
        Heading(title="Asked for", unit="units"),
        Heading(title="Advised", unit="units"),
        Heading(title="In the plan", unit="units"),
        Heading(title="Chance of a shortage"),
        Heading(title="Direct loss", unit="USD, expected"),
        Heading(title="Credits", unit="USD, expected"),
        Heading(title="Holding", unit="USD"),
        words("More from"),
        words("Less below"),
    )
    summary = joined(name_text(name), element("span", note, attributes={"class": "note"}))
    return folded(summary, table("Shortages by month", headings, cells))


def _flip(units: float | None, probability: float | None, impact_usd: float | None) -> str:
    """Where another capacity is as good."""
    if units is None:
        return NONE
    chance = () if probability is None else (f"a chance of {percent(probability, 2)}",)
    impact = () if impact_usd is None else (f"{usd(impact_usd)}/h",)
    return f"{number(units)} units: {' or '.join((*chance, *impact)) or 'at no chance'}"


def _site_table(rows: Sequence[SiteRow]) -> Html:
    """Groups by month."""
    peaks, left = column([row.peak_units for row in rows]), column([row.left_units for row in rows])
    cells = [
        [
            name_text(row.group),
            row.month,
            name_text(row.largest_site),
            peaks[index],
            left[index],
            _added(row),
            usd(row.extra_usd),
        ]
        for index, row in enumerate(rows)
    ]
    headings = (
        words("Group"),
        dates("Month"),
        words("Largest site"),
        Heading(title="Peak", unit="units of the group"),
        Heading(title="Left", unit="units of the group"),
        words("Added"),
        words("Holding it"),
    )
    return table("Capacity for the loss of the largest site", headings, cells)


def _added(row: SiteRow) -> Html:
    """What is added where."""
    if not row.is_possible:
        return escaped("no other site: its loss is not survived")
    if not row.parts:
        return escaped("nothing")
    texts = [joined(name_text(part.pool), escaped(f" {number(part.extra_units)} units")) for part in row.parts]
    return joined(*(text if place == 0 else joined(escaped(", "), text) for place, text in enumerate(texts)))


def _work_table(rows: Sequence[MitigationRow]) -> Html:
    """Verdicts."""
    cells = [
        [
            name_text(row.name),
            row.verdict,
            counted(len(row.pools), "pool"),
            usd(row.cost_usd),
            usd(row.saved_usd),
            "" if row.probability is None else percent(row.probability, 2),
            _work_flips(row),
        ]
        for row in rows
    ]
    headings = (
        words("Work"),
        words("Verdict"),
        words("For"),
        Heading(title="Cost", unit="in the window"),
        Heading(title="Saved", unit="in the window"),
        Heading(title="Chance beyond firm", unit="mean month"),
        words("Flips at"),
    )
    return table("Engineering work against the headroom and the loss that it saves", headings, cells)


def _work_flips(row: MitigationRow) -> str:
    """Cost and chance at which the verdict flips."""
    if row.verdict == "decided":
        return "decided"
    pairs = (
        (row.flip_below_factor, row.flip_below_probability),
        (row.flip_above_factor, row.flip_above_probability),
    )
    texts = [
        f"{number(factor, 3)} times the loss" if chance is None else f"a chance of {percent(chance, 2)}"
        for factor, chance in pairs
        if factor is not None
    ]
    return f"a cost of {usd(row.saved_usd)}" + "".join(f", {text}" for text in texts)
