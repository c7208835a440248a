"""The lines of a bill in the columns of FOCUS 1.0 and 1.2.

Not here: the lines themselves (`export_lines.py`), AWS's own report (`export_formats.py`).
"""

import json
from collections.abc import Callable

import numpy as np
import pandas as pd
from export_formats import (
    COVERED_LINES,
    MARKET_LINES,
    PAYER,
    PURCHASE_FEES,
    RESERVATION_FEES,
    Lookup,
    periods_of,
    times_of,
)
from export_lines import OPERATION_OF_PLATFORM, BilledFleet, usage_type

from optimizer.offers import PLAN_KINDS


def focus_frame(found: BilledFleet, *, version: str) -> pd.DataFrame:
    """The same bill as FOCUS 1.0 or 1.2.

    Negation has no row: what a commitment covers is billed at 0. The unused part of a commitment is a usage row with
    the status Unused, fees are purchases whose effective cost is 0.
    """
    kept = found.lines.loc[~found.lines["line_type"].isin(["SavingsPlanNegation", "Split"])]
    lines = pd.concat([kept, _unused(kept)], ignore_index=True)
    look = Lookup(lines=lines, found=found)
    frame = pd.DataFrame({**_focus_money(look), **_focus_what(look), **_focus_owned(look, version)})
    columns: dict[str, Callable[[], object]] = {}
    if version != "1.0":
        columns["SkuPriceDetails"] = lambda: _price_details(look)
        columns["SkuMeter"] = lambda: frame["x_UsageType"]
    return frame.assign(**{name: make() for name, make in columns.items()})


def _unused(lines: pd.DataFrame) -> pd.DataFrame:
    """What was not used of a fee, as a line of its own."""
    fees = lines.loc[lines["line_type"].isin(["RIFee", "SavingsPlanRecurringFee"]) & (lines["amortized_usd"] > 0.0)]
    return fees.assign(line_type="Unused", billed_usd=0.0)


def _focus_money(look: Lookup) -> dict[str, object]:
    """Costs and times."""
    lines = look.lines
    start = lines["start_hour"].to_numpy(dtype=np.int64)
    period_start, period_end = periods_of(start)
    is_fee = look.is_type(RESERVATION_FEES | PURCHASE_FEES) & (lines["commitment"].to_numpy() >= 0)
    is_covered = look.is_type(frozenset({"SavingsPlanCoveredUsage", "DiscountedUsage"}))
    listed = np.where(look.is_type(MARKET_LINES), lines["on_demand_usd"].to_numpy(), lines["billed_usd"].to_numpy())
    return {
        "BilledCost": np.where(is_covered, 0.0, lines["billed_usd"].to_numpy()),
        "EffectiveCost": np.where(is_fee, 0.0, lines["amortized_usd"].to_numpy()),
        "ListCost": listed,
        "ContractedCost": listed,
        "BillingCurrency": "USD",
        "BillingPeriodStart": period_start,
        "BillingPeriodEnd": period_end,
        "ChargePeriodStart": times_of(start),
        "ChargePeriodEnd": times_of(start + lines["n_hours"].to_numpy(dtype=np.int64)),
    }


def _focus_what(look: Lookup) -> dict[str, object]:
    """What is charged for, and who."""
    lines, machines = look.lines, look.found.fleet.machines
    kind = lines["line_type"].to_numpy()
    is_usage = look.is_type(MARKET_LINES)
    category = {"Tax": "Tax", "Credit": "Credit", "EdpDiscount": "Credit", "Support": "Purchase", "Unused": "Usage"}
    category |= {"Storage": "Usage"} | dict.fromkeys(MARKET_LINES, "Usage")
    pricing = {"Spot": "Dynamic", "Tax": "", "Credit": "", "EdpDiscount": ""}
    pricing |= dict.fromkeys(("SavingsPlanCoveredUsage", "DiscountedUsage", "Unused"), "Committed")
    frequency = {"Fee": "One-Time", "SavingsPlanUpfrontFee": "One-Time"} | dict.fromkeys(MARKET_LINES, "Usage-Based")
    arns = look.of_owned([owned.commitment_id for owned in look.found.fleet.commitments])
    operation = {machine: OPERATION_OF_PLATFORM[machines[machine].key.platform] for machine in range(len(machines))}
    return {
        "ChargeCategory": [category.get(one, "Purchase") for one in kind],
        "ChargeClass": "",
        "ChargeFrequency": [frequency.get(one, "Recurring") for one in kind],
        "ChargeDescription": [f"{one} of the synthetic fleet" for one in kind],
        "PricingCategory": [pricing.get(one, "Standard") for one in kind],
        "ConsumedQuantity": np.where(is_usage, lines["amount"].to_numpy(), np.nan),
        "ConsumedUnit": look.where(is_usage, "Hours"),
        "PricingQuantity": np.where(is_usage, lines["amount"].to_numpy(), np.nan),
        "PricingUnit": look.where(is_usage, "Hours"),
        "ProviderName": "AWS",
        "PublisherName": "Amazon Web Services, Inc.",
        "InvoiceIssuerName": "Amazon Web Services, Inc.",
        "ServiceName": np.where(is_usage, "Amazon Elastic Compute Cloud", "Other"),
        "ServiceCategory": np.where(is_usage, "Compute", "Other"),
        "RegionId": look.of_machine([machine.key.region for machine in machines]),
        "AvailabilityZone": look.of_machine([machine.zone for machine in machines]),
        "ResourceId": np.where(is_usage, look.of_machine([machine.name for machine in machines]), arns),
        "ResourceType": look.where(is_usage, "instance"),
        "BillingAccountId": PAYER,
        "SubAccountId": look.of_machine([machine.account for machine in machines], empty=PAYER),
        "Tags": look.of_machine([json.dumps({"team": one.team}) if one.team else "{}" for one in machines], empty="{}"),
        "x_UsageType": look.of_machine([usage_type(machine) for machine in machines]),
        "x_Operation": look.of_machine([operation[machine] for machine in range(len(machines))]),
        "x_ServiceCode": look.where(is_usage, "AmazonEC2"),
    }


def _focus_owned(look: Lookup, version: str) -> dict[str, object]:
    """Columns on commitments; their quantity only from 1.1 on."""
    fleet, lines = look.found.fleet, look.lines
    is_plan = look.of_owned(
        [fleet.catalog.offer(one.offer_id).kind in PLAN_KINDS for one in fleet.commitments], empty=False
    )
    is_plan = is_plan.astype(bool)
    has_one = lines["commitment"].to_numpy() >= 0
    is_unused = look.is_type(frozenset({"Unused"}))
    is_used = look.is_type(COVERED_LINES)
    columns: dict[str, object] = {
        "CommitmentDiscountId": look.of_owned([one.commitment_id for one in fleet.commitments]),
        "CommitmentDiscountCategory": np.where(has_one, np.where(is_plan, "Spend", "Usage"), ""),
        "CommitmentDiscountType": np.where(has_one, np.where(is_plan, "Savings Plan", "Reserved Instance"), ""),
        "CommitmentDiscountName": look.of_owned([one.offer_id for one in fleet.commitments]),
        "CommitmentDiscountStatus": np.where(is_used, "Used", np.where(is_unused, "Unused", "")),
    }
    if version != "1.0":
        used = np.where(is_plan, lines["used_usd"].to_numpy(), lines["amount"].to_numpy())
        quantity = np.where(is_unused, np.where(is_plan, lines["amortized_usd"].to_numpy(), np.nan), used)
        columns["CommitmentDiscountQuantity"] = np.where(has_one, quantity, np.nan)
        columns["CommitmentDiscountUnit"] = np.where(has_one, np.where(is_plan, "USD", "Hours"), "")
    return columns


def _price_details(look: Lookup) -> np.ndarray:
    """Type and operating system of a machine as JSON."""
    machines = look.found.fleet.machines
    texts = [
        json.dumps({"InstanceType": machine.key.item, "OperatingSystem": machine.key.platform.capitalize()})
        for machine in machines
    ]
    return look.of_machine(texts)
