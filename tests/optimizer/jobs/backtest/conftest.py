"""A tiny fleet with a succession in it, as files, and settings over it: small enough to be replayed in seconds."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from forecasting.hours import hour_of_date, iso_of_hour
from optimizer.jobs.backtest.request import BacktestRequest, Setting, read_setting
from optimizer.jobs.inputs import InputPaths, RunOptions

FIRST = hour_of_date("2024-01-01")
N_DAYS = 105
BIRTH = hour_of_date("2024-03-20")  # of east/new, which takes over from east/old
BATCH = "west/<b>batch"  # names are escaped wherever they are shown
ON_DEMAND_USD = {"east/old": 1.0, "east/new": 0.9, BATCH: 0.5}


def _usage() -> str:
    """Three pools; one dies while another is born, on a day that only the roadmap knows before."""
    rng = np.random.default_rng(11)
    hours = np.arange(N_DAYS * 24)
    day = np.sin(2 * np.pi * (hours % 24) / 24)
    moved = np.clip((hours + FIRST - BIRTH) / (5 * 24), 0.0, 1.0)
    units = {
        "east/old": 30 * (1 + 0.2 * day) * (1.0 - moved),
        "east/new": 30 * (1 + 0.2 * day) * moved,
        BATCH: 20 * (1 + 0.3 * day),
    }
    lines = ["hour_utc,pool,units"]
    for hour in hours:
        for pool, demand in units.items():
            if demand[hour] > 0:
                lines.append(f"{iso_of_hour(int(hour) + FIRST)},{pool},{demand[hour] * rng.lognormal(0, 0.03):.3f}")
    return "\n".join(lines) + "\n"


def _prices() -> str:
    """Monthly reservations of each pool and a plan of all."""
    lines = ["offer_id,kind,provider,region,pool,term_months,payment_option,hourly_usd,upfront_usd"]
    for pool, rate in ON_DEMAND_USD.items():
        lines += [
            f"od:{pool},on_demand,aws,,{pool},0,none,{rate},0",
            f"{'=' if pool == BATCH else ''}ri:{pool},reserved_standard,aws,,{pool},1,none,{0.6 * rate:.4f},0",
            f"csp,compute_savings_plan,aws,,{pool},1,none,{0.75 * rate:.4f},0",
        ]
    return "\n".join(lines) + "\n"


ROADMAP = """\
events:
  - {name: old-to-new, kind: migration, from: [east/old], to: {east/new: 1.0}, start: 2024-03-20, end: 2024-03-24,
     shape: linear, size: 1.0, known_from: 2024-02-10}
  - {name: never-seen, kind: shutdown, from: [nowhere], start: 2024-06-01, end: 2024-06-01, shape: step, size: 1.0,
     known_from: 2024-05-01}
"""


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the tiny fleet; never to be changed."""
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "usage.csv").write_text(_usage())
    (folder / "prices.csv").write_text(_prices())
    (folder / "roadmap.yaml").write_text(ROADMAP)
    (folder / "policy.yaml").write_text("cadence_months: 1\nterms_months: [1]\n")
    return folder


@pytest.fixture(scope="session")
def setting_of() -> Callable[..., Setting]:
    """Setting over a folder like the tiny fleet's: two decisions, a month apart."""

    def make(folder: Path, *, start: str = "2024-02-20", end: str = "2024-04-10", cadence_months: int = 1) -> Setting:
        paths = InputPaths(usage=folder / "usage.csv", prices=folder / "prices.csv", roadmap=folder / "roadmap.yaml")
        return read_setting(
            BacktestRequest(
                paths=paths,
                options=RunOptions(terms_months=(1,)),
                start_hour=hour_of_date(start),
                end_hour=hour_of_date(end),
                cadence_months=cadence_months,
            )
        )

    return make


@pytest.fixture(scope="session")
def tiny_setting(tiny: Path, setting_of: Callable[..., Setting]) -> Setting:
    """Setting over the tiny fleet."""
    return setting_of(tiny)
