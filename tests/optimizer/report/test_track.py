"""Files of a review: escaped, whole, the same bytes each time, and documented."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from optimizer.expected import ExpectedEvent
from optimizer.jobs.inputs import InputPaths, RunOptions
from optimizer.jobs.tracking.answer import Review
from optimizer.jobs.tracking.track import TrackRequest, track
from optimizer.report.track_json import HEADER, track_files
from optimizer.report.track_terminal import print_review

DOCS = Path(__file__).resolve().parents[3] / "docs" / "tracking.md"
NAMES = ("=1+1/<b>a</b>", "<script>alert(1)</script>/b")


@pytest.fixture
def review(track_case) -> Review:
    """Review of two pools with names that break out, with an event, an anomaly and drivers."""
    days = [100.0] * 42
    actual = [*days[:30], 170.0, *days[31:]]
    event = ExpectedEvent(name="<i>move</i>", pools=(NAMES[1],), units=np.array([[0.0] * 21 + [10.0] * 21]))
    folder = track_case(
        expected=[days, [50.0] * 21 + [60.0] * 21],
        actual=[actual, [50.0] * 21 + [75.0] * 21],
        past_days=28,
        events=[event],
        names=NAMES,
    )
    (folder / "drivers.csv").write_text("date,driver,value\n2024-01-01,<u>dau</u>,5\n")
    request = TrackRequest(
        plan=folder / "plan.json",
        paths=InputPaths(usage=folder / "usage.csv", prices=folder / "prices.csv", drivers=folder / "drivers.csv"),
        plan_prices=None,
        options=RunOptions(),
        flag_fraction=0.01,
        with_purchases=False,
    )
    return track(request, tell=lambda _: None)


def test_names_are_escaped_in_every_file(review: Review):
    files = track_files(review)
    page = files["track.html"].decode()
    for name in (*NAMES, "<i>move</i>", "<u>dau</u>"):
        assert name not in page
    assert "&lt;b&gt;a&lt;/b&gt;" in page
    rows = list(csv.DictReader(io.StringIO(files["track.csv"].decode())))
    assert [row["pool"] for row in rows] == ["", f"'{NAMES[0]}", NAMES[1], ""]
    assert [row["scope"] for row in rows] == ["total", "pool", "pool", "unused"]


def test_the_same_review_gives_the_same_bytes_and_says_the_same_in_every_file(review: Review):
    files = track_files(review)
    assert files == track_files(review)
    document = json.loads(files["track.json"])
    rows = list(csv.DictReader(io.StringIO(files["track.csv"].decode())))
    total = review.variance.total
    assert document["variance"]["variance_usd"] == float(rows[0]["variance_usd"]) == total.variance_usd
    parts = [float(rows[0][name]) for name in HEADER if name in document["unused"] and name.endswith("_usd")][3:]
    np.testing.assert_allclose(sum(parts), total.variance_usd)
    assert f"{total.actual_usd:,.0f} USD was spent" in files["track.html"].decode()
    assert document["anomalies"][0]["is_kept_out"] in (True, False)


def used_keys(value: Any) -> set[str]:
    """Keys anywhere in a document."""
    if isinstance(value, dict):
        return set(value) | {key for part in value.values() for key in used_keys(part)}
    return {key for part in value for key in used_keys(part)} if isinstance(value, list) else set()


def test_every_key_of_the_document_stands_in_the_docs(review: Review):
    document = json.loads(track_files(review)["track.json"])
    text = DOCS.read_text()
    told = set(re.findall(r"`([a-z0-9_]+)(?:\[\])?`", text))
    section = text.split("### track.json")[1].split("###")[0]
    assert set(document) == {key for row in section.splitlines() if row.startswith("| `") for key in first_cell(row)}
    of_plan_json = used_keys({key: document[key] for key in ("anomalies", "inputs", "versions")})
    elsewhere = {"text", "size_factor", "month", *of_plan_json}
    parts = {f"{part}_usd" for part in ("volume", "event", "anomaly", "mix", "waste", "rate")}
    assert used_keys(document) <= told | elsewhere | parts


def first_cell(row: str) -> list[str]:
    """Keys in the first cell of a row of a table."""
    return re.findall(r"`([a-z_]+)`", row.split("|")[1])


def test_the_terminal_names_cost_parts_events_anomalies_and_lessons(review: Review):
    console = Console(width=200, record=True, file=io.StringIO())
    print_review(review, console, out_dir=Path("out"), files=("track.json",))
    text = console.export_text()
    for shown in (
        "was spent",
        "flagged",
        NAMES[0],
        "kept out of organic demand",
        "Lock-in",
        "multiply its size by 2.50",
    ):
        assert shown in text
    assert "Written to out: track.json" in text
