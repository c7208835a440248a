"""What a pool is, beyond its name: size, place, spot, headroom and owner, read from a pools file.

What the user did not declare is the cautious value. Not here: prices.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from forecasting.errors import InputError, Problem
from forecasting.frames import Column, ColumnKind, repeat_problems, scan_table
from optimizer.spot_columns import spot_problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """One pool.

    Attributes
    ----------
    name : str
        The pool.
    family, size, account, zone, platform, tenancy, owner : str
        As the provider names them; empty where not declared.
    normalization_factor : float or None
        Normalized units per unit.
    spot_eligible_fraction : float
        Part of each hour's demand that may run on spot.
    spot_availability : float
        Part of the time that spot capacity is there.
    interruption_overhead_fraction : float
        Extra work that interruptions cause on spot (rework).
    spot_outage_hours : float or None
        Mean length of a stretch without spot; None: not known, and spot is there for its part of every hour.
    spot_correlation : float
        Correlation of "spot is gone" with another pool of the region that declares the same; 1: they go together.
    deadline_window_hours, deadline_work_hours : float or None
        Window in which a piece of the eligible work must end, whole hours, and hours that it needs; None: no deadline.
    on_demand_quota_units : float or None
        On-demand units the provider lets one run.
    on_demand_availability_fraction : float or None
        Part of that quota that can be counted on at the peak.
    impact_usd_per_hour : float or None
        Loss while demand is not served.
    blast_radius_fraction : float
        Part of the service that a shortage hits.
    detect_hours, repair_hours : float
        Duration of a shortage.
    sla_affected_fraction, sla_monthly_bill_usd, sla_credit_fraction : float or None
        Customers that a shortage hits, what all customers pay in a month, and the part of it given back to those it
        hits; None: no credits.
    failover_group : str
        Pools of the same group can take each other's work; empty: none can.
    """

    name: str
    family: str = ""
    size: str = ""
    normalization_factor: float | None = None
    account: str = ""
    zone: str = ""
    platform: str = ""
    tenancy: str = ""
    owner: str = ""
    spot_eligible_fraction: float = 0.0
    spot_availability: float = 1.0
    interruption_overhead_fraction: float = 0.0
    spot_outage_hours: float | None = None
    spot_correlation: float = 1.0
    deadline_window_hours: float | None = None
    deadline_work_hours: float | None = None
    on_demand_quota_units: float | None = None
    on_demand_availability_fraction: float | None = None
    impact_usd_per_hour: float | None = None
    blast_radius_fraction: float = 1.0
    detect_hours: float = 0.0
    repair_hours: float = 1.0
    sla_affected_fraction: float | None = None
    sla_monthly_bill_usd: float | None = None
    sla_credit_fraction: float | None = None
    failover_group: str = ""


def _text(name: str, doc: str) -> Column:
    """Optional column of text."""
    return Column(name=name, kind=ColumnKind.TEXT, doc=doc, required=False)


def _number(name: str, unit: str, doc: str, *, at_most: float | None = None) -> Column:
    """Optional column of numbers from zero on."""
    return Column(name=name, kind=ColumnKind.NUMBER, unit=unit, doc=doc, required=False, at_least=0.0, at_most=at_most)


POOL_COLUMNS = (
    Column(name="pool", kind=ColumnKind.NAME, doc="Pool; one row for each."),
    _text("family", "Family of the size, such as m5."),
    _text("size", "Size within the family."),
    _number("normalization_factor", "normalized units/unit", "Normalized units of one unit, above 0."),
    _text("account", "Account that uses it."),
    _text("zone", "Zone it runs in."),
    _text("platform", "Operating system."),
    _text("tenancy", "Tenancy."),
    _number(
        "spot_eligible_fraction", "", "Part of each hour's demand that may run on spot; none where empty.", at_most=1.0
    ),
    _number("spot_availability", "", "Part of the time that spot capacity is there; 1 where empty.", at_most=1.0),
    _number("interruption_overhead_fraction", "", "Extra work that interruptions cause on spot; 0 where empty."),
    _number("spot_outage_hours", "h", "Mean length of a stretch without spot; not known where empty."),
    _number("spot_correlation", "", "How strongly outages of a region coincide; 1 where empty.", at_most=1.0),
    _number("deadline_window_hours", "h", "Window in which a piece of eligible work must end; none where empty."),
    _number("deadline_work_hours", "h", "Hours that a piece of it needs, above 0; none where empty."),
    _number("on_demand_quota_units", "units", "On-demand units the provider lets one run; not limited where empty."),
    _number("on_demand_availability_fraction", "", "Part of the quota to be counted on at the peak.", at_most=1.0),
    _number("impact_usd_per_hour", "USD/h", "Loss while demand is not served."),
    _number("blast_radius_fraction", "", "Part of the service that a shortage hits; 1 where empty.", at_most=1.0),
    _number("detect_hours", "h", "Time until a shortage is seen; 0 where empty."),
    _number("repair_hours", "h", "Time until a shortage is over once seen; 1 where empty."),
    _number("sla_affected_fraction", "", "Customers that a shortage hits; no credits where empty.", at_most=1.0),
    _number("sla_monthly_bill_usd", "USD", "What all customers pay in a month; no credits where empty."),
    _number("sla_credit_fraction", "", "Part of the bill of those hit that is given back.", at_most=1.0),
    _text("failover_group", "Pools of one group can take each other's work; none can where empty."),
    _text("owner", "Who answers for it."),
)


CREDIT_COLUMNS = ("sla_affected_fraction", "sla_monthly_bill_usd", "sla_credit_fraction")


def read_pools(path: Path) -> dict[str, Pool]:
    """Pools of a pools file by name; it may list more than a run uses.

    Parameters
    ----------
    path : Path
        CSV or Parquet with `POOL_COLUMNS`. An empty cell is the cautious value of `Pool`.

    Raises
    ------
    InputError
        With all problems of the file.
    """
    scanned = scan_table(path, POOL_COLUMNS)
    problems = [*scanned.problems, *repeat_problems(scanned.frame, "pool")]
    factors = scanned.frame["normalization_factor"]
    for row in factors.index[factors == 0.0]:
        problems.append(Problem(column="normalization_factor", row=int(row), message="must be > 0, got 0."))
    problems += spot_problems(scanned.frame)
    problems += _credit_problems(scanned.frame)
    if problems:
        raise InputError(str(path), problems)
    return {record["pool"]: _pool(record) for record in scanned.frame.to_dict("records")}


def _credit_problems(frame: pd.DataFrame) -> list[Problem]:
    """Rows that declare some of what credits are made of, and not all."""
    given = frame[list(CREDIT_COLUMNS)].notna()
    return [
        Problem(
            column=CREDIT_COLUMNS[int((~given.loc[row]).to_numpy().argmax())],
            row=int(row),
            message=f"must be there where {' or '.join(name for name in CREDIT_COLUMNS if given.loc[row, name])} is. "
            "Credits need all three columns, or none.",
        )
        for row in frame.index[given.any(axis=1) & ~given.all(axis=1)]
    ]


def pool_table(pools: Sequence[str], declared: Mapping[str, Pool] | None = None) -> dict[str, Pool]:
    """Pool of every name: as declared, else with the cautious values.

    Declared pools that are not among `pools` come after them: prices may need their factors.

    Examples
    --------
    >>> pool_table(["web"])["web"].spot_eligible_fraction
    0.0
    """
    known = dict(declared or {})
    table = {name: known.get(name, Pool(name=name)) for name in pools}
    return table | {name: pool for name, pool in known.items() if name not in table}


def _pool(record: Mapping[Any, Any]) -> Pool:
    """Pool of one row; what is empty keeps its default."""
    given = {key: value for key, value in record.items() if key != "pool" and value != "" and not pd.isna(value)}
    return Pool(name=record["pool"], **given)
