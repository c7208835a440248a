"""Purchases and contract solved together, with a bound that no other purchases beat.

The planning problem gets the offer's prices and, as a part of its cost, what its years fall short by
(`optimizer.contract_cuts`); support enters by a line that is nowhere above its fee. Not here: what an answer costs
(`optimizer.jobs.contract.worth` says that, support and exclusions exactly).
"""

from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray
from optimizer.coefficients import most_reserved_units
from optimizer.contract_offers import Support
from optimizer.contract_terms import MONTHS_PER_YEAR, ContractTerms
from optimizer.costs import evaluate_with
from optimizer.cover import cover_classes
from optimizer.cutting_planes import CutOptions, solve_cuts
from optimizer.errors import SolverError
from optimizer.jobs.contract.spend import SpendModel
from optimizer.jobs.contract.view import OfferView
from optimizer.jobs.contract.worth import support_usd
from optimizer.jobs.solve import CUTS_MAX_POOLS, Tell
from optimizer.problem import PlanningProblem
from optimizer.slack import limit_slack
from optimizer.sweep import Sweeper

GAP_FRACTION = 1e-3  # of the cost: what a negotiation is far from needing
MAX_ROUNDS = 80
BLEND_STEPS = 7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Joint:
    """Answer of the joint problem.

    Attributes
    ----------
    quantity : FloatArray of shape (n_batches,) or None
        None where none was found that keeps the policy's limits, or pools are too many to solve both together.
    lower_bound_usd : float
        No purchases cost less: contract and what outlives it, as present value; -inf where not known. [USD]
    """

    quantity: FloatArray | None
    lower_bound_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _SupportLine:
    """Straight line that is nowhere above the support fee: intercept a month + slope x spend."""

    intercept_usd: float
    slope: float


def solve_joint(view: OfferView, model: SpendModel, *, planned: FloatArray, tell: Tell) -> Joint:
    """Best purchases under an offer.

    Parameters
    ----------
    view : OfferView
    model : SpendModel
        Its problem has the limits of the policy.
    planned : FloatArray of shape (n_batches,)
        Purchases that keep these limits.
    tell : callable
    """
    line = _support_line(view, model)
    problem = joint_problem(view, model, line)

    def on_round(number: int, upper: float, lower: float) -> None:
        known = f", gap {(upper - lower) / upper:.1e}" if np.isfinite(upper) else ""
        tell(f"optimizing with {view.offer.name}: round {number}{known}")

    if len(problem.pools) > CUTS_MAX_POOLS:
        return Joint(quantity=None, lower_bound_usd=-np.inf)
    options, constant = CutOptions(gap_fraction=GAP_FRACTION, max_rounds=MAX_ROUNDS), constant_usd(view, model, line)
    try:
        found = solve_cuts(problem, options, on_round=on_round)
    except SolverError:  # no choice was found that keeps every limit on every hour
        return _without_limits_on_use(problem, options, planned=planned, constant_usd=constant)
    return Joint(quantity=found.quantity, lower_bound_usd=found.lower_bound_usd + constant)


def _without_limits_on_use(
    problem: PlanningProblem, options: CutOptions, *, planned: FloatArray, constant_usd: float
) -> Joint:
    """Bound of the problem without limits on use, which holds with them, too; of its choice as much as keeps them."""
    free = replace(
        problem.limits,
        stranded_expected_fraction=None,
        stranded_cvar_fraction=None,
        coverage_min_fraction=None,
        coverage_max_fraction=None,
        spot_share_max=None,
    )
    try:
        found = solve_cuts(replace(problem, limits=free), options)
    except SolverError:
        return Joint(quantity=None, lower_bound_usd=-np.inf)
    quantity = _kept(problem, found.quantity, planned)
    return Joint(quantity=quantity, lower_bound_usd=found.lower_bound_usd + constant_usd)


def _kept(problem: PlanningProblem, wanted: FloatArray, planned: FloatArray) -> FloatArray:
    """First point on the line from a choice to one that keeps every limit that keeps them, too."""
    sweeper = Sweeper(problem, cover_classes(problem.instruments, split_by_fee=True))

    def is_kept(quantity: FloatArray) -> bool:
        return bool(limit_slack(problem, quantity, evaluate_with(sweeper, quantity)).is_kept)

    if is_kept(wanted):
        return wanted
    low, high = 0.0, 1.0  # part of what is planned
    for _ in range(BLEND_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_kept(middle * planned + (1.0 - middle) * wanted) else (middle, high)
    return high * planned + (1.0 - high) * wanted


def bound_of_contract_usd(joint: Joint, view: OfferView, model: SpendModel) -> float | None:
    """Bound of what any choice costs under an offer, after the contract as far as it is beyond the reference.

    Where pools differ in discount the joint problem prices the hours after the contract too high for some: as much as
    that can be is taken off.

    Parameters
    ----------
    joint : Joint
    view : OfferView
    model : SpendModel
        With its reference.

    Returns
    -------
    float or None
        None where not known. [USD]
    """
    if not np.isfinite(joint.lower_bound_usd):
        return None
    problem = model.assembled.problem
    most = most_reserved_units(problem)
    reserved = np.where(problem.batches.is_decision & np.isfinite(most), np.nan_to_num(most, posinf=0.0), 0.0)
    line = _support_line(view, model)
    paid = _paid_part(view, line) / ((1.0 - view.offer.discount_fraction) * (1.0 + _per_net(view, line)))
    too_high_usd = model.recourse_after_usd(reserved, view.n_months, np.maximum(paid - 1.0, 0.0))
    reference_usd = float(problem.weights @ model.reference_after_usd[:, view.n_years - 1])
    return joint.lower_bound_usd - too_high_usd - reference_usd


def joint_problem(view: OfferView, model: SpendModel, line: _SupportLine) -> PlanningProblem:
    """Planning problem under an offer.

    After the contract its discount is gone: hours there count by list price. Where pools differ in discount the price
    of a pool keeps its distance to the others' there. An offer is worth what it costs in expectation: a weight of risk
    would put the bound above what it is a bound of.
    """
    problem = model.assembled.problem
    year = np.where(model.month_of_hour < view.n_months, model.month_of_hour // MONTHS_PER_YEAR, -1)
    year = np.where(model.month_of_hour < 0, -1, year)
    inside = year >= 0
    after = 1.0 - view.offer.discount_fraction
    markup = 1.0 + _per_net(view, line)
    counted = view.counted_part[view.is_eligible] / view.part[view.is_eligible]
    terms = ContractTerms(
        year_of_hour=year,
        due_usd=_due_usd(view, model),
        counted_part=float(counted.max(initial=1.0)) / markup,
        counted_fee_usd=view.counted_fee_usd.reshape(-1, view.n_years, MONTHS_PER_YEAR).sum(axis=2),
        rule=view.rule,
    )
    with_fees = replace(problem.batches, cost_usd=problem.batches.cost_usd + _fee_change_usd(view, model, line))
    return replace(
        problem,
        on_demand_usd=problem.on_demand_usd * _paid_part(view, line),
        spot_usd=problem.spot_usd * _paid_part(view, line),
        discount=np.where(inside, problem.discount, problem.discount / (after * markup)),
        batches=with_fees,
        contract=terms,
        risk_lambda=0.0,
    )


def constant_usd(view: OfferView, model: SpendModel, line: _SupportLine) -> float:
    """Cost that no purchase changes: other spend, and the part of support that no spend changes. [USD]"""
    weights, discount = model.assembled.problem.weights, model.month_discount[: view.n_months]
    after = 1.0 - view.offer.discount_fraction
    supported = 1.0 if _is_of_list(view) else after
    other = float(weights @ (view.other_usd @ discount))
    return (after + line.slope * supported) * other + line.intercept_usd * float(discount.sum())


def _support_line(view: OfferView, model: SpendModel) -> _SupportLine:
    """Line between the fee of the least and of the most that a month can cost, lowered until it is nowhere above."""
    support = view.offer.support
    if support is None:
        return _SupportLine(intercept_usd=0.0, slope=0.0)
    low, high = model.least_most_usd()
    after = 1.0 if _is_of_list(view) else float(view.part.min()) * (1.0 - view.offer.discount_fraction)
    other = view.other_usd
    least = max(float((low[:, : view.n_months] * after + other * after).min()), 0.0)
    most = float((high[:, : view.n_months] + other).max())
    ends = [tier.up_to_usd for tier in support.tiers if tier.up_to_usd is not None]
    kinks = (*ends, _floor_end(support))
    points = np.array(sorted({least, most, *(end for end in kinks if least < end < most)}))
    fees = support_usd(support, points)
    slope = float(fees[-1] - fees[0]) / (most - least) if most > least else 0.0
    return _SupportLine(intercept_usd=float((fees - slope * points).min()), slope=slope)


def _floor_end(support: Support) -> float:
    """Spend up to which the fee is its minimum. [USD]"""
    fee = below = 0.0
    for tier in support.tiers:
        end = np.inf if tier.up_to_usd is None else tier.up_to_usd
        if fee + tier.fee_fraction * (end - below) >= support.minimum_usd_per_month and tier.fee_fraction > 0.0:
            return below + (support.minimum_usd_per_month - fee) / tier.fee_fraction
        fee, below = fee + tier.fee_fraction * (end - below) if tier.fee_fraction else fee, end
    return below


def _is_of_list(view: OfferView) -> bool:
    """Whether support is taken of spend before the discount."""
    return view.offer.support is None or view.offer.support.of_spend == "before_discount"


def _per_net(view: OfferView, line: _SupportLine) -> float:
    """Support for each USD after the discount; pools of the least discount decide, so that it is never too much."""
    return line.slope / float(view.part.max()) if _is_of_list(view) else line.slope


def _paid_part(view: OfferView, line: _SupportLine) -> FloatArray:
    """What is paid of a USD of list price of each pool, with its support. Shape (n_pools,)."""
    part: FloatArray = view.part * np.where(view.is_provider, 1.0 + _per_net(view, line), 1.0)
    return part


def _due_usd(view: OfferView, model: SpendModel) -> FloatArray:
    """Commitment less what counts beside planned pools; support at its most. Shape (n_scenarios, n_years). [USD]"""
    after = 1.0 - view.offer.discount_fraction
    other = (after if view.offer.basis == "net" else 1.0) * view.other_usd
    support = view.offer.support
    if support is not None and support.counts:
        _, high = model.least_most_usd()
        other = other + support_usd(support, high[:, : view.n_months] + view.other_usd)
    by_year = other.reshape(len(other), view.n_years, MONTHS_PER_YEAR).sum(axis=2)
    due: FloatArray = view.commitment_usd - view.marketplace_usd - by_year
    return due


def _fee_change_usd(view: OfferView, model: SpendModel, line: _SupportLine) -> FloatArray:
    """What the offer changes in the cost of one unit of every batch: discount and support. (n_batches,) [USD]"""
    months, fees = slice(0, view.n_months), model.fees
    discount = model.month_discount[months]
    hourly = (view.fee_usd - fees.hourly_usd[:, months]) @ discount
    upfront = (view.upfront_usd - fees.amortized_usd[:, months]).sum(axis=1) * fees.upfront_discount
    supported = fees.hourly_usd[:, months] + fees.amortized_usd[:, months]
    if not _is_of_list(view):
        supported = view.fee_usd + view.upfront_usd
    support = np.where(view.is_fee_of_provider, line.slope * (supported @ discount), 0.0)
    change: FloatArray = hourly + upfront + support
    return change
