import numpy as np
import pytest
from numpy.testing import assert_allclose

from optimizer.billing.gcp.order import settle
from optimizer.billing.settlement import Holding, Reach, Stage, UsageLines


def usage_of(units, on_demand_usd=None, accounts=None, idle=()):
    units = np.atleast_2d(np.asarray(units, dtype=float))
    n_lines = len(units)
    return UsageLines(
        names=tuple(f"line{row}" for row in range(n_lines)),
        accounts=("",) * n_lines if accounts is None else tuple(accounts),
        on_demand_usd=np.ones(n_lines) if on_demand_usd is None else on_demand_usd,
        units=units,
        idle_lines=frozenset(idle),
    )


def holding(label, stage, draws, quantity, **changes):
    return Holding(
        label=label,
        stage=stage,
        lines=list(draws),
        draw=list(draws.values()),
        quantity=np.atleast_1d(np.asarray(quantity, dtype=float)),
        **changes,
    )


def test_a_commitment_of_8_vcpus_covers_8_of_24():
    """cloud.google.com/compute/docs/instances/signing-up-committed-use-discounts: 16 are left at the standard price."""
    settled = settle(usage_of([[24.0]]), [holding("cud", Stage.REGIONAL_RESERVATION, {0: 1.0}, 8.0)])
    assert_allclose(settled.on_demand_units, [[16.0]])
    assert_allclose(settled.used_quantity, [[8.0]])


def test_vcpus_and_memory_are_committed_apart():
    usage = usage_of([[24.0], [96.0]])
    cores = holding("cores", Stage.REGIONAL_RESERVATION, {0: 1.0}, 30.0)
    memory = holding("memory", Stage.REGIONAL_RESERVATION, {1: 1.0}, 30.0)
    settled = settle(usage, [cores, memory])
    assert_allclose(settled.on_demand_units[:, 0], [0.0, 66.0])
    assert_allclose(settled.used_quantity[:, 0], [24.0, 30.0])


def test_resource_commitments_come_before_flexible_ones():
    flexible = holding("flexible", Stage.COMPUTE_PLAN, {0: 0.2}, 0.2)
    resource = holding("resource", Stage.REGIONAL_RESERVATION, {0: 1.0}, 1.0)
    assert set(settle(usage_of([[1.0]]), [flexible, resource]).covered_units) == {"resource"}


@pytest.mark.parametrize("is_reversed", [False, True])
def test_commitments_of_one_project_come_before_shared_ones(is_reversed):
    held = [
        holding(reach.name, Stage.REGIONAL_RESERVATION, {0: 1.0}, 1.0, reach=reach)
        for reach in (Reach.ACCOUNT, Reach.SHARED)
    ]
    settled = settle(usage_of([[1.5]]), held[::-1] if is_reversed else held)
    assert_allclose(settled.covered_units["ACCOUNT"], [[1.0]])
    assert_allclose(settled.covered_units["SHARED"], [[0.5]])


def test_of_flexible_commitments_the_greatest_discount_comes_first():
    usage = usage_of([[1.0], [1.0]])
    one_year = holding("28 %", Stage.COMPUTE_PLAN, {0: 0.72, 1: 0.72}, 0.72)
    three_years = holding("46 %", Stage.COMPUTE_PLAN, {0: 0.54, 1: 0.6}, 0.54)
    settled = settle(usage, [one_year, three_years])
    assert_allclose(settled.covered_units["46 %"][:, 0], [1.0, 0.0])
    assert_allclose(settled.covered_units["28 %"][:, 0], [0.0, 1.0])


def test_running_machines_are_covered_before_idle_reserved_capacity():
    usage = usage_of([[1.0], [1.0]], on_demand_usd=[2.0, 1.0], idle=[0])
    settled = settle(usage, [holding("flexible", Stage.COMPUTE_PLAN, {0: 0.5, 1: 0.5}, 0.5)])
    assert_allclose(settled.on_demand_units[:, 0], [1.0, 0.0])


def test_what_is_not_shared_stays_in_its_own_project():
    usage = usage_of([[1.0], [1.0]], accounts=["mine", "theirs"])
    resource = holding("r", Stage.REGIONAL_RESERVATION, {0: 1.0, 1: 1.0}, 2.0, account="mine")
    assert_allclose(settle(usage, [resource], is_shared=False).on_demand_units[:, 0], [0.0, 1.0])
    assert_allclose(settle(usage, [resource]).on_demand_units, 0.0)
