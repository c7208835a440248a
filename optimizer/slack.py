"""How far a choice of quantities is inside its limits when they are taken on every hour.

Only limits that depend on hours can be overstepped by an answer of the program over bounds; the others hold exactly.
Not here: the rows of the limits.
"""

from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray
from optimizer.coefficients import committed_fees
from optimizer.costs import Evaluation
from optimizer.limits import EXPECTED_STRANDED, MAXIMUM_COVERAGE, MINIMUM_COVERAGE, SPOT_SHARE, Limits, cvar_label
from optimizer.problem import PlanningProblem
from optimizer.risk import conditional_value_at_risk
from optimizer.sweep import Prices

# factor, and least price of a USD stranded, covered or on spot, of the passes in turn
PRESSED_PRICES = ((1.0, 0.05), (2.0, 0.3), (5.0, 1.0))
SLACK_TOLERANCE = 1e-7  # of a fraction: a tenth of a USD in a million


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSlack:
    """Limit less value, as a fraction; nan where there is no limit. Negative: overstepped.

    Attributes
    ----------
    stranded_expected, stranded_cvar, coverage_min, coverage_max, spot_share : float
    """

    stranded_expected: float
    stranded_cvar: float
    coverage_min: float
    coverage_max: float
    spot_share: float

    @property
    def is_kept(self) -> bool:
        """Whether every limit holds."""
        values = (self.stranded_expected, self.stranded_cvar, self.coverage_min, self.coverage_max, self.spot_share)
        return all(np.isnan(value) or value >= -SLACK_TOLERANCE for value in values)

    def as_overstepped(self) -> "LimitSlack":
        """As if every limit that is set were overstepped."""
        return LimitSlack(
            stranded_expected=self.stranded_expected * 0.0 - 1.0,
            stranded_cvar=self.stranded_cvar * 0.0 - 1.0,
            coverage_min=self.coverage_min * 0.0 - 1.0,
            coverage_max=self.coverage_max * 0.0 - 1.0,
            spot_share=self.spot_share * 0.0 - 1.0,
        )

    def overstepped(self, limits: Limits) -> tuple[str, ...]:
        """Name of each limit that does not hold, with what it is missed by."""
        names = (
            (EXPECTED_STRANDED, self.stranded_expected),
            (cvar_label(limits.cvar_level), self.stranded_cvar),
            (MINIMUM_COVERAGE, self.coverage_min),
            (MAXIMUM_COVERAGE, self.coverage_max),
            (SPOT_SHARE, self.spot_share),
        )
        return tuple(f"{name} is missed by {-value:.3g}" for name, value in names if value < -SLACK_TOLERANCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitValues:
    """What the limited fractions are, taken on every hour.

    Attributes
    ----------
    stranded_expected, stranded_cvar : float
        Of the committed USD of new purchases; 0 where nothing is bought, nan where stranded USD is not known.
    coverage, spot_share : float
    """

    stranded_expected: float
    stranded_cvar: float
    coverage: float
    spot_share: float


def limit_values(problem: PlanningProblem, quantity: FloatArray, found: Evaluation) -> LimitValues:
    """Values of the limited fractions of an answer.

    Parameters
    ----------
    problem : PlanningProblem
    quantity : FloatArray of shape (n_batches,)
    found : Evaluation
    """
    weights = problem.weights
    committed = float(committed_fees(problem) @ quantity)
    owned = problem.limits.owned_stranded_usd if len(problem.limits.owned_stranded_usd) else np.zeros(len(weights))
    added = found.stranded_usd - owned
    demand = float(weights @ found.demand_usd)
    spot = float(weights @ found.spot_value_usd)
    off_spot = demand - spot
    is_bought = committed > 0
    tail = conditional_value_at_risk(added, weights, level=problem.limits.cvar_level)
    return LimitValues(
        stranded_expected=float(weights @ added) / committed if is_bought else 0.0,
        stranded_cvar=tail / committed if is_bought else 0.0,
        coverage=float(weights @ found.covered_usd) / off_spot if off_spot > 0 else 0.0,
        spot_share=spot / demand if demand > 0 else 0.0,
    )


def limit_slack(problem: PlanningProblem, quantity: FloatArray, found: Evaluation) -> LimitSlack:
    """How far the answer is inside each limit; arguments as `limit_values`."""
    limits, value = problem.limits, limit_values(problem, quantity, found)
    return LimitSlack(
        stranded_expected=_less(limits.stranded_expected_fraction, value.stranded_expected),
        stranded_cvar=_less(limits.stranded_cvar_fraction, value.stranded_cvar),
        coverage_min=-_less(limits.coverage_min_fraction, value.coverage),
        coverage_max=_less(limits.coverage_max_fraction, value.coverage),
        spot_share=_less(limits.spot_share_max, value.spot_share),
    )


def pressed(prices: Prices, slack: LimitSlack, turn: int) -> Prices:
    """Prices under which a limit that is overstepped costs at least something, and in turn more than the program says.

    At a price too low a pass says little of what the limit takes: the program would believe in use that is not there.

    Parameters
    ----------
    prices : Prices
    slack : LimitSlack
    turn : int
        Number of the round.
    """
    factor, least = PRESSED_PRICES[turn % len(PRESSED_PRICES)]
    covered, spot, stranded = prices.covered, prices.spot, prices.stranded
    if min(_or_inf(slack.stranded_expected), _or_inf(slack.stranded_cvar)) < -SLACK_TOLERANCE:
        stranded = np.maximum(factor * stranded, least)
    if slack.coverage_min < -SLACK_TOLERANCE:
        covered = max(factor * covered, least)
    if slack.coverage_max < -SLACK_TOLERANCE:
        covered = min(factor * covered, -least)
    if slack.spot_share < -SLACK_TOLERANCE:
        spot = max(factor * spot, least)
    return replace(prices, stranded=stranded, covered=covered, spot=spot)


def overstepped_usd(
    problem: PlanningProblem, quantity: FloatArray, found: Evaluation, slack: LimitSlack
) -> dict[str, float]:
    """USD by which each limit on use is overstepped, by its name; below zero where there is room.

    Arguments as `limit_values`, and their slack.
    """
    committed = float(committed_fees(problem) @ quantity)
    demand = float(problem.weights @ found.demand_usd)
    off_spot = demand - float(problem.weights @ found.spot_value_usd)
    parts = (
        (EXPECTED_STRANDED, slack.stranded_expected, committed),
        (cvar_label(problem.limits.cvar_level), slack.stranded_cvar, committed),
        (MINIMUM_COVERAGE, slack.coverage_min, off_spot),
        (MAXIMUM_COVERAGE, slack.coverage_max, off_spot),
        (SPOT_SHARE, slack.spot_share, demand),
    )
    return {name: -value * usd for name, value, usd in parts if not np.isnan(value)}


def _or_inf(slack: float) -> float:
    """Slack, infinite where there is no limit."""
    return np.inf if np.isnan(slack) else slack


def _less(limit: float | None, value: float) -> float:
    """Limit - value; nan where there is no limit."""
    return np.nan if limit is None else limit - value
