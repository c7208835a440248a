"""Prices as a provider lists them, whatever the file: one price of one thing, on one kind of offer.

Not here: reading files, nor the rows of the price contract (`optimizer.pricelists.contract`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from forecasting.usage.offer_names import OfferKey
from forecasting.usage.pool_names import PoolKey
from optimizer.offers import OfferKind

AWS = "aws"
TERM_MONTHS_OF_YEARS = {1: 12, 3: 36}
PAYMENT_OF_WORDS = {"no upfront": "none", "partial upfront": "partial", "all upfront": "all"}

ListedKey = tuple[OfferKind, PoolKey, int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPrice:
    """One price.

    Attributes
    ----------
    kind : OfferKind
    item : PoolKey
        What is priced, without zone or account.
    term_months : int
        0 for on-demand and spot.
    payment : str
        none, partial or all.
    hourly_usd : float
        Paid hourly; the whole discounted rate for a plan. [USD/unit-hour]
    upfront_usd : float
        Paid at purchase; 0 for a plan. [USD/unit]
    source : str
        Name of the file.
    is_derived : bool
        Whether the file says that it computed the price from others.
    """

    kind: OfferKind
    item: PoolKey
    term_months: int = 0
    payment: str = "none"
    hourly_usd: float
    upfront_usd: float = 0.0
    source: str
    is_derived: bool = False

    @property
    def key(self) -> ListedKey:
        """What is priced on what terms."""
        return (self.kind, self.item, self.term_months, self.payment)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Rows of a price list that became no price.

    Attributes
    ----------
    reason : str
    n_rows : int
    example : str
        The first of them.
    """

    reason: str
    n_rows: int
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList:
    """What the files say that the pools wanted can use.

    Attributes
    ----------
    prices : Mapping of ListedKey to ListedPrice
        One price for each thing and terms.
    near : frozenset of PoolKey
        Things with an on-demand price in the regions or of the types wanted: where the nearest match is looked for.
    left_out : tuple of LeftOut
    file_of_region : Mapping of str to str
        Where the provider has the savings plan file of each region, as its index says.
    """

    prices: Mapping[ListedKey, ListedPrice] = field(default_factory=dict)
    near: frozenset[PoolKey] = frozenset()
    left_out: tuple[LeftOut, ...] = ()
    file_of_region: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What prices are wanted for.

    Attributes
    ----------
    pools : Mapping of str to PoolKey
        Pools of the usage whose names say what they are.
    unnamed : tuple of str
        Pools whose names do not.
    owned : Mapping of str to OfferKey
        Offers of the commitments that are owned.
    """

    pools: Mapping[str, PoolKey]
    unnamed: tuple[str, ...] = ()
    owned: Mapping[str, OfferKey] = field(default_factory=dict)

    @property
    def places(self) -> frozenset[tuple[str, str]]:
        """Provider and region of pools and owned offers."""
        of_pools = {(key.provider, key.region) for key in self.pools.values()}
        return frozenset(of_pools | {(key.provider, key.region) for key in self.owned.values()})

    @property
    def families(self) -> frozenset[str]:
        """Families of pools and of what owned reservations cover."""
        of_pools = {family_of(key.item) for key in self.pools.values()}
        return frozenset(of_pools | {family_of(key.item.partition("/")[0]) for key in self.owned.values()})

    @property
    def items(self) -> frozenset[str]:
        """Types of pools."""
        return frozenset(key.item for key in self.pools.values())


class Leavings:
    """Counts what is left out, by reason, with the first example of each."""

    def __init__(self) -> None:
        self._counts: dict[str, tuple[int, str]] = {}

    def add(self, reason: str, example: str, *, n_rows: int = 1) -> None:
        """Count rows that are left out."""
        if n_rows > 0:
            count, first = self._counts.get(reason, (0, example))
            self._counts[reason] = (count + n_rows, first)

    def listed(self) -> tuple[LeftOut, ...]:
        """All of it, by reason."""
        return tuple(
            LeftOut(reason=reason, n_rows=count, example=example)
            for reason, (count, example) in sorted(self._counts.items())
        )


def family_of(item: str) -> str:
    """Family of an instance type: the part before the dot; the whole name where there is none.

    Examples
    --------
    >>> family_of("m5.large"), family_of("n2-standard-4")
    ('m5', 'n2-standard-4')
    """
    return item.partition(".")[0]


def one_price_each(listed: Iterable[ListedPrice], leavings: Leavings) -> dict[ListedKey, ListedPrice]:
    """Prices by what they price; where files disagree about one, none of them counts.

    Parameters
    ----------
    listed : iterable of ListedPrice
    leavings : Leavings
        Is told of the disagreements.
    """
    found: dict[ListedKey, ListedPrice] = {}
    disputed: set[ListedKey] = set()
    for price in listed:
        other = found.setdefault(price.key, price)
        if (other.hourly_usd, other.upfront_usd) != (price.hourly_usd, price.upfront_usd):
            disputed.add(price.key)
            leavings.add("two prices for the same thing: give the files of one date only", _dispute(other, price))
    return {key: price for key, price in found.items() if key not in disputed}


def _dispute(one: ListedPrice, other: ListedPrice) -> str:
    """Both prices, with where they stand."""
    item, terms = one.item, f" {one.term_months} months {one.payment}" if one.term_months else ""
    what = f"{one.kind} {item.region} {item.item} {item.platform} {item.tenancy}{terms}"
    return f"{what}: {_shown(one)} in {one.source}, {_shown(other)} in {other.source}"


def _shown(price: ListedPrice) -> str:
    """Hourly price, with the upfront part where there is one."""
    return f"{price.hourly_usd:g} USD/h" + (f" and {price.upfront_usd:g} USD upfront" if price.upfront_usd else "")


def merged(lists: Sequence[PriceList]) -> PriceList:
    """Several files as one price list."""
    leavings = Leavings()
    prices = one_price_each((price for one in lists for price in one.prices.values()), leavings)
    return PriceList(
        prices=prices,
        near=frozenset().union(*(one.near for one in lists)),
        left_out=(*(left for one in lists for left in one.left_out), *leavings.listed()),
        file_of_region={region: place for one in lists for region, place in one.file_of_region.items()},
    )
