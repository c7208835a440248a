"""Makes the virtual environment of this checkout, `.venv`, from the pinned and hashed requirements.

`python scripts/environment.py run|dev` returns at once where `.venv` is ready. Standard library only, as it runs
before anything is installed. Several at once wait for each other; one that was interrupted starts afresh. A `.venv`
that somebody made by hand is filled, never deleted.
Not here: which Python is used (`env.sh`), how the pins are made (`pin`).
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
STAMP = VENV / "plimsoll-environment.json"
MADE_HERE = VENV / "plimsoll-made-here"  # only an environment that bears it is ever deleted
DISCARDED = ROOT / ".venv.old"
LOCK = ROOT / ".venv.lock"
VENV_PYTHON = VENV / "bin" / "python"
SETS = ("run", "dev")  # dev holds all of run
INSTALL = ("--quiet", "--disable-pip-version-check", "--no-input")
MISDIRECTING = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_REQUIRE_VIRTUALENV", "PIP_CONSTRAINT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What an environment was made from; written last, so that it is there only when all the rest is.

    Attributes
    ----------
    root : str
        Checkout that it belongs to: an environment does not survive a move.
    run : str
        Digest of requirements/run.txt.
    dev : str
        Digest of requirements/dev.txt; empty where only `run` is installed.
    project : str
        Digest of pyproject.toml.
    """

    root: str
    run: str
    dev: str
    project: str


def wanted_stamp(name: str) -> Stamp:
    """Stamp of an environment that is ready for the set `name`."""
    return Stamp(
        root=str(ROOT),
        run=_digest(ROOT / "requirements" / "run.txt"),
        dev=_digest(ROOT / "requirements" / "dev.txt") if name == "dev" else "",
        project=_digest(ROOT / "pyproject.toml"),
    )


def read_stamp() -> Stamp | None:
    """Stamp of `.venv`; None where there is no whole environment."""
    try:
        stamp = Stamp(**json.loads(STAMP.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return stamp if VENV_PYTHON.exists() else None


def is_ready(found: Stamp | None, wanted: Stamp) -> bool:
    """Whether what is found serves as well as what is wanted (dev serves for run)."""
    if found is None:
        return False
    same_dev = found.dev == wanted.dev or not wanted.dev
    return same_dev and (found.root, found.run, found.project) == (wanted.root, wanted.run, wanted.project)


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """Hold the lock of this checkout; it goes with the process, however that ends."""
    with LOCK.open("a", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("waiting for another run to finish making the environment")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def make(name: str, found: Stamp | None, wanted: Stamp) -> None:
    """Bring `.venv` to `wanted`, adding to what is there where that is safe, and else from nothing."""
    is_base_kept = found is not None and (found.root, found.run) == (wanted.root, wanted.run)
    is_dev_kept = found is not None and is_base_kept and found.dev == wanted.dev
    STAMP.unlink(missing_ok=True)
    if not is_base_kept:
        _say(f"making the environment in {VENV.name} (once; a minute or two)")
        _start_afresh()
    if not is_dev_kept:
        _say(f"installing the pinned packages of requirements/{name}.txt")
        _pip("--require-hashes", "--only-binary", ":all:", "-r", f"requirements/{name}.txt")
    if found is None or not is_base_kept or found.project != wanted.project:
        _pip("--no-deps", "--no-build-isolation", "--no-index", "--editable", ".")
    partial = STAMP.with_suffix(".partial")
    partial.write_text(json.dumps(asdict(wanted)), encoding="utf-8")
    partial.replace(STAMP)


def main(arguments: list[str]) -> int:
    """Run the command; 0 when `.venv` is ready."""
    if len(arguments) != 1 or arguments[0] not in SETS:
        _say(f"usage: environment.py {'|'.join(SETS)}")
        return 2
    wanted = wanted_stamp(arguments[0])
    if is_ready(read_stamp(), wanted):
        return 0
    with locked():
        found = read_stamp()
        if is_ready(found, wanted):
            return 0
        try:
            make(arguments[0], found, wanted)
        except (subprocess.CalledProcessError, OSError) as error:
            _say(f"could not make the environment: {error}")
            _say(
                "It needs the network once, 1 GB of room and Python's venv module (Debian: python3-venv). Run it again."
            )
            return 1
    return 0


def _start_afresh() -> None:
    """Replace a `.venv` made here by an empty one; keep one made by hand."""
    shutil.rmtree(DISCARDED, ignore_errors=True)
    if MADE_HERE.exists():
        VENV.rename(DISCARDED)  # in one step, so that an interruption leaves no half environment under the name
        shutil.rmtree(DISCARDED)
    if VENV_PYTHON.exists():
        return
    VENV.mkdir(exist_ok=True)
    MADE_HERE.touch()
    subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True, cwd=ROOT)


def _pip(*arguments: str) -> None:
    """Install with the pip of `.venv`, whatever the caller's settings say about where to."""
    environment = {key: value for key, value in os.environ.items() if key not in MISDIRECTING}
    command = [str(VENV_PYTHON), "-m", "pip", "install", *INSTALL, *arguments]
    subprocess.run(command, check=True, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL)


def _digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _say(message: str) -> None:
    """Tell the user; standard output belongs to the script that called."""
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
