"""What a contract adds to the cost of a choice of quantities: the shortfall of its years.

Not here: what a year's shortfall costs (`optimizer.contract_terms`), all other cost (`optimizer.costs`).
"""

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from optimizer.contract_terms import ContractTerms, settle
from optimizer.problem import PlanningProblem
from optimizer.segments import Segments


def contract_extra_usd(
    problem: PlanningProblem, segments: Segments, recourse_usd: FloatArray, quantity: FloatArray
) -> float:
    """Expected cost of what falls short; 0 without a contract.

    Parameters
    ----------
    problem : PlanningProblem
    segments : Segments
    recourse_usd : FloatArray of shape (n_scenarios, n_segments)
        Undiscounted. [USD]
    quantity : FloatArray of shape (n_batches,)
    """
    terms = problem.contract
    if terms is None:
        return 0.0
    counted = terms.counted_usd(recourse_usd, years_of(terms, segments), quantity)
    found = settle(terms.rule, due_usd=terms.due_usd, counted_usd=counted, spend_usd=counted)
    return float(problem.weights @ found.extra_usd)


def years_of(terms: ContractTerms, segments: Segments) -> IntArray:
    """Contract year of each segment; -1 outside. Shape (n_segments,)."""
    first = np.flatnonzero(np.diff(segments.of_hour, prepend=-1))
    years: IntArray = terms.year_of_hour[first]
    return years
