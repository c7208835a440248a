"""Why an offer is not bought: each reason on a problem in which it is the reason."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from forecasting.hours import hour_of_date
from forecasting.scenarios import Scenarios
from optimizer.assembly import Assembled, Market, assemble
from optimizer.calendar_dates import Timeline, planning_timeline
from optimizer.cutting_planes import CutOptions, CutSolution, solve_cuts
from optimizer.explain_terms import Planned
from optimizer.explanation import WhyNot
from optimizer.hardware import Hardware
from optimizer.jobs.explain_offers import Chosen, reasons_against
from optimizer.limits import CashLimit, Limits
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.pools import Pool

START = hour_of_date("2024-01-01")
MONTH = 730


def offer(name: str, hourly_usd: float, *, months: int = 1, draw: Sequence[float] = (1.0,), **changes: object) -> Offer:
    made = Offer(
        offer_id=name,
        kind=OfferKind.RESERVED_STANDARD,
        provider="p",
        region="r",
        pools=("a", "b")[: len(draw)],
        draw=np.array(draw),
        hourly_usd=hourly_usd,
        upfront_usd=0.0,
        term_months=months,
        payment_option="none",
    )
    return replace(made, **changes)


def market(*offers: Offer, **changes: object) -> Market:
    catalog = Catalog(
        pools=("a", "b"), on_demand_usd=np.array([1.0, 1.0]), spot_usd=np.full(2, np.nan), offers=tuple(offers)
    )
    pools = {name: Pool(name=name) for name in catalog.pools}
    made = Market(catalog=catalog, pools=pools, commitments=(), terms_months=(1, 2))
    return replace(made, **changes)


def timeline() -> Timeline:
    """One date, and two months that are valued."""
    made = planning_timeline(START, cadence_months=12, terms_months=(2,))
    assert made.decision_hours.tolist() == [START]
    return made


def demand(first: float, second: float) -> np.ndarray:
    """Demand of pool a that goes from one level to another after the first month; pool b has none."""
    hours = np.arange(2 * MONTH)
    return np.stack([np.where(hours < MONTH, first, second), np.zeros(2 * MONTH)])[None]


def reasons(sold: Market, units: np.ndarray, limits: Limits | None = None) -> tuple[dict[str, WhyNot], CutSolution]:
    """Reasons by offer, of the optimum."""
    dates = timeline()
    hours, weights = dates.columns()
    scenarios = Scenarios(pools=("a", "b"), hours=hours, hour_weights=weights, weights=np.ones(1), units=units)
    assembled = assemble(scenarios, sold, dates, discount_rate_yearly=0.0, risk_lambda=0.0, keep_dominated=False)
    if limits is not None:
        assembled = replace(assembled, problem=replace(assembled.problem, limits=limits))
    best = solve_cuts(assembled.problem, CutOptions(gap_fraction=1e-9))
    return against(sold, assembled, best.quantity, dict(best.limit_prices_usd), best), best


def against(
    sold: Market, assembled: Assembled, quantity: np.ndarray, prices: dict[str, float], best: CutSolution
) -> dict[str, WhyNot]:
    planned = Planned(problem=assembled.problem, quantity=quantity, classes=best.classes)
    chosen = Chosen(market=sold, assembled=assembled, planned=planned, limit_prices_usd=prices)
    return {row.offer_id: row for row in reasons_against(chosen)}


def test_what_is_bought_has_no_row_and_an_offer_that_is_dearer_names_the_cheaper_one():
    found, best = reasons(market(offer("cheap", 0.5), offer("dear", 0.55)), demand(4.0, 4.0))
    assert best.quantity.max() > 3.9
    assert list(found) == ["dear"]
    row = found["dear"]
    assert (row.reason, row.other, row.saving_usd) == ("dominated", "cheap", None)
    assert "10.00 % dearer" in row.text


def test_an_offer_that_would_idle_too_much_says_how_much_and_when_it_breaks_even():
    units = demand(4.0, 4.0)
    units[0, 0, 1::2] = 1.0  # half of the hours need 1 unit, half need 4
    found, _ = reasons(market(offer("plan", 0.7, draw=(0.7, 0.7), kind=OfferKind.COMPUTE_SAVINGS_PLAN)), units)
    assert found == {}  # one unit is always used, and it is bought
    found, best = reasons(market(offer("dear", 0.9)), demand(4.0, 0.0) * np.tile([1.0, 0.0], MONTH))
    assert_allclose(best.quantity, 0.0, atol=1e-9)
    row = found["dear"]
    assert row.reason == "use"
    assert_allclose([row.use_fraction, row.break_even_fraction], [0.5, 0.9])
    assert_allclose([row.cost_usd, row.saving_usd], [0.9 * MONTH, (0.5 - 0.9) * MONTH])


def test_an_offer_that_another_one_leaves_nothing_to_do_names_it():
    wide = offer("wide", 1.0, months=2, draw=(0.75, 0.75), kind=OfferKind.COMPUTE_SAVINGS_PLAN)
    found, best = reasons(market(offer("narrow", 0.5, months=2), wide), demand(4.0, 4.0))
    assert best.quantity.max() > 3.9
    assert (found["wide"].reason, found["wide"].other) == ("use", "narrow")
    assert "What would be left for it narrow serves." in found["wide"].text


def test_an_offer_whose_next_unit_pays_names_the_limit_that_keeps_it_out():
    paid = offer("prepaid", 0.0, upfront_usd=0.5 * MONTH, payment_option="all")
    cash = CashLimit(batch_indices=np.array([0]), usd=0.0, label="upfront cash in the quarter from 2024-01-01")
    found, best = reasons(market(paid), demand(4.0, 4.0), Limits(cash=(cash,)))
    assert_allclose(best.quantity[0], 0.0, atol=1e-9)
    row = found["prepaid"]
    assert (row.reason, row.other) == ("limit", cash.label)
    assert_allclose(row.saving_usd, 0.5 * MONTH)


def test_an_offer_that_pays_and_is_not_bought_in_any_step_says_so():
    sold = market(offer("lot", 0.5))
    dates = timeline()
    hours, weights = dates.columns()
    scenarios = Scenarios(
        pools=("a", "b"), hours=hours, hour_weights=weights, weights=np.ones(1), units=demand(4.0, 4.0)
    )
    assembled = assemble(scenarios, sold, dates, discount_rate_yearly=0.0, risk_lambda=0.0, keep_dominated=True)
    best = solve_cuts(assembled.problem, CutOptions())
    nothing = np.zeros(assembled.problem.batches.n_batches)
    batches = replace(assembled.problem.batches, step=np.full(len(nothing), 50.0))
    stepped = replace(assembled, problem=replace(assembled.problem, batches=batches))
    assert against(sold, stepped, nothing, {}, best)["lot"].reason == "step"
    assert against(sold, assembled, nothing, {}, best)["lot"].reason == "indifferent"


def test_terms_paybacks_and_goals_that_the_policy_rules_out_are_named_as_that():
    sold = market(
        offer("short", 0.5),
        offer("long", 0.3, months=36),
        offer("slow", 0.0, months=1, upfront_usd=0.9 * MONTH, payment_option="all"),
        offer("hopeless", 1.0, months=1, upfront_usd=1.0, payment_option="partial"),
        offer("other", 0.4),
        payback_months_max=0.5,
        not_offered=frozenset({"other"}),
    )
    found, _ = reasons(sold, demand(4.0, 4.0))
    assert {name: row.reason for name, row in found.items()} == {
        "long": "term_not_allowed",
        "slow": "payback",
        "hopeless": "payback",
        "other": "goal",
    }
    assert "36 months is none of those that may be bought (1, 2)" in found["long"].text
    assert "takes 0.9 months; the policy allows 0.5" in found["slow"].text
    assert "never comes" in found["hopeless"].text


def test_an_offer_not_sold_yet_and_one_without_pools_have_no_row():
    later = offer("later", 0.4, available_from_hour=START + 1)
    found, _ = reasons(market(offer("now", 0.5), later, offer("none", 0.1, draw=())), demand(4.0, 4.0))
    assert found == {}


def test_a_capacity_reservation_is_no_way_to_save():
    held = offer("odcr", 0.0, months=0, kind=OfferKind.CAPACITY_RESERVATION, guarantees_capacity=True)
    found, _ = reasons(market(offer("ri", 0.5), held), demand(4.0, 4.0))
    assert found["odcr"].reason == "use"
    assert found["odcr"].use_fraction is None


def test_a_term_that_outlives_its_demand_is_too_long(monkeypatch: pytest.MonkeyPatch):
    # a year made as short as a month, so that the law is seen without a plan of three years
    monkeypatch.setattr("optimizer.explain_next.HOURS_OF_A_YEAR", MONTH)
    monkeypatch.setattr("optimizer.jobs.explain_offers.HOURS_OF_A_YEAR", MONTH)
    sold = market(offer("short", 0.7), offer("long", 0.65, months=2))
    found, _ = reasons(sold, demand(4.0, 0.0))
    assert (found["long"].reason, found["long"].other) == ("use", "short")
    only = market(offer("long", 0.65, months=2))
    row = reasons(only, demand(4.0, 0.0))[0]["long"]
    assert row.reason == "term"
    assert_allclose(row.use_fraction, 0.5)
    assert "used 100 % in the first year" in row.text


def rack(name: str, price_usd: float, moves_after: int = MONTH, **changes: object) -> Offer:
    """Hardware that serves pool a at first and pool b after."""
    hardware = Hardware(from_hours=(0, moves_after), until_hours=(moves_after, 2 * MONTH), salvage_usd=(300.0,))
    kind = OfferKind.OWNED_HARDWARE
    made = offer(name, 0.0, months=2, draw=(1.0, 1.0), kind=kind, upfront_usd=price_usd, hardware=hardware)
    return replace(made, **changes)


def test_hardware_is_compared_by_its_price_less_what_is_left_of_it():
    units = np.concatenate([demand(4.0, 0.0), demand(0.0, 4.0)], axis=1)[:, [0, 2]]
    found, best = reasons(market(rack("cheap", 800.0), rack("dear", 900.0)), units)
    assert best.quantity.max() > 3.9
    assert (found["dear"].reason, found["dear"].other) == ("dominated", "cheap")
    assert "20.00 % dearer" in found["dear"].text  # 600 against 500, as either is sold for 300


def test_hardware_that_moves_on_at_another_age_is_no_dearer_copy_and_its_later_rival_is_named():
    units = np.concatenate([demand(4.0, 0.0), demand(0.0, 4.0)], axis=1)[:, [0, 2]]
    later = offer("ri-b", 0.4, months=2, pools=("b",))
    found, best = reasons(market(rack("good", 800.0), rack("late", 1100.0, moves_after=MONTH + 365), later), units)
    assert best.quantity.max() > 3.9
    row = found["late"]
    assert (row.reason, row.other) == ("use", "good")
    assert_allclose(row.cost_usd, 800.0)
    assert_allclose(row.break_even_fraction, 800.0 / (2 * MONTH))
    # only a reservation of the pool that comes second is held: it is what serves there
    found, _ = reasons(market(rack("dear", 1900.0), later), units)
    assert (found["dear"].reason, found["dear"].other) == ("use", "ri-b")


def test_hardware_that_pays_back_too_late_is_not_said_to_have_a_term_that_is_not_allowed():
    slow = rack("slow", 1400.0, hardware=Hardware(from_hours=(0, 0), until_hours=(2 * MONTH, 2 * MONTH)))
    found, _ = reasons(market(slow, offer("ri", 0.5), terms_months=(1,), payback_months_max=1.5), demand(4.0, 4.0))
    assert found["slow"].reason == "payback"
    assert "takes 1.9 months; the policy allows 1.5" in found["slow"].text
