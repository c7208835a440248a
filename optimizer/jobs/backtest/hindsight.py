"""Programs over demand that came: the clairvoyant, and what it could have saved by changing less than everything.

Costs count inside the window, amortized and undiscounted, without limits and steps. Not here: replays.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from forecasting.scenarios import Scenarios
from optimizer.assembly import Assembled, Market, assemble
from optimizer.calendar_dates import Timeline
from optimizer.coefficients import window_fees
from optimizer.costs import evaluate
from optimizer.cover import cover_classes
from optimizer.jobs.backtest.request import Setting
from optimizer.jobs.backtest.rivals import with_batches
from optimizer.jobs.certify import window_usd
from optimizer.jobs.purchases import planned_commitments
from optimizer.jobs.solve import Tell, solve
from optimizer.policy import Increments
from optimizer.portfolio import Commitment

GAP_FRACTION = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindsight:
    """An optimum for what came.

    Attributes
    ----------
    bought : tuple of Commitment
    cost_usd : float
        Of `bought`, by the optimizer's definition of cost. [USD]
    lower_bound_usd : float
        No purchases of the kind allowed cost less. [USD]
    gap_fraction : float
    """

    bought: tuple[Commitment, ...]
    cost_usd: float
    lower_bound_usd: float
    gap_fraction: float


def hindsight(
    setting: Setting,
    market: Market,
    *,
    tell: Tell,
    batches: Collection[tuple[str, int]] | None = None,
    offers: Collection[str] | None = None,
) -> Hindsight:
    """Purchases that would have cost least in the window.

    Parameters
    ----------
    setting : Setting
    market : Market
        Of the window, with what is owned.
    tell : callable
    batches : collection of (str, int) or None
        Offer and date of the purchases that may be made; None: not restricted.
    offers : collection of str or None
        Offers that may be bought, on any date; None: not restricted.

    Raises
    ------
    CertificateError
        If the recomputed cost disagrees with the solver's.
    """
    is_free = batches is None and offers is None
    assembled = _assembled(setting, market, keep_dominated=not is_free)
    if not is_free:
        rows, dates = assembled.problem.batches.instrument, assembled.decision_hour
        keep = np.array(
            [
                date < 0 or _is_allowed(assembled.offers[row].offer_id, int(date), batches, offers)
                for row, date in zip(rows.tolist(), dates.tolist(), strict=True)
            ],
            dtype=np.bool_,
        )
        assembled = with_batches(assembled, keep)
    solved = solve(assembled, Increments(), method="auto", gap_fraction=GAP_FRACTION, tell=tell)
    return Hindsight(
        bought=planned_commitments(solved),
        cost_usd=window_usd(solved, solved.exact, solved.exact_found),
        lower_bound_usd=solved.lower_bound_usd,
        gap_fraction=solved.gap_fraction,
    )


def applied_usd(setting: Setting, market: Market, bought: tuple[Commitment, ...]) -> float:
    """Cost in the window of given purchases, each hour's commitments serving what saves most. [USD]

    Parameters
    ----------
    setting : Setting
    market : Market
        Of the window, with what is owned.
    bought : tuple of Commitment
    """
    held = replace(market, commitments=(*market.commitments, *bought))
    assembled = _assembled(setting, held, keep_dominated=True)
    problem = with_batches(assembled, np.array([one is not None for one in assembled.commitment])).problem
    quantity = np.nan_to_num(problem.batches.fixed_quantity)
    found = evaluate(problem, quantity, cover_classes(problem.instruments, split_by_fee=True))
    return float(window_fees(problem) @ quantity) + float(problem.weights @ found.window_recourse_usd)


def _assembled(setting: Setting, market: Market, *, keep_dominated: bool) -> Assembled:
    """Problem of the window: what came as one certain scenario."""
    came = setting.came
    scenarios = Scenarios(
        pools=came.pools,
        hours=np.arange(setting.start_hour, setting.end_hour),
        hour_weights=np.ones(setting.end_hour - setting.start_hour),
        weights=np.ones(1),
        units=came.units[None],
    )
    timeline = Timeline(
        decision_hours=setting.dates,
        tail_hours=np.array([], dtype=np.int64),
        start_hour=setting.start_hour,
        end_hour=setting.end_hour,
        valued_end_hour=setting.end_hour,
    )
    return assemble(
        scenarios, market, timeline, discount_rate_yearly=0.0, risk_lambda=0.0, keep_dominated=keep_dominated
    )


def _is_allowed(
    offer_id: str, date: int, batches: Collection[tuple[str, int]] | None, offers: Collection[str] | None
) -> bool:
    """Whether a purchase may be made."""
    return (batches is None or (offer_id, date) in batches) and (offers is None or offer_id in offers)
