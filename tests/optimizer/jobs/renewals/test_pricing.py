"""Every kind of renewal worked out by hand, and the laws that hold between options."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from optimizer.assembly import AddedBatch
from optimizer.costs import evaluate
from optimizer.cover import cover_classes
from optimizer.extensive import solve_extensive
from optimizer.jobs.renewals.changing import released
from optimizer.jobs.renewals.choices import Choice, ChoiceKind
from optimizer.jobs.renewals.figures import FigureContext, option_figures, with_break_even
from optimizer.jobs.renewals.futures import Futures
from optimizer.jobs.renewals.joint import joint_optimum
from optimizer.jobs.renewals.renewing import RenewalContext, renewing_choices
from optimizer.jobs.renewals.wording import recommended_place
from optimizer.limits import Limits
from optimizer.offers import Offer, OfferKind
from optimizer.policy import Policy
from optimizer.solver import SolverOptions

DAY = 24
WEB, API = "us-east-1/m5.xlarge", "us-east-1/c6g.xlarge"
DYING = [10.0] * 8 + [0.0] * 4  # units by day: the work is gone after day 8
DYING_EARLY = [10.0] * 6 + [0.0] * 6
UNTIL_DAY = 5


def renewing(run):
    context = RenewalContext(market=run.market, timeline=run.timeline, until_hour=UNTIL_DAY * DAY)
    return lambda commitment, offer: renewing_choices(commitment, offer, context)


@pytest.fixture(scope="module")
def dying(small, review, desk_of, owned):
    """Ten units owned until day 4 of work that ends on day 8, or with a chance of a quarter on day 6."""
    run = small({WEB: [DYING, DYING_EARLY]}, [owned(10.0, 4)], weights=(0.75, 0.25))
    item = review(run, renewing(run), is_ending=True)
    desk = desk_of(run, item)
    joint = joint_optimum(desk, (item,), lambda _: None)
    context = FigureContext(
        desk=desk, futures=Futures(run.posed.forecast), joint=joint.best, events=(), until_hour=UNTIL_DAY * DAY
    )
    options = {
        choice.kind: option_figures(item, choice, joint.priced["old", place], context)
        for place, choice in enumerate(item.choices)
        if choice.is_open
    }
    return item, joint, options


OWNED_USD = 10 * 4 * DAY * 0.5
BY_HAND_USD = {  # what is paid after day 4, for ten units around the clock: expected
    ChoiceKind.RENEW: 6 * 0.5,
    ChoiceKind.RENEW_PART: 6 * 0.5,
    ChoiceKind.RENEW_SHORTER: 3 * 0.7 + 0.75 * 1.0,  # days 4 to 7, then the eighth on demand where there is one
    ChoiceKind.FLEXIBLE_PLAN: 0.75 * 4.0 + 0.25 * 2.0,  # six days at 0.75 are 4.5: nothing is bought
    ChoiceKind.BUY_LATER: 0.75 * 4.0 + 0.25 * 2.0,  # from day 6 on six days at 0.5 are dearer than two on demand
    ChoiceKind.LAPSE: 0.75 * 4.0 + 0.25 * 2.0,
}


@pytest.mark.parametrize("kind", list(BY_HAND_USD))
def test_each_renewal_costs_what_it_does_by_hand(dying, kind):
    _, _, options = dying
    assert_allclose(options[kind].costs.expected_usd, OWNED_USD + BY_HAND_USD[kind] * 10 * DAY, rtol=1e-6)


def test_quantities_are_those_that_pay(dying):
    _, _, options = dying
    bought = {kind: option.quantity for kind, option in options.items() if kind is not ChoiceKind.LAPSE}
    expected = {
        ChoiceKind.RENEW: 10.0,
        ChoiceKind.RENEW_PART: 10.0,
        ChoiceKind.RENEW_SHORTER: 10.0,
        ChoiceKind.FLEXIBLE_PLAN: 0.0,
        ChoiceKind.BUY_LATER: 0.0,
    }
    assert {kind: pytest.approx(quantity, abs=1e-6) for kind, quantity in expected.items()} == bought
    assert options[ChoiceKind.LAPSE].quantity is None


def test_spread_is_that_of_the_scenarios(dying):
    _, _, options = dying
    lapse = options[ChoiceKind.LAPSE].costs
    assert_allclose([lapse.p10_usd, lapse.p90_usd], [OWNED_USD + 2 * 240, OWNED_USD + 4 * 240], rtol=1e-6)
    renew = options[ChoiceKind.RENEW].costs
    assert_allclose([renew.p10_usd, renew.p90_usd], [OWNED_USD + 720] * 2, rtol=1e-6)


def test_stranded_and_lock_in_by_hand(dying):
    _, _, options = dying
    renew = options[ChoiceKind.RENEW]
    # sampled every fifth hour: to within a fifth of a day of the exact 2 and 4 days
    assert_allclose(renew.stranded_usd, (0.75 * 2 + 0.25 * 4) * 10 * DAY * 0.5, rtol=0.1)
    assert_allclose(renew.stranded_cvar_usd, 4 * 10 * DAY * 0.5, rtol=0.1)
    assert_allclose(renew.lock_in_usd, (10 - UNTIL_DAY) * 10 * DAY * 0.5)
    assert options[ChoiceKind.LAPSE].lock_in_usd == 0.0


def test_no_option_costs_less_than_the_joint_optimum(dying):
    _, joint, options = dying
    assert all(option.costs.objective_usd >= joint.best.lower_bound_usd - 1e-6 for option in options.values())
    assert_allclose(joint.best.objective_usd, min(option.costs.objective_usd for option in options.values()), rtol=1e-9)


def test_the_cheapest_is_recommended_and_of_equals_the_one_that_locks_in_least(dying):
    _, _, options = dying
    listed = list(options.values())
    assert listed[recommended_place(listed)].choice.kind is ChoiceKind.RENEW_SHORTER
    equal = [replace(option, costs=listed[0].costs) for option in listed]
    assert equal[recommended_place(equal)].choice.kind is ChoiceKind.LAPSE


def test_a_demand_that_stays_is_renewed_and_one_that_goes_is_not(small, review, desk_of, owned):
    for days, wanted in (([10.0] * 10 + [0.0] * 2, 10.0), ([10.0] * 4 + [0.0] * 8, 0.0)):
        run = small({WEB: days}, [owned(10.0, 4)])
        item = review(run, renewing(run), is_ending=True)
        joint = joint_optimum(desk_of(run, item), (item,), lambda _: None)
        part = next(place for place, choice in enumerate(item.choices) if choice.kind is ChoiceKind.RENEW_PART)
        desk_row = joint.priced["old", part].quantity
        assert_allclose(desk_row[np.argmax(joint.priced["old", part].setting.most == 10.0)], wanted, atol=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_options_keep_their_order_and_the_optimum_is_that_of_the_extensive_program(small, review, desk_of, owned, seed):
    rng = np.random.default_rng(seed)
    demand = {pool: rng.uniform(0.0, 12.0, (2, 12)) for pool in (WEB, API)}
    run = small(demand, [owned(float(rng.uniform(2.0, 9.0)), 4)], weights=(0.4, 0.6))
    item = review(run, renewing(run), is_ending=True)
    desk = desk_of(run, item)
    joint = joint_optimum(desk, (item,), lambda _: None)
    oracle = solve_extensive(desk.problem, SolverOptions()).objective_usd
    assert_allclose(desk.price(desk.free()).objective_usd, oracle, rtol=2e-4)
    cost = {choice.kind: joint.priced["old", place].objective_usd for place, choice in enumerate(item.choices)}
    assert min(cost.values()) >= oracle - 1e-6
    assert cost[ChoiceKind.RENEW_PART] <= cost[ChoiceKind.RENEW] * (1 + 2e-4)
    assert cost[ChoiceKind.BUY_LATER] <= cost[ChoiceKind.LAPSE] * (1 + 2e-4)


def test_an_option_outside_the_limits_is_priced_and_never_recommended(small, review, desk_of, owned):
    policy = Policy.model_validate({"stranded": {"expected_fraction": 0.05}})
    run = small({WEB: [DYING]}, [owned(10.0, 4)], policy=policy)
    item = review(run, renewing(run), is_ending=True)
    desk = desk_of(run, item)
    joint = joint_optimum(desk, (item,), lambda _: None)
    by_kind = {choice.kind: joint.priced["old", place] for place, choice in enumerate(item.choices)}
    assert not by_kind[ChoiceKind.RENEW].is_within_limits
    assert by_kind[ChoiceKind.LAPSE].is_within_limits
    assert_allclose(by_kind[ChoiceKind.RENEW].objective_usd, OWNED_USD + 3.0 * 240, rtol=1e-4)
    assert joint.best.objective_usd >= joint.best.lower_bound_usd
    assert isinstance(desk.problem.limits, Limits)


PREPAID = Offer(
    offer_id="prepaid",
    kind=OfferKind.RESERVED_STANDARD,
    provider="aws",
    region="us-east-1",
    pools=(WEB,),
    draw=np.array([1.0]),
    hourly_usd=0.2,
    upfront_usd=0.3 * 12 * DAY,
    term_months=0,
    payment_option="partial",
    given_term_hours=12 * DAY,
)


@pytest.fixture(scope="module")
def sold(small, review, desk_of, owned):
    """Ten units of twelve days, half used, sold on day 6 for 100 USD or without a price; the work ends on day 8."""
    run = small({WEB: [DYING]}, [owned(10.0, 12, offer=PREPAID)], offers=(PREPAID,))

    def choices(commitment, offer):
        release = released(commitment, offer, 6 * DAY, 10.0, as_of_hour=0)
        sale = {"kind": ChoiceKind.SELL, "at_hour": 6 * DAY, "decide_by_hour": 6 * DAY, "release": release}
        return (
            Choice(kind=ChoiceKind.KEEP, decide_by_hour=12 * DAY),
            Choice(**sale, one_off_usd=-88.0, price_usd=100.0),
            Choice(**sale),
        )

    item = review(run, choices, is_ending=False)
    desk = desk_of(run, item)
    joint = joint_optimum(desk, (item,), lambda _: None)
    context = FigureContext(desk=desk, futures=Futures(run.posed.forecast), joint=joint.best, events=(), until_hour=0)
    priced = [joint.priced["old", place] for place in range(3)]
    found = [option_figures(item, choice, own, context) for choice, own in zip(item.choices, priced, strict=True)]
    return joint, with_break_even(list(zip(found, priced, strict=True)), risk_lambda=0.0)


def test_a_sale_saves_the_recurring_fee_and_not_what_was_paid_upfront(sold):
    _, (keep, sale, _) = sold
    fees = 10 * 12 * DAY * 0.5
    assert_allclose(keep.costs.expected_usd, fees, rtol=1e-9)
    on_demand = 10 * 2 * DAY * 1.0  # days 6 and 7
    avoided = 10 * 6 * DAY * 0.2
    assert_allclose(sale.costs.expected_usd, fees + on_demand - avoided - 88.0, rtol=1e-9)


def test_a_sale_breaks_even_where_it_costs_as_much_as_to_keep(sold):
    _, (_, with_price, without_price) = sold
    price = (10 * 2 * DAY - 10 * 6 * DAY * 0.2) / 0.88
    assert_allclose([with_price.break_even_price_usd, without_price.break_even_price_usd], [price, price], rtol=1e-9)


def test_a_sale_without_a_price_has_no_cost_and_no_place_in_the_optimum(sold):
    joint, (keep, _, without_price) = sold
    assert without_price.costs is None
    assert without_price.over_best_usd is None
    assert_allclose(joint.best.objective_usd, keep.costs.objective_usd, rtol=1e-9)
    assert joint.changes == ()


def test_what_an_exchange_gives_covers_its_new_pool(small, review, desk_of, owned):
    target = Offer(
        offer_id="target",
        kind=OfferKind.RESERVED_CONVERTIBLE,
        provider="aws",
        region="us-east-1",
        pools=(API,),
        draw=np.array([1.0]),
        hourly_usd=0.25,
        upfront_usd=0.25 * 12 * DAY,
        term_months=0,
        payment_option="partial",
        given_term_hours=12 * DAY,
    )
    run = small({WEB: [[0.0] * 12], API: [[8.0] * 12]}, [owned(8.0, 12, offer=PREPAID)], offers=(PREPAID, target))

    def choices(commitment, offer):
        new = AddedBatch(offer=target, start_hour=0, end_hour=12 * DAY, quantity=0.0, pays_upfront=False)
        return (
            Choice(
                kind=ChoiceKind.EXCHANGE,
                offer=target,
                release=released(commitment, offer, 0, 8.0, as_of_hour=0),
                becomes=((new, 8.0),),
                one_off_usd=50.0,
            ),
        )

    item = review(run, choices, is_ending=False)
    desk = desk_of(run, item)
    joint = joint_optimum(desk, (item,), lambda _: None)
    own = joint.priced["old", 0]
    sunk, hourly = 8 * 12 * DAY * 0.3, 8 * 12 * DAY * 0.25
    assert_allclose(own.objective_usd, sunk + hourly + 50.0, rtol=1e-9)
    again = evaluate(desk.problem, own.quantity, cover_classes(desk.problem.instruments, split_by_fee=False))
    assert_allclose(again.recourse_usd, [0.0], atol=1e-9)
    assert joint.changes == ((item, item.choices[0]),)  # keeping it would pay on demand for all of the work


@pytest.mark.parametrize("risk_lambda", [0.0, 1.0])
def test_at_its_break_even_price_a_sale_costs_what_the_next_best_does(small, review, desk_of, owned, risk_lambda):
    policy = Policy.model_validate({"risk": {"lambda": risk_lambda}})
    demand, counts = [DYING, DYING_EARLY], {"inside_fraction": 0.5, "price_part": 0.8}
    run = small({WEB: demand}, [owned(10.0, 12, offer=PREPAID)], offers=(PREPAID,), weights=(0.75, 0.25), policy=policy)

    def sale(commitment, offer, price):
        release = released(commitment, offer, 6 * DAY, 10.0, as_of_hour=0)
        one_off = {} if price is None else {"one_off_usd": -0.8 * price, "price_usd": price}
        return Choice(kind=ChoiceKind.SELL, at_hour=6 * DAY, release=release, **counts, **one_off)

    def priced_at(price):
        item = review(run, lambda *own: (Choice(kind=ChoiceKind.KEEP), sale(*own, price)), is_ending=False)
        desk = desk_of(run, item)
        joint = joint_optimum(desk, (item,), lambda _: None)
        context = FigureContext(
            desk=desk, futures=Futures(run.posed.forecast), joint=joint.best, events=(), until_hour=0
        )
        own = [joint.priced["old", place] for place in range(2)]
        figures = [option_figures(item, choice, one, context) for choice, one in zip(item.choices, own, strict=True)]
        return own, with_break_even(list(zip(figures, own, strict=True)), risk_lambda=desk.problem.risk_lambda)

    _, (_, unpriced) = priced_at(None)
    assert unpriced.break_even_price_usd > 100.0
    (keep, sold_then), (keep_option, sale_option) = priced_at(unpriced.break_even_price_usd)
    assert_allclose(sold_then.objective_usd, keep.objective_usd, rtol=1e-9)
    assert_allclose(sale_option.break_even_price_usd, unpriced.break_even_price_usd, rtol=1e-6)
    # figures above the optimum are of expected cost, whatever weight risk has
    less = sale_option.costs.expected_usd - keep_option.costs.expected_usd
    assert_allclose(sale_option.over_best_usd - keep_option.over_best_usd, less, rtol=1e-6)


def test_money_of_a_renewal_is_discounted_as_in_the_rest_of_the_problem(small, review, desk_of, owned):
    policy = Policy.model_validate({"goal": "ebitda", "discount_rate_yearly": 0.2})
    run = small({WEB: [[10.0] * 12]}, [owned(10.0, 4, offer=PREPAID)], offers=(PREPAID,), policy=policy)
    item = review(run, renewing(run), is_ending=True)
    desk = desk_of(run, item)
    renew = next(choice for choice in item.choices if choice.kind is ChoiceKind.RENEW)
    # eight of its twelve days lie inside; at goal ebitda nothing is discounted
    assert_allclose(desk.problem.batches.cost_usd[desk.row(item, renew.buys.batch)], 0.5 * 8 * DAY, rtol=1e-12)
