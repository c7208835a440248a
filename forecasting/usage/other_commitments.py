"""Commitments in Azure's cost details and Google's export, which do not tell their start unless it lies in the export.

Not here: commitments of AWS and FOCUS.

References
----------
https://learn.microsoft.com/azure/cost-management-billing/reservations/understand-reserved-instance-usage-ea
https://cloud.google.com/compute/docs/instances/committed-use-discounts-overview
"""

import re
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from forecasting.hours import term_hours
from forecasting.usage.commitment_lines import (
    CommitmentQuery,
    Recovered,
    RecoveredCommitment,
    Row,
    UnrecoveredCommitment,
    by_commitment,
    commitment_rows,
    hour_of,
    newest,
    number,
    recovered,
    usual,
)
from forecasting.usage.engine import Connection
from forecasting.usage.export_columns import ExportColumn
from forecasting.usage.gcp import SERVICE
from forecasting.usage.offer_names import ANY, GLOBAL, OfferKey, term_months_of
from forecasting.usage.totals import Batch

RESERVED_ORDER = re.compile(r"Reserved VM Instance, (?P<size>\S+), (?P<region>.+), (?P<years>\d+) Years?")
DAY_HOURS = 24
SPEND_BASED = "Commitment - dollar based"  # how fees of flexible commitments are named in exports of before 2026
COLLECTIONS = frozenset({"reservations", "savingsPlans"})  # what a path ends with where one of them is not named


def _column(name: str, *spellings: str) -> ExportColumn:
    """Column that may be absent."""
    return ExportColumn(name=name, spellings=spellings)


AZURE_QUERY = CommitmentQuery(
    columns=(
        _column("start", "Date", "UsageDateTime", "UsageDate"),
        _column("end", "Date", "UsageDateTime", "UsageDate"),
        _column("day", "Date", "UsageDateTime", "UsageDate"),
        _column("charge", "ChargeType"),
        _column("frequency", "Frequency"),
        _column("benefit", "benefitId", "ReservationId"),
        _column("order", "ProductOrderName"),
        _column("term", "Term"),
        _column("model", "PricingModel"),
        _column("quantity", "Quantity", "UsageQuantity"),
        _column("billed", "CostInBillingCurrency", "Cost", "PreTaxCost"),
        _column("region", "ResourceLocation", "ResourceLocationNormalized", "Location"),
        _column("account", "SubscriptionId", "SubscriptionGuid"),
    ),
    where="{benefit} <> ''",
    fee_columns=frozenset({"quantity", "region", "account"}),
    is_fee="lower({charge}) = 'purchase'",
)
GCP_QUERY = CommitmentQuery(
    columns=(
        _column("start", "usage_start_time"),
        _column("end", "usage_end_time"),
        _column("sku", "sku.description"),
        _column("region", "location.region"),
        _column("service", "service.description"),
        _column("subscription", "subscription.instance_id"),
    ),
    where=f"starts_with({{sku}}, 'Commitment') OR ({{subscription}} <> '' AND {{service}} = '{SERVICE}')",
)
US_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")


def azure_commitments(engine: Connection, batches: Sequence[Batch], source: str) -> Recovered:
    """Reservations and savings plans of cost details: those bought in one payment inside the export have a start.

    Raises
    ------
    InputError
        If their lines cannot be read.
    """
    grouped = by_commitment(commitment_rows(engine, batches, AZURE_QUERY, source=source), "benefit")
    return recovered(_azure(name, rows) for name, rows in grouped.items())


def gcp_commitments(engine: Connection, batches: Sequence[Batch], source: str) -> Recovered:
    """Committed use of an export, which tells neither start nor quantity.

    Raises
    ------
    InputError
        If their lines cannot be read.
    """
    rows = commitment_rows(engine, batches, GCP_QUERY, source=source)
    named = [{**row, "name": row["subscription"] or row["sku"]} for row in rows]
    return recovered(_google(name, lines) for name, lines in by_commitment(named, "name").items())


def _google(name: str, rows: Sequence[Row]) -> UnrecoveredCommitment | None:
    """One subscription, or fees of one SKU; None if it is of another service."""
    if all(row["service"] not in {"", SERVICE} for row in rows):
        return None
    sku, region = newest(rows, "sku"), newest(rows, "region")
    where = "--subscriptions" if sku.startswith(SPEND_BASED) or name != sku else "the console"
    return UnrecoveredCommitment(
        commitment_id=name,
        lacks=f"the start, the term and the quantity, which are in {where}",
        known=" ".join(word for word in ("committed use", region, sku if name != sku else "") if word),
    )


def _azure(name: str, rows: Sequence[Row]) -> RecoveredCommitment | UnrecoveredCommitment:
    """One reservation or savings plan."""
    purchases = [row for row in rows if row["charge"].lower() == "purchase"]
    order = newest(rows, "order")
    term = term_months_of(newest(rows, "term")) or term_months_of(order.rpartition(",")[2])
    once = [row for row in purchases if row["frequency"].lower() == "onetime"]
    start = min((hour for row in once if (hour := _hour_of_day(row["day"])) is not None), default=None)
    found = RESERVED_ORDER.fullmatch(order)
    quantity = _plan_hourly(rows) if found is None else usual(_quantities(purchases))
    region = newest(purchases, "region").lower().replace(" ", "")
    lacks = [
        what
        for what, value in {
            "the quantity": quantity,
            "the start (a one-time purchase inside the export)": start,
            "the term": term,
            "the region": region if found is not None else GLOBAL,
        }.items()
        if value in {None, ""}
    ]
    short = next(part for part in (*reversed(name.split("/")), name) if part and part not in COLLECTIONS)
    if lacks or quantity is None or start is None or term is None:
        known = f"{order or newest(rows, 'model')}, quantity {quantity if quantity is not None else 'not told'}"
        return UnrecoveredCommitment(commitment_id=short, lacks=", ".join(lacks), known=known)
    kind, item = ("compute_savings_plan", ANY) if found is None else ("reserved_standard", found["size"])
    place = GLOBAL if found is None else region
    offer = OfferKey(provider="azure", region=place, kind=kind, item=item, term_months=term, payment="all")
    return RecoveredCommitment(
        commitment_id=short,
        offer=offer,
        quantity=float(quantity),
        start_hour=start,
        end_hour=start + term_hours(term),
        account=newest(purchases, "account"),
    )


def _quantities(purchases: Sequence[Row]) -> Counter[Decimal]:
    """How often each quantity was bought."""
    found: Counter[Decimal] = Counter()
    for row in purchases:
        quantity = number(row["quantity"])
        if quantity is not None and quantity > 0:
            found[quantity] += int(row["n_lines"])
    return found


def _plan_hourly(rows: Sequence[Row]) -> Decimal | None:
    """Commitment of a plan: what a day used and left unused of it, over its hours; needs the amortized data set."""
    days: dict[str, Decimal] = {}
    has_unused = False
    for row in rows:
        billed = number(row["billed"])
        if row["charge"].lower() == "purchase" or billed is None:
            continue
        has_unused = has_unused or row["charge"].lower().startswith("unused")
        days[row["day"]] = days.get(row["day"], Decimal(0)) + billed * int(row["n_lines"])
    if not has_unused:
        return None
    return usual(Counter((total / DAY_HOURS).quantize(Decimal("1e-5")).normalize() for total in days.values()))


def _hour_of_day(text: str) -> int | None:
    """Epoch hour of a date in Azure's form or ISO."""
    found = US_DATE.fullmatch(text.strip())
    if found is None:
        return hour_of(text)
    month, day, year = found.groups()
    return hour_of(f"{year}-{int(month):02d}-{int(day):02d}")
