import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.combination import (
    FAMILIES,
    GROWTH_HALF_LIFE_DAYS,
    LEAST_LOSS,
    LOSS_POWER,
    MAX_HORIZON_WEEKS,
    MIN_ORIGINS,
    Combination,
    combined,
    growth_days,
)
from forecasting.models.lines import Training
from forecasting.origins import rolling_origins

N_FAMILIES = len(FAMILIES)


def trained(logs):
    return Training(logs=np.asarray(logs, dtype=np.float64), origins=rolling_origins(len(logs)))


def wandering(n_days, seed=0):
    rng = np.random.default_rng(seed)
    return 0.03 * rng.standard_normal(n_days).cumsum() + 0.05 * rng.standard_normal(n_days)


def weighted_median(values, weights):
    """Value at half of the weight, straight lines between the middles of the weights."""
    pairs = sorted(zip(values, weights, strict=True))
    below, middles = 0.0, []
    for _, weight in pairs:
        middles.append(below + weight / 2)
        below += weight
    return np.interp(0.5, middles, [value for value, _ in pairs])


@given(seed=st.integers(0, 10**6), n_families=st.integers(2, 7))
def test_the_forecast_is_the_weighted_median_of_the_lines(seed, n_families):
    rng = np.random.default_rng(seed)
    levels, slopes = rng.normal(size=(3, n_families)), 0.01 * rng.normal(size=(3, n_families))
    weights = rng.gamma(0.5, size=(3, n_families)) + 1e-9
    weights /= weights.sum(axis=1, keepdims=True)
    combination = Combination(levels=levels, slopes=slopes, weights=weights)
    rows, ahead = np.array([[0], [1], [2]]), np.array([[1, 30, 364]])
    found = combination.predicted(rows, ahead)
    for row in range(3):
        for column, days in enumerate((1, 30, 364)):
            lines = levels[row] + slopes[row] * growth_days(float(days))
            np.testing.assert_allclose(found[row, column], weighted_median(lines, weights[row]), atol=1e-9)


def test_equal_weights_give_the_plain_median_and_one_astray_changes_nothing():
    levels = np.array([[5.0, 1.0, 2.0, 4.0, 3.0], [500.0, 1.0, 2.0, 4.0, 3.0]])
    combination = Combination(levels=levels, slopes=np.zeros((2, 5)), weights=np.full((2, 5), 0.2))
    np.testing.assert_allclose(combination.predicted(np.arange(2), np.array([1, 1])), 3.0)


def test_more_than_half_of_the_weight_decides_alone_where_it_stands_at_an_end():
    combination = Combination(levels=[[1.0, 2.0, 9.0]], slopes=np.zeros((1, 3)), weights=[[0.0001, 0.0001, 0.9998]])
    np.testing.assert_allclose(combination.predicted(np.array([0]), np.array([1])), 9.0, atol=0.01)


@given(seed=st.integers(0, 10**6), shift=st.floats(-5, 5), growth=st.floats(-0.01, 0.01))
def test_what_is_added_to_every_line_is_added_to_their_median(seed, shift, growth):
    rng = np.random.default_rng(seed)
    levels, slopes, raw = rng.normal(size=(1, 5)), 0.01 * rng.normal(size=(1, 5)), rng.gamma(1.0, size=(1, 5)) + 0.01
    plain = Combination(levels=levels, slopes=slopes, weights=raw / raw.sum())
    moved = Combination(levels=levels + shift, slopes=slopes + growth, weights=raw / raw.sum())
    ahead = np.array([1, 90, 700])
    rows = np.zeros(3, dtype=np.int64)
    added = moved.predicted(rows, ahead) - plain.predicted(rows, ahead)
    np.testing.assert_allclose(added, shift + growth * growth_days(ahead), atol=1e-9)


@pytest.mark.parametrize("days", [1, 90, 365, 1_095])
def test_growth_is_the_sum_of_slopes_that_halve_every_year(days):
    steps = 2.0 ** (-(np.arange(0, days, 0.001) + 0.0005) / GROWTH_HALF_LIFE_DAYS)
    np.testing.assert_allclose(growth_days(days), steps.sum() * 0.001, rtol=1e-6)


def test_growth_after_one_half_life_is_half_of_all_that_comes():
    whole = growth_days(1e9)
    np.testing.assert_allclose(whole, GROWTH_HALF_LIFE_DAYS / np.log(2.0))
    np.testing.assert_allclose(growth_days(GROWTH_HALF_LIFE_DAYS), whole / 2.0)


def weights_naively(training, levels, slopes):
    """Weights of the last origin, by a loop over horizons, families and earlier origins."""
    ends = [int(origin - len(training.logs) % 7) // 7 for origin in training.origins]
    weekly = [np.median(training.logs[len(training.logs) - 7 * k :][:7]) for k in range(len(training.logs) // 7, 0, -1)]
    losses = np.zeros(N_FAMILIES)
    n_horizons = 0
    for ahead in range(1, MAX_HORIZON_WEEKS + 1):
        known = [row for row, end in enumerate(ends) if end + ahead <= ends[-1]]
        if len(known) < MIN_ORIGINS:
            continue
        n_horizons += 1
        for family in range(N_FAMILIES):
            misses = [
                weekly[ends[row] + ahead - 1] - levels[row, family] - slopes[row, family] * growth_days(7 * ahead - 3.0)
                for row in known
            ]
            losses[family] += np.mean(np.abs(misses))
    raw = np.maximum(losses / max(n_horizons, 1), LEAST_LOSS) ** -LOSS_POWER
    return raw / raw.sum() if n_horizons else np.full(N_FAMILIES, 1 / N_FAMILIES)


@pytest.mark.parametrize("n_days", [45, 100, 300])
def test_weights_are_those_of_a_plain_loop_over_what_had_come_by_then(n_days):
    training = trained(wandering(n_days))
    made = combined(training)
    np.testing.assert_allclose(made.weights[-1], weights_naively(training, made.levels, made.slopes), rtol=1e-9)
    np.testing.assert_allclose(made.weights.sum(axis=1), 1.0)


def test_the_first_origins_weigh_all_families_alike():
    made = combined(trained(wandering(120)))
    np.testing.assert_allclose(made.weights[:MIN_ORIGINS], 1.0 / N_FAMILIES)
    assert np.ptp(made.weights[-1]) > 0.01


def test_families_that_never_missed_weigh_alike():
    made = combined(trained(np.full(200, 3.0)))
    np.testing.assert_allclose(made.weights, 1.0 / N_FAMILIES, rtol=1e-6)
    np.testing.assert_allclose(made.predicted(np.array([-1]), np.array([200])), 3.0, atol=1e-6)


def test_lines_stand_in_the_order_of_the_families():
    training = trained(wandering(200))
    made = combined(training)
    for column, fit in enumerate(FAMILIES.values()):
        lines = fit(training)
        np.testing.assert_array_equal(made.levels[:, column], lines.level)
        np.testing.assert_array_equal(made.slopes[:, column], lines.slope)


@pytest.mark.slow
@pytest.mark.parametrize("cut", [90, 420])
def test_neither_lines_nor_weights_read_anything_after_an_origin(cut):
    logs = wandering(500, seed=1)
    one, other = (combined(trained(values)) for values in (logs, np.where(np.arange(500) < cut, logs, 50.0)))
    before = rolling_origins(500) <= cut
    for name in ("levels", "slopes", "weights"):
        np.testing.assert_allclose(getattr(one, name)[before], getattr(other, name)[before], rtol=1e-8, atol=1e-10)


def test_a_line_gives_most_weight_to_the_families_that_follow_it():
    rng = np.random.default_rng(4)
    made = combined(trained(0.003 * np.arange(500) + 0.02 * rng.standard_normal(500)))
    weight = dict(zip(FAMILIES, made.weights[-1], strict=True))
    assert weight["discounted trend"] > weight["theta"]
    assert weight["discounted trend"] > weight["robust level"]
