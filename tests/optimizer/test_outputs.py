import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from optimizer.errors import OutputError
from optimizer.outputs import check_out_dir, write_outputs

FILES = {"a.csv": b"new a", "b.json": lambda: b"new b"}


def tree(folder: Path) -> dict[str, bytes | None]:
    """Content of every file below a folder, None for folders."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def fail() -> bytes:
    """A file that cannot be rendered."""
    msg = "cannot render"
    raise RuntimeError(msg)


def write_with_file_size_limit(out: Path, *, n_bytes: int) -> subprocess.CompletedProcess[str]:
    """Write one small and one large file in a process that may only write files of `n_bytes`."""
    script = f"""
        import resource, sys
        from pathlib import Path
        from optimizer.errors import OutputError
        from optimizer.outputs import write_outputs
        resource.setrlimit(resource.RLIMIT_FSIZE, ({n_bytes}, {n_bytes}))
        try:
            write_outputs(Path(sys.argv[1]), {{"a.csv": b"new", "large.html": b"x" * {4 * n_bytes}}})
        except OutputError as error:
            print(error)
            sys.exit(3)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(out)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_files_arrive_in_a_new_folder_with_missing_parents(tmp_path: Path) -> None:
    write_outputs(tmp_path / "deep" / "out", FILES)
    assert tree(tmp_path / "deep") == {"out": None, "out/a.csv": b"new a", "out/b.json": b"new b"}


def test_files_replace_older_ones_and_leave_others_alone(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"old a")
    (tmp_path / "notes.txt").write_bytes(b"mine")
    write_outputs(tmp_path, FILES)
    assert tree(tmp_path) == {"a.csv": b"new a", "b.json": b"new b", "notes.txt": b"mine"}


def test_a_new_folder_has_the_permissions_that_mkdir_gives(tmp_path: Path) -> None:
    (tmp_path / "by_mkdir").mkdir()
    write_outputs(tmp_path / "out", FILES)
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("by_mkdir", "out")}
    assert len(modes) == 1


def test_a_file_that_cannot_be_rendered_leaves_everything_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"old a")
    with pytest.raises(RuntimeError, match="cannot render"):
        write_outputs(tmp_path, {"a.csv": b"new a", "b.json": fail})
    with pytest.raises(RuntimeError, match="cannot render"):
        write_outputs(tmp_path / "deep" / "out", {"a.csv": b"new a", "b.json": fail})
    assert tree(tmp_path) == {"a.csv": b"old a"}


def test_a_full_disk_leaves_no_new_folder_behind(tmp_path: Path) -> None:
    done = write_with_file_size_limit(tmp_path / "deep" / "out", n_bytes=4096)
    assert done.returncode == 3, done.stderr
    assert "nothing was written, the system says: File too large" in done.stdout
    assert tree(tmp_path) == {}


def test_a_full_disk_leaves_an_older_answer_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"old a")
    done = write_with_file_size_limit(tmp_path, n_bytes=4096)
    assert done.returncode == 3, done.stderr
    assert tree(tmp_path) == {"a.csv": b"old a"}


def test_a_folder_in_the_place_of_a_file_is_named_and_nothing_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"old a")
    (tmp_path / "b.json").mkdir()
    with pytest.raises(OutputError, match=r"a folder stands where the file 'b.json' should be"):
        write_outputs(tmp_path, FILES)
    assert tree(tmp_path) == {"a.csv": b"old a", "b.json": None}


def test_a_failure_halfway_through_replacing_takes_back_what_was_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.csv").write_bytes(b"old a")
    (tmp_path / "c.html").write_bytes(b"old c")
    replace = os.replace

    def refuse_c(source: Path, target: Path) -> None:
        if Path(target) == tmp_path / "c.html" and Path(source).read_bytes() == b"new c":
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse_c)
    with pytest.raises(OutputError, match="No space left on device"):
        write_outputs(tmp_path, FILES | {"c.html": b"new c"})
    assert tree(tmp_path) == {"a.csv": b"old a", "c.html": b"old c"}


def test_a_file_where_the_directory_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"a file")
    for out in (tmp_path / "out", tmp_path / "out" / "deeper"):
        for refuse in (check_out_dir, lambda place: write_outputs(place, FILES)):
            with pytest.raises(OutputError, match=r"must be a directory, but '.*out' is a file. Choose another --out"):
                refuse(out)
    assert tree(tmp_path) == {"out": b"a file"}


def test_a_broken_link_where_the_directory_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to(tmp_path / "gone")
    with pytest.raises(OutputError, match="is a broken link"):
        check_out_dir(tmp_path / "out")


def test_a_folder_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        if os.access(tmp_path, os.W_OK):
            pytest.skip("this user may write everywhere")
        with pytest.raises(OutputError, match="may not be written"):
            check_out_dir(tmp_path / "out")
    finally:
        tmp_path.chmod(0o700)


def test_a_folder_that_the_system_refuses_to_make_is_reported(tmp_path: Path) -> None:
    out = tmp_path / ("x" * 300)
    with pytest.raises(OutputError, match="the system says: File name too long"):
        write_outputs(out, FILES)
    assert tree(tmp_path) == {}


def test_a_folder_that_can_be_made_is_accepted_and_not_made(tmp_path: Path) -> None:
    check_out_dir(tmp_path)
    check_out_dir(tmp_path / "deep" / "out")
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("name", ["", "..", "a/b", "/a"], ids=["empty", "parent", "nested", "absolute"])
def test_a_name_with_a_folder_is_a_mistake_of_the_caller(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="must be without folders"):
        write_outputs(tmp_path, {name: b""})


@pytest.mark.parametrize("name", ["attribution.csv", "attribution.json", "reconcile.csv", "reconcile.json"])
def test_an_input_named_as_an_output_of_a_bill_is_not_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(OutputError, match="would overwrite the input"):
        check_out_dir(tmp_path, [tmp_path / name])
