"""Google Cloud's order of application: which committed use discount covers which usage in an hour.

The order, in every hour by itself:

1. owned hardware, of the pools that it may serve the one first on which it saves most;
2. resource-based commitments [1]_: vCPUs or GB of one region and machine series, up to the committed amount; those of
   one project before those shared by the billing account;
3. flexible (spend-based) commitments [2]_: the greatest discount first, until the hourly commitment is used up;
4. the rest is on demand, and earns sustained-use discounts (`optimizer.billing.gcp.sustained_use`).

Google leaves open which of two commitments of step 2 comes first on the same usage (here the one that fits fewer lines,
then the one given first, each from its smallest size up), and the order inside step 3 (here the largest benefit first,
ties to the lowest rate, then by name). No commitment covers spot.

Not here: which usage lies in a commitment's scope (`optimizer.billing.eligibility`), money (`optimizer.billing.bill`).

References
----------
.. [1] https://docs.cloud.google.com/compute/docs/instances/committed-use-discounts-overview
.. [2] https://docs.cloud.google.com/docs/cuds-multiprice
"""

from collections.abc import Iterator, Sequence

from optimizer.billing.settlement import Holding, Settlement, Stage, Turn, UsageLines, apply_turns
from optimizer.billing.turns import (
    PLAN_STAGES,
    RESERVATION_STAGES,
    by_reach,
    hardware_rank,
    savings_fraction,
    shared_chances,
)


def settle(usage: UsageLines, holdings: Sequence[Holding], *, is_shared: bool = True) -> Settlement:
    """Apply the holdings to the usage in Google Cloud's order, every column by itself.

    Parameters
    ----------
    usage : UsageLines
    holdings : sequence of Holding
        In the order in which ties between them are broken.
    is_shared : bool
        Whether a commitment may cover other projects than its own.

    Returns
    -------
    Settlement
    """
    return apply_turns(usage, holdings, turns(usage, holdings, is_shared=is_shared))


def turns(usage: UsageLines, holdings: Sequence[Holding], *, is_shared: bool = True) -> Iterator[Turn]:
    """Yield every holding's chance at every eligible line, in Google Cloud's order.

    Google has one kind of flexible commitment and no zonal commitments, so neither pair of stages is told apart.
    """
    hardware = shared_chances(usage, holdings, (Stage.OWNED_HARDWARE,), is_shared=is_shared)
    yield from sorted(hardware, key=lambda turn: hardware_rank(turn, usage, holdings))
    yield from by_reach(shared_chances(usage, holdings, RESERVATION_STAGES, is_shared=is_shared), usage, holdings)
    flexible = shared_chances(usage, holdings, PLAN_STAGES, is_shared=is_shared)
    yield from sorted(flexible, key=lambda turn: _flexible_rank(turn, usage))


def _flexible_rank(turn: Turn, usage: UsageLines) -> tuple[bool, float, float, str, int]:
    """Running usage first; greatest discount, lowest rate, then by name of the line, then as given."""
    is_idle = turn.line in usage.idle_lines
    return (is_idle, -savings_fraction(usage, turn), turn.draw, usage.names[turn.line], turn.holding)
