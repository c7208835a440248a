"""What a choice of purchases is spent on, month by month, at list prices: what any offer can be applied to.

Not here: what of it an offer discounts or counts (`optimizer.jobs.contract.worth`).
"""

from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from optimizer.assembly import Assembled
from optimizer.calendar_dates import discount_factor_at
from optimizer.contract_terms import ContractTerms, ShortfallRule
from optimizer.costs import spot_part
from optimizer.cover import cover_classes
from optimizer.jobs.contract.horizon import MONTHS_PER_YEAR, month_edges
from optimizer.offers import OfferKind
from optimizer.problem import PlanningProblem
from optimizer.sweep import Sweeper, Swept


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeeTable:
    """Fees of one unit of quantity of every batch, by contract month.

    Attributes
    ----------
    hourly_usd, amortized_usd, paid_usd : FloatArray of shape (n_batches, n_months)
        Paid hourly; the upfront part spread over the term; the upfront part in the month of its purchase. [USD]
    upfront_discount : FloatArray of shape (n_batches,)
        Discount factor at the purchase.
    kinds : tuple of OfferKind
        Of each batch.
    pools : tuple of tuple of str
        That each batch covers.
    """

    hourly_usd: FloatArray
    amortized_usd: FloatArray
    paid_usd: FloatArray
    upfront_discount: FloatArray
    kinds: tuple[OfferKind, ...]
    pools: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spend:
    """What one choice of purchases is spent on.

    Attributes
    ----------
    name : str
        How the choice was found.
    quantity : FloatArray of shape (n_batches,)
    variable_usd : FloatArray of shape (n_scenarios, n_months, n_pools)
        On demand and on spot, at list prices, not discounted for time. [USD]
    after_usd : FloatArray of shape (n_scenarios, n_years)
        Present value at list prices of all that is valued after so many years: what is left of terms, and what runs
        on demand and on spot. [USD]
    """

    name: str
    quantity: FloatArray
    variable_usd: FloatArray
    after_usd: FloatArray


class SpendModel:
    """Turns quantities into spend.

    Parameters
    ----------
    assembled : Assembled
        Of the contract's timeline, at list prices.
    as_of_hour : int
    n_years : int
        Of the longest contract.
    rate_yearly : float
        Discount rate.
    """

    def __init__(self, assembled: Assembled, *, as_of_hour: int, n_years: int, rate_yearly: float) -> None:
        problem = assembled.problem
        self.assembled, self.as_of_hour, self.rate_yearly = assembled, as_of_hour, rate_yearly
        self.n_months = MONTHS_PER_YEAR * n_years
        self.edges = month_edges(as_of_hour, self.n_months)
        self.month_of_hour = _month_of(problem.hours, self.edges)
        self.month_discount = np.array(
            [problem.discount[self.month_of_hour == month].mean() for month in range(self.n_months)]
        )
        year_ends = [self.edges[MONTHS_PER_YEAR * (year + 1)] for year in range(n_years)]
        self.end_discount = np.array(
            [discount_factor_at(end, as_of_hour=as_of_hour, rate_yearly=rate_yearly) for end in year_ends]
        )
        self.demand_rank = self._demand_rank()
        self.fees = self._fee_table()
        self.reference_after_usd = np.zeros((len(problem.weights), n_years))
        self._sweeper = Sweeper(self._by_month(), cover_classes(problem.instruments, split_by_fee=False))

    def spend(self, name: str, quantity: FloatArray) -> Spend:
        """Spend of a choice."""
        found, segments = self._swept(quantity), self._sweeper.segments
        rates, spot = self._sweeper.prices.on_demand_usd, np.nan_to_num(self._sweeper.prices.spot_usd)
        usd = found.on_demand_units * rates + found.spot_units * spot
        month = _month_of(segments.first_hour, self.edges)
        is_in = (month[:, None] == np.arange(self.n_months)).astype(np.float64)
        return Spend(
            name=name,
            quantity=quantity,
            variable_usd=np.einsum("sgp,gm->smp", usd, is_in, optimize=True),
            after_usd=self._after_usd(quantity, usd.sum(axis=2) * segments.discount, month),
        )

    def refer_to(self, spend: Spend) -> None:
        """Count what choices cost after a contract against that of another."""
        self.reference_after_usd = spend.after_usd

    def _after_usd(self, quantity: FloatArray, recourse_usd: FloatArray, month: IntArray) -> FloatArray:
        """Cost after each contract year; recourse (n_scenarios, n_segments). Shape (n_scenarios, n_years). [USD]"""
        n_years = self.n_months // MONTHS_PER_YEAR
        out = np.empty((len(recourse_usd), n_years))
        for year in range(n_years):
            n_months = MONTHS_PER_YEAR * (year + 1)
            is_after = (month < 0) | (month >= n_months)
            out[:, year] = recourse_usd @ is_after.astype(np.float64) + float(quantity @ self.fees_after_usd(n_months))
        return out

    def fees_after_usd(self, n_months: int) -> FloatArray:
        """Present value of the fees of one unit of every batch after some months. Shape (n_batches,). [USD]"""
        months = slice(0, n_months)
        hourly = self.fees.hourly_usd[:, months] @ self.month_discount[months]
        upfront = self.fees.amortized_usd[:, months].sum(axis=1) * self.fees.upfront_discount
        after: FloatArray = self.assembled.problem.batches.cost_usd - hourly - upfront
        return after

    def recourse_after_usd(self, quantity: FloatArray, n_months: int, part: FloatArray) -> float:
        """Expected, discounted cost on demand and on spot after some months, at a part of list prices by pool. [USD]"""
        found, segments = self._swept(quantity), self._sweeper.segments
        rates, spot = self._sweeper.prices.on_demand_usd, np.nan_to_num(self._sweeper.prices.spot_usd)
        usd = found.on_demand_units @ (rates * part) + found.spot_units @ (spot * part)
        month = _month_of(segments.first_hour, self.edges)
        is_after = (month < 0) | (month >= n_months)
        return float(self.assembled.problem.weights @ (usd @ (segments.discount * is_after)))

    def _swept(self, quantity: FloatArray) -> Swept:
        """Pass over all hours, with no more on spot than the policy's limit leaves there."""
        return self._sweeper(quantity, spot_part=spot_part(self.assembled.problem, quantity, self._sweeper.classes))

    def least_most_usd(self) -> tuple[FloatArray, FloatArray]:
        """Spend that no choice goes below, and that of all on demand. Shapes (n_scenarios, n_months). [USD]"""
        problem = self.assembled.problem
        instruments = problem.instruments
        unit_fee = np.where(np.isnan(instruments.draw), np.inf, instruments.draw * instruments.fee_usd[:, None])
        unit_fee[instruments.reserves_units] = np.inf
        least = np.minimum(problem.on_demand_usd, unit_fee.min(axis=0, initial=np.inf))
        least = np.fmin(least, np.where(problem.spot_eligible > 0.0, problem.spot_usd, np.inf))
        is_in = (self.month_of_hour[:, None] == np.arange(self.n_months)) * problem.hour_weights[:, None]
        owned = np.nan_to_num(problem.batches.fixed_quantity) @ (self.fees.hourly_usd + self.fees.amortized_usd)
        low = np.einsum("p,sph,hm->sm", least, problem.demand, is_in, optimize=True)
        high = np.einsum("p,sph,hm->sm", problem.on_demand_usd, problem.demand, is_in, optimize=True)
        return low, high + owned

    def _by_month(self) -> PlanningProblem:
        """Problem whose segments end with every month: each month stands in as a contract year that asks nothing."""
        problem, none = self.assembled.problem, np.zeros(self.n_months)
        rule = ShortfallRule(movable_usd=none, prepayment_months=0, is_used_after_end=False, end_discount=none)
        months = ContractTerms(
            year_of_hour=self.month_of_hour,
            due_usd=np.zeros((len(problem.weights), self.n_months)),
            counted_part=1.0,
            counted_fee_usd=np.zeros((problem.batches.n_batches, self.n_months)),
            rule=rule,
        )
        return replace(problem, contract=months)

    def _demand_rank(self) -> FloatArray:
        """Rank of each scenario's demand in the contract, from 0 to 1: the middle of its weight. (n_scenarios,)"""
        problem = self.assembled.problem
        hours = problem.hour_weights * (self.month_of_hour >= 0)
        value = np.einsum("p,sph,h->s", problem.on_demand_usd, problem.demand, hours, optimize=True)
        order = np.argsort(value, kind="stable")
        weights = problem.weights[order]
        rank = np.empty(len(weights))
        rank[order] = np.cumsum(weights) - weights / 2
        return rank

    def _fee_table(self) -> FeeTable:
        """Fees of every batch inside the contract."""
        problem, batches = self.assembled.problem, self.assembled.problem.batches
        offers = [self.assembled.offers[int(row)] for row in batches.instrument]
        weights = problem.hour_weights[:, None] * (self.month_of_hour[:, None] == np.arange(self.n_months))
        held_hours = batches.active(problem.hours).astype(np.float64) @ weights
        hourly = np.array([offer.hourly_usd for offer in offers])
        upfront = np.array([offer.upfront_usd for offer in offers])
        is_reserved = np.array([offer.kind is OfferKind.CAPACITY_RESERVATION for offer in offers], dtype=bool)
        hourly, upfront = np.where(is_reserved, 0.0, hourly), np.where(is_reserved, 0.0, upfront)
        term = np.maximum((batches.end_hour - batches.start_hour).astype(np.float64), 1.0)
        month = _month_of(batches.start_hour, self.edges)
        paid = upfront[:, None] * (month[:, None] == np.arange(self.n_months))
        at_start = batches.start_hour.tolist()
        return FeeTable(
            hourly_usd=hourly[:, None] * held_hours,
            amortized_usd=(upfront / term)[:, None] * held_hours,
            paid_usd=paid,
            upfront_discount=np.array(
                [
                    discount_factor_at(hour, as_of_hour=self.as_of_hour, rate_yearly=self.rate_yearly)
                    for hour in at_start
                ]
            ),
            kinds=tuple(offer.kind for offer in offers),
            pools=tuple(offer.pools for offer in offers),
        )


def _month_of(hours: IntArray, edges: list[int]) -> IntArray:
    """Contract month of each hour; -1 before and after."""
    month = np.searchsorted(np.array(edges), hours, side="right") - 1
    out: IntArray = np.where(month >= len(edges) - 1, -1, month)
    return out
