import csv

import pytest
from numpy.testing import assert_allclose

from optimizer.billing.aws.instances import (
    Instances,
    fitting_lines,
    is_size_flexible,
    normalization_factor,
    standard_platform,
)

REGIONAL = {"instance_type": "m5.xlarge", "region": "us-east-1"}
RUNNING = [
    Instances(instance_type="m5.large", zone="us-east-1a", region="us-east-1"),
    Instances(instance_type="m5.xlarge", zone="us-east-1b", region="us-east-1"),
    Instances(instance_type="m5.xlarge", zone="us-west-2a", region="us-west-2"),
    Instances(instance_type="m5.xlarge", zone="us-east-1a", region="us-east-1", platform="windows"),
    Instances(instance_type="m5.large", zone="us-east-1a", region="us-east-1", platform="windows"),
    Instances(instance_type="m5.xlarge", zone="us-east-1a", region="us-east-1", tenancy="dedicated"),
    Instances(instance_type="m5a.xlarge", zone="us-east-1a", region="us-east-1"),
]


@pytest.mark.parametrize(
    ("reserved", "expected"),
    [
        (Instances(**REGIONAL), {0: 0.5, 1: 1.0}),
        (Instances(**REGIONAL, zone="us-east-1b"), {1: 1.0}),
        (Instances(**REGIONAL, zone="us-east-1a"), {}),
        (Instances(**REGIONAL, platform="windows"), {3: 1.0}),
        (Instances(**REGIONAL, tenancy="dedicated"), {5: 1.0}),
        (Instances(instance_type="m5.xlarge"), {0: 0.5, 1: 1.0, 2: 1.0}),
    ],
    ids=["regional", "zonal", "zonal, other size", "windows", "dedicated", "no region"],
)
def test_a_reservation_fits_what_its_attributes_say(reserved, expected):
    assert fitting_lines(reserved, RUNNING) == expected


@pytest.mark.parametrize("family", ["g4dn", "p5", "inf2", "u7i-6tb"])
def test_some_families_are_not_size_flexible(family):
    assert not is_size_flexible(Instances(instance_type=f"{family}.xlarge", region="us-east-1"))


def test_an_override_wins_over_the_table():
    assert normalization_factor("m5.large", {"large": 40.0}) == 40.0
    assert normalization_factor("m5.large", {"m5.large": 41.0, "large": 40.0}) == 41.0


def test_a_size_without_a_factor_is_refused_where_it_is_needed():
    odd = Instances(instance_type="m5.tiny", region="us-east-1")
    assert fitting_lines(odd, [odd]) == {0: 1.0}
    with pytest.raises(LookupError, match=r"'m5.tiny' has no normalization factor > 0"):
        fitting_lines(odd, RUNNING)


def test_red_hat_is_a_platform_of_its_own():
    assert standard_platform("Red Hat Enterprise Linux") == "red hat enterprise linux"


def test_factors_are_those_of_the_published_table(shared_data):
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/apply_ri.html, where the table has a factor for the type."""
    with (shared_data / "prices" / "normalization_factors.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["provider"] == "aws"]
    sizes = {f"m5.{row['key']}": float(row["factor"]) for row in rows if row["kind"] == "size"}
    assert_allclose([normalization_factor(name) for name in sizes], list(sizes.values()))
    metals = {row["key"]: float(row["factor"]) for row in rows if row["kind"] == "metal"}
    known = {name: normalization_factor(name) for name in metals if normalization_factor(name) is not None}
    assert len(known) > 30
    assert known == {name: metals[name] for name in known}
