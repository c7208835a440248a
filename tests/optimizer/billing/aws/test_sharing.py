import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.billing.aws.order import settle
from optimizer.billing.aws.sharing import NOT_SHARED, ORGANIZATION, Sharing, SharingMode, final_sharing
from optimizer.billing.settlement import Holding, Stage, UsageLines

ACCOUNTS = ("owner", "sister", "cousin", "stranger")
GROUPS = {"owner": "retail", "sister": "retail", "cousin": "media"}
PRIORITIZED = Sharing(mode=SharingMode.PRIORITIZED_GROUPS, group_of=GROUPS)
RESTRICTED = Sharing(mode=SharingMode.RESTRICTED_GROUPS, group_of=GROUPS)
OPTED_OUT = Sharing(opted_out=frozenset({"sister"}))


def settled(sharing, quantity, *, stage=Stage.COMPUTE_PLAN, owner="owner", rates=(0.9, 0.8, 0.2, 0.1)):
    """Coverage of one instance of each account; strangers save most, so only the preference keeps them behind."""
    usage = UsageLines(names=ACCOUNTS, accounts=ACCOUNTS, on_demand_usd=np.ones(4), units=np.ones((4, 1)))
    draw = rates if stage == Stage.COMPUTE_PLAN else np.ones(4)
    holding = Holding(label="it", stage=stage, account=owner, lines=range(4), draw=draw, quantity=[quantity])
    done = settle(usage, [holding], sharing=sharing)
    return usage.units[:, 0] - done.on_demand_units[:, 0]


@pytest.mark.parametrize(
    ("sharing", "covered"),
    [
        (ORGANIZATION, [1, 0.125, 1, 1]),
        (PRIORITIZED, [1, 0.5, 0, 0]),
        (RESTRICTED, [1, 0.5, 0, 0]),
        (NOT_SHARED, [1, 0, 0, 0]),
        (OPTED_OUT, [1, 0, 1, 1]),
    ],
    ids=["organization", "prioritized", "restricted", "off", "one account off"],
)
def test_the_owner_is_first_and_the_preference_says_who_follows(sharing, covered):
    """A plan of 1.30 USD/h: 0.90 for the owner, then 0.40 for others; sharing modes of
    https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/ri-turn-off.html
    """
    assert_allclose(settled(sharing, 1.3), covered, atol=1e-12)


def test_what_a_prioritized_group_leaves_goes_to_the_organization_and_a_restricted_one_keeps_it():
    assert_allclose(settled(PRIORITIZED, 1.8), [1, 1, 0, 1], atol=1e-9)
    assert_allclose(settled(RESTRICTED, 1.8), [1, 1, 0, 0], atol=1e-9)


def test_an_account_whose_sharing_is_off_keeps_its_own_commitments():
    assert_allclose(settled(OPTED_OUT, 9.0, owner="sister"), [0, 1, 0, 0])


def test_reservations_follow_the_same_preference():
    assert_allclose(settled(RESTRICTED, 4, stage=Stage.REGIONAL_RESERVATION), [1, 1, 0, 0])


def test_accounts_without_a_group_are_alone():
    assert_allclose(settled(RESTRICTED, 9.0, owner="stranger"), [0, 0, 0, 1])


@given(quantity=st.floats(0.0, 4.0), owner=st.sampled_from(ACCOUNTS))
def test_a_narrower_preference_never_covers_more(quantity, owner):
    used = {
        name: float(settled(sharing, quantity, stage=Stage.ZONAL_RESERVATION, owner=owner).sum())
        for name, sharing in {"all": ORGANIZATION, "first": PRIORITIZED, "only": RESTRICTED, "off": NOT_SHARED}.items()
    }
    assert_allclose(used["all"], min(quantity, 4.0), atol=1e-12)
    assert_allclose(used["first"], used["all"], atol=1e-12)
    assert used["only"] <= used["all"] + 1e-12
    assert used["off"] <= used["only"] + 1e-12


def test_the_last_preference_of_the_month_counts_in_whatever_order_they_come():
    changes = [(10, NOT_SHARED), (99, RESTRICTED), (100, ORGANIZATION)]
    for order in itertools.permutations(changes):
        assert final_sharing(order, 100) is RESTRICTED
