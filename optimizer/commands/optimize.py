"""`plimsoll optimize`: the optimum for demand taken as known. Not here: the job itself (`optimizer.jobs`)."""

from pathlib import Path
from typing import Annotated

import typer

from optimizer.commands.options import (
    Commitments,
    MethodChoice,
    MissingHours,
    Out,
    PolicyFile,
    Pools,
    Prices,
    Seed,
    Terms,
    run_options,
)
from optimizer.commands.shell import clear_errors, progress
from optimizer.jobs.inputs import InputPaths, parse_date
from optimizer.jobs.solve import Charge
from optimizer.outputs import check_out_dir, write_outputs

EVERY_HOUR = "every-hour"


def optimize(  # noqa: PLR0913  # one parameter for each option of the command
    demand: Annotated[Path, typer.Option(help="Demand taken as known: hour_utc, pool, units (CSV or Parquet).")],
    prices: Prices,
    dates: Annotated[str, typer.Option(help="Purchase dates, 2024-02-01,2024-05-01, or every-hour of the window.")],
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
    charge: Annotated[
        Charge, typer.Option(help="What a purchase costs: its term inside the window, or all of it.")
    ] = "window",
) -> None:
    """Optimum for demand taken as known: hindsight, or a scenario of your own."""
    from optimizer.jobs.known import KnownRequest, optimize_known
    from optimizer.report.known import known_files, print_known
    from optimizer.report.terminal import standard_output

    with clear_errors(), progress() as tell:
        paths = InputPaths(usage=demand, prices=prices, commitments=commitments, pools=pools, policy=policy)
        check_out_dir(out, paths.given.values())
        request = KnownRequest(
            paths=paths,
            options=run_options(terms, missing_hours, seed),
            date_hours=()
            if dates == EVERY_HOUR
            else tuple(parse_date(part.strip(), option="--dates") for part in dates.split(",")),
            start_hour=None if start is None else parse_date(start, option="--start"),
            end_hour=None if end is None else parse_date(end, option="--end"),
            method=method,
            charge=charge,
        )
        answer = optimize_known(request, tell=tell)
        files = known_files(answer)
        write_outputs(out, files)
    with clear_errors():
        print_known(answer, standard_output(), out_dir=out, files=tuple(files))
