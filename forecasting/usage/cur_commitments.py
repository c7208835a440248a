"""Reserved Instances and savings plans in an AWS report: quantity, term and expiry from their fee lines.

The length of a term is read from the lease and from its own start and end, never from the reserved units of a fee line,
which count 744 hours in every month. Not here: what they cover (`optimizer.billing`).

References
----------
https://docs.aws.amazon.com/cur/latest/userguide/reservation-columns.html
https://docs.aws.amazon.com/cur/latest/userguide/savingsplans-columns.html
"""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from forecasting.hours import term_hours
from forecasting.usage.aws_names import (
    ZONE,
    UsageType,
    family_and_size,
    floats_over_sizes,
    region_of,
    size_factor,
    usage_type,
)
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
    newest,
    number,
    recovered,
    usual,
)
from forecasting.usage.cur import MACHINES
from forecasting.usage.engine import Connection
from forecasting.usage.export_columns import ExportColumn
from forecasting.usage.offer_names import ANY, GLOBAL, OfferKey, payment_of, reserved_item, term_months_of
from forecasting.usage.pool_names import LINUX, SHARED, PoolKey, aws_platform
from forecasting.usage.totals import Batch

EC2 = "AmazonEC2"
KIND_OF_PLAN = {
    "computesavingsplans": "compute_savings_plan",
    "ec2instancesavingsplans": "instance_savings_plan",
}
UPFRONT_SHARE = {"partial": Decimal("0.5"), "all": Decimal(1)}
WHERE = (
    "({ri_arn} <> '' AND {line_type} IN ('RIFee', 'Fee', 'DiscountedUsage')) OR ({sp_arn} <> '' AND {line_type} IN "
    "('SavingsPlanRecurringFee', 'SavingsPlanUpfrontFee', 'SavingsPlanCoveredUsage'))"
)
FEES = frozenset({"RIFee", "Fee"})


def _column(name: str, *spellings: str) -> ExportColumn:
    """Column that may be absent."""
    return ExportColumn(name=name, spellings=spellings)


COLUMNS = (
    _column("start", "line_item_usage_start_date"),
    _column("end", "line_item_usage_end_date"),
    _column("line_type", "line_item_line_item_type"),
    _column("product_code", "line_item_product_code"),
    _column("usage_type", "line_item_usage_type"),
    _column("operation", "line_item_operation"),
    _column("account", "line_item_usage_account_id"),
    _column("factor", "line_item_normalization_factor"),
    _column("billed", "line_item_unblended_cost"),
    _column("line_zone", "line_item_availability_zone"),
    _column("ri_arn", "reservation_reservation_a_r_n"),
    _column("ri_start", "reservation_start_time"),
    _column("ri_end", "reservation_end_time"),
    _column("ri_count", "reservation_number_of_reservations"),
    _column("ri_zone", "reservation_availability_zone"),
    _column("lease", "pricing_lease_contract_length"),
    _column("offering_class", "pricing_offering_class"),
    _column("purchase_option", "pricing_purchase_option"),
    _column("sp_arn", "savings_plan_savings_plan_a_r_n"),
    _column("sp_type", "savings_plan_offering_type"),
    _column("sp_payment", "savings_plan_payment_option"),
    _column("sp_term", "savings_plan_purchase_term"),
    _column("sp_region", "savings_plan_region"),
    _column("sp_family", "savings_plan_instance_type_family"),
    _column("sp_start", "savings_plan_start_time"),
    _column("sp_end", "savings_plan_end_time"),
    _column("sp_total", "savings_plan_total_commitment_to_date"),
)
QUERY = CommitmentQuery(
    columns=COLUMNS,
    where=WHERE,
    fee_columns=frozenset({"billed", "sp_total"}),
    is_fee="{line_type} NOT IN ('DiscountedUsage', 'SavingsPlanCoveredUsage')",
)


def cur_commitments(engine: Connection, batches: Sequence[Batch], source: str) -> Recovered:
    """Commitments of a report.

    Raises
    ------
    InputError
        If their lines cannot be read.
    """
    rows = commitment_rows(engine, batches, QUERY, source=source)
    reservations = by_commitment((row for row in rows if row["ri_arn"]), "ri_arn")
    plans = by_commitment((row for row in rows if row["sp_arn"]), "sp_arn")
    found = [_reservation(arn, lines) for arn, lines in reservations.items()]
    return recovered([*found, *(_plan(arn, lines) for arn, lines in plans.items())])


def _reservation(arn: str, rows: Sequence[Row]) -> RecoveredCommitment | UnrecoveredCommitment | None:
    """One reservation; None if it is not of machines."""
    if newest(rows, "product_code") != EC2:
        return None
    fees = [row for row in rows if row["line_type"] in FEES] or rows
    used = usage_type(newest(fees, "usage_type")) or UsageType(prefix="", head="", item="")
    zone = _zone(newest(fees, "ri_zone")) or _zone(newest(fees, "line_zone") if fees is not rows else "")
    arn_region = arn.split(":")[3] if arn.count(":") >= 5 else ""
    region = arn_region or region_of("", zone or newest(fees, "ri_zone"), used.prefix)
    platform = aws_platform(newest(fees, "operation") or "RunInstances") or ""
    term, payment = term_months_of(newest(rows, "lease")), payment_of(newest(rows, "purchase_option"))
    count, start = number(newest(fees, "ri_count")), hour_of(newest(rows, "ri_start"))
    known = {
        "the type of instance": used.item,
        "the platform": platform,
        "the region": region,
        "the number of reservations (reservation_number_of_reservations)": count,
        "the start (reservation_start_time)": start,
        "the term (pricing_lease_contract_length)": term,
        "the payment option (pricing_purchase_option)": payment,
    }
    lacks = [name for name, value in known.items() if value in {None, ""}]
    if lacks or count is None or start is None or term is None or payment is None:
        return _unrecovered(arn, "reservation", lacks, {"type": used.item, "region": region})
    key = PoolKey(
        provider="aws",
        region=region,
        item=used.item,
        platform=platform,
        tenancy=MACHINES.get(used.head, SHARED),
        zone=zone,
    )
    factor = _flexible_factor(key, number(newest(fees, "factor")))
    item = reserved_item(key, family=family_and_size(used.item)[0], is_size_flexible=factor is not None)
    kind = "reserved_convertible" if newest(rows, "offering_class").lower() == "convertible" else "reserved_standard"
    end = end_hour_of(newest(rows, "ri_end"))
    return RecoveredCommitment(
        commitment_id=arn,
        offer=OfferKey(provider="aws", region=region, kind=kind, item=item, term_months=term, payment=payment),
        quantity=float(count) * (1.0 if factor is None else factor),
        start_hour=start,
        end_hour=start + term_hours(term) if end is None else end,
        account=newest(fees, "account"),
        zone=zone,
        scope="zonal" if zone else "regional",
    )


def _flexible_factor(key: PoolKey, told: Decimal | None) -> float | None:
    """Normalized units of one reservation; None where it does not float over sizes."""
    is_plain = key.platform == LINUX and key.tenancy == SHARED and not key.zone
    if not is_plain or not floats_over_sizes(key.item):
        return None
    by_name = size_factor(key.item)
    return by_name if by_name is not None or told is None or told <= 0 else float(told)


def _zone(text: str) -> str:
    """Zone, empty where the text names a region or nothing."""
    return text if ZONE.fullmatch(text) else ""


def _plan(arn: str, rows: Sequence[Row]) -> RecoveredCommitment | UnrecoveredCommitment | None:
    """One savings plan; None if it is not of machines."""
    offering = "".join(char for char in newest(rows, "sp_type").lower() if char.isalnum())
    kind = KIND_OF_PLAN.get(offering, "")
    if offering and not kind:
        return None
    term, payment = term_months_of(newest(rows, "sp_term")), payment_of(newest(rows, "sp_payment"))
    start = hour_of(newest(rows, "sp_start"))
    committed = _committed(rows, term, payment)
    is_instance = kind == "instance_savings_plan"
    family, region = newest(rows, "sp_family"), newest(rows, "sp_region")
    known = {
        "its kind (savings_plan_offering_type)": kind,
        "the commitment per hour (savings_plan_total_commitment_to_date of its recurring fees)": committed,
        "the start (savings_plan_start_time)": start,
        "the term (savings_plan_purchase_term)": term,
        "the payment option (savings_plan_payment_option)": payment,
        "the family (savings_plan_instance_type_family)": family if is_instance else ANY,
        "the region (savings_plan_region)": region if is_instance else GLOBAL,
    }
    lacks = [name for name, value in known.items() if value in {None, ""}]
    if lacks or committed is None or start is None or term is None or payment is None:
        return _unrecovered(arn, "savings plan", lacks, {"kind": kind, "USD/h": str(committed or "")})
    end = end_hour_of(newest(rows, "sp_end"))
    return RecoveredCommitment(
        commitment_id=arn,
        offer=OfferKey(
            provider="aws",
            region=region if is_instance else GLOBAL,
            kind=kind,
            item=family if is_instance else ANY,
            term_months=term,
            payment=payment,
        ),
        quantity=float(committed),
        start_hour=start,
        end_hour=start + term_hours(term) if end is None else end,
        account=newest([row for row in rows if row["line_type"] != "SavingsPlanCoveredUsage"] or rows, "account"),
    )


def _committed(rows: Sequence[Row], term: int | None, payment: str | None) -> Decimal | None:
    """Commitment of a plan, by its recurring fees, else by its upfront fee. [USD/h]"""
    hourly: Counter[Decimal] = Counter()
    upfront = Decimal(0)
    for row in rows:
        total, hours, billed = number(row["sp_total"]), number(row["hours"]), number(row["billed"])
        if row["line_type"] == "SavingsPlanRecurringFee" and total and hours and hours > 0:
            hourly[(total / hours).quantize(Decimal("1e-7")).normalize()] += int(row["n_lines"])
        if row["line_type"] == "SavingsPlanUpfrontFee" and billed is not None:
            upfront += billed
    if hourly:
        return usual(hourly)
    if upfront > 0 and term is not None and payment in UPFRONT_SHARE:
        return upfront / UPFRONT_SHARE[payment] / term_hours(term)
    return None


def _unrecovered(arn: str, what: str, lacks: Sequence[str], known: dict[str, str]) -> UnrecoveredCommitment:
    """Commitment with what is lacking."""
    said = ", ".join(f"{name} {value}" for name, value in known.items() if value)
    return UnrecoveredCommitment(commitment_id=arn, lacks=", ".join(lacks), known=f"{what} {said}".strip())
