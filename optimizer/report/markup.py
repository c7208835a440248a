"""HTML that is safe by default: whatever is not `Html` already is escaped.

Not here: what the page says, or looks like.
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class Html(str):
    """Text that is HTML already; everything else is text from outside and gets escaped."""

    __slots__ = ()


NO_ATTRIBUTES: Mapping[str, str] = {}


def escaped(text: str) -> Html:
    """Text as HTML; what is HTML already comes back as it is.

    Examples
    --------
    >>> escaped("a<b")
    'a&lt;b'
    """
    return text if isinstance(text, Html) else Html(html.escape(text, quote=True))


def joined(*parts: str) -> Html:
    """Parts one after the other, each escaped unless it is HTML."""
    return Html("".join(escaped(part) for part in parts))


def element(name: str, *parts: str, attributes: Mapping[str, str] = NO_ATTRIBUTES) -> Html:
    """One element with its parts inside.

    Examples
    --------
    >>> element("p", "a<b", element("br"), attributes={"title": 'say "x"'})
    '<p title="say &quot;x&quot;">a&lt;b<br></p>'
    """
    head = "".join(f' {key}="{html.escape(value, quote=True)}"' for key, value in attributes.items())
    if name in {"br", "meta"}:
        return Html(f"<{name}{head}>")
    return Html(f"<{name}{head}>{joined(*parts)}</{name}>")


def name_text(name: str) -> Html:
    """Name given by the user: isolated, so that right-to-left marks in it turn nothing else around."""
    return element("bdi", name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """Head of one column of a table.

    Attributes
    ----------
    title : str
    unit : str
        Shown under the title; empty for text.
    css : str
        "number" (on the right), "words" or "date" (never broken).
    """

    title: str
    unit: str = ""
    css: str = "number"


def words(title: str) -> Heading:
    """Head of a column of text."""
    return Heading(title=title, css="words")


def dates(title: str) -> Heading:
    """Head of a column of dates or months."""
    return Heading(title=title, css="date")


def table(caption: str, headings: Sequence[Heading], rows: Sequence[Sequence[str]], *, total: bool = False) -> Html:
    """Table with a caption; the first cell of each row names the row.

    Parameters
    ----------
    caption : str
    headings : sequence of Heading
    rows : sequence of sequences of str
        Cells, in the order of the headings.
    total : bool
        Whether the last row sums up the others.
    """
    head = [
        element(
            "th",
            heading.title,
            element("span", heading.unit, attributes={"class": "unit"}) if heading.unit else "",
            attributes={"scope": "col", "class": heading.css},
        )
        for heading in headings
    ]
    body = [_row(headings, row, is_total=total and index == len(rows) - 1) for index, row in enumerate(rows)]
    whole = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *head)),
        element("tbody", *body),
    )
    return element(
        "div", whole, attributes={"class": "scroll", "tabindex": "0", "role": "region", "aria-label": caption}
    )


def _row(headings: Sequence[Heading], cells: Sequence[str], *, is_total: bool) -> Html:
    """One row of a table."""
    made = []
    for index, (heading, cell) in enumerate(zip(headings, cells, strict=True)):
        attributes = {"class": heading.css}
        if index == 0:
            made.append(element("th", cell, attributes={"scope": "row"} | attributes))
        else:
            made.append(element("td", cell, attributes=attributes))
    return element("tr", *made, attributes={"class": "total"} if is_total else NO_ATTRIBUTES)


def folded(summary: str, *parts: str) -> Html:
    """Details that are closed until asked for (and open in print)."""
    return element("details", element("summary", summary), *parts)
