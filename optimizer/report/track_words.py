"""Words that the page and the terminal of a review share.

Not here: how they are laid out.
"""

import math

from forecasting.numerals import percent
from optimizer.jobs.tracking.answer import Measure, Review
from optimizer.jobs.tracking.event_sizes import EventFound
from optimizer.jobs.tracking.variance import PARTS
from optimizer.report.numbers import usd
from optimizer.report.words import day

NOTHING_FACTOR = 0.1  # of an event that hardly came no date can be told
PART_TITLES = {
    "volume": "Volume",
    "event": "Declared events",
    "anomaly": "Anomalies",
    "mix": "Mix",
    "waste": "Waste",
    "rate": "Rates",
}
PART_MEANINGS = {
    "volume": "more or less demand than expected, at the cost expected of an on-demand USD",
    "event": "what declared events changed more or less than expected, at the same cost",
    "anomaly": "days of unexpected spikes and outages, at the same cost",
    "mix": "dearer or cheaper pools, and what serves them: more of it on demand is dearer",
    "waste": "commitments that nothing used, more or less than expected",
    "rate": "the same usage and commitments at the prices of today in place of those of the plan",
}
MEASURE_TITLES = {
    "esr": "Effective savings rate",
    "coverage": "Coverage",
    "utilization": "Utilization",
    "stranded_fraction": "Stranded, part of the fees",
    "stranded_usd": "Stranded, USD",
    "locked_in_usd": "Lock-in: fees still to come, USD",
}


def tracked_period(review: Review) -> str:
    """Tracked days in words, both inclusive."""
    return f"{day(review.start_hour)} to {day(review.end_hour - 1)}"


def variance_sentence(review: Review) -> str:
    """Cost beside what was expected, and whether it is flagged."""
    total = review.variance.total
    side = "above" if total.variance_usd >= 0 else "below"
    flag = percent(review.flag_fraction, 0)
    is_flagged = review.is_flagged(total)
    verdict = f"flagged, as it is more than {flag}" if is_flagged else f"within {flag}"
    inside = review.cost_p10_usd <= total.actual_usd <= review.cost_p90_usd
    return (
        f"{usd(total.actual_usd)} was spent, {usd(abs(total.variance_usd))} ({percent(abs(total.variance_fraction))}) "
        f"{side} the {usd(total.expected_usd)} of the plan: {verdict}. The plan gave {usd(review.cost_p10_usd)} to "
        f"{usd(review.cost_p90_usd)} with 80 % probability; the cost lies {'inside' if inside else 'outside'}."
    )


def split_sentence(review: Review) -> str:
    """Parts of the variance, the largest first."""
    parts = zip(PARTS, review.variance.total.parts_usd, strict=True)
    ranked = sorted((part for part in parts if part[1] != 0.0), key=lambda part: -abs(part[1]))
    told = ", ".join(f"{PART_TITLES[name].lower()} {'+' if value > 0 else ''}{usd(value)}" for name, value in ranked)
    return f"Of it: {told}." if told else "Nothing differs."


def measure_cells(measure: Measure) -> tuple[str, str, str]:
    """Planned, actual and their difference as text."""
    if measure.name.endswith("_usd"):
        return usd(measure.planned), usd(measure.actual), usd(measure.actual - measure.planned)
    points = 100.0 * (measure.actual - measure.planned)
    difference = f"{points:+.1f} points" if math.isfinite(points) else "n/a"
    return percent(measure.planned), percent(measure.actual), difference


def lag_text(event: EventFound) -> str:
    """How late an event came."""
    if not event.is_seen or event.factor < NOTHING_FACTOR:
        return "n/a"
    if event.lag_days == 0:
        return "on time"
    return f"{abs(event.lag_days)} days {'late' if event.lag_days > 0 else 'early'}"


def factor_text(event: EventFound) -> str:
    """How many times the expected change came."""
    if not event.is_seen:
        return "not seen enough"
    return f"{event.factor:.2f} \N{PLUS-MINUS SIGN} {event.factor_error:.2f}"


def bought_sentence(review: Review) -> str:
    """Whether what was advised was bought."""
    if not review.advised:
        return "The plan advised no purchase."
    if review.is_assumed_bought:
        return f"All {len(review.advised)} purchases that the plan advised are counted as made; none was looked up."
    missing = len(review.not_bought)
    if not missing:
        return f"All {len(review.advised)} purchases that the plan advised are owned as advised."
    return (
        f"{missing} of {len(review.advised)} purchases that the plan advised are not owned as advised: "
        f"{', '.join(review.not_bought)}."
    )
