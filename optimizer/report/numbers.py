"""Numbers as people read them: thousands separators, units, and never so rounded that they say something else.

Not here: percentages (`forecasting.numerals`), the numbers of files (CSV, JSON, Parquet), which are never rounded.
"""

import math
from collections.abc import Sequence

from forecasting.numerals import MOST_DECIMALS, NOT_KNOWN, ROUND_OFF, significant, without_empty_decimals


def number(value: float | None, decimals: int | None = None) -> str:
    """Number with thousands separators; with more decimals than asked for where it would read as zero otherwise.

    Parameters
    ----------
    value : float or None
        None and what is not finite read as not known.
    decimals : int or None
        None: as many as its size asks for.

    Examples
    --------
    >>> number(1234567.8), number(12.345), number(0.00213), number(0.0004, 1), number(float("nan"))
    ('1,234,568', '12.3', '0.0021', '0.00040', 'n/a')
    """
    if value is None or not math.isfinite(value):
        return NOT_KNOWN
    if value == 0.0:
        return "0"
    asked = decimals_for(value) if decimals is None else decimals
    text = f"{value:,.{asked}f}"
    if float(text.replace(",", "")) != 0.0:
        return text
    return significant(value)


def decimals_for(largest: float) -> int:
    """Decimals that suit a number, or a column whose largest number it is.

    Examples
    --------
    >>> [decimals_for(value) for value in (2_500.0, 12.0, 1.5, 0.02)]
    [0, 1, 2, 3]
    """
    size = abs(largest)
    if size >= 1_000:
        return 0
    if size >= 10:
        return 1
    if size >= 1 or size == 0.0:
        return 2
    return min(MOST_DECIMALS, 2 - math.floor(math.log10(size)) - 1)


def without_noise(difference: float, scale: float) -> float:
    """Difference of two computations of `scale`; 0 where float64 cannot tell them apart.

    Examples
    --------
    >>> without_noise(2.9e-11, 117_994.0), without_noise(0.01, 117_994.0)
    (0.0, 0.01)
    """
    return 0.0 if abs(difference) <= ROUND_OFF * abs(scale) else difference


def column(values: Sequence[float | None]) -> list[str]:
    """Numbers of one column, all with the decimals of the largest.

    Examples
    --------
    >>> column([1500.25, 3.0, None, 0.004])
    ['1,500', '3', 'n/a', '0.0040']
    """
    known = [abs(value) for value in values if value is not None and math.isfinite(value)]
    decimals = decimals_for(max(known, default=0.0))
    return [number(value, decimals) for value in values]


def quantity(value: float) -> str:
    """Quantity to buy, with up to four decimals and no empty ones.

    Examples
    --------
    >>> quantity(1250.0), quantity(0.7503), quantity(0.00002)
    ('1,250', '0.7503', '0.000020')
    """
    text = without_empty_decimals(f"{value:,.4f}")
    return text if text.strip("-0.") or value == 0.0 else significant(value)


def usd(value: float | None) -> str:
    """Amount of money with its unit.

    Examples
    --------
    >>> usd(2765698.2), usd(-12.5), usd(0.0)
    ('2,765,698 USD', '-12.50 USD', '0 USD')
    """
    if value is None or not math.isfinite(value):
        return NOT_KNOWN
    cents = None if abs(value) >= 1_000 or abs(value) < 0.01 else 2
    return f"{number(value, cents)} USD"


def units(value: float | None) -> str:
    """Capacity with its unit.

    Examples
    --------
    >>> units(1200.4)
    '1,200 units'
    """
    text = number(value)
    return text if text == NOT_KNOWN else f"{text} units"
