"""Commitments in FOCUS: its rows seldom tell a term, so that only what they do tell whole is taken.

A row of purchase whose charge period is as long as a term tells start and end; Microsoft's own column tells months.
Not here: commitments of other formats.

References
----------
https://focus.finops.org/focus-specification/v1-2/ (commitment discounts)
"""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from forecasting.hours import HOURS_PER_YEAR, term_hours
from forecasting.usage.aws_names import family_and_size, floats_over_sizes, size_factor
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
from forecasting.usage.focus import platform_of, provider_of
from forecasting.usage.offer_names import ANY, GLOBAL, OfferKey, payment_of, reserved_item, term_months_of
from forecasting.usage.pool_names import LINUX, PoolKey
from forecasting.usage.totals import Batch

TERMS = (12, 36)
LEAP_HOURS = 24  # a term of three calendar years has a leap day more than 3 x 365
COMPUTE_WORDS = ("compute",)


def _column(name: str, *spellings: str) -> ExportColumn:
    """Column that may be absent."""
    return ExportColumn(name=name, spellings=spellings)


QUERY = CommitmentQuery(
    columns=(
        _column("start", "ChargePeriodStart"),
        _column("end", "ChargePeriodEnd"),
        _column("id", "CommitmentDiscountId"),
        _column("category", "ChargeCategory"),
        _column("frequency", "ChargeFrequency"),
        _column("commitment_category", "CommitmentDiscountCategory"),
        _column("type", "CommitmentDiscountType"),
        _column("quantity", "CommitmentDiscountQuantity"),
        _column("unit", "CommitmentDiscountUnit"),
        _column("provider", "ProviderName", "Provider", "ServiceProviderName"),
        _column("region", "RegionId"),
        _column("account", "SubAccountId"),
        _column("term", "x_SkuTerm", "SkuPriceDetails.LeaseContractLength", "SkuPriceDetails.Term"),
        _column("payment", "SkuPriceDetails.PurchaseOption"),
        _column("class", "SkuPriceDetails.OfferingClass"),
        _column("instance_type", "SkuPriceDetails.InstanceType"),
        _column("family", "SkuPriceDetails.InstanceFamily"),
        _column("system", "SkuPriceDetails.OperatingSystem"),
        _column("class_of_charge", "ChargeClass"),
    ),
    where="{id} <> '' AND {class_of_charge} = ''",
    fee_columns=frozenset({"quantity", "account"}),
    is_fee="{category} = 'Purchase'",
)


def focus_commitments(engine: Connection, batches: Sequence[Batch], source: str) -> Recovered:
    """Commitments of a FOCUS export.

    Raises
    ------
    InputError
        If their lines cannot be read.
    """
    grouped = by_commitment(commitment_rows(engine, batches, QUERY, source=source), "id")
    return recovered(_commitment(name, rows) for name, rows in grouped.items())


def _commitment(name: str, rows: Sequence[Row]) -> RecoveredCommitment | UnrecoveredCommitment:
    """One commitment."""
    purchases = [row for row in rows if row["category"] == "Purchase"]
    provider = provider_of(newest(rows, "provider"))
    term = term_months_of(newest(rows, "term")) or _term_of_period(purchases)
    start = _start(purchases, term)
    payment = payment_of(newest(rows, "payment")) or _payment(purchases)
    is_plan = newest(rows, "commitment_category") == "Spend" or newest(purchases, "unit") == "USD"
    offer, per_unit = _plan(rows, provider, term, payment) if is_plan else _reservation(rows, provider, term, payment)
    quantity = _hourly(purchases, term)
    known = {
        "the quantity (CommitmentDiscountQuantity of a purchase, FOCUS 1.1)": quantity,
        "the start (a one-time purchase, or one charged for the whole term)": start,
        "the term": term,
        "the payment option": payment,
        "what it covers": offer,
    }
    lacks = [what for what, value in known.items() if value is None]
    if lacks or quantity is None or start is None or term is None or offer is None:
        said = f"{newest(rows, 'commitment_category')} {newest(rows, 'type')} {newest(rows, 'region')}".strip()
        return UnrecoveredCommitment(commitment_id=_safe(name), lacks=", ".join(lacks), known=said)
    return RecoveredCommitment(
        commitment_id=_safe(name),
        offer=offer,
        quantity=float(quantity) * per_unit,
        start_hour=start,
        end_hour=start + term_hours(term),
        account=newest(purchases, "account"),
    )


def _safe(name: str) -> str:
    """Name without a leading slash, which no commitments file takes."""
    return name.lstrip("/")


def _term_of_period(purchases: Sequence[Row]) -> int | None:
    """Months of a charge period that is as long as a term."""
    for row in purchases:
        hours = number(row["hours"])
        for term in TERMS:
            if hours is not None and 0 <= hours - term_hours(term) <= LEAP_HOURS * (term // 12):
                return term
    return None


def _start(purchases: Sequence[Row], term: int | None) -> int | None:
    """First hour: the start of a one-time purchase, or of a charge period as long as the term."""
    starts = [
        hour_of(row["first_start"])
        for row in purchases
        if row["frequency"] == "One-Time" or (term is not None and _term_of_period([row]) == term)
    ]
    return min((start for start in starts if start is not None), default=None)


def _payment(purchases: Sequence[Row]) -> str | None:
    """Payment option by how the purchases are charged."""
    ways = {row["frequency"] for row in purchases}
    if ways == {"One-Time"}:
        return "all"
    if ways == {"Recurring"}:
        return "none"
    return "partial" if ways == {"One-Time", "Recurring"} else None


def _hourly(purchases: Sequence[Row], term: int | None) -> Decimal | None:
    """Quantity per hour: of recurring purchases by the hour, else of a purchase over its period or term."""
    rates: Counter[Decimal] = Counter()
    upfront = Decimal(0)
    for row in purchases:
        quantity, hours = number(row["quantity"]), number(row["hours"])
        if quantity is None or quantity <= 0:
            continue
        if row["frequency"] == "One-Time":
            upfront += quantity
        elif hours is not None and hours > 0:
            per = hours if hours >= HOURS_PER_YEAR else Decimal(1) if hours <= 1 else hours
            rates[(quantity / per).quantize(Decimal("1e-7")).normalize()] += int(row["n_lines"])
    if upfront > 0 and term is not None:
        hourly = upfront / term_hours(term)
        return hourly + (usual(rates) or 0)
    return usual(rates)


def _plan(rows: Sequence[Row], provider: str, term: int | None, payment: str | None) -> tuple[OfferKey | None, float]:
    """Offer of a plan."""
    if term is None or payment is None:
        return None, 1.0
    name = newest(rows, "type").lower()
    family, region = newest(rows, "family"), newest(rows, "region")
    is_compute = any(word in name for word in COMPUTE_WORDS) or provider != "aws"
    if is_compute:
        kind, region, item = "compute_savings_plan", GLOBAL, ANY
    elif family and region:
        kind, item = "instance_savings_plan", family
    else:
        return None, 1.0
    return OfferKey(provider=provider, region=region, kind=kind, item=item, term_months=term, payment=payment), 1.0


def _reservation(
    rows: Sequence[Row], provider: str, term: int | None, payment: str | None
) -> tuple[OfferKey | None, float]:
    """Offer of a reservation, and its quantity for each one that FOCUS counts."""
    item, region = newest(rows, "instance_type"), newest(rows, "region")
    if not item or not region or term is None or payment is None:
        return None, 1.0
    key = PoolKey(provider=provider, region=region, item=item, platform=platform_of(newest(rows, "system")))
    is_flexible = provider == "aws" and key.platform == LINUX and floats_over_sizes(item)
    factor = size_factor(item) if is_flexible else None
    is_normalized = "normal" in newest(rows, "unit").lower()
    offer = OfferKey(
        provider=provider,
        region=region,
        kind="reserved_convertible" if newest(rows, "class").lower() == "convertible" else "reserved_standard",
        item=reserved_item(key, family=family_and_size(item)[0], is_size_flexible=factor is not None),
        term_months=term,
        payment=payment,
    )
    return offer, 1.0 if is_normalized or factor is None else factor
