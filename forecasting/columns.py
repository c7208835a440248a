"""The schema of a table: its columns, what their cells may hold, and names that are safe to carry everywhere.

Not here: reading files (`forecasting.files`) or cells (`forecasting.cells`).
"""

import difflib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class ColumnKind(StrEnum):
    """What the cells of a column hold."""

    HOUR = "hour"  # UTC timestamp on the hour -> int64 epoch hours
    HOUR_OR_DATE = "hour or date"  # the same, or a date, which means its 00:00 UTC
    TEXT = "text"
    NAME = "name"  # text that names a pool or an offer: `check_name` holds
    NUMBER = "number"  # float64
    INTEGER = "integer"  # int64
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a documented frame.

    Attributes
    ----------
    name : str
        Header.
    kind : ColumnKind
        What the cells hold.
    unit : str
        Unit of the numbers; empty for text.
    doc : str
        One sentence.
    required : bool
        Whether the file must have the column. An optional column may also have empty cells.
    at_least : float or None
        Smallest number allowed.
    at_most : float or None
        Largest number allowed.
    may_be_empty : bool
        Whether a required column may have empty cells; always true of an optional one.
    """

    name: str
    kind: ColumnKind
    unit: str = ""
    doc: str
    required: bool = True
    at_least: float | None = None
    at_most: float | None = None
    may_be_empty: bool = False

    @property
    def allows_empty(self) -> bool:
        """Whether a cell may be empty."""
        return self.may_be_empty or not self.required

    @property
    def range_text(self) -> str:
        """Range of the numbers in words; empty where there is none.

        Examples
        --------
        >>> Column(name="units", kind=ColumnKind.NUMBER, doc="Demand.", at_least=0).range_text
        '>= 0'
        """
        parts = []
        if self.at_least is not None:
            parts.append(f">= {self.at_least:g}")
        if self.at_most is not None:
            parts.append(f"<= {self.at_most:g}")
        return " and ".join(parts)


def check_name(text: str) -> str | None:
    r"""What is wrong with the name of a pool or an offer; None if nothing is.

    Everything is accepted (spaces, formulas, markup) but what could break out of a line or of a folder.

    Examples
    --------
    >>> check_name("=1+1 <b>")
    >>> check_name("a/../b")
    "must not have a '..' part"
    """
    if not text.strip():
        return "must not be empty"
    if has_control_characters(text):
        return "must not hold control characters"
    if "\\" in text:
        return "must not hold a backslash"
    if text.startswith("/"):
        return "must not start with '/'"
    if ".." in text.split("/"):
        return "must not have a '..' part"
    return None


def has_control_characters(text: str) -> bool:
    r"""Whether `text` holds a control character (Unicode category Cc: line ends, tabs, escapes, NUL).

    Examples
    --------
    >>> has_control_characters("a\tb"), has_control_characters("a b")
    (True, False)
    """
    return any(unicodedata.category(character) == "Cc" for character in text)


def did_you_mean(text: str, known: Iterable[str]) -> str:
    """Sentence that offers the nearest known names, with a space in front; empty where none is near.

    Examples
    --------
    >>> did_you_mean("unit", ["pool", "units"])
    " Did you mean 'units'?"
    """
    near = difflib.get_close_matches(text, list(known), n=3, cutoff=0.6)
    return f" Did you mean {' or '.join(repr(name) for name in near)}?" if near else ""


def describe(columns: Sequence[Column]) -> str:
    """Markdown table of a schema, for the documentation.

    Examples
    --------
    >>> print(describe([Column(name="units", kind=ColumnKind.NUMBER, unit="units", doc="Demand.", at_least=0)]))
    | column | holds | unit | required | meaning |
    |---|---|---|---|---|
    | `units` | number >= 0 | units | yes | Demand. |
    """
    lines = ["| column | holds | unit | required | meaning |", "|---|---|---|---|---|"]
    for column in columns:
        holds = f"{column.kind.value} {column.range_text}".strip()
        required = ("may be empty" if column.may_be_empty else "yes") if column.required else "no"
        lines.append(f"| `{column.name}` | {holds} | {column.unit} | {required} | {column.doc} |")
    return "\n".join(lines)
