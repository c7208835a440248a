"""The contract job: forecast over the contract's years, plan with and without it, value every offer.

Not here: reading the files of a plan (`optimizer.jobs.planning_inputs`), the pages (`optimizer.report`).
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from forecasting.arrays import FloatArray
from forecasting.errors import InputError, Problem
from forecasting.frames import did_you_mean
from forecasting.hours import date_of_hour
from forecasting.numerals import percent
from optimizer.assembly import horizon_terms
from optimizer.contract_offers import ContractOffer, ContractOffers
from optimizer.goals import objective_rate_yearly
from optimizer.jobs.contract.answer import ContractAnswer, OfferResult, Parts
from optimizer.jobs.contract.horizon import MONTHS_PER_YEAR, STRIDE_HOURS, contract_timeline
from optimizer.jobs.contract.joint import Joint, bound_of_contract_usd, solve_joint
from optimizer.jobs.contract.reasons import recommendation
from optimizer.jobs.contract.rows import curve_rows, saving_spread, year_rows
from optimizer.jobs.contract.spend import Spend, SpendModel
from optimizer.jobs.contract.valuation import Valuation
from optimizer.jobs.contract.view import OfferView, view_of
from optimizer.jobs.contract.worth import expected_usd, without_contract, worth_of
from optimizer.jobs.inputs import file_sha256
from optimizer.jobs.planning_inputs import PlanningInputs
from optimizer.jobs.posed import PosedRun, posed_run
from optimizer.jobs.solve import Tell, solve
from optimizer.jobs.versions import versions
from optimizer.limits import Limits
from optimizer.plan import InputRecord
from optimizer.policy import Increments
from optimizer.policy_limits import with_limits

PLANNED = "planned without the contract"
OWNED = "only what is owned"
GAP_FRACTION = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ContractRequest:
    """What the job is asked.

    Attributes
    ----------
    given : PlanningInputs
    offers : ContractOffers
    offers_path : Path
    """

    given: PlanningInputs
    offers: ContractOffers
    offers_path: Path


def make_contract(request: ContractRequest, *, tell: Tell) -> ContractAnswer:
    """Value every offer.

    Raises
    ------
    InputError
        If an offer names a provider, pool or region that the price list does not have.
    InfeasibleLimitsError
        If the policy's limits cannot all be met over the contract's years.
    """
    given, offers = request.given, request.offers.offers
    check_names(request)
    n_years = max(len(offer.annual_usd) for offer in offers)
    policy = given.policy
    terms = horizon_terms(given.market.buyable())
    timeline, cadence = contract_timeline(
        given.as_of_hour, years=n_years, cadence_months=policy.cadence_months, terms_months=terms
    )
    posed = posed_run(_with_all_payments(given, offers), tell=tell, timeline=timeline)
    assembled = with_limits(posed.assembled, posed.context)
    rate = objective_rate_yearly(policy)
    model = SpendModel(assembled, as_of_hour=given.as_of_hour, n_years=n_years, rate_yearly=rate)
    tell("optimizing without a contract")
    planned = solve(assembled, Increments(), method="auto", gap_fraction=GAP_FRACTION, tell=tell).exact
    owned = np.nan_to_num(assembled.problem.batches.fixed_quantity)
    choices = [model.spend(PLANNED, planned)]
    model.refer_to(choices[0])
    if allows_no_purchase(assembled.problem.limits):
        choices.append(model.spend(OWNED, owned))
    joints: list[Joint] = []
    for offer in offers:
        view = view_of(offer, model, posed.given.market.catalog, request.offers.other_spend)
        joints.append(solve_joint(view, model, planned=planned, tell=tell))
        quantity = joints[-1].quantity
        if quantity is not None:
            choices.append(model.spend(f"decided together with {offer.name}", quantity))
    tell("valuing clauses")
    value = Valuation(model, posed.given.market.catalog, request.offers.other_spend, tuple(choices))
    results = tuple(_result(offer, joint, value) for offer, joint in zip(offers, joints, strict=True))
    recommended, reasons = recommendation(results)
    return ContractAnswer(
        as_of_hour=given.as_of_hour,
        results=results,
        recommended=recommended,
        reasons=reasons,
        on_demand_yearly_usd=_on_demand_yearly(model),
        spend_yearly_usd=_spend_yearly(model, choices[0]),
        assumptions=(*posed.forecast.assumptions, *_assumptions(request, posed, cadence_months=cadence)),
        inputs=(*given.records, _record(request.offers_path)),
        versions=versions(),
        seed=given.seed,
    )


def allows_no_purchase(limits: Limits) -> bool:
    """Whether no limit of the policy asks for purchases."""
    return not limits.firm and not limits.coverage_min_fraction


def _with_all_payments(given: PlanningInputs, offers: tuple[ContractOffer, ...]) -> PlanningInputs:
    """Inputs whose dearer offers of less upfront cash stay, where upfront payments do not count in some contract."""
    if all(offer.counting.upfront != "never" for offer in offers):
        return given
    return replace(given, market=replace(given.market, is_cash_limited=True))


def check_names(request: ContractRequest) -> None:
    """Refuse providers, pools and regions that the price list does not have.

    Raises
    ------
    InputError
        With all of them.
    """
    catalog = request.given.market.catalog
    problems = []
    for place, offer in enumerate(request.offers.offers, start=1):
        names = [("provider", offer.provider, set(catalog.providers))]
        named = [("overrides", part.pools, part.regions) for part in offer.overrides]
        for key, pools, regions in (*named, ("excluded", offer.excluded.pools, offer.excluded.regions)):
            names += [(f"{key}.pools", pool, set(catalog.pools)) for pool in pools]
            names += [(f"{key}.regions", region, set(catalog.regions)) for region in regions]
        for key, name, known in names:
            if name not in known:
                message = (
                    f"must be known from the price list, for a pool with usage, got {name!r}."
                    f"{did_you_mean(name, known)} Correct the name, or leave it out."
                )
                problems.append(Problem(column=f"offers[{place}].{key}", message=message))
    if problems:
        raise InputError(str(request.offers_path), problems)


def _result(offer: ContractOffer, joint: Joint, value: Valuation) -> OfferResult:
    """Everything about one offer."""
    model = value.model
    choice, cost_usd = value.best(offer)
    view = view_of(offer, model, value.catalog, value.others)
    worth = worth_of(view, model, choice)
    weights = model.assembled.problem.weights
    nothing = without_contract(offer)
    none_choice, none_usd = value.best(nothing)
    none_view = view_of(nothing, model, value.catalog, value.others)
    spread = saving_spread(worth_of(none_view, model, none_choice).cost_usd - worth.cost_usd, weights)
    return OfferResult(
        offer=offer,
        joint=Parts(
            spend_usd=float(weights @ worth.spend_usd),
            shortfall_usd=float(weights @ worth.shortfall_usd),
            support_usd=float(weights @ worth.support_usd),
            after_usd=float(weights @ worth.after_usd),
        ),
        joint_choice=choice.name,
        lower_bound_usd=_bound(joint, view, model, cost_usd),
        sequential_usd=expected_usd(view, model, value.choices[0]),
        no_contract_usd=none_usd,
        saving_p10_usd=spread.p10_usd,
        saving_p50_usd=spread.p50_usd,
        saving_p90_usd=spread.p90_usd,
        saving_probability=spread.probability,
        years=year_rows(view, worth, weights),
        curve=curve_rows(view, worth, model),
        break_even_discount=value.break_even_discount(offer),
        free_first_year_usd=value.free_usd(offer),
        walk_away_first_year_usd=value.walk_away_usd(offer),
        clauses=value.clauses(offer),
    )


def _bound(joint: Joint, view: OfferView, model: SpendModel, cost_usd: float) -> float | None:
    """Bound of the cost under an offer; never above the cost itself, whatever a support line loses."""
    bound = bound_of_contract_usd(joint, view, model)
    return None if bound is None else min(bound, cost_usd)


def _on_demand_yearly(model: SpendModel) -> FloatArray:
    """Expected list price of all demand by contract year."""
    nothing = np.zeros(model.assembled.problem.batches.n_batches)
    spend = model.spend("nothing", nothing)
    by_month = np.einsum("s,smp->m", model.assembled.problem.weights, spend.variable_usd)
    by_year: FloatArray = by_month.reshape(-1, MONTHS_PER_YEAR).sum(axis=1)
    return by_year


def _spend_yearly(model: SpendModel, spend: Spend) -> FloatArray:
    """Expected spend by contract year at list prices, amortized fees included."""
    by_month = np.einsum("s,smp->m", model.assembled.problem.weights, spend.variable_usd)
    fees = spend.quantity @ (model.fees.hourly_usd + model.fees.amortized_usd)
    by_year: FloatArray = (by_month + fees).reshape(-1, MONTHS_PER_YEAR).sum(axis=1)
    return by_year


def _record(path: Path) -> InputRecord:
    """Name and hash of the offers file."""
    return InputRecord(role="offers", name=path.name, sha256=file_sha256(path))


def _assumptions(request: ContractRequest, posed: PosedRun, *, cadence_months: int) -> tuple[str, ...]:
    """What the job took for granted."""
    given, timeline = request.given, posed.timeline
    start, end = date_of_hour(given.as_of_hour), date_of_hour(timeline.end_hour)
    has_other = bool(request.offers.other_spend)
    other = (
        "Spend outside the planned pools grows in each scenario as fast as that scenario's demand ranks among the "
        "others: high demand and high growth come together, which widens the spread."
    )
    risk = (
        "Offers, and what is decided together with them, are weighed by expected cost; the policy's weight of risk "
        "enters the purchases planned without a contract alone."
    )
    return (
        f"Contracts begin on {start}. Demand is forecast to {end} by the model of a plan, however long the history: "
        "its spread widens with the distance, and later years rest on ever less evidence.",
        f"Every {STRIDE_HOURS}th hour stands for all of them, purchases are possible every {cadence_months} months and "
        "quantities are exact, not in whole steps: enough to size a contract. `plimsoll plan` says what to buy.",
        "Savings plans and reservations discount first, the contract then takes its percentage off what is left: they "
        "multiply. Commitments count where all of their pools are eligible.",
        "Purchases serve in the optimizer's order; a provider's order may differ a little.",
        f"Costs are present values at {percent(objective_rate_yearly(given.policy), 2)} a year; commitments, counted "
        "spend and shortfalls by year are not discounted. A shortfall is paid at the end of its year.",
        "What counts ends with the contract. What purchases cost after it, at list prices, is charged as far as it is "
        "beyond that of the purchases planned without a contract.",
        "Marketplace spend retires commitment where the offer says so; its own cost is the same with and without a "
        "contract and is left out.",
        *((other,) if has_other else ()),
        *((risk,) if given.policy.risk.lambda_ > 0.0 else ()),
    )
