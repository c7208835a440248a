import numpy as np
import pytest

from forecasting.models.robust_level import robust_level
from forecasting.models.structural import MIN_WEEKS, structural


@pytest.mark.slow
def test_a_straight_line_with_noise_is_followed(training_of):
    rng = np.random.default_rng(0)
    training = training_of(3.0 + 0.004 * np.arange(400) + 0.02 * rng.standard_normal(400))
    lines = structural(training)
    late = training.n_weeks_seen >= MIN_WEEKS + 8
    np.testing.assert_allclose(lines.slope[late], 0.004, atol=0.0015)
    np.testing.assert_allclose(lines.level[late], 3.0 + 0.004 * (training.origins[late] - 1), atol=0.05)


def test_a_step_is_the_new_level_within_a_month(training_of):
    rng = np.random.default_rng(1)
    logs = np.where(np.arange(400) < 365, 1.0, 2.0) + 0.02 * rng.standard_normal(400)
    assert abs(structural(training_of(logs)).level[-1] - 2.0) < 0.1


def test_noise_around_a_level_has_no_growth(training_of):
    lines = structural(training_of(2.0 + 0.1 * np.random.default_rng(2).standard_normal(400)))
    np.testing.assert_allclose(lines.slope[-1], 0.0, atol=0.001)
    np.testing.assert_allclose(lines.level[-1], 2.0, atol=0.1)


@pytest.mark.parametrize("logs", [np.full(400, 5.0), np.arange(160) * 0.01], ids=["constant", "short"])
def test_what_is_constant_or_short_takes_the_line_of_the_robust_level(training_of, logs):
    ours, fallback = structural(training_of(logs)), robust_level(training_of(logs))
    np.testing.assert_allclose(ours.level, fallback.level)
    np.testing.assert_allclose(ours.slope, fallback.slope)


@pytest.mark.slow
@pytest.mark.parametrize("cut", [400, 560])
def test_nothing_after_an_origin_is_read(check_no_look_ahead, training_of, cut):
    """Variances are estimated after 38, 64 and 90 weeks here."""
    rng = np.random.default_rng(cut)
    logs = 0.05 * rng.standard_normal(630).cumsum() + 0.05 * rng.standard_normal(630)
    training = training_of(logs)
    own = np.abs(structural(training).level - robust_level(training).level) > 1e-6
    assert own[(training.origins > 280) & (training.origins <= cut)].all()
    check_no_look_ahead(structural, logs, cut)


def test_the_first_half_year_takes_the_line_of_the_robust_level(training_of):
    training = training_of(np.random.default_rng(3).standard_normal(330).cumsum() * 0.1)
    early = training.n_weeks_seen < 20
    np.testing.assert_allclose(structural(training).level[early], robust_level(training).level[early])


@pytest.mark.parametrize(
    "logs",
    [
        np.where(np.arange(400) < 250, 5.0, 7.0),
        np.arange(400) * 0.01,
        np.where(np.arange(400) % 50 == 0, 40.0, -40.0),
        np.linspace(0, 1e6, 400),
    ],
    ids=["step without noise", "line without noise", "rare days", "huge"],
)
def test_odd_levels_give_finite_lines(training_of, logs):
    lines = structural(training_of(logs))
    assert np.isfinite(lines.level).all()
    assert np.isfinite(lines.slope).all()
