from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.errors import InputError
from forecasting.frames import Column, ColumnKind, check_name, describe, did_you_mean, read_table, scan_table
from forecasting.hour_cells import parse_hour
from forecasting.hours import iso_of_hour

COLUMNS = (
    Column(name="hour_utc", kind=ColumnKind.HOUR, doc="Hour."),
    Column(name="pool", kind=ColumnKind.NAME, doc="Pool."),
    Column(name="units", kind=ColumnKind.NUMBER, doc="Units.", unit="units", at_least=0.0, at_most=1e6),
    Column(name="count", kind=ColumnKind.INTEGER, doc="Count.", required=False),
    Column(name="note", kind=ColumnKind.TEXT, doc="Note.", required=False),
    Column(name="is_new", kind=ColumnKind.BOOLEAN, doc="New.", required=False),
    Column(name="since", kind=ColumnKind.HOUR_OR_DATE, doc="Since.", required=False),
    Column(name="limit", kind=ColumnKind.NUMBER, doc="Limit.", required=False),
)
GOOD = "hour_utc,pool,units\n1970-01-02T00:00:00Z,web,1.5\n1970-01-02T01:00:00Z,web,2\n"


def write(folder: Path, content: str | bytes, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def write_parquet(folder: Path, table: dict[str, object]) -> Path:
    path = folder / "table.parquet"
    pq.write_table(pa.table(table), path)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_table(path, COLUMNS)
    message = str(caught.value)
    assert message.startswith(f"{path} is refused")
    return message


@given(
    rows=st.lists(
        st.tuples(
            st.integers(-100_000, 900_000),
            st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\\/"), min_size=1),
            st.floats(0, 1e6),
        )
    )
)
def test_what_pandas_writes_is_read_back_whatever_the_names_are(tmp_path_factory, rows):
    rows = [row for row in rows if check_name(row[1]) is None]
    written = pd.DataFrame(
        {
            "hour_utc": [iso_of_hour(hour) for hour, _, _ in rows],
            "pool": [pool for _, pool, _ in rows],
            "units": [units for _, _, units in rows],
        }
    )
    folder = tmp_path_factory.mktemp("frames")
    written.to_csv(folder / "table.csv", index=False)
    read = read_table(folder / "table.csv", COLUMNS)
    assert read["hour_utc"].tolist() == [hour for hour, _, _ in rows]
    assert read["pool"].tolist() == [pool for _, pool, _ in rows]
    np.testing.assert_allclose(read["units"], [units for _, _, units in rows], rtol=1e-15)
    assert read.index.tolist() == list(range(1, len(rows) + 1))


@given(hour=st.integers(-100_000, 900_000), mark=st.sampled_from(["T", " "]), zone=st.sampled_from(["Z", "+00:00"]))
def test_every_way_to_write_an_hour_in_utc_gives_the_same_hour(hour, mark, zone):
    assert parse_hour(iso_of_hour(hour).replace("T", mark).replace("Z", zone)) == hour


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(GOOD, id="plain"),
        pytest.param("\ufeff" + GOOD, id="byte order mark"),
        pytest.param(GOOD.replace("\n", "\r\n"), id="windows line ends"),
        pytest.param(GOOD.rstrip("\n"), id="no last line end"),
        pytest.param(GOOD.replace("web", '"web"').replace("pool", '"pool"'), id="quoted"),
        pytest.param(GOOD.replace("\n", "\n\n"), id="blank lines"),
        pytest.param("units,pool,hour_utc\n+1.5,web,1970-01-02 00:00+00:00\n 2. ,web,1970-01-02T01Z\n", id="reordered"),
        pytest.param(GOOD.replace("hour_utc,pool,units", "hour_utc, pool , units"), id="blanks in the header"),
    ],
)
def test_csv_is_read_as_it_comes(tmp_path, content):
    frame = read_table(write(tmp_path, content), COLUMNS)
    assert frame["hour_utc"].tolist() == [24, 25]
    assert frame["pool"].tolist() == ["web", "web"]
    assert frame["units"].tolist() == [1.5, 2.0]


def test_a_header_alone_is_a_table_without_rows(tmp_path):
    frame = read_table(write(tmp_path, "hour_utc,pool,units"), COLUMNS)
    assert len(frame) == 0
    assert list(frame.columns) == [column.name for column in COLUMNS]


def test_a_pool_named_like_a_missing_value_stays_that_pool(tmp_path):
    frame = read_table(write(tmp_path, GOOD.replace(",web,", ",NA,")), COLUMNS)
    assert frame["pool"].tolist() == ["NA", "NA"]


def test_optional_columns_are_there_and_typed_whether_or_not_the_file_has_them(tmp_path):
    absent = read_table(write(tmp_path, GOOD), COLUMNS)
    header = "hour_utc,pool,units,count,note,is_new,since,limit\n"
    rows = "1970-01-02T00:00:00Z,web,1,,,,,\n1970-01-02T01:00:00Z,web,1,7,x,TRUE,1970-01-03,0.5\n"
    present = read_table(write(tmp_path, header + rows), COLUMNS)
    assert absent.dtypes.to_dict() | {"hour_utc": present.dtypes["hour_utc"]} == present.dtypes.to_dict()
    assert absent["count"].isna().all()
    assert absent["note"].tolist() == ["", ""]
    assert present["count"].tolist() == [pd.NA, 7]
    assert present["note"].tolist() == ["", "x"]
    assert present["is_new"].tolist() == [pd.NA, True]
    assert present["since"].tolist() == [pd.NA, 48]
    np.testing.assert_allclose(present["limit"], [np.nan, 0.5])


STAMPS = pa.array([24 * 3_600_000, 25 * 3_600_000], pa.timestamp("ms", tz="UTC"))


@pytest.mark.parametrize(
    ("hours", "pools", "units"),
    [
        pytest.param(STAMPS, pa.array(["a", "b"], pa.large_string()), pa.array([1, 2], pa.int32()), id="int"),
        pytest.param(
            STAMPS.cast(pa.timestamp("ns", tz="+00:00")),
            pa.array(["a", "b"]).dictionary_encode(),
            pa.array([Decimal("1.00"), Decimal("2.00")]),
            id="dictionary and decimal",
        ),
        pytest.param(
            pa.array(["1970-01-02T00:00:00Z", "1970-01-02T01:00:00Z"]).dictionary_encode(),
            pa.array(["a", "b"]),
            pa.array(["1", "2"]),
            id="text",
        ),
        pytest.param(
            STAMPS.cast(pa.timestamp("s", tz="Etc/UTC")),
            pa.array(["a", "b"], pa.string_view()),
            pa.array([1, 2], pa.float32()),
            id="seconds, view and float32",
        ),
    ],
)
def test_parquet_is_read_whatever_types_wrote_it(tmp_path, hours, pools, units):
    frame = read_table(write_parquet(tmp_path, {"hour_utc": hours, "pool": pools, "units": units}), COLUMNS)
    assert frame["hour_utc"].tolist() == [24, 25]
    assert frame["pool"].tolist() == ["a", "b"]
    assert frame["units"].tolist() == [1.0, 2.0]


def test_parquet_is_known_by_its_first_bytes_not_its_name(tmp_path):
    path = write_parquet(tmp_path, {"hour_utc": STAMPS, "pool": ["a", "b"], "units": [1.0, 2.0]})
    assert len(read_table(path.rename(tmp_path / "table.csv"), COLUMNS)) == 2


def test_parquet_written_by_pandas_with_categories_and_empty_cells_is_read(tmp_path):
    given_frame = pd.DataFrame(
        {
            "hour_utc": pd.to_datetime(["1970-01-02T00:00Z", "1970-01-02T01:00Z"]),
            "pool": pd.Categorical(["a", "b"]),
            "units": [1.0, 2.0],
            "limit": [np.nan, 1.0],
            "note": [None, "x"],
            "since": [None, None],
            "is_new": [True, False],
        }
    )
    given_frame.to_parquet(tmp_path / "t.parquet")
    frame = read_table(tmp_path / "t.parquet", COLUMNS)
    np.testing.assert_allclose(frame["limit"], [np.nan, 1.0])
    assert frame["note"].tolist() == ["", "x"]
    assert frame["is_new"].tolist() == [True, False]


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        pytest.param("", ["the file is empty"], id="empty"),
        pytest.param("\n \n", ["the file is empty"], id="blank"),
        pytest.param(GOOD.encode("utf-16"), ["must be UTF-8, got UTF-16", "iconv"], id="UTF-16"),
        pytest.param(GOOD.encode("utf-16-le"), ["must be UTF-8, got UTF-16", "iconv"], id="UTF-16 without mark"),
        pytest.param(GOOD.replace("web", "w\xe9b").encode("latin-1"), ["row 1", "must be UTF-8"], id="latin-1"),
        pytest.param(GOOD.encode() + b"1970-01-02T02:00:00Z,w\0b,1\n", ["row 3", "NUL byte"], id="NUL"),
        pytest.param(b"PK\x03\x04rest", ["a zip archive or an Excel workbook"], id="workbook"),
        pytest.param(b"\x1f\x8b\x08rest", ["compressed with gzip"], id="gzip"),
        pytest.param(GOOD.replace(",", ";"), ["separated by commas, got semicolon ';'"], id="semicolon"),
        pytest.param(GOOD.replace(",", "\t"), ["separated by commas, got tab"], id="tab"),
        pytest.param(GOOD.replace(",", "|"), ["separated by commas, got pipe '|'"], id="pipe"),
        pytest.param(
            GOOD.replace(",units", ",unit"),
            ["column 'units', row 0: is missing", "Did you mean 'unit'?", "column 'unit', row 0: is not a column"],
            id="missing column",
        ),
        pytest.param(
            GOOD.replace("units\n", "units,owner\n").replace("5\n", "5,x\n").replace("2\n", "2,x\n"),
            ["column 'owner', row 0: is not a column of this file"],
            id="extra column",
        ),
        pytest.param(
            GOOD.replace("units\n", "units,pool\n").replace("5\n", "5,x\n").replace("2\n", "2,x\n"),
            ["column 'pool', row 0: must be there once, got 2 times"],
            id="duplicate column",
        ),
        pytest.param(GOOD.replace(",2\n", "\n"), ["row 2: must have 3 cells like the header, got 2"], id="short row"),
        pytest.param(
            GOOD.replace(",2\n", ",2,3\n"), ["row 2: must have 3 cells like the header, got 4"], id="long row"
        ),
        pytest.param(GOOD.replace("1.5", ""), ["column 'units', row 1", "got an empty cell"], id="empty number"),
        pytest.param(GOOD.replace("1.5", "nan"), ["column 'units', row 1", "finite number, got 'nan'"], id="NaN"),
        pytest.param(GOOD.replace("1.5", "inf"), ["column 'units', row 1", "finite number, got 'inf'"], id="infinity"),
        pytest.param(GOOD.replace("1.5", "1e999"), ["column 'units', row 1", "finite number, got '1e999'"], id="huge"),
        pytest.param(GOOD.replace("1.5", "abc"), ["column 'units', row 1", "finite number, got 'abc'"], id="word"),
        pytest.param(GOOD.replace("1.5", '"1,5"'), ["row 1", "got '1,5'", "decimal point"], id="decimal comma"),
        pytest.param(GOOD.replace("1.5", "0x1F"), ["row 1", "finite number, got '0x1F'"], id="hexadecimal"),
        pytest.param(GOOD.replace("1.5", "1_000"), ["row 1", "finite number, got '1_000'"], id="underscore"),
        pytest.param(
            GOOD.replace("1.5", "-1"), ["column 'units', row 1: must be >= 0 and <= 1e+06, got '-1'"], id="negative"
        ),
        pytest.param(GOOD.replace("1.5", "2e6"), ["column 'units', row 1: must be >= 0 and <= 1e+06"], id="too large"),
        pytest.param(
            GOOD.replace("01:00:00Z", "01:00:00"), ["column 'hour_utc', row 2: must name its zone"], id="no zone"
        ),
        pytest.param(GOOD.replace("01:00:00Z", "01:00:00+02:00"), ["row 2", "not in zone +0200"], id="local zone"),
        pytest.param(GOOD.replace("01:00:00Z", "01:30:00Z"), ["row 2: must be on the hour"], id="half hour"),
        pytest.param(GOOD.replace("01:00:00Z", "01:00:00.5Z"), ["row 2: must be on the hour"], id="half second"),
        pytest.param(GOOD.replace("1970-01-02T01:00:00Z", "2 Jan"), ["row 2", "ISO 8601", "got '2 Jan'"], id="no time"),
        pytest.param(GOOD.replace("1970-01-02T01:00:00Z", "1970-02-30T01:00:00Z"), ["row 2", "ISO 8601"], id="no day"),
        pytest.param(
            GOOD.replace("1970-01-02T01:00:00Z", "1970-01-02"), ["row 2", "with its hour and zone"], id="date"
        ),
        pytest.param(GOOD.replace("1970-01-02T01:00:00Z", ""), ["row 2", "got an empty cell"], id="empty hour"),
        pytest.param(GOOD.replace("web,2", ",2"), ["column 'pool', row 2: must not be empty"], id="empty name"),
        pytest.param(GOOD.replace("web,2", "w\x1bb,2"), ["'pool', row 2: must not hold control", r"\x1b"], id="escape"),
        pytest.param(
            GOOD.replace("web,2", '"w\nb",2'), ["'pool', row 2: must not hold control", r"w\nb"], id="line end"
        ),
        pytest.param(
            GOOD.replace("web,2", "w\\b,2"), ["column 'pool', row 2: must not hold a backslash"], id="backslash"
        ),
        pytest.param(GOOD.replace("web,2", "/web,2"), ["column 'pool', row 2: must not start with '/'"], id="slash"),
        pytest.param(GOOD.replace("web,2", "a/../b,2"), ["column 'pool', row 2: must not have a '..' part"], id="dots"),
        pytest.param(
            GOOD.replace("web,2", "..,2"), ["column 'pool', row 2: must not have a '..' part"], id="only dots"
        ),
    ],
)
def test_bad_csv_is_refused_with_its_place(tmp_path, content, parts):
    message = refusal(write(tmp_path, content))
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    "name", ["=1+1", "+a", "-a", "@x", "<script>alert(1)</script>", "a b", "r1/A", "...", "a..b", "é", "'q'", "a/", "~"]
)
def test_odd_names_are_accepted(tmp_path, name):
    frame = read_table(write(tmp_path, GOOD.replace("web", name)), COLUMNS)
    assert frame["pool"].tolist() == [name, name]


@pytest.mark.parametrize(
    ("table", "part"),
    [
        pytest.param({"hour_utc": STAMPS.cast(pa.timestamp("ms"))}, "without a zone", id="no zone"),
        pytest.param(
            {"hour_utc": STAMPS.cast(pa.timestamp("ms", tz="Europe/Berlin"))},
            "got zone 'Europe/Berlin'",
            id="local zone",
        ),
        pytest.param(
            {"hour_utc": pa.array([86_400_000, 1_800_000], pa.timestamp("ms", tz="UTC"))},
            "column 'hour_utc', row 2: must be on the hour, got 1970-01-01 00:30:00",
            id="half hour",
        ),
        pytest.param({"hour_utc": pa.array([1, 2])}, "must hold UTC timestamps, got type int64", id="number as hour"),
        pytest.param(
            {"hour_utc": pa.array([1, None], pa.timestamp("us", tz="UTC"))},
            "row 2: must be a UTC timestamp",
            id="no hour",
        ),
        pytest.param({"hour_utc": pa.array([1, 2], pa.date32())}, "with its hour and zone", id="date"),
        pytest.param({"pool": pa.array([1.5, 2.5])}, "must hold text, got type double", id="number as pool"),
        pytest.param({"pool": pa.array(["a", None])}, "column 'pool', row 2: must not be empty", id="no pool"),
        pytest.param({"units": pa.array([[1], [2]])}, "must hold numbers, got type list", id="list"),
        pytest.param({"units": pa.array([True, False])}, "must hold numbers, got type bool", id="bool"),
        pytest.param({"units": pa.array([1.0, np.nan])}, "row 2: must be a finite number, got nan", id="NaN"),
        pytest.param({"units": pa.array([1.0, -np.inf])}, "row 2: must be a finite number, got -inf", id="infinity"),
        pytest.param({"units": pa.array([1.0, None])}, "column 'units', row 2: must be a number", id="null"),
        pytest.param({"count": pa.array([1.0, 1.5])}, "column 'count', row 2: must be a whole number", id="fraction"),
        pytest.param({"is_new": pa.array([1, 0])}, "must hold true or false, got type int64", id="number as bool"),
        pytest.param({"is_new": pa.array(["true", "maybe"])}, "row 2: must be true or false, got 'maybe'", id="maybe"),
        pytest.param({"other": pa.array([1, 2])}, "column 'other', row 0: is not a column", id="extra column"),
    ],
)
def test_bad_parquet_is_refused_with_its_place(tmp_path, table, part):
    good = {"hour_utc": STAMPS, "pool": ["a", "b"], "units": [1.0, 2.0]}
    assert part in refusal(write_parquet(tmp_path, good | table))


def test_parquet_with_text_that_is_not_utf8_is_refused(tmp_path):
    pools = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.py_buffer(np.array([0, 1, 2], np.int32).tobytes()), pa.py_buffer(b"\xff\xfe")]
    )
    path = write_parquet(tmp_path, {"hour_utc": STAMPS, "pool": pools, "units": [1.0, 2.0]})
    assert "cannot be read as Parquet" in refusal(path)


@pytest.mark.parametrize("kept_fraction", [0.1, 0.5, 0.9, 0.99])
def test_truncated_parquet_is_refused(tmp_path, kept_fraction):
    path = write_parquet(tmp_path, {"hour_utc": STAMPS, "pool": ["a", "b"], "units": [1.0, 2.0]})
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept_fraction)])
    assert "it is damaged or cut short" in refusal(path)


def test_parquet_of_more_rows_than_any_fleet_has_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    path = write_parquet(tmp_path, {"hour_utc": ["x"] * 3, "pool": ["a"] * 3, "units": [1.0] * 3})
    monkeypatch.setattr("forecasting.files.MAX_ROWS", 2)
    with pytest.raises(InputError, match="must have at most 2 rows, got 3"):
        scan_table(path, COLUMNS)


def test_text_named_parquet_is_refused(tmp_path):
    assert "named Parquet but does not start as" in refusal(write(tmp_path, GOOD, "table.parquet"))


def test_a_missing_file_and_a_directory_are_refused(tmp_path):
    assert "there is no such file" in refusal(tmp_path / "no.csv")
    assert "must be a file, got a directory" in refusal(tmp_path)


def test_a_quote_that_is_not_closed_is_refused(tmp_path):
    assert "got 2. Perhaps a quote is not closed" in refusal(write(tmp_path, GOOD.replace("web", '"web', 1)))
    long = GOOD.replace("web", '"web', 1) + "1970-01-02T01:00:00Z,web,2\n" * 120_000
    assert "perhaps a quote is not closed" in refusal(write(tmp_path, long))


def test_all_problems_of_a_file_come_at_once_with_their_rows(tmp_path):
    rows = ["2024-01-01T00:00:00,web,1", "2024-01-01T00:00:00Z,web", "2024-01-01T00:00:00Z,/x,1", "2024-01-01T01Z,a,-1"]
    message = refusal(write(tmp_path, "hour_utc,pool,units\n" + "\n".join(rows) + "\n"))
    assert "4 problems" in message
    for place in ("column 'hour_utc', row 1", "row 2: must have 3", "column 'pool', row 3", "column 'units', row 4"):
        assert place in message


def test_many_bad_cells_are_counted_not_listed(tmp_path):
    message = refusal(write(tmp_path, "hour_utc,pool,units\n" + "2024-01-01T00:00:00Z,web,x\n" * 1000))
    assert "column 'units', row 5" in message
    assert "column 'units', row 6" not in message
    assert "995 more rows break a rule of this column, the last is row 1000" in message


def test_many_rows_of_a_wrong_width_are_counted_not_listed(tmp_path):
    message = refusal(write(tmp_path, GOOD + "1,2\n" * 1000))
    assert "row 3: must have 3 cells" in message
    assert "995 more rows have a wrong number of cells" in message


def test_scanning_hands_back_the_rows_that_are_fine(tmp_path):
    scanned = scan_table(write(tmp_path, GOOD.replace("1.5", "x")), COLUMNS)
    assert len(scanned.problems) == 1
    assert scanned.is_complete
    assert scanned.frame["units"].to_dict() == {2: 2.0}


def test_three_hundred_thousand_rows_are_read_within_a_second(tmp_path):
    hours = [iso_of_hour(hour) for hour in range(3_000)]
    body = "".join(f"{hour},pool{index},{index}.5\n" for hour in hours for index in range(100))
    frame = read_table(write(tmp_path, "hour_utc,pool,units\n" + body), COLUMNS)
    assert len(frame) == 300_000
    assert frame["units"].sum() == 3_000 * sum(index + 0.5 for index in range(100))


def test_the_table_of_a_schema_names_every_column_and_its_range():
    table = describe(COLUMNS)
    assert "| `units` | number >= 0 and <= 1e+06 | units | yes | Units. |" in table
    assert "| `limit` | number |  | no | Limit. |" in table


def test_near_names_are_offered_and_far_ones_are_not():
    assert did_you_mean("unts", ["pool", "units"]) == " Did you mean 'units'?"
    assert did_you_mean("zzz", ["pool", "units"]) == ""
