"""Values of offers and of changes to them: the cheapest of the purchases tried, under each.

As every choice of purchases is tried under every variant, a clause that is better in every scenario never lowers the
value of an offer. Not here: what one choice costs (`optimizer.jobs.contract.worth`).
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from forecasting.numerals import percent
from optimizer.contract_offers import ContractOffer, OtherSpend, Shortfall
from optimizer.jobs.contract.answer import Clause
from optimizer.jobs.contract.spend import Spend, SpendModel
from optimizer.jobs.contract.view import view_of
from optimizer.jobs.contract.worth import expected_usd, without_contract
from optimizer.offers import Catalog

MOST_DISCOUNT = 0.95
DISCOUNTS = 39  # at which a break-even is looked for: every 2.5 points
MOST_SCALE = 100.0
BISECTIONS = 50
FREE_FRACTION = 1e-5  # of the cost: what a commitment may cost and still be called free
POINT = 0.01
SHIFT = 0.10  # of the commitment: by which a floor is lowered and what may move to the next year
RAMP = 0.20  # by which the first year of a ramp lies below a flat commitment, and the last above


class Valuation:
    """Costs of offers on the purchases tried.

    Parameters
    ----------
    model : SpendModel
    catalog : Catalog
    others : tuple of OtherSpend
    choices : tuple of Spend
        At least one.
    """

    def __init__(
        self, model: SpendModel, catalog: Catalog, others: tuple[OtherSpend, ...], choices: tuple[Spend, ...]
    ) -> None:
        self.model, self.catalog, self.others, self.choices = model, catalog, others, choices

    def cost_usd(self, offer: ContractOffer) -> float:
        """Expected cost of the cheapest choice under an offer. [USD]"""
        return self.best(offer)[1]

    def best(self, offer: ContractOffer) -> tuple[Spend, float]:
        """Cheapest choice under an offer and its expected cost. [USD]"""
        view = view_of(offer, self.model, self.catalog, self.others)
        costs = [(expected_usd(view, self.model, choice), place) for place, choice in enumerate(self.choices)]
        usd, place = min(costs)
        return self.choices[place], usd

    def break_even_discount(self, offer: ContractOffer) -> float | None:
        """Least discount at which the offer costs as much as no contract; 0 where it never costs more, None for none.

        More discount may cost more: a prepayment is of no use where what it could pay for costs little. So the crossing
        is looked for from below, and at the offer's own discount in any case.
        """
        none_usd = self.cost_usd(without_contract(offer))

        def excess(discount: float) -> float:
            return self.cost_usd(offer.model_copy(update={"discount_fraction": discount})) - none_usd

        if excess(0.0) <= 0.0:
            return 0.0
        tried = sorted({*np.linspace(0.0, MOST_DISCOUNT, DISCOUNTS).tolist(), offer.discount_fraction})
        for low, high in pairwise(tried):
            if excess(high) <= 0.0:
                return _root(excess, low, high)
        return None

    def free_usd(self, offer: ContractOffer) -> float | None:
        """Largest first-year commitment that costs nothing, the others in proportion; None for any. [USD]"""
        return self._largest_usd(offer, self.cost_usd(scaled(offer, 0.0)) * (1.0 + FREE_FRACTION))

    def walk_away_usd(self, offer: ContractOffer) -> float | None:
        """First-year commitment beyond which no contract is cheaper, the others in proportion; None for none. [USD]"""
        return self._largest_usd(offer, self.cost_usd(without_contract(offer)))

    def clauses(self, offer: ContractOffer) -> tuple[Clause, ...]:
        """What changes of the offer are worth, the most valuable first."""
        base = self.cost_usd(offer)
        out = [
            Clause(name=name, text=text, value_usd=base - self.cost_usd(changed))
            for name, text, changed in variants(offer)
        ]
        return tuple(sorted(out, key=lambda clause: (-clause.value_usd, clause.name)))

    def _largest_usd(self, offer: ContractOffer, most_usd: float) -> float | None:
        """First-year commitment up to which the offer costs no more than an amount."""
        first = offer.annual_usd[0]
        if first == 0.0:
            return None

        def excess(scale: float) -> float:
            return self.cost_usd(scaled(offer, scale)) - most_usd

        if excess(MOST_SCALE) <= 0.0:
            return None
        return 0.0 if excess(0.0) > 0.0 else first * _root(excess, 0.0, MOST_SCALE)


def scaled(offer: ContractOffer, scale: float) -> ContractOffer:
    """The offer with all commitments times a number."""
    return _with_commitments(offer, tuple(scale * usd for usd in offer.annual_usd))


def variants(offer: ContractOffer) -> list[tuple[str, str, ContractOffer]]:
    """Changes of an offer that one may ask for: name, text, the offer changed.

    Only what the offer does not have already.
    """
    return [*_price_variants(offer), *_commitment_variants(offer), *_counting_variants(offer)]


def _price_variants(offer: ContractOffer) -> list[tuple[str, str, ContractOffer]]:
    """A point of discount, discounts of commitments' fees, support."""
    out = []
    if offer.discount_fraction + POINT <= MOST_DISCOUNT:
        point = {"discount_fraction": offer.discount_fraction + POINT}
        out.append(("discount", "One point of discount more", offer.model_copy(update=point)))
    if not offer.discounts_commitments:
        text = "The discount also on savings plans and reservations"
        out.append(("discounts_commitments", text, offer.model_copy(update={"discounts_commitments": True})))
    if offer.support is not None and not offer.support.already_paid:
        out.append(("support", "No support required", offer.model_copy(update={"support": None})))
    if offer.support is not None and not offer.support.counts:
        counting = offer.support.model_copy(update={"counts": True})
        out.append(("support_counts", "Support counts", offer.model_copy(update={"support": counting})))
    return out


def _commitment_variants(offer: ContractOffer) -> list[tuple[str, str, ContractOffer]]:
    """A lower floor, a ramp, more that may move, a prepayment in place of a loss."""
    annual = offer.annual_usd
    lower = tuple((1.0 - SHIFT) * usd for usd in annual)
    out = [("lower_floor", f"Commitments {percent(SHIFT, 0)} lower", _with_commitments(offer, lower))]
    if len(annual) > 1:
        more = min(1.0, offer.move_to_next_year_fraction + SHIFT)
        moved = offer.model_copy(update={"move_to_next_year_fraction": more})
        out.append(("roll_over", f"{percent(SHIFT, 0)} more of a commitment may move to the next year", moved))
    if len(annual) > 1 and len(set(annual)) == 1:
        step = 2.0 * RAMP / (len(annual) - 1)
        ramp = tuple(usd * (1.0 - RAMP + step * year) for year, usd in enumerate(annual))
        low, high = percent(1.0 - RAMP, 0), percent(1.0 + RAMP, 0)
        text = f"A ramp from {low} to {high} of the flat commitment, the same in total"
        out.append(("ramp", text, _with_commitments(offer, ramp)))
    if offer.shortfall.rule != "prepayment":
        prepaid = offer.model_copy(update={"shortfall": Shortfall(rule="prepayment", months=12)})
        out.append(("prepayment", "A shortfall becomes a prepayment for 12 months", prepaid))
    return out


def _counting_variants(offer: ContractOffer) -> list[tuple[str, str, ContractOffer]]:
    """What more may count: savings plans, reservations, upfront payments, Marketplace, the list price."""
    counting, out = offer.counting, []
    for name, text, update in (
        ("savings_plans_count", "Savings plans count", {"savings_plans": True}),
        ("reservations_count", "Reservations count", {"reservations": True}),
        ("upfront_counts", "Upfront payments count when paid", {"upfront": "when_paid"}),
    ):
        changed = counting.model_copy(update=update)
        if changed != counting and (name != "upfront_counts" or counting.upfront == "never"):
            out.append((name, text, offer.model_copy(update={"counting": changed})))
    market = offer.marketplace
    if market is not None and (market.counted_fraction < 1.0 or market.cap_fraction is not None):
        whole = market.model_copy(update={"counted_fraction": 1.0, "cap_fraction": None})
        out.append(("marketplace", "All Marketplace spend counts", offer.model_copy(update={"marketplace": whole})))
    if offer.basis == "net":
        out.append(("gross", "Spend counts before the discount", offer.model_copy(update={"basis": "gross"})))
    return out


def _with_commitments(offer: ContractOffer, annual_usd: tuple[float, ...]) -> ContractOffer:
    """The offer with other commitments."""
    none = {"first_year_usd": None, "years": None, "growth_fraction": None}
    return offer.model_copy(update={"commitments_usd": annual_usd, **none})


def _root(excess: Callable[[float], float], low: float, high: float) -> float:
    """Argument at which a function that is not above zero at `low` and above at `high`, or the reverse, crosses it."""
    is_low_below = excess(low) <= 0.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if (excess(middle) <= 0.0) == is_low_below:
            low = middle
        else:
            high = middle
    return low if is_low_below else high
