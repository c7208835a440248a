"""Azure's cost details, actual and amortized, in the spellings of enterprise and customer agreements.

Days are all it has: hours need --daily spread. Both data sets hold the same usage: one of them is to be given.
Not here: reservations and savings plans (`forecasting.usage.other_commitments`).

References
----------
https://learn.microsoft.com/azure/cost-management-billing/automate/understand-usage-details-fields
"""

import re
from collections.abc import Sequence
from decimal import Decimal

from forecasting.usage.export_columns import ExportColumn
from forecasting.usage.lines import Columns, Dialect, Key, LineSql, Moment, Part, RowSql, Verdict
from forecasting.usage.pool_names import LINUX, PoolKey

MACHINES = "Virtual Machines"
SPOT_WORDS = ("Spot", "Low Priority")
SOFTWARE = re.compile(r"windows (svr|server)|sql server|licen[sc]e", re.IGNORECASE)  # beside a reserved machine
HOURS = re.compile(r"(?P<block>\d+)?\s*(?:hours?|hrs?)", re.IGNORECASE)
PART_OF_CHARGE = {
    "unusedreservation": Part.UNUSED,
    "unusedbenefit": Part.UNUSED,
    "unusedsavingsplan": Part.UNUSED,
    "refund": Part.REFUND,
    "tax": Part.TAX,
    "adjustment": Part.CORRECTION,
    "roundingadjustment": Part.CORRECTION,
    "credit": Part.CREDIT,
}
DAY_HOURS, ROUNDING_HOURS = 24, Decimal("0.01")
DAY_MICROSECONDS = 86_400_000_000
DATES = ("%m/%d/%Y", "%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S")


def _column(name: str, *spellings: str, is_required: bool = False) -> ExportColumn:
    """Column of cost details."""
    return ExportColumn(name=name, spellings=spellings, is_required=is_required)


COLUMNS = (
    _column("start", "Date", "UsageDateTime", "UsageDate", is_required=True),
    _column("charge", "ChargeType", is_required=True),
    _column("meter_category", "MeterCategory", is_required=True),
    _column("quantity", "Quantity", "UsageQuantity", is_required=True),
    _column("unit", "UnitOfMeasure", is_required=True),
    _column("billed", "CostInBillingCurrency", "Cost", "PreTaxCost", is_required=True),
    _column("currency", "BillingCurrencyCode", "BillingCurrency", "Currency", is_required=True),
    _column("region", "ResourceLocation", "ResourceLocationNormalized", "Location", is_required=True),
    _column("pricing_model", "PricingModel", is_required=True),
    _column("frequency", "Frequency"),
    _column("meter_subcategory", "MeterSubCategory"),
    _column("meter_name", "MeterName", "Meter"),
    _column("meter_id", "MeterId"),
    _column("info", "AdditionalInfo"),
    _column("account", "SubscriptionId", "SubscriptionGuid"),
    _column("zone", "AvailabilityZone"),
    _column("resource", "ResourceId", "InstanceId", "InstanceName"),
    _column("order", "ProductOrderName"),
    _column("reservation", "ReservationId"),
    _column("benefit", "benefitId"),
    _column("publisher", "PublisherType"),
)


TEXT_KEYS = (
    *("meter_category", "currency", "publisher", "unit", "region", "pricing_model", "frequency", "charge"),
    *("meter_subcategory", "meter_name"),
)
INFO_KEYS = ("ServiceType", "UsageType")


def azure_rows(columns: Columns) -> RowSql:
    """How rows of cost details are grouped."""
    is_machine = f"{columns.raw('meter_category')} = '{MACHINES}' AND lower({columns.raw('charge')}) = 'usage'"
    start, info = _day(columns), columns.text("info")
    single = f"contains(lower({columns.text('resource')}), '/virtualmachines/')"
    return RowSql(
        is_candidate=is_machine,
        is_machine=is_machine,
        start=start,
        end=Moment(column=start.column, reading=f"({start.reading} + {DAY_MICROSECONDS})"),
        keys={
            **{name: columns.raw(name) for name in TEXT_KEYS},
            **{
                name.lower(): f"CASE WHEN {is_machine} THEN json_extract_string({_json(info)}, '$.{name}') END"
                for name in INFO_KEYS
            },
            "is_owned": f"{columns.text('reservation')} <> '' OR {columns.text('benefit')} <> ''",
            "is_negative": columns.is_negative("quantity"),
            "longest": f"CASE WHEN {is_machine} AND {single} AND NOT starts_with({columns.text('unit')}, '1 ') "
            f"THEN CAST({columns.units('quantity')} AS VARCHAR) END",
        },
        money={"billed": columns.money("billed")},
        units={"quantity": columns.units("quantity")},
        identity=(
            *(
                columns.text(name)
                for name in ("resource", "account", "meter_id", "meter_name", "pricing_model", "benefit")
            ),
            info,
        ),
    )


OWNED_MODELS = "lower(coalesce(pricing_model, '')) IN ('reservation', 'savingsplan')"
LINES = LineSql(
    is_machine=f"lower(charge) = 'usage' AND meter_category = '{MACHINES}'",
    quantity="quantity",
    billed="billed",
    amortized="billed",
    keys={
        "charge": "lower(coalesce(charge, ''))",
        "recurs": "CASE WHEN frequency = 'Recurring' THEN 'y' ELSE '' END",
        "is_owned": f"CASE WHEN is_owned OR {OWNED_MODELS} THEN 'y' ELSE '' END",
        "meter_category": f"CASE WHEN starts_with(meter_category, '{MACHINES}') THEN meter_category ELSE '' END",
        "publisher": "coalesce(publisher, '')",
    },
    machine_keys={
        **{
            name: f"coalesce({name}, '')"
            for name in ("unit", "meter_subcategory", "meter_name", "servicetype", "usagetype", "longest")
        },
        "region": "lower(coalesce(region, ''))",
        "pricing_model": "lower(coalesce(pricing_model, ''))",
        "sign": "CASE WHEN is_negative THEN '-' ELSE '' END",
    },
)


def _json(info: str) -> str:
    """Object of additional info, an empty one where there is none; broken JSON stays broken."""
    return f"CASE WHEN {info} = '' THEN '{{}}' ELSE {info} END"


def _day(columns: Columns) -> Moment:
    """Day of a line: month, day and year in that order, or ISO."""
    place = columns.found["start"]
    if place.kind != "VARCHAR":
        return columns.moment("start")
    formats = ", ".join(f"'{form}'" for form in DATES)
    return Moment(column=place.sql, reading=f"epoch_us(strptime({{}}, [{formats}]))")


def judge_azure(key: Key) -> Verdict:
    """What lines of cost details with the same keys are."""
    charge = key["charge"]
    if charge in PART_OF_CHARGE:
        return Verdict(part=PART_OF_CHARGE[charge])
    if charge == "purchase":
        if not key["is_owned"]:
            return Verdict(part=Part.MARKETPLACE if key["publisher"] == "Marketplace" else Part.FEE)
        return Verdict(part=Part.RECURRING_FEE if key["recurs"] else Part.UPFRONT_FEE)
    if charge != "usage":
        return Verdict(part=Part.UNKNOWN)
    if key["meter_category"] != MACHINES:
        return Verdict(part=_other_part(key))
    return _machine(key)


def _other_part(key: Key) -> Part:
    """Part of usage that is not of machines."""
    if key["meter_category"]:
        return Part.LICENCE
    return Part.MARKETPLACE if key["publisher"] == "Marketplace" else Part.OTHER_USAGE


def _machine(key: Key) -> Verdict:
    """Lines of machines that run."""
    if HOURS.fullmatch(key["unit"].strip()) is None:
        return Verdict(part=Part.OTHER_USAGE)
    if SOFTWARE.search(key["meter_name"]) or SOFTWARE.search(key["meter_subcategory"]):
        return Verdict(part=Part.LICENCE)
    if key["sign"]:
        return Verdict(part=Part.CORRECTION)
    pool = PoolKey(
        provider="azure",
        region=key["region"].replace(" ", ""),
        item=key["servicetype"] or _size_of_meter(key["meter_name"]),
        platform="windows" if "windows" in key["meter_subcategory"].lower() else LINUX,
    )
    return Verdict(part=_demand_part(key), pool=pool, divide_by=key["divide_by"])


def _size_of_meter(name: str) -> str:
    """Size that a meter names; the meter itself where it names several."""
    for word in SPOT_WORDS:
        name = name.removesuffix(word).strip()
    return name if "/" in name or not name else f"Standard_{name.replace(' ', '_')}"


def _demand_part(key: Key) -> Part:
    """Which demand it is."""
    model = key["pricing_model"]
    if model == "spot" or any(key["meter_name"].endswith(word) for word in SPOT_WORDS):
        return Part.SPOT
    if model == "reservation":
        return Part.RESERVED
    if model == "savingsplan":
        return Part.PLANNED
    return Part.IDLE_CAPACITY if key["usagetype"] == "ComputeCR" else Part.ON_DEMAND


def hour_divisors(keys: Sequence[Key]) -> dict[str, str]:
    """What a quantity is divided by to give hours, by unit of measure; "" where it cannot be told.

    Exports differ in whether a quantity of "100 Hours" counts hours, hundreds of hours or hundredths. No machine runs
    more than a day a day: the widest reading in which none does is taken, from the longest line of a single machine.
    """
    longest: dict[str, Decimal] = {}
    for key in keys:
        if _block(key["unit"]) > 1:
            longest[key["unit"]] = max(longest.get(key["unit"], Decimal(0)), Decimal(key["longest"] or 0))
    return {unit: _divisor(_block(unit), most) for unit, most in longest.items()}


def _block(unit: str) -> int:
    """Hours in one unit of measure; 0 if it is not in hours."""
    found = HOURS.fullmatch(unit.strip())
    return 0 if found is None else int(found["block"] or 1)


def _divisor(block: int, longest: Decimal) -> str:
    """Divisor for a block of hours."""
    readings = (Decimal(1) / block, Decimal(1), Decimal(block))
    fitting = [divisor for divisor in readings if longest > 0 and longest / divisor <= DAY_HOURS + ROUNDING_HOURS]
    return str(fitting[0]) if fitting else ""


AZURE = Dialect(
    name="azure",
    title="Azure cost details",
    columns=COLUMNS,
    tag_columns=("Tags",),
    rows=azure_rows,
    lines=LINES,
    judge=judge_azure,
    number_columns=("quantity", "billed"),
    time_columns=(),
    switch_on="Azure's cost details have no hourly grain; hours of each machine are in Azure Monitor.",
    divisors=hour_divisors,
)
