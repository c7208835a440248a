from pathlib import Path

import pytest

from forecasting.errors import InputError
from optimizer.pools import Pool, pool_table, read_pools


def write(folder: Path, text: str) -> Path:
    path = folder / "pools.csv"
    path.write_text(text)
    return path


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(InputError) as caught:
        read_pools(write(folder, text))
    assert "pools.csv is refused" in str(caught.value)
    return str(caught.value)


def test_what_is_not_declared_is_the_cautious_value(tmp_path):
    assert read_pools(write(tmp_path, "pool\nweb\n")) == {"web": Pool(name="web")}
    pool = Pool(name="web")
    assert (pool.spot_eligible_fraction, pool.on_demand_quota_units, pool.normalization_factor) == (0.0, None, None)


def test_every_column_arrives_and_empty_cells_keep_the_default(tmp_path):
    text = (
        "pool,family,size,normalization_factor,account,zone,platform,tenancy,spot_eligible_fraction,spot_availability,"
        "interruption_overhead_fraction,spot_outage_hours,spot_correlation,deadline_window_hours,deadline_work_hours,"
        "on_demand_quota_units,on_demand_availability_fraction,impact_usd_per_hour,"
        "blast_radius_fraction,detect_hours,repair_hours,sla_affected_fraction,sla_monthly_bill_usd,"
        "sla_credit_fraction,failover_group,owner\n"
        "web,m5,large,4,a,z,linux,shared,0.5,0.9,0.1,6,0.4,8,3.5,100,0.8,1000,0.3,0.5,2,0.7,9000,0.25,front,shop\n"
        "api" + "," * 25 + "\n"
    )
    pools = read_pools(write(tmp_path, text))
    assert pools["api"] == Pool(name="api")
    assert pools["web"] == Pool(
        name="web",
        family="m5",
        size="large",
        normalization_factor=4.0,
        account="a",
        zone="z",
        platform="linux",
        tenancy="shared",
        owner="shop",
        spot_eligible_fraction=0.5,
        spot_availability=0.9,
        interruption_overhead_fraction=0.1,
        spot_outage_hours=6.0,
        spot_correlation=0.4,
        deadline_window_hours=8.0,
        deadline_work_hours=3.5,
        on_demand_quota_units=100.0,
        on_demand_availability_fraction=0.8,
        impact_usd_per_hour=1000.0,
        blast_radius_fraction=0.3,
        detect_hours=0.5,
        repair_hours=2.0,
        sla_affected_fraction=0.7,
        sla_monthly_bill_usd=9000.0,
        sla_credit_fraction=0.25,
        failover_group="front",
    )


def test_credits_need_all_that_they_are_made_of(tmp_path):
    text = "pool,sla_affected_fraction,sla_monthly_bill_usd,sla_credit_fraction\na,0.5,,0.1\nb,,,\nc,0.5,1,0.1\nd,1,,\n"
    message = refusal(tmp_path, text)
    assert "row 1: must be there where sla_affected_fraction or sla_credit_fraction is" in message
    assert "'sla_monthly_bill_usd', row 4" in message
    assert "2 problems" in message


def test_a_declared_zero_is_not_a_default(tmp_path):
    text = "pool,spot_availability,on_demand_quota_units,blast_radius_fraction,repair_hours\nweb,0,0,0,0\n"
    pool = read_pools(write(tmp_path, text))["web"]
    assert (pool.spot_availability, pool.on_demand_quota_units) == (0.0, 0.0)
    assert (pool.blast_radius_fraction, pool.repair_hours) == (0.0, 0.0)


def test_the_table_of_a_run_has_every_pool_and_what_else_is_declared():
    declared = {"api": Pool(name="api", family="m5"), "old": Pool(name="old")}
    table = pool_table(("web", "api"), declared)
    assert list(table) == ["web", "api", "old"]
    assert table["web"] == Pool(name="web")
    assert table["api"].family == "m5"


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("spot_eligible_fraction", "1.1", "must be >= 0 and <= 1"),
        ("spot_availability", "-0.1", "must be >= 0 and <= 1"),
        ("interruption_overhead_fraction", "-1", "must be >= 0"),
        ("on_demand_quota_units", "-1", "must be >= 0"),
        ("on_demand_availability_fraction", "80", "must be >= 0 and <= 1"),
        ("impact_usd_per_hour", "inf", "must be a finite number"),
        ("blast_radius_fraction", "2", "must be >= 0 and <= 1"),
        ("detect_hours", "-1", "must be >= 0"),
        ("repair_hours", "soon", "must be a finite number"),
        ("normalization_factor", "0", "must be > 0"),
        ("normalization_factor", "-4", "must be >= 0"),
    ],
)
def test_a_value_out_of_range_is_refused_with_its_place(tmp_path, column, value, rule):
    assert f"column '{column}', row 1: {rule}" in refusal(tmp_path, f"pool,{column}\nweb,{value}\n")


def test_a_pool_that_is_there_twice_is_refused(tmp_path):
    message = refusal(tmp_path, "pool,family\nweb,m5\napi,m5\nweb,m6\n")
    assert "column 'pool', row 3: must be there once, got 'web' in row 1 too" in message


def test_an_unknown_column_is_refused_with_the_nearest_name(tmp_path):
    assert "Did you mean 'on_demand_quota_units'" in refusal(tmp_path, "pool,on_demand_quota\nweb,1\n")
