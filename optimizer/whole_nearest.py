"""What can be bought nearest to some quantities, within every limit that quantities alone decide.

A program of one column for each purchase and no bounds of the hours: small however long the horizon. Where cash,
shares and purchases of a date all bind, rounding up or down alone keeps none of them. Not here: limits on use, the
search for the cheapest (`optimizer.whole_cuts`).
"""

import numpy as np
from scipy.sparse import csr_array, diags_array, eye_array, hstack, vstack

from forecasting.arrays import FloatArray
from optimizer.array_program import ArrayLp
from optimizer.coefficients import most_bought, most_useful, term_fees
from optimizer.errors import InfeasibleLimitsError, SolverError
from optimizer.purchase_limits import purchase_rows
from optimizer.rounding import to_buyable
from optimizer.solver import WholeOptions, solve_whole_arrays
from optimizer.sweep import Sweeper

NEAREST_OPTIONS = WholeOptions(gap_fraction=1e-2, max_nodes=5_000)
ROOM = 1e-9  # of an amount that a limit states: what is kept from it, so that rounding in the solver breaks none


def nearest_buyable(sweeper: Sweeper, quantity: FloatArray) -> FloatArray | None:
    """Quantities that can be bought and keep every limit that they alone decide, the least away in committed USD.

    Parameters
    ----------
    sweeper : Sweeper
        Of the problem.
    quantity : FloatArray of shape (n_batches,)
        Owned batches included.

    Returns
    -------
    FloatArray of shape (n_batches,) or None
        None where the search found none, or there are none.
    """
    problem = sweeper.problem
    batches, decided = problem.batches, np.flatnonzero(problem.batches.is_decision)
    n = len(decided)
    step, minimum = batches.decided_step[decided], batches.decided_minimum[decided]
    scale = np.where(step > 0.0, step, 1.0)
    useful = most_useful(problem, sweeper.most_floor.max(axis=0, initial=0.0))
    most = np.maximum(most_bought(problem, useful)[decided], to_buyable(problem, quantity, np.ceil)[decided])
    wanted = quantity[decided]
    owned = np.where(batches.is_decision, 0.0, quantity)
    # columns: steps (or quantities), then how far each is from what is wanted, then whether it is made at all
    far, none = eye_array(n), csr_array((n, n))
    matrices = [hstack([diags_array(scale), part]) for part in (-far, far)]
    matrices = [hstack([block, none]) for block in matrices]
    matrices += [hstack([diags_array(scale), none, -diags_array(bound)]) for bound in (minimum, most)]
    low = [np.full(n, -np.inf), wanted, np.zeros(n), np.full(n, -np.inf)]
    high = [wanted, np.full(n, np.inf), np.full(n, np.inf), np.zeros(n)]
    for row in purchase_rows(problem):
        side = row.right_side - float(row.coefficients @ owned)
        room = ROOM * max(abs(row.limit), 1.0)
        taken = csr_array((row.coefficients[decided] * scale)[None])
        matrices.append(hstack([taken, csr_array((1, 2 * n))]))
        low.append(np.array([side + room if row.is_floor else -np.inf]))
        high.append(np.array([np.inf if row.is_floor else side - room]))
    most_steps = np.where(step > 0.0, np.floor(most / scale + ROOM), most)
    lp = ArrayLp(
        cost=np.concatenate([np.zeros(n), np.maximum(term_fees(problem)[decided], 1.0), np.zeros(n)]),
        lower=np.zeros(3 * n),
        upper=np.concatenate([most_steps, most, np.ones(n)]),
        matrix=vstack(matrices).tocsr(),
        row_lower=np.concatenate(low),
        row_upper=np.concatenate(high),
    )
    is_whole = np.concatenate([step > 0.0, np.zeros(n, dtype=bool), minimum > 0.0])
    try:
        found = solve_whole_arrays(lp, is_whole, NEAREST_OPTIONS)
    except (InfeasibleLimitsError, SolverError):
        return None
    out = np.array(quantity)
    out[decided] = np.maximum(found.values[:n] * scale, 0.0)
    return to_buyable(problem, out)
