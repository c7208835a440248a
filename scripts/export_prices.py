"""The fleet's prices as AWS publishes prices: an EC2 offer file and the savings plan files of its regions.

Not here: the prices themselves (`export_fleet.py`).
"""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from export_fleet import EAST, ON_DEMAND_USD, WEST, Fleet
from export_formats import PAYMENT_WORDS
from export_lines import OPERATION_OF_PLATFORM, PREFIX_OF_REGION

from forecasting.usage.pool_names import PoolKey, parse_pool_name
from optimizer.offers import PLAN_KINDS, Offer, OfferKind

OFFER_NAME = "aws_offer.csv"
METADATA = (("FormatVersion", "v1.0"), ("Disclaimer", "A synthetic price list."), ("Publication Date", "2025-01-01"))
OFFER_HEADER = (
    *("SKU", "OfferTermCode", "RateCode", "TermType", "Unit", "PricePerUnit", "Currency", "LeaseContractLength"),
    *("PurchaseOption", "OfferingClass", "Product Family", "Instance Type", "Tenancy", "usageType", "operation"),
    *("CapacityStatus", "MarketOption", "Region Code"),
)
PLAN_HEADER = (
    *("SKU", "RateCode", "Unit", "DiscountedRate", "Currency", "DiscountedServiceCode", "DiscountedUsageType"),
    *("DiscountedOperation", "PurchaseOption", "LeaseContractLength", "LeaseContractLengthUnit", "Product Family"),
    *("DiscountedRegionCode", "DiscountedInstanceType"),
)
PLAN_FAMILY = {
    OfferKind.INSTANCE_SAVINGS_PLAN: "EC2InstanceSavingsPlans",
    OfferKind.COMPUTE_SAVINGS_PLAN: "ComputeSavingsPlans",
}


def write_price_files(folder: Path, fleet: Fleet) -> tuple[Path, tuple[Path, ...]]:
    """Write the offer file and one savings plan file for each region.

    Returns
    -------
    tuple of Path and tuple of Path
        The offer file, the savings plan files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    offer_file = folder / OFFER_NAME
    _write(offer_file, "AmazonEC2", OFFER_HEADER, _offer_rows(fleet))
    plans = []
    for region in (EAST, WEST):
        plans.append(folder / f"aws_savings_plan_{region}.csv")
        _write(plans[-1], "AmazonComputeSavingsPlan", PLAN_HEADER, _plan_rows(fleet, region))
    return offer_file, tuple(plans)


def _write(path: Path, code: str, header: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Write metadata lines, the header and the rows."""
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerows([*METADATA, ("Version", "1"), ("OfferCode", code), header, *rows])


def _key(pool: str) -> PoolKey:
    """What the name of a pool says."""
    key = parse_pool_name(pool)
    if key is None:
        msg = f"{pool!r} must be the name of a pool."
        raise ValueError(msg)
    return key


def _offer_rows(fleet: Fleet) -> Iterator[tuple[object, ...]]:
    """On-demand row of every pool, and both rows of its reservations."""
    for number, (pool, usd) in enumerate(sorted(ON_DEMAND_USD.items())):
        key = _key(pool)
        usage = f"{PREFIX_OF_REGION[key.region]}BoxUsage:{key.item}"
        tail = ("Compute Instance", key.item, "Shared", usage, OPERATION_OF_PLATFORM[key.platform], "Used", "OnDemand")
        sku = f"SKU{number:05d}"
        yield (sku, "JRTCKXETXF", "h", "OnDemand", "Hrs", f"{usd:.10f}", "USD", "", "", "", *tail, key.region)
        for offer in fleet.catalog.offers:
            if offer.kind not in PLAN_KINDS and pool in offer.pools:
                yield from _reserved(sku, offer, pool, (*tail, key.region))


def _reserved(sku: str, offer: Offer, pool: str, tail: tuple[object, ...]) -> Iterator[tuple[object, ...]]:
    """Hourly row, and the upfront one where something is paid upfront."""
    draw = offer.draw[offer.pools.index(pool)]
    offering = "convertible" if offer.kind is OfferKind.RESERVED_CONVERTIBLE else "standard"
    terms = (f"{offer.term_months // 12}yr", PAYMENT_WORDS[offer.payment_option], offering)
    code = "".join(terms)
    yield (sku, code, "h", "Reserved", "Hrs", f"{offer.hourly_usd * draw:.10f}", "USD", *terms, *tail)
    if offer.payment_option != "none":
        yield (sku, code, "q", "Reserved", "Quantity", f"{offer.upfront_usd * draw:g}", "USD", *terms, *tail)


def _plan_rows(fleet: Fleet, region: str) -> Iterator[tuple[object, ...]]:
    """Rates of the plans in one region."""
    for offer in fleet.catalog.offers:
        if offer.kind not in PLAN_KINDS:
            continue
        for pool, rate in zip(offer.pools, offer.draw, strict=True):
            key = _key(pool)
            if key.region != region:
                continue
            usage = f"{PREFIX_OF_REGION[region]}BoxUsage:{key.item}"
            terms = (PAYMENT_WORDS[offer.payment_option], str(offer.term_months // 12), "year", PLAN_FAMILY[offer.kind])
            head = ("s", "r", "Hrs", repr(float(rate)), "USD", "AmazonEC2", usage, OPERATION_OF_PLATFORM[key.platform])
            yield (*head, *terms, region, key.item)
