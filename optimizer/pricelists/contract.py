"""From listed prices to rows of the price contract for the pools wanted; what has no price is named, never guessed.

Plans have one row for each pool they may cover. A reservation that floats over the sizes of its family is one offer in
normalized units (`optimizer.pricelists.size_flexible`); every other reservation is an offer on one pool.

Not here: reading price files, the file that is written (`optimizer.report.pricelists`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from forecasting.usage.offer_names import ANY, GLOBAL, OfferKey, offer_name
from forecasting.usage.pool_names import PoolKey, parse_pool_name, pool_name
from optimizer.offers import PLAN_KINDS, OfferKind
from optimizer.pricelists.listed import Leavings, LeftOut, ListedPrice, PriceList, Wanted, family_of
from optimizer.pricelists.nearest import nearest, similar_names
from optimizer.pricelists.size_flexible import FamilyPrice, family_prices, is_flexible

RESERVED_KINDS = frozenset({OfferKind.RESERVED_STANDARD, OfferKind.RESERVED_CONVERTIBLE})
KIND_ORDER = {kind: position for position, kind in enumerate(OfferKind)}


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """One row of a price list of the contract: its columns.

    Attributes
    ----------
    offer_id : str
    kind : OfferKind
    provider, region, pool : str
    term_months : int
    payment_option : str
    hourly_usd : float
        [USD/unit-hour]
    upfront_usd : float
        [USD/unit]
    available_from : str
        Empty where it can always be bought.
    guarantees_capacity : bool or None
    is_derived : bool
        Whether the source says that it computed the price from others.
    """

    offer_id: str
    kind: OfferKind
    provider: str
    region: str
    pool: str
    term_months: int
    payment_option: str
    hourly_usd: float
    upfront_usd: float
    available_from: str = ""
    guarantees_capacity: bool | None = None
    is_derived: bool = False

    @property
    def rank(self) -> tuple[int, str, str]:
        """Place in the file."""
        return (KIND_ORDER[self.kind], self.offer_id, self.pool)


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Something wanted that the files do not price.

    Attributes
    ----------
    name : str
        A pool, or an owned offer.
    reason : str
    nearest : tuple of str
        Pools near to it that have a price; hints, never used.
    """

    name: str
    reason: str
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceContract:
    """Rows for the wanted pools.

    Attributes
    ----------
    rows : tuple of PriceRow
        Sorted by kind, offer and pool.
    families : tuple of FamilyPrice
        As which size a size-flexible offer is priced.
    left_out : tuple of LeftOut
    """

    rows: tuple[PriceRow, ...]
    families: tuple[FamilyPrice, ...]
    left_out: tuple[LeftOut, ...]


def price_contract(listed: PriceList, wanted: Wanted) -> PriceContract:
    """Every offer on the wanted pools that the price list has.

    Parameters
    ----------
    listed : PriceList
    wanted : Wanted

    Returns
    -------
    PriceContract
    """
    leavings = Leavings()
    pools_of = _pools_of(wanted)
    families = tuple(family_prices(listed.prices.values(), wanted))
    rows = [*_market_rows(listed, pools_of), *_plan_rows(listed, pools_of)]
    rows += [row for family in families for row in _family_rows(family)]
    rows += _exact_rows(listed, wanted, pools_of, leavings)
    return PriceContract(
        rows=tuple(sorted(set(rows), key=lambda row: row.rank)),
        families=families,
        left_out=(*listed.left_out, *leavings.listed()),
    )


def missing_prices(rows: Iterable[PriceRow], listed: PriceList, wanted: Wanted) -> tuple[Missing, ...]:
    """Pools without an on-demand price, and owned offers without any.

    Parameters
    ----------
    rows : iterable of PriceRow
        All rows there will be, those of an earlier price list included.
    listed : PriceList
        Where the nearest match is looked for.
    wanted : Wanted
    """
    all_rows = tuple(rows)
    priced = {row.pool for row in all_rows if row.kind is OfferKind.ON_DEMAND}
    offered = {row.offer_id for row in all_rows}
    missing = [
        Missing(name=pool, reason="no on-demand price", nearest=nearest(_bare(key), listed.near))
        for pool, key in sorted(wanted.pools.items())
        if pool not in priced
    ]
    for pool in wanted.unnamed:
        if pool not in priced:
            hint = similar_names(pool, listed.near)
            reason = f"the name must be <provider>/<region>/<type>, such as aws/us-east-1/m5.large.{hint}"
            missing.append(Missing(name=pool, reason=reason))
    for offer_id in sorted(wanted.owned):
        if offer_id not in offered:
            missing.append(Missing(name=offer_id, reason="no price of this owned offer"))
    return tuple(missing)


def _bare(key: PoolKey) -> PoolKey:
    """What a pool runs on, wherever it is counted: without zone and account."""
    return replace(key, zone="", account="")


def _tail(key: PoolKey) -> str:
    """What stands in a pool's name after provider and region."""
    return pool_name(key).split("/", 2)[2]


def _pools_of(wanted: Wanted) -> dict[PoolKey, tuple[str, ...]]:
    """Wanted pools by what they run on."""
    pools: dict[PoolKey, list[str]] = {}
    for pool, key in sorted(wanted.pools.items()):
        pools.setdefault(_bare(key), []).append(pool)
    return {key: tuple(names) for key, names in pools.items()}


def _row(price: ListedPrice, offer_id: str, pool: str) -> PriceRow:
    """Row of an offer for one pool, at the listed price."""
    return PriceRow(
        offer_id=offer_id,
        kind=price.kind,
        provider=price.item.provider,
        region=price.item.region,
        pool=pool,
        term_months=price.term_months,
        payment_option=price.payment,
        hourly_usd=price.hourly_usd,
        upfront_usd=price.upfront_usd,
        is_derived=price.is_derived,
    )


def _offer_id(price: ListedPrice, *, item: str, region: str = "") -> str:
    """Name of the offer a price belongs to."""
    key = OfferKey(
        provider=price.item.provider,
        region=region or price.item.region,
        kind=price.kind.value,
        item=item,
        term_months=price.term_months,
        payment=price.payment,
    )
    return offer_name(key)


def _market_rows(listed: PriceList, pools_of: Mapping[PoolKey, tuple[str, ...]]) -> Iterator[PriceRow]:
    """On-demand and spot."""
    for price in listed.prices.values():
        if price.kind in (OfferKind.ON_DEMAND, OfferKind.SPOT):
            for pool in pools_of.get(price.item, ()):
                yield _row(price, _offer_id(price, item=_tail(price.item)), pool)


def _plan_rows(listed: PriceList, pools_of: Mapping[PoolKey, tuple[str, ...]]) -> Iterator[PriceRow]:
    """Plans: an instance plan covers one family in one region, a compute plan everything of its provider."""
    for price in listed.prices.values():
        if price.kind in PLAN_KINDS:
            is_compute = price.kind is OfferKind.COMPUTE_SAVINGS_PLAN
            item = ANY if is_compute else family_of(price.item.item)
            for pool in pools_of.get(price.item, ()):
                yield _row(price, _offer_id(price, item=item, region=GLOBAL if is_compute else ""), pool)


def _family_rows(family: FamilyPrice) -> Iterator[PriceRow]:
    """Rows of a size-flexible reservation: the price of one normalized unit x each pool's factor."""
    offer_id = _offer_id(family.price, item=family.family)
    for pool, factor in family.factor_of_pool.items():
        yield replace(
            _row(family.price, offer_id, pool),
            hourly_usd=family.hourly_usd_per_factor * factor,
            upfront_usd=family.upfront_usd_per_factor * factor,
        )


def _exact_rows(
    listed: PriceList, wanted: Wanted, pools_of: Mapping[PoolKey, tuple[str, ...]], leavings: Leavings
) -> Iterator[PriceRow]:
    """Reservations of one size: those that do not flex, those bound to a zone, and those that are owned."""
    for price in listed.prices.values():
        if price.kind not in RESERVED_KINDS:
            continue
        pools = pools_of.get(price.item, ())
        yield from _zonal_rows(price, pools, wanted)
        exact = _offer_id(price, item=_tail(price.item))
        is_owned = exact in wanted.owned
        if is_flexible(price.item) and not is_owned:
            continue
        if len(pools) > 1:
            what = f"{price.item.item} in {price.item.region}: {', '.join(pools)}"
            leavings.add("reservation of one size that several pools share: its quantity would be ambiguous", what)
        elif pools or is_owned:
            yield _row(price, exact, pools[0] if pools else pool_name(price.item))


def _zonal_rows(price: ListedPrice, pools: tuple[str, ...], wanted: Wanted) -> Iterator[PriceRow]:
    """Reservations bound to a zone, which hold capacity: of pools of one zone, and those that are owned."""
    for pool in pools:
        zone = wanted.pools[pool].zone
        if zone and not wanted.pools[pool].account:
            offer_id = _offer_id(price, item=_tail(replace(price.item, zone=zone)))
            yield replace(_row(price, offer_id, pool), guarantees_capacity=True)
    if len(pools) == 1 and not wanted.pools[pools[0]].zone:
        for offer_id, key in wanted.owned.items():
            bound = parse_pool_name(f"{key.provider}/{key.region}/{key.item}")
            is_zonal = bound is not None and bound.zone != "" and replace(bound, zone="") == price.item
            if is_zonal and offer_id == _offer_id(price, item=key.item):
                yield _row(price, offer_id, pools[0])
