"""The files of a backtest: purchases as a commitments file, the whole answer as JSON, the page.

Not here: the page (`optimizer.report.backtest_html`).
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from forecasting.hours import iso_of_hour
from optimizer.cells import escape_cell
from optimizer.jobs.backtest.answer import BacktestAnswer, PeriodCheck
from optimizer.jobs.backtest.score import Figures, Track
from optimizer.portfolio import Commitment
from optimizer.report.backtest_html import backtest_html
from optimizer.report.plan_json import dated, json_bytes
from optimizer.report.tables import PURCHASE_HEADER, purchases_csv

BACKTEST_SCHEMA_VERSION = 1


def backtest_files(answer: BacktestAnswer) -> dict[str, bytes]:
    """Every output file of a backtest. The same answer gives the same bytes.

    Where something was owned from the start, portfolio.csv holds it together with the purchases, to be billed as one.

    Returns
    -------
    dict of str to bytes
        Content by file name.
    """
    files = {
        "purchases.csv": purchases_csv(answer.purchases),
        "backtest.json": json_bytes(backtest_document(answer)),
        "backtest.html": backtest_html(answer),
    }
    if answer.owned:
        files["portfolio.csv"] = portfolio_csv((*answer.owned, *answer.ours.replay.bought))
    return files


def portfolio_csv(portfolio: Sequence[Commitment]) -> bytes:
    """Commitments, owned and bought, as a valid commitments file.

    Returns
    -------
    bytes
        UTF-8, comma separated, lines end with a line feed.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow((*(name for name in PURCHASE_HEADER if name != "decision_date"), "account", "zone", "scope"))
    for owned in portfolio:
        names = (owned.account, owned.zone, owned.scope)
        writer.writerow(
            (
                escape_cell(owned.commitment_id),
                iso_of_hour(owned.start_hour),
                iso_of_hour(owned.end_hour),
                escape_cell(owned.offer_id),
                repr(float(owned.quantity)),
                *map(escape_cell, names),
            )
        )
    return stream.getvalue().encode()


def backtest_document(answer: BacktestAnswer) -> dict[str, Any]:
    """The answer as nested dicts and lists; docs/backtest.md says what each key means."""
    return {
        "schema_version": BACKTEST_SCHEMA_VERSION,
        "total_usd": answer.ours.whole.total_usd,
        "capture": answer.capture(answer.ours.whole.total_usd),
        "start_utc": iso_of_hour(answer.start_hour),
        "end_utc": iso_of_hour(answer.end_hour),
        "cadence_months": answer.cadence_months,
        "terms_months": list(answer.terms_months),
        "decision_dates": [iso_of_hour(hour) for hour in answer.date_hours],
        "has_events": answer.has_events,
        "on_demand_usd": answer.on_demand.total_usd,
        "owned_usd": answer.owned_usd,
        "ours": _track(answer, answer.ours),
        "variants": [_track(answer, track) for track in answer.variants],
        "rivals": [_track(answer, track) for track in answer.rivals],
        "clairvoyant": _track(answer, answer.clairvoyant)
        | {
            "optimizer_usd": answer.certificate.cost_usd,
            "lower_bound_usd": answer.certificate.lower_bound_usd,
            "gap_fraction": answer.certificate.gap_fraction,
        },
        "regret_usd": sum(part.usd for part in answer.regret),
        "regret": [asdict(part) for part in answer.regret],
        "n_periods": len(answer.checks),
        "n_periods_in_interval": answer.n_held,
        "periods": [_check(check) for check in answer.checks],
        "forecast_price": None if answer.forecast_price is None else asdict(answer.forecast_price),
        "purchases": [dated(asdict(purchase)) for purchase in answer.purchases],
        "inputs": [asdict(record) for record in answer.inputs],
        "versions": [{"name": name, "version": version} for name, version in answer.versions],
        "seed": answer.seed,
    }


def _track(answer: BacktestAnswer, track: Track) -> dict[str, Any]:
    """One way of buying."""
    return {
        "name": track.replay.name,
        "title": track.replay.title,
        "capture": answer.capture(track.whole.total_usd),
        **figures_document(track.whole),
        "periods": [figures_document(period) for period in track.periods],
        "lock_in_usd": list(track.lock_in_usd),
        "n_purchases": len(track.replay.bought),
    }


def figures_document(figures: Figures) -> dict[str, Any]:
    """Money and its ratios."""
    return asdict(figures) | {
        "esr": figures.esr,
        "coverage": figures.coverage,
        "utilization": figures.utilization,
        "stranded_fraction": figures.stranded_fraction,
    }


def _check(check: PeriodCheck) -> dict[str, Any]:
    """Expectation of one period beside what came."""
    expected = asdict(check.expected)
    year_end = expected.pop("year_end_hour")
    return {
        "date_utc": iso_of_hour(check.date_hour),
        "next_utc": iso_of_hour(check.next_hour),
        "expected": expected | {"year_end_utc": iso_of_hour(year_end)},
        "came": figures_document(check.came),
        "on_demand_usd": check.on_demand_usd,
        "year_came": figures_document(check.year_came),
        "is_in_interval": check.holds,
        "width_fraction": check.width_fraction,
    }
