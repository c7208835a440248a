"""The store of runs: one file that holds whole runs only, whatever happens to whoever writes it.

A run is added to a copy beside the store, which then takes its place in one step: a kill or a full disk leaves the
store as it was, and who reads never waits. A lock file lets one writer in at a time. Not here: what a run is in a
record (`optimizer.jobs.history`), the tables (`optimizer.run_store.tables`).
"""

import errno
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from optimizer.errors import StoreError
from optimizer.run_store.records import RunRecord, StoredRun, refused

LOCK_SECONDS = 30.0
RETRY_SECONDS = 0.05
NO_ROOM = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})


def check_run_store(path: Path) -> None:
    """Refuse a store that a run could not be added to, before any work is done.

    Raises
    ------
    StoreError
        If its folder is not there or may not be written, or the file is no store of ours.
    """
    if not path.parent.is_dir():
        raise refused(path, "must lie in a folder that exists, and does not. Make the folder first.")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise refused(path, "must lie in a folder that may be written, and does not. Choose another file.")
    if path.exists():
        from optimizer.run_store.tables import reading  # here: the database takes a tenth of a second to import

        with reading(path.resolve()):
            pass


def add_run(path: Path, run: RunRecord, *, lock_seconds: float = LOCK_SECONDS) -> bool:
    """Add a run to a store, which is made where there is none.

    Parameters
    ----------
    path : Path
    run : RunRecord
    lock_seconds : float
        How long to wait for another writer. [s]

    Returns
    -------
    bool
        False where the store has the run already; it is then left as it is.

    Raises
    ------
    StoreError
        If it cannot be added; the store is then as it was.
    """
    check_run_store(path)
    target = path.resolve()  # a link stays a link
    staged = target.with_name(f".{target.name}.new")
    try:
        with _only_writer(target, lock_seconds):
            try:
                _remove(staged)  # of a writer that was killed
                if not _stage(target, staged, run):
                    return False
                _sync(staged)
                os.replace(staged, target)
                _sync(target.parent)
            finally:
                _remove(staged)
    except OSError as error:
        if isinstance(error, StoreError):
            raise
        way_out = "Free some space." if error.errno in NO_ROOM else "Choose another file."
        raise refused(path, f"could not be written, the system says: {error.strerror or error}. {way_out}") from error
    return True


def stored_runs(path: Path) -> tuple[StoredRun, ...]:
    """All runs of a store, in the order in which they were recorded.

    Raises
    ------
    StoreError
        If there is no such file, or it is no store of ours.
    """
    if not path.exists():
        raise refused(path, "must be a store of runs, and there is no such file. --store of plan or track makes one.")
    from optimizer.run_store.tables import reading, runs_of

    with reading(path.resolve()) as engine:
        return runs_of(engine)


def _stage(target: Path, staged: Path, run: RunRecord) -> bool:
    """Make the copy with the run in it; False where the store has it already."""
    from optimizer.run_store.tables import has_run, reading, write_run

    is_new = not target.exists()
    if not is_new:
        with reading(target) as engine:
            if has_run(engine, run.run_id):
                return False
            shutil.copyfile(target, staged)  # while no other program may write it
            shutil.copymode(target, staged)
    write_run(staged, run, is_new=is_new, named=target)
    return True


@contextmanager
def _only_writer(target: Path, lock_seconds: float) -> Iterator[None]:
    """Be the only one who writes a store; the lock goes with the process, however it ends."""
    import fcntl  # here: a system without it can read stores, not write them

    handle = os.open(target.with_name(f".{target.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        deadline = time.monotonic() + lock_seconds
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EACCES):
                    raise
            if time.monotonic() >= deadline:
                waited = f"is being written by another run for more than {lock_seconds:g} s. Try again later."
                raise refused(target, waited)
            time.sleep(RETRY_SECONDS)
        yield
    finally:
        os.close(handle)


def _remove(staged: Path) -> None:
    """Remove a copy and what the database may have left beside it."""
    for name in (staged.name, f"{staged.name}.wal"):
        with suppress(OSError):
            staged.with_name(name).unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Wait until the disk has a file, or the entries of a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
