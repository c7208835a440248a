"""The AWS order of application: which commitment covers which usage in an hour.

The order, in every hour by itself [1]_ [2]_:

1. owned hardware, of the pools that it may serve the one first on which it saves most;
2. zonal reservations, then regional reservations: the purchasing account's usage first, then the organisation's; a
   reservation covers its smallest size first;
3. EC2 Instance Savings Plans, then Compute Savings Plans: the owner account's usage first, then the organisation's;
   within each the highest savings percentage first, ties to the lowest plan rate;
4. the rest is on demand. What a commitment did not cover in the hour is lost.

Which accounts follow the owner, and in which turn, is a preference (`optimizer.billing.aws.sharing`). Running instances
are covered before idle units of capacity reservations [3]_.

AWS leaves open which of two reservations comes first on the same usage; here the one that fits fewer lines does, then
the one given first. Two plans of one type are ordered by what each saves on each line.

Not here: which usage a commitment is eligible for (`optimizer.billing.aws.instances` for AWS attributes,
`optimizer.billing.replay` for a price list), nor money (`optimizer.billing.bill`).

References
----------
.. [1] https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/apply_ri.html
.. [2] https://docs.aws.amazon.com/savingsplans/latest/userguide/sp-applying.html
.. [3] https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-reservations-pricing-billing.html
"""

from collections.abc import Iterator, Sequence

from optimizer.billing.aws.sharing import NOT_SHARED, ORGANIZATION, Sharing, SharingTurn
from optimizer.billing.settlement import Holding, Settlement, Stage, Turn, UsageLines, apply_turns
from optimizer.billing.turns import PLAN_STAGES, chances, hardware_rank, savings_fraction


def settle(
    usage: UsageLines, holdings: Sequence[Holding], *, is_shared: bool = True, sharing: Sharing | None = None
) -> Settlement:
    """Apply the holdings to the usage in the AWS order, every column by itself.

    Parameters
    ----------
    usage : UsageLines
    holdings : sequence of Holding
        In the order in which ties between them are broken.
    is_shared : bool
        Whether a commitment may cover other accounts of the organisation once its owner's usage is served.
    sharing : Sharing, optional
        A preference by groups or accounts; it takes the place of `is_shared`.

    Returns
    -------
    Settlement
    """
    preference = sharing if sharing is not None else (ORGANIZATION if is_shared else NOT_SHARED)
    return apply_turns(usage, holdings, turns(usage, holdings, preference))


def turns(usage: UsageLines, holdings: Sequence[Holding], sharing: Sharing) -> Iterator[Turn]:
    """Yield every holding's chance at every eligible line, in the AWS order."""
    for stage in Stage:
        for sharing_turn in SharingTurn:
            found = [
                turn
                for turn in chances(holdings, stage)
                if sharing.turn(holdings[turn.holding].account, usage.accounts[turn.line]) == sharing_turn
            ]
            if stage in PLAN_STAGES:
                yield from sorted(found, key=lambda turn: _plan_rank(turn, usage))
            elif stage == Stage.OWNED_HARDWARE:
                yield from sorted(found, key=lambda turn: hardware_rank(turn, usage, holdings))
            else:
                yield from sorted(found, key=lambda turn: _reservation_rank(turn, usage, holdings))


def _reservation_rank(turn: Turn, usage: UsageLines, holdings: Sequence[Holding]) -> tuple[bool, int, int, float, str]:
    """Running first; fewest lines first, then as given; each reservation from its smallest size up."""
    is_idle = turn.line in usage.idle_lines
    return (is_idle, len(holdings[turn.holding].lines), turn.holding, turn.draw, usage.names[turn.line])


def _plan_rank(turn: Turn, usage: UsageLines) -> tuple[bool, float, float, str, int]:
    """Running first; highest savings fraction first, ties to the lowest plan rate, then by name, then as given."""
    is_idle = turn.line in usage.idle_lines
    return (is_idle, -savings_fraction(usage, turn), turn.draw, usage.names[turn.line], turn.holding)
