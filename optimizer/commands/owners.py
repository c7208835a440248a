"""`plimsoll owners`: who used what, by a tag of an export. Not here: the job itself (`optimizer.jobs`)."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from optimizer.commands.out_file import check_out_file
from optimizer.commands.shell import clear_errors, progress
from optimizer.outputs import write_outputs

MAX_SHOWN = 20


class TaggedFormat(StrEnum):
    """Formats of exports whose tags can be read."""

    FOCUS = "focus"
    CUR = "cur"


def owners(
    kind: Annotated[TaggedFormat, typer.Argument(help="What the export is.")],
    files: Annotated[list[Path], typer.Argument(help="The export that the usage was imported from.")],
    tag: Annotated[str, typer.Option(help="Key of the tag that names owners, such as team.")],
    out: Annotated[Path, typer.Option(help="Owners file to write (.csv or .parquet).", metavar="FILE")],
    daily: Annotated[
        Literal["refuse", "spread"], typer.Option(help="What lines longer than an hour mean, as for import.")
    ] = "refuse",
) -> None:
    """Read who used what from a billing export, for attribute."""
    from optimizer.jobs.owners import OwnersRequest, find_owners, owners_bytes
    from optimizer.report.numbers import number
    from optimizer.report.terminal import fitting_table, say, standard_output

    with clear_errors(), progress() as tell:
        suffix = ".parquet" if out.suffix.lower() == ".parquet" else ".csv"
        check_out_file(out, files, suffix=suffix)
        tell("reading the export")
        request = OwnersRequest(name=kind.value, exports=tuple(files), tag=tag, spreads_days=daily == "spread")
        found = find_owners(request)
        write_outputs(out.parent, {out.name: owners_bytes(found, suffix=suffix)})
    with clear_errors():
        console = standard_output()
        rows = [(name, number(hours, 1)) for name, hours in found.unit_hours[:MAX_SHOWN]]
        console.print(fitting_table(f"By tag {tag}", ("owner", "unit-hours"), rows, room=console.width))
        say(console, f"Written to {out.parent}: {out.name}")
