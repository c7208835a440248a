import numpy as np
import pytest

from forecasting.shifts import find_shifts

DAYS = np.arange(19_000, 19_900)


def series(seed=0, *, wander=0.004, noise=0.03):
    """Log demand of 900 days with growth, weeks and a season of the year."""
    rng = np.random.default_rng(seed)
    n = len(DAYS)
    season = 0.1 * np.sin(2 * np.pi * DAYS / 365.25)
    week = np.where(DAYS % 7 < 5, 0.1, 0.0)
    return 5 + 0.0005 * np.arange(n) + np.cumsum(rng.normal(0, wander, n)) + rng.normal(0, noise, n) + season + week


@pytest.mark.parametrize("size", [0.25, -0.25, 1.5])
@pytest.mark.parametrize("day", [60, 450, 860])
def test_a_lasting_step_is_found_on_its_day_with_its_size(size, day):
    logs = series()
    logs[day:] += size
    (shift,) = find_shifts(logs, DAYS)
    assert abs(shift.day - DAYS[day]) <= 1
    assert abs(shift.log_size - size) < 4 * shift.sd < 0.3


def test_two_shifts_are_sized_beside_each_other():
    logs = series(1)
    logs[300:] += 0.4
    logs[500:] -= 0.3
    first, second = find_shifts(logs, DAYS)
    np.testing.assert_allclose([first.log_size, second.log_size], [0.4, -0.3], atol=0.1)


@pytest.mark.parametrize("seed", range(6))
def test_growth_seasons_wandering_and_single_days_are_no_shifts(seed):
    logs = series(seed, wander=0.01)
    logs[np.random.default_rng(seed).integers(0, 900, 12)] += 0.7
    assert find_shifts(logs, DAYS) == ()


def test_what_goes_back_within_two_weeks_is_no_shift():
    logs = series(2)
    logs[400:409] -= 1.5
    assert find_shifts(logs, DAYS) == ()


def test_a_slow_ramp_is_no_shift():
    logs = series(3)
    logs += np.clip((np.arange(900) - 300) / 300, 0, 1) * 0.8
    assert find_shifts(logs, DAYS) == ()


def test_a_step_too_close_to_the_end_cannot_be_told_to_last():
    logs = series()
    logs[-8:] += 0.5
    assert find_shifts(logs, DAYS) == ()


def test_days_before_the_first_demand_are_left_out():
    logs = series()
    logs[450:] += 0.4
    logs[:100] = np.nan
    (shift,) = find_shifts(logs, DAYS)
    assert shift.day == DAYS[450]


@pytest.mark.parametrize("logs", [np.full(900, np.nan), np.zeros(900), np.zeros(40), np.linspace(0, 1, 900)])
def test_series_without_noise_or_without_days_have_no_shift(logs):
    assert find_shifts(logs, DAYS[: len(logs)]) == ()
