"""Bought batches as purchases and commitments, with the reason for each.

Not here: which are bought (`optimizer.jobs.solve`).
"""

from collections.abc import Mapping

import numpy as np

from forecasting.hours import HOURS_PER_DAY, HOURS_PER_YEAR
from forecasting.numerals import percent
from optimizer.assembly import Assembled
from optimizer.break_even import break_even_fraction
from optimizer.calendar_dates import moment_text
from optimizer.jobs.solve import Solved
from optimizer.offers import Offer
from optimizer.plan import NextUnit, Purchase
from optimizer.portfolio import Commitment, order_hour

NOISE_FRACTION = 1e-9  # of the cost of a unit: what is left of sums that should be zero
SMALLEST_COST_USD = 1.0  # so that what costs nothing itself, as a capacity reservation, has a scale


def quantity_unit(offer: Offer) -> str:
    """Unit that an offer's quantity is counted in."""
    if offer.is_plan:
        return "USD/h"
    return "normalized units" if offer.is_size_flexible else "units"


def purchases(solved: Solved, *, on_demand_usd: Mapping[str, float], use: Mapping[str, float]) -> tuple[Purchase, ...]:
    """Everything bought, by date.

    Parameters
    ----------
    solved : Solved
    on_demand_usd : mapping of str to float
        On-demand rate of each pool. [USD/unit-hour]
    use : mapping of str to float
        Expected use of each commitment by its id, as billed; may be empty.
    """
    out = []
    for commitment, batch in zip(planned_commitments(solved), solved.bought, strict=True):
        offer = offer_of(solved.assembled, int(batch))
        reason = _reason(offer, on_demand_usd, use.get(commitment.commitment_id))
        out.append(purchase_of(commitment, offer, reason=reason))
    return tuple(out)


def purchase_of(commitment: Commitment, offer: Offer, *, reason: str = "") -> Purchase:
    """Purchase of a commitment, in time for its first hour, with what it commits."""
    fee = 0.0 if offer.is_open_ended else offer.effective_hourly_usd
    return Purchase(
        commitment_id=commitment.commitment_id,
        decision_hour=order_hour(commitment, offer),
        start_hour=commitment.start_hour,
        end_hour=commitment.end_hour,
        offer_id=offer.offer_id,
        kind=offer.kind.value,
        payment_option=offer.payment_option,
        term_months=offer.term_months,
        pools=offer.pools,
        quantity=commitment.quantity,
        quantity_unit=quantity_unit(offer),
        committed_usd=fee * commitment.quantity * (commitment.end_hour - commitment.start_hour),
        upfront_usd=offer.upfront_usd * commitment.quantity,
        reason=reason,
        salvage_usd=tuple(value * commitment.quantity for value in _salvage_usd(offer)),
    )


def planned_commitments(solved: Solved) -> tuple[Commitment, ...]:
    """Bought batches as commitments, named by the date of the purchase and the offer."""
    problem = solved.assembled.problem
    out = []
    for batch in solved.bought:
        offer = offer_of(solved.assembled, int(batch))
        start, end = int(problem.batches.start_hour[batch]), int(problem.batches.end_hour[batch])
        out.append(
            Commitment(
                commitment_id=f"{moment_text(start - offer.lead_hours)}/{offer.offer_id}",
                offer_id=offer.offer_id,
                quantity=float(solved.quantity[batch]),
                start_hour=start,
                end_hour=end,
            )
        )
    return tuple(out)


def offer_of(assembled: Assembled, batch: int) -> Offer:
    """Offer of a batch."""
    return assembled.offers[int(assembled.problem.batches.instrument[batch])]


def next_units(solved: Solved) -> tuple[NextUnit, ...]:
    """What one more unit of every offer would bring on the first date; best first."""
    assembled = solved.assembled
    dates = assembled.decision_hour
    first = dates[dates >= 0].min(initial=np.iinfo(np.int64).max)
    out = []
    for batch in np.flatnonzero(dates == first):
        reduced = float(solved.reduced_cost_usd[batch])
        if np.isnan(reduced):
            continue
        offer = offer_of(assembled, int(batch))
        out.append(
            NextUnit(
                offer_id=offer.offer_id,
                quantity=float(solved.quantity[batch]),
                quantity_unit=quantity_unit(offer),
                saving_usd=-reduced if abs(reduced) > _noise_usd(solved, int(batch)) else 0.0,
            )
        )
    return tuple(sorted(out, key=lambda unit: (-unit.saving_usd, -unit.quantity, unit.offer_id)))


def _noise_usd(solved: Solved, batch: int) -> float:
    """What a solver's prices leave open of a batch's reduced cost, as a part of what it costs. [USD per quantity]"""
    problem = solved.assembled.problem
    batches, row = problem.batches, int(problem.batches.instrument[batch])
    term = float(batches.end_hour[batch] - batches.start_hour[batch])
    fee = float(problem.instruments.fee_usd[row]) * term
    return NOISE_FRACTION * max(abs(float(batches.cost_usd[batch])), fee, SMALLEST_COST_USD)


def break_even_range(offer: Offer, on_demand_usd: Mapping[str, float]) -> tuple[float, float]:
    """Lowest and highest use at which the offer costs as much as on-demand, over its pools."""
    use = [
        break_even_fraction(
            effective_hourly_usd=float(draw) * offer.effective_hourly_usd, on_demand_usd=on_demand_usd[pool]
        )
        for pool, draw in zip(offer.pools, offer.draw, strict=True)
    ]
    return min(use), max(use)


def _reason(offer: Offer, on_demand_usd: Mapping[str, float], use: float | None) -> str:
    """One sentence."""
    if offer.is_open_ended:
        return "Holds the capacity that headroom asks for; an idle unit costs its on-demand rate."
    low, high = break_even_range(offer, on_demand_usd)
    least, most = percent(low, 0), percent(high, 0)
    even = least if least == most else f"{least} to {most} (by pool)"
    service = _service(offer)
    if use is None:
        return f"Breaks even with on-demand at {even} use.{service}"
    return f"Expected use {percent(use)}; breaks even with on-demand at {even}.{service}"


def _service(offer: Offer) -> str:
    """Sentences on when owned hardware serves what; empty for all else."""
    if offer.hardware is None:
        return ""
    wait = f" In service {offer.lead_hours // HOURS_PER_DAY} days after the order." if offer.lead_hours else ""
    bands = offer.age_bands
    if len(bands) == 1:
        return wait
    parts = [
        f"{', '.join(offer.pools[place] for place in band.places) or 'nothing'} "
        f"up to year {band.end_age_hours / HOURS_PER_YEAR:g} of service"
        for band in bands
    ]
    return f"{wait} Serves {', then '.join(parts)}."


def _salvage_usd(offer: Offer) -> tuple[float, ...]:
    """What a unit of owned hardware can be sold for after each year of service, as declared. [USD/unit]"""
    declared = None if offer.hardware is None else offer.hardware.salvage_usd
    return () if declared is None else declared
