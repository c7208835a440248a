"""What the next unit of every batch would be worth on top of a plan, by one pass over the hours.

Not here: why an offer is not bought (`optimizer.jobs.explain_offers`).
"""

from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray, frozen_floats
from optimizer.explain_terms import Planned, best_hourly_usd, with_cuts
from optimizer.sweep import Sweeper

HOURS_OF_A_YEAR = 8_760
TRIFLE = 1e-9  # of a quantity; the passes take a thousandth of that for rounding


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NextWorth:
    """What one more unit of each batch is worth on top of a plan.

    Attributes
    ----------
    discounted_usd : FloatArray of shape (n_batches,)
        Expected on-demand and spot cost that it saves over its valued hours. [USD per quantity]
    use_fraction, early_use_fraction : FloatArray of shape (n_batches,)
        The same, undiscounted, as a part of what a unit that is always used saves on demand; and of its first year
        alone. 0 where the batch covers nothing.
    most_discounted_usd : FloatArray of shape (n_batches,)
        What a unit that is always used saves on demand over its valued hours. [USD per quantity]
    break_even_fraction, early_break_even_fraction : FloatArray of shape (n_batches,)
        Use at which its amortized fee is saved, over its valued hours and in its first year; inf where it covers
        nothing.
    """

    discounted_usd: FloatArray
    use_fraction: FloatArray
    early_use_fraction: FloatArray
    most_discounted_usd: FloatArray
    break_even_fraction: FloatArray
    early_break_even_fraction: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in self.__dataclass_fields__:
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))


def next_worth(planned: Planned) -> NextWorth:
    """Worth of the next unit of every batch, by one pass over the hours of the problem.

    The pass is made at a trifle more than what the plan holds: where a purchase just meets the demand of some hours,
    the unit after it serves none of them, while the last one of it does.
    """
    problem, classes, batches = planned.problem, planned.classes, planned.problem.batches
    years = np.unique(batches.start_hour + HOURS_OF_A_YEAR)
    cut = replace(problem, batches=with_cuts(batches, years, int(batches.end_hour.max(initial=0)) + 1))
    sweeper = Sweeper(cut, classes)
    segments = sweeper.segments
    more = np.append(planned.quantity * (1.0 + TRIFLE), np.zeros(len(years)))
    found = sweeper(more, spot_part=planned.spot_part)
    by_class = np.tensordot(problem.weights, found.slope_usd, axes=1)
    by_pool = -np.tensordot(problem.weights, found.floor_slope_usd, axes=1)
    legs = problem.legs
    active = legs.active(segments.first_hour)
    n_batches = batches.n_batches
    discounted, most_discounted = np.zeros(n_batches), np.zeros(n_batches)
    # of all valued hours, and of those of the first year
    saved_usd, most_usd, fees_usd = (np.zeros((2, n_batches)) for _ in range(3))
    for leg, (batch, row) in enumerate(zip(legs.batch.tolist(), legs.instrument.tolist(), strict=True)):
        if problem.instruments.reserves_units[row]:
            discounted[batch] += active[leg] @ (segments.discount * by_pool[:, classes.floor_pool[row]])
            continue
        saved = classes.scale[row] * by_class[:, classes.class_of[row]]
        most = best_hourly_usd(problem, row) * segments.hours
        is_early = active[leg] & (segments.first_hour < batches.start_hour[batch] + HOURS_OF_A_YEAR)
        counted = np.stack([active[leg], is_early])
        discounted[batch] += active[leg] @ (segments.discount * saved)
        most_discounted[batch] += active[leg] @ (segments.discount * most)
        saved_usd[:, batch] += counted @ saved
        most_usd[:, batch] += counted @ most
        fees_usd[:, batch] += counted @ segments.hours * float(problem.instruments.fee_usd[row])
    use = np.divide(saved_usd, most_usd, out=np.zeros_like(most_usd), where=most_usd > 0.0)
    even = np.divide(fees_usd, most_usd, out=np.full_like(most_usd, np.inf), where=most_usd > 0.0)
    return NextWorth(
        discounted_usd=discounted,
        use_fraction=use[0],
        early_use_fraction=use[1],
        most_discounted_usd=most_discounted,
        break_even_fraction=even[0],
        early_break_even_fraction=even[1],
    )
