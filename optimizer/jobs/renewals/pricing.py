"""What choices cost: one problem with every batch that any choice needs, solved again for each with the rest free.

The rule for all: a choice sets what becomes of its commitment; every other purchase is re-optimized within the limits
of the policy, later dates and other commitments' renewals included. The problem differs only in quantities, so that
bounds found once hold for all choices, and one or two passes over all hours settle each. Not here: which choices there
are (`renewing`, `changing`), what is said of them (`answer`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray
from optimizer.assembly import AddedBatch, Assembled, with_added
from optimizer.costs import Evaluation, evaluate_with, evaluation_of
from optimizer.cut_program import CutProgram
from optimizer.cutting_planes import CutOptions, collect_bounds
from optimizer.errors import InfeasibleLimitsError
from optimizer.goals import objective_rate_yearly
from optimizer.jobs.posed import PosedRun
from optimizer.jobs.renewals.choices import Choice, ChoiceKind, Reviewed
from optimizer.jobs.solve import Tell
from optimizer.limits import Limits
from optimizer.metrics import gap_fraction
from optimizer.offers import OfferKind
from optimizer.policy_limits import owned_stranded, with_limits
from optimizer.problem import PlanningProblem
from optimizer.slack import SLACK_TOLERANCE, LimitValues, limit_slack, limit_values, pressed
from optimizer.sweep import Sweeper, plain_prices

GAP_FRACTION = 1e-4
MAX_ROUNDS = 60  # of the search that collects the bounds
MAX_PASSES = 6  # of each choice
ROOM_FRACTION = 0.25  # of a limit on use: what an option may overstep it by, hour by hour, before it counts as outside
ALL = 1.0  # a limit on a fraction that nothing can overstep


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Setting:
    """Quantities that one case fixes, and the bounds of those it leaves open.

    Attributes
    ----------
    fixed : FloatArray of shape (n_batches,)
        nan where the quantity is to be decided.
    least, most : FloatArray of shape (n_batches,)
        Bounds of what is decided; nan where the problem's own stand.
    one_off_usd : float
        Cost beside the batches, the same in every scenario. [USD]
    """

    fixed: FloatArray
    least: FloatArray
    most: FloatArray
    one_off_usd: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Priced:
    """Optimum of one setting.

    Attributes
    ----------
    setting : Setting
    quantity : FloatArray of shape (n_batches,)
        Of every batch.
    found : Evaluation
        Of `quantity`, on every hour, without `one_off_usd`.
    objective_usd : float
        Cost of the quantities, one-off cash included. [USD]
    lower_bound_usd : float
        No quantities within the setting and the limits cost less. [USD]
    is_within_limits : bool
        False where the setting cannot be had within the limits of the policy on use, and they were set aside for it.
    overstepped : tuple of str
        Limits on use that are missed hour by hour, and by what.
    """

    setting: Setting
    quantity: FloatArray
    found: Evaluation
    objective_usd: float
    lower_bound_usd: float
    is_within_limits: bool
    overstepped: tuple[str, ...] = ()

    @property
    def gap_fraction(self) -> float:
        """(objective - lower bound) / objective."""
        return gap_fraction(upper_usd=self.objective_usd, lower_usd=self.lower_bound_usd)

    @property
    def scenario_usd(self) -> FloatArray:
        """Discounted cost of each scenario, in the window and the valued tail. Shape (n_scenarios,). [USD]"""
        return self.found.fees_usd + self.setting.one_off_usd + self.found.recourse_usd


class Desk:
    """Prices choices on one problem.

    Parameters
    ----------
    posed : PosedRun
    reviewed : sequence of Reviewed
        With their choices.
    tell : callable
    """

    def __init__(self, posed: PosedRun, reviewed: Sequence[Reviewed], tell: Tell) -> None:
        wanted = {
            _key(item, batch): batch
            for item in reviewed
            for choice in item.choices
            if choice.is_open
            for batch in choice.added
        }
        self.posed = posed
        self.reviewed = tuple(reviewed)
        given = posed.given
        assembled = with_added(
            posed.assembled,
            tuple(wanted.values()),
            given.market,
            posed.timeline,
            discount_rate_yearly=objective_rate_yearly(given.policy),
        )
        self.assembled: Assembled = with_limits(assembled, posed.context)
        self.problem: PlanningProblem = self.assembled.problem
        n_old = posed.assembled.problem.batches.n_batches
        self._row = {key: n_old + place for place, key in enumerate(wanted)}
        tell("optimizing all purchases and renewals together")
        bounds = collect_bounds(
            self.problem,
            CutOptions(gap_fraction=GAP_FRACTION, max_rounds=MAX_ROUNDS),
            on_round=lambda number, *_: tell(f"optimizing all purchases and renewals together: round {number}"),
        )
        self._sweeper, self._cuts = bounds.sweeper, bounds.cuts

    def row(self, item: Reviewed, batch: AddedBatch) -> int:
        """Row of a batch that choices of a commitment need."""
        return self._row[_key(item, batch)]

    def own_rows(self, item: Reviewed, choice: Choice) -> tuple[int, ...]:
        """Rows of the commitment and of what a choice puts in its place."""
        rows = [self.owned_row(item), *(self.row(item, batch) for batch, _ in choice.becomes)]
        if choice.release is not None and choice.release.until is not None:
            rows.append(self.row(item, choice.release.until))
        if choice.buys is not None:
            rows += self.purchase_rows(item, choice.buys.batch, choice.kind)
        return tuple(rows)

    def purchase_rows(self, item: Reviewed, batch: AddedBatch, kind: ChoiceKind) -> tuple[int, ...]:
        """Rows of what a choice buys; on a later date of the plan all that reaches the same."""
        return self.same_purchases(batch) if kind is ChoiceKind.BUY_LATER else (self.row(item, batch),)

    def owned_row(self, item: Reviewed) -> int:
        """Row of what is owned."""
        return next(row for row, owned in enumerate(self.assembled.commitment) if owned is item.commitment)

    def free(self) -> Setting:
        """Nothing of what is owned changed, every purchase open."""
        n = self.problem.batches.n_batches
        return Setting(
            fixed=np.array(self.problem.batches.fixed_quantity), least=np.full(n, np.nan), most=np.full(n, np.nan)
        )

    def setting(self, chosen: Sequence[tuple[Reviewed, Choice]]) -> Setting:
        """Setting of some choices at once, one for each of some commitments."""
        out = self.free()
        fixed, least, most = np.array(out.fixed), np.array(out.least), np.array(out.most)
        one_off = 0.0
        for item, choice in chosen:
            one_off += choice.counted_usd + self._set_release(item, choice, fixed)
            if choice.release is None:  # its own renewals: none but the one chosen
                for row in self._renewal_rows(item):
                    least[row] = most[row] = 0.0
            if choice.buys is not None:
                row = self.row(item, choice.buys.batch)
                least[row], most[row] = choice.buys.at_least, choice.buys.at_most
            if choice.bars_until_hour:
                for row in self._rows_for(item, choice.at_hour, choice.bars_until_hour):
                    least[row] = most[row] = 0.0
        return Setting(fixed=fixed, least=least, most=most, one_off_usd=one_off)

    def _set_release(self, item: Reviewed, choice: Choice, fixed: FloatArray) -> float:
        """Set what is held after a release, in place; return what was paid upfront for hours given up. [USD]"""
        release = choice.release
        if release is None:
            return 0.0
        owned, cost = self.owned_row(item), self.problem.batches.cost_usd
        fixed[owned] -= release.quantity
        kept = 0.0
        if release.until is not None:
            fixed[self.row(item, release.until)] += release.quantity
            kept = float(cost[self.row(item, release.until)])
        for batch, quantity in choice.becomes:
            fixed[self.row(item, batch)] += quantity
        return release.quantity * (float(cost[owned]) - kept - float(cost[self.row(item, release.rest)]))

    def _renewal_rows(self, item: Reviewed) -> tuple[int, ...]:
        """Purchases that only its own choices brought in, and the plan's own for its pools alone on the day it ends."""
        own = [
            self.row(item, choice.buys.batch) for choice in item.choices if choice.is_open and choice.buys is not None
        ]
        end = item.commitment.end_hour
        return (*own, *(self._rows_for(item, end, end + 1) if item.is_ending else ()))

    def _rows_for(self, item: Reviewed, start_hour: int, end_hour: int) -> tuple[int, ...]:
        """Purchases from one hour to another for the commitment's pools alone.

        In place of a compute savings plan only other ones count: everything is for pools that it covers, too. But on
        the day such a plan ends the date of the plan itself stays open: what it buys there is for all pools.
        """
        batches, reach = self.problem.batches, set(item.offer.pools)
        is_wide = item.offer.kind is OfferKind.COMPUTE_SAVINGS_PLAN
        if is_wide and end_hour == start_hour + 1:
            return ()
        is_barred = [
            bool(offer.pools)
            and reach.issuperset(offer.pools)
            and offer.kind is not OfferKind.CAPACITY_RESERVATION
            and (not is_wide or offer.kind is item.offer.kind)
            for offer in self.assembled.offers
        ]
        is_then = (batches.start_hour >= start_hour) & (batches.start_hour < end_hour)
        return tuple(np.flatnonzero(batches.is_decision & is_then & np.array(is_barred)[batches.instrument]).tolist())

    def same_purchases(self, batch: AddedBatch) -> tuple[int, ...]:
        """Purchases on a batch's first hour that reach what it does: another offer may do the same for less."""
        batches, reach = self.problem.batches, set(batch.offer.pools)
        is_same = [
            set(offer.pools) == reach and offer.kind is not OfferKind.CAPACITY_RESERVATION
            for offer in self.assembled.offers
        ]
        is_then = batches.is_decision & (batches.start_hour == batch.start_hour)
        return tuple(np.flatnonzero(is_then & np.array(is_same)[batches.instrument]).tolist())

    def price(self, setting: Setting) -> Priced:
        """Optimum of a setting; where the limits on use do not allow it, without them.

        Raises
        ------
        InfeasibleLimitsError
            If it cannot be had within the other limits either.
        """
        problem = self._problem_of(setting)
        try:
            found = self._solved(problem, setting)
            if _is_nearly_kept(problem.limits, limit_values(problem, found.quantity, found.found)):
                return found
        except InfeasibleLimitsError:
            if not problem.limits.governs_use:
                raise
        loose = self._solved(replace(problem, limits=_without_use(problem.limits)), setting)
        slack = limit_slack(problem, loose.quantity, loose.found)
        return replace(loose, is_within_limits=slack.is_kept, overstepped=slack.overstepped(problem.limits))

    def _problem_of(self, setting: Setting) -> PlanningProblem:
        """Problem with what is held in this setting."""
        if np.array_equal(setting.fixed, self.problem.batches.fixed_quantity, equal_nan=True):
            return self.problem
        batches = replace(self.problem.batches, fixed_quantity=setting.fixed)
        problem = replace(self.problem, batches=batches)
        limits = problem.limits
        if limits.stranded_expected_fraction is None and limits.stranded_cvar_fraction is None:
            return problem
        return replace(problem, limits=replace(limits, owned_stranded_usd=owned_stranded(problem)))

    def _solved(self, problem: PlanningProblem, setting: Setting) -> Priced:
        """Solve under the bounds known, pass over all hours, add what was found, until the bounds meet."""
        is_same = problem is self.problem
        sweeper = self._sweeper if is_same else Sweeper(problem, self._sweeper.classes)
        program = CutProgram(sweeper)
        program.cuts = list(self._cuts)
        _bind(program, setting)
        n_known = len(program.cuts)
        best: tuple[FloatArray, Evaluation] | None = None
        lower = -np.inf
        for turn in range(MAX_PASSES):
            answer = program.solve()
            lower = answer.objective_usd
            swept = sweeper(answer.quantity)
            program.add(swept, plain_prices(len(problem.weights)))
            found = evaluation_of(sweeper, answer.quantity, swept)
            if problem.limits.spot_share_max is not None:  # a limit on spot is kept hour by hour, at its cost
                found = evaluate_with(sweeper, answer.quantity)
            # a later answer keeps limits on use under more bounds than an earlier one, whatever it costs
            if best is None or problem.limits.governs_use or found.objective_usd < best[1].objective_usd:
                best = (answer.quantity, found)
            if best[1].objective_usd - lower <= GAP_FRACTION * abs(lower):
                break
            prices = pressed(answer.prices, limit_slack(problem, answer.quantity, found), turn)
            if not prices.is_plain:
                program.add(sweeper(answer.quantity, prices), prices)
        self._cuts = [*self._cuts, *program.cuts[n_known:]]
        quantity, found = best if best is not None else (answer.quantity, found)
        extra = setting.one_off_usd * (1.0 + problem.risk_lambda)
        return Priced(
            setting=setting,
            quantity=quantity,
            found=found,
            objective_usd=found.objective_usd + extra,
            # what oversteps a limit a little may cost less than anything that keeps it
            lower_bound_usd=min(lower, found.objective_usd) + extra,
            is_within_limits=True,
            overstepped=limit_slack(problem, quantity, found).overstepped(problem.limits),
        )


def _bind(program: CutProgram, setting: Setting) -> None:
    """Set the bounds of purchases."""
    columns, decided = program.columns, program.problem.batches.is_decision
    for row in np.flatnonzero(decided & np.isfinite(setting.most)).tolist():
        place = columns.decision[row]
        columns.lower[place], columns.upper[place] = setting.least[row], setting.most[row]


def _is_nearly_kept(limits: Limits, values: LimitValues) -> bool:
    """Whether every limit on use is kept hour by hour, to within `ROOM_FRACTION` of it."""
    room = 1.0 + ROOM_FRACTION
    ceilings = (
        (limits.stranded_expected_fraction, values.stranded_expected),
        (limits.stranded_cvar_fraction, values.stranded_cvar),
        (limits.coverage_max_fraction, values.coverage),
        (limits.spot_share_max, values.spot_share),
    )
    floor = limits.coverage_min_fraction
    is_covered = floor is None or values.coverage * room >= floor - SLACK_TOLERANCE
    return is_covered and all(limit is None or value <= limit * room + SLACK_TOLERANCE for limit, value in ceilings)


def _without_use(limits: Limits) -> Limits:
    """Limits on use that nothing can overstep; each stays in the program, so that its bounds still fit."""
    return replace(
        limits,
        stranded_expected_fraction=None if limits.stranded_expected_fraction is None else ALL,
        stranded_cvar_fraction=None if limits.stranded_cvar_fraction is None else ALL,
        coverage_min_fraction=None if limits.coverage_min_fraction is None else 0.0,
        coverage_max_fraction=None if limits.coverage_max_fraction is None else ALL,
        spot_share_max=None if limits.spot_share_max is None else ALL,
    )


def _key(item: Reviewed, batch: AddedBatch) -> tuple[object, ...]:
    """What tells two batches apart; those of two commitments are never one."""
    hours = (batch.start_hour, batch.end_hour, batch.decision_hour)
    is_decided = bool(np.isnan(batch.quantity))
    return (item.commitment.commitment_id, batch.offer.offer_id, *hours, is_decided, batch.pays_upfront)
