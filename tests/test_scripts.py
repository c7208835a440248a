"""The scripts that a new machine starts with: which Python, when the environment is made again, what is passed on."""

import dataclasses
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ("plan", "test", "check", "pin", "bench", "check_billing_cases")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the scripts and the files that decide about the environment, and none made yet."""
    root = tmp_path / "a checkout"
    shutil.copytree(ROOT / "scripts", root / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "requirements", root / "requirements")
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


@pytest.fixture
def environment(checkout: Path) -> ModuleType:
    """`environment.py` of that checkout."""
    spec = importlib.util.spec_from_file_location("environment_of_a_copy", checkout / "scripts" / "environment.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def write_executable(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def pretend_ready(environment: ModuleType, name: str) -> None:
    """An environment whose stamp is right, with programs that print what they were given."""
    for program in ("python", "plimsoll"):
        write_executable(environment.VENV / "bin" / program, f'#!/bin/sh\necho "{program} in $(pwd):" "$@"\n')
    environment.STAMP.write_text(json.dumps(dataclasses.asdict(environment.wanted_stamp(name))), encoding="utf-8")


def run(*command: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, "PYTHON": sys.executable, **variables},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def test_every_script_that_is_called_by_name_is_tested_here():
    assert {path.name for path in (ROOT / "scripts").iterdir() if path.is_file() and not path.suffix} == set(SCRIPTS)


@pytest.mark.parametrize("name", [*SCRIPTS, "env.sh"])
def test_each_script_is_shell_that_parses(name: str):
    assert run("sh", "-n", ROOT / "scripts" / name, cwd=ROOT).returncode == 0


@pytest.mark.parametrize("path", [*(f"scripts/{name}" for name in SCRIPTS), ".ci/run"])
def test_each_script_can_be_run(path: str):
    assert os.access(ROOT / path, os.X_OK)


def test_an_environment_is_ready_only_for_what_it_was_made_from(environment: ModuleType):
    run_stamp, dev_stamp = environment.wanted_stamp("run"), environment.wanted_stamp("dev")
    assert environment.is_ready(run_stamp, run_stamp)
    assert environment.is_ready(dev_stamp, dev_stamp)
    assert environment.is_ready(dev_stamp, run_stamp)
    assert not environment.is_ready(run_stamp, dev_stamp)
    assert not environment.is_ready(None, run_stamp)
    for field in dataclasses.fields(dev_stamp):
        assert not environment.is_ready(dataclasses.replace(dev_stamp, **{field.name: "other"}), dev_stamp)


@pytest.mark.parametrize("path", ["requirements/run.txt", "requirements/dev.txt", "pyproject.toml"])
def test_a_changed_pin_or_project_makes_the_environment_again(environment: ModuleType, checkout: Path, path: str):
    before = environment.wanted_stamp("dev")
    with (checkout / path).open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert not environment.is_ready(before, environment.wanted_stamp("dev"))


def test_half_an_environment_has_no_stamp(environment: ModuleType):
    pretend_ready(environment, "run")
    assert environment.read_stamp() == environment.wanted_stamp("run")
    environment.VENV_PYTHON.unlink()
    assert environment.read_stamp() is None
    environment.STAMP.write_text("{", encoding="utf-8")
    assert environment.read_stamp() is None


def test_an_environment_made_by_hand_is_never_deleted(environment: ModuleType):
    write_executable(environment.VENV_PYTHON, "#!/bin/sh\n")
    (environment.VENV / "mine").touch()
    environment._start_afresh()
    assert (environment.VENV / "mine").exists()


@pytest.mark.slow
def test_an_interrupted_environment_starts_afresh(environment: ModuleType):
    environment.VENV.mkdir()
    environment.MADE_HERE.touch()
    (environment.VENV / "half").touch()
    environment._start_afresh()
    assert not (environment.VENV / "half").exists()
    assert environment.VENV_PYTHON.exists()
    assert environment.MADE_HERE.exists()


@pytest.mark.slow
def test_a_failed_installation_says_so_and_leaves_no_stamp(environment: ModuleType, checkout: Path):
    (checkout / "requirements" / "run.txt").write_text("not a requirement\n", encoding="utf-8")
    result = run(sys.executable, checkout / "scripts" / "environment.py", "run", cwd=checkout)
    assert result.returncode == 1
    assert "could not make the environment" in result.stderr
    assert environment.read_stamp() is None


def test_a_second_run_waits_for_the_first_and_then_has_nothing_to_do(environment: ModuleType, checkout: Path):
    command = [sys.executable, str(checkout / "scripts" / "environment.py"), "run"]
    with environment.locked():
        second = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert "waiting" in second.stderr.readline()
        pretend_ready(environment, "run")
    _, rest = second.communicate(timeout=20)
    assert (second.returncode, rest) == (0, "")


def test_an_unknown_set_is_refused(checkout: Path):
    result = run(sys.executable, checkout / "scripts" / "environment.py", "all", cwd=checkout)
    assert result.returncode == 2
    assert "usage: environment.py run|dev" in result.stderr


def test_plan_hands_its_arguments_on_and_keeps_the_users_folder(environment: ModuleType, checkout: Path):
    pretend_ready(environment, "run")
    elsewhere = checkout / "else where"
    elsewhere.mkdir()
    result = run(checkout / "scripts" / "plan", "--usage", "my usage.csv", "--terms=12", cwd=elsewhere)
    assert result.stdout == f"plimsoll in {elsewhere}: plan --usage my usage.csv --terms=12\n"
    assert result.returncode == 0


def test_plan_without_arguments_plans_the_shipped_fixture(environment: ModuleType, checkout: Path):
    pretend_ready(environment, "run")
    result = run(checkout / "scripts" / "plan", cwd=checkout.parent)
    place, _, arguments = result.stdout.strip().partition(": plan ")
    named = [word for word in arguments.split() if word.startswith("fixtures/")]
    assert place == f"plimsoll in {checkout}"
    fleet = {path.name for path in (ROOT / "fixtures").iterdir() if path.is_file()}
    assert fleet - {"README.md", "contract_offers.yaml"} == {Path(p).name for p in named}  # offers are for `contract`


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            [],
            [
                "-m coverage erase",
                "-m coverage run --parallel-mode -m pytest --ignore=tests/optimizer/jobs/backtest "
                "--ignore-glob=tests/optimizer/test_*.py --ignore-glob=tests/optimizer/jobs/test_*.py",
                "-m coverage run --parallel-mode -m pytest tests/optimizer/test_*.py tests/optimizer/jobs/test_*.py "
                "tests/optimizer/jobs/backtest",
                "-m coverage combine --quiet",
                "-m coverage report --skip-covered --show-missing",
            ],
        ),
        (["--fast"], ["-m pytest -m not slow"]),
        (["--fast", "-x"], ["-m pytest -m not slow -x"]),
        (["tests/optimizer"], ["-m pytest tests/optimizer"]),
    ],
    ids=str,
)
def test_test_runs_all_with_coverage_and_parts_without(
    environment: ModuleType, checkout: Path, arguments: list[str], expected: list[str]
):
    pretend_ready(environment, "dev")
    result = run(checkout / "scripts" / "test", *arguments, cwd=checkout.parent)
    assert result.stdout.splitlines() == [f"python in {checkout}: {line}" for line in expected]


def test_check_runs_every_check_and_names_those_that_failed(environment: ModuleType, checkout: Path):
    pretend_ready(environment, "dev")
    write_executable(environment.VENV_PYTHON, '#!/bin/sh\n[ "$2" != mypy ]\n')
    write_executable(environment.VENV / "bin" / "lint-imports", "#!/bin/sh\nexit 1\n")
    result = run(checkout / "scripts" / "check", cwd=checkout.parent)
    assert result.returncode == 1
    assert result.stderr == "failed: types layers\n"
    assert [line for line in result.stdout.splitlines() if line.startswith("==")] == [
        "== format",
        "== lint",
        "== types",
        "== layers",
    ]


def test_a_python_that_is_too_old_or_broken_is_passed_over(tmp_path: Path):
    write_executable(tmp_path / "python3.11", "#!/bin/sh\nexit 127\n")
    write_executable(tmp_path / "python3", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    result = run("/bin/sh", "-c", ". scripts/env.sh; find_python", cwd=ROOT, PATH=str(tmp_path), PYTHON="")
    assert result.stdout.strip() == str(tmp_path / "python3")


def test_no_python_at_all_is_one_clear_sentence(tmp_path: Path):
    result = run("/bin/sh", "-c", ". scripts/env.sh; find_python", cwd=ROOT, PATH=str(tmp_path), PYTHON="")
    assert result.returncode == 1
    assert "plimsoll needs Python 3.11 or newer" in result.stderr


@pytest.mark.parametrize("name", ["run", "dev"])
def test_every_pin_has_hashes(name: str):
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    blocks = [block for block in text.replace("\\\n", " ").splitlines() if "==" in block.split("#")[0]]
    assert len(blocks) > 20
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


def test_the_development_pins_hold_the_same_versions_of_all_that_runs():
    pins = {
        name: {
            line.split()[0]
            for line in (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
            if "==" in line and not line.lstrip().startswith("#")
        }
        for name in ("run", "dev")
    }
    assert pins["run"] < pins["dev"]
