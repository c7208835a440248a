"""Output files that are written whole or not at all.

Everything is rendered first, then staged in a hidden folder on the same file system, then put in place; a failure on
the way takes back what was done. Not here: what the files say (`optimizer.report`).
"""

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from optimizer.errors import OutputError

STAGING_PREFIX = ".plimsoll-"
PLAN_NAMES = (
    *("purchases.csv", "schedule.csv", "plan.json", "allocation.parquet", "expected.parquet", "report.html"),
    *("plan.xlsx", "bill.json"),
)
FORECAST_NAMES = (
    *("hourly.parquet", "daily_peak.parquet", "horizon_peak.parquet", "decomposition.parquet", "events.csv"),
    *("anomalies.csv", "cliffs.csv", "forecast.json", "forecast.html", "backtest.csv", "backtest.json"),
)
BACKTEST_NAMES = ("backtest.html", "portfolio.csv")  # its other files have names of the two above
TRACK_NAMES = ("track.json", "track.csv", "track.html", "history.csv", "history.json")
ASSESS_NAMES = ("assess.json", "assess.html")
CONTRACT_NAMES = ("contract.json", "contract.csv", "contract.html")
BILL_NAMES = ("attribution.csv", "attribution.json", "reconcile.csv", "reconcile.json")  # other views of a bill
OUTPUT_NAMES = frozenset(
    (*PLAN_NAMES, *FORECAST_NAMES, *BACKTEST_NAMES, *TRACK_NAMES, *ASSESS_NAMES, *CONTRACT_NAMES, *BILL_NAMES)
)
NO_ROOM = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})

Content = bytes | Callable[[], bytes]


def check_out_dir(out_dir: Path, inputs: Iterable[Path] = ()) -> None:
    """Refuse an output directory that cannot be written, before any work is done.

    Parameters
    ----------
    out_dir : Path
    inputs : iterable of Path
        Files that the run reads.

    Raises
    ------
    OutputError
        If a file stands where the directory, or one of the folders it lies in, should be; if the directory, or the
        folder it would be made in, may not be written; or if an output would take the place of an input.
    """
    try:
        problem = _place_problem(out_dir) or _overwritten(out_dir, inputs)
    except OSError as error:
        problem = f"the system says: {error.strerror or error}. Choose another --out."
    if problem:
        msg = f"--out {str(out_dir)!r}: {problem}"
        raise OutputError(msg)


def _place_problem(out_dir: Path) -> str | None:
    """What is wrong with the first place on the way up that exists; None where a directory can be there."""
    for place in (out_dir, *out_dir.parents):
        if place.is_dir():
            is_writable = os.access(place, os.W_OK | os.X_OK)
            return None if is_writable else f"the folder {str(place)!r} may not be written. Choose another --out."
        if place.exists() or place.is_symlink():
            what = "a broken link" if place.is_symlink() and not place.exists() else "a file"
            return f"must be a directory, but {str(place)!r} is {what}. Choose another --out, or move it away."
    return None


def _overwritten(out_dir: Path, inputs: Iterable[Path]) -> str | None:
    """Which input an output would replace: what is owned would be lost to what is advised; None if none."""
    for path in inputs:
        if path.name in OUTPUT_NAMES and path.resolve().parent == out_dir.resolve():
            return f"would overwrite the input {str(path)!r}. Choose another --out."
    return None


def write_outputs(out_dir: Path, files: Mapping[str, Content]) -> None:
    """Put all files into a directory, or none of them.

    Parameters
    ----------
    out_dir : Path
        Made where it does not exist. Files of other names that it holds are left alone.
    files : mapping of str to bytes or function that returns bytes
        Content by file name, without folders. Functions are called before anything is written.

    Raises
    ------
    OutputError
        If any file cannot be written; what the directory held before is then still there, and nothing else.
    """
    bad_names = [name for name in files if name in {"", ".", ".."} or Path(name).name != name]
    if bad_names:
        msg = f"names of output files must be without folders, got {bad_names}."
        raise ValueError(msg)
    check_out_dir(out_dir)
    rendered = {name: content if isinstance(content, bytes) else content() for name, content in files.items()}
    try:
        if out_dir.is_dir():
            _replace_into(out_dir, rendered)
        else:
            _make_folder(out_dir, rendered)
    except OSError as error:
        reason = error.strerror or str(error)
        way_out = "Free some space, or choose another --out." if error.errno in NO_ROOM else "Choose another --out."
        msg = f"--out {str(out_dir)!r}: nothing was written, the system says: {reason}. {way_out}"
        raise OutputError(msg) from error


def _make_folder(out_dir: Path, rendered: Mapping[str, bytes]) -> None:
    """Stage beside a directory that does not exist yet, then rename the whole folder."""
    missing = [place for place in out_dir.parents if not place.exists()]
    try:
        out_dir.parent.mkdir(parents=True, exist_ok=True)
        with _staging_folder(out_dir.parent) as staging:
            _stage(staging, rendered)
            staging.rename(out_dir)
        _sync_folder(out_dir.parent)
    except BaseException:
        for place in missing:
            with contextlib.suppress(OSError):
                place.rmdir()
        raise


def _replace_into(out_dir: Path, rendered: Mapping[str, bytes]) -> None:
    """Stage inside a directory that exists (it may be a mount point), then replace file by file."""
    for name in rendered:
        if (out_dir / name).is_dir():
            raise IsADirectoryError(0, f"a folder stands where the file {name!r} should be")
    with _staging_folder(out_dir) as staging:
        new, old = staging / "new", staging / "old"
        new.mkdir()
        old.mkdir()
        _stage(new, rendered)
        done: list[str] = []
        try:
            for name in rendered:
                done.append(name)
                if os.path.lexists(out_dir / name):
                    os.replace(out_dir / name, old / name)
                os.replace(new / name, out_dir / name)
        except BaseException:
            _take_back(out_dir, old, done)
            raise
        _sync_folder(out_dir)


def _take_back(out_dir: Path, old: Path, names: list[str]) -> None:
    """Put the files that stood in the directory back in their places."""
    for name in names:
        with contextlib.suppress(OSError):
            if os.path.lexists(old / name):
                os.replace(old / name, out_dir / name)
            elif not os.path.lexists(old.parent / "new" / name):
                (out_dir / name).unlink(missing_ok=True)


@contextlib.contextmanager
def _staging_folder(parent: Path) -> Iterator[Path]:
    """Make a hidden folder that is gone afterwards, whatever happens, unless it was renamed."""
    staging = parent / f"{STAGING_PREFIX}{secrets.token_hex(6)}"
    staging.mkdir()
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _stage(folder: Path, rendered: Mapping[str, bytes]) -> None:
    """Write every file and wait until the disk has it."""
    for name, content in rendered.items():
        with (folder / name).open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    """Wait until the disk has the folder's entries, where the system allows it."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
