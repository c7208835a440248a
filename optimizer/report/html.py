"""The page: one HTML file with everything in it, which opens without a network and asks for none.

Its content security policy lets no script run but the two written here, named by their hashes, and nothing be loaded.
Not here: what the sections say (`optimizer.report.*_sections`).
"""

import base64
import hashlib
from functools import cache
from importlib import resources

from optimizer.plan import Plan
from optimizer.report.cost_sections import certificate_section, cost_section, cover_section
from optimizer.report.demand_sections import demand_section, peak_section
from optimizer.report.markup import Html, element, joined, name_text, table, words
from optimizer.report.purchase_sections import (
    buy_now_section,
    expiry_section,
    headline,
    limits_section,
    schedule_section,
)
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
    ("run", "Assumptions and inputs"),
)


def report_html(plan: Plan) -> bytes:
    """The page of a plan. The same plan gives the same bytes.

    Returns
    -------
    bytes
        UTF-8.
    """
    sections = (
        buy_now_section(plan),
        schedule_section(plan),
        cost_section(plan),
        demand_section(plan),
        cover_section(plan),
        peak_section(plan),
        expiry_section(plan),
        limits_section(plan),
        certificate_section(plan),
        run_section(plan),
    )
    body = element(
        "body",
        element("header", element("h1", plan.title), _under_title(plan), headline(plan), _contents()),
        element("main", *sections),
        element("footer", "Costs are amortized and in USD; hours are UTC. Charts need scripts, the tables do not."),
        *(element("script", Html(source)) for source in _scripts()),
    )
    page = joined(Html("<!doctype html>\n"), element("html", _head(plan), body, attributes={"lang": "en"}), Html("\n"))
    return page.encode(errors="xmlcharrefreplace")


def _under_title(plan: Plan) -> Html:
    """The window under the title."""
    return paragraph(f"Decided on {day(plan.as_of_hour)}. Window {period(plan)}, hours in UTC.", css="under")


def _contents() -> Html:
    """Links to the sections."""
    items = [element("li", element("a", title, attributes={"href": f"#{anchor}"})) for anchor, title in CONTENTS]
    return element("nav", element("ol", *items), attributes={"aria-label": "Sections"})


def run_section(plan: Plan) -> Html:
    """Assumptions, inputs, versions, and how to get the same answer again."""
    inputs = [[record.role, name_text(record.name), element("code", record.sha256)] for record in plan.inputs]
    version = dict(plan.versions).get("plimsoll", "")
    return section(
        "run",
        "10. Assumptions and inputs",
        element("h3", "Assumptions"),
        element("ul", *(element("li", sentence) for sentence in plan.assumptions)),
        element("h3", "Inputs"),
        table(
            "Files read, with the SHA-256 of their content", (words("Role"), words("File"), words("SHA-256")), inputs
        ),
        element("h3", "Versions"),
        table("Program and libraries", (words("Name"), words("Version")), plan.versions),
        element("h3", "How to get the same answer again"),
        paragraph(
            "Run ",
            element("code", "plimsoll plan"),
            f" version {version} on these files (check their hashes) with ",
            element("code", f"--as-of {day(plan.as_of_hour)} --seed {plan.seed}"),
            " and the same options. With the library versions above every output has the same bytes.",
        ),
    )


def _head(plan: Plan) -> Html:
    """Head of the page, with its policy first."""
    allowed = " ".join(f"'sha256-{_digest(source)}'" for source in _scripts())
    policy = (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    return element(
        "head",
        element("meta", attributes={"charset": "utf-8"}),
        element("meta", attributes={"http-equiv": "Content-Security-Policy", "content": policy}),
        element("meta", attributes={"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        element("meta", attributes={"name": "referrer", "content": "no-referrer"}),
        element("title", f"{plan.title}, {day(plan.as_of_hour)}"),
        element("style", Html(_resource("page.css"))),
    )


@cache
def _scripts() -> tuple[str, str]:
    """The chart library and the few lines that draw the charts."""
    from plotly.offline import get_plotlyjs  # here: it takes its time, and the terminal does not need it

    return get_plotlyjs(), _resource("page.js")


def _resource(name: str) -> str:
    """Text of a file beside this module."""
    return resources.files("optimizer.report").joinpath(name).read_text(encoding="utf-8")


@cache
def _digest(source: str) -> str:
    """SHA-256 of a script as the policy wants it."""
    return base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
