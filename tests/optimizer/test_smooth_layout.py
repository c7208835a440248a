import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from optimizer.cover import cover_classes
from optimizer.segments import segments_of
from optimizer.smooth_layout import layers_of, relieved_pairs, tasks_of, wide_classes_of

seeds = st.integers(0, 10**6)


@settings(max_examples=20)
@given(seed=seeds)
def test_every_hour_of_every_scenario_is_in_one_task_of_its_segment(invent, seed: int):
    problem = invent.problem(seed, invent.wish())
    segments = segments_of(problem)
    tasks = tasks_of(problem, segments)
    seen = np.zeros((len(problem.weights), len(problem.hours)), dtype=int)
    for scenario, first, last, segment in zip(tasks.scenario, tasks.first, tasks.last, tasks.segment, strict=True):
        seen[scenario, first:last] += 1
        assert set(segments.of_hour[first:last]) == {segment}
    assert_array_equal(seen, 1)
    assert_array_equal(tasks.segment[tasks.of_segment], np.arange(segments.n_segments))


@settings(max_examples=20)
@given(seed=seeds)
def test_every_class_has_its_place_dearest_first_and_best_saving_first(invent, seed: int):
    problem = invent.problem(seed, invent.wish(plans="real"))
    classes = cover_classes(problem.instruments, split_by_fee=True)
    layers, wide = layers_of(classes), wide_classes_of(problem, classes)
    assert sorted([*layers.classes, *wide.classes]) == list(range(classes.n_classes))
    for above, below in zip(layers.fee_usd, layers.fee_usd[1:], strict=False):
        assert np.all(above >= below)
    for row, draw in enumerate(wide.draw):
        order = wide.order[wide.start[row] : wide.start[row + 1]]
        saving = problem.on_demand_usd[order] / draw[order]
        assert np.all(np.diff(saving) <= 0.0)
        assert_array_equal(wide.rank[row, order], np.arange(len(order)))


def test_a_plan_relieves_reservations_whose_idling_costs_less_than_its_own(build):
    problem = build.problem(
        [[[1.0], [1.0]]],
        on_demand_usd=[1.0, 1.0],
        instruments=[
            build.instrument(draw=(1.0, np.nan), fee_usd=0.6),
            build.instrument(draw=(np.nan, 1.0), fee_usd=0.8),
            build.instrument(draw=(1.0, np.nan), fee_usd=0.5),
            build.instrument(draw=(0.7, 0.7), fee_usd=1.0),
        ],
        batches=[build.batch(instrument=row) for row in range(4)],
    )
    classes = cover_classes(problem.instruments, split_by_fee=True)
    layer, pool, gain = relieved_pairs(layers_of(classes), wide_classes_of(problem, classes))
    assert_array_equal(pool, [0, 0])
    assert_array_equal(layer, [1, 0])
    assert_allclose(gain, [1.0 - 0.5 / 0.7, 1.0 - 0.6 / 0.7])
