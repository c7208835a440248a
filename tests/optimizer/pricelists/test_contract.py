"""Listed prices become rows that the price contract accepts, and nothing is priced that the list does not price."""

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from forecasting.usage.offer_names import parse_offer_name
from forecasting.usage.pool_names import PoolKey, parse_pool_name
from optimizer.billing.aws.instances import normalization_factor
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.pools import Pool
from optimizer.pricelists.contract import PriceContract, missing_prices, price_contract
from optimizer.pricelists.listed import ListedPrice, PriceList, Wanted
from optimizer.pricelists.nearest import nearest
from optimizer.pricelists.size_flexible import is_flexible

M5 = ("m5.large", "m5.xlarge", "m5.4xlarge")
STANDARD = OfferKind.RESERVED_STANDARD


def key(name: str) -> PoolKey:
    found = parse_pool_name(name)
    assert found is not None
    return found


def wanted(*names: str, owned: Iterable[str] = ()) -> Wanted:
    offers = {name: parse_offer_name(name) for name in owned}
    return Wanted(pools={name: key(name) for name in names}, owned={k: v for k, v in offers.items() if v is not None})


def listed(*prices: ListedPrice) -> PriceList:
    on_demand = frozenset(price.item for price in prices if price.kind is OfferKind.ON_DEMAND)
    return PriceList(prices={price.key: price for price in prices}, near=on_demand)


def price(  # what a price says
    kind: OfferKind, name: str, hourly: float, upfront: float = 0.0, *, months: int = 12, payment: str = "none"
) -> ListedPrice:
    is_market = kind in (OfferKind.ON_DEMAND, OfferKind.SPOT)
    return ListedPrice(
        kind=kind,
        item=key(name),
        term_months=0 if is_market else months,
        payment=payment,
        hourly_usd=hourly,
        upfront_usd=upfront,
        source="a.csv",
    )


def offers_of(contract: PriceContract) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in contract.rows:
        found.setdefault(row.offer_id, []).append(row.pool)
    return found


@pytest.fixture
def catalog_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Catalog]:
    """Catalog of the rows, through the file and the reader that `bill` and `plan` use."""
    from optimizer.prices import build_catalog, read_price_rows
    from optimizer.report.pricelists import prices_csv

    def build(contract: PriceContract, pools: Iterable[str]) -> Catalog:
        path = tmp_path_factory.mktemp("prices") / "prices.csv"
        path.write_bytes(prices_csv(contract.rows))
        table = {
            pool: Pool(name=pool, normalization_factor=normalization_factor(key(pool).item)) for pool in sorted(pools)
        }
        return build_catalog(read_price_rows(path), pools=sorted(pools), pool_table=table, source="prices.csv")

    return build


def by_id(catalog: Catalog) -> dict[str, Offer]:
    return {offer.offer_id: offer for offer in catalog.offers}


def test_a_family_is_one_offer_in_normalized_units_at_its_cheapest_size(catalog_of: Callable[..., Catalog]):
    """m5.large costs 0.06 and m5.xlarge 0.121: bought as m5.large a normalized unit costs 0.015."""
    pools = [f"aws/us-east-1/{item}" for item in M5]
    prices = [price(OfferKind.ON_DEMAND, pool, 0.024 * normalization_factor(key(pool).item)) for pool in pools]
    prices += [price(STANDARD, pool, usd) for pool, usd in zip(pools, (0.06, 0.121, 0.484), strict=True)]
    contract = price_contract(listed(*prices), wanted(*pools))
    offer = by_id(catalog_of(contract, pools))["aws/us-east-1/reserved_standard/m5/12m/none"]
    assert offer.is_size_flexible
    assert offer.hourly_usd == pytest.approx(0.015, rel=1e-12)
    assert dict(zip(offer.pools, offer.draw, strict=True)) == dict(zip(pools, (4.0, 8.0, 32.0), strict=True))
    assert contract.families[0].price.item.item == "m5.large"
    assert contract.families[0].spread_fraction == pytest.approx(0.121 / 0.12 - 1.0)


def test_a_family_of_one_pool_still_counts_normalized_units(catalog_of: Callable[..., Catalog]):
    """What is bought must keep its unit when another size turns up later."""
    pool = "aws/us-east-1/m5.large"
    prices = [price(OfferKind.ON_DEMAND, pool, 0.096), price(STANDARD, pool, 0.0, 494.0, payment="all")]
    contract = price_contract(listed(*prices), wanted(pool))
    offer = by_id(catalog_of(contract, [pool]))["aws/us-east-1/reserved_standard/m5/12m/all"]
    assert offer.is_size_flexible
    assert offer.upfront_usd == pytest.approx(494.0 / 4.0)


@pytest.mark.parametrize(
    "name",
    ["aws/us-east-1/g5.xlarge", "aws/us-east-1/m5.large/windows", "aws/us-east-1/m5.large/dedicated",
     "gcp/us-central1/n2-standard-4", "aws/us-east-1/m9.metal-24xl"],
    ids=["family", "windows", "dedicated", "gcp", "no factor"],
)  # fmt: skip
def test_what_does_not_flex_is_reserved_by_the_instance(name: str, catalog_of: Callable[..., Catalog]):
    item = name.split("/", 2)[2]
    provider, region = name.split("/")[:2]
    contract = price_contract(listed(price(OfferKind.ON_DEMAND, name, 1.0), price(STANDARD, name, 0.6)), wanted(name))
    offer = by_id(catalog_of(contract, [name]))[f"{provider}/{region}/reserved_standard/{item}/12m/none"]
    assert not offer.is_size_flexible
    assert (offer.hourly_usd, offer.draw.tolist()) == (0.6, [1.0])
    assert not is_flexible(key(name))


def test_plans_cover_what_they_cover_on_every_platform(catalog_of: Callable[..., Catalog]):
    pools = ("aws/us-east-1/m5.large", "aws/us-east-1/m5.large/windows", "aws/eu-west-1/c5.large")
    prices = [price(OfferKind.ON_DEMAND, pool, 1.0) for pool in pools]
    prices += [price(OfferKind.COMPUTE_SAVINGS_PLAN, pool, 0.7) for pool in pools]
    prices += [price(OfferKind.INSTANCE_SAVINGS_PLAN, pool, 0.6, payment="all", months=36) for pool in pools]
    offers = by_id(catalog_of(price_contract(listed(*prices), wanted(*pools)), pools))
    assert set(offers["aws/global/compute_savings_plan/any/12m/none"].pools) == set(pools)
    assert offers["aws/us-east-1/instance_savings_plan/m5/36m/all"].pools == pools[:2]
    assert offers["aws/us-east-1/instance_savings_plan/m5/36m/all"].upfront_usd == pytest.approx(26_280)
    assert offers["aws/eu-west-1/instance_savings_plan/c5/36m/all"].pools == pools[2:]


def test_pools_of_a_zone_can_be_reserved_with_their_capacity(catalog_of: Callable[..., Catalog]):
    pools = ("aws/us-east-1/m5.large/zone=us-east-1a", "aws/us-east-1/m5.large/zone=us-east-1b")
    bare = "aws/us-east-1/m5.large"
    contract = price_contract(listed(price(OfferKind.ON_DEMAND, bare, 1.0), price(STANDARD, bare, 0.6)), wanted(*pools))
    offers = by_id(catalog_of(contract, pools))
    assert offers["aws/us-east-1/reserved_standard/m5/12m/none"].pools == pools
    zonal = offers["aws/us-east-1/reserved_standard/m5.large/zone=us-east-1a/12m/none"]
    assert (zonal.pools, zonal.guarantees_capacity, zonal.is_size_flexible) == (pools[:1], True, False)


def test_a_reservation_of_one_size_over_several_pools_is_left_out():
    """Rows of several pools would turn its quantity into normalized units, eight times what was bought."""
    pools = ("aws/us-east-1/g5.xlarge/account=1", "aws/us-east-1/g5.xlarge/account=2")
    bare = "aws/us-east-1/g5.xlarge"
    contract = price_contract(listed(price(OfferKind.ON_DEMAND, bare, 1.0), price(STANDARD, bare, 0.6)), wanted(*pools))
    assert set(offers_of(contract)) == {"aws/us-east-1/on_demand/g5.xlarge"}
    assert contract.left_out[0].reason.startswith("reservation of one size that several pools share")


def test_what_is_owned_is_priced_even_where_it_would_not_be_bought():
    pool, idle = "aws/us-east-1/m5.large", "aws/us-east-1/r5.large"
    prices = [price(OfferKind.ON_DEMAND, pool, 1.0)] + [price(STANDARD, name, 0.6) for name in (pool, idle)]
    owned = (
        "aws/us-east-1/reserved_standard/m5.large/12m/none",
        "aws/us-east-1/reserved_standard/m5.large/zone=us-east-1a/12m/none",
        "aws/us-east-1/reserved_standard/r5/12m/none",
        "aws/us-east-1/reserved_standard/x9/12m/none",
    )
    bought = offers_of(price_contract(listed(*prices), wanted(pool)))
    assert not set(owned) & set(bought)
    contract = price_contract(listed(*prices), wanted(pool, owned=owned))
    offers = offers_of(contract)
    assert set(owned) - set(offers) == {owned[3]}
    assert len(offers[owned[2]]) == 2
    missing = missing_prices(contract.rows, listed(*prices), wanted(pool, owned=owned))
    assert [(one.name, one.reason) for one in missing] == [(owned[3], "no price of this owned offer")]


def test_what_has_no_price_is_named_with_what_is_near():
    near = ("aws/us-east-1/m5.large", "aws/us-east-1/m5.8xlarge", "aws/eu-west-1/m5.2xlarge", "aws/us-east-1/m6i.large")
    prices = listed(*(price(OfferKind.ON_DEMAND, name, 1.0) for name in near))
    contract = price_contract(prices, wanted("aws/us-east-1/m5.2xlarge"))
    assert contract.rows == ()
    (missing,) = missing_prices(contract.rows, prices, wanted("aws/us-east-1/m5.2xlarge"))
    # 8xlarge and large are two doublings away; the tie goes by name
    assert missing.nearest == (near[1], near[0], near[2])


def test_a_name_that_says_nothing_is_answered_with_the_rule():
    pools = Wanted(pools={}, unnamed=("m5.large us-east-1",))
    (missing,) = missing_prices((), listed(price(OfferKind.ON_DEMAND, "aws/us-east-1/m5.large", 1.0)), pools)
    assert missing.reason.startswith("the name must be <provider>/<region>/<type>")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("aws/us-east-1/m5.large/windows", "aws/us-east-1/m5.large"),
        ("aws/us-west-2/m5.large", "aws/us-east-1/m5.large"),
        ("aws/us-east-1/m7g.large", "aws/us-east-1/m5.large"),
    ],
    ids=["platform", "region", "class"],
)
def test_near_means_platform_then_size_then_region_then_class(name: str, expected: str):
    listed_keys = [key("aws/us-east-1/m5.large"), key("aws/us-east-1/c5.large"), key("aws/eu-west-1/m5.large")]
    assert nearest(key(name), listed_keys)[0] == expected


def test_nothing_is_near_to_what_is_unlike_everything():
    assert nearest(key("azure/eastus/Standard_D2s_v5"), [key("aws/us-east-1/m5.large")]) == ()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(M5), st.sampled_from(("none", "partial", "all")), st.sampled_from((12, 36)),
            st.floats(0.001, 10.0), st.floats(0.0, 10_000.0),
        ), min_size=1, max_size=12, unique_by=lambda row: row[:3],
    )
)  # fmt: skip
def test_a_size_flexible_offer_costs_what_the_size_named_costs(rows: list[tuple[str, str, int, float, float]]):
    """Law: the price per normalized unit is that of one listed size, and of none is it lower."""
    prices = [
        price(STANDARD, f"aws/us-east-1/{item}", hourly, upfront, months=months, payment=payment)
        for item, payment, months, hourly, upfront in rows
    ]
    contract = price_contract(listed(*prices), wanted("aws/us-east-1/m5.large"))
    assert {(one.price.term_months, one.price.payment) for one in contract.families} == {row[1:3][::-1] for row in rows}
    for family in contract.families:
        terms = (family.price.term_months, family.price.payment)
        per_unit = [
            (hourly + upfront / (months / 12 * 8760)) / normalization_factor(item)
            for item, payment, months, hourly, upfront in rows
            if (months, payment) == terms
        ]
        effective = family.hourly_usd_per_factor + family.upfront_usd_per_factor / (terms[0] / 12 * 8760)
        assert_allclose(effective, min(per_unit), rtol=1e-9)
    for row in contract.rows:
        factor = normalization_factor(key(row.pool).item)
        family = next(
            f for f in contract.families if row.offer_id.endswith(f"{f.price.term_months}m/{f.price.payment}")
        )
        assert_allclose(row.hourly_usd, family.hourly_usd_per_factor * factor)
