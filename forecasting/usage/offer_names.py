"""How offers of imported commitments and imported prices are named: one rule for both.

Not here: what an offer costs, or which pools it covers.
"""

from dataclasses import dataclass

from forecasting.usage.pool_names import LINUX, SHARED, PoolKey, name_part, pool_name

GLOBAL = "global"
ANY = "any"
PAYMENTS = ("none", "partial", "all")
PAYMENT_OF_WORDS = {"noupfront": "none", "partialupfront": "partial", "allupfront": "all"}
MAX_MONTHS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferKey:
    """What tells one offer from another.

    Attributes
    ----------
    provider, region : str
        As in a pool's name; the region is "global" where the offer is not bound to one.
    kind : str
        Kind of the price contract, such as reserved_standard.
    item : str
        What it is bound to: a family where it covers all sizes, what follows the region in a pool's name where it
        covers one, "any" where it covers everything.
    term_months : int
        0 for on-demand and spot.
    payment : str
        none, partial or all.
    """

    provider: str
    region: str
    kind: str
    item: str
    term_months: int = 0
    payment: str = "none"


def offer_name(key: OfferKey) -> str:
    """Name of an offer: `<provider>/<region>/<kind>/<item>`, and `/<months>m/<payment>` where it has a term.

    Examples
    --------
    >>> offer_name(OfferKey(provider="aws", region="us-east-1", kind="reserved_standard", item="m5", term_months=12))
    'aws/us-east-1/reserved_standard/m5/12m/none'
    >>> offer_name(OfferKey(provider="aws", region="us-east-1", kind="on_demand", item="m5.large"))
    'aws/us-east-1/on_demand/m5.large'
    """
    item = "/".join(name_part(part) for part in key.item.split("/"))
    head = f"{name_part(key.provider)}/{name_part(key.region)}/{name_part(key.kind)}/{item}"
    return f"{head}/{key.term_months}m/{key.payment}" if key.term_months else head


def parse_offer_name(name: str) -> OfferKey | None:
    """Parts of an offer's name; None if it does not follow the rule of `offer_name`.

    Examples
    --------
    >>> parse_offer_name("aws/global/compute_savings_plan/any/36m/all").term_months
    36
    >>> parse_offer_name("csp1y") is None
    True
    """
    provider, *rest = name.split("/")
    if len(rest) < 3 or not all((provider, *rest)):
        return None
    region, kind, *items = rest
    term_months, payment = 0, "none"
    if len(items) > 2 and items[-1] in PAYMENTS and items[-2].endswith("m") and items[-2][:-1].isdecimal():
        term_months, payment = int(items[-2][:-1]), items[-1]
        items = items[:-2]
    return OfferKey(
        provider=provider,
        region=region,
        kind=kind,
        item="/".join(items),
        term_months=term_months,
        payment=payment,
    )


def reserved_item(key: PoolKey, *, family: str, is_size_flexible: bool) -> str:
    """What a reservation is bound to: its family where it covers all sizes, else type, platform, tenancy and zone.

    Examples
    --------
    >>> key = PoolKey(provider="aws", region="us-east-1", item="m5.large", platform="windows", zone="us-east-1a")
    >>> reserved_item(key, family="m5", is_size_flexible=False)
    'm5.large/windows/zone=us-east-1a'
    """
    is_plain = key.platform == LINUX and key.tenancy == SHARED and not key.zone
    if is_size_flexible and is_plain:
        return name_part(family)
    bound = PoolKey(
        provider=key.provider,
        region=key.region,
        item=key.item,
        platform=key.platform,
        tenancy=key.tenancy,
        zone=key.zone,
    )
    return pool_name(bound).split("/", 2)[2]


def payment_of(text: str) -> str | None:
    """Payment option as in the price contract, from a provider's words such as "No Upfront"; None if unknown.

    Examples
    --------
    >>> payment_of("Partial Upfront"), payment_of("ALL_UPFRONT"), payment_of("monthly")
    ('partial', 'all', None)
    """
    return PAYMENT_OF_WORDS.get("".join(char for char in text.lower() if char.isalpha()))


def term_months_of(text: str) -> int | None:
    """Months of a term, from a provider's words such as "1yr", "3 Years", "P1Y" or "36"; None if unknown.

    Examples
    --------
    >>> term_months_of("1yr"), term_months_of("3 Years"), term_months_of("P1Y"), term_months_of("36")
    (12, 36, 12, 36)
    """
    digits = "".join(char for char in text if char.isdigit())
    if not digits:
        return None
    months = int(digits) * 12 if "y" in text.lower() else int(digits)
    return months if 0 < months <= MAX_MONTHS else None
