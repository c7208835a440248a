"""Sections of the page about reasons: what each purchase saves, where the advice flips, why not something else.

Not here: how any of it is computed (`optimizer.jobs.explain`), the frontier (`optimizer.report.frontier_section`).
"""

from collections.abc import Mapping, Sequence

from forecasting.numerals import NOT_KNOWN, percent
from optimizer.explanation import EventRegret, Flip, PurchaseCase, ScheduledCase, WhyNot
from optimizer.plan import Plan, Purchase
from optimizer.report.markup import Heading, Html, dates, element, folded, joined, name_text, table, words
from optimizer.report.numbers import column, number
from optimizer.report.sections import paragraph, section
from optimizer.report.words import counted, day

TITLE = "11. Why, and why not"
MAX_OPEN_ROWS = 15
NO_FLIP = "none in range"
REASON_TITLES = {
    "dominated": "dearer than another",
    "term_not_allowed": "term not allowed",
    "payback": "pays back too late",
    "goal": "ruled out by the goal",
    "limit": "a limit binds",
    "step": "sold in larger steps",
    "term": "term too long",
    "use": "not used enough",
    "indifferent": "makes no difference",
}


def why_section(plan: Plan) -> Html:
    """Reasons of the plan; says so where they were not asked for."""
    found = plan.explanation
    if found is None:
        return section("why", TITLE, paragraph("Not computed for this plan."))
    bought = {purchase.commitment_id: purchase for purchase in (*plan.purchases, *plan.schedule)}
    ranked = sorted(found.purchases, key=lambda case: (-case.saving.expected_usd, case.commitment_id))
    parts = [
        *(_purchase_parts(ranked, bought) if ranked else [paragraph("Nothing is bought now.")]),
        *_regret_parts(found.events),
        *_schedule_parts(found.schedule, bought),
        *_why_not_parts(found.why_not),
    ]
    return section("why", TITLE, *parts, *(paragraph(note, css="under") for note in found.notes))


def _purchase_parts(cases: Sequence[PurchaseCase], bought: Mapping[str, Purchase]) -> list[Html]:
    """Savings, flips and late events of the purchases of the first date."""
    return [
        _saving_table(cases, bought),
        _flip_table([case for case in cases if case.flips], bought),
        *_event_flip_parts(cases, bought),
        *_late_parts(cases, bought),
    ]


def _offer(commitment_id: str, bought: Mapping[str, Purchase]) -> Html:
    """Offer of a purchase, as the reader knows it."""
    purchase = bought.get(commitment_id)
    return name_text(commitment_id if purchase is None else purchase.offer_id)


def _saving_table(cases: Sequence[PurchaseCase], bought: Mapping[str, Purchase]) -> Html:
    """What each purchase saves, and from when on."""
    money = [column([getattr(case.saving, key) for case in cases]) for key in ("expected_usd", "p10_usd", "p90_usd")]
    headings = (
        words("Offer"),
        Heading(title="Saves", unit="USD, expected"),
        Heading(title="P10", unit="USD"),
        Heading(title="P90", unit="USD"),
        Heading(title="Use"),
        Heading(title="Break-even use"),
        dates("Paid back from"),
    )
    rows = [
        [
            _offer(case.commitment_id, bought),
            *(texts[index] for texts in money),
            percent(case.saving.use_fraction),
            percent(case.saving.break_even_fraction),
            _paid_back(case),
        ]
        for index, case in enumerate(cases)
    ]
    caption = (
        "What each purchase of today saves over its term: cost without it less cost with it, all others as planned. "
        "Savings do not add up. Use is what nothing else would serve"
    )
    return table(caption, headings, rows)


def _paid_back(case: PurchaseCase) -> str:
    """Break-even date in words."""
    if not case.flips:
        return "held for capacity"
    return "not within its term" if case.break_even_hour is None else day(case.break_even_hour)


def _flip_table(cases: Sequence[PurchaseCase], bought: Mapping[str, Purchase]) -> Html:
    """At which demand and prices the advice turns around."""
    kinds = ("demand", "offer_price", "on_demand_price")
    headings = (
        words("Offer"),
        Heading(title="Demand", unit="change, all pools"),
        Heading(title="Price of the offer", unit="change"),
        Heading(title="On-demand and spot prices", unit="change"),
    )
    rows = [
        [_offer(case.commitment_id, bought), *(_factor(_flip(case.flips, kind)) for kind in kinds)] for case in cases
    ]
    caption = (
        "Flip points: a change by this much, everything else as planned, leaves the purchase with nothing to save. "
        "Searched: demand from 10 % to 200 %, prices from 20 % to 500 % of those planned with"
    )
    return table(caption, headings, rows)


def _flip(flips: Sequence[Flip], of: str) -> Flip | None:
    """First flip of a kind."""
    return next((flip for flip in flips if flip.of == of), None)


def _factor(flip: Flip | None) -> str:
    """Factor as a signed change."""
    if flip is None:
        return NOT_KNOWN
    if flip.at is None:
        return NO_FLIP
    return f"{'+' if flip.at >= 1.0 else ''}{percent(flip.at - 1.0)}"


def _event_flip_parts(cases: Sequence[PurchaseCase], bought: Mapping[str, Purchase]) -> list[Html]:
    """At which chance and date of an event the advice turns around; how many have no such point."""
    flips = [(case, flip) for case in cases for flip in case.flips if flip.event]
    if not flips:
        return []
    turning = [(case, flip) for case, flip in flips if flip.at is not None]
    sentence = (
        f"Of {len(flips)} chances and dates of events tried (chances from 0 to 1, dates from 180 days earlier, where "
        f"there is the time, to 365 days later), {len(turning)} would turn a purchase around."
    )
    if not turning:
        return [paragraph(sentence)]
    headings = (words("Offer"), words("Event"), Heading(title="Planned with"), Heading(title="Flips at"))
    rows = [
        [
            _offer(case.commitment_id, bought),
            name_text(flip.event),
            _event_value(flip, flip.planned),
            _event_value(flip, flip.at),
        ]
        for case, flip in turning
    ]
    return [paragraph(sentence), table("Events at which the advice flips", headings, rows)]


def _event_value(flip: Flip, value: float | None) -> str:
    """Chance or lateness of an event."""
    if value is None:
        return NO_FLIP
    if flip.unit == "probability":
        return f"chance {percent(value)}"
    if value == 0.0:
        return "its date"
    return f"{counted(round(abs(value)), 'day')} {'later' if value > 0.0 else 'earlier'}"


def _late_parts(cases: Sequence[PurchaseCase], bought: Mapping[str, Purchase]) -> list[Html]:
    """What purchases save if an event comes late."""
    late = [(case, event) for case in cases for event in case.late]
    if not late:
        return []
    late.sort(key=lambda pair: pair[1].change_usd)
    money = [column([getattr(event, key) for _, event in late]) for key in ("saving_usd", "change_usd", "regret_usd")]
    headings = (
        words("Offer"),
        words("Event"),
        Heading(title="Saves then", unit="USD, expected"),
        Heading(title="Change", unit="USD"),
        Heading(title="Regret", unit="USD"),
    )
    rows = [
        [_offer(case.commitment_id, bought), name_text(event.event), *(texts[index] for texts in money)]
        for index, (case, event) in enumerate(late)
    ]
    caption = (
        f"If an event comes {late[0][1].late_days:g} days later than planned with and purchases stay as they are. "
        "Regret: what not buying would have saved"
    )
    shown = table(caption, headings, rows[:MAX_OPEN_ROWS])
    rest = rows[MAX_OPEN_ROWS:]
    return [
        shown,
        *([folded(f"{counted(len(rest), 'smaller change')}", table(caption, headings, rest))] if rest else []),
    ]


def _regret_parts(regrets: Sequence[EventRegret]) -> list[Html]:
    """What the whole plan loses if an event comes late."""
    if not regrets:
        return []
    ranked = sorted(regrets, key=lambda one: (-one.regret_usd, one.event))
    money = [column([getattr(one, key) for one in ranked]) for key in ("held_usd", "best_usd", "regret_usd", "gap_usd")]
    headings = (
        words("Event"),
        Heading(title="Plan as it is", unit="USD"),
        Heading(title="Plan that had known", unit="USD"),
        Heading(title="Regret", unit="USD"),
        Heading(title="Known to within", unit="USD"),
    )
    rows = [[name_text(one.event), *(texts[index] for texts in money)] for index, one in enumerate(ranked)]
    caption = (
        f"The whole plan, later purchases too, if an event comes {ranked[0].late_days:g} days later and nothing is "
        "bought differently, against one optimized anew from today (window and valued tail). Regret leaves out what "
        "the plan is above the best one found in the same way as planned"
    )
    return [table(caption, headings, rows)]


def _schedule_parts(cases: Sequence[ScheduledCase], bought: Mapping[str, Purchase]) -> list[Html]:
    """What later purchases save."""
    if not cases:
        return []
    money = [column([getattr(case.saving, key) for case in cases]) for key in ("expected_usd", "p10_usd")]
    headings = (
        words("Offer"),
        dates("Buy on"),
        Heading(title="Saves", unit="USD, expected"),
        Heading(title="P10", unit="USD"),
        Heading(title="Use"),
        Heading(title="Break-even use"),
    )
    rows = [
        [
            _offer(case.commitment_id, bought),
            day(bought[case.commitment_id].decision_hour) if case.commitment_id in bought else NOT_KNOWN,
            *(texts[index] for texts in money),
            percent(case.saving.use_fraction),
            percent(case.saving.break_even_fraction),
        ]
        for index, case in enumerate(cases)
    ]
    caption = "What purchases expected later save over the part of their term that is valued, all others as planned"
    return [folded(f"What {counted(len(cases), 'later purchase')} would save", table(caption, headings, rows))]


def _why_not_parts(rows: Sequence[WhyNot]) -> list[Html]:
    """Why offers that could be bought today are not."""
    if not rows:
        return []
    weighed = [row for row in rows if row.saving_usd is not None]
    others = [row for row in rows if row.saving_usd is None]
    parts: list[Html] = [element("h3", "Why not something else")]
    if weighed:
        parts += _why_not_tables(weighed, "Offers that were weighed for today and are not bought")
    if others:
        shown = _why_not_tables(others, "Offers that were left out before anything was weighed")
        parts.append(folded(f"{counted(len(others), 'more offer')} that could not win", *shown))
    return parts


def _why_not_tables(rows: Sequence[WhyNot], caption: str) -> list[Html]:
    """Reasons in the order given, the first of them open."""
    headings = (
        words("Offer"),
        words("Reason"),
        Heading(title="Next unit saves", unit="USD per unit of quantity"),
        words("In words"),
    )
    cells = [
        [
            name_text(row.offer_id),
            REASON_TITLES.get(row.reason, row.reason),
            NOT_KNOWN if row.saving_usd is None else number(row.saving_usd),
            joined(row.text),
        ]
        for row in rows
    ]
    shown = table(caption, headings, cells[:MAX_OPEN_ROWS])
    rest = cells[MAX_OPEN_ROWS:]
    return [shown, *([folded(f"{counted(len(rest), 'more offer')}", table(caption, headings, rest))] if rest else [])]
