from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from optimizer.coefficients import least_reserved_units, most_reserved_units
from optimizer.costs import evaluate
from optimizer.cover import cover_classes
from optimizer.cutting_planes import CutOptions, solve_cuts
from optimizer.limits import Limits
from optimizer.problem import PlanningProblem
from optimizer.recourse import recourse
from optimizer.sweep import Prices, Sweeper, Swept, plain_prices

Floats = NDArray[np.float64]
seeds = st.integers(0, 10**6)
plans = st.sampled_from(["one", "proportional", "unlike", "real"])
SUMS = (
    "bound_usd",
    "slope_usd",
    "floor_slope_usd",
    "on_demand_units",
    "spot_units",
    "covered_units",
    "idle_quantity",
)


def _discounted(problem: PlanningProblem) -> PlanningProblem:
    """The later half of the hours counts less."""
    later = np.arange(len(problem.hours)) >= len(problem.hours) // 2
    return replace(problem, discount=np.where(later, 0.9, 1.0))


def _sweeper(problem: PlanningProblem, *, split_by_fee: bool = True) -> Sweeper:
    return Sweeper(problem, cover_classes(problem.instruments, split_by_fee=split_by_fee))


def _choice(problem: PlanningProblem, rng: np.random.Generator) -> Floats:
    """Anything that may be bought, some of it nothing; of capacity reservations what firm capacity may ask for."""
    batches = problem.batches
    bought = rng.uniform(0.0, 5.0, batches.n_batches) * (rng.uniform(size=batches.n_batches) < 0.7)
    least, most = least_reserved_units(problem), most_reserved_units(problem)
    is_bounded = np.isfinite(most)
    some = rng.uniform(size=batches.n_batches)
    bought = np.where(is_bounded, least + some * (np.where(is_bounded, most, 0.0) - least), bought)
    return np.where(batches.is_decision, bought, batches.fixed_quantity)


def _prices(problem: PlanningProblem, rng: np.random.Generator, *, names: tuple[str, ...]) -> Prices:
    """Prices of the named limits, some scenarios at none."""
    n_scenarios = len(problem.weights)
    some = rng.uniform(size=n_scenarios) < 0.7
    return Prices(
        cost=1.0 + 2.0 * rng.uniform(size=n_scenarios) * some if "cost" in names else np.ones(n_scenarios),
        stranded=rng.uniform(0.0, 2.0, n_scenarios) * some if "stranded" in names else np.zeros(n_scenarios),
        covered=float(rng.uniform(-1.0, 1.0)) if "covered" in names else 0.0,
        spot=float(rng.uniform(-0.5, 1.0)) if "spot" in names else 0.0,
    )


def _priced(sweeper: Sweeper, found: Swept, prices: Prices) -> Floats:
    """What the measures of a pass cost at some prices. Shape (n_scenarios, n_segments)."""
    unit, od, segments = sweeper.prices, sweeper.prices.on_demand_usd, sweeper.segments
    inside = segments.in_window / segments.discount
    cost = found.on_demand_units @ od + found.spot_units @ np.nan_to_num(unit.spot_usd)
    total = prices.cost[:, None] * cost + inside * prices.spot * (found.spot_units @ od)
    if np.any(prices.stranded):
        total += prices.stranded[:, None] * inside * (found.idle_quantity @ sweeper.classes.fee_usd)
    priced: Floats = total - inside * prices.covered * (found.covered_units @ od)
    return priced


def _bound_at(sweeper: Sweeper, found: Swept, quantity: Floats) -> Floats:
    """Bound of a pass at some quantities. Shape (n_scenarios, n_segments)."""
    held, floor = sweeper.held(quantity)
    reserved = np.einsum("sgp,gp->sg", found.floor_slope_usd, floor)
    bound: Floats = found.bound_usd - np.einsum("sgk,gk->sg", found.slope_usd, held) + reserved
    return bound


def _require_below(bound: Floats, priced: Floats) -> None:
    """Bound <= priced, to rounding."""
    room = 1e-8 * np.maximum(1.0, np.abs(priced).max())
    worst = float(np.max(bound - priced))
    assert worst <= room, f"a bound is above what is bounded by {worst}"


PRICED = [(), ("cost",), ("stranded",), ("covered",), ("cost", "stranded"), ("cost", "stranded", "covered")]


@pytest.mark.parametrize("names", PRICED, ids=lambda names: " ".join(names) or "plain")
@given(seed=seeds, kind=plans)
def test_the_bound_is_tight_at_the_quantities_of_its_pass(invent, names: tuple[str, ...], seed: int, kind: str):
    problem = _discounted(invent.problem(seed, invent.wish(plans=kind)))
    rng = np.random.default_rng(seed)
    sweeper, quantity = _sweeper(problem), _choice(problem, rng)
    prices = _prices(problem, rng, names=names)
    found = sweeper(quantity, prices)
    priced = _priced(sweeper, found, prices)
    assert_allclose(_bound_at(sweeper, found, quantity), priced, rtol=1e-7, atol=1e-7)  # ties are broken by that much


@pytest.mark.parametrize("split_by_fee", [False, True])
@given(seed=seeds, kind=plans, has_spot=st.booleans(), has_capacity_reservations=st.booleans())
def test_the_plain_bound_is_tight_on_spot_and_with_capacity_reservations_too(
    invent, seed: int, kind: str, has_spot: bool, has_capacity_reservations: bool, split_by_fee: bool
):
    wish = invent.wish(plans=kind, has_spot=has_spot, has_capacity_reservations=has_capacity_reservations)
    problem = _discounted(invent.problem(seed, wish))
    sweeper = _sweeper(problem, split_by_fee=split_by_fee)
    quantity = _choice(problem, np.random.default_rng(seed))
    found = sweeper(quantity)
    plain = plain_prices(len(problem.weights))
    assert_allclose(_bound_at(sweeper, found, quantity), _priced(sweeper, found, plain), rtol=1e-7, atol=1e-7)


@given(seed=seeds, kind=plans, has_spot=st.booleans(), has_capacity_reservations=st.booleans())
def test_no_choice_costs_less_than_the_bound_of_another(
    invent, seed: int, kind: str, has_spot: bool, has_capacity_reservations: bool
):
    wish = invent.wish(plans=kind, has_spot=has_spot, has_capacity_reservations=has_capacity_reservations)
    problem = _discounted(invent.problem(seed, wish))
    rng = np.random.default_rng(seed)
    sweeper, plain = _sweeper(problem, split_by_fee=False), plain_prices(len(problem.weights))
    found = sweeper(_choice(problem, rng))
    for _ in range(3):
        other = _choice(problem, rng)
        _require_below(_bound_at(sweeper, found, other), _priced(sweeper, sweeper(other), plain))


@pytest.mark.parametrize(
    "names", [*PRICED[1:], ("spot",), ("covered", "spot"), ("cost", "stranded", "covered", "spot")], ids=" ".join
)
@given(seed=seeds, kind=plans, has_spot=st.booleans(), has_capacity_reservations=st.booleans())
def test_no_choice_however_it_is_used_costs_less_than_the_priced_bound_of_another(
    invent, names: tuple[str, ...], seed: int, kind: str, has_spot: bool, has_capacity_reservations: bool
):
    wish = invent.wish(plans=kind, has_spot=has_spot, has_capacity_reservations=has_capacity_reservations)
    problem = _discounted(invent.problem(seed, wish))
    rng = np.random.default_rng(seed)
    sweeper = _sweeper(problem)
    prices = _prices(problem, rng, names=names)
    found = sweeper(_choice(problem, rng), prices)
    part = rng.uniform(0.0, 1.0, len(problem.pools))
    for _ in range(3):
        other = _choice(problem, rng)
        bound = _bound_at(sweeper, found, other)
        for used in (sweeper(other, prices), sweeper(other), sweeper(other, spot_part=part)):
            _require_below(bound, _priced(sweeper, used, prices))


@settings(max_examples=15)
@given(seed=seeds, kind=plans, part=st.sampled_from([None, 0.0, 0.6]))
def test_sums_are_those_of_the_hours_served_one_by_one(invent, seed: int, kind: str, part: float | None):
    wish = invent.wish(plans=kind, has_spot=True, has_capacity_reservations=True)
    problem = _discounted(invent.problem(seed, wish))
    sweeper, quantity = _sweeper(problem), _choice(problem, np.random.default_rng(seed))
    spot_part = None if part is None else np.full(len(problem.pools), part)
    found = sweeper(quantity, spot_part=spot_part)
    held = problem.held(quantity)
    class_held, floor = sweeper.classes.held_by_class(held), sweeper.classes.floor_units(held, len(problem.pools))
    expected = np.zeros((len(problem.weights), sweeper.segments.n_segments))
    for scenario, hour in np.ndindex(len(problem.weights), len(problem.hours)):
        one = recourse(
            problem.demand[scenario][:, [hour]],
            held=class_held[:, [hour]],
            floor=floor[:, [hour]],
            classes=sweeper.classes,
            prices=sweeper.prices,
            spot_part=spot_part if problem.in_window[hour] else None,
        )
        segment = sweeper.segments.of_hour[hour]
        expected[scenario, segment] += problem.hour_weights[hour] * one.cost_usd[0]
    assert_allclose(_priced(sweeper, found, plain_prices(len(problem.weights))), expected, rtol=1e-7, atol=1e-7)


@settings(max_examples=15)
@given(seed=seeds, kind=plans, has_spot=st.booleans(), names=st.sampled_from(PRICED))
def test_a_scenario_is_served_the_same_whatever_the_others(
    invent, seed: int, kind: str, has_spot: bool, names: tuple[str, ...]
):
    wish = invent.wish(plans=kind, has_spot=has_spot, has_capacity_reservations=True)
    problem = invent.problem(seed, wish)
    rng = np.random.default_rng(seed)
    quantity, prices = _choice(problem, rng), _prices(problem, rng, names=names)
    twice = replace(
        problem,
        demand=np.concatenate([problem.demand, problem.demand]),
        weights=np.concatenate([problem.weights, problem.weights]) / 2.0,
    )
    doubled = replace(prices, cost=np.tile(prices.cost, 2), stranded=np.tile(prices.stranded, 2))
    once, again = _sweeper(problem)(quantity, prices), _sweeper(twice)(quantity, doubled)
    for name in SUMS:
        value = getattr(once, name)
        assert_allclose(getattr(again, name), np.concatenate([value, value]), rtol=1e-12, err_msg=name)


# what may be missing


def _bare(build, *, kind: str) -> PlanningProblem:
    """A problem without instruments, with nothing to decide, or with capacity reservations alone."""
    plan = build.instrument(draw=(0.6, 0.7), fee_usd=1.0)
    room = build.instrument(draw=(1.0, np.nan), fee_usd=0.0, reserves_units=True, is_firm=True)
    instruments, batches = {
        "no instruments": ([], []),
        "no batches": ([plan], []),
        "no decisions": ([plan, room], [build.batch(instrument=0, owned=2.0), build.batch(instrument=1, owned=3.0)]),
        "only capacity reservations": ([room], [build.batch(instrument=0), build.batch(instrument=0, owned=5.0)]),
    }[kind]
    return build.problem(
        [[[4.0, 2.0, 0.0], [1.0, 2.0, 3.0]], [[3.0, 3.0, 3.0], [0.0, 0.0, 0.0]]],
        on_demand_usd=[1.0, 2.0],
        instruments=instruments,
        batches=batches,
        spot=[(0.4, 0.5), (np.nan, 0.0)],
    )


# by hand: half of the first pool's demand runs on spot at 0.4; the means of the two scenarios' hours
BARE_USD = {
    "no instruments": ((6.0 * 0.7 + 6.0 * 2.0) + 9.0 * 0.7) / 2.0,
    "no batches": ((6.0 * 0.7 + 6.0 * 2.0) + 9.0 * 0.7) / 2.0,
    "only capacity reservations": (15.0 + 6.0 * 2.0 + 15.0) / 2.0,
}
BARE = ("no instruments", "no batches", "no decisions", "only capacity reservations")


@pytest.mark.parametrize("kind", BARE)
@pytest.mark.parametrize("split_by_fee", [False, True])
def test_a_pass_needs_neither_instruments_nor_decisions(build, kind: str, split_by_fee: bool):
    problem = _bare(build, kind=kind)
    sweeper = _sweeper(problem, split_by_fee=split_by_fee)
    quantity = np.nan_to_num(problem.batches.fixed_quantity)
    plain = plain_prices(2)
    found = sweeper(quantity, plain)
    priced = _priced(sweeper, found, plain)
    _require_below(_bound_at(sweeper, found, quantity), priced)
    if kind in BARE_USD:
        assert_allclose(problem.weights @ priced.sum(axis=1), BARE_USD[kind])


@pytest.mark.parametrize("kind", BARE)
@pytest.mark.parametrize("risk_lambda", [0.0, 1.0])
@pytest.mark.parametrize("limits", [Limits(), Limits(stranded_expected_fraction=0.5)], ids=["free", "stranded"])
def test_the_search_needs_neither_instruments_nor_decisions(build, kind: str, risk_lambda: float, limits: Limits):
    problem = replace(_bare(build, kind=kind), risk_lambda=risk_lambda, limits=limits)
    if kind == "no decisions":  # what is owned strands alone, and limits are about what is bought
        owned = evaluate(problem, problem.batches.fixed_quantity, cover_classes(problem.instruments, split_by_fee=True))
        problem = replace(problem, limits=replace(limits, owned_stranded_usd=owned.stranded_usd))
    found = solve_cuts(problem, CutOptions(gap_fraction=1e-9))
    owned_only = np.nan_to_num(problem.batches.fixed_quantity)
    assert_allclose(found.quantity, owned_only, atol=1e-9)
    assert_allclose(found.upper_bound_usd, evaluate(problem, owned_only, found.classes).objective_usd)
    assert_allclose(found.lower_bound_usd, found.upper_bound_usd, rtol=1e-8)
