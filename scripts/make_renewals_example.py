"""Writes the example of `plimsoll renewals`: a monolith moves from m5 to c6g while 5 M USD a year of reservations run.

`python scripts/make_renewals_example.py [--out DIR]` gives the same bytes each time, for the pinned numpy and pyarrow.
Everything in it is made up; rates are round figures near AWS's list. Not here: the fleet of `fixtures/` itself.
"""

import argparse
import csv
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "examples" / "renewals"
START, DAYS = dt.datetime(2024, 9, 2, tzinfo=dt.UTC), 121  # up to 2025-01-01, the date of the decision
OLD, NEW = "us-east-1/m5.4xlarge", "us-east-1/c6g.4xlarge"
ON_DEMAND_USD = {OLD: 0.768, NEW: 0.544}
HOURS_OF_TERM = {12: 8_760, 36: 26_280}
UPFRONT_PART = {"none": 0.0, "partial": 0.5, "all": 1.0}
RATES_USD = {  # effective, per unit-hour: kind, term in months -> pool -> rate
    ("reserved_standard", 12): {OLD: 0.484, NEW: 0.343},
    ("reserved_standard", 36): {OLD: 0.332, NEW: 0.235},
    ("reserved_convertible", 12): {OLD: 0.556, NEW: 0.394},
    ("reserved_convertible", 36): {OLD: 0.382, NEW: 0.271},
    ("compute_savings_plan", 12): {OLD: 0.556, NEW: 0.394},
}
SHORT = {"reserved_standard": "ri-std", "reserved_convertible": "ri-conv", "compute_savings_plan": "csp"}
COMMITMENTS = (  # id, offer, units, first day, last day (exclusive), exchangeable, resalable: 5.0 M USD a year of fees
    ("monolith-2024", f"ri-std-12-none:{OLD}", 501, "2024-04-01", "2025-04-01", "", ""),
    ("monolith-three-years-2022", f"ri-std-36-none:{OLD}", 310, "2022-11-01", "2025-10-31", "", "true"),
    ("monolith-three-years-2023", f"ri-conv-36-none:{OLD}", 590, "2023-07-01", "2026-06-30", "true", ""),
)
ROADMAP = f"""events:
  - name: monolith to c6g
    kind: migration
    from: [{OLD}]
    to: {{{NEW}: 1.0}}
    conversion: 0.9
    start: 2025-04-01
    end: 2025-09-30
    shape: linear
    size: 0.95
    size_range: [0.85, 1.0]
    slip_days: [0, 30, 90]
    known_from: 2024-11-01
"""
POLICY = "discount_rate_yearly: 0.0\ncadence_months: 6\nterms_months: [12]\n"


def main() -> None:
    """Write every file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER)
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    _write_usage(folder / "usage.parquet")
    _write_csv(folder / "prices.csv", list(_price_rows()))
    header = ("commitment_id", "offer_id", "quantity", "start_utc", "end_utc", "exchangeable", "resalable")
    _write_csv(folder / "commitments.csv", [header, *COMMITMENTS])
    pools = [("pool", "family", "size", "normalization_factor", "platform", "tenancy")]
    pools += [(name, name.split("/")[1].split(".")[0], "4xlarge", "32", "Linux/UNIX", "default") for name in (OLD, NEW)]
    _write_csv(folder / "pools.csv", pools)
    (folder / "roadmap.yaml").write_text(ROADMAP, encoding="utf-8")
    (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")


def _write_usage(path: Path) -> None:
    """Hours of both pools, in whole units: days, weeks, a little noise."""
    rng = np.random.default_rng(51)
    hours = np.arange(24 * DAYS)
    day = np.sin(2 * np.pi * (hours - 8) / 24)
    week = np.where(hours // 24 % 7 < 5, 1.0, 0.93)
    noise = np.exp(0.01 * rng.standard_normal((2, len(hours))))
    units = {OLD: 1_450 * week * (1 + 0.06 * day) * noise[0], NEW: 60 * week * (1 + 0.05 * day) * noise[1]}
    stamps = [(START + dt.timedelta(hours=int(hour))).strftime("%Y-%m-%dT%H:00:00Z") for hour in hours]
    table = pa.table(
        {
            "hour_utc": pa.array(stamps * 2, type=pa.string()),
            "pool": pa.array([name for name in units for _ in hours], type=pa.string()),
            "units": pa.array(np.concatenate([np.round(values) for values in units.values()]), type=pa.float64()),
        }
    )
    pq.write_table(table, path, compression="zstd", store_schema=False)


def _price_rows() -> Iterator[tuple[str, ...]]:
    """Header, on-demand rates, and every offer with its payment options."""
    yield (
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
    for pool, usd in ON_DEMAND_USD.items():
        yield (f"od:{pool}", "on_demand", "aws", "us-east-1", pool, "0", "none", str(usd), "0")
    for (kind, months), rates in RATES_USD.items():
        is_plan = kind.endswith("plan")
        for payment, part in UPFRONT_PART.items():
            if payment == "all" and months == min(HOURS_OF_TERM):
                continue
            for pool, usd in rates.items():
                hourly, upfront = usd * (1 - part), usd * part * HOURS_OF_TERM[months]
                name = f"{SHORT[kind]}-{months}-{payment}"
                yield (
                    name if is_plan else f"{name}:{pool}",
                    kind,
                    "aws",
                    "global" if is_plan else "us-east-1",
                    pool,
                    str(months),
                    payment,
                    f"{usd if is_plan else hourly:.6g}",
                    "0" if is_plan else f"{upfront:.8g}",
                )


def _write_csv(path: Path, rows: list[tuple[object, ...]]) -> None:
    """Rows, the first of them the header."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    main()
