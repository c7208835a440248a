"""`plimsoll plan`: the quarterly plan. Not here: the job itself (`optimizer.jobs`)."""

from pathlib import Path
from typing import Annotated

import typer

from optimizer.commands.options import (
    AsOf,
    Commitments,
    DriversFile,
    ExternalFile,
    HolidayCountry,
    MethodChoice,
    MissingHours,
    NoRoadmap,
    Out,
    PolicyFile,
    Pools,
    Prices,
    RoadmapFile,
    Seed,
    StoreFile,
    Terms,
    Usage,
    run_options,
)
from optimizer.commands.shell import clear_errors, progress
from optimizer.jobs.inputs import InputPaths, parse_date
from optimizer.outputs import check_out_dir, write_outputs


def plan(  # noqa: PLR0913  # one parameter for each option of the command
    usage: Usage,
    prices: Prices,
    as_of: AsOf,
    out: Out,
    commitments: Commitments = None,
    pools: Pools = None,
    roadmap: RoadmapFile = None,
    drivers: DriversFile = None,
    external: ExternalFile = None,
    policy: PolicyFile = None,
    terms: Terms = None,
    missing_hours: MissingHours = None,
    no_roadmap: NoRoadmap = False,
    holiday_country: HolidayCountry = "US",
    seed: Seed = 0,
    method: MethodChoice = "auto",
    lessons: Annotated[
        Path | None, typer.Option(help="track.json of an earlier plan: intervals as wide as it asks for.")
    ] = None,
    store: StoreFile = None,
    frontier: Annotated[
        bool, typer.Option("--frontier", help="Also find the frontier of cost against stranded risk.")
    ] = False,
) -> None:
    """Forecast demand and plan purchases from a date on."""
    from optimizer.jobs.history import check_store, record, record_of_plan
    from optimizer.jobs.inputs import parse_country
    from optimizer.jobs.quarterly import make_plan, read_planning_inputs
    from optimizer.report.files import plan_files
    from optimizer.report.terminal import print_plan, standard_output

    with clear_errors(), progress() as tell:
        as_of_hour = parse_date(as_of, option="--as-of")
        paths = InputPaths(
            usage=usage,
            prices=prices,
            commitments=commitments,
            pools=pools,
            roadmap=roadmap,
            policy=policy,
            drivers=drivers,
            external=external,
            lessons=lessons,
        )
        check_out_dir(out, paths.given.values())
        check_store(store)
        country = parse_country(holiday_country)
        options = run_options(terms, missing_hours, seed, uses_roadmap=not no_roadmap, holiday_country=country)
        tell("reading inputs")
        given = read_planning_inputs(paths, options, as_of_hour=as_of_hour)
        answer = make_plan(given, method=method, tell=tell, with_frontier=frontier)
        tell("writing")
        files = plan_files(answer.plan, answer.causes)
        write_outputs(out, files)
        record(store, lambda: record_of_plan(answer.plan, files["plan.json"]), is_written=True)
    with clear_errors():
        print_plan(answer.plan, standard_output(), out_dir=out, files=tuple(files))
