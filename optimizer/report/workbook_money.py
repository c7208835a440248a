"""Sheets of the workbook on money: cash and books by quarter, ways of paying, paybacks.

Not here: how any of it is computed (`optimizer.jobs.money`).
"""

import re
from dataclasses import dataclass

from optimizer.plan_money import PaymentVariant, PlanMoney, PurchaseMoney
from optimizer.report.money_section import AGAINST_TITLES, GOAL_TITLES, VARIANT_TITLES, months_text
from optimizer.report.workbook_cells import Cell, Column, Sheet, Table, Value
from optimizer.report.workbook_tables import moment

NOT_COMPUTED = "Not computed for this plan."
BELOW = re.compile(r"\[(\w+)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Line of the sheet of quarters.

    Attributes
    ----------
    key : str
        Field of `QuarterMoney` without its unit, by which formulas of other lines name it: `[key]`.
    title : str
    formula : str
        Of other lines in the same quarter; empty: the value is written as it is.
    is_summed : bool
        Whether the quarters add up.
    """

    key: str
    title: str
    formula: str = ""
    is_summed: bool = True


LINES = (
    Line(key="on_demand", title="On demand"),
    Line(key="spot", title="Spot"),
    Line(key="fees", title="Fees of commitments, paid as they run"),
    Line(key="prepaid_expense", title="Upfront fees, this quarter's part"),
    Line(key="running", title="Owned hardware, running"),
    Line(key="depreciation", title="Owned hardware, depreciation"),
    Line(key="cost", title="Cost in profit and loss", formula="=SUM([on_demand]:[depreciation])"),
    Line(key="ebitda", title="EBITDA", formula="=[depreciation]-[cost]"),
    Line(key="ebit", title="EBIT", formula="=-[cost]"),
    Line(key="upfront", title="Upfront fees paid"),
    Line(key="capex", title="Owned hardware, paid"),
    Line(key="salvage", title="Owned hardware, sold"),
    Line(
        key="cash",
        title="Cash paid",
        formula="=[on_demand]+[spot]+[fees]+[running]+[upfront]+[capex]-[salvage]",
    ),
    Line(key="cash_p10", title="Cash paid, P10", is_summed=False),
    Line(key="cash_p90", title="Cash paid, P90", is_summed=False),
    Line(key="free_cash_flow", title="Free cash flow", formula="=-[cash]"),
    Line(key="prepaid_end", title="Prepaid at the end of the quarter", is_summed=False),
    Line(key="all_on_demand", title="All on demand, cost and cash"),
)


def quarter_sheet(sheet: Sheet, money: PlanMoney | None) -> Table | None:
    """Books and cash, a column for each quarter and one for their sum; None where they were not asked for.

    The row of a line is its place in `LINES`, after those of the dates.
    """
    sheet.title("Profit and loss, EBITDA and cash by quarter, USD")
    if money is None:
        sheet.sentence(NOT_COMPUTED)
        return None
    sheet.sentence("Expected, inside the window. Upfront fees are an expense over their terms; hardware is capital.")
    keys = [f"q{place}" for place in range(len(money.quarters))]
    columns = (
        Column(key="line", title="USD", width=40),
        *(
            Column(key=key, title=one.quarter, style="usd", width=16)
            for key, one in zip(keys, money.quarters, strict=True)
        ),
        Column(key="sum", title="Sum", style="usd", width=16),
    )
    dates: list[list[Value]] = [
        ["From (UTC)", *(moment(one.start_hour) for one in money.quarters), None],
        ["Ends before (UTC)", *(moment(one.end_hour) for one in money.quarters), None],
    ]
    rows_of = {line.key: sheet.next_first + len(dates) + place for place, line in enumerate(LINES)}
    rows = [_line_row(line, money, rows_of) for line in LINES]
    return sheet.table(columns, [*dates, *rows], role="main")


def quarter_total(table: Table, key: str) -> str:
    """Reference from another sheet to the sum of a line."""
    return table.at("sum", 2 + [line.key for line in LINES].index(key))


def _line_row(line: Line, money: PlanMoney, rows_of: dict[str, int]) -> list[Value]:
    """Cells of one line."""
    formula = BELOW.sub(lambda found: f"{{column}}{rows_of[found[1]]}", line.formula)
    values = [float(getattr(one, f"{line.key}_usd")) for one in money.quarters]
    last = f"{{q{len(values) - 1}}}"
    total = Cell(formula=f"=SUM({{q0}}{{row}}:{last}{{row}})", value=sum(values)) if line.is_summed else None
    return [line.title, *(Cell(value=value, formula=formula) for value in values), total]


def payment_sheet(sheet: Sheet, money: PlanMoney | None) -> None:
    """Cash of the plan against other ways, ways of paying for the first date, paybacks of its purchases."""
    sheet.title("Ways of paying and paybacks")
    if money is None:
        sheet.sentence(NOT_COMPUTED)
        return
    sheet.sentence(money.recommendation)
    sheet.gap()
    columns = _columns("The plan against", "Cash saved", "Present value", "Cash tied up at most")
    against: list[list[Value]] = [
        [
            AGAINST_TITLES.get(one.against, one.against),
            *(one.saved_cash_usd, one.npv_usd, one.tied_up_usd),
            *(_months(one.payback_months), _months(one.discounted_payback_months)),
        ]
        for one in money.comparisons
    ]
    sheet.table(columns, against, caption="Cash of the whole plan inside the window")
    _variant_table(sheet, money)
    _purchase_table(sheet, money)


def _columns(first: str, *amounts: str) -> tuple[Column, ...]:
    """A column of names, columns of amounts and the paybacks."""
    return (
        Column(key="name", title=first, width=40),
        *(
            Column(key=f"usd{place}", title=f"{title}, USD", style="usd", width=20)
            for place, title in enumerate(amounts)
        ),
        Column(key="payback", title="Payback, months", style="months", width=20),
        Column(key="discounted", title="Discounted payback, months", style="months", width=20),
    )


def _months(months: float) -> str | float:
    """Payback; in words where there is none."""
    return months if months < float("inf") else months_text(months)


def _variant_table(sheet: Sheet, money: PlanMoney) -> None:
    """Ways of paying, best first."""
    columns = (
        *_columns("Way of paying", "Present value", "EBITDA", "Upfront", "Cash tied up at most")[:-1],
        Column(key="first_year", title="Free cash flow, first year, USD", style="usd", width=20),
        Column(key="changed", title="Purchases changed", style="count", width=14),
    )
    caption = f"Purchases of the first date against on demand, best by {GOAL_TITLES.get(money.goal, money.goal)} first"
    sheet.table(columns, [_variant_row(one) for one in money.variants], caption=caption)


def _variant_row(one: PaymentVariant) -> list[Value]:
    """Cells of one way of paying."""
    return [
        VARIANT_TITLES.get(one.name, one.name),
        *(one.npv_usd, one.ebitda_usd, one.upfront_usd, one.tied_up_usd),
        _months(one.payback_months),
        one.first_year_cash_usd,
        float(one.n_changed),
    ]


def _purchase_table(sheet: Sheet, money: PlanMoney) -> None:
    """Paybacks of purchases with an upfront part; what all of the first date bring is no sum of them."""
    columns = (
        *_columns("Purchase", "Upfront", "Saved in the window", "Present value"),
        Column(key="flag", title=f"Past {money.payback_flag_months:g} months", width=14),
    )
    sheet.table(
        columns,
        [_purchase_row(one) for one in money.purchases],
        caption="Purchases of the first date with an upfront part, at the on-demand value of what they cover",
    )


def _purchase_row(one: PurchaseMoney) -> list[Value]:
    """Cells of one purchase, or of all of the first date."""
    return [
        "All of the first date" if one.commitment_id is None else one.commitment_id,
        *(one.upfront_usd, one.saved_usd, one.npv_usd),
        *(_months(one.payback_months), _months(one.discounted_payback_months)),
        "yes" if one.is_flagged else None,
    ]
