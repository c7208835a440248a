"""Lists of a forecast as CSV: anomalies, events, cliffs; names that a spreadsheet would run get an apostrophe.

Not here: numbers by hour or day (`optimizer.report.forecast_tables`).
"""

import csv
import io
from collections.abc import Iterable, Sequence

from forecasting.anomalies import Anomaly
from forecasting.cliffs import Cliff
from forecasting.event_effects import DECLARED, FOUND, EventEffect
from forecasting.hours import iso_of_hour
from optimizer.cells import escape_cell

ANOMALY_HEADER = ("group", "start_utc", "n_hours", "kind", "units", "expected_units", "deviation_fraction")

EVENT_HEADER = (
    *("event", "declared_or_found", "kind", "pools", "start_utc", "end_utc"),
    *("effect_units", "low_units", "high_units", "effect_fraction", "low_fraction", "high_fraction"),
    *("declared_fraction", "n_seen", "source", "note"),
)
CLIFF_HEADER = (
    *("event", "threshold_units", "last_crossed_date", "probability", "p10_date", "p50_date", "p90_date"),
    *("quarter", "quarter_probability"),
)
POOL_SEPARATOR = "; "


def anomalies_csv(anomalies: Sequence[Anomaly]) -> bytes:
    """Anomalies in order of time."""
    return csv_bytes(
        ANOMALY_HEADER,
        (
            (
                found.group,
                iso_of_hour(found.start_hour),
                found.n_hours,
                found.kind,
                found.units,
                found.expected_units,
                found.deviation_fraction,
            )
            for found in anomalies
        ),
    )


def events_csv(effects: Sequence[EventEffect]) -> bytes:
    """Effect of every event with its interval; pools are separated by semicolons."""
    return csv_bytes(
        EVENT_HEADER,
        (
            (
                effect.name,
                FOUND if effect.source == FOUND else DECLARED,
                effect.kind,
                POOL_SEPARATOR.join(effect.pools),
                iso_of_hour(effect.start_hour),
                iso_of_hour(effect.end_hour),
                effect.units,
                effect.low_units,
                effect.high_units,
                *_fractions(effect),
                effect.n_seen,
                effect.source,
                effect.note,
            )
            for effect in effects
        ),
    )


def _fractions(effect: EventEffect) -> list[float | None]:
    """Change, its interval and what was declared; none for pools without demand before."""
    if effect.base_units <= 0:
        return [None] * 4
    return [effect.fraction, effect.low_fraction, effect.high_fraction, effect.declared_fraction]


def cliffs_csv(cliffs: Sequence[Cliff]) -> bytes:
    """Chance of each quarter that a threshold is first crossed in it, and the dates by which it is."""
    rows = [row for cliff in cliffs for row in cliff.to_rows()]
    return csv_bytes(CLIFF_HEADER, ([row[name] for name in CLIFF_HEADER] for row in rows))


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[str | float | None]]) -> bytes:
    """UTF-8, comma separated, line feeds; text escaped, numbers to the last bit, None as an empty cell."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return stream.getvalue().encode()


def _cell(value: str | float | None) -> str:
    """One cell."""
    if value is None:
        return ""
    return escape_cell(value) if isinstance(value, str) else repr(value)
