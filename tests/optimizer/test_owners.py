"""Files of owners: what they may say, and that nobody's usage is lost."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from forecasting.errors import InputError
from forecasting.hours import hour_of_date
from optimizer.owners import UNALLOCATED, declared_owners, read_cost_centers, read_owner_units
from optimizer.pools import Pool

START = hour_of_date("2025-01-01")
HOURS = range(START, START + 2)
DEMAND = np.array([[10.0, 4.0], [1.0, 0.0]])
HEADER = "hour_utc,pool,owner,units\n"
FIRST, SECOND = "2025-01-01T00:00:00Z", "2025-01-01T01:00:00Z"


def owners(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "owners.csv"
    path.write_text(HEADER + "".join(row + "\n" for row in rows))
    return path


def read(path: Path) -> dict[tuple[str, str], np.ndarray]:
    return read_owner_units(path, pools=("web", "api"), hours=HOURS, demand=DEMAND)


def test_what_no_owner_has_is_unallocated(tmp_path: Path):
    path = owners(tmp_path, f"{FIRST},web,shop,6", f"{FIRST},web,'=1+1,1", f"{SECOND},web,shop,4")
    units = read(path)
    assert set(units) == {("web", "shop"), ("web", "=1+1"), ("web", UNALLOCATED)}
    assert_allclose(sum(units.values()), DEMAND[0])
    assert_allclose(units["web", UNALLOCATED], [3.0, 0.0])


def test_hours_outside_the_window_are_left_alone(tmp_path: Path):
    units = read(owners(tmp_path, "2024-12-31T23:00:00Z,web,shop,99", f"{FIRST},web,shop,10"))
    assert_allclose(units["web", "shop"], [10.0, 0.0])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([f"{FIRST},wep,shop,1"], r"row 1: must be a pool with usage in the window, got 'wep'. Did you mean 'web'\?"),
        ([f"{FIRST},web,(platform),1"], r"column 'owner', row 1: must not be \(platform\) and \(unallocated\)"),
        ([f"{FIRST},web,shop,1", f"{FIRST},web,shop,2"], r"row 2: hour, pool and owner must be there once"),
        ([f"{FIRST},web,shop,7", f"{FIRST},web,ads,4"], r"must have at most its units, got 11 of 10 at 2025-01-01T00"),
        ([f"{FIRST},web,shop,-1"], r"column 'units', row 1: must be >= 0"),
    ],
    ids=["pool", "name", "twice", "more", "negative"],
)
def test_a_wrong_file_is_refused(rows: list[str], message: str, tmp_path: Path):
    with pytest.raises(InputError, match=message):
        read(owners(tmp_path, *rows))


def test_owners_are_declared_by_pool_then_by_account():
    declared = {"web": Pool(name="web", owner="shop", account="1"), "api": Pool(name="api", account="2")}
    pools = ("web", "api", "new")
    assert declared_owners(pools, declared, by="owner") == {"web": "shop", "api": "2", "new": UNALLOCATED}
    assert declared_owners(pools, declared, by="account") == {"web": "1", "api": "2", "new": UNALLOCATED}


def test_cost_centers_are_a_join_by_service(tmp_path: Path):
    path = tmp_path / "cmdb.csv"
    path.write_text("service,cost_center\nshop,CC-1\nads,CC-2\n")
    assert read_cost_centers(path) == {"shop": "CC-1", "ads": "CC-2"}
    assert read_cost_centers(None) == {}
    path.write_text("service,cost_center\nshop,CC-1\nshop,CC-2\n")
    with pytest.raises(InputError, match="must be there once, got 'shop' in row 1 too"):
        read_cost_centers(path)
