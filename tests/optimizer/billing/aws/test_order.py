import numpy as np
import pytest
from numpy.testing import assert_allclose

from optimizer.billing.aws.order import settle
from optimizer.billing.settlement import Holding, Stage, UsageLines

PUBLISHED_USAGE = {  # quantity, on-demand rate, Compute plan rate, EC2 Instance plan rate
    "r5.4xlarge": (4, 1.0, 0.7, 0.6),
    "fargate-vcpu": (400, 0.04, 0.03, None),
    "fargate-gb": (1600, 0.004, 0.003, None),
    "m5.24xlarge-windows": (1, 10.0, 8.2, 7.8),
    "lambda-gb-seconds": (1_500_000, 1.5e-5, 1.275e-5, None),
    "lambda-requests": (1, 0.2, 0.2, None),
}


def usage_of(units, on_demand_usd=None, accounts=None):
    units = np.atleast_2d(np.asarray(units, dtype=float))
    n_lines = len(units)
    return UsageLines(
        names=tuple(f"line{row}" for row in range(n_lines)),
        accounts=("",) * n_lines if accounts is None else tuple(accounts),
        on_demand_usd=np.ones(n_lines) if on_demand_usd is None else on_demand_usd,
        units=units,
    )


def holding(label, stage, draws, quantity, account=""):
    return Holding(
        label=label,
        stage=stage,
        account=account,
        lines=list(draws),
        draw=list(draws.values()),
        quantity=np.atleast_1d(np.asarray(quantity, dtype=float)),
    )


def published(commitments):
    """The worked example's usage under plans given as (stage, USD per hour, lines or None)."""
    rows = list(PUBLISHED_USAGE.values())
    usage = UsageLines(
        names=tuple(PUBLISHED_USAGE),
        accounts=("",) * len(rows),
        on_demand_usd=[row[1] for row in rows],
        units=[[row[0]] for row in rows],
    )
    holdings = []
    for label, (stage, quantity) in commitments.items():
        column = 2 if stage == Stage.COMPUTE_PLAN else 3
        eligible = rows if stage == Stage.COMPUTE_PLAN else rows[:1]
        holdings.append(holding(label, stage, {row: item[column] for row, item in enumerate(eligible)}, quantity))
    return usage, settle(usage, holdings)


def test_a_compute_plan_covers_equal_savings_from_the_lowest_rate_up():
    """A plan of 19.60 USD: r5 (30 %), then memory and vCPU (25 % each, the cheaper rate first); 52.30 USD in all.

    https://docs.aws.amazon.com/savingsplans/latest/userguide/sp-applying.html
    """
    usage, settled = published({"csp": (Stage.COMPUTE_PLAN, 19.6)})
    covered = settled.covered_units["csp"][:, 0]
    assert_allclose(covered, [4, 400, 1600, 0, 0, 0], atol=1e-9)
    on_demand_usd = settled.on_demand_units[:, 0] @ usage.on_demand_usd
    assert_allclose([on_demand_usd, 19.6 + on_demand_usd], [32.7, 52.3])


def test_an_instance_plan_comes_before_a_compute_plan_and_its_rest_is_lost():
    """EC2 Instance plan of 3.00 USD for r5 uses 2.40; the Compute plan of 16.80 USD covers Fargate; 52.50 USD in all.

    https://docs.aws.amazon.com/savingsplans/latest/userguide/sp-applying.html
    """
    usage, settled = published({"csp": (Stage.COMPUTE_PLAN, 16.8), "isp": (Stage.INSTANCE_PLAN, 3.0)})
    assert_allclose(settled.used_quantity[:, 0], [16.8, 2.4])
    assert_allclose(19.8 + settled.on_demand_units[:, 0] @ usage.on_demand_usd, 52.5)


def test_a_size_flexible_reservation_serves_the_smallest_size_first():
    """A regional m3.2xlarge (16 normalized units) covers two m3.large (4 each), then one of two m3.xlarge (8 each).

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/apply_ri.html
    """
    settled = settle(usage_of([[2], [2]]), [holding("ri", Stage.REGIONAL_RESERVATION, {0: 8.0, 1: 4.0}, 16.0)])
    assert_allclose(settled.on_demand_units[:, 0], [1, 0])


def test_a_zonal_reservation_of_another_account_precedes_the_owners_regional_one():
    """So that the regional reservation of A is free for B.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/apply_ri.html
    """
    usage = usage_of([[1], [1]], accounts=["A", "B"])
    regional = holding("A regional", Stage.REGIONAL_RESERVATION, {0: 1.0, 1: 1.0}, 1, account="A")
    zonal = holding("C zonal", Stage.ZONAL_RESERVATION, {0: 1.0}, 1, account="C")
    settled = settle(usage, [regional, zonal])
    assert_allclose(settled.covered_units["C zonal"][:, 0], [1, 0])
    assert_allclose(settled.covered_units["A regional"][:, 0], [0, 1])


@pytest.mark.parametrize(("account", "first"), [("A", 0), ("B", 1)])
def test_the_owner_is_served_before_the_organisation_even_at_a_smaller_saving(account, first):
    usage = usage_of([[2], [2]], accounts=["A", "B"])
    plan = holding("csp", Stage.COMPUTE_PLAN, {0: 0.5, 1: 0.25}, 0.5 if first else 1.0, account=account)
    covered = settle(usage, [plan]).covered_units["csp"][:, 0]
    assert covered[first] == 2
    assert covered[1 - first] == 0


def test_reservations_that_fit_fewer_lines_go_first():
    flexible = holding("flexible", Stage.REGIONAL_RESERVATION, {0: 1.0, 1: 2.0}, 1.0)
    exact = holding("exact", Stage.REGIONAL_RESERVATION, {0: 1.0}, 1.0)
    settled = settle(usage_of([[1], [1]]), [flexible, exact])
    assert_allclose(settled.covered_units["exact"][:, 0], [1, 0])
    assert_allclose(settled.covered_units["flexible"][:, 0], [0, 0.5])


def test_the_deeper_of_two_plans_of_one_type_covers_a_line_first():
    shallow = holding("one year", Stage.COMPUTE_PLAN, {0: 0.8}, 0.8)
    deep = holding("three years", Stage.COMPUTE_PLAN, {0: 0.5}, 0.5)
    settled = settle(usage_of([[1.5]]), [shallow, deep])
    assert_allclose(settled.used_quantity[:, 0], [0.4, 0.5])


def test_unused_commitment_is_lost_in_its_hour():
    plan = holding("csp", Stage.COMPUTE_PLAN, {0: 0.5}, [1.0, 1.0])
    settled = settle(usage_of([[0.0, 4.0]]), [plan])
    assert_allclose(settled.used_quantity, [[0.0, 1.0]])
    assert_allclose(settled.on_demand_units, [[0.0, 2.0]])


def test_a_draw_of_zero_is_refused():
    with pytest.raises(ValueError, match=r"'free': draw must be > 0"):
        holding("free", Stage.COMPUTE_PLAN, {0: 0.0}, 1.0)


def test_usage_of_the_wrong_shape_is_refused():
    with pytest.raises(ValueError, match=r"units must have shape \(1, n_columns\), got \(2, 1\)"):
        UsageLines(names=("a",), accounts=("",), on_demand_usd=[1.0], units=[[1.0], [2.0]])


def test_equal_discounts_are_a_tie_though_their_fractions_are_rounded_differently():
    usage = usage_of([[1], [1]], on_demand_usd=[1.0, 0.35])
    assert 1 - 0.2 / 1.0 > 1 - 0.07 / 0.35
    settled = settle(usage, [holding("csp", Stage.COMPUTE_PLAN, {0: 0.2, 1: 0.07}, 0.07)])
    assert_allclose(settled.covered_units["csp"][:, 0], [0, 1])
