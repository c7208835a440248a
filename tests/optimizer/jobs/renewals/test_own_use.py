"""What of one commitment idles, and what it costs to run old and new together."""

from dataclasses import replace

import numpy as np
from numpy.testing import assert_allclose

from forecasting.roadmap import Event, EventKind, RampShape
from optimizer.jobs.renewals.futures import draining_events, sampled, within_hours
from optimizer.jobs.renewals.own_use import overlap, own_use

DAY = 24
WEB, API = "us-east-1/m5.xlarge", "us-east-1/c6g.xlarge"


def migration(start_day, end_day, **fields):
    known = {
        "name": "move",
        "kind": EventKind.MIGRATION,
        "from_pools": (WEB,),
        "to_shares": ((API, 1.0),),
        "conversion": 0.9,
        "start_hour": start_day * DAY,
        "end_hour": end_day * DAY,
        "shape": RampShape.STEP,
        "size": 1.0,
    }
    return Event(**(known | fields))


def test_idle_hours_are_shared_by_what_is_held(small, owned):
    run = small({WEB: [[10.0] * 6 + [4.0] * 6]}, [owned(6.0, 12), replace(owned(6.0, 12), commitment_id="other")])
    problem = run.posed.assembled.problem
    used = own_use(problem, np.nan_to_num(problem.batches.fixed_quantity), [0], in_window=True)
    # both run from day 6 on: twelve units for four of work, so that four of the six idle
    assert_allclose(used.idle_usd, [4.0 * 6 * DAY * 0.5])
    assert_allclose(used.idle_unit_hours, [4.0 * 6 * DAY])
    assert_allclose(used.held_usd, 6.0 * 6 * DAY * 0.5)


def test_double_bubble_is_what_the_event_leaves_unused_and_the_same_work_where_it_moved(small, owned):
    moved = small({WEB: [[10.0] * 9 + [0.0] * 3], API: [[0.0] * 9 + [9.0] * 3]}, [owned(10.0, 12)])
    stays = small({WEB: [[10.0] * 12], API: [[0.0] * 12]}, [owned(10.0, 12)])
    problems = (moved.posed.assembled.problem, stays.posed.assembled.problem)
    quantity = np.nan_to_num(problems[0].batches.fixed_quantity)
    found = overlap(problems, quantity, [0], [migration(9, 10)])
    assert_allclose(found.stranded_usd, 10 * 3 * DAY * 0.5)
    assert_allclose(found.new_capacity_usd, 10 * 3 * DAY * 0.9 * 0.8)


def test_an_event_that_ends_in_itself_has_no_new_capacity(small, owned):
    gone = small({WEB: [[10.0] * 9 + [0.0] * 3]}, [owned(10.0, 12)])
    stays = small({WEB: [[10.0] * 12]}, [owned(10.0, 12)])
    problems = (gone.posed.assembled.problem, stays.posed.assembled.problem)
    quantity = np.nan_to_num(problems[0].batches.fixed_quantity)
    found = overlap(problems, quantity, [0], [migration(9, 10, kind=EventKind.SHUTDOWN, to_shares=())])
    assert_allclose([found.stranded_usd, found.new_capacity_usd], [10 * 3 * DAY * 0.5, 0.0])


def test_an_event_inside_a_wide_plan_takes_nothing_from_it(small):
    offers = {
        offer.offer_id: offer for offer in small({WEB: [[1.0] * 12], API: [[1.0] * 12]}, []).market.catalog.offers
    }
    event = migration(2, 3)
    at = {"before_hour": 10 * DAY, "as_of_hour": 0}
    assert draining_events((event,), offers["plan"], **at) == ()
    assert draining_events((event,), offers["six"], **at) == (event,)
    assert draining_events((event,), offers["six"], before_hour=2 * DAY, as_of_hour=0) == ()
    assert draining_events((event,), offers["six"], before_hour=10 * DAY, as_of_hour=3 * DAY) == ()


def test_sampled_hours_stand_for_all(small):
    problem = small({WEB: [[10.0] * 12]}, []).posed.assembled.problem
    assert_allclose(sampled(problem).hour_weights.sum(), 12 * DAY)
    part = within_hours(problem, DAY, 2 * DAY)
    assert (part.hours[0], part.hours[-1], part.demand.shape) == (DAY, 2 * DAY - 1, (1, 1, DAY))
