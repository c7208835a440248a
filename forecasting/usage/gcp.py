"""Google Cloud's billing export from BigQuery: machines by their cores, where labels tell what they are.

Google sells cores and memory apart. A line of cores whose system labels name the type counts instances: cores by cores
per instance; without labels one pool counts vCPU, and another gibibytes of memory. Not here: commitments
(`forecasting.usage.gcp_commitments`).

References
----------
https://cloud.google.com/billing/docs/how-to/export-data-bigquery-tables/detailed-usage
"""

import re

from forecasting.usage.export_columns import ExportColumn
from forecasting.usage.lines import Columns, Dialect, Key, LineSql, Part, RowSql, Verdict
from forecasting.usage.pool_names import PoolKey

SERVICE = "Compute Engine"
MACHINE_WORDS = ("Core running", "Ram running", "Instance Core", "Instance Ram", "Instance with")
SKU = re.compile(
    r"(?P<spot>Spot Preemptible |Preemptible )?(?P<family>.*?)\s*"
    r"(?:Predefined |Custom Extended |Custom )?(?:Instance )?"
    r"(?P<what>Core|Ram|with .*?) running in\b.*"
)
WHOLE_MACHINES = {"Micro": "f1-micro", "Small": "g1-small"}
SERIES_OF_FAMILY = {"": "n1", "compute-optimized": "c2", "memory-optimized": "m1"}  # families that name no series
SURCHARGE_WORD = "Premium"  # of sole tenancy and memory: on top of the cores themselves
COMMITMENT_WORDS = ("Commitment v1", "Commitment - ", "Commitment:")
LICENCE_WORD = "Licensing Fee"
FEE_OFFSET = "FEE_UTILIZATION_OFFSET"  # takes back the part of a fee that usage consumed, at its discounted price
RESOURCE_CREDITS, SPEND_CREDITS = ("COMMITTED_USAGE_DISCOUNT",), ("COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE",)
USAGE_CREDITS = (  # what the very same line costs less; all other credits are no price
    *("SUSTAINED_USAGE_DISCOUNT", FEE_OFFSET),
    *(*RESOURCE_CREDITS, *SPEND_CREDITS),
)
SPEC_LABEL, CORES_LABEL = "compute.googleapis.com/machine_spec", "compute.googleapis.com/cores"
SECONDS_PER_HOUR = 3_600
GIB_SECONDS_PER_HOUR = 3_600 * 1024**3


def _column(name: str, *spellings: str, is_required: bool = False) -> ExportColumn:
    """Column of the export."""
    return ExportColumn(name=name, spellings=spellings, is_required=is_required)


COLUMNS = (
    _column("start", "usage_start_time", is_required=True),
    _column("end", "usage_end_time", is_required=True),
    _column("service", "service.description", is_required=True),
    _column("sku", "sku.description", is_required=True),
    _column("billed", "cost", is_required=True),
    _column("currency", "currency", is_required=True),
    _column("amount", "usage.amount", is_required=True),
    _column("unit", "usage.unit", is_required=True),
    _column("priced_amount", "usage.amount_in_pricing_units"),
    _column("priced_unit", "usage.pricing_unit"),
    _column("region", "location.region", is_required=True),
    _column("zone", "location.zone"),
    _column("account", "project.id"),
    _column("cost_type", "cost_type"),
    _column("credits", "credits"),
    _column("system_labels", "system_labels"),
    _column("resource", "resource.global_name", "resource.name"),
    _column("model", "consumption_model.description"),
    _column("exported", "export_time"),
    _column("labels", "labels"),
)


def gcp_rows(columns: Columns) -> RowSql:
    """How rows of the export are grouped."""
    sku = columns.raw("sku")
    named = " OR ".join(f"contains({sku}, '{word}')" for word in MACHINE_WORDS)
    is_machine = f"{columns.raw('service')} = '{SERVICE}' AND ({named})"
    return RowSql(
        is_candidate=is_machine,
        is_machine=is_machine,
        start=columns.moment("start"),
        end=columns.moment("end"),
        keys={
            **{name: columns.raw(name) for name in ("service", "sku", "currency", "region", "cost_type")},
            "spec": f"CASE WHEN {is_machine} THEN {columns.label('system_labels', SPEC_LABEL)} END",
            "cores": f"CASE WHEN {is_machine} THEN {columns.label('system_labels', CORES_LABEL)} END",
            "model": columns.raw("model"),
            "is_offset": f"{columns.amounts('credits', types=(FEE_OFFSET,))} <> 0",
            "is_negative": columns.is_negative("amount"),
        },
        money={
            "billed": columns.money("billed"),
            "credit": columns.amounts("credits"),
            "discount": columns.amounts("credits", types=USAGE_CREDITS),
            "by_resource": columns.amounts("credits", types=RESOURCE_CREDITS),
            "by_spend": columns.amounts("credits", types=SPEND_CREDITS),
        },
        units={"hours": _hours(columns)},
        identity=tuple(columns.text(name) for name in ("resource", "account", "zone", "sku", "exported", "labels")),
    )


IS_COMMITMENT = "(is_offset OR " + " OR ".join(f"starts_with(sku, '{word}')" for word in COMMITMENT_WORDS) + ")"
IS_NAMED = "(" + " OR ".join(f"contains(sku, '{word}')" for word in MACHINE_WORDS) + ")"
LINES = LineSql(
    is_machine=f"service = '{SERVICE}' AND coalesce(cost_type, '') IN ('', 'regular') AND {IS_NAMED} "
    f"AND NOT {IS_COMMITMENT}",
    quantity="hours",
    billed="billed",
    amortized="billed + coalesce(discount, 0)",
    extra="coalesce(credit, 0)",
    extra_amortized="coalesce(credit, 0) - coalesce(discount, 0)",
    covered={Part.RESERVED: "coalesce(by_resource, 0)", Part.PLANNED: "coalesce(by_spend, 0)"},
    keys={
        "cost_type": "coalesce(cost_type, '')",
        "kind": f"CASE WHEN {IS_COMMITMENT} THEN 'commitment' WHEN contains(sku, '{LICENCE_WORD}') THEN 'licence' "
        "ELSE '' END",
    },
    machine_keys={
        **{name: f"coalesce({name}, '')" for name in ("sku", "region", "spec", "cores", "model")},
        "sign": "CASE WHEN is_negative THEN '-' ELSE '' END",
    },
)


def _hours(columns: Columns) -> str:
    """Core-hours or GiB-hours, as priced where that is by the hour."""
    unit, amount = columns.text("unit"), f"CAST({columns.found['amount'].sql} AS DOUBLE)"
    metered = (
        f"CASE {unit} WHEN 'seconds' THEN {amount} / {SECONDS_PER_HOUR} "
        f"WHEN 'byte-seconds' THEN {amount} / {GIB_SECONDS_PER_HOUR} WHEN 'hour' THEN {amount} END"
    )
    if not (columns.has("priced_amount") and columns.has("priced_unit")):
        return f"CAST({metered} AS {columns.types.units})"
    priced = f"CAST({columns.found['priced_amount'].sql} AS DOUBLE)"
    is_hourly = f"{columns.text('priced_unit')} IN ('hour', 'gibibyte hour')"
    either = f"CASE WHEN {is_hourly} AND {priced} IS NOT NULL THEN {priced} ELSE {metered} END"
    return f"CAST({either} AS {columns.types.units})"


def judge_gcp(key: Key) -> Verdict:
    """What lines of the export with the same keys are."""
    if key["cost_type"] == "tax":
        return Verdict(part=Part.TAX)
    if key["cost_type"] == "adjustment":
        return Verdict(part=Part.CORRECTION)
    if key["cost_type"] not in {"", "regular"}:
        return Verdict(part=Part.FEE)
    if key["kind"]:
        return Verdict(part=Part.RECURRING_FEE if key["kind"] == "commitment" else Part.LICENCE)
    found = SKU.fullmatch(key["sku"]) if key["sku"] else None
    if found is None:
        return Verdict(part=Part.OTHER_USAGE)
    if key["sign"]:
        return Verdict(part=Part.CORRECTION)
    return _machine(key, found)


def _machine(key: Key, found: re.Match[str]) -> Verdict:
    """Lines of cores, memory or small whole machines."""
    part = Part.SPOT if found["spot"] else Part.PLANNED if "CUD" in key["model"] else Part.ON_DEMAND
    words = found["family"].strip().lower().replace(" ", "-")
    family = SERIES_OF_FAMILY.get(words, words)
    divide_by, is_counted = "1", True
    if found["what"].startswith("with"):
        item = WHOLE_MACHINES.get(found["family"].strip(), family)
    elif key["spec"] and key["cores"].isdecimal() and int(key["cores"]) > 0:
        item, divide_by = key["spec"], key["cores"]
        is_counted = found["what"] == "Core"
    else:
        item = f"{family}-{'vcpu' if found['what'] == 'Core' else 'gib'}"
    pool = PoolKey(provider="gcp", region=key["region"], item=item)
    is_counted = is_counted and SURCHARGE_WORD not in key["sku"]
    return Verdict(part=part, pool=pool, divide_by=divide_by, is_counted=is_counted)


GCP = Dialect(
    name="gcp",
    title="a Google Cloud billing export",
    columns=COLUMNS,
    tag_columns=("labels",),
    rows=gcp_rows,
    lines=LINES,
    judge=judge_gcp,
    number_columns=("amount", "priced_amount", "billed"),
    time_columns=("start", "end"),
    switch_on="Use the rows of the BigQuery table itself, which are hourly, not a table summed by day.",
    json_keys=(
        *("usage_start_time", "usage_end_time", "service", "sku", "cost", "currency", "usage", "location", "project"),
        *("cost_type", "credits", "system_labels", "resource", "consumption_model", "export_time", "labels"),
        "subscription",
    ),
)
