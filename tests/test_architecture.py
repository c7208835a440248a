"""The house rules that a machine can check: layers, size of the rooms, docstrings, nothing of one machine."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("forecasting", "optimizer")
MAX_LINES = 400
TEXT_SUFFIXES = {".py", ".md", ".toml", ".txt", ".yaml", ".yml", ".csv", ".lp", ".html", ".css", ".js", ".json", ""}
SKIPPED_FOLDERS = {"__pycache__", "out", "build", "dist", "plimsoll.egg-info"}
# Written in pieces, so that this file does not hold what it looks for.
MACHINE_TRACES = {
    "path of a machine": re.compile(r"(?<![\w./-])/(?:work|root|home|Users|farm|opt|mnt)/" + r"\w"),
    "temporary path": re.compile(r"(?<![\w./-])/tmp" + r"/\w"),
    "registry address": re.compile(
        "(?:--)?index" + r"-url\b|^registry *=|\"resolved\": *\"http|//[^/\s]+/simple\b", re.M
    ),
}
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
ROOMS = [*MODULES, *sorted((ROOT / "scripts").glob("*.py"))]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def project_files() -> list[Path]:
    top = [path for path in ROOT.iterdir() if path.is_file() and path.suffix in TEXT_SUFFIXES]
    folders = [*PACKAGES, "tests", "scripts", "fixtures", "requirements", "docs", ".ci"]
    below = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    kept = [path for path in below if not SKIPPED_FOLDERS & set(path.parts) and path.suffix in TEXT_SUFFIXES]
    return sorted([*(path for path in top if not path.name.startswith(".")), *kept])


def lint_imports(root: Path, *contracts: str) -> tuple[int, str]:
    """Exit code and output, its lines joined; all contracts where none is named."""
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    options = [option for contract in contracts for option in ("--contract", contract)]
    command = [sys.executable, "-c", program, "--no-cache", "--no-logo", *options]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return result.returncode, " ".join((result.stdout + result.stderr).split())


@pytest.fixture
def packages_copy(tmp_path: Path) -> Path:
    """The packages and their contracts, to be spoiled."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_layers_hold():
    code, output = lint_imports(ROOT)
    assert code == 0, output
    assert ", 0 broken" in output


@pytest.mark.parametrize(
    ("contract", "module", "line", "found"),
    [
        ("one-direction", "forecasting/hours.py", "import optimizer.errors", "forecasting.hours -> optimizer.errors"),
        ("floor", "optimizer/costs.py", "import forecasting.forecast", "optimizer.costs -> forecasting.forecast"),
        ("pulp", "optimizer/costs.py", "import pulp", "optimizer.costs -> pulp"),
        ("highspy", "optimizer/program.py", "import highspy", "optimizer.program -> highspy"),
        ("duckdb", "optimizer/costs.py", "import duckdb", "optimizer.costs -> duckdb"),
        ("statsmodels", "forecasting/level.py", "import statsmodels", "forecasting.level -> statsmodels"),
        (
            "judge",
            "optimizer/billing/aws/order.py",
            "import optimizer.cover",
            "optimizer.billing.aws.order -> optimizer.cover",
        ),
        ("optimizer-layers", "optimizer/offers.py", "import optimizer.limits", "optimizer.offers -> optimizer.limits"),
        ("optimizer-layers", "optimizer/stray.py", "", "optimizer.stray"),
        ("forecasting-layers", "forecasting/stray.py", "", "forecasting.stray"),
    ],
)
def test_a_planted_import_breaks_its_contract(packages_copy: Path, contract: str, module: str, line: str, found: str):
    with (packages_copy / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    code, output = lint_imports(packages_copy, contract)
    assert code == 1
    assert found in output.partition("Broken contracts")[2]


def test_there_are_modules_to_check():
    assert {relative(path) for path in MODULES} >= {"forecasting/hours.py", "optimizer/offers.py"}
    assert {relative(path) for path in project_files()} >= {"pyproject.toml", "scripts/plan", "requirements/run.txt"}


@pytest.mark.parametrize("path", ROOMS, ids=relative)
def test_no_room_is_longer_than_400_lines(path: Path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_every_module_says_what_lives_in_it(path: Path):
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_percentages_are_written_by_one_function(path: Path):
    """`forecasting.numerals.percent`; a format specification would write 93.4% beside its 93.4 %."""
    assert re.findall(r":[^{}\s]*%\}", path.read_text(encoding="utf-8")) == []


def test_tests_have_no_packages():
    """A tests/optimizer/__init__.py would shadow the real package."""
    assert not list((ROOT / "tests").rglob("__init__.py"))


@pytest.mark.parametrize("kind", MACHINE_TRACES)
def test_no_file_holds_a_trace_of_one_machine(kind: str):
    pattern = MACHINE_TRACES[kind]
    found = {relative(path): match.group(0) for path in project_files() if (match := pattern.search(_text(path)))}
    assert found == {}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("path of a machine", "see /" + "home/someone"),
        ("temporary path", "wrote /" + "tmp/x"),
        ("registry address", "--index" + "-url https://example.org"),
        ("registry address", "https://example.org" + "/simple/"),
    ],
)
def test_a_trace_of_one_machine_would_be_found(kind: str, text: str):
    assert MACHINE_TRACES[kind].search(text)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
