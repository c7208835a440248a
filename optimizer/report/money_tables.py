"""What the section on money says of ways to pay and of units of value.

Not here: the section itself (`optimizer.report.money_section`).
"""

import math
from collections.abc import Sequence

from forecasting.numerals import percent
from optimizer.plan_money import FinancingPair, UnitCostRow
from optimizer.report.markup import Heading, Html, element, folded, joined, name_text, table, words
from optimizer.report.numbers import number
from optimizer.report.sections import paragraph
from optimizer.report.words import PAYMENT_TITLES, kind_title

MAX_UNIT_ROWS = 60


def financing_parts(pairs: Sequence[FinancingPair], rate_yearly: float) -> tuple[Html, ...]:
    """Implied interest of paying upfront, pairs of one kind, term and options together; nothing without pairs."""
    groups: dict[tuple[str, int, str, str], list[FinancingPair]] = {}
    for pair in pairs:
        groups.setdefault((pair.kind, pair.term_months, pair.less_option, pair.more_option), []).append(pair)
    if not groups:
        return ()
    rows = []
    for (kind, months, less, more), members in sorted(groups.items()):
        known = [rate for one in members for rate in (one.low_rate_yearly, one.high_rate_yearly) if rate is not None]
        worth = sum(one.is_worth for one in members)
        rows.append(
            [
                kind_title(kind),
                f"{months}",
                f"{PAYMENT_TITLES.get(more, more)} instead of {PAYMENT_TITLES.get(less, less)}",
                percent(min(known)) if known else "n/a",
                percent(max(known)) if known else "n/a",
                f"{worth} of {len(members)}",
            ]
        )
    headings = (
        words("Kind"),
        Heading(title="Term", unit="months"),
        words("Paid"),
        Heading(title="Interest, lowest", unit="a year"),
        Heading(title="Interest, highest", unit="a year"),
        Heading(title=f"Above {percent(rate_yearly)}"),
    )
    text = (
        "Paying upfront is lending to the provider at the interest below: worth it for whoever has money at less, not "
        "for whoever pays more for it. It does not count the risk that the commitment idles."
    )
    return (
        element("h3", "Upfront or as it runs: the implied interest"),
        paragraph(text),
        table("Implied yearly interest of upfront payment, by offers of the price list", headings, rows),
    )


def unit_parts(rows: Sequence[UnitCostRow]) -> tuple[Html, ...]:
    """Cost per unit of each driver; nothing without drivers."""
    if not rows:
        return ()
    whole = [one for one in rows if one.month is None]
    monthly = [one for one in rows if one.month is not None]
    shown_rows = whole[:MAX_UNIT_ROWS]
    more = f"; {len(whole) - MAX_UNIT_ROWS} more in plan.json" if len(whole) > MAX_UNIT_ROWS else ""
    return (
        element("h3", "Cost per unit of value"),
        paragraph(
            "Cost of a day over the daily value of the driver (its P50), in the window. Elasticity is that of daily "
            "amortized cost in the driver over the months; it describes this plan, not what caused it.",
            css="under",
        ),
        table(f"Over the window, by level{more}", _unit_headings("Level"), [_unit_row(one) for one in shown_rows]),
        folded(
            "By month", table("All together, by month", _unit_headings("Month"), [_unit_row(one) for one in monthly])
        ),
    )


def _unit_headings(first: str) -> tuple[Heading, ...]:
    """Headings of a table of unit costs."""
    return (
        words(first),
        words("Driver"),
        Heading(title="Amortized", unit="USD per unit"),
        Heading(title="On-demand equivalent", unit="USD per unit"),
        Heading(title="Cash", unit="USD per unit"),
        Heading(title="Elasticity", unit="central 90 %"),
        words("In volume"),
    )


def _unit_text(value: float) -> str:
    """Unit cost with four digits, without an exponent.

    Examples
    --------
    >>> _unit_text(0.00005304), _unit_text(12.3456)
    ('0.00005304', '12.35')
    """
    decimals = 3 - math.floor(math.log10(abs(value))) if value else 0
    return f"{value:,.{max(decimals, 0)}f}"


def _unit_row(one: UnitCostRow) -> list[str]:
    """Cells of one row."""
    name = "not used" if one.is_unused else one.name or "all"
    low, high = one.elasticity_low, one.elasticity_high
    spread = (
        ""
        if low is None or high is None or one.elasticity is None
        else (f"{one.elasticity:.2f} ({low:.2f} to {high:.2f})")
    )
    return [
        one.month or joined(f"{one.level}: ", name_text(name)),
        name_text(one.driver),
        *(_unit_text(value) for value in (one.amortized_usd, one.on_demand_equivalent_usd, one.cash_usd)),
        spread,
        one.verdict or (number(one.volume) if one.month else ""),
    ]
