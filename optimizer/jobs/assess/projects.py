"""Engineering work, and ways to the same end, assessed.

Not here: the arithmetic (`optimizer.finance_projects`, `optimizer.finance_options`).
"""

import math

from forecasting.numerals import percent
from optimizer.assessment import CaseAnswer, Fact, FactTable
from optimizer.assessment_cases import OptionPart, OptionsCase, ProjectCase
from optimizer.finance import round_off
from optimizer.finance_options import (
    MONTHS_PER_YEAR,
    OptionCosts,
    OptionTotals,
    Ranking,
    break_even_years,
    grown_usd,
    option_totals,
    rankings,
)
from optimizer.finance_projects import (
    Project,
    break_even_bill_usd,
    effort_usd,
    flat_payback_months,
    path_payback_months,
    saved_within_usd,
)
from optimizer.jobs.assess.words import count_text, usd_text

GOAL_TITLES = {
    "npv": "Least present cost",
    "ebitda": "Highest EBITDA",
    "free_cash_flow": "Free cash flow: least cash tied up",
    "payback": "Shortest payback",
}


def project_answer(case: ProjectCase) -> CaseAnswer:
    """Go or no-go by the hurdle on payback, and the bill at which it flips."""
    project = _project(case)
    today = flat_payback_months(project, bill_usd=project.monthly_bill_usd)
    judged = _judged_months(case, project)
    is_go = judged <= case.hurdle_months
    flip = break_even_bill_usd(project, hurdle_months=case.hurdle_months)
    saved_year = project.judged_bill_usd * project.saved_fraction * MONTHS_PER_YEAR
    verdict = "go" if is_go else "no-go"
    facts = (
        Fact(key="effort_usd", title="Cost of the work", value=project.effort_usd, unit="USD"),
        Fact(key="saved_usd_per_year", title="Saved a year", value=saved_year, unit="USD/year"),
        Fact(key="payback_months", title="Payback that decides", value=judged, unit="months"),
        Fact(key="payback_months_at_todays_bill", title="Payback at today's bill", value=today, unit="months"),
        Fact(key="hurdle_months", title="Hurdle", value=case.hurdle_months, unit="months"),
        Fact(key="break_even_bill_usd", title="Monthly bill at which it flips", value=flip, unit="USD/month"),
        Fact(
            key="first_year_net_usd",
            title="Saved in a year less the cost",
            value=saved_year - project.effort_usd,
            unit="USD",
        ),
    )
    return CaseAnswer(
        name=case.name,
        kind=case.kind,
        note=case.note,
        verdict=verdict,
        statement=_project_sentence(case, project, judged, verdict),
        facts=facts,
        flip_points=_project_flips(case, project, flip),
    )


def _project(case: ProjectCase) -> Project:
    """Project of a case; a saving that is given a year is all of its own bill."""
    effort = effort_usd(
        people=case.people, months=case.months, month_usd=case.person_month_usd, one_off_usd=case.one_off_usd
    )
    if case.saved_usd_per_year is not None:
        bill, saved = case.saved_usd_per_year / MONTHS_PER_YEAR, 1.0
    else:
        bill, saved = case.monthly_bill_usd or 0.0, case.saved_fraction or 0.0
    return Project(
        monthly_bill_usd=bill,
        saved_fraction=saved,
        effort_usd=effort,
        later_bill_usd=case.later_monthly_bill_usd,
        growth_months=case.growth_months,
        delay_months=case.delay_months,
    )


def _judged_months(case: ProjectCase, project: Project) -> float:
    """Payback that decides: along the path of the bill where its length is given, else at the larger bill."""
    if case.growth_months is not None:
        return path_payback_months(project)
    return flat_payback_months(project, bill_usd=project.judged_bill_usd)


def _project_sentence(case: ProjectCase, project: Project, judged: float, verdict: str) -> str:
    """The verdict with its arithmetic."""
    saved = project.judged_bill_usd * project.saved_fraction * MONTHS_PER_YEAR
    at = ""
    if case.later_monthly_bill_usd is not None:
        at = " at the larger bill" if case.growth_months is None else " as the bill grows"
    text = (
        f"{verdict}: payback {count_text(judged, 'month')}{at}, hurdle {count_text(case.hurdle_months, 'month')}. "
        f"Saves {usd_text(saved)}/year{' at the larger bill' if at else ''}, costs {usd_text(project.effort_usd)}."
    )
    if case.later_monthly_bill_usd is not None and case.growth_months is None:
        today = flat_payback_months(project, bill_usd=project.monthly_bill_usd)
        text += (
            f" At today's bill the payback is {count_text(today, 'month')}; it is not said when the larger one comes."
        )
    return text


def _project_flips(case: ProjectCase, project: Project, flip_bill: float) -> tuple[str, ...]:
    """At which bill and at which effort it flips."""
    most = project.judged_bill_usd * project.saved_fraction * max(case.hurdle_months - case.delay_months, 0.0)
    effort = f"Go if the work costs no more than {usd_text(most)}"
    if case.growth_months is not None:
        along = saved_within_usd(project, case.hurdle_months)
        return (
            f"Go if the work costs no more than {usd_text(along)}, what the hurdle's months save as the bill grows.",
        )
    if not math.isfinite(flip_bill):
        return ("No bill makes it a go: nothing is saved before the hurdle ends.",)
    if case.saved_usd_per_year is not None:
        return (f"Go from {usd_text(flip_bill * MONTHS_PER_YEAR)} saved a year on.", f"{effort}.")
    return (
        f"Go from a bill of {usd_text(flip_bill)}/month on.",
        f"{effort} at that bill of {usd_text(project.judged_bill_usd)}/month.",
    )


def options_answer(case: OptionsCase) -> CaseAnswer:
    """Total cost of each option, when it has paid back against the first, and which is best by what."""
    costs = [_option_costs(option, case.years) for option in case.options]
    totals = option_totals(costs, rate_yearly=case.discount_rate_yearly)
    ranked = rankings(totals, hurdle_months=case.payback_hurdle_months)
    best = ranked[0].names[0]
    return CaseAnswer(
        name=case.name,
        kind=case.kind,
        note=case.note,
        verdict=best,
        statement=_options_sentence(case, totals, best),
        facts=tuple(
            Fact(key=f"best_by_{ranking.goal}", title=GOAL_TITLES[ranking.goal], value=ranking.names[0])
            for ranking in ranked
        ),
        tables=(_totals_table(totals), _years_table(totals), _ranking_table(ranked)),
        flip_points=tuple(_option_flip(one, totals[0]) for one in totals[1:]),
    )


def _option_costs(option: OptionPart, n_years: int) -> OptionCosts:
    """What runs, and people, year by year."""
    running = grown_usd(option.yearly_usd, growth_fraction=option.growth_fraction, n_years=n_years)
    staff = grown_usd(
        option.staff_people * option.staff_usd_per_year, growth_fraction=option.staff_growth_fraction, n_years=n_years
    )
    return OptionCosts(
        name=option.name,
        upfront_usd=option.upfront_usd,
        is_capital=option.upfront_is_capital,
        yearly_usd=running + staff,
    )


def _options_sentence(case: OptionsCase, totals: tuple[OptionTotals, ...], best: str) -> str:
    """Cheapest option, and when each one has paid back."""
    at = f" at {percent(case.discount_rate_yearly)} a year" if case.discount_rate_yearly else ""
    by_name = {one.name: one for one in totals}
    parts = [f"{best} costs least over {count_text(case.years, 'year')}{at}: {usd_text(by_name[best].present_usd)}."]
    for one in totals[1:]:
        found = break_even_years(one)
        when = (
            f"breaks even with {totals[0].name} in year {found[0]} ({count_text(found[1], 'year')})"
            if found and one.tied_up_usd > 0.0
            else f"never costs more than {totals[0].name}"
            if found
            else f"does not break even with {totals[0].name} within {count_text(case.years, 'year')}"
        )
        parts.append(f"{one.name} {when}.")
    return " ".join(parts)


def _option_flip(one: OptionTotals, first: OptionTotals) -> str:
    """How much dearer or cheaper the option may be before the order of the two turns."""
    lead = round_off(first.present_usd - one.present_usd, first.present_usd + one.present_usd)
    side = "more" if lead >= 0 else "less"
    return f"{one.name} and {first.name} change places when {one.name} costs {usd_text(abs(lead))} {side} upfront."


def _totals_table(totals: tuple[OptionTotals, ...]) -> FactTable:
    """One row for each option."""
    return FactTable(
        key="options",
        title="Options over all years; payback against the first one",
        columns=(
            ("name", "Option", ""),
            ("total_usd", "Total cost", "USD"),
            ("present_usd", "Present cost", "USD"),
            ("ebitda_usd", "EBITDA", "USD"),
            ("first_year_cash_usd", "Cash, first year", "USD"),
            ("tied_up_usd", "Cash tied up at most", "USD"),
            ("payback_years", "Payback", "years"),
            ("discounted_payback_years", "Discounted payback", "years"),
        ),
        rows=tuple(
            (
                one.name,
                one.total_usd,
                one.present_usd,
                float(one.ebitda_usd.sum()),
                float(one.cash_usd[0]),
                one.tied_up_usd,
                one.payback_years,
                one.discounted_payback_years,
            )
            for one in totals
        ),
    )


def _years_table(totals: tuple[OptionTotals, ...]) -> FactTable:
    """Cash, EBITDA and EBIT of each option and year."""
    return FactTable(
        key="years",
        title="Year by year, cost below zero",
        columns=(
            ("name", "Option", ""),
            ("year", "Year", ""),
            ("cash_usd", "Cash", "USD"),
            ("ebitda_usd", "EBITDA", "USD"),
            ("ebit_usd", "EBIT", "USD"),
        ),
        rows=tuple(
            (one.name, year + 1, float(one.cash_usd[year]), float(one.ebitda_usd[year]), float(one.ebit_usd[year]))
            for one in totals
            for year in range(len(one.cash_usd))
        ),
    )


def _ranking_table(ranked: tuple[Ranking, ...]) -> FactTable:
    """Order of the options under each goal."""
    return FactTable(
        key="rankings",
        title="Order of the options by goal",
        columns=(("goal", "Goal", ""), ("order", "From best to worst", "")),
        rows=tuple((GOAL_TITLES[one.goal], ", ".join(one.names)) for one in ranked),
    )
