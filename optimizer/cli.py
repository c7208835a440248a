"""The command line: options to jobs, answers to terminal and files, every user's mistake to one message and exit 2.

Not here: what a job does.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.text import Text

import optimizer.blas_threads  # noqa: F401 its import is its effect, and must come before numpy
from forecasting.errors import ForecastingError
from optimizer.errors import CertificateError, OptimizerError
from optimizer.jobs.inputs import InputPaths, RunOptions, parse_date, parse_terms
from optimizer.jobs.solve import Method, Tell
from optimizer.outputs import check_out_dir, write_outputs

EXIT_USER = 2
EXIT_DEFECT = 3
MAX_HORIZON_DAYS = 1_095
MAX_PATHS = 5_000

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Forecasts cloud capacity demand and chooses the cheapest commitments within stated risk limits.",
)


def _folder(text: str) -> Path:
    """Path of an output directory; an empty text, as of a variable that is not set, is not the current one."""
    if not text.strip():
        reason = "must name a directory, got nothing."
        raise typer.BadParameter(reason)
    return Path(text)


Usage = Annotated[Path, typer.Option(help="Hourly usage: hour_utc, pool, units (CSV or Parquet).")]
Prices = Annotated[Path, typer.Option(help="Price list: one row per offer and pool (CSV or Parquet).")]
Commitments = Annotated[Path | None, typer.Option(help="What is owned (CSV or Parquet).")]
Pools = Annotated[Path | None, typer.Option(help="What the pools are (CSV or Parquet).")]
RoadmapFile = Annotated[Path | None, typer.Option("--roadmap", help="Declared events (YAML).")]
DriversFile = Annotated[
    Path | None, typer.Option("--drivers", help="What demand follows: date, driver, value (CSV or Parquet).")
]
ExternalFile = Annotated[
    Path | None,
    typer.Option("--external", help="Quantiles or sample paths of another model, to follow (CSV or Parquet)."),
]
PolicyFile = Annotated[Path | None, typer.Option("--policy", help="Limits and risk (YAML).")]
Terms = Annotated[str | None, typer.Option(help="Terms that may be bought, in months: 12,36. Overrides the policy.")]
MissingHours = Annotated[
    Literal["zero", "refuse"] | None, typer.Option(help="What an hour without any row means. Overrides the roadmap.")
]
Seed = Annotated[int, typer.Option(help="Seed of the sampled scenarios.", min=0)]
Out = Annotated[Path, typer.Option(help="Directory for the files of the answer.", parser=_folder, metavar="DIRECTORY")]
AsOf = Annotated[str, typer.Option(help="Date of the decision; nothing after it is read.")]
NoRoadmap = Annotated[bool, typer.Option("--no-roadmap", help="Drop the events of the roadmap.")]
HorizonDays = Annotated[int, typer.Option(help="Days ahead, from the date on.", min=1, max=MAX_HORIZON_DAYS)]
HolidayCountry = Annotated[str, typer.Option(help="Country whose holidays count, such as US; none for none.")]
MethodChoice = Annotated[Method, typer.Option(help="How to optimize; auto takes the extensive program where small.")]


@app.callback()
def plimsoll() -> None:
    """Plan cloud capacity."""


@app.command()
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
) -> None:
    """Forecast demand and plan purchases from a date on."""
    from optimizer.jobs.inputs import parse_country
    from optimizer.jobs.quarterly import make_plan, read_planning_inputs
    from optimizer.report.files import plan_files
    from optimizer.report.terminal import print_plan, standard_output

    with _clear_errors(), _progress() as tell:
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
        )
        check_out_dir(out, paths.given.values())
        country = parse_country(holiday_country)
        options = _options(terms, missing_hours, seed, uses_roadmap=not no_roadmap, holiday_country=country)
        tell("reading inputs")
        answer = make_plan(read_planning_inputs(paths, options, as_of_hour=as_of_hour), method=method, tell=tell)
        tell("writing")
        files = plan_files(answer.plan, answer.causes)
        write_outputs(out, files)
    with _clear_errors():
        print_plan(answer.plan, standard_output(), out_dir=out, files=tuple(files))


@app.command()
def optimize(  # noqa: PLR0913  # one parameter for each option of the command
    demand: Annotated[Path, typer.Option(help="Demand taken as known: hour_utc, pool, units (CSV or Parquet).")],
    prices: Prices,
    dates: Annotated[str, typer.Option(help="Purchase dates: 2024-02-01,2024-05-01.")],
    out: Out,
    start: Annotated[
        str | None, typer.Option(help="First day of the window; the first purchase date if absent.")
    ] = None,
    end: Annotated[str | None, typer.Option(help="End of the window, exclusive; the end of demand if absent.")] = None,
    commitments: Commitments = None,
    pools: Pools = None,
    policy: PolicyFile = None,
    terms: Terms = None,
    missing_hours: MissingHours = None,
    seed: Seed = 0,
    method: MethodChoice = "auto",
) -> None:
    """Optimum for demand taken as known: hindsight, or a scenario of your own."""
    from optimizer.jobs.known import KnownRequest, optimize_known
    from optimizer.report.known import known_files, print_known
    from optimizer.report.terminal import standard_output

    with _clear_errors(), _progress() as tell:
        paths = InputPaths(usage=demand, prices=prices, commitments=commitments, pools=pools, policy=policy)
        check_out_dir(out, paths.given.values())
        request = KnownRequest(
            paths=paths,
            options=_options(terms, missing_hours, seed),
            date_hours=tuple(parse_date(part.strip(), option="--dates") for part in dates.split(",")),
            start_hour=None if start is None else parse_date(start, option="--start"),
            end_hour=None if end is None else parse_date(end, option="--end"),
            method=method,
        )
        answer = optimize_known(request, tell=tell)
        files = known_files(answer)
        write_outputs(out, files)
    with _clear_errors():
        print_known(answer, standard_output(), out_dir=out, files=tuple(files))


@app.command()
def bill(  # noqa: PLR0913  # one parameter for each option of the command
    usage: Usage,
    prices: Prices,
    commitments: Commitments = None,
    pools: Pools = None,
    start: Annotated[str | None, typer.Option(help="First day that is billed; the start of usage if absent.")] = None,
    end: Annotated[str | None, typer.Option(help="End, exclusive; the end of usage if absent.")] = None,
    policy: PolicyFile = None,
    terms: Terms = None,
    missing_hours: MissingHours = None,
    seed: Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="Directory for bill.json; only printed if absent.", parser=_folder, metavar="DIRECTORY"),
    ] = None,
) -> None:
    """Bill usage under prices and commitments, by AWS's own rules."""
    from optimizer.jobs.bill import BillRequest, bill_usage
    from optimizer.report.bill import bill_files, print_bill
    from optimizer.report.terminal import standard_output

    with _clear_errors(), _progress() as tell:
        paths = InputPaths(usage=usage, prices=prices, commitments=commitments, pools=pools, policy=policy)
        if out is not None:
            check_out_dir(out, paths.given.values())
        request = BillRequest(
            paths=paths,
            options=_options(terms, missing_hours, seed),
            start_hour=None if start is None else parse_date(start, option="--start"),
            end_hour=None if end is None else parse_date(end, option="--end"),
        )
        tell("billing")
        answer = bill_usage(request)
        files = bill_files(answer)
        if out is not None:
            write_outputs(out, files)
    with _clear_errors():
        print_bill(answer, standard_output(), out_dir=out, files=tuple(files))


@app.command()
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

    with _clear_errors(), _progress() as tell:
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
        options = _options(None, missing_hours, seed, uses_roadmap=not no_roadmap, holiday_country=country)
        answer = forecast_usage(files_given, options, order, tell=tell)
        tell("writing")
        files = forecast_files(answer)
        write_outputs(out, files)
    with _clear_errors():
        print_forecast(answer, standard_output(), out_dir=out, files=tuple(files))


@app.command("forecast-backtest")
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
        typer.Option(help="Directory for every window; only printed if absent.", parser=_folder, metavar="DIRECTORY"),
    ] = None,
) -> None:
    """Score the forecast on your own history, from dates on which nothing later was known."""
    from forecasting.forecast import ForecastSettings
    from optimizer.jobs.forecast_backtest import BacktestPlan
    from optimizer.jobs.forecast_scored import BacktestOrder, backtest_files
    from optimizer.jobs.inputs import parse_country
    from optimizer.report.forecast_scores import backtest_outputs, print_backtest
    from optimizer.report.terminal import standard_output

    with _clear_errors(), _progress() as tell:
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
        answer = backtest_files(order, _options(None, missing_hours, seed), tell=tell)
        files = backtest_outputs(answer)
        if out is not None:
            write_outputs(out, files)
    with _clear_errors():
        print_backtest(answer, standard_output(), out_dir=out, files=tuple(files))


def main() -> None:
    """Entry point of the `plimsoll` command."""
    app()


def _options(
    terms: str | None, missing_hours: str | None, seed: int, *, uses_roadmap: bool = True, holiday_country: str = "US"
) -> RunOptions:
    """Flags that several commands share."""
    return RunOptions(
        terms_months=parse_terms(terms),
        missing_hours=missing_hours,
        uses_roadmap=uses_roadmap,
        seed=seed,
        holiday_country=holiday_country,
    )


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Turn errors of ours, and what the machine cannot do, into one message on standard error and an exit code."""
    try:
        yield
    except CertificateError as error:
        _say_error(str(error))
        raise typer.Exit(EXIT_DEFECT) from None
    except (ForecastingError, OptimizerError) as error:
        _say_error(str(error))
        raise typer.Exit(EXIT_USER) from None
    except MemoryError:
        _say_error("the memory of this machine is too small for these inputs. Take fewer pools, or a shorter time.")
        raise typer.Exit(EXIT_USER) from None
    except OSError as error:
        _forget_output()
        _say_error(f"the system says: {error.strerror or error}. What is printed above may be cut short.")
        raise typer.Exit(EXIT_USER) from None


def _forget_output() -> None:
    """Drop what standard output still holds: a disk that is full refuses it again at the end of the program."""
    with suppress(OSError, ValueError, AttributeError), open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _say_error(message: str) -> None:
    """Print an error as plain text: names in it are never markup."""
    text = "".join(char if char.isprintable() or char == "\n" else repr(char)[1:-1] for char in message)
    Console(stderr=True, soft_wrap=True).print(Text(f"error: {text}"), highlight=False, emoji=False)


@contextmanager
def _progress() -> Iterator[Tell]:
    """Show the step that runs, on a terminal only, on standard error."""
    console = Console(stderr=True)
    if not console.file.isatty():
        yield lambda _: None
        return
    with console.status("starting") as status:
        yield lambda line: status.update(Text(line))
