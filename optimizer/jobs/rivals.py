"""What a plan is compared with: all on-demand, keeping what is owned, and buying by looking back 30 days.

Not here: the plan itself, the billing rules.
"""

from collections.abc import Callable, Iterator

import numpy as np

from forecasting.arrays import BoolArray, FloatArray
from forecasting.history import History
from forecasting.scenarios import Scenarios
from optimizer.assembly import Market
from optimizer.billing.bill import Bill
from optimizer.billing.replay import BillOptions, bill_portfolio
from optimizer.calendar_dates import Timeline
from optimizer.jobs.judge import Judged, judge, sum_up
from optimizer.look_back import LOOK_BACK_DAYS, LOOK_BACK_HOURS, LookBackRule, look_back_rule
from optimizer.portfolio import Commitment


def all_on_demand(
    market: Market, scenarios: Scenarios, *, on_bill: Callable[[Bill, float], None] | None = None
) -> Judged:
    """No commitment and no spot: every unit at its on-demand rate; `on_bill` is given each bill and its weight."""
    return judge(market, (), scenarios, spot_units=np.zeros(scenarios.units.shape), on_bill=on_bill)


def look_back(
    market: Market,
    history: History,
    scenarios: Scenarios,
    timeline: Timeline,
    *,
    spot_available: BoolArray | None = None,
) -> Judged | None:
    """The look-back rule, followed on each date in each scenario; None where no compute savings plan is sold.

    Spot is there where `spot_available`, of shape (n_scenarios, n_pools, n_hours), says so; None: not drawn.
    """
    rule = look_back_rule(market)
    if rule is None:
        return None
    bought = _look_back_quantities(rule, history, scenarios, timeline)
    bills = _bills(rule, bought, scenarios, timeline, spot_available)
    return sum_up(bills, scenarios.weights)


def _look_back_quantities(rule: LookBackRule, history: History, scenarios: Scenarios, timeline: Timeline) -> FloatArray:
    """Commitment bought on each date in each scenario. Shape (n_dates, n_scenarios). [USD/h]"""
    n_scenarios, n_pools, _n_hours = scenarios.units.shape
    past = np.zeros((n_pools, LOOK_BACK_HOURS))
    last = min(timeline.start_hour, history.end_hour)  # a history that ends before as-of is looked back on from its end
    seen = history.between(last - LOOK_BACK_HOURS, last)
    for row, pool in enumerate(scenarios.pools):
        if pool in seen.pools:
            past[row] = seen.units[seen.pools.index(pool)]
    served = rule.served
    own = served.first_row[rule.offer.offer_id]
    bought = np.zeros((len(timeline.decision_hours), n_scenarios))
    for place, date in enumerate(timeline.decision_hours):
        inside = (scenarios.hours >= date - LOOK_BACK_HOURS) & (scenarios.hours < date)
        n_known = max(LOOK_BACK_HOURS - (int(date) - timeline.start_hour), 0)
        known = np.broadcast_to(past[:, LOOK_BACK_HOURS - n_known :], (n_scenarios, n_pools, n_known))
        recent = np.concatenate([known, scenarios.units[:, :, inside]], axis=2)
        hour_weights = np.concatenate([np.ones(n_known), scenarios.hour_weights[inside]])
        held = np.zeros((len(served.offers), n_scenarios))
        for owned in rule.market.commitments:
            if owned.start_hour <= date < owned.end_hour:
                held[rule.instrument_at(owned, int(date))] += owned.quantity
        running = timeline.decision_hours[:place] + rule.offer.term_hours > date
        held[own] += bought[:place][running].sum(axis=0)
        bought[place] = rule.committed_hourly_usd(recent, held, hour_weights)
    return bought


def _bills(
    rule: LookBackRule,
    bought: FloatArray,
    scenarios: Scenarios,
    timeline: Timeline,
    spot_available: BoolArray | None,
) -> Iterator[Bill]:
    """Bill each scenario under what is owned and what the rule bought in it."""
    market = rule.market
    for row, units in enumerate(scenarios.units):
        new = tuple(
            Commitment(
                commitment_id=f"look-back-{place}",
                offer_id=rule.offer.offer_id,
                quantity=float(bought[place, row]),
                start_hour=int(date),
                end_hour=int(date) + rule.offer.term_hours,
            )
            for place, date in enumerate(timeline.decision_hours)
        )
        there = None if spot_available is None else spot_available[row]
        options = BillOptions(hour_weights=scenarios.hour_weights, spot_available=there)
        yield bill_portfolio(market.catalog, market.pools, (*market.commitments, *new), scenarios.hours, units, options)


LOOK_BACK_TITLE = f"Savings plans only, last {LOOK_BACK_DAYS} days, anew on each date"
