"""Everything a plan is made from, read and checked: the files of one run and what they say about each other.

Not here: the rules of any single file (`optimizer.jobs.inputs`), what is done with it (`optimizer.jobs.posed`).
"""

from dataclasses import dataclass

from forecasting.drivers import Drivers
from forecasting.errors import InputError, Problem
from forecasting.external import ExternalForecast, read_external
from forecasting.history import History, check_as_of
from forecasting.hours import date_of_hour
from forecasting.roadmap import Roadmap
from optimizer.assembly import Market
from optimizer.jobs.inputs import (
    InputPaths,
    RunOptions,
    check_events,
    read_drivers_with,
    read_history,
    read_market,
    read_policy_with,
    read_roadmap_with,
)
from optimizer.jobs.tracking.revision import PlanLessons, read_lessons
from optimizer.plan import InputRecord
from optimizer.policy import Policy

NEEDED_PLANNING_DAYS = 42  # of history: with less, a year would rest on a single rolling origin


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlanningInputs:
    """Everything a plan is made from, read and checked.

    Attributes
    ----------
    history : History
        Before as-of only.
    roadmap : Roadmap
        Visible at as-of.
    market : Market
    policy : Policy
    as_of_hour : int
    seed : int
    records : tuple of InputRecord
    drivers : Drivers or None
    external : ExternalForecast or None
        Of another model, to follow.
    holiday_country : str
        ISO 3166 alpha-2; empty for none.
    roadmap_source : str
        Name of the roadmap file, for messages.
    lessons : PlanLessons or None
        Of the review of an earlier plan.
    """

    history: History
    roadmap: Roadmap
    market: Market
    policy: Policy
    as_of_hour: int
    seed: int
    records: tuple[InputRecord, ...]
    drivers: Drivers | None = None
    external: ExternalForecast | None = None
    holiday_country: str = "US"
    roadmap_source: str = "the roadmap"
    lessons: PlanLessons | None = None


def read_planning_inputs(paths: InputPaths, options: RunOptions, *, as_of_hour: int) -> PlanningInputs:
    """Read every file of a plan; nothing after as-of reaches the plan.

    Raises
    ------
    InputError
        With all problems of the first file that has any.
    """
    policy = read_policy_with(paths, options)
    lessons = None if paths.lessons is None else read_lessons(paths.lessons, as_of_hour=as_of_hour)
    roadmap = read_roadmap_with(paths.roadmap, options, as_of_hour=as_of_hour)
    drivers = read_drivers_with(paths.drivers, roadmap, source=str(paths.roadmap))
    seen = read_history(paths, options, roadmap, before_hour=as_of_hour)
    check_as_of(seen, as_of_hour, needed_days=NEEDED_PLANNING_DAYS)
    history = seen.before(as_of_hour)
    if not history.pools:
        message = f"must be > 0 in some hour before {date_of_hour(as_of_hour)}, got 0 in all of them."
        raise InputError(str(paths.usage), [Problem(column="units", message=message)])
    seen_hours = range(history.start_hour, as_of_hour)
    invented = check_events(paths, roadmap, known=history.pools, seen_hours=seen_hours)
    return PlanningInputs(
        history=history,
        roadmap=roadmap,
        market=read_market(paths, policy, known=history.pools, invented=invented),
        policy=policy,
        as_of_hour=as_of_hour,
        seed=options.seed,
        records=paths.records(),
        drivers=drivers,
        external=None if paths.external is None else read_external(paths.external),
        holiday_country=options.holiday_country,
        roadmap_source=str(paths.roadmap),
        lessons=lessons,
    )
