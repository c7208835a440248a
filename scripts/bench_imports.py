"""Rows a second and memory of an import, against a bare DuckDB aggregation of the same columns.

`python scripts/bench_imports.py cur x.parquet`, once `scripts/make_exports.py cur2 --rows 5000000` has made the file.
The bare aggregation groups by the columns that an import tells lines apart by, as they stand, sums the same numbers as
floats, and takes the largest of each name that is only read to find rows given twice; it judges and checks nothing.
Both run alternately, each in a process of its own, on as many threads. Not here: making exports (`make_exports.py`).
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import duckdb

from forecasting.usage.dialects import DIALECTS
from forecasting.usage.engine import MEMORY_LIMIT, open_engine
from forecasting.usage.export_columns import find_columns
from forecasting.usage.export_files import ExportFile, column_sql, probe_files, scan_sql
from forecasting.usage.imported import ImportRequest, import_export
from forecasting.usage.totals import batches_of

MARKS = frozenset({"resource", "account", "ri_arn", "sp_arn", "commitment", "sku_price", "description", "type"})
BYTES_PER_KILOBYTE = 1_024


def bare_query(file: ExportFile, name: str) -> str:
    """Aggregation of the columns that an import reads, without what it does with them."""
    dialect = DIALECTS[name]
    found, _ = find_columns(file, dialect.columns)
    tags = batches_of([file], dialect)[0].tags
    numbers = [f"sum({found[column].sql})" for column in dialect.number_columns if column in found]
    left = MARKS | set(dialect.number_columns)
    marks = [f"max({found[column].sql})" for column in sorted(MARKS) if column in found]
    keys = sorted({column_sql(file, place.index) for column, place in found.items() if column not in left})
    listed = ", ".join([*keys, *([tags] if tags else []), *numbers, *marks, "count(*)"])
    return f"SELECT {listed} FROM {scan_sql([file])} GROUP BY ALL"


def run_once(what: str, name: str, path: Path, threads: int) -> None:
    """Measure in this process and print seconds, rows and peak memory."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    if what == "import":
        n_rows = import_export(
            ImportRequest(name=name, paths=(path,), threads=threads, recovers=False, spreads_days=True)
        ).n_rows
    else:
        with open_engine(threads=threads) as engine:
            query = bare_query(probe_files([path], engine)[0], name)
            engine.execute(f"CREATE TABLE bare AS {query}")
            n_rows = engine.execute("SELECT count(*) FROM bare").fetchall()[0][0]
    seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_SELF)
    processor = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    peak_bytes = used.ru_maxrss * BYTES_PER_KILOBYTE
    print(json.dumps({"seconds": seconds, "processor": processor, "n_rows": n_rows, "peak_bytes": peak_bytes}))


def measured(what: str, arguments: argparse.Namespace) -> dict[str, float]:
    """Figures of one run in a process of its own."""
    command = [sys.executable, __file__, arguments.format, str(arguments.file), "--once", what]
    command += ["--threads", str(arguments.threads)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(answer.stdout))


def main(given: Sequence[str] | None = None) -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("format", choices=sorted(DIALECTS))
    parser.add_argument("file", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--once", choices=("import", "bare"), help="measure one run in this process")
    arguments = parser.parse_args(given)
    if arguments.once:
        run_once(arguments.once, arguments.format, arguments.file, arguments.threads)
        return
    runs = {what: [] for what in ("bare", "import")}
    for _ in range(arguments.runs):
        for what, found in runs.items():
            found.append(measured(what, arguments))
    n_rows = runs["import"][0]["n_rows"]
    size = arguments.file.stat().st_size
    print(f"{n_rows:,} rows, {size / 1e9:.2f} GB, {arguments.threads} threads, {arguments.runs} runs, medians")
    print(f"DuckDB {duckdb.__version__}, memory limit {MEMORY_LIMIT}")
    for what, found in runs.items():
        seconds = statistics.median(run["seconds"] for run in found)
        print(
            f"{what:8} {seconds:7.2f} s, {statistics.median(run['processor'] for run in found):7.2f} s of processor, "
            f"{n_rows / seconds:12,.0f} rows/s, {max(run['peak_bytes'] for run in found) / 1e9:.2f} GB"
        )
    for figure in ("seconds", "processor"):
        ratios = [b[figure] / a[figure] for a, b in zip(runs["bare"], runs["import"], strict=True)]
        print(f"import / bare in {figure}: {statistics.median(ratios):.2f}, {min(ratios):.2f} to {max(ratios):.2f}")


if __name__ == "__main__":
    main()
