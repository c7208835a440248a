import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.level import fit_levels, is_intermittent, log_daily, without_outages
from forecasting.origins import rolling_origins

DAYS = np.arange(19_000, 19_400)


def fitted(logs, origins=None, *, intermittent=False):
    days = DAYS[: len(logs)]
    origins = rolling_origins(len(logs)) if origins is None else np.array(origins)
    return fit_levels(np.asarray(logs, dtype=float), days, origins, intermittent=intermittent)


@given(slope=st.floats(-0.01, 0.01), level=st.floats(-5, 10))
def test_a_straight_line_is_carried_on_at_least_in_part(slope, level):
    fits = fitted(level + slope * np.arange(300))
    last = np.full(60, len(fits.origins) - 1)
    predicted = fits.predicted(last, np.arange(60), np.arange(DAYS[0] + 300, DAYS[0] + 360))
    grown = (predicted - level - slope * 299) / np.arange(1, 61)
    assert np.all(grown * np.sign(slope) >= -1e-9)
    assert np.all(np.abs(grown) <= abs(slope) * 1.3 + 1e-9)


def test_an_origin_predicts_its_level_on_the_day_before_it():
    fits = fitted(np.full(300, 3.0))
    np.testing.assert_allclose(fits.predicted(np.array([-1]), np.array([-1]), np.array([0])), 3.0)


def test_weekdays_are_found_and_carried_on():
    weekday = np.array([0.1, 0.2, 0.1, 0.0, 0.0, -0.2, -0.2])
    fits = fitted(1.0 + weekday[DAYS[:300] % 7])
    np.testing.assert_allclose(fits.weekday[-1], weekday, atol=1e-9)
    np.testing.assert_allclose(fits.combination.levels[-1], 1.0, atol=1e-9)


@pytest.mark.slow
@given(cut=st.integers(60, 299))
def test_a_fit_reads_nothing_after_its_origin(cut):
    rng = np.random.default_rng(cut)
    logs = rng.standard_normal(300)
    origins = rolling_origins(300)
    changed = logs.copy()
    changed[cut:] = 99.0
    before = origins <= cut
    one, other = fitted(logs), fitted(changed)
    np.testing.assert_array_equal(one.weekday[before], other.weekday[before])
    for name in ("levels", "slopes", "weights"):
        of_one, of_other = getattr(one.combination, name), getattr(other.combination, name)
        np.testing.assert_allclose(of_one[before], of_other[before], rtol=1e-9, atol=1e-12)


def test_an_origin_before_a_group_is_old_enough_has_no_fit():
    logs = np.full(100, np.nan)
    logs[60:] = 1.0
    fits = fitted(logs, [60, 74, 95, 100])
    assert fits.is_known.tolist() == [False, False, True, True]
    young = np.full(100, np.nan)
    young[95:] = 1.0
    assert fitted(young, [72, 100]).is_known.tolist() == [False, True]  # the end of history always has one


def test_log_of_days_without_demand_has_a_floor_and_starts_at_birth():
    logs = log_daily(np.array([0.0, 2.0, 0.0, 4.0, 3.0]))
    np.testing.assert_allclose(logs, [np.nan, *np.log([2, 0.03, 4, 3])])
    assert np.isnan(log_daily(np.zeros(4))).all()


def test_an_outage_does_not_move_the_level_but_a_low_level_does():
    units = np.full(200, 10.0)
    units[192:] = 0.0
    filled = without_outages(log_daily(units), units)
    np.testing.assert_allclose(filled, np.log(10.0))
    low = np.where(np.arange(200) < 190, 10.0, 1.0)
    np.testing.assert_allclose(without_outages(log_daily(low), low), np.log(low))


def test_a_gap_too_long_to_be_an_outage_keeps_its_floor():
    units = np.full(200, 10.0)
    units[60:160] = 0.0
    assert without_outages(log_daily(units), units)[110] == np.log(0.1)


def test_patchy_demand_is_recognised_by_its_last_eight_weeks():
    units = np.tile([1.0, 0.0, 0.0, 1.0], 50)
    assert is_intermittent(units)
    assert not is_intermittent(np.concatenate([units, np.ones(56)]))
    assert not is_intermittent(np.concatenate([np.zeros(90), np.ones(10)]))
    fits = fitted(np.log(np.maximum(units, 0.01)), intermittent=True)
    np.testing.assert_allclose(np.exp(fits.combination.levels[-1]), 0.505)
    assert not fits.combination.slopes.any()
