"""The page of an assessment: a section for each case, with its flip points in words.

Not here: what every page has (`optimizer.report.page_frame`).
"""

from optimizer.assessment import CaseAnswer, FactTable
from optimizer.jobs.assess.run import Assessment
from optimizer.report.assessment_words import cell_text, fact_text
from optimizer.report.markup import Heading, Html, element, joined, name_text, table, words
from optimizer.report.page_frame import contents, page_bytes
from optimizer.report.run_record import record_tables
from optimizer.report.sections import paragraph, section

TITLE = "Assessment"


def assessment_html(found: Assessment) -> bytes:
    """The page. The same answer gives the same bytes.

    Returns
    -------
    bytes
        UTF-8.
    """
    anchors = [(f"case-{number}", answer.name) for number, answer in enumerate(found.answers, start=1)]
    header = (
        element("h1", TITLE),
        paragraph("Each case by itself, from one file of cases. Amounts are in USD.", css="under"),
        _overview(found.answers),
        contents((*anchors, ("run", "Inputs"))),
    )
    sections = [
        *(
            _case_section(anchor, number, answer)
            for number, ((anchor, _), answer) in enumerate(zip(anchors, found.answers, strict=True), start=1)
        ),
        section("run", "Inputs and versions", record_tables(found.inputs, found.versions)),
    ]
    footer = "Present values and paybacks: docs/money.md of the project says how they are taken."
    return page_bytes(TITLE, header=header, sections=sections, footer=footer)


def _overview(answers: tuple[CaseAnswer, ...]) -> Html:
    """One row for each case."""
    rows = [[name_text(answer.name), answer.kind, name_text(answer.verdict), answer.statement] for answer in answers]
    return table("Cases", (words("Case"), words("Kind"), words("Verdict"), words("Answer")), rows)


def _case_section(anchor: str, number: int, answer: CaseAnswer) -> Html:
    """One case."""
    facts = [[fact.title, fact_text(fact)] for fact in answer.facts]
    flips = element("ul", *(element("li", flip) for flip in answer.flip_points))
    return section(
        anchor,
        f"{number}. {answer.name}",
        paragraph(answer.statement, css="lead"),
        paragraph(answer.note, css="under") if answer.note else "",
        joined(element("h3", "When the answer flips"), flips) if answer.flip_points else "",
        table("Figures", (words("Figure"), Heading(title="Value")), facts) if facts else "",
        *map(_fact_table, answer.tables),
    )


def _fact_table(one: FactTable) -> Html:
    """A table of the case; columns of text stand on the left."""
    is_text = [all(isinstance(row[place], str) for row in one.rows) for place in range(len(one.columns))]
    headings = [
        words(title) if text else Heading(title=title, unit="" if unit in {"fraction", "availability"} else unit)
        for (_, title, unit), text in zip(one.columns, is_text, strict=True)
    ]
    rows = [[cell_text(cell, unit) for cell, (_, _, unit) in zip(row, one.columns, strict=True)] for row in one.rows]
    return table(one.title, headings, rows)
