import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from forecasting.level import DriftRule, fit_levels, is_intermittent, log_daily, without_outages
from forecasting.origins import rolling_origins

RULE = DriftRule(shrink=1.0, half_life_days=1e9)
DAYS = np.arange(19_000, 19_400)


def fitted(logs, origins=None, *, intermittent=False):
    days = DAYS[: len(logs)]
    origins = rolling_origins(len(logs)) if origins is None else np.array(origins)
    return fit_levels(np.asarray(logs, dtype=float), days, origins, intermittent=intermittent)


@given(slope=st.floats(-0.01, 0.01), level=st.floats(-5, 10))
def test_a_straight_line_is_carried_on_by_the_undamped_rule(slope, level):
    logs = level + slope * np.arange(300)
    fits = fitted(logs)
    last = np.full(60, len(fits.origins) - 1)
    future = np.arange(DAYS[0] + 300, DAYS[0] + 360)
    predicted = fits.predicted(last, np.arange(60), future, RULE)
    np.testing.assert_allclose(predicted, level + slope * np.arange(300, 360), atol=1e-6)


def test_weekdays_are_found_and_carried_on():
    weekday = np.array([0.1, 0.2, 0.1, 0.0, 0.0, -0.2, -0.2])
    fits = fitted(1.0 + weekday[DAYS[:300] % 7])
    np.testing.assert_allclose(fits.weekday[-1], weekday, atol=1e-9)
    np.testing.assert_allclose(fits.level[-1], 1.0, atol=1e-9)


def test_a_few_spikes_move_neither_level_nor_slope():
    logs = np.zeros(300)
    logs[[290, 295, 299]] = 2.0
    fits = fitted(logs)
    np.testing.assert_allclose([fits.level[-1], fits.slope[-1]], 0.0, atol=1e-9)


def test_growth_fades_to_a_finite_total():
    rule = DriftRule(shrink=0.3, half_life_days=180.0)
    days = rule.cumulated(np.array([0, 90, 3_650, 36_500]))
    assert np.all(np.diff(days) >= 0)
    np.testing.assert_allclose(days[-1], 0.3 / (1 - 0.5 ** (1 / 180)))
    np.testing.assert_allclose(rule.cumulated(np.array([1])) - rule.cumulated(np.array([0])), 0.29, atol=0.01)


@given(cut=st.integers(60, 299))
def test_a_fit_reads_nothing_after_its_origin(cut):
    rng = np.random.default_rng(cut)
    logs = rng.standard_normal(300)
    origins = rolling_origins(300)
    changed = logs.copy()
    changed[cut:] = 99.0
    before = origins <= cut
    one, other = fitted(logs), fitted(changed)
    for name in ("level", "slope", "weekday"):
        np.testing.assert_array_equal(getattr(one, name)[before], getattr(other, name)[before])


def test_an_origin_before_a_group_is_old_enough_has_no_fit():
    logs = np.full(100, np.nan)
    logs[60:] = 1.0
    fits = fitted(logs, [60, 74, 95, 100])
    assert np.isnan(fits.level).tolist() == [True, True, False, False]
    young = np.full(100, np.nan)
    young[95:] = 1.0
    assert np.isnan(fitted(young, [72, 100]).level).tolist() == [True, False]  # the end of history always has one


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
    np.testing.assert_allclose(np.exp(fits.level[-1]), 0.505)
    assert not fits.slope.any()
