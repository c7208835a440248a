"""What comes of a case: a verdict, figures, tables and flip points, as plain data that files and pages are made from.

Not here: how it is computed (`optimizer.jobs.assess`) or shown (`optimizer.report`).
"""

from dataclasses import dataclass

Cell = float | int | str | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One figure.

    Attributes
    ----------
    key : str
        Name in the JSON document, with the unit as its suffix.
    title : str
        The same for people.
    value : float, int, str, bool or None
        None where it has no meaning; a number that is not finite is written as null.
    unit : str
        "USD", "months", "fraction" and so on; empty for text.
    """

    key: str
    title: str
    value: Cell
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactTable:
    """Figures of several periods or options.

    Attributes
    ----------
    key : str
        Name in the JSON document.
    title : str
    columns : tuple of (str, str, str)
        Key, title and unit of each; the first one names the row.
    rows : tuple of tuples
    """

    key: str
    title: str
    columns: tuple[tuple[str, str, str], ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseAnswer:
    """What comes of one case.

    Attributes
    ----------
    name, kind, note : str
        As given.
    verdict : str
        In a word or two: "go", "no-go", "mitigate", the name of an option.
    statement : str
        The answer in plain words.
    facts : tuple of Fact
    tables : tuple of FactTable
    flip_points : tuple of str
        Sentences: at which value of an input the verdict changes.
    """

    name: str
    kind: str
    note: str
    verdict: str
    statement: str
    facts: tuple[Fact, ...] = ()
    tables: tuple[FactTable, ...] = ()
    flip_points: tuple[str, ...] = ()
