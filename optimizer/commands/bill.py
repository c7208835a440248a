"""`plimsoll bill`: what usage costs under prices and commitments. Not here: the job itself (`optimizer.jobs`)."""

from pathlib import Path
from typing import Annotated

import typer

from optimizer.commands.options import (
    Commitments,
    MissingHours,
    PolicyFile,
    Pools,
    Prices,
    Seed,
    Terms,
    Usage,
    folder,
    run_options,
)
from optimizer.commands.shell import clear_errors, progress
from optimizer.jobs.inputs import InputPaths, parse_date
from optimizer.outputs import check_out_dir, write_outputs


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
        typer.Option(help="Directory for bill.json; only printed if absent.", parser=folder, metavar="DIRECTORY"),
    ] = None,
) -> None:
    """Bill usage under prices and commitments, by the rules of each price's own provider."""
    from optimizer.jobs.bill import BillRequest, bill_usage
    from optimizer.report.bill import bill_files, print_bill
    from optimizer.report.terminal import standard_output

    with clear_errors(), progress() as tell:
        paths = InputPaths(usage=usage, prices=prices, commitments=commitments, pools=pools, policy=policy)
        if out is not None:
            check_out_dir(out, paths.given.values())
        request = BillRequest(
            paths=paths,
            options=run_options(terms, missing_hours, seed),
            start_hour=None if start is None else parse_date(start, option="--start"),
            end_hour=None if end is None else parse_date(end, option="--end"),
        )
        tell("billing")
        answer = bill_usage(request)
        files = bill_files(answer)
        if out is not None:
            write_outputs(out, files)
    with clear_errors():
        print_bill(answer, standard_output(), out_dir=out, files=tuple(files))
