"""The lines of a bill in the columns of AWS's report, legacy and 2.0.

Not here: the lines themselves (`export_lines.py`), FOCUS (`export_focus.py`), writing files (`make_exports.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from export_lines import OPERATION_OF_PLATFORM, PREFIX_OF_REGION, BilledFleet, usage_type

from forecasting.hours import add_months, hour_of_date, iso_of_hour, month_index, month_name
from forecasting.usage.offer_names import OfferKey, parse_offer_name
from optimizer.billing.aws.instances import normalization_factor

PAYER = "999999999999"
PAYMENT_WORDS = {"none": "No Upfront", "partial": "Partial Upfront", "all": "All Upfront"}
PLAN_WORDS = {"instance_savings_plan": "EC2InstanceSavingsPlans", "compute_savings_plan": "ComputeSavingsPlans"}
REPORTED = {"Spot": "Usage", "Split": "Usage", "Storage": "Usage", "Support": "Fee"}
OTHER_PRODUCT = {"Storage": "AmazonS3", "Support": "AWSSupportEnterprise"}
PLAN_FEES = frozenset({"SavingsPlanNegation", "SavingsPlanRecurringFee", "SavingsPlanUpfrontFee"})
RESERVATION_FEES = frozenset({"RIFee", "Fee"})
PURCHASE_FEES = PLAN_FEES - {"SavingsPlanNegation"}
COVERED_LINES = frozenset({"SavingsPlanCoveredUsage", "DiscountedUsage"})
MARKET_LINES = COVERED_LINES | {"Usage", "Spot"}
# legacy name of a column: name in 2.0
CUR_COLUMNS = {
    "identity/LineItemId": "identity_line_item_id",
    "bill/PayerAccountId": "bill_payer_account_id",
    "bill/BillType": "bill_bill_type",
    "bill/BillingPeriodStartDate": "bill_billing_period_start_date",
    "bill/BillingPeriodEndDate": "bill_billing_period_end_date",
    "lineItem/UsageAccountId": "line_item_usage_account_id",
    "lineItem/LineItemType": "line_item_line_item_type",
    "lineItem/UsageStartDate": "line_item_usage_start_date",
    "lineItem/UsageEndDate": "line_item_usage_end_date",
    "lineItem/ProductCode": "line_item_product_code",
    "lineItem/UsageType": "line_item_usage_type",
    "lineItem/Operation": "line_item_operation",
    "lineItem/AvailabilityZone": "line_item_availability_zone",
    "lineItem/ResourceId": "line_item_resource_id",
    "lineItem/UsageAmount": "line_item_usage_amount",
    "lineItem/NormalizationFactor": "line_item_normalization_factor",
    "lineItem/CurrencyCode": "line_item_currency_code",
    "lineItem/UnblendedCost": "line_item_unblended_cost",
    "lineItem/LineItemDescription": "line_item_line_item_description",
    "product/instanceType": "product_instance_type",
    "product/regionCode": "product_region_code",
    "pricing/publicOnDemandCost": "pricing_public_on_demand_cost",
    "pricing/term": "pricing_term",
    "pricing/unit": "pricing_unit",
    "pricing/LeaseContractLength": "pricing_lease_contract_length",
    "pricing/OfferingClass": "pricing_offering_class",
    "pricing/PurchaseOption": "pricing_purchase_option",
    "reservation/ReservationARN": "reservation_reservation_a_r_n",
    "reservation/StartTime": "reservation_start_time",
    "reservation/EndTime": "reservation_end_time",
    "reservation/NumberOfReservations": "reservation_number_of_reservations",
    "reservation/EffectiveCost": "reservation_effective_cost",
    "reservation/UnusedRecurringFee": "reservation_unused_recurring_fee",
    "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod": (
        "reservation_unused_amortized_upfront_fee_for_billing_period"
    ),
    "savingsPlan/SavingsPlanARN": "savings_plan_savings_plan_a_r_n",
    "savingsPlan/OfferingType": "savings_plan_offering_type",
    "savingsPlan/PaymentOption": "savings_plan_payment_option",
    "savingsPlan/PurchaseTerm": "savings_plan_purchase_term",
    "savingsPlan/Region": "savings_plan_region",
    "savingsPlan/InstanceTypeFamily": "savings_plan_instance_type_family",
    "savingsPlan/StartTime": "savings_plan_start_time",
    "savingsPlan/EndTime": "savings_plan_end_time",
    "savingsPlan/SavingsPlanEffectiveCost": "savings_plan_savings_plan_effective_cost",
    "savingsPlan/TotalCommitmentToDate": "savings_plan_total_commitment_to_date",
    "savingsPlan/UsedCommitment": "savings_plan_used_commitment",
    "resourceTags/user:team": "resource_tags",
}
NUMBERS = frozenset(
    {
        "line_item_usage_amount",
        "line_item_normalization_factor",
        "line_item_unblended_cost",
        "pricing_public_on_demand_cost",
        "reservation_effective_cost",
        "reservation_unused_recurring_fee",
        "reservation_unused_amortized_upfront_fee_for_billing_period",
        "savings_plan_savings_plan_effective_cost",
        "savings_plan_total_commitment_to_date",
        "savings_plan_used_commitment",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lookup:
    """Columns of a line by its machine and its commitment.

    Attributes
    ----------
    lines : DataFrame
        As of `export_lines`.
    found : BilledFleet
    """

    lines: pd.DataFrame
    found: BilledFleet

    def of_machine(self, text: Sequence[object], *, empty: object = "") -> np.ndarray:
        """One value for each machine, laid on the lines."""
        return np.array([*text, empty], dtype=object)[self.lines["machine"].to_numpy(dtype=int)]

    def of_owned(self, text: Sequence[object], *, empty: object = "") -> np.ndarray:
        """One value for each commitment, laid on the lines."""
        return np.array([*text, empty], dtype=object)[self.lines["commitment"].to_numpy(dtype=int)]

    def where(self, mask: np.ndarray, values: object, other: object = "") -> np.ndarray:
        """Values of lines in a mask."""
        return np.where(mask, values, other)

    def is_type(self, names: frozenset[str]) -> np.ndarray:
        """Lines of some types."""
        return self.lines["line_type"].isin(names).to_numpy()

    @property
    def offers(self) -> list[OfferKey]:
        """What the names of the offers owned say."""
        keys = [parse_offer_name(owned.offer_id) for owned in self.found.fleet.commitments]
        return [key for key in keys if key is not None]


def cur_frame(found: BilledFleet) -> pd.DataFrame:
    """Every column of the report, under its name in 2.0; tags as text of the team."""
    look = Lookup(lines=found.lines, found=found)
    frame = pd.DataFrame({**_cur_line(look), **_cur_pricing(look), **_cur_reservation(look), **_cur_plan(look)})
    return frame[list(CUR_COLUMNS.values())]


def legacy_names(frame: pd.DataFrame) -> pd.DataFrame:
    """The same columns under their names in the legacy report."""
    return frame.rename(columns={new: old for old, new in CUR_COLUMNS.items()})


def times_of(hours: np.ndarray) -> np.ndarray:
    """ISO timestamps."""
    unique, at = np.unique(hours, return_inverse=True)
    return np.array([iso_of_hour(int(hour)) for hour in unique], dtype=object)[at]


def periods_of(hours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Start and end of the billing month of each hour."""
    unique, at = np.unique(month_index(hours), return_inverse=True)
    starts = [hour_of_date(f"{month_name(int(month))}-01") for month in unique]
    ends = [add_months(start, 1) for start in starts]
    return times_of(np.array(starts)[at]), times_of(np.array(ends)[at])


def _cur_line(look: Lookup) -> dict[str, object]:
    """Columns that say what, where and how much."""
    lines, machines = look.lines, look.found.fleet.machines
    start = lines["start_hour"].to_numpy(dtype=np.int64)
    has_machine = lines["machine"].to_numpy() >= 0
    is_negation = look.is_type(frozenset({"SavingsPlanNegation"}))
    is_reservation = look.is_type(RESERVATION_FEES)
    kind = lines["line_type"].to_numpy()
    period_start, period_end = periods_of(start)
    region = look.where(
        has_machine,
        look.of_machine([machine.key.region for machine in machines]),
        look.where(is_reservation, look.of_owned([key.region for key in look.offers])),
    )
    product = np.where(has_machine | is_reservation, "AmazonEC2", [OTHER_PRODUCT.get(one, "AmazonEC2") for one in kind])
    return {
        "identity_line_item_id": [f"line{number:09d}" for number in range(len(lines))],
        "bill_payer_account_id": PAYER,
        "bill_bill_type": "Anniversary",
        "bill_billing_period_start_date": period_start,
        "bill_billing_period_end_date": period_end,
        "line_item_usage_account_id": _accounts(look),
        "line_item_line_item_type": [REPORTED.get(one, one) for one in kind],
        "line_item_usage_start_date": times_of(start),
        "line_item_usage_end_date": times_of(start + lines["n_hours"].to_numpy(dtype=np.int64)),
        "line_item_product_code": np.where(
            look.is_type(PLAN_FEES - {"SavingsPlanNegation"}), "ComputeSavingsPlans", product
        ),
        "line_item_usage_type": _usage_types(look),
        "line_item_operation": _operations(look),
        "line_item_availability_zone": look.where(has_machine, look.of_machine([one.zone for one in machines])),
        "line_item_resource_id": _resources(look, has_machine & ~is_negation),
        "line_item_usage_amount": lines["amount"].to_numpy(),
        "line_item_normalization_factor": look.of_machine(
            [normalization_factor(machine.key.item) for machine in machines], empty=np.nan
        ),
        "line_item_currency_code": "USD",
        "line_item_unblended_cost": lines["billed_usd"].to_numpy(),
        "line_item_line_item_description": [f"{one} of the synthetic fleet, with a comma" for one in kind],
        "product_instance_type": look.where(has_machine, look.of_machine([machine.key.item for machine in machines])),
        "product_region_code": region,
        "resource_tags": look.where(has_machine & ~is_negation, look.of_machine([one.team for one in machines])),
    }


def _accounts(look: Lookup) -> np.ndarray:
    """Account of the machine, else of who bought the commitment, else who pays."""
    of_owned = look.of_owned([owned.account for owned in look.found.fleet.commitments], empty=PAYER)
    of_machine = look.of_machine([machine.account for machine in look.found.fleet.machines])
    return np.where(look.lines["machine"].to_numpy() >= 0, of_machine, of_owned)


def _usage_types(look: Lookup) -> np.ndarray:
    """Usage types: of the machine, of the reserved one, of the plan."""
    machines = look.found.fleet.machines
    names = []
    for key in look.offers:
        prefix = PREFIX_OF_REGION.get(key.region, "")
        item = key.item.partition("/")[0]
        is_plan = key.kind in PLAN_WORDS
        years = f"{key.term_months // 12}yr{PAYMENT_WORDS[key.payment].replace(' ', '')}"
        names.append(
            f"{prefix}{'EC2SP' if is_plan else 'HeavyUsage'}:{_reserved_type(item)}" + (f".{years}" if is_plan else "")
        )
    by_owned = look.of_owned(names)
    by_machine = look.of_machine([usage_type(machine) for machine in machines])
    others = np.array(
        [{"Storage": "TimedStorage-ByteHrs"}.get(one, "") for one in look.lines["line_type"]], dtype=object
    )
    has_machine = look.lines["machine"].to_numpy() >= 0
    return np.where(has_machine, by_machine, np.where(look.lines["commitment"].to_numpy() >= 0, by_owned, others))


def _reserved_type(item: str) -> str:
    """Type of machine that a reservation is bought as: the large size of a family."""
    return item if "." in item else f"{item}.large"


def _operations(look: Lookup) -> np.ndarray:
    """Operations; split rows carry one of their own."""
    machines = look.found.fleet.machines
    by_machine = look.of_machine([OPERATION_OF_PLATFORM[machine.key.platform] for machine in machines])
    platforms = ["windows" if key.item.endswith("/windows") else "linux" for key in look.offers]
    by_owned = look.of_owned([OPERATION_OF_PLATFORM[platform] for platform in platforms])
    found = np.where(
        look.lines["machine"].to_numpy() >= 0, by_machine, look.where(look.is_type(RESERVATION_FEES), by_owned)
    )
    return np.where(look.is_type(frozenset({"Split"})), "EKSPod-EC2", found)


def _resources(look: Lookup, has_resource: np.ndarray) -> np.ndarray:
    """Identifiers of machines; pods have one of their own."""
    names = look.of_machine([machine.name for machine in look.found.fleet.machines])
    arns = look.of_owned([owned.commitment_id for owned in look.found.fleet.commitments])
    is_fee = look.is_type(RESERVATION_FEES | PURCHASE_FEES)
    found = np.where(has_resource, names, np.where(is_fee, arns, ""))
    return np.where(look.is_type(frozenset({"Split"})), "arn:aws:eks:us-east-1:111111111111:pod/one", found)


def _cur_pricing(look: Lookup) -> dict[str, object]:
    """Columns on the price."""
    is_reserved = look.is_type(frozenset({"DiscountedUsage", "RIFee", "Fee"}))
    is_market = look.is_type(frozenset({"Usage", "SavingsPlanCoveredUsage"}))
    is_spot = look.is_type(frozenset({"Spot"}))
    leases = [f"{key.term_months // 12}yr" for key in look.offers]
    classes = ["convertible" if key.kind == "reserved_convertible" else "standard" for key in look.offers]
    return {
        "pricing_public_on_demand_cost": look.where(
            look.is_type(MARKET_LINES), look.lines["on_demand_usd"].to_numpy(), 0.0
        ),
        "pricing_term": np.where(
            is_reserved, "Reserved", np.where(is_market, "OnDemand", np.where(is_spot, "Spot", ""))
        ),
        "pricing_unit": "Hrs",
        "pricing_lease_contract_length": look.where(is_reserved, look.of_owned(leases)),
        "pricing_offering_class": look.where(is_reserved, look.of_owned(classes)),
        "pricing_purchase_option": look.where(
            is_reserved, look.of_owned([PAYMENT_WORDS[key.payment] for key in look.offers])
        ),
    }


def _span(look: Lookup) -> tuple[np.ndarray, np.ndarray]:
    """Start and last second of each commitment, laid on the lines."""
    owned = look.found.fleet.commitments
    starts = [iso_of_hour(one.start_hour).replace("Z", ".000Z") for one in owned]
    ends = [iso_of_hour(one.end_hour - 1).replace(":00:00Z", ":59:59.000Z") for one in owned]
    return look.of_owned(starts), look.of_owned(ends)


def _cur_reservation(look: Lookup) -> dict[str, object]:
    """Columns on reservations."""
    fleet, lines = look.found.fleet, look.lines
    is_usage, is_fee = look.is_type(frozenset({"DiscountedUsage"})), look.is_type(RESERVATION_FEES)
    is_mine = (is_usage | is_fee) & (lines["commitment"].to_numpy() >= 0)
    starts, ends = _span(look)
    counts, recurring_part = [], []
    for owned in fleet.commitments:
        offer = fleet.catalog.offer(owned.offer_id)
        counts.append(f"{owned.quantity / (4.0 if offer.is_size_flexible else 1.0):g}")
        recurring_part.append(offer.hourly_usd / offer.effective_hourly_usd)
    unused = np.where(look.is_type(frozenset({"RIFee"})), lines["amortized_usd"].to_numpy(), 0.0)
    recurring = unused * look.of_owned(recurring_part, empty=0.0).astype(float)
    return {
        "reservation_reservation_a_r_n": look.where(
            is_mine, look.of_owned([one.commitment_id for one in fleet.commitments])
        ),
        "reservation_start_time": look.where(is_mine & is_fee, starts),
        "reservation_end_time": look.where(is_mine & is_fee, ends),
        "reservation_number_of_reservations": look.where(is_mine & is_fee, look.of_owned(counts)),
        "reservation_effective_cost": look.where(is_usage, lines["amortized_usd"].to_numpy(), 0.0),
        "reservation_unused_recurring_fee": np.round(recurring, 10),
        "reservation_unused_amortized_upfront_fee_for_billing_period": np.round(unused - np.round(recurring, 10), 10),
    }


def _cur_plan(look: Lookup) -> dict[str, object]:
    """Columns on savings plans."""
    fleet, lines = look.found.fleet, look.lines
    is_covered, is_recurring = (
        look.is_type(frozenset({name})) for name in ("SavingsPlanCoveredUsage", "SavingsPlanRecurringFee")
    )
    is_mine = is_covered | look.is_type(PLAN_FEES)
    starts, ends = _span(look)
    years = [f"{key.term_months // 12}yr" for key in look.offers]
    is_bound = ["" if key.region == "global" else key.region for key in look.offers]
    totals = look.of_owned([owned.quantity for owned in fleet.commitments], empty=0.0).astype(float)
    return {
        "savings_plan_savings_plan_a_r_n": look.where(
            is_mine, look.of_owned([one.commitment_id for one in fleet.commitments])
        ),
        "savings_plan_offering_type": look.where(
            is_mine, look.of_owned([PLAN_WORDS.get(key.kind, "") for key in look.offers])
        ),
        "savings_plan_payment_option": look.where(
            is_mine, look.of_owned([PAYMENT_WORDS[key.payment] for key in look.offers])
        ),
        "savings_plan_purchase_term": look.where(is_mine, look.of_owned(years)),
        "savings_plan_region": look.where(is_mine, look.of_owned(is_bound)),
        "savings_plan_instance_type_family": look.where(
            is_mine, look.of_owned(["" if key.item == "any" else key.item for key in look.offers])
        ),
        "savings_plan_start_time": look.where(is_mine, starts),
        "savings_plan_end_time": look.where(is_mine, ends),
        "savings_plan_savings_plan_effective_cost": look.where(is_covered, lines["amortized_usd"].to_numpy(), 0.0),
        "savings_plan_total_commitment_to_date": look.where(is_recurring, totals, 0.0),
        "savings_plan_used_commitment": look.where(is_recurring, lines["used_usd"].to_numpy(), 0.0),
    }
