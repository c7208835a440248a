"""What each purchase saves: the cost without it less the cost with it, all others as planned.

Costs are those of `optimizer.costs`: commitments are used where they save most. The provider's own order is applied
where the plan is billed; what that changes stands in its certificate. Not here: where the advice turns around
(`optimizer.explain_flips`), offers that are not bought (`optimizer.explain_offers`).
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, frozen_floats
from forecasting.quantiles import weighted_quantiles
from optimizer.explain_terms import Planned, Spent, TermCosts, hours_held, most_worth_usd
from optimizer.explanation import Saving
from optimizer.problem import PlanningProblem

ROUND_OFF = 1e-9  # of what is paid: below that, cash paid and saved are the same


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Saved:
    """What leaving one purchase out would add to the cost of the hours, and what it costs itself.

    Attributes
    ----------
    batch : int
    hours_usd : FloatArray of shape (n_scenarios, n_segments)
        On-demand and spot cost that it saves in each stretch of its term, undiscounted. [USD]
    discounted_usd : FloatArray of shape (n_scenarios,)
        Sum over its term, discounted. [USD]
    fee_usd : float
        Its amortized fee over its term. [USD]
    cost_usd : float
        Its discounted cash, as the optimizer weighs it. [USD]
    """

    batch: int
    hours_usd: FloatArray
    discounted_usd: FloatArray
    fee_usd: float
    cost_usd: float

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("hours_usd", "discounted_usd"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))

    @property
    def scenario_usd(self) -> FloatArray:
        """Saving of each scenario, amortized and undiscounted. Shape (n_scenarios,). [USD]"""
        net: FloatArray = self.hours_usd.sum(axis=1) - self.fee_usd
        return net


class Savings:
    """Savings of the purchases of one plan, on the hours of one problem.

    Parameters
    ----------
    planned : Planned
    whole : PlanningProblem or None
        With all hours, where that of `planned` has only some: what a term costs is then taken in proportion to its
        hours.
    by_week : bool
        Whether savings are told apart by week, as a break-even date asks for.
    """

    def __init__(self, planned: Planned, whole: PlanningProblem | None = None, *, by_week: bool = False) -> None:
        self.problem, self.quantity = planned.problem, planned.quantity
        self._of_plan, self._by_week = planned, by_week
        self._whole = planned.problem if whole is None else whole
        self._terms: dict[tuple[int, int], TermCosts] = {}
        self._planned: dict[tuple[tuple[int, int], float], Spent] = {}

    def span(self, batch: int) -> tuple[int, int]:
        """First hour of the term of a batch and the one after its last."""
        batches = self.problem.batches
        return int(batches.start_hour[batch]), int(batches.end_hour[batch])

    def term(self, batch: int) -> TermCosts:
        """Passes over the term of a batch."""
        span = self.span(batch)
        if span not in self._terms:
            self._terms[span] = TermCosts(self._of_plan, span, by_week=self._by_week)
        return self._terms[span]

    def of(self, batch: int, *, demand_factor: float = 1.0) -> Saved:
        """What one batch saves.

        Parameters
        ----------
        batch : int
            One that is held in some hour of the problem.
        demand_factor : float
            Demand of all pools is multiplied by it, above 0.
        """
        term, span = self.term(batch), self.span(batch)
        key = (span, demand_factor)
        if key not in self._planned:
            self._planned[key] = term(self.quantity, demand_factor=demand_factor)
        planned = self._planned[key]
        less = self.quantity.copy()
        less[batch] = 0.0
        without = term(less, demand_factor=demand_factor)
        part = hours_held(self.problem, batch) / hours_held(self._whole, batch)
        return Saved(
            batch=batch,
            hours_usd=without.usd - planned.usd,
            discounted_usd=without.discounted_usd - planned.discounted_usd,
            fee_usd=fee_usd(self.problem, batch) * float(self.quantity[batch]),
            cost_usd=float(self.problem.batches.cost_usd[batch] * self.quantity[batch]) * part,
        )

    def expected_usd(self, batch: int, *, demand_factor: float = 1.0) -> float:
        """Expected saving as the optimizer weighs it: discounted cash. [USD]"""
        found = self.of(batch, demand_factor=demand_factor)
        return float(self.problem.weights @ found.discounted_usd) - found.cost_usd


def fee_usd(problem: PlanningProblem, batch: int) -> float:
    """Amortized fee of one unit of a batch over the hours of the problem; 0 for a capacity reservation. [USD]"""
    row = int(problem.batches.instrument[batch])
    if problem.instruments.reserves_units[row]:
        return 0.0
    return float(problem.instruments.fee_usd[row]) * hours_held(problem, batch)


def saving_of(saved: Saved, problem: PlanningProblem, quantity: FloatArray) -> Saving:
    """What a purchase saves, in a few numbers."""
    weights = problem.weights
    net = saved.scenario_usd
    p10, p90 = weighted_quantiles(net, weights, [0.1, 0.9]).tolist()
    most_usd = most_worth_usd(problem, saved.batch) * float(quantity[saved.batch])
    use = even = None
    if most_usd > 0.0 and saved.fee_usd > 0.0:
        use, even = float(weights @ saved.hours_usd.sum(axis=1)) / most_usd, saved.fee_usd / most_usd
    return Saving(
        expected_usd=float(weights @ net),
        p10_usd=p10,
        p90_usd=p90,
        decided_usd=float(weights @ saved.discounted_usd) - saved.cost_usd,
        use_fraction=use,
        break_even_fraction=even,
    )


def break_even_hour(savings: Savings, saved: Saved, *, end_salvage_usd: float = 0.0) -> int | None:
    """Hour from which on a purchase has saved, in expectation, all the cash that was paid for it until then.

    Cash is paid as it is due: the upfront part at purchase, the hourly part hour by hour; what owned hardware is sold
    for comes at the end of its life. Within a week what is saved is taken as even. None: not before the end of its
    term, or of the hours that are valued.

    Parameters
    ----------
    savings : Savings
        That `saved` comes from.
    saved : Saved
    end_salvage_usd : float
        What one unit can be sold for at the end of its life, which its fee counts hour by hour. [USD per quantity]
    """
    problem, batch = savings.problem, saved.batch
    term, (start_hour, end_hour) = savings.term(batch), savings.span(batch)
    quantity, upfront = float(savings.quantity[batch]), float(problem.batches.upfront_usd[batch])
    hours = term.segment_hours
    spread_usd = (upfront - end_salvage_usd) / (end_hour - start_hour)
    hourly_usd = fee_usd(problem, batch) / hours_held(problem, batch) - spread_usd
    gained = problem.weights @ saved.hours_usd - hourly_usd * quantity * hours
    so_far = np.concatenate([[0.0], np.cumsum(gained)]) - upfront * quantity
    so_far[np.abs(so_far) <= ROUND_OFF * max(saved.fee_usd, abs(float(so_far[0])))] = 0.0
    short = np.flatnonzero(so_far < 0.0)
    if not len(short):
        return start_hour
    last = int(short[-1])
    if last == len(gained):
        is_over = term.segment_first_hour[-1] + hours[-1] >= end_hour
        return end_hour if is_over and so_far[last] + end_salvage_usd * quantity >= 0.0 else None
    begin = int(term.segment_first_hour[last])
    part = -so_far[last] / (so_far[last + 1] - so_far[last])
    return begin + int(np.ceil(part * hours[last] - ROUND_OFF))
