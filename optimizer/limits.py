"""The limits a plan must keep, as numbers without policy files or dates.

Not here: how each limit becomes rows of the program (`optimizer.program`, `optimizer.master`).
"""

from dataclasses import dataclass, field

from forecasting.arrays import FloatArray, IntArray, frozen_floats, frozen_ints

EXPECTED_STRANDED = "expected stranded value"
MINIMUM_COVERAGE = "minimum coverage"
MAXIMUM_COVERAGE = "maximum coverage"
SPOT_SHARE = "spot share"


def cvar_label(level: float) -> str:
    """Name of the limit on the CVaR of stranded value.

    Examples
    --------
    >>> cvar_label(0.95)
    'CVaR 95 of stranded value'
    """
    return f"CVaR {100 * level:g} of stranded value"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FirmRequirement:
    """Firm capacity that reservations must add in one pool and one stretch of hours.

    Attributes
    ----------
    pool_index : int
        The pool.
    start_hour, end_hour : int
        Epoch hours, end exclusive; the capacity must be there in all of them.
    units : float
        Required beyond on-demand quota x availability. [units]
    label : str
        Such as "headroom of web in 2024-03".
    """

    pool_index: int
    start_hour: int
    end_hour: int
    units: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CashLimit:
    """Upfront cash allowed for the batches of one quarter.

    Attributes
    ----------
    batch_indices : IntArray of shape (n_batches_of_quarter,)
        Batches bought in the quarter.
    usd : float
        Cash allowed. [USD]
    label : str
        Such as "upfront cash from 2024-01-01".
    """

    batch_indices: IntArray
    usd: float
    label: str

    def __post_init__(self) -> None:
        """Freeze the array."""
        object.__setattr__(self, "batch_indices", frozen_ints(self.batch_indices))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PurchaseLimit:
    """Committed USD, over the whole terms, that may be bought on one date.

    Attributes
    ----------
    batch_indices : IntArray of shape (n_batches_of_date,)
        Batches bought on the date.
    usd : float
        Fees over whole terms allowed, upfront part included, not discounted. [USD]
    label : str
        Such as "purchases on 2024-01-01".
    """

    batch_indices: IntArray
    usd: float
    label: str

    def __post_init__(self) -> None:
        """Freeze the array."""
        object.__setattr__(self, "batch_indices", frozen_ints(self.batch_indices))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShareLimit:
    """Ceiling on a group's part of the committed USD of new purchases (concentration).

    Attributes
    ----------
    batch_indices : IntArray of shape (n_batches_of_group,)
        Batches of the group.
    fraction : float
        Largest part allowed.
    label : str
        Such as "offer csp1y".
    """

    batch_indices: IntArray
    fraction: float
    label: str

    def __post_init__(self) -> None:
        """Freeze the array."""
        object.__setattr__(self, "batch_indices", frozen_ints(self.batch_indices))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Limits:
    """All limits of one problem; None or empty: not limited.

    Attributes
    ----------
    stranded_expected_fraction, stranded_cvar_fraction : float or None
        Of the committed USD of new purchases inside the window. Stranded USD is what new purchases add to what the
        owned portfolio strands alone, so that owned commitments never make the limit infeasible.
    cvar_level : float
        Level of every CVaR.
    owned_stranded_usd : FloatArray of shape (n_scenarios,)
        What the owned portfolio strands alone, inside the window. [USD]
    coverage_min_fraction, coverage_max_fraction : float or None
        Of the on-demand-equivalent USD that does not run on spot.
    spot_share_max : float or None
        Of the on-demand-equivalent USD of all demand.
    cash : tuple of CashLimit
    shares : tuple of ShareLimit
        By offer, family and term.
    firm : tuple of FirmRequirement
    purchases : tuple of PurchaseLimit
    """

    stranded_expected_fraction: float | None = None
    stranded_cvar_fraction: float | None = None
    cvar_level: float = 0.95
    owned_stranded_usd: FloatArray = field(default_factory=lambda: frozen_floats([]))
    coverage_min_fraction: float | None = None
    coverage_max_fraction: float | None = None
    spot_share_max: float | None = None
    cash: tuple[CashLimit, ...] = ()
    shares: tuple[ShareLimit, ...] = ()
    firm: tuple[FirmRequirement, ...] = ()
    purchases: tuple[PurchaseLimit, ...] = ()

    def __post_init__(self) -> None:
        """Freeze the array."""
        object.__setattr__(self, "owned_stranded_usd", frozen_floats(self.owned_stranded_usd))

    @property
    def governs_purchases(self) -> bool:
        """Whether a limit depends on quantities alone."""
        return bool(self.cash or self.shares or self.purchases or self.firm)

    @property
    def governs_use(self) -> bool:
        """Whether a limit depends on what commitments and spot serve."""
        bounds = (
            self.stranded_expected_fraction,
            self.stranded_cvar_fraction,
            self.coverage_min_fraction,
            self.coverage_max_fraction,
            self.spot_share_max,
        )
        return any(bound is not None for bound in bounds)
