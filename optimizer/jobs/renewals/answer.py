"""What renewals answers, as plain data that pages and files are made from.

Not here: how any of it is computed (`optimizer.jobs.renewals.run`).
"""

from dataclasses import dataclass

from forecasting.arrays import FloatArray, IntArray, frozen_floats, frozen_ints
from optimizer.jobs.renewals.choices import TITLES, Choice
from optimizer.plan import EventMark, InputRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What one way of deciding costs.

    Attributes
    ----------
    expected_usd, p10_usd, p90_usd : float
        Discounted cost of the whole fleet in the window and the valued tail. [USD]
    objective_usd, lower_bound_usd : float
        With the weight of risk: what choices are ranked by; and what no quantities cost less than. [USD]
    """

    expected_usd: float
    p10_usd: float
    p90_usd: float
    objective_usd: float
    lower_bound_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """One way of deciding by the providers' billing rules: expected, in the window, undiscounted, fees amortized.

    Attributes
    ----------
    optimizer_usd : float
        As the optimizer serves demand. [USD]
    billed_usd : float
        By the rules. [USD]
    """

    optimizer_usd: float
    billed_usd: float

    @property
    def difference_usd(self) -> float:
        """Billed less optimizer. [USD]"""
        return self.billed_usd - self.optimizer_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One choice with its figures; all but the first five are None where it cannot be made.

    Attributes
    ----------
    choice : Choice
    is_recommended : bool
    is_within_limits : bool
        Whether the limits of the policy on use hold with it.
    needs_work : bool
        Whether demand itself would have to move: shown, never recommended.
    quantity_unit : str
        Of `quantity`.
    quantity : float or None
        What is bought, or what the commitment becomes.
    costs : Costs or None
    over_best_usd, over_best_p10_usd, over_best_p90_usd : float or None
        Cost above that of the joint optimum: expected, and its P10 and P90 over the scenarios. With a weight of risk
        the expected one may be below 0: the optimum is one of `objective_usd`. [USD]
    stranded_usd, stranded_cvar_usd, stranded_fraction : float or None
        Of the commitment and what takes its place, in the window: expected, CVaR 95, expected part. [USD]
    lock_in_usd : float or None
        Fees of both still owed after the time asked for. [USD]
    overlap_stranded_usd, overlap_capacity_usd : float or None
        Double bubble: what events leave unused, and the on-demand cost of the same work where it moved. [USD]
    break_even_price_usd : float or None
        Upfront price at which a sale costs as much as the best other choice. [USD]
    billed : Billed or None
        The fleet with it as billed; None where it is not recommended.
    """

    choice: Choice
    is_recommended: bool = False
    is_within_limits: bool = True
    needs_work: bool = False
    quantity_unit: str = ""
    quantity: float | None = None
    costs: Costs | None = None
    over_best_usd: float | None = None
    over_best_p10_usd: float | None = None
    over_best_p90_usd: float | None = None
    stranded_usd: float | None = None
    stranded_cvar_usd: float | None = None
    stranded_fraction: float | None = None
    lock_in_usd: float | None = None
    overlap_stranded_usd: float | None = None
    overlap_capacity_usd: float | None = None
    break_even_price_usd: float | None = None
    billed: Billed | None = None

    @property
    def title(self) -> str:
        """What it is, for people."""
        return TITLES[self.choice.kind]

    @property
    def acts(self) -> bool:
        """Whether it does what it says: a purchase of nothing is to let lapse under another name."""
        return self.choice.buys is None or (self.quantity or 0.0) > 0.0

    @property
    def offer_id(self) -> str:
        """Offer bought or become; empty for none."""
        return "" if self.choice.offer is None else self.choice.offer.offer_id


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipFlip:
    """Slip of an event at which the best option changes.

    Attributes
    ----------
    event : str
    slip_days : float
    before, after : int
        Places of the options in their commitment's list.
    """

    event: str
    slip_days: float
    before: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One commitment with its options.

    Attributes
    ----------
    commitment_id, offer_id, kind, quantity_unit : str
    quantity : float
    start_hour, end_hour : int
    pools : tuple of str
    is_ending : bool
        Whether it ends in the time asked for; else an event strands it first.
    hourly_fee_usd : float
    events : tuple of str
        Declared events that take demand from its pools.
    stranded_fraction, without_events_fraction : float
        Expected part unused from as-of to its end, with and without these events; nan where not known.
    options : tuple of Option
        Those that can be made first, the cheapest first.
    best_by_slip : tuple of (str, float, int)
        Event, days of slip, place of the best option.
    flips : tuple of SlipFlip
    reason : str
        Why the recommended one, in one sentence.
    must_be_true : str
        Until which slip it stays the best.
    """

    commitment_id: str
    offer_id: str
    kind: str
    quantity_unit: str
    quantity: float
    start_hour: int
    end_hour: int
    pools: tuple[str, ...]
    is_ending: bool
    hourly_fee_usd: float
    events: tuple[str, ...]
    stranded_fraction: float
    without_events_fraction: float
    options: tuple[Option, ...]
    best_by_slip: tuple[tuple[str, float, int], ...]
    flips: tuple[SlipFlip, ...]
    reason: str
    must_be_true: str

    @property
    def recommended(self) -> Option | None:
        """The option to take; None where none can be made."""
        return next((option for option in self.options if option.is_recommended), None)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PoolChart:
    """Demand of the pools that commitments reach, and what of them is owned, by day.

    Attributes
    ----------
    title : str
    unit : str
    days : IntArray of shape (n_days,)
        Epoch days.
    demand : FloatArray of shape (3, n_days)
        P10, P50, P90 of the daily mean.
    owned : tuple of (str, FloatArray of shape (n_days,))
        Commitment and what of it is held, in the same unit.
    """

    title: str
    unit: str
    days: IntArray
    demand: FloatArray
    owned: tuple[tuple[str, FloatArray], ...]

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "days", frozen_ints(self.days))
        object.__setattr__(self, "demand", frozen_floats(self.demand))
        object.__setattr__(self, "owned", tuple((name, frozen_floats(held)) for name, held in self.owned))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RenewalAnswer:
    """Everything that a run of renewals answers.

    Attributes
    ----------
    as_of_hour, until_hour : int
        The time asked for.
    horizon_end_hour, valued_end_hour : int
        End of the window and of the valued tail.
    decisions : tuple of Decision
        By the end of the commitment.
    joint : Costs or None
        The optimum over all options; None where nothing asks for a decision.
    joint_changes : tuple of (str, int)
        Commitments that are changed in it, and the place of the option.
    n_combinations : int
        Ways to change what is owned that were tried.
    charts : tuple of PoolChart
    events : tuple of EventMark
    assumptions : tuple of str
    inputs : tuple of InputRecord
    versions : tuple of (str, str)
    seed : int
    within_days : int
    joint_billed : Billed or None
        The optimum over all options as billed.
    """

    as_of_hour: int
    until_hour: int
    horizon_end_hour: int
    valued_end_hour: int
    decisions: tuple[Decision, ...]
    joint: Costs | None
    joint_changes: tuple[tuple[str, int], ...]
    n_combinations: int
    charts: tuple[PoolChart, ...]
    events: tuple[EventMark, ...]
    assumptions: tuple[str, ...]
    inputs: tuple[InputRecord, ...]
    versions: tuple[tuple[str, str], ...]
    seed: int
    within_days: int
    joint_billed: Billed | None = None
