"""The answer: purchases, costs, peaks, certificate and reasons, as plain data that pages and files are made from.

Not here: how any of it is computed (`optimizer.jobs.quarterly`) or shown (`optimizer.report`).
"""

from dataclasses import dataclass

from forecasting.arrays import FloatArray, IntArray, frozen_floats, frozen_ints
from optimizer.certificate import Certificate
from optimizer.expected import Expected
from optimizer.explanation import Explanation, Frontier
from optimizer.plan_headroom import PlanHeadroom
from optimizer.plan_money import PlanMoney
from optimizer.spot.rows import SpotRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """One dated purchase, to make now or expected later.

    Attributes
    ----------
    commitment_id : str
        Name given by the plan, unique within it.
    decision_hour, start_hour, end_hour : int
        Epoch hours; the end is exclusive.
    offer_id, kind, payment_option : str
        What is bought.
    term_months : int
    pools : tuple of str
        Pools it covers.
    quantity : float
        In `quantity_unit`.
    quantity_unit : str
        "units", "normalized units" or "USD/h".
    committed_usd : float
        Fees over the whole term. [USD]
    upfront_usd : float
        Cash at purchase. [USD]
    reason : str
        One sentence: why this one.
    salvage_usd : tuple of float
        What owned hardware can be sold for after 1, 2, 3... years of service, the whole quantity; empty where nothing
        is declared, and for all else. [USD]
    """

    commitment_id: str
    decision_hour: int
    start_hour: int
    end_hour: int
    offer_id: str
    kind: str
    payment_option: str
    term_months: int
    pools: tuple[str, ...]
    quantity: float
    quantity_unit: str
    committed_usd: float
    upfront_usd: float
    reason: str = ""
    salvage_usd: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CostSummary:
    """What one way of buying costs over the window, as billed in every scenario.

    Attributes
    ----------
    name : str
        "plan", "all_on_demand", "keep_owned" or "look_back_30_days".
    title : str
        The same for people.
    scenario_usd : FloatArray of shape (n_scenarios,)
        Cost of each scenario. [USD]
    mean_usd, p10_usd, p50_usd, p90_usd : float
    esr, coverage, utilization : float
        Fractions; utilization is nan where nothing is committed.
    stranded_usd, stranded_fraction, stranded_cvar_fraction : float
        Committed value that no usage consumed, owned and new; expected, as a part of committed USD, and the CVaR.
    cvar_usd : float
        CVaR of cost, at the level at which reports take every CVaR; nan where not known.
    """

    name: str
    title: str
    scenario_usd: FloatArray
    mean_usd: float
    p10_usd: float
    p50_usd: float
    p90_usd: float
    esr: float
    coverage: float
    utilization: float
    stranded_usd: float
    stranded_fraction: float
    stranded_cvar_fraction: float
    cvar_usd: float = float("nan")

    def __post_init__(self) -> None:
        """Freeze the array."""
        object.__setattr__(self, "scenario_usd", frozen_floats(self.scenario_usd))


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakRow:
    """Highest hour of one pool, or of all together, in one month.

    Attributes
    ----------
    pool : str or None
        None: all pools together.
    month : str
        YYYY-MM.
    p50_units, p90_units, p99_units : float
    headroom_fraction : float or None
        Above the policy's peak quantile; None where the policy sets none.
    required_units : float or None
        (1 + headroom) x the peak at the policy's quantile, or what the loss of a site asks for where that is more; None
        for all pools together.
    firm_units : float or None
        Firm capacity that the plan has; None where quota and availability are not declared.
    """

    pool: str | None
    month: str
    p50_units: float
    p90_units: float
    p99_units: float
    headroom_fraction: float | None
    required_units: float | None
    firm_units: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """A commitment that ends within the horizon."""

    commitment_id: str
    offer_id: str
    kind: str
    quantity: float
    quantity_unit: str
    end_hour: int
    hourly_fee_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """What the reduction of sample paths to weighted scenarios changes in the cost of the plan.

    Attributes
    ----------
    n_paths : int or None
        None where the two cannot be compared.
    n_scenarios : int
    cvar_level : float
        Of the CVaR of cost: the policy's.
    measures : tuple of (str, float, float)
        "expected", "p10", "p90" and "cvar" of the cost in the window by the optimizer's recourse: on the scenarios,
        and on all paths; empty where not known. [USD]
    standard_error_usd : float
        Of the expected cost on all paths, as they are only so many; nan where not known.
    statement : str
        The change of the expected cost in plain words, or why it is not known.
    """

    n_paths: int | None
    n_scenarios: int
    cvar_level: float
    measures: tuple[tuple[str, float, float], ...]
    standard_error_usd: float
    statement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitState:
    """One limit of the policy after planning.

    Attributes
    ----------
    name : str
        Such as "stranded, expected".
    unit : str
        "fraction of committed USD", "USD", "units".
    limit, value : float
        What is allowed and what the plan takes.
    binds : bool
    price_usd : float
        Fall of the expected cost per `unit` by which the bound is relaxed, at the margin; >= 0, and 0 where the limit
        does not bind. Of a fraction: per whole, a hundred percentage points. [USD/`unit`]
    text : str
        One sentence for people.
    """

    name: str
    unit: str
    limit: float
    value: float
    binds: bool
    price_usd: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NextUnit:
    """What one more unit of an offer, bought on the first date, would bring.

    Attributes
    ----------
    offer_id : str
    quantity : float
        Bought on the first date by the plan.
    quantity_unit : str
    saving_usd : float
        Expected saving of one more unit over the window and tail (negative: it would cost). [USD per quantity]
    """

    offer_id: str
    quantity: float
    quantity_unit: str
    saving_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationRow:
    """What serves a pool in a month, in expectation.

    Attributes
    ----------
    month : str
        YYYY-MM.
    pool : str
        Pool; empty for what no usage consumed.
    kind : str
        Offer kind; "unused" for committed value that no usage consumed.
    units : float
        Mean units over the month's hours; for "unused" 0.
    usd : float
        Expected cost in the month; the rows of all months sum to the plan's expected cost.
    """

    month: str
    pool: str
    kind: str
    units: float
    usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRecord:
    """One input of the run: its role, file name (never its folder) and content hash."""

    role: str
    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventMark:
    """A visible event, for the charts."""

    name: str
    kind: str
    start_hour: int
    end_hour: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DemandBands:
    """Daily demand of all pools or of one region, for the charts.

    Attributes
    ----------
    group : str or None
        Region; None: all pools together.
    history_days : IntArray of shape (n_history_days,)
        Epoch days.
    history_mean, history_peak : FloatArray of shape (n_history_days,)
        [units]
    days : IntArray of shape (n_days,)
        Epoch days of the horizon.
    mean_quantiles : FloatArray of shape (3, n_days)
        P5, P50, P95 of the daily mean. [units]
    peak_quantiles : FloatArray of shape (3, n_days)
        P5, P50, P95 of the daily highest hour. [units]
    """

    group: str | None
    history_days: IntArray
    history_mean: FloatArray
    history_peak: FloatArray
    days: IntArray
    mean_quantiles: FloatArray
    peak_quantiles: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("history_days", "days"):
            object.__setattr__(self, name, frozen_ints(getattr(self, name)))
        for name in ("history_mean", "history_peak", "mean_quantiles", "peak_quantiles"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """Everything a quarterly planning run answers.

    Attributes
    ----------
    title : str
        What was planned, for the head of the page.
    as_of_hour, horizon_end_hour : int
        The window: epoch hours, end exclusive.
    purchases : tuple of Purchase
        To make on the first date: the advice.
    schedule : tuple of Purchase
        Expected at later dates.
    summaries : tuple of CostSummary
        The plan first, then what it is compared with.
    scenario_weights : FloatArray of shape (n_scenarios,)
    new_stranded_fraction, new_stranded_cvar_fraction : float
        Of the committed USD of new purchases, what they add to what is owned.
    peaks : tuple of PeakRow
    expiries : tuple of Expiry
    certificate : Certificate
    reduction : Reduction
    limits : tuple of LimitState
    next_units : tuple of NextUnit
    allocation : tuple of AllocationRow
    bands : tuple of DemandBands
        Of all pools first.
    events : tuple of EventMark
    assumptions : tuple of str
        Sentences.
    inputs : tuple of InputRecord
    versions : tuple of (str, str)
        Program and libraries.
    seed : int
    expected : Expected or None
        Day by day, what `plimsoll track` holds against what came; None where it was not asked for.
    spot : tuple of SpotRow
        Of the pools that use spot.
    money : PlanMoney or None
        Cash, books, paybacks and financing; None where it was not asked for.
    explanation : Explanation or None
        Why each purchase, and why nothing else; None where it was not asked for.
    frontier : Frontier or None
        Cost against stranded risk; None where it was not asked for.
    """

    title: str
    as_of_hour: int
    horizon_end_hour: int
    purchases: tuple[Purchase, ...]
    schedule: tuple[Purchase, ...]
    summaries: tuple[CostSummary, ...]
    scenario_weights: FloatArray
    new_stranded_fraction: float
    new_stranded_cvar_fraction: float
    peaks: tuple[PeakRow, ...]
    expiries: tuple[Expiry, ...]
    certificate: Certificate
    reduction: Reduction
    limits: tuple[LimitState, ...]
    next_units: tuple[NextUnit, ...]
    allocation: tuple[AllocationRow, ...]
    bands: tuple[DemandBands, ...]
    events: tuple[EventMark, ...]
    assumptions: tuple[str, ...]
    inputs: tuple[InputRecord, ...]
    versions: tuple[tuple[str, str], ...]
    seed: int
    expected: Expected | None = None
    spot: tuple[SpotRow, ...] = ()
    money: PlanMoney | None = None
    explanation: Explanation | None = None
    frontier: Frontier | None = None
    headroom: PlanHeadroom | None = None

    def __post_init__(self) -> None:
        """Freeze the array."""
        object.__setattr__(self, "scenario_weights", frozen_floats(self.scenario_weights))

    @property
    def summary(self) -> CostSummary:
        """Costs of the plan itself."""
        return self.summaries[0]
