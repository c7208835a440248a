"""The page of a review: what was spent and why, how good the forecast was, what to learn.

Not here: charts (`optimizer.report.track_charts`), the words shared with the terminal (`optimizer.report.track_words`).
"""

from forecasting.numerals import percent
from optimizer.jobs.tracking.answer import Review
from optimizer.jobs.tracking.variance import PARTS, PoolVariance
from optimizer.report.markup import Heading, Html, dates, element, joined, name_text, table, words
from optimizer.report.numbers import column, number, usd
from optimizer.report.page_frame import contents, page_bytes
from optimizer.report.run_record import record_tables
from optimizer.report.sections import figure, paragraph, section
from optimizer.report.track_charts import demand_chart, variance_chart
from optimizer.report.track_words import (
    MEASURE_TITLES,
    PART_MEANINGS,
    PART_TITLES,
    bought_sentence,
    factor_text,
    lag_text,
    measure_cells,
    split_sentence,
    tracked_period,
    variance_sentence,
)
from optimizer.report.words import ALL_POOLS, day, kind_title

CONTENTS = (
    ("lessons", "What to learn"),
    ("cost", "Cost"),
    ("forecast", "Forecast"),
    ("events", "Events and anomalies"),
    ("commitments", "Commitments"),
    ("run", "Inputs"),
)


def track_html(review: Review) -> bytes:
    """The page of a review. The same review gives the same bytes.

    Returns
    -------
    bytes
        UTF-8.
    """
    title = f"Review of a plan, {tracked_period(review)}"
    under = f"{review.plan_title}, held against what came. Hours in UTC."
    header = (element("h1", title), paragraph(under, css="under"), _headline(review), contents(CONTENTS))
    sections = (
        _lesson_section(review),
        _cost_section(review),
        _forecast_section(review),
        _event_section(review),
        _commitment_section(review),
        _run_section(review),
    )
    footer = "Costs are amortized and in USD; hours are UTC. Charts need scripts, the tables do not."
    return page_bytes(title, header=header, sections=sections, footer=footer)


def _headline(review: Review) -> Html:
    """The cost in a sentence, and four cards."""
    total, score = review.variance.total, review.calibration.total
    saved = next(measure for measure in review.measures if measure.name == "esr")
    cards = (
        ("Variance", percent(total.variance_fraction), "flagged" if review.is_flagged(total) else "not flagged"),
        ("Forecast bias", percent(score.bias_fraction), "of mean demand; above 0 it was too high"),
        ("Days inside P10 to P90", percent(score.coverage_fraction, 0), "of all pools together; 80 % expected"),
        ("Effective savings rate", percent(saved.actual), f"plan {percent(saved.planned)}"),
    )
    made = [
        element("div", element("dt", name), element("dd", value, element("small", note)), attributes={"class": "card"})
        for name, value, note in cards
    ]
    lead = paragraph(f"{variance_sentence(review)} {split_sentence(review)}", css="lead")
    return joined(lead, element("dl", *made, attributes={"class": "cards"}))


def _lesson_section(review: Review) -> Html:
    """Lessons in words."""
    items = [element("li", sentence) for sentence in review.lessons.sentences]
    how = paragraph(
        "The next plan takes the width of the intervals from ",
        element("code", "--lessons track.json"),
        "; sizes and dates of events are edits of the roadmap, for a person to make.",
    )
    return section("lessons", "1. What the next plan should learn", element("ul", *items), how)


def _cost_section(review: Review) -> Html:
    """Variance, its parts, by pool and by month."""
    meanings = [element("li", element("strong", f"{PART_TITLES[part]}: "), PART_MEANINGS[part], ".") for part in PARTS]
    ranked = sorted(review.variance.pools, key=lambda row: -abs(row.variance_usd))
    rows = [
        *(_money_row(review, row, name_text(row.pool or "")) for row in ranked),
        _money_row(review, review.variance.unused, kind_title("unused")),
        _money_row(review, review.variance.total, ALL_POOLS),
    ]
    headings = (
        words("Pool"),
        Heading(title="Expected", unit="USD"),
        Heading(title="Actual", unit="USD"),
        Heading(title="Variance"),
        *(Heading(title=PART_TITLES[part], unit="USD") for part in PARTS),
        words("Flag"),
    )
    months = [
        [
            month.month,
            number(month.expected_usd, 0),
            number(month.actual_usd, 0),
            percent(month.variance_fraction),
            "flagged" if review.is_flagged(month) else "",
        ]
        for month in review.months
    ]
    month_headings = (
        dates("Month"),
        Heading(title="Expected", unit="USD"),
        Heading(title="Actual", unit="USD"),
        Heading(title="Variance"),
        words("Flag"),
    )
    mix = review.variance.pool_mix_usd
    return section(
        "cost",
        "2. Cost",
        figure(variance_chart(review)),
        element("ul", *meanings),
        table("Variance by pool; parts sum to it", headings, rows, total=True),
        paragraph(
            f"Of the mix, {usd(mix)} comes from pools that were expected to be dearer or cheaper than the mean, "
            f"{usd(review.variance.total.mix_usd - mix)} from what serves them."
        ),
        table("Tracked days by month", month_headings, months),
    )


def _money_row(review: Review, row: PoolVariance, name: str) -> list[str]:
    """Variance of one pool, of what nothing used, or of all."""
    return [
        name,
        number(row.expected_usd, 0),
        number(row.actual_usd, 0),
        percent(row.variance_fraction),
        *(number(value, 0) for value in row.parts_usd),
        "flagged" if review.is_flagged(row) else "",
    ]


def _forecast_section(review: Review) -> Html:
    """Bias and coverage by pool."""
    scores = (*review.calibration.pools, review.calibration.total)
    units = [column([getattr(score, name) for score in scores]) for name in ("expected_units", "actual_units")]
    rows = [
        [
            ALL_POOLS if score.pool is None else name_text(score.pool),
            *(texts[index] for texts in units),
            f"{number(score.p10_units)} to {number(score.p90_units)}",
            percent(score.bias_fraction),
            percent(score.organic_fraction),
            percent(score.coverage_fraction, 0),
        ]
        for index, score in enumerate(scores)
    ]
    headings = (
        words("Pool"),
        Heading(title="Expected", unit="units"),
        Heading(title="Actual", unit="units"),
        Heading(title="P10 to P90 of the mean", unit="units"),
        Heading(title="Bias"),
        Heading(title="Organic, actual over expected"),
        Heading(title="Days inside P10 to P90"),
    )
    coverage = (
        f"{percent(review.calibration.coverage_fraction, 0)} of the days of all pools, weighted by their on-demand "
        "USD, lie between P10 and P90; 80 % should. Bias is expected over actual demand, less 1."
    )
    return section(
        "forecast",
        "3. Forecast",
        figure(demand_chart(review)),
        table("Mean demand of the tracked days", headings, rows, total=True),
        paragraph(coverage),
    )


def _event_section(review: Review) -> Html:
    """Events as they came, and anomalies."""
    parts: list[str] = []
    if review.events:
        parts.append(_event_table(review))
    else:
        parts.append(paragraph("The plan expects no declared event to change demand."))
    if review.drivers:
        rows = [
            [
                name_text(driver.name),
                driver.target,
                percent(driver.actual_factor - 1.0),
                number(driver.elasticity),
                percent(driver.effect_fraction),
            ]
            for driver in review.drivers
        ]
        headings = (words("Driver"), words("Followed by"), *map(_plain, ("Off by", "Elasticity", "Change of demand")))
        parts.append(table("Drivers, measured against what the plan was told", headings, rows))
    parts.append(_anomaly_table(review) if review.anomalies else paragraph("No anomaly of spend began in these days."))
    return section("events", "4. Events and anomalies", *parts)


def _plain(title: str) -> Heading:
    """Head of a column of numbers without a unit."""
    return Heading(title=title)


def _event_table(review: Review) -> Html:
    """Declared events."""
    by_event = review.variance.by_event_usd.tolist()
    rows = [
        [
            name_text(event.name),
            joined(*(part for pool in event.pools for part in (name_text(pool), " "))),
            number(event.expected_units),
            number(event.actual_units),
            factor_text(event),
            lag_text(event),
            number(worth, 0),
        ]
        for event, worth in zip(review.events, by_event, strict=True)
    ]
    headings = (
        words("Event"),
        words("Pools"),
        Heading(title="Expected", unit="units"),
        Heading(title="Actual", unit="units"),
        Heading(title="Times as large"),
        Heading(title="Dates"),
        Heading(title="Variance", unit="USD"),
    )
    return table("Declared events: mean change of demand in the tracked days", headings, rows)


def _anomaly_table(review: Review) -> Html:
    """Episodes of unexpected spend."""
    rows = [
        [
            name_text(one.found.group),
            day(one.found.start_hour),
            one.found.kind,
            f"{one.found.n_hours:,}",
            percent(one.found.deviation_fraction),
            "yes" if one.is_kept_out else "no",
        ]
        for one in review.anomalies
    ]
    headings = (
        words("Pool, group or total"),
        dates("Begins"),
        words("Kind"),
        Heading(title="Length", unit="h"),
        Heading(title="Off its baseline"),
        words("Kept out of organic demand"),
    )
    return table("Anomalies: spend more than a fifth off its own baseline", headings, rows)


def _commitment_section(review: Review) -> Html:
    """Measures, and whether the advice was followed."""
    rows = [[MEASURE_TITLES[measure.name], *measure_cells(measure)] for measure in review.measures]
    headings = (words("Measure"), *map(_plain, ("Plan", "Actual", "Difference")))
    return section(
        "commitments",
        "5. Commitments",
        table("Measures of the tracked days; lock-in at their end", headings, rows),
        paragraph(bought_sentence(review)),
    )


def _run_section(review: Review) -> Html:
    """Notes and inputs."""
    items = [element("li", note) for note in review.notes]
    return section("run", "6. Inputs", element("ul", *items), record_tables(review.inputs, review.versions))
