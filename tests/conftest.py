"""What several test folders share: the real data, a small fleet as files, and the command line in this process."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from typer.testing import CliRunner, Result

from forecasting.hours import hour_of_date, iso_of_hour
from optimizer.cli import app

settings.register_profile("suite", max_examples=25, deadline=None, derandomize=True)
settings.load_profile("suite")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

FLEET_START = hour_of_date("2024-01-01")
FLEET_AS_OF = "2024-03-11"
FLEET_HOURS = 91 * 24  # three weeks of it after as-of
FLEET_ON_DEMAND_USD = {"east/web": 1.0, "east/api": 0.8, "west/batch": 0.5, "east/new": 0.7, "west/late": 0.6}
LATE_HOUR = hour_of_date("2024-03-15")  # first usage of west/late, after as-of


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real demand, prices and billing cases; the test is skipped where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs the real data beside the project (../shared/data), which is not part of the repository")
    return SHARED_DATA


@pytest.fixture(scope="session")
def small_fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with every input of a plan as of 2024-03-11, valid, with terms of 1 and 12 months; never to be changed."""
    folder = tmp_path_factory.mktemp("small-fleet")
    (folder / "usage.csv").write_text(_usage_csv())
    (folder / "prices.csv").write_text(_prices_csv())
    (folder / "commitments.csv").write_text(COMMITMENTS_CSV)
    (folder / "pools.csv").write_text(POOLS_CSV)
    (folder / "roadmap.yaml").write_text(ROADMAP_YAML)
    (folder / "policy.yaml").write_text(POLICY_YAML)
    return folder


@pytest.fixture
def fleet(small_fleet: Path, tmp_path: Path) -> Path:
    """Copy of the small fleet that the test may break."""
    return Path(shutil.copytree(small_fleet, tmp_path / "fleet"))


@pytest.fixture(scope="session")
def plimsoll() -> Callable[..., Result]:
    """Command line in this process, on a wide terminal; arguments as the shell would give them."""
    return _plimsoll


@pytest.fixture(scope="session")
def fleet_args() -> Callable[..., list[str]]:
    """Arguments of `plan` on a fleet folder: usage and prices, and the roles named."""
    return _fleet_args


def _plimsoll(*args: object) -> Result:
    """Invoke and keep output and error apart."""
    return CliRunner(env={"COLUMNS": "240"}).invoke(app, [str(arg) for arg in args])


def _fleet_args(folder: Path, *roles: str, terms: str = "1", as_of: str = FLEET_AS_OF) -> list[str]:
    """Arguments of `plan` without --out."""
    names = {
        "commitments": "commitments.csv",
        "pools": "pools.csv",
        "roadmap": "roadmap.yaml",
        "policy": "policy.yaml",
    }
    args = ["plan", "--usage", str(folder / "usage.csv"), "--prices", str(folder / "prices.csv"), "--as-of", as_of]
    for role in roles:
        args += [f"--{role}", str(folder / names[role])]
    return [*args, "--terms", terms]


def _usage_csv() -> str:
    """Three pools with days and weeks of their own, and one that only starts after as-of."""
    rng = np.random.default_rng(7)
    hours = np.arange(FLEET_HOURS)
    day = np.sin(2 * np.pi * (hours % 24) / 24)
    week = np.where((hours // 24) % 7 < 5, 1.0, 0.7)
    units = {
        "east/web": 40 * week * (1 + 0.4 * day),
        "east/api": 25 * (1 + 0.1 * day) + hours * 0.003,
        "west/batch": 15 * week * (1 + 0.2 * day),
        "west/late": np.where(hours + FLEET_START >= LATE_HOUR, 12.0, 0.0),
    }
    lines = ["hour_utc,pool,units"]
    for hour in hours:
        for pool, demand in units.items():
            if demand[hour] > 0:
                noisy = demand[hour] * rng.lognormal(0.0, 0.05)
                lines.append(f"{iso_of_hour(int(hour) + FLEET_START)},{pool},{noisy:.4f}")
    return "\n".join(lines) + "\n"


def _prices_csv() -> str:
    """On-demand, reservations and savings plans of 1 and 12 months, spot for batch, capacity reservations for web."""
    lines = ["offer_id,kind,provider,region,pool,term_months,payment_option,hourly_usd,upfront_usd"]
    for pool, rate in FLEET_ON_DEMAND_USD.items():
        region = pool.partition("/")[0]
        lines += [
            f"od:{pool},on_demand,aws,{region},{pool},0,none,{rate},0",
            f"ri1n:{pool},reserved_standard,aws,{region},{pool},1,none,{0.70 * rate:.6f},0",
            f"ri1a:{pool},reserved_standard,aws,{region},{pool},1,all,0,{0.66 * rate * 730:.6f}",
            f"ri12n:{pool},reserved_standard,aws,{region},{pool},12,none,{0.62 * rate:.6f},0",
            f"ri12a:{pool},reserved_standard,aws,{region},{pool},12,all,0,{0.58 * rate * 8760:.6f}",
            f"csp1,compute_savings_plan,aws,{region},{pool},1,none,{0.76 * rate:.6f},0",
            f"csp12,compute_savings_plan,aws,{region},{pool},12,none,{0.72 * rate:.6f},0",
        ]
    lines.append("spot:west/batch,spot,aws,west,west/batch,0,none,0.2,0")
    lines.append("odcr:east/web,capacity_reservation,aws,east,east/web,0,none,1.0,0")
    return "\n".join(lines) + "\n"


COMMITMENTS_CSV = """\
commitment_id,offer_id,quantity,start_utc,end_utc
plan-that-ends,csp1,4.5,2024-03-01T00:00:00Z,2024-03-31T10:00:00Z
api-all-year,ri12n:east/api,6,2023-10-01,2024-09-30
"""

POOLS_CSV = """\
pool,family,spot_eligible_fraction,spot_availability,interruption_overhead_fraction,\
on_demand_quota_units,on_demand_availability_fraction
east/web,m5,,,,60,0.9
east/api,c5,,,,,
west/batch,c5,0.5,0.95,0.1,,
"""

ROADMAP_YAML = """\
events:
  - name: api-to-new
    kind: migration
    from: [east/api]
    to: {east/new: 1.0}
    start: 2024-03-14
    end: 2024-03-24
    shape: linear
    size: 0.5
    known_from: 2024-02-01
  - name: not-known-yet
    kind: shutdown
    from: [east/nowhere]
    start: 2024-05-01
    end: 2024-05-01
    shape: step
    size: 1.0
    known_from: 2024-04-15
"""

POLICY_YAML = """\
headroom: {fraction: 0.1}
stranded: {expected_fraction: 0.05}
"""
