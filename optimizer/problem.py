"""The planning problem as arrays: what both methods of solution read.

Demand, unit prices, instruments (what covers demand), batches (an instrument from one date to another) and limits.
Not here: offers, dates, files (`optimizer.jobs` builds the problem), nor any method of solution.
"""

from dataclasses import dataclass, field

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray, frozen_bools, frozen_floats, frozen_ints
from optimizer.contract_terms import ContractTerms
from optimizer.legs import Legs, Succession, legs_of
from optimizer.limits import Limits

STEP_TOLERANCE = 1e-6  # of a step: what a quantity may miss a whole number of steps by, as a solver's integers do


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Instruments:
    """What can cover demand: one row for each offer, whatever the date it was bought.

    Attributes
    ----------
    names : tuple of str
        Offer ids.
    draw : FloatArray of shape (n_instruments, n_pools)
        Quantity that one covered unit of a pool uses up in an hour; nan where the pool is not covered: 1 for a
        reservation, the normalization factor for a size-flexible one, the discounted rate for a plan.
    fee_usd : FloatArray of shape (n_instruments,)
        Amortized fee, used or not, for metrics and the stranded limit. [USD per quantity-hour]
    reserves_units : BoolArray of shape (n_instruments,)
        True for capacity reservations, which cover nothing but make idle units billable: billed units of a pool in
        an hour are max(demand off spot, quantity held). Their `draw` is 1 on their pool.
    is_firm : BoolArray of shape (n_instruments,)
        Whether a unit of quantity counts as firm capacity (single-pool instruments only).
    turn : IntArray of shape (n_instruments,) or None
        Whose turn it is where several could serve a unit, the smallest first, as providers bill; None: all at once.
    succession : Succession or None
        As which row an instrument goes on at some age, as owned hardware that serves other pools later; these rows
        have the same name and fee. None: none does.
    """

    names: tuple[str, ...]
    draw: FloatArray
    fee_usd: FloatArray
    reserves_units: BoolArray
    is_firm: BoolArray
    turn: IntArray | None = None
    succession: Succession | None = None

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "draw", frozen_floats(self.draw))
        object.__setattr__(self, "fee_usd", frozen_floats(self.fee_usd))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batches:
    """Instruments held from one date to another: owned, or to be bought.

    Attributes
    ----------
    instrument : IntArray of shape (n_batches,)
        Row of `Instruments`; the first one where it goes on as others (`PlanningProblem.legs`).
    start_hour, end_hour : IntArray of shape (n_batches,)
        Epoch hours, end exclusive. May run past the hours of demand.
    cost_usd : FloatArray of shape (n_batches,)
        Cost in the objective per unit of quantity: discounted cash, or amortized fee x hours inside the valued
        window. [USD per quantity]
    upfront_usd : FloatArray of shape (n_batches,)
        Cash at purchase. [USD per quantity]
    fixed_quantity : FloatArray of shape (n_batches,)
        What is owned; nan where the quantity is to be decided (>= 0).
    step : FloatArray of shape (n_batches,) or None
        What a decided quantity must be a whole multiple of, 0 where any can be bought; None: any everywhere. The
        linear methods solve without it: their optimum bounds the one in whole steps from below.
    minimum : FloatArray of shape (n_batches,) or None
        Least that a decided quantity must be where it is not 0, 0 where any can be bought; None: any everywhere. The
        linear methods solve without it, too.
    """

    instrument: IntArray
    start_hour: IntArray
    end_hour: IntArray
    cost_usd: FloatArray
    upfront_usd: FloatArray
    fixed_quantity: FloatArray
    step: FloatArray | None = None
    minimum: FloatArray | None = None

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("step", "minimum"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, frozen_floats(getattr(self, name)))
        for name in ("instrument", "start_hour", "end_hour"):
            object.__setattr__(self, name, frozen_ints(getattr(self, name)))
        for name in ("cost_usd", "upfront_usd", "fixed_quantity"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))

    @property
    def n_batches(self) -> int:
        """Number of batches."""
        return len(self.instrument)

    @property
    def is_decision(self) -> BoolArray:
        """Whether the quantity is to be decided. Shape (n_batches,)."""
        return np.isnan(self.fixed_quantity)

    @property
    def decided_step(self) -> FloatArray:
        """Step of each quantity to be decided; 0 where any can be bought, and of what is owned. Shape (n_batches,)."""
        if self.step is None:
            return np.zeros(self.n_batches)
        return np.where(self.is_decision, self.step, 0.0)

    @property
    def decided_minimum(self) -> FloatArray:
        """Least of each quantity to be decided where it is not 0, in whole steps. Shape (n_batches,).

        0 where any can be bought, where a single step is as much, and of what is owned.
        """
        if self.minimum is None:
            return np.zeros(self.n_batches)
        step, least = self.decided_step, np.where(self.is_decision, self.minimum, 0.0)
        n_steps = np.ceil(least / np.where(step > 0.0, step, 1.0) - STEP_TOLERANCE)
        return np.where(step > 0.0, np.where(n_steps > 1.0, n_steps * step, 0.0), least)

    @property
    def is_ruled(self) -> BoolArray:
        """Whether a quantity to be decided must be in whole steps or above a minimum. Shape (n_batches,)."""
        ruled: BoolArray = (self.decided_step > 0.0) | (self.decided_minimum > 0.0)
        return ruled

    def active(self, hours: IntArray) -> BoolArray:
        """Whether each batch is held in each hour. Shape (n_batches, n_hours)."""
        started = self.start_hour[:, None] <= hours[None, :]
        running: BoolArray = started & (hours[None, :] < self.end_hour[:, None])
        return running


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlanningProblem:
    """Everything that decides the optimum (docs/optimizer.md, "The problem").

    Attributes
    ----------
    pools : tuple of str
    hours : IntArray of shape (n_hours,)
        Epoch hours, increasing.
    hour_weights : FloatArray of shape (n_hours,)
        Hours each column stands for. [h]
    discount : FloatArray of shape (n_hours,)
        Discount factor of each hour, constant over three calendar months counted from as-of; 1 at discount rate 0.
    in_window : BoolArray of shape (n_hours,)
        Whether the hour is inside the window in which metrics and limits are taken (the tail is not).
    weights : FloatArray of shape (n_scenarios,)
        Probabilities.
    demand : FloatArray of shape (n_scenarios, n_pools, n_hours)
        [units]
    on_demand_usd : FloatArray of shape (n_pools,)
        [USD/unit-hour]
    spot_usd : FloatArray of shape (n_pools,)
        Effective spot rate: availability x spot x (1 + rework) + (1 - availability) x on-demand; spot x (1 + rework)
        where `spot_available` says when it is there; nan without spot. [USD/unit-hour]
    spot_eligible : FloatArray of shape (n_pools,)
        Part of demand that may run on spot.
    instruments : Instruments
    batches : Batches
    limits : Limits
    risk_lambda : float
        Weight of CVaR of cost at `limits.cvar_level`: minimize mean + lambda x CVaR.
    has_whole_use : bool
        Whether usage comes in whole units, so that a commitment covers whole ones and the rest is bought whole.
    spot_available : BoolArray of shape (n_scenarios, n_pools, n_hours) or None
        Whether the eligible part may run on spot in the hour; None: in every hour.
    contract : ContractTerms or None
        A committed-spend contract whose shortfall is part of the cost; None: none.
    """

    pools: tuple[str, ...]
    hours: IntArray
    hour_weights: FloatArray
    discount: FloatArray
    in_window: BoolArray
    weights: FloatArray
    demand: FloatArray
    on_demand_usd: FloatArray
    spot_usd: FloatArray
    spot_eligible: FloatArray
    instruments: Instruments
    batches: Batches
    limits: Limits = field(default_factory=Limits)
    risk_lambda: float = 0.0
    has_whole_use: bool = False
    spot_available: BoolArray | None = None
    contract: ContractTerms | None = None

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "hours", frozen_ints(self.hours))
        for name in ("hour_weights", "discount", "weights", "demand", "on_demand_usd", "spot_usd", "spot_eligible"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))
        if self.spot_available is not None:
            object.__setattr__(self, "spot_available", frozen_bools(self.spot_available))
            _check_same_shape("spot_available", self.spot_available, self.demand)

    @property
    def legs(self) -> Legs:
        """What each batch serves by which instrument from when to when; one leg for each where none goes on."""
        return legs_of(
            self.batches.instrument,
            start_hour=self.batches.start_hour,
            end_hour=self.batches.end_hour,
            succession=self.instruments.succession,
        )

    def spot_available_at(self, columns: IntArray | BoolArray) -> BoolArray | None:
        """`spot_available` in some hours, by their places or a mask; None where it is None."""
        return None if self.spot_available is None else self.spot_available[:, :, columns]

    def held(self, quantity: FloatArray) -> FloatArray:
        """Quantity of each instrument held in each hour.

        Parameters
        ----------
        quantity : FloatArray of shape (n_batches,)
            Quantity of every batch, owned ones included.

        Returns
        -------
        FloatArray of shape (n_instruments, n_hours)
        """
        out = np.zeros((len(self.instruments.names), len(self.hours)))
        legs = self.legs
        first = np.searchsorted(self.hours, legs.start_hour)
        last = np.searchsorted(self.hours, legs.end_hour)
        for leg, (batch, row) in enumerate(zip(legs.batch, legs.instrument, strict=True)):
            out[row, first[leg] : last[leg]] += quantity[batch]
        return out


def _check_same_shape(name: str, values: BoolArray | None, demand: FloatArray) -> None:
    """Refuse an array that has other scenarios, pools or hours than demand: its columns would be others' hours."""
    if values is not None and values.shape != demand.shape:
        msg = f"{name} must have the shape of demand, {demand.shape}, got {values.shape}."
        raise ValueError(msg)
