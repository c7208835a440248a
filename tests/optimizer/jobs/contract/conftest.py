"""A fleet of one pool over two years, small enough to work out by hand.

Demand is 10 units in one scenario and 20 in the other, on demand 1 USD an hour. A plan of 3 USD an hour at a rate of
0.60 covers 5 units. By year, with 8,760 hours: on demand 43,800 or 131,400 USD, plan 26,280 USD.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from forecasting.hours import add_months
from optimizer.assembly import Assembled
from optimizer.contract_offers import ContractOffer, ContractOffers
from optimizer.jobs.contract.spend import Spend, SpendModel
from optimizer.jobs.contract.valuation import Valuation
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.problem import Batches, Instruments, PlanningProblem

OFFER: dict[str, Any] = {
    "name": "flat",
    "provider": "aws",
    "commitments_usd": [80_000.0, 80_000.0],
    "discount_fraction": 0.10,
    "basis": "net",
    "counting": {"savings_plans": True, "reservations": True, "upfront": "when_paid"},
    "discounts_commitments": True,
    "shortfall": {"rule": "paid"},
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fleet:
    """The model, and its choices: the plan bought, and nothing."""

    model: SpendModel
    catalog: Catalog
    planned: Spend
    nothing: Spend

    def valuation(self, *others: Any) -> Valuation:
        """Of the plan bought alone."""
        return Valuation(self.model, self.catalog, others, (self.planned,))


@pytest.fixture(scope="session")
def offer() -> Callable[..., ContractOffer]:
    """Contract of 80,000 USD a year for two years at 10 %, net, with changes."""

    def changed(**changes: Any) -> ContractOffer:
        values = OFFER | changes
        document = {"currency": "USD", "offers": [values]}
        return ContractOffers.model_validate(document).offers[0]

    return changed


@pytest.fixture(scope="session")
def fleet() -> Fleet:
    """See the top of the module."""
    hours = np.array([add_months(0, month) for month in range(24)])
    weights = np.diff([add_months(0, month) for month in range(25)]).astype(float)
    plan = Offer(
        offer_id="plan",
        kind=OfferKind.COMPUTE_SAVINGS_PLAN,
        provider="aws",
        region="",
        pools=("east/web",),
        draw=np.array([0.6]),
        hourly_usd=1.0,
        upfront_usd=0.0,
        term_months=24,
        payment_option="none",
    )
    problem = PlanningProblem(
        pools=("east/web",),
        hours=hours,
        hour_weights=weights,
        discount=np.ones(24),
        in_window=np.ones(24, dtype=bool),
        weights=np.array([0.5, 0.5]),
        demand=np.array([10.0, 20.0])[:, None, None] * np.ones((2, 1, 24)),
        on_demand_usd=np.array([1.0]),
        spot_usd=np.array([np.nan]),
        spot_eligible=np.zeros(1),
        instruments=Instruments(
            names=("plan",),
            draw=np.array([[0.6]]),
            fee_usd=np.ones(1),
            reserves_units=np.zeros(1, dtype=bool),
            is_firm=np.zeros(1, dtype=bool),
        ),
        batches=Batches(
            instrument=np.array([0]),
            start_hour=np.array([0]),
            end_hour=np.array([17_520]),
            cost_usd=np.array([17_520.0]),
            upfront_usd=np.zeros(1),
            fixed_quantity=np.array([np.nan]),
        ),
    )
    assembled = Assembled(
        problem=problem, offers=(plan,), decision_hour=np.zeros(1, dtype=np.int64), commitment=(None,)
    )
    model = SpendModel(assembled, as_of_hour=0, n_years=2, rate_yearly=0.0)
    catalog = Catalog(
        pools=("east/web",),
        on_demand_usd=np.array([1.0]),
        spot_usd=np.array([np.nan]),
        offers=(plan,),
        providers=("aws",),
        regions=("east",),
    )
    return Fleet(
        model=model,
        catalog=catalog,
        planned=model.spend("planned", np.array([3.0])),
        nothing=model.spend("nothing", np.zeros(1)),
    )
