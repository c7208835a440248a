"""Runs as the store of runs takes and gives them.

Not here: the tables they are kept in (`optimizer.run_store.tables`), the file (`optimizer.run_store.store`).
"""

from dataclasses import dataclass
from pathlib import Path

from optimizer.errors import StoreError
from optimizer.plan import InputRecord, Purchase


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number of a run.

    Attributes
    ----------
    pool : str or None
        None: all pools together.
    name : str
        With its unit, such as ``total_usd`` or ``esr``.
    value : float
        Finite.
    """

    pool: str | None
    name: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run.

    Attributes
    ----------
    run_id : str
        SHA-256 of the document that the run wrote: the same run has the same id.
    kind : str
        Name of the command.
    title : str
    start_utc, end_utc : str
        What it is about: a plan from as-of to its horizon, a review from as-of to the last tracked day.
    figures : tuple of Figure
    purchases : tuple of Purchase
        Advised on the first date.
    inputs : tuple of InputRecord
    versions : tuple of (str, str)
    """

    run_id: str
    kind: str
    title: str
    start_utc: str
    end_utc: str
    figures: tuple[Figure, ...] = ()
    purchases: tuple[Purchase, ...] = ()
    inputs: tuple[InputRecord, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPurchase:
    """A purchase as the store keeps it."""

    commitment_id: str
    offer_id: str
    kind: str
    quantity: float
    quantity_unit: str
    start_utc: str
    end_utc: str
    committed_usd: float
    upfront_usd: float
    pools: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run as the store keeps it.

    Attributes
    ----------
    run_id, kind, title, start_utc, end_utc : str
        As in `RunRecord`.
    recorded_at_utc : str
        When it was recorded: the only time of a clock that anything here holds.
    figures, purchases, inputs, versions
        As in `RunRecord`.
    """

    run_id: str
    kind: str
    title: str
    start_utc: str
    end_utc: str
    recorded_at_utc: str
    figures: tuple[Figure, ...]
    purchases: tuple[StoredPurchase, ...]
    inputs: tuple[InputRecord, ...]
    versions: tuple[tuple[str, str], ...]

    def figure(self, name: str, pool: str | None = None) -> float | None:
        """One number; None where the run has none of that name."""
        return next((one.value for one in self.figures if (one.name, one.pool) == (name, pool)), None)


def refused(path: Path, message: str) -> StoreError:
    """Error about a store."""
    return StoreError(f"--store {str(path)!r}: {message}")
