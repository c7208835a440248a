"""Reference bands for the negotiation: what was published of discounts and clauses, with source and date.

None of it is official but the contracts that were filed: no provider publishes tiers. Figures, not prose; nothing here
is computed with. Not here: what the user was offered.
"""

from dataclasses import dataclass

NOT_OFFICIAL = (
    "Not official: no provider publishes tiers. 'Filed' is a contract on public record, 'adviser' a figure of an "
    "interested party that nobody can check. Nothing in this page is computed from them."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """One published figure.

    Attributes
    ----------
    commitment, discount, term : str
        As published.
    kind : str
        ``filed`` or ``adviser``.
    source, date : str
    """

    commitment: str
    discount: str
    term: str
    kind: str
    source: str
    date: str


BANDS = (
    Band(
        commitment="1 million USD a year",
        discount="9 %",
        term="3 years",
        kind="filed",
        source="MiX Telematics, AWS addendum (SEC)",
        date="2017",
    ),
    Band(
        commitment="0.5-2 / 2-5 / 5-10 million USD a year",
        discount="5-8 / 8-12 / 12-18 %",
        term="not said",
        kind="adviser",
        source="negotiators' blogs",
        date="no date",
    ),
    Band(
        commitment="about 2 / over 20 million USD a year",
        discount="6-9 / 15-20 %",
        term="not said",
        kind="adviser",
        source="Redress, playbook",
        date="no date",
    ),
    Band(
        commitment="1-5 / 5-25 / over 25 million USD a year",
        discount="5-15 / 10-25 / 20-40 %, gross, with service discounts",
        term="not said",
        kind="adviser",
        source="Redress",
        date="June 2026",
    ),
    Band(
        commitment="5 million USD a year; 14 + 18 + 22 million USD",
        discount="8 %; 17 %",
        term="5 years; 3 years",
        kind="adviser",
        source="eightlake",
        date="no date",
    ),
    Band(
        commitment="small deals, entry",
        discount="6-9 %; 6-15 %",
        term="not said",
        kind="adviser",
        source="hykell; procr",
        date="no date",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Precedent:
    """A clause that somebody has on record."""

    clause: str
    text: str
    source: str


PRECEDENTS = (
    Precedent(
        clause="Roll-over",
        text="Up to 15 % of a year's commitment may move to the next, in each of the first four years.",
        source="Snap with Google, 10-K for 2019",
    ),
    Precedent(
        clause="Prepayment",
        text="A shortfall pays for later use, for 12 months; what is left then lapses.",
        source="Palantir, second agreement, 10-Q for Q2 2021",
    ),
    Precedent(
        clause="Prepayment",
        text="A shortfall may be used later, and does not count towards later minimums.",
        source="Snap with AWS, 10-K for 2019",
    ),
    Precedent(
        clause="Ramp",
        text="90, 150, 215, 280, 349 million USD over five years.",
        source="Snap with AWS, 2018 to 2022, 10-K",
    ),
    Precedent(
        clause="Marketplace",
        text="50 % of its fees count at AWS (VTEX, 2020); all of it at Azure (eligible offers) and Google Cloud.",
        source="SEC filing; provider documentation",
    ),
    Precedent(
        clause="Basis",
        text="What counts are eligible fees net of discounts and refunds, without taxes.",
        source="VTEX, private pricing addendum, December 2020",
    ),
)
