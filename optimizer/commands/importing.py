"""`plimsoll import`: a billing export becomes usage, pools and commitments. Not here: how (`forecasting.usage`)."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from forecasting.errors import InputError, Problem
from optimizer.commands.shell import clear_errors, progress


class ExportFormat(StrEnum):
    """Formats of exports."""

    FOCUS = "focus"
    CUR = "cur"
    AZURE = "azure"
    GCP = "gcp"


SPLITS = ("account", "zone")


def import_usage_command(  # noqa: PLR0913  # one parameter for each option of the command
    export_format: Annotated[ExportFormat, typer.Argument(metavar="FORMAT", help="focus, cur, azure or gcp.")],
    files: Annotated[list[Path], typer.Argument(metavar="FILES...", help="Files of the export (CSV, gzip, Parquet).")],
    out: Annotated[Path, typer.Option(help="Usage file to write: usage.parquet, or a .csv.")],
    commitments_out: Annotated[Path | None, typer.Option(help="Commitments file to write (CSV).")] = None,
    pools_out: Annotated[Path | None, typer.Option(help="Pools file to write (CSV).")] = None,
    by: Annotated[str | None, typer.Option(help="Split pools by account, zone, or account,zone.")] = None,
    daily: Annotated[
        Literal["refuse", "spread"],
        typer.Option(help="What lines longer than an hour mean: spread evenly, or refused."),
    ] = "refuse",
    unrecovered: Annotated[
        Literal["refuse", "leave-out"], typer.Option(help="What becomes of commitments the export does not tell whole.")
    ] = "refuse",
    subscriptions: Annotated[
        list[Path] | None, typer.Option(help="Google's table cud_subscriptions_export; may be repeated.")
    ] = None,
) -> None:
    """Read a billing export into the usage, pools and commitments that the other commands take."""
    from forecasting.usage.imported import ImportRequest
    from optimizer.jobs.importing import ImportOutputs, check_outputs, import_usage, write_import
    from optimizer.report.importing import import_files, print_import
    from optimizer.report.terminal import standard_output

    with clear_errors(), progress() as tell:
        outputs = ImportOutputs(usage=out, commitments=commitments_out, pools=pools_out)
        tables = _tables(subscriptions, export_format, commitments_out)
        check_outputs(outputs, [*files, *tables])
        request = ImportRequest(
            name=export_format.value,
            paths=tuple(files),
            by=_splits(by),
            spreads_days=daily == "spread",
            recovers=commitments_out is not None,
            subscriptions=tables,
        )
        tell("reading the export")
        answer = import_usage(request, leaves_out_unrecovered=unrecovered == "leave-out")
        write_import(outputs, import_files(answer, outputs))
    with clear_errors():
        print_import(answer, standard_output(), outputs=outputs)


def _tables(given: list[Path] | None, export_format: ExportFormat, commitments_out: Path | None) -> tuple[Path, ...]:
    """Tables of subscriptions, which only Google has, and only commitments need."""
    if given and (export_format is not ExportFormat.GCP or commitments_out is None):
        msg = "--subscriptions"
        message = f"must come with format gcp and --commitments-out, got format {export_format.value}. Leave it away."
        raise InputError(msg, [Problem(message=message)])
    return tuple(given or ())


def _splits(text: str | None) -> frozenset[str]:
    """What pools are split by."""
    names = [] if text is None else [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in SPLITS]
    if unknown:
        msg = "--by"
        raise InputError(msg, [Problem(message=f"must be account, zone or account,zone, got {text!r}.")])
    return frozenset(names)
