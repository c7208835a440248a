"""`plimsoll plan --frontier`: its file, its key and its place on the page; none of them without the option."""

import csv
import json
from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_option_adds_the_frontier_to_the_answer(plimsoll, fleet_args, small_fleet: Path, tmp_path: Path):
    args = [*fleet_args(small_fleet), "--no-roadmap", "--frontier", "--out", tmp_path / "out"]
    result = plimsoll(*args)
    assert result.exit_code == 0, result.stderr
    with (tmp_path / "out" / "frontier.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    document = json.loads((tmp_path / "out" / "plan.json").read_text())
    assert len(rows) == len(document["frontier"]["points"]) + 1 >= 13
    assert document["explanation"]["purchases"]
    assert "knee" in (tmp_path / "out" / "report.html").read_text()
