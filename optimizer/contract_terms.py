"""What a committed-spend contract asks for, year by year, and what spend that falls short of it costs.

Commitments may move to the next year, a shortfall may come back as a prepayment. Not here: offers as files
(`optimizer.contract_offers`), what spend there is (`optimizer.jobs.contract`), the method that weighs both
(`optimizer.contract_cuts`).
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, IntArray, frozen_floats, frozen_ints

MONTHS_PER_YEAR = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShortfallRule:
    """What happens where a year's counted spend stays below its commitment.

    Attributes
    ----------
    movable_usd : FloatArray of shape (n_years,)
        Part of each year's commitment that may move to the next; the last one is 0. [USD]
    prepayment_months : int
        Months of the next year within which a paid shortfall may be used; 0: it is lost. What it pays for does not
        count towards a commitment.
    is_used_after_end : bool
        Whether spend as in the last year goes on after the contract, so that its shortfall may be used, too.
    end_discount : FloatArray of shape (n_years,)
        Discount factor of each year's end.
    """

    movable_usd: FloatArray
    prepayment_months: int
    is_used_after_end: bool
    end_discount: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("movable_usd", "end_discount"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))

    @property
    def n_years(self) -> int:
        """Years of the contract."""
        return len(self.end_discount)

    @property
    def used_fraction(self) -> float:
        """Part of a year's spend that a prepayment of the year before may pay for."""
        return self.prepayment_months / MONTHS_PER_YEAR

    @property
    def couples_years(self) -> bool:
        """Whether what happens in one year changes what the next one costs."""
        return bool(np.any(self.movable_usd > 0.0)) or self.prepayment_months > 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Settlement:
    """What each scenario and year comes to.

    Attributes
    ----------
    shortfall_usd : FloatArray of shape (n_scenarios, n_years)
        Paid at the end of the year. [USD]
    moved_usd : FloatArray of shape (n_scenarios, n_years)
        Commitment that moves to the next year. [USD]
    used_usd : FloatArray of shape (n_scenarios, n_years + 1)
        Prepayment used in each year, and after the end. [USD]
    extra_usd : FloatArray of shape (n_scenarios,)
        Discounted shortfalls less what of them is used. [USD]
    """

    shortfall_usd: FloatArray
    moved_usd: FloatArray
    used_usd: FloatArray
    extra_usd: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ContractTerms:
    """A contract as arrays of one planning problem, whose prices have the contract's discount in them.

    Attributes
    ----------
    year_of_hour : IntArray of shape (n_hours,)
        Contract year of each column; -1 outside.
    due_usd : FloatArray of shape (n_scenarios, n_years)
        Commitment less what counts besides the planned pools; below 0 where that is more. [USD]
    counted_part : float
        USD that count for each undiscounted USD on demand or on spot.
    counted_fee_usd : FloatArray of shape (n_batches, n_years)
        What counts of a batch's fees. [USD per quantity]
    rule : ShortfallRule
    """

    year_of_hour: IntArray
    due_usd: FloatArray
    counted_part: float
    counted_fee_usd: FloatArray
    rule: ShortfallRule

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "year_of_hour", frozen_ints(self.year_of_hour))
        for name in ("due_usd", "counted_fee_usd"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))

    def counted_usd(self, recourse_usd: FloatArray, year_of_column: IntArray, quantity: FloatArray) -> FloatArray:
        """Spend that counts.

        Parameters
        ----------
        recourse_usd : FloatArray of shape (n_scenarios, n_columns)
            Undiscounted cost of what is not committed. [USD]
        year_of_column : IntArray of shape (n_columns,)
        quantity : FloatArray of shape (n_batches,)

        Returns
        -------
        FloatArray of shape (n_scenarios, n_years)
        """
        is_in = (year_of_column[:, None] == np.arange(self.rule.n_years)).astype(np.float64)
        counted: FloatArray = self.counted_part * (recourse_usd @ is_in) + quantity @ self.counted_fee_usd
        return counted


def settle(rule: ShortfallRule, *, due_usd: FloatArray, counted_usd: FloatArray, spend_usd: FloatArray) -> Settlement:
    """Settle every year in its order.

    What may move to the next year moves before anything is paid: that is never dearer. A prepayment pays for the first
    spend of the next year, as far as its months go; what is left of it then lapses.

    Parameters
    ----------
    rule : ShortfallRule
    due_usd, counted_usd, spend_usd : FloatArray of shape (n_scenarios, n_years)
        Commitment, spend that counts, and spend that a prepayment may pay for. [USD]

    Examples
    --------
    >>> rule = ShortfallRule(
    ...     movable_usd=np.zeros(2), prepayment_months=12, is_used_after_end=False, end_discount=np.ones(2)
    ... )
    >>> found = settle(
    ...     rule,
    ...     due_usd=np.full((1, 2), 100.0),
    ...     counted_usd=np.array([[80.0, 130.0]]),
    ...     spend_usd=np.array([[80.0, 130.0]]),
    ... )
    >>> found.shortfall_usd.tolist(), found.used_usd.tolist(), found.extra_usd.tolist()
    ([[20.0, 0.0]], [[0.0, 20.0, 0.0]], [0.0])
    """
    n_scenarios, n_years = due_usd.shape
    shortfall, moved = np.zeros((n_scenarios, n_years)), np.zeros((n_scenarios, n_years))
    used = np.zeros((n_scenarios, n_years + 1))
    credit, owed = np.zeros(n_scenarios), np.zeros(n_scenarios)
    for year in range(n_years):
        used[:, year] = np.minimum(credit, rule.used_fraction * spend_usd[:, year])
        missing = np.maximum(due_usd[:, year] + owed - (counted_usd[:, year] - used[:, year]), 0.0)
        moved[:, year] = owed = np.minimum(missing, rule.movable_usd[year])
        shortfall[:, year] = missing - owed
        credit = shortfall[:, year] if rule.prepayment_months else np.zeros(n_scenarios)
    if rule.is_used_after_end:
        used[:, n_years] = np.minimum(credit, rule.used_fraction * spend_usd[:, n_years - 1])
    extra = shortfall @ rule.end_discount - used @ _use_discount(rule)
    return Settlement(shortfall_usd=shortfall, moved_usd=moved, used_usd=used, extra_usd=extra)


def marginal_usd(rule: ShortfallRule, found: Settlement, most: FloatArray) -> FloatArray:
    """What one more USD of each year's commitment costs: prices that bound the cost of any other spend from below.

    The linear program behind `settle`, without the bound on how much of a prepayment can be used, has y as a dual
    solution where 0 <= y_k <= end_discount_k - max(0, use_discount_k+1 - y_k+1). For any such y the extra cost is at
    least sum_k y_k (due_k - counted_k) - sum_k max(0, y_k - y_k+1) movable_k.

    Parameters
    ----------
    rule : ShortfallRule
    found : Settlement
    most : FloatArray of shape (n_years,)
        Prices are no higher.

    Returns
    -------
    FloatArray of shape (n_scenarios, n_years)
    """
    n_scenarios, n_years = found.shortfall_usd.shape
    use = _use_discount(rule)
    prices = np.zeros((n_scenarios, n_years))
    after = np.zeros(n_scenarios)
    for year in range(n_years - 1, -1, -1):
        is_recovered = rule.prepayment_months > 0 and (year + 1 < n_years or rule.is_used_after_end)
        back = np.maximum(use[year + 1] - after, 0.0) if is_recovered else np.zeros(n_scenarios)
        highest = np.minimum(np.maximum(rule.end_discount[year] - back, 0.0), most[year])
        is_short, is_moved = found.shortfall_usd[:, year] > 0.0, found.moved_usd[:, year] > 0.0
        prices[:, year] = after = np.where(is_short, highest, np.where(is_moved, np.minimum(after, highest), 0.0))
    return prices


def bound_constant_usd(rule: ShortfallRule, prices: FloatArray) -> FloatArray:
    """What moving to the next year takes off the bound at prices of shape (n_scenarios, n_years); (n_scenarios,)."""
    later = np.concatenate([prices[:, 1:], np.zeros((len(prices), 1))], axis=1)
    off: FloatArray = np.maximum(prices - later, 0.0) @ rule.movable_usd
    return -off


def _use_discount(rule: ShortfallRule) -> FloatArray:
    """Discount factor of what a prepayment pays for in each year and after the end: that of the year's end."""
    return np.append(rule.end_discount, rule.end_discount[-1] * rule.end_discount[0])
