"""What can be done with one commitment, as data: what is then held, what is bought, what it costs once, until when.

Not here: which choices there are (`renewing`, `changing`), what they cost (`pricing`).
"""

from dataclasses import dataclass
from enum import StrEnum

from optimizer.assembly import AddedBatch
from optimizer.billing.aws.marketplace import SERVICE_FEE_FRACTION
from optimizer.offers import Offer
from optimizer.portfolio import Commitment


class ChoiceKind(StrEnum):
    """Kinds of choices; docs/renewals.md says what each is."""

    RENEW = "renew"
    RENEW_PART = "renew_part"
    RENEW_SHORTER = "renew_shorter"
    FLEXIBLE_PLAN = "flexible_plan"
    BUY_LATER = "buy_later"
    LAPSE = "lapse"
    KEEP = "keep"
    EXCHANGE = "exchange"
    EXCHANGE_PART = "exchange_part"
    MODIFY = "modify"
    SELL = "sell"
    RETURN = "return"
    REFUND = "refund"
    MOVE_WORK = "move_work"


TITLES = {
    ChoiceKind.RENEW: "Renew as is",
    ChoiceKind.RENEW_PART: "Renew what pays",
    ChoiceKind.RENEW_SHORTER: "Renew shorter",
    ChoiceKind.FLEXIBLE_PLAN: "Replace by a flexible plan",
    ChoiceKind.BUY_LATER: "Buy later",
    ChoiceKind.LAPSE: "Let lapse, bridge on demand or spot",
    ChoiceKind.KEEP: "Keep to the end",
    ChoiceKind.EXCHANGE: "Exchange",
    ChoiceKind.EXCHANGE_PART: "Split, exchange the part that strands",
    ChoiceKind.MODIFY: "Modify to another size",
    ChoiceKind.SELL: "Sell",
    ChoiceKind.RETURN: "Return",
    ChoiceKind.REFUND: "Cancel for a refund",
    ChoiceKind.MOVE_WORK: "Move other work on to it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A part of what is owned that ends before its time.

    Attributes
    ----------
    at_hour : int
        Epoch hour from which it covers nothing any more.
    quantity : float
        How much of it.
    until : AddedBatch or None
        The part until then, quantity 0 as it is set by the choice; None where it ends at once.
    rest : AddedBatch
        The same from then to its end without what was paid upfront: what is no longer paid by the hour.
    """

    at_hour: int
    quantity: float
    until: AddedBatch | None
    rest: AddedBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Buy:
    """A purchase whose quantity a choice sets, or lets the optimizer set.

    Attributes
    ----------
    batch : AddedBatch
    at_least, at_most : float
        Quantity of the offer; equal where it is given.
    """

    batch: AddedBatch
    at_least: float
    at_most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One thing to do with one commitment.

    Attributes
    ----------
    kind : ChoiceKind
    offer : Offer or None
        What is bought, or what the commitment becomes.
    obstacles : tuple of str
        Why it cannot be done; empty where it can.
    at_hour : int
        When it takes effect; epoch hour.
    decide_by_hour : int
        Last hour by which it can be decided.
    release : Release or None
    becomes : tuple of (AddedBatch, float)
        What is held in its place, and how much, paid by the hour only.
    buys : Buy or None
    bars_until_hour : int
        From `at_hour` on and before this hour no purchase for the commitment's pools alone is made; 0 for no bar.
    one_off_usd : float
        Cash paid at once (below 0: received), valued at the decision. [USD]
    inside_fraction : float
        Part of the rest of its term that lies inside the valued hours: of `one_off_usd` it counts, as of fees.
    price_usd : float or None
        Upfront price of a sale that the user gave. [USD]
    price_part : float
        What a USD of such a price brings at the decision: less the Marketplace's fee, discounted.
    notes : tuple of str
        Sentences: what else to do, what was taken for granted.
    """

    kind: ChoiceKind
    offer: Offer | None = None
    obstacles: tuple[str, ...] = ()
    at_hour: int = 0
    decide_by_hour: int = 0
    release: Release | None = None
    becomes: tuple[tuple[AddedBatch, float], ...] = ()
    buys: Buy | None = None
    bars_until_hour: int = 0
    one_off_usd: float = 0.0
    inside_fraction: float = 1.0
    price_usd: float | None = None
    price_part: float = 1.0 - SERVICE_FEE_FRACTION
    notes: tuple[str, ...] = ()

    @property
    def counted_usd(self) -> float:
        """Part of the cash at once that counts. [USD]"""
        return self.one_off_usd * self.inside_fraction

    @property
    def is_open(self) -> bool:
        """Whether it can be done."""
        return not self.obstacles

    @property
    def added(self) -> tuple[AddedBatch, ...]:
        """Batches that the problem needs for it."""
        out = [batch for batch, _ in self.becomes]
        if self.release is not None:
            out += [batch for batch in (self.release.until, self.release.rest) if batch is not None]
        return (*out, *(() if self.buys is None else (self.buys.batch,)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """A commitment that asks for a decision.

    Attributes
    ----------
    commitment : Commitment
    offer : Offer
        It was bought from.
    events : tuple of str
        Declared events that take demand from its pools before it ends, or before what renews it does.
    is_ending : bool
        Whether it ends in the time asked for; else an event strands it first.
    stranded_fraction, without_events_fraction : float
        Part of it that is expected to be stranded from as-of to its end: as declared, and were those events not to
        come; nan where not known.
    choices : tuple of Choice
    """

    commitment: Commitment
    offer: Offer
    events: tuple[str, ...]
    is_ending: bool
    stranded_fraction: float
    without_events_fraction: float
    choices: tuple[Choice, ...] = ()
