"""What some hours would have cost: usage billed under prices and commitments, nothing planned.

Not here: the rules (`optimizer.billing`).
"""

from dataclasses import dataclass

import numpy as np

from forecasting.errors import InputError, Problem
from forecasting.hours import date_of_hour
from forecasting.roadmap import Roadmap
from optimizer.billing.bill import Bill
from optimizer.billing.providers import AppliedRules, applied_rules
from optimizer.billing.replay import bill_portfolio
from optimizer.billing.sustained import billing_sentences
from optimizer.jobs.inputs import InputPaths, RunOptions, read_history, read_market, read_policy_with
from optimizer.jobs.versions import versions
from optimizer.plan import InputRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class BillRequest:
    """What `plimsoll bill` is asked.

    Attributes
    ----------
    paths : InputPaths
    options : RunOptions
    start_hour, end_hour : int or None
        Window; None: all of the usage.
    """

    paths: InputPaths
    options: RunOptions
    start_hour: int | None
    end_hour: int | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BillAnswer:
    """A bill and where it comes from.

    Attributes
    ----------
    start_hour, end_hour : int
    bill : Bill
    rules : tuple of AppliedRules
        By whose rules it was billed.
    sentences : tuple of str
        The same in words, and what was assumed of discounts.
    inputs : tuple of InputRecord
    versions : tuple of (str, str)
    """

    start_hour: int
    end_hour: int
    bill: Bill
    rules: tuple[AppliedRules, ...]
    sentences: tuple[str, ...]
    inputs: tuple[InputRecord, ...]
    versions: tuple[tuple[str, str], ...]


def bill_usage(request: BillRequest) -> BillAnswer:
    """Read and bill.

    Raises
    ------
    InputError
        If a file or the window is wrong.
    """
    policy = read_policy_with(request.paths, request.options)
    history = read_history(request.paths, request.options, Roadmap())
    start = history.start_hour if request.start_hour is None else request.start_hour
    end = history.end_hour if request.end_hour is None else request.end_hour
    if start < history.start_hour or end > history.end_hour or end <= start:
        message = (
            f"must lie inside the usage, {date_of_hour(history.start_hour)} to {date_of_hour(history.end_hour - 1)}, "
            f"got {date_of_hour(start)} to {date_of_hour(end - 1)}. Give --start and --end."
        )
        msg = "the window"
        raise InputError(msg, [Problem(message=message)])
    inside = history.between(start, end)
    used = inside.units.sum(axis=1) > 0
    pools = tuple(pool for pool, is_used in zip(inside.pools, used, strict=True) if is_used)
    market = read_market(request.paths, policy, known=pools)
    hours = np.arange(start, end)
    found = bill_portfolio(market.catalog, market.pools, market.commitments, hours, inside.units[used])
    return BillAnswer(
        start_hour=start,
        end_hour=end,
        bill=found,
        rules=applied_rules(market.catalog),
        sentences=billing_sentences(market.catalog, market.pools, hours),
        inputs=request.paths.records(),
        versions=versions(),
    )
