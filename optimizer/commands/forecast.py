"""`plimsoll forecast`: what demand will be. Not here: the job itself (`optimizer.jobs`)."""

from typing import Annotated, Literal

import typer

from optimizer.commands.options import (
    MAX_PATHS,
    AsOf,
    DriversFile,
    ExternalFile,
    HolidayCountry,
    HorizonDays,
    MissingHours,
    NoRoadmap,
    Out,
    RoadmapFile,
    Seed,
    Usage,
    run_options,
)
from optimizer.commands.shell import clear_errors, progress
from optimizer.jobs.inputs import parse_date
from optimizer.outputs import check_out_dir, write_outputs


def forecast(  # noqa: PLR0913  # one parameter for each option of the command
    usage: Usage,
    as_of: AsOf,
    horizon_days: HorizonDays,
    out: Out,
    roadmap: RoadmapFile = None,
    drivers: DriversFile = None,
    external: ExternalFile = None,
    group_by: Annotated[
        Literal["region"] | None, typer.Option(help="Also sum pools by what stands before their first slash.")
    ] = None,
    peak_time_zone: Annotated[str, typer.Option(help="Time zone of the days and months of peaks.")] = "UTC",
    holiday_country: HolidayCountry = "US",
    paths: Annotated[int, typer.Option(help="Sample paths.", min=1, max=MAX_PATHS)] = 500,
    no_roadmap: NoRoadmap = False,
    missing_hours: MissingHours = None,
    seed: Seed = 0,
) -> None:
    """Forecast demand: hours, daily peaks, and the highest hour of the horizon, as distributions."""
    from forecasting.zones import zone_named
    from optimizer.jobs.forecast import forecast_usage
    from optimizer.jobs.forecast_answer import ForecastOrder, ForecastPaths
    from optimizer.jobs.inputs import parse_country
    from optimizer.report.forecast_files import forecast_files
    from optimizer.report.forecast_terminal import print_forecast
    from optimizer.report.terminal import standard_output

    with clear_errors(), progress() as tell:
        files_given = ForecastPaths(usage=usage, roadmap=roadmap, drivers=drivers, external=external)
        check_out_dir(out, files_given.given.values())
        order = ForecastOrder(
            as_of_hour=parse_date(as_of, option="--as-of"),
            horizon_days=horizon_days,
            zone=zone_named(peak_time_zone, source="--peak-time-zone"),
            has_groups=group_by is not None,
            n_paths=paths,
        )
        country = parse_country(holiday_country)
        options = run_options(None, missing_hours, seed, uses_roadmap=not no_roadmap, holiday_country=country)
        answer = forecast_usage(files_given, options, order, tell=tell)
        tell("writing")
        files = forecast_files(answer)
        write_outputs(out, files)
    with clear_errors():
        print_forecast(answer, standard_output(), out_dir=out, files=tuple(files))
