"""The summary of the workbook: figures that refer to the other sheets, and checks of them against plan.json.

Not here: the other sheets (`optimizer.report.workbook_tables`, `optimizer.report.workbook_money`).
"""

from dataclasses import dataclass

from forecasting.numerals import percent
from optimizer.plan import CostSummary, Plan
from optimizer.plan_money import PlanMoney
from optimizer.report.money_section import GOAL_TITLES
from optimizer.report.numbers import without_noise
from optimizer.report.words import committed_usd, saving_sentence, upfront_usd
from optimizer.report.workbook_cells import Cell, Column, Sheet, Table, Value
from optimizer.report.workbook_money import quarter_total
from optimizer.report.workbook_tables import moment, scenario_key, summed

TOLERANCE_USD = 0.005  # two figures that differ by less are the same to the cent


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Where the tables lie that the summary refers to."""

    now: Table
    later: Table
    scenarios: Table
    certificate: Table
    quarters: Table | None


def summary_sheet(sheet: Sheet, plan: Plan, parts: Parts) -> None:
    """The answer in figures that refer to the other sheets."""
    sheet.title(plan.title)
    sheet.sentence(f"{saving_sentence(plan)} {plan.certificate.statement}")
    sheet.sentence("Expected costs are amortized, inside the window. Money is USD, times are UTC.")
    sheet.gap()
    columns = (Column(key="what", title="Window", width=44), Column(key="date", title="UTC", style="date", width=20))
    window: list[list[Value]] = [
        ["As of", moment(plan.as_of_hour)],
        ["Ends before", moment(plan.horizon_end_hour)],
    ]
    sheet.table(columns, window)
    _cost_table(sheet, plan, parts.scenarios)
    _commitment_table(sheet, plan, parts)
    if plan.money is not None and parts.quarters is not None:
        _cash_table(sheet, plan.money, parts.quarters)
    _check_table(sheet, plan, parts)


def _usd(key: str, title: str) -> Column:
    """Column of amounts."""
    return Column(key=key, title=title, style="usd", width=20)


def _percent(key: str, title: str) -> Column:
    """Column of fractions."""
    return Column(key=key, title=title, style="percent", width=14)


def _cost_table(sheet: Sheet, plan: Plan, scenarios: Table) -> None:
    """Expected cost of the plan and of what it is compared with."""
    columns = (
        Column(key="what", title="Cost in the window", width=44),
        _usd("expected", "Expected, USD"),
        _usd("more", "More than the plan, USD"),
        *(_usd("p10", "P10, USD"), _usd("p50", "P50, USD"), _usd("p90", "P90, USD"), _usd("cvar", "CVaR, USD")),
        *(_percent("esr", "Effective savings rate"), _percent("cover", "Coverage"), _percent("use", "Utilization")),
        _usd("stranded", "Stranded, USD"),
        _percent("part", "Stranded, of committed"),
    )
    rows = [_cost_row(plan, one, f"={scenarios.total(scenario_key(place))}") for place, one in _numbered(plan)]
    sheet.table(columns, rows, caption="Expected cost, amortized")


def _numbered(plan: Plan) -> list[tuple[int, CostSummary]]:
    """Summaries with their places."""
    return list(enumerate(plan.summaries))


def _mean_usd(plan: Plan, one: CostSummary) -> float:
    """Expected cost from the scenarios, as its formula adds it up. [USD]"""
    pairs = zip(plan.scenario_weights.tolist(), one.scenario_usd.tolist(), strict=True)
    return float(sum(weight * usd for weight, usd in pairs))


def _cost_row(plan: Plan, one: CostSummary, formula: str) -> list[Value]:
    """Cells of one way of buying."""
    expected = _mean_usd(plan, one)
    return [
        one.title,
        Cell(formula=formula, value=expected),
        Cell(formula="={expected}{row}-{expected}{first}", value=expected - _mean_usd(plan, plan.summary)),
        *(one.p10_usd, one.p50_usd, one.p90_usd, one.cvar_usd),
        *(without_noise(part, 1.0) for part in (one.esr, one.coverage, one.utilization)),
        one.stranded_usd,
        one.stranded_fraction,
    ]


def _commitment_table(sheet: Sheet, plan: Plan, parts: Parts) -> None:
    """What is committed now and later."""
    columns = (
        Column(key="what", title="Purchases", width=44),
        _usd("committed", "Committed over the terms, USD"),
        _usd("upfront", "Upfront, USD"),
        _usd("later", "Paid as it runs, USD"),
        Column(key="n", title="Number", style="count", width=14),
    )
    rows: list[list[Value]] = []
    for title, bought, table in (("Now", plan.purchases, parts.now), ("Later, expected", plan.schedule, parts.later)):
        committed, upfront = committed_usd(bought), upfront_usd(bought)
        sheet_name, letter = table.sheet, table.letters["committed"]
        rows.append(
            [
                title,
                Cell(formula=f"={table.total('committed')}", value=committed),
                Cell(formula=f"={table.total('upfront')}", value=upfront),
                Cell(formula=f"={table.total('later')}", value=committed - upfront),
                Cell(
                    formula=f"=COUNT('{sheet_name}'!{letter}{table.first}:{letter}{table.last})",
                    value=float(len(bought)),
                ),
            ]
        )
    both = (*plan.purchases, *plan.schedule)
    committed, upfront = committed_usd(both), upfront_usd(both)
    total: list[Value] = [
        "Sum",
        *(summed("committed", committed), summed("upfront", upfront), summed("later", committed - upfront)),
        summed("n", float(len(both))),
    ]
    sheet.table(columns, rows, totals=[total], caption="Commitments, over their whole terms")


def _cash_table(sheet: Sheet, money: PlanMoney, quarters: Table) -> None:
    """Cash and books of the window."""
    columns = (Column(key="what", title="In the window", width=44), _usd("usd", "USD"))
    lines = {
        "cost": "Cost in profit and loss",
        "ebitda": "EBITDA",
        "ebit": "EBIT",
        "cash": "Cash paid",
        "free_cash_flow": "Free cash flow",
    }
    rows: list[list[Value]] = [
        [
            title,
            Cell(
                formula=f"={quarter_total(quarters, key)}",
                value=sum(float(getattr(one, f"{key}_usd")) for one in money.quarters),
            ),
        ]
        for key, title in lines.items()
    ]
    rows.append([f"Cash paid, present value at {percent(money.discount_rate_yearly, 2)} a year", money.npv_cash_usd])
    goal = GOAL_TITLES.get(money.goal, money.goal)
    sheet.table(columns, rows, caption=f"Money, expected; goal: {goal}")


def _check_table(sheet: Sheet, plan: Plan, parts: Parts) -> None:
    """Figures of this workbook against those stated in plan.json."""
    columns = (
        Column(key="what", title="Figure", width=44),
        _usd("here", "In this workbook, USD"),
        _usd("stated", "In plan.json, USD"),
        _usd("off", "Difference, USD"),
        Column(key="state", title="State", width=14),
    )
    rows = [
        _check_row(
            f"Expected cost: {one.title}",
            f"={parts.scenarios.total(scenario_key(place))}",
            (_mean_usd(plan, one), one.mean_usd),
        )
        for place, one in _numbered(plan)
    ]
    proof = plan.certificate
    billed = proof.lp_usd + sum(usd for _, usd in proof.difference_usd)
    rows.append(_check_row("Billed, rule by rule", f"={parts.certificate.total('usd')}", (billed, proof.billed_usd)))
    if plan.money is not None and parts.quarters is not None:
        rows += _cash_checks(plan.money, parts.quarters)
    sheet.table(columns, rows, caption="Checks: the same figure from the sheets and as stated in plan.json")


def _cash_checks(money: PlanMoney, quarters: Table) -> list[list[Value]]:
    """Cash saved against all on demand, from the quarters and as stated."""
    rival, cash = quarter_total(quarters, "all_on_demand"), quarter_total(quarters, "cash")
    saved = sum(one.all_on_demand_usd - one.cash_usd for one in money.quarters)
    return [
        _check_row("Cash saved against all on demand", f"={rival}-{cash}", (saved, one.saved_cash_usd))
        for one in money.comparisons
        if one.against == "all_on_demand"
    ]


def _check_row(title: str, formula: str, values: tuple[float, float]) -> list[Value]:
    """Cells of one check: the figure here and as stated."""
    here, stated = values
    off = round(here - stated, 4)  # float64 sums of large amounts differ by less
    return [
        title,
        Cell(formula=formula, value=here),
        stated,
        Cell(formula="=ROUND({here}{row}-{stated}{row},4)", value=off),
        Cell(
            formula=f'=IF(ABS({{off}}{{row}})<{TOLERANCE_USD},"agrees","differs")',
            value="agrees" if abs(off) < TOLERANCE_USD else "differs",
        ),
    ]
