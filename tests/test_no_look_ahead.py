"""Nothing that only the future knows reaches a plan: its files stay the same to the byte without it.

In the plan as JSON only the hashes of the changed inputs may differ.
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import Result

AS_OF = pd.Timestamp("2024-03-11", tz="UTC")
TRACE_AS_OF = "2022-05-01"
ALL_ROLES = ("commitments", "pools", "roadmap", "policy")
SAME_FILES = ("purchases.csv", "schedule.csv", "allocation.parquet", "expected.parquet")

Frame = pd.DataFrame
Change = Callable[[Frame, "pd.Series[bool]"], Frame]


def _scrambled(frame: Frame, later: "pd.Series[bool]") -> Frame:
    """Other units after as-of."""
    return frame.assign(units=frame["units"].where(~later, 1000.0 * np.random.default_rng(3).random(len(frame))))


def _with_other_pools(frame: Frame, later: "pd.Series[bool]") -> Frame:
    """Pools nobody has heard of, without prices, after as-of."""
    return frame.assign(pool=frame["pool"].where(~later, "unheard-of/" + frame["pool"]))


USAGE_CHANGES: dict[str, Change] = {
    "deleted": lambda frame, later: frame.loc[~later],
    "cut to one hour": lambda frame, later: frame.loc[~later | (frame["hour_utc"] == frame["hour_utc"][later].min())],
    "scrambled": _scrambled,
    "of zero": lambda frame, later: frame.assign(units=frame["units"].where(~later, 0.0)),
    "of other pools": _with_other_pools,
    "with gaps": lambda frame, later: frame.loc[~later | (frame["hour_utc"].dt.hour % 5 == 0)],
    "announced by zeros": lambda frame, _later: pd.concat(
        [frame, frame.head(1).assign(pool="west/late", units=0.0)], ignore_index=True
    ),
    "given twice": lambda frame, later: pd.concat([frame, frame.loc[later]]),
}


@pytest.fixture(scope="module")
def files_of_fleet(
    small_fleet: Path,
    tmp_path_factory: pytest.TempPathFactory,
    plimsoll: Callable[..., Result],
    fleet_args: Callable[..., list[str]],
) -> Callable[[Path], dict[str, bytes]]:
    """Files of the plan of a fleet folder."""

    def run(folder: Path) -> dict[str, bytes]:
        out = tmp_path_factory.mktemp("out") / "plan"
        result = plimsoll(*fleet_args(folder, *ALL_ROLES), "--out", out)
        assert result.exit_code == 0, result.output
        return _comparable(out)

    assert (small_fleet / "usage.csv").exists()
    return run


@pytest.fixture(scope="module")
def expected(small_fleet: Path, files_of_fleet: Callable[[Path], dict[str, bytes]]) -> dict[str, bytes]:
    """Files of the plan with the whole future in its inputs."""
    return files_of_fleet(small_fleet)


@pytest.mark.parametrize("name", USAGE_CHANGES, ids=lambda name: name.replace(" ", "-"))
def test_a_plan_is_the_same_when_usage_after_as_of_is(
    name: str, fleet: Path, files_of_fleet: Callable[[Path], dict[str, bytes]], expected: dict[str, bytes]
):
    frame = pd.read_csv(fleet / "usage.csv", parse_dates=["hour_utc"])
    later = frame["hour_utc"] >= AS_OF
    assert later.any()
    changed = USAGE_CHANGES[name](frame, later)
    changed.assign(hour_utc=changed["hour_utc"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")).to_csv(
        fleet / "usage.csv", index=False
    )
    assert files_of_fleet(fleet) == expected


EVENT_CHANGES = {
    "deleted": lambda _event: None,
    "much larger": lambda event: event | {"from": ["east/web"], "start": "2024-03-14", "size": 0.9},
    "of an unknown kind": lambda event: event | {"kind": "miracle"},
    "without dates": lambda event: {key: value for key, value in event.items() if key not in ("start", "end")},
    "with keys of its own": lambda event: event | {"mood": "hopeful"},
    "giving to a pool without a price": lambda event: (
        event | {"kind": "migration", "from": ["east/web"], "to": {"nobody/sells": 1.0}}
    ),
}


@pytest.mark.parametrize("name", EVENT_CHANGES, ids=lambda name: name.replace(" ", "-"))
def test_a_plan_is_the_same_when_an_event_that_is_not_visible_yet_is(
    name: str, fleet: Path, files_of_fleet: Callable[[Path], dict[str, bytes]], expected: dict[str, bytes]
):
    roadmap = yaml.safe_load((fleet / "roadmap.yaml").read_text())
    visible, hidden = roadmap["events"]
    assert pd.Timestamp(hidden["known_from"], tz="UTC") > AS_OF
    changed = EVENT_CHANGES[name](hidden)
    roadmap["events"] = [event for event in (visible, changed) if event is not None]
    (fleet / "roadmap.yaml").write_text(yaml.safe_dump(roadmap))
    assert files_of_fleet(fleet) == expected


PRICE_CHANGES: dict[str, Callable[[Frame, "pd.Series[bool]"], Frame]] = {
    "deleted": lambda frame, unknown: frame.loc[~unknown],
    "renamed": lambda frame, unknown: frame.assign(pool=frame["pool"].where(~unknown, "nobody/knows")),
    "given away": lambda frame, unknown: frame.assign(hourly_usd=frame["hourly_usd"].where(~unknown, 0.0001)),
    "moved to the top": lambda frame, unknown: pd.concat([frame.loc[unknown], frame.loc[~unknown]]),
}


@pytest.mark.parametrize("name", PRICE_CHANGES, ids=lambda name: name.replace(" ", "-"))
def test_a_plan_is_the_same_when_prices_of_pools_without_usage_yet_are(
    name: str, fleet: Path, files_of_fleet: Callable[[Path], dict[str, bytes]], expected: dict[str, bytes]
):
    frame = pd.read_csv(fleet / "prices.csv")
    unknown = frame["pool"] == "west/late"
    assert unknown.sum() > 3
    PRICE_CHANGES[name](frame, unknown).to_csv(fleet / "prices.csv", index=False)
    assert files_of_fleet(fleet) == expected


def test_what_was_known_before_as_of_does_change_a_plan(
    fleet: Path, files_of_fleet: Callable[[Path], dict[str, bytes]], expected: dict[str, bytes]
):
    text = (fleet / "roadmap.yaml").read_text()
    (fleet / "roadmap.yaml").write_text(text.replace("size: 0.5", "size: 0.6"))
    found = files_of_fleet(fleet)
    assert found["purchases.csv"] != expected["purchases.csv"]


@pytest.mark.slow
def test_a_plan_of_the_trace_is_the_same_without_its_future(
    shared_data: Path, tmp_path: Path, plimsoll: Callable[..., Result]
):
    trace = shared_data / "trace"
    given = _trace_files(trace, tmp_path / "given", plimsoll)
    blind = tmp_path / "blind-inputs"
    blind.mkdir()
    as_of = pd.Timestamp(TRACE_AS_OF, tz="UTC")
    usage = pd.read_parquet(trace / "usage_r1.parquet")
    seen = usage.loc[usage["hour_utc"] < as_of]
    seen.to_parquet(blind / "usage_r1.parquet", index=False)
    roadmap = yaml.safe_load((trace / "roadmap_r1.yaml").read_text())
    visible = [event for event in roadmap["events"] if pd.Timestamp(event["known_from"], tz="UTC") <= as_of]
    assert len(visible) < len(roadmap["events"])
    (blind / "roadmap_r1.yaml").write_text(yaml.safe_dump(roadmap | {"events": visible}))
    known = set(seen["pool"]) | {pool for event in visible for pool in event.get("to", {})}
    prices = pd.read_csv(trace / "prices_r1.csv")
    assert not set(prices["pool"]) <= known
    prices.loc[prices["pool"].isin(known)].to_csv(blind / "prices_r1.csv", index=False)
    assert _trace_files(blind, tmp_path / "blind", plimsoll) == given


def _trace_files(folder: Path, out: Path, plimsoll: Callable[..., Result]) -> dict[str, bytes]:
    """Files of the plan of region r1."""
    result = plimsoll(
        *("plan", "--usage", folder / "usage_r1.parquet", "--prices", folder / "prices_r1.csv", "--terms", "12"),
        *("--roadmap", folder / "roadmap_r1.yaml", "--as-of", TRACE_AS_OF, "--out", out),
    )
    assert result.exit_code == 0, result.output
    return _comparable(out)


def _comparable(out: Path) -> dict[str, bytes]:
    """Tables as they are, and the plan as JSON without the hashes of its inputs."""
    document = json.loads((out / "plan.json").read_text())
    del document["inputs"]
    files = {name: (out / name).read_bytes() for name in SAME_FILES}
    return files | {"plan.json": json.dumps(document, sort_keys=True).encode()}
