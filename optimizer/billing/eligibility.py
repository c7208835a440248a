"""Which pools a commitment of a price list may cover, when it has its turn, and by whose rules.

Commitments of one offer, account and place are one holding with a quantity that varies over time. Not here: the orders
of application (`optimizer.billing.dispatch`), money (`optimizer.billing.replay`).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.errors import InputError, Problem
from optimizer.billing.azure.order import plan_rates
from optimizer.billing.providers import RULES_OF_THE_UNKNOWN, TITLES, Rules, known_rules, rules_of_pools
from optimizer.billing.scopes import is_zonal_scope, reach_of, refuse_scope
from optimizer.billing.settlement import Reach, Stage
from optimizer.billing.stretches import Stretch
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.pools import Pool
from optimizer.portfolio import Commitment

STAGE_OF_KIND = {
    OfferKind.INSTANCE_SAVINGS_PLAN: Stage.INSTANCE_PLAN,
    OfferKind.COMPUTE_SAVINGS_PLAN: Stage.COMPUTE_PLAN,
    OfferKind.OWNED_HARDWARE: Stage.OWNED_HARDWARE,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """Commitments of one offer, account and place: billed as one holding.

    Attributes
    ----------
    offer : Offer
    rules : Rules
        By whose rules it is billed.
    stage : Stage or None
        Their turn; None for a capacity reservation, which covers nothing.
    reach : Reach
        How wide their scope is, under rules whose order depends on it.
    account : str
        Their owner.
    lines : IntArray of shape (n_eligible,)
        Rows of the catalog's pools.
    draw : FloatArray of shape (n_eligible,)
        Quantity that one covered unit uses up.
    members : list of int
        Rows of the stretches, by start, then id.
    """

    offer: Offer
    rules: Rules
    stage: Stage | None
    reach: Reach
    account: str
    lines: IntArray
    draw: FloatArray
    members: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Coverage:
    """Turn, reach and pools of one commitment: rows of the catalog's pools, and what a covered unit uses up."""

    stage: Stage | None
    reach: Reach
    chosen: tuple[tuple[int, float], ...]


def grouped_commitments(catalog: Catalog, pools: Sequence[Pool], stretches: Sequence[Stretch]) -> list[Group]:
    """Merge what is held of one offer, account and place, on the same pools; groups and members by start, then id.

    Raises
    ------
    InputError
        If an offer covers pools of other rules than its own, or a commitment's scope cannot be followed.
    """
    offers = {offer.offer_id: offer for offer in catalog.offers}
    rules_of = check_providers(catalog, [offers[item.commitment.offer_id] for item in stretches])
    by_start = sorted(
        range(len(stretches)), key=lambda row: (stretches[row].start_hour, stretches[row].commitment.commitment_id)
    )
    groups: dict[tuple[str, str, str, str, tuple[int, ...]], Group] = {}
    for row in by_start:
        commitment, places = stretches[row].commitment, stretches[row].places
        key = (commitment.offer_id, commitment.account, commitment.zone, commitment.scope, places)
        if key not in groups:
            offer = offers[commitment.offer_id]
            groups[key] = _group(offer, rules_of[offer.offer_id], catalog, pools, stretches[row])
        groups[key].members.append(row)
    return list(groups.values())


def check_providers(catalog: Catalog, offers: Sequence[Offer], *, source: str = "prices") -> dict[str, Rules]:
    """Rules of each offer: those of its pools, which must agree with one another and with its own provider.

    Parameters
    ----------
    catalog : Catalog
    offers : sequence of Offer
    source : str
        Name of the price list, for messages.

    Raises
    ------
    InputError
        With all offers that cover pools of other rules.
    """
    of_pool = dict(zip(catalog.pools, rules_of_pools(catalog), strict=True))
    problems = []
    out = {}
    for offer in {offer.offer_id: offer for offer in offers}.values():
        own = known_rules(offer.provider)
        found = {of_pool[name] for name in offer.pools}
        # hardware of one's own stands beside any provider's pools, whoever is named as its seller
        is_own_hardware = offer.kind == OfferKind.OWNED_HARDWARE
        if len(found) > 1 or (own is not None and found and found != {own} and not is_own_hardware):
            problems.append(_mixed_problem(offer, found))
        out[offer.offer_id] = next(iter(found), own or RULES_OF_THE_UNKNOWN)
    if problems:
        raise InputError(source, problems)
    return out


def _mixed_problem(offer: Offer, found: Collection[Rules]) -> Problem:
    """An offer between providers."""
    names = " and ".join(TITLES[rules] for rules in sorted(found))
    message = (
        f"offer '{offer.offer_id}' of provider '{offer.provider}' must cover pools of one provider, its own, got pools "
        f"billed by the rules of {names}. Give its rows and the on_demand rows of its pools one provider."
    )
    return Problem(column="provider", message=message)


def _group(offer: Offer, rules: Rules, catalog: Catalog, pools: Sequence[Pool], stretch: Stretch) -> Group:
    """Eligible lines and turn of the stretches like this one."""
    commitment, index = stretch.commitment, {name: row for row, name in enumerate(catalog.pools)}
    chosen = tuple((index[offer.pools[place]], float(offer.draw[place])) for place in stretch.places)
    if rules == Rules.AWS:
        found = _zonal_or_regional(offer, chosen, pools, commitment)
    else:
        found = _by_scope(offer, rules, chosen, pools, commitment)
    lines = np.array([row for row, _ in found.chosen], dtype=np.int64)
    draw = np.array([draw for _, draw in found.chosen], dtype=np.float64)
    if rules == Rules.AZURE and offer.is_plan:
        draw = plan_rates(draw, catalog.on_demand_usd[lines])
    return Group(
        offer=offer,
        rules=rules,
        stage=found.stage,
        reach=found.reach,
        account=commitment.account,
        lines=lines,
        draw=draw,
    )


def _by_scope(
    offer: Offer, rules: Rules, chosen: tuple[tuple[int, float], ...], pools: Sequence[Pool], commitment: Commitment
) -> _Coverage:
    """Azure and Google Cloud: the pools inside the scope; reservations are regional."""
    stage = _stage(offer)
    if stage in (None, Stage.OWNED_HARDWARE):
        return _Coverage(stage=stage, reach=Reach.SHARED, chosen=chosen)
    reach = reach_of(commitment, rules, is_plan=offer.is_plan)
    inside = tuple((row, draw) for row, draw in chosen if _is_inside(reach, commitment.account, pools[row].account))
    return _Coverage(stage=stage, reach=reach, chosen=inside)


def _is_inside(reach: Reach, owner: str, runner: str) -> bool:
    """Whether usage of account `runner` may lie in the scope; it may where either is not declared.

    A resource group is written as the account `subscription/group`, and lies inside its subscription.
    """
    if reach == Reach.SHARED or owner == "" or runner == "":
        return True
    return runner == owner or (reach == Reach.ACCOUNT and runner.startswith(f"{owner}/"))


def _zonal_or_regional(
    offer: Offer, chosen: tuple[tuple[int, float], ...], pools: Sequence[Pool], commitment: Commitment
) -> _Coverage:
    """AWS: a reservation is bound to a zone, or floats over its region."""
    stage = _stage(offer)
    if stage == Stage.REGIONAL_RESERVATION and _is_zonal(commitment, [pools[row] for row, _ in chosen]):
        stage = Stage.ZONAL_RESERVATION
        chosen = tuple((row, draw) for row, draw in chosen if not _is_elsewhere(commitment.zone, pools[row].zone))
        if len(chosen) > 1:
            _refuse_floating(commitment, [pools[row].name for row, _ in chosen])
    return _Coverage(stage=stage, reach=Reach.SHARED, chosen=chosen)


def _stage(offer: Offer) -> Stage | None:
    """Turn of an offer by its kind."""
    if offer.kind == OfferKind.CAPACITY_RESERVATION:
        return None
    return STAGE_OF_KIND.get(offer.kind, Stage.REGIONAL_RESERVATION)


def _is_zonal(commitment: Commitment, pools: Sequence[Pool]) -> bool:
    """Whether a reservation is bound to a zone: by its scope, else its zone, else the zone of its only pool."""
    if commitment.scope:
        return is_zonal_scope(commitment)
    return commitment.zone != "" or (len(pools) == 1 and pools[0].zone != "")


def _is_elsewhere(held_zone: str, pool_zone: str) -> bool:
    """Whether both zones are declared and differ."""
    return held_zone != "" and pool_zone != "" and held_zone != pool_zone


def _refuse_floating(commitment: Commitment, names: Sequence[str]) -> None:
    """Refuse a zonal reservation of a size-flexible offer: it fits one size, and nothing says which."""
    message = (
        f"commitment '{commitment.commitment_id}' is zonal, and a zonal reservation is not size-flexible, but its "
        f"offer '{commitment.offer_id}' covers {', '.join(names)}. "
        "Give it an offer of one pool, or the scope 'regional'."
    )
    refuse_scope(message)
