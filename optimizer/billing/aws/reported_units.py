"""Units that a cost and usage report states for a reservation; they are not the hours of its term.

Not here: the lines themselves (`optimizer.billing.aws.line_items`).

References
----------
https://docs.aws.amazon.com/cur/latest/userguide/reservation-columns.html
"""


def monthly_reserved_units(count: float, hours_in_month: float) -> float:
    """TotalReservedUnits of a monthly RIFee line: instances x hours of the month. [instance-hours]

    Examples
    --------
    >>> monthly_reserved_units(5, 744)
    3720
    """
    return count * hours_in_month


def fee_line_reserved_units(count: float, hours_in_month: float, n_months: float) -> float:
    """TotalReservedUnits of the upfront Fee line, as the report states it. [instance-hours]

    It multiplies the hours of the month of purchase by the months of the term: 744 x 12 = 8,928 for a year, which has
    8,760 hours. Never read a term, or a fee by the hour, from it.

    Examples
    --------
    >>> fee_line_reserved_units(5, 744, 12)
    44640
    """
    return count * hours_in_month * n_months
