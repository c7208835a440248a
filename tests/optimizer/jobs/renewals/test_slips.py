"""At which slip the best choice changes, found between the slips that are tried."""

from types import SimpleNamespace

import numpy as np
import pytest

from optimizer.jobs.renewals.slips import FLIP_DAYS, SLIP_DAYS, slips_of


def priced(gap_usd):
    return SimpleNamespace(objective_usd=100.0, lower_bound_usd=100.0 - gap_usd)


def rising(*slopes):
    """Costs that rise by so much a day from the same cost, the first one 40 below."""

    def costs(event, days, held):
        assert (event, len(held)) == ("move", len(slopes))
        return np.array([100.0 + slope * days - (40.0 if place == 0 else 0.0) for place, slope in enumerate(slopes)])

    return costs


@pytest.mark.parametrize("slope", [0.5, 1.0, 4.0])
def test_a_flip_lies_where_two_costs_cross(slope):
    found = slips_of("move", [priced(0.0)] * 2, rising(slope, 0.0), first=0)
    (flip,) = found.flips
    assert (flip.before, flip.after) == (0, 1)
    assert 40.0 / slope <= flip.slip_days <= 40.0 / slope + FLIP_DAYS


def test_no_flip_where_the_first_stays_the_best():
    found = slips_of("move", [priced(0.0)] * 2, rising(0.1, 0.0), first=0)
    assert found.flips == ()
    assert found.best == (0,) * len(SLIP_DAYS)


def test_a_choice_is_left_only_for_one_that_is_better_by_more_than_the_gap():
    found = slips_of("move", [priced(0.0), priced(1_000.0)], rising(1.0, 0.0), first=0)
    assert found.flips == ()


def test_costs_of_every_slip_are_kept():
    found = slips_of("move", [priced(0.0)] * 2, rising(1.0, 0.0), first=0)
    np.testing.assert_allclose(found.cost_usd[:, 0], 60.0 + np.array(SLIP_DAYS))
