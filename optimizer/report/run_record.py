"""What a page says of the run behind it: assumptions, files read, versions, and how to get the same answer again.

Not here: what the run found.
"""

from collections.abc import Sequence

from optimizer.plan import InputRecord
from optimizer.report.markup import Html, element, joined, name_text, table, words
from optimizer.report.sections import paragraph


def assumption_list(assumptions: Sequence[str]) -> Html:
    """Sentences under their heading."""
    items = (element("li", sentence) for sentence in assumptions)
    return joined(element("h3", "Assumptions"), element("ul", *items))


def record_tables(inputs: Sequence[InputRecord], versions: Sequence[tuple[str, str]]) -> Html:
    """Files read with their hashes, program and libraries."""
    rows = [[record.role, name_text(record.name), element("code", record.sha256)] for record in inputs]
    return joined(
        element("h3", "Inputs"),
        table("Files read, with the SHA-256 of their content", (words("Role"), words("File"), words("SHA-256")), rows),
        element("h3", "Versions"),
        table("Program and libraries", (words("Name"), words("Version")), versions),
    )


def again(command: str, *, options: str, versions: Sequence[tuple[str, str]]) -> Html:
    """How to get the same bytes."""
    version = dict(versions).get("plimsoll", "")
    return joined(
        element("h3", "How to get the same answer again"),
        paragraph(
            "Run ",
            element("code", command),
            f" version {version} on these files (check their hashes) with ",
            element("code", options),
            " and the same options. With the library versions above every output has the same bytes.",
        ),
    )
