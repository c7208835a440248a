"""Sections of the page of renewals: what to do, the options of each commitment, owned against demand.

Not here: how figures are found (`optimizer.jobs.renewals`).
"""

from forecasting.numerals import percent
from optimizer.jobs.renewals.answer import Billed, Decision, Option, RenewalAnswer
from optimizer.report.markup import Heading, Html, dates, element, folded, joined, name_text, table, words
from optimizer.report.numbers import column, number, quantity, usd
from optimizer.report.renewals_charts import MAX_CHARTS, renewal_charts
from optimizer.report.sections import figure, paragraph, section
from optimizer.report.words import counted, day, kind_title

CENT = 0.01
NOTHING = "No commitment ends in this time, and no declared event strands one before it ends."


def lead_text(answer: RenewalAnswer) -> str:
    """The answer in one or two sentences."""
    if not answer.decisions or answer.joint is None:
        return NOTHING
    n_ending = sum(decision.is_ending for decision in answer.decisions)
    n_stranded = len(answer.decisions) - n_ending
    verb = "ends" if n_ending == 1 else "end"
    parts = [f"{counted(n_ending, 'commitment')} {verb} before {day(answer.until_hour)}"]
    if n_stranded:
        verb = "is" if n_stranded == 1 else "are"
        parts.append(f"{counted(n_stranded, 'commitment')} {verb} stranded by a declared event before it ends")
    cost = answer.joint
    return (
        f"{', and '.join(parts)}. With the best of all options together the fleet costs {usd(cost.expected_usd)} in "
        f"expectation (P10 to P90: {number(cost.p10_usd)} to {number(cost.p90_usd)})."
    )


def action_section(answer: RenewalAnswer) -> Html:
    """One line for each commitment: what to do, until when, and what must be true."""
    if not answer.decisions:
        return section("do", "1. What to do", paragraph(NOTHING))
    headings = (
        words("Commitment"),
        dates("Ends before"),
        Heading(title="Fee", unit="USD per hour"),
        words("Do"),
        dates("Last day"),
        words("Why"),
        words("What must be true"),
    )
    fees = column([decision.hourly_fee_usd for decision in answer.decisions])
    rows = [_action_row(decision, fee) for decision, fee in zip(answer.decisions, fees, strict=True)]
    return section(
        "do",
        "1. What to do",
        table("Commitments to decide on, the earliest end first", headings, rows),
        *([_joint_text(answer)] if answer.joint is not None else []),
    )


def _action_row(decision: Decision, fee: str) -> list[str]:
    """Row of one commitment."""
    best = decision.recommended
    what = "nothing" if best is None else joined(best.title, _offered(best))
    return [
        joined(
            name_text(decision.commitment_id), element("span", kind_title(decision.kind), attributes={"class": "note"})
        ),
        day(decision.end_hour),
        fee,
        what,
        "" if best is None else day(best.choice.decide_by_hour),
        decision.reason,
        decision.must_be_true,
    ]


def _offered(option: Option) -> Html:
    """Date, quantity and offer under the title of an option."""
    date = f"on {day(option.choice.at_hour)}" if option.choice.is_open and option.choice.release is not None else ""
    if not option.offer_id:
        return element("span", date, attributes={"class": "note"}) if date else Html("")
    amount = "" if option.quantity is None else f"{quantity(option.quantity)} {option.quantity_unit} of "
    lead = f"{date}: " if date else ""
    return element("span", lead, amount, name_text(option.offer_id), attributes={"class": "note"})


def _joint_text(answer: RenewalAnswer) -> Html:
    """How the optimum over all options was found, and how near."""
    cost = answer.joint
    if cost is None:
        return Html("")
    gap = max(0.0, cost.objective_usd - cost.lower_bound_usd)
    names = [f"'{name}'" for name, _ in answer.joint_changes]
    changed = f"It changes {', '.join(names)} before the end. " if names else "It changes nothing that is owned. "
    ways = counted(answer.n_combinations, "way")
    were = "was" if answer.n_combinations == 1 else "were"
    return paragraph(
        f"No option costs less than the optimum over all options, at most {usd(gap)} above the least possible. ",
        changed,
        f"{ways} to change what is owned {were} tried: none, each change by itself, and those that pay together.",
        _billed_text(answer.joint_billed),
    )


def _billed_text(found: Billed | None) -> str:
    """What the providers' rules make of the optimum."""
    if found is None or found.optimizer_usd <= 0.0:
        return ""
    if abs(found.difference_usd) < CENT:
        return " Billed by the providers' rules it costs the same in the window as the optimizer counts, to the cent."
    more = "more" if found.difference_usd >= 0.0 else "less"
    part = percent(abs(found.difference_usd) / found.optimizer_usd, 2)
    return (
        f" Billed by the providers' rules it costs {usd(abs(found.difference_usd))} {more} in the window than the "
        f"optimizer counts ({part})."
    )


def option_section(answer: RenewalAnswer) -> Html:
    """All options of each commitment."""
    parts = [_options(decision, answer) for decision in answer.decisions]
    return section("options", "2. Options", *(parts or [paragraph(NOTHING)]))


def _options(decision: Decision, answer: RenewalAnswer) -> Html:
    """Options of one commitment: a table of those that can be made, the others with their reasons."""
    possible = [option for option in decision.options if option.choice.is_open]
    shut = [option for option in decision.options if not option.choice.is_open]
    title = joined(
        name_text(decision.commitment_id),
        f": {quantity(decision.quantity)} {decision.quantity_unit} of ",
        name_text(decision.offer_id),
        f", until {day(decision.end_hour)}",
    )
    items = [
        element(
            "li",
            f"{option.title}",
            joined(": ", name_text(option.offer_id)) if option.offer_id else "",
            ": ",
            " ".join(option.choice.obstacles),
        )
        for option in shut
    ]
    notes = [
        element(
            "li",
            option.title,
            joined(" (", name_text(option.offer_id), ")") if option.offer_id else "",
            ": ",
            " ".join(option.choice.notes),
        )
        for option in possible
        if option.choice.notes
    ]
    return joined(
        element("h3", title),
        _stranded_text(decision),
        _option_table(decision, possible, answer),
        folded(f"{counted(len(shut), 'option')} that cannot be taken, and why", element("ul", *items)) if items else "",
        folded("Notes", element("ul", *notes)) if notes else "",
        _slip_table(decision),
    )


def _stranded_text(decision: Decision) -> Html:
    """What events strand of it."""
    if not decision.events:
        return Html("")
    names = ", ".join(f"'{name}'" for name in decision.events)
    return paragraph(
        f"Events that take demand from it: {names}. Until its end {percent(decision.stranded_fraction)} of it is "
        f"expected to be unused, {percent(decision.without_events_fraction)} without them."
    )


def _option_table(decision: Decision, options: list[Option], answer: RenewalAnswer) -> Html:
    """Figures of options that can be made."""
    headings = (
        words("Option"),
        Heading(title="Above the joint optimum", unit="USD, P10 to P90"),
        Heading(title="Expected cost", unit="USD, P10 to P90"),
        Heading(title="Stranded", unit="USD, CVaR 95"),
        Heading(title=f"Owed after {day(answer.until_hour)}", unit="USD"),
        Heading(title="Double bubble", unit="USD stranded, new"),
        dates("Last day"),
    )
    rows = [_option_row(option) for option in options]
    return table(f"Options for {decision.commitment_id}, the cheapest first", headings, rows)


def _option_row(option: Option) -> list[str]:
    """Row of one option."""
    marks = []
    if option.is_recommended:
        marks.append("recommended")
    if not option.is_within_limits:
        marks.append("outside the policy's limits")
    if option.needs_work:
        marks.append("needs work to be moved")
    flags = [element("span", mark, attributes={"class": "flag on" if "outside" in mark else "flag"}) for mark in marks]
    costs = option.costs
    sale = ""
    if option.break_even_price_usd is not None:
        sale = element(
            "span", f"breaks even at {usd(option.break_even_price_usd)} upfront", attributes={"class": "note"}
        )
    return [
        joined(option.title, " ", *flags, _offered(option), sale),
        _spread(option.over_best_usd, option.over_best_p10_usd, option.over_best_p90_usd),
        "price not given" if costs is None else _spread(costs.expected_usd, costs.p10_usd, costs.p90_usd),
        _pair(option.stranded_usd, option.stranded_cvar_usd),
        number(option.lock_in_usd, 0),
        _pair(option.overlap_stranded_usd, option.overlap_capacity_usd),
        day(option.choice.decide_by_hour),
    ]


def _spread(middle: float | None, low: float | None, high: float | None) -> str:
    """Expected value over its P10 and P90."""
    if middle is None:
        return "n/a"
    under = "" if low is None or high is None else f"{number(low, 0)} to {number(high, 0)}"
    return joined(number(middle, 0), element("span", under, attributes={"class": "note"}))


def _pair(first: float | None, second: float | None) -> str:
    """Two amounts, the second under the first."""
    if first is None:
        return "n/a"
    return joined(number(first, 0), element("span", number(second, 0), attributes={"class": "note"}))


def _slip_table(decision: Decision) -> Html:
    """Best option at each slip of each event."""
    if not decision.best_by_slip:
        return Html("")
    rows = [
        [name_text(event), f"{days:.0f}", joined(decision.options[place].title, _offered(decision.options[place]))]
        for event, days, place in decision.best_by_slip
    ]
    headings = (words("Event"), Heading(title="Later than declared", unit="days"), words("Cheapest option"))
    return folded("If an event slips", table("Cheapest option if an event comes later", headings, rows))


def chart_section(answer: RenewalAnswer) -> Html:
    """Owned commitments against demand."""
    charts = renewal_charts(answer)
    hidden = len(answer.charts) - MAX_CHARTS
    more = [paragraph(f"Charts not drawn: {hidden}.")] if hidden > 0 else []
    return section("demand", "3. Owned against demand", *(figure(chart) for chart in charts), *more)
