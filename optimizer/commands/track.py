"""`plimsoll track`: a plan against what came. Not here: the job itself (`optimizer.jobs.tracking`)."""

from pathlib import Path
from typing import Annotated

import typer

from optimizer.commands.options import (
    Commitments,
    DriversFile,
    MissingHours,
    Pools,
    Prices,
    RoadmapFile,
    StoreFile,
    Usage,
    folder,
    run_options,
)
from optimizer.commands.shell import clear_errors, progress
from optimizer.jobs.inputs import InputPaths
from optimizer.outputs import check_out_dir, write_outputs


def track(  # noqa: PLR0913  # one parameter for each option of the command
    plan: Annotated[Path, typer.Option(help="plan.json of the plan, expected.parquet beside it.")],
    usage: Usage,
    prices: Prices,
    commitments: Commitments = None,
    with_purchases: Annotated[
        bool, typer.Option("--with-purchases", help="Count the plan's purchases as made, beside --commitments.")
    ] = False,
    plan_prices: Annotated[
        Path | None, typer.Option(help="Price list of the plan, where --prices is a newer one.")
    ] = None,
    pools: Pools = None,
    drivers: DriversFile = None,
    roadmap: RoadmapFile = None,
    missing_hours: MissingHours = None,
    flag: Annotated[float, typer.Option(help="Fraction above which a variance is flagged.", min=0.0)] = 0.1,
    store: StoreFile = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Directory for the files; only printed if absent.", parser=folder, metavar="DIRECTORY"),
    ] = None,
) -> None:
    """Hold a plan against new usage: cost by cause, forecast, commitments, and what to learn."""
    from optimizer.jobs.history import check_store, record, record_of_review
    from optimizer.jobs.tracking.track import TrackRequest, check_flag
    from optimizer.jobs.tracking.track import track as compare
    from optimizer.report.terminal import standard_output
    from optimizer.report.track_json import track_files
    from optimizer.report.track_terminal import print_review

    with clear_errors(), progress() as tell:
        paths = InputPaths(
            usage=usage, prices=prices, commitments=commitments, pools=pools, drivers=drivers, roadmap=roadmap
        )
        if out is not None:
            extra = [plan] if plan_prices is None else [plan, plan_prices]
            check_out_dir(out, [*paths.given.values(), *extra])
        check_flag(flag)
        check_store(store)
        request = TrackRequest(
            plan=plan,
            paths=paths,
            plan_prices=plan_prices,
            options=run_options(None, missing_hours, 0),
            flag_fraction=flag,
            with_purchases=with_purchases,
        )
        review = compare(request, tell=tell)
        files = track_files(review)
        if out is not None:
            write_outputs(out, files)
        record(store, lambda: record_of_review(review, files["track.json"]), is_written=out is not None)
    with clear_errors():
        print_review(review, standard_output(), out_dir=out, files=tuple(files))
