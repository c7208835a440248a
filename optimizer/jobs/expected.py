"""What a plan expects day by day, from its scenarios and their bills: what `plimsoll track` holds against what came.

Not here: the bills (`optimizer.jobs.judge`), what is made of the expectations (`optimizer.jobs.tracking`).
"""

from collections.abc import Sequence

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.hours import HOURS_PER_DAY
from forecasting.prepared import Prepared, staged_days
from forecasting.quantiles import weighted_quantiles
from forecasting.scenarios import Scenarios
from optimizer.billing.bill import Bill
from optimizer.expected import EXPECTED_LEVELS, Expected, ExpectedEvent
from optimizer.jobs.bill_days import BillDays, bill_days
from optimizer.offers import Catalog
from optimizer.portfolio import Commitment

NOTHING_UNITS = 1e-9  # of a day: what an event changes below that is rounding


class DailyLedger:
    """Expected money by day, added up bill by bill.

    Parameters
    ----------
    catalog : Catalog
        Of the bills.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.mean: dict[str, FloatArray] = {}
        self.cost_usd: list[FloatArray] = []

    def add(self, bill: Bill, weight: float) -> None:
        """Add the bill of one scenario."""
        found = bill_days(bill, self.catalog)
        for name in ("on_demand_usd", "served_usd", "fee_usd", "unused_usd", "eligible_usd", "covered_usd"):
            self.mean[name] = self.mean.get(name, 0.0) + weight * getattr(found, name)
        self.cost_usd.append(found.total_usd)

    def expected(self, days: IntArray) -> BillDays:
        """Mean over the bills given."""
        return BillDays(days=days, **self.mean)

    def cost_to_date(self) -> FloatArray:
        """Cost since the first day of each bill. Shape (n_bills, n_days). [USD]"""
        return np.cumsum(np.stack(self.cost_usd), axis=1)


def expected_days(
    window: Scenarios,
    ledger: DailyLedger,
    commitments: Sequence[Commitment],
    drawn: Prepared | None,
) -> Expected:
    """Expectations of a plan on every whole day of its window.

    Parameters
    ----------
    window : Scenarios
        Hours of the window, from the first hour of a day on.
    ledger : DailyLedger
        That has seen the bill of every scenario, in their order.
    commitments : sequence of Commitment
        Owned and planned.
    drawn : Prepared or None
        Paths before their hours were laid out, for what events change; None where demand follows another model.
    """
    end_hour = int(window.hours[-1]) + 1
    days, starts, counts = np.unique(window.hours // HOURS_PER_DAY, return_index=True, return_counts=True)
    units = np.concatenate([window.units, window.units.sum(axis=1, keepdims=True)], axis=1)
    means = np.add.reduceat(units, starts, axis=2) / counts
    to_date = np.cumsum(means * counts, axis=2) / np.cumsum(counts)
    money = ledger.expected(days)
    everything = Expected(
        pools=window.pools,
        days=days,
        mean_units=np.einsum("s,spd->pd", window.weights, means),
        day_units=_quantiles(means, window.weights),
        to_date_units=_quantiles(to_date, window.weights),
        on_demand_usd=money.on_demand_usd,
        served_usd=money.served_usd,
        fee_usd=money.fee_usd,
        unused_usd=money.unused_usd,
        eligible_usd=money.eligible_usd,
        covered_usd=money.covered_usd,
        locked_in_usd=locked_in_usd(commitments, ledger.catalog, (days + 1) * HOURS_PER_DAY),
        cost_to_date_usd=_quantiles(ledger.cost_to_date(), window.weights),
        events=() if drawn is None else _events(drawn, days),
        knows_events=drawn is not None,
    )
    return everything.of_days(end_hour // HOURS_PER_DAY - int(days[0]))


def locked_in_usd(commitments: Sequence[Commitment], catalog: Catalog, hours: IntArray) -> FloatArray:
    """Fees still to come after each hour of what is held then: what cannot be had back if demand goes.

    Parameters
    ----------
    commitments : sequence of Commitment
    catalog : Catalog
    hours : IntArray of shape (n_moments,)
        Epoch hours.

    Returns
    -------
    FloatArray of shape (n_moments,)
        Amortized, upfront parts that are paid already included. [USD]
    """
    fees = {offer.offer_id: 0.0 if offer.is_open_ended else offer.effective_hourly_usd for offer in catalog.offers}
    total = np.zeros(len(hours))
    for held in commitments:
        is_held = (held.start_hour < hours) & (hours < held.end_hour)
        total += np.where(is_held, held.quantity * fees[held.offer_id] * (held.end_hour - hours), 0.0)
    return total


def _quantiles(values: FloatArray, weights: FloatArray) -> FloatArray:
    """P10, P50 and P90 over the first axis, put first."""
    quantiles: FloatArray = np.moveaxis(weighted_quantiles(values, weights, EXPECTED_LEVELS), -1, 0)
    return quantiles


def _events(drawn: Prepared, days: IntArray) -> tuple[ExpectedEvent, ...]:
    """What each declared event changes in the mean; events that change nothing in these days are left out."""
    if not drawn.events:
        return ()
    stages = staged_days(drawn, days)
    out = []
    for place, (event, _) in enumerate(drawn.events):
        change = stages[place + 1] - stages[place]
        moved = np.flatnonzero(np.abs(change).max(axis=1) > NOTHING_UNITS)
        if len(moved):
            pools = tuple(drawn.daily.pools[row] for row in moved)
            out.append(ExpectedEvent(name=event.name, pools=pools, units=change[moved]))
    return tuple(out)
