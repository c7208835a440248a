"""Instruments of offers: one for each, and one more for each age at which owned hardware goes on to serve other pools.

Not here: when an offer is bought or owned (`optimizer.assembly`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from optimizer.legs import Succession
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.problem import Instruments

# Owned hardware, reservations, instance savings plans, compute savings plans.
_TURN = {OfferKind.OWNED_HARDWARE: -1, OfferKind.INSTANCE_SAVINGS_PLAN: 1, OfferKind.COMPUTE_SAVINGS_PLAN: 2}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Served:
    """Instruments of some offers.

    Attributes
    ----------
    offers : tuple of Offer
        Of each instrument; those of one offer stand together, by age.
    first_row : mapping of str to int
        First instrument of each offer, by its id.
    instruments : Instruments
    """

    offers: tuple[Offer, ...]
    first_row: Mapping[str, int]
    instruments: Instruments


def served_by(offers: Sequence[Offer], catalog: Catalog) -> Served:
    """Instruments of some offers, each counted once, in their order.

    Parameters
    ----------
    offers : sequence of Offer
        May hold one several times.
    catalog : Catalog
        Its pools are the pool axis.
    """
    different = tuple({offer.offer_id: offer for offer in offers}.values())
    rows = [(offer, band) for offer in different for band in offer.age_bands]
    place = {pool: column for column, pool in enumerate(catalog.pools)}
    draw = np.full((len(rows), len(catalog.pools)), np.nan)
    for row, (offer, band) in enumerate(rows):
        for at in band.places:
            draw[row, place[offer.pools[at]]] = offer.draw[at]
    each = tuple(offer for offer, _ in rows)
    goes_on = [row + 1 < len(each) and each[row + 1] is offer for row, offer in enumerate(each)]
    succession = Succession(
        next_row=np.where(goes_on, np.arange(1, len(rows) + 1), -1),
        after_hours=np.array([band.end_age_hours - band.start_age_hours for _, band in rows], dtype=np.int64),
    )
    instruments = Instruments(
        names=tuple(offer.offer_id for offer in each),
        draw=draw,
        fee_usd=np.array([offer.effective_hourly_usd for offer in each]),
        reserves_units=np.array([offer.kind is OfferKind.CAPACITY_RESERVATION for offer in each], dtype=bool),
        is_firm=np.array([offer.guarantees_capacity and len(band.places) == 1 for offer, band in rows], dtype=bool),
        turn=np.array([_TURN.get(offer.kind, 0) for offer in each], dtype=np.int64),
        succession=succession if any(goes_on) else None,
    )
    first_row = {offer.offer_id: row for row, (offer, band) in enumerate(rows) if band.start_age_hours == 0}
    return Served(offers=each, first_row=first_row, instruments=instruments)
