"""What can be bought: offers, and the catalog of one price list.

Not here: reading the file (`optimizer.prices`), what is owned (`optimizer.portfolio`).
"""

from dataclasses import dataclass
from enum import StrEnum

from forecasting.arrays import FloatArray, frozen_floats
from forecasting.hours import term_hours
from optimizer.break_even import effective_hourly_usd
from optimizer.hardware import AgeBand, Hardware


class OfferKind(StrEnum):
    """Kinds of offers; docs/inputs.md says what each is."""

    ON_DEMAND = "on_demand"
    SPOT = "spot"
    CAPACITY_RESERVATION = "capacity_reservation"
    RESERVED_STANDARD = "reserved_standard"
    RESERVED_CONVERTIBLE = "reserved_convertible"
    INSTANCE_SAVINGS_PLAN = "instance_savings_plan"
    COMPUTE_SAVINGS_PLAN = "compute_savings_plan"
    OWNED_HARDWARE = "owned_hardware"


PLAN_KINDS = frozenset({OfferKind.INSTANCE_SAVINGS_PLAN, OfferKind.COMPUTE_SAVINGS_PLAN})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Offer:
    """Something that can be committed to: every kind but on-demand and spot.

    Attributes
    ----------
    offer_id : str
        Name of the offer.
    kind : OfferKind
        Its kind.
    provider, region : str
        Where it is sold.
    pools : tuple of str
        Pools it covers, in the order of `draw`.
    draw : FloatArray of shape (n_pools_of_offer,)
        Quantity used up by one unit of each pool in an hour: the discounted rate for a plan [USD/unit-hour], the
        normalization factor for a size-flexible reservation [normalized units/unit], the hardware that serves one unit
        for owned hardware, 1 for others.
    hourly_usd : float
        Paid hourly per unit of quantity, used or not: the part of a plan's commitment not paid upfront; 0 for a
        capacity reservation, whose idle units are extra demand. [USD per quantity-hour]
    upfront_usd : float
        Paid at purchase per unit of quantity. [USD per quantity]
    term_months : int
        Length; 0 for a capacity reservation that can be dropped at any date.
    payment_option : str
        none, partial or all.
    available_from_hour : int or None
        First hour at which it can be bought; None: always.
    guarantees_capacity : bool
        Whether a unit counts as firm capacity.
    is_size_flexible : bool
        Whether the quantity is in normalized units.
    given_term_hours : int or None
        Length of a term that is no number of months, which `term_months` then leaves at 0; None: by the months. [h]
    lot_quantity : float
        A purchase is a whole multiple of it; 0: any quantity. [quantity]
    minimum_quantity : float
        A purchase is at least that much; 0: any quantity. [quantity]
    hardware : Hardware or None
        Of owned hardware: lead time, resale values, and which pools it serves at which age. Its term is its useful
        life. None for all other kinds, and for what serves all its pools from the order to the end of the term.

    Raises
    ------
    ValueError
        If the hardware does not say of each pool when it is served.
    """

    offer_id: str
    kind: OfferKind
    provider: str
    region: str
    pools: tuple[str, ...]
    draw: FloatArray
    hourly_usd: float
    upfront_usd: float
    term_months: int
    payment_option: str
    available_from_hour: int | None = None
    guarantees_capacity: bool = False
    is_size_flexible: bool = False
    given_term_hours: int | None = None
    lot_quantity: float = 0.0
    minimum_quantity: float = 0.0
    hardware: Hardware | None = None

    def __post_init__(self) -> None:
        """Freeze the array."""
        object.__setattr__(self, "draw", frozen_floats(self.draw))
        if self.hardware is not None and len(self.hardware.from_hours) != len(self.pools):
            n_ages = len(self.hardware.from_hours)
            msg = f"hardware of {self.offer_id!r} must have an age for each of {len(self.pools)} pools, got {n_ages}."
            raise ValueError(msg)

    @property
    def is_plan(self) -> bool:
        """Whether the quantity is a commitment in USD per hour."""
        return self.kind in PLAN_KINDS

    @property
    def term_hours(self) -> int:
        """Length of the term; 0 where it is open. [h]"""
        return term_hours(self.term_months) if self.given_term_hours is None else self.given_term_hours

    @property
    def is_open_ended(self) -> bool:
        """Whether it can be dropped at any date, as a capacity reservation."""
        return self.term_hours == 0

    @property
    def effective_hourly_usd(self) -> float:
        """Fee with the upfront part, less what is sold at the end, spread over the term. [USD per quantity-hour]

        For a plan 1 by definition, as the whole commitment is the quantity.
        """
        return effective_hourly_usd(
            hourly_usd=self.hourly_usd, upfront_usd=self.upfront_usd - self.end_salvage_usd, term_hours=self.term_hours
        )

    @property
    def end_salvage_usd(self) -> float:
        """What owned hardware can be sold for at the end of its life; 0 for all else. [USD per quantity]"""
        return 0.0 if self.hardware is None else self.hardware.salvage_at(self.term_hours)

    @property
    def lead_hours(self) -> int:
        """From the purchase to the first hour of the term; 0 but for owned hardware. [h]"""
        return 0 if self.hardware is None else self.hardware.lead_hours

    @property
    def age_bands(self) -> tuple[AgeBand, ...]:
        """Stretches of the term by the pools that are covered; one but for owned hardware that moves on."""
        if self.hardware is not None:
            return self.hardware.age_bands(self.term_hours)
        return (AgeBand(start_age_hours=0, end_age_hours=self.term_hours, places=tuple(range(len(self.pools)))),)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Catalog:
    """One price list, for the pools of one run.

    Attributes
    ----------
    pools : tuple of str
        Pools, in the order of the arrays; each has an on-demand price.
    on_demand_usd : FloatArray of shape (n_pools,)
        [USD/unit-hour]
    spot_usd : FloatArray of shape (n_pools,)
        nan where no spot price is given. [USD/unit-hour]
    offers : tuple of Offer
        In the order of the file.
    providers, regions : tuple of str
        Of the pools, as their on-demand rows say; empty: not known of any pool.
    """

    pools: tuple[str, ...]
    on_demand_usd: FloatArray
    spot_usd: FloatArray
    offers: tuple[Offer, ...]
    providers: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "on_demand_usd", frozen_floats(self.on_demand_usd))
        object.__setattr__(self, "spot_usd", frozen_floats(self.spot_usd))

    def offer(self, offer_id: str) -> Offer:
        """Return the offer of that name.

        Raises
        ------
        KeyError
            If there is none.
        """
        for offer in self.offers:
            if offer.offer_id == offer_id:
                return offer
        raise KeyError(offer_id)
