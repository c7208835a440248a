import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from scipy.optimize import linprog

from optimizer.cover import CoverClasses, cover_classes
from optimizer.problem import Instruments
from optimizer.recourse import Recourse, UnitPrices, frozen_prices, recourse

NAN = float("nan")
Floats = NDArray[np.float64]
seeds = st.integers(0, 10**6)


def _classes(draw: Floats, fee_usd: Floats | None = None) -> CoverClasses:
    n = len(draw)
    instruments = Instruments(
        names=tuple(f"offer{k}" for k in range(n)),
        draw=draw,
        fee_usd=np.ones(n) if fee_usd is None else fee_usd,
        reserves_units=np.zeros(n, dtype=bool),
        is_firm=np.zeros(n, dtype=bool),
    )
    return cover_classes(instruments, split_by_fee=fee_usd is not None)


def _column_optimum(demand: Floats, held: Floats, floor: Floats, draw: Floats, prices: UnitPrices) -> float:
    """Least cost of one column by its linear program: cover by pair, on demand, spot and idle units, all >= 0."""
    n_pools = len(demand)
    pairs = np.argwhere(np.isfinite(draw))
    n = len(pairs) + 2 * n_pools
    spot = np.arange(len(pairs) + n_pools, n)
    cost = np.concatenate([np.zeros(len(pairs)), prices.on_demand_usd, np.nan_to_num(prices.spot_usd)])
    serve, hold = np.zeros((n_pools, n)), np.zeros((len(held), n))
    for place, (row, pool) in enumerate(pairs):
        serve[pool, place], hold[row, place] = 1.0, draw[row, pool]
    serve[np.arange(n_pools), len(pairs) + np.arange(n_pools)] = 1.0
    # billed units are max(demand - spot, floor)
    off_spot, reserved = serve.copy(), serve.copy()
    off_spot[np.arange(n_pools), spot] = 1.0
    bounds = [(0, None)] * (n - n_pools) + [(0, p * d) for p, d in zip(prices.uses_spot, demand, strict=True)]
    found = linprog(
        cost,
        A_ub=np.vstack([-off_spot, -reserved, hold]),
        b_ub=np.concatenate([-demand, -floor, held]),
        bounds=bounds,
    )
    assert found.status == 0
    return float(found.fun)


def _random(
    seed: int, *, n_columns: int = 12, n_wide: int = 3
) -> tuple[Floats, Floats, Floats, Floats, UnitPrices, np.random.Generator]:
    rng = np.random.default_rng(seed)
    n_pools = int(rng.integers(2, 5))
    on_demand_usd = rng.uniform(0.5, 2.0, n_pools)
    narrow = np.where(np.eye(n_pools) > 0, 1.0, NAN)
    flexible = np.where(np.arange(n_pools) < 2, [1.0, 2.0, 1.0, 1.0][:n_pools], NAN)[None]
    cards = on_demand_usd * rng.uniform(0.4, 0.9, (n_wide, n_pools))
    cards[rng.uniform(size=cards.shape) < 0.2] = NAN
    cards[:, 0] = on_demand_usd[0] * rng.uniform(0.4, 0.9, n_wide)
    draw = np.vstack([narrow, flexible, cards])
    is_on_spot = rng.uniform(size=n_pools) < 0.5
    prices = frozen_prices(
        on_demand_usd,
        np.where(is_on_spot, on_demand_usd * rng.uniform(0.2, 1.2, n_pools), NAN),
        np.where(is_on_spot, rng.uniform(0.1, 1.0, n_pools), 0.0),
    )
    demand = rng.uniform(0.0, 8.0, (n_pools, n_columns))
    held = rng.uniform(0.0, 6.0, (len(draw), n_columns)) * (rng.uniform(size=(len(draw), n_columns)) < 0.7)
    floor = np.where(rng.uniform(size=(n_pools, 1)) < 0.4, rng.uniform(0.0, 8.0, (n_pools, n_columns)), 0.0)
    return demand, held, floor, draw, prices, rng


def _served(demand: Floats, held: Floats, floor: Floats, draw: Floats, prices: UnitPrices) -> Recourse:
    classes = _classes(draw)
    quantities = classes.held_by_class(held)
    return recourse(demand, held=quantities, floor=floor, classes=classes, prices=prices)


@given(seed=seeds)
def test_costs_what_each_columns_linear_program_costs(seed: int):
    demand, held, floor, draw, prices, _ = _random(seed)
    found = _served(demand, held, floor, draw, prices)
    exact = [_column_optimum(demand[:, c], held[:, c], floor[:, c], draw, prices) for c in range(demand.shape[1])]
    assert_allclose(found.cost_usd, exact, rtol=1e-7, atol=1e-7)


@given(seed=seeds)
def test_no_other_quantities_save_more_than_their_prices_say(seed: int):
    demand, held, floor, draw, prices, rng = _random(seed)
    classes = _classes(draw)
    found = _served(demand, held, floor, draw, prices)
    others = rng.uniform(0.0, 6.0, held.shape) * (rng.uniform(size=held.shape) < 0.7)
    more = classes.held_by_class(others) - classes.held_by_class(held)
    least = found.cost_usd - np.sum(found.class_price_usd * more, axis=0)
    assert np.all(_served(demand, others, floor, draw, prices).cost_usd >= least - 1e-7)


@given(seed=seeds)
def test_the_price_of_the_widest_class_is_what_one_more_quantity_saves(seed: int):
    demand, held, floor, draw, prices, _ = _random(seed, n_wide=1)
    draw[-1] = np.where(np.isnan(draw[-1]), 0.6 * prices.on_demand_usd, draw[-1])
    classes = _classes(draw)
    found = recourse(demand, held=classes.held_by_class(held), floor=floor, classes=classes, prices=prices)
    more = held.copy()
    more[-1] += 1e-6
    saved = found.cost_usd - _served(demand, more, floor, draw, prices).cost_usd
    row = classes.class_of[-1]
    is_held = held[-1] > 0.0  # where it is not, the price may say more than the next quantity saves
    price = found.class_price_usd[row] * classes.scale[-1]
    assert_allclose(price[is_held], saved[is_held] / 1e-6, atol=1e-3)
    assert np.all(price >= saved / 1e-6 - 1e-3)


@given(seed=seeds)
def test_every_unit_is_served_and_no_class_covers_more_than_is_held(seed: int):
    demand, held, floor, draw, prices, _ = _random(seed)
    classes = _classes(draw)
    quantities = classes.held_by_class(held)
    found = recourse(demand, held=quantities, floor=floor, classes=classes, prices=prices)
    assert np.all(found.used <= quantities + 1e-9)
    assert np.all(found.used >= -1e-9)
    assert np.all(found.spot_units <= prices.uses_spot[:, None] * demand + 1e-9)
    assert np.all(found.on_demand_units >= -1e-9)
    assert_allclose(
        found.cost_usd,
        prices.on_demand_usd @ found.on_demand_units + np.nan_to_num(prices.spot_usd) @ found.spot_units,
    )


def test_idle_units_of_a_capacity_reservation_are_billed_and_coverable():
    prices = frozen_prices(np.array([1.0]), np.array([NAN]), np.array([0.0]))
    classes = _classes(np.array([[0.5]]))
    found = recourse(
        np.array([[4.0, 4.0, 12.0]]),
        held=np.array([[0.0, 5.0, 0.0]]),
        floor=np.full((1, 3), 10.0),
        classes=classes,
        prices=prices,
    )
    assert_allclose(found.cost_usd, [10.0, 0.0, 12.0])
    assert_allclose(found.used, [[0.0, 5.0, 0.0]])
    assert_allclose(found.class_price_usd, [[2.0, 0.0, 2.0]])


@pytest.mark.parametrize(("part", "spot_units", "cost_usd"), [(None, 4.0, 5.0), (0.5, 2.0, 6.5), (0.0, 0.0, 8.0)])
def test_spot_is_used_as_far_as_the_part_that_may_run_on_it(part: float | None, spot_units: float, cost_usd: float):
    prices = frozen_prices(np.array([1.0]), np.array([0.25]), np.array([0.5]))
    found = recourse(
        np.full((1, 2), 8.0),
        held=np.zeros((0, 2)),
        floor=np.zeros((1, 2)),
        classes=_classes(np.zeros((0, 1))),
        prices=prices,
        spot_part=None if part is None else np.array([part]),
    )
    assert_allclose(found.spot_units[0], spot_units)
    assert_allclose(found.cost_usd, cost_usd)


@pytest.mark.parametrize(("is_forced", "cost_usd"), [(False, 4.0), (True, 6.0)])
def test_a_class_that_serves_its_smallest_draw_first_does_so_whatever_it_costs(is_forced: bool, cost_usd: float):
    # the small size saves 2 USD per normalized unit, the large one 3
    prices = frozen_prices(np.array([2.0, 6.0]), np.array([NAN, NAN]), np.zeros(2))
    classes = _classes(np.array([[1.0, 2.0]]))
    forced = CoverClasses(
        draw=classes.draw,
        class_of=classes.class_of,
        scale=classes.scale,
        fee_usd=classes.fee_usd,
        floor_pool=classes.floor_pool,
        turn=classes.turn,
        smallest_first=np.array([is_forced]),
    )
    found = recourse(
        np.array([[2.0], [1.0]]), held=np.array([[2.0]]), floor=np.zeros((2, 1)), classes=forced, prices=prices
    )
    assert_allclose(found.cost_usd, [cost_usd])
