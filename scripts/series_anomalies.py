"""Anomalies against labels: precision and recall on CloudWatch series, and the events of the taxi series.

`python scripts/series_anomalies.py --series DIR` prints two tables; DIR holds nab_realAWSCloudwatch.parquet and
nyc_taxi_hourly_events.parquet. The rules were developed on every second series by name, the first one included, and
on the taxi; the other half was kept aside, but its figures were printed three times before the rules were final.
Exit code 2 where a file is missing.
Not here: the monitor itself (`forecasting.anomalies`).
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.anomalies import Anomaly, find_anomalies
from forecasting.arrays import BoolArray, FloatArray
from forecasting.hours import iso_of_hour
from forecasting.robust import runs

CLOUDWATCH, TAXI = "nab_realAWSCloudwatch.parquet", "nyc_taxi_hourly_events.parquet"
DEVELOPED, KEPT_ASIDE = "developed on", "kept aside"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Counts of one series, or of several.

    Attributes
    ----------
    label : str
    n_hours : int
    n_windows : int
        Labelled.
    n_found : int
        Windows that an episode touches.
    n_episodes : int
    n_right : int
        Episodes that touch a window.
    n_flagged_hours : int
    n_window_hours : int
    """

    label: str
    n_hours: int
    n_windows: int
    n_found: int
    n_episodes: int
    n_right: int
    n_flagged_hours: int
    n_window_hours: int


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="scripts/series_anomalies.py", description="Anomalies against labels.")
    parser.add_argument("--series", type=Path, metavar="DIR", required=True, help=f"folder of {CLOUDWATCH} and {TAXI}")
    folder = parser.parse_args(arguments).series
    missing = [name for name in (CLOUDWATCH, TAXI) if not (folder / name).is_file()]
    if missing:
        print(f"--series: {folder} must hold {' and '.join(missing)}.", file=sys.stderr)
        return 2
    _print_cloudwatch(pd.read_parquet(folder / CLOUDWATCH))
    _print_taxi(pd.read_parquet(folder / TAXI))
    return 0


def _print_cloudwatch(frame: pd.DataFrame) -> None:
    """One line for each series, then each half and all."""
    halves: dict[str, list[Row]] = {DEVELOPED: [], KEPT_ASIDE: []}
    for index, (name, series) in enumerate(frame.groupby("unique_id")):
        units, is_labelled, start_hour = _hourly(series)
        anomalies = find_anomalies(units, name=str(name), start_hour=start_hour)
        halves[KEPT_ASIDE if index % 2 else DEVELOPED].append(_row(str(name), anomalies, is_labelled, start_hour))
    print("| series | hours | in windows % | windows | found | episodes | in a window | hours flagged % |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for half, rows in halves.items():
        for row in rows:
            _print_row(f"{row.label} ({half})", row)
    for half, rows in halves.items():
        _print_row(f"**{half}**", _sum(rows))
    _print_row("**all**", _sum([row for rows in halves.values() for row in rows]))


def _hourly(series: pd.DataFrame) -> tuple[FloatArray, BoolArray, int]:
    """Means of the hours, an empty one as the hour before it, whether a labelled window touches each, and the first."""
    hours = series.groupby(series["ds"].dt.floor("h")).agg({"y": "mean", "anomaly_window": "max"})
    every = pd.date_range(hours.index[0], hours.index[-1], freq="h")
    labelled = hours["anomaly_window"].reindex(every, fill_value=False)
    units = hours["y"].reindex(every).ffill().to_numpy(dtype=np.float64)
    return units, labelled.to_numpy(dtype=np.bool_), _epoch_hour(every[0])


def _epoch_hour(moment: pd.Timestamp) -> int:
    """Epoch hour, the series' own clock taken for UTC."""
    return int((moment - pd.Timestamp(0)) // pd.Timedelta(hours=1))


def _row(label: str, anomalies: Sequence[Anomaly], is_labelled: BoolArray, start_hour: int) -> Row:
    """Counts of one series."""
    is_flagged = np.zeros(len(is_labelled), dtype=np.bool_)
    hours = [_hours(anomaly, start_hour) for anomaly in anomalies]
    for inside in hours:
        is_flagged[inside] = True
    windows = runs(is_labelled)
    return Row(
        label=label,
        n_hours=len(is_labelled),
        n_windows=len(windows),
        n_found=sum(bool(is_flagged[first:last].any()) for first, last in windows),
        n_episodes=len(anomalies),
        n_right=sum(bool(is_labelled[inside].any()) for inside in hours),
        n_flagged_hours=int(is_flagged.sum()),
        n_window_hours=int(is_labelled.sum()),
    )


def _hours(anomaly: Anomaly, start_hour: int) -> slice:
    """Where in its series an episode lies."""
    first = anomaly.start_hour - start_hour
    return slice(first, first + anomaly.n_hours)


def _sum(rows: Sequence[Row]) -> Row:
    """Counts of all rows."""
    fields = [name for name in Row.__dataclass_fields__ if name != "label"]
    return Row(label="", **{name: sum(getattr(row, name) for row in rows) for name in fields})


def _print_row(label: str, row: Row) -> None:
    """One line; a sum gets its precision and recall."""
    found, right = str(row.n_found), str(row.n_right)
    if not row.label:
        found += f" (recall {row.n_found / max(row.n_windows, 1):.2f})"
        right += f" (precision {row.n_right / max(row.n_episodes, 1):.2f})"
    inside, flagged = (100 * hours / row.n_hours for hours in (row.n_window_hours, row.n_flagged_hours))
    print(
        f"| {label} | {row.n_hours} | {inside:.1f} | {row.n_windows} | {found} | {row.n_episodes} | {right} "
        f"| {flagged:.1f} |"
    )


def _print_taxi(frame: pd.DataFrame) -> None:
    """Each labelled event with the episodes that touch it, then the episodes that touch none."""
    units = frame["y"].to_numpy(dtype=np.float64)
    events = frame["event"].to_numpy(dtype=object)
    start_hour = _epoch_hour(frame["ds"].iloc[0])
    rest = list(find_anomalies(units, name="taxi", start_hour=start_hour))
    print("\n| taxi event | first hour | episodes that touch it |\n|---|---|---|")
    for event in [name for name in dict.fromkeys(events) if name]:
        here = [anomaly for anomaly in rest if (events[_hours(anomaly, start_hour)] == event).any()]
        rest = [anomaly for anomaly in rest if anomaly not in here]
        first = frame["ds"].iloc[int(np.argmax(events == event))]
        print(f"| {event} | {first:%Y-%m-%d} | {'; '.join(map(_said, here)) or 'none'} |")
    print(f"| no event | | {'; '.join(map(_said, rest)) or 'none'} |")


def _said(anomaly: Anomaly) -> str:
    """Kind, hour, length and deviation."""
    first = iso_of_hour(anomaly.start_hour)[5:16].replace("T", " ")
    return f"{anomaly.kind} {first}, {anomaly.n_hours} h, {100 * anomaly.deviation_fraction:+.0f} %"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
