"""How far an answer is inside its limits when they are taken on every hour, and limits tightened by what is missing.

Only limits that depend on hours can be overstepped by an answer of the aggregated program; the others hold exactly.
Not here: the rows of the limits.
"""

from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray
from optimizer.coefficients import committed_fees
from optimizer.costs import Evaluation, LimitPrices
from optimizer.limits import EXPECTED_STRANDED, MAXIMUM_COVERAGE, MINIMUM_COVERAGE, SPOT_SHARE, Limits, cvar_label
from optimizer.problem import PlanningProblem
from optimizer.risk import conditional_value_at_risk

SLACK_TOLERANCE = 1e-7  # of a fraction: a tenth of a USD in a million
OVERSHOOT = 1.05  # a limit is tightened by a little more than what was overstepped


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


def tightened(limits: Limits, slack: LimitSlack) -> Limits:
    """Limits moved inwards by what was overstepped."""
    return replace(
        limits,
        stranded_expected_fraction=_moved(limits.stranded_expected_fraction, slack.stranded_expected),
        stranded_cvar_fraction=_moved(limits.stranded_cvar_fraction, slack.stranded_cvar),
        coverage_min_fraction=_moved(limits.coverage_min_fraction, slack.coverage_min, sign=-1.0),
        coverage_max_fraction=_moved(limits.coverage_max_fraction, slack.coverage_max),
        spot_share_max=_moved(limits.spot_share_max, slack.spot_share),
    )


def pressed(prices: LimitPrices, slack: LimitSlack) -> LimitPrices:
    """Prices under which a limit that is overstepped costs something even where the aggregated program kept it free."""
    is_stranded = min(_or_inf(slack.stranded_expected), _or_inf(slack.stranded_cvar)) < -SLACK_TOLERANCE
    covered_usd = prices.covered_usd
    if covered_usd == 0.0 and slack.coverage_min < -SLACK_TOLERANCE:
        covered_usd = 1.0
    if covered_usd == 0.0 and slack.coverage_max < -SLACK_TOLERANCE:
        covered_usd = -1.0
    is_free = not np.any(prices.stranded_usd)
    return replace(
        prices,
        stranded_usd=np.ones_like(prices.stranded_usd) if is_free and is_stranded else prices.stranded_usd,
        covered_usd=covered_usd,
    )


def _or_inf(slack: float) -> float:
    """Slack, infinite where there is no limit."""
    return np.inf if np.isnan(slack) else slack


def _less(limit: float | None, value: float) -> float:
    """Limit - value; nan where there is no limit."""
    return np.nan if limit is None else limit - value


def _moved(limit: float | None, slack: float, *, sign: float = 1.0) -> float | None:
    """Limit after what was overstepped is taken off."""
    if limit is None or np.isnan(slack) or slack >= 0:
        return limit
    return limit + sign * OVERSHOOT * slack
