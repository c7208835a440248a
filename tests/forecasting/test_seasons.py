import numpy as np

from forecasting.seasons import calendar_residuals, holiday_effects, yearly_season

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
