import numpy as np
from numpy.testing import assert_allclose

from optimizer.cover import CoverClasses
from optimizer.least_stranded import strand_least

NAN = float("nan")


def _classes(fee_usd: list[float]) -> CoverClasses:
    return CoverClasses(
        draw=np.array([[1.0, NAN], [0.6, 0.6]]),
        class_of=np.array([0, 1]),
        scale=np.ones(2),
        fee_usd=np.array(fee_usd),
        floor_pool=np.array([-1, -1]),
    )


def test_an_idle_plan_takes_over_from_a_reservation_with_a_lower_fee_per_unit():
    held = np.array([[4.0], [1.2]])
    cover = {(0, 0): np.array([4.0]), (1, 0): np.zeros(1), (1, 1): np.zeros(1)}
    used = strand_least(cover, held, _classes([0.5, 1.0]))
    # each unit handed over strands 0.5 USD of the reservation and saves 0.6 USD of the plan
    assert_allclose(used, [[2.0], [1.2]])
    assert_allclose(cover[0, 0] + cover[1, 0], [4.0])


def test_a_reservation_with_the_higher_fee_per_unit_stays_in_use():
    held = np.array([[4.0], [1.2]])
    cover = {(0, 0): np.array([4.0]), (1, 0): np.zeros(1), (1, 1): np.zeros(1)}
    assert_allclose(strand_least(cover, held, _classes([0.7, 1.0])), [[4.0], [0.0]])
