import datetime as dt

import numpy as np
import pytest

from forecasting.calendars import BLACK_FRIDAY, CHRISTMAS_WEEK, EPOCH, holiday_names


def named(*dates, country="US"):
    days = [(dt.date.fromisoformat(date) - EPOCH).days for date in dates]
    return holiday_names(np.array(days), country=country)


def test_us_holidays_carry_their_names():
    assert named("2023-07-04", "2023-07-05", "2023-11-23") == ("Independence Day", "", "Thanksgiving Day")


def test_the_friday_after_thanksgiving_is_a_holiday_in_the_us_only():
    assert named("2023-11-24") == (BLACK_FRIDAY,)
    assert named("2023-11-24", country="DE") == ("",)


def test_a_day_given_off_instead_carries_the_name_of_the_holiday():
    assert named("2021-12-31", "2022-01-01") == ("New Year's Day", "New Year's Day")


def test_days_between_christmas_and_new_year_are_one_season():
    assert named("2023-12-25", "2023-12-27", "2023-12-31") == ("Christmas Day", CHRISTMAS_WEEK, CHRISTMAS_WEEK)


def test_no_country_has_no_holidays():
    assert named("2023-12-25", "2023-07-04", country="") == ("", "")


def test_an_unknown_country_is_refused_with_its_name():
    with pytest.raises(ValueError, match=r"holiday_country must be a country code with a calendar.*got 'XX'"):
        named("2023-12-25", country="XX")
