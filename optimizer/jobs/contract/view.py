"""An offer laid over the pools, batches and months of one run: what it discounts and what counts.

Not here: what spend comes to under it (`optimizer.jobs.contract.worth`).
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import BoolArray, FloatArray
from optimizer.contract_offers import ContractOffer, OtherSpend
from optimizer.contract_terms import MONTHS_PER_YEAR, ShortfallRule
from optimizer.jobs.contract.spend import SpendModel
from optimizer.offers import PLAN_KINDS, Catalog, OfferKind

RESERVATION_KINDS = frozenset({OfferKind.RESERVED_STANDARD, OfferKind.RESERVED_CONVERTIBLE})
LEVELS = (0.1, 0.5, 0.9)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OfferView:
    """An offer as arrays.

    Attributes
    ----------
    offer : ContractOffer
    commitment_usd : FloatArray of shape (n_years,)
    is_provider, is_eligible : BoolArray of shape (n_pools,)
        Whether the provider sells the pool; whether it is also not excluded.
    part : FloatArray of shape (n_pools,)
        1 - discount.
    fee_part : FloatArray of shape (n_batches,)
        1 - discount of its fees.
    fee_usd, upfront_usd : FloatArray of shape (n_batches, n_months)
        What is paid hourly, and the spread upfront part, both after the discount. [USD per quantity]
    counted_fee_usd : FloatArray of shape (n_batches, n_months)
        [USD per quantity]
    is_fee_of_provider : BoolArray of shape (n_batches,)
    other_usd : FloatArray of shape (n_scenarios, n_months)
        Eligible spend outside the planned pools, before the discount. [USD]
    marketplace_usd : FloatArray of shape (n_years,)
        What counts of it. [USD]
    rule : ShortfallRule
    """

    offer: ContractOffer
    commitment_usd: FloatArray
    is_provider: BoolArray
    is_eligible: BoolArray
    part: FloatArray
    fee_part: FloatArray
    fee_usd: FloatArray
    upfront_usd: FloatArray
    counted_fee_usd: FloatArray
    is_fee_of_provider: BoolArray
    other_usd: FloatArray
    marketplace_usd: FloatArray
    rule: ShortfallRule

    @property
    def n_years(self) -> int:
        """Years of the contract."""
        return len(self.commitment_usd)

    @property
    def n_months(self) -> int:
        """Months of the contract."""
        return MONTHS_PER_YEAR * self.n_years

    @property
    def counted_part(self) -> FloatArray:
        """What counts of a USD of list price of each pool. Shape (n_pools,)."""
        return np.where(self.is_eligible, self.part if self.offer.basis == "net" else 1.0, 0.0)


def view_of(offer: ContractOffer, model: SpendModel, catalog: Catalog, others: tuple[OtherSpend, ...]) -> OfferView:
    """Lay an offer over a run.

    Parameters
    ----------
    offer : ContractOffer
    model : SpendModel
    catalog : Catalog
        Of the model's problem.
    others : tuple of OtherSpend
        Those of other providers are left out.
    """
    is_provider = np.array(
        [provider == offer.provider for provider in _of_pools(catalog, catalog.providers)], dtype=bool
    )
    regions = _of_pools(catalog, catalog.regions)
    named = [
        pool in offer.excluded.pools or region in offer.excluded.regions
        for pool, region in zip(catalog.pools, regions, strict=True)
    ]
    is_eligible = is_provider & ~np.array(named, dtype=bool)
    discount = np.array([_discount(offer, pool, region) for pool, region in zip(catalog.pools, regions, strict=True)])
    discount = np.where(is_eligible, discount, 0.0)
    commitment = np.array(offer.annual_usd)
    months = slice(0, MONTHS_PER_YEAR * len(commitment))
    is_in, fee_part = _fee_parts(offer, model, catalog, (is_provider, is_eligible, discount))
    paid_before = model.assembled.problem.batches.start_hour < model.as_of_hour
    upfront_part = np.where(paid_before, 1.0, fee_part)
    fees = model.fees
    return OfferView(
        offer=offer,
        commitment_usd=commitment,
        is_provider=is_provider,
        is_eligible=is_eligible,
        part=1.0 - discount,
        fee_part=fee_part,
        fee_usd=fee_part[:, None] * fees.hourly_usd[:, months],
        upfront_usd=upfront_part[:, None] * fees.amortized_usd[:, months],
        counted_fee_usd=_counted_fees(offer, model, is_in, (fee_part, upfront_part))[:, months],
        is_fee_of_provider=is_in,
        other_usd=_other_usd(offer, model, others)[:, months],
        marketplace_usd=_marketplace_usd(offer, commitment),
        rule=_rule(offer, commitment, model.end_discount[: len(commitment)]),
    )


def _of_pools(catalog: Catalog, values: tuple[str, ...]) -> tuple[str, ...]:
    """One value for each pool; nothing where the catalog does not say."""
    return values or ("",) * len(catalog.pools)


def _discount(offer: ContractOffer, pool: str, region: str) -> float:
    """Discount of one pool: that of the first override that names it, else the global one."""
    for override in offer.overrides:
        if pool in override.pools or region in override.regions:
            return override.discount_fraction
    return offer.discount_fraction


def _fee_parts(
    offer: ContractOffer, model: SpendModel, catalog: Catalog, pools: tuple[BoolArray, BoolArray, FloatArray]
) -> tuple[BoolArray, FloatArray]:
    """Whether a batch is eligible, which takes that all of its pools are, and 1 - the least discount of its pools."""
    _, is_eligible, discount = pools
    place = {pool: row for row, pool in enumerate(catalog.pools)}
    known = PLAN_KINDS | RESERVATION_KINDS
    eligible, part = [], []
    for kind, names in zip(model.fees.kinds, model.fees.pools, strict=True):
        rows = [place[name] for name in names if name in place]
        is_in = kind in known and bool(rows) and bool(is_eligible[rows].all())
        eligible.append(is_in)
        part.append(1.0 - float(discount[rows].min()) if is_in and offer.discounts_commitments else 1.0)
    return np.array(eligible, dtype=bool), np.array(part)


def _counted_fees(
    offer: ContractOffer, model: SpendModel, is_in: BoolArray, parts: tuple[FloatArray, FloatArray]
) -> FloatArray:
    """What counts of the fees of one unit of each batch, by month. [USD]"""
    fees, counting = model.fees, offer.counting
    counts = {kind: counting.savings_plans for kind in PLAN_KINDS}
    counts |= {kind: counting.reservations for kind in RESERVATION_KINDS}
    is_counted = is_in & np.array([counts.get(kind, False) for kind in fees.kinds], dtype=bool)
    upfront = {"when_paid": fees.paid_usd, "amortized": fees.amortized_usd, "never": np.zeros_like(fees.paid_usd)}
    hourly_part, upfront_part = parts if offer.basis == "net" else (np.ones(len(is_in)), np.ones(len(is_in)))
    fee = hourly_part[:, None] * fees.hourly_usd + upfront_part[:, None] * upfront[counting.upfront]
    return np.where(is_counted[:, None], fee, 0.0)


def _other_usd(offer: ContractOffer, model: SpendModel, others: tuple[OtherSpend, ...]) -> FloatArray:
    """Other spend of the provider by month; it grows as fast as a scenario's demand ranks. [USD]"""
    year = np.arange(model.n_months) // MONTHS_PER_YEAR
    out = np.zeros((len(model.assembled.problem.weights), model.n_months))
    for other in others:
        if other.provider == offer.provider:
            growth = growth_at(other.growth_fraction, model.demand_rank)
            out += other.usd_per_year / MONTHS_PER_YEAR * (1.0 + growth[:, None]) ** year
    return out


def growth_at(quantiles: tuple[float, float, float], rank: FloatArray) -> FloatArray:
    """Growth at ranks in (0, 1): straight lines through P10, P50 and P90, continued beyond them.

    Examples
    --------
    >>> growth_at((0.1, 0.2, 0.4), np.array([0.1, 0.5, 0.7])).round(9).tolist()
    [0.1, 0.2, 0.3]
    """
    low, middle, high = quantiles
    below = middle - (LEVELS[1] - rank) * (middle - low) / (LEVELS[1] - LEVELS[0])
    above = middle + (rank - LEVELS[1]) * (high - middle) / (LEVELS[2] - LEVELS[1])
    return np.maximum(np.where(rank <= LEVELS[1], below, above), -1.0)


def _marketplace_usd(offer: ContractOffer, commitment_usd: FloatArray) -> FloatArray:
    """What counts of marketplace spend in each year. [USD]"""
    market = offer.marketplace
    if market is None:
        return np.zeros(len(commitment_usd))
    counted = np.full(len(commitment_usd), market.counted_fraction * market.usd_per_year)
    return counted if market.cap_fraction is None else np.minimum(counted, market.cap_fraction * commitment_usd)


def _rule(offer: ContractOffer, commitment_usd: FloatArray, end_discount: FloatArray) -> ShortfallRule:
    """Shortfall rule of an offer."""
    movable = offer.move_to_next_year_fraction * commitment_usd
    movable[-1] = 0.0
    return ShortfallRule(
        movable_usd=movable,
        prepayment_months=offer.shortfall.months or 0,
        is_used_after_end=offer.shortfall.used_after_end,
        end_discount=end_discount,
    )
