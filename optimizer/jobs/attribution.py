"""A bill shared out to owners: usage, prices and commitments billed, then attributed by what each owner used.

Not here: the sharing itself (`optimizer.attribution`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from forecasting.arrays import FloatArray
from optimizer.attribution import AttributedRow, IdleTo, attribute_bill
from optimizer.billing.bill import Bill
from optimizer.jobs.bill import BillAnswer, BillRequest, bill_usage
from optimizer.jobs.inputs import file_sha256
from optimizer.owners import declared_owners, read_cost_centers, read_owner_units
from optimizer.plan import InputRecord
from optimizer.pools import read_pools


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributionRequest:
    """What `plimsoll attribute` is asked.

    Attributes
    ----------
    bill : BillRequest
    owners : Path or None
        Hourly units by pool and owner; pools it lacks belong to whom the pools file says.
    cost_centers : Path or None
        Cost centre of each owner.
    by : str
        owner or account: which column of the pools file names the owner of a pool.
    idle_to : IdleTo
    """

    bill: BillRequest
    owners: Path | None
    cost_centers: Path | None
    by: str
    idle_to: IdleTo


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Attribution:
    """A bill and its owners' parts.

    Attributes
    ----------
    answer : BillAnswer
    rows : tuple of AttributedRow
    cost_centers : Mapping of str to str
        By owner; owners that the file does not have are absent.
    idle_to : IdleTo
    inputs : tuple of InputRecord
    """

    answer: BillAnswer
    rows: tuple[AttributedRow, ...]
    cost_centers: Mapping[str, str]
    idle_to: IdleTo
    inputs: tuple[InputRecord, ...]


def attribute_usage(request: AttributionRequest) -> Attribution:
    """Read, bill and share out.

    Raises
    ------
    InputError
        If a file or the window is wrong.
    """
    cost_centers = read_cost_centers(request.cost_centers)
    answer = bill_usage(request.bill)
    given = [("owners", request.owners), ("cost centers", request.cost_centers)]
    records = [
        InputRecord(role=role, name=path.name, sha256=file_sha256(path)) for role, path in given if path is not None
    ]
    return Attribution(
        answer=answer,
        rows=attribute_bill(answer.bill, _units(request, answer.bill), idle_to=request.idle_to),
        cost_centers=cost_centers,
        idle_to=request.idle_to,
        inputs=(*answer.inputs, *records),
    )


def _units(request: AttributionRequest, bill: Bill) -> dict[tuple[str, str], FloatArray]:
    """Units by pool and owner: of the owners file, and whole pools of their declared owners."""
    path = request.bill.paths.pools
    declared = declared_owners(bill.pools, {} if path is None else read_pools(path), by=request.by)
    units: dict[tuple[str, str], FloatArray] = {}
    if request.owners is not None:
        hours = range(int(bill.hours[0]), int(bill.hours[-1]) + 1)
        units = read_owner_units(request.owners, pools=bill.pools, hours=hours, demand=bill.demand_units)
    known = {pool for pool, _ in units}
    for row, pool in enumerate(bill.pools):
        if pool not in known:
            units[pool, declared[pool]] = bill.demand_units[row]
    return units
