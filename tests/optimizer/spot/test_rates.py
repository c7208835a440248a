import numpy as np
import pytest

from optimizer.offers import Catalog
from optimizer.pools import Pool
from optimizer.spot.rates import effective_spot_usd, pays_while_there, promises, while_there_usd

NAN = float("nan")
CATALOG = Catalog(
    pools=("a", "b", "c", "d"),
    on_demand_usd=np.array([1.0, 2.0, 1.0, 1.0]),
    spot_usd=np.array([0.25, 0.6, NAN, 0.9]),
    offers=(),
)
DEADLINE = {
    "spot_availability": 0.5,
    "spot_outage_hours": 4.0,
    "deadline_window_hours": 2.0,
    "deadline_work_hours": 1.0,
}
POOLS = [
    Pool(name="a", spot_availability=0.8, interruption_overhead_fraction=0.2),
    Pool(name="b", **DEADLINE),
    Pool(name="c", **DEADLINE),
    Pool(name="d", interruption_overhead_fraction=0.5, **DEADLINE),
]


def test_rates_have_rework_and_what_runs_on_demand_in_between() -> None:
    np.testing.assert_allclose(while_there_usd(CATALOG, POOLS), [0.3, 0.6, NAN, 1.35])
    assert pays_while_there(CATALOG, POOLS).tolist() == [True, True, False, False]
    rate = effective_spot_usd(CATALOG, POOLS)
    assert rate[0] == pytest.approx(0.8 * 0.3 + 0.2 * 1.0)
    # gone in the first hour and in the second: 0.5 x (1 - 1/4)
    assert rate[1] == pytest.approx(0.6 + 0.375 * (2.0 - 0.6))
    assert np.isnan(rate[2])
    assert rate[3] > 1.0  # spot is used by nobody, deadline or not


def test_a_promise_is_told_where_there_is_a_deadline_and_spot_pays() -> None:
    found = promises(CATALOG, POOLS)
    assert [promise is not None for promise in found] == [False, True, False, False]
    assert found[1] is not None
    assert found[1].rate_usd == effective_spot_usd(CATALOG, POOLS)[1]
