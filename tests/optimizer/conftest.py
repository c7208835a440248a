"""Small planning problems for the tests of this folder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from optimizer.coefficients import term_fees
from optimizer.costs import evaluate
from optimizer.cover import cover_classes
from optimizer.extensive import solve_extensive
from optimizer.legs import Succession
from optimizer.limits import CashLimit, FirmRequirement, Limits, PurchaseLimit, ShareLimit
from optimizer.problem import Batches, Instruments, PlanningProblem
from optimizer.slack import limit_values
from optimizer.solver import SolverOptions

NAN = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One row of `Instruments`; draw is nan where a pool is not covered."""

    draw: tuple[float, ...]
    fee_usd: float
    reserves_units: bool = False
    is_firm: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One row of `Batches`; cost_usd None: fee x hours held."""

    instrument: int
    start_hour: int = 0
    end_hour: int | None = None
    cost_usd: float | None = None
    upfront_usd: float = 0.0
    owned: float = float("nan")


def _make_problem(  # noqa: PLR0913  # each is one thing a test may want to set, all but two have defaults
    demand: ArrayLike,
    *,
    on_demand_usd: Sequence[float],
    instruments: Sequence[Instrument] = (),
    batches: Sequence[Batch] = (),
    spot: Sequence[tuple[float, float]] | None = None,
    limits: Limits | None = None,
    risk_lambda: float = 0.0,
    weights: Sequence[float] | None = None,
    hour_weights: Sequence[float] | None = None,
    in_window: Sequence[bool] | None = None,
) -> PlanningProblem:
    units = np.asarray(demand, dtype=float)
    n_scenarios, n_pools, n_hours = units.shape
    hours_of = np.ones(n_hours) if hour_weights is None else np.asarray(hour_weights, dtype=float)
    spot = spot or [(np.nan, 0.0)] * n_pools
    ends = [n_hours if batch.end_hour is None else batch.end_hour for batch in batches]
    fees = [
        instruments[batch.instrument].fee_usd * hours_of[batch.start_hour : end].sum()
        if batch.cost_usd is None
        else batch.cost_usd
        for batch, end in zip(batches, ends, strict=True)
    ]
    return PlanningProblem(
        pools=tuple(f"pool{p}" for p in range(n_pools)),
        hours=np.arange(n_hours),
        hour_weights=hours_of,
        discount=np.ones(n_hours),
        in_window=np.ones(n_hours, dtype=bool) if in_window is None else np.asarray(in_window, dtype=bool),
        weights=np.full(n_scenarios, 1.0 / n_scenarios) if weights is None else np.asarray(weights, dtype=float),
        demand=units,
        on_demand_usd=np.asarray(on_demand_usd, dtype=float),
        spot_usd=np.array([usd for usd, _ in spot]),
        spot_eligible=np.array([part for _, part in spot]),
        instruments=Instruments(
            names=tuple(f"offer{k}" for k in range(len(instruments))),
            draw=np.array([instrument.draw for instrument in instruments]).reshape(len(instruments), n_pools),
            fee_usd=np.array([instrument.fee_usd for instrument in instruments]),
            reserves_units=np.array([instrument.reserves_units for instrument in instruments], dtype=bool),
            is_firm=np.array([instrument.is_firm for instrument in instruments], dtype=bool),
        ),
        batches=Batches(
            instrument=np.array([batch.instrument for batch in batches], dtype=int),
            start_hour=np.array([batch.start_hour for batch in batches], dtype=int),
            end_hour=np.array(ends, dtype=int),
            cost_usd=np.array(fees),
            upfront_usd=np.array([batch.upfront_usd for batch in batches]),
            fixed_quantity=np.array([batch.owned for batch in batches]),
        ),
        limits=limits or Limits(),
        risk_lambda=risk_lambda,
    )


def _mixed(seed: int, **options: object) -> PlanningProblem:
    """Two pools, three scenarios, five hours; a reservation of each, a plan, a capacity reservation, two dates."""
    rng = np.random.default_rng(seed)
    n_hours = 5
    od = rng.uniform(1.0, 2.0, 2)
    instruments = [
        Instrument(draw=(1.0, np.nan), fee_usd=float(od[0] * rng.uniform(0.4, 0.9)), is_firm=True),
        Instrument(draw=(np.nan, 1.0), fee_usd=float(od[1] * rng.uniform(0.4, 0.9)), is_firm=True),
        Instrument(draw=tuple(float(v) for v in od * rng.uniform(0.5, 0.9, 2)), fee_usd=1.0),
        Instrument(draw=(1.0, np.nan), fee_usd=0.0, reserves_units=True, is_firm=True),
    ]
    batches = [
        Batch(instrument=0, upfront_usd=1.0),
        Batch(instrument=0, start_hour=2, upfront_usd=1.0),
        Batch(instrument=1, upfront_usd=2.0),
        Batch(instrument=2),
        Batch(instrument=2, start_hour=3),
        Batch(instrument=2, end_hour=2, owned=float(rng.uniform(0.0, 3.0))),
        Batch(instrument=3),
        Batch(instrument=3, end_hour=3, owned=float(rng.uniform(0.0, 6.0))),
    ]
    weights = rng.dirichlet(np.ones(3))
    return _make_problem(
        rng.uniform(0.0, 10.0, (3, 2, n_hours)),
        on_demand_usd=list(od),
        instruments=instruments,
        batches=batches,
        spot=[(float(od[0] * rng.uniform(0.2, 1.0)), 0.3), (np.nan, 0.0)],
        weights=list(weights),
        hour_weights=list(rng.uniform(0.5, 3.0, n_hours)),
        in_window=[True, True, True, True, False],
        **options,
    )


def _with_owned_stranded(problem: PlanningProblem) -> PlanningProblem:
    """Tell the limits what the owned portfolio of `_mixed`, one plan, strands alone."""
    draw = problem.instruments.draw[2]
    held = problem.held(np.nan_to_num(problem.batches.fixed_quantity))
    firm = np.array(problem.demand)
    firm[:, 0] = np.maximum(firm[:, 0], held[3])
    unused = np.maximum(0.0, held[2] - np.einsum("p,spt->st", draw, firm))
    owned = unused @ (problem.hour_weights * problem.in_window)
    return replace(problem, limits=replace(problem.limits, owned_stranded_usd=owned))


def _under_one_limit(name: str, fraction: float) -> PlanningProblem:
    """One problem in which the named limit binds at about the given number."""
    amounts: dict[str, Limits] = {
        "expected stranded value": Limits(stranded_expected_fraction=fraction),
        "CVaR 60 of stranded value": Limits(stranded_cvar_fraction=fraction, cvar_level=0.6),
        "minimum coverage": Limits(coverage_min_fraction=fraction),
        "maximum coverage": Limits(coverage_max_fraction=fraction),
        "spot share": Limits(spot_share_max=fraction),
        "Q1": Limits(cash=(CashLimit(batch_indices=np.array([0]), usd=fraction, label="Q1"),)),
        "offer": Limits(shares=(ShareLimit(batch_indices=np.array([0]), fraction=fraction, label="offer"),)),
        "date": Limits(purchases=(PurchaseLimit(batch_indices=np.array([0, 1]), usd=fraction, label="date"),)),
        "room": Limits(firm=(FirmRequirement(pool_index=0, start_hour=2, end_hour=9, units=fraction, label="room"),)),
    }
    rng = np.random.default_rng(11)
    return _make_problem(
        rng.uniform(1.0, 9.0, (3, 2, 12)),
        on_demand_usd=[1.0, 1.3],
        instruments=[
            Instrument(draw=(1.0, np.nan), fee_usd=0.52, is_firm=True),
            Instrument(draw=(0.61, 0.83), fee_usd=1.0),
        ],
        batches=[Batch(instrument=0, upfront_usd=1.7), Batch(instrument=1)],
        spot=[(0.3, 0.4), (np.nan, 0.0)],
        limits=amounts[name],
        weights=[0.5, 0.3, 0.2],
    )


def _at(problem: PlanningProblem, quantity: NDArray[np.float64]) -> PlanningProblem:
    """Everything bought beforehand: what remains is the recourse."""
    return replace(problem, batches=replace(problem.batches, fixed_quantity=quantity))


@dataclass(frozen=True, slots=True, kw_only=True)
class Builders:
    """What tests build problems from.

    `mixed` gives one of a fixed shape with everything in it, `under_one_limit` one in which the named limit binds, `at`
    one in which everything is bought beforehand.
    """

    problem: Callable[..., PlanningProblem]
    mixed: Callable[..., PlanningProblem]
    under_one_limit: Callable[[str, float], PlanningProblem]
    with_owned_stranded: Callable[[PlanningProblem], PlanningProblem]
    at: Callable[[PlanningProblem, NDArray[np.float64]], PlanningProblem]
    instrument: type[Instrument]
    batch: type[Batch]


@pytest.fixture(scope="session")
def build() -> Builders:
    """Builders of small planning problems."""
    return Builders(
        problem=_make_problem,
        mixed=_mixed,
        under_one_limit=_under_one_limit,
        with_owned_stranded=_with_owned_stranded,
        at=_at,
        instrument=Instrument,
        batch=Batch,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What an invented problem has.

    plans: "one" plan, two "proportional" ones, two "unlike" ones, or "real": one-year, three-year and family plans.
    has_hardware: two kinds that are owned and can be bought; one moves on to another pool, one serves two at once.
    has_outages: in some hours of each scenario there is no spot in a pool.
    has_lots: some purchases come in lots, some have a minimum, some both.
    limits: keys of `_limited`, each set so that it binds or nearly so.
    """

    plans: str = "one"
    has_spot: bool = False
    has_capacity_reservations: bool = False
    has_hardware: bool = False
    has_outages: bool = False
    has_lots: bool = False
    limits: tuple[str, ...] = ()
    risk_lambda: float = 0.0


def _invented_instruments(
    rng: np.random.Generator, on_demand_usd: NDArray[np.float64], dates: tuple[int, int], plans: str
) -> tuple[list[Instrument], list[Batch]]:
    """Reservations of each pool with two fees, a size-flexible one, plans; bought at two or three dates, some owned."""
    n_pools = len(on_demand_usd)
    instruments: list[Instrument] = []
    batches: list[Batch] = []

    def add(draw: Sequence[float], fee_usd: float, starts: Sequence[int], *, is_firm: bool = False) -> int:
        instruments.append(Instrument(draw=tuple(draw), fee_usd=fee_usd, is_firm=is_firm))
        row = len(instruments) - 1
        batches.extend(
            Batch(instrument=row, start_hour=start, upfront_usd=float(rng.uniform(0, 3))) for start in starts
        )
        return row

    for pool in range(n_pools):
        draw = [1.0 if p == pool else float("nan") for p in range(n_pools)]
        for _ in range(int(rng.integers(0, 3))):
            fee_usd = float(on_demand_usd[pool] * rng.uniform(0.4, 0.9))
            row = add(draw, fee_usd, (0, dates[0]), is_firm=True)
            if rng.uniform() < 0.5:
                batches.append(Batch(instrument=row, end_hour=dates[1], owned=float(rng.uniform(0, 4))))
    flexible = [1.0, 2.0] + [float("nan")] * (n_pools - 2)
    add(flexible, float(min(on_demand_usd[0], on_demand_usd[1] / 2) * rng.uniform(0.5, 0.95)), (0, dates[0]))
    card = on_demand_usd * rng.uniform(0.4, 0.9, n_pools)
    cards = {
        "one": [card],
        "proportional": [card, 0.8 * card],
        "unlike": [card, on_demand_usd * rng.uniform(0.4, 0.9, n_pools)],
        "real": [
            card,
            0.7 * card * rng.uniform(0.95, 1.05, n_pools),
            np.where(np.arange(n_pools) < max(2, n_pools - 1), on_demand_usd * rng.uniform(0.5, 0.85, n_pools), np.nan),
        ],
    }[plans]
    for plan in cards:
        row = add(plan.tolist(), 1.0, (0, *dates))
    batches.append(Batch(instrument=row, end_hour=dates[0], owned=float(rng.uniform(0, 3))))
    return instruments, batches


def _invent(seed: int, wish: Wish) -> PlanningProblem:
    """Invent a problem of 2 to 4 pools, 6 to 40 hours and 1 to 4 scenarios of unequal weight."""
    rng = np.random.default_rng(seed)
    n_pools, n_hours, n_scenarios = (int(rng.integers(low, high)) for low, high in ((2, 5), (6, 41), (1, 5)))
    on_demand_usd = rng.uniform(0.5, 2.0, n_pools)
    first = int(rng.integers(1, n_hours))
    dates = (first, int(rng.integers(first, n_hours)))
    instruments, batches = _invented_instruments(rng, on_demand_usd, dates, wish.plans)
    firm: tuple[FirmRequirement, ...] = ()
    if wish.has_capacity_reservations:
        draw = tuple(1.0 if p == 1 else float("nan") for p in range(n_pools))
        instruments.append(Instrument(draw=draw, fee_usd=0.0, reserves_units=True, is_firm=True))
        row = len(instruments) - 1
        batches += [
            Batch(instrument=row, end_hour=dates[0]),
            Batch(instrument=row, start_hour=dates[0]),
            Batch(instrument=row, owned=float(rng.uniform(0, 5))),
        ]
        firm = (FirmRequirement(pool_index=1, start_hour=0, end_hour=first, units=rng.uniform(4, 14), label="room"),)
    succession: Succession | None = None
    if wish.has_hardware:
        least_usd = float(on_demand_usd[:2].min())
        succession = _add_hardware(rng, instruments, batches, least_usd=least_usd, n_hours=n_hours)
    spot = [(float(usd * rng.uniform(0.2, 1.1)), float(rng.uniform(0, 0.6))) for usd in on_demand_usd]
    mean = rng.uniform(0, 8, n_pools)[None, :, None] * rng.uniform(0.5, 1.5, (n_scenarios, n_pools, 1))
    season = 1 + 0.8 * rng.uniform(0, 1, n_hours)
    demand = np.maximum(0.0, mean * season + rng.normal(0, 1, (n_scenarios, n_pools, n_hours)))
    problem = _make_problem(
        demand,
        on_demand_usd=on_demand_usd.tolist(),
        instruments=instruments,
        batches=batches,
        spot=spot if wish.has_spot else None,
        risk_lambda=wish.risk_lambda,
        weights=rng.dirichlet(np.full(n_scenarios, 3.0)).tolist(),
        hour_weights=rng.integers(1, 4, n_hours).astype(float).tolist(),
        in_window=(np.arange(n_hours) < max(dates[1], 2)).tolist(),
        limits=Limits(cvar_level=0.6, firm=firm),
    )
    problem = replace(problem, instruments=replace(problem.instruments, succession=succession))
    tightness = float(rng.uniform(0.3, 0.9))
    if wish.has_outages:
        problem = replace(problem, spot_available=rng.uniform(size=problem.demand.shape) < 0.7)
    if wish.has_lots:
        lots, minima = rng.choice([0.0, 0.0, 0.5, 1.0], (2, problem.batches.n_batches))
        problem = replace(problem, batches=replace(problem.batches, step=lots, minimum=2.0 * minima))
    return _limited(problem, wish.limits, tightness=tightness) if wish.limits else problem


def _add_hardware(
    rng: np.random.Generator, instruments: list[Instrument], batches: list[Batch], *, least_usd: float, n_hours: int
) -> Succession:
    """Add hardware that moves on from the first pool to the second, and such as serves both; some of it is owned."""
    first, rest = len(instruments), (NAN,) * (len(instruments[0].draw) - 2)
    fee = least_usd * rng.uniform(0.4, 0.9, 2)
    for draw, usd, is_firm in (((1.0, NAN), fee[0], True), ((NAN, 0.5), fee[0], True), ((0.6, 1.0), fee[1], False)):
        instruments.append(Instrument(draw=(*draw, *rest), fee_usd=float(usd), is_firm=is_firm))
    for row, owned in ((first, NAN), (first + 2, NAN), (first, float(rng.uniform(0, 2))), (first + 2, NAN)):
        start_hour = int(rng.integers(0, n_hours))  # some time after its order
        upfront_usd = float(rng.uniform(1, 4))
        batches.append(Batch(instrument=row, start_hour=start_hour, upfront_usd=upfront_usd, owned=owned))
    age = int(rng.integers(1, n_hours))
    return Succession(
        next_row=np.array([-1] * first + [first + 1, -1, -1]), after_hours=np.array([0] * first + [age, 0, 0])
    )


def _limited(problem: PlanningProblem, names: tuple[str, ...], *, tightness: float) -> PlanningProblem:
    """Set limits to a part of what the optimum without them takes."""
    classes = cover_classes(problem.instruments, split_by_fee=True)
    owned = evaluate(problem, np.nan_to_num(problem.batches.fixed_quantity), classes).stranded_usd
    problem = replace(problem, limits=replace(problem.limits, owned_stranded_usd=owned))
    free = solve_extensive(problem, SolverOptions()).quantity
    value = limit_values(problem, free, evaluate(problem, free, classes))
    decided = np.flatnonzero(problem.batches.is_decision)
    upfront = float(problem.batches.upfront_usd[decided] @ free[decided])
    share = ShareLimit(batch_indices=decided[-3:], fraction=0.2 * tightness, label="share")
    committed = float(term_fees(problem)[decided] @ free[decided])
    end_hour = int(problem.hours[-1]) + 1
    room = FirmRequirement(pool_index=0, start_hour=0, end_hour=end_hour, units=8.0 * tightness, label="room of first")
    known = {
        "stranded": {"stranded_expected_fraction": value.stranded_expected * tightness},
        "stranded CVaR": {"stranded_cvar_fraction": value.stranded_cvar * tightness},
        "coverage floor": {"coverage_min_fraction": 1 - (1 - value.coverage) * (0.5 + tightness / 2)},
        "coverage between": {
            "coverage_min_fraction": 0.6 * value.coverage * tightness,
            "coverage_max_fraction": value.coverage * (1 + tightness) / 2,
        },
        "coverage ceiling": {"coverage_max_fraction": value.coverage * tightness},
        "spot": {"spot_share_max": value.spot_share * tightness},
        "cash": {"cash": (CashLimit(batch_indices=decided, usd=upfront * tightness, label="cash"),)},
        "share": {"shares": (share,)},
        "shares": {"shares": (share, *_shares_of_all(problem, tightness))},
        "date": {"purchases": (PurchaseLimit(batch_indices=decided, usd=committed * tightness, label="date"),)},
        "firm": {"firm": (*problem.limits.firm, room)},
        "some firm": {"firm": (*problem.limits.firm, replace(room, units=1.5 * tightness))},
    }
    changes = {field: limit for name in names for field, limit in known[name].items()}
    return replace(problem, limits=replace(problem.limits, **changes))


def _shares_of_all(problem: PlanningProblem, tightness: float) -> tuple[ShareLimit, ...]:
    """Ceilings on each offer, and on what is held to the end, as a term."""
    batches, limits = problem.batches, []
    decided = np.flatnonzero(batches.is_decision)
    for row in np.unique(batches.instrument[decided]).tolist():
        mine = decided[batches.instrument[decided] == row]
        limits.append(ShareLimit(batch_indices=mine, fraction=0.5 + 0.5 * tightness, label=f"offer {row}"))
    late = decided[batches.start_hour[decided] > 0]
    return (*limits, ShareLimit(batch_indices=late, fraction=tightness, label="term"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventors:
    """What tests invent problems with."""

    problem: Callable[[int, Wish], PlanningProblem]
    wish: type[Wish]


@pytest.fixture(scope="session")
def invent() -> Inventors:
    """Inventor of small planning problems with everything in them."""
    return Inventors(problem=_invent, wish=Wish)
