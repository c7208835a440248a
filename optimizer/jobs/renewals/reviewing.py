"""Which commitments ask for a decision: those that end in time, and those that a declared event strands before.

Not here: what can be done with them (`renewing`, `changing`).
"""

import numpy as np

from forecasting.hours import HOURS_PER_DAY
from optimizer.jobs.posed import PosedRun
from optimizer.jobs.renewals.choices import Reviewed
from optimizer.jobs.renewals.futures import Futures, draining_events, sampled
from optimizer.jobs.renewals.own_use import own_use
from optimizer.jobs.renewals.request import RenewalRequest
from optimizer.offers import Offer
from optimizer.portfolio import Commitment

STRANDED_RISE = 0.01  # of a commitment: an event that strands less of it asks for no decision


def reviewed_commitments(posed: PosedRun, request: RenewalRequest, futures: Futures) -> tuple[Reviewed, ...]:
    """Commitments to decide on, by their end; no choices yet."""
    given = posed.given
    until = given.as_of_hour + request.within_days * HOURS_PER_DAY
    out = []
    for owned in given.market.commitments:
        offer = given.market.catalog.offer(owned.offer_id)
        if owned.end_hour <= given.as_of_hour or offer.is_open_ended:
            continue
        item = _reviewed(posed, futures, owned, offer, is_ending=owned.end_hour <= until)
        rise = item.stranded_fraction - item.without_events_fraction
        if item.is_ending or (np.isfinite(rise) and rise >= STRANDED_RISE):
            out.append(item)
    return tuple(sorted(out, key=lambda item: (item.commitment.end_hour, item.commitment.commitment_id)))


def _reviewed(posed: PosedRun, futures: Futures, owned: Commitment, offer: Offer, *, is_ending: bool) -> Reviewed:
    """One commitment with the events that concern it, and what they strand of it."""
    given = posed.given
    # of what ends, the events that its renewal would meet matter, too
    horizon = owned.end_hour + offer.term_hours if is_ending else owned.end_hour
    events = draining_events(given.roadmap.events, offer, before_hour=horizon, as_of_hour=given.as_of_hour)
    names = tuple(event.name for event in events)
    share = without = float("nan")
    if offer.pools:
        share = _stranded_fraction(posed, futures, owned, ())
        without = _stranded_fraction(posed, futures, owned, names) if names and futures.is_known else share
    return Reviewed(
        commitment=owned,
        offer=offer,
        events=names,
        is_ending=is_ending,
        stranded_fraction=share,
        without_events_fraction=without,
    )


def _stranded_fraction(posed: PosedRun, futures: Futures, owned: Commitment, without: tuple[str, ...]) -> float:
    """Part of a commitment that is expected to be unused from as-of to its end, of all that is owned alone."""
    problem = posed.assembled.problem
    rows = [row for row, known in enumerate(posed.assembled.commitment) if known is owned]
    seen = futures.without(problem, without) if without else sampled(problem)
    used = own_use(seen, np.nan_to_num(problem.batches.fixed_quantity), rows, in_window=False)
    return float(problem.weights @ used.idle_usd) / used.held_usd if used.held_usd > 0.0 else float("nan")
