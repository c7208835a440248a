"""One decision of a replay: what was bought on a date, and what was expected of it then; as data and as JSON.

Not here: how it is made (`optimizer.jobs.backtest.planner`, `optimizer.jobs.backtest.rivals`).
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

from optimizer.portfolio import Commitment


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What the plan said on its date, to be held against what came.

    Attributes
    ----------
    cost_usd, cost_low_usd, cost_high_usd : float
        Of the period up to the next date, with what is held after the purchases: mean, and the ends of the 90 %
        interval. [USD]
    stranded_usd, committed_usd : float
        Mean stranded and committed value of the same period. [USD]
    stranded_low_fraction, stranded_high_fraction : float
        Ends of the 90 % interval of the stranded part of what is committed in it; nan where nothing is.
    year_stranded_usd, year_committed_usd : float
        The same means of the longest term from the date on, cut at the end of the window, without later purchases.
    year_end_hour : int
        Where that ends.
    gap_fraction : float
        Of the plan's certificate.
    forecast_loss : float
        Weighted quantile loss of each pool's daily mean over the days up to `year_end_hour` that the usage has, as a
        part of demand; nan where there is none. It is taken after the decision and steers nothing.
    """

    cost_usd: float
    cost_low_usd: float
    cost_high_usd: float
    stranded_usd: float
    committed_usd: float
    stranded_low_fraction: float
    stranded_high_fraction: float
    year_stranded_usd: float
    year_committed_usd: float
    year_end_hour: int
    gap_fraction: float
    forecast_loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was bought on one date.

    Attributes
    ----------
    date_hour : int
    bought : tuple of Commitment
    expected : Expectation or None
        None for rules, which expect nothing.
    """

    date_hour: int
    bought: tuple[Commitment, ...]
    expected: Expectation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """All decisions of one way of buying.

    Attributes
    ----------
    name : str
    title : str
        For people.
    decisions : tuple of Decision
        One for each date.
    """

    name: str
    title: str
    decisions: tuple[Decision, ...]

    @property
    def bought(self) -> tuple[Commitment, ...]:
        """Everything bought, by date."""
        return tuple(commitment for decision in self.decisions for commitment in decision.bought)


def decision_text(decision: Decision) -> str:
    """JSON of a decision; floats to the last bit, so that what is read back is the same."""
    return json.dumps(asdict(decision), sort_keys=True)


def decision_of(text: str) -> Decision:
    """Decision of its JSON.

    Raises
    ------
    ValueError, KeyError, TypeError
        If the text is none: a state file that something else cut short or changed.
    """
    record: dict[str, Any] = json.loads(text)
    expected = record["expected"]
    return Decision(
        date_hour=int(record["date_hour"]),
        bought=tuple(Commitment(**one) for one in record["bought"]),
        expected=None if expected is None else Expectation(**expected),
    )


def own_names(bought: tuple[Commitment, ...], taken: frozenset[str]) -> tuple[Commitment, ...]:
    """Purchases under names that nothing else has: what is owned may come from a plan of the same date."""
    out = []
    for commitment in bought:
        record = asdict(commitment)
        while record["commitment_id"] in taken:
            record["commitment_id"] += "+"
        out.append(Commitment(**record))
    return tuple(out)
