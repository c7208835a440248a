"""Runs put into a store on request, and read back: what is recorded of each kind of run.

Nothing is recorded unless a store is named. Not here: the store (`optimizer.run_store`).
"""

import hashlib
import math
from collections.abc import Callable, Iterable
from pathlib import Path

from forecasting.hours import add_months, iso_of_hour
from optimizer.errors import StoreError
from optimizer.jobs.backtest.answer import BacktestAnswer
from optimizer.jobs.contract.answer import ContractAnswer
from optimizer.jobs.renewals.answer import RenewalAnswer
from optimizer.jobs.tracking.answer import Review
from optimizer.jobs.tracking.calibration import Score
from optimizer.plan import Plan
from optimizer.run_store.records import Figure, RunRecord, StoredRun
from optimizer.run_store.store import add_run, check_run_store, stored_runs

SUMMARY_FIGURES = ("esr", "coverage", "utilization", "stranded_usd", "stranded_fraction")
SCORE_FIGURES = ("bias_fraction", "organic_fraction", "coverage_fraction", "expected_units", "actual_units")


def check_store(store: Path | None) -> None:
    """Refuse a store that could not be added to, before any work; nothing where none is named.

    Raises
    ------
    StoreError
        As `optimizer.run_store.store.check_run_store`.
    """
    if store is not None:
        check_run_store(store)


def record(store: Path | None, make: Callable[[], RunRecord], *, is_written: bool) -> None:
    """Add a run to a store; nothing where none is named.

    Parameters
    ----------
    store : Path or None
    make : callable
        Gives the record, only where there is a store.
    is_written : bool
        Whether the files of the run are written by now, for the message.

    Raises
    ------
    StoreError
        If it cannot be added; the store is as it was, and the files of the run stay.
    """
    if store is None:
        return
    try:
        add_run(store, make())
    except StoreError as error:
        files = "The files of the run are written" if is_written else "Nothing else was lost"
        msg = f"{error} The run is not in the store. {files}; the same command records it."
        raise StoreError(msg) from error


def runs(store: Path, *, kind: str | None = None, pool: str | None = None) -> tuple[StoredRun, ...]:
    """Runs of a store, the first recorded first.

    Parameters
    ----------
    store : Path
    kind : str or None
        Of this kind only.
    pool : str or None
        With a purchase for this pool, or a figure of it, only.

    Raises
    ------
    StoreError
        As `optimizer.run_store.store.stored_runs`.
    """
    found = stored_runs(store)
    return tuple(run for run in found if (kind is None or run.kind == kind) and (pool is None or _is_about(run, pool)))


def _is_about(run: StoredRun, pool: str) -> bool:
    """Whether a run says anything of a pool."""
    return any(pool in bought.pools for bought in run.purchases) or any(one.pool == pool for one in run.figures)


def record_of_plan(plan: Plan, document: bytes) -> RunRecord:
    """Record of a plan.

    Parameters
    ----------
    plan : Plan
    document : bytes
        Its plan.json, whose hash names the run.
    """
    figures = [("total_usd", plan.summary.mean_usd), *((name, getattr(plan.summary, name)) for name in SUMMARY_FIGURES)]
    figures += [
        ("p10_usd", plan.summary.p10_usd),
        ("p90_usd", plan.summary.p90_usd),
        ("committed_usd", sum(bought.committed_usd for bought in plan.purchases)),
        ("upfront_usd", sum(bought.upfront_usd for bought in plan.purchases)),
        ("gap_fraction", plan.certificate.gap_fraction),
    ]
    return RunRecord(
        run_id=hashlib.sha256(document).hexdigest(),
        kind="plan",
        title=plan.title,
        start_utc=iso_of_hour(plan.as_of_hour),
        end_utc=iso_of_hour(plan.horizon_end_hour),
        figures=known_figures(figures),
        purchases=plan.purchases,
        inputs=plan.inputs,
        versions=plan.versions,
    )


def record_of_review(review: Review, document: bytes) -> RunRecord:
    """Record of a review; parameters as for a plan."""
    total = review.variance.total
    figures: list[tuple[str, float]] = [
        ("total_usd", total.actual_usd),
        ("expected_usd", total.expected_usd),
        ("variance_fraction", total.variance_fraction),
        ("widening_factor", review.lessons.widening_factor),
        *((measure.name, measure.actual) for measure in review.measures),
    ]
    scores = [(score.pool, score) for score in (review.calibration.total, *review.calibration.pools)]
    return RunRecord(
        run_id=hashlib.sha256(document).hexdigest(),
        kind="track",
        title=review.plan_title,
        start_utc=iso_of_hour(review.start_hour),
        end_utc=iso_of_hour(review.end_hour),
        figures=(*known_figures(figures), *(one for pool, score in scores for one in _score_figures(score, pool))),
        inputs=review.inputs,
        versions=review.versions,
    )


def record_of_backtest(answer: BacktestAnswer, document: bytes) -> RunRecord:
    """Record of a backtest; parameters as for a plan."""
    ours = answer.ours.whole
    figures: list[tuple[str, float | None]] = [
        ("total_usd", ours.total_usd),
        ("esr", ours.esr),
        ("stranded_fraction", ours.stranded_fraction),
        ("capture_fraction", answer.capture(ours.total_usd)),
    ]
    return RunRecord(
        run_id=hashlib.sha256(document).hexdigest(),
        kind="backtest",
        title="Backtest",
        start_utc=iso_of_hour(answer.start_hour),
        end_utc=iso_of_hour(answer.end_hour),
        figures=known_figures((name, math.nan if value is None else value) for name, value in figures),
        purchases=answer.purchases,
        inputs=answer.inputs,
        versions=answer.versions,
    )


def record_of_renewals(answer: RenewalAnswer, document: bytes) -> RunRecord:
    """Record of a run of renewals; parameters as for a plan.

    Costs are those of the joint optimum, under a name of their own: they contain the valued tail, which the total of a
    plan does not. The figure of a pool is the fees of the commitments that were looked at and reach it; one that
    reaches several counts in each.
    """
    figures: list[tuple[str, float]] = [("decisions", len(answer.decisions))]
    if answer.joint is not None:
        names = ("expected_usd", "p10_usd", "p90_usd")
        figures += [(f"joint_{name}", getattr(answer.joint, name)) for name in names]
    fees: dict[str, float] = {}
    for decision in answer.decisions:
        for pool in decision.pools:
            fees[pool] = fees.get(pool, 0.0) + decision.hourly_fee_usd
    by_pool = (one for pool, fee in fees.items() for one in known_figures([("reviewed_hourly_fee_usd", fee)], pool))
    return RunRecord(
        run_id=hashlib.sha256(document).hexdigest(),
        kind="renewals",
        title=f"Renewals within {answer.within_days} days",
        start_utc=iso_of_hour(answer.as_of_hour),
        end_utc=iso_of_hour(answer.until_hour),
        figures=(*known_figures(figures), *by_pool),
        inputs=answer.inputs,
        versions=answer.versions,
    )


def record_of_contract(answer: ContractAnswer, document: bytes) -> RunRecord:
    """Record of a contract's offers; parameters as for a plan.

    Of the recommended offer, else of the best one, over its years; the total is what the advice costs.
    """
    best = answer.best
    cost = best.joint.cost_usd if answer.recommended else best.no_contract_usd
    figures: list[tuple[str, float]] = [
        ("total_usd", cost),
        ("offers", len(answer.results)),
        ("no_contract_usd", best.no_contract_usd),
        ("saving_usd", best.saving_usd),
        ("saving_p10_usd", best.saving_p10_usd),
        ("saving_p90_usd", best.saving_p90_usd),
        ("shortfall_usd", best.joint.shortfall_usd),
    ]
    advice = f"take {best.offer.name}" if answer.recommended else "no offer; figures of the best"
    return RunRecord(
        run_id=hashlib.sha256(document).hexdigest(),
        kind="contract",
        title=f"Contract: {advice}",
        start_utc=iso_of_hour(answer.as_of_hour),
        end_utc=iso_of_hour(add_months(answer.as_of_hour, 12 * len(best.offer.annual_usd))),
        figures=known_figures(figures),
        inputs=answer.inputs,
        versions=answer.versions,
    )


def known_figures(named: Iterable[tuple[str, float]], pool: str | None = None) -> tuple[Figure, ...]:
    """Figures of what is finite."""
    return tuple(Figure(pool=pool, name=name, value=float(value)) for name, value in named if math.isfinite(value))


def _score_figures(score: Score, pool: str | None) -> tuple[Figure, ...]:
    """Forecast of one pool, under names that no cost has."""
    return known_figures(((f"forecast_{name}", getattr(score, name)) for name in SCORE_FIGURES), pool)
