from zoneinfo import ZoneInfo

import numpy as np
import pytest

from forecasting.errors import InputError
from forecasting.hours import HOURS_PER_DAY, hour_of_date, month_index
from forecasting.zones import local_days, month_of_day, zone_named


def counted_days(zone, first, last):
    days = local_days(np.arange(hour_of_date(first), hour_of_date(last)), ZoneInfo(zone))
    return dict(zip(*(part.tolist() for part in np.unique(days, return_counts=True)), strict=True))


@pytest.mark.parametrize(
    ("zone", "date", "n_hours"),
    [
        ("America/New_York", "2024-03-10", 23),
        ("America/New_York", "2024-11-03", 25),
        ("Europe/Berlin", "2024-03-31", 23),
        ("Europe/Berlin", "2024-10-27", 25),
        ("Asia/Kolkata", "2024-03-10", 24),
        ("UTC", "2024-03-10", 24),
    ],
)
def test_a_local_day_has_as_many_hours_as_its_clocks_count(zone, date, n_hours):
    day = hour_of_date(date) // HOURS_PER_DAY
    start, end = (str(np.datetime64(date) + np.timedelta64(step, "D")) for step in (-3, 4))
    assert counted_days(zone, start, end)[day] == n_hours


def test_local_days_never_go_back():
    hours = np.arange(hour_of_date("2011-01-01"), hour_of_date("2013-01-01"))
    for name in ("America/New_York", "Pacific/Apia", "Asia/Kolkata", "America/Sao_Paulo", "Australia/Lord_Howe"):
        assert np.diff(local_days(hours, ZoneInfo(name))).min() >= 0


def test_months_of_days_are_those_of_their_hours():
    hours = np.arange(hour_of_date("2023-12-01"), hour_of_date("2024-04-01"))
    assert np.array_equal(month_of_day(hours // HOURS_PER_DAY), month_index(hours))


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "America", "../etc/passwd", "/etc/passwd", "a\0b"])
def test_a_zone_that_is_not_known_is_refused(name):
    with pytest.raises(InputError, match="must be a time zone of the IANA database"):
        zone_named(name, source="--peak-time-zone")
