"""Coefficients of the program's rows, as arrays: fees, rates and firm units that any method of solution reads.

Not here: the rows (`optimizer.program`), and what a finished plan cost (the report's metrics).
"""

import numpy as np

from forecasting.arrays import BoolArray, FloatArray
from optimizer.limits import FirmRequirement
from optimizer.problem import PlanningProblem

STEP_TOLERANCE = 1e-6  # of a step: what a quantity may miss a whole number of steps by, as a solver's integers do


def firm_units(problem: PlanningProblem) -> FloatArray:
    """Units billed whatever is bought: demand, or the capacity reservations already owned where they are more.

    Returns
    -------
    FloatArray of shape (n_scenarios, n_pools, n_hours)
        [units]
    """
    owned = problem.held(np.nan_to_num(problem.batches.fixed_quantity, nan=0.0))
    reserved = reserves_pool(problem).astype(np.float64).T @ owned
    return np.maximum(problem.demand, reserved[None, :, :])


def reserves_pool(problem: PlanningProblem) -> BoolArray:
    """Whether an instrument is a capacity reservation of a pool. Shape (n_instruments, n_pools)."""
    reserves: BoolArray = problem.instruments.reserves_units[:, None] & np.isfinite(problem.instruments.draw)
    return reserves


def covers_pool(problem: PlanningProblem) -> BoolArray:
    """Whether an instrument covers usage of a pool. Shape (n_instruments, n_pools)."""
    covers: BoolArray = ~problem.instruments.reserves_units[:, None] & np.isfinite(problem.instruments.draw)
    return covers


def serving_batches(problem: PlanningProblem, need: FirmRequirement) -> BoolArray:
    """Whether a batch is firm capacity over the whole of a requirement. Shape (n_batches,)."""
    batches, instruments = problem.batches, problem.instruments
    serves = instruments.is_firm & np.isfinite(instruments.draw[:, need.pool_index])
    is_on = (batches.start_hour <= need.start_hour) & (need.end_hour <= batches.end_hour)
    found: BoolArray = is_on & serves[batches.instrument]
    return found


def most_reserved_units(problem: PlanningProblem) -> FloatArray:
    """Most that capacity reservations may be bought: what firm capacity asks for in the pool; inf for all else.

    More would serve nothing, and under a limit on stranded USD its idle units would pass for use.

    Returns
    -------
    FloatArray of shape (n_batches,)
        [units]
    """
    need = np.zeros(len(problem.pools))
    for firm in problem.limits.firm:
        need[firm.pool_index] = max(need[firm.pool_index], firm.units)
    of_instrument = np.where(reserves_pool(problem), need, 0.0).max(axis=1, initial=0.0)
    row = problem.batches.instrument
    most: FloatArray = np.where(problem.instruments.reserves_units[row], of_instrument[row], np.inf)
    return up_to_step(problem, most)


def up_to_step(problem: PlanningProblem, quantity: FloatArray) -> FloatArray:
    """Quantities rounded up to whole steps of their batches, unchanged where there is no step. Shape (n_batches,)."""
    step = problem.batches.decided_step
    is_stepped = (step > 0.0) & np.isfinite(quantity)
    n_steps = np.ceil(np.where(is_stepped, quantity, 0.0) / np.where(is_stepped, step, 1.0) - STEP_TOLERANCE)
    return np.where(is_stepped, n_steps * step, quantity)


def window_fees(problem: PlanningProblem) -> FloatArray:
    """Amortized fee of a batch inside the window, 0 for a capacity reservation, which covers nothing.

    Returns
    -------
    FloatArray of shape (n_batches,)
        [USD per quantity]
    """
    hours_held = problem.batches.active(problem.hours) @ (problem.hour_weights * problem.in_window)
    row = problem.batches.instrument
    fees: FloatArray = problem.instruments.fee_usd[row] * hours_held * ~problem.instruments.reserves_units[row]
    return fees


def committed_fees(problem: PlanningProblem) -> FloatArray:
    """`window_fees` of new purchases, 0 for what is owned: what every fraction of "committed" is taken of.

    Returns
    -------
    FloatArray of shape (n_batches,)
        [USD per quantity]
    """
    return np.where(problem.batches.is_decision, window_fees(problem), 0.0)


def window_rates(problem: PlanningProblem) -> FloatArray:
    """Weigh a unit by its on-demand rate, its hours inside the window and its scenario.

    Returns
    -------
    FloatArray of shape (n_scenarios, n_pools, n_hours)
        Scenario weight x hours x on-demand rate. [USD/unit]
    """
    hours = problem.hour_weights * problem.in_window
    return problem.weights[:, None, None] * problem.on_demand_usd[None, :, None] * hours[None, None, :]


def on_demand_equivalent_usd(problem: PlanningProblem) -> float:
    """Sum the expected on-demand cost of all firm units inside the window. [USD]"""
    return float(np.sum(window_rates(problem) * firm_units(problem)))


def owned_stranded_usd(problem: PlanningProblem) -> FloatArray:
    """Read what the owned portfolio strands alone, 0 where the limits do not say.

    Returns
    -------
    FloatArray of shape (n_scenarios,)
        [USD]
    """
    given = problem.limits.owned_stranded_usd
    return given if len(given) else np.zeros(len(problem.weights))
