"""Which offer to take, and why, in sentences.

Not here: the numbers (`optimizer.jobs.contract.valuation`).
"""

from collections.abc import Sequence

from forecasting.numerals import percent
from optimizer.jobs.contract.answer import OfferResult

RISK_PROBABILITY = 0.25  # chance of a shortfall in some year above which it is called out


def recommendation(results: Sequence[OfferResult]) -> tuple[str, tuple[str, ...]]:
    """Name of the offer that saves the most a year, empty where none saves, and the reasons."""
    best = max(results, key=lambda result: result.saving_per_year_usd)
    name = best.offer.name
    if best.saving_usd <= 0.0:
        return "", (
            f"No offer is expected to cost less than no contract; {name} comes nearest, at "
            f"{_usd(-best.saving_usd)} more over its {_years(len(best.offer.annual_usd))}.",
            *_shortfall_reason(best),
        )
    runner_up = max(
        (result for result in results if result is not best),
        key=lambda result: result.saving_per_year_usd,
        default=None,
    )
    reasons = [
        f"{name} is expected to save {_usd(best.saving_per_year_usd)} a year against no contract "
        f"({percent(best.saving_usd / best.no_contract_usd)} of the cost), and saves in "
        f"{percent(best.saving_probability, 0)} of the scenarios.",
        *_shortfall_reason(best),
        *_break_even_reason(best),
    ]
    if runner_up is not None:
        reasons.append(f"The next best, {runner_up.offer.name}, saves {_usd(runner_up.saving_per_year_usd)} a year.")
    return name, tuple(reasons)


def _shortfall_reason(result: OfferResult) -> tuple[str, ...]:
    """How likely a commitment is missed."""
    worst = max(result.years, key=lambda year: year.shortfall_probability)
    if worst.shortfall_probability == 0.0:
        return ("No scenario misses a commitment.",)
    warning = ": a risk to negotiate" if worst.shortfall_probability > RISK_PROBABILITY else ""
    return (
        f"Year {worst.year} misses its commitment with a chance of {percent(worst.shortfall_probability, 0)}, by "
        f"{_usd(worst.shortfall_mean_usd)} in the mean of all scenarios{warning}.",
    )


def _break_even_reason(result: OfferResult) -> tuple[str, ...]:
    """Where the advice turns."""
    if result.break_even_discount is None:
        return ()
    if result.break_even_discount == 0.0:
        return ("Without any discount it would cost no more than no contract: the commitment asks for nothing.",)
    walk = result.walk_away_first_year_usd
    until = "" if walk is None else f"; at its own discount it pays up to {_usd(walk)} in the first year"
    return (f"It would still break even at a discount of {percent(result.break_even_discount, 2)}{until}.",)


def _years(n_years: int) -> str:
    """Years as people say them."""
    return "year" if n_years == 1 else f"{n_years} years"


def _usd(value: float) -> str:
    """Amount in whole USD."""
    return f"{value:,.0f} USD"
