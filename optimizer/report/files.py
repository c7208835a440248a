"""The files of a plan, by name, ready to be written all or nothing by `optimizer.outputs`.

Not here: what each file says.
"""

from optimizer.expected_file import EXPECTED_NAME, expected_parquet
from optimizer.jobs.forecast_causes import Causes
from optimizer.plan import Plan
from optimizer.report.explain_json import FRONTIER_NAME, frontier_csv
from optimizer.report.html import report_html
from optimizer.report.plan_json import plan_json
from optimizer.report.tables import allocation_parquet, purchases_csv
from optimizer.report.workbook import WORKBOOK_NAME, plan_xlsx


def plan_files(plan: Plan, causes: Causes) -> dict[str, bytes]:
    """Every output file of a planning run. The same plan gives the same bytes.

    Returns
    -------
    dict of str to bytes
        Content by file name.
    """
    return {
        "purchases.csv": purchases_csv(plan.purchases),
        "schedule.csv": purchases_csv(plan.schedule),
        "plan.json": plan_json(plan, causes),
        "allocation.parquet": allocation_parquet(plan.allocation),
        **({} if plan.expected is None else {EXPECTED_NAME: expected_parquet(plan.expected)}),
        **({} if plan.frontier is None else {FRONTIER_NAME: frontier_csv(plan.frontier)}),
        "report.html": report_html(plan, causes),
        WORKBOOK_NAME: plan_xlsx(plan),
    }
