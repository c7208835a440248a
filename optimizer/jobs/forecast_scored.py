"""Backtests of usage files: each is read, its windows are chosen and scored.

Not here: how a window is scored (`optimizer.jobs.forecast_backtest`).
"""

from dataclasses import dataclass, replace
from pathlib import Path

from forecasting.errors import HistoryError, InputError, Problem
from forecasting.forecast import NEEDED_HISTORY_DAYS
from forecasting.history import History, read_usage
from forecasting.hours import HOURS_PER_DAY, add_months, date_of_hour, hour_of_date
from forecasting.roadmap import Roadmap, check_roadmap
from optimizer.jobs.forecast_backtest import BacktestPlan, WindowScores, backtest_forecasts
from optimizer.jobs.inputs import RunOptions, file_sha256, read_drivers_with, read_roadmap_with
from optimizer.jobs.solve import Tell
from optimizer.jobs.versions import versions
from optimizer.plan import InputRecord

DEFAULT_ORIGINS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestOrder:
    """What `plimsoll forecast-backtest` is asked for.

    Attributes
    ----------
    usages : tuple of Path
        Each is forecast alone.
    roadmap, drivers : Path or None
        Of a single usage file.
    start_hour, end_hour : int or None
        First origin, and the date after which there is none; None: the last eight that leave a whole horizon.
    cadence_months : int
        Between two origins.
    plan : BacktestPlan
        Everything but its origins.
    """

    usages: tuple[Path, ...]
    roadmap: Path | None
    drivers: Path | None
    start_hour: int | None
    end_hour: int | None
    cadence_months: int
    plan: BacktestPlan

    @property
    def given(self) -> tuple[tuple[str, Path], ...]:
        """Files that were named, with their roles."""
        others = (("roadmap", self.roadmap), ("drivers", self.drivers))
        named = tuple((role, path) for role, path in others if path is not None)
        return (*(("usage", path) for path in self.usages), *named)


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestAnswer:
    """Scores of every window and where they come from.

    Attributes
    ----------
    order : BacktestOrder
    scores : tuple of (str, WindowScores)
        With the name of the usage file.
    inputs : tuple of InputRecord
    versions : tuple of (str, str)
    """

    order: BacktestOrder
    scores: tuple[tuple[str, WindowScores], ...]
    inputs: tuple[InputRecord, ...]
    versions: tuple[tuple[str, str], ...]


def backtest_files(order: BacktestOrder, options: RunOptions, *, tell: Tell) -> BacktestAnswer:
    """Read, forecast and score.

    Raises
    ------
    InputError
        If a file is wrong, leaves no window, or too little history before an origin.
    """
    _check_single(order)
    scores: list[tuple[str, WindowScores]] = []
    for path in order.usages:
        tell(f"reading {path.name}")
        roadmap = read_roadmap_with(order.roadmap, options, as_of_hour=None)
        drivers = read_drivers_with(order.drivers, roadmap, source=str(order.roadmap))
        missing = options.missing_hours or roadmap.missing_hours
        history = read_usage(path, missing_hours="zero" if missing == "zero" else None)
        origins = chosen_origins(history, order, source=str(path))
        if order.roadmap is not None:
            _check_events(roadmap, history, origins, source=str(order.roadmap))
        plan = replace(order.plan, origin_hours=origins, drivers=drivers, roadmap_source=str(order.roadmap))
        try:
            scores += [(path.name, window) for window in backtest_forecasts(history, roadmap, plan, tell=tell)]
        except HistoryError as error:
            message = f"an origin cannot be forecast: {error} As-of is the origin; --start sets the first."
            raise InputError(str(path), [Problem(message=message)]) from None
    records = [InputRecord(role=role, name=path.name, sha256=file_sha256(path)) for role, path in order.given]
    return BacktestAnswer(order=order, scores=tuple(scores), inputs=tuple(records), versions=versions())


def _check_single(order: BacktestOrder) -> None:
    """Refuse what is about the pools of one usage file beside several."""
    for option, path in (("--roadmap", order.roadmap), ("--drivers", order.drivers)):
        if path is not None and len(order.usages) > 1:
            message = f"goes with the pools of one usage file, got {len(order.usages)} files. Score them one by one."
            raise InputError(option, [Problem(message=message)])


def chosen_origins(history: History, order: BacktestOrder, *, source: str) -> tuple[int, ...]:
    """Origins that leave a whole horizon, increasing.

    Without a first date they are the last `DEFAULT_ORIGINS` firsts of a month, some months apart, that have enough
    history before them.

    Raises
    ------
    InputError
        If there is none.
    """
    latest = history.end_hour - order.plan.horizon_days * HOURS_PER_DAY
    earliest = history.start_hour + (NEEDED_HISTORY_DAYS + 1) * HOURS_PER_DAY
    until = latest if order.end_hour is None else order.end_hour
    if order.start_hour is not None:
        n_most = (max(until - order.start_hour, 0) // (28 * HOURS_PER_DAY)) // order.cadence_months + 1
        steps = [add_months(order.start_hour, step * order.cadence_months) for step in range(n_most)]
        found = [hour for hour in steps if hour <= until]
    else:
        last = hour_of_date(date_of_hour(min(until, latest)).replace(day=1).isoformat())
        steps = [add_months(last, -step * order.cadence_months) for step in reversed(range(DEFAULT_ORIGINS))]
        found = [hour for hour in steps if hour >= earliest]
    if not found or found[-1] > latest:
        got = f"{date_of_hour(found[-1])} as the last origin" if found else "no origin"
        message = (
            f"usage runs from {date_of_hour(history.start_hour)} to {date_of_hour(history.end_hour - 1)} and must hold "
            f"{NEEDED_HISTORY_DAYS} days before each origin and {order.plan.horizon_days} after it, got {got}. Choose "
            "other --start and --end, or a shorter --horizon-days."
        )
        raise InputError(source, [Problem(message=message)])
    return tuple(found)


def _check_events(roadmap: Roadmap, history: History, origins: tuple[int, ...], *, source: str) -> None:
    """Refuse events that name pools without usage at the origin that first sees them."""
    for origin in origins:
        seen = history.before(origin)
        seen_hours = range(seen.start_hour, origin)
        check_roadmap(roadmap.visible_at(origin), seen.pools, None, source=source, seen_hours=seen_hours)
