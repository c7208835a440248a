import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from optimizer.report.forecast_scores import average


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_an_average_agrees_with_a_loop(values):
    found = average(values)
    mean = sum(values) / len(values)
    spread = math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
    np.testing.assert_allclose(found.mean, mean, rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(found.standard_error, spread / math.sqrt(len(values)), rtol=1e-6, atol=1e-3)


def test_what_is_not_known_does_not_count():
    assert average([1.0, math.nan, 3.0]).n_windows == 2
    assert math.isnan(average([1.0]).standard_error)
    assert math.isnan(average([]).mean)
