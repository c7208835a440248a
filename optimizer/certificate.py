"""How far a plan can be from the optimum, and from the best purchases in whole steps, as plain data.

Not here: how the bounds are found (`optimizer.jobs.solve`) and replayed (`optimizer.jobs.certify`).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeSteps:
    """How far the purchases can be from the best ones in the policy's increments and the offers' lots and minima.

    Attributes
    ----------
    method : str
        "none" (the optimum was whole as it is), "extensive" or "cuts".
    upper_bound_usd, lower_bound_usd : float
        On the objective, in whole steps: the plan as it is to be bought, and what no other whole steps cost less than.
    gap_fraction : float
        (upper - lower) / upper.
    cost_usd : float
        What whole steps cost: the upper bound less the one before rounding. [USD]
    statement : str
        The gap in plain words.
    """

    method: str
    upper_bound_usd: float
    lower_bound_usd: float
    gap_fraction: float
    cost_usd: float
    statement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """How far the plan can be from the optimum, and what the billing code says of its cost.

    Attributes
    ----------
    method : str
        "extensive" or "cuts".
    upper_bound_usd, lower_bound_usd : float
        On the objective: the window and the valued tail, before rounding, without the purchases left out.
    gap_fraction : float
        (upper - lower) / upper.
    tail_usd : float
        Part of the upper bound that lies beyond the window.
    lp_usd : float
        Expected cost of the plan inside the window by the optimizer's recourse.
    billed_usd : float
        The same by the billing engine.
    difference_usd : tuple of (str, float)
        billed - lp split by rule (order, rounding, size flexibility); parts sum to the difference.
    statement : str
        The gap in plain words.
    whole_steps : WholeSteps or None
        None where neither the policy has increments nor an offer lots or a minimum.
    """

    method: str
    upper_bound_usd: float
    lower_bound_usd: float
    gap_fraction: float
    tail_usd: float
    lp_usd: float
    billed_usd: float
    difference_usd: tuple[tuple[str, float], ...]
    statement: str
    whole_steps: WholeSteps | None = None
