"""Cells of an assessment as people read them, on the terminal and on the page.

Not here: sentences, which come with the answer.
"""

import math

from forecasting.numerals import NOT_KNOWN, percent, without_empty_decimals
from optimizer.assessment import Cell, Fact
from optimizer.report.numbers import number

SMALL = 10.0  # below it four digits are told, as unit costs differ in the third


def cell_text(value: Cell, unit: str) -> str:
    """Cell of a table in its unit, which stands in the heading.

    Examples
    --------
    >>> cell_text(0.1, "fraction"), cell_text(0.99999, "availability"), cell_text(2.5, "years"), cell_text(None, "USD")
    ('10.0 %', '99.999 %', '2.5', 'n/a')
    >>> cell_text(-10e6, "USD"), cell_text(3, ""), cell_text("buy", ""), cell_text(float("inf"), "years")
    ('-10,000,000', '3', 'buy', 'never')
    """
    if isinstance(value, str):
        return value
    if value is None or math.isnan(value):
        return NOT_KNOWN
    if unit in {"months", "years"}:
        return f"{value:,.1f}" if math.isfinite(value) else "never"
    if not math.isfinite(value):
        return NOT_KNOWN
    if unit == "fraction":
        return percent(value)
    if unit == "availability":
        return f"{100.0 * value:.10g} %"
    if isinstance(value, int):
        return f"{value:,}"
    return without_empty_decimals(number(value) if abs(value) >= SMALL else f"{value:.4g}")


def fact_text(fact: Fact) -> str:
    """Figure with its unit.

    Examples
    --------
    >>> fact_text(Fact(key="a", title="A", value=168_000.0, unit="USD/year"))
    '168,000 USD/year'
    """
    text = cell_text(fact.value, fact.unit)
    has_unit = fact.unit and fact.unit not in {"fraction", "availability"} and text not in {NOT_KNOWN, "never"}
    return f"{text} {fact.unit}" if has_unit else text


def heading_text(column: tuple[str, str, str]) -> str:
    """Heading of a column with its unit."""
    _, title, unit = column
    return f"{title}, {unit}" if unit and unit not in {"fraction", "availability"} else title
