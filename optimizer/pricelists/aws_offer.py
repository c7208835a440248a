"""The public EC2 offer file: on-demand prices and Reserved Instances, standard and convertible, of every platform.

Rows count that run an instance: product family Compute Instance, capacity in use, shared or dedicated hardware. The
platform is read from the operation, as in a bill. A Reserved Instance has one row for its hourly and one for its
upfront part; the licence part of Windows, RHEL and SUSE is in the price and not discounted by AWS itself.

Not here: reading the file in a stream (`optimizer.pricelists.aws_files`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as compute

from forecasting.usage.pool_names import PoolKey, aws_platform
from optimizer.offers import OfferKind
from optimizer.pricelists.aws_files import OFFER_COLUMNS, price_batches, refused
from optimizer.pricelists.listed import (
    AWS,
    PAYMENT_OF_WORDS,
    Leavings,
    ListedPrice,
    PriceList,
    Wanted,
    family_of,
    one_price_each,
)

TENANCIES = {"Shared": "shared", "Dedicated": "dedicated"}
TERM_MONTHS = {"1yr": 12, "3yr": 36}
KIND_OF_CLASS = {"standard": OfferKind.RESERVED_STANDARD, "convertible": OfferKind.RESERVED_CONVERTIBLE}
HOURLY_UNITS = frozenset({"hrs", "hours"})
UPFRONT_UNIT = "quantity"


@dataclass(slots=True, kw_only=True)
class _Reserved:
    """Both halves of a Reserved Instance while the file is read."""

    price: ListedPrice
    hourly_usd: float | None = None
    upfront_usd: float | None = None


def read_offer_file(path: Path, wanted: Wanted) -> PriceList:
    """Prices of an offer file for the regions and families wanted.

    Parameters
    ----------
    path : Path
        `AmazonEC2/current/index.csv` of the public price list, or that of one region; may be gzip.
    wanted : Wanted

    Raises
    ------
    InputError
        If the file is another one, damaged, or priced in another currency than USD.
    """
    leavings = Leavings()
    prices: list[ListedPrice] = []
    reserved: dict[tuple[str, str], _Reserved] = {}
    near: set[PoolKey] = set()
    for batch in price_batches(path, OFFER_COLUMNS, kind="aws-offer", optional=("MarketOption",)):
        near |= set(_near(batch, wanted))
        for row in _rows(batch, wanted):
            _check_currency(path, row["Currency"])
            item = _item(row)
            if row["TermType"] == "OnDemand":
                prices += _on_demand(row, item, path, leavings)
            elif row["TermType"] == "Reserved":
                _add_half(reserved, row, item, path, leavings)
    prices += _whole(reserved.values(), leavings)
    return PriceList(prices=one_price_each(prices, leavings), near=frozenset(near), left_out=leavings.listed())


def _running(batch: pa.Table) -> Any:
    """Mask of rows that price an instance in use."""
    is_instance = compute.starts_with(batch["Product Family"], "Compute Instance")
    is_used = compute.equal(batch["CapacityStatus"], "Used")
    is_market = compute.is_in(batch["MarketOption"], value_set=pa.array(["OnDemand", ""]))
    is_tenancy = compute.is_in(batch["Tenancy"], value_set=pa.array(list(TENANCIES)))
    mask = compute.and_(compute.and_(is_instance, is_used), compute.and_(is_market, is_tenancy))
    return compute.and_(mask, compute.starts_with(batch["operation"], "RunInstances"))


def _is_of(batch: pa.Table, column: str, values: Iterable[str]) -> Any:
    """Mask of rows with one of some values."""
    return compute.is_in(batch[column], value_set=pa.array(sorted(values), type=pa.string()))


def _rows(batch: pa.Table, wanted: Wanted) -> Iterator[dict[str, str]]:
    """Rows of wanted regions and families."""
    regions = {region for provider, region in wanted.places if provider == AWS}
    mask = compute.and_(_running(batch), _is_of(batch, "Region Code", regions))
    for row in batch.filter(mask).to_pylist():
        if family_of(row["Instance Type"]) in wanted.families and aws_platform(row["operation"]) is not None:
            yield row


def _near(batch: pa.Table, wanted: Wanted) -> Iterator[PoolKey]:
    """Things with an on-demand price that a missing pool could be near to."""
    regions = {region for provider, region in wanted.places if provider == AWS}
    is_place = compute.or_(_is_of(batch, "Region Code", regions), _is_of(batch, "Instance Type", wanted.items))
    mask = compute.and_(compute.and_(_running(batch), compute.equal(batch["TermType"], "OnDemand")), is_place)
    named = batch.filter(mask).select(["Region Code", "Instance Type", "Tenancy", "operation"]).to_pandas()
    for row in named.drop_duplicates().to_dict("records"):
        if aws_platform(row["operation"]) is not None:
            yield _item({str(name): str(value) for name, value in row.items()})


def _item(row: dict[str, str]) -> PoolKey:
    """What a row prices; its operation must be known."""
    return PoolKey(
        provider=AWS,
        region=row["Region Code"],
        item=row["Instance Type"],
        platform=aws_platform(row["operation"]) or "",
        tenancy=TENANCIES[row["Tenancy"]],
    )


def _check_currency(path: Path, currency: str) -> None:
    """Refuse a price list in another currency: nothing here converts money."""
    if currency != "USD":
        raise refused(path, f"must be in USD, got {currency!r}. Convert the prices first.", column="Currency")


def _usd(row: dict[str, str], path: Path) -> float:
    """Price of a row."""
    try:
        value = float(row["PricePerUnit"])
    except ValueError:
        value = float("nan")
    if not 0.0 <= value < float("inf"):
        message = f"must be a number >= 0, got {row['PricePerUnit']!r} for SKU {row['SKU']}. Fetch the file again."
        raise refused(path, message, column="PricePerUnit")
    return value


def _on_demand(row: dict[str, str], item: PoolKey, path: Path, leavings: Leavings) -> list[ListedPrice]:
    """On-demand price; none for what costs nothing, which no contract can hold."""
    hourly_usd = _usd(row, path)
    if row["Unit"].lower() not in HOURLY_UNITS or hourly_usd == 0.0:
        leavings.add("on-demand price that is 0 or not by the hour", f"SKU {row['SKU']}, {item.item} in {item.region}")
        return []
    return [ListedPrice(kind=OfferKind.ON_DEMAND, item=item, hourly_usd=hourly_usd, source=path.name)]


def _add_half(
    reserved: dict[tuple[str, str], _Reserved], row: dict[str, str], item: PoolKey, path: Path, leavings: Leavings
) -> None:
    """Hourly or upfront half of a Reserved Instance."""
    kind = KIND_OF_CLASS.get(row["OfferingClass"].lower())
    term = TERM_MONTHS.get(row["LeaseContractLength"].replace(" ", ""))
    payment = PAYMENT_OF_WORDS.get(row["PurchaseOption"].lower())
    if kind is None or term is None or payment is None:
        terms = f"{row['OfferingClass']} {row['LeaseContractLength']} {row['PurchaseOption']}"
        leavings.add("reservation on terms that are not known", f"SKU {row['SKU']}: {terms}")
        return
    bare = ListedPrice(
        kind=kind, item=item, term_months=term, payment=payment, hourly_usd=float("nan"), source=path.name
    )
    halves = reserved.setdefault((row["SKU"], row["OfferTermCode"]), _Reserved(price=bare))
    if row["Unit"].lower() == UPFRONT_UNIT:
        halves.upfront_usd = _usd(row, path)
    elif row["Unit"].lower() in HOURLY_UNITS:
        halves.hourly_usd = _usd(row, path)


def _whole(reserved: Iterable[_Reserved], leavings: Leavings) -> Iterator[ListedPrice]:
    """Reserved Instances with both halves; AWS lists no upfront row where nothing is paid upfront."""
    for halves in reserved:
        bare = halves.price
        has_upfront = bare.payment == "none" or halves.upfront_usd is not None
        has_hourly = bare.payment == "all" or halves.hourly_usd is not None
        if not (has_upfront and has_hourly):
            what = f"{bare.item.item} in {bare.item.region}, {bare.term_months} months, {bare.payment}"
            leavings.add("reservation without its hourly or its upfront row", what)
            continue
        yield ListedPrice(
            kind=bare.kind,
            item=bare.item,
            term_months=bare.term_months,
            payment=bare.payment,
            hourly_usd=_or_zero(halves.hourly_usd),
            upfront_usd=_or_zero(halves.upfront_usd),
            source=bare.source,
        )


def _or_zero(usd: float | None) -> float:
    """Price, 0 where the row is rightly absent."""
    return 0.0 if usd is None or pd.isna(usd) else usd
