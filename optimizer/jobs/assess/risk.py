"""Peak headroom, expected loss against its mitigation, and downtime that an availability allows, assessed.

Not here: the arithmetic (`optimizer.expected_loss`); headroom of a plan (`optimizer.headroom`).
"""

from forecasting.numerals import percent
from optimizer.assessment import CaseAnswer, Cell, Fact, FactTable
from optimizer.assessment_cases import AvailabilityCase, ExpectedLossCase, PeakHeadroomCase
from optimizer.expected_loss import (
    MINUTES_PER_HOUR,
    CalendarFactor,
    CapacityOption,
    Credits,
    EventLoss,
    Stretch,
    allowed_downtime_hours,
    best_by_chance,
    event_loss,
    expected_cost_usd,
    flip_probability,
    hour_factors,
    hours_of_year,
)
from optimizer.jobs.assess.words import chance_text, share_text, usd_text

DEPENDS = "depends on the chance"


def peak_headroom_answer(case: PeakHeadroomCase) -> CaseAnswer:
    """Option of the least expected cost, and the chance at which another one is."""
    options = tuple(
        CapacityOption(
            name=part.name,
            cost_usd=part.cost_usd,
            fails_above_fraction=part.fails_above_fraction,
            loss_usd=part.loss_usd,
        )
        for part in case.options
    )
    chances = {part.above_fraction: part.probability for part in case.exceedance}
    thresholds = sorted({one.fails_above_fraction for one in options if one.fails_above_fraction is not None})
    by_threshold = {
        threshold: best_by_chance(
            options,
            threshold_fraction=threshold,
            others={other: chances.get(other, 0.0) for other in thresholds if other != threshold},
        )
        for threshold in thresholds
    }
    rules = [_rule(threshold, stretches) for threshold, stretches in by_threshold.items()]
    if not chances:
        verdict, text = DEPENDS, f"{rules[0]}."
    else:
        verdict = min(options, key=lambda option: expected_cost_usd(option, chances)).name
        least = min(expected_cost_usd(option, chances) for option in options)
        text = f"Buy {verdict}: expected cost {usd_text(least)}. {'. '.join(rules)}."
    edges = [
        Fact(
            key="flip_probability" if len(thresholds) == 1 else f"flip_probability_above_{threshold:g}",
            title=f"Chance of traffic > {percent(threshold, 0)} at which the choice flips",
            value=stretches[0].to_probability if len(stretches) > 1 else None,
            unit="fraction",
        )
        for threshold, stretches in by_threshold.items()
    ]
    return CaseAnswer(
        name=case.name,
        kind=case.kind,
        note=case.note,
        verdict=verdict,
        statement=text,
        facts=tuple(edges),
        tables=(_capacity_table(options, chances),),
        flip_points=tuple(f"{rule}." for rule in rules),
    )


def _rule(threshold: float, stretches: tuple[Stretch, ...]) -> str:
    """Which option is best at which chance, from the rarest down."""
    event = f"P(traffic > {percent(threshold, 0)})"
    if len(stretches) == 1:
        return f"Buy {stretches[0].name} whatever {event} is"
    parts = [f"buy {one.name} if {event} > {chance_text(one.from_probability)}" for one in reversed(stretches[1:])]
    text = f"{', '.join(parts)}, else {stretches[0].name}"
    return text[0].upper() + text[1:]


def _capacity_table(options: tuple[CapacityOption, ...], chances: dict[float, float]) -> FactTable:
    """Cost of each option; expected where the chances are given."""
    rows: list[tuple[Cell, ...]] = []
    for one in options:
        threshold = one.fails_above_fraction
        chance = 0.0 if threshold is None else chances.get(threshold)
        expected = None if chance is None else one.cost_usd + chance * one.loss_usd
        rows.append((one.name, one.cost_usd, threshold, one.loss_usd, chance, expected))
    return FactTable(
        key="options",
        title="Options",
        columns=(
            ("name", "Option", ""),
            ("cost_usd", "Cost", "USD"),
            ("fails_above_fraction", "Fails above", "fraction"),
            ("loss_usd", "Loss", "USD"),
            ("probability", "Chance of failing", "fraction"),
            ("expected_usd", "Expected cost", "USD"),
        ),
        rows=tuple(rows),
    )


def expected_loss_answer(case: ExpectedLossCase) -> CaseAnswer:
    """Mitigate or accept, with the flip point; by hour of the calendar where one is given."""
    factors, mean = _factors(case), 1.0
    hours = _class_hours(case)
    if hours:
        mean = sum(n_hours * factor for _, n_hours, factor in hours) / sum(n_hours for _, n_hours, _ in hours)
    loss = _loss(case, mean)
    expected = case.probability * loss.usd
    facts = [
        Fact(key="direct_usd", title="Direct loss of one event", value=loss.direct_usd, unit="USD"),
        Fact(key="liability_usd", title="Credits owed for one event", value=loss.liability_usd, unit="USD"),
        Fact(key="loss_usd", title="Loss of one event", value=loss.usd, unit="USD"),
        Fact(key="expected_loss_usd", title="Expected loss", value=expected, unit="USD"),
        Fact(key="expected_direct_usd", title="Of it direct", value=case.probability * loss.direct_usd, unit="USD"),
        Fact(
            key="expected_liability_usd",
            title="Of it liability",
            value=case.probability * loss.liability_usd,
            unit="USD",
        ),
    ]
    text = f"Expected loss {usd_text(expected)}: {share_text(case.probability)} x {usd_text(loss.usd)}"
    text += f", of which {usd_text(case.probability * loss.liability_usd)} liability." if case.credits else "."
    verdict = "not decided: no mitigation given"
    flips: tuple[str, ...] = ()
    if case.mitigation is not None:
        verdict, sentence, found, flips = _mitigation(case, loss)
        text, facts = f"{text} {sentence}", [*facts, *found]
    tables = (_calendar_table(case, hours),) if factors else ()
    return CaseAnswer(
        name=case.name,
        kind=case.kind,
        note=case.note,
        verdict=verdict,
        statement=text + (_calendar_sentence(hours) if factors else ""),
        facts=tuple(facts),
        tables=tables,
        flip_points=flips,
    )


def _loss(case: ExpectedLossCase, factor: float) -> EventLoss:
    """Loss of one event in an hour of a factor."""
    credits = case.credits
    owed = (
        0.0
        if credits is None
        else Credits(
            affected_fraction=credits.affected_fraction,
            monthly_bill_usd=credits.monthly_bill_usd,
            credit_fraction=credits.credit_fraction,
        ).usd
    )
    return event_loss(
        impact_usd_per_hour=case.impact_usd_per_hour * factor,
        blast_radius_fraction=case.blast_radius_fraction,
        duration_hours=case.detect_hours + case.repair_hours,
        credits_usd=owed,
    )


def _mitigation(case: ExpectedLossCase, loss: EventLoss) -> tuple[str, str, list[Fact], tuple[str, ...]]:
    """Verdict, sentence, figures and flip points of what can be done."""
    if case.mitigation is None:  # the caller has asked; mypy has not heard
        return "", "", [], ()
    cost, part = case.mitigation.cost_usd, case.mitigation.removed_fraction
    removed = case.probability * loss.usd * part
    verdict = "mitigate" if removed > cost else "accept"
    flip = flip_probability(cost_usd=cost, loss_usd=loss.usd, removed_fraction=part)
    sentence = f"{verdict.capitalize()}: the mitigation costs {usd_text(cost)} and removes {usd_text(removed)} of it."
    facts = [
        Fact(key="removed_usd", title="Expected loss that the mitigation removes", value=removed, unit="USD"),
        Fact(key="mitigation_usd", title="Cost of the mitigation", value=cost, unit="USD"),
        Fact(key="flip_probability", title="Chance at which it flips", value=flip, unit="fraction"),
    ]
    chance = (
        "Accept at any probability: the mitigation costs more than one event."
        if flip is None
        else f"Mitigate if the probability is above {share_text(flip)}, else accept."
    )
    return verdict, sentence, facts, (chance, f"Mitigate if it costs less than {usd_text(removed)}.")


def _factors(case: ExpectedLossCase) -> tuple[CalendarFactor, ...]:
    """Calendar of the case."""
    return tuple(
        CalendarFactor(
            name=part.name,
            factor=part.factor,
            months=part.months,
            days=part.days,
            weekdays=part.weekdays,
            hours=part.hours,
        )
        for part in case.impact_calendar
    )


def _class_hours(case: ExpectedLossCase) -> list[tuple[str, int, float]]:
    """Name, hours a year and factor of each class of hours, ordinary ones first; empty without a calendar."""
    factors = _factors(case)
    if not factors or case.calendar_year is None:
        return []
    hours = hours_of_year(case.calendar_year)
    found = hour_factors(hours, factors)
    rest = ~sum((factor.holds(hours) for factor in factors), start=hours < 0)
    out = [("ordinary", int(rest.sum()), 1.0)]
    for value in sorted({factor.factor for factor in factors}):
        inside = (found == value) & ~rest
        names = [factor.name for factor in factors if factor.factor == value]
        if inside.any():
            out.append((", ".join(names), int(inside.sum()), value))
    return out


def _calendar_sentence(hours: list[tuple[str, int, float]]) -> str:
    """What an hour of the dearest class is worth."""
    name, _, factor = max(hours, key=lambda one: one[2])
    return f" A minute of '{name}' is worth {factor:g} ordinary ones."


def _calendar_table(case: ExpectedLossCase, hours: list[tuple[str, int, float]]) -> FactTable:
    """Loss of an event by the hours it falls in; equally likely in each hour of the year."""
    whole = sum(n_hours for _, n_hours, _ in hours)
    rows = []
    for name, n_hours, factor in hours:
        loss = _loss(case, factor)
        expected = case.probability * n_hours / whole * loss.usd
        rows.append((name, n_hours, factor, case.impact_usd_per_hour * factor / MINUTES_PER_HOUR, loss.usd, expected))
    return FactTable(
        key="calendar",
        title=f"Impact by hour of the calendar of {case.calendar_year}, an event equally likely in each hour",
        columns=(
            ("hours", "Hours", ""),
            ("n_hours", "In the year", "h"),
            ("factor", "Times ordinary", ""),
            ("impact_usd_per_minute", "Impact of a minute", "USD"),
            ("loss_usd", "Loss of one event", "USD"),
            ("expected_loss_usd", "Expected loss", "USD"),
        ),
        rows=tuple(rows),
    )


def availability_answer(case: AvailabilityCase) -> CaseAnswer:
    """Downtime that each availability allows."""
    rows: list[tuple[Cell, ...]] = []
    parts = []
    for level in case.levels:
        hours = allowed_downtime_hours(level, period_hours=case.period_hours)
        impact = None if case.impact_usd_per_hour is None else hours * case.impact_usd_per_hour
        rows.append((level, hours, hours * MINUTES_PER_HOUR, impact))
        parts.append(f"{_level_text(level)} allows {_downtime_text(hours)}")
    span = "a year" if case.period_hours == 8_760.0 else f"in {case.period_hours:g} hours"
    return CaseAnswer(
        name=case.name,
        kind=case.kind,
        note=case.note,
        verdict="allowed downtime",
        statement=f"{', '.join(parts)} {span}.",
        tables=(
            FactTable(
                key="levels",
                title=f"Downtime allowed {span}",
                columns=(
                    ("availability_fraction", "Availability", "availability"),
                    ("downtime_hours", "Downtime", "h"),
                    ("downtime_minutes", "Downtime", "min"),
                    ("impact_usd", "Impact", "USD"),
                ),
                rows=tuple(rows),
            ),
        ),
    )


def _level_text(level: float) -> str:
    """Availability with every nine that was given."""
    return f"{100.0 * level:.10g} %"


def _downtime_text(hours: float) -> str:
    """Hours, or minutes below one hour."""
    return f"{hours:.2f} h" if hours >= 1.0 else f"{hours * MINUTES_PER_HOUR:.1f} min"
