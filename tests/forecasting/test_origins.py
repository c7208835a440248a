import numpy as np
import pytest

from forecasting.level import fit_levels
from forecasting.origins import DEFAULT_RULE, chosen_rule, median_bias, miss_table, rolling_origins

DAYS = np.arange(19_000, 19_400)


@pytest.mark.parametrize("n_days", [42, 100, 401])
def test_origins_are_whole_weeks_before_the_end(n_days):
    origins = rolling_origins(n_days)
    assert origins[-1] == n_days
    assert set(np.diff(origins)) == {7}
    assert 28 <= origins[0] < 35


def test_misses_agree_with_a_plain_loop():
    rng = np.random.default_rng(0)
    logs = np.cumsum(0.1 * rng.standard_normal(120))
    days = DAYS[:120]
    fits = fit_levels(logs, days, rolling_origins(120), intermittent=False)
    table = miss_table(logs, days, fits, DEFAULT_RULE)
    for row, origin in enumerate(fits.origins[:-1]):
        for horizon in range(table.shape[1]):
            if origin + horizon >= 120:
                assert np.isnan(table[row, horizon])
                continue
            grown = fits.slope[row] * DEFAULT_RULE.cumulated(np.array([horizon]))[0]
            said = fits.level[row] + grown + fits.weekday[row, days[origin + horizon] % 7]
            np.testing.assert_allclose(table[row, horizon], logs[origin + horizon] - said, atol=1e-12)


def test_a_steady_trend_asks_for_drift():
    logs = 0.005 * np.arange(400)[None]
    fits = [fit_levels(logs[0], DAYS, rolling_origins(400), intermittent=False)]
    assert chosen_rule(logs, DAYS, fits).shrink == 0.3


def test_a_level_that_swings_back_asks_for_no_drift():
    logs = 0.3 * np.sin(2 * np.pi * np.arange(400) / 120)[None]
    fits = [fit_levels(logs[0], DAYS, rolling_origins(400), intermittent=False)]
    assert chosen_rule(logs, DAYS, fits).shrink == 0.0


def test_too_few_origins_leave_the_default():
    logs = 0.005 * np.arange(42)[None]
    fits = [fit_levels(logs[0], DAYS[:42], rolling_origins(42), intermittent=False)]
    assert chosen_rule(logs, DAYS[:42], fits) == DEFAULT_RULE


def test_bias_is_the_median_miss_and_stays_where_few_origins_reach():
    misses = np.full((9, 60), np.nan)
    misses[:, :40] = np.linspace(-0.1, 0.3, 9)[:, None]
    misses[:5, 40:] = 5.0
    bias = median_bias(misses)
    np.testing.assert_allclose(bias, 0.1)
    assert not median_bias(misses[:5]).any()
