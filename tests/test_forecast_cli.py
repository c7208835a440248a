"""`plimsoll forecast` and `forecast-backtest` as a person types them: files, terminal, refusals, no look-ahead."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from numpy.testing import assert_allclose
from typer.testing import Result

from forecasting.forecast import NEEDED_HISTORY_DAYS

AS_OF = "2024-03-11"
N_DAYS = 14
Plimsoll = Callable[..., Result]
QUANTILES = [f"q{level:g}" for level in (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)]
POOLS = ["east/api", "east/new", "east/web", "west/batch"]
FILES = {
    *("hourly.parquet", "daily_peak.parquet", "horizon_peak.parquet", "events.csv", "anomalies.csv"),
    *("forecast.json", "forecast.html", "decomposition.parquet"),
}


def args_of(folder: Path, *more: object) -> list[object]:
    """Arguments of `forecast` on a fleet folder, without --out."""
    fixed = ("--as-of", AS_OF, "--horizon-days", N_DAYS, "--paths", 30)
    return ["forecast", "--usage", folder / "usage.csv", "--roadmap", folder / "roadmap.yaml", *fixed, *more]


@pytest.fixture(scope="module")
def run(plimsoll: Plimsoll, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, bytes]]:
    """Files of a forecast of a fleet folder."""

    def forecast(folder: Path, *more: object) -> dict[str, bytes]:
        out = tmp_path_factory.mktemp("forecast") / "out"
        result = plimsoll(*args_of(folder, *more), "--out", out)
        assert result.exit_code == 0, result.output
        return {path.name: path.read_bytes() for path in out.iterdir()}

    return forecast


@pytest.fixture(scope="module")
def made(small_fleet: Path, run: Callable[..., dict[str, bytes]]) -> dict[str, bytes]:
    """Files of the forecast of the small fleet, by region."""
    return run(small_fleet, "--group-by", "region")


def frame(files: dict[str, bytes], name: str) -> pd.DataFrame:
    """One Parquet file."""
    return pd.read_parquet(io.BytesIO(files[name]))


def rows(files: dict[str, bytes], name: str) -> list[dict[str, str]]:
    """One CSV file."""
    return list(csv.DictReader(io.StringIO(files[name].decode())))


def test_the_files_have_the_columns_that_are_documented(made: dict[str, bytes]) -> None:
    assert set(made) >= FILES
    assert list(frame(made, "hourly.parquet")) == ["hour_utc", "group", "mean", "q0.05", "q0.5", "q0.95"]
    assert list(frame(made, "daily_peak.parquet")) == ["group", "day", "mean", *QUANTILES]
    assert list(frame(made, "horizon_peak.parquet")) == ["group", "window_start", "window_end", "mean", *QUANTILES]
    documented = (Path(__file__).parents[1] / "docs" / "forecast-files.md").read_text()
    for name, content in made.items():
        assert f"`{name}`" in documented
        columns = list(frame(made, name)) if name.endswith(".parquet") else []
        columns += content.decode().splitlines()[0].split(",") if name.endswith(".csv") else []
        columns += list(json.loads(content)) if name.endswith(".json") else []
        assert [column for column in columns if f"`{column}`" not in documented and column not in QUANTILES] == []


def test_groups_are_the_total_the_regions_and_every_pool(made: dict[str, bytes]) -> None:
    for name in ("hourly.parquet", "daily_peak.parquet", "horizon_peak.parquet"):
        assert set(frame(made, name)["group"]) == {"total", "east", "west", *POOLS}


def test_every_hour_and_day_of_the_horizon_is_there_once(made: dict[str, bytes]) -> None:
    hours = pd.date_range(AS_OF, periods=24 * N_DAYS, freq="h", tz="UTC")
    for _, group in frame(made, "hourly.parquet").groupby("group"):
        assert (pd.DatetimeIndex(group["hour_utc"]) == hours).all()
    for _, group in frame(made, "daily_peak.parquet").groupby("group"):
        assert [str(day) for day in group["day"]] == [str(day.date()) for day in hours[::24]]


def test_quantiles_never_cross_and_nothing_is_negative(made: dict[str, bytes]) -> None:
    for name in ("hourly.parquet", "daily_peak.parquet", "horizon_peak.parquet"):
        table = frame(made, name)
        numbers = table[[column for column in table if str(column).startswith("q")]].to_numpy()
        assert np.isfinite(numbers).all()
        assert numbers.min() >= 0
        assert (np.diff(numbers, axis=1) >= 0).all()


def test_means_of_pools_add_up_to_their_region_or_leave_room_for_pools_without_a_name(made: dict[str, bytes]) -> None:
    means = frame(made, "hourly.parquet").pivot_table(index="hour_utc", columns="group", values="mean")
    assert_allclose(means["total"], means["east"] + means["west"])
    assert (means["east"] >= means[["east/api", "east/new", "east/web"]].sum(axis=1) - 1e-9).all()


def test_the_highest_hour_of_the_horizon_is_above_that_of_any_day_and_of_the_mean(made: dict[str, bytes]) -> None:
    windows = frame(made, "horizon_peak.parquet").groupby("group").first()
    daily = frame(made, "daily_peak.parquet").groupby("group")[["mean", *QUANTILES]].max()
    assert (windows[["mean", *QUANTILES]] >= daily - 1e-9).all().all()
    highest_mean = frame(made, "hourly.parquet").groupby("group")["mean"].max()
    assert (windows["mean"] >= highest_mean - 1e-9).all()


def test_the_first_window_is_the_horizon_and_months_follow(
    small_fleet: Path, run: Callable[..., dict[str, bytes]]
) -> None:
    windows = frame(run(small_fleet, "--horizon-days", "40"), "horizon_peak.parquet")
    total = windows[windows["group"] == "total"]
    spans = [(str(row.window_start)[:10], str(row.window_end)[:10]) for row in total.itertuples()]
    assert spans == [("2024-03-11", "2024-04-20"), ("2024-03-11", "2024-04-01"), ("2024-04-01", "2024-04-20")]


def test_local_days_follow_the_clocks_of_the_zone(small_fleet: Path, run: Callable[..., dict[str, bytes]]) -> None:
    zoned = run(small_fleet, "--peak-time-zone", "America/New_York", "--horizon-days", "30")
    days = frame(zoned, "daily_peak.parquet")
    assert [str(day) for day in days[days["group"] == "total"]["day"]][:2] == ["2024-03-10", "2024-03-11"]
    windows = frame(zoned, "horizon_peak.parquet")
    total = windows[windows["group"] == "total"]
    assert [str(end)[:13] for end in total["window_end"]] == ["2024-04-10 00", "2024-04-01 04", "2024-04-10 00"]


def test_without_group_by_there_are_pools_and_the_total(
    small_fleet: Path, run: Callable[..., dict[str, bytes]]
) -> None:
    assert set(frame(run(small_fleet), "hourly.parquet")["group"]) == {"total", *POOLS}


def test_the_same_inputs_give_the_same_bytes(
    small_fleet: Path, run: Callable[..., dict[str, bytes]], made: dict[str, bytes]
) -> None:
    assert run(small_fleet, "--group-by", "region") == made


def test_without_the_roadmap_no_event_is_told(small_fleet: Path, run: Callable[..., dict[str, bytes]]) -> None:
    files = run(small_fleet, "--no-roadmap")
    assert [row for row in rows(files, "events.csv") if row["declared_or_found"] == "declared"] == []
    assert "east/new" not in set(frame(files, "hourly.parquet")["group"])


def test_the_parts_of_history_add_up_to_it_in_every_hour(made: dict[str, bytes], small_fleet: Path) -> None:
    parts = frame(made, "decomposition.parquet")
    assert list(parts) == ["hour_utc", "group", "part", "kind", "units"]
    assert set(parts["kind"]) <= {"organic", "inorganic"}
    sums = parts.groupby(["group", "hour_utc"])["units"].sum()
    usage = pd.read_csv(small_fleet / "usage.csv", parse_dates=["hour_utc"])
    seen = usage[usage["hour_utc"] < pd.Timestamp(AS_OF, tz="UTC")]
    assert_allclose(sums["total"], seen.groupby("hour_utc")["units"].sum())
    east = seen[seen["pool"].str.startswith("east/")]
    assert_allclose(sums["east"], east.groupby("hour_utc")["units"].sum())
    for pool, own in seen.groupby("pool"):
        assert_allclose(sums[pool], own.set_index("hour_utc")["units"])


def test_declared_events_are_told_with_their_interval(made: dict[str, bytes]) -> None:
    (event,) = [row for row in rows(made, "events.csv") if row["event"] == "api-to-new"]
    assert event["declared_or_found"] == "declared"
    assert float(event["low_units"]) <= float(event["effect_units"]) <= float(event["high_units"]) < 0


def test_cliffs_are_written_where_one_is_declared(fleet: Path, run: Callable[..., dict[str, bytes]]) -> None:
    roadmap = yaml.safe_load((fleet / "roadmap.yaml").read_text())
    cliff = {"name": "room", "kind": "capacity_cliff", "pools": ["east/web"], "threshold_units": 50.0}
    roadmap["events"].append(cliff | {"start": AS_OF, "known_from": "2024-01-01"})
    (fleet / "roadmap.yaml").write_text(yaml.safe_dump(roadmap))
    files = run(fleet)
    chances = [float(row["quarter_probability"]) for row in rows(files, "cliffs.csv")]
    assert_allclose(sum(chances), 1.0)
    assert b"room" in files["forecast.html"]
    assert json.loads(files["forecast.json"])["cliffs"][0]["name"] == "room"


HOSTILE = "=HYPERLINK(1)/<script>alert(1)</script>"


def test_hostile_names_are_escaped_everywhere(fleet: Path, run: Callable[..., dict[str, bytes]]) -> None:
    text = (fleet / "usage.csv").read_text().replace("west/batch", HOSTILE)
    (fleet / "usage.csv").write_text(text)
    frame_of = pd.read_csv(fleet / "usage.csv")
    spike = (frame_of["pool"] == HOSTILE) & frame_of["hour_utc"].str.startswith("2024-03-05T1")
    frame_of.assign(units=frame_of["units"].where(~spike, 500.0)).to_csv(fleet / "usage.csv", index=False)
    files = run(fleet, "--group-by", "region")
    assert HOSTILE in set(frame(files, "hourly.parquet")["group"])
    page = files["forecast.html"].decode()
    assert "<script>alert" not in page
    found = {row["group"] for row in rows(files, "anomalies.csv")}
    assert "'" + HOSTILE in found
    assert HOSTILE not in found


def test_quantiles_of_another_model_are_followed(
    small_fleet: Path, tmp_path: Path, run: Callable[..., dict[str, bytes]], made: dict[str, bytes]
) -> None:
    days = pd.date_range(AS_OF, periods=N_DAYS).strftime("%Y-%m-%d")
    quantiles = [(day, "east", level, units) for day in days for level, units in ((0.1, 90), (0.5, 100), (0.9, 110))]
    table = pd.DataFrame(quantiles, columns=["date", "group", "quantile", "units"])
    table.to_csv(tmp_path / "external.csv", index=False)
    files = run(small_fleet, "--external", tmp_path / "external.csv", "--group-by", "region")
    hourly, before = frame(files, "hourly.parquet"), frame(made, "hourly.parquet")
    daily = hourly[hourly["group"] == "east"].set_index("hour_utc")["mean"].resample("D").mean()
    assert_allclose(daily, 100.0, rtol=0.05)
    assert_allclose(hourly[hourly["group"] == "west"]["mean"], before[before["group"] == "west"]["mean"])
    assert [record["role"] for record in json.loads(files["forecast.json"])["inputs"]] == [
        "usage",
        "roadmap",
        "external",
    ]
    assert b"external.csv" in files["forecast.html"]


# --- drivers -------------------------------------------------------------------------------------------------------

RELATIONS = [{"groups": ["west"], "drivers": {"jobs": 1.0}}]
GROWN = 1.5


def write_drivers(folder: Path, *, known_from: str = "") -> Path:
    """Jobs that stand at 100 until as-of and at 150 from then on, in a file; the later row known from a date on."""
    lines = ["date,driver,value,known_from", "2024-01-01,jobs,100,", "2024-03-10,jobs,100,"]
    (folder / "drivers.csv").write_text("\n".join([*lines, f"{AS_OF},jobs,{100 * GROWN},{known_from}"]) + "\n")
    return folder / "drivers.csv"


def declare_relations(folder: Path) -> None:
    """Let the west follow jobs."""
    roadmap = yaml.safe_load((folder / "roadmap.yaml").read_text())
    (folder / "roadmap.yaml").write_text(yaml.safe_dump(roadmap | {"relations": RELATIONS}))


def mean_of(files: dict[str, bytes], group: str) -> float:
    """Expected demand over the horizon."""
    hourly = frame(files, "hourly.parquet")
    return float(hourly[hourly["group"] == group]["mean"].mean())


def test_demand_follows_its_driver_and_the_file_is_recorded(fleet: Path, run: Callable[..., dict[str, bytes]]) -> None:
    before = mean_of(run(fleet, "--group-by", "region"), "west")
    declare_relations(fleet)
    files = run(fleet, "--drivers", write_drivers(fleet), "--group-by", "region")
    assert_allclose(mean_of(files, "west") / before, GROWN, rtol=0.02)  # its spread grows after its last row
    records = json.loads(files["forecast.json"])["inputs"]
    assert [record["role"] for record in records] == ["usage", "roadmap", "drivers"]


def test_a_row_of_a_driver_that_is_known_later_is_not_read(fleet: Path, run: Callable[..., dict[str, bytes]]) -> None:
    declare_relations(fleet)
    late = mean_of(run(fleet, "--drivers", write_drivers(fleet, known_from="2024-03-12"), "--paths", "300"), "total")
    known = mean_of(run(fleet, "--drivers", write_drivers(fleet), "--paths", "300"), "total")
    assert late < known


def test_without_the_roadmap_its_relations_stay(fleet: Path, run: Callable[..., dict[str, bytes]]) -> None:
    bare = mean_of(run(fleet, "--no-roadmap", "--group-by", "region", "--paths", "300"), "west")
    declare_relations(fleet)
    drivers = write_drivers(fleet)
    files = run(fleet, "--no-roadmap", "--drivers", drivers, "--group-by", "region", "--paths", "300")
    assert_allclose(mean_of(files, "west") / bare, GROWN, rtol=0.02)


@pytest.mark.parametrize("more", [(), ("--no-roadmap",)], ids=["events", "no-events"])
def test_relations_without_drivers_are_refused(
    more: tuple[str, ...], fleet: Path, tmp_path: Path, plimsoll: Plimsoll
) -> None:
    declare_relations(fleet)
    result = plimsoll(*args_of(fleet, *more), "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "column 'relations'" in result.output
    assert "Give --drivers" in result.output


def test_a_wrong_relation_is_refused_without_events_too(fleet: Path, tmp_path: Path, plimsoll: Plimsoll) -> None:
    (fleet / "roadmap.yaml").write_text("events: []\nrelations: [{drivers: {jobs: many}}]\n")
    result = plimsoll(*args_of(fleet, "--no-roadmap", "--drivers", write_drivers(fleet)), "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "relations[0].drivers" in result.output


# --- odd demand ----------------------------------------------------------------------------------------------------

N_ODD_HOURS = 24 * 45
ODD_DEMAND = {
    "constant": {"a": np.full(N_ODD_HOURS, 5.0)},
    "zero but for one pool": {"g/a": np.zeros(N_ODD_HOURS), "g/b": np.full(N_ODD_HOURS, 2.0)},
    "rare": {"a": (np.random.default_rng(0).random(N_ODD_HOURS) < 0.05).astype(float)},
    "of a pool born yesterday": {
        "g/a": np.full(N_ODD_HOURS, 3.0),
        "g/b": np.where(np.arange(N_ODD_HOURS) < N_ODD_HOURS - 24, 0.0, 9.0),
    },
    "of a pool that died": {
        "g/a": np.full(N_ODD_HOURS, 3.0),
        "g/b": np.where(np.arange(N_ODD_HOURS) < N_ODD_HOURS // 2, 9.0, 0.0),
    },
}


@pytest.mark.parametrize("name", ODD_DEMAND, ids=lambda name: name.replace(" ", "-"))
def test_demand_is_told_without_a_hole_where_it_is(name: str, tmp_path: Path, plimsoll: Plimsoll) -> None:
    hours = pd.date_range("2024-01-01", periods=N_ODD_HOURS, freq="h", tz="UTC").strftime("%Y-%m-%dT%H:%M:%SZ")
    tables = [
        pd.DataFrame({"hour_utc": hours, "pool": pool, "units": units}) for pool, units in ODD_DEMAND[name].items()
    ]
    pd.concat(tables).to_csv(tmp_path / "usage.csv", index=False)
    fixed = ("--as-of", "2024-02-15", "--horizon-days", 10, "--paths", 10, "--group-by", "region")
    result = plimsoll("forecast", "--usage", tmp_path / "usage.csv", *fixed, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    for file in ("hourly", "daily_peak", "horizon_peak"):
        numbers = pd.read_parquet(tmp_path / "out" / f"{file}.parquet").select_dtypes("number").to_numpy()
        assert np.isfinite(numbers).all()
        assert numbers.min() >= 0


# --- nothing later is read ---------------------------------------------------------------------------------------


def comparable(files: dict[str, bytes]) -> dict[str, bytes]:
    """Files without the hashes of what was read."""
    for record in json.loads(files["forecast.json"])["inputs"]:
        hashed = record["sha256"].encode()
        files = {name: content.replace(hashed, b"hash") for name, content in files.items()}
    return files


Change = Callable[[pd.DataFrame, "pd.Series[bool]"], pd.DataFrame]
USAGE_CHANGES: dict[str, Change] = {
    "deleted": lambda table, later: table.loc[~later],
    "scrambled": lambda table, later: table.assign(
        units=table["units"].where(~later, 1000.0 * np.random.default_rng(3).random(len(table)))
    ),
    "of other pools": lambda table, later: table.assign(
        pool=table["pool"].where(~later, "unheard-of/" + table["pool"])
    ),
}


@pytest.mark.parametrize("name", USAGE_CHANGES, ids=lambda name: name.replace(" ", "-"))
def test_every_file_is_the_same_when_usage_after_as_of_is(
    name: str, fleet: Path, run: Callable[..., dict[str, bytes]], made: dict[str, bytes]
) -> None:
    table = pd.read_csv(fleet / "usage.csv", parse_dates=["hour_utc"])
    later = table["hour_utc"] >= pd.Timestamp(AS_OF, tz="UTC")
    assert later.any()
    changed = USAGE_CHANGES[name](table, later)
    changed.assign(hour_utc=changed["hour_utc"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")).to_csv(
        fleet / "usage.csv", index=False
    )
    assert comparable(run(fleet, "--group-by", "region")) == comparable(made)


EVENT_CHANGES = {
    "deleted": lambda _event: None,
    "much larger": lambda event: event | {"from": ["east/web"], "start": "2024-03-14", "size": 0.9},
    "of an unknown kind": lambda event: event | {"kind": "miracle"},
}


@pytest.mark.parametrize("name", EVENT_CHANGES, ids=lambda name: name.replace(" ", "-"))
def test_every_file_is_the_same_when_an_event_not_known_yet_is(
    name: str, fleet: Path, run: Callable[..., dict[str, bytes]], made: dict[str, bytes]
) -> None:
    roadmap = yaml.safe_load((fleet / "roadmap.yaml").read_text())
    visible, hidden = roadmap["events"]
    assert pd.Timestamp(hidden["known_from"]) > pd.Timestamp(AS_OF)
    changed = EVENT_CHANGES[name](hidden)
    roadmap["events"] = [event for event in (visible, changed) if event is not None]
    (fleet / "roadmap.yaml").write_text(yaml.safe_dump(roadmap))
    assert comparable(run(fleet, "--group-by", "region")) == comparable(made)


def test_an_event_that_is_known_does_change_the_forecast(
    fleet: Path, run: Callable[..., dict[str, bytes]], made: dict[str, bytes]
) -> None:
    text = (fleet / "roadmap.yaml").read_text()
    (fleet / "roadmap.yaml").write_text(text.replace("size: 0.5", "size: 0.9"))
    assert run(fleet, "--group-by", "region")["hourly.parquet"] != made["hourly.parquet"]


# --- terminal and refusals -----------------------------------------------------------------------------------------


def test_the_terminal_tells_the_highest_hour_of_every_group(
    small_fleet: Path, tmp_path: Path, plimsoll: Plimsoll
) -> None:
    result = plimsoll(*args_of(small_fleet, "--group-by", "region", "--out", tmp_path / "out"))
    assert result.exit_code == 0
    assert "Highest hour of the horizon, units" in result.output
    for name in ("All pools", "east", "west/batch", "horizon_peak.parquet"):
        assert name in result.output


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--as-of", "2024-01-20"), "must be at least"),
        (("--as-of", "tomorrow"), "--as-of is refused"),
        (("--peak-time-zone", "Mars/Olympus"), "--peak-time-zone is refused"),
        (("--holiday-country", "ZZ"), "--holiday-country is refused"),
        (("--horizon-days", "1096"), "--horizon-days"),
        (("--group-by", "team"), "--group-by"),
        (("--paths", "0"), "--paths"),
        (("--external", "nowhere.csv"), "there is no such file"),
    ],
    ids=lambda value: "".join(value).strip("-") if isinstance(value, tuple) else "",
)
def test_what_cannot_be_meant_is_refused_with_exit_2(
    more: tuple[str, ...], message: str, small_fleet: Path, tmp_path: Path, plimsoll: Plimsoll
) -> None:
    result = plimsoll(*args_of(small_fleet, *more), "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert message in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("west/batch", "total", "no pool can be named 'total'"),
        ("west/", "total/", "no group of pools can be named 'total'"),
        ("west/batch", "east", "'east' is a pool and the group of the pools 'east/...'"),
    ],
)
def test_names_that_the_files_could_not_tell_apart_are_refused(
    old: str, new: str, message: str, fleet: Path, tmp_path: Path, plimsoll: Plimsoll
) -> None:
    (fleet / "usage.csv").write_text((fleet / "usage.csv").read_text().replace(old, new))
    result = plimsoll(*args_of(fleet, "--group-by", "region"), "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert message in result.output


def test_an_input_is_never_overwritten(fleet: Path, plimsoll: Plimsoll) -> None:
    (fleet / "usage.csv").rename(fleet / "hourly.parquet")
    result = plimsoll(
        *("forecast", "--usage", fleet / "hourly.parquet", "--as-of", AS_OF, "--horizon-days", "7", "--out", fleet)
    )
    assert result.exit_code == 2
    assert "would overwrite the input" in result.output


# --- backtest ------------------------------------------------------------------------------------------------------


def backtest_args(folder: Path, *more: object) -> list[object]:
    """Arguments of a backtest of two origins."""
    fixed = ("--start", "2024-02-20", "--end", "2024-03-21", "--cadence-months", 1, "--horizon-days", 7)
    return ["forecast-backtest", "--usage", folder / "usage.csv", *fixed, "--paths", 20, *more]


def test_a_backtest_tells_every_figure_beside_the_seasonal_naive(
    small_fleet: Path, tmp_path: Path, plimsoll: Plimsoll
) -> None:
    result = plimsoll(*backtest_args(small_fleet, "--out", tmp_path / "out"))
    assert result.exit_code == 0, result.output
    for words in ("MASE of the median, daily peak", "wQL of the horizon peak", "seasonal naive", "not independent"):
        assert words in result.output
    document = json.loads((tmp_path / "out" / "backtest.json").read_text())
    assert len(document["windows"]) == 2 * 3  # two regions and the total
    table = list(csv.DictReader(io.StringIO((tmp_path / "out" / "backtest.csv").read_text())))
    mean = np.mean([float(row["mase_hourly"]) for row in table if row["model"] == "forecast"])
    assert_allclose(document["averages"]["forecast"]["mase_hourly"]["mean"], mean)


def test_a_window_is_scored_the_same_without_the_usage_after_it(
    fleet: Path, tmp_path: Path, plimsoll: Plimsoll
) -> None:
    def first_window() -> dict[str, object]:
        result = plimsoll(*backtest_args(fleet, "--end", "2024-02-20", "--out", tmp_path / "out"))
        assert result.exit_code == 0, result.output
        (window,) = json.loads((tmp_path / "out" / "backtest.json").read_text())["windows"][-1:]
        return dict(window)

    before = first_window()
    table = pd.read_csv(fleet / "usage.csv")
    table.loc[table["hour_utc"] < "2024-02-27T00:00:00Z"].to_csv(fleet / "usage.csv", index=False)
    assert first_window() == before


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--start", "2024-03-28", "--end", "2024-03-31"), "Choose other --start and --end"),
        (("--start", "2024-01-05"), f"at least {NEEDED_HISTORY_DAYS}"),
        (("--start", "2024-09-01", "--end", "2024-08-01"), "Choose other --start and --end"),
    ],
)
def test_a_backtest_without_room_is_refused(
    more: tuple[str, ...], message: str, small_fleet: Path, plimsoll: Plimsoll
) -> None:
    result = plimsoll(*backtest_args(small_fleet, *more))
    assert result.exit_code == 2
    assert message in result.output
    assert "usage.csv is refused" in result.output


@pytest.mark.parametrize("option", ["--roadmap", "--drivers"])
def test_a_roadmap_and_drivers_go_with_one_usage_file(option: str, small_fleet: Path, plimsoll: Plimsoll) -> None:
    more = ("--usage", small_fleet / "usage.csv", option, small_fleet / "roadmap.yaml")
    result = plimsoll(*backtest_args(small_fleet, *more))
    assert result.exit_code == 2
    assert f"{option} is refused" in result.output


def scored(folder: Path, plimsoll: Plimsoll, *more: object) -> list[dict[str, object]]:
    """Windows of a backtest."""
    result = plimsoll(*backtest_args(folder, *more, "--out", folder / "out"))
    assert result.exit_code == 0, result.output
    return list(json.loads((folder / "out" / "backtest.json").read_text())["windows"])


def test_an_origin_sees_the_drivers_known_by_then(fleet: Path, plimsoll: Plimsoll) -> None:
    declare_relations(fleet)
    options = ("--roadmap", fleet / "roadmap.yaml", "--end", "2024-02-20")

    def windows_with(units: int, known_from: str) -> list[dict[str, object]]:
        rows = ["date,driver,value,known_from", "2024-01-01,jobs,100,", f"2024-02-21,jobs,{units},{known_from}"]
        (fleet / "drivers.csv").write_text("\n".join(rows) + "\n")
        return scored(fleet, plimsoll, *options, "--drivers", fleet / "drivers.csv")

    hidden = windows_with(900, "2024-02-21")
    assert hidden == windows_with(50, "2024-02-21")
    assert hidden != windows_with(900, "2024-02-20")
