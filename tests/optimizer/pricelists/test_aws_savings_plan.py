"""Savings plan files: whose rate a row is, and what the region index is good for."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from forecasting.errors import InputError
from forecasting.usage.pool_names import PoolKey
from optimizer.offers import OfferKind
from optimizer.pricelists.aws_savings_plan import read_plan_file
from optimizer.pricelists.listed import Wanted

INSTANCE, COMPUTE = "EC2InstanceSavingsPlans", "ComputeSavingsPlans"


def key(item: str, *, platform: str = "linux", tenancy: str = "shared", region: str = "us-east-1") -> PoolKey:
    return PoolKey(provider="aws", region=region, item=item, platform=platform, tenancy=tenancy)


def test_the_published_sample_gives_the_rates_that_stand_in_it(shared_data: Path):
    """r7g in Taipei, 3 years, partial upfront: the whole discounted rate, not half of it."""
    pool = key("r7g.12xlarge", region="ap-east-2")
    path = shared_data / "samples" / "aws_savingsplan_pricelist_ap-east-2_r7g_sample.csv"
    found = read_plan_file(path, Wanted(pools={"p": pool}))
    rates = {price.item: price.hourly_usd for price in found.prices.values()}
    assert {(price.kind, price.term_months, price.payment) for price in found.prices.values()} == {
        (OfferKind.INSTANCE_SAVINGS_PLAN, 36, "partial")
    }
    assert rates[pool] == 1.1721
    assert rates[key("r7g.12xlarge", platform="rhel", region="ap-east-2")] == 1.6905
    assert rates[key("r7g.12xlarge", platform="rhel_ha", tenancy="dedicated", region="ap-east-2")] == 2.5383
    rows = path.read_text().splitlines()[6:]
    assert len(rates) == sum("-BoxUsage:" in row or "-DedicatedUsage:" in row for row in rows)


def test_idle_reservations_hosts_and_other_services_are_no_rate(plan_file: Callable[..., Path]):
    path = plan_file(
        (COMPUTE, "1", "No Upfront", "BoxUsage:m5.large", "RunInstances", 0.07),
        (COMPUTE, "1", "No Upfront", "UnusedBox:m5.large", "RunInstances", 9.0),
        (COMPUTE, "1", "No Upfront", "HostUsage:m5", "RunInstances", 9.0),
        (COMPUTE, "1", "No Upfront", "HostBoxUsage:m5.large", "RunInstances", 9.0),
        ("DatabaseSavingsPlans", "1", "No Upfront", "BoxUsage:m5.large", "RunInstances", 9.0),
    )
    found = read_plan_file(path, Wanted(pools={"p": key("m5.large")}))
    assert [price.hourly_usd for price in found.prices.values()] == [0.07]
    assert [(left.reason, left.n_rows) for left in found.left_out] == [("plans of other services", 1)]


def test_terms_and_payment_are_those_of_the_row(plan_file: Callable[..., Path]):
    options = [(years, option) for years in "13" for option in ("No Upfront", "Partial Upfront", "All Upfront")]
    rates = [
        (INSTANCE, years, option, "BoxUsage:m5.large", "RunInstances", 0.01 * position)
        for position, (years, option) in enumerate(options, start=1)
    ]
    odd = (INSTANCE, "5", "No Upfront", "BoxUsage:m5.large", "RunInstances", 0.5)
    found = read_plan_file(plan_file(*rates, odd), Wanted(pools={"p": key("m5.large")}))
    terms = {(price.term_months, price.payment): price.hourly_usd for price in found.prices.values()}
    assert terms == {
        (12, "none"): 0.01, (12, "partial"): 0.02, (12, "all"): 0.03,
        (36, "none"): 0.04, (36, "partial"): 0.05, (36, "all"): 0.06,
    }  # fmt: skip
    assert found.left_out[0].example == "m5.large: 5 year No Upfront by Hrs"


def test_a_rate_of_nothing_is_refused(plan_file: Callable[..., Path]):
    path = plan_file((INSTANCE, "1", "No Upfront", "BoxUsage:m5.large", "RunInstances", 0.0))
    with pytest.raises(InputError, match=r"must be a number > 0, got '0.0' for BoxUsage:m5.large RunInstances"):
        read_plan_file(path, Wanted(pools={"p": key("m5.large")}))


def test_the_region_index_says_where_the_files_are(shared_data: Path):
    path = shared_data / "samples" / "aws_savingsplan_region_index_sample.json"
    found = read_plan_file(path, Wanted(pools={"p": key("m5.large")}))
    listed = json.loads(path.read_text())["regions"]
    assert len(found.file_of_region) == len(listed) > 30
    place = found.file_of_region["us-west-2"]
    assert place == "/savingsPlan/v1.0/aws/AWSComputeSavingsPlan/20250911184447/us-west-2/index.csv"


@pytest.mark.parametrize("text", ['{"a": 1}', '{"regions": [1]}', '{"regions": ', '{"regions": [{"regionCode": 1}]}'])
def test_another_json_file_is_refused(text: str, tmp_path: Path):
    path = tmp_path / "region_index.json"
    path.write_text(text)
    with pytest.raises(InputError, match="must be a region index with regionCode and versionUrl"):
        read_plan_file(path, Wanted(pools={"p": key("m5.large")}))


def test_a_place_that_is_no_plain_path_is_not_passed_on(tmp_path: Path):
    path = tmp_path / "region_index.json"
    path.write_text(json.dumps({"regions": [{"regionCode": "us-east-1", "versionUrl": "http://x/<b>.json"}]}))
    assert read_plan_file(path, Wanted(pools={})).file_of_region == {"us-east-1": ""}
