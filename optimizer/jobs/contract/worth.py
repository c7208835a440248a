"""What a choice of purchases costs under an offer, in every scenario: discounted spend, shortfall, support.

cost = sum over scenarios of weight x (spend after the discount + shortfall + support + what it costs after the
contract beyond what the purchases planned without it do), as present value. Not here: which purchases there are to
choose from (`optimizer.jobs.contract.joint`).
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray
from optimizer.contract_offers import ContractOffer, Shortfall, Support
from optimizer.contract_terms import MONTHS_PER_YEAR, Settlement, settle
from optimizer.jobs.contract.spend import Spend, SpendModel
from optimizer.jobs.contract.view import OfferView


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Worth:
    """One choice of purchases under one offer.

    Attributes
    ----------
    spend_usd, shortfall_usd, support_usd, after_usd, cost_usd : FloatArray of shape (n_scenarios,)
        Present values; the last one sums up the others, and all but `after_usd` lie inside the contract. That is what
        the choice costs after it at list prices, less what the reference does: fees that run on are not free. [USD]
    counted_usd : FloatArray of shape (n_scenarios, n_months)
        What retires the commitment; marketplace spend included. [USD]
    settlement : Settlement
    """

    spend_usd: FloatArray
    shortfall_usd: FloatArray
    support_usd: FloatArray
    after_usd: FloatArray
    cost_usd: FloatArray
    counted_usd: FloatArray
    settlement: Settlement


def without_contract(offer: ContractOffer) -> ContractOffer:
    """The same years without any contract: list prices, no commitment, support only where it is paid already."""
    keeps = offer.support is not None and offer.support.already_paid
    return offer.model_copy(
        update={
            "commitments_usd": (0.0,) * len(offer.annual_usd),
            "first_year_usd": None,
            "years": None,
            "growth_fraction": None,
            "discount_fraction": 0.0,
            "overrides": (),
            "marketplace": None,
            "support": offer.support if keeps else None,
            "shortfall": Shortfall(rule="paid"),
            "move_to_next_year_fraction": 0.0,
        }
    )


def support_usd(support: Support, spend_usd: FloatArray) -> FloatArray:
    """Support fee of months.

    Parameters
    ----------
    support : Support
    spend_usd : FloatArray
        Of one month each. [USD]

    Examples
    --------
    >>> support_usd(Support(counts=False, already_paid=False), np.array([0.0, 150_000.0, 2_000_000.0])).tolist()
    [15000.0, 15000.0, 94500.0]
    """
    fee, below = np.zeros_like(spend_usd), 0.0
    for tier in support.tiers:
        end = np.inf if tier.up_to_usd is None else tier.up_to_usd
        fee = fee + tier.fee_fraction * np.clip(spend_usd - below, 0.0, end - below)
        below = end
    return np.maximum(fee, support.minimum_usd_per_month)


def worth_of(view: OfferView, model: SpendModel, spend: Spend) -> Worth:
    """Apply an offer to a choice of purchases.

    Parameters
    ----------
    view : OfferView
    model : SpendModel
    spend : Spend
    """
    offer, n_months = view.offer, view.n_months
    variable, quantity = spend.variable_usd[:, :n_months], spend.quantity
    discount = model.month_discount[:n_months]
    after = 1.0 - offer.discount_fraction
    other_net = after * view.other_usd
    hourly, variable_net = quantity @ view.fee_usd, variable @ view.part
    upfront_pv = float(quantity @ (view.upfront_usd.sum(axis=1) * model.fees.upfront_discount))
    spend_pv = (variable_net + other_net + hourly) @ discount + upfront_pv
    support = _support(view, model, spend)
    counted_other = other_net if offer.basis == "net" else view.other_usd
    market = np.repeat(view.marketplace_usd, MONTHS_PER_YEAR) / MONTHS_PER_YEAR
    counted = variable @ view.counted_part + quantity @ view.counted_fee_usd + counted_other + market
    if offer.support is not None and offer.support.counts:
        counted = counted + support
    by_year = _yearly(counted)
    payable = _yearly(variable[:, :, view.is_eligible] @ view.part[view.is_eligible] + other_net)
    due = np.broadcast_to(view.commitment_usd, by_year.shape)
    found = settle(view.rule, due_usd=due, counted_usd=by_year, spend_usd=payable)
    support_pv = support @ discount
    later_usd = (spend.after_usd - model.reference_after_usd)[:, view.n_years - 1]
    return Worth(
        spend_usd=spend_pv,
        shortfall_usd=found.extra_usd,
        support_usd=support_pv,
        after_usd=later_usd,
        cost_usd=spend_pv + found.extra_usd + support_pv + later_usd,
        counted_usd=counted,
        settlement=found,
    )


def expected_usd(view: OfferView, model: SpendModel, spend: Spend) -> float:
    """Expected present value of the cost under an offer. [USD]"""
    return float(model.assembled.problem.weights @ worth_of(view, model, spend).cost_usd)


def support_base_usd(view: OfferView, model: SpendModel, spend: Spend) -> FloatArray:
    """Spend of each month that support is taken of. Shape (n_scenarios, n_months). [USD]"""
    support, n_months = view.offer.support, view.n_months
    is_list = support is None or support.of_spend == "before_discount"
    part = np.where(view.is_provider, 1.0 if is_list else view.part, 0.0)
    after = 1.0 if is_list else 1.0 - view.offer.discount_fraction
    fees = view.fee_usd + view.upfront_usd
    if is_list:
        fees = model.fees.hourly_usd[:, :n_months] + model.fees.amortized_usd[:, :n_months]
    of_provider = np.where(view.is_fee_of_provider, spend.quantity, 0.0)
    return spend.variable_usd[:, :n_months] @ part + of_provider @ fees + after * view.other_usd


def _support(view: OfferView, model: SpendModel, spend: Spend) -> FloatArray:
    """Support of each month. Shape (n_scenarios, n_months). [USD]"""
    if view.offer.support is None:
        return np.zeros((len(spend.variable_usd), view.n_months))
    return support_usd(view.offer.support, support_base_usd(view, model, spend))


def _yearly(of_months: FloatArray) -> FloatArray:
    """Sums over the months of each contract year."""
    n_scenarios, n_months = of_months.shape
    sums: FloatArray = of_months.reshape(n_scenarios, n_months // MONTHS_PER_YEAR, MONTHS_PER_YEAR).sum(axis=2)
    return sums
