"""The extensive program put together, solved and read back; and, when its limits cannot all be met, what must give.

Not here: the rows (`optimizer.program`, `optimizer.limit_rows`), the method for large problems.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray, frozen_floats
from optimizer import limit_rows, program
from optimizer.coefficients import reserves_pool
from optimizer.errors import InfeasibleLimitsError
from optimizer.problem import PlanningProblem
from optimizer.program import LimitRow, Program, Variable, declare_variables, linear
from optimizer.relaxation import Relaxation, relaxation_message
from optimizer.solver import SolverOptions, solve_program

RELAXATION_TOLERANCE = 1e-6  # below that part of its scale a limit does not give: ten times the solver's tolerance

COST_FAMILIES: tuple[Callable[[Program], None], ...] = (program.add_expected_cost, program.add_cost_cvar)
ROW_FAMILIES: tuple[Callable[[Program], None], ...] = (
    program.add_demand_balance,
    program.add_instrument_capacity,
    program.add_spot_eligibility,
    program.add_capacity_reservation_floor,
    limit_rows.add_stranded_value,
    limit_rows.add_stranded_expected,
    limit_rows.add_stranded_cvar,
    limit_rows.add_coverage_min,
    limit_rows.add_coverage_max,
    limit_rows.add_spot_share,
    limit_rows.add_cash,
    limit_rows.add_shares,
    limit_rows.add_purchases,
    limit_rows.add_firm_capacity,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExtensiveSolution:
    """Optimum of the extensive program.

    Attributes
    ----------
    quantity : FloatArray of shape (n_batches,)
        Owned batches included.
    objective_usd : float
        Expected cost, fees of what is owned included, + risk_lambda x CVaR. [USD]
    cover_units : FloatArray of shape (n_scenarios, n_instruments, n_pools, n_hours)
        Units that an instrument covers, idle ones of capacity reservations included. [units]
    on_demand_units : FloatArray of shape (n_scenarios, n_pools, n_hours)
        Units billed on demand, idle ones included. [units]
    spot_units : FloatArray of shape (n_scenarios, n_pools, n_hours)
        [units]
    duals : dict of str to float
        Change of the optimum per unit added to a limit's right-hand side, by label; the unit is USD (units for firm
        capacity): 0 where it does not bind, negative for a ceiling that does, positive for a floor that does. Firm
        capacity is priced by the first pass of `solve_extensive`, where it is still to be decided.
    reduced_cost_usd : FloatArray of shape (n_batches,)
        Rise of the optimum for the next unit of each batch, prices of limits included; nan where owned. Of capacity
        reservations by the first pass, too. [USD per quantity]
    """

    quantity: FloatArray
    objective_usd: float
    cover_units: FloatArray
    on_demand_units: FloatArray
    spot_units: FloatArray
    duals: dict[str, float]
    reduced_cost_usd: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("quantity", "cover_units", "on_demand_units", "spot_units", "reduced_cost_usd"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))


def build_program(problem: PlanningProblem) -> Program:
    """Build the whole program: minimize expected cost + `risk_lambda` x CVaR of cost, within all limits."""
    built = declare_variables(problem)
    for add_family in (*COST_FAMILIES, *ROW_FAMILIES):
        add_family(built)
    return built


def build_elastic_program(problem: PlanningProblem) -> Program:
    """Build the same rows where every limit may give: minimize the sum of what gives, each measured by its scale."""
    built = declare_variables(problem, is_elastic=True)
    for add_family in ROW_FAMILIES:
        add_family(built)
    relaxation = built.relaxation or {}
    built.lp.setObjective(linear((relaxation[limit.row], 1.0 / limit.scale) for limit in built.limit_rows))
    return built


def solve_extensive(problem: PlanningProblem, options: SolverOptions) -> ExtensiveSolution:
    """Find the optimum by the extensive program.

    Where limits count use (stranded value, coverage) and capacity reservations are bought, it is solved twice. "Idle
    units are no more than reserved units - demand" is not convex in what is reserved, so the first pass lets
    commitments cover idle units but counts none of that as use, which is cautious. The second pass takes the capacity
    reservations of the first as owned: their idle units are then known, and count exactly. It never costs more.

    Raises
    ------
    InfeasibleLimitsError
        If the limits cannot all be met; the message says which must give, and by how much.
    SolverError
        If the solver stops, or the program is unbounded.
    """
    try:
        first = _solve_once(problem, options)
    except InfeasibleLimitsError as error:
        relaxations, quantity = _relax_twice(problem, options)
        if relaxations:
            raise InfeasibleLimitsError(relaxation_message(relaxations)) from error
        return _solve_once(_with_reservations(problem, quantity), options)  # only the first pass's caution forbade it
    chosen = _with_reservations(problem, first.quantity)
    if chosen is problem:
        return first
    second = _solve_once(chosen, options)
    firm_duals = {firm.label: first.duals[firm.label] for firm in problem.limits.firm}
    was_decided = np.isnan(second.reduced_cost_usd)
    reduced = np.where(was_decided, first.reduced_cost_usd, second.reduced_cost_usd)
    return replace(second, duals={**second.duals, **firm_duals}, reduced_cost_usd=reduced)


def smallest_relaxation(problem: PlanningProblem, options: SolverOptions) -> tuple[Relaxation, ...]:
    """Find which limits must give so that all can be met: the smallest sum of changes, each measured by its scale.

    Amounts are measured by the limit itself, fractions by the on-demand cost of the window. Empty if all can be met.

    Raises
    ------
    SolverError
        If the solver stops.
    """
    return _relax_twice(problem, options)[0]


def _relax_twice(problem: PlanningProblem, options: SolverOptions) -> tuple[tuple[Relaxation, ...], FloatArray]:
    """Find what must give, by the two passes of `solve_extensive`, and quantities that then meet every limit."""
    relaxations, quantity = _relax_once(problem, options)
    chosen = _with_reservations(problem, quantity)
    if not relaxations or chosen is problem:
        return relaxations, quantity
    return _relax_once(chosen, options)


def _relax_once(problem: PlanningProblem, options: SolverOptions) -> tuple[tuple[Relaxation, ...], FloatArray]:
    """One pass of `_relax_twice`."""
    built = build_elastic_program(problem)
    if not built.limit_rows:
        return (), np.nan_to_num(problem.batches.fixed_quantity)
    solve_program(built.lp, options)
    relaxation = built.relaxation or {}
    relaxations = tuple(
        _relaxed(limit, _value(relaxation[limit.row]))
        for limit in built.limit_rows
        if _value(relaxation[limit.row]) > RELAXATION_TOLERANCE * limit.scale
    )
    return relaxations, np.array([_value(variable) for variable in built.quantity])


def _solve_once(problem: PlanningProblem, options: SolverOptions) -> ExtensiveSolution:
    """One pass of `solve_extensive`."""
    built = build_program(problem)
    solved = solve_program(built.lp, options)
    quantity = np.array([_value(variable) for variable in built.quantity])
    spot = _read(built.spot, problem.demand.shape)
    idle_cover, idle_on_demand = _idle_units(built, quantity, spot)
    return ExtensiveSolution(
        quantity=quantity,
        objective_usd=solved.objective,
        cover_units=_read_cover(built.cover, problem) + idle_cover,
        on_demand_units=_read(built.on_demand, problem.demand.shape) + idle_on_demand,
        spot_units=spot,
        duals={limit.label: solved.duals[limit.row] for limit in built.limit_rows},
        reduced_cost_usd=np.where(
            problem.batches.is_decision, [_reduced_cost(variable) for variable in built.quantity], np.nan
        ),
    )


def _with_reservations(problem: PlanningProblem, quantity: FloatArray) -> PlanningProblem:
    """Take the capacity reservations bought as owned; the same problem where that changes nothing."""
    batches = problem.batches
    is_bought = batches.is_decision & problem.instruments.reserves_units[batches.instrument] & (quantity > 0.0)
    if not _counts_use(problem) or not is_bought.any():
        return problem
    fixed = np.where(is_bought, quantity, batches.fixed_quantity)
    return replace(problem, batches=replace(batches, fixed_quantity=fixed))


def _counts_use(problem: PlanningProblem) -> bool:
    """Whether a limit depends on what commitments cover."""
    limits = problem.limits
    counting = (
        limits.stranded_expected_fraction,
        limits.stranded_cvar_fraction,
        limits.coverage_min_fraction,
        limits.coverage_max_fraction,
    )
    return any(fraction is not None for fraction in counting)


def _relaxed(limit: LimitRow, excess: float) -> Relaxation:
    """Turn an excess in the unit of the row into a change in the unit of the limit."""
    base = 1.0 if limit.base is None else float(limit.base.value())
    if base <= 0.0:
        msg = f"{limit.label} must hold before anything is bought, got an excess of {excess!r} USD: owned_stranded_usd "
        msg += "must be what the owned portfolio strands alone."
        raise ValueError(msg)
    by = excess / base
    to = limit.limit - by if limit.is_floor else limit.limit + by
    return Relaxation(label=limit.label, unit=limit.unit, is_floor=limit.is_floor, by=by, to=to)


def _idle_units(built: Program, quantity: FloatArray, spot: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Idle units of new capacity reservations, covered and on demand, cut to what is idle: more of them is free."""
    problem = built.problem
    reserved = reserves_pool(problem).astype(np.float64).T @ problem.held(quantity)
    idle = np.maximum(0.0, reserved[None, :, :] - (built.firm_units - spot))
    covered = _read_cover(built.idle_cover, problem)
    total = covered.sum(axis=1)
    kept = np.divide(np.minimum(total, idle), total, out=np.zeros_like(total), where=total > 0)
    covered = covered * kept[:, None, :, :]
    return covered, idle - covered.sum(axis=1)


def _read(units: Mapping[tuple[int, int, int], Variable], shape: tuple[int, ...]) -> FloatArray:
    """Values by (p, t, s) as an array of shape (n_scenarios, n_pools, n_hours)."""
    out = np.zeros(shape)
    for (p, t, s), variable in units.items():
        out[s, p, t] = _value(variable)
    return out


def _read_cover(units: Mapping[tuple[int, int, int, int], Variable], problem: PlanningProblem) -> FloatArray:
    """Values by (k, p, t, s) as an array of shape (n_scenarios, n_instruments, n_pools, n_hours)."""
    n_scenarios, n_pools, n_hours = problem.demand.shape
    out = np.zeros((n_scenarios, len(problem.instruments.names), n_pools, n_hours))
    for (k, p, t, s), variable in units.items():
        out[s, k, p, t] = _value(variable)
    return out


def _reduced_cost(variable: Variable) -> float:
    """Reduced cost of a variable; 0 for one that is in no row and costs nothing."""
    return 0.0 if variable.dj is None else float(variable.dj)


def _value(variable: Variable) -> float:
    """Value of a variable; one that is in no row and costs nothing was never handed over, and stays where it may."""
    value = variable.varValue
    if value is None:
        value = variable.lowBound or 0.0
    return float(value)
