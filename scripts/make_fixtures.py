"""Writes the synthetic fleet of `fixtures/`: every file, and the README with their digests.

`python scripts/make_fixtures.py [--out DIR]` gives the same bytes each time, for the pinned numpy and pyarrow.
Not here: the demand (`fixture_demand.py`), the prices (`fixture_prices.py`) and the files of
`fixtures/everything/` (`fixture_everything.py`) themselves.
"""

import argparse
import csv
import datetime as dt
import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from fixture_demand import N_HOURS, START, demand_units
from fixture_everything import (
    EVERYTHING_COMMITMENTS,
    EVERYTHING_POLICY,
    EVERYTHING_POOL_COLUMNS,
    EVERYTHING_PRICE_HEADER,
    everything_pool_rows,
    everything_price_rows,
)
from fixture_prices import PRICE_HEADER, TERM_HOURS, Row, price_rows

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
FILES = ("usage.parquet", "prices.csv", "commitments.csv", "pools.csv", "roadmap.yaml", "policy.yaml")
EVERYTHING_FILES = ("prices.csv", "commitments.csv", "pools.csv", "policy.yaml")

COMMITMENT_HEADER = ("commitment_id", "offer_id", "quantity", "start_utc", "end_utc")
COMMITMENTS = (  # id, offer, quantity, first day, term in months
    ("m5-three-years-2022", "ri-std-36-none:us-east-1/m5", 400, "2022-04-15", 36),
    ("m5-three-years-2023", "ri-std-36-partial:us-east-1/m5", 250, "2023-07-01", 36),
    ("databases-2023", "ri-conv-36-all:us-east-1/r5", 3200, "2023-02-01", 36),
    ("databases-plan-2024", "isp-12-partial:us-east-1/r5", 22, "2024-08-01", 12),
    ("eu-m5-2024", "ri-std-12-none:eu-west-1/m5", 180, "2024-06-01", 12),
    ("compute-plan-2024", "csp-12-none", 60, "2024-03-15", 12),
)

POOL_HEADER = (
    "pool",
    "family",
    "size",
    "normalization_factor",
    "platform",
    "tenancy",
    "spot_eligible_fraction",
    "spot_availability",
    "interruption_overhead_fraction",
    "on_demand_quota_units",
    "on_demand_availability_fraction",
    "impact_usd_per_hour",
    "blast_radius_fraction",
    "detect_hours",
    "repair_hours",
    "owner",
)
PLACE = ("Linux/UNIX", "default")
NO_SPOT, NO_QUOTA, NO_IMPACT = ("", "", ""), ("", ""), ("", "", "", "")
POOLS = (
    ("us-east-1/m5.xlarge", "m5", "xlarge", 8, *PLACE, *NO_SPOT, *NO_QUOTA, 40000, 0.3, 0.25, 1.5, "storefront"),
    ("us-east-1/m6i.xlarge", "m6i", "xlarge", 8, *PLACE, *NO_SPOT, 8000, 0.95, 40000, 0.3, 0.25, 1.5, "storefront"),
    ("us-east-1/c5.2xlarge", "c5", "2xlarge", 16, *PLACE, *NO_SPOT, *NO_QUOTA, *NO_IMPACT, "reporting"),
    ("us-east-1/c6i.2xlarge", "c6i", "2xlarge", 16, *PLACE, 0.6, 0.95, 0.08, *NO_QUOTA, *NO_IMPACT, "batch"),
    ("us-east-1/r5.xlarge", "r5", "xlarge", 8, *PLACE, *NO_SPOT, *NO_QUOTA, *NO_IMPACT, "databases"),
    ("us-east-1/r5.2xlarge", "r5", "2xlarge", 16, *PLACE, *NO_SPOT, *NO_QUOTA, *NO_IMPACT, "databases"),
    ("us-east-1/g5.xlarge", "g5", "xlarge", 8, *PLACE, *NO_SPOT, 150, 0.95, 25000, 0.5, 0.5, 4, "ranking"),
    ("eu-west-1/m5.xlarge", "m5", "xlarge", 8, *PLACE, *NO_SPOT, *NO_QUOTA, *NO_IMPACT, "back-office"),
    ("eu-west-1/m6i.xlarge", "m6i", "xlarge", 8, *PLACE, *NO_SPOT, *NO_QUOTA, *NO_IMPACT, "back-office"),
    ("eu-west-1/c6i.2xlarge", "c6i", "2xlarge", 16, *PLACE, 0.25, 0.97, 0.05, 1200, 0.95, 60000, 0.4, 0.25, 2, "web"),
    ("eu-west-1/c7g.2xlarge", "c7g", "2xlarge", 16, *PLACE, *NO_SPOT, *NO_QUOTA, *NO_IMPACT, "search"),
)

ROADMAP = """\
# What is known to come, and what has happened that is not growth.
events:
  - name: storefront to m6i          # under way at the end of the history
    kind: migration
    from: [us-east-1/m5.xlarge]
    to: {us-east-1/m6i.xlarge: 1.0}
    conversion: 0.9
    start: 2024-10-01
    end: 2025-06-30
    shape: logistic
    size: 0.95
    size_range: [0.85, 1.0]
    slip_days: [0, 20, 75]
    known_from: 2024-06-01
  - name: back office to m6i
    kind: migration
    from: [eu-west-1/m5.xlarge]
    to: {eu-west-1/m6i.xlarge: 1.0}
    conversion: 0.92
    start: 2025-09-01
    end: 2026-02-28
    shape: linear
    size: 0.6
    size_range: [0.4, 0.8]
    slip_days: [0, 45, 150]
    probability: 0.7
    known_from: 2024-10-01
  - name: new search
    kind: launch
    to: {eu-west-1/c7g.2xlarge: 1.0}
    add_units: 90
    start: 2025-04-01
    end: 2025-05-15
    shape: linear
    size_range: [0.7, 1.4]           # of add_units
    slip_days: [0, 14, 60]
    probability: 0.85
    known_from: 2024-11-01
  - name: index tuning
    kind: efficiency
    from: [us-east-1/r5.2xlarge]
    start: 2025-07-01
    end: 2025-08-31
    shape: linear
    size: 0.1
    size_range: [0.04, 0.15]
    probability: 0.8
    known_from: 2024-12-01
  - name: black week 2023
    kind: promotion
    to: {eu-west-1/c6i.2xlarge: 0.5, us-east-1/m5.xlarge: 0.5}
    multiply: 1.45
    start: 2023-11-20
    end: 2023-11-27
    shape: pulse
  - name: black week 2024
    kind: promotion
    to: {eu-west-1/c6i.2xlarge: 0.5, us-east-1/m5.xlarge: 0.5}
    multiply: 1.45
    start: 2024-11-25
    end: 2024-12-02
    shape: pulse
  - name: black week 2025             # by then the storefront runs on m6i
    kind: promotion
    to: {eu-west-1/c6i.2xlarge: 0.4, us-east-1/m5.xlarge: 0.2, us-east-1/m6i.xlarge: 0.4}
    multiply: 1.45
    start: 2025-11-24
    end: 2025-12-01
    shape: pulse
    size_range: [0.9, 1.1]           # of multiply
    known_from: 2024-12-01
  - name: m6i to m7g                 # decided later: not visible at 2025-01-01, so neither is the pool m7g
    kind: migration
    from: [us-east-1/m6i.xlarge]
    to: {us-east-1/m7g.xlarge: 1.0}
    start: 2026-03-01
    end: 2026-12-31
    shape: logistic
    known_from: 2025-03-01
"""

POLICY = """\
# What the company allows. Keys left out keep the defaults of the policy contract.
discount_rate_yearly: 0.08
cadence_months: 3
terms_months: [12]
risk: {lambda: 0.0, level: 0.95}
stranded: {expected_fraction: 0.01}
headroom: {fraction: 0.15, quantile: 0.99, by: fixed}
"""

README = """\
# Fixtures: a synthetic fleet

Everything here is made up by `scripts/make_fixtures.py`; no real company's usage is in it. Licence: that of the
project (Apache-2.0).

The rates in `prices.csv` follow AWS's list prices (facts, Linux, shared tenancy), read from public copies of them:
on-demand as of July 2026 and spot (an average over zones) from instances.vantage.sh; no-upfront reserved rates as of
April 2025 from the price files kept by github.com/yeo/ec2.shop. The rest is derived: partial and all upfront by the
usual ratios of AWS's lists (1 year 1/1.05 and 0.98/1.05; 3 years 1/1.08 and 0.94/1.08, convertible 0.98/1.08);
instance savings plans at the effective rate of standard reservations and compute savings plans at that of convertible
ones, an identity that held wherever both could be read. `r5.2xlarge` is set to exactly twice `r5.xlarge`, so that one
size-flexible reservation serves both (AWS's convertible rates differ from that by 0.4 %). Do not buy by these prices:
take your own list.

| file | what |
|---|---|
| `usage.parquet` | two years of hours from 2023-01-01, {n_pools} pools in two regions, whole units |
| `prices.csv` | on-demand, spot (two pools), capacity reservations (three), standard and convertible reservations, \
instance and compute savings plans; 1 and 3 years, all payment options |
| `commitments.csv` | six commitments owned on 2025-01-01, four of which end within the year |
| `pools.csv` | families, sizes, spot eligibility, quotas, impact, owners |
| `roadmap.yaml` | two migrations (one under way), a launch, tuning, the yearly promotion, one event not yet known |
| `policy.yaml` | limits on headroom and stranded commitment |
| `contract_offers.yaml` | three invented offers of a committed-spend contract, written by hand |
| `everything/` | prices, commitments, pools and policy for the same usage and roadmap: every instrument, every limit |

What is in the demand: growth, hours of the day, days of the week, holidays, a yearly season; noise that pools of a
region share; spikes of 2 to 11 hours; `us-east-1/m5.xlarge` moving to `m6i` since 2024-10-01; `us-east-1/c5.2xlarge`
dying without any event that says so; promotions in November of 2023 and 2024; a quota of `us-east-1/g5.xlarge` below
what its peaks need, and one of `eu-west-1/c6i.2xlarge` below what the next promotion needs. `us-east-1/m7g.xlarge` is
in the price list, and in an event that nobody knows of at 2025-01-01.

Made with `python scripts/make_fixtures.py`; SHA-256 of each file:

{digests}
"""


def main() -> None:
    """Write all files."""
    parser = argparse.ArgumentParser(description="Write the synthetic fleet of fixtures/.")
    parser.add_argument("--out", type=Path, default=FIXTURES, help="folder to write to")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    units = demand_units()
    write_usage(out / "usage.parquet", units)
    write_csv(out / "prices.csv", PRICE_HEADER, price_rows())
    write_csv(out / "commitments.csv", COMMITMENT_HEADER, commitment_rows())
    write_csv(out / "pools.csv", POOL_HEADER, POOLS)
    (out / "roadmap.yaml").write_text(ROADMAP, encoding="utf-8")
    (out / "policy.yaml").write_text(POLICY, encoding="utf-8")
    write_everything(out / "everything")
    names = (*FILES, *(f"everything/{name}" for name in EVERYTHING_FILES))
    digests = "\n".join(f"    {digest(out / name)}  {name}" for name in names)
    (out / "README.md").write_text(README.format(n_pools=len(units), digests=digests), encoding="utf-8")


def write_everything(out: Path) -> None:
    """Write the files with every instrument and limit, for the usage and roadmap of the first set."""
    out.mkdir(parents=True, exist_ok=True)
    write_csv(out / "prices.csv", EVERYTHING_PRICE_HEADER, everything_price_rows())
    write_csv(out / "commitments.csv", COMMITMENT_HEADER, (*commitment_rows(), *EVERYTHING_COMMITMENTS))
    write_csv(out / "pools.csv", (*POOL_HEADER, *EVERYTHING_POOL_COLUMNS), everything_pool_rows(POOLS))
    (out / "policy.yaml").write_text(EVERYTHING_POLICY, encoding="utf-8")


def write_usage(path: Path, units: dict[str, np.ndarray]) -> None:
    """Write long rows, hour by hour; a pool without demand in an hour has no row."""
    first = np.datetime64(START, "ms")
    names = list(units)
    table = np.stack([units[name] for name in names], axis=1)  # (n_hours, n_pools)
    hour, pool = np.nonzero(table)
    hours = first + np.arange(N_HOURS).astype("timedelta64[h]").astype("timedelta64[ms]")
    columns = pa.table(
        {
            "hour_utc": pa.array(hours[hour], type=pa.timestamp("ms", tz="UTC")),
            "pool": pa.array([names[index] for index in pool.tolist()], type=pa.string()),
            "units": pa.array(table[hour, pool], type=pa.float64()),
        }
    )
    pq.write_table(columns, path, compression="zstd", compression_level=9, version="2.6")


def commitment_rows() -> list[Row]:
    """Commitments with the end that their term gives."""
    rows: list[Row] = []
    for name, offer_id, quantity, first_day, term_months in COMMITMENTS:
        start = dt.datetime.fromisoformat(first_day)
        end = start + dt.timedelta(hours=TERM_HOURS[term_months])
        rows.append((name, offer_id, quantity, f"{start:%Y-%m-%dT%H:%M:%SZ}", f"{end:%Y-%m-%dT%H:%M:%SZ}"))
    return rows


def write_csv(path: Path, header: tuple[str, ...], rows: Iterable[Row]) -> None:
    """Write a CSV with line feeds."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
