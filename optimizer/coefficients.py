"""Coefficients of the program's rows, as arrays: fees, rates and firm units that any method of solution reads.

Not here: the rows (`optimizer.program`), and what a finished plan cost (the report's metrics).
"""

import numpy as np

from forecasting.arrays import BoolArray, FloatArray
from optimizer.limits import FirmRequirement
from optimizer.problem import STEP_TOLERANCE, PlanningProblem


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
    instruments, legs = problem.instruments, problem.legs
    serves = instruments.is_firm & np.isfinite(instruments.draw[:, need.pool_index])
    is_on = (legs.start_hour <= need.start_hour) & (need.end_hour <= legs.end_hour)
    found = np.zeros(problem.batches.n_batches, dtype=bool)
    found[legs.batch[is_on & serves[legs.instrument]]] = True
    return found


def firm_batches(problem: PlanningProblem) -> BoolArray:
    """Whether a batch is firm capacity at any age. Shape (n_batches,)."""
    legs = problem.legs
    found = np.zeros(problem.batches.n_batches, dtype=bool)
    found[legs.batch[problem.instruments.is_firm[legs.instrument]]] = True
    return found


def covered_pools(problem: PlanningProblem) -> BoolArray:
    """Whether a batch covers usage of a pool at any age. Shape (n_batches, n_pools)."""
    legs = problem.legs
    found = np.zeros((problem.batches.n_batches, len(problem.pools)), dtype=bool)
    np.logical_or.at(found, legs.batch, covers_pool(problem)[legs.instrument])
    return found


def most_of_legs(problem: PlanningProblem, by_instrument: FloatArray) -> FloatArray:
    """Largest of the numbers of a batch's legs, given one for each instrument, >= 0. Shape (n_batches,)."""
    legs = problem.legs
    out = np.zeros(problem.batches.n_batches)
    np.maximum.at(out, legs.batch, by_instrument[legs.instrument])
    return out


def most_reserved_units(problem: PlanningProblem) -> FloatArray:
    """Most that capacity reservations may be bought: what firm capacity asks of them; inf for all else.

    More would serve nothing, and under a limit on stranded USD its idle units would pass for use.

    Returns
    -------
    FloatArray of shape (n_batches,)
        [units]
    """
    asked = np.zeros(problem.batches.n_batches)
    for firm in problem.limits.firm:
        asked = np.where(serving_batches(problem, firm), np.maximum(asked, firm.units), asked)
    most: FloatArray = np.where(_reserves(problem), asked, np.inf)
    return up_to_buyable(problem, most)


def least_reserved_units(problem: PlanningProblem) -> FloatArray:
    """Least that capacity reservations must be bought: what firm capacity asks for that nothing else can serve.

    Returns
    -------
    FloatArray of shape (n_batches,)
        0 for all else. [units]
    """
    batches = problem.batches
    owned = np.nan_to_num(batches.fixed_quantity)
    least = np.zeros(batches.n_batches)
    for firm in problem.limits.firm:
        serving = serving_batches(problem, firm)
        decided = np.flatnonzero(serving & batches.is_decision)
        if len(decided) == 1:
            least[decided] = np.maximum(least[decided], firm.units - float(owned[serving].sum()))
    return np.where(_reserves(problem), least, 0.0)


def _reserves(problem: PlanningProblem) -> BoolArray:
    """Whether a batch is a capacity reservation. Shape (n_batches,)."""
    reserves: BoolArray = problem.instruments.reserves_units[problem.batches.instrument]
    return reserves


def most_useful(problem: PlanningProblem, reserved_units: FloatArray) -> FloatArray:
    """Quantity of each batch beyond which no optimum goes, where no limit makes idle purchases pay.

    What is bought beyond the peak is never used: without it cost and stranded USD are lower by its whole fee. Idle fees
    may retire a contract; but no bound of `optimizer.contract_cuts` lets a USD paid save more than a USD there, so that
    these bounds hold for any quantities, idle ones included.

    Parameters
    ----------
    problem : PlanningProblem
    reserved_units : FloatArray of shape (n_pools,)
        Most that capacity reservations hold at once, owned and new.

    Returns
    -------
    FloatArray of shape (n_batches,)
    """
    peak = np.maximum(problem.demand.max(axis=(0, 2), initial=0.0), reserved_units)
    for firm in problem.limits.firm:
        peak[firm.pool_index] = max(peak[firm.pool_index], firm.units)
    return most_of_legs(problem, np.nan_to_num(problem.instruments.draw) @ peak)


def most_bought(problem: PlanningProblem, useful: FloatArray) -> FloatArray:
    """Quantity of each batch beyond which no optimum goes, whatever the limits, in whole steps and minima.

    A limit on shares lets idle purchases pay, as they widen what shares are taken of; but never beyond the commitment
    in which all that is useful of each limited group has room.

    Parameters
    ----------
    problem : PlanningProblem
    useful : FloatArray of shape (n_batches,)
        `most_useful`.

    Returns
    -------
    FloatArray of shape (n_batches,)
    """
    most = np.minimum(useful, most_reserved_units(problem))
    shares = [share for share in problem.limits.shares if share.fraction > 0.0]
    if shares:
        fees = committed_fees(problem)
        committed = np.where(problem.batches.is_decision, fees * most, 0.0)
        room_usd = max(float(committed[share.batch_indices].sum()) / share.fraction for share in shares)
        idle_usd = max(room_usd, float(committed.sum()))
        most = most + np.divide(idle_usd, fees, out=np.zeros_like(fees), where=fees > 0.0)
    return up_to_buyable(problem, most)


def up_to_buyable(problem: PlanningProblem, quantity: FloatArray) -> FloatArray:
    """Quantities rounded up to what can be bought: whole steps, at least the minimum, or 0. Shape (n_batches,)."""
    step = problem.batches.decided_step
    is_stepped = (step > 0.0) & np.isfinite(quantity)
    n_steps = np.ceil(np.where(is_stepped, quantity, 0.0) / np.where(is_stepped, step, 1.0) - STEP_TOLERANCE)
    stepped = np.where(is_stepped, n_steps * step, quantity)
    return np.where(stepped > 0.0, np.maximum(stepped, problem.batches.decided_minimum), stepped)


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


def term_fees(problem: PlanningProblem) -> FloatArray:
    """Amortized fee of a batch over its whole term, wherever it ends, 0 for a capacity reservation; not discounted.

    Returns
    -------
    FloatArray of shape (n_batches,)
        [USD per quantity]
    """
    batches, row = problem.batches, problem.batches.instrument
    hours = batches.end_hour - batches.start_hour
    fees: FloatArray = problem.instruments.fee_usd[row] * hours * ~problem.instruments.reserves_units[row]
    return fees


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
