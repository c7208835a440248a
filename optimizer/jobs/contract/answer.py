"""What the contract job answers, as plain values for reports.

Not here: how they are found (`optimizer.jobs.contract.run`), how they are shown.
"""

from dataclasses import dataclass

from forecasting.arrays import FloatArray
from optimizer.contract_offers import ContractOffer
from optimizer.plan import InputRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class YearRow:
    """One contract year of one offer.

    Attributes
    ----------
    year : int
        From 1.
    commitment_usd : float
    counted_p10_usd, counted_p50_usd, counted_p90_usd, counted_mean_usd : float
        Spend that counts. [USD]
    shortfall_probability : float
        Chance that something is paid for it.
    shortfall_mean_usd, shortfall_p90_usd : float
        Paid, before anything of it is used as a prepayment. [USD]
    moved_mean_usd, used_mean_usd : float
        Commitment that moves to the next year; prepayment used in this one. [USD]
    """

    year: int
    commitment_usd: float
    counted_p10_usd: float
    counted_p50_usd: float
    counted_p90_usd: float
    counted_mean_usd: float
    shortfall_probability: float
    shortfall_mean_usd: float
    shortfall_p90_usd: float
    moved_mean_usd: float
    used_mean_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveRow:
    """Retirement up to the end of one month. [USD]"""

    month: str
    commitment_usd: float
    p10_usd: float
    p50_usd: float
    p90_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """What one change of an offer is worth to the buyer; below 0 it costs. [USD]"""

    name: str
    text: str
    value_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Expected present value of the cost of one choice under an offer, and what it sums up. [USD]"""

    spend_usd: float
    shortfall_usd: float
    support_usd: float
    after_usd: float

    @property
    def cost_usd(self) -> float:
        """All of it."""
        return self.spend_usd + self.shortfall_usd + self.support_usd + self.after_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferResult:
    """One offer.

    Attributes
    ----------
    offer : ContractOffer
    joint : Parts
        Purchases and contract decided together.
    joint_choice : str
        Which of the purchases that were tried is the best under the offer.
    lower_bound_usd : float or None
        No purchases cost less under the offer; None where not known. [USD]
    sequential_usd : float
        Purchases planned without the contract. [USD]
    no_contract_usd : float
        The same years without any contract. [USD]
    saving_p10_usd, saving_p50_usd, saving_p90_usd : float
        No contract less the offer, over the scenarios. [USD]
    saving_probability : float
    years : tuple of YearRow
    curve : tuple of CurveRow
        Cumulative over the whole contract.
    break_even_discount : float or None
        Discount at which the offer costs as much as no contract; None where none does.
    free_first_year_usd, walk_away_first_year_usd : float or None
        First-year commitment, the others in proportion: the largest one that costs nothing, and that beyond which no
        contract is cheaper; None where any is acceptable. [USD]
    clauses : tuple of Clause
        The most valuable first.
    """

    offer: ContractOffer
    joint: Parts
    joint_choice: str
    lower_bound_usd: float | None
    sequential_usd: float
    no_contract_usd: float
    saving_p10_usd: float
    saving_p50_usd: float
    saving_p90_usd: float
    saving_probability: float
    years: tuple[YearRow, ...]
    curve: tuple[CurveRow, ...]
    break_even_discount: float | None
    free_first_year_usd: float | None
    walk_away_first_year_usd: float | None
    clauses: tuple[Clause, ...]

    @property
    def saving_usd(self) -> float:
        """Expected saving against no contract. [USD]"""
        return self.no_contract_usd - self.joint.cost_usd

    @property
    def saving_per_year_usd(self) -> float:
        """The same for each year of the contract. [USD]"""
        return self.saving_usd / len(self.offer.annual_usd)

    @property
    def together_usd(self) -> float:
        """What deciding purchases and contract together saves against one after the other. [USD]"""
        return self.sequential_usd - self.joint.cost_usd

    @property
    def gap_fraction(self) -> float | None:
        """How far the joint answer may be from the best, as a part of its cost; None where not known."""
        if self.lower_bound_usd is None:
            return None
        return max(self.joint.cost_usd - self.lower_bound_usd, 0.0) / self.joint.cost_usd


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ContractAnswer:
    """All offers of a run.

    Attributes
    ----------
    as_of_hour : int
    results : tuple of OfferResult
        In the order of the file.
    recommended : str
        Name of the offer to take; empty for none.
    reasons : tuple of str
    on_demand_yearly_usd : FloatArray of shape (n_years,)
        Expected list price of the planned demand by contract year. [USD]
    spend_yearly_usd : FloatArray of shape (n_years,)
        The same after the purchases planned without a contract. [USD]
    assumptions : tuple of str
    inputs : tuple of InputRecord
    versions : tuple of (str, str)
    seed : int
    """

    as_of_hour: int
    results: tuple[OfferResult, ...]
    recommended: str
    reasons: tuple[str, ...]
    on_demand_yearly_usd: FloatArray
    spend_yearly_usd: FloatArray
    assumptions: tuple[str, ...]
    inputs: tuple[InputRecord, ...]
    versions: tuple[tuple[str, str], ...]
    seed: int

    @property
    def best(self) -> OfferResult:
        """The recommended offer; the best one where none is recommended."""
        return max(self.results, key=lambda result: (result.offer.name == self.recommended, result.saving_per_year_usd))
