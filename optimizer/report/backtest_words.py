"""Sentences that the page and the terminal of a backtest share.

Not here: tables and charts.
"""

import math

from forecasting.numerals import NOT_KNOWN, percent
from optimizer.jobs.backtest.answer import BacktestAnswer
from optimizer.jobs.backtest.score import Track
from optimizer.report.numbers import usd
from optimizer.report.words import counted


def ratio(value: float | None, decimals: int) -> str:
    """Ratio such as a capture; not known for none.

    Examples
    --------
    >>> ratio(0.94721, 3), ratio(None, 3)
    ('0.947', 'n/a')
    """
    return NOT_KNOWN if value is None or not math.isfinite(value) else f"{value:.{decimals}f}"


def best_rival(answer: BacktestAnswer) -> Track | None:
    """Rival that cost least; None where there is none."""
    return min(answer.rivals, key=lambda track: track.whole.total_usd, default=None)


def headline_sentence(answer: BacktestAnswer) -> str:
    """What the planner saved, beside the best rule and the clairvoyant."""
    ours = answer.ours.whole.total_usd
    saved = answer.on_demand.total_usd - ours
    side = "less" if saved >= 0 else "more"
    capture = answer.capture(ours)
    text = f"Cost {usd(ours)}, {usd(abs(saved))} {side} than all on demand"
    if capture is not None:
        text += f": {percent(capture)} of what perfect hindsight would have saved"
    rival = best_rival(answer)
    if rival is not None and (theirs := answer.capture(rival.whole.total_usd)) is not None:
        text += f". The best rule ({rival.replay.title}) got {percent(theirs)}"
    return f"{text}."


def calibration_sentence(answer: BacktestAnswer) -> str:
    """How often the plan's own interval held, and how wide it was."""
    if not answer.checks:
        return "No plan stated an interval."
    widths = [check.width_fraction for check in answer.checks if math.isfinite(check.width_fraction)]
    width = sum(widths) / len(widths) if widths else math.nan
    return (
        f"The plan's own 90 % interval of the next period's cost held in {answer.n_held} of "
        f"{counted(len(answer.checks), 'period')}; its mean width was {percent(width)} of the on-demand cost."
    )
