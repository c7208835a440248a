"""What is asked of renewals: how far ahead, and at which prices reservations may be sold.

Not here: the files of the run (`optimizer.jobs.planning_inputs`).
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from forecasting.errors import InputError, Problem
from forecasting.frames import did_you_mean, shown
from optimizer.portfolio import Commitment

MAX_WITHIN_DAYS = 1_095
_DAYS = re.compile(r"(\d{1,4})d", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalRequest:
    """What to look at.

    Attributes
    ----------
    within_days : int
        Commitments that end in so many days from as-of are looked at.
    resale_prices_usd : mapping of str to float
        Upfront price asked for all of a commitment in the Marketplace, by its id. [USD]
    """

    within_days: int
    resale_prices_usd: Mapping[str, float]


def parse_within(text: str) -> int:
    """Days of ``--within 180d``.

    Raises
    ------
    InputError
        If it is no whole number of days from 1 to `MAX_WITHIN_DAYS`.

    Examples
    --------
    >>> parse_within("180d")
    180
    """
    match = _DAYS.fullmatch(text.strip())
    days = int(match[1]) if match else 0
    if not 1 <= days <= MAX_WITHIN_DAYS:
        message = f"must be whole days from 1d to {MAX_WITHIN_DAYS}d, such as 180d, got {shown(text)}."
        option = "--within"
        raise InputError(option, [Problem(message=message)])
    return days


def parse_resale_prices(texts: Sequence[str], owned: Sequence[Commitment]) -> dict[str, float]:
    """Prices of ``--resale-price ID=USD``, one option for each commitment.

    Raises
    ------
    InputError
        With every text that is no commitment and price >= 0, or names a commitment twice.
    """
    known = {commitment.commitment_id for commitment in owned}
    prices: dict[str, float] = {}
    problems = []
    for text in texts:
        name, mark, price = text.rpartition("=")
        usd = _number(price)
        if not mark or usd is None:
            problems.append(
                Problem(message=f"must be a commitment and a price >= 0, as web-2024=1500, got {shown(text)}.")
            )
        elif name not in known:
            hint = did_you_mean(name, known)
            problems.append(Problem(message=f"must name a commitment of --commitments, got {shown(name)}.{hint}"))
        elif name in prices:
            problems.append(Problem(message=f"must name each commitment once, got {shown(name)} twice."))
        else:
            prices[name] = usd
    if problems:
        option = "--resale-price"
        raise InputError(option, problems)
    return prices


def _number(text: str) -> float | None:
    """Finite number >= 0; None for anything else."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0.0 else None
