"""`plimsoll backtest`: the planner replayed on your own history. Not here: the job itself (`optimizer.jobs`)."""

import os
from pathlib import Path
from typing import Annotated

import typer

from optimizer.commands.options import (
    Commitments,
    DriversFile,
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

MAX_PROCESSES = 64
DEFAULT_PROCESSES = 2  # each decision's passes use all cores already


def backtest(  # noqa: PLR0913  # one parameter for each option of the command
    usage: Usage,
    prices: Prices,
    start: Annotated[str, typer.Option(help="First decision, and first day that is billed.")],
    end: Annotated[str, typer.Option(help="End, exclusive, of what is billed; no decision after it.")],
    out: Out,
    commitments: Commitments = None,
    pools: Pools = None,
    roadmap: RoadmapFile = None,
    drivers: DriversFile = None,
    policy: PolicyFile = None,
    cadence: Annotated[
        int | None, typer.Option(help="Months between two decisions. Overrides the policy.", min=1, max=120)
    ] = None,
    terms: Terms = None,
    missing_hours: MissingHours = None,
    no_roadmap: NoRoadmap = False,
    variants: Annotated[
        str, typer.Option(help="Worlds to replay too: off,late,size,halfway,exact; all (without exact) or none.")
    ] = "all",
    policy_file: Annotated[Path | None, typer.Option(help="Rival rules of your own (YAML).")] = None,
    holiday_country: HolidayCountry = "US",
    seed: Seed = 0,
    method: MethodChoice = "auto",
    processes: Annotated[
        int, typer.Option(help="Replays at the same time; the answer is the same.", min=1, max=MAX_PROCESSES)
    ] = DEFAULT_PROCESSES,
    store: StoreFile = None,
) -> None:
    """Replay the planner on your own history, beside rules that look back and perfect hindsight."""
    from optimizer.jobs.backtest.request import BacktestRequest, parse_variants
    from optimizer.jobs.backtest.run import run_backtest
    from optimizer.jobs.history import check_store, record, record_of_backtest
    from optimizer.jobs.inputs import parse_country
    from optimizer.report.backtest_files import backtest_files
    from optimizer.report.backtest_terminal import print_backtest
    from optimizer.report.terminal import standard_output

    with clear_errors(), progress() as tell:
        paths = InputPaths(
            usage=usage,
            prices=prices,
            commitments=commitments,
            pools=pools,
            roadmap=roadmap,
            policy=policy,
            drivers=drivers,
        )
        check_out_dir(out, [*paths.given.values(), *([] if policy_file is None else [policy_file])])
        check_store(store)
        country = parse_country(holiday_country)
        request = BacktestRequest(
            paths=paths,
            options=run_options(terms, missing_hours, seed, uses_roadmap=not no_roadmap, holiday_country=country),
            start_hour=parse_date(start, option="--start"),
            end_hour=parse_date(end, option="--end"),
            cadence_months=cadence,
            variants=parse_variants(variants),
            rules=policy_file,
            method=method,
        )
        answer = run_backtest(request, out, n_processes=min(processes, os.cpu_count() or 1), tell=tell)
        tell("writing")
        files = backtest_files(answer)
        write_outputs(out, files)
        record(store, lambda: record_of_backtest(answer, files["backtest.json"]), is_written=True)
    with clear_errors():
        print_backtest(answer, standard_output(), out_dir=out, files=tuple(files))
