"""Bills of Azure, Google Cloud and several providers at once, each pool and commitment under its own rules."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from forecasting.errors import InputError
from forecasting.hours import hour_of_date
from optimizer.billing.gcp.sustained_use import UP_TO_30_PERCENT, effective_discount
from optimizer.billing.providers import Rules, applied_rules, known_rules, rules_sentence
from optimizer.billing.replay import BillOptions, bill_portfolio
from optimizer.billing.sustained import billing_sentences
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.pools import Pool
from optimizer.portfolio import Commitment

N_HOURS = 5
FIRST_HOUR = 100
HOURS = np.arange(FIRST_HOUR, FIRST_HOUR + N_HOURS)
TOLERANCE = 1e-9
PROVIDERS = {"aws": ("w1", "w2"), "azure": ("z1", "z2", "z3"), "gcp": ("g1", "g2", "g3")}
SCOPES = {
    "aws": [""],
    "azure": ["", "shared", "subscription", "resource group"],
    "gcp": ["", "shared", "project"],
}
JANUARY = np.arange(hour_of_date("2024-01-01"), hour_of_date("2024-02-01"))


def make_offer(offer_id, kind, provider, pools, draw, **changes):
    return Offer(
        offer_id=offer_id,
        kind=OfferKind(kind),
        provider=provider,
        region="r",
        pools=tuple(pools),
        draw=draw,
        **{"hourly_usd": 0.4, "upfront_usd": 0.0, "term_months": 12, "payment_option": "none", **changes},
    )


def make_commitment(offer_id, quantity, commitment_id="k", **changes):
    return Commitment(
        commitment_id=commitment_id,
        offer_id=offer_id,
        quantity=quantity,
        **{"start_hour": 0, "end_hour": 10_000_000, **changes},
    )


def one_pool(provider, *offers, family="", on_demand_usd=1.0, spot_usd=np.nan, pool=None):
    """A price list of one pool, and what is declared of it."""
    catalog = Catalog(
        pools=("p",),
        on_demand_usd=[on_demand_usd],
        spot_usd=[spot_usd],
        offers=offers,
        providers=(provider,),
        regions=("r",),
    )
    return catalog, {"p": pool or Pool(name="p", family=family)}


@st.composite
def worlds(draw, with_capacity=True):
    """Every kind of offer at one, two or all providers; accounts, scopes, terms, commitments that come and go."""
    chosen = draw(st.lists(st.sampled_from(list(PROVIDERS)), min_size=1, max_size=3, unique=True))
    names = tuple(name for provider in chosen for name in PROVIDERS[provider])
    on_demand = {name: draw(st.sampled_from([1.0, 2.0, 4.0])) for name in names}
    pools = {
        name: Pool(
            name=name,
            account=draw(st.sampled_from(["", "A", "A/group", "B"])),
            spot_eligible_fraction=draw(st.sampled_from([0.0, 0.4])),
        )
        for name in names
    }
    offers = [offer for provider in chosen for offer in _offers(draw, provider, on_demand)]
    allowed = [offer for offer in offers if with_capacity or offer.kind != OfferKind.CAPACITY_RESERVATION]
    commitments = []
    for row in range(draw(st.integers(0, 8))):
        offer = draw(st.sampled_from(allowed))
        start = draw(st.integers(FIRST_HOUR - 3, FIRST_HOUR + 3))
        commitments.append(
            make_commitment(
                offer.offer_id,
                draw(st.sampled_from([0.5, 1.0, 2.0, 3.5])),
                f"k{row}",
                start_hour=start,
                end_hour=start + draw(st.integers(1, 8)),
                account=draw(st.sampled_from(["", "A", "A/group", "B"])),
                scope=draw(st.sampled_from(SCOPES[offer.provider])),
            )
        )
    demand = np.array([[draw(st.sampled_from([0.0, 0.5, 1.0, 2.0, 5.0])) for _ in HOURS] for _ in names])
    catalog = Catalog(
        pools=names,
        on_demand_usd=[on_demand[name] for name in names],
        spot_usd=[draw(st.sampled_from([np.nan, 0.3])) for _ in names],
        offers=tuple(offers),
        providers=tuple(provider for provider in chosen for _ in PROVIDERS[provider]),
        regions=("r",) * len(names),
    )
    return catalog, pools, tuple(commitments), demand


def _offers(draw, provider, on_demand):
    """One offer of each kind."""
    first, *rest = PROVIDERS[provider]
    every = (first, *rest)
    discount = st.sampled_from([0.5, 0.6, 0.75, 1.25])
    yield make_offer(f"{provider}-ri", "reserved_standard", provider, [first], [1.0])
    yield make_offer(
        f"{provider}-flex",
        "reserved_convertible",
        provider,
        every,
        [2.0, 1.0, 4.0][: len(every)],
        is_size_flexible=True,
    )
    yield make_offer(f"{provider}-own", "owned_hardware", provider, rest[:1], [1.0])
    yield make_offer(f"{provider}-hold", "capacity_reservation", provider, [first], [1.0], hourly_usd=0.0)
    for months in (12, 36):
        rates = [on_demand[name] * draw(discount) for name in every]
        kind = draw(st.sampled_from(["instance_savings_plan", "compute_savings_plan"]))
        yield make_offer(f"{provider}-sp{months}", kind, provider, every, rates, term_months=months, hourly_usd=1.0)


def bill_of(world, options=None):
    catalog, pools, commitments, demand = world
    return bill_portfolio(catalog, pools, commitments, HOURS, demand, options)


@given(world=worlds())
def test_the_bill_agrees_with_plain_loops_over_hours_and_single_commitments(naive_bill, world):
    catalog, pools, commitments, demand = world
    total_usd, used, on_demand = naive_bill(catalog, pools, commitments, HOURS.tolist(), demand)
    bill = bill_of(world)
    assert_allclose(bill.on_demand_units, on_demand, atol=TOLERANCE)
    assert_allclose(bill.total_usd, total_usd, atol=TOLERANCE)
    found = [item.used_quantity_hours for item in bill.commitments]
    assert_allclose(found, [used[item.commitment_id] for item in commitments], atol=TOLERANCE)


@given(world=worlds())
def test_the_parts_of_a_bill_sum_to_the_whole(world):
    bill = bill_of(world)
    covered = sum(bill.covered_units.values(), start=np.zeros(bill.demand_units.shape))
    served = bill.on_demand_units + bill.spot_units + covered
    assert_allclose(served, bill.demand_units + bill.idle_units, atol=TOLERANCE)
    for item in bill.commitments:
        assert -TOLERANCE <= item.used_quantity_hours <= item.held_quantity_hours + TOLERANCE
    drawn = {
        key: float((units * bill.draw_by_offer[key][:, None]).sum()) for key, units in bill.covered_by_offer.items()
    }
    for offer_id, quantity in drawn.items():
        lines = [item for item in bill.commitments if item.offer_id == offer_id]
        assert_allclose(sum(item.used_quantity_hours for item in lines), quantity, atol=TOLERANCE)


@given(world=worlds(), seed=st.integers(0, 100))
def test_the_order_of_pools_offers_and_commitments_changes_nothing(world, seed):
    catalog, pools, commitments, demand = world
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(catalog.pools))
    shuffled = Catalog(
        pools=tuple(catalog.pools[row] for row in rows),
        on_demand_usd=catalog.on_demand_usd[rows],
        spot_usd=catalog.spot_usd[rows],
        offers=tuple(catalog.offers[row] for row in rng.permutation(len(catalog.offers))),
        providers=tuple(catalog.providers[row] for row in rows),
        regions=tuple(catalog.regions[row] for row in rows),
    )
    again = [commitments[row] for row in rng.permutation(len(commitments))]
    before, after = bill_of(world), bill_of((shuffled, pools, again, demand[rows]))
    assert_allclose(after.on_demand_units, before.on_demand_units[rows], atol=TOLERANCE)
    assert_allclose(after.total_usd, before.total_usd, atol=TOLERANCE)
    used = {item.commitment_id: item.used_quantity_hours for item in before.commitments}
    for item in after.commitments:
        assert_allclose(item.used_quantity_hours, used[item.commitment_id], atol=TOLERANCE)


@given(world=worlds(with_capacity=False), extra=st.sampled_from([0.1, 1.0, 5.0]), data=st.data())
def test_more_of_a_commitment_never_leaves_more_on_demand(world, extra, data):
    catalog, pools, commitments, demand = world
    if not commitments:
        return
    row = data.draw(st.integers(0, len(commitments) - 1))
    more = list(commitments)
    more[row] = dataclasses.replace(more[row], quantity=more[row].quantity + extra)
    before, after = bill_of(world), bill_of((catalog, pools, more, demand))
    assert np.all(after.on_demand_units <= before.on_demand_units + TOLERANCE)


@given(world=worlds())
def test_providers_side_by_side_cost_what_they_cost_alone(world):
    catalog, pools, commitments, demand = world
    total_usd = 0.0
    for provider in set(catalog.providers):
        rows = [row for row, name in enumerate(catalog.providers) if name == provider]
        alone = Catalog(
            pools=tuple(catalog.pools[row] for row in rows),
            on_demand_usd=catalog.on_demand_usd[rows],
            spot_usd=catalog.spot_usd[rows],
            offers=tuple(offer for offer in catalog.offers if offer.provider == provider),
            providers=(provider,) * len(rows),
            regions=("r",) * len(rows),
        )
        own = [item for item in commitments if catalog.offer(item.offer_id).provider == provider]
        total_usd += bill_of((alone, pools, own, demand[rows])).total_usd
    assert_allclose(bill_of(world).total_usd, total_usd, atol=TOLERANCE)


def test_the_same_prices_are_billed_differently_at_aws_and_azure():
    """Two plans over two pools: AWS mixes them by what each saves on each line, Azure takes the longer one first."""
    offers = {
        provider: (
            make_offer("1y", "compute_savings_plan", provider, ["a", "b"], [0.3, 0.6], hourly_usd=1.0),
            make_offer("3y", "compute_savings_plan", provider, ["a", "b"], [0.9, 0.8], hourly_usd=1.0, term_months=36),
        )
        for provider in ("aws", "azure", "gcp", "trace")
    }
    held = [make_commitment("1y", 0.3, "k1"), make_commitment("3y", 0.9, "k3")]
    used = {}
    for provider, own in offers.items():
        catalog = Catalog(
            pools=("a", "b"),
            on_demand_usd=[1.0, 1.0],
            spot_usd=[np.nan, np.nan],
            offers=own,
            providers=(provider,) * 2,
            regions=("r",) * 2,
        )
        bill = bill_portfolio(catalog, {}, held, HOURS[:1], np.ones((2, 1)))
        used[provider] = [item.used_quantity_hours for item in bill.commitments]
    assert_allclose(used["aws"], [0.3, 0.8])
    assert_allclose(used["gcp"], used["aws"])
    assert_allclose(used["trace"], used["aws"])
    assert_allclose(used["azure"], [0.3 * 8 / 9, 0.9])


def test_software_that_is_a_pool_of_its_own_is_never_covered():
    """Azure: reservations and savings plans cover infrastructure; Windows is charged apart, on covered machines too."""
    catalog = Catalog(
        pools=("vm", "vm/windows"),
        on_demand_usd=[0.1, 0.046],
        spot_usd=[np.nan, np.nan],
        offers=(make_offer("ri", "reserved_standard", "azure", ["vm"], [1.0], hourly_usd=0.06),),
        providers=("azure", "azure"),
        regions=("r", "r"),
    )
    bill = bill_portfolio(catalog, {}, [make_commitment("ri", 2.0)], HOURS, np.full((2, N_HOURS), 2.0))
    assert_allclose(bill.total_usd, N_HOURS * 2 * (0.06 + 0.046))


def test_a_plan_rate_above_a_negotiated_price_draws_at_the_lower_one():
    plan = make_offer("sp", "compute_savings_plan", "azure", ["p"], [1.5], hourly_usd=1.0)
    catalog, pools = one_pool("azure", plan)
    bill = bill_portfolio(catalog, pools, [make_commitment("sp", 1.0)], HOURS, np.ones((1, N_HOURS)))
    assert_allclose(bill.total_usd, N_HOURS * 1.0)
    assert_allclose(bill.stranded_usd, 0.0, atol=TOLERANCE)


@pytest.mark.parametrize("n_run", [100, 186, 400, 744])
def test_sustained_use_in_a_bill_is_the_closed_form(n_run):
    catalog, pools = one_pool("gcp", family="n1-standard", on_demand_usd=0.0475)
    demand = np.zeros((1, len(JANUARY)))
    demand[0, :n_run] = 10.0
    bill = bill_portfolio(catalog, pools, [], JANUARY, demand)
    list_usd = 10.0 * n_run * 0.0475
    discount = effective_discount(n_run / 744, UP_TO_30_PERCENT)
    assert_allclose(bill.total_usd, list_usd * (1.0 - discount), rtol=1e-12)
    assert_allclose(bill.sustained_use_usd, [list_usd * discount], atol=TOLERANCE)
    assert_allclose(bill.effective_savings_rate, discount, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("provider", "family", "discount"),
    [("gcp", "n1", 0.3), ("gcp", "n2d", 0.1998), ("gcp", "e2", 0.0), ("gcp", "", 0.0), ("aws", "n1", 0.0)],
)
def test_only_machine_series_that_earn_it_get_a_discount(provider, family, discount):
    catalog, pools = one_pool(provider, family=family)
    bill = bill_portfolio(catalog, pools, [], JANUARY, np.ones((1, len(JANUARY))))
    assert_allclose(bill.total_usd, len(JANUARY) * (1.0 - discount), rtol=1e-12)


def test_what_commitments_or_spot_serve_earns_no_discount():
    resource = make_offer("cud", "reserved_standard", "gcp", ["p"], [1.0], hourly_usd=0.63)
    pool = Pool(name="p", family="n1", spot_eligible_fraction=0.25)
    catalog, pools = one_pool("gcp", resource, spot_usd=0.2, pool=pool)
    bill = bill_portfolio(catalog, pools, [make_commitment("cud", 1.0)], JANUARY, np.full((1, len(JANUARY)), 4.0))
    hours = len(JANUARY)
    assert_allclose(bill.total_usd, hours * (0.63 + 1 * 0.2 + 2 * 0.7), rtol=1e-12)
    assert_allclose(bill.sustained_use_usd, [hours * 2 * 0.3], rtol=1e-12)


def test_pools_of_one_series_and_region_earn_it_together():
    """Two pools that take turns are one machine that runs all month; in another region or as GB they are not."""
    demand = np.zeros((2, len(JANUARY)))
    demand[0, :372], demand[1, 372:] = 1.0, 1.0
    totals = {}
    for name, (second, region) in {
        "same": (Pool(name="b", family="n1"), "r"),
        "elsewhere": (Pool(name="b", family="n1"), "s"),
        "memory": (Pool(name="b", family="n1", size="GB"), "r"),
    }.items():
        catalog = Catalog(
            pools=("a", "b"),
            on_demand_usd=[1.0, 1.0],
            spot_usd=[np.nan, np.nan],
            offers=(),
            providers=("gcp", "gcp"),
            regions=("r", region),
        )
        bill = bill_portfolio(catalog, {"a": Pool(name="a", family="n1"), "b": second}, [], JANUARY, demand)
        totals[name] = bill.total_usd
    assert_allclose([totals["same"], totals["elsewhere"], totals["memory"]], [744 * 0.7, 744 * 0.9, 744 * 0.9])


def test_hour_weights_count_in_sustained_use():
    catalog, pools = one_pool("gcp", family="n1")
    every_third = JANUARY[::3]
    options = BillOptions(hour_weights=np.full(len(every_third), 3.0))
    bill = bill_portfolio(catalog, pools, [], every_third, np.ones((1, len(every_third))), options)
    assert_allclose(bill.total_usd, 744 * 0.7, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "rules"),
    [("AWS", Rules.AWS), ("Microsoft_Azure", Rules.AZURE), ("google-cloud", Rules.GCP), ("trace", None), ("", None)],
)
def test_providers_are_known_by_their_names(name, rules):
    assert known_rules(name) == rules


def test_an_output_says_by_whose_rules_was_billed():
    catalog, pools = one_pool("trace")
    assert [item.rules for item in applied_rules(catalog)] == [Rules.AWS]
    assert billing_sentences(catalog, pools, HOURS) == (
        "Billed in AWS's order of application, as no rules are known of the provider 'trace'.",
    )
    mixed = dataclasses.replace(catalog, pools=("p", "q", "s"), providers=("gcp", "azure", "x"), regions=("", "", ""))
    assert rules_sentence(applied_rules(mixed)) == (
        "Billed by the rules of Azure and Google Cloud. "
        "Pools of 'x' are billed in AWS's order of application, as no rules are known of them."
    )


@pytest.mark.parametrize(
    ("family", "hours", "sentence"),
    [
        ("e2", JANUARY, "No sustained-use discount is counted"),
        ("n1", JANUARY, "Sustained-use discounts are counted for 1 of 1 pools of Google Cloud."),
        ("n1", JANUARY[5:], "the window cuts a month, and hours outside count as no usage."),
        ("n1", JANUARY[:-5], "the window cuts a month, and hours outside count as no usage."),
    ],
)
def test_an_output_says_what_was_assumed_on_sustained_use(family, hours, sentence):
    catalog, pools = one_pool("gcp", family=family)
    assert sentence in billing_sentences(catalog, pools, hours)[1]


def test_an_offer_that_covers_pools_of_two_providers_is_refused():
    plan = make_offer("sp", "compute_savings_plan", "aws", ["a", "b"], [0.5, 0.5], hourly_usd=1.0)
    catalog = Catalog(
        pools=("a", "b"),
        on_demand_usd=[1.0, 1.0],
        spot_usd=[np.nan, np.nan],
        offers=(plan,),
        providers=("aws", "azure"),
        regions=("", ""),
    )
    with pytest.raises(InputError, match="offer 'sp' of provider 'aws' must cover pools of one provider, its own"):
        bill_portfolio(catalog, {}, [make_commitment("sp", 1.0)], HOURS, np.ones((2, N_HOURS)))


def test_an_offer_of_another_provider_than_its_pool_is_refused_but_for_hardware_of_one_s_own():
    hardware = make_offer("own", "owned_hardware", "aws", ["p"], [1.0])
    plan = make_offer("sp", "compute_savings_plan", "aws", ["p"], [0.5], hourly_usd=1.0)
    catalog, pools = one_pool("gcp", hardware, plan)
    demand = np.ones((1, N_HOURS))
    assert_allclose(bill_portfolio(catalog, pools, [make_commitment("own", 1.0)], HOURS, demand).on_demand_units, 0.0)
    with pytest.raises(InputError, match=r"billed by the rules of Google Cloud\. Give its rows"):
        bill_portfolio(catalog, pools, [make_commitment("sp", 1.0)], HOURS, demand)


@pytest.mark.parametrize(
    ("provider", "changes", "message"),
    [
        ("azure", {"scope": "zonal"}, "must be shared, subscription or resource group at Azure, got 'zonal'"),
        ("gcp", {"scope": "subscription"}, "must be shared or project at Google Cloud, got 'subscription'"),
        ("azure", {"scope": "management group"}, "no file says which subscriptions that holds"),
        ("gcp", {"zone": "z1"}, "commitment 'k' must not name a zone, got 'z1': commitments of Google Cloud"),
    ],
)
def test_a_scope_that_the_provider_does_not_have_is_refused(provider, changes, message):
    catalog, pools = one_pool(provider, make_offer("ri", "reserved_standard", provider, ["p"], [1.0]))
    with pytest.raises(InputError, match=message):
        bill_portfolio(catalog, pools, [make_commitment("ri", 1.0, **changes)], HOURS, np.ones((1, N_HOURS)))


@pytest.mark.parametrize(
    ("provider", "kind", "scope", "covered"),
    [
        ("azure", "reserved_standard", "", True),
        ("azure", "reserved_standard", "Single Subscription", False),
        ("azure", "compute_savings_plan", "resource_group", False),
        ("gcp", "reserved_standard", "", False),  # a project's own, where nobody says that it is shared
        ("gcp", "reserved_standard", "Billing Account", True),
        ("gcp", "compute_savings_plan", "project", True),  # flexible commitments belong to the billing account
    ],
)
def test_a_commitment_of_one_account_reaches_as_far_as_its_scope(provider, kind, scope, covered):
    offer = make_offer("o", kind, provider, ["p"], [1.0])
    catalog, pools = one_pool(provider, offer, pool=Pool(name="p", account="theirs"))
    held = [make_commitment("o", 1.0, account="mine", scope=scope)]
    bill = bill_portfolio(catalog, pools, held, HOURS, np.ones((1, N_HOURS)))
    assert_allclose(bill.on_demand_units, 0.0 if covered else 1.0)
