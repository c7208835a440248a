"""Where the advice on a purchase turns around: at which demand, price, chance or date of an event it saves nothing.

A purchase is advised as long as its expected saving, all others as planned, is above zero (discounted, as the optimizer
weighs it). Not here: what it saves as planned (`optimizer.explain_savings`), demand with other events
(`optimizer.jobs.explain_events`).
"""

from collections.abc import Callable
from functools import cache

from scipy.optimize import brentq

from optimizer.explain_savings import Saved, Savings
from optimizer.explanation import Flip

DEMAND_RANGE = (0.1, 2.0)  # times the demand of every pool
PRICE_RANGE = (0.2, 5.0)  # times the price
TOLERANCE = 1e-3  # of a factor

DEMAND, OFFER_PRICE, ON_DEMAND_PRICE = "demand", "offer_price", "on_demand_price"
EVENT_PROBABILITY, EVENT_DATE = "event_probability", "event_date"


def demand_flip(savings: Savings, batch: int) -> Flip:
    """Factor on the demand of all pools, over the whole term, at which the purchase saves nothing."""
    low, high = DEMAND_RANGE

    @cache
    def saving(factor: float) -> float:
        return savings.expected_usd(batch, demand_factor=factor)

    return Flip(
        of=DEMAND, event="", unit="factor", planned=1.0, at=nearest_root(saving, 1.0, low, high), low=low, high=high
    )


def price_flips(savings: Savings, saved: Saved) -> tuple[Flip, ...]:
    """Factors on the offer's price and on the prices of what is not committed at which the purchase saves nothing.

    Both are exact. A dearer offer is bought in the same size: of a plan, the commitment rises with its rates. On-demand
    and spot prices rise and fall together, in all pools. Empty for what costs nothing.
    """
    if saved.cost_usd <= 0.0:
        return ()
    worth_usd = float(savings.problem.weights @ saved.discounted_usd)
    low, high = PRICE_RANGE
    by_offer = worth_usd / saved.cost_usd
    found = ((OFFER_PRICE, by_offer), (ON_DEMAND_PRICE, 1.0 / by_offer if by_offer > 0.0 else high + 1.0))
    return tuple(
        Flip(of=of, event="", unit="factor", planned=1.0, at=at if low <= at <= high else None, low=low, high=high)
        for of, at in found
    )


def probability_flip(event: str, *, planned: float, never_usd: float, surely_usd: float) -> Flip:
    """Chance of an event at which a purchase saves nothing: its expected saving is linear in the chance.

    Parameters
    ----------
    event : str
    planned : float
        Declared chance.
    never_usd, surely_usd : float
        Expected saving where the event does not come at all, and where it surely does. [USD]
    """
    rise = surely_usd - never_usd
    at = -never_usd / rise if rise != 0.0 else None
    is_inside = at is not None and 0.0 <= at <= 1.0
    return Flip(
        of=EVENT_PROBABILITY,
        event=event,
        unit="probability",
        planned=planned,
        at=at if is_inside else None,
        low=0.0,
        high=1.0,
    )


def date_flip(event: str, saving: Callable[[float], float], *, low: float, high: float, step: float) -> Flip:
    """Days by which an event must be late, or early where below zero, for a purchase to save nothing.

    Parameters
    ----------
    event : str
    saving : callable
        Expected saving at a number of days. [USD]
    low, high : float
        Range searched, 0 inside. [days]
    step : float
        To which the answer is found. [days]
    """
    at = nearest_root(cache(saving), 0.0, low, high, tolerance=step)
    return Flip(of=EVENT_DATE, event=event, unit="days late", planned=0.0, at=at, low=low, high=high)


def nearest_root(
    value: Callable[[float], float], start: float, low: float, high: float, *, tolerance: float = TOLERANCE
) -> float | None:
    """Argument at which a function changes its sign against that at `start`; None: at neither end of the range.

    Both ends are tried, the nearer crossing is the answer. A function that changes its sign twice on one side may pass
    unseen: what is sought here is monotone, or nearly so.

    Examples
    --------
    >>> round(nearest_root(lambda x: x - 0.5, 1.0, 0.0, 2.0), 3)
    0.5
    >>> nearest_root(lambda x: x + 1.0, 1.0, 0.0, 2.0) is None
    True
    """
    at_start = value(start)
    roots = []
    for end in (low, high):
        if end == start:
            continue
        at_end = value(end)
        if (at_start > 0.0) != (at_end > 0.0):
            ends, values = (start, end), (at_start, at_end)
            roots.append(_root(value, ends, values, tolerance))
    return min(roots, key=lambda root: abs(root - start), default=None)


def _root(
    value: Callable[[float], float], ends: tuple[float, float], values: tuple[float, float], tolerance: float
) -> float:
    """Root between two arguments; an end whose value is zero is one."""
    for end, at_end in zip(ends, values, strict=True):
        if at_end == 0.0:
            return end
    return float(brentq(value, *ends, xtol=tolerance))
