"""The loop closed: what an export says was charged, against the bill of what was imported from it.

Both sides are amortized. The difference of each line and pool has three causes, which sum to it:

    by spot    billed - billed with spot in the hours of the export; `bill` takes it as one share of every hour, and as
               on demand where the price list has no spot price
    by rates   charged unit-hours x (rate - charged rate), the rate that of spot in its own hours
    by units   (unit-hours - charged unit-hours) x rate, likewise

The unused part of commitments differs by their fees, and by what was used of them. Not here: reading exports
(`forecasting.usage`), billing (`optimizer.billing`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from forecasting.arrays import FloatArray
from forecasting.errors import InputError, Problem
from forecasting.usage.imported import Imported, ImportRequest, import_export
from forecasting.usage.judged import PartTotal
from forecasting.usage.lines import DEMAND_PARTS, Part
from forecasting.usage.pool_names import parse_pool_name
from optimizer.billing.bill import Bill
from optimizer.billing.replay import BillOptions, bill_portfolio
from optimizer.jobs.bill import BillAnswer, BillRequest, bill_usage
from optimizer.jobs.inputs import file_sha256, read_market, read_policy_with
from optimizer.offers import PLAN_KINDS, Catalog
from optimizer.plan import InputRecord

ON_DEMAND, RESERVATIONS, PLANS, SPOT = "on demand", "reservations used", "plans used", "spot"
UNUSED = "unused commitments"
LINE_OF_PART = {
    Part.ON_DEMAND: ON_DEMAND,
    Part.IDLE_CAPACITY: ON_DEMAND,
    Part.RESERVED: RESERVATIONS,
    Part.PLANNED: PLANS,
    Part.SPOT: SPOT,
}
UNUSED_PARTS = (Part.UNUSED, Part.RECURRING_FEE, Part.UPFRONT_FEE)
WHOLE_FEES = (
    "The export has covered usage at no cost and the fees of commitments whole: their used and unused lines are right "
    "in sum, not one by one."
)
CASH_FEES = (
    "The export has purchases as they were paid, not spread over the term: its commitments cannot be compared with an "
    "amortized bill. Reconcile the amortized export."
)
UNITS_TOLERANCE = 1e-6  # relative: float64 sums of the same rows in another order


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileRequest:
    """What `plimsoll reconcile` is asked.

    Attributes
    ----------
    name : str
        Format of the export.
    exports : tuple of Path
    bill : BillRequest
        What was imported from them, and prices.
    """

    name: str
    exports: tuple[Path, ...]
    bill: BillRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLine:
    """One line of one pool on both sides, amortized.

    Attributes
    ----------
    line, pool : str
        The pool is empty for unused commitments.
    charged_unit_hours, billed_unit_hours : float
        0 for unused commitments.
    charged_usd, billed_usd : float
    by_spot_usd, by_rates_usd, by_units_usd : float
        What the difference comes from.
    """

    line: str
    pool: str
    charged_unit_hours: float
    billed_unit_hours: float
    charged_usd: float
    billed_usd: float
    by_spot_usd: float
    by_rates_usd: float
    by_units_usd: float

    @property
    def difference_usd(self) -> float:
        """Billed minus charged. [USD]"""
        return self.billed_usd - self.charged_usd


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reconciliation:
    """Both sides of a bill.

    Attributes
    ----------
    answer : BillAnswer
    lines : tuple of PoolLine
    outside : tuple of PartTotal
        Parts of the export that no price list has: fees, taxes, credits, other usage.
    charged_usd : float
        Amortized cost of the whole export.
    notes : tuple of str
        What else the two sides do not share.
    inputs : tuple of InputRecord
    """

    answer: BillAnswer
    lines: tuple[PoolLine, ...]
    outside: tuple[PartTotal, ...]
    charged_usd: float
    notes: tuple[str, ...]
    inputs: tuple[InputRecord, ...]


def reconcile(request: ReconcileRequest) -> Reconciliation:
    """Read the export, bill what was imported from it, and compare.

    Raises
    ------
    InputError
        If a file is wrong, or the export is not in USD.
    """
    answer = bill_usage(request.bill)
    # days are spread as they were on import; a usage file that was not imported so is named by the notes
    found = import_export(
        ImportRequest(name=request.name, paths=request.exports, by=_splits(answer.bill.pools), spreads_days=True)
    )
    if found.currency not in ("", "USD"):
        message = f"must be in USD to be compared with a bill, got {found.currency}. Convert it first."
        raise InputError(str(request.exports[0]), [Problem(message=message)])
    timed = _with_spot_hours(request, answer, found)
    lines = [*_pool_lines(found, answer.bill, timed), _unused_line(found, answer.bill, timed)]
    records = [InputRecord(role="export", name=path.name, sha256=file_sha256(path)) for path in request.exports]
    return Reconciliation(
        answer=answer,
        lines=tuple(lines),
        outside=tuple(part for part in found.parts if part.part not in (*DEMAND_PARTS, *UNUSED_PARTS)),
        charged_usd=float(found.amortized),
        notes=_notes(found, answer.bill),
        inputs=(*records, *answer.inputs),
    )


def _splits(pools: Iterable[str]) -> frozenset[str]:
    """What the pools of the usage are split by, told by their names."""
    keys = [key for key in map(parse_pool_name, pools) if key is not None]
    return frozenset(name for name in ("account", "zone") if any(getattr(key, name) for key in keys))


def _with_spot_hours(request: ReconcileRequest, answer: BillAnswer, found: Imported) -> Bill:
    """The same bill with spot in the hours of the export, at the rate charged in pools without a spot price."""
    bill = answer.bill
    row_of = {pool: row for row, pool in enumerate(bill.pools)}
    spot = np.zeros_like(bill.demand_units)
    for one in found.spot.to_pylist():
        row, column = row_of.get(one["pool"], -1), one["hour"] - answer.start_hour
        if row >= 0 and 0 <= column < spot.shape[1]:
            spot[row, column] = min(one["units"], bill.demand_units[row, column])
    if not spot.any():
        return bill
    paths = request.bill.paths
    market = read_market(paths, read_policy_with(paths, request.bill.options), known=bill.pools)
    charged = _charged_spot_usd(found)
    rates = [charged.get(pool, usd) if np.isnan(usd) else usd for pool, usd in _spot_prices(market.catalog)]
    pools = {name: replace(pool, spot_eligible_fraction=1.0) for name, pool in market.pools.items()}
    return bill_portfolio(
        replace(market.catalog, spot_usd=np.array(rates)),
        pools,
        market.commitments,
        bill.hours,
        bill.demand_units,
        BillOptions(spot_units=spot),
    )


def _spot_prices(catalog: Catalog) -> list[tuple[str, float]]:
    """Spot price of each pool, nan without one. [USD/unit-hour]"""
    return list(zip(catalog.pools, catalog.spot_usd.tolist(), strict=True))


def _charged_spot_usd(found: Imported) -> dict[str, float]:
    """Average spot rate that the export has for each pool. [USD/unit-hour]"""
    parts = [part for part in found.pool_parts if part.part is Part.SPOT and part.unit_hours > 0.0]
    return {part.pool: float(part.amortized) / part.unit_hours for part in parts}


def _pool_lines(found: Imported, bill: Bill, timed: Bill) -> list[PoolLine]:
    """Lines of usage, pool by pool."""
    charged: dict[tuple[str, str], tuple[float, float]] = {}
    for part in found.pool_parts:
        key = (LINE_OF_PART[part.part], part.pool)
        hours, usd = charged.get(key, (0.0, 0.0))
        charged[key] = (hours + part.unit_hours, usd + float(part.amortized))
    billed, by_hour = _billed(bill), _billed(timed)
    lines = []
    for line in (ON_DEMAND, RESERVATIONS, PLANS, SPOT):
        for pool in sorted({pool for name, pool in (*charged, *billed, *by_hour) if name == line}):
            sides = [side.get((line, pool), (0.0, 0.0)) for side in (charged, billed, by_hour)]
            lines.append(_line(line, pool, *sides))
    return lines


def _billed(bill: Bill) -> dict[tuple[str, str], tuple[float, float]]:
    """Unit-hours and USD by line and pool; what is nothing is left out."""
    n_pools = len(bill.pools)
    hours = {line: np.zeros(n_pools) for line in (RESERVATIONS, PLANS)}
    usd = {line: np.zeros(n_pools) for line in (RESERVATIONS, PLANS)}
    for offer_id, units in bill.covered_by_offer.items():
        line = PLANS if bill.kind_of_offer[offer_id] in PLAN_KINDS else RESERVATIONS
        unit_hours = units @ bill.hour_weights
        quantity: FloatArray = unit_hours * bill.draw_by_offer[offer_id]
        used_usd = sum(one.used_usd for one in bill.commitments if one.offer_id == offer_id)
        total = float(quantity.sum())
        hours[line] += unit_hours
        usd[line] += quantity * (used_usd / total if total > 0.0 else 0.0)
    hours |= {ON_DEMAND: bill.on_demand_units @ bill.hour_weights, SPOT: bill.spot_units @ bill.hour_weights}
    usd |= {ON_DEMAND: bill.on_demand_usd, SPOT: bill.spot_usd}
    return {
        (line, pool): (float(hours[line][row]), float(usd[line][row]))
        for line in hours
        for row, pool in enumerate(bill.pools)
        if hours[line][row] > 0.0
    }


def _line(
    line: str, pool: str, charged: tuple[float, float], billed: tuple[float, float], timed: tuple[float, float]
) -> PoolLine:
    """Take the difference apart; a rate that one side lacks is that of the other."""
    rate = timed[1] / timed[0] if timed[0] > 0.0 else (charged[1] / charged[0] if charged[0] > 0.0 else 0.0)
    by_units = (timed[0] - charged[0]) * rate
    return PoolLine(
        line=line,
        pool=pool,
        charged_unit_hours=charged[0],
        billed_unit_hours=billed[0],
        charged_usd=charged[1],
        billed_usd=billed[1],
        by_spot_usd=billed[1] - timed[1],
        by_rates_usd=timed[1] - charged[1] - by_units,
        by_units_usd=by_units,
    )


def _unused_line(found: Imported, bill: Bill, timed: Bill) -> PoolLine:
    """What was paid for commitments and not used: it differs by fees, and by what was used."""
    unused = _sum(found.parts, UNUSED_PARTS)
    used = _sum(found.parts, (Part.RESERVED, Part.PLANNED))
    by_fees = bill.fee_usd - (used + unused)
    return PoolLine(
        line=UNUSED,
        pool="",
        charged_unit_hours=0.0,
        billed_unit_hours=0.0,
        charged_usd=unused,
        billed_usd=bill.stranded_usd,
        by_spot_usd=bill.stranded_usd - timed.stranded_usd,
        by_rates_usd=by_fees,
        by_units_usd=timed.stranded_usd - unused - by_fees,
    )


def _sum(parts: Iterable[PartTotal], names: Sequence[Part]) -> float:
    """Amortized cost of some parts. [USD]"""
    return float(sum(part.amortized for part in parts if part.part in names))


def _notes(found: Imported, bill: Bill) -> tuple[str, ...]:
    """Usage that is not that of the export, and commitments that only one side has."""
    notes = []
    exported = {pool.name: float(pool.unit_hours) for pool in found.pools}
    imported: Mapping[str, float] = dict(zip(bill.pools, (bill.demand_units @ bill.hour_weights).tolist(), strict=True))
    for pool in sorted(exported.keys() | imported.keys()):
        ours, theirs = imported.get(pool, 0.0), exported.get(pool, 0.0)
        if abs(ours - theirs) > UNITS_TOLERANCE * max(ours, theirs, 1.0):
            notes.append(f"The usage file has {ours:g} unit-hours of {pool}, the export {theirs:g}.")
    known = {one.commitment_id for one in bill.commitments}
    recovered = found.recovered
    told = {one.commitment_id for one in recovered.commitments} if recovered else set()
    untold = {one.commitment_id for one in recovered.unrecovered} if recovered else set()
    unpriced = [pool for pool in sorted(_charged_spot_usd(found)) if pool in bill.pools and _is_unpriced(bill, pool)]
    notes += [f"The price list has no spot price of {pool}: its spot usage is billed on demand." for pool in unpriced]
    if _sum(found.parts, (Part.UPFRONT_FEE,)) != 0.0:
        notes.append(CASH_FEES)
    elif _has_whole_fees(found.parts):
        notes.append(WHOLE_FEES)
    theirs_alone, ours_alone = sorted((told | untold) - known), sorted(known - told - untold)
    notes += [f"The export has commitment {name}, the commitments file has not." for name in theirs_alone]
    notes += [f"The commitments file has commitment {name}, the export has not." for name in ours_alone]
    return tuple(notes)


def _has_whole_fees(parts: Sequence[PartTotal]) -> bool:
    """Whether an export has covered usage at no cost, and the fees of commitments whole."""
    has_covered = any(part.part in (Part.RESERVED, Part.PLANNED) for part in parts)
    return has_covered and _sum(parts, (Part.RESERVED, Part.PLANNED)) == 0.0 and _sum(parts, UNUSED_PARTS) > 0.0


def _is_unpriced(bill: Bill, pool: str) -> bool:
    """Whether a pool of the bill has no spot price."""
    return bool(np.isnan(bill.spot_rate_usd[bill.pools.index(pool)]))
