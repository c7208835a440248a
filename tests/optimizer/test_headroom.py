import numpy as np
import pytest
from numpy.testing import assert_allclose

from forecasting.hours import hour_of_date
from forecasting.scenarios import Scenarios
from optimizer.calendar_dates import Timeline
from optimizer.headroom import (
    HeadroomNeed,
    firm_requirements,
    headroom_needs,
)
from optimizer.headroom_policy import ImpactPart, MitigationPart
from optimizer.policy import Headroom, Policy
from optimizer.pools import Pool

START = hour_of_date("2024-01-01")


def _pool(**declared: float) -> Pool:
    return Pool(name="web", **declared)


def _scenarios(units: list[list[float]], n_hours: int) -> Scenarios:
    demand = np.repeat(np.array(units)[:, :, None], n_hours, axis=2)
    n = len(units)
    return Scenarios(
        pools=("web",),
        hours=START + np.arange(n_hours),
        hour_weights=np.ones(n_hours),
        weights=np.full(n, 1.0 / n),
        units=demand,
    )


def test_a_need_is_the_peak_quantile_plus_the_fraction_for_each_month():
    scenarios = _scenarios([[10.0], [20.0], [30.0], [40.0]], 40 * 24)
    policy = Policy(headroom=Headroom(fraction=0.25, quantile=0.75))
    january, february = headroom_needs(scenarios, [_pool()], np.array([1.0]), policy)
    assert_allclose([january.required_units, february.required_units], 37.5)
    assert february.month == january.month + 1
    assert january.on_demand_units is None


def test_without_a_fraction_the_peak_is_reported_and_nothing_is_required():
    (need,) = headroom_needs(_scenarios([[10.0]], 24), [_pool()], np.array([1.0]), Policy())
    assert need.fraction is None
    assert_allclose(need.required_units, 10.0)
    assert firm_requirements([need], [_pool()], _timeline([START], 24)) == ()


def _timeline(dates: list[int], n_hours: int) -> Timeline:
    end = START + n_hours
    return Timeline(
        decision_hours=np.array(dates),
        tail_hours=np.array([], dtype=int),
        start_hour=START,
        end_hour=end,
        valued_end_hour=end,
    )


def _need(required_units: float, on_demand_units: float | None) -> HeadroomNeed:
    return HeadroomNeed(
        pool_index=0,
        month=54 * 12,
        fraction=0.1,
        required_units=required_units,
        on_demand_units=on_demand_units,
    )


def test_requirements_are_cut_at_decision_dates():
    second = START + 10 * 24
    first, then = firm_requirements([_need(12.0, 5.0)], [_pool()], _timeline([START, second], 31 * 24))
    assert (first.start_hour, first.end_hour) == (START, second)
    assert (then.start_hour, then.end_hour) == (second, START + 31 * 24)
    assert first.units == then.units == 7.0
    assert first.label == "headroom of web in 2024-01 from date 1"
    assert then.label == "headroom of web in 2024-01 from date 2"


@pytest.mark.parametrize("on_demand_units", [None, 12.0, 20.0], ids=["not declared", "just enough", "plenty"])
def test_nothing_is_required_where_on_demand_serves_or_is_not_declared(on_demand_units: float | None):
    assert firm_requirements([_need(12.0, on_demand_units)], [_pool()], _timeline([START], 31 * 24)) == ()


def test_expected_loss_takes_calendar_credits_and_decided_work_into_account():
    scenarios = _scenarios([[10.0], [20.0]], 31 * 24)
    rate = np.array([1.0])  # 7,440 USD for the ten units between the peaks, which are exceeded with a chance of 0.5

    def units(*, decided: bool = False, factor: float = 1.0, **declared: float) -> float:
        """Capacity that is asked for."""
        calendar = (ImpactPart(name="new year", factor=factor, start="2024-01-01", end="2024-01-01"),)
        work = (MitigationPart(name="cells", pools=("web",), blast_factor=0.5, decided=decided, start="2024-01-01"),)
        headroom = Headroom(by="expected_loss", impact_calendar=calendar, mitigations=work)
        return headroom_needs(scenarios, [_pool(**declared)], rate, Policy(headroom=headroom))[0].required_units

    free = {"on_demand_quota_units": 10.0, "on_demand_availability_fraction": 1.0}
    credits = {"sla_affected_fraction": 0.5, "sla_monthly_bill_usd": 1e4, "sla_credit_fraction": 0.4}
    assert units(impact_usd_per_hour=14_000.0, **free) == 10.0
    assert units(impact_usd_per_hour=15_000.0, **free) == 20.0
    assert units(impact_usd_per_hour=15_000.0, decided=True, **free) == 10.0
    assert units(impact_usd_per_hour=14_000.0, factor=2.0, **free) == 20.0
    assert units(impact_usd_per_hour=14_000.0, **free, **credits) == 20.0  # 2,000 USD of credits
    assert units(sla_affected_fraction=1.0, sla_monthly_bill_usd=1e6, sla_credit_fraction=0.1, **free) == 20.0
