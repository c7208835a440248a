"""The optimum in hindsight as files and on the terminal.

Not here: how it is found (`optimizer.jobs.known`).
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from forecasting.hours import date_of_hour, iso_of_hour
from forecasting.numerals import percent
from optimizer.calendar_dates import moment_text
from optimizer.jobs.known import KnownAnswer
from optimizer.report.numbers import number, usd
from optimizer.report.plan_json import SCHEMA_VERSION, certificate_document, dated, json_bytes, summary_document
from optimizer.report.tables import purchases_csv
from optimizer.report.terminal import fitting_table, say


def known_files(answer: KnownAnswer) -> dict[str, bytes]:
    """purchases.csv, a valid commitments file, and plan.json with `total_usd` at the top."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "total_usd": answer.total_usd,
        "charge": answer.charge,
        "beyond_window_usd": answer.beyond_window_usd,
        "start_utc": iso_of_hour(answer.start_hour),
        "end_utc": iso_of_hour(answer.end_hour),
        "purchases": [dated(asdict(purchase)) for purchase in answer.purchases],
        "summaries": [summary_document(summary) for summary in answer.summaries],
        "certificate": certificate_document(answer.certificate),
        "limits": [asdict(limit) for limit in answer.limits],
        "inputs": [asdict(record) for record in answer.inputs],
        "versions": [{"name": name, "version": version} for name, version in answer.versions],
        "seed": answer.seed,
    }
    return {"purchases.csv": purchases_csv(answer.purchases), "plan.json": json_bytes(document)}


def print_known(
    answer: KnownAnswer, console: Console, *, out_dir: Path | None = None, files: Sequence[str] = ()
) -> None:
    """Print the purchases, the costs and the certificate."""
    period = f"{date_of_hour(answer.start_hour)} to {date_of_hour(answer.end_hour - 1)}"
    say(console, f"Optimum for demand taken as known, {period} UTC", style="bold")
    if answer.purchases:
        rows = [
            (moment_text(p.decision_hour), p.offer_id, f"{number(p.quantity, 4)} {p.quantity_unit}")
            for p in answer.purchases
        ]
        console.print(fitting_table("Purchases", ("date", "offer", "quantity"), rows, room=console.width, n_text=2))
    else:
        say(console, "Nothing to buy: no offer saves anything in this window.")
    costs = [
        (s.title, number(s.mean_usd, 2), percent(s.esr), percent(s.coverage), percent(s.stranded_fraction))
        for s in answer.summaries
    ]
    headers = ("way of buying", "USD", "ESR", "coverage", "stranded")
    console.print(fitting_table("Cost", headers, costs, room=console.width))
    if answer.charge == "full-term":
        say(
            console,
            f"After the window the purchases cost {usd(answer.beyond_window_usd)}; {usd(answer.total_usd)} in all.",
        )
    certificate = answer.certificate
    say(console, f"Method: {certificate.method}. {certificate.statement} (gap {percent(certificate.gap_fraction)})")
    difference = certificate.billed_usd - certificate.lp_usd
    say(console, f"Billed hour by hour: {usd(certificate.billed_usd)}, {usd(difference)} from the optimizer's cost.")
    if out_dir is not None:
        say(console, f"Written to {out_dir}: {', '.join(files)}")
