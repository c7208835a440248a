"""The public savings plan files: the rate at which each instance draws down a plan, and the index of their regions.

A rate holds for one platform and one tenancy: BoxUsage is shared hardware, DedicatedUsage dedicated. Rates of hosts
and of idle capacity reservations are no rate of a pool. The rate is the whole discounted one, whatever is paid upfront.

Not here: reading the file in a stream (`optimizer.pricelists.aws_files`).
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as compute

from forecasting.usage.pool_names import PoolKey, aws_platform
from optimizer.offers import OfferKind
from optimizer.pricelists.aws_files import PLAN_COLUMNS, head_of, price_batches, refused
from optimizer.pricelists.listed import (
    AWS,
    PAYMENT_OF_WORDS,
    TERM_MONTHS_OF_YEARS,
    Leavings,
    ListedPrice,
    PriceList,
    Wanted,
    family_of,
    one_price_each,
)

KIND_OF_FAMILY = {
    "EC2InstanceSavingsPlans": OfferKind.INSTANCE_SAVINGS_PLAN,
    "ComputeSavingsPlans": OfferKind.COMPUTE_SAVINGS_PLAN,
}
TENANCY_OF_USAGE = {"BoxUsage": "shared", "DedicatedUsage": "dedicated"}
USAGE_TYPE = re.compile(r"(?:[A-Z0-9]+-)?(?P<usage>[A-Za-z]+):(?P<item>[\w.-]+)")
PLAIN_PATH = re.compile(r"/[\w./-]{1,200}\.json")
MAX_INDEX_BYTES = 16 << 20


def read_plan_file(path: Path, wanted: Wanted) -> PriceList:
    """Rates of a savings plan file, or what a region index says is still to be fetched.

    Parameters
    ----------
    path : Path
        The index.csv of one region, may be gzip; or region_index.json.
    wanted : Wanted

    Raises
    ------
    InputError
        If the file is another one, damaged, or priced in another currency than USD.
    """
    if head_of(path).lstrip().startswith(b"{"):
        return PriceList(file_of_region=_file_of_region(path))
    leavings = Leavings()
    prices = [price for batch in _batches(path, leavings) for price in _rates(batch, path, wanted, leavings)]
    return PriceList(prices=one_price_each(prices, leavings), left_out=leavings.listed())


def _batches(path: Path, leavings: Leavings) -> Iterator[pa.Table]:
    """Rows of plans that this project knows."""
    for batch in price_batches(path, PLAN_COLUMNS, kind="aws-savings-plan"):
        is_known = compute.is_in(batch["Product Family"], value_set=pa.array(list(KIND_OF_FAMILY)))
        others = batch.filter(compute.invert(is_known))
        if others.num_rows:
            example = str(others["Product Family"][0].as_py())
            leavings.add("plans of other services", example, n_rows=others.num_rows)
        is_ec2 = compute.equal(batch["DiscountedServiceCode"], "AmazonEC2")
        yield batch.filter(compute.and_(is_known, is_ec2))


def _rates(batch: pa.Table, path: Path, wanted: Wanted, leavings: Leavings) -> Iterator[ListedPrice]:
    """Rates of wanted regions and families."""
    regions = sorted(region for provider, region in wanted.places if provider == AWS)
    is_place = compute.is_in(batch["DiscountedRegionCode"], value_set=pa.array(regions, type=pa.string()))
    for row in batch.filter(is_place).to_pylist():
        item = _item(row)
        if item is None or family_of(item.item) not in wanted.families:
            continue
        if row["Currency"] != "USD":
            message = f"must be in USD, got {row['Currency']!r}. Convert the prices first."
            raise refused(path, message, column="Currency")
        payment = PAYMENT_OF_WORDS.get(row["PurchaseOption"].lower())
        term_months = _term_months(row)
        if payment is None or term_months is None or row["Unit"].lower() != "hrs":
            terms = f"{row['LeaseContractLength']} {row['LeaseContractLengthUnit']} {row['PurchaseOption']}"
            leavings.add("plan on terms that are not known", f"{item.item}: {terms} by {row['Unit']}")
            continue
        yield ListedPrice(
            kind=KIND_OF_FAMILY[row["Product Family"]],
            item=item,
            term_months=term_months,
            payment=payment,
            hourly_usd=_rate_usd(row, path),
            source=path.name,
        )


def _item(row: dict[str, str]) -> PoolKey | None:
    """What a rate is for; None for hosts, idle reservations and operations that run nothing."""
    match = USAGE_TYPE.fullmatch(row["DiscountedUsageType"])
    platform = aws_platform(row["DiscountedOperation"])
    if match is None or platform is None or match["usage"] not in TENANCY_OF_USAGE:
        return None
    return PoolKey(
        provider=AWS,
        region=row["DiscountedRegionCode"],
        item=row["DiscountedInstanceType"] or match["item"],
        platform=platform,
        tenancy=TENANCY_OF_USAGE[match["usage"]],
    )


def _term_months(row: dict[str, str]) -> int | None:
    """Length in months; None where it is not 1 or 3 years."""
    years = row["LeaseContractLength"]
    is_years = row["LeaseContractLengthUnit"].lower() in ("year", "years") and years.isascii() and years.isdigit()
    return TERM_MONTHS_OF_YEARS.get(int(years)) if is_years and len(years) == 1 else None


def _rate_usd(row: dict[str, str], path: Path) -> float:
    """Rate of a row, which must be above 0."""
    try:
        rate = float(row["DiscountedRate"])
    except ValueError:
        rate = float("nan")
    if not 0.0 < rate < float("inf"):
        what = f"{row['DiscountedUsageType']} {row['DiscountedOperation']}"
        message = f"must be a number > 0, got {row['DiscountedRate']!r} for {what}. Fetch the file again."
        raise refused(path, message, column="DiscountedRate")
    return rate


def _file_of_region(path: Path) -> dict[str, str]:
    """Where the public price list has the CSV file of each region."""
    try:
        with path.open("rb") as stream:
            index = json.loads(stream.read(MAX_INDEX_BYTES))
        return {str(one["regionCode"]): _csv_place(str(one["versionUrl"])) for one in index["regions"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        message = "must be a region index with regionCode and versionUrl of each region. Fetch region_index.json."
        raise refused(path, message) from None


def _csv_place(version_url: str) -> str:
    """Place of the CSV beside a JSON file; text that is no plain path is not passed on."""
    return version_url.removesuffix(".json") + ".csv" if PLAIN_PATH.fullmatch(version_url) else ""
