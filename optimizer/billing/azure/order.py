"""Azure's order of application: which reservation or savings plan covers which usage in an hour.

The order, in every hour by itself:

1. owned hardware, of the pools that it may serve the one first on which it saves most;
2. reservations: the narrowest scope first (resource group, subscription, management group, shared) [1]_; a
   size-flexible reservation is spread over its group in units of the group's ratios [2]_;
3. savings plans [3]_: three-year plans before one-year plans, narrow scopes before wide ones; each plan covers the
   usage with the greatest discount against pay-as-you-go first, until its hourly commitment is used up;
4. the rest is pay-as-you-go. What a commitment did not cover in the hour is lost.

Azure leaves open whether the term or the scope decides between a wide three-year plan and a narrow one-year plan: here
the term does. It leaves open where a size-flexible reservation starts: here at the smallest size, the one with fewer
lines before the one with more, then as given. Savings plans and reservations cover neither software (Windows, SQL) nor
spot: software is a line of its own that nothing covers.

Not here: which usage lies in a commitment's scope (`optimizer.billing.eligibility`), money (`optimizer.billing.bill`).

References
----------
.. [1] https://learn.microsoft.com/azure/cost-management-billing/reservations/prepare-buy-reservation
.. [2] https://learn.microsoft.com/azure/virtual-machines/reserved-vm-instance-size-flexibility
.. [3] https://learn.microsoft.com/azure/cost-management-billing/savings-plan/discount-application
"""

from collections.abc import Iterator, Sequence

import numpy as np

from forecasting.arrays import FloatArray
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
    """Apply the holdings to the usage in Azure's order, every column by itself.

    Parameters
    ----------
    usage : UsageLines
    holdings : sequence of Holding
        In the order in which ties between them are broken.
    is_shared : bool
        Whether a commitment may cover other subscriptions than its own.

    Returns
    -------
    Settlement
    """
    return apply_turns(usage, holdings, turns(usage, holdings, is_shared=is_shared))


def turns(usage: UsageLines, holdings: Sequence[Holding], *, is_shared: bool = True) -> Iterator[Turn]:
    """Yield every holding's chance at every eligible line, in Azure's order.

    Azure has one kind of savings plan and no zonal reservations, so neither pair of stages is told apart.
    """
    hardware = shared_chances(usage, holdings, (Stage.OWNED_HARDWARE,), is_shared=is_shared)
    yield from sorted(hardware, key=lambda turn: hardware_rank(turn, usage, holdings))
    yield from by_reach(shared_chances(usage, holdings, RESERVATION_STAGES, is_shared=is_shared), usage, holdings)
    plans = shared_chances(usage, holdings, PLAN_STAGES, is_shared=is_shared)
    yield from sorted(plans, key=lambda turn: _plan_rank(turn, usage, holdings))


def plan_rates(plan_usd: FloatArray, on_demand_usd: FloatArray) -> FloatArray:
    """Rates at which usage draws a savings plan down: the pay-as-you-go rate where that is the lower one.

    A negotiated pay-as-you-go rate (Azure consumption discount) may lie below the plan's. Then the usage is billed at
    it, and the result is taken off the commitment [1]_.

    Parameters
    ----------
    plan_usd, on_demand_usd : FloatArray of shape (n_lines,)
        [USD/unit-hour]

    References
    ----------
    .. [1] https://learn.microsoft.com/azure/cost-management-billing/savings-plan/discount-application

    Examples
    --------
    >>> plan_rates(np.array([0.6, 0.9]), np.array([1.0, 0.8])).tolist()
    [0.6, 0.8]
    """
    lower: FloatArray = np.minimum(plan_usd, on_demand_usd)
    return lower


def _plan_rank(
    turn: Turn, usage: UsageLines, holdings: Sequence[Holding]
) -> tuple[int, int, int, bool, float, float, str]:
    """Plan by plan: longest term, narrowest scope, then as given; in each the greatest discount first."""
    holding = holdings[turn.holding]
    plan = (-holding.term_hours, int(holding.reach), turn.holding)
    is_idle = turn.line in usage.idle_lines
    return (*plan, is_idle, -savings_fraction(usage, turn), turn.draw, usage.names[turn.line])
