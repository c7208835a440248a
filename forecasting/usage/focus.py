"""FOCUS 1.0 to 1.2: which charges are machines that run, whoever the provider is.

A machine is a charge of usage in hours whose type of instance is told: by AWS's own columns, by SkuPriceDetails, by
Microsoft's own columns, or by AWS's description of the charge. Not here: commitments
(`forecasting.usage.focus_commitments`).

References
----------
https://focus.finops.org/focus-specification/v1-2/
"""

import re

from forecasting.usage.aws_names import type_in_text, usage_type
from forecasting.usage.cur import HOST_HEADS, IDLE_HEADS, MACHINES, SPLIT_WORDS, machine_pool
from forecasting.usage.export_columns import ExportColumn
from forecasting.usage.lines import Columns, Dialect, Key, LineSql, Part, RowSql, Verdict
from forecasting.usage.pool_names import LINUX, SHARED, PoolKey

PROVIDERS = {
    "aws": "aws",
    "amazon web services": "aws",
    "microsoft": "azure",
    "microsoft azure": "azure",
    "azure": "azure",
    "google": "gcp",
    "google cloud": "gcp",
    "gcp": "gcp",
}
NO_LETTERS = re.compile(r"[^a-z0-9]+")
HOUR_UNITS = frozenset({"hour", "hours", "hr", "hrs", "1 hour", "instance-hours", "instance hours", "units/hour"})
HOUR_PARTS = ("our", "OUR", "hr", "Hr", "HR")  # of all spellings of `HOUR_UNITS`, cheaper than lower case
PURCHASE_WORDS = ("On Demand", "Spot Instance", "reserved instance applied", "Dedicated")
NO_MACHINE_WORDS = ("Mbps", "vCPU-Hour", "EBS")
PLATFORM_WORDS = (
    ("Windows BYOL", "windows_byol"),
    ("Windows with SQL Std", "windows_sql_std"),
    ("Windows with SQL Server Standard", "windows_sql_std"),
    ("Windows with SQL Web", "windows_sql_web"),
    ("Windows with SQL Server Web", "windows_sql_web"),
    ("Windows with SQL Server Enterprise", "windows_sql_ent"),
    ("Windows with SQL Enterprise", "windows_sql_ent"),
    ("Windows", "windows"),
    ("RHEL", "rhel"),
    ("Red Hat", "rhel"),
    ("SUSE", "suse"),
    ("Ubuntu Pro", "ubuntu_pro"),
)
AZURE_MACHINES = "Virtual Machines"
PART_OF_CATEGORY = {"Tax": Part.TAX, "Credit": Part.CREDIT, "Adjustment": Part.CORRECTION}


def _column(name: str, *spellings: str, is_required: bool = False) -> ExportColumn:
    """Column of FOCUS."""
    return ExportColumn(name=name, spellings=spellings, is_required=is_required)


COLUMNS = (
    _column("start", "ChargePeriodStart", is_required=True),
    _column("end", "ChargePeriodEnd", is_required=True),
    _column("category", "ChargeCategory", is_required=True),
    _column("billed", "BilledCost", is_required=True),
    _column("effective", "EffectiveCost", is_required=True),
    _column("currency", "BillingCurrency", is_required=True),
    _column("provider", "ProviderName", "Provider", "ServiceProviderName", is_required=True),
    _column("region", "RegionId", "Region", is_required=True),
    _column("service", "ServiceName", is_required=True),
    _column("consumed", "ConsumedQuantity", "UsageQuantity", is_required=True),
    _column("consumed_unit", "ConsumedUnit", "UsageUnit", is_required=True),
    _column("region_name", "RegionName"),
    _column("class", "ChargeClass", is_required=True),
    _column("frequency", "ChargeFrequency"),
    _column("pricing_category", "PricingCategory", is_required=True),
    _column("service_category", "ServiceCategory", is_required=True),
    _column("description", "ChargeDescription"),
    _column("resource", "ResourceId"),
    _column("sku_price", "SkuPriceId"),
    _column("account", "SubAccountId"),
    _column("zone", "AvailabilityZone"),
    _column("commitment", "CommitmentDiscountId"),
    _column("commitment_category", "CommitmentDiscountCategory"),
    _column("commitment_status", "CommitmentDiscountStatus"),
    _column("capacity_status", "CapacityReservationStatus"),
    _column("usage_type", "x_UsageType"),
    _column("operation", "x_Operation"),
    _column("instance_type", "SkuPriceDetails.InstanceType", "x_SkuInstanceType", "x_SkuDetails.ServiceType"),
    _column("system", "SkuPriceDetails.OperatingSystem", "x_SkuOperatingSystem", "x_SkuDetails.ImageType"),
    _column("meter_category", "x_SkuMeterCategory"),
    _column("meter_subcategory", "x_SkuMeterSubcategory"),
)


KEYS = (
    *("category", "class", "frequency", "pricing_category", "commitment_category", "commitment_status", "currency"),
    *("capacity_status", "provider", "service_category", "consumed_unit", "usage_type", "operation", "meter_category"),
)
IDENTITY = (
    "resource",
    "account",
    "commitment",
    "sku_price",
    "usage_type",
    "operation",
    "pricing_category",
    "description",
)
DETAILS = ("instance_type", "system", "meter_subcategory", "description")


def focus_rows(columns: Columns) -> RowSql:
    """How rows of FOCUS are grouped."""
    is_usage, unit = f"{columns.raw('category')} = 'Usage'", columns.raw("consumed_unit")
    hours = " OR ".join(f"contains({unit}, '{part}')" for part in HOUR_PARTS)
    is_hourly = f"{is_usage} AND ({hours})"
    needs_words = f"{is_hourly} AND {columns.text('usage_type')} = ''" if columns.has("usage_type") else is_hourly
    return RowSql(
        is_candidate=is_hourly,
        is_machine=is_hourly,
        start=columns.moment("start"),
        end=columns.moment("end"),
        keys={
            **{name: columns.raw(name) for name in KEYS},
            **{name: f"CASE WHEN {needs_words} THEN {columns.raw(name)} END" for name in DETAILS},
            "region": f"CASE WHEN {columns.raw('region')} <> '' THEN {columns.raw('region')} "
            f"ELSE {columns.raw('region_name')} END",
            "is_negative": columns.is_negative("consumed"),
            "is_owned": f"{columns.raw('commitment')} <> ''",
        },
        money={"billed": columns.money("billed"), "effective": columns.money("effective")},
        units={"consumed": columns.units("consumed")},
        identity=tuple(
            columns.text(name) for name in IDENTITY if name != "description" or not columns.has("usage_type")
        ),
    )


UNIT = "lower(coalesce(consumed_unit, ''))"
COMPUTE = f"coalesce(service_category, '') IN ('Compute', 'Containers', '') OR meter_category = '{AZURE_MACHINES}'"
LINES = LineSql(
    is_machine=f"category = 'Usage' AND coalesce(commitment_status, '') <> 'Unused' AND ({COMPUTE}) AND "
    f"{UNIT} IN ({', '.join(repr(unit) for unit in sorted(HOUR_UNITS))})",
    quantity="consumed",
    billed="billed",
    amortized="coalesce(effective, 0)",
    keys={
        "category": "coalesce(category, '')",
        "class": "coalesce(class, '')",
        "recurs": "CASE WHEN frequency = 'Recurring' THEN 'y' ELSE '' END",
        "is_owned": "CASE WHEN is_owned THEN 'y' ELSE '' END",
        "status": "coalesce(commitment_status, '')",
    },
    machine_keys={
        "unit": UNIT,
        **{
            name: f"coalesce({name}, '')"
            for name in (
                *("provider", "region", "pricing_category", "commitment_category", "capacity_status", "usage_type"),
                *("operation", "meter_category", *DETAILS),
            )
        },
        "sign": "CASE WHEN is_negative THEN '-' ELSE '' END",
    },
)


def judge_focus(key: Key) -> Verdict:
    """What charges with the same keys are."""
    category = key["category"]
    if category in PART_OF_CATEGORY:
        return Verdict(part=PART_OF_CATEGORY[category])
    if key["class"] == "Correction":
        return Verdict(part=Part.CORRECTION)
    if category == "Purchase":
        fee = Part.RECURRING_FEE if key["recurs"] else Part.UPFRONT_FEE
        return Verdict(part=fee if key["is_owned"] else Part.FEE)
    if category != "Usage":
        return Verdict(part=Part.UNKNOWN)
    if key["status"] == "Unused":
        return Verdict(part=Part.UNUSED)
    return _usage(key)


def _usage(key: Key) -> Verdict:
    """Charges of usage."""
    if key["unit"] not in HOUR_UNITS:
        return Verdict(part=Part.OTHER_USAGE)
    provider = provider_of(key["provider"])
    pool = _aws_pool(key) if provider == "aws" else _other_pool(key, provider)
    if isinstance(pool, Part):
        return Verdict(part=pool)
    if key["sign"]:
        return Verdict(part=Part.CORRECTION)
    return Verdict(part=_demand_part(key), pool=pool)


def provider_of(name: str) -> str:
    """Short name of a provider; one that is not known is its own, in letters and digits.

    Examples
    --------
    >>> provider_of("Amazon Web Services"), provider_of("=Oracle Cloud")
    ('aws', 'oracle-cloud')
    """
    plain = name.strip().lower()
    return PROVIDERS.get(plain) or NO_LETTERS.sub("-", plain).strip("-")


def _aws_pool(key: Key) -> PoolKey | Part:
    """Pool of a charge of AWS, or the part it is if it is no machine."""
    if key["usage_type"]:
        used = usage_type(key["usage_type"])
        if used is not None and used.head in HOST_HEADS:
            return Part.HOST
        if used is None or used.head not in MACHINES:
            return Part.OTHER_USAGE
        if any(word in key["operation"] for word in SPLIT_WORDS):
            return Part.SPLIT_COST
        return machine_pool(used, key["operation"], region=key["region"], item=key["instance_type"])
    text = key["description"]
    is_named = any(word in text for word in PURCHASE_WORDS) and not any(word in text for word in NO_MACHINE_WORDS)
    item = key["instance_type"] or (type_in_text(text) if is_named else "")
    if not item:
        return Part.OTHER_USAGE
    tenancy = "dedicated" if "Dedicated" in text else SHARED
    return PoolKey(
        provider="aws", region=key["region"], item=item, platform=platform_of(key["system"] or text), tenancy=tenancy
    )


def _other_pool(key: Key, provider: str) -> PoolKey | Part:
    """Pool of a charge of another provider, or the part it is if it is no machine."""
    if key["meter_category"] not in {"", AZURE_MACHINES} or not key["instance_type"]:
        return Part.OTHER_USAGE
    system = f"{key['system']} {key['meter_subcategory']}"
    return PoolKey(provider=provider, region=key["region"], item=key["instance_type"], platform=platform_of(system))


def platform_of(text: str) -> str:
    """Platform that a text names; Linux if none."""
    for words, platform in PLATFORM_WORDS:
        if re.search(re.escape(words), text, re.IGNORECASE):
            return platform
    return LINUX


def _demand_part(key: Key) -> Part:
    """Which demand it is."""
    if key["pricing_category"] == "Dynamic":
        return Part.SPOT
    if key["is_owned"] or key["pricing_category"] == "Committed":
        return Part.PLANNED if key["commitment_category"] == "Spend" else Part.RESERVED
    used = usage_type(key["usage_type"]) if key["usage_type"] else None
    is_idle = key["capacity_status"] == "Unused" or (used is not None and used.head in IDLE_HEADS)
    return Part.IDLE_CAPACITY if is_idle else Part.ON_DEMAND


FOCUS = Dialect(
    name="focus",
    title="FOCUS",
    columns=COLUMNS,
    tag_columns=("Tags",),
    rows=focus_rows,
    lines=LINES,
    judge=judge_focus,
    number_columns=("consumed", "billed", "effective"),
    time_columns=("start", "end"),
    type_columns=("usage_type", "instance_type", "description"),
    switch_on=(
        "In AWS, choose the time granularity HOURLY when the FOCUS export is made; Microsoft's FOCUS export is daily "
        "by nature."
    ),
)
