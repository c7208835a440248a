"""Buying Reserved Instances and plans later: queued purchases, renewals, and how many may be bought in a month.

Times are epoch seconds. Not here: volume discounts (`optimizer.billing.aws.volume_discount`).

References
----------
.. [1] https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ri-market-concepts-buying.html
.. [2] https://docs.aws.amazon.com/savingsplans/latest/userguide/queued-sp-cart.html
.. [3] https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ri-limits.html
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from optimizer.billing.aws.errors import RefusedError
from optimizer.billing.aws.reserved import DAY_SECONDS

MAX_AHEAD_YEARS = 3
MAX_MONTHLY_BY_PLACE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedPurchase:
    """A purchase ordered for a later date.

    Attributes
    ----------
    is_plan : bool
        Savings plan; else Reserved Instances.
    is_zonal : bool
        Reserved Instances bound to a zone.
    is_third_party : bool
        From another seller in the Marketplace.
    due_second : int
        Epoch second asked for.
    """

    is_plan: bool
    is_zonal: bool = False
    is_third_party: bool = False
    due_second: int


def queue_obstacles(purchase: QueuedPurchase, ordered_second: int) -> tuple[str, ...]:
    """Say which rules a queued purchase breaks; nothing where AWS accepts it [1]_ [2]_."""
    obstacles = []
    if purchase.is_zonal:
        obstacles.append("zonal Reserved Instances cannot be queued.")
    if purchase.is_third_party:
        obstacles.append("Reserved Instances of other sellers cannot be queued.")
    if purchase.due_second <= ordered_second:
        obstacles.append("a queued purchase must be due after it is ordered.")
    if purchase.due_second > _years_later(ordered_second, MAX_AHEAD_YEARS):
        obstacles.append("a purchase can be queued at most 3 years ahead.")
    return tuple(obstacles)


def queued_start_second(purchase: QueuedPurchase, ordered_second: int) -> int:
    """Second at which a queued purchase is made: a plan to the second, Reserved Instances at 00:00 UTC of the date.

    Raises
    ------
    RefusedError
        If a rule is broken.

    Examples
    --------
    >>> purchase = QueuedPurchase(is_plan=False, due_second=100_000)
    >>> queued_start_second(purchase, 0)
    86400
    """
    obstacles = queue_obstacles(purchase, ordered_second)
    if obstacles:
        action = "queued purchase"
        raise RefusedError(action, obstacles)
    return purchase.due_second if purchase.is_plan else purchase.due_second // DAY_SECONDS * DAY_SECONDS


def renewal(end_second: int, *, is_plan: bool) -> QueuedPurchase:
    """Purchase queued for the end of what it renews: no hour is without it.

    A plan starts on the second. Reserved Instances start at 00:00 UTC of the day on which the old ones end, so that
    both run until then; queue them for the next day to have a gap instead.
    """
    return QueuedPurchase(is_plan=is_plan, due_second=end_second)


def purchasable_count(bought_this_month: Sequence[tuple[str, int]], place: str) -> int:
    """Reserved Instances that may still be bought this month: 20 regional ones by region, 20 zonal ones by zone [3]_.

    Parameters
    ----------
    bought_this_month : sequence of (str, int)
        Region of each regional purchase, or zone of each zonal one, and its count.
    place : str
        Region or zone of the next purchase.

    Examples
    --------
    >>> purchasable_count([("us-east-1", 15), ("us-east-1a", 9)], "us-east-1")
    5
    """
    return max(0, MAX_MONTHLY_BY_PLACE - sum(count for where, count in bought_this_month if where == place))


def _years_later(second: int, n_years: int) -> int:
    """Epoch second of the same moment some years later; 29 February becomes 1 March."""
    moment = dt.datetime.fromtimestamp(second, tz=dt.UTC)
    try:
        later = moment.replace(year=moment.year + n_years)
    except ValueError:
        later = moment.replace(year=moment.year + n_years, month=3, day=1)
    return int(later.timestamp())
