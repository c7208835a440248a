import numpy as np
from numpy.testing import assert_allclose

from forecasting.declared_relations import Relation
from forecasting.drivers import read_drivers
from forecasting.hours import hour_of_date
from optimizer.jobs.tracking.driver_bias import driver_biases

DRIVERS = """\
date,driver,value,known_from
2024-01-01,dau,1000,
2024-03-01,dau,1200,2024-01-15
2024-03-31,dau,1200,2024-01-15
2024-03-01,dau,1500,2024-03-02
2024-03-31,dau,1500,2024-03-31
2024-01-01,price,2,
"""


def test_a_driver_is_off_by_what_was_measured_over_what_the_plan_was_told(tmp_path):
    """+20 % was expected of the users and +50 % came: 1.25 times, of which demand makes 1.25 ** 0.8."""
    (tmp_path / "drivers.csv").write_text(DRIVERS)
    first = hour_of_date("2024-03-01") // 24
    relation = Relation(groups=("east",), elasticities=(("dau", 0.8),))
    found = driver_biases(read_drivers(tmp_path / "drivers.csv"), (relation,), days=np.arange(first, first + 30))
    dau, price = found
    assert (dau.name, dau.target, dau.elasticity) == ("dau", "east", 0.8)
    assert_allclose((dau.actual_factor, dau.effect_fraction), (1.25, 1.25**0.8 - 1))
    assert (price.name, price.elasticity, price.actual_factor) == ("price", None, 1.0)
