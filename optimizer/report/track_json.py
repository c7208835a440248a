"""The files of a review: track.json, track.csv by pool, and the page.

Not here: the page (`optimizer.report.track_html`).
"""

import csv
import io
import math
from dataclasses import asdict
from typing import Any

from forecasting.hours import iso_of_hour
from optimizer.cells import escape_cell
from optimizer.jobs.tracking.answer import MonthVariance, Review, TrackedAnomaly
from optimizer.jobs.tracking.calibration import Score
from optimizer.jobs.tracking.lessons import TRACK_SCHEMA
from optimizer.jobs.tracking.variance import PARTS, PoolVariance
from optimizer.report.plan_json import json_bytes
from optimizer.report.track_html import track_html

UNIT_FIELDS = ("expected_units", "actual_units", "p10_units", "p90_units")
FRACTION_FIELDS = ("bias_fraction", "organic_fraction", "coverage_fraction")
MONEY_FIELDS = ("expected_usd", "actual_usd", "variance_usd", *(f"{part}_usd" for part in PARTS))
HEADER = ("scope", "pool", *UNIT_FIELDS, *FRACTION_FIELDS, *MONEY_FIELDS, "variance_fraction", "is_flagged")


def track_files(review: Review) -> dict[str, bytes]:
    """Every output file of a review. The same review gives the same bytes.

    Returns
    -------
    dict of str to bytes
        Content by file name.
    """
    return {
        "track.json": json_bytes(track_document(review)),
        "track.csv": track_csv(review),
        "track.html": track_html(review),
    }


def track_document(review: Review) -> dict[str, Any]:
    """The review as nested dicts and lists, hours as ISO 8601 timestamps in UTC."""
    found = review.calibration
    variance = review.variance
    by_event = variance.by_event_usd.tolist()
    return {
        "schema_version": TRACK_SCHEMA,
        "kind": "track",
        "plan": {"name": review.plan_name, "title": review.plan_title},
        "start_utc": iso_of_hour(review.start_hour),
        "end_utc": iso_of_hour(review.end_hour),
        "flag_fraction": review.flag_fraction,
        "variance": variance_document(review, variance.total)
        | {"pool_mix_usd": variance.pool_mix_usd, "p10_usd": review.cost_p10_usd, "p90_usd": review.cost_p90_usd},
        "unused": variance_document(review, variance.unused),
        "months": [month_document(review, month) for month in review.months],
        "measures": [asdict(measure) for measure in review.measures],
        "forecast": score_document(found.total)
        | {"pool_day_coverage_fraction": found.coverage_fraction, "n_days": found.n_days},
        "pools": [
            {"pool": score.pool, "forecast": score_document(score), "variance": variance_document(review, row)}
            for score, row in zip(found.pools, variance.pools, strict=True)
        ],
        "events": [asdict(event) | {"variance_usd": usd} for event, usd in zip(review.events, by_event, strict=True)],
        "drivers": [asdict(driver) for driver in review.drivers],
        "anomalies": [anomaly_document(one) for one in review.anomalies],
        "advised": list(review.advised),
        "not_bought": list(review.not_bought),
        "is_assumed_bought": review.is_assumed_bought,
        "lessons": asdict(review.lessons),
        "notes": list(review.notes),
        "inputs": [asdict(record) for record in review.inputs],
        "versions": [{"name": name, "version": version} for name, version in review.versions],
    }


def variance_document(review: Review, row: PoolVariance) -> dict[str, Any]:
    """Variance of a pool or of all, and its parts."""
    money = {name: getattr(row, name) for name in MONEY_FIELDS}
    return money | {"variance_fraction": row.variance_fraction, "is_flagged": review.is_flagged(row)}


def month_document(review: Review, month: MonthVariance) -> dict[str, Any]:
    """Cost of a month."""
    return asdict(month) | {"variance_fraction": month.variance_fraction, "is_flagged": review.is_flagged(month)}


def score_document(score: Score) -> dict[str, Any]:
    """Forecast of a pool or of all against what came."""
    names = (*UNIT_FIELDS, *FRACTION_FIELDS)
    return {name: getattr(score, name) for name in names} | {"is_inside": score.is_inside}


def anomaly_document(one: TrackedAnomaly) -> dict[str, Any]:
    """Anomaly."""
    record = asdict(one.found)
    return record | {"start_utc": iso_of_hour(record.pop("start_hour")), "is_kept_out": one.is_kept_out}


def track_csv(review: Review) -> bytes:
    """All pools together, each, and what nothing used, to the last bit; an empty cell is not known.

    Returns
    -------
    bytes
        UTF-8, comma separated, lines end with a line feed.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(HEADER)
    found, variance = review.calibration, review.variance
    rows: list[tuple[str, Score | None, PoolVariance]] = [("total", found.total, variance.total)]
    rows += [("pool", *pair) for pair in zip(found.pools, variance.pools, strict=True)]
    rows.append(("unused", None, variance.unused))
    for scope, score, row in rows:
        numbers = [math.nan if score is None else getattr(score, name) for name in (*UNIT_FIELDS, *FRACTION_FIELDS)]
        numbers += [getattr(row, name) for name in MONEY_FIELDS] + [row.variance_fraction]
        cells = ["" if math.isnan(value) else repr(float(value)) for value in numbers]
        flagged = "true" if review.is_flagged(row) else "false"
        writer.writerow((scope, escape_cell(row.pool or ""), *cells, flagged))
    return stream.getvalue().encode()
