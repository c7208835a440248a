"""The optimum over all options: every purchase and renewal free, and what is owned changed where that pays.

Purchases are optimized exactly, to a gap. Changes of what is owned (exchange, modification, sale, return) are whole:
each is tried by itself, then the best of every commitment that pays together. Options of one commitment are then priced
with the others changed as in that best. Not here: what one setting costs (`pricing`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from optimizer.errors import InfeasibleLimitsError
from optimizer.jobs.renewals.choices import Choice, Reviewed
from optimizer.jobs.renewals.figures import is_sale_without_price
from optimizer.jobs.renewals.pricing import Desk, Priced
from optimizer.jobs.solve import Tell

Pair = tuple[Reviewed, Choice]
Place = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Joint:
    """The optimum over all options, and each option beside it.

    Attributes
    ----------
    best : Priced
        With the lowest bound of all that was tried.
    changes : tuple of (Reviewed, Choice)
        What of the owned portfolio is changed in it.
    priced : mapping of (str, int) to Priced
        By commitment and place of the choice, the others changed as in the best; those that cannot be had are missing.
    n_combinations : int
        Ways to change what is owned that were tried, none included.
    """

    best: Priced
    changes: tuple[Pair, ...]
    priced: Mapping[Place, Priced]
    n_combinations: int


def joint_optimum(desk: Desk, reviewed: Sequence[Reviewed], tell: Tell) -> Joint:
    """Price everything, and find the best.

    Raises
    ------
    InfeasibleLimitsError
        If the policy's limits cannot all be met.
    """
    tried = _tried_changes(desk, reviewed, tell)
    changes = min(tried, key=lambda pair: pair[1].objective_usd)[0]
    priced: dict[Place, Priced] = {}
    usable = [own for _, own in tried]
    n_combinations = len(tried)
    for item in reviewed:
        others = tuple(pair for pair in changes if pair[0] is not item)
        for place, choice in _open(item):
            tell(f"pricing '{item.commitment.commitment_id}': {choice.kind.value}")
            known = [(pairs, own) for pairs, own in tried if pairs == (*others, (item, choice))]
            for _, own in known or _priced(desk, (*others, (item, choice)), within_limits=False):
                priced[item.commitment.commitment_id, place] = own
                n_combinations += not known and choice.release is not None
                usable += [own] if own.is_within_limits and not is_sale_without_price(choice) else []
    best = min(usable, key=lambda own: own.objective_usd)
    lower = min(own.lower_bound_usd for own in usable)
    return Joint(
        best=replace(best, lower_bound_usd=lower), changes=changes, priced=priced, n_combinations=n_combinations
    )


def _open(item: Reviewed) -> list[tuple[int, Choice]]:
    """Choices that can be made, with their places."""
    return [(place, choice) for place, choice in enumerate(item.choices) if choice.is_open]


def _tried_changes(desk: Desk, reviewed: Sequence[Reviewed], tell: Tell) -> list[tuple[tuple[Pair, ...], Priced]]:
    """No change of what is owned, each by itself, and those that pay together, with all purchases free."""
    free = desk.price(desk.free())
    tried: list[tuple[tuple[Pair, ...], Priced]] = [((), free)]
    for item in reviewed:
        for _, choice in _open(item):
            if choice.release is not None and not is_sale_without_price(choice):
                tell(f"trying '{item.commitment.commitment_id}': {choice.kind.value}")
                tried += _priced(desk, ((item, choice),))
    together = _best_changes(tried[1:], free)
    return [*tried, *(_priced(desk, together) if len(together) > 1 else [])]


def _priced(
    desk: Desk, pairs: tuple[Pair, ...], *, within_limits: bool = True
) -> list[tuple[tuple[Pair, ...], Priced]]:
    """Price of some choices at once; nothing where it cannot be had."""
    try:
        own = desk.price(desk.setting(pairs))
    except InfeasibleLimitsError:
        return []
    return [(pairs, own)] if own.is_within_limits or not within_limits else []


def _best_changes(singles: Sequence[tuple[tuple[Pair, ...], Priced]], free: Priced) -> tuple[Pair, ...]:
    """Best change of every commitment, where it costs less than none."""
    best: dict[str, tuple[Pair, float]] = {}
    for ((item, choice),), own in singles:
        name = item.commitment.commitment_id
        if own.objective_usd < min(free.objective_usd, best[name][1] if name in best else float("inf")):
            best[name] = ((item, choice), own.objective_usd)
    return tuple(pair for pair, _ in best.values())
