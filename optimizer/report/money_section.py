"""The section on money of a plan's page, and the lines on it on the terminal.

Not here: how anything is computed (`optimizer.jobs.money`).
"""

import math
from collections.abc import Callable, Sequence

from forecasting.numerals import percent
from optimizer.plan_money import (
    Comparison,
    PaymentVariant,
    PlanMoney,
    PurchaseMoney,
    QuarterMoney,
)
from optimizer.report.charts import ACCENT, INK, QUIET, Chart, layout, shown
from optimizer.report.markup import Heading, Html, dates, element, name_text, table, words
from optimizer.report.money_tables import financing_parts, unit_parts
from optimizer.report.numbers import column, usd
from optimizer.report.sections import figure, paragraph, section

TITLE = "10. Money"
GOAL_TITLES = {
    "cost": "least cost",
    "ebitda": "EBITDA",
    "free_cash_flow": "free cash flow",
    "payback": "payback",
}
VARIANT_TITLES = {
    "as_planned": "As planned",
    "none": "No upfront where sold",
    "partial": "Partial upfront where sold",
    "all": "All upfront where sold",
}
AGAINST_TITLES = {"all_on_demand": "All on demand", "keep_owned": "Only what is owned"}
MAX_PURCHASES = 40


def money_section(money: PlanMoney | None) -> Html:
    """Cash, books, paybacks, ways of paying and unit costs; says so where they were not asked for."""
    if money is None:
        return section("money", TITLE, paragraph("Not computed for this plan."))
    return section(
        "money",
        TITLE,
        paragraph(money_sentence(money)),
        paragraph(money.recommendation),
        _quarter_table(money),
        paragraph(
            "Cloud fees are operating cost: in EBITDA at their amortized amount, upfront fees as prepaid expense over "
            "their terms. Owned hardware is capital: its running cost is in EBITDA, its depreciation below. Cash is "
            "counted in the hour it is used or bought; taxes and days until an invoice is due are left out. Free cash "
            "flow is minus the cash.",
            css="under",
        ),
        figure(cash_chart(money)),
        _comparison_table(money.comparisons),
        _variant_table(money),
        *_purchase_parts(money),
        *financing_parts(money.financing, money.discount_rate_yearly),
        *unit_parts(money.unit_costs),
    )


def money_sentence(money: PlanMoney) -> str:
    """Cash and its present value, payback against on demand, and what is flagged."""
    cash = sum(one.cash_usd for one in money.quarters)
    against = next((one for one in money.comparisons if one.against == "all_on_demand"), None)
    text = (
        f"Goal: {GOAL_TITLES[money.goal]}. Cash in the window {usd(cash)}, "
        f"{usd(money.npv_cash_usd)} at {percent(money.discount_rate_yearly)} a year."
    )
    if against is not None:
        text += (
            f"{_prepaid_sentence(money)} Against all on demand it saves {usd(against.saved_cash_usd)} of cash; at most "
            f"{usd(against.tied_up_usd)} are tied up, back after {months_text(against.payback_months)}."
        )
    flagged = [one for one in money.purchases if one.is_flagged and one.commitment_id is not None]
    if flagged:
        text += (
            f" {len(flagged)} upfront purchases take longer than {money.payback_flag_months:g} months to pay back, "
            "or do not within the window."
        )
    return text


def _prepaid_sentence(money: PlanMoney) -> str:
    """What of the cash is for terms that outlive the window; nothing where none is."""
    left = money.quarters[-1].prepaid_end_usd if money.quarters else 0.0
    return f" Of the upfront fees paid, {usd(left)} are for the time after the window." if left > 0.0 else ""


def months_text(months: float) -> str:
    """Payback in words.

    Examples
    --------
    >>> months_text(7.52), months_text(0.0), months_text(float("inf"))
    ('7.5 months', 'at once', 'never in the window')
    """
    if months == 0.0:
        return "at once"
    return f"{months:.1f} months" if math.isfinite(months) else "never in the window"


def _quarter_table(money: PlanMoney) -> Html:
    """One row for each quarter, and their sum."""
    shown_fields: tuple[tuple[str, Callable[[QuarterMoney], float]], ...] = (
        ("On demand and spot", lambda one: one.on_demand_usd + one.spot_usd),
        ("Fees paid as they run", lambda one: one.fees_usd),
        ("Prepaid expense", lambda one: one.prepaid_expense_usd),
        ("Hardware running", lambda one: one.running_usd),
        ("Cost in P&L", lambda one: one.cost_usd),
        ("EBITDA", lambda one: one.ebitda_usd),
        ("Depreciation", lambda one: one.depreciation_usd),
        ("EBIT", lambda one: one.ebit_usd),
        ("Upfront and hardware paid", lambda one: one.upfront_usd + one.capex_usd),
        ("Cash", lambda one: one.cash_usd),
        ("Cash P10", lambda one: one.cash_p10_usd),
        ("Cash P90", lambda one: one.cash_p90_usd),
        ("Free cash flow", lambda one: one.free_cash_flow_usd),
        ("All on demand", lambda one: one.all_on_demand_usd),
    )
    has_hardware = any(one.running_usd or one.depreciation_usd or one.capex_usd for one in money.quarters)
    only_hardware = {"Hardware running", "Depreciation", "EBIT"}
    fields = [(title, value) for title, value in shown_fields if has_hardware or title not in only_hardware]
    columns = [[value(one) for one in money.quarters] for _, value in fields]
    sums: list[float | None] = [sum(values) for values in columns]
    for place, (title, _) in enumerate(fields):
        if title in {"Cash P10", "Cash P90"}:
            sums[place] = None  # quantiles do not add up
    texts = [column([*values, total]) for values, total in zip(columns, sums, strict=True)]
    rows = [[one.quarter, *(text[place] for text in texts)] for place, one in enumerate(money.quarters)]
    rows.append(["Sum", *(text[-1] if total is not None else "" for text, total in zip(texts, sums, strict=True))])
    headings = (dates("Quarter"), *(Heading(title=title, unit="USD") for title, _ in fields))
    return table("Profit and loss, EBITDA and cash by calendar quarter, expected", headings, rows, total=True)


def cash_chart(money: PlanMoney) -> Chart:
    """Cash by quarter with its range, beside the cost in the books and all on demand."""
    names = [one.quarter for one in money.quarters]
    low = [one.cash_usd - one.cash_p10_usd for one in money.quarters]
    high = [one.cash_p90_usd - one.cash_usd for one in money.quarters]
    traces = [
        {
            "type": "bar",
            "name": "Cash paid, P10 to P90",
            "x": names,
            "y": shown(one.cash_usd for one in money.quarters),
            "marker": {"color": ACCENT},
            "error_y": {
                "type": "data",
                "symmetric": False,
                "array": shown(max(value, 0.0) for value in high),
                "arrayminus": shown(max(value, 0.0) for value in low),
                "color": INK,
            },
        },
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": "Cost in the books",
            "x": names,
            "y": shown(one.cost_usd for one in money.quarters),
            "line": {"color": INK},
        },
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": "All on demand",
            "x": names,
            "y": shown(one.all_on_demand_usd for one in money.quarters),
            "line": {"color": QUIET, "dash": "dot"},
        },
    ]
    look = layout(y_title="USD", height_px=320)
    look["yaxis"]["rangemode"] = "tozero"
    look["xaxis"]["type"] = "category"
    return Chart(
        chart_id="quarter-cash",
        title="Cash and cost by quarter, USD",
        caption=(
            "Bars are the cash paid in a quarter, with its P10 to P90 over the scenarios; the line is what the profit "
            "and loss statement shows, with upfront fees spread over their terms; dotted: all on demand."
        ),
        figure={"data": traces, "layout": look},
        height_px=320,
    )


def _comparison_table(comparisons: Sequence[Comparison]) -> Html:
    """Cash of the plan against other ways."""
    saved = column([one.saved_cash_usd for one in comparisons])
    present = column([one.npv_usd for one in comparisons])
    tied = column([one.tied_up_usd for one in comparisons])
    rows = [
        [
            AGAINST_TITLES[one.against],
            saved[place],
            present[place],
            tied[place],
            months_text(one.payback_months),
            months_text(one.discounted_payback_months),
        ]
        for place, one in enumerate(comparisons)
    ]
    headings = (
        words("The plan against"),
        Heading(title="Cash saved", unit="USD"),
        Heading(title="Present value", unit="USD"),
        Heading(title="Cash tied up at most", unit="USD"),
        Heading(title="Payback"),
        Heading(title="Discounted payback"),
    )
    return table("Cash of the whole plan, later purchases included, inside the window", headings, rows)


def _variant_table(money: PlanMoney) -> Html:
    """Ways of paying, best first."""
    if not money.variants:
        return paragraph("Nothing is bought on the first date.")
    fields: tuple[tuple[str, str], ...] = (
        ("npv_usd", "Present value"),
        ("ebitda_usd", "EBITDA"),
        ("first_year_cash_usd", "Free cash flow, first year"),
        ("upfront_usd", "Upfront"),
        ("tied_up_usd", "Cash tied up at most"),
    )
    texts = [column([getattr(one, key) for one in money.variants]) for key, _ in fields]
    rows = [
        [_variant_title(one), *(text[place] for text in texts), months_text(one.payback_months)]
        for place, one in enumerate(money.variants)
    ]
    headings = (
        words("Way of paying"),
        *(Heading(title=title, unit="USD") for _, title in fields),
        Heading(title="Payback"),
    )
    caption = f"Purchases of the first date against on demand, best by {GOAL_TITLES[money.goal]} first"
    return table(caption, headings, rows)


def _variant_title(one: PaymentVariant) -> str:
    """Way of paying, with how many purchases it changes."""
    changed = f" ({one.n_changed} changed)" if one.n_changed else ""
    return f"{VARIANT_TITLES[one.name]}{changed}"


def _purchase_parts(money: PlanMoney) -> tuple[Html, ...]:
    """Payback of upfront purchases; nothing without any."""
    own = [one for one in money.purchases if one.commitment_id is not None]
    if not own:
        return (paragraph("No purchase of the first date has an upfront part."),)
    kept = [*own[:MAX_PURCHASES], *(one for one in money.purchases if one.commitment_id is None)]
    upfront, present = column([one.upfront_usd for one in kept]), column([one.npv_usd for one in kept])
    rows = [
        [
            name_text(one.offer_id) if one.commitment_id is not None else "All of the first date",
            upfront[place],
            present[place],
            months_text(one.payback_months),
            months_text(one.discounted_payback_months),
            _flag(one, money.payback_flag_months),
        ]
        for place, one in enumerate(kept)
    ]
    headings = (
        words("Purchase"),
        Heading(title="Upfront", unit="USD"),
        Heading(title="Present value", unit="USD"),
        Heading(title="Payback"),
        Heading(title="Discounted payback"),
        words("Flag"),
    )
    hidden = len(own) - MAX_PURCHASES
    more = f"; {hidden} smaller ones in plan.json" if hidden > 0 else ""
    caption = f"Payback of upfront purchases, at the on-demand value of what they cover{more}"
    return (table(caption, headings, rows, total=True),)


def _flag(one: PurchaseMoney, months: float) -> Html | str:
    """Mark of a payback that takes long."""
    if not one.is_flagged:
        return ""
    text = (
        f"past {months:g} months" if one.is_within_window or math.isfinite(one.payback_months) else "not in the window"
    )
    return element("span", text, attributes={"class": "flag on"})
