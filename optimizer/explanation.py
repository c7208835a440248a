"""Why each purchase, and why not the others, as plain data that pages and files are made from.

Not here: how any of it is computed (`optimizer.explain_*`, `optimizer.jobs.explain*`) or shown (`optimizer.report`).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """What one purchase saves over its term, all others as planned.

    Cost without it minus cost with it, amortized and undiscounted, by the optimizer's recourse (`optimizer.costs`).
    Savings of several purchases do not add up: each is counted as the last one bought.

    Attributes
    ----------
    expected_usd : float
    p10_usd, p90_usd : float
        Saving exceeded with probability 0.9 and 0.1.
    decided_usd : float
        Expected, of discounted cash, as the optimizer weighs it.
    use_fraction : float or None
        What its use, where nothing else of the plan would serve, is worth on demand, as a part of what its whole
        quantity could serve at best; None where it covers nothing.
    break_even_fraction : float or None
        The same part at which it saves nothing; None where it covers nothing.
    """

    expected_usd: float
    p10_usd: float
    p90_usd: float
    decided_usd: float
    use_fraction: float | None
    break_even_fraction: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """Where the advice on a purchase turns around: what it saves, in expectation and discounted, falls to zero.

    Attributes
    ----------
    of : str
        "demand", "offer_price", "on_demand_price", "event_probability" or "event_date".
    event : str
        Name of the event; empty for what is no event.
    unit : str
        "factor", "probability" or "days late".
    planned : float
        Value in the plan.
    at : float or None
        Value at which it flips; None: nowhere in the range.
    low, high : float
        Range searched.
    """

    of: str
    event: str
    unit: str
    planned: float
    at: float | None
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LateEvent:
    """What a purchase saves if one event comes late.

    Attributes
    ----------
    event : str
    late_days : float
        On top of what is declared.
    saving_usd : float
        Expected saving then.
    change_usd : float
        The same less the expected saving as planned.
    regret_usd : float
        What not buying it would have saved then, in expectation: 0 where it still saves.
    """

    event: str
    late_days: float
    saving_usd: float
    change_usd: float
    regret_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseCase:
    """Why one purchase of the first date.

    Attributes
    ----------
    commitment_id : str
    saving : Saving
    break_even_hour : int or None
        Epoch hour from which on the cash paid is no more than it saved, in expectation; None: not within the term.
    flips : tuple of Flip
    late : tuple of LateEvent
    """

    commitment_id: str
    saving: Saving
    break_even_hour: int | None
    flips: tuple[Flip, ...]
    late: tuple[LateEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledCase:
    """Why one purchase that is expected later, in short."""

    commitment_id: str
    saving: Saving


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRegret:
    """What the whole plan loses if one event comes late and nothing is bought differently.

    Attributes
    ----------
    event : str
    late_days : float
    held_usd : float
        Objective of the plan as it is, today's and later purchases, with the event late. [USD]
    best_usd : float
        The same of a plan that had known: optimized anew from the first date, within the same limits but for stranded
        value, of which it may have as many USD as the plan then has. [USD]
    regret_usd : float
        held - best, less what the plan was above the best one found as planned. [USD]
    gap_usd : float
        What `best_usd` may be above the optimum. [USD]
    """

    event: str
    late_days: float
    held_usd: float
    best_usd: float
    regret_usd: float
    gap_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyNot:
    """Why one offer that could be bought on the first date is not.

    Attributes
    ----------
    offer_id : str
    reason : str
        "dominated", "term_not_allowed", "payback", "goal", "limit", "step", "term", "use" or "indifferent".
    other : str
        Offer or limit that the reason names; empty where it names none.
    saving_usd : float or None
        Expected saving of the next unit, discounted, at no price of limits; None where it was not weighed.
        [USD per quantity]
    cost_usd : float or None
        What the next unit costs over the same hours. [USD per quantity]
    use_fraction, break_even_fraction : float or None
        Use of the next unit on top of the plan, and the use at which it would break even.
    text : str
        One sentence.
    """

    offer_id: str
    reason: str
    other: str
    saving_usd: float | None
    cost_usd: float | None
    use_fraction: float | None
    break_even_fraction: float | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """All reasons of a plan.

    Attributes
    ----------
    purchases : tuple of PurchaseCase
        Of the first date.
    schedule : tuple of ScheduledCase
    events : tuple of EventRegret
    why_not : tuple of WhyNot
        One for each offer that could be bought on the first date and is not.
    notes : tuple of str
        How the numbers were taken, in sentences.
    """

    purchases: tuple[PurchaseCase, ...] = ()
    schedule: tuple[ScheduledCase, ...] = ()
    events: tuple[EventRegret, ...] = ()
    why_not: tuple[WhyNot, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontierPoint:
    """One plan on the frontier of cost against stranded risk.

    Attributes
    ----------
    allowed_usd : float or None
        Expected stranded USD that new purchases may add in the window; None: not limited.
    stranded_usd, stranded_cvar_usd : float
        What they add, expected, and its CVaR at the policy's level.
    stranded_fraction : float
        Expected, of what they commit in the window; 0 where nothing is bought.
    objective_usd : float
        What is minimized: window and valued tail, as for the certificate.
    lower_bound_usd : float
        No plan that strands as little costs less.
    gap_fraction : float
    mean_usd, p90_usd, cvar_usd : float
        Cost in the window by the optimizer, amortized; CVaR at the policy's level.
    committed_now_usd : tuple of (str, float)
        Committed USD over the whole term of the purchases of the first date, by kind of offer.
    committed_usd : float
        Committed in the window by all new purchases.
    """

    allowed_usd: float | None
    stranded_usd: float
    stranded_cvar_usd: float
    stranded_fraction: float
    objective_usd: float
    lower_bound_usd: float
    gap_fraction: float
    mean_usd: float
    p90_usd: float
    cvar_usd: float
    committed_now_usd: tuple[tuple[str, float], ...]
    committed_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """Cost against stranded risk, from no new commitment to no limit.

    Attributes
    ----------
    points : tuple of FrontierPoint
        By stranded USD, the least first.
    knee : int
        Place of the knee among the points: the largest distance below the chord from the first to the last.
    plan : FrontierPoint
        The plan itself, before rounding.
    """

    points: tuple[FrontierPoint, ...]
    knee: int
    plan: FrontierPoint
