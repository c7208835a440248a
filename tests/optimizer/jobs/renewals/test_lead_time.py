"""Hardware that takes four days to come: ordered that long before it serves, at the cost that the plan counts."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from optimizer.assembly import AddedBatch, assemble, with_added
from optimizer.hardware import Hardware
from optimizer.jobs.renewals.choices import ChoiceKind
from optimizer.jobs.renewals.renewing import RenewalContext, renewing_choices
from optimizer.offers import Offer, OfferKind
from optimizer.portfolio import Commitment

DAY, LEAD, LIFE = 24, 4 * 24, 20 * 24
WEB, API = "us-east-1/m5.xlarge", "us-east-1/c6g.xlarge"
RACK = Offer(
    offer_id="rack",
    kind=OfferKind.OWNED_HARDWARE,
    provider="aws",
    region="us-east-1",
    pools=(WEB, API),
    draw=np.ones(2),
    hourly_usd=0.1,
    upfront_usd=60.0,
    term_months=0,
    payment_option="all",
    given_term_hours=LIFE,
    hardware=Hardware(lead_hours=LEAD, salvage_usd=(20.0,), from_hours=(0, LIFE // 2), until_hours=(LIFE // 2, LIFE)),
)


@pytest.fixture(scope="module")
def run(small):
    return small({WEB: [[10.0] * 12], API: [[2.0] * 12]}, [], offers=(RACK,))


def renewed(run, end_day):
    """Choices for a rack whose life ends on a day."""
    owned = Commitment(
        commitment_id="old", offer_id="rack", quantity=3.0, start_hour=end_day * DAY - LIFE, end_hour=end_day * DAY
    )
    context = RenewalContext(market=run.market, timeline=run.timeline, until_hour=12 * DAY)
    return {choice.kind: choice for choice in renewing_choices(owned, RACK, context)}


def test_what_serves_on_the_day_of_the_end_is_ordered_its_lead_time_before(run):
    renew = renewed(run, 10)[ChoiceKind.RENEW]
    assert (renew.at_hour, renew.decide_by_hour) == (10 * DAY, 6 * DAY)
    batch = renew.buys.batch
    assert (batch.start_hour, batch.end_hour, batch.decision_hour) == (10 * DAY, 10 * DAY + LIFE, 6 * DAY)
    assert renew.notes[-1] == "It serves 4 days after it is ordered."


def test_what_comes_too_late_says_so(run):
    renew = renewed(run, 1)[ChoiceKind.RENEW]
    assert (renew.at_hour, renew.decide_by_hour, renew.buys.batch.decision_hour) == (4 * DAY, 0, 0)
    assert renew.notes[-1] == "It serves 4 days after it is ordered: 3 days after the end."


def test_a_later_purchase_serves_its_lead_time_after_the_date(run):
    later = renewed(run, 1)[ChoiceKind.BUY_LATER]
    assert (later.decide_by_hour, later.at_hour) == (6 * DAY, 10 * DAY)
    assert (later.buys.batch.start_hour, later.buys.batch.decision_hour) == (10 * DAY, 6 * DAY)


@pytest.mark.parametrize("sells_at_end", [False, True])
def test_added_hardware_costs_and_serves_what_the_plans_own_does(run, sells_at_end):
    timeline = replace(run.timeline, sells_at_end=sells_at_end)
    known = assemble(
        run.posed.window, run.market, timeline, discount_rate_yearly=0.1, risk_lambda=0.0, keep_dominated=False
    )
    added = AddedBatch(offer=RACK, start_hour=LEAD, end_hour=LEAD + LIFE, decision_hour=0)
    both = with_added(known, (added,), run.market, timeline, discount_rate_yearly=0.1)
    own = int(np.flatnonzero(known.problem.batches.start_hour == LEAD)[0])
    cost, quantity = both.problem.batches.cost_usd, np.eye(both.problem.batches.n_batches)
    assert_allclose(cost[-1], cost[own], rtol=1e-12)
    # its two ages stay two instruments: nothing is split again
    assert both.problem.instruments.names == known.problem.instruments.names == ("rack", "rack")
    assert_allclose(both.problem.held(quantity[-1]), both.problem.held(quantity[own]))
