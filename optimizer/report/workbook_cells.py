"""Cells of a workbook: text that stays text, numbers, dates, formulas with what they give. The door to xlsxwriter.

Not here: which sheets a workbook has (`optimizer.report.workbook`).
"""

import datetime as dt
import io
import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from forecasting.numerals import NOT_KNOWN
from optimizer.cells import FORMULA_STARTS

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

NUMBER_FORMATS = {
    "usd": "#,##0.00",
    "percent": "0.00%",
    "gap": "0.000000%",
    "quantity": "#,##0.00##",
    "months": "0.0",
    "count": "0",
    "date": "yyyy-mm-dd",
    "moment": "yyyy-mm-dd hh:mm",
}
MAX_TEXT = 16_000  # a cell holds 32,767 units of UTF-16, of which a character takes up to two
CUT_NOTE = " (cut; whole in plan.json)"
# XML 1.0 forbids control characters, half surrogates and two non-characters; marks of direction turn a cell around.
NOT_SHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
REPLACEMENT = "\ufffd"
A4 = 9
SENTENCE_WIDTH = 130
TABLE_GAP = 1  # empty rows between two tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Column of a table.

    Attributes
    ----------
    key : str
        Name of it in formulas: `{key}` stands for its letter.
    title : str
    style : str
        "text" or a key of `NUMBER_FORMATS`.
    width : float
        In characters.
    """

    key: str
    title: str
    style: str = "text"
    width: float = 16.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Value that is not plain: a formula with what it gives, or a style other than the column's.

    Attributes
    ----------
    value : str, float, datetime or None
        Of a formula what it gives, for viewers that do not compute.
    formula : str
        Starts with "="; `{key}` is the letter of a column, `{column}` that of this one, `{row}` this row, `{first}` and
        `{last}` the rows of the table. Never made from a name. Empty: none.
    style : str
        Empty: the column's.
    """

    value: "str | float | dt.datetime | None"
    formula: str = ""
    style: str = ""


Role = Literal["part", "main", "list"]
Value = str | float | dt.datetime | Cell | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Where a table lies, for formulas elsewhere.

    Attributes
    ----------
    sheet : str
    letters : mapping of str to str
        Letter of each column by its key.
    first, last : int
        Numbers of its first and last row, heading and total apart; from 1.
    """

    sheet: str
    letters: Mapping[str, str]
    first: int
    last: int

    def at(self, key: str, index: int) -> str:
        """Reference from another sheet to a row, from 0; the total is the row after the last."""
        return f"'{self.sheet}'!{self.letters[key]}{self.first + index}"

    def total(self, key: str) -> str:
        """Reference from another sheet to the total row."""
        return f"'{self.sheet}'!{self.letters[key]}{self.last + 1}"


def shown_text(text: str) -> str:
    r"""Text as a cell can hold it: what XML forbids is replaced, what is too long is cut and says so.

    Examples
    --------
    >>> shown_text("web"), shown_text("a\x00b") == "a\ufffdb"
    ('web', True)
    """
    clean = NOT_SHOWN.sub(REPLACEMENT, text)
    if clean.startswith("<r>") and clean.endswith("</r>"):
        clean += " "  # xlsxwriter would take text in these marks for XML of its own
    return clean if len(clean) <= MAX_TEXT else clean[: MAX_TEXT - len(CUT_NOTE)] + CUT_NOTE


class Book:
    """A workbook in memory whose bytes depend on nothing but what is written to it.

    Parameters
    ----------
    sheet_names : sequence of str
        Of the program, never of the user.
    created : datetime
        Date of creation in its properties.
    footer : str
        Of each printed page, without "&".
    """

    def __init__(self, sheet_names: Sequence[str], *, created: dt.datetime, footer: str) -> None:
        from xlsxwriter import Workbook  # here, so that other commands do not wait for it

        self._stream = io.BytesIO()
        plain = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        self._book = Workbook(self._stream, {"in_memory": True, **plain})
        self._book.set_properties({"title": "Plan", "created": created})
        self._formats: dict[tuple[str, bool, bool], Format] = {}
        self.sheets = {
            name: Sheet(self, name=name, worksheet=self._book.add_worksheet(name), footer=footer)
            for name in sheet_names
        }

    def style(self, name: str, *, is_bold: bool = False, is_quoted: bool = False) -> "Format":
        """Format of a style; quoted is text that a spreadsheet must not read as a formula when it is edited."""
        key = (name, is_bold, is_quoted)
        if key not in self._formats:
            look: dict[str, object] = {"valign": "top", "bold": is_bold, "quote_prefix": is_quoted}
            look |= {"top": 1} if is_bold else {}
            look |= _LOOKS.get(name, {"num_format": NUMBER_FORMATS.get(name, "General"), "align": "right"})
            self._formats[key] = self._book.add_format(look)
        return self._formats[key]

    def content(self) -> bytes:
        """The file; nothing can be written after."""
        for sheet in self.sheets.values():
            sheet.finish()
        self._book.close()
        return self._stream.getvalue()


_HEADING: dict[str, object] = {
    **{"bold": True, "text_wrap": True, "valign": "vcenter", "bottom": 1},
    "bg_color": "#E8EDF3",
}
_LOOKS: dict[str, dict[str, object]] = {
    "text": {"text_wrap": True, "align": "left", "indent": 1},
    "sentence": {"align": "left"},
    "title": {"bold": True, "font_size": 14, "align": "left"},
    "caption": {"bold": True, "align": "left"},
    "heading of text": {**_HEADING, "align": "left", "indent": 1},
    "heading of numbers": {**_HEADING, "align": "right"},
}


class Sheet:
    """One sheet, written from the top down."""

    def __init__(self, book: Book, *, name: str, worksheet: "Worksheet", footer: str) -> None:
        self.name = name
        self._book = book
        self._sheet = worksheet
        self._widths: dict[int, float] = {}
        self._next_row = 0
        worksheet.set_landscape()
        worksheet.set_paper(A4)
        worksheet.fit_to_pages(1, 0)
        worksheet.hide_gridlines(2)
        worksheet.set_footer(f"&L{footer}&C&A&RPage &P of &N")

    @property
    def next_first(self) -> int:
        """Number of the first row, from 1, of a table without caption that is written next."""
        return self._next_row + 2

    def title(self, text: str) -> None:
        """Largest line of the sheet."""
        self._line(text, "title")

    def sentence(self, text: str) -> None:
        """Text that runs over the cells to its right, in as many rows as it takes."""
        for line in textwrap.wrap(text, SENTENCE_WIDTH, break_long_words=False, break_on_hyphens=False):
            self._line(line, "sentence")

    def gap(self) -> None:
        """Empty row."""
        self._next_row += TABLE_GAP

    def table(
        self,
        columns: Sequence[Column],
        rows: Sequence[Sequence[Value]],
        *,
        totals: Sequence[Sequence[Value]] = (),
        caption: str = "",
        role: Role = "part",
    ) -> Table:
        """Write a table from column A on.

        Parameters
        ----------
        columns : sequence of Column
        rows : sequence of sequence of values
            In the order of the columns. Without any, one empty row keeps formulas over the rows valid.
        totals : sequence of sequence of values
            Rows under the table, bold; not part of `{first}` to `{last}`.
        caption : str
            Line above; empty for none.
        role : Role
            "main" where its heading stays on the screen and on every printed page; "list" where its rows can be
            filtered, too.

        Returns
        -------
        Table
        """
        from xlsxwriter.utility import xl_col_to_name

        if caption:
            self._line(caption, "caption")
        heading = self._next_row
        for place, column in enumerate(columns):
            look = self._book.style("heading of text" if column.style == "text" else "heading of numbers")
            self._sheet.write_string(heading, place, shown_text(column.title), look)
            self._widths[place] = max(self._widths.get(place, 0.0), column.width)
        body = list(rows) or [[None] * len(columns)]
        letters = {column.key: xl_col_to_name(place) for place, column in enumerate(columns)}
        place_of = Table(sheet=self.name, letters=letters, first=heading + 2, last=heading + 1 + len(body))
        for index, row in enumerate([*body, *totals]):
            for place, (column, value) in enumerate(zip(columns, row, strict=True)):
                self._put((heading + 1 + index, place), value, column, place_of, is_total=index >= len(body))
        if role != "part":
            self._sheet.freeze_panes(heading + 1, 1)
            self._sheet.repeat_rows(heading)
        if role == "list":
            self._sheet.autofilter(heading, 0, heading + len(body), len(columns) - 1)
        self._next_row = heading + 1 + len(body) + len(totals)
        self.gap()
        return place_of

    def finish(self) -> None:
        """Set the widths of all columns."""
        for place, width in sorted(self._widths.items()):
            self._sheet.set_column(place, place, width)

    def _line(self, text: str, style: str) -> None:
        """Text in the first column."""
        quoted = text.startswith(FORMULA_STARTS)
        look = self._book.style(style, is_quoted=quoted)
        self._sheet.write_string(self._next_row, 0, shown_text(text), look)
        self._next_row += 1

    def _put(self, at: tuple[int, int], value: Value, column: Column, table: Table, *, is_total: bool) -> None:
        """Write one cell by what it holds; a number that is not known is text, also where a formula would give it."""
        cell = value if isinstance(value, Cell) else Cell(value=value)
        held, style = cell.value, cell.style or column.style
        if isinstance(held, float) and not math.isfinite(held):
            held = NOT_KNOWN
        elif cell.formula:
            own = {"column": table.letters[column.key], "row": at[0] + 1}
            names = {**table.letters, **own, "first": table.first, "last": table.last}
            result = held if isinstance(held, str) else _plain(held)
            look = self._book.style(style, is_bold=is_total)
            self._sheet.write_formula(*at, cell.formula.format(**names), look, result)
            return
        if isinstance(held, str):
            look = self._book.style(style, is_bold=is_total, is_quoted=held.startswith(FORMULA_STARTS))
            self._sheet.write_string(*at, shown_text(held), look)
        elif isinstance(held, dt.datetime):
            shown = "moment" if held.hour or held.minute else "date"
            self._sheet.write_datetime(*at, held, self._book.style(shown, is_bold=is_total))
        elif held is None:
            self._sheet.write_blank(*at, None, self._book.style(style, is_bold=is_total))
        else:
            self._sheet.write_number(*at, _plain(held), self._book.style(style, is_bold=is_total))


def _plain(value: object) -> float:
    """Float of the standard library, never minus zero."""
    return float(value) + 0.0 if isinstance(value, float | int) else float("nan")
