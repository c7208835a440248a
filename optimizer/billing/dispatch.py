"""Every holding under its own provider's order, in one settlement.

Not here: the orders (`optimizer.billing.aws`, `optimizer.billing.azure`, `optimizer.billing.gcp`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from optimizer.billing.aws.order import turns as aws_turns
from optimizer.billing.aws.sharing import NOT_SHARED, ORGANIZATION
from optimizer.billing.azure.order import turns as azure_turns
from optimizer.billing.gcp.order import turns as gcp_turns
from optimizer.billing.providers import Rules
from optimizer.billing.settlement import Holding, Settlement, Turn, UsageLines, apply_turns


def settle_by_rules(
    usage: UsageLines, holdings: Sequence[Holding], rules: Sequence[Rules], *, is_shared: bool
) -> Settlement:
    """Apply holdings of several providers to the usage, every column by itself.

    Parameters
    ----------
    usage : UsageLines
    holdings : sequence of Holding
        Holdings under different rules share no line.
    rules : sequence of Rules
        One for each holding.
    is_shared : bool
        Whether commitments may cover other accounts than their owner's.

    Returns
    -------
    Settlement
    """
    return apply_turns(usage, holdings, _turns(usage, holdings, rules, is_shared=is_shared))


def _turns(
    usage: UsageLines, holdings: Sequence[Holding], rules: Sequence[Rules], *, is_shared: bool
) -> Iterator[Turn]:
    """Turns of one provider after the other's, with the rows of all holdings."""
    for each in Rules:
        rows = [row for row, found in enumerate(rules) if found == each]
        for turn in _turns_of(each, usage, [holdings[row] for row in rows], is_shared=is_shared):
            yield replace(turn, holding=rows[turn.holding])


def _turns_of(rules: Rules, usage: UsageLines, holdings: Sequence[Holding], *, is_shared: bool) -> Iterator[Turn]:
    """Turns under one provider's order."""
    if rules == Rules.AZURE:
        return azure_turns(usage, holdings, is_shared=is_shared)
    if rules == Rules.GCP:
        return gcp_turns(usage, holdings, is_shared=is_shared)
    return aws_turns(usage, holdings, ORGANIZATION if is_shared else NOT_SHARED)
