"""The extensive program in PuLP: its variables, its cost and the rows that are physics and billing.

The reference for every other method; docs/optimizer.md has it as formulas. Not here: the limits of the policy
(`optimizer.limit_rows`), putting the rows together and reading the answer (`optimizer.extensive`).

Letters in names of variables and rows: b batch, k instrument, p pool, t hour (column), s scenario.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import pulp

from forecasting.arrays import BoolArray, FloatArray
from optimizer.coefficients import covers_pool, firm_units, most_reserved_units, reserves_pool
from optimizer.legs import Legs
from optimizer.problem import PlanningProblem

Variable: TypeAlias = pulp.LpVariable
Expression: TypeAlias = pulp.LpAffineExpression
Term: TypeAlias = tuple[Variable, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LimitRow:
    """One limit of the policy as a row of the program.

    Attributes
    ----------
    row : str
        Name of its constraint.
    label : str
        Its name for people.
    unit : str
        fraction, USD or units.
    limit : float
        The number the policy states.
    is_floor : bool
        Whether it is a minimum.
    scale : float
        What a change is measured by when limits must give, in the unit of the row.
    base : Expression or None
        What a fraction is taken of; None where the limit is an amount. [USD]
    """

    row: str
    label: str
    unit: str
    limit: float
    is_floor: bool = False
    scale: float
    base: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Program:
    """The program under construction, and its variables.

    Attributes
    ----------
    problem : PlanningProblem
    lp : pulp.LpProblem
    legs : Legs
        What each batch serves by which instrument.
    active : BoolArray of shape (n_legs, n_hours)
        Whether a leg runs.
    firm_units : FloatArray of shape (n_scenarios, n_pools, n_hours)
        Demand, or the owned capacity reservations where they are more: billed whatever is bought. [units]
    quantity : tuple of Variable
        x[b], owned ones fixed.
    cover : dict from (k, p, t, s)
        Units of `firm_units` that an instrument covers.
    idle_cover : dict from (k, p, t, s)
        Idle units of newly bought capacity reservations that an instrument covers. No limit counts them as use:
        that they can be no more than the idle units is not convex, and a limit could be met by them in name only.
    on_demand, idle_on_demand, spot : dict from (p, t, s)
        Units billed at the on-demand rate, idle ones of new capacity reservations at that rate, units on spot (only
        where spot is there and costs less, so that no limit is met by paying more for it).
    stranded_usd : dict from s
        Filled by the family that defines it. [USD]
    limit_rows : list of LimitRow
        Filled by the families that are limits.
    relaxation : dict from row name, or None
        In an elastic program, by how much each limit gives; None: limits hold.
    """

    problem: PlanningProblem
    lp: pulp.LpProblem
    legs: Legs
    active: BoolArray
    firm_units: FloatArray
    quantity: tuple[Variable, ...]
    cover: dict[tuple[int, int, int, int], Variable] = field(default_factory=dict)
    idle_cover: dict[tuple[int, int, int, int], Variable] = field(default_factory=dict)
    on_demand: dict[tuple[int, int, int], Variable] = field(default_factory=dict)
    idle_on_demand: dict[tuple[int, int, int], Variable] = field(default_factory=dict)
    spot: dict[tuple[int, int, int], Variable] = field(default_factory=dict)
    stranded_usd: dict[int, Variable] = field(default_factory=dict)
    limit_rows: list[LimitRow] = field(default_factory=list)
    relaxation: dict[str, Variable] | None = None


def declare_variables(problem: PlanningProblem, *, is_elastic: bool = False) -> Program:
    """Declare every variable that can be above zero, without a row."""
    lp = pulp.LpProblem("plan", pulp.LpMinimize)
    most = [float(units) if np.isfinite(units) else None for units in most_reserved_units(problem)]
    quantity = tuple(
        lp.add_variable(f"x_{b}", 0.0, most[b]) if np.isnan(owned) else lp.add_variable(f"x_{b}", owned, owned)
        for b, owned in enumerate(problem.batches.fixed_quantity.tolist())
    )
    program = Program(
        problem=problem,
        lp=lp,
        legs=problem.legs,
        active=problem.legs.active(problem.hours),
        firm_units=firm_units(problem),
        quantity=quantity,
        relaxation={} if is_elastic else None,
    )
    n_scenarios, n_pools, n_hours = problem.demand.shape
    runs_on_spot = _runs_on_spot(problem)
    is_held = problem.held(np.ones(problem.batches.n_batches)) > 0
    covers: BoolArray = covers_pool(problem)[:, :, None] & is_held[:, None, :]
    reserves: BoolArray = np.any(reserves_pool(problem)[:, :, None] & is_held[:, None, :], axis=0)
    for p, t, s in np.ndindex(n_pools, n_hours, n_scenarios):
        place = f"{p}_{t}_{s}"
        program.on_demand[p, t, s] = lp.add_variable(f"on_demand_{place}", 0.0)
        if runs_on_spot[s, p, t]:
            program.spot[p, t, s] = lp.add_variable(f"spot_{place}", 0.0)
        if reserves[p, t]:
            program.idle_on_demand[p, t, s] = lp.add_variable(f"idle_on_demand_{place}", 0.0)
        for k in np.flatnonzero(covers[:, p, t]).tolist():
            program.cover[k, p, t, s] = lp.add_variable(f"cover_{k}_{place}", 0.0)
            if reserves[p, t]:
                program.idle_cover[k, p, t, s] = lp.add_variable(f"idle_cover_{k}_{place}", 0.0)
    return program


def _runs_on_spot(problem: PlanningProblem) -> BoolArray:
    """Whether a part of the pool's demand may run on spot, and saves there. Shape (n_scenarios, n_pools, n_hours)."""
    saves = (problem.spot_eligible > 0) & (np.nan_to_num(problem.spot_usd, nan=np.inf) < problem.on_demand_usd)
    everywhere: BoolArray = np.broadcast_to(saves[None, :, None], problem.demand.shape)
    return everywhere if problem.spot_available is None else everywhere & problem.spot_available


def add_expected_cost(program: Program) -> None:
    """Minimize fees + sum_s w_s recourse_s."""
    weighted = zip(program.problem.weights, _recourse_terms(program), strict=True)
    recourse = [(variable, float(w) * usd) for w, terms in weighted for variable, usd in terms]
    program.lp.setObjective(linear([*_fee_terms(program), *recourse]))


def add_cost_cvar(program: Program) -> None:
    """Add risk_lambda x CVaR to the objective: eta + sum_s w_s y_s / (1 - level), y_s >= cost_s - eta."""
    problem = program.problem
    if problem.risk_lambda == 0.0:
        return
    eta = program.lp.add_variable("cost_quantile")
    tail = [program.lp.add_variable(f"cost_tail_{s}", 0.0) for s in range(len(problem.weights))]
    cvar = linear(cvar_terms(problem, eta, tail))
    objective = program.lp.objective
    program.lp.setObjective(cvar * problem.risk_lambda + (0.0 if objective is None else objective))
    for s, (excess, recourse) in enumerate(zip(tail, _recourse_terms(program), strict=True)):
        cost = linear([*_fee_terms(program), *recourse])
        program.lp.addConstraint(excess + eta - cost >= 0, f"cost_tail_{s}")


def add_demand_balance(program: Program) -> None:
    """Every firm unit is covered, on demand or on spot: sum_k cover + on_demand + spot = firm."""
    covering = _by_place(program.cover)
    for (p, t, s), on_demand in program.on_demand.items():
        terms = [(on_demand, 1.0), *((v, 1.0) for v in covering.get((p, t, s), ()))]
        if (p, t, s) in program.spot:
            terms.append((program.spot[p, t, s], 1.0))
        program.lp.addConstraint(linear(terms) == float(program.firm_units[s, p, t]), f"demand_{p}_{t}_{s}")


def add_instrument_capacity(program: Program) -> None:
    """No instrument covers more than is held: sum_p draw x (cover + idle_cover) <= sum_b x."""
    draw = program.problem.instruments.draw
    used: dict[tuple[int, int, int], list[Term]] = {}
    for covering in (program.cover, program.idle_cover):
        for (k, p, t, s), units in covering.items():
            used.setdefault((k, t, s), []).append((units, float(draw[k, p])))
    for (k, t, s), terms in used.items():
        held = linear(_held_terms(program, k, t))
        program.lp.addConstraint(linear(terms) - held <= 0, f"capacity_{k}_{t}_{s}")


def add_spot_eligibility(program: Program) -> None:
    """Only a part of demand may run on spot: spot <= eligible x demand."""
    problem = program.problem
    for (p, t, s), spot in program.spot.items():
        eligible_units = float(problem.spot_eligible[p] * problem.demand[s, p, t])
        program.lp.addConstraint(spot + 0.0 <= eligible_units, f"spot_{p}_{t}_{s}")


def add_capacity_reservation_floor(program: Program) -> None:
    """Idle reserved capacity is billed: firm - spot + idle_on_demand + sum_k idle_cover >= sum_b x."""
    reserves = reserves_pool(program.problem)
    covering = _by_place(program.idle_cover)
    for (p, t, s), idle in program.idle_on_demand.items():
        terms = [(idle, 1.0), *((v, 1.0) for v in covering.get((p, t, s), ()))]
        if (p, t, s) in program.spot:
            terms.append((program.spot[p, t, s], -1.0))
        for k in np.flatnonzero(reserves[:, p]):
            terms += [(v, -units) for v, units in _held_terms(program, int(k), t)]
        program.lp.addConstraint(linear(terms) >= -float(program.firm_units[s, p, t]), f"idle_{p}_{t}_{s}")


def linear(terms: Iterable[Term]) -> Expression:
    """Sum of coefficient x variable; a variable may come twice, and not at all where it counts nothing."""
    expression = Expression()
    for variable, coefficient in terms:
        if coefficient != 0.0:
            expression.addterm(variable, float(coefficient))
    return expression


def _held_terms(program: Program, k: int, t: int) -> list[Term]:
    """Quantity of instrument k held in hour t."""
    legs = program.legs
    held = program.active[:, t] & (legs.instrument == k)
    return [(program.quantity[b], 1.0) for b in legs.batch[held].tolist()]


def _fee_terms(program: Program) -> list[Term]:
    """Cost of all batches."""
    return list(zip(program.quantity, program.problem.batches.cost_usd.tolist(), strict=True))


def _recourse_terms(program: Program) -> list[list[Term]]:
    """Discounted cost of what is not covered, for each scenario."""
    problem = program.problem
    hour = problem.hour_weights * problem.discount
    terms: list[list[Term]] = [[] for _ in problem.weights]
    for units, rate_usd in (
        (program.on_demand, problem.on_demand_usd),
        (program.idle_on_demand, problem.on_demand_usd),
        (program.spot, problem.spot_usd),
    ):
        for (p, t, s), variable in units.items():
            terms[s].append((variable, float(hour[t] * rate_usd[p])))
    return terms


def cvar_terms(problem: PlanningProblem, eta: Variable, tail: list[Variable]) -> list[Term]:
    """Rockafellar-Uryasev: eta + sum_s w_s y_s / (1 - level)."""
    outside = 1.0 - problem.limits.cvar_level
    return [(eta, 1.0), *((y, float(w) / outside) for y, w in zip(tail, problem.weights, strict=True))]


def _by_place(
    cover: dict[tuple[int, int, int, int], Variable],
) -> dict[tuple[int, int, int], list[Variable]]:
    """Variables of all instruments, by (p, t, s)."""
    places: dict[tuple[int, int, int], list[Variable]] = {}
    for (_, p, t, s), variable in cover.items():
        places.setdefault((p, t, s), []).append(variable)
    return places
