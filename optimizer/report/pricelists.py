"""An imported price list as files and on the terminal.

Not here: how it is made (`optimizer.jobs.pricelists`).
"""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from forecasting.numerals import percent
from forecasting.usage.pool_names import pool_name
from optimizer.jobs.pricelists import PriceAnswer
from optimizer.pools import POOL_COLUMNS
from optimizer.pricelists.contract import Missing, PriceRow
from optimizer.pricelists.listed import LeftOut
from optimizer.report.plan_json import SCHEMA_VERSION, json_bytes
from optimizer.report.terminal import fitting_table, say

PRICE_HEADER = (
    *("offer_id", "kind", "provider", "region", "pool", "term_months", "payment_option", "hourly_usd", "upfront_usd"),
    *("available_from", "guarantees_capacity"),
)
MAX_SHOWN = 30
RECORD_SUFFIX = ".import.json"


def price_files(answer: PriceAnswer, name: str) -> dict[str, bytes]:
    """The price list and the record of how it was made, beside it.

    Parameters
    ----------
    answer : PriceAnswer
    name : str
        File name of the price list.
    """
    record = Path(name).stem + RECORD_SUFFIX
    return {name: prices_csv(answer.rows), record: json_bytes(price_document(answer))}


def pools_csv(answer: PriceAnswer) -> bytes:
    """Pools file: what was declared, completed by the sizes that prices of size-flexible reservations need.

    Returns
    -------
    bytes
        UTF-8, comma separated, lines end with a line feed.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    names = [column.name for column in POOL_COLUMNS if column.name != "pool"]
    writer.writerow(("pool", *names))
    for name, pool in answer.pools.items():
        values = (getattr(pool, column) for column in names)
        writer.writerow((name, *("" if value is None else value for value in values)))
    return stream.getvalue().encode()


def prices_csv(rows: Sequence[PriceRow]) -> bytes:
    """Rows as a price list of the contract, prices to the last bit.

    Returns
    -------
    bytes
        UTF-8, comma separated, lines end with a line feed.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(PRICE_HEADER)
    for row in rows:
        writer.writerow(
            (
                *(row.offer_id, row.kind.value, row.provider, row.region, row.pool, row.term_months),
                *(row.payment_option, repr(row.hourly_usd), repr(row.upfront_usd), row.available_from),
                {None: "", True: "true", False: "false"}[row.guarantees_capacity],
            )
        )
    return stream.getvalue().encode()


def price_document(answer: PriceAnswer) -> dict[str, Any]:
    """What was priced, as which size, what is missing and what was left out."""
    return {
        "schema_version": SCHEMA_VERSION,
        "n_rows": len(answer.rows),
        "n_pools": answer.n_pools,
        "n_derived": sum(row.is_derived for row in answer.rows),
        "rows_by_kind": dict(sorted(Counter(row.kind.value for row in answer.rows).items())),
        "missing": [asdict(missing) for missing in answer.missing],
        "left_out": [asdict(left) for left in answer.left_out],
        "size_flexible": [
            {
                "region": family.price.item.region,
                "family": family.family,
                "kind": family.price.kind.value,
                "term_months": family.price.term_months,
                "payment_option": family.price.payment,
                "priced_as": pool_name(family.price.item),
                "dearest_size_above_it_fraction": family.spread_fraction,
            }
            for family in answer.families
        ],
        "notes": list(answer.notes),
        "inputs": [asdict(record) for record in answer.inputs],
    }


def print_prices(answer: PriceAnswer, console: Console, *, out: Path, files: Sequence[str]) -> None:
    """Print what was priced and, first of all, what was not."""
    n_priced = answer.n_pools - sum(
        missing.reason.startswith(("no on-demand", "the name")) for missing in answer.missing
    )
    say(console, f"Prices of {n_priced} of {answer.n_pools} pools, {len(answer.rows)} rows", style="bold")
    counts = Counter(row.kind.value for row in answer.rows)
    offers = {kind: len({row.offer_id for row in answer.rows if row.kind.value == kind}) for kind in counts}
    rows = [(kind, str(offers[kind]), str(n_rows)) for kind, n_rows in counts.items()]
    console.print(fitting_table("By kind", ("kind", "offers", "rows"), rows, room=console.width))
    if answer.missing:
        _print_missing(answer.missing, console)
    if answer.left_out:
        _print_left_out(answer.left_out, console)
    spread = max((family.spread_fraction for family in answer.families), default=0.0)
    if spread > 0.0:
        say(
            console,
            f"Size-flexible reservations cost what their cheapest size costs; the dearest size is up to "
            f"{percent(spread)} above it.",
        )
    for note in answer.notes:
        say(console, note)
    say(console, f"Written to {out.parent}: {', '.join(files)}")


def _print_missing(missing: Sequence[Missing], console: Console) -> None:
    """One line for each thing without a price, with hints that were not used."""
    say(console, f"Without a price: {len(missing)}", style="bold")
    for one in missing[:MAX_SHOWN]:
        hint = f" Nearest with a price, not used: {', '.join(one.nearest)}." if one.nearest else ""
        say(console, f"  {one.name}: {one.reason}.{hint}")
    if len(missing) > MAX_SHOWN:
        say(console, f"  and {len(missing) - MAX_SHOWN} more; the record has them all.")


def _print_left_out(left_out: Sequence[LeftOut], console: Console) -> None:
    """Table of rows that became no price."""
    lines = [(left.reason, left.example, str(left.n_rows)) for left in left_out]
    console.print(fitting_table("Left out", ("why", "first", "rows"), lines, room=console.width, n_text=2))
