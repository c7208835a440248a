"""What several test folders share: the real data, a small fleet as files, and the command line in this process."""

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from typer.testing import CliRunner, Result

from forecasting.hours import hour_of_date, iso_of_hour
from optimizer.cli import app
from optimizer.expected import Expected, ExpectedEvent
from optimizer.expected_file import expected_parquet

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


TRACK_AS_OF = "2024-03-04"
TRACK_PRICES = """\
offer_id,kind,provider,region,pool,term_months,payment_option,hourly_usd,upfront_usd
od:a,on_demand,aws,east,east/a,0,none,1.0,0
od:b,on_demand,aws,east,east/b,0,none,2.0,0
ri:a,reserved_standard,aws,east,east/a,12,none,0.6,0
"""


@dataclass(frozen=True, kw_only=True)
class TrackCase:
    """A plan of two pools that buys 60 reservations of the first, and what came; units by pool and day.

    On demand the pools cost 1 and 2 USD/h, a reservation 0.6. `past` is demand of each pool before the plan.
    """

    expected: Sequence[Sequence[float]]
    actual: Sequence[Sequence[float]]
    half_width: float = 10.0
    past_days: int = 0
    events: Sequence[ExpectedEvent] = ()
    bought: float = 60.0
    inputs: Sequence[dict[str, str]] = ()
    names: tuple[str, str] = ("east/a", "east/b")


@pytest.fixture
def track_case(tmp_path: Path) -> Callable[..., Path]:
    """Writes plan.json, expected.parquet, usage.csv and prices.csv of a `TrackCase`, given by keywords, to a folder."""

    def write(**case_fields: Any) -> Path:
        case = TrackCase(**case_fields)
        prices = TRACK_PRICES.replace("east/a", case.names[0]).replace("east/b", case.names[1])
        (tmp_path / "prices.csv").write_text(prices)
        content = expected_parquet(_track_expected(case))
        (tmp_path / "expected.parquet").write_bytes(content)
        (tmp_path / "plan.json").write_text(json.dumps(_track_plan(case, content, prices)))
        (tmp_path / "usage.csv").write_text(_track_usage(case))
        return tmp_path

    return write


def _track_expected(case: TrackCase) -> Expected:
    """What the plan expects: every scenario alike but for the width, the reservation used as far as it goes."""
    units = np.array(case.expected, dtype=float)
    n_days = units.shape[1]
    both = np.concatenate([units, units.sum(axis=0)[None]])
    width = np.array([-case.half_width, 0.0, case.half_width])[:, None, None]
    used = np.minimum(units[0], case.bought)
    served = 24 * np.stack([0.6 * used + (units[0] - used), 2.0 * units[1]])
    fees = np.full(n_days, 24 * 0.6 * case.bought)
    unused = fees - 24 * 0.6 * used
    cost = np.cumsum(served.sum(axis=0) + unused)
    to_date = np.cumsum(both, axis=1) / np.arange(1, n_days + 1)
    return Expected(
        pools=case.names,
        days=hour_of_date(TRACK_AS_OF) // 24 + np.arange(n_days),
        mean_units=both,
        day_units=both + width,
        to_date_units=to_date + width,
        on_demand_usd=24 * units * np.array([[1.0], [2.0]]),
        served_usd=served,
        fee_usd=fees,
        unused_usd=unused,
        eligible_usd=24 * (units[0] + 2.0 * units[1]),
        covered_usd=24 * used,
        locked_in_usd=24 * 0.6 * case.bought * (365.0 - 1.0 - np.arange(n_days)),
        cost_to_date_usd=cost * np.array([0.9, 1.0, 1.1])[:, None],
        events=tuple(case.events),
        knows_events=True,
    )


def _track_plan(case: TrackCase, content: bytes, prices: str) -> dict[str, object]:
    """Those parts of plan.json that are read back."""
    start = hour_of_date(TRACK_AS_OF)
    bought = {
        "commitment_id": "advised",
        "offer_id": "ri:a",
        "quantity": case.bought,
        "start_utc": iso_of_hour(start),
        "end_utc": iso_of_hour(start + 8760),
    }
    prices_record = {"role": "prices", "name": "prices.csv", "sha256": hashlib.sha256(prices.encode()).hexdigest()}
    return {
        "schema_version": 2,
        "title": "Purchase plan",
        "as_of_utc": iso_of_hour(start),
        "horizon_end_utc": iso_of_hour(start + 24 * len(case.expected[0])),
        "purchases": [bought] if case.bought else [],
        "schedule": [],
        "events": [],
        "inputs": [prices_record, *case.inputs],
        "expected": {
            "name": "expected.parquet",
            "sha256": hashlib.sha256(content).hexdigest(),
            "knows_events": True,
        },
    }


def _track_usage(case: TrackCase) -> str:
    """Hourly usage, the same in all hours of a day; before the plan as on its first day."""
    lines = ["hour_utc,pool,units"]
    start = hour_of_date(TRACK_AS_OF)
    for pool, days in zip(case.names, case.actual, strict=True):
        values = [days[0]] * case.past_days + list(days)
        for index in range(24 * len(values)):
            hour = start + index - 24 * case.past_days
            lines.append(f'{iso_of_hour(hour)},"{pool}",{values[index // 24]!r}')
    return "\n".join(lines) + "\n"
