import numpy as np
import pytest

from forecasting.baseline import fit_baseline
from forecasting.daily import daily_history
from forecasting.paths import TRAINED_DAYS, draw_plan

N_HISTORY = 300


@pytest.fixture(scope="module")
def fleet(make_history):
    """Two groups of two pools with correlated noise; the second pool of the first group is born late."""
    rng = np.random.default_rng(0)
    noise = np.repeat(np.cumsum(0.01 * rng.standard_normal((4, N_HISTORY)), axis=1), 24, axis=1)
    units = np.array([[50.0], [20.0], [30.0], [5.0]]) * np.exp(noise)
    units[1, : 24 * 200] = 0.0
    past = make_history(units, pools=("g/a", "g/b", "h/a", "h/b"))
    return daily_history(past, (), as_of_hour=past.end_hour)


@pytest.fixture(scope="module")
def baseline(fleet):
    given = {"holiday_country": "", "declared_spans": (None,) * 4, "vouched_days": 0}
    return fit_baseline(fleet, **given, rng=np.random.default_rng(1))


@pytest.fixture(scope="module")
def draws(baseline):
    return baseline.draw(n_paths=30, n_days=400, rng=np.random.default_rng(2))


@pytest.fixture(scope="module")
def plan(draws):
    return draws.paths


def test_every_day_of_a_path_has_a_historical_day_of_the_same_weekday(fleet, plan):
    future = fleet.origin_day + np.arange(400)
    assert np.all(fleet.days[plan.columns] % 7 == future % 7)


def test_a_path_reads_only_days_after_the_origin_it_is_seen_from(baseline, plan):
    origins = baseline.model.fits[0].origins
    assert np.all(plan.columns >= origins[plan.origin_rows])
    assert plan.columns.max() < N_HISTORY


def test_stretches_are_contiguous_and_every_break_is_listed(plan):
    path, before = np.nonzero((np.diff(plan.columns, axis=1) != 1) | (np.diff(plan.origin_rows, axis=1) != 0))
    assert set(zip(path.tolist(), (before + 1).tolist(), strict=True)) <= {
        (path, day) for path, day, _ in plan.starts.tolist()
    }


def test_first_stretches_are_dealt_by_age_among_trained_origins(baseline, plan):
    origins = baseline.model.fits[0].origins
    rows, counts = np.unique(plan.origin_rows[:, 0], return_counts=True)
    assert origins[rows].min() >= TRAINED_DAYS
    eligible = np.arange(rows.min(), rows.max() + 1)
    fair = 0.5 ** ((N_HISTORY - origins[eligible]) / 365.0)
    dealt = np.zeros(len(eligible))
    dealt[rows - rows.min()] = counts
    assert np.abs(dealt - 30 * fair / fair.sum()).max() <= 1.0


def test_pools_and_unnamed_demand_sum_to_the_group_on_every_path_and_day(baseline, draws):
    days = np.arange(0, 400, 7)
    units = baseline.daily_units(draws, days)
    for group in range(2):
        level = np.exp(
            baseline.central_logs(group, baseline.model.history.days[-1] + 1 + days)
            + baseline.model.misses(draws.paths, group)[:, days]
        )
        np.testing.assert_allclose(units[:, baseline.rows(group)].sum(axis=1), level)


def test_the_hours_of_a_day_have_the_sampled_mean(baseline, draws):
    first = int(baseline.model.history.days[-1] + 1) * 24
    hourly = baseline.hourly_units(draws, np.arange(first, first + 24 * 20)).reshape(30, 6, 20, 24)
    np.testing.assert_allclose(hourly.mean(axis=3), baseline.daily_units(draws, np.arange(20)))


def test_misses_are_those_of_the_origins_on_the_first_stretch(baseline, plan):
    model = baseline.model
    misses = model.misses(plan, 1)
    for path in (0, 7):
        row, column = plan.origin_rows[path, 20], plan.columns[path, 20]
        horizon = column - model.fits[1].origins[row]
        said = model.fits[1].predicted(np.array([row]), np.array([horizon]), model.history.days[column, None])[0]
        miss = (model.history.logs[1, column] - said) * model.history.noise_scales[1, column]
        np.testing.assert_allclose(misses[path, 20], miss - plan.centre[1, 20])


def test_a_stretch_goes_on_from_where_the_one_before_stood(baseline, plan):
    misses = baseline.model.misses(plan, 0)
    path, day, tail = plan.starts[0]
    first = baseline.model.misses(plan.of(np.array([path])), 0)[0]
    np.testing.assert_array_equal(first, misses[path])
    stood = np.median(misses[path, day - tail : day])
    assert abs(np.median(misses[path, day : day + 7]) - stood) < 0.15


def test_the_spread_keeps_growing_beyond_the_longest_stretch(baseline):
    plan = draw_plan(baseline.model, n_paths=200, n_days=1_500, rng=np.random.default_rng(3))
    misses = baseline.model.misses(plan, 1)
    spread = misses[:, [60, 250, 1_400]].std(axis=0)
    assert spread[0] < spread[1] < spread[2]


def test_a_subset_of_the_draws_gives_the_same_paths(baseline, draws):
    chosen = np.array([3, 11, 29])
    days = np.array([0, 150, 399])
    some, every = baseline.daily_units(draws.of(chosen), days), baseline.daily_units(draws, days)
    np.testing.assert_array_equal(some, every[chosen])


def test_a_short_history_gets_a_generic_spread(make_history):
    past = make_history(np.full(24 * 42, 7.0))
    daily = daily_history(past, (), as_of_hour=past.end_hour)
    given = {"holiday_country": "US", "declared_spans": (None,), "vouched_days": 0}
    baseline = fit_baseline(daily, **given, rng=np.random.default_rng(0))
    draws = baseline.draw(n_paths=100, n_days=90, rng=np.random.default_rng(0))
    assert draws.paths.noise.shape == (1, 100, 90)
    spread = baseline.daily_units(draws, np.array([0, 89]))[:, 0].std(axis=0)
    assert 0 < spread[0] < spread[1] < 7.0


def test_the_median_path_is_the_central_forecast(baseline, plan):
    for series in range(4):
        np.testing.assert_allclose(np.median(baseline.model.misses(plan, series), axis=0), 0.0, atol=1e-9)
