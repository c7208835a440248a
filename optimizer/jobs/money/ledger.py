"""What the bills of all scenarios say hour by hour: the cost beside commitments, and the value that offers cover.

Not here: the bills (`optimizer.jobs.judge`), what is paid for commitments (`optimizer.jobs.money.flows`).
"""

import numpy as np

from forecasting.arrays import FloatArray
from optimizer.billing.bill import Bill


class MoneyLedger:
    """Sums over bills, each seen once, in the order of the scenarios.

    Attributes
    ----------
    on_demand_usd, spot_usd : list of FloatArray of shape (n_hours,)
        Of each scenario, hour weights included. [USD]
    covered_usd : dict of str to FloatArray of shape (n_hours,)
        Expected on-demand value of what each offer covers, hour weights included. [USD]
    covered_unit_hours : dict of str to FloatArray of shape (n_pools,)
        Expected units covered by each offer, times hours. [unit-hours]
    """

    def __init__(self) -> None:
        self.on_demand_usd: list[FloatArray] = []
        self.spot_usd: list[FloatArray] = []
        self.covered_usd: dict[str, FloatArray] = {}
        self.covered_unit_hours: dict[str, FloatArray] = {}

    def add(self, bill: Bill, weight: float) -> None:
        """Add one scenario's bill."""
        rate = bill.on_demand_rate_usd
        hours = bill.hour_weights
        units = bill.on_demand_units
        if bill.sustained_use_fraction is not None:
            units = units * (1.0 - bill.sustained_use_fraction)
        self.on_demand_usd.append((rate @ units) * hours)
        self.spot_usd.append((np.nan_to_num(bill.spot_rate_usd) @ bill.spot_units) * hours)
        for offer_id in bill.covered_by_offer:
            rows, covered = bill.covered_rows(offer_id)
            value = (rate[rows] @ covered) * hours
            unit_hours = np.zeros(len(rate))
            unit_hours[rows] = covered @ hours
            self.covered_usd[offer_id] = self.covered_usd.get(offer_id, 0.0) + weight * value
            self.covered_unit_hours[offer_id] = self.covered_unit_hours.get(offer_id, 0.0) + weight * unit_hours

    @property
    def variable_usd(self) -> FloatArray:
        """Cost beside commitments. Shape (n_scenarios, n_hours). [USD]"""
        return np.stack(self.on_demand_usd) + np.stack(self.spot_usd)
