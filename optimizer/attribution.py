"""Shares a bill out to owners, hour by hour, so that the parts sum to the bill to the cent.

In hour t, owner o has d units of the D that pool p used. Of what the pool's usage cost in that hour, each unit carries
the same part, whoever's it is, and whichever commitment covered it:

    cost(o, p, t) = d / D x (on-demand cost + spot cost + sum over commitments k of fee_k x draw_kp x covered_kpt)

so the savings of commitments fall to pools as the provider's order applied them, and within a pool to owners by usage
at the time. What no usage consumed (unused commitments, idle capacity reservations) is the platform's: showback.
Shared to owners instead, unused commitments of an hour follow the on-demand value of what each used off spot in it:

    stranded(o, t) = stranded(t) x sum over p (d_firm x rate_p) / sum over p and owners (d_firm x rate_p)

An hour without usage stays the platform's. Cents are given by largest remainders, so that rows add up exactly.

Not here: files of owners (`optimizer.owners`), the bill itself (`optimizer.billing`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.hours import month_index, month_name
from optimizer.billing.bill import Bill
from optimizer.errors import CertificateError
from optimizer.owners import PLATFORM

PARTS = ("on_demand", "spot", "commitments", "idle")
AGREEMENT = 1e-6  # relative: the same products, summed in another order
CENTS = 100


class IdleTo(StrEnum):
    """Who carries commitments that no usage consumed."""

    PLATFORM = "platform"
    OWNERS = "owners"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributedRow:
    """What one owner's usage of one pool cost in one month, in whole cents.

    Attributes
    ----------
    month : str
        Such as 2025-01.
    owner : str
    pool : str
        Empty for unused commitments.
    unit_hours : float
    on_demand_cents, spot_cents, commitments_cents, idle_cents : int
        Parts of the cost: on demand, spot, fees of commitments that this usage consumed, and fees that none consumed.
    on_demand_equivalent_cents : int
        What the usage would have cost on demand.
    """

    month: str
    owner: str
    pool: str
    unit_hours: float
    on_demand_cents: int
    spot_cents: int
    commitments_cents: int
    idle_cents: int
    on_demand_equivalent_cents: int

    @property
    def total_cents(self) -> int:
        """Sum of the parts."""
        return self.on_demand_cents + self.spot_cents + self.commitments_cents + self.idle_cents

    @property
    def savings_cents(self) -> int:
        """On-demand equivalent minus the sum of the parts; negative where commitments cost more than they save."""
        return self.on_demand_equivalent_cents - self.total_cents


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Hourly:
    """Costs of pools by hour. Shape (n_pools, n_hours) each, stranded (n_hours,). [USD]"""

    on_demand: FloatArray
    spot: FloatArray
    commitments: FloatArray
    idle: FloatArray
    equivalent: FloatArray
    stranded: FloatArray


@dataclass(slots=True, kw_only=True)
class _Cell:
    """A row before its cents."""

    month: int
    owner: str
    pool: str
    unit_hours: float
    usd: tuple[float, float, float, float]
    equivalent_usd: float


def attribute_bill(
    bill: Bill, units: Mapping[tuple[str, str], FloatArray], *, idle_to: IdleTo = IdleTo.PLATFORM
) -> tuple[AttributedRow, ...]:
    """Rows of every owner, pool and month, and of the platform, that sum to the bill.

    Parameters
    ----------
    bill : Bill
    units : Mapping of (str, str) to FloatArray of shape (n_hours,)
        Demand by pool and owner; the owners of a pool together have its demand. [units]
    idle_to : IdleTo

    Returns
    -------
    tuple of AttributedRow
        By month, owner and pool. The parts of all rows sum to the bill's total, rounded to the cent.

    Raises
    ------
    CertificateError
        If the parts do not sum to the bill: a defect of this project, never passed on.
    """
    hourly = _hourly(bill)
    shared = np.zeros_like(bill.demand_units)
    if idle_to is IdleTo.OWNERS:
        shared = _shared_stranded(bill, hourly.stranded)
    cells = [*_owner_cells(bill, hourly, units, shared), *_platform_cells(bill, hourly, shared)]
    cells = [cell for cell in cells if any(cell.usd) or cell.equivalent_usd or cell.unit_hours]
    cells.sort(key=lambda cell: (cell.month, cell.owner, cell.pool))
    return _in_cents(cells, bill)


def _hourly(bill: Bill) -> _Hourly:
    """Take the bill apart by pool and hour."""
    weights, rate = bill.hour_weights, bill.on_demand_rate_usd[:, None]
    paid_rate = rate * (1.0 if bill.sustained_use_fraction is None else 1.0 - bill.sustained_use_fraction)
    covered = np.maximum(bill.demand_units - bill.spot_units + bill.idle_units - bill.on_demand_units, 0.0)
    idle_on_demand = np.minimum(bill.idle_units, bill.on_demand_units)
    # demand is covered before idle reservations are, so the idle part of coverage is what is left of it
    idle_fraction = np.divide(
        bill.idle_units - idle_on_demand, covered, out=np.zeros_like(covered), where=covered > 0.0
    )
    used = _used_usd(bill)
    total_used = used.sum(axis=0)
    return _Hourly(
        on_demand=(bill.on_demand_units - idle_on_demand) * paid_rate * weights,
        spot=bill.spot_units * np.nan_to_num(bill.spot_rate_usd)[:, None] * weights,
        commitments=used * (1.0 - np.minimum(idle_fraction, 1.0)),
        idle=idle_on_demand * paid_rate * weights + used * np.minimum(idle_fraction, 1.0),
        equivalent=bill.demand_units * rate * weights,
        stranded=np.maximum(bill.hour_fee_usd * weights - total_used, 0.0),
    )


def _used_usd(bill: Bill) -> FloatArray:
    """Fees that usage of a pool consumed in an hour. Shape (n_pools, n_hours). [USD]"""
    used = np.zeros_like(bill.demand_units)
    for offer_id, units in bill.covered_by_offer.items():
        quantity = units * bill.draw_by_offer[offer_id][:, None] * bill.hour_weights
        total = float(quantity.sum())
        fee_usd = sum(line.used_usd for line in bill.commitments if line.offer_id == offer_id)
        if total > 0.0:
            used += quantity * (fee_usd / total)
    return used


def _shared_stranded(bill: Bill, stranded: FloatArray) -> FloatArray:
    """Stranded fees by the pools that ran off spot in the hour, by on-demand value. Shape (n_pools, n_hours). [USD]"""
    firm_usd = (bill.demand_units - bill.spot_units) * bill.on_demand_rate_usd[:, None]
    total = firm_usd.sum(axis=0)
    shared: FloatArray = firm_usd * np.divide(stranded, total, out=np.zeros_like(total), where=total > 0.0)
    return shared


def _months(bill: Bill) -> tuple[IntArray, IntArray]:
    """Months of the window and where each starts."""
    months, starts = np.unique(month_index(bill.hours), return_index=True)
    return months, starts


def _owner_cells(
    bill: Bill, hourly: _Hourly, units: Mapping[tuple[str, str], FloatArray], shared: FloatArray
) -> list[_Cell]:
    """Cells of owners: each unit of a pool carries the same part of the hour's cost."""
    months, starts = _months(bill)
    row_of = {pool: row for row, pool in enumerate(bill.pools)}
    cells = []
    for (pool, owner), series in units.items():
        row = row_of[pool]
        whole = bill.demand_units[row]
        share = np.divide(series, whole, out=np.zeros_like(whole), where=whole > 0.0)
        parts = (hourly.on_demand[row], hourly.spot[row], hourly.commitments[row], shared[row], hourly.equivalent[row])
        by_month = [np.add.reduceat(share * part, starts) for part in parts]
        hours = np.add.reduceat(series * bill.hour_weights, starts)
        for position, month in enumerate(months):
            on_demand, spot, commitments, unused, equivalent = (float(part[position]) for part in by_month)
            cells.append(
                _Cell(
                    month=int(month),
                    owner=owner,
                    pool=pool,
                    unit_hours=float(hours[position]),
                    usd=(on_demand, spot, commitments, unused),
                    equivalent_usd=equivalent,
                )
            )
    return cells


def _platform_cells(bill: Bill, hourly: _Hourly, shared: FloatArray) -> list[_Cell]:
    """Cells of the platform: idle capacity by pool, and unused commitments where owners do not carry them."""
    months, starts = _months(bill)
    idle = np.add.reduceat(hourly.idle, starts, axis=1)
    kept = np.maximum(hourly.stranded - shared.sum(axis=0), 0.0)
    by_month = np.add.reduceat(kept, starts)
    cells = []
    for position, month in enumerate(months):
        named = [(pool, float(idle[row, position])) for row, pool in enumerate(bill.pools)]
        for pool, usd in [*named, ("", float(by_month[position]))]:
            cells.append(
                _Cell(
                    month=int(month),
                    owner=PLATFORM,
                    pool=pool,
                    unit_hours=0.0,
                    usd=(0.0, 0.0, 0.0, usd),
                    equivalent_usd=0.0,
                )
            )
    return cells


def _in_cents(cells: Sequence[_Cell], bill: Bill) -> tuple[AttributedRow, ...]:
    """Round so that parts, and rows, sum to the rounded bill."""
    usd = np.array([cell.usd for cell in cells]).reshape(len(cells), len(PARTS))
    equivalent = np.array([cell.equivalent_usd for cell in cells])
    _check(float(usd.sum()), bill.total_usd, "cost")
    _check(float(equivalent.sum()), bill.on_demand_equivalent_usd, "on-demand equivalent")
    part_cents = whole_cents(usd.sum(axis=0), bill.total_usd)
    cents = np.column_stack(
        [whole_cents(usd[:, part], part_cents[part] / CENTS) for part in range(len(PARTS))]
    ).reshape(len(cells), len(PARTS))
    equivalent_cents = whole_cents(equivalent, bill.on_demand_equivalent_usd)
    return tuple(
        AttributedRow(
            month=month_name(cell.month),
            owner=cell.owner,
            pool=cell.pool,
            unit_hours=cell.unit_hours,
            on_demand_cents=int(cents[row, 0]),
            spot_cents=int(cents[row, 1]),
            commitments_cents=int(cents[row, 2]),
            idle_cents=int(cents[row, 3]),
            on_demand_equivalent_cents=int(equivalent_cents[row]),
        )
        for row, cell in enumerate(cells)
    )


def whole_cents(parts_usd: FloatArray, total_usd: float) -> IntArray:
    """Parts in cents that sum to the rounded total: each rounded down, the cents left to the largest remainders.

    Parameters
    ----------
    parts_usd : FloatArray of shape (n_parts,)
        None below zero but by rounding; they sum to the total but for rounding. [USD]
    total_usd : float
        [USD]

    Returns
    -------
    IntArray of shape (n_parts,)
        [cents]

    Examples
    --------
    >>> whole_cents(np.array([0.004, 0.004, 0.002]), 0.01).tolist()
    [1, 0, 0]
    """
    exact = np.maximum(parts_usd, 0.0) * CENTS
    cents: IntArray = np.floor(exact).astype(np.int64)
    missing = round(total_usd * CENTS) - int(cents.sum())
    if len(cents) == 0 or missing == 0:
        return cents
    order = np.argsort(-(exact - cents), kind="stable")
    if missing < 0:  # a rounding error of the sum: taken where a cent is
        order = order[::-1][cents[order[::-1]] > 0]
    np.add.at(cents, np.resize(order, abs(missing)), 1 if missing > 0 else -1)
    return cents


def _check(found_usd: float, billed_usd: float, what: str) -> None:
    """Refuse parts that are not the bill."""
    if abs(found_usd - billed_usd) > AGREEMENT * max(abs(billed_usd), 1.0):
        msg = f"the {what} attributed to owners must be the bill's {billed_usd!r} USD, got {found_usd!r}."
        raise CertificateError(msg)
