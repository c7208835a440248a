"""What sums of money say in one number: gap, utilization, coverage, effective savings rate, stranded, capture.

Pure formulas on sums of USD; a ratio whose denominator is zero is None, never a number that looks right. Not here:
where the sums come from (`optimizer.billing`, `optimizer.costs`).
"""


def _ratio(part_usd: float, whole_usd: float) -> float | None:
    """Part of the whole, or None where there is no whole."""
    return part_usd / whole_usd if whole_usd > 0.0 else None


def gap_fraction(*, upper_usd: float, lower_usd: float) -> float:
    """How far an answer may be from the optimum, (upper - lower) / upper; 0 where nothing costs anything.

    Parameters
    ----------
    upper_usd, lower_usd : float
        Cost of the answer, and what no answer costs less than. [USD]

    Examples
    --------
    >>> gap_fraction(upper_usd=200.0, lower_usd=199.0)
    0.005
    """
    return max(0.0, upper_usd - lower_usd) / upper_usd if upper_usd > 0.0 else 0.0


def utilization_fraction(*, used_usd: float, committed_usd: float) -> float | None:
    """Part of commitments that usage consumed, used / committed; None where nothing is committed.

    Parameters
    ----------
    used_usd : float
        Value of commitments that usage consumed, at effective hourly fees. [USD]
    committed_usd : float
        Fees of all commitments, used or not. [USD]

    Examples
    --------
    >>> utilization_fraction(used_usd=7.5, committed_usd=10.0)
    0.75
    """
    return _ratio(used_usd, committed_usd)


def stranded_fraction(*, stranded_usd: float, committed_usd: float) -> float | None:
    """Part of commitments that no usage consumed, stranded / committed; None where nothing is committed.

    Examples
    --------
    >>> stranded_fraction(stranded_usd=0.5, committed_usd=10.0)
    0.05
    """
    return _ratio(stranded_usd, committed_usd)


def coverage_fraction(*, covered_on_demand_usd: float, eligible_on_demand_usd: float) -> float | None:
    """Covered part of eligible demand, both priced on demand; None where nothing is eligible.

    Parameters
    ----------
    covered_on_demand_usd : float
        What covered demand would have cost on demand. [USD]
    eligible_on_demand_usd : float
        The same for all demand that does not run on spot. [USD]

    Examples
    --------
    >>> coverage_fraction(covered_on_demand_usd=30.0, eligible_on_demand_usd=40.0)
    0.75
    """
    return _ratio(covered_on_demand_usd, eligible_on_demand_usd)


def effective_savings_fraction(*, actual_usd: float, on_demand_equivalent_usd: float) -> float | None:
    """ESR: 1 - actual cost / on-demand-equivalent cost; negative where commitments lose money.

    Parameters
    ----------
    actual_usd : float
        Fees, on-demand and spot. [USD]
    on_demand_equivalent_usd : float
        All demand, spot included, at on-demand prices. [USD]

    Examples
    --------
    >>> effective_savings_fraction(actual_usd=75.0, on_demand_equivalent_usd=100.0)
    0.25
    """
    ratio = _ratio(actual_usd, on_demand_equivalent_usd)
    return None if ratio is None else 1.0 - ratio


def capture_fraction(*, on_demand_usd: float, actual_usd: float, clairvoyant_usd: float) -> float | None:
    """Part of the saving that perfect foresight would have made; None where there was none to make.

    Examples
    --------
    >>> capture_fraction(on_demand_usd=100.0, actual_usd=70.0, clairvoyant_usd=60.0)
    0.75
    """
    return _ratio(on_demand_usd - actual_usd, on_demand_usd - clairvoyant_usd)
