from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.errors import HistoryError, InputError
from forecasting.history import History, check_as_of, read_usage
from forecasting.hours import hour_of_date, iso_of_hour

START = hour_of_date("2024-01-01")


def write_usage(path: Path, rows: list[tuple[int, str, float]]) -> Path:
    lines = [f"{iso_of_hour(START + hour)},{pool},{units}" for hour, pool, units in rows]
    path.write_text("hour_utc,pool,units\n" + "".join(line + "\n" for line in lines))
    return path


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_usage(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


@given(
    cells=st.dictionaries(
        st.tuples(st.integers(0, 40), st.sampled_from(["web", "api", "=db"])), st.floats(0, 1e9), min_size=1
    ),
    seed=st.integers(0, 1000),
)
def test_history_holds_every_row_and_zero_elsewhere(tmp_path_factory, cells, seed):
    rows = [(hour, pool, units) for (hour, pool), units in cells.items()]
    np.random.default_rng(seed).shuffle(rows)
    history = read_usage(write_usage(tmp_path_factory.mktemp("u") / "u.csv", rows), missing_hours="zero")
    assert history.pools == tuple(sorted({pool for _, pool, _ in rows}))
    assert history.start_hour == START + min(hour for hour, _, _ in rows)
    assert history.end_hour == START + max(hour for hour, _, _ in rows) + 1
    for row, pool in enumerate(history.pools):
        for column in range(history.units.shape[1]):
            expected = cells.get((history.start_hour - START + column, pool), 0.0)
            np.testing.assert_allclose(history.units[row, column], expected, rtol=1e-15)


def test_csv_and_parquet_of_the_same_usage_are_the_same_history(tmp_path):
    path = write_usage(tmp_path / "u.csv", [(0, "a", 1.0), (0, "b", 2.0), (1, "a", 3.0)])
    frame = pd.read_csv(path).assign(hour_utc=lambda f: pd.to_datetime(f["hour_utc"]))
    frame.to_parquet(tmp_path / "u.parquet")
    from_csv, from_parquet = read_usage(path), read_usage(tmp_path / "u.parquet")
    assert from_csv.pools == from_parquet.pools
    assert from_csv.start_hour == from_parquet.start_hour
    np.testing.assert_allclose(from_csv.units, from_parquet.units)


def test_two_rows_of_one_hour_and_pool_are_refused_with_both_rows(tmp_path):
    rows = [(0, "a", 1.0), (0, "b", 1.0), (1, "a", 2.0), (0, "a", 1.0)]
    message = refusal(write_usage(tmp_path / "u.csv", rows))
    assert "column 'pool', row 4: must be the only row of its hour and pool" in message
    assert "'a' at 2024-01-01T00:00:00Z in row 1 too" in message


def test_many_repeated_rows_are_counted(tmp_path):
    message = refusal(write_usage(tmp_path / "u.csv", [(0, "a", 1.0)] * 20))
    assert "14 more rows repeat an hour and pool" in message


def test_an_hour_that_no_pool_has_is_refused_with_the_gaps_and_both_ways_out(tmp_path):
    rows = [(hour, "a", 1.0) for hour in (0, 1, 4, 5, 10)]
    message = refusal(write_usage(tmp_path / "u.csv", rows))
    assert "column 'hour_utc', row 3: 6 hours have no row for any pool, in 2 gaps" in message
    assert "2024-01-01T02:00:00Z to 2024-01-01T04:00:00Z; 2024-01-01T06:00:00Z to 2024-01-01T10:00:00Z" in message
    assert "--missing-hours zero" in message
    assert "`missing_hours: zero` in the roadmap" in message


def test_gaps_beyond_the_first_are_counted(tmp_path):
    message = refusal(write_usage(tmp_path / "u.csv", [(2 * hour, "a", 1.0) for hour in range(12)]))
    assert "in 11 gaps" in message
    assert "and 6 more" in message


def test_an_hour_that_some_pool_has_is_no_gap(tmp_path):
    history = read_usage(write_usage(tmp_path / "u.csv", [(0, "a", 1.0), (1, "b", 2.0), (2, "a", 3.0)]))
    np.testing.assert_allclose(history.units, [[1, 0, 3], [0, 2, 0]])


def test_gaps_are_zero_where_declared(tmp_path):
    path = write_usage(tmp_path / "u.csv", [(0, "a", 1.0), (3, "a", 3.0)])
    np.testing.assert_allclose(read_usage(path, missing_hours="zero").units, [[1, 0, 0, 3]])
    with pytest.raises(InputError, match="2 hours have no row"):
        read_usage(path, missing_hours="refuse")


def test_negative_units_and_a_repeated_row_come_in_one_error(tmp_path):
    message = refusal(write_usage(tmp_path / "u.csv", [(0, "a", 1.0), (0, "a", 1.0), (1, "a", -1.0)]))
    assert "2 problems" in message
    assert "column 'units', row 3: must be >= 0, got '-1.0'" in message
    assert "row 2: must be the only row" in message


def test_a_table_without_rows_is_refused(tmp_path):
    assert "has no rows" in refusal(write_usage(tmp_path / "u.csv", []))


def test_a_mistyped_year_is_refused_even_where_gaps_are_zero(tmp_path):
    rows = [(hour, "a", 1.0) for hour in range(5)] + [(24 * 365 * 900, "a", 1.0)]
    with pytest.raises(InputError, match=r"row 6: must span at most 50 years.*Check the years"):
        read_usage(write_usage(tmp_path / "u.csv", rows), missing_hours="zero")


def test_a_missing_column_is_one_clear_problem(tmp_path):
    path = tmp_path / "u.csv"
    path.write_text("hour_utc,pool,unit\n2024-01-01T00:00:00Z,a,1\n")
    assert "column 'units', row 0: is missing" in refusal(path)


HISTORY = History(
    pools=("dead", "late", "zero"), start_hour=100, units=np.array([[1.0, 0, 0, 0], [0, 0, 2, 3], [0, 0, 0, 0]])
)


def test_history_before_a_date_knows_nothing_of_later():
    seen = HISTORY.before(102)
    assert seen.pools == ("dead",)
    assert (seen.start_hour, seen.end_hour) == (100, 102)
    np.testing.assert_allclose(seen.units, [[1, 0]])
    changed = History(pools=HISTORY.pools, start_hour=100, units=HISTORY.units * [1, 1, 7, 9])
    np.testing.assert_allclose(changed.before(102).units, seen.units)


def test_history_before_its_first_hour_is_empty_and_after_its_last_is_whole():
    assert HISTORY.before(90).units.shape == (0, 0)
    assert HISTORY.before(500).end_hour == 104
    assert HISTORY.before(500).pools == ("dead", "late")


@pytest.mark.parametrize(
    ("start_hour", "end_hour", "late"),
    [
        pytest.param(101, 103, [0, 2], id="inside"),
        pytest.param(98, 103, [0, 0, 0, 0, 2], id="from before"),
        pytest.param(102, 107, [2, 3, 0, 0, 0], id="until after"),
        pytest.param(200, 202, [0, 0], id="outside"),
        pytest.param(102, 102, [], id="nothing"),
    ],
)
def test_history_between_two_hours_is_zero_outside_the_data(start_hour, end_hour, late):
    part = HISTORY.between(start_hour, end_hour)
    assert (part.start_hour, part.end_hour) == (start_hour, end_hour)
    np.testing.assert_allclose(part.units[1], late)


def test_history_refuses_units_of_another_shape():
    with pytest.raises(ValueError, match=r"units must have shape \(1, n_hours\), got \(2, 3\)"):
        History(pools=("a",), start_hour=0, units=np.zeros((2, 3)))


LONG = History(pools=("a",), start_hour=START, units=np.ones((1, 24 * 60)))


@pytest.mark.parametrize("days", [42, 60, 91])
def test_as_of_is_accepted_from_enough_history_until_31_days_after_it(days):
    check_as_of(LONG, START + 24 * days, needed_days=42)


def test_as_of_too_long_after_the_history_is_refused():
    with pytest.raises(InputError, match=r"--as-of is refused(?s:.*)at most 31 days after.*up to 2024-04-01,"):
        check_as_of(LONG, START + 24 * 91 + 1, needed_days=42)


def test_as_of_before_the_history_is_refused():
    with pytest.raises(InputError, match="must be after the first hour of usage, got 2024-01-01T00:00:00Z"):
        check_as_of(LONG, START, needed_days=42)


def test_too_short_a_history_says_how_much_is_needed_and_there():
    with pytest.raises(HistoryError, match=r"at least 42 days long to be forecast, got 41.0 days"):
        check_as_of(LONG, START + 24 * 41, needed_days=42)


def test_the_real_trace_is_read_whole(shared_data):
    path = shared_data / "trace" / "usage_r1.parquet"
    history = read_usage(path, missing_hours="zero")
    frame = pd.read_parquet(path)
    assert len(history.pools) == frame["pool"].nunique()
    np.testing.assert_allclose(history.units.sum(), frame["units"].sum())
    np.testing.assert_allclose(read_usage(path).units, history.units)
