from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from optimizer.segments import segments_of


@pytest.mark.parametrize("seed", range(5))
def test_hours_of_a_segment_hold_the_same_batches_and_count_the_same(invent, seed: int):
    problem = invent.problem(seed, invent.wish())
    discount = np.where(np.arange(len(problem.hours)) < 4, 1.0, 0.9)
    problem = replace(problem, discount=discount)
    segments = segments_of(problem)
    active = problem.batches.active(problem.hours)
    state = np.vstack([active, problem.in_window[None], problem.discount[None]])
    for number in range(segments.n_segments):
        inside = segments.of_hour == number
        assert np.ptp(state[:, inside], axis=1).max() == 0
        assert_allclose(segments.hours[number], problem.hour_weights[inside].sum())
        assert segments.first_hour[number] == problem.hours[inside][0]
    changes = np.any(np.diff(state, axis=1) != 0, axis=0)
    assert np.all(np.diff(segments.of_hour)[changes] == 1)


def test_nothing_bought_and_nothing_discounted_is_one_segment(build):
    assert segments_of(build.problem([[[1.0, 2.0]]], on_demand_usd=[1.0])).n_segments == 1
