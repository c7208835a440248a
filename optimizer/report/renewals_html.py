"""The page of renewals: its sections in their order.

Not here: what the sections say (`optimizer.report.renewals_sections`).
"""

from optimizer.jobs.renewals.answer import RenewalAnswer
from optimizer.report.markup import element
from optimizer.report.page_frame import contents, page_bytes
from optimizer.report.renewals_sections import action_section, chart_section, lead_text, option_section
from optimizer.report.run_record import again, assumption_list, record_tables
from optimizer.report.sections import paragraph, section
from optimizer.report.words import day

CONTENTS = (
    ("do", "What to do"),
    ("options", "Options"),
    ("demand", "Owned against demand"),
    ("run", "Assumptions and inputs"),
)


def renewals_html(answer: RenewalAnswer) -> bytes:
    """The page. The same answer gives the same bytes.

    Returns
    -------
    bytes
        UTF-8.
    """
    as_of = day(answer.as_of_hour)
    title = f"Renewals within {answer.within_days} days from {as_of}"
    sections = (
        action_section(answer),
        option_section(answer),
        chart_section(answer),
        section(
            "run",
            "4. Assumptions and inputs",
            assumption_list(answer.assumptions),
            record_tables(answer.inputs, answer.versions),
            again(
                "plimsoll renewals",
                options=f"--as-of {as_of} --within {answer.within_days}d --seed {answer.seed}",
                versions=answer.versions,
            ),
        ),
    )
    under = paragraph(
        f"Decided on {as_of}, commitments that end up to {day(answer.until_hour)}; costs up to "
        f"{day(answer.valued_end_hour - 1)}, hours in UTC.",
        css="under",
    )
    header = (element("h1", title), under, paragraph(lead_text(answer), css="lead"), contents(CONTENTS))
    footer = "Costs are discounted and in USD; hours are UTC. Charts need scripts, the tables do not."
    return page_bytes(title, header=header, sections=sections, footer=footer)
