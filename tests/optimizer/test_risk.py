import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.risk import conditional_value_at_risk


@given(seed=st.integers(0, 10**6), level=st.floats(0.05, 0.95))
def test_cvar_is_the_mean_of_the_worst_part(seed: int, level: float):
    rng = np.random.default_rng(seed)
    values, weights = rng.normal(size=7), rng.dirichlet(np.ones(7))
    left, total = 1.0 - level, 0.0
    for place in np.argsort(-values):
        part = min(weights[place], left)
        total, left = total + part * values[place], left - part
    assert_allclose(conditional_value_at_risk(values, weights, level=level), total / (1.0 - level), atol=1e-9)
