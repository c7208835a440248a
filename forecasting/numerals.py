"""Numbers inside sentences: percentages, never so rounded that they say something else.

Both packages write them by this one function. Not here: amounts and tables of a report (`optimizer.report.numbers`).
"""

import math

NOT_KNOWN = "n/a"
ROUND_OFF = 1e-12  # float64 sums of shares miss 0 and 1 by less than this
MOST_DECIMALS = 9


def percent(fraction: float | None, decimals: int = 1) -> str:
    """Fraction as a percentage; neither 0 % nor 100 % unless it is.

    Parameters
    ----------
    fraction : float or None
        None and what is not finite read as not known.
    decimals : int
        More are written where fewer would read as 0 % or 100 %.

    Examples
    --------
    >>> percent(0.12345), percent(2e-6), percent(0.99996), percent(1.0), percent(-0.031)
    ('12.3 %', '0.0002 %', '99.996 %', '100 %', '-3.1 %')
    >>> percent(0.66, 0), percent(0.004, 0), percent(0.999, 0)
    ('66 %', '0.4 %', '99.9 %')
    """
    if fraction is None or not math.isfinite(fraction):
        return NOT_KNOWN
    if abs(fraction) < ROUND_OFF:
        return "0 %"
    if abs(fraction - 1.0) < ROUND_OFF:
        return "100 %"
    share = 100.0 * fraction
    if abs(share) < 10.0**-decimals:
        return f"{without_empty_decimals(significant(share))} %"
    while decimals < MOST_DECIMALS and float(f"{share:.{decimals}f}") == 100.0:
        decimals += 1
    return f"{share:,.{decimals}f} %"


def significant(value: float) -> str:
    """Two significant digits of a small number, without an exponent while that is short.

    Examples
    --------
    >>> significant(0.000123), significant(1.23e-12)
    ('0.00012', '1.2e-12')
    """
    decimals = 1 - math.floor(math.log10(abs(value)))
    return f"{value:.{decimals}f}" if decimals <= MOST_DECIMALS else f"{value:.1e}"


def without_empty_decimals(text: str) -> str:
    """Text of a number without zeros at the end of its decimals.

    Examples
    --------
    >>> without_empty_decimals("1.50"), without_empty_decimals("20")
    ('1.5', '20')
    """
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text
