"""`plimsoll forecast-backtest`: how good such forecasts were on the history at hand. Not here: the job."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from optimizer.commands.options import (
    MAX_PATHS,
    DriversFile,
    HolidayCountry,
    HorizonDays,
    MissingHours,
    RoadmapFile,
    Seed,
    folder,
    run_options,
)
from optimizer.commands.shell import clear_errors, progress
from optimizer.jobs.inputs import parse_date
from optimizer.outputs import check_out_dir, write_outputs


def forecast_backtest(  # noqa: PLR0913  # one parameter for each option of the command
    usage: Annotated[list[Path], typer.Option(help="Hourly usage (CSV or Parquet); more than one, each alone.")],
    roadmap: RoadmapFile = None,
    drivers: DriversFile = None,
    start: Annotated[str | None, typer.Option(help="First origin; the eighth from the end if absent.")] = None,
    end: Annotated[str | None, typer.Option(help="No origin after it; the last that leaves a horizon.")] = None,
    cadence_months: Annotated[int, typer.Option(help="Months between two origins.", min=1, max=120)] = 3,
    horizon_days: HorizonDays = 90,
    score: Annotated[
        Literal["total", "groups", "pools"],
        typer.Option(help="Series that are scored: the total; each group, too; each pool."),
    ] = "groups",
    year: Annotated[bool, typer.Option("--year", help="Also score the mean of the next 365 days.")] = False,
    holiday_country: HolidayCountry = "US",
    paths: Annotated[int, typer.Option(help="Sample paths.", min=1, max=MAX_PATHS)] = 200,
    missing_hours: MissingHours = None,
    seed: Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="Directory for every window; only printed if absent.", parser=folder, metavar="DIRECTORY"),
    ] = None,
) -> None:
    """Score the forecast on your own history, from dates on which nothing later was known."""
    from forecasting.forecast import ForecastSettings
    from optimizer.jobs.forecast_backtest import BacktestPlan
    from optimizer.jobs.forecast_scored import BacktestOrder, backtest_files
    from optimizer.jobs.inputs import parse_country
    from optimizer.report.forecast_scores import backtest_outputs, print_backtest
    from optimizer.report.terminal import standard_output

    with clear_errors(), progress() as tell:
        country = parse_country(holiday_country)
        order = BacktestOrder(
            usages=tuple(usage),
            roadmap=roadmap,
            drivers=drivers,
            start_hour=None if start is None else parse_date(start, option="--start"),
            end_hour=None if end is None else parse_date(end, option="--end"),
            cadence_months=cadence_months,
            plan=BacktestPlan(
                origin_hours=(),
                horizon_days=horizon_days,
                settings=ForecastSettings(n_paths=paths, n_scenarios=paths, holiday_country=country),
                scored=score,
                has_year=year,
                seed=seed,
            ),
        )
        if out is not None:
            check_out_dir(out, [path for _, path in order.given])
        answer = backtest_files(order, run_options(None, missing_hours, seed), tell=tell)
        files = backtest_outputs(answer)
        if out is not None:
            write_outputs(out, files)
    with clear_errors():
        print_backtest(answer, standard_output(), out_dir=out, files=tuple(files))
