"""What a priced portfolio costs by the providers' billing rules, against what the optimizer takes it to cost.

Not here: the rules (`optimizer.billing`), what options cost (`pricing`).
"""

from dataclasses import dataclass, replace

import numpy as np

from optimizer.assembly import Market
from optimizer.coefficients import window_fees
from optimizer.costs import spot_units
from optimizer.cover import cover_classes
from optimizer.jobs.judge import judge
from optimizer.jobs.renewals.answer import Billed
from optimizer.jobs.renewals.pricing import Desk, Priced
from optimizer.jobs.spot import window_availability
from optimizer.portfolio import Commitment

NOTHING = 1e-9  # quantity below which a batch is not held


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """What is held, and the price list that knows it: options bring offers of their own."""

    commitments: tuple[Commitment, ...]
    market: Market


def billed(desk: Desk, priced: Priced) -> Billed:
    """Bill a portfolio inside the window: amortized fees and use, undiscounted, cash at once left out."""
    problem, window = desk.problem, desk.posed.window
    held = _held(desk, priced)
    classes = cover_classes(problem.instruments, split_by_fee=False)
    on_spot = spot_units(problem, priced.quantity, classes)[:, :, problem.in_window].reshape(window.units.shape)
    judged = judge(
        held.market,
        held.commitments,
        window,
        spot_units=on_spot,
        spot_available=window_availability(problem),
    )
    own = float(window_fees(problem) @ priced.quantity) + float(problem.weights @ priced.found.window_recourse_usd)
    return Billed(optimizer_usd=own, billed_usd=float(window.weights @ judged.total_usd))


def _held(desk: Desk, priced: Priced) -> _Held:
    """Batches with a quantity as commitments; what is owned keeps what was declared of it."""
    batches, market = desk.problem.batches, desk.posed.given.market
    offers = {offer.offer_id: offer for offer in market.catalog.offers}
    out = []
    for row in np.flatnonzero(priced.quantity > NOTHING).tolist():
        offer, owned = desk.assembled.offers[int(batches.instrument[row])], desk.assembled.commitment[row]
        offers.setdefault(offer.offer_id, offer)
        amount = float(priced.quantity[row])
        if owned is not None:
            out.append(replace(owned, quantity=amount))
            continue
        out.append(
            Commitment(
                commitment_id=f"batch {row}",
                offer_id=offer.offer_id,
                quantity=amount,
                start_hour=int(batches.start_hour[row]),
                end_hour=int(batches.end_hour[row]),
            )
        )
    catalog = replace(market.catalog, offers=tuple(offers.values()))
    return _Held(commitments=tuple(out), market=replace(market, catalog=catalog))
