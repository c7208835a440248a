"""Cases of changing reservations: other figures, other keys and other spellings than the published ones."""

import pytest

from optimizer.billing.cases import Status


def item(instance_type, quantity=1, **changes):
    return {"instance_type": instance_type, "quantity": quantity, **changes}


@pytest.mark.parametrize(
    ("original", "target", "is_accepted"),
    [
        ([item("t2.large")], [item("t2.small", 4)], True),
        ([item("m5.xlarge", 3)], [item("m5.2xlarge"), item("m5.large", 2)], True),
        ([item("m5.xlarge", 3)], [item("m5.2xlarge"), item("m5.large", 3)], False),
        ([item("m5.xlarge")], [item("m5a.xlarge")], False),
        ([item("inf1.2xlarge")], [item("inf1.xlarge", 2)], False),
        ([item("m5.xlarge", platform="Windows")], [item("m5.large", 2)], False),
        ([item("m5.xlarge", platform="Windows")], [item("m5.xlarge", az="us-east-1b")], True),
        ([item("m5.large", end="2025-03-01"), item("m5.large", end="2025-03-02")], [item("m5.xlarge")], False),
        ([item("m5.large", end="2025-03-01"), item("m5.large", end="2025-03-01")], [item("m5.xlarge")], True),
        ([item("m5.large"), item("m5.large", offering_class="convertible")], [item("m5.xlarge")], False),
        ([item("m5.large", az="us-east-1a")], [item("m5.large", az="eu-west-1a")], False),
        ([item("m5.large", listed=True)], [item("m5.large", az="us-east-1a")], False),
        ([item("m5.large", scope="zonal", location="us-east-1a")], [item("m5.large", scope="regional")], True),
    ],
)
def test_whether_a_modification_is_accepted(outcome_of, original, target, is_accepted):
    inputs = {"original": original, "target": target}
    assert outcome_of("ri_modification", inputs, {"accepted": is_accepted}).reasons == ()
    assert outcome_of("ri_modification", inputs, {"accepted": not is_accepted}).status == Status.FAILED


@pytest.mark.parametrize(
    ("requested", "effective"),
    [
        ("21:15", "21:00"),
        ("9:15PM", "9:00PM"),
        ("00:59:59", "00:00:00"),
        ("2024-05-01T10:30:00Z", "2024-05-01T10:00:00Z"),
        ("7:00 am", "7:00 am"),
    ],
)
def test_a_modification_counts_from_the_start_of_the_hour(outcome_of, requested, effective):
    assert outcome_of("ri_modification", {"requested": requested}, {"effective": effective}).reasons == ()


def test_footprints_and_the_end_of_a_modification(outcome_of):
    inputs = {
        "original": [item("i3.metal", end="2025-03-01", term_years=3)],
        "target": [item("i3.8xlarge", 2)],
        "requested": "2024-10-01T21:15:00Z",
    }
    expected = {"original_footprint": 128, "target_footprint": 128, "end": "2025-03-01", "allowed": True}
    assert outcome_of("ri_modification", inputs, expected).reasons == ()


@pytest.mark.parametrize("months", [1, 16, 35])
def test_a_modified_reservation_lasts_as_long_as_the_original_would_have(outcome_of, months):
    """A three-year reservation with 16 months left becomes one of 16 months.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ri-modifying.html
    """
    inputs = {"term_years": 3, "months_left": months}
    assert outcome_of("ri_modification", inputs, {"new_term_months": months}).reasons == ()


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"original_value": 100.0, "target_unit_value": 33.0}, {"quantity": 4, "total_value": 132.0}),
        ({"original_value": 12.0, "original_quantity": 3, "target_unit_value": 9.0}, {"quantity": 4}),
        ({"original_value": 30.0, "target_unit_value": 10.0}, {"quantity": 3}),
        ({"originals": [{"value": 20.0}, {"value": 15.0}], "target_unit_value": 10.0}, {"quantity": 4}),
        ({"remaining_upfront": 600.0, "new_prorated_upfront": 500.0}, {"true_up": 0.0}),
        (
            {"originals": [{"term_years": 1, "end": "2018-12-31"}, {"term_years": 1, "end": "2018-07-31"}]},
            {"term_years": 1, "end": "2018-12-31"},
        ),
        ({"original_payment": "no_upfront", "target_payment": "all_upfront"}, {"allowed": True}),
        ({"original_payment": "partial_upfront", "target_payment": "no_upfront"}, {"accepted": False}),
    ],
)
def test_exchanges(outcome_of, inputs, expected):
    assert outcome_of("ri_exchange", inputs, expected).reasons == ()


@pytest.mark.parametrize(
    ("kind", "inputs", "expected", "reason"),
    [
        ("ri_modification", {"requested": "noon"}, {"effective": "12:00"}, "must hold a time such as 21:15"),
        ("ri_modification", {}, {"accepted": True}, "needs the inputs original and target"),
        ("ri_modification", {"original": [item("m5.large")]}, {"end": ""}, "needs an end of each original"),
        ("ri_modification", {"original": [item("m5.tiny")]}, {"original_footprint": 1}, "no normalization factor"),
        ("ri_modification", {"original": [item("m5.large", 1.5)]}, {"accepted": True}, "must be a whole number >= 1"),
        ("ri_modification", {"original": [item("m5.large", end="soon")]}, {"accepted": True}, "an ISO date or time"),
        ("ri_modification", {"original": [item("m5.large", term_years=2)]}, {"accepted": True}, "must be 1 or 3"),
        (
            "ri_modification",
            {"original": [item("m5.large", offering_class="odd")]},
            {"accepted": True},
            "must be standard or convertible, got 'odd'",
        ),
        (
            "ri_modification",
            {"original": [item("m5.large", end="2025-03-01")], "target": [item("m5.xlarge")]},
            {"end": "2025-03-01"},
            "modification breaks 1 rule of AWS",
        ),
        ("ri_exchange", {"original_value": 1.0}, {"quantity": 1}, "needs one input among target_unit_value"),
        ("ri_exchange", {"original_value": 1.0, "target_unit_value": 0}, {"quantity": 1}, "must be > 0, got 0"),
        ("ri_exchange", {}, {"term_years": 1}, "needs the input originals"),
        ("ri_exchange", {"originals": [{"term_years": 1}]}, {"end": ""}, r"originals\[0\].end must be given"),
        ("ri_exchange", {}, {"allowed": True}, "needs the inputs original_payment and target_payment"),
        ("ri_exchange", {}, {"mood": 1}, "cannot check key 'mood'"),
    ],
)
def test_what_cannot_be_answered_says_why(outcome_of, kind, inputs, expected, reason):
    outcome = outcome_of(kind, inputs, expected)
    assert outcome.status == Status.FAILED
    with pytest.raises(ValueError, match=reason):
        raise ValueError(outcome.reasons[0])
