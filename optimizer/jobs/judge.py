"""Plans and rivals billed by the provider's rules in every scenario, and summed up.

Not here: the rules (`optimizer.billing`), what was bought (`optimizer.jobs.quarterly`).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray
from forecasting.hours import month_index, month_name
from forecasting.quantiles import weighted_quantile
from forecasting.scenarios import Scenarios
from optimizer.assembly import Market
from optimizer.billing.bill import Bill
from optimizer.billing.replay import bill_scenarios
from optimizer.plan import AllocationRow, CostSummary
from optimizer.portfolio import Commitment
from optimizer.risk import conditional_value_at_risk

CVAR_LEVEL_OF_REPORTS = 0.95  # reports name it CVaR 95; the policy's own level steers the limits


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """What one way of buying costs in every scenario.

    Attributes
    ----------
    total_usd, committed_usd, stranded_usd, equivalent_usd, eligible_usd, covered_usd, sustained_usd : FloatArray
        Inside the window, each of shape (n_scenarios,); the last one what sustained-use discounts take off. [USD]
    use_fraction : dict of str to float
        Expected use of each commitment, by its id.
    allocation : tuple of AllocationRow
        Expected, by month, pool and kind; empty where not asked for.
    """

    total_usd: FloatArray
    committed_usd: FloatArray
    stranded_usd: FloatArray
    equivalent_usd: FloatArray
    eligible_usd: FloatArray
    covered_usd: FloatArray
    sustained_usd: FloatArray
    use_fraction: dict[str, float]
    allocation: tuple[AllocationRow, ...]


def judge(  # noqa: PLR0913  # who is billed for what, and four things most callers leave as they are
    market: Market,
    commitments: Sequence[Commitment],
    scenarios: Scenarios,
    *,
    spot_units: FloatArray | None = None,
    with_allocation: bool = False,
    on_bill: Callable[[Bill, float], None] | None = None,
    spot_available: BoolArray | None = None,
) -> Judged:
    """Bill the same commitments in every scenario.

    Parameters
    ----------
    market : Market
    commitments : sequence of Commitment
        Owned and planned.
    scenarios : Scenarios
        Hours of the window.
    spot_units : FloatArray of shape (n_scenarios, n_pools, n_hours) or None
        Demand that the plan leaves on spot; None: the eligible fraction. [units]
    with_allocation : bool
        Whether to add up what serves each pool by month.
    on_bill : callable or None
        Given each bill and its weight, in the order of the scenarios; it must not keep the bill.
    spot_available : BoolArray of shape (n_scenarios, n_pools, n_hours) or None
        Whether spot is there, as the plan's problem has it inside the window; None: not drawn.
    """
    held = [commitment for commitment in commitments if commitment.quantity > 0]
    bills = bill_scenarios(market.catalog, market.pools, held, scenarios, spot_units, spot_available)
    ledger = _Ledger(market, scenarios) if with_allocation else None
    listeners = [listen for listen in (ledger.add if ledger else None, on_bill) if listen is not None]

    def told(bill: Bill, weight: float) -> None:
        """Tell all who want to know."""
        for listen in listeners:
            listen(bill, weight)

    return sum_up(bills, scenarios.weights, told, ledger.rows if ledger else None)


def sum_up(
    bills: Iterable[Bill],
    weights: FloatArray,
    on_bill: Callable[[Bill, float], None] | None = None,
    rows: Callable[[], tuple[AllocationRow, ...]] | None = None,
) -> Judged:
    """Add up one bill for each scenario.

    Parameters
    ----------
    bills : iterable of Bill
        In the order of the scenarios.
    weights : FloatArray of shape (n_scenarios,)
    on_bill : callable or None
        Given each bill and its weight.
    rows : callable or None
        Gives the allocation once every bill was seen.
    """
    figures = []
    used: dict[str, float] = {}
    held: dict[str, float] = {}
    for bill, weight in zip(bills, weights, strict=True):
        figures.append(
            (
                bill.total_usd,
                bill.fee_usd,
                bill.stranded_usd,
                bill.on_demand_equivalent_usd,
                bill.eligible_on_demand_usd,
                bill.covered_on_demand_usd,
                float(bill.sustained_use_usd.sum()),
            )
        )
        for line in bill.commitments:
            used[line.commitment_id] = used.get(line.commitment_id, 0.0) + weight * line.used_quantity_hours
            held[line.commitment_id] = held.get(line.commitment_id, 0.0) + weight * line.held_quantity_hours
        if on_bill is not None:
            on_bill(bill, float(weight))
    columns = np.array(figures).T
    return Judged(
        total_usd=columns[0],
        committed_usd=columns[1],
        stranded_usd=columns[2],
        equivalent_usd=columns[3],
        eligible_usd=columns[4],
        covered_usd=columns[5],
        sustained_usd=columns[6],
        use_fraction={name: used[name] / hours if hours > 0 else 0.0 for name, hours in held.items()},
        allocation=rows() if rows is not None else (),
    )


def summary(name: str, title: str, judged: Judged, weights: FloatArray) -> CostSummary:
    """Expected cost, its spread and the metrics of one way of buying."""
    total, committed = judged.total_usd, float(weights @ judged.committed_usd)
    stranded, eligible = float(weights @ judged.stranded_usd), float(weights @ judged.eligible_usd)
    equivalent = float(weights @ judged.equivalent_usd)
    tail = conditional_value_at_risk(judged.stranded_usd, weights, level=CVAR_LEVEL_OF_REPORTS)
    return CostSummary(
        name=name,
        title=title,
        scenario_usd=total,
        mean_usd=float(weights @ total),
        p10_usd=weighted_quantile(total, weights, level=0.1),
        p50_usd=weighted_quantile(total, weights, level=0.5),
        p90_usd=weighted_quantile(total, weights, level=0.9),
        esr=1.0 - float(weights @ total) / equivalent if equivalent > 0 else 0.0,
        coverage=float(weights @ judged.covered_usd) / eligible if eligible > 0 else 0.0,
        utilization=1.0 - stranded / committed if committed > 0 else float("nan"),
        stranded_usd=stranded,
        stranded_fraction=stranded / committed if committed > 0 else 0.0,
        stranded_cvar_fraction=tail / committed if committed > 0 else 0.0,
        cvar_usd=conditional_value_at_risk(total, weights, level=CVAR_LEVEL_OF_REPORTS),
    )


class _Ledger:
    """Expected units and USD by month, pool and kind."""

    def __init__(self, market: Market, scenarios: Scenarios) -> None:
        self.market = market
        month_of = month_index(scenarios.hours)
        self.months, self.starts = np.unique(month_of, return_index=True)
        self.month_hours = np.add.reduceat(scenarios.hour_weights, self.starts)
        self.unit_hours: dict[str, FloatArray] = {}
        self.usd: dict[str, FloatArray] = {}
        self.unused_usd = np.zeros(len(self.months))

    def add(self, bill: Bill, weight: float) -> None:
        """Add one scenario's bill."""
        catalog = self.market.catalog
        self._add("on_demand", bill.on_demand_units, bill, weight, rate_usd=bill.on_demand_rate_usd[:, None])
        if bill.sustained_use_fraction is not None:
            saved = self._monthly(bill.on_demand_units * bill.sustained_use_fraction * bill.hour_weights)
            self.usd["on_demand"] -= weight * saved * bill.on_demand_rate_usd[:, None]
        self._add("spot", bill.spot_units, bill, weight, rate_usd=np.nan_to_num(bill.spot_rate_usd)[:, None])
        self.unused_usd += weight * self._monthly(bill.hour_fee_usd * bill.hour_weights)
        for offer_id in bill.covered_by_offer:
            offer = catalog.offer(offer_id)
            rows, units = bill.covered_rows(offer_id)
            rate = bill.draw_by_offer[offer_id][rows] * offer.effective_hourly_usd
            unit_hours = weight * self._monthly(units * bill.hour_weights)
            used = self._count(offer.kind.value, rows, unit_hours, rate_usd=rate[:, None])
            self.unused_usd -= used.sum(axis=0)

    def rows(self) -> tuple[AllocationRow, ...]:
        """All rows that are not nothing."""
        out = []
        for place, month in enumerate(self.months):
            name = month_name(int(month))
            for kind in self.usd:
                for row, pool in enumerate(self.market.catalog.pools):
                    units = float(self.unit_hours[kind][row, place] / self.month_hours[place])
                    if units > 0:
                        usd = float(self.usd[kind][row, place])
                        out.append(AllocationRow(month=name, pool=pool, kind=kind, units=units, usd=usd))
            out.append(AllocationRow(month=name, pool="", kind="unused", units=0.0, usd=float(self.unused_usd[place])))
        return tuple(out)

    def _add(self, kind: str, units: FloatArray, bill: Bill, weight: float, *, rate_usd: FloatArray) -> FloatArray:
        """Add units of one kind at a rate; return their USD by pool and month."""
        unit_hours = weight * self._monthly(units * bill.hour_weights)
        return self._count(kind, np.arange(len(units)), unit_hours, rate_usd=rate_usd)

    def _count(self, kind: str, rows: IntArray, unit_hours: FloatArray, *, rate_usd: FloatArray) -> FloatArray:
        """Add unit-hours by month of some pools at a rate; return their USD."""
        usd: FloatArray = unit_hours * rate_usd
        for total, added in ((self.unit_hours, unit_hours), (self.usd, usd)):
            if kind not in total:
                total[kind] = np.zeros((len(self.market.catalog.pools), len(self.months)))
            total[kind][rows] += added
        return usd

    def _monthly(self, values: FloatArray) -> FloatArray:
        """Sums over the hours (last axis) of each month."""
        sums: FloatArray = np.add.reduceat(values, self.starts, axis=-1)
        return sums
