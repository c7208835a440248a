"""Which pools a commitment of a price list may cover, and when it has its turn.

Commitments of one offer, account and place are one holding with a quantity that varies over time. Not here: the order
of application (`optimizer.billing.aws.order`), money (`optimizer.billing.replay`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.errors import InputError, Problem
from optimizer.billing.aws.order import Stage
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.pools import Pool
from optimizer.portfolio import Commitment

STAGE_OF_KIND = {
    OfferKind.INSTANCE_SAVINGS_PLAN: Stage.INSTANCE_PLAN,
    OfferKind.COMPUTE_SAVINGS_PLAN: Stage.COMPUTE_PLAN,
    OfferKind.OWNED_HARDWARE: Stage.OWNED_HARDWARE,
}
ZONAL_SCOPES = frozenset({"zonal", "zone", "availability zone"})
REGIONAL_SCOPES = frozenset({"regional", "region"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """Commitments of one offer, account and place: billed as one holding.

    Attributes
    ----------
    offer : Offer
    stage : Stage or None
        Their turn; None for a capacity reservation, which covers nothing.
    account : str
        Their owner.
    lines : IntArray of shape (n_eligible,)
        Rows of the catalog's pools.
    draw : FloatArray of shape (n_eligible,)
        Quantity that one covered unit uses up.
    members : list of int
        Rows of the commitments, by start, then id.
    """

    offer: Offer
    stage: Stage | None
    account: str
    lines: IntArray
    draw: FloatArray
    members: list[int] = field(default_factory=list)


def grouped_commitments(catalog: Catalog, pools: Sequence[Pool], commitments: Sequence[Commitment]) -> list[Group]:
    """Merge commitments of one offer, account and place, each group and its members by start, then id."""
    offers = {offer.offer_id: offer for offer in catalog.offers}
    by_start = sorted(
        range(len(commitments)), key=lambda row: (commitments[row].start_hour, commitments[row].commitment_id)
    )
    groups: dict[tuple[str, str, str, str], Group] = {}
    for row in by_start:
        commitment = commitments[row]
        key = (commitment.offer_id, commitment.account, commitment.zone, commitment.scope)
        if key not in groups:
            groups[key] = _group(offers[commitment.offer_id], catalog, pools, commitment)
        groups[key].members.append(row)
    return list(groups.values())


def _group(offer: Offer, catalog: Catalog, pools: Sequence[Pool], commitment: Commitment) -> Group:
    """Eligible lines and turn of the commitments like this one."""
    index = {name: row for row, name in enumerate(catalog.pools)}
    chosen = [(index[name], draw) for name, draw in zip(offer.pools, offer.draw, strict=True)]
    stage: Stage | None = None
    if offer.kind != OfferKind.CAPACITY_RESERVATION:
        stage = STAGE_OF_KIND.get(offer.kind, Stage.REGIONAL_RESERVATION)
    if stage == Stage.REGIONAL_RESERVATION and _is_zonal(commitment, [pools[row] for row, _ in chosen]):
        stage = Stage.ZONAL_RESERVATION
        chosen = [(row, draw) for row, draw in chosen if not _is_elsewhere(commitment.zone, pools[row].zone)]
        if len(chosen) > 1:
            _refuse_floating(commitment, [catalog.pools[row] for row, _ in chosen])
    return Group(
        offer=offer,
        stage=stage,
        account=commitment.account,
        lines=np.array([row for row, _ in chosen], dtype=np.int64),
        draw=np.array([draw for _, draw in chosen], dtype=np.float64),
    )


def _is_zonal(commitment: Commitment, pools: Sequence[Pool]) -> bool:
    """Whether a reservation is bound to a zone: by its scope, else its zone, else the zone of its only pool."""
    if commitment.scope:
        return _is_zonal_scope(commitment)
    return commitment.zone != "" or (len(pools) == 1 and pools[0].zone != "")


def _is_zonal_scope(commitment: Commitment) -> bool:
    """Whether the declared scope is a zone; a word that is neither zone nor region is refused."""
    scope = commitment.scope.strip().lower()
    if scope not in ZONAL_SCOPES | REGIONAL_SCOPES:
        message = f"must be zonal or regional, got '{commitment.scope}' for commitment '{commitment.commitment_id}'."
        _refuse(message)
    return scope in ZONAL_SCOPES


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
    _refuse(message)


def _refuse(message: str) -> NoReturn:
    """Refuse the scope of a commitment."""
    source = "commitments"
    raise InputError(source, [Problem(column="scope", message=message)])
