"""What a batch costs in the objective: cash as it is paid, of what lies inside the valued hours.

Not here: which batches there are (`optimizer.assembly`), what hours cost beside them (`optimizer.costs`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from optimizer.calendar_dates import discount_factor_at, discount_factors
from optimizer.hardware_cost import Service, capital_usd, full_term_usd, spread_usd
from optimizer.offers import Offer, OfferKind
from optimizer.portfolio import Commitment


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedBatch:
    """One batch before it becomes a row.

    Attributes
    ----------
    offer : Offer
    start_hour, end_hour : int
        Epoch hours, end exclusive.
    decision_hour : int
        Date of the plan at which it is bought; -1 where it is no purchase.
    commitment : Commitment or None
        What is owned.
    """

    offer: Offer
    start_hour: int
    end_hour: int
    decision_hour: int
    commitment: Commitment | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BatchPricer:
    """Cost of a batch in the objective.

    Attributes
    ----------
    hours : IntArray of shape (n_hours,)
        The valued hours.
    hour_weights, discount : FloatArray of shape (n_hours,)
        As in `PlanningProblem`.
    as_of_hour : int
    rate_yearly : float
    charges_full_term : bool
        Whether a purchase costs all of its term, however little of it lies inside.
    sells_at_end : bool
        Whether owned hardware that outlives the valued hours is worth there what it could be sold for.
    on_demand_usd : mapping of str to float
        By pool; asked for where `sells_at_end`. [USD/unit-hour]
    """

    hours: IntArray
    hour_weights: FloatArray
    discount: FloatArray
    as_of_hour: int
    rate_yearly: float
    charges_full_term: bool
    sells_at_end: bool = False
    on_demand_usd: Mapping[str, float] = field(default_factory=dict)

    def cost_usd(self, batch: WantedBatch) -> float:
        """Cash as it is paid, discounted; of a term that runs past the valued hours only the part inside. [USD]

        Where the full term is charged, a purchase costs all of it; of what is owned still only the part inside counts,
        as nothing decided here changes the rest.
        """
        offer = batch.offer
        if offer.kind is OfferKind.CAPACITY_RESERVATION:
            return 0.0
        if self.charges_full_term and batch.commitment is None:
            return self._full_term_usd(batch)
        active = (self.hours >= batch.start_hour) & (self.hours < batch.end_hour)
        if not active.any():
            return 0.0
        inside_hours = float(self.hour_weights[active].sum())
        hourly = offer.hourly_usd * float((self.hour_weights * self.discount)[active].sum())
        if offer.hardware is not None:
            return hourly + self._hardware_usd(batch, inside_hours)
        upfront = offer.upfront_usd * inside_hours / offer.term_hours
        at_purchase = discount_factor_at(batch.start_hour, as_of_hour=self.as_of_hour, rate_yearly=self.rate_yearly)
        return hourly + upfront * at_purchase

    def _hardware_usd(self, batch: WantedBatch, inside_hours: float) -> float:
        """Upfront cash of owned hardware, less what is left of it at the end of the valued hours. [USD]"""
        service = self._service(batch)
        if self.sells_at_end and batch.commitment is None:
            return capital_usd(batch.offer, service, self.on_demand_usd)
        return spread_usd(batch.offer, service, inside_hours)

    def _full_term_usd(self, batch: WantedBatch) -> float:
        """Cash of the whole term, discounted. [USD]"""
        term = np.arange(batch.start_hour, batch.end_hour)
        factors = discount_factors(term, as_of_hour=self.as_of_hour, rate_yearly=self.rate_yearly)
        return batch.offer.hourly_usd * float(factors.sum()) + full_term_usd(batch.offer, self._service(batch))

    def _service(self, batch: WantedBatch) -> Service:
        """When it serves, and how far the run looks."""
        return Service(
            start_hour=batch.start_hour,
            end_hour=batch.end_hour,
            valued_end_hour=int(self.hours[-1]) + round(float(self.hour_weights[-1])),
            as_of_hour=self.as_of_hour,
            rate_yearly=self.rate_yearly,
        )
