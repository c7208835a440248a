"""Totals turned into demand, parts of the cost and pools; every amount ends in one part, and nothing is lost.

Not here: the pass over the export (`forecasting.usage.totals`), rules of a provider (`forecasting.usage.cur`, ...).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import pyarrow as pa

from forecasting.errors import InputError, Problem
from forecasting.usage.engine import Connection, first_row
from forecasting.usage.lines import DEMAND_PARTS, Dialect, Key, Part, Verdict
from forecasting.usage.pool_names import PoolKey, pool_name
from forecasting.usage.totals import TOTALS_TABLE, UNITS_SUM, covered_names, key_names

JUDGED_TABLE = "judged"
MAX_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class PartTotal:
    """Money of one part of an export.

    Attributes
    ----------
    part : Part
    n_rows : int
    billed, amortized : Decimal
        In the currency of the export.
    """

    part: Part
    n_rows: int
    billed: Decimal
    amortized: Decimal

    @property
    def is_demand(self) -> bool:
        """Whether its lines count as demand."""
        return self.part in DEMAND_PARTS


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedPool:
    """A pool of the export.

    Attributes
    ----------
    name : str
    key : PoolKey
    unit_hours, spot_unit_hours : Decimal
    """

    name: str
    key: PoolKey
    unit_hours: Decimal
    spot_unit_hours: Decimal


def judge_totals(engine: Connection, dialect: Dialect, source: str) -> dict[str, PoolKey]:
    """Make the table of judged totals; returns the pools by name.

    Its columns are those of the totals without keys, and `part`, `pool`, `divide_by`.

    Raises
    ------
    InputError
        If currencies are mixed, or a machine's region or type cannot be told.
    """
    names = key_names(dialect)
    listed = ", ".join(names)
    rows = engine.execute(
        f"SELECT DISTINCT is_machine, {listed} FROM {TOTALS_TABLE} ORDER BY is_machine, {listed}"
    ).fetchall()
    keys = [dict(zip(names, row[1:], strict=True)) for row in rows]
    _refuse_mixed(keys, source)
    divisors = dialect.divisors([key for row, key in zip(rows, keys, strict=True) if row[0]])
    _refuse_units(divisors, source)
    verdicts = [_split(dialect.judge(key | {"divide_by": divisors.get(key.get("unit", ""), "1")}), key) for key in keys]
    _refuse_nameless(keys, verdicts, source)
    pools = {pool_name(verdict.pool): verdict.pool for verdict in verdicts if verdict.pool is not None}
    table = pa.table(
        {
            "is_machine": pa.array([row[0] for row in rows], type=pa.bool_()),
            **{name: pa.array([key[name] for key in keys], type=pa.string()) for name in names},
            "part": pa.array([verdict.part.value for verdict in verdicts], type=pa.string()),
            "pool": pa.array([pool_name(v.pool) if v.pool else None for v in verdicts], type=pa.string()),
            "divide_by": pa.array([verdict.divide_by for verdict in verdicts], type=pa.string()),
            "is_counted": pa.array([verdict.is_counted for verdict in verdicts], type=pa.bool_()),
        }
    )
    engine.register("verdicts", table)
    covered = "".join(f", {name}" for name in covered_names(dialect))
    engine.execute(
        f"CREATE OR REPLACE TABLE {JUDGED_TABLE} AS SELECT start_at, end_at, tagged, part, pool, "
        f"CAST(divide_by AS DECIMAL(18, 6)) AS divide_by, "
        f"CASE WHEN is_counted THEN quantity ELSE 0 END AS quantity, billed, amortized, extra, extra_amortized, "
        f"n_rows, n_quantity{covered} FROM {TOTALS_TABLE} JOIN verdicts USING (is_machine, {listed})"
    )
    engine.unregister("verdicts")
    for name, part in zip(covered_names(dialect), dialect.lines.covered, strict=True):
        _move_covered(engine, name, part)
    return pools


def _move_covered(engine: Connection, name: str, part: Part) -> None:
    """Move what commitments paid for to lines of their own: hours in proportion to money, at no cost; sums stay."""
    is_covered = f"part = '{Part.ON_DEMAND.value}' AND pool IS NOT NULL AND billed > 0 AND {name} < 0"
    engine.execute(
        f"INSERT INTO {JUDGED_TABLE} BY NAME SELECT start_at, end_at, tagged, '{part.value}' AS part, pool, divide_by, "
        f"CAST(quantity * CAST(least(-{name} / billed, 1) AS DOUBLE) AS {UNITS_SUM}) AS quantity, "
        f"least(-{name}, billed) AS billed, 0 AS amortized, 0 AS extra, 0 AS extra_amortized, 0 AS n_rows, "
        f"0 AS n_quantity FROM {JUDGED_TABLE} WHERE {is_covered}"
    )
    engine.execute(
        f"UPDATE {JUDGED_TABLE} SET quantity = quantity - "
        f"CAST(quantity * CAST(least(-{name} / billed, 1) AS DOUBLE) AS {UNITS_SUM}), "
        f"billed = billed - least(-{name}, billed) WHERE {is_covered}"
    )


def _split(verdict: Verdict, key: Key) -> Verdict:
    """Verdict with the account and zone that usage is split by."""
    if verdict.pool is None:
        return verdict
    return replace(verdict, pool=replace(verdict.pool, account=key["by_account"], zone=key["by_zone"]))


def _refuse_mixed(keys: Sequence[Key], source: str) -> None:
    """Refuse more than one currency: their sum means nothing."""
    found = sorted({key["currency"] for key in keys if key["currency"]})
    if len(found) > 1:
        message = f"must be in one currency, got {', '.join(found[:MAX_NAMED])}. Import each in a run of its own."
        raise InputError(source, [Problem(message=message)])


def _refuse_units(divisors: Mapping[str, str], source: str) -> None:
    """Refuse units of measure whose quantities can be read in several ways."""
    problems = [
        Problem(
            message=f"what a quantity in units of {unit!r} counts cannot be told: no line of a single machine says it."
        )
        for unit, divisor in divisors.items()
        if not divisor
    ]
    if problems:
        raise InputError(source, problems)


def _refuse_nameless(keys: Sequence[Key], verdicts: Sequence[Verdict], source: str) -> None:
    """Refuse machines whose place or type cannot be told, as they would end in a pool of strangers."""
    problems = []
    for key, verdict in zip(keys, verdicts, strict=True):
        if verdict.pool is None or (verdict.pool.region and verdict.pool.item):
            continue
        lacking = "region" if not verdict.pool.region else "type of instance"
        named = ", ".join(f"{name} {value!r}" for name, value in key.items() if value and name != "currency")
        problems.append(Problem(message=f"the {lacking} of a machine cannot be told, its line has {named}."))
    if problems:
        raise InputError(source, problems)


def refuse_empty_cells(engine: Connection, source: str) -> None:
    """Refuse machines without time or quantity and lines without a cost: a sum without them would be too small.

    Raises
    ------
    InputError
    """
    n_cost, n_quantity, n_time, n_backward = first_row(
        engine,
        f"SELECT coalesce(sum(n_rows - n_billed), 0), "
        f"coalesce(sum(CASE WHEN is_machine THEN n_rows - n_quantity END), 0), "
        f"coalesce(sum(CASE WHEN is_machine AND (start_at IS NULL OR end_at IS NULL) THEN n_rows END), 0), "
        f"coalesce(sum(CASE WHEN end_at <= start_at THEN n_rows END), 0) FROM {TOTALS_TABLE}",
    )
    found = {
        "have no cost": n_cost,
        "are of machines and have no quantity": n_quantity,
        "are of machines and have no start or end": n_time,
        "are of machines and end before they start": n_backward,
    }
    problems = [
        Problem(message=f"{int(count):,} lines {words}. Export it again.") for words, count in found.items() if count
    ]
    if problems:
        raise InputError(source, problems)


def part_totals(engine: Connection) -> tuple[PartTotal, ...]:
    """Money by part, demand first; credits that stand beside other lines are a part of their own."""
    rows = engine.execute(
        f"SELECT part, sum(n_rows), sum(billed), sum(amortized), sum(extra), sum(extra_amortized) FROM {JUDGED_TABLE} "
        "GROUP BY part"
    ).fetchall()
    found = {Part(part): (int(n), billed, amortized) for part, n, billed, amortized, _, _ in rows}
    extra, extra_amortized = (sum((row[place] for row in rows), start=Decimal(0)) for place in (4, 5))
    if extra or extra_amortized:
        n, billed, amortized = found.get(Part.CREDIT, (0, Decimal(0), Decimal(0)))
        found[Part.CREDIT] = (n, billed + extra, amortized + extra_amortized)
    return tuple(
        PartTotal(part=part, n_rows=found[part][0], billed=found[part][1], amortized=found[part][2])
        for part in Part
        if part in found
    )


def untagged_fraction(engine: Connection) -> float | None:
    """Share of the cost of demand on lines without any tag; None where the export has no tags or no cost."""
    demand = ", ".join(f"'{part.value}'" for part in DEMAND_PARTS)
    untagged, all_of_it, has_tags = first_row(
        engine,
        f"SELECT sum(CASE WHEN tagged = 'n' THEN amortized ELSE 0 END), sum(amortized), bool_or(tagged = 'y') "
        f"FROM {JUDGED_TABLE} WHERE part IN ({demand})",
    )
    return float(untagged / all_of_it) if has_tags and all_of_it else None


def whole_total(engine: Connection) -> tuple[Decimal, Decimal]:
    """Billed and amortized money of all lines, as summed before they were judged."""
    query = f"SELECT sum(billed) + sum(extra), sum(amortized) + sum(extra_amortized) FROM {TOTALS_TABLE}"
    billed, amortized = first_row(engine, query)
    return billed or Decimal(0), amortized or Decimal(0)
