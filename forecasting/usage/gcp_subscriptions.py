"""Google's table of subscriptions: flexible commitments with amount, term, start and end, which an export lacks.

Not here: the billing export (`forecasting.usage.gcp`); resource-based commitments, which no table of BigQuery tells.

References
----------
https://cloud.google.com/billing/docs/how-to/export-data-bigquery-tables/cud-export
"""

from collections.abc import Sequence
from pathlib import Path

from forecasting.errors import InputError
from forecasting.hours import term_hours
from forecasting.usage.commitment_lines import (
    CommitmentQuery,
    Recovered,
    RecoveredCommitment,
    Row,
    UnrecoveredCommitment,
    by_commitment,
    commitment_rows,
    end_hour_of,
    hour_of,
    number,
    recovered,
)
from forecasting.usage.engine import Connection
from forecasting.usage.export_columns import ExportColumn, find_columns, last_column_problems
from forecasting.usage.export_files import probe_files
from forecasting.usage.offer_names import ANY, GLOBAL, OfferKey, term_months_of
from forecasting.usage.other_commitments import SPEND_BASED
from forecasting.usage.totals import Batch

UNITS = frozenset({"$/hr", "usd/hr", "$/h", "usd/h"})
FLEXIBLE_WORD = "flex"
JSON_KEYS = (
    *("subscription", "cud_product", "commitent_amount", "consumption_model", "region", "term"),
    *("start_time", "end_time", "state", "billing_account_id"),
)


def _column(name: str, *spellings: str) -> ExportColumn:
    """Column that must be there."""
    return ExportColumn(name=name, spellings=spellings, is_required=True)


QUERY = CommitmentQuery(
    columns=(
        _column("start", "start_time"),
        _column("end", "end_time"),
        _column("starts", "start_time"),
        _column("ends", "end_time"),
        _column("commitment", "subscription.instance_id", "subscription_instance_id"),
        _column("product", "cud_product.display_name", "cud_product_display_name"),
        _column("amount", "commitent_amount.value", "commitment_amount.value"),  # Google spells it so
        _column("unit", "commitent_amount.unit", "commitment_amount.unit"),
        _column("term", "term"),
        ExportColumn(name="region", spellings=("region",)),
        ExportColumn(name="state", spellings=("state",)),
        ExportColumn(name="model", spellings=("consumption_model.id",)),
        ExportColumn(name="model_name", spellings=("consumption_model.description",)),
    ),
    where="true",
)
TOLD = ("starts", "ends", "product", "amount", "unit", "term", "region")  # what all snapshots of one must agree on


def read_subscriptions(engine: Connection, paths: Sequence[Path]) -> Recovered:
    """Flexible commitments of the table's snapshots; those of other products cover no machines and are counted.

    Parameters
    ----------
    engine : Connection
    paths : sequence of Path
        CSV, lines of JSON or Parquet.

    Raises
    ------
    InputError
        If a file is no such table, or cannot be read.
    """
    rows: list[Row] = []
    for file in probe_files(paths, engine, json_keys=JSON_KEYS):
        found, problems = find_columns(file, QUERY.columns)
        problems = (*problems, *last_column_problems(file, found))
        if problems:
            msg = f"{file.path}, read as Google's table of subscriptions,"
            raise InputError(msg, problems)
        rows += commitment_rows(engine, [Batch(files=(file,), found=found, tags="")], QUERY, source=str(file.path))
    return recovered(_subscription(name, lines) for name, lines in by_commitment(rows, "commitment").items())


def with_subscriptions(export: Recovered | None, table: Recovered) -> Recovered:
    """Commitments of an export and of the table; fees in the export that the table explains are no longer open."""
    if export is None:
        return table
    told = {one.commitment_id for one in table.commitments} | {one.commitment_id for one in table.unrecovered}
    rest = [
        one
        for one in export.unrecovered
        if one.commitment_id not in told and not one.commitment_id.startswith(SPEND_BASED)
    ]
    return Recovered(
        commitments=(*export.commitments, *table.commitments),
        unrecovered=tuple(sorted((*rest, *table.unrecovered), key=lambda one: one.commitment_id)),
        n_foreign=export.n_foreign + table.n_foreign,
    )


def _subscription(name: str, rows: Sequence[Row]) -> RecoveredCommitment | UnrecoveredCommitment | None:
    """One subscription of all snapshots; None if it covers no machines."""
    first = rows[0]
    if not any(FLEXIBLE_WORD in f"{row['product']} {row['model_name']}".lower() for row in rows):
        return None
    amount, term = number(first["amount"]), term_months_of(first["term"])
    start, end = hour_of(first["starts"]), end_hour_of(first["ends"])
    if end is None and start is not None and term is not None and not first["ends"]:
        end = start + term_hours(term)
    lacks = _lacks(name, rows)
    if amount is None or amount <= 0:
        lacks.append("the amount")
    if term is None:
        lacks.append("the term")
    if start is None or end is None or end <= start:
        lacks.append("the start and the end")
    if lacks or amount is None or term is None or start is None or end is None:
        known = f"{first['product']}, {first['amount'] or 'no amount'} {first['unit']}".strip()
        return UnrecoveredCommitment(commitment_id=name or "without subscription", lacks="; ".join(lacks), known=known)
    region = first["region"].strip().lower()
    offer = OfferKey(
        provider="gcp", region=region or GLOBAL, kind="compute_savings_plan", item=ANY, term_months=term, payment="none"
    )
    return RecoveredCommitment(commitment_id=name, offer=offer, quantity=float(amount), start_hour=start, end_hour=end)


def _lacks(name: str, rows: Sequence[Row]) -> list[str]:
    """What the snapshots contradict or leave open."""
    found = [f"one {column} (snapshots differ)" for column in TOLD if len({row[column] for row in rows}) > 1]
    if not name:
        found.append("subscription.instance_id")
    if any(row["unit"].strip().lower() not in UNITS for row in rows):
        found.append("an amount in $/hr")
    if any(row["state"].lower().startswith("cancel") for row in rows):
        found.append("the hour it was cancelled")
    if not all(row["model"] for row in rows):
        found.append("consumption_model (without one the amount is in on-demand USD: take a newer snapshot)")
    return found
