"""Writes billing exports of a fleet whose bill is known: for tests, and in any size for measurements.

`python scripts/make_exports.py cur2 --out exports/report.parquet` (or cur2-csv, cur-legacy, focus-1.0, focus-1.2);
beside it stand usage.csv, prices.csv, commitments.csv, pools.csv and owners.csv, what an import should give, and AWS's
price files of the fleet. `--rows N` repeats the fleet until the export has N lines or more. The same arguments give the
same files. They are never committed. Not here: the fleet (`export_fleet.py`), its lines (`export_lines.py`), columns
(`export_formats.py`, `export_focus.py`), price files (`export_prices.py`).
"""

import argparse
import csv
import gzip
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from export_fleet import Fleet, fleet
from export_focus import focus_frame
from export_formats import NUMBERS, cur_frame, legacy_names
from export_lines import BilledFleet, billed
from export_prices import write_price_files

from forecasting.hours import iso_of_hour
from optimizer.portfolio import commitments_frame

TIME_COLUMNS = (
    *("line_item_usage_start_date", "line_item_usage_end_date"),
    *("bill_billing_period_start_date", "bill_billing_period_end_date"),
    *("ChargePeriodStart", "ChargePeriodEnd", "BillingPeriodStart", "BillingPeriodEnd"),
)
RESOURCE_COLUMNS = ("line_item_resource_id", "lineItem/ResourceId", "ResourceId")
COMMITMENT_COLUMNS = (
    *("reservation_reservation_a_r_n", "savings_plan_savings_plan_a_r_n", "CommitmentDiscountId"),
    *("reservation/ReservationARN", "savingsPlan/SavingsPlanARN"),
)
PRICE_HEADER = (
    *("offer_id", "kind", "provider", "region", "pool", "term_months", "payment_option", "hourly_usd", "upfront_usd"),
)
ROW_GROUP_LINES = 1_000_000


def cur2(found: BilledFleet) -> pd.DataFrame:
    """AWS's report 2.0, tags in a map."""
    frame = cur_frame(found)
    return frame.assign(resource_tags=[{"user_team": team} if team else {} for team in frame["resource_tags"]])


def cur2_text(found: BilledFleet) -> pd.DataFrame:
    """AWS's report 2.0 as CSV has it: maps as JSON."""
    frame = cur_frame(found)
    return frame.assign(
        resource_tags=[json.dumps({"user_team": team} if team else {}) for team in frame["resource_tags"]]
    )


FORMATS: dict[str, Callable[[BilledFleet], pd.DataFrame]] = {
    "cur2": cur2,
    "cur2-csv": cur2_text,
    "cur-legacy": lambda found: legacy_names(cur_frame(found)),
    "focus-1.0": lambda found: focus_frame(found, version="1.0"),
    "focus-1.2": lambda found: focus_frame(found, version="1.2"),
}


def write_export(path: Path, name: str, found: BilledFleet) -> None:
    """Write one export; the suffix says how: .parquet, .csv or .csv.gz.

    Parameters
    ----------
    path : Path
    name : str
        A key of `FORMATS`.
    found : BilledFleet
    """
    frame = FORMATS[name](found)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pq.write_table(arrow_table(frame), path, compression="zstd")
        return
    text = frame.to_csv(index=False, lineterminator="\n").encode()
    path.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)


def arrow_table(frame: pd.DataFrame) -> pa.Table:
    """Table with times, numbers, texts and maps in their own types."""
    columns = {}
    for name in frame.columns:
        cells = frame[name]
        if name in TIME_COLUMNS:
            columns[name] = pa.array(pd.to_datetime(cells), type=pa.timestamp("ms", tz="UTC"))
        elif name in NUMBERS or pd.api.types.is_float_dtype(cells):
            columns[name] = pa.array(cells.astype(float), type=pa.float64(), from_pandas=True)
        elif name == "resource_tags" and len(cells) and isinstance(cells.iloc[0], dict):
            pairs = [list(cell.items()) for cell in cells]
            columns[name] = pa.array(pairs, type=pa.map_(pa.string(), pa.string()))
        else:
            columns[name] = pa.array([str(cell) or None for cell in cells], type=pa.string())  # empty is null there
    return pa.table(columns)


def write_repeated(path: Path, name: str, found: BilledFleet, n_rows: int) -> int:
    """Write a Parquet export of at least `n_rows` lines: the fleet again and again, each time under other names.

    Returns
    -------
    int
        How often the fleet was written.
    """
    base = arrow_table(FORMATS[name](found))
    n_copies = -(-n_rows // base.num_rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    named = [column for column in (*RESOURCE_COLUMNS, *COMMITMENT_COLUMNS) if column in base.column_names]
    with pq.ParquetWriter(path, base.schema, compression="zstd") as writer:
        for copy in range(n_copies):
            table = base
            for column in named:
                table = table.set_column(
                    table.column_names.index(column), column, _suffixed(base.column(column), f"-{copy:07d}")
                )
            writer.write_table(table, row_group_size=ROW_GROUP_LINES)
    return n_copies


def _suffixed(cells: pa.ChunkedArray, suffix: str) -> pa.ChunkedArray:
    """Names with a suffix; what is empty stays empty. Distinct names are few, so only they are touched."""
    encoded = cells.combine_chunks().dictionary_encode()
    names = pa.array([name + suffix if name else name for name in encoded.dictionary.to_pylist()], type=pa.string())
    return pa.DictionaryArray.from_arrays(encoded.indices, names).cast(pa.string())


def write_truth(folder: Path, found: BilledFleet) -> None:
    """Write what the export was made of, as files of this project."""
    known = found.fleet
    folder.mkdir(parents=True, exist_ok=True)
    units = known.units_of_pools(is_spot=False) + known.units_of_pools(is_spot=True)
    pools = known.catalog.pools
    rows = [
        (iso_of_hour(int(hour)), pool, repr(round(float(units[row, column]), 10)))
        for column, hour in enumerate(known.hours)
        for row, pool in enumerate(pools)
        if units[row, column] > 0.0
    ]
    _write(folder / "usage.csv", ("hour_utc", "pool", "units"), rows)
    header = (
        "offer_id",
        "kind",
        "provider",
        "region",
        "pool",
        "term_months",
        "payment_option",
        "hourly_usd",
        "upfront_usd",
    )
    _write(folder / "prices.csv", header, price_rows(known))
    commitments_frame(known.commitments).to_csv(folder / "commitments.csv", index=False, lineterminator="\n")
    spot = known.units_of_pools(is_spot=True).sum(axis=1) / units.sum(axis=1)
    listed = [
        (
            pool,
            known.pools[pool].family,
            known.pools[pool].size,
            known.pools[pool].normalization_factor,
            repr(float(part)),
        )
        for pool, part in zip(pools, spot, strict=True)
    ]
    _write(folder / "pools.csv", ("pool", "family", "size", "normalization_factor", "spot_eligible_fraction"), listed)
    _write(folder / "owners.csv", ("hour_utc", "pool", "owner", "units"), _owner_rows(known))


def price_rows(known: Fleet) -> Iterable[Sequence[object]]:
    """Prices of the fleet in the price contract; a row for each pool an offer covers, and a sibling where it is one."""
    for pool, usd, spot in zip(known.catalog.pools, known.catalog.on_demand_usd, known.catalog.spot_usd, strict=True):
        provider, region, tail = pool.split("/", 2)
        for kind, rate in (("on_demand", usd), ("spot", spot)):
            if not np.isnan(rate):
                yield (
                    f"{provider}/{region}/{kind}/{tail}",
                    kind,
                    provider,
                    region,
                    pool,
                    0,
                    "none",
                    repr(float(rate)),
                    0,
                )
    for offer in known.catalog.offers:
        is_plan = offer.is_plan
        for pool, draw in zip(offer.pools, offer.draw, strict=True):
            hourly = draw if is_plan else offer.hourly_usd * draw
            upfront = 0.0 if is_plan else offer.upfront_usd * draw
            region = pool.split("/")[1]
            head = (offer.offer_id, offer.kind.value, offer.provider, region, pool, offer.term_months)
            yield (*head, offer.payment_option, repr(float(hourly)), repr(float(upfront)))


def _owner_rows(known: Fleet) -> Iterable[Sequence[object]]:
    """Units by hour, pool and team."""
    teams = sorted({machine.team for machine in known.machines if machine.team})
    for pool in known.catalog.pools:
        for team in teams:
            rows = [at for at, one in enumerate(known.machines) if (one.pool, one.team) == (pool, team)]
            units = known.units[rows].sum(axis=0)
            for column, hour in enumerate(known.hours):
                if units[column] > 0.0:
                    yield (iso_of_hour(int(hour)), pool, team, repr(round(float(units[column]), 10)))


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file."""
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def main() -> None:
    """Write one export and what it was made of."""
    parser = argparse.ArgumentParser(description="Writes billing exports of a fleet whose bill is known.")
    parser.add_argument("format", choices=sorted(FORMATS))
    parser.add_argument("--out", type=Path, required=True, help="export: .parquet, .csv or .csv.gz")
    parser.add_argument("--start", default="2025-01-01", help="first day")
    parser.add_argument("--days", type=int, default=59, help="length [days]")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", type=int, default=0, help="least number of lines; Parquet only")
    given = parser.parse_args()
    found = billed(fleet(given.start, given.days, given.seed))
    if given.rows:
        if given.out.suffix != ".parquet":
            parser.error("--rows writes Parquet: name --out so.")
        n_copies = write_repeated(given.out, given.format, found, given.rows)
        print(f"{given.out}: {n_copies} fleets, {n_copies * len(FORMATS[given.format](found)):,} lines")
        return
    write_export(given.out, given.format, found)
    write_truth(given.out.parent, found)
    write_price_files(given.out.parent, found.fleet)
    print(f"{given.out}: {len(FORMATS[given.format](found)):,} lines; what it was made of stands beside it")


if __name__ == "__main__":
    main()
