"""What a backtest is asked, and the files of it read and checked as a whole.

Not here: any decision; what each date may see is read again for that date alone (`optimizer.jobs.backtest.planner`).
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from forecasting.arrays import IntArray
from forecasting.errors import InputError, Problem
from forecasting.frames import shown
from forecasting.history import History
from forecasting.hours import HOURS_PER_DAY, add_months, date_of_hour
from optimizer.assembly import Market
from optimizer.jobs.backtest.variants import VARIANTS
from optimizer.jobs.inputs import InputPaths, RunOptions, read_history, read_policy_with, read_roadmap_with
from optimizer.jobs.quarterly import NEEDED_PLANNING_DAYS
from optimizer.jobs.solve import Method
from optimizer.policy import Policy
from optimizer.pools import pool_table, read_pools
from optimizer.portfolio import Commitment, owned_offer_ids, read_optional_commitments
from optimizer.prices import build_catalog, read_price_rows

ALL_VARIANTS = "all"
NO_VARIANTS = "none"
MAX_DATES = 1_000  # more decisions than that are a mistyped window or cadence


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRequest:
    """What `plimsoll backtest` is asked.

    Attributes
    ----------
    paths : InputPaths
        `usage` is history and what came.
    options : RunOptions
    start_hour, end_hour : int
        Window; the first decision is at its start.
    cadence_months : int or None
        Between two decisions; None: the policy's.
    variants : tuple of str
        Of `optimizer.jobs.backtest.variants.VARIANTS`; those that do not apply are left out.
    rules : Path or None
        File of further rival rules.
    method : str
    """

    paths: InputPaths
    options: RunOptions
    start_hour: int
    end_hour: int
    cadence_months: int | None = None
    variants: tuple[str, ...] = ()
    rules: Path | None = None
    method: Method = "auto"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Setting:
    """A request with its window, its policy and the demand that came.

    Attributes
    ----------
    request : BacktestRequest
    policy : Policy
        With the cadence and the terms of the run.
    actual : History
        All of the usage: what came is billed from it, and no decision reads it.
    came : History
        The part of it inside the window, of the pools that are used in it.
    dates : IntArray of shape (n_dates,)
        Epoch hours of the decisions.
    owned : tuple of Commitment
        What was owned from the start.
    """

    request: BacktestRequest
    policy: Policy
    actual: History
    came: History
    dates: IntArray
    owned: tuple[Commitment, ...]

    @property
    def start_hour(self) -> int:
        """First hour of the window."""
        return self.request.start_hour

    @property
    def end_hour(self) -> int:
        """Hour after the last of the window."""
        return self.request.end_hour

    @property
    def edges(self) -> tuple[int, ...]:
        """Dates and the end of the window: the periods that decisions are judged by."""
        return (*self.dates.tolist(), self.end_hour)

    def next_hour(self, date_hour: int) -> int:
        """Date after a date, or the end of the window."""
        return next(edge for edge in self.edges if edge > date_hour)

    def market(self, held: frozenset[str]) -> Market:
        """Prices of the pools that are used in the window, to bill what came.

        Parameters
        ----------
        held : frozenset of str
            Offers that were bought by anyone: kept where none of their pools is used.
        """
        paths, pools = self.request.paths, self.came.pools
        table = pool_table(pools, read_pools(paths.pools) if paths.pools is not None else {})
        keep = held | {owned.offer_id for owned in self.owned}
        rows = read_price_rows(paths.prices)
        catalog = build_catalog(rows, pools=pools, pool_table=table, source=str(paths.prices), keep_offers=keep)
        return Market(catalog=catalog, pools=table, commitments=self.owned, terms_months=self.policy.terms_months)


def parse_variants(text: str) -> tuple[str, ...]:
    """Variants of ``--variants late,off``; ``all`` for those that runs have by default, ``none`` for none.

    Raises
    ------
    InputError
        If one is not known.

    Examples
    --------
    >>> parse_variants("off,late"), parse_variants("none")
    (('off', 'late'), ())
    """
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    if names == (NO_VARIANTS,):
        return ()
    if names == (ALL_VARIANTS,):
        return tuple(name for name, variant in VARIANTS.items() if variant.is_default)
    unknown = [name for name in names if name not in VARIANTS]
    if unknown:
        known = ", ".join((*VARIANTS, ALL_VARIANTS, NO_VARIANTS))
        msg = "--variants"
        raise InputError(msg, [Problem(message=f"must be of {known}, got {shown(unknown[0])}.")])
    return names


def read_setting(request: BacktestRequest) -> Setting:
    """Read the files as a whole and check the window against them.

    Raises
    ------
    InputError
        With all problems of the first file or option that has any.
    """
    policy = read_policy_with(request.paths, request.options)
    if request.cadence_months is not None:
        policy = policy.model_copy(update={"cadence_months": request.cadence_months})
    keys_only = replace(request.options, uses_roadmap=False)
    roadmap = read_roadmap_with(request.paths.roadmap, keys_only, as_of_hour=None)
    actual = read_history(request.paths, request.options, roadmap)
    _check_window(request, actual, policy.cadence_months)
    return Setting(
        request=request,
        policy=policy,
        actual=actual,
        came=_came(request, actual),
        dates=_dates(request, policy.cadence_months),
        owned=_owned(request.paths),
    )


def _came(request: BacktestRequest, actual: History) -> History:
    """Demand of the window, of the pools that are used in it."""
    inside = actual.between(request.start_hour, request.end_hour)
    used = inside.units.sum(axis=1) > 0
    pools = tuple(pool for pool, is_used in zip(inside.pools, used, strict=True) if is_used)
    if not pools:
        message = f"must be > 0 in some hour from {date_of_hour(request.start_hour)} on, got 0 in all of them."
        raise InputError(str(request.paths.usage), [Problem(column="units", message=message)])
    return History(pools=pools, start_hour=request.start_hour, units=inside.units[used])


def _dates(request: BacktestRequest, cadence_months: int) -> IntArray:
    """Decision dates from the start, before the end."""
    dates: list[int] = []
    while (date := add_months(request.start_hour, cadence_months * len(dates))) < request.end_hour:
        dates.append(date)
    return np.array(dates, dtype=np.int64)


def _check_window(request: BacktestRequest, actual: History, cadence_months: int) -> None:
    """Refuse a window that the usage cannot serve."""
    start, end = request.start_hour, request.end_hour
    there = f"the usage runs from {date_of_hour(actual.start_hour)} to {date_of_hour(actual.end_hour - 1)}"
    problems = []
    earliest = actual.start_hour + NEEDED_PLANNING_DAYS * HOURS_PER_DAY
    if start < earliest:
        message = f"must leave {NEEDED_PLANNING_DAYS} days of usage before it, got {date_of_hour(start)}; {there}."
        first = -(-earliest // HOURS_PER_DAY) * HOURS_PER_DAY
        problems.append(Problem(column="--start", message=f"{message} Use {date_of_hour(first)} or later."))
    if end > actual.end_hour:
        message = f"must lie inside the usage, got {date_of_hour(end)} (exclusive); {there}. Use an earlier end."
        problems.append(Problem(column="--end", message=message))
    if end <= start:
        message = f"must be after --start {date_of_hour(start)}, got {date_of_hour(end)}."
        problems.append(Problem(column="--end", message=message))
    elif add_months(start, min(cadence_months * MAX_DATES, 12 * MAX_DATES)) < end:
        message = f"must give at most {MAX_DATES} decisions. Choose a shorter window."
        problems.append(Problem(column="--cadence", message=message))
    if problems:
        msg = "the window"
        raise InputError(msg, problems)


def _owned(paths: InputPaths) -> tuple[Commitment, ...]:
    """What is owned from the start, checked against the price list."""
    if paths.commitments is None:
        return ()
    rows = read_price_rows(paths.prices)
    table = pool_table((), read_pools(paths.pools) if paths.pools is not None else {})
    named = owned_offer_ids(paths.commitments)
    catalog = build_catalog(rows, pools=(), pool_table=table, source=str(paths.prices), keep_offers=named)
    return read_optional_commitments(paths.commitments, catalog, prices=str(paths.prices))
