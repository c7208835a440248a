"""Regret taken apart: what the replay cost above the clairvoyant, as the steps of a chain of other plans.

Each step changes one thing, so that the parts sum to the regret. Not here: the programs
(`optimizer.jobs.backtest.hindsight`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from optimizer.assembly import Market
from optimizer.jobs.backtest.decisions import Replay
from optimizer.jobs.backtest.hindsight import Hindsight, applied_usd, hindsight
from optimizer.jobs.backtest.request import Setting
from optimizer.jobs.solve import Tell
from optimizer.portfolio import Commitment, order_hour


@dataclass(frozen=True, slots=True, kw_only=True)
class RegretPart:
    """One step of the chain.

    Attributes
    ----------
    name : str
    title, meaning : str
        For people.
    usd : float
        Cost before the step less cost after it; below 0 where luck made the restricted plan cheaper. [USD]
    after_usd : float
        Cost after the step. [USD]
    """

    name: str
    title: str
    meaning: str
    usd: float
    after_usd: float


STEPS = (
    ("rounding", "Rounding", "quantities bought in whole steps of the policy instead of any amount"),
    ("limits", "Limits", "limits of the policy and its weight of risk instead of the least expected cost"),
    ("order", "Order of application", "commitments applied in the provider's order instead of the cheapest"),
    ("forecast", "Forecast", "wrong amounts of what was bought, on the dates on which it was bought"),
    ("timing", "Timing", "the same offers bought on other dates than the best"),
    ("instrument", "Instrument choice", "cheaper offers that were never bought on any date"),
)


def regret_parts(
    ours_usd: float,
    costs: Sequence[float],
) -> tuple[RegretPart, ...]:
    """Parts that telescope from our cost to the clairvoyant's.

    Parameters
    ----------
    ours_usd : float
        As billed. [USD]
    costs : sequence of float
        Cost after each of `STEPS`; the last is the clairvoyant's. [USD]

    Examples
    --------
    >>> [round(part.usd, 1) for part in regret_parts(10.0, (9.5, 9.5, 9.0, 8.0, 7.5, 7.0))]
    [0.5, 0.0, 0.5, 1.0, 0.5, 0.5]
    """
    chain = (ours_usd, *costs)
    return tuple(
        RegretPart(name=name, title=title, meaning=meaning, usd=before - after, after_usd=after)
        for (name, title, meaning), (before, after) in zip(STEPS, pairwise(chain), strict=True)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Optima in hindsight with more and more freedom.

    Attributes
    ----------
    applied_usd : float
        Cost of the replay's own purchases where each hour's commitments serve what is dearest. [USD]
    same_purchases : Hindsight
        Offers and dates of the replay, any quantity.
    same_offers : Hindsight
        Offers of the replay, any date and quantity.
    clairvoyant : Hindsight
        Any offer, date and quantity.
    """

    applied_usd: float
    same_purchases: Hindsight
    same_offers: Hindsight
    clairvoyant: Hindsight


def freedom_ladder(replay: Replay, setting: Setting, market: Market, *, tell: Tell) -> Ladder:
    """Optima between a replay and the clairvoyant.

    Parameters
    ----------
    replay : Replay
        The planner without limits and steps.
    setting : Setting
    market : Market
        Of the window.
    tell : callable
    """
    bought: tuple[Commitment, ...] = replay.bought
    offer_of = market.catalog.offer
    batches = frozenset((owned.offer_id, order_hour(owned, offer_of(owned.offer_id))) for owned in bought)
    offers = frozenset(owned.offer_id for owned in bought)
    return Ladder(
        applied_usd=applied_usd(setting, market, bought),
        same_purchases=hindsight(setting, market, tell=tell, batches=batches),
        same_offers=hindsight(setting, market, tell=tell, offers=offers),
        clairvoyant=hindsight(setting, market, tell=tell),
    )
