"""`plimsoll attribute`: a bill shared out to owners. Not here: the job itself (`optimizer.jobs`)."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from optimizer.attribution import IdleTo
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


class OwnedBy(StrEnum):
    """Which column of the pools file names an owner."""

    OWNER = "owner"
    ACCOUNT = "account"


def attribute(  # noqa: PLR0913  # one parameter for each option of the command
    usage: Usage,
    prices: Prices,
    commitments: Commitments = None,
    pools: Pools = None,
    owners: Annotated[
        Path | None, typer.Option(help="Who used what: hour_utc, pool, owner, units (CSV or Parquet).")
    ] = None,
    cost_centers: Annotated[
        Path | None, typer.Option(help="Who pays for a service: service, cost_center (CSV or Parquet).")
    ] = None,
    by: Annotated[OwnedBy, typer.Option(help="Column of the pools file that names the owner of a pool.")] = (
        OwnedBy.OWNER
    ),
    idle: Annotated[IdleTo, typer.Option(help="Who carries commitments that no usage consumed.")] = IdleTo.PLATFORM,
    start: Annotated[str | None, typer.Option(help="First day that is billed; the start of usage if absent.")] = None,
    end: Annotated[str | None, typer.Option(help="End, exclusive; the end of usage if absent.")] = None,
    policy: PolicyFile = None,
    terms: Terms = None,
    missing_hours: MissingHours = None,
    seed: Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="Directory for the files; only printed if absent.", parser=folder, metavar="DIRECTORY"),
    ] = None,
) -> None:
    """Share a bill out to owners by what they used in each hour; the parts sum to the bill."""
    from optimizer.jobs.attribution import AttributionRequest, attribute_usage
    from optimizer.jobs.bill import BillRequest
    from optimizer.report.attribution import attribution_files, print_attribution
    from optimizer.report.terminal import standard_output

    with clear_errors(), progress() as tell:
        paths = InputPaths(usage=usage, prices=prices, commitments=commitments, pools=pools, policy=policy)
        further = [path for path in (owners, cost_centers) if path is not None]
        if out is not None:
            check_out_dir(out, [*paths.given.values(), *further])
        request = AttributionRequest(
            bill=BillRequest(
                paths=paths,
                options=run_options(terms, missing_hours, seed),
                start_hour=None if start is None else parse_date(start, option="--start"),
                end_hour=None if end is None else parse_date(end, option="--end"),
            ),
            owners=owners,
            cost_centers=cost_centers,
            by=by.value,
            idle_to=idle,
        )
        tell("billing")
        found = attribute_usage(request)
        files = attribution_files(found)
        if out is not None:
            write_outputs(out, files)
    with clear_errors():
        print_attribution(found, standard_output(), out_dir=out, files=tuple(files))
