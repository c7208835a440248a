"""Sections of a backtest's page that let a reader judge it: calibration, regret, what knowing is worth, the run.

Not here: the result (`optimizer.report.backtest_sections`).
"""

import math

from forecasting.numerals import percent
from optimizer.jobs.backtest.answer import BacktestAnswer, PeriodCheck
from optimizer.report.backtest_charts import interval_chart, regret_chart
from optimizer.report.backtest_sections import share
from optimizer.report.backtest_words import calibration_sentence, ratio
from optimizer.report.markup import Heading, Html, dates, table, words
from optimizer.report.numbers import column, number, usd, without_noise
from optimizer.report.run_record import again, assumption_list, record_tables
from optimizer.report.sections import figure, paragraph, section
from optimizer.report.words import counted, day

METHOD = (
    "On each date the planner is given what could be read then: usage before the date, events that were visible, "
    "prices of pools that had run or that a visible event names. It forecasts, optimizes within the policy's limits "
    "and buys what its plan advises for that date; its later purchases are forgotten, and planned again.",
    "What was bought is carried forward until its term ends. Costs are amortized and count inside the window only, "
    "so that a term that runs on after it costs its part inside.",
    "Spot runs by the declared part of demand where it is cheaper than on demand, in every way of buying.",
    "The rules look back from each date on the same usage, count what they hold first, and know no roadmap.",
)


def calibration_section(answer: BacktestAnswer) -> Html:
    """What plans expected beside what came."""
    if not answer.checks:
        return section("calibration", "3. Calibration", paragraph(calibration_sentence(answer)))
    return section(
        "calibration",
        "3. Calibration",
        paragraph(calibration_sentence(answer)),
        figure(interval_chart(answer)),
        _cost_table(answer),
        _stranded_table(answer),
    )


def _cost_table(answer: BacktestAnswer) -> Html:
    """Cost of the next period."""
    checks = answer.checks
    texts = [
        column(values)
        for values in (
            [check.expected.cost_low_usd for check in checks],
            [check.expected.cost_usd for check in checks],
            [check.expected.cost_high_usd for check in checks],
            [check.came.total_usd for check in checks],
        )
    ]
    rows = [
        [
            day(check.date_hour),
            *(text[index] for text in texts),
            "yes" if check.holds else "no",
            percent(check.width_fraction),
            percent(check.expected.forecast_loss),
        ]
        for index, check in enumerate(checks)
    ]
    headings = (
        dates("From"),
        Heading(title="Expected, 5 %", unit="USD"),
        Heading(title="Expected, mean", unit="USD"),
        Heading(title="Expected, 95 %", unit="USD"),
        Heading(title="Came", unit="USD"),
        Heading(title="Inside"),
        Heading(title="Width", unit="% of on demand"),
        Heading(title="Forecast error", unit="wQL of daily pool means"),
    )
    return table("Cost from each date to the next, as its plan saw it and as billed", headings, rows)


def _stranded_table(answer: BacktestAnswer) -> Html:
    """Stranded shares, of the next period and of the term ahead."""
    rows = [_stranded_row(check) for check in answer.checks]
    headings = (
        dates("From"),
        Heading(title="Expected", unit="next period"),
        Heading(title="90 % interval", unit="next period"),
        Heading(title="Came", unit="next period"),
        Heading(title="Expected", unit="term ahead"),
        Heading(title="Came", unit="term ahead"),
        dates("Term ahead to"),
    )
    expected = sum(check.expected.year_stranded_usd for check in answer.checks)
    came = sum(check.year_came.stranded_usd for check in answer.checks)
    committed = sum(check.expected.year_committed_usd for check in answer.checks)
    whole = ""
    if committed > 0:
        whole = (
            f". Over all dates the plans expected {percent(expected / committed)} of the term ahead to be stranded; "
            f"{percent(came / committed)} was"
        )
    caption = "Stranded part of what was committed after each date's purchases, without later ones, cut at the window"
    return table(f"{caption}{whole}", headings, rows)


def _stranded_row(check: PeriodCheck) -> list[str]:
    """Expected and realized stranded shares of one date."""
    expected = check.expected
    low, high = expected.stranded_low_fraction, expected.stranded_high_fraction
    span = f"{percent(low)} to {percent(high)}" if math.isfinite(low) else "n/a"
    return [
        day(check.date_hour),
        percent(_part(expected.stranded_usd, expected.committed_usd)),
        span,
        share(check.came.stranded_fraction),
        percent(_part(expected.year_stranded_usd, expected.year_committed_usd)),
        share(check.year_came.stranded_fraction),
        day(expected.year_end_hour - 1),
    ]


def _part(usd_part: float, usd_whole: float) -> float:
    """Part of a whole; nan of nothing."""
    return usd_part / usd_whole if usd_whole > 0 else math.nan


def regret_section(answer: BacktestAnswer) -> Html:
    """Regret against the clairvoyant by cause."""
    parts = answer.regret
    scale = answer.ours.whole.total_usd
    texts = column(
        [without_noise(one, scale) for one in (*(part.usd for part in parts), sum(part.usd for part in parts))]
    )
    rows = [[part.title, part.meaning, texts[index]] for index, part in enumerate(parts)]
    rows.append(["Regret", "cost above the clairvoyant", texts[-1]])
    headings = (words("Part"), words("What it is"), Heading(title="Cost", unit="USD"))
    return section(
        "regret",
        "4. Regret",
        paragraph(
            "Each part is the difference of two plans that differ in one thing, the later one freer than the one "
            "before: the replay; the same without steps; without limits; its purchases applied in the cheapest order; "
            "its offers and dates in the best amounts; its offers on the best dates; the clairvoyant. So the parts sum "
            "to the regret.",
            css="under",
        ),
        figure(regret_chart(answer)),
        table("Regret taken apart", headings, rows, total=True),
    )


def worth_section(answer: BacktestAnswer) -> Html:
    """What the roadmap and better forecasts are worth."""
    if not answer.variants:
        text = "No other world was replayed (--variants)."
        return section("worth", "5. What knowing is worth", paragraph(text))
    ours = answer.ours.whole.total_usd
    title = "As asked for, with the roadmap" if answer.has_events else "As asked for, without a roadmap"
    tracks = ((title, answer.ours), *((track.replay.title, track) for track in answer.variants))
    costs = column([track.whole.total_usd for _, track in tracks])
    more = column([track.whole.total_usd - ours for _, track in tracks])
    rows = [
        [
            name,
            costs[index],
            more[index],
            ratio(answer.capture(track.whole.total_usd), 3),
            share(track.whole.stranded_fraction),
        ]
        for index, (name, track) in enumerate(tracks)
    ]
    headings = (
        words("World"),
        Heading(title="Cost", unit="USD"),
        Heading(title="More than as asked for", unit="USD"),
        Heading(title="Capture"),
        Heading(title="Stranded", unit="% of committed"),
    )
    caption = "The planner replayed where one thing differs"
    return section("worth", "5. What knowing is worth", table(caption, headings, rows), *_price(answer))


def _price(answer: BacktestAnswer) -> list[Html]:
    """What a point of forecast error costs."""
    price = answer.forecast_price
    if price is None:
        return []
    text = (
        f"The forecasts' weighted quantile loss of daily pool means is {percent(price.loss)} of demand on average over "
        f"the dates. One half way to what came has {percent(price.better_loss)} and saves {usd(price.saved_usd)}"
    )
    if math.isfinite(price.usd_per_point):
        text += f": {number(price.usd_per_point)} USD for each point"
    return [paragraph(f"{text}.")]


def run_section(answer: BacktestAnswer) -> Html:
    """Method, inputs, versions, and how to get the same answer again."""
    terms = ",".join(map(str, answer.terms_months))
    n_dates = counted(len(answer.date_hours), "decision")
    dated = f"{n_dates}, every {answer.cadence_months} months, terms of {terms} months."
    options = (
        f"--start {day(answer.start_hour)} --end {day(answer.end_hour)} --cadence {answer.cadence_months} "
        f"--terms {terms} --seed {answer.seed}"
    )
    return section(
        "run",
        "7. Method and inputs",
        assumption_list((dated, *METHOD)),
        record_tables(answer.inputs, answer.versions),
        again("plimsoll backtest", options=options, versions=answer.versions),
    )
