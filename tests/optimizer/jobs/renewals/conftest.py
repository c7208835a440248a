"""A pool or two with constant demand, terms of some hours, and what is owned: small enough to work out by hand."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest

from forecasting.roadmap import Event, Roadmap
from forecasting.scenarios import Scenarios
from optimizer.assembly import Market, assemble
from optimizer.calendar_dates import Timeline
from optimizer.jobs.planning_inputs import PlanningInputs
from optimizer.jobs.posed import PosedRun
from optimizer.jobs.renewals.choices import Choice, Reviewed
from optimizer.jobs.renewals.pricing import Desk
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.policy import Policy
from optimizer.policy_limits import PolicyContext
from optimizer.pools import Pool
from optimizer.portfolio import Commitment

DAY = 24
N_DAYS = 12
WEB, API = "us-east-1/m5.xlarge", "us-east-1/c6g.xlarge"
ON_DEMAND_USD = {WEB: 1.0, API: 0.8}


def _offer(offer_id: str, kind: OfferKind, usd: float, days: int, pools: Mapping[str, float] | None = None) -> Offer:
    """Offer of some days; a plan's draws are its rates."""
    draws = {WEB: 1.0} if pools is None else pools
    is_plan = kind in (OfferKind.COMPUTE_SAVINGS_PLAN, OfferKind.INSTANCE_SAVINGS_PLAN)
    return Offer(
        offer_id=offer_id,
        kind=kind,
        provider="aws",
        region="us-east-1",
        pools=tuple(draws),
        draw=np.array(list(draws.values())),
        hourly_usd=1.0 if is_plan else usd,
        upfront_usd=0.0,
        term_months=0,
        payment_option="none",
        given_term_hours=days * DAY,
    )


SIX_DAYS = _offer("six", OfferKind.RESERVED_STANDARD, 0.5, 6)
THREE_DAYS = _offer("three", OfferKind.RESERVED_STANDARD, 0.7, 3)
FLEXIBLE = _offer("plan", OfferKind.COMPUTE_SAVINGS_PLAN, 1.0, 6, {WEB: 0.75, API: 0.6})


@dataclass(frozen=True, slots=True, kw_only=True)
class Small:
    """A run of twelve days, decided on days 0 and 6."""

    posed: PosedRun
    market: Market
    timeline: Timeline


def _small(
    demand: Mapping[str, Sequence[float]],
    owned: Sequence[Commitment],
    *,
    offers: Sequence[Offer] = (SIX_DAYS, THREE_DAYS, FLEXIBLE),
    weights: Sequence[float] = (1.0,),
    policy: Policy | None = None,
    events: Sequence[Event] = (),
) -> Small:
    """Demand of each pool is one number a day, or a list of such for each scenario."""
    days = np.array([np.broadcast_to(np.asarray(demand[pool]), (len(weights), N_DAYS)) for pool in demand])
    units = np.repeat(days.transpose(1, 0, 2), DAY, axis=2).astype(float)
    hours = np.arange(N_DAYS * DAY)
    pools = tuple(demand)
    scenarios = Scenarios(
        pools=pools, hours=hours, hour_weights=np.ones(len(hours)), weights=np.array(weights), units=units
    )
    catalog = Catalog(
        pools=pools,
        on_demand_usd=np.array([ON_DEMAND_USD[pool] for pool in pools]),
        spot_usd=np.full(len(pools), np.nan),
        offers=tuple(_reaching(offer, pools) for offer in offers),
        providers=("aws",) * len(pools),
        regions=("us-east-1",) * len(pools),
    )
    table = {
        name: Pool(name=name, family=name.split("/")[1].split(".")[0], size="xlarge", normalization_factor=8.0)
        for name in pools
    }
    market = Market(catalog=catalog, pools=table, commitments=tuple(owned), terms_months=(0,))
    timeline = Timeline(
        decision_hours=np.array([0, 6 * DAY]),
        tail_hours=np.array([], dtype=np.int64),
        start_hour=0,
        end_hour=N_DAYS * DAY,
        valued_end_hour=N_DAYS * DAY,
    )
    policy = policy or Policy()
    given = PlanningInputs(
        history=SimpleNamespace(),
        roadmap=Roadmap(events=tuple(events)),
        market=market,
        policy=policy,
        as_of_hour=0,
        seed=0,
        records=(),
    )
    assembled = assemble(
        scenarios, market, timeline, discount_rate_yearly=0.0, risk_lambda=policy.risk.lambda_, keep_dominated=False
    )
    posed = PosedRun(
        given=given,
        timeline=timeline,
        forecast=SimpleNamespace(every=None),
        window=scenarios,
        needs=(),
        drawn=None,
        assembled=assembled,
        context=PolicyContext(policy=policy, market=market, timeline=timeline, firm=()),
    )
    return Small(posed=posed, market=market, timeline=timeline)


def _reaching(offer: Offer, pools: tuple[str, ...]) -> Offer:
    """Offer for the pools that are there."""
    known = [(pool, draw) for pool, draw in zip(offer.pools, offer.draw, strict=True) if pool in pools]
    return replace(offer, pools=tuple(pool for pool, _ in known), draw=np.array([draw for _, draw in known]))


def _review(small: Small, choices: Callable[[Commitment, Offer], tuple[Choice, ...]], *, is_ending: bool) -> Reviewed:
    """The first commitment with choices."""
    commitment = small.market.commitments[0]
    offer = small.market.catalog.offer(commitment.offer_id)
    return Reviewed(
        commitment=commitment,
        offer=offer,
        events=(),
        is_ending=is_ending,
        stranded_fraction=float("nan"),
        without_events_fraction=float("nan"),
        choices=choices(commitment, offer),
    )


@pytest.fixture(scope="session")
def small() -> Callable[..., Small]:
    """Build a small run."""
    return _small


@pytest.fixture(scope="session")
def review() -> Callable[..., Reviewed]:
    """Review its first commitment."""
    return _review


@pytest.fixture(scope="session")
def desk_of() -> Callable[[Small, Reviewed], Desk]:
    """Desk that prices the choices of one commitment."""
    return lambda run, item: Desk(run.posed, (item,), lambda _: None)


@pytest.fixture(scope="session")
def owned() -> Callable[..., Commitment]:
    """What is owned from long ago."""

    def make(quantity: float, end_day: float, *, offer: Offer = SIX_DAYS, **fields: object) -> Commitment:
        end = round(end_day * DAY)
        return Commitment(
            commitment_id="old",
            offer_id=offer.offer_id,
            quantity=quantity,
            start_hour=end - offer.term_hours,
            end_hour=end,
            **fields,
        )

    return make
