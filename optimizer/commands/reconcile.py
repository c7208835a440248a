"""`plimsoll reconcile`: an export against the bill of its import. Not here: the job itself (`optimizer.jobs`)."""

from enum import StrEnum
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
from optimizer.jobs.inputs import InputPaths
from optimizer.outputs import check_out_dir, write_outputs


class ExportKind(StrEnum):
    """Formats of exports."""

    FOCUS = "focus"
    CUR = "cur"
    AZURE = "azure"
    GCP = "gcp"


def reconcile(  # noqa: PLR0913  # one parameter for each option of the command
    kind: Annotated[ExportKind, typer.Argument(help="What the export is.")],
    files: Annotated[list[Path], typer.Argument(help="The export that usage and commitments were imported from.")],
    usage: Usage,
    prices: Prices,
    commitments: Commitments = None,
    pools: Pools = None,
    policy: PolicyFile = None,
    terms: Terms = None,
    missing_hours: MissingHours = None,
    seed: Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="Directory for the files; only printed if absent.", parser=folder, metavar="DIRECTORY"),
    ] = None,
) -> None:
    """Bill imported usage under imported commitments and prices, and compare with what the export says was charged."""
    from optimizer.jobs.bill import BillRequest
    from optimizer.jobs.reconcile import ReconcileRequest
    from optimizer.jobs.reconcile import reconcile as compare
    from optimizer.report.reconcile import print_reconciliation, reconciliation_files
    from optimizer.report.terminal import standard_output

    with clear_errors(), progress() as tell:
        paths = InputPaths(usage=usage, prices=prices, commitments=commitments, pools=pools, policy=policy)
        if out is not None:
            check_out_dir(out, [*paths.given.values(), *files])
        options = run_options(terms, missing_hours, seed)
        request = ReconcileRequest(
            name=kind.value,
            exports=tuple(files),
            bill=BillRequest(paths=paths, options=options, start_hour=None, end_hour=None),
        )
        tell("reading the export and billing")
        found = compare(request)
        written = reconciliation_files(found)
        if out is not None:
            write_outputs(out, written)
    with clear_errors():
        print_reconciliation(found, standard_output(), out_dir=out, files=tuple(written))
