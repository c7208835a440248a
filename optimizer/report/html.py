"""The page of a plan: its sections in their order.

Not here: what the sections say (`optimizer.report.*_sections`), what every page has (`optimizer.report.page_frame`).
"""

from optimizer.jobs.forecast_causes import Causes
from optimizer.plan import Plan
from optimizer.report.cost_sections import certificate_section, cost_section, cover_section
from optimizer.report.demand_sections import demand_section, peak_section
from optimizer.report.explain_sections import why_section
from optimizer.report.frontier_section import frontier_section
from optimizer.report.markup import Html, element
from optimizer.report.money_section import money_section
from optimizer.report.page_frame import contents, page_bytes
from optimizer.report.purchase_sections import (
    buy_now_section,
    expiry_section,
    headline,
    limits_section,
    schedule_section,
)
from optimizer.report.run_record import again, assumption_list, record_tables
from optimizer.report.sections import paragraph, section
from optimizer.report.words import day, period

CONTENTS = (
    ("buy", "Buy now"),
    ("schedule", "Schedule"),
    ("cost", "Cost"),
    ("demand", "Demand"),
    ("cover", "What covers demand"),
    ("peaks", "Peaks and headroom"),
    ("expiries", "Expiries"),
    ("limits", "Limits"),
    ("certificate", "Certificate"),
    ("money", "Money"),
    ("why", "Why, and why not"),
    ("frontier", "Frontier"),
    ("run", "Assumptions and inputs"),
)


def report_html(plan: Plan, causes: Causes) -> bytes:
    """The page of a plan and of the causes of demand behind it. The same answer gives the same bytes.

    Returns
    -------
    bytes
        UTF-8.
    """
    sections = (
        buy_now_section(plan),
        schedule_section(plan),
        cost_section(plan),
        demand_section(plan, causes),
        cover_section(plan),
        peak_section(plan),
        expiry_section(plan),
        limits_section(plan),
        certificate_section(plan),
        money_section(plan.money),
        why_section(plan),
        frontier_section(plan.frontier),
        run_section(plan),
    )
    header = (element("h1", plan.title), _under_title(plan), headline(plan), contents(CONTENTS))
    footer = "Costs are amortized and in USD; hours are UTC. Charts need scripts, the tables do not."
    return page_bytes(f"{plan.title}, {day(plan.as_of_hour)}", header=header, sections=sections, footer=footer)


def _under_title(plan: Plan) -> Html:
    """The window under the title."""
    return paragraph(f"Decided on {day(plan.as_of_hour)}. Window {period(plan)}, hours in UTC.", css="under")


def run_section(plan: Plan) -> Html:
    """Assumptions, inputs, versions, and how to get the same answer again."""
    return section(
        "run",
        "13. Assumptions and inputs",
        assumption_list(plan.assumptions),
        record_tables(plan.inputs, plan.versions),
        again("plimsoll plan", options=f"--as-of {day(plan.as_of_hour)} --seed {plan.seed}", versions=plan.versions),
    )
