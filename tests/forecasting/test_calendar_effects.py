import numpy as np
import pytest

from forecasting.calendar_effects import fit_calendar
from forecasting.calendars import CHRISTMAS_WEEK, holiday_names

FIRST_DAY = 18_993  # 2022-01-01, a Saturday
N_DAYS = 640
DAYS = FIRST_DAY + np.arange(N_DAYS)
WEEKEND = np.isin(DAYS % 7, (2, 3))  # 1970-01-01 was a Thursday
NAMES = np.array(holiday_names(DAYS, country="US"), dtype=object)


def logs(seed, *, drop=-0.4, weekend=-0.4, noise=0.01):
    """Log demand that falls on holidays to what a weekend has, and no further."""
    rng = np.random.default_rng(seed)
    working = np.where(NAMES != "", drop, 0.0)
    return 3.0 + np.where(WEEKEND, weekend, working) + noise * rng.standard_normal(N_DAYS)


def fitted(series, *, country="US", intermittent=None):
    return fit_calendar(np.asarray(series), DAYS, country=country, intermittent=intermittent or [False] * len(series))


def test_a_week_of_holidays_costs_its_working_days_and_nothing_on_its_weekend():
    calendar = fitted([logs(0), logs(1)])
    week = np.flatnonzero(NAMES == CHRISTMAS_WEEK)
    assert WEEKEND[week].any()
    effect = calendar.holiday_log_effect(0, DAYS[week])
    np.testing.assert_allclose(effect[~WEEKEND[week]], -0.4, atol=0.03)
    np.testing.assert_allclose(effect[WEEKEND[week]], 0.0, atol=0.03)


def test_ordinary_days_have_no_effect_and_the_next_year_has_the_same_holidays():
    calendar = fitted([logs(0), logs(1)])
    np.testing.assert_allclose(calendar.log_effect(0, DAYS[NAMES == ""]), 0.0, atol=1e-12)
    christmas = np.array([20_082])  # 2024-12-25, a Wednesday after the data
    assert holiday_names(christmas, country="US") == ("Christmas Day",)
    np.testing.assert_allclose(calendar.log_effect(0, christmas), -0.4, atol=0.05)


def test_means_and_peaks_have_effects_of_their_own():
    calendar = fitted([logs(0, drop=-0.4), logs(1, drop=-0.1, weekend=-0.1)])
    thanksgiving = DAYS[NAMES == "Thanksgiving Day"]
    np.testing.assert_allclose(calendar.log_effect(0, thanksgiving), -0.4, atol=0.05)
    np.testing.assert_allclose(calendar.log_effect(1, thanksgiving), -0.1, atol=0.05)


def test_a_group_too_young_for_holidays_takes_those_of_the_others():
    young = np.where(np.arange(N_DAYS) < N_DAYS - 60, np.nan, logs(2))
    calendar = fitted([logs(0), young, logs(1), young])
    thanksgiving = DAYS[NAMES == "Thanksgiving Day"]
    np.testing.assert_allclose(calendar.holiday_log_effect(1, thanksgiving), -0.4, atol=0.05)


def test_a_patchy_group_has_no_calendar_and_teaches_none():
    patchy = np.where(np.arange(N_DAYS) % 3 == 0, 5.0, -5.0)
    calendar = fitted([patchy, logs(0), patchy, logs(1)], intermittent=[True, False, True, False])
    np.testing.assert_allclose(calendar.log_effect(0, DAYS), 0.0)
    alone = fitted([logs(0), logs(1)])
    np.testing.assert_allclose(calendar.log_effect(1, DAYS), alone.log_effect(0, DAYS))


def test_without_a_country_no_day_is_a_holiday():
    calendar = fitted([logs(0), logs(1)], country="")
    np.testing.assert_allclose(calendar.log_effect(0, DAYS), 0.0)


def test_the_effect_is_the_sum_of_holiday_and_season():
    days = FIRST_DAY + np.arange(1_000)
    rng = np.random.default_rng(0)
    series = 0.3 * np.sin(2 * np.pi * days / 365.25) + 0.02 * rng.standard_normal(1_000)
    calendar = fit_calendar(np.stack([series, series]), days, country="US", intermittent=[False] * 2)
    assert calendar.seasons[0].reliability > 0.8
    season = calendar.log_effect(0, days) - calendar.holiday_log_effect(0, days)
    np.testing.assert_allclose(season, calendar.seasons[0].log_effect(days), atol=1e-12)
    np.testing.assert_allclose(season, 0.3 * np.sin(2 * np.pi * days / 365.25), atol=0.06)


@pytest.mark.parametrize("values", [np.full(N_DAYS, 2.0), np.full(N_DAYS, np.nan)], ids=["constant", "unborn"])
def test_odd_series_have_no_effect(values):
    calendar = fitted([values, values])
    np.testing.assert_allclose(calendar.log_effect(1, DAYS), 0.0, atol=1e-9)
