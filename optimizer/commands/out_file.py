"""An output that is one file with its record beside it, refused before any work is done where it cannot be written.

Not here: the writing (`optimizer.outputs`).
"""

from collections.abc import Iterable
from pathlib import Path

from optimizer.errors import OutputError
from optimizer.outputs import check_out_dir


def check_out_file(out: Path, inputs: Iterable[Path], *, suffix: str, option: str = "--out") -> None:
    """Refuse an output file that cannot be written, or that would take the place of an input.

    Parameters
    ----------
    out : Path
    inputs : iterable of Path
        Files that the run reads.
    suffix : str
        What its name must end with.
    option : str
        Where it was given.

    Raises
    ------
    OutputError
    """
    problem = None
    if out.suffix.lower() != suffix or out.stem in ("", "."):
        problem = f"must name a {suffix} file."
    elif out.is_dir():
        problem = "must be a file, but it is a directory."
    elif out.resolve() in {path.resolve() for path in inputs}:
        problem = "would overwrite another file of this run."
    if problem:
        msg = f"{option} {str(out)!r}: {problem} Choose another {option}."
        raise OutputError(msg)
    check_out_dir(out.parent)
