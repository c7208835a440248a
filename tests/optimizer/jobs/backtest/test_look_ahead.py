"""Decisions of a date are the same whatever lies after it, and whatever pools that are not born yet are called."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecasting.hours import hour_of_date
from optimizer.jobs.backtest.decisions import Decision
from optimizer.jobs.backtest.planner import PlannerChain
from optimizer.jobs.backtest.request import Setting
from optimizer.jobs.backtest.rivals import RuleChain
from optimizer.jobs.backtest.rules import BUILT_IN

DATE = "2024-02-20"
UNBORN = "east/new"


def _later(frame: pd.DataFrame) -> "pd.Series[bool]":
    return pd.to_datetime(frame["hour_utc"]) >= pd.Timestamp(DATE, tz="UTC")


def _change_usage(folder: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    change(pd.read_csv(folder / "usage.csv")).to_csv(folder / "usage.csv", index=False)


def _scramble(folder: Path) -> None:
    noise = np.random.default_rng(5)
    _change_usage(
        folder, lambda frame: frame.assign(units=frame["units"].where(~_later(frame), 900 * noise.random(len(frame))))
    )


def _delete(folder: Path) -> None:
    _change_usage(folder, lambda frame: frame.loc[~_later(frame)])


def _rename_unborn(folder: Path) -> None:
    for name in ("usage.csv", "prices.csv", "roadmap.yaml"):
        (folder / name).write_text((folder / name).read_text().replace(UNBORN, "aaa/first-by-name"))


def _drop_unborn_prices(folder: Path) -> None:
    frame = pd.read_csv(folder / "prices.csv")
    frame.loc[frame["pool"] != UNBORN].to_csv(folder / "prices.csv", index=False)


def _drop_unseen_events(folder: Path) -> None:
    (folder / "roadmap.yaml").write_text("events: []\n")


CHANGES = {
    "usage scrambled": _scramble,
    "usage deleted": _delete,
    "unborn pools renamed": _rename_unborn,
    "prices of unborn pools deleted": _drop_unborn_prices,
    "events not visible yet deleted": _drop_unseen_events,
}


@pytest.fixture(scope="module")
def blind(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny fleet whose events are all known after the date only."""
    folder = Path(shutil.copytree(tiny, tmp_path_factory.mktemp("blind") / "fleet"))
    text = (folder / "roadmap.yaml").read_text()
    (folder / "roadmap.yaml").write_text(text.replace("2024-02-10", "2024-02-21"))
    return folder


@pytest.fixture(scope="module")
def decide(blind: Path, setting_of: Callable[..., Setting]) -> Callable[[Path], list[Decision]]:
    """Decisions of the planner and of a rule on the date, read from a folder."""
    whole = setting_of(blind, start=DATE)

    def made(folder: Path) -> list[Decision]:
        paths = replace(
            whole.request.paths,
            usage=folder / "usage.csv",
            prices=folder / "prices.csv",
            roadmap=folder / "roadmap.yaml",
        )
        setting = replace(whole, request=replace(whole.request, paths=paths))
        rule = next(rule for rule in BUILT_IN if rule.name == "aws_both_7")
        chains = (PlannerChain(name="x", title="X", variant="", policy=whole.policy), RuleChain(rule=rule))
        return [chain.decide(setting, hour_of_date(DATE), ()) for chain in chains]

    return made


@pytest.fixture(scope="module")
def undisturbed(blind: Path, decide: Callable[[Path], list[Decision]]) -> list[Decision]:
    """What is decided on the files as they are."""
    return decide(blind)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(CHANGES))
def test_nothing_after_the_date_changes_a_decision(
    name: str,
    blind: Path,
    tmp_path: Path,
    decide: Callable[[Path], list[Decision]],
    undisturbed: list[Decision],
):
    folder = Path(shutil.copytree(blind, tmp_path / "fleet"))
    CHANGES[name](folder)
    assert decide(folder) == undisturbed
    assert all(decision.bought for decision in undisturbed)


@pytest.mark.slow
def test_a_visible_event_does_change_it(
    blind: Path, tmp_path: Path, decide: Callable[[Path], list[Decision]], undisturbed: list[Decision]
):
    folder = Path(shutil.copytree(blind, tmp_path / "fleet"))
    text = (folder / "roadmap.yaml").read_text()
    (folder / "roadmap.yaml").write_text(text.replace("2024-02-21", "2024-02-20"))
    ours, rule = decide(folder)
    assert ours.bought != undisturbed[0].bought
    assert rule == undisturbed[1]
