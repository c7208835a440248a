import numpy as np
import pytest

from forecasting.seasons import calendar_residuals, holiday_effects, workday_fractions, yearly_season

DAYS = np.arange(18_000, 18_000 + 1_096)


def season(days):
    return 0.2 * np.sin(2 * np.pi * days / 365.25) + 0.05 * np.cos(4 * np.pi * days / 365.25)


def test_a_season_that_returns_is_recovered_under_growth_and_noise():
    rng = np.random.default_rng(1)
    logs = 3.0 + 0.001 * np.arange(len(DAYS)) + season(DAYS) + 0.03 * rng.standard_normal(len(DAYS))
    found = yearly_season(logs, DAYS)
    assert found.reliability > 0.85
    future = np.arange(DAYS[-1] + 1, DAYS[-1] + 366)
    np.testing.assert_allclose(found.log_effect(future), season(future), atol=0.04)


def test_a_level_that_wanders_has_hardly_a_season():
    kept = [
        yearly_season(np.cumsum(0.02 * np.random.default_rng(seed).standard_normal(len(DAYS))), DAYS).reliability
        for seed in range(60)
    ]
    assert np.mean(kept) < 0.05


def test_less_than_two_years_have_no_season():
    assert yearly_season(season(DAYS[:730]), DAYS[:730]).reliability == 0.0
    assert not yearly_season(season(DAYS[:730]), DAYS[:730]).coefficients.any()


def test_a_constant_has_no_season():
    assert not np.any(np.abs(yearly_season(np.full(len(DAYS), 2.0), DAYS).coefficients) > 1e-9)


def test_a_holiday_seen_often_keeps_its_own_effect_and_a_rare_one_leans_on_the_others():
    rng = np.random.default_rng(2)
    residuals = 0.05 * rng.standard_normal((1, 1_000))
    names = [""] * 1_000
    for day in range(0, 800, 8):
        names[day] = "often"
        residuals[0, day] -= 0.5
    for k, day in enumerate(range(1, 400, 4)):
        names[day] = f"h{k % 10}"
        residuals[0, day] -= 0.1
    names[900], residuals[0, 900] = "once", -0.4
    effects = holiday_effects(residuals, names)
    np.testing.assert_allclose(effects["often"], -0.5, atol=0.02)
    np.testing.assert_allclose(effects["h3"], -0.1, atol=0.05)
    assert -0.4 < effects["once"] < effects[""] < 0


def test_holidays_without_any_effect_are_shrunk_to_nothing():
    rng = np.random.default_rng(3)
    names = ["" if k % 50 else f"h{k % 7}" for k in range(1_000)]
    effects = holiday_effects(0.1 * rng.standard_normal((1, 1_000)), names)
    assert max(abs(effect) for effect in effects.values()) < 0.06


def test_no_holiday_in_history_means_no_effect_at_all():
    assert holiday_effects(np.zeros((1, 10)), [""] * 10) == {"": 0.0}
    assert holiday_effects(np.full((1, 2), np.nan), ["", "x"]) == {"": 0.0}


def test_residuals_hold_neither_trend_nor_weekdays():
    weekday = np.array([0.0, 0.1, 0.2, 0.1, 0.0, -0.3, -0.4])
    logs = 2.0 + 0.002 * np.arange(400) + weekday[DAYS[:400] % 7]
    logs[200] -= 0.5
    residuals = calendar_residuals(logs, DAYS[:400], np.ones(400, dtype=bool))
    inside = np.delete(residuals, 200)[14:-14]
    assert np.abs(inside).max() < 0.02
    np.testing.assert_allclose(residuals[200], -0.5, atol=0.02)


WEEKDAY = np.array([0.0, 0.0, -0.5, -0.5, 0.0, 0.0, 0.0])
FRACTION = np.where(WEEKDAY < 0, 0.0, 1.0)


def a_week_of_holidays(drop, noise, seed=0):
    """Two years of log demand whose weekends are low; in one week of each year the working days fall by `drop`."""
    rng = np.random.default_rng(seed)
    days = DAYS[:730]
    names = ["week" if day in range(300, 307) or day in range(665, 672) else "" for day in range(730)]
    is_holiday = np.array([bool(name) for name in names])
    logs = 3.0 + WEEKDAY[days % 7] + drop * FRACTION[days % 7] * is_holiday + noise * rng.standard_normal(730)
    return logs, days, names, ~is_holiday


def test_a_week_of_holidays_shows_its_effect_on_working_days():
    logs, days, names, ordinary = a_week_of_holidays(-0.5, 0.02)
    residuals = calendar_residuals(logs, days, ordinary)[None]
    fraction = workday_fractions(logs, days, ordinary)
    np.testing.assert_allclose(fraction, FRACTION, atol=0.05)
    with_fraction = holiday_effects(residuals, names, workday_fraction=fraction[None, days % 7])
    np.testing.assert_allclose(with_fraction["week"], -0.5, atol=0.03)
    without = holiday_effects(residuals, names)
    np.testing.assert_allclose(without["week"], -0.5 * 5 / 7, atol=0.03)


def test_an_effect_is_the_least_squares_fit_on_fractions():
    rng = np.random.default_rng(4)
    residuals = np.concatenate([0.001 * rng.standard_normal((1, 200)), np.zeros((1, 30))], axis=1)
    names = [""] * 200 + ["h"] * 30
    fraction = np.ones((1, 230))
    fraction[0, 200:] = rng.uniform(0, 1, 30)
    residuals[0, 200:] = -0.3 * fraction[0, 200:] + 0.05 * rng.standard_normal(30)
    slope = np.linalg.lstsq(fraction[0, 200:, None], residuals[0, 200:], rcond=None)[0][0]
    np.testing.assert_allclose(holiday_effects(residuals, names, workday_fraction=fraction)["h"], slope, rtol=1e-3)


def test_a_holiday_seen_on_quiet_days_alone_says_nothing():
    rng = np.random.default_rng(5)
    residuals = 0.01 * rng.standard_normal((1, 300))
    names = ["quiet" if day % 100 == 50 else "busy" if day % 100 == 20 else "" for day in range(300)]
    fraction = np.where(np.array(names) == "quiet", 0.0, 1.0)[None]
    residuals[0, np.array(names) == "busy"] -= 0.2
    effects = holiday_effects(residuals, names, workday_fraction=fraction)
    assert set(effects) == {"", "busy"}
    only_quiet = ["" if name == "busy" else name for name in names]
    assert holiday_effects(residuals, only_quiet, workday_fraction=fraction) == {"": 0.0}


def test_what_happened_once_on_a_holiday_is_shrunk_the_more_the_noisier_demand_is():
    kept = []
    for noise in (0.02, 0.1, 0.3):
        rng = np.random.default_rng(1)
        residuals = noise * rng.standard_normal((1, 1_000))
        names = ["" if day % 50 else f"h{day // 50}" for day in range(1_000)]
        names[990], residuals[0, 990] = "once", 1.0
        kept.append(holiday_effects(residuals, names)["once"])
    assert 1.0 > kept[0] > kept[1] > kept[2]
    assert kept[2] < 0.6


def test_days_of_the_week_that_do_not_differ_have_all_to_lose():
    rng = np.random.default_rng(6)
    ordinary = np.ones(400, dtype=bool)
    np.testing.assert_allclose(workday_fractions(0.1 * rng.standard_normal(400), DAYS[:400], ordinary), 1.0)
    np.testing.assert_allclose(workday_fractions(np.full(400, 2.0), DAYS[:400], ordinary), 1.0)
    np.testing.assert_allclose(workday_fractions(np.full(400, np.nan), DAYS[:400], ordinary), 1.0)


def test_the_busiest_day_of_the_week_has_all_to_lose_and_the_quietest_nothing():
    weekday = np.array([0.3, 0.1, 0.0, -0.2, 0.2, 0.3, 0.1])
    found = workday_fractions(1.0 + weekday[DAYS[:400] % 7], DAYS[:400], np.ones(400, dtype=bool))
    np.testing.assert_allclose(found, (weekday + 0.2) / 0.5, atol=1e-9)


@pytest.mark.parametrize("n_holidays", [3, 14, 30, 60])
def test_a_long_row_of_holidays_bends_no_trend(n_holidays):
    days = DAYS[:400]
    ordinary = np.ones(400, dtype=bool)
    ordinary[200 : 200 + n_holidays] = False
    logs = 2.0 + 0.002 * np.arange(400) + WEEKDAY[days % 7] - 0.4 * ~ordinary
    residuals = calendar_residuals(logs, days, ordinary)
    np.testing.assert_allclose(residuals[~ordinary], -0.4, atol=0.05)  # a median lags by days
    np.testing.assert_allclose(residuals[21:-21][ordinary[21:-21]], 0.0, atol=0.05)
