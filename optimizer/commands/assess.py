"""`plimsoll assess`: cases of money and risk. Not here: the job itself (`optimizer.jobs.assess`)."""

from pathlib import Path
from typing import Annotated

import typer

from optimizer.commands.options import folder
from optimizer.commands.shell import clear_errors
from optimizer.outputs import check_out_dir, write_outputs


def assess(
    cases: Annotated[Path, typer.Argument(help="Cases to assess (YAML).", metavar="FILE")],
    out: Annotated[
        Path | None,
        typer.Option(help="Directory for the files; only printed if absent.", parser=folder, metavar="DIRECTORY"),
    ] = None,
) -> None:
    """Assess projects, build or buy, assets, risks and unit costs, each with the point at which the answer flips."""
    from optimizer.jobs.assess.run import assess_file
    from optimizer.report.assessment import assessment_files, print_assessment
    from optimizer.report.terminal import standard_output

    with clear_errors():
        if out is not None:
            check_out_dir(out, [cases])
        found = assess_file(cases)
        files = assessment_files(found) if out is not None else {}
        if out is not None:
            write_outputs(out, files)
    with clear_errors():
        print_assessment(found, standard_output(), out_dir=out, files=tuple(files))
