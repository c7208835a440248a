"""`plimsoll history`: recorded runs. Not here: the store (`optimizer.run_store`)."""

from pathlib import Path
from typing import Annotated

import typer

from optimizer.commands.options import folder
from optimizer.commands.shell import clear_errors
from optimizer.outputs import check_out_dir, write_outputs


def history(
    store: Annotated[Path, typer.Option(help="Store of runs, as given to the commands that record runs.")],
    kind: Annotated[str | None, typer.Option(help="Runs of this command only, such as plan.")] = None,
    pool: Annotated[str | None, typer.Option(help="Runs that bought for this pool, or scored it.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Directory for the files; only printed if absent.", parser=folder, metavar="DIRECTORY"),
    ] = None,
) -> None:
    """List recorded runs: when, from which files, what they cost, bought and forecast."""
    from optimizer.jobs.history import runs
    from optimizer.report.history import history_files, print_history
    from optimizer.report.terminal import standard_output

    with clear_errors():
        if out is not None:
            check_out_dir(out, [store])
        found = runs(store, kind=kind, pool=pool)
        files = history_files(found)
        if out is not None:
            write_outputs(out, files)
    with clear_errors():
        print_history(found, standard_output(), pool=pool, out_dir=out, files=tuple(files))
