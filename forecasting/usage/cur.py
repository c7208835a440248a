"""AWS's Cost and Usage Report, legacy and 2.0: which lines are machines that run, and what each line costs.

Spot, on-demand usage and usage that a reservation or plan covers are demand alike. Amortized cost follows the rule of
AWS's own dashboards. Not here: commitments in the report (`forecasting.usage.cur_commitments`).

References
----------
https://docs.aws.amazon.com/cur/latest/userguide/Lineitem-columns.html
https://docs.aws.amazon.com/cur/latest/userguide/table-dictionary-cur2.html
"""

from collections.abc import Iterable

from forecasting.usage.aws_names import DEFAULT_TYPE, UsageType, region_of, type_in_text, usage_type
from forecasting.usage.export_columns import ExportColumn
from forecasting.usage.lines import Columns, Dialect, Key, LineSql, Part, RowSql, Verdict
from forecasting.usage.pool_names import SHARED, PoolKey, aws_platform

EC2 = "AmazonEC2"
MONEY = (
    *("billed", "ri_effective", "ri_unused_upfront", "ri_unused_recurring"),
    *("sp_effective", "sp_total", "sp_used"),
)
RUNNING = ("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage")
MACHINE_WORDS = ("BoxUsage", "SpotUsage", "DedicatedUsage", "HeavyUsage", "UnusedBox", "UnusedDed")
SERVERLESS_WORDS = ("Fargate", "Lambda-GB")
MACHINES = {  # head of the usage type: tenancy
    "BoxUsage": SHARED,
    "HeavyUsage": SHARED,
    "SpotUsage": SHARED,
    "UnusedBox": SHARED,
    "DedicatedUsage": "dedicated",
    "UnusedDed": "dedicated",
}
IDLE_HEADS = frozenset({"UnusedBox", "UnusedDed"})
FREE_HEADS = frozenset({"Reservation", "DedicatedRes"})
HOST_HEADS = frozenset({"HostUsage", "HostBoxUsage"})
OTHER_HEADS = ("MP", "Reservation", "DedicatedRes", "HostUsage")
SPLIT_WORDS = ("EKS", "ECS")
PART_OF_LINE_TYPE = {
    "SavingsPlanNegation": Part.NEGATION,
    "SavingsPlanRecurringFee": Part.RECURRING_FEE,
    "SavingsPlanUpfrontFee": Part.UPFRONT_FEE,
    "RIFee": Part.RECURRING_FEE,
    "Refund": Part.REFUND,
    "Credit": Part.CREDIT,
    "Tax": Part.TAX,
}

COLUMNS = (
    ExportColumn(name="line_type", spellings=("line_item_line_item_type",), is_required=True),
    ExportColumn(name="start", spellings=("line_item_usage_start_date",), is_required=True),
    ExportColumn(name="end", spellings=("line_item_usage_end_date",), is_required=True),
    ExportColumn(name="product_code", spellings=("line_item_product_code",), is_required=True),
    ExportColumn(name="usage_type", spellings=("line_item_usage_type",), is_required=True),
    ExportColumn(name="operation", spellings=("line_item_operation",), is_required=True),
    ExportColumn(name="amount", spellings=("line_item_usage_amount",), is_required=True),
    ExportColumn(name="billed", spellings=("line_item_unblended_cost",), is_required=True),
    ExportColumn(name="currency", spellings=("line_item_currency_code",), is_required=True),
    ExportColumn(name="zone", spellings=("line_item_availability_zone",)),
    ExportColumn(
        name="region", spellings=("product_region_code", "product.region_code", "product_region", "product.region")
    ),
    ExportColumn(name="account", spellings=("line_item_usage_account_id",)),
    ExportColumn(name="resource", spellings=("line_item_resource_id",)),
    ExportColumn(name="description", spellings=("line_item_line_item_description",)),
    ExportColumn(name="type", spellings=("product_instance_type", "product.instance_type")),
    ExportColumn(name="ri_arn", spellings=("reservation_reservation_a_r_n",)),
    ExportColumn(name="ri_effective", spellings=("reservation_effective_cost",)),
    ExportColumn(name="ri_unused_upfront", spellings=("reservation_unused_amortized_upfront_fee_for_billing_period",)),
    ExportColumn(name="ri_unused_recurring", spellings=("reservation_unused_recurring_fee",)),
    ExportColumn(name="sp_arn", spellings=("savings_plan_savings_plan_a_r_n",)),
    ExportColumn(name="sp_effective", spellings=("savings_plan_savings_plan_effective_cost",)),
    ExportColumn(name="sp_total", spellings=("savings_plan_total_commitment_to_date",)),
    ExportColumn(name="sp_used", spellings=("savings_plan_used_commitment",)),
)


def cur_rows(columns: Columns) -> RowSql:
    """How rows of a report are grouped."""
    is_ec2 = f"{columns.raw('product_code')} = '{EC2}'"
    is_nameless = f"{is_ec2} AND NOT contains({columns.raw('usage_type')}, ':')"
    return RowSql(
        is_candidate=is_ec2,
        is_machine=f"{is_ec2} AND {_is_running(columns.raw('line_type'))} AND "
        + _one_of(columns.raw("usage_type"), MACHINE_WORDS),
        start=columns.moment("start"),
        end=columns.moment("end"),
        keys={
            **{
                name: columns.raw(name) for name in ("line_type", "product_code", "usage_type", "operation", "currency")
            },
            "region": columns.raw("region"),
            "zone": columns.raw("zone"),
            **{
                name: f"CASE WHEN {is_nameless} THEN {columns.raw(name)} END" if columns.has(name) else "''"
                for name in ("type", "description")
            },
            "is_negative": columns.is_negative("amount"),
            "has_ri": f"{columns.raw('ri_arn')} <> ''",
            "has_sp": f"{columns.raw('sp_arn')} <> ''",
        },
        money={"billed": columns.money("billed"), "amortized": f"CAST({_amortized(columns)} AS {columns.types.money})"},
        units={"amount": columns.units("amount")},
        identity=tuple(
            columns.text(name)
            for name in ("resource", "account", "line_type", "usage_type", "operation", "ri_arn", "sp_arn")
        ),
    )


def _amortized(columns: Columns) -> str:
    """Amortized cost of a row where it is another than the billed one; one sum of it takes less time than six."""
    return f"""CASE {columns.raw("line_type")} WHEN 'DiscountedUsage' THEN {columns.value("ri_effective")}
        WHEN 'SavingsPlanCoveredUsage' THEN {columns.value("sp_effective")}
        WHEN 'SavingsPlanRecurringFee' THEN {columns.value("sp_total")} - {columns.value("sp_used")}
        WHEN 'RIFee' THEN {columns.value("ri_unused_upfront")} + {columns.value("ri_unused_recurring")} END"""


def _one_of(name: str, words: Iterable[str]) -> str:
    """Whether a text holds one of some words."""
    return "(" + " OR ".join(f"contains({name}, '{word}')" for word in words) + ")"


def _is_running(name: str) -> str:
    """Whether a type of line is usage."""
    return f"coalesce({name} IN ({', '.join(repr(kind) for kind in RUNNING)}), false)"


IS_RUNNING = _is_running("line_type")
LINES = LineSql(
    is_machine=f"{IS_RUNNING} AND product_code = '{EC2}' AND {_one_of('usage_type', MACHINE_WORDS)}",
    quantity="amount",
    billed="billed",
    amortized="""CASE
        WHEN line_type IN ('DiscountedUsage', 'SavingsPlanCoveredUsage', 'SavingsPlanRecurringFee', 'RIFee')
        THEN amortized
        WHEN line_type IN ('SavingsPlanNegation', 'SavingsPlanUpfrontFee') THEN 0
        WHEN (line_type = 'Fee' AND has_ri) OR (line_type = 'Refund' AND has_sp) THEN 0
        ELSE billed END""",
    keys={
        "line_type": "coalesce(line_type, '')",
        "is_owned": "CASE WHEN has_ri OR has_sp THEN 'y' ELSE '' END",
        "kind": f"CASE WHEN NOT {IS_RUNNING} THEN '' WHEN {_one_of('usage_type', SERVERLESS_WORDS)} THEN 'serverless' "
        + " ".join(f"WHEN contains(usage_type, '{head}:') THEN '{head}'" for head in OTHER_HEADS)
        + " ELSE '' END",
    },
    machine_keys={
        **{name: f"coalesce({name}, '')" for name in ("usage_type", "operation", "region", "type", "description")},
        "zone": "CASE WHEN coalesce(region, '') = '' THEN coalesce(zone, '') ELSE '' END",
        "sign": "CASE WHEN is_negative THEN '-' ELSE '' END",
    },
)


def judge_cur(key: Key) -> Verdict:
    """What lines of a report with the same keys are."""
    line_type = key["line_type"]
    if line_type in PART_OF_LINE_TYPE:
        return Verdict(part=PART_OF_LINE_TYPE[line_type])
    if line_type == "Fee":
        return Verdict(part=Part.UPFRONT_FEE if key["is_owned"] else Part.FEE)
    if line_type.endswith("Discount"):
        return Verdict(part=Part.DISCOUNT)
    if line_type not in RUNNING:
        return Verdict(part=Part.UNKNOWN)
    if key["usage_type"]:
        return _machine(key)
    return Verdict(part=_part_of_other(key["kind"]))


def _part_of_other(kind: str) -> Part:
    """Part of usage that is not of machines."""
    if kind == "serverless":
        return Part.SERVERLESS
    if kind == "MP":
        return Part.MARKETPLACE
    if kind in FREE_HEADS:
        return Part.FREE_RESERVATION
    return Part.HOST if kind in HOST_HEADS else Part.OTHER_USAGE


def _machine(key: Key) -> Verdict:
    """Lines that may be of machines that run."""
    used = usage_type(key["usage_type"])
    if used is not None and used.head in HOST_HEADS:
        return Verdict(part=Part.HOST)
    if used is None or used.head not in MACHINES:
        return Verdict(part=Part.OTHER_USAGE)
    if any(word in key["operation"] for word in SPLIT_WORDS):
        return Verdict(part=Part.SPLIT_COST)
    if key["sign"]:
        return Verdict(part=Part.CORRECTION)
    item = type_in_text(key["description"]) or key["type"]
    pool = machine_pool(used, key["operation"], region=key["region"], zone=key["zone"], item=item)
    return Verdict(part=_demand_part(key["line_type"], used.head), pool=pool)


def machine_pool(used: UsageType, operation: str, *, region: str, zone: str = "", item: str = "") -> PoolKey:
    """Pool of a machine's usage type; its region or item is empty where nothing tells.

    Parameters
    ----------
    used : UsageType
        With a head among `MACHINES`.
    operation : str
    region, zone : str
        As the line says, or empty.
    item : str
        Type of instance where the usage type names none.
    """
    named = used.item or item
    return PoolKey(
        provider="aws",
        region=region_of(region, zone, used.prefix),
        item=named or ("" if used.head == "SpotUsage" else DEFAULT_TYPE),
        platform=aws_platform(operation) or f"op-{operation.removeprefix('RunInstances:')}",
        tenancy=MACHINES[used.head],
    )


def _demand_part(line_type: str, head: str) -> Part:
    """Which demand it is."""
    if line_type == "DiscountedUsage":
        return Part.RESERVED
    if line_type == "SavingsPlanCoveredUsage":
        return Part.PLANNED
    if head == "SpotUsage":
        return Part.SPOT
    return Part.IDLE_CAPACITY if head in IDLE_HEADS else Part.ON_DEMAND


CUR = Dialect(
    name="cur",
    title="an AWS Cost and Usage Report",
    columns=COLUMNS,
    tag_columns=("resource_tags", "resource_tags_", "resourceTags/"),
    rows=cur_rows,
    lines=LINES,
    judge=judge_cur,
    number_columns=("amount", *MONEY),
    time_columns=("start", "end"),
    switch_on=(
        "In AWS Billing, Data Exports, choose the time granularity HOURLY (TIME_GRANULARITY) for the export, with "
        "resource IDs, and import what it writes from then on."
    ),
)
