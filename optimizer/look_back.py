"""The rule that most tools follow: a compute savings plan sized on the last 30 days, bought again at each date.

Re-made from public documentation: one-year-or-shortest term, the deepest discount, owned and queued commitments
counted first. It is no vendor's product. Not here: what it costs (`optimizer.jobs.judge`).
"""

from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray
from forecasting.hours import HOURS_PER_DAY
from optimizer.assembly import Market
from optimizer.cover import CoverClasses, cover_classes
from optimizer.offers import Offer, OfferKind
from optimizer.portfolio import Commitment
from optimizer.recourse import frozen_prices, recourse
from optimizer.served import Served, served_by
from optimizer.spot.rates import effective_spot_usd

LOOK_BACK_DAYS = 30
LOOK_BACK_HOURS = LOOK_BACK_DAYS * HOURS_PER_DAY
BISECTION_STEPS = 40  # halves the bracket to 1e-12 of the on-demand cost


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LookBackRule:
    """A rule bound to one market.

    Attributes
    ----------
    market : Market
    offer : Offer
        The plan it buys.
    """

    market: Market
    offer: Offer

    def committed_hourly_usd(
        self, past_units: FloatArray, held: FloatArray, hour_weights: FloatArray | None = None
    ) -> FloatArray:
        """Commitment that would have cost least over the past hours, on top of what is held.

        The marginal hour's saving falls as the commitment grows; it is bought while one more USD per hour saves more
        than a USD in the mean hour.

        Parameters
        ----------
        past_units : FloatArray of shape (n_samples, n_pools, n_past_hours)
            What was used; each sample is decided by itself. [units]
        held : FloatArray of shape (n_instruments, n_samples)
            Quantity held of each instrument of `served`.
        hour_weights : FloatArray of shape (n_past_hours,) or None
            Hours that each column stands for; None: 1. [h]

        Returns
        -------
        FloatArray of shape (n_samples,)
            [USD/h]
        """
        n_samples, n_pools, n_hours = past_units.shape
        columns = (
            (past_units * self._off_spot_fraction()[:, None]).transpose(1, 0, 2).reshape(n_pools, n_samples * n_hours)
        )
        share = np.full(n_hours, 1.0 / n_hours) if hour_weights is None else hour_weights / hour_weights.sum()
        classes = self.classes()
        own = self.served.first_row[self.offer.offer_id]
        low = np.zeros(n_samples)
        high = self.market.catalog.on_demand_usd @ past_units.max(axis=2).T
        for _ in range(BISECTION_STEPS):
            middle = (low + high) / 2
            quantity = held.copy()
            quantity[own] += middle
            price = self._price(columns, np.repeat(quantity, n_hours, axis=1), classes)
            is_worth = price.reshape(n_samples, n_hours) @ share > 1.0
            low, high = np.where(is_worth, middle, low), np.where(is_worth, high, middle)
        return low

    @property
    def served(self) -> Served:
        """Instruments of what may be held: what is owned, and the plan the rule buys."""
        owned = [self.market.catalog.offer(commitment.offer_id) for commitment in self.market.commitments]
        return served_by((*owned, self.offer), self.market.catalog)

    def instrument_at(self, owned: Commitment, hour: int) -> int:
        """Row of `served` by which a commitment serves in an hour that it is held in."""
        bands = self.market.catalog.offer(owned.offer_id).age_bands
        place = sum(1 for band in bands[1:] if hour - owned.start_hour >= band.start_age_hours)
        return self.served.first_row[owned.offer_id] + place

    def classes(self) -> CoverClasses:
        """Coverage classes of `served`, whoever has the first turn."""
        return cover_classes(replace(self.served.instruments, turn=None), split_by_fee=False)

    def _off_spot_fraction(self) -> FloatArray:
        """Part of each pool's demand that the rule sees: what runs on spot is no usage a plan could cover."""
        catalog = self.market.catalog
        pools = [self.market.pools[name] for name in catalog.pools]
        eligible = np.array([pool.spot_eligible_fraction for pool in pools])
        on_spot: FloatArray = np.where(effective_spot_usd(catalog, pools) < catalog.on_demand_usd, eligible, 0.0)
        return 1.0 - on_spot

    def _price(self, columns: FloatArray, quantity: FloatArray, classes: CoverClasses) -> FloatArray:
        """Saving of one more USD per hour of the rule's plan in each column. Shape (n_columns,)."""
        catalog = self.market.catalog
        n_pools = len(catalog.pools)
        prices = frozen_prices(catalog.on_demand_usd, np.full(n_pools, np.nan), np.zeros(n_pools))
        found = recourse(
            columns,
            held=classes.held_by_class(quantity),
            floor=classes.floor_units(quantity, n_pools),
            classes=classes,
            prices=prices,
        )
        own = self.served.first_row[self.offer.offer_id]
        row = classes.class_of[own]
        price: FloatArray = found.class_price_usd[row] * classes.scale[own]
        return price


def look_back_rule(market: Market) -> LookBackRule | None:
    """Rule for a market; None where it sells no compute savings plan."""
    plans = [offer for offer in market.buyable() if offer.kind is OfferKind.COMPUTE_SAVINGS_PLAN]
    if not plans:
        return None
    shortest = min(offer.term_months for offer in plans)
    of_term = [offer for offer in plans if offer.term_months == shortest]
    widest = max(len(offer.pools) for offer in of_term)
    best = min((o for o in of_term if len(o.pools) == widest), key=lambda o: (float(o.draw.sum()), o.offer_id))
    return LookBackRule(market=market, offer=best)
