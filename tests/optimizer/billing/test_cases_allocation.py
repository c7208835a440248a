import pytest

from optimizer.billing.cases import Status

LINUX = {"platform": "Linux/UNIX", "tenancy": "default"}


def usage(account, instance_type, quantity, az, **changes):
    return {"account": account, "instance_type": instance_type, "quantity": quantity, "az": az, **LINUX, **changes}


def reserved(account, instance_type, quantity, location, **changes):
    scope = "zonal" if location[-1].isalpha() else "regional"
    item = {"account": account, "instance_type": instance_type, "quantity": quantity, "location": location}
    return {**item, "scope": scope, **LINUX, **changes}


def sku(name, quantity, od_rate, csp_rate=None, ec2isp_rate=None, **changes):
    rates = {"od_rate": od_rate, "csp_rate": csp_rate, "ec2isp_rate": ec2isp_rate}
    return {"id": name, "sku": name, "quantity": quantity, **rates, **changes}


def test_linked_accounts_get_what_the_purchasing_account_leaves(outcome_of):
    """Four regional m4.xlarge of A cover its two m4.xlarge and one m4.2xlarge, none is left for B; scenario 3 of
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/apply_ri.html
    """
    inputs = {
        "usage": [
            usage("A", "m4.xlarge", 2, "us-east-1a"),
            usage("A", "m4.2xlarge", 1, "us-east-1b"),
            usage("A", "c4.xlarge", 2, "us-east-1a"),
            usage("A", "c4.2xlarge", 1, "us-east-1b"),
            usage("B", "m4.xlarge", 2, "us-east-1a"),
        ],
        "ris": [reserved("A", "m4.xlarge", 4, "us-east-1"), reserved("A", "c4.xlarge", 2, "us-east-1a")],
    }
    expected = {
        "covered_instance_hours": {"A:m4.xlarge": 2, "A:m4.2xlarge@us-east-1b": 1, "c4.xlarge": 2, "B:m4.xlarge": 0},
        "on_demand_instance_hours": {"B:m4.xlarge": 2, "c4.2xlarge": 1},
        "covered_by": {"A:c4.xlarge@us-east-1a": "A zonal", "B:m4.xlarge@us-east-1a": "on_demand"},
        "unused_units": 0,
    }
    assert outcome_of("ri_application", inputs, expected).reasons == ()


@pytest.mark.parametrize(
    ("changes", "unused_units"),
    [({"platform": "Windows"}, 8), ({"tenancy": "dedicated"}, 8), ({}, 0)],
    ids=["windows", "dedicated", "linux"],
)
def test_only_linux_on_shared_hardware_is_size_flexible(outcome_of, changes, unused_units):
    inputs = {
        "usage": [usage("A", "m5.large", 2, "us-east-1a", **changes)],
        "ris": [reserved("A", "m5.xlarge", 1, "us-east-1", **changes)],
    }
    assert outcome_of("ri_application", inputs, {"unused_units": unused_units}).status == Status.PASSED


def test_unshared_reservations_stay_in_their_account(outcome_of):
    inputs = {
        "usage": [usage("B", "m5.large", 1, "us-east-1a")],
        "ris": [reserved("A", "m5.large", 1, "us-east-1")],
        "sharing": False,
    }
    expected = {"covered_instance_hours": {}, "on_demand_instance_hours": {"m5.large": 1}, "unused_units": 4}
    assert outcome_of("ri_application", inputs, expected).reasons == ()


def test_an_empty_expectation_means_nothing_at_all(outcome_of):
    inputs = {"usage": [usage("A", "m5.large", 1, "us-east-1a")], "ris": []}
    outcome = outcome_of("ri_application", inputs, {"on_demand_instance_hours": {}})
    assert outcome.status == Status.FAILED
    assert "expected nothing" in outcome.reasons[0]


def test_a_reservation_with_a_price_is_part_of_the_total_and_flexible_over_sizes(outcome_of):
    inputs = {
        "usage": [sku("r5.xlarge", 3, 0.5), sku("r5.large", 2, 0.25)],
        "commitments": [{"id": "ri", "type": "ri", "sku": "r5.xlarge", "quantity": 2, "hourly_cost": 0.3}],
    }
    expected = {
        "lines": [
            {"usage": "r5.large", "covered_by": "ri", "covered_quantity": 2, "covered_cost": 0.3},
            {"usage": "r5.xlarge", "covered_by": "ri", "covered_quantity": 1, "covered_cost": 0.3},
            {"usage": "r5.xlarge", "covered_by": "on_demand", "covered_quantity": 2, "covered_cost": 1.0},
            {"usage": "r5.xlarge", "on_demand_quantity": 2, "on_demand_cost": 1.0},
        ],
        "order": ["r5.large", "r5.xlarge"],
        "commitment_used": {"ri": 2},
        "total": 1.6,
        "total_excluding_ri": 1.0,
        "savings": 0.4,
        "coverage": 0.5,
        "effective_savings_rate": 0.2,
    }
    assert outcome_of("hourly_allocation", inputs, expected).reasons == ()


def test_a_windows_sku_is_not_covered_by_a_linux_reservation(outcome_of):
    windows = sku("r5.xlarge Windows us-east-1", 1, 0.9, id="windows")
    commitments = [{"id": "ri", "type": "ri", "sku": "r5.xlarge", "quantity": 1}]
    inputs = {"usage": [windows], "commitments": commitments}
    assert outcome_of("hourly_allocation", inputs, {"on_demand_total": 0.9}).reasons == ()
    commitments[0]["sku"] = "windows"  # the very usage: its platform is meant
    assert outcome_of("hourly_allocation", inputs, {"on_demand_total": 0.0}).reasons == ()


@pytest.mark.parametrize(
    ("place", "on_demand"),
    [({"scope": "zonal", "az": "us-east-1a"}, 0.5), ({"scope": "regional", "az": "us-east-1a"}, 0.0), ({}, 0.0)],
    ids=["zonal", "regional", "undeclared"],
)
def test_a_zonal_reservation_fits_one_size_in_one_zone(outcome_of, place, on_demand):
    inputs = {
        "usage": [sku("m5.large", 1, 0.5, az="us-east-1a"), sku("m5.xlarge", 1, 1.0, az="us-east-1a")],
        "commitments": [{"id": "ri", "type": "ri", "instance_type": "m5.xlarge", "quantity": 1.5, **place}],
    }
    assert outcome_of("hourly_allocation", inputs, {"on_demand_total": on_demand}).reasons == ()


def test_an_instance_plan_covers_its_family_in_its_region_only(outcome_of):
    inputs = {
        "usage": [
            sku("m5.large Linux us-east-1", 1, 1.0, 0.8, 0.5, id="here"),
            sku("m5.large Linux eu-west-1", 1, 1.0, 0.8, 0.5, id="there"),
            sku("c5.large", 1, 1.0, 0.8, 0.5),
        ],
        "commitments": [
            {"id": "isp", "type": "ec2_instance_sp", "family": "m5", "region": "us-east-1", "hourly_commitment": 5}
        ],
    }
    expected = {"order": ["here"], "commitment_used": {"isp": 0.5}, "on_demand_total": 2.0, "utilisation": 0.1}
    assert outcome_of("hourly_allocation", inputs, expected).reasons == ()


def test_a_plan_serves_the_account_that_owns_it_first(outcome_of):
    inputs = {
        "usage": [sku("deep", 1, 1.0, 0.5, account="B"), sku("shallow", 1, 1.0, 0.9, account="A")],
        "commitments": [{"id": "csp", "type": "compute_sp", "hourly_commitment": 0.9, "account": "A"}],
    }
    assert outcome_of("hourly_allocation", inputs, {"order": ["shallow"]}).reasons == ()


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"hourly_commitment": 10, "used": 9.8}, {"utilisation": 0.98, "unused_commitment": 0.2}),
        ({"covered": 30, "on_demand": 10}, {"coverage": 0.75}),
        ({"actual": 75, "on_demand_equivalent": 100}, {"effective_savings_rate": 0.25, "net_savings": 25}),
    ],
    ids=["utilization", "coverage", "savings"],
)
def test_metrics_are_ratios_of_their_inputs(outcome_of, inputs, expected):
    assert outcome_of("metric", inputs, expected).reasons == ()


PLAIN = {"usage": [sku("m5.large", 1, 1.0, 0.5)], "commitments": []}
PLAN = {"id": "csp", "type": "compute_sp", "hourly_commitment": 1}


@pytest.mark.parametrize(
    ("kind", "inputs", "expected", "reason"),
    [
        ("hourly_allocation", PLAIN, {}, "expects nothing"),
        ("hourly_allocation", PLAIN, {"mood": 1}, "cannot check key 'mood'"),
        ("hourly_allocation", PLAIN, {"total": "2"}, "total: expected '2', got 1.0"),
        (
            "hourly_allocation",
            PLAIN,
            {"lines": [{"usage": "m5.large", "mood": 1}]},
            "cannot check key 'mood' of a line",
        ),
        ("hourly_allocation", PLAIN, {"lines": [{"usage": "m6"}]}, "got nothing of that name"),
        (
            "hourly_allocation",
            {**PLAIN, "commitments": [{"id": "ri", "type": "ri", "sku": "m5.large"}]},
            {"total": 1},
            "'ri' has no hourly_cost",
        ),
        (
            "hourly_allocation",
            {**PLAIN, "commitments": [PLAN, PLAN]},
            {"total": 1},
            "must have different ids",
        ),
        (
            "hourly_allocation",
            {**PLAIN, "commitments": [{"id": "isp", "type": "ec2_instance_sp", "hourly_commitment": 1}]},
            {"total": 1},
            r"commitments\[0\].family must be given",
        ),
        (
            "hourly_allocation",
            {**PLAIN, "usage": [sku("x", "many", 1.0)]},
            {"total": 1},
            r"usage\[0\].quantity must be a number >= 0, got 'many'",
        ),
        (
            "hourly_allocation",
            {**PLAIN, "commitments": [{"id": "ri", "type": "ri", "sku": "m5.large", "scope": "zonal"}]},
            {"total": 1},
            r"a zonal reservation must name its zone \(az\)",
        ),
        (
            "hourly_allocation",
            {**PLAIN, "commitments": [{"id": "ri", "type": "ri", "sku": "m5.large", "scope": "galactic"}]},
            {"total": 1},
            "scope must be zonal or regional, got 'galactic'",
        ),
        ("hourly_allocation", PLAIN, {"order": ["m5.large"]}, "order: expected"),
        ("hourly_allocation", PLAIN, {"total": {}}, "total: expected {}, got 1.0"),
        (
            "hourly_allocation",
            {**PLAIN, "commitments": [PLAN]},
            {"lines": [{"usage": "m5.large", "covered_by": "ri"}]},
            "'ri'",
        ),
        (
            "hourly_allocation",
            {**PLAIN, "usage": [sku("x", None, 1.0)]},
            {"total": 1},
            "quantity must be a number, it is",
        ),
        ("hourly_allocation", {**PLAIN, "usage": [{"sku": "x"}]}, {"total": 1}, r"usage\[0\].id must be given"),
        ("hourly_allocation", {**PLAIN, "usage": {}}, {"total": 1}, "usage must be a list"),
        (
            "hourly_allocation",
            {**PLAIN, "sharing": "at times"},
            {"total": 1},
            "sharing must be one of on, organization",
        ),
        ("ri_application", {"usage": [{"quantity": 1}]}, {"unused_units": 0}, "instance_type must be given"),
        (
            "ri_application",
            {"usage": [usage(7, "m5.large", 1, "us-east-1a")]},
            {"unused_units": 0},
            "account must be text, got 7",
        ),
        (
            "ri_application",
            {"ris": [reserved("A", "m5.large", 1, "us-east-1", scope="zonal")]},
            {"unused_units": 0},
            "must name its zone",
        ),
        (
            "ri_application",
            {"ris": [reserved("A", "m5.large", 1, "us-east-1", scope="galactic")]},
            {"unused_units": 0},
            "scope must be zonal or regional",
        ),
        (
            "ri_application",
            {"ris": [reserved("A", "m5.tiny", 1, "us-east-1")]},
            {"unused_units": 0},
            "'m5.tiny' has no normalization factor",
        ),
        (
            "ri_application",
            {"usage": [usage("A", "m5.large", 1, "us-east-1a")]},
            {"covered_instance_hours": {"m5.large@nowhere": 0}},
            "got nothing of that name",
        ),
        ("ri_application", {"usage": []}, {"mood": 1}, "cannot check key 'mood'"),
        ("metric", {"used": 1}, {"utilisation": 1}, "needs one input among hourly_commitment"),
        ("metric", {"used": 0, "committed": 0}, {"utilisation": 0}, "expected 0, got None"),
        ("metric", {"used": 1}, {"mood": 1}, "cannot check key 'mood'"),
    ],
)
def test_what_cannot_be_checked_fails_and_says_why(outcome_of, kind, inputs, expected, reason):
    outcome = outcome_of(kind, inputs, expected)
    assert outcome.status == Status.FAILED
    with pytest.raises(ValueError, match=reason):
        raise ValueError(outcome.reasons[0])


@pytest.mark.parametrize(
    ("kind", "inputs", "reason"),
    [
        ("sustained_use", {}, "no rules for this kind"),
        ("hourly_allocation", {**PLAIN, "free_tier": 1}, "inputs: no rule for free_tier"),
        ("hourly_allocation", {**PLAIN, "usage": [sku("x", 1, 1.0, 0.0)], "commitments": [PLAN]}, "plan rate of 0"),
        (
            "hourly_allocation",
            {**PLAIN, "commitments": [{"id": "db", "type": "database_sp"}]},
            "no rule for commitments of type 'database_sp'",
        ),
        (
            "hourly_allocation",
            {**PLAIN, "commitments": [{"id": "ri", "type": "ri", "sku": "cache.r5.large"}]},
            "no EC2 instance type",
        ),
        ("ri_application", {"usage": [usage("A", "m5.large", 1, "us-east-1a", hours=3)]}, "no rule for hours"),
        (
            "ri_application",
            {
                "usage": [usage("A", "m5.tiny", 1, "us-east-1a")],
                "ris": [reserved("A", "m5.large", 1, "us-east-1")],
            },
            "'m5.tiny' has no normalization factor > 0",
        ),
        ("metric", {"mood": 1}, "no rule for mood"),
    ],
)
def test_inputs_without_a_rule_are_not_supported(outcome_of, kind, inputs, reason):
    outcome = outcome_of(kind, inputs, {"total": 1})
    assert outcome.status == Status.NOT_SUPPORTED
    assert reason in outcome.reasons[0]
