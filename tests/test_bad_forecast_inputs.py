"""Files of drivers and of other models' forecasts, broken in the ways that such files break: one clear error each."""

import numpy as np
import pandas as pd
import pytest

from forecasting.drivers import read_drivers
from forecasting.errors import InputError
from forecasting.external import read_external

DRIVERS = "date,driver,value,low,high,known_from\n2024-01-01,dau,100,,,\n2024-02-01,dau,120,110,130,2024-01-15\n"
QUANTILES = "date,group,quantile,units\n" + "".join(
    f"2024-01-0{day},r1,{level},{units}\n" for day in (1, 2, 3) for level, units in ((0.1, 8), (0.5, 10), (0.9, 12))
)
PATHS = "hour_utc,group,path,units\n" + "".join(
    f"2024-01-01T0{hour}:00:00Z,{group},{path},5\n" for hour in (0, 1, 2) for group in ("r1", "r2") for path in (1, 2)
)
READERS = {"drivers.csv": read_drivers, "theirs.csv": read_external}


def refusal(folder, name, content):
    path = folder / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content)
    with pytest.raises(InputError) as caught:
        READERS[name](path)
    assert f"{name} is refused" in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("text", [DRIVERS])
def test_the_driver_file_that_is_broken_below_is_fine(tmp_path, text):
    (tmp_path / "drivers.csv").write_text(text)
    assert read_drivers(tmp_path / "drivers.csv").names == ("dau",)


@pytest.mark.parametrize("text", [QUANTILES, PATHS])
def test_the_forecast_files_that_are_broken_below_are_fine(tmp_path, text):
    (tmp_path / "theirs.csv").write_text(text)
    assert "r1" in read_external(tmp_path / "theirs.csv").names


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        pytest.param(
            "dau,100", "dau,0", "column 'value', row 1: must be above 0, as a driver acts as a factor", id="0"
        ),
        pytest.param("dau,100", "dau,-1", "column 'value', row 1: must be >= 0, got '-1'", id="negative"),
        pytest.param("dau,100", "dau,", "column 'value', row 1: must be a number, got an empty cell", id="empty"),
        pytest.param("dau,100", "dau,nan", "column 'value', row 1: must be a finite number", id="nan"),
        pytest.param("dau,100", "dau,1e13", "column 'value', row 1: must be at most 1,000,000,000,000", id="huge"),
        pytest.param("dau,100", "dau,many", "column 'value', row 1: must be a finite number, got 'many'", id="word"),
        pytest.param("dau,100", "/dau,100", "column 'driver', row 1: must not start with '/'", id="name"),
        pytest.param("dau,100", ",100", "column 'driver', row 1: must not be empty", id="no name"),
        pytest.param("110,130", "121,130", "column 'low', row 2: must be a range that holds the value 120", id="low"),
        pytest.param("110,130", "110,119", "must be a range that holds the value 120, got 110 to 119", id="high"),
        pytest.param("110,130", "0,130", "column 'low', row 2: must be above 0", id="low 0"),
        pytest.param("110,130", ",130", "column 'low', row 2: must stand beside high", id="no low"),
        pytest.param("110,130", "110,", "column 'low', row 2: must stand beside high", id="no high"),
        pytest.param("2024-01-01,", "2024-02-30,", "column 'date', row 1: must be a date of the calendar", id="day"),
        pytest.param("2024-01-01,", "01/02/2024,", "column 'date', row 1: must be an ISO 8601", id="other date"),
        pytest.param("2024-01-01,", "2024-01-01T05:00:00Z,", "column 'date', row 1: must be a date like", id="hour"),
        pytest.param("2024-01-15", "soon", "column 'known_from', row 2: must be an ISO 8601", id="known_from"),
        pytest.param("value", "valeu", "column 'value', row 0: is missing", id="column"),
        pytest.param("known_from\n", "extra\n", "column 'extra', row 0: is not a column of this file", id="extra"),
        pytest.param(
            "2024-02-01,dau,120,110,130,2024-01-15",
            "2024-01-01,dau,120,,,",
            "column 'driver', row 2: must be the only row of its driver, date and known_from, got 'dau' of 2024-01-01",
            id="twice",
        ),
        pytest.param(DRIVERS[DRIVERS.index("\n") :], "\n", "has no rows. It needs one for each driver", id="no rows"),
        pytest.param(DRIVERS, "", "the file is empty", id="nothing"),
        pytest.param(",", ";", "cells must be separated by commas, got semicolon", id="semicolons"),
    ],
)
def test_a_broken_driver_file_is_refused_with_its_row(tmp_path, old, new, part):
    assert old in DRIVERS
    assert part in refusal(tmp_path, "drivers.csv", DRIVERS.replace(old, new))


def test_all_problems_of_a_driver_file_come_at_once(tmp_path):
    text = DRIVERS.replace("110,130", "121,130").replace("dau,100", "dau,0") + "2024-03-01,a/../b,x,,,\n"
    assert "4 problems" in refusal(tmp_path, "drivers.csv", text)


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        pytest.param(
            "0.5,10",
            "0.5,13",
            "column 'units': 'r1' must have quantiles that do not cross, got 13 at 0.5 and 12 at 0.9 on 2024-01-01.",
            id="cross",
        ),
        pytest.param(
            "2024-01-02,r1,0.5,10\n",
            "",
            "'r1' must have the same quantiles on every day, and lacks 0.5 on 2024-01-02",
            id="lacks a level",
        ),
        pytest.param(
            "2024-01-02", "2024-01-05", "'r1' must have every day from its first to its last, not 2024-01-02", id="gap"
        ),
        pytest.param("2024-01-02", "2024-01-01", "column 'quantile', row 4: must be the only row of its", id="twice"),
        pytest.param("0.1,8", "0.1,-8", "column 'units', row 1: must be >= 0", id="negative"),
        pytest.param("0.9", "1", "column 'quantile', row 3: must lie between 0 and 1, got 1", id="level 1"),
        pytest.param("0.9", "90", "column 'quantile', row 3: must be >= 0 and <= 1, got '90'", id="percent"),
        pytest.param("2024-01-01", "2024-01-01T03:00:00Z", "column 'date', row 1: must be a date", id="hour"),
        pytest.param("0.1,8", "0.1,", "column 'units', row 1: must be a number, got an empty cell", id="empty"),
        pytest.param(
            "quantile", "level", "must have the columns date, group, quantile, units, or hour_utc, group", id="kind"
        ),
        pytest.param(QUANTILES[QUANTILES.index("\n") :], "\n", "has no rows", id="no rows"),
    ],
)
def test_broken_quantiles_are_refused(tmp_path, old, new, part):
    assert old in QUANTILES
    assert part in refusal(tmp_path, "theirs.csv", QUANTILES.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        pytest.param(
            "2024-01-01T01:00:00Z,r2,2,5\n",
            "",
            "path 2 of 'r2' must have every hour that others have, and lacks 2024-01-01T01:00:00Z",
            id="lacks an hour",
        ),
        pytest.param("T01", "T04", "must be every hour from the first to the last, not 2024-01-01T01:00:00Z", id="gap"),
        pytest.param("T01", "T00", "must be the only row of its hour_utc and group and path", id="twice"),
        pytest.param("r1,1,5", "r1,1.5,5", "column 'path', row 1: must be a whole number", id="half a path"),
        pytest.param("r1,1,5", "r1,1,-5", "column 'units', row 1: must be >= 0", id="negative"),
        pytest.param("00:00Z", "00:00", "column 'hour_utc', row 1: must name its zone", id="no zone"),
        pytest.param("path", "quantile", "column 'date', row 0: is missing", id="kind"),
    ],
)
def test_broken_paths_are_refused(tmp_path, old, new, part):
    assert old in PATHS
    assert part in refusal(tmp_path, "theirs.csv", PATHS.replace(old, new))


@pytest.mark.parametrize("name", sorted(READERS))
@pytest.mark.parametrize(
    ("content", "part"),
    [
        pytest.param(b"PK\x03\x04", "is a zip archive or an Excel workbook", id="workbook"),
        pytest.param(b"PAR1 and nothing else", "cannot be read as Parquet", id="damaged"),
        pytest.param("date,é".encode("latin-1"), "must be UTF-8", id="latin"),
        pytest.param(b"", "the file is empty", id="empty"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, name, content, part):
    assert part in refusal(tmp_path, name, content)


def test_parquet_with_other_types_is_refused(tmp_path):
    frame = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=2), "driver": ["a", "a"], "value": [1.0, np.inf]})
    frame.to_parquet(tmp_path / "drivers.csv")
    with pytest.raises(InputError) as caught:
        read_drivers(tmp_path / "drivers.csv")
    assert "must be timestamps in UTC, got timestamps without a zone" in str(caught.value)
    assert "column 'value', row 2: must be a finite number" in str(caught.value)
