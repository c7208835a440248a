"""A chain of decisions over the dates of a backtest, what was bought carried forward, each kept as it is made.

Not here: what a chain decides, what its purchases cost.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from optimizer.jobs.backtest.decisions import Decision, Replay
from optimizer.jobs.backtest.request import Setting
from optimizer.jobs.backtest.store import DecisionStore
from optimizer.portfolio import Commitment

Step = Callable[[str, int, bool], None]


class Chain(Protocol):
    """A way of buying."""

    @property
    def name(self) -> str:
        """Name, unique in a run."""

    @property
    def title(self) -> str:
        """Name for people."""

    @property
    def fingerprint(self) -> str:
        """What its decisions depend on beside setting and date."""

    def decide(self, setting: Setting, date_hour: int, held: tuple[Commitment, ...]) -> Decision:
        """Purchases of a date, with what was bought before."""


def replayed(chain: Chain, setting: Setting, store: DecisionStore, *, on_step: Step) -> Replay:
    """Decisions of all dates, from the store where they are there.

    Parameters
    ----------
    chain : Chain
    setting : Setting
    store : DecisionStore
    on_step : callable
        Given the chain's title, a date, and whether its decision was there already; before it is made.
    """
    decisions: list[Decision] = []
    for date in setting.dates.tolist():
        known = store.load(chain.fingerprint, date)
        on_step(chain.title, date, known is not None)
        if known is None:
            held = tuple(commitment for decision in decisions for commitment in decision.bought)
            known = chain.decide(setting, date, held)
            store.save(chain.fingerprint, known)
        decisions.append(known)
    return Replay(name=chain.name, title=chain.title, decisions=tuple(decisions))


def missing(chains: Sequence[Chain], setting: Setting, store: DecisionStore) -> int:
    """Decisions that are not kept yet."""
    return sum(not store.has(chain.fingerprint, date) for chain in chains for date in setting.dates.tolist())
