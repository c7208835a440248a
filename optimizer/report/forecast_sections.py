"""Sections of the page of a forecast: headline, highest hours, daily peaks, anomalies.

Not here: growth and events (`optimizer.report.forecast_causes`).
"""

from collections.abc import Sequence

from forecasting.anomalies import Anomaly
from forecasting.hours import date_of_hour, iso_of_hour, month_name
from forecasting.numerals import percent
from forecasting.peaks import PEAK_LEVELS
from optimizer.jobs.forecast_answer import ForecastAnswer, SeriesOutlook
from optimizer.report.forecast_charts import drawn, fan_charts, month_chart, ranked, series_chart, series_title
from optimizer.report.markup import Heading, Html, dates, element, escaped, folded, joined, name_text, table, words
from optimizer.report.numbers import column, number, units
from optimizer.report.sections import figure, paragraph, section
from optimizer.report.words import counted, day

SHOWN_LEVELS = (0.05, 0.5, 0.95, 0.99)
MAX_ANOMALIES = 20


def period(answer: ForecastAnswer) -> str:
    """The horizon in words, both days inclusive."""
    return f"{day(answer.order.as_of_hour)} to {date_of_hour(int(answer.hours[-1])).isoformat()}"


def headline_sentence(answer: ForecastAnswer) -> str:
    """The answer in one sentence."""
    total = ranked(answer)[0]
    peaks = dict(zip(PEAK_LEVELS, total.windows.quantile_units[0].tolist(), strict=True))
    return (
        f"The highest hour of the next {counted(answer.order.horizon_days, 'day')} is expected at "
        f"{units(float(total.windows.mean_units[0]))}, and lies below {units(peaks[0.95])} with a chance of 95 %."
    )


def headline(answer: ForecastAnswer) -> Html:
    """The answer in a few numbers."""
    total = ranked(answer)[0]
    peaks = dict(zip(PEAK_LEVELS, total.windows.quantile_units[0].tolist(), strict=True))
    mean = float(total.hourly_mean_units.mean())
    year = total.past_peak_units[-365:]
    cards = [
        ("Highest hour, expected", number(float(total.windows.mean_units[0])), "units, all pools together"),
        ("Its P5 to P95", f"{number(peaks[0.05])} to {number(peaks[0.95])}", f"units; P99 {number(peaks[0.99])}"),
        ("Highest hour so far", number(float(year.max())), f"units, last {counted(len(year), 'day')} of history"),
        ("Mean demand", number(mean), "units, expected over the horizon"),
    ]
    items = [
        element("div", element("dt", title), element("dd", value, element("small", note)), attributes={"class": "card"})
        for title, value, note in cards
    ]
    return joined(
        paragraph(headline_sentence(answer), css="lead"), element("dl", *items, attributes={"class": "cards"})
    )


def peak_section(answer: ForecastAnswer) -> Html:
    """Distribution of the highest hour: total by month, every series over the horizon, months folded."""
    charts = [chart for chart in (month_chart(answer), series_chart(answer)) if chart]
    rows = ranked(answer)
    return section(
        "peaks",
        "1. Highest hour of the horizon",
        paragraph(
            "The highest hour of a window is taken in every sample path; what is shown is how it spreads over the "
            "paths. It is more than the peak of the mean: no mean holds the worst hour."
        ),
        *map(figure, charts),
        _peak_table("Highest hour of the whole horizon (horizon_peak.parquet)", rows),
        folded("Highest hour of each month, by group", *map(_months, rows)),
    )


def _peak_table(caption: str, rows: Sequence[SeriesOutlook]) -> Html:
    """One row for each series."""
    columns = [
        column([float(row.windows.mean_units[0]) for row in rows]),
        *(column([float(row.windows.quantile_units[0, PEAK_LEVELS.index(at)]) for row in rows]) for at in SHOWN_LEVELS),
        column([float(row.past_peak_units[-365:].max()) for row in rows]),
    ]
    headings = (
        words("Group"),
        words("Is"),
        *_peak_headings(),
        Heading(title="Highest so far", unit="last 365 days"),
    )
    kinds = {"total": "sum of all pools", "group": "group of pools", "pool": "pool"}
    cells = [
        [_name(row), kinds[row.series.kind], *(texts[index] for texts in columns)] for index, row in enumerate(rows)
    ]
    return table(caption, headings, cells)


def _months(row: SeriesOutlook) -> Html:
    """Months of one series."""
    months = range(1, len(row.windows.labels))
    columns = [
        column([float(row.windows.mean_units[at]) for at in months]),
        *(
            column([float(row.windows.quantile_units[at, PEAK_LEVELS.index(level)]) for at in months])
            for level in SHOWN_LEVELS
        ),
    ]
    cells = [
        [month_name(int(row.windows.labels[at])), *(texts[index] for texts in columns)]
        for index, at in enumerate(months)
    ]
    caption = f"{series_title(row)}, highest hour of each month"
    return table(caption, (dates("Month"), *_peak_headings()), cells)


def _peak_headings() -> list[Heading]:
    """Heads of mean and quantiles."""
    return [
        Heading(title="Mean", unit="units"),
        *(Heading(title=f"P{100 * level:.0f}", unit="units") for level in SHOWN_LEVELS),
    ]


def _name(row: SeriesOutlook) -> Html:
    """Name of a series; words of our own for the total."""
    return escaped("All pools") if row.series.kind == "total" else name_text(series_title(row))


def daily_section(answer: ForecastAnswer) -> Html:
    """History and fan of the daily peak."""
    charts = fan_charts(answer)
    hidden = len(drawn(answer)) - len(charts)
    note = [paragraph(f"{counted(hidden, 'smaller series')} not drawn; daily_peak.parquet has all.", css="under")]
    return section(
        "daily",
        "2. Highest hour of each day",
        paragraph(f"Days are those of {answer.order.zone.key}."),
        *(figure(chart) for chart in charts),
        *(note if hidden > 0 else []),
    )


def anomaly_section(title: str, anomalies: Sequence[Anomaly]) -> Html:
    """Episodes in which demand left what its past led to expect: the latest, the rest in the file."""
    if not anomalies:
        return section("anomalies", title, paragraph("Demand never left what its own past led to expect."))
    latest = list(reversed(anomalies))[:MAX_ANOMALIES]
    caption = f"The latest {len(latest)} of {len(anomalies)} anomalies of history (anomalies.csv)"
    return section(
        "anomalies",
        title,
        paragraph(
            "Episodes in which demand left, by more than a fifth and by more than usual, what its own past led to "
            "expect. They are a report of history; no date after the decision is read."
        ),
        anomaly_table(caption, latest),
    )


def anomaly_table(caption: str, anomalies: Sequence[Anomaly]) -> Html:
    """One row for each."""
    rows = [
        [
            iso_of_hour(found.start_hour)[:16].replace("T", " "),
            name_text(found.group),
            found.kind,
            counted(found.n_hours, "hour"),
            number(found.units),
            number(found.expected_units),
            percent(found.deviation_fraction, 0),
        ]
        for found in anomalies
    ]
    headings = (
        dates("Start, UTC"),
        words("Group"),
        words("Kind"),
        Heading(title="Lasted"),
        Heading(title="Demand", unit="units"),
        Heading(title="Expected", unit="units"),
        Heading(title="Off by"),
    )
    return table(caption, headings, rows)
