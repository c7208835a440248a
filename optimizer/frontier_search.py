"""The search for the cheapest plans under limits on stranded USD: one program over bounds, and passes that add to it.

Not here: which limits are tried, and the knee (`optimizer.frontier`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray
from optimizer.costs import Evaluation, evaluate_with, evaluation_of
from optimizer.cover import cover_classes
from optimizer.cut_program import Answer, CutProgram
from optimizer.errors import InfeasibleLimitsError
from optimizer.limits import EXPECTED_STRANDED
from optimizer.metrics import gap_fraction
from optimizer.problem import PlanningProblem
from optimizer.slack import limit_slack, limit_values, pressed
from optimizer.sweep import Prices, Sweeper, plain_prices

INWARDS = 0.5  # part of the way to the program's answer at which every other pass is made
OVER_PRICE = 2.0  # times its price: what overstepping the limit counts in the choice of a plan
NO_LIMIT_USD = float("inf")
FIRST_PRICE = 0.3  # USD per USD stranded, at which the first pass tells the program what idles
WIDE_PART = 0.15  # of the frontier's length on either axis: neighbours farther apart get a plan between them
STALL_ROUNDS = 4
STALL_PROGRESS = 0.1  # of the distance of the bounds, by which they must have come nearer over these rounds
MIN_PLANS = 12
MAX_PROBES = 6
PROBE_PART = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontierOptions:
    """How fine the frontier is.

    Attributes
    ----------
    n_limits : int
        Limits between nothing stranded and as much as the cheapest plan strands, both included.
    gap_fraction : float
        Aimed at for each plan.
    max_rounds, max_exact_rounds : int
        Rounds for each limit on some of the hours, and then on all of them.
    max_mixtures : int
        Passes made to close holes between plans.
    """

    n_limits: int = 16
    gap_fraction: float = 5e-4
    max_rounds: int = 25
    max_exact_rounds: int = 1
    max_mixtures: int = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Choice:
    """One plan of the frontier.

    Attributes
    ----------
    allowed_usd : float
        Limit that it was found under; infinite for none.
    quantity : FloatArray of shape (n_batches,)
        Owned batches included.
    found : Evaluation
    stranded_usd : float
        Expected, what new purchases add in the window. [USD]
    owned_stranded_usd : FloatArray of shape (n_scenarios,)
        What is owned strands alone. [USD]
    lower_bound_usd : float
        No plan that strands as little costs less. [USD]
    """

    allowed_usd: float
    quantity: FloatArray
    found: Evaluation
    stranded_usd: float
    owned_stranded_usd: FloatArray
    lower_bound_usd: float

    @property
    def cost_usd(self) -> float:
        """Objective."""
        return self.found.objective_usd

    @property
    def gap_fraction(self) -> float:
        """(upper - lower) / upper."""
        return gap_fraction(upper_usd=self.cost_usd, lower_usd=self.lower_bound_usd)


def _not_dominated(choices: Sequence[Choice]) -> tuple[Choice, ...]:
    """Plans by what they strand, without those that another one beats in both."""
    out: list[Choice] = []
    for choice in sorted(choices, key=lambda choice: (choice.stranded_usd, choice.cost_usd)):
        if not out or choice.cost_usd < out[-1].cost_usd:
            out.append(choice)
    return tuple(out)


def _is_stalled(distances: Sequence[float]) -> bool:
    """Whether the bounds have not come nearer for some rounds."""
    if len(distances) <= STALL_ROUNDS:
        return False
    return distances[-1 - STALL_ROUNDS] - distances[-1] < STALL_PROGRESS * distances[-1]


def _distances(choices: Sequence[Choice]) -> FloatArray:
    """Distance between neighbours, both axes stretched to [0, 1]. Shape (n_choices - 1,), at least one."""
    points = np.array([[choice.stranded_usd, choice.cost_usd] for choice in choices])
    spread = np.ptp(points, axis=0)
    steps = np.diff(points, axis=0) / np.where(spread > 0.0, spread, 1.0)
    return np.hypot(steps[:, 0], steps[:, 1]) if len(steps) else np.zeros(1)


Point = tuple[float, FloatArray, Evaluation]  # limit [USD], quantities, and what they cost


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """Best plan found under one limit, and the price of the limit."""

    allowed_usd: float
    quantity: FloatArray
    found: Evaluation
    price: float
    merit_usd: float


class FrontierSearch:
    """One program over bounds for all limits on stranded USD; the problem's own limits on it are set aside.

    Parameters
    ----------
    problem : PlanningProblem
    """

    def __init__(self, problem: PlanningProblem) -> None:
        free = replace(problem.limits, stranded_expected_fraction=0.0, stranded_cvar_fraction=None)
        problem = replace(problem, limits=free)
        self.problem = problem
        self.classes = cover_classes(problem.instruments, split_by_fee=True)
        self.sweeper = Sweeper(problem, self.classes)
        self.program = CutProgram(self.sweeper)
        self.plain = plain_prices(len(problem.weights))
        self.known: list[tuple[FloatArray, Evaluation]] = []
        self.owned = np.nan_to_num(problem.batches.fixed_quantity)
        owned = self.tried(self.owned)
        self.owned_stranded_usd = owned.stranded_usd
        self.owned_usd = float(problem.weights @ owned.stranded_usd)
        self.freed(self.owned, replace(self.plain, stranded=self.plain.stranded + FIRST_PRICE))

    def levels(self, options: FrontierOptions) -> list[float]:
        """Limits from none to nothing stranded, closer together where less is: there the cost falls fastest.

        Where plans that cost as much strand more or less, the least of that is where limits begin to matter.
        """
        free = self.least_cost(NO_LIMIT_USD, (), options.gap_fraction, options.max_rounds)
        most, enough_usd = max(self.added_usd(free.found), 0.0), free.found.objective_usd
        for _ in range(MAX_PROBES):
            plan = self.least_cost(PROBE_PART * most, (), options.gap_fraction, options.max_rounds)
            added_usd = max(self.added_usd(plan.found), 0.0)
            is_as_cheap = plan.found.objective_usd <= enough_usd * (1.0 + options.gap_fraction)
            if not is_as_cheap or added_usd >= most:
                break
            most = added_usd
        n_steps = options.n_limits - 1
        return [most * (step / n_steps) ** 2 for step in range(n_steps, -1, -1)]

    def cheapest(self, limits: Sequence[float]) -> list[Point]:
        """Of all plans taken so far the best one under each limit, by the limit's price."""
        out = []
        for limit in limits:
            price = dict(self.solved(limit).limit_prices_usd)[EXPECTED_STRANDED]
            kept = [plan for plan in self.known if self._keeps_others(*plan)]
            best = min(kept, key=lambda plan: self._merit(plan[1], (limit, price)), default=None)
            if best is not None:
                out.append((limit, *best))
        return out

    def filled(self, first: Point, points: Sequence[Point], options: FrontierOptions) -> tuple[Choice, ...]:
        """Plans by what they strand, with mixtures of neighbours where two lie far apart or plans are few.

        A mixture costs no more than the mean of both, as cost is convex.
        """
        known = self._ranked(first, points)
        for _ in range(options.max_mixtures):
            apart = _distances(known)
            if len(known) > MIN_PLANS:  # the first step is the longest, and no mixture with nothing is a good plan
                apart[0] = 0.0
            widest = int(np.argmax(apart))
            if len(known) > MIN_PLANS and apart[widest] <= WIDE_PART:
                break
            pair = known[widest].quantity, known[widest + 1].quantity
            mixture = (pair[0] + pair[1]) / 2.0
            added = (known[widest + 1].allowed_usd, mixture, self.tried(mixture))
            if not self._keeps_others(*added[1:]):
                break
            longer = self._ranked(first, [*((c.allowed_usd, c.quantity, c.found) for c in known[1:]), added])
            if len(longer) <= len(known):
                break
            known = longer
        return tuple(self.choice(c.allowed_usd, c.quantity, c.found) for c in known)

    def _ranked(self, first: Point, points: Sequence[Point]) -> tuple[Choice, ...]:
        """The first plan, and those of the others that none beats, their lower bounds left open."""
        open_ended = [
            Choice(
                allowed_usd=allowed,
                quantity=quantity,
                found=found,
                stranded_usd=self.added_usd(found),
                owned_stranded_usd=self.owned_stranded_usd,
                lower_bound_usd=-np.inf,
            )
            for allowed, quantity, found in (first, *points)
        ]
        return (open_ended[0], *(c for c in _not_dominated(open_ended[1:]) if c.cost_usd < open_ended[0].cost_usd))

    def added_usd(self, found: Evaluation) -> float:
        """Expected stranded USD that new purchases add."""
        return float(self.problem.weights @ found.stranded_usd) - self.owned_usd

    def tried(self, quantity: FloatArray) -> Evaluation:
        """Take a plan on every hour, with the bound found there."""
        swept = self.sweeper(quantity)
        self.program.add(swept, self.plain)
        found = evaluation_of(self.sweeper, quantity, swept)
        limit = self.problem.limits.spot_share_max
        if limit is not None and limit_values(self.problem, quantity, found).spot_share > limit:
            found = evaluate_with(self.sweeper, quantity)
        self.known.append((quantity, found))
        return found

    def freed(self, quantity: FloatArray, prices: Prices) -> None:
        """Make a pass at a price of what is stranded, for the bound found there."""
        self.program.add(self.sweeper(quantity, prices), prices)

    def solved(self, allowed_usd: float) -> Answer:
        """Answer of the program under one limit."""
        return self.program.solve({EXPECTED_STRANDED: -allowed_usd})

    def choice(self, allowed_usd: float, quantity: FloatArray, found: Evaluation) -> Choice:
        """Plan with the lower bound of all that strand as little as it does."""
        added = self.added_usd(found)
        try:
            lower = self.solved(max(added, 0.0)).objective_usd
        except InfeasibleLimitsError:  # less than nothing is stranded, by the solver's tolerance
            lower = self.solved(NO_LIMIT_USD).objective_usd
        return Choice(
            allowed_usd=allowed_usd,
            quantity=quantity,
            found=found,
            stranded_usd=added,
            owned_stranded_usd=self.owned_stranded_usd,
            lower_bound_usd=lower,
        )

    def least_cost(
        self, allowed_usd: float, seeds: Sequence[FloatArray], aim_fraction: float, max_rounds: int
    ) -> Found:
        """Cheapest plan found that strands about as much as allowed."""
        best: tuple[float, FloatArray, Evaluation] | None = None
        price = 0.0
        distances: list[float] = []
        for seed in seeds:
            best = self._better(best, seed, self.tried(seed), (allowed_usd, price))
        for number in range(max_rounds):
            answer = self.solved(allowed_usd)
            price = dict(answer.limit_prices_usd)[EXPECTED_STRANDED]
            if best is not None:
                best = (self._merit(best[2], (allowed_usd, price)), *best[1:])
                distances.append(best[0] - answer.objective_usd)
                if distances[-1] <= aim_fraction * abs(best[0]) or _is_stalled(distances):
                    break
            quantity = answer.quantity
            if best is not None and number % 2:
                quantity = INWARDS * quantity + (1.0 - INWARDS) * best[1]
            found = self.tried(quantity)
            best = self._better(best, quantity, found, (allowed_usd, price))
            over = self.added_usd(found) > allowed_usd
            slack = replace(limit_slack(self.problem, quantity, found), stranded_expected=-1.0 if over else 1.0)
            prices = pressed(answer.prices, slack, number)
            if not prices.is_plain:
                self.freed(quantity, prices)
        if best is None:
            owned = self.tried(self.owned)
            best = (owned.objective_usd, self.owned, owned)
        return Found(allowed_usd=allowed_usd, quantity=best[1], found=best[2], price=price, merit_usd=best[0])

    def _better(
        self,
        best: tuple[float, FloatArray, Evaluation] | None,
        quantity: FloatArray,
        found: Evaluation,
        limit: tuple[float, float],
    ) -> tuple[float, FloatArray, Evaluation] | None:
        """Return the better of two plans; one that oversteps another limit on the hours is none."""
        if not self._keeps_others(quantity, found):
            return best
        merit = self._merit(found, limit)
        return (merit, quantity, found) if best is None or merit < best[0] else best

    def _keeps_others(self, quantity: FloatArray, found: Evaluation) -> bool:
        """Whether a plan keeps all limits on use but that on stranded value."""
        slack = replace(limit_slack(self.problem, quantity, found), stranded_expected=float("nan"))
        return replace(slack, spot_share=max(slack.spot_share, 0.0)).is_kept

    def _merit(self, found: Evaluation, limit: tuple[float, float]) -> float:
        """Cost, and what it strands beyond a limit (USD, its price) at more than its price. [USD]"""
        allowed_usd, price = limit
        return found.objective_usd + OVER_PRICE * price * max(self.added_usd(found) - allowed_usd, 0.0)
