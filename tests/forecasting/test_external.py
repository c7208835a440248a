import numpy as np
import pytest

from forecasting.errors import InputError
from forecasting.external import external_rows, read_external
from forecasting.hours import hour_of_date

QUANTILES = """\
date,group,quantile,units
2024-01-02,r1,0.1,8
2024-01-01,r1,0.9,20
2024-01-01,r1,0.1,10
2024-01-02,r1,0.9,16
2024-01-05,total,0.5,7
"""
PATHS = """\
hour_utc,group,path,units
2024-01-01T00:00:00Z,r1,7,1
2024-01-01T01:00:00Z,r1,7,2
2024-01-01T00:00:00Z,r1,2,3
2024-01-01T01:00:00Z,r1,2,4
"""


def read(folder, text):
    path = folder / "theirs.csv"
    path.write_text(text)
    return read_external(path)


def test_quantiles_are_sorted_by_name_day_and_level(tmp_path):
    r1, total = read(tmp_path, QUANTILES).quantiles
    assert (r1.name, total.name) == ("r1", "total")
    np.testing.assert_allclose(r1.levels, [0.1, 0.9])
    np.testing.assert_allclose(r1.units, [[10, 20], [8, 16]])
    np.testing.assert_array_equal(r1.days * 24, [hour_of_date("2024-01-01"), hour_of_date("2024-01-02")])


def test_paths_are_sorted_by_number_and_hour(tmp_path):
    paths = read(tmp_path, PATHS).paths
    assert paths.names == ("r1",)
    assert paths.hours[0] == hour_of_date("2024-01-01")
    np.testing.assert_allclose(paths.units, [[[3, 4]], [[1, 2]]])


def test_a_name_is_the_sum_of_its_rows(tmp_path):
    external = read(tmp_path, "date,group,quantile,units\n2024-01-01,r1,0.5,1\n2024-01-01,r2/b,0.5,1\n")
    rows = external_rows(external, row_pools=["r1/a", "r2/b", "r2/c", None], row_groups=["r1", "r2", "r2", "r1"])
    assert {name: found.tolist() for name, found in rows.items()} == {"r1": [0, 3], "r2/b": [1]}
    total = read(tmp_path, "date,group,quantile,units\n2024-01-01,total,0.5,1\n")
    assert external_rows(total, row_pools=["a", None], row_groups=["", ""])["total"].tolist() == [0, 1]


def test_names_that_nobody_has_or_that_share_demand_are_refused_together(tmp_path):
    external = read(
        tmp_path, "date,group,quantile,units\n2024-01-01,r1,0.5,1\n2024-01-01,r1/a,0.5,1\n2024-01-01,r22,0.5,1\n"
    )
    with pytest.raises(InputError) as caught:
        external_rows(external, row_pools=["r1/a", "r2/b"], row_groups=["r1", "r2"])
    assert "theirs.csv is refused, 2 problems" in str(caught.value)
    assert "'r22' must be a pool, a group or `total`, and is none. Did you mean 'r2'" in str(caught.value)
    assert "'r1/a' must not share demand with another name, got 'r1' too" in str(caught.value)
