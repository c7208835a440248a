"""First sections of a backtest's page: the result beside the rules, what was bought, how it was used.

Not here: the sections that prove it (`optimizer.report.backtest_proof`).
"""

import math
from collections.abc import Sequence

from forecasting.numerals import percent
from optimizer.jobs.backtest.answer import BacktestAnswer
from optimizer.jobs.backtest.score import Track
from optimizer.report.backtest_charts import held_chart, saving_chart, use_chart
from optimizer.report.backtest_words import headline_sentence, ratio
from optimizer.report.markup import Heading, Html, dates, element, folded, joined, name_text, table, words
from optimizer.report.numbers import column, number, quantity, usd
from optimizer.report.sections import figure, paragraph, section
from optimizer.report.words import counted, day, kind_title


def headline(answer: BacktestAnswer) -> Html:
    """The answer in one sentence and five cards."""
    ours = answer.ours.whole
    saved = answer.on_demand.total_usd - ours.total_usd
    cards = (
        ("Capture", ratio(answer.capture(ours.total_usd), 3), "of what perfect hindsight saves"),
        ("Saved against on demand, USD", number(saved, 0), f"of {usd(answer.on_demand.total_usd)}"),
        ("Effective savings rate", share(ours.esr), f"hindsight {share(answer.clairvoyant.whole.esr)}"),
        ("Stranded", share(ours.stranded_fraction), f"of {usd(ours.committed_usd)} committed"),
        ("Intervals that held", f"{answer.n_held} of {len(answer.checks)}", "of the plans' own 90 % intervals"),
    )
    made = [
        element("div", element("dt", title), element("dd", value, element("small", note)), attributes={"class": "card"})
        for title, value, note in cards
    ]
    lead = paragraph(headline_sentence(answer), css="lead")
    return joined(lead, element("dl", *made, attributes={"class": "cards"}))


def share(value: float | None) -> str:
    """Fraction in percent; not known for none."""
    return percent(math.nan if value is None else value)


def result_section(answer: BacktestAnswer) -> Html:
    """Every way of buying, billed for what came."""
    return section("result", "1. Result", figure(saving_chart(answer)), _ways_table(answer), _ways_note(answer))


def _ways_table(answer: BacktestAnswer) -> Html:
    """Plimsoll first, then the rules from the best on, then the ends of the scale."""
    ranked = sorted(answer.rivals, key=lambda track: track.whole.total_usd)
    tracks: tuple[Track, ...] = (answer.clairvoyant, answer.ours, *ranked)
    costs = column([*(track.whole.total_usd for track in tracks), answer.on_demand.total_usd])
    saved = column([answer.on_demand.total_usd - track.whole.total_usd for track in tracks])
    rows = [
        [
            element("strong", track.replay.title) if track is answer.ours else name_text(track.replay.title),
            costs[index],
            saved[index],
            ratio(answer.capture(track.whole.total_usd), 3),
            share(track.whole.esr),
            share(track.whole.stranded_fraction),
            share(track.whole.coverage),
            share(track.whole.utilization),
        ]
        for index, track in enumerate(tracks)
    ]
    rows.append(["All on demand", costs[-1], "0", ratio(0.0, 3), share(0.0), "n/a", share(0.0), "n/a"])
    headings = (
        words("Way of buying"),
        Heading(title="Cost", unit="USD"),
        Heading(title="Saved", unit="USD"),
        Heading(title="Capture"),
        Heading(title="ESR"),
        Heading(title="Stranded", unit="% of committed"),
        Heading(title="Coverage"),
        Heading(title="Utilization"),
    )
    return table(f"Billed hour by hour for what came, {_window(answer)}, amortized", headings, rows)


def _ways_note(answer: BacktestAnswer) -> Html:
    """What the words mean, and what vouches for the clairvoyant."""
    proof = answer.certificate
    return paragraph(
        "Capture: part of the clairvoyant's saving that was saved. The clairvoyant bought on the same dates from the "
        f"same offers, knowing all demand in advance; no plan can cost less than {usd(proof.lower_bound_usd)} "
        f"(gap {percent(proof.gap_fraction)}). The rules are re-made from public documentation and are no vendor's "
        "product; they saw what Plimsoll saw on each date but the roadmap. Terms that run on after the window count "
        "with their part inside it.",
        css="under",
    )


def _window(answer: BacktestAnswer) -> str:
    """The window, both days inclusive."""
    return f"{day(answer.start_hour)} to {day(answer.end_hour - 1)}"


def purchase_section(answer: BacktestAnswer) -> Html:
    """What was bought, date by date."""
    if not answer.purchases:
        return section("purchases", "2. Purchases", paragraph("Nothing was bought on any date."))
    return section(
        "purchases", "2. Purchases", figure(held_chart(answer)), _date_table(answer), _purchase_table(answer)
    )


def _date_table(answer: BacktestAnswer) -> Html:
    """One row for each date."""
    committed = [
        sum(one.committed_usd for one in answer.purchases if one.decision_hour == date) for date in answer.date_hours
    ]
    counts = [sum(one.decision_hour == date for one in answer.purchases) for date in answer.date_hours]
    owed = column(answer.ours.lock_in_usd)
    fees = column(committed)
    rows = [[day(date), str(counts[index]), fees[index], owed[index]] for index, date in enumerate(answer.date_hours)]
    headings = (
        dates("Date"),
        Heading(title="Purchases"),
        Heading(title="Committed by them", unit="USD over their terms"),
        Heading(title="Lock-in after them", unit="USD still owed"),
    )
    return table("Decisions by the full planner, with what was bought before carried forward", headings, rows)


def _purchase_table(answer: BacktestAnswer) -> Html:
    """Every purchase."""
    amounts = column([one.committed_usd for one in answer.purchases])
    rows = [
        [
            day(one.decision_hour),
            name_text(one.offer_id),
            kind_title(one.kind),
            f"{quantity(one.quantity)} {one.quantity_unit}",
            day(one.end_hour),
            amounts[index],
        ]
        for index, one in enumerate(answer.purchases)
    ]
    headings = (
        dates("Date"),
        words("Offer"),
        words("Kind"),
        Heading(title="Quantity"),
        dates("Ends"),
        Heading(title="Committed", unit="USD over the term"),
    )
    title = f"All {counted(len(answer.purchases), 'purchase')}"
    return folded(title, table("Purchases (purchases.csv)", headings, rows))


def use_section(answer: BacktestAnswer) -> Html:
    """How the commitments were used over time."""
    rows = [
        [day(date), *_period_cells(answer, index), number(answer.ours.lock_in_usd[index], 0)]
        for index, date in enumerate(answer.date_hours)
    ]
    headings = (
        dates("From"),
        Heading(title="Cost", unit="USD"),
        Heading(title="ESR"),
        Heading(title="Coverage"),
        Heading(title="Utilization"),
        Heading(title="Stranded", unit="% of committed"),
        Heading(title="Lock-in", unit="USD still owed"),
    )
    return section(
        "use", "6. Use over time", figure(use_chart(answer)), table("From each date to the next", headings, rows)
    )


def _period_cells(answer: BacktestAnswer, index: int) -> Sequence[str]:
    """Figures of one period."""
    period = answer.ours.periods[index]
    return (
        number(period.total_usd, 0),
        share(period.esr),
        share(period.coverage),
        share(period.utilization),
        share(period.stranded_fraction),
    )
