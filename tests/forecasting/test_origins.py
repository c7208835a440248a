import numpy as np
import pytest

from forecasting.level import fit_levels
from forecasting.origins import miss_table, rolling_origins

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
    table = miss_table(logs, days, fits)
    for row, origin in enumerate(fits.origins[:-1]):
        for horizon in range(table.shape[1]):
            if origin + horizon >= 120:
                assert np.isnan(table[row, horizon])
                continue
            said = fits.predicted(np.array([row]), np.array([horizon]), days[origin + horizon, None])[0]
            np.testing.assert_allclose(table[row, horizon], logs[origin + horizon] - said, atol=1e-12)
