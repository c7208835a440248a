"""What is held, cut where owned hardware goes on to serve other pools: each stretch is billed by itself.

Not here: which of the pools a stretch may cover by the rules of their provider (`optimizer.billing.eligibility`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from optimizer.offers import Offer
from optimizer.portfolio import Commitment


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Hours in which a commitment covers the same pools.

    Attributes
    ----------
    row : int
        Row of the commitment.
    commitment : Commitment
    start_hour, end_hour : int
        Epoch hours, end exclusive.
    places : tuple of int
        Places of the pools among those of its offer.
    """

    row: int
    commitment: Commitment
    start_hour: int
    end_hour: int
    places: tuple[int, ...]


def stretches_of(commitments: Sequence[Commitment], offers: Mapping[str, Offer]) -> tuple[Stretch, ...]:
    """Stretches of all commitments, in their order; of all but owned hardware one each, from start to end.

    The age of hardware counts from the start of its commitment. What is held beyond its life serves as in the last
    year of it.

    Parameters
    ----------
    commitments : sequence of Commitment
    offers : mapping of str to Offer
        By id.
    """
    out = []
    for row, held in enumerate(commitments):
        bands = offers[held.offer_id].age_bands
        for band in bands:
            end = held.end_hour if band is bands[-1] else held.start_hour + band.end_age_hours
            start, end = held.start_hour + band.start_age_hours, min(end, held.end_hour)
            if start < end:
                stretch = Stretch(row=row, commitment=held, start_hour=start, end_hour=end, places=band.places)
                out.append(stretch)
    return tuple(out)
