"""The plan as a workbook for finance: its sheets in order; totals are formulas, each with the value it gives.

Not here: what the sheets hold (`optimizer.report.workbook_summary`, `workbook_tables`, `workbook_money`), how cells are
written (`optimizer.report.workbook_cells`).
"""

from optimizer.plan import Plan
from optimizer.report.words import day, why_nothing_now
from optimizer.report.workbook_cells import Book
from optimizer.report.workbook_money import payment_sheet, quarter_sheet
from optimizer.report.workbook_summary import Parts, summary_sheet
from optimizer.report.workbook_tables import (
    assumption_sheet,
    certificate_sheet,
    limit_sheet,
    moment,
    purchase_sheet,
    scenario_sheet,
)

WORKBOOK_NAME = "plan.xlsx"
SHEET_NAMES = (
    *("Summary", "Purchases", "Schedule", "Cash by quarter", "Ways of paying", "Scenarios", "Limits"),
    *("Certificate", "Assumptions"),
)


def plan_xlsx(plan: Plan) -> bytes:
    """Workbook of a plan; the same plan gives the same bytes.

    Returns
    -------
    bytes
        Office Open XML. Its date of creation is that of the decision.
    """
    book = Book(SHEET_NAMES, created=moment(plan.as_of_hour), footer=f"Plan as of {day(plan.as_of_hour)}")
    sheets = book.sheets
    nothing = "" if plan.purchases else f" {why_nothing_now(plan)}"
    parts = Parts(
        now=purchase_sheet(
            sheets["Purchases"],
            plan.purchases,
            title=f"Purchases on {day(plan.as_of_hour)}",
            sentence=f"The advice of this plan.{nothing}",
        ),
        later=purchase_sheet(
            sheets["Schedule"],
            plan.schedule,
            title="Purchases expected at later dates",
            sentence="As things look today, and decided again at each date: not advice yet.",
        ),
        scenarios=scenario_sheet(sheets["Scenarios"], plan),
        certificate=certificate_sheet(sheets["Certificate"], plan.certificate, plan.reduction),
        quarters=quarter_sheet(sheets["Cash by quarter"], plan.money),
    )
    payment_sheet(sheets["Ways of paying"], plan.money)
    limit_sheet(sheets["Limits"], plan.limits)
    assumption_sheet(sheets["Assumptions"], plan)
    summary_sheet(sheets["Summary"], plan, parts)
    return book.content()
