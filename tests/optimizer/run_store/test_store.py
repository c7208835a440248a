"""The store of runs holds whole runs only: after a kill, with two writers, on a full disk, in a damaged file."""

import fcntl
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from optimizer.errors import StoreError
from optimizer.plan import InputRecord, Purchase
from optimizer.run_store.records import Figure, RunRecord
from optimizer.run_store.store import add_run, check_run_store, stored_runs

N_FIGURES = 40
HOSTILE = ("=1+1", "'; DROP TABLE runs; --", "<script>", "a/\N{GREEK SMALL LETTER ALPHA}")
WRITER = f"""
    import sys
    from pathlib import Path
    from optimizer.run_store.records import Figure, RunRecord
    from optimizer.run_store.store import add_run
    store, first, n_runs = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    for index in range(n_runs):
        name = f"{{first}}-{{index}}"
        figures = tuple(Figure(pool=None, name=f"f{{at}}", value=float(at)) for at in range({N_FIGURES}))
        run = RunRecord(run_id=name, kind="plan", title="t", start_utc="s", end_utc="e", figures=figures)
        add_run(store, run)
        print(name, flush=True)
"""


def make_run(name: str = "one") -> RunRecord:
    """A run with everything that one can have, under names that try to break out."""
    purchases = tuple(
        Purchase(
            commitment_id=f"{text}@1",
            decision_hour=0,
            start_hour=0,
            end_hour=8760,
            offer_id=text,
            kind="reserved_standard",
            payment_option="none",
            term_months=12,
            pools=HOSTILE,
            quantity=0.1 + 0.2,
            quantity_unit="units",
            committed_usd=1e9,
            upfront_usd=0.0,
        )
        for text in HOSTILE
    )
    return RunRecord(
        run_id=name,
        kind="plan",
        title=HOSTILE[1],
        start_utc="2024-01-01T00:00:00Z",
        end_utc="2025-01-01T00:00:00Z",
        figures=(Figure(pool=None, name="total_usd", value=0.1), Figure(pool=HOSTILE[0], name="bias", value=-1.0)),
        purchases=purchases,
        inputs=(InputRecord(role="usage", name=HOSTILE[2], sha256="0" * 64),),
        versions=(("plimsoll", "0.1.0"),),
    )


def start_writer(store: Path, name: str, n_runs: int) -> subprocess.Popen[str]:
    """Process that adds runs, one after the other, and names each once it is in."""
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(store), name, str(n_runs)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_run_comes_back_as_it_was(tmp_path: Path):
    store, run = tmp_path / "runs.duckdb", make_run()
    assert add_run(store, run)
    (found,) = stored_runs(store)
    assert (found.run_id, found.kind, found.title) == (run.run_id, run.kind, run.title)
    assert (found.figures, found.inputs, found.versions) == (run.figures, run.inputs, run.versions)
    assert [(one.offer_id, one.quantity, one.pools, one.end_utc) for one in found.purchases] == [
        (text, 0.1 + 0.2, HOSTILE, "1971-01-01T00:00:00Z") for text in HOSTILE
    ]
    assert (found.figure("total_usd"), found.figure("bias", HOSTILE[0]), found.figure("none")) == (0.1, -1.0, None)
    assert found.recorded_at_utc.endswith("Z")


def test_the_same_run_is_kept_once_and_others_beside_it_in_order(tmp_path: Path):
    store = tmp_path / "runs.duckdb"
    assert add_run(store, make_run("b"))
    before = store.read_bytes()
    assert not add_run(store, replace(make_run("b"), title="other"))
    assert store.read_bytes() == before
    assert add_run(store, make_run("a"))
    assert [run.run_id for run in stored_runs(store)] == ["b", "a"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".runs.duckdb.lock", "runs.duckdb"]


@pytest.mark.slow
def test_a_writer_killed_at_any_moment_leaves_whole_runs_only(tmp_path: Path):
    store = tmp_path / "runs.duckdb"
    promised: set[str] = set()
    for attempt, wait_seconds in enumerate((0.0, 0.01, 0.04)):
        writer = start_writer(store, f"w{attempt}", 1_000)
        assert writer.stdout is not None
        promised.add(writer.stdout.readline().strip())  # so that the kill comes while it writes
        time.sleep(wait_seconds)
        os.kill(writer.pid, signal.SIGKILL)
        promised |= set(writer.communicate()[0].split("\n")[:-1])
        found = stored_runs(store)
        assert promised <= {run.run_id for run in found}
        assert {len(run.figures) for run in found} == {N_FIGURES}
    assert add_run(store, make_run("after"))
    assert not list(tmp_path.glob("*.new*"))


@pytest.mark.slow
def test_two_writers_at_once_lose_nothing(tmp_path: Path):
    store = tmp_path / "runs.duckdb"
    writers = [start_writer(store, name, 3) for name in ("x", "y")]
    told = [writer.communicate(timeout=60)[0].split() for writer in writers]
    assert told == [[f"{name}-{index}" for index in range(3)] for name in "xy"]
    assert {run.run_id for run in stored_runs(store)} == {f"{name}-{index}" for name in "xy" for index in range(3)}


def test_a_store_that_another_run_writes_is_waited_for_and_then_refused(tmp_path: Path):
    store = tmp_path / "runs.duckdb"
    add_run(store, make_run())
    with (tmp_path / ".runs.duckdb.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(StoreError, match=r"being written by another run for more than 0\.1 s\. Try again later"):
            add_run(store, make_run("two"), lock_seconds=0.1)
        assert [run.run_id for run in stored_runs(store)] == ["one"]  # who reads does not wait
    assert add_run(store, make_run("two"), lock_seconds=0.1)


@pytest.mark.parametrize("has_store", [False, True])
def test_on_a_full_disk_the_store_stays_as_it_was(tmp_path: Path, has_store: bool):
    store = tmp_path / "runs.duckdb"
    if has_store:
        add_run(store, make_run())
    before = store.read_bytes() if has_store else None
    script = """
        import resource, sys
        from pathlib import Path
        from optimizer.errors import StoreError
        from optimizer.run_store.records import RunRecord
        from optimizer.run_store.store import add_run
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            add_run(Path(sys.argv[1]), RunRecord(run_id="two", kind="plan", title="", start_utc="", end_utc=""))
        except StoreError as error:
            print(error)
            sys.exit(3)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(store)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 3, done.stderr
    assert "could not be written" in done.stdout
    assert "Free some space" in done.stdout
    assert (store.read_bytes() if store.exists() else None) == before
    assert not list(tmp_path.glob(".*.new*"))


def foreign(path: Path) -> None:
    path.write_text("hello " * 1000)


def empty(path: Path) -> None:
    path.touch()


def folder(path: Path) -> None:
    path.mkdir()


def cut_short(path: Path) -> None:
    add_run(path, make_run())
    path.write_bytes(path.read_bytes()[:20_000])


def damaged(path: Path) -> None:
    add_run(path, make_run())
    content = bytearray(path.read_bytes())
    content[12_288:16_000] = b"\xff" * (16_000 - 12_288)
    path.write_bytes(content)


def other_database(path: Path) -> None:
    with duckdb.connect(str(path)) as engine:
        engine.execute("CREATE TABLE store AS SELECT 'other' AS application, 1 AS schema_version")


def no_table(path: Path) -> None:
    duckdb.connect(str(path)).close()


def newer(path: Path) -> None:
    add_run(path, make_run())
    with duckdb.connect(str(path)) as engine:
        engine.execute("UPDATE store SET schema_version = 7")


def reading_view(path: Path) -> None:
    secret = path.with_name("secret.csv")
    secret.write_text("application,schema_version\nplimsoll,1\n")
    with duckdb.connect(str(path)) as engine:
        engine.execute(f"CREATE VIEW store AS SELECT * FROM read_csv('{secret}')")


def unfinished(path: Path) -> None:
    add_run(path, make_run())
    path.with_name(f"{path.name}.wal").write_bytes(b"1")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (foreign, "must be a store of runs, and cannot be read as one"),
        (empty, "must be a store of runs, and cannot be read as one"),
        (folder, "must be a file, and is not"),
        (cut_short, "cannot be read as one"),
        (damaged, "cannot be read as one"),
        (other_database, "is another DuckDB file"),
        (no_table, "cannot be read as one"),
        (newer, "has schema version 7, and this program knows 1"),
        (reading_view, "cannot be read as one"),
        (unfinished, "has changes of another program"),
    ],
)
def test_a_file_that_is_no_whole_store_is_refused_by_who_reads_and_who_writes(
    tmp_path: Path, spoil: Callable[[Path], None], message: str
):
    store = tmp_path / "runs.duckdb"
    spoil(store)
    before = store.read_bytes() if store.is_file() else None
    for use in (stored_runs, check_run_store, lambda path: add_run(path, make_run("two"))):
        with pytest.raises(StoreError, match=message):
            use(store)
    assert (store.read_bytes() if store.is_file() else None) == before


def test_a_store_is_asked_for_before_any_work(tmp_path: Path):
    with pytest.raises(StoreError, match="must lie in a folder that exists"):
        check_run_store(tmp_path / "nowhere" / "runs.duckdb")
    with pytest.raises(StoreError, match="there is no such file"):
        stored_runs(tmp_path / "runs.duckdb")
    check_run_store(tmp_path / "runs.duckdb")
    assert not list(tmp_path.iterdir())
