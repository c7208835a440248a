"""Parts that the providers' orders of application are made of.

Not here: the orders themselves (`optimizer.billing.aws`, `optimizer.billing.azure`, `optimizer.billing.gcp`).
"""

from collections.abc import Collection, Sequence

import numpy as np

from optimizer.billing.settlement import Holding, Stage, Turn, UsageLines

SAVINGS_DIGITS = 12  # savings fractions of equal discounts differ by rounding of the division only
RESERVATION_STAGES = frozenset({Stage.ZONAL_RESERVATION, Stage.REGIONAL_RESERVATION})
PLAN_STAGES = frozenset({Stage.INSTANCE_PLAN, Stage.COMPUTE_PLAN})


def chances(holdings: Sequence[Holding], *stages: Stage) -> list[Turn]:
    """Every chance of the holdings of these stages at their eligible lines, in no order of application yet."""
    return [
        Turn(holding=row, line=int(line), draw=float(draw))
        for row, holding in enumerate(holdings)
        if holding.stage in stages
        for line, draw in zip(holding.lines, holding.draw, strict=True)
    ]


def shared_chances(
    usage: UsageLines, holdings: Sequence[Holding], stages: Collection[Stage], *, is_shared: bool
) -> list[Turn]:
    """Chances at any account's lines where commitments are shared, else at the owner's."""
    return [
        turn
        for turn in chances(holdings, *stages)
        if is_shared or holdings[turn.holding].account == usage.accounts[turn.line]
    ]


def by_reach(turns: Sequence[Turn], usage: UsageLines, holdings: Sequence[Holding]) -> list[Turn]:
    """Turns of reservations, the narrowest scope first.

    Running usage comes before idle units. Where scopes are equal the reservation that fits fewer lines comes first,
    then the one given first, each from its smallest size up.
    """

    def rank(turn: Turn) -> tuple[bool, int, int, int, float, str]:
        holding = holdings[turn.holding]
        is_idle = turn.line in usage.idle_lines
        return (is_idle, int(holding.reach), len(holding.lines), turn.holding, turn.draw, usage.names[turn.line])

    return sorted(turns, key=rank)


def hardware_rank(
    turn: Turn, usage: UsageLines, holdings: Sequence[Holding]
) -> tuple[bool, int, int, float, float, str]:
    """Rank of owned hardware: running usage first; what fits fewer lines first, then as given.

    Where its owner may choose, one unit of it serves first what it saves most on.
    """
    is_idle = turn.line in usage.idle_lines
    saved_usd = round(float(usage.on_demand_usd[turn.line]) / turn.draw, SAVINGS_DIGITS)
    n_lines = len(holdings[turn.holding].lines)
    return (is_idle, n_lines, turn.holding, -saved_usd, turn.draw, usage.names[turn.line])


def savings_fraction(usage: UsageLines, turn: Turn) -> float:
    """What a plan saves on the line, of its on-demand rate; minus infinity where there is none."""
    on_demand_usd = float(usage.on_demand_usd[turn.line])
    return round(1.0 - turn.draw / on_demand_usd, SAVINGS_DIGITS) if on_demand_usd > 0.0 else -np.inf
