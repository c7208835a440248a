"""Whose usage it is: hourly usage by owner, and the join from services to cost centres, read from files.

Not here: what owners are charged (`optimizer.attribution`).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecasting.arrays import FloatArray
from forecasting.errors import InputError, Problem
from forecasting.frames import Column, ColumnKind, did_you_mean, repeat_problems, scan_table
from forecasting.hours import iso_of_hour
from optimizer.cells import unescape_cell
from optimizer.pools import Pool

PLATFORM = "(platform)"
UNALLOCATED = "(unallocated)"
RESERVED_NAMES = frozenset({PLATFORM, UNALLOCATED})
UNITS_TOLERANCE = 1e-6  # relative: owners' units are sums of the same rows in another order
MAX_SHOWN = 5

OWNER_COLUMNS = (
    Column(name="hour_utc", kind=ColumnKind.HOUR, doc="Hour, named by its start."),
    Column(name="pool", kind=ColumnKind.NAME, doc="Pool of the usage."),
    Column(name="owner", kind=ColumnKind.TEXT, doc="Who used it: a tag, an account, a service."),
    Column(name="units", kind=ColumnKind.NUMBER, unit="units", at_least=0.0, doc="Part of the pool's units."),
)
COST_CENTER_COLUMNS = (
    Column(name="service", kind=ColumnKind.TEXT, doc="Owner, as the usage names it; one row for each."),
    Column(name="cost_center", kind=ColumnKind.TEXT, doc="Who pays for it."),
)


def read_cost_centers(path: Path | None) -> dict[str, str]:
    """Cost centre of each service; nothing without a file.

    Raises
    ------
    InputError
        With all problems of the file.
    """
    if path is None:
        return {}
    scanned = scan_table(path, COST_CENTER_COLUMNS)
    problems = [*scanned.problems, *repeat_problems(scanned.frame, "service")]
    if problems:
        raise InputError(str(path), problems)
    frame = scanned.frame
    return {
        unescape_cell(service): unescape_cell(center)
        for service, center in zip(frame["service"], frame["cost_center"], strict=True)
    }


def declared_owners(pools: Sequence[str], declared: Mapping[str, Pool], *, by: str) -> dict[str, str]:
    """Owner of each pool as the pools file has it; `UNALLOCATED` where it has none.

    Parameters
    ----------
    pools : sequence of str
    declared : Mapping of str to Pool
    by : str
        owner (the account where no owner is declared) or account.

    Examples
    --------
    >>> declared_owners(["web", "api"], {"web": Pool(name="web", account="1")}, by="owner")
    {'web': '1', 'api': '(unallocated)'}
    """
    owners = {}
    for name in pools:
        pool = declared.get(name, Pool(name=name))
        chosen = pool.account if by == "account" else pool.owner or pool.account
        owners[name] = chosen or UNALLOCATED
    return owners


def read_owner_units(
    path: Path, *, pools: Sequence[str], hours: range, demand: FloatArray
) -> dict[tuple[str, str], FloatArray]:
    """Units by pool and owner, for the pools the file has; what no owner has is `UNALLOCATED`.

    Parameters
    ----------
    path : Path
        CSV or Parquet with `OWNER_COLUMNS`.
    pools : sequence of str
    hours : range
        Epoch hours of the window; rows of other hours are left alone.
    demand : FloatArray of shape (n_pools, n_hours)
        [units]

    Returns
    -------
    dict of (str, str) to FloatArray of shape (n_hours,)
        Key: pool and owner. [units]

    Raises
    ------
    InputError
        With all problems: cells, pools the usage does not have, two rows for one hour, pool and owner, more units than
        the pool has.
    """
    scanned = scan_table(path, OWNER_COLUMNS)
    problems = list(scanned.problems)
    frame = scanned.frame
    if scanned.is_complete:
        problems += _name_problems(frame, pools)
    if problems:
        raise InputError(str(path), problems)
    inside = frame.loc[(frame["hour_utc"] >= hours.start) & (frame["hour_utc"] < hours.stop)]
    units: dict[tuple[str, str], FloatArray] = {}
    for key, rows in inside.groupby(["pool", "owner"], sort=True):
        pool, owner = str(key[0]), unescape_cell(str(key[1]))
        series = units.setdefault((pool, owner), np.zeros(len(hours)))
        series[rows["hour_utc"].to_numpy(dtype=np.int64) - hours.start] += rows["units"].to_numpy(dtype=np.float64)
    rows_of = {pool: demand[row] for row, pool in enumerate(pools)}
    problems = _surplus_problems(units, rows_of, hours)
    if problems:
        raise InputError(str(path), problems)
    return _with_rest(units, rows_of)


def _name_problems(frame: pd.DataFrame, pools: Sequence[str]) -> list[Problem]:
    """Pools that are not in the usage, names that are taken, rows given twice."""
    problems = []
    known = set(pools)
    for pool in [name for name in dict.fromkeys(frame["pool"]) if name not in known][:MAX_SHOWN]:
        row = int(frame.index[(frame["pool"] == pool).to_numpy()][0])
        message = f"must be a pool with usage in the window, got {pool!r}.{did_you_mean(pool, known)}"
        problems.append(Problem(column="pool", row=row, message=message))
    taken = frame["owner"].isin(RESERVED_NAMES)
    if taken.any():
        names = " and ".join(sorted(RESERVED_NAMES))
        message = f"must not be {names}, which the attribution itself uses. Rename the owner."
        problems.append(Problem(column="owner", row=int(frame.index[taken.to_numpy()][0]), message=message))
    repeats = frame.duplicated(["hour_utc", "pool", "owner"]).to_numpy()
    if repeats.any():
        row = frame.index[repeats][0]
        message = f"hour, pool and owner must be there once, {int(repeats.sum())} rows repeat others. Add them up."
        problems.append(Problem(row=int(row), message=message))
    return problems


def _surplus_problems(
    units: Mapping[tuple[str, str], FloatArray], demand: Mapping[str, FloatArray], hours: range
) -> list[Problem]:
    """Hours in which owners have more than the pool."""
    problems = []
    for pool, used in _sums(units).items():
        wrong = np.flatnonzero(used > demand[pool] + UNITS_TOLERANCE * np.maximum(demand[pool], 1.0))
        if len(wrong):
            at = int(wrong[0])
            message = (
                f"the owners of pool {pool!r} must have at most its units, got {used[at]:g} of {demand[pool][at]:g} "
                f"at {iso_of_hour(hours[at])}, and in {len(wrong) - 1} hours more. Take both from the same import."
            )
            problems.append(Problem(column="units", message=message))
    return problems[:MAX_SHOWN]


def _sums(units: Mapping[tuple[str, str], FloatArray]) -> dict[str, FloatArray]:
    """Units by pool."""
    sums: dict[str, Any] = {}
    for (pool, _), series in units.items():
        sums[pool] = sums[pool] + series if pool in sums else series.copy()
    return sums


def _with_rest(
    units: Mapping[tuple[str, str], FloatArray], demand: Mapping[str, FloatArray]
) -> dict[tuple[str, str], FloatArray]:
    """Units with what no owner has; owners that have a rounding error too much are scaled down to the pool."""
    found = dict(units)
    for pool, used in _sums(units).items():
        whole = demand[pool]
        scale = np.divide(whole, used, out=np.ones_like(whole), where=used > whole)
        for key in [key for key in units if key[0] == pool]:
            found[key] = units[key] * scale
        rest = np.where(whole - used > UNITS_TOLERANCE * np.maximum(whole, 1.0), whole - used, 0.0)
        if rest.any():
            found[pool, UNALLOCATED] = rest
    return found
