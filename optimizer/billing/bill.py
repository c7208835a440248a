"""A bill: what some hours cost, by pool and by commitment, and the metrics of it.

Money is amortized (upfront spread over the term) unless a name says `cash`. Not here: the rules that decide who covers
what (`optimizer.billing.dispatch`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, IntArray, frozen_floats, frozen_ints
from optimizer.billing.covered import CoveredUnits
from optimizer.metrics import (
    coverage_fraction,
    effective_savings_fraction,
    stranded_fraction,
    utilization_fraction,
)
from optimizer.offers import OfferKind


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentBill:
    """One commitment inside the window.

    Attributes
    ----------
    commitment_id, offer_id : str
    kind : OfferKind
    held_quantity_hours, used_quantity_hours : float
        Sum over its hours of what is held, and of what usage consumed. [USD for a plan, else (normalized) unit-hours]
    fee_usd : float
        Effective hourly fee of the hours held; 0 for a capacity reservation, whose idle units are usage. [USD]
    used_usd : float
        Part of the fee that usage consumed. [USD]
    cash_usd : float
        Hourly payments of the hours held, and the upfront part if it is paid inside the window. [USD]
    """

    commitment_id: str
    offer_id: str
    kind: OfferKind
    held_quantity_hours: float
    used_quantity_hours: float
    fee_usd: float
    used_usd: float
    cash_usd: float

    @property
    def unused_usd(self) -> float:
        """Part of the fee that no usage consumed: stranded. [USD]"""
        return self.fee_usd - self.used_usd

    @property
    def utilization(self) -> float | None:
        """Used part; None where nothing is held inside the window."""
        return utilization_fraction(used_usd=self.used_quantity_hours, committed_usd=self.held_quantity_hours)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bill:
    """What the hours of one window cost.

    Attributes
    ----------
    pools : tuple of str
    hours : IntArray of shape (n_hours,)
        Epoch hours.
    hour_weights : FloatArray of shape (n_hours,)
        Hours each column stands for; money sums include them, units do not. [h]
    demand_units : FloatArray of shape (n_pools, n_hours)
        Demand, spot included. [units]
    spot_units : FloatArray of shape (n_pools, n_hours)
        Demand that runs on spot. [units]
    idle_units : FloatArray of shape (n_pools, n_hours)
        Units of capacity reservations that no demand uses: extra usage. [units]
    on_demand_units : FloatArray of shape (n_pools, n_hours)
        Demand and idle units that nothing covers. [units]
    covered_by_offer : Mapping of str to FloatArray of shape (n_pools, n_hours)
        Demand and idle units covered by commitments of an offer; offers that cover nothing may be absent. [units]
    kind_of_offer : Mapping of str to OfferKind
    draw_by_offer : Mapping of str to FloatArray of shape (n_pools,)
        Quantity that one covered unit of each pool uses up; 0 where it covers none.
    hour_fee_usd : FloatArray of shape (n_hours,)
        Effective fees of what is held in each hour, used or not. [USD/h]
    spot_rate_usd : FloatArray of shape (n_pools,)
        Effective spot rate; nan without one. [USD/unit-hour]
    on_demand_usd, spot_usd : FloatArray of shape (n_pools,)
        Cost of on-demand units, after sustained-use discounts, and of spot units. [USD]
    sustained_use_usd : FloatArray of shape (n_pools,)
        What sustained-use discounts take off. [USD]
    sustained_use_fraction : FloatArray of shape (n_pools, n_hours) or None
        The same as a part of the on-demand rate; None: nothing anywhere.
    on_demand_rate_usd : FloatArray of shape (n_pools,)
        [USD/unit-hour]
    commitments : tuple of CommitmentBill
        In the order given.
    on_demand_equivalent_usd : float
        All demand, spot included, idle units not, at on-demand prices. [USD]
    eligible_on_demand_usd : float
        The same for demand that does not run on spot. [USD]
    covered_on_demand_usd : float
        The same for covered demand; coverage counts for demand before it counts for idle units. [USD]
    """

    pools: tuple[str, ...]
    hours: IntArray
    hour_weights: FloatArray
    demand_units: FloatArray
    spot_units: FloatArray
    idle_units: FloatArray
    on_demand_units: FloatArray
    covered_by_offer: Mapping[str, FloatArray]
    kind_of_offer: Mapping[str, OfferKind]
    draw_by_offer: Mapping[str, FloatArray]
    hour_fee_usd: FloatArray
    spot_rate_usd: FloatArray
    on_demand_usd: FloatArray
    spot_usd: FloatArray
    sustained_use_usd: FloatArray
    sustained_use_fraction: FloatArray | None
    on_demand_rate_usd: FloatArray
    commitments: tuple[CommitmentBill, ...]
    on_demand_equivalent_usd: float
    eligible_on_demand_usd: float
    covered_on_demand_usd: float

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "hours", frozen_ints(self.hours))
        for name in (
            "hour_weights",
            "demand_units",
            "spot_units",
            "idle_units",
            "on_demand_units",
            "on_demand_usd",
            "spot_usd",
            "sustained_use_usd",
            "on_demand_rate_usd",
        ):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))

    def covered_rows(self, offer_id: str) -> tuple[IntArray, FloatArray]:
        """Pools that commitments of an offer cover, rising, and the units covered there, of shape (n_found, n_hours).

        Where there are hundreds of pools and an offer for each, this spares the zeros of all others.
        """
        if isinstance(self.covered_by_offer, CoveredUnits):
            return self.covered_by_offer.rows(offer_id)
        units = self.covered_by_offer[offer_id]
        rows: IntArray = np.flatnonzero(units.any(axis=1))
        return rows, units[rows]

    @property
    def covered_units(self) -> dict[OfferKind, FloatArray]:
        """Demand and idle units covered by commitments of a kind; kinds that cover nothing may be absent. [units]"""
        out: dict[OfferKind, FloatArray] = {}
        for offer_id, units in self.covered_by_offer.items():
            kind = self.kind_of_offer[offer_id]
            out[kind] = out[kind] + units if kind in out else units
        return out

    @property
    def fee_usd(self) -> float:
        """Amortized fees of all commitments, used or not. [USD]"""
        return sum(commitment.fee_usd for commitment in self.commitments)

    @property
    def total_usd(self) -> float:
        """Fees, on-demand and spot. [USD]"""
        return self.fee_usd + self._variable_usd

    @property
    def cash_total_usd(self) -> float:
        """What is paid inside the window: upfront at purchase, hourly parts, on-demand and spot. [USD]"""
        return sum(commitment.cash_usd for commitment in self.commitments) + self._variable_usd

    @property
    def stranded_usd(self) -> float:
        """Fees that no usage consumed. [USD]"""
        return sum(commitment.unused_usd for commitment in self.commitments)

    @property
    def stranded_fraction(self) -> float | None:
        """Stranded part of the fees; None where there are none."""
        return stranded_fraction(stranded_usd=self.stranded_usd, committed_usd=self.fee_usd)

    @property
    def utilization(self) -> float | None:
        """Used part of the fees; None where there are none."""
        used_usd = sum(commitment.used_usd for commitment in self.commitments)
        return utilization_fraction(used_usd=used_usd, committed_usd=self.fee_usd)

    @property
    def coverage(self) -> float | None:
        """Covered part of the demand off spot, at on-demand prices; None where there is no such demand."""
        return coverage_fraction(
            covered_on_demand_usd=self.covered_on_demand_usd, eligible_on_demand_usd=self.eligible_on_demand_usd
        )

    @property
    def effective_savings_rate(self) -> float | None:
        """1 - total / on-demand equivalent; None where there is no demand."""
        return effective_savings_fraction(
            actual_usd=self.total_usd, on_demand_equivalent_usd=self.on_demand_equivalent_usd
        )

    @property
    def _variable_usd(self) -> float:
        """On-demand and spot. [USD]"""
        return float(self.on_demand_usd.sum() + self.spot_usd.sum())
