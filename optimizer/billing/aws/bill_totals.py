"""A bill of the price contract as an AWS report would state it: sums by type of line, unblended and amortized.

Owned hardware is stated as a reservation. Not here: lines by the hour (`optimizer.billing.aws.line_items`).
"""

from collections.abc import Sequence

from optimizer.billing.aws.line_items import LineType
from optimizer.billing.aws.views import ViewTotal
from optimizer.billing.bill import Bill, CommitmentBill
from optimizer.offers import PLAN_KINDS, Catalog, OfferKind


def totals_of_bill(bill: Bill, catalog: Catalog) -> dict[LineType, ViewTotal]:
    """Sums by type of line, to be set against those of an export of the same hours.

    Parameters
    ----------
    bill : Bill
    catalog : Catalog
        The price list it was billed with.

    Returns
    -------
    dict of LineType to ViewTotal
        Types of which there is nothing are left out. The amortized sums add up to `bill.total_usd`, the unblended
        ones to `bill.cash_total_usd`. [USD]
    """
    plans = [item for item in bill.commitments if item.kind in PLAN_KINDS]
    others = [
        item for item in bill.commitments if item.kind not in PLAN_KINDS and item.kind != OfferKind.CAPACITY_RESERVATION
    ]
    plan_hourly_usd, other_hourly_usd = _hourly_usd(plans, catalog), _hourly_usd(others, catalog)
    usage_usd = float(bill.on_demand_usd.sum() + bill.spot_usd.sum())
    covered_usd = _covered_on_demand_usd(bill)
    sums = {
        LineType.USAGE: (usage_usd, usage_usd),
        LineType.DISCOUNTED_USAGE: (0.0, sum(item.used_usd for item in others)),
        LineType.COVERED_USAGE: (covered_usd, sum(item.used_usd for item in plans)),
        LineType.NEGATION: (-covered_usd, 0.0),
        LineType.RECURRING_FEE: (plan_hourly_usd, sum(item.unused_usd for item in plans)),
        LineType.UPFRONT_FEE: (sum(item.cash_usd for item in plans) - plan_hourly_usd, 0.0),
        LineType.RI_FEE: (other_hourly_usd, sum(item.unused_usd for item in others)),
        LineType.FEE: (sum(item.cash_usd for item in others) - other_hourly_usd, 0.0),
    }
    return {
        line_type: ViewTotal(unblended_usd=unblended_usd, amortized_usd=amortized_usd)
        for line_type, (unblended_usd, amortized_usd) in sums.items()
        if unblended_usd != 0.0 or amortized_usd != 0.0
    }


def _hourly_usd(commitments: Sequence[CommitmentBill], catalog: Catalog) -> float:
    """Hourly payments inside the window."""
    return sum(catalog.offer(item.offer_id).hourly_usd * item.held_quantity_hours for item in commitments)


def _covered_on_demand_usd(bill: Bill) -> float:
    """What usage covered by plans would have cost on demand."""
    covered = bill.covered_units
    by_kind = [covered[kind] @ bill.hour_weights @ bill.on_demand_rate_usd for kind in PLAN_KINDS if kind in covered]
    return float(sum(by_kind))
