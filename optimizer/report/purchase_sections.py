"""Sections of the page about purchases: the headline, what to buy now and later, expiries, limits, the next unit.

Not here: cost (`optimizer.report.cost_sections`), demand (`optimizer.report.demand_sections`).
"""

from collections.abc import Sequence

from forecasting.numerals import percent
from optimizer.plan import LimitState, NextUnit, Plan, Purchase
from optimizer.report.charts import distinct
from optimizer.report.markup import Heading, Html, dates, element, folded, joined, name_text, table, words
from optimizer.report.money_charts import ladder_chart
from optimizer.report.numbers import column, number, quantity, usd
from optimizer.report.sections import figure, paragraph, section
from optimizer.report.words import (
    binding_limits,
    committed_usd,
    counted,
    day,
    kind_title,
    limit_saving_usd,
    limit_sentence,
    saving_sentence,
    terms,
    upfront_usd,
    why_nothing_now,
)

MAX_NAMED_POOLS = 3
MAX_FREE_LIMITS = 12
MAX_NEXT_UNITS = 15


def headline(plan: Plan) -> Html:
    """The answer in a few numbers and sentences."""
    cost = plan.summary
    if plan.purchases:
        first = (
            f"Buy {counted(len(plan.purchases), 'commitment')} now: {usd(committed_usd(plan.purchases))} committed "
            f"over their terms, {usd(upfront_usd(plan.purchases))} of it upfront. "
        )
    else:
        first = f"{why_nothing_now(plan)} "
    cards = [
        ("Commitments to buy now", str(len(plan.purchases)), f"{usd(committed_usd(plan.purchases))} committed"),
        ("Expected cost, USD", number(cost.mean_usd), f"P10 to P90: {number(cost.p10_usd)} to {number(cost.p90_usd)}"),
        ("Effective savings rate", percent(cost.esr), f"coverage {percent(cost.coverage)}"),
        (
            "Stranded, new purchases",
            percent(plan.new_stranded_fraction),
            f"of what they commit; worst cases (CVaR) {percent(plan.new_stranded_cvar_fraction)}",
        ),
        ("Gap to the optimum", percent(plan.certificate.gap_fraction), "at most, certified"),
    ]
    items = [
        element("div", element("dt", title), element("dd", value, element("small", note)), attributes={"class": "card"})
        for title, value, note in cards
    ]
    return joined(
        paragraph(first, saving_sentence(plan), f" {plan.certificate.statement}", css="lead"),
        element("dl", *items, attributes={"class": "cards"}),
    )


def buy_now_section(plan: Plan) -> Html:
    """What to buy on the first date, and why."""
    if not plan.purchases:
        return section("buy", "1. What to buy now", paragraph(why_nothing_now(plan)))
    caption = f"Purchases on {day(plan.as_of_hour)}, the advice of this plan (purchases.csv)"
    return section("buy", "1. What to buy now", _purchase_table(caption, plan.purchases, show_reason=True))


def schedule_section(plan: Plan) -> Html:
    """What is expected after the first date, and the ladder."""
    if plan.schedule:
        parts = [
            paragraph("Expected as things look today, and decided again at each date: not advice yet."),
            _purchase_table("Purchases expected at later dates (schedule.csv)", plan.schedule, show_reason=False),
        ]
    else:
        parts = [paragraph("No purchase is expected at a later date inside the window.")]
    return section("schedule", "2. Schedule expected after", *parts, figure(ladder_chart(plan)))


def _purchase_table(caption: str, purchases: Sequence[Purchase], *, show_reason: bool) -> Html:
    """Purchases with their sums, by date and then the largest first."""
    ranked = sorted(purchases, key=lambda p: (p.decision_hour, -p.committed_usd, p.commitment_id))
    committed = column([*(p.committed_usd for p in ranked), committed_usd(ranked)])
    upfront = column([*(p.upfront_usd for p in ranked), upfront_usd(ranked)])
    headings = [
        words("Offer"),
        words("What"),
        *([] if show_reason else [dates("Buy on")]),
        dates("Ends before"),
        Heading(title="Quantity"),
        Heading(title="Committed", unit="USD"),
        Heading(title="Upfront", unit="USD"),
    ]
    rows = [
        [
            joined(name_text(p.offer_id), _pools_note(p.pools)),
            joined(kind_title(p.kind), element("span", terms(p), attributes={"class": "note"})),
            *([] if show_reason else [day(p.decision_hour)]),
            day(p.end_hour),
            joined(quantity(p.quantity), element("span", p.quantity_unit, attributes={"class": "note"})),
            committed[index],
            upfront[index],
            *([p.reason] if show_reason else []),
        ]
        for index, p in enumerate(ranked)
    ]
    last = [counted(len(ranked), "purchase"), *[""] * (len(headings) - 3), committed[-1], upfront[-1]]
    if show_reason:
        headings.append(words("Why"))
        last.append("")
    return table(caption, headings, [*rows, last], total=True)


def _pools_note(pools: Sequence[str]) -> Html:
    """The first pools by name, the others counted."""
    named = [joined(", " if index else "", name_text(pool)) for index, pool in enumerate(pools[:MAX_NAMED_POOLS])]
    hidden = len(pools) - len(named)
    return element("span", *named, f" and {hidden} more" if hidden else "", attributes={"class": "note"})


def expiry_section(plan: Plan) -> Html:
    """What is owned and ends inside the window."""
    if not plan.expiries:
        return section("expiries", "7. Commitments that expire", paragraph("No commitment ends inside the window."))
    ranked = sorted(plan.expiries, key=lambda expiry: (expiry.end_hour, expiry.commitment_id))
    fees = column([expiry.hourly_fee_usd for expiry in ranked])
    headings = (
        words("Commitment"),
        words("Offer"),
        words("Kind"),
        dates("Ends before"),
        Heading(title="Quantity"),
        Heading(title="Fee", unit="USD per hour"),
    )
    rows = [
        [
            name_text(expiry.commitment_id),
            name_text(expiry.offer_id),
            kind_title(expiry.kind),
            day(expiry.end_hour),
            f"{quantity(expiry.quantity)} {expiry.quantity_unit}",
            fees[index],
        ]
        for index, expiry in enumerate(ranked)
    ]
    caption = "Owned commitments that end inside the window, the earliest first; fees amortized"
    return section("expiries", "7. Commitments that expire", table(caption, headings, rows))


def limits_section(plan: Plan) -> Html:
    """The limits of the policy, which of them bind and what that costs; then what the next unit would bring."""
    n_binding = len(binding_limits(plan))
    if not plan.limits:
        parts = [paragraph("The policy sets no limits.")]
    else:
        verb = "binds" if n_binding == 1 else "bind"
        sentence = f"{counted(n_binding, 'limit')} of {len(plan.limits)} {verb}." if n_binding else "No limit binds."
        parts = [paragraph(sentence), *_limit_tables(plan)]
    return section("limits", "8. Limits and the next unit", *parts, *_next_unit_parts(plan))


def _limit_tables(plan: Plan) -> list[Html]:
    """Limits that bind, then the others, folded where they are many."""
    binding = binding_limits(plan)
    free = [limit for limit in plan.limits if not limit.binds]
    if len(free) <= MAX_FREE_LIMITS:
        return [_limit_table([*binding, *free])]
    others = folded(f"The {len(free)} limits that do not bind", _limit_table(free))
    return [_limit_table(binding), others] if binding else [others]


def _limit_table(limits: Sequence[LimitState]) -> Html:
    """Limits in the order given."""
    headings = (
        words("Limit"),
        words("State"),
        Heading(title="Allowed"),
        Heading(title="Taken"),
        Heading(title="Loosened by one, saves", unit="USD"),
        words("In words"),
    )
    rows = [
        [
            name_text(limit.name),
            element("span", "binds" if limit.binds else "free", attributes={"class": f"flag{' on' * limit.binds}"}),
            _limit_value(limit, limit.limit),
            _limit_value(limit, limit.value),
            _limit_price(limit),
            limit_sentence(limit).removeprefix(f"{limit.name}: "),
        ]
        for limit in limits
    ]
    caption = (
        "Limits of the policy, and the expected cost that loosening each by one of its units would save (at the "
        "margin: the next one saves less)"
    )
    return table(caption, headings, rows)


def _limit_price(limit: LimitState) -> str:
    """What loosening by one saves, with what one is."""
    saving_usd = limit_saving_usd(limit)
    if saving_usd == 0.0:
        return "0"
    if limit.unit.startswith("fraction"):
        price, each = saving_usd / 100.0, limit.unit.replace("fraction", "percentage point", 1)
    else:
        price, each = saving_usd, limit.unit.removesuffix("s") if limit.unit == "units" else limit.unit
    return joined(number(price), element("span", f"per {each}", attributes={"class": "note"}))


def _limit_value(limit: LimitState, value: float) -> str:
    """Value of a limit in its own unit."""
    if limit.unit.startswith("fraction"):
        return percent(value)
    return usd(value) if limit.unit == "USD" else f"{number(value)} {limit.unit}"


def _next_unit_parts(plan: Plan) -> list[Html]:
    """What one more unit of each offer would bring."""
    if not plan.next_units:
        return []
    ranked = sorted(plan.next_units, key=lambda unit: (-unit.saving_usd, unit.offer_id))
    n_units = len(distinct(unit.quantity_unit for unit in ranked))
    mixed = " Offers differ in their unit: compare within a unit." if n_units > 1 else ""
    caption = f"Expected saving over the window and what is valued beyond it; below 0 it would cost.{mixed}"
    parts = [element("h3", "What the next unit would bring"), _next_unit_table(caption, ranked[:MAX_NEXT_UNITS])]
    others = ranked[MAX_NEXT_UNITS:]
    if others:
        parts.append(folded(f"{counted(len(others), 'more offer')}", _next_unit_table(caption, others)))
    return parts


def _next_unit_table(caption: str, ranked: Sequence[NextUnit]) -> Html:
    """Offers in the order given."""
    headings = (
        words("Offer"),
        Heading(title="Bought now"),
        words("Unit"),
        Heading(title="Saving of one more", unit="USD per unit of quantity"),
    )
    savings = column([unit.saving_usd for unit in ranked])
    rows = [
        [name_text(unit.offer_id), quantity(unit.quantity), unit.quantity_unit, savings[index]]
        for index, unit in enumerate(ranked)
    ]
    return table(caption, headings, rows)
