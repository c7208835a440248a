"""Amounts, parts and counts inside sentences, never so rounded that they say something else.

Not here: tables and cells (`optimizer.report.numbers`).
"""

import math

from forecasting.numerals import NOT_KNOWN, percent, significant, without_empty_decimals


def usd_text(value: float | None) -> str:
    """Amount in a sentence, never so rounded that it reads as zero.

    Examples
    --------
    >>> usd_text(168_000.0), usd_text(0.00213), usd_text(12.5), usd_text(0.0)
    ('168,000 USD', '0.0021 USD', '12.50 USD', '0 USD')
    """
    if value is None or not math.isfinite(value):
        return NOT_KNOWN
    if value == 0.0:
        return "0 USD"
    size = abs(value)
    if size >= 1_000:
        return f"{value:,.0f} USD"
    return f"{value:,.2f} USD" if size >= 0.1 else f"{significant(value)} USD"


def share_text(fraction: float) -> str:
    """Fraction as a percentage with up to two decimals and no empty ones.

    Examples
    --------
    >>> share_text(0.2), share_text(0.0363), share_text(0.075)
    ('20 %', '3.63 %', '7.5 %')
    """
    return f"{without_empty_decimals(percent(fraction, 2).removesuffix(' %'))} %"


def count_text(value: float, noun: str) -> str:
    """Number of months or years in a sentence, with one decimal where it has any.

    Examples
    --------
    >>> count_text(10.714, "month"), count_text(3.0, "month"), count_text(1.0, "year"), count_text(math.inf, "month")
    ('10.7 months', '3 months', '1 year', 'no number of months')
    """
    if not math.isfinite(value):
        return f"no number of {noun}s"
    text = f"{value:,.1f}".removesuffix(".0")
    return f"{text} {noun}" if text == "1" else f"{text} {noun}s"


def chance_text(probability: float) -> str:
    """Probability with two decimals, with more where it would read as none or as certain.

    Examples
    --------
    >>> chance_text(0.1), chance_text(0.00312), chance_text(1.0), chance_text(0.9996)
    ('0.10', '0.0031', '1.00', '0.9996')
    """
    if 0.0 < probability < 0.01:
        return significant(probability)
    return f"{probability:.2f}" if not 0.99 < probability < 1.0 else f"{probability:.6g}"
