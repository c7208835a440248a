"""The optimum at scale: solve over clusters of hours, price every hour, split where the two disagree, repeat.

The program over clusters bounds the optimum from below, the cost of its answer on every hour from above; the loop ends
when they meet. Every limit is a row of the program, so its price comes with the answer. Not here: the program
(`optimizer.master`), the splitting rule (`optimizer.clusters`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray
from optimizer.cluster_gaps import cluster_gaps
from optimizer.clusters import Clusters, clusters_of, first_clusters, split_by_value, split_labels
from optimizer.costs import Evaluation, LimitPrices, evaluate, unit_prices
from optimizer.cover import CoverClasses, cover_classes
from optimizer.cuts import Cut, cut_at
from optimizer.elastic import smallest_change
from optimizer.errors import InfeasibleLimitsError, SolverError
from optimizer.limits import Limits
from optimizer.master import Columns, MasterInput, Rows, build_master, owned_cost_usd
from optimizer.master_limits import COST_EXCESS, STRANDED_EXCESS, add_limits, use_prices
from optimizer.problem import PlanningProblem
from optimizer.relaxation import relaxation_message
from optimizer.segments import Segments, segments_of
from optimizer.slack import LimitSlack, limit_slack, pressed, tightened
from optimizer.solver import SolverOptions, solve_arrays

# Presolve takes longer than it saves on these programs: twice the time of the simplex method without it.
MASTER_OPTIONS = SolverOptions(use_presolve=False)
SPLIT_GAP_SHARE = 0.95  # clusters that carry this part of the gap are split in one round
REPAIR_STEPS = 6
MIN_ROUNDS = 3  # of refinement, before its progress is judged
LEAST_PROGRESS = 2.5  # factor by which a round must narrow the gap for the next one to be worth its larger program
CUT_ROUNDS_PER_REPAIR = 10
BLEND_STEPS = 10
MAX_CHANGE_ROUNDS = 5
CHANGE_GROWTH = 0.001  # of the smallest change of the limits: below that, finer clusters are not worth it
REPAIR_GAP = 10  # times the gap wanted: the bounds are near enough for an answer to be worth repairing


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionOptions:
    """When to stop.

    Attributes
    ----------
    gap_fraction : float
        (upper - lower) / upper at which the answer is good enough.
    max_rounds : int
        Rounds of refinement.
    max_cells, max_limited_cells : int
        The same in clusters x (pools + places where a commitment may cover a pool), which is what the program grows
        with; the second where a limit on use makes it several times harder.
    max_cut_rounds : int
        Rounds of cuts once refinement has stopped.
    max_clusters : int
        Size at which refinement stops; the answer then carries the gap reached.
    """

    gap_fraction: float = 1e-4
    max_rounds: int = 40
    max_clusters: int = 40_000
    max_cells: int = 300_000
    max_limited_cells: int = 40_000
    max_cut_rounds: int = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PartitionSolution:
    """Quantities with their certificate.

    Attributes
    ----------
    quantity : FloatArray of shape (n_batches,)
        Of every batch, owned ones included.
    upper_bound_usd : float
        Objective of `quantity` on every hour of every scenario. [USD]
    lower_bound_usd : float
        Optimum of the last aggregated program. [USD]
    limit_prices_usd : tuple of (str, float)
        Fall of the optimum for each unit a limit's bound is relaxed, by name of the limit; the unit is USD, or units
        for firm capacity. [USD/USD or USD/unit]
    reduced_cost_usd : FloatArray of shape (n_batches,)
        Rise of the optimum for the next unit of each batch; 0 where it is bought, nan where owned. [USD per quantity]
    evaluation : Evaluation
        Of `quantity`.
    classes : CoverClasses
    n_rounds, n_clusters : int
    """

    quantity: FloatArray
    upper_bound_usd: float
    lower_bound_usd: float
    limit_prices_usd: tuple[tuple[str, float], ...]
    reduced_cost_usd: FloatArray
    evaluation: Evaluation
    classes: CoverClasses
    n_rounds: int
    n_clusters: int

    @property
    def gap_fraction(self) -> float:
        """(upper - lower) / upper."""
        if self.upper_bound_usd <= 0.0:
            return 0.0
        return max(0.0, self.upper_bound_usd - self.lower_bound_usd) / self.upper_bound_usd


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Answer:
    """Optimum of one aggregated program."""

    quantity: FloatArray
    objective_usd: float
    limit_prices_usd: tuple[tuple[str, float], ...]
    use_prices: LimitPrices
    reduced_cost_usd: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Priced:
    """An answer on every hour."""

    answer: _Answer
    found: Evaluation
    slack: LimitSlack


Progress = Callable[[int, float, float], None]


def solve_partition(
    problem: PlanningProblem, options: PartitionOptions, *, on_round: Progress | None = None
) -> PartitionSolution:
    """Optimum of a planning problem within a certified gap.

    Parameters
    ----------
    problem : PlanningProblem
    options : PartitionOptions
    on_round : callable or None
        Called after each round with its number, the upper bound and the lower bound [USD].

    Returns
    -------
    PartitionSolution

    Raises
    ------
    InfeasibleLimitsError
        If the limits cannot all be met; the message says which must give, and by how much.
    SolverError
        If no answer was found that keeps the limits on every hour, though one may exist.
    """
    limits = problem.limits
    has_stranded = limits.stranded_expected_fraction is not None or limits.stranded_cvar_fraction is not None
    by_scenario = limits.stranded_cvar_fraction is not None or problem.risk_lambda > 0
    classes = cover_classes(problem.instruments, split_by_fee=has_stranded)
    segments = segments_of(problem)
    clusters = coarser = first_clusters(problem, segments, by_scenario=by_scenario)
    search = _Search(problem=problem, classes=classes, segments=segments, options=options)
    for round_number in range(1, options.max_rounds + 1):
        search.step(clusters)
        if on_round is not None:
            on_round(round_number, search.upper, search.lower)
        if search.is_done() or search.is_slow or round_number == options.max_rounds:
            break
        finer = search.refined(clusters, by_scenario=by_scenario)
        if not clusters.n_clusters < finer.n_clusters <= search.most_clusters:
            break
        coarser, clusters = clusters, finer
    search.sharpen(coarser if search.is_slow else clusters, on_round)
    search.finish(clusters)
    return search.solution(n_rounds=round_number, n_clusters=clusters.n_clusters)


def has_coverage(limits: Limits) -> bool:
    """Whether coverage or the share of spot is limited."""
    bounds = (limits.coverage_min_fraction, limits.coverage_max_fraction, limits.spot_share_max)
    return any(bound is not None for bound in bounds)


class _Search:
    """State of the loop: the best answer so far and the bounds."""

    def __init__(
        self, *, problem: PlanningProblem, classes: CoverClasses, segments: Segments, options: PartitionOptions
    ) -> None:
        self.problem = problem
        self.classes = classes
        self.segments = segments
        self.options = options
        self.cuts: tuple[Cut, ...] = ()
        self.gaps_usd: list[float] = []
        self.upper = np.inf
        self.lower = -np.inf
        self.last: _Priced | None = None
        self.best: _Priced | None = None
        self.limit_prices_usd: tuple[tuple[str, float], ...] = ()

    @property
    def is_slow(self) -> bool:
        """Whether clusters follow too many pools that move by themselves: then cuts do better."""
        return len(self.gaps_usd) >= MIN_ROUNDS and self.gaps_usd[-1] * LEAST_PROGRESS > self.gaps_usd[-2]

    @property
    def most_clusters(self) -> int:
        """Clusters at which refinement stops."""
        limits, options = self.problem.limits, self.options
        is_limited = self.classes.is_split_by_fee or self.problem.risk_lambda > 0 or has_coverage(limits)
        cells = options.max_limited_cells if is_limited else options.max_cells
        per_cluster = len(self.problem.pools) + int(np.isfinite(self.classes.draw).sum())
        return min(options.max_clusters, cells // per_cluster)

    def step(self, clusters: Clusters) -> None:
        """Solve over the clusters and price the answer on every hour."""
        try:
            answer = self._solve(clusters, self.problem)
        except InfeasibleLimitsError as error:
            raise self._infeasible(clusters, error) from error
        self.lower = max(self.lower, answer.objective_usd)
        self.limit_prices_usd = answer.limit_prices_usd
        self.last = self._priced(answer)
        self.gaps_usd.append(self.last.found.objective_usd - self.lower)
        if self.last.slack.is_kept:
            self._keep(self.last)
        elif self.last.found.objective_usd - self.lower <= REPAIR_GAP * self.options.gap_fraction * self._scale():
            self._repair(clusters)

    def is_done(self) -> bool:
        """Whether the bounds have met."""
        return self.best is not None and self.upper - self.lower <= self.options.gap_fraction * abs(self.upper)

    def sharpen(self, clusters: Clusters, on_round: Progress | None = None) -> None:
        """Keep the clusters, and add cuts until the bounds meet.

        Cuts are taken half way between the program's answer and the best one so far: at the answer itself, which
        jumps from corner to corner, they are far from the optimum.
        """
        self._cut(self._last())
        for number in range(1, self.options.max_cut_rounds + 1):
            if self.is_done() or self.problem.risk_lambda > 0:
                return
            answer = self._solve(clusters, self.problem)
            self.lower = max(self.lower, answer.objective_usd)
            self.limit_prices_usd = answer.limit_prices_usd
            centre = (self.best or self._last()).answer.quantity
            middle = replace(answer, quantity=(answer.quantity + centre) / 2)
            self.last = self._priced(middle)
            self._cut(self.last)
            if self.last.slack.is_kept:
                self._keep(self.last)
            elif number % CUT_ROUNDS_PER_REPAIR == 0:
                self._repair(clusters)
            if on_round is not None:
                on_round(number, self.upper, self.lower)

    def refined(self, clusters: Clusters, *, by_scenario: bool) -> Clusters:
        """Clusters after those are split that carry most of the gap; as many as before where none can be split."""
        last = self._last()
        held = self.problem.held(last.answer.quantity)
        prices = pressed(last.answer.use_prices, last.slack)
        given = self._given(clusters, self.problem)
        gap = cluster_gaps(given, held, last.found, prices)
        order = np.argsort(-gap, kind="stable")
        share = np.cumsum(gap[order]) / max(float(gap.sum()), np.finfo(float).tiny)
        n_chosen = int(np.searchsorted(share, SPLIT_GAP_SHARE)) + 1
        chosen = np.sort(order[:n_chosen][gap[order[:n_chosen]] > 0])
        every = np.arange(clusters.n_clusters)
        problem, segments = self.problem, self.segments
        for labels in (
            split_labels(problem, clusters, unit_price_usd=last.found.unit_price_usd, chosen=chosen),
            split_by_value(problem, clusters, chosen=chosen),
            split_labels(problem, clusters, unit_price_usd=last.found.unit_price_usd, chosen=every),
            split_by_value(problem, clusters, chosen=every),
        ):
            finer = clusters_of(problem, segments, labels, by_scenario=by_scenario)
            if finer.n_clusters > clusters.n_clusters:
                return finer
        return clusters

    def finish(self, clusters: Clusters) -> None:
        """Where no answer has kept the limits, move them inwards until one does.

        Raises
        ------
        SolverError
            If none does.
        """
        if self.best is not None:
            return
        self._repair(clusters)
        if self.best is None:
            names = "; ".join(self._last().slack.overstepped(self.problem.limits))
            msg = (
                f"no answer keeps every limit on every hour after {clusters.n_clusters} clusters of hours: {names}. "
                "Allow more rounds or clusters, or give these limits that much room."
            )
            raise SolverError(msg)

    def solution(self, *, n_rounds: int, n_clusters: int) -> PartitionSolution:
        """Return the best answer that keeps the limits."""
        best = self.best or self._last()
        return PartitionSolution(
            quantity=best.answer.quantity,
            upper_bound_usd=best.found.objective_usd,
            lower_bound_usd=self.lower,
            limit_prices_usd=self.limit_prices_usd,
            reduced_cost_usd=best.answer.reduced_cost_usd,
            evaluation=best.found,
            classes=self.classes,
            n_rounds=n_rounds,
            n_clusters=n_clusters,
        )

    def _last(self) -> _Priced:
        """Return the answer of the last round."""
        if self.last is None:
            msg = "the search has not made a step"
            raise RuntimeError(msg)
        return self.last

    def _scale(self) -> float:
        """Size of the costs, for differences between them. [USD]"""
        return abs(self._last().found.objective_usd)

    def _solve(self, clusters: Clusters, problem: PlanningProblem) -> _Answer:
        """Optimum over the clusters of a problem that differs in limits or in what is owned."""
        given = self._given(clusters, problem)
        columns, rows = Columns(given), Rows()
        add_limits(given, columns, rows)
        limit_rows = dict(rows.places)
        found = solve_arrays(build_master(given, columns, rows), MASTER_OPTIONS)
        quantity = np.array(problem.batches.fixed_quantity)
        reduced = np.full(len(quantity), np.nan)
        decided = problem.batches.is_decision
        quantity[decided] = np.maximum(found.values[columns.decision[decided]], 0.0)
        reduced[decided] = found.reduced_costs[columns.decision[decided]]
        prices = tuple(
            (name, abs(float(found.row_duals[place[0]])))
            for name, place in limit_rows.items()
            if name not in (STRANDED_EXCESS, COST_EXCESS)
        )
        return _Answer(
            quantity=quantity,
            objective_usd=found.objective + owned_cost_usd(problem),
            limit_prices_usd=prices,
            use_prices=use_prices(problem, limit_rows, found.row_duals),
            reduced_cost_usd=reduced,
        )

    def _given(self, clusters: Clusters, problem: PlanningProblem) -> MasterInput:
        """What a program over clusters is built from."""
        return MasterInput(
            problem=problem,
            classes=self.classes,
            prices=unit_prices(problem),
            segments=self.segments,
            clusters=clusters,
            cuts=self.cuts,
        )

    def _infeasible(self, clusters: Clusters, error: InfeasibleLimitsError) -> InfeasibleLimitsError:
        """Name the smallest change that makes the limits meetable.

        Clusters are refined until the change no longer grows: coarse ones make limits look easier to meet.
        """
        by_scenario = bool(np.any(clusters.scenario >= 0))
        every = np.arange(clusters.n_clusters)
        found = smallest_change(self._given(clusters, self.problem))
        for _ in range(MAX_CHANGE_ROUNDS):
            labels = split_by_value(self.problem, clusters, chosen=every)
            clusters = clusters_of(self.problem, self.segments, labels, by_scenario=by_scenario)
            every = np.arange(clusters.n_clusters)
            finer = smallest_change(self._given(clusters, self.problem))
            is_settled = finer.change <= found.change * (1.0 + CHANGE_GROWTH)
            found = finer
            if is_settled:
                break
        if not found.relaxations:
            return error
        return InfeasibleLimitsError(relaxation_message(found.relaxations))

    def _priced(self, answer: _Answer) -> _Priced:
        """Price an answer on every hour."""
        found = evaluate(self.problem, answer.quantity, self.classes, answer.use_prices)
        return _Priced(answer=answer, found=found, slack=limit_slack(self.problem, answer.quantity, found))

    def _cut(self, priced: _Priced) -> None:
        """Remember the bound that the prices of an answer give."""
        if self.problem.risk_lambda > 0:
            return
        cut = cut_at(
            self.problem,
            priced.answer.quantity,
            class_price_usd=priced.found.class_price_usd,
            classes=self.classes,
            prices=unit_prices(self.problem),
            segments=self.segments,
        )
        self.cuts = (*self.cuts, cut)

    def _keep(self, priced: _Priced) -> None:
        """Remember the answer if it is the best that keeps the limits."""
        if priced.found.objective_usd < self.upper:
            self.upper = priced.found.objective_usd
            self.best = priced

    def _repair(self, clusters: Clusters) -> None:
        """Tighten the limits by what the last answer oversteps on the true hours until it keeps them.

        Capacity reservations stay as that answer has them: their idle units are then known, and what covers them
        counts exactly.
        """
        last = self._last()
        reserved = self._with_reservations(last.answer.quantity)
        limits, slack = self.problem.limits, last.slack
        for step in range(REPAIR_STEPS):
            if step > 0 or reserved is self.problem:
                limits = tightened(limits, slack)
            try:
                answer = self._solve(clusters, replace(reserved, limits=limits))
            except InfeasibleLimitsError:
                return
            priced = self._priced(replace(answer, reduced_cost_usd=last.answer.reduced_cost_usd))
            if priced.slack.is_kept:
                self._keep(priced)
                self._blend(last, priced)
                return
            last, slack = priced, priced.slack

    def _blend(self, over: _Priced, kept: _Priced) -> None:
        """Search the line from an answer that oversteps limits to one that keeps them for the first that does."""
        low, high = 0.0, 1.0
        most_usd = kept.found.objective_usd - over.found.objective_usd
        for _ in range(BLEND_STEPS):
            if most_usd * (high - low) <= self.options.gap_fraction * self._scale():
                break
            middle = (low + high) / 2
            quantity = middle * kept.answer.quantity + (1.0 - middle) * over.answer.quantity
            priced = self._priced(replace(kept.answer, quantity=quantity))
            if priced.slack.is_kept:
                self._keep(priced)
                high = middle
            else:
                low = middle

    def _with_reservations(self, quantity: FloatArray) -> PlanningProblem:
        """Take capacity reservations as owned; the same problem where there are none to decide."""
        problem, batches = self.problem, self.problem.batches
        is_reserved = batches.is_decision & problem.instruments.reserves_units[batches.instrument]
        if not is_reserved.any():
            return problem
        fixed = np.where(is_reserved, quantity, batches.fixed_quantity)
        return replace(problem, batches=replace(batches, fixed_quantity=fixed))
