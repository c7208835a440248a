import numpy as np
import pytest

from forecasting.drivers import GENERIC_DAILY_LOG_SD, carried_sentences, read_drivers
from forecasting.errors import InputError
from forecasting.events import NORMAL_Q90
from forecasting.hours import hour_of_date

HEADER = "date,driver,value,low,high,known_from\n"


def day(date):
    return hour_of_date(date) // 24


def curve(folder, rows, as_of, name="dau", header=HEADER):
    path = folder / "drivers.csv"
    path.write_text(header + rows)
    (found,) = read_drivers(path).visible_at(day(as_of), [name])
    return found


def test_between_rows_a_driver_moves_by_a_constant_factor(tmp_path):
    found = curve(tmp_path, "2024-01-01,dau,100,,,\n2024-01-05,dau,1600,,,\n", "2024-02-01")
    days = np.arange(day("2024-01-01"), day("2024-01-06"))
    np.testing.assert_allclose(np.exp(found.log_values(days)), [100, 200, 400, 800, 1600])


def test_before_the_first_row_and_after_the_last_a_driver_stands(tmp_path):
    found = curve(tmp_path, "2024-01-01,dau,100,,,\n2024-01-05,dau,1600,,,\n", "2024-02-01")
    ends = np.array([day("2023-06-01"), day("2025-01-01")])
    np.testing.assert_allclose(np.exp(found.log_values(ends)), [100, 1600])


def test_expected_rows_have_the_declared_range_and_measured_ones_none(tmp_path):
    rows = "2024-01-01,dau,100,50,200,\n2024-02-01,dau,100,80,150,\n"
    down, up = curve(tmp_path, rows, "2024-02-01").log_spread(np.array([day("2024-01-01"), day("2024-02-01")]))
    np.testing.assert_allclose(down, [0, np.log(100 / 80)])
    np.testing.assert_allclose(up, [0, np.log(150 / 100)])


def test_beyond_its_last_row_the_spread_grows_as_a_random_walk_and_the_reader_is_told(tmp_path):
    found = curve(tmp_path, "2024-01-01,dau,100,,,\n", "2024-01-02")
    down, up = found.log_spread(found.last_day + np.array([0, 1, 100]))
    np.testing.assert_allclose(up, GENERIC_DAILY_LOG_SD * NORMAL_Q90 * np.array([0, 1, 10]))
    np.testing.assert_allclose(down, up)
    (told,) = carried_sentences([found], end_day=found.last_day + 30)
    assert told.startswith("Driver 'dau' is given up to 2024-01-01: from then on its last value is carried on")
    assert carried_sentences([found], end_day=found.last_day + 1) == ()


def test_a_driver_wanders_as_far_as_it_did_over_four_weeks(tmp_path):
    rows = "".join(f"{np.datetime64('2023-01-01') + k},dau,{100 * np.exp(0.001 * k)},,,\n" for k in range(200))
    found = curve(tmp_path, rows, "2024-01-01")
    np.testing.assert_allclose(found.daily_log_sd, 0.028 / np.sqrt(28), rtol=1e-6)


def test_rows_that_were_not_known_are_not_seen_and_the_row_known_last_counts(tmp_path):
    rows = (
        "2024-01-01,dau,100,,,\n2024-03-01,dau,110,,,2024-01-10\n2024-03-01,dau,130,,,2024-02-10\n"
        "2024-03-01,dau,999,,,2024-03-02\n"
    )
    at = np.array([day("2024-03-01")])
    for as_of, value in (("2024-01-09", 100), ("2024-01-10", 110), ("2024-02-09", 110), ("2024-02-10", 130)):
        np.testing.assert_allclose(np.exp(curve(tmp_path, rows, as_of).log_values(at)), value)


def test_a_measured_row_counts_from_its_day_on_and_a_forecast_only_before(tmp_path):
    rows = "2024-01-01,dau,100,,,\n2024-03-01,dau,120,,,\n2024-03-01,dau,110,,,2024-01-10\n"
    at = np.array([day("2024-03-01")])
    np.testing.assert_allclose(np.exp(curve(tmp_path, rows, "2024-02-01").log_values(at)), 110)
    np.testing.assert_allclose(np.exp(curve(tmp_path, rows, "2024-03-02").log_values(at)), 120)


def test_what_is_measured_after_as_of_changes_nothing_once_it_is_dated(tmp_path):
    rows = "2024-01-01,dau,100,,,\n2024-02-01,dau,120,,,2024-02-01\n"
    more = rows + "2024-03-01,dau,500,,,2024-03-01\n"
    days = np.arange(day("2024-01-01"), day("2024-06-01"))
    short, long = (curve(tmp_path, text, "2024-02-15").log_values(days) for text in (rows, more))
    np.testing.assert_array_equal(short, long)


def test_a_driver_without_a_row_before_as_of_is_refused(tmp_path):
    with pytest.raises(InputError, match="driver 'dau' must have a row for a day before the decision date 2023-12-31"):
        curve(tmp_path, "2024-01-01,dau,100,,,\n", "2023-12-31")


def test_a_parquet_file_without_optional_columns_is_the_same_driver(tmp_path):
    import pandas as pd

    frame = pd.DataFrame({"date": ["2024-01-01"], "driver": ["dau"], "value": [5]})
    frame.to_parquet(tmp_path / "drivers.parquet")
    (found,) = read_drivers(tmp_path / "drivers.parquet").visible_at(day("2024-02-01"), ["dau"])
    np.testing.assert_allclose(np.exp(found.logs), [5])
