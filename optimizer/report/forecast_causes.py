"""What moves demand, for the pages of a forecast and of a plan: growth, events, chances of replacement, cliffs.

Not here: peaks (`optimizer.report.forecast_sections`).
"""

from collections.abc import Sequence

from forecasting.cliffs import Cliff
from forecasting.decompose import ORGANIC, GrowthPart
from forecasting.event_effects import DECLARED, ESTIMATED, FOUND, EventEffect
from forecasting.numerals import percent
from optimizer.jobs.forecast_answer import ForecastAnswer
from optimizer.jobs.forecast_causes import PoolChance
from optimizer.report.charts import distinct
from optimizer.report.forecast_cause_charts import growth_chart, parts_chart
from optimizer.report.markup import Heading, Html, dates, element, escaped, folded, joined, name_text, table, words
from optimizer.report.numbers import column, number, without_noise
from optimizer.report.sections import figure, paragraph, section
from optimizer.report.words import ALL_POOLS, counted, day

MAX_NAMED_POOLS = 3
MAX_CHANCES = 15
NO_RIVALS = "No pool shares its group with another one that could replace it."
CHANCES = (
    "The chance that a replacement begins within a year comes "
    "from the pool's age and from how pools of about its size have lived and died in this history; the scenarios hold "
    "it, declared or not."
)
EFFECTS = "What each event does, at full size, to the demand of the pools that it is measured on."
GROWTH = (
    "Growth is the mean of the last four weeks of a window less that of the four weeks before it. What an event did "
    "counts as inorganic, all else as organic. Intervals hold the central 80 %."
)
NOT_DECLARED, NO_BASE = "none", "new demand"
NEVER = "not within it"
EXACT = "exact"
SOURCES = {
    DECLARED: "declared",
    ESTIMATED: "declared, size estimated from demand",
    FOUND: "found in demand",
}


def growth_section(answer: ForecastAnswer) -> Html:
    """Table and chart of the total, the parts of history, one folded table with every pool."""
    chart = parts_chart(answer.parts)
    return section(
        "growth",
        "3. Organic and inorganic growth",
        paragraph(GROWTH),
        *growth_parts(answer.causes.growth),
        *([figure(chart)] if chart else []),
    )


def growth_parts(parts: Sequence[GrowthPart]) -> list[Html]:
    """Table and chart of all pools together, and every pool folded; what is not there is left out."""
    total = [part for part in parts if part.pool is None]
    pools = [part for part in parts if part.pool is not None]
    chart = growth_chart(parts)
    made = [_growth_table("Change of mean demand of all pools, units", total, by_pool=False)] if total else []
    made += [figure(chart)] if chart else []
    if pools:
        every = _growth_table("Change of mean demand by pool, units", pools, by_pool=True)
        made.append(folded("Growth of every pool", every))
    return made


def _growth_table(caption: str, parts: Sequence[GrowthPart], *, by_pool: bool) -> Html:
    """One row for each cause (of each pool), two columns for each window; sums only of the total."""
    windows = distinct(part.window for part in parts)
    keys = list(dict.fromkeys((part.pool, part.kind, part.name) for part in parts))
    keys.sort(key=lambda key: (key[0] or "", key[1] != ORGANIC))
    found = {(part.kind, part.name) for part in parts if part.is_found}
    columns = []
    for window in windows:
        own = {(part.pool, part.kind, part.name): part for part in parts if part.window == window}
        columns += _growth_columns([own.get(key) for key in keys])
    rows = [
        [
            *([escaped(ALL_POOLS) if pool is None else name_text(pool)] if by_pool else []),
            "Organic" if kind == ORGANIC else name_text(name),
            f"{kind}, found" if (kind, name) in found else kind,
            *(texts[index] for texts in columns),
        ]
        for index, (pool, kind, name) in enumerate(keys)
    ]
    if not by_pool:
        rows.append(["All", "", *(texts[-1] for texts in columns)])
    headings = (
        *([words("Pool")] if by_pool else []),
        words("Cause"),
        words("Kind"),
        *(heading for window in windows for heading in (Heading(title=window, unit="units"), Heading(title="80 %"))),
    )
    return table(caption, headings, rows, total=not by_pool)


def _growth_columns(parts: Sequence[GrowthPart | None]) -> list[list[str]]:
    """Growth and its interval of one window, with the sum as the last; a cause that moved nothing has none."""
    known = [part for part in parts if part is not None]
    largest = max((abs(part.units) for part in known), default=0.0)
    values = [0.0 if part is None else without_noise(part.units, largest) for part in parts]
    bounds = [bound for part in known for bound in (part.low_units, part.high_units)]
    texts = column([*values, sum(values), *(without_noise(bound, largest) for bound in bounds)])
    n_rows = len(values) + 1
    ends = iter(texts[n_rows:])
    intervals = ["" if part is None else _interval(part, next(ends), next(ends)) for part in parts]
    return [texts[:n_rows], [*intervals, ""]]


def event_section(answer: ForecastAnswer) -> Html:
    """Effect of every event, declared or found, with its interval."""
    effects = answer.causes.effects
    if not effects:
        none = "No declared event is visible at this date, and no lasting change of level was found."
        return section("events", "4. Events", paragraph(none))
    return section(
        "events",
        "4. Events",
        paragraph(EFFECTS),
        event_table("Effects of events (events.csv)", effects),
    )


def event_table(caption: str, effects: Sequence[EventEffect]) -> Html:
    """One row for each event."""
    units = column([bound for effect in effects for bound in (effect.units, effect.low_units, effect.high_units)])
    rows = [
        [
            joined(name_text(effect.name), element("span", _pools(effect.pools), attributes={"class": "note"})),
            effect.kind.replace("_", " "),
            _days(effect),
            *_fractions(effect),
            units[3 * index],
            _interval(effect, *units[3 * index + 1 : 3 * index + 3]),
            joined(SOURCES[effect.source], element("span", effect.note, attributes={"class": "note"})),
        ]
        for index, effect in enumerate(effects)
    ]
    headings = (
        words("Event"),
        words("Kind"),
        dates("Days"),
        Heading(title="Declared"),
        Heading(title="Effect"),
        Heading(title="90 % interval"),
        Heading(title="Effect", unit="units"),
        Heading(title="90 % interval", unit="units"),
        words("From"),
    )
    return table(caption, headings, rows)


def _fractions(effect: EventEffect) -> list[str]:
    """Declared change, change and its interval; pools without demand before have none."""
    if effect.base_units <= 0:
        return ["", NO_BASE, ""]
    declared = NOT_DECLARED if effect.declared_fraction is None else percent(effect.declared_fraction)
    interval = _interval(effect, percent(effect.low_fraction), percent(effect.high_fraction))
    return [declared, percent(effect.fraction), interval]


def _interval(of: GrowthPart | EventEffect, low: str, high: str) -> str:
    """Interval in words; none where nothing about it is uncertain."""
    return EXACT if of.low_units == of.high_units else f"{low} to {high}"


def _pools(pools: Sequence[str]) -> Html:
    """Pools, the first few by name."""
    named = [name_text(pool) for pool in pools[:MAX_NAMED_POOLS]]
    hidden = len(pools) - len(named)
    parts = [part for name in named for part in (name, ", ")][:-1]
    return joined(*parts, f" and {hidden} more" if hidden else "")


def _days(effect: EventEffect) -> Html:
    """First and last day of the ramp, one under the other."""
    first, last = day(effect.start_hour), day(max(effect.end_hour - 1, effect.start_hour))
    return escaped(first) if first == last else joined(first, element("br"), last)


def chance_section(title: str, chances: Sequence[PoolChance]) -> Html:
    """How likely the largest pools are to be replaced."""
    told = [paragraph(CHANCES), chance_table(chances)] if chances else [paragraph(NO_RIVALS)]
    return section("replacement", title, *told)


def chance_table(chances: Sequence[PoolChance]) -> Html:
    """One row for each of the largest pools."""
    largest = sorted(chances, key=lambda chance: -chance.mean_units)[:MAX_CHANCES]
    units = column([chance.mean_units for chance in largest])
    rows = [
        [
            name_text(chance.pool),
            text,
            f"{'' if chance.is_age_known else 'at least '}{counted(chance.age_days, 'day')}",
            percent(chance.chance, 0),
        ]
        for chance, text in zip(largest, units, strict=True)
    ]
    headings = (
        words("Pool"),
        Heading(title="Mean demand", unit="units, last 4 weeks"),
        Heading(title="Age"),
        Heading(title="Replacement within a year"),
    )
    hidden = len(chances) - len(largest)
    rest = f"; {counted(hidden, 'smaller pool')} in the JSON file" if hidden else ""
    return table(f"Chance that the replacement of a pool begins within a year{rest}", headings, rows)


def cliff_section(title: str, cliffs: Sequence[Cliff]) -> Html:
    """When demand crosses each declared threshold."""
    return section("cliffs", title, cliff_table("First hour above each threshold (cliffs.csv)", cliffs))


def cliff_table(caption: str, cliffs: Sequence[Cliff]) -> Html:
    """One row for each threshold."""
    rows = [
        [
            joined(name_text(cliff.name), element("span", _pools(cliff.pools), attributes={"class": "note"})),
            number(cliff.threshold_units),
            percent(cliff.probability),
            *(NEVER if hour is None else day(hour) for hour in (cliff.p10_hour, cliff.p50_hour, cliff.p90_hour)),
            f"{cliff.likeliest_quarter.quarter or NEVER} ({percent(cliff.likeliest_quarter.probability, 0)})",
            "never" if cliff.already_crossed_hour is None else day(cliff.already_crossed_hour),
        ]
        for cliff in cliffs
    ]
    headings = (
        words("Threshold"),
        Heading(title="Above", unit="units"),
        Heading(title="Crossed in the horizon"),
        *(dates(f"{level} % sure by") for level in (10, 50, 90)),
        words("Likeliest quarter"),
        dates("Last above it"),
    )
    return table(caption, headings, rows)
