"""One bill day by day: what usage would cost on demand, what serves it, and what is committed and not used.

The same sums describe a bill of a scenario and the bill of what happened. Not here: the rules of billing
(`optimizer.billing`).
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.hours import HOURS_PER_DAY
from optimizer.billing.bill import Bill
from optimizer.offers import Catalog


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BillDays:
    """A bill by day; served and unused USD sum to its total.

    Attributes
    ----------
    days : IntArray of shape (n_days,)
        Epoch days.
    on_demand_usd : FloatArray of shape (n_pools, n_days)
        Demand at on-demand prices, idle units of capacity reservations not. [USD]
    served_usd : FloatArray of shape (n_pools, n_days)
        On demand after discounts, spot, and the used part of commitments. [USD]
    fee_usd, unused_usd : FloatArray of shape (n_days,)
        Fees of commitments, and the part that no usage consumed. [USD]
    eligible_usd, covered_usd : FloatArray of shape (n_days,)
        Demand off spot at on-demand prices, and the covered part of it. [USD]
    """

    days: IntArray
    on_demand_usd: FloatArray
    served_usd: FloatArray
    fee_usd: FloatArray
    unused_usd: FloatArray
    eligible_usd: FloatArray
    covered_usd: FloatArray

    @property
    def total_usd(self) -> FloatArray:
        """Cost of each day. Shape (n_days,). [USD]"""
        total: FloatArray = self.served_usd.sum(axis=0) + self.unused_usd
        return total


def bill_days(bill: Bill, catalog: Catalog) -> BillDays:
    """Sums of a bill by UTC day.

    Parameters
    ----------
    bill : Bill
    catalog : Catalog
        Of the bill.

    Notes
    -----
    A commitment that covers a unit costs it the unit's draw times the effective fee. Coverage counts for demand before
    it counts for idle units of capacity reservations.
    """
    days, starts = np.unique(bill.hours // HOURS_PER_DAY, return_index=True)
    rate = bill.on_demand_rate_usd[:, None]
    served = bill.on_demand_units * rate
    if bill.sustained_use_fraction is not None:
        served = served * (1.0 - bill.sustained_use_fraction)
    served = served + bill.spot_units * np.nan_to_num(bill.spot_rate_usd)[:, None]
    covered = np.zeros_like(bill.demand_units)
    used = np.zeros_like(bill.demand_units)
    for offer_id in bill.covered_by_offer:
        fee_usd = catalog.offer(offer_id).effective_hourly_usd
        rows, units = bill.covered_rows(offer_id)
        used[rows] += units * (bill.draw_by_offer[offer_id][rows] * fee_usd)[:, None]
        covered[rows] += units
    firm = bill.demand_units - bill.spot_units

    def daily(values: FloatArray) -> FloatArray:
        """Sums over the hours of each day."""
        sums: FloatArray = np.add.reduceat(values * bill.hour_weights, starts, axis=-1)
        return sums

    return BillDays(
        days=days,
        on_demand_usd=daily(bill.demand_units * rate),
        served_usd=daily(served + used),
        fee_usd=daily(bill.hour_fee_usd),
        unused_usd=daily(bill.hour_fee_usd - used.sum(axis=0)),
        eligible_usd=daily(firm * rate).sum(axis=0),
        covered_usd=daily(np.minimum(firm, covered) * rate).sum(axis=0),
    )
