"""`plimsoll import-prices`: providers' price files into a price list. Not here: the job itself (`optimizer.jobs`)."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from optimizer.commands.options import Commitments, Pools, Usage
from optimizer.commands.out_file import check_out_file
from optimizer.commands.shell import clear_errors, progress
from optimizer.outputs import write_outputs


class PriceKind(StrEnum):
    """What the files are."""

    AWS_OFFER = "aws-offer"
    AWS_SAVINGS_PLAN = "aws-savings-plan"
    CSV = "csv"


def import_prices(  # noqa: PLR0913  # one parameter for each option of the command
    kind: Annotated[PriceKind, typer.Argument(help="What the files are.")],
    files: Annotated[list[Path], typer.Argument(help="Price files as the provider has them; .gz is read too.")],
    usage: Usage,
    out: Annotated[Path, typer.Option(help="Price list to write (CSV).", metavar="FILE")],
    commitments: Commitments = None,
    earlier: Annotated[
        Path | None, typer.Option("--with", help="Price list that the new rows are added to (CSV or Parquet).")
    ] = None,
    pool: Annotated[list[str] | None, typer.Option(help="A further pool to price; may be repeated.")] = None,
    pools: Pools = None,
    pools_out: Annotated[
        Path | None,
        typer.Option(help="Pools file to write: --pools, with sizes that size-flexible reservations need (CSV)."),
    ] = None,
) -> None:
    """Turn price files into a price list for the pools of a usage file; what has no price is named."""
    from optimizer.jobs.pricelists import PriceRequest
    from optimizer.jobs.pricelists import import_prices as import_files
    from optimizer.report.pricelists import pools_csv, price_files, print_prices
    from optimizer.report.terminal import standard_output

    with clear_errors(), progress() as tell:
        request = PriceRequest(
            kind=kind.value,
            files=tuple(files),
            usage=usage,
            commitments=commitments,
            earlier=earlier,
            pools=tuple(pool or ()),
            pools_file=pools,
        )
        inputs = [path for _, path in request.inputs]
        check_out_file(out, inputs, suffix=".csv")
        if pools_out is not None:
            check_out_file(pools_out, [*inputs, out], suffix=".csv", option="--pools-out")
        tell("reading prices")
        answer = import_files(request)
        written = price_files(answer, out.name)
        if pools_out is not None and pools_out.parent.resolve() == out.parent.resolve():
            written[pools_out.name] = pools_csv(answer)
        elif pools_out is not None:
            write_outputs(pools_out.parent, {pools_out.name: pools_csv(answer)})
        write_outputs(out.parent, written)
    with clear_errors():
        print_prices(answer, standard_output(), out=out, files=tuple(written))
