"""The limits of the policy as rows of the extensive program, one function for each.

Not here: physics and billing (`optimizer.program`), what the limits are (`optimizer.limits`).
"""

import numpy as np

from optimizer.coefficients import (
    committed_fees,
    on_demand_equivalent_usd,
    owned_stranded_usd,
    serving_batches,
    term_fees,
    window_fees,
    window_rates,
)
from optimizer.limits import EXPECTED_STRANDED, MAXIMUM_COVERAGE, MINIMUM_COVERAGE, SPOT_SHARE, cvar_label
from optimizer.problem import PlanningProblem
from optimizer.program import Expression, LimitRow, Program, Term, cvar_terms, linear

CASH_SCALE_FRACTION = 0.01  # of the on-demand cost: what a cash limit near zero is measured by when limits must give
SMALLEST_SCALE_USD = 1.0  # where nothing is demanded


def add_stranded_value(program: Program) -> None:
    """Define stranded_s = fees of all that is held in the window - fees of what covers something in it."""
    problem = program.problem
    limits = problem.limits
    if limits.stranded_expected_fraction is None and limits.stranded_cvar_fraction is None:
        return
    hours_in_window = problem.hour_weights * problem.in_window
    fee_of_unit = problem.instruments.fee_usd[:, None] * problem.instruments.draw
    n_scenarios = len(problem.weights)
    terms: list[list[Term]] = [
        list(zip(program.quantity, window_fees(problem).tolist(), strict=True)) for _ in problem.weights
    ]
    for (k, p, t, s), units in program.cover.items():
        terms[s].append((units, -float(hours_in_window[t] * fee_of_unit[k, p])))
    for s in range(n_scenarios):
        program.stranded_usd[s] = program.lp.add_variable(f"stranded_{s}")
        program.lp.addConstraint(linear(terms[s]) - program.stranded_usd[s] == 0, f"stranded_value_{s}")


def add_stranded_expected(program: Program) -> None:
    """Limit what new purchases strand on average: sum_s w_s (stranded_s - owned_s) <= fraction x committed."""
    problem = program.problem
    fraction = problem.limits.stranded_expected_fraction
    if fraction is None:
        return
    owned = owned_stranded_usd(problem)
    stranded = linear((program.stranded_usd[s], float(w)) for s, w in enumerate(problem.weights))
    limit = LimitRow(
        row="stranded_expected",
        label=EXPECTED_STRANDED,
        unit="fraction",
        limit=fraction,
        scale=_scale_usd(problem),
        base=_committed_new(program),
    )
    _add_limit(program, limit, stranded - float(problem.weights @ owned))


def add_stranded_cvar(program: Program) -> None:
    """Limit what they strand in the worst scenarios: eta + sum_s w_s y_s / (1 - level) <= fraction x committed."""
    problem = program.problem
    fraction = problem.limits.stranded_cvar_fraction
    if fraction is None:
        return
    owned = owned_stranded_usd(problem)
    eta = program.lp.add_variable("stranded_quantile")
    tail = [program.lp.add_variable(f"stranded_tail_{s}", 0.0) for s in range(len(problem.weights))]
    for s, excess in enumerate(tail):
        row = excess + eta - program.stranded_usd[s] >= -float(owned[s])
        program.lp.addConstraint(row, f"stranded_tail_{s}")
    limit = LimitRow(
        row="stranded_cvar",
        label=cvar_label(problem.limits.cvar_level),
        unit="fraction",
        limit=fraction,
        scale=_scale_usd(problem),
        base=_committed_new(program),
    )
    _add_limit(program, limit, linear(cvar_terms(problem, eta, tail)))


def add_coverage_min(program: Program) -> None:
    """Cover at least so much: sum w od cover >= fraction x sum w od (firm - spot)."""
    _add_coverage(program, MINIMUM_COVERAGE, program.problem.limits.coverage_min_fraction, is_floor=True)


def add_coverage_max(program: Program) -> None:
    """Cover at most so much: sum w od cover <= fraction x sum w od (firm - spot)."""
    _add_coverage(program, MAXIMUM_COVERAGE, program.problem.limits.coverage_max_fraction, is_floor=False)


def add_spot_share(program: Program) -> None:
    """Run at most so much on spot: sum w od spot <= fraction x sum w od demand."""
    problem = program.problem
    fraction = problem.limits.spot_share_max
    if fraction is None:
        return
    rate = window_rates(problem)
    limit = LimitRow(
        row="spot_share",
        label=SPOT_SHARE,
        unit="fraction",
        limit=fraction,
        scale=_scale_usd(problem),
        base=linear(()) + float(np.sum(rate * problem.demand)),
    )
    _add_limit(program, limit, linear((v, float(rate[s, p, t])) for (p, t, s), v in program.spot.items()))


def add_cash(program: Program) -> None:
    """Pay no more upfront than the quarter allows: sum_b upfront x <= USD."""
    problem = program.problem
    for i, cash in enumerate(problem.limits.cash):
        upfront = linear((program.quantity[b], float(problem.batches.upfront_usd[b])) for b in cash.batch_indices)
        scale = max(cash.usd, CASH_SCALE_FRACTION * _scale_usd(problem))
        limit = LimitRow(row=f"cash_{i}", label=cash.label, unit="USD", limit=cash.usd, scale=scale)
        _add_limit(program, limit, upfront)


def add_purchases(program: Program) -> None:
    """Commit no more on a date than it allows: sum_b fee x hours of the whole term x <= USD."""
    problem = program.problem
    fees = term_fees(problem)
    for i, purchase in enumerate(problem.limits.purchases):
        committed = linear((program.quantity[b], float(fees[b])) for b in purchase.batch_indices)
        scale = max(purchase.usd, CASH_SCALE_FRACTION * _scale_usd(problem))
        limit = LimitRow(row=f"purchase_{i}", label=purchase.label, unit="USD", limit=purchase.usd, scale=scale)
        _add_limit(program, limit, committed)


def add_shares(program: Program) -> None:
    """Keep a group's part of the committed value of new purchases: committed of it <= fraction x committed."""
    fees = committed_fees(program.problem)
    for i, share in enumerate(program.problem.limits.shares):
        limit = LimitRow(
            row=f"share_{i}",
            label=share.label,
            unit="fraction",
            limit=share.fraction,
            scale=_scale_usd(program.problem),
            base=_committed_new(program),
        )
        _add_limit(program, limit, linear((program.quantity[b], float(fees[b])) for b in share.batch_indices))


def add_firm_capacity(program: Program) -> None:
    """Hold the firm capacity required, in all of its hours: sum_b x >= units."""
    for i, firm in enumerate(program.problem.limits.firm):
        held = linear((program.quantity[b], 1.0) for b in np.flatnonzero(serving_batches(program.problem, firm)))
        limit = LimitRow(
            row=f"firm_{i}",
            label=firm.label,
            unit="units",
            limit=firm.units,
            is_floor=True,
            scale=max(firm.units, 1.0),
        )
        _add_limit(program, limit, held)


def _add_limit(program: Program, limit: LimitRow, amount: Expression) -> None:
    """Add amount <= limit (>= for a floor), or <= limit x base; with its own slack in an elastic program."""
    if any(limit.label == other.label for other in program.limit_rows):
        msg = f"labels of limits must be unique, got {limit.label!r} twice."
        raise ValueError(msg)
    excess = amount - (limit.limit if limit.base is None else limit.base * limit.limit)
    if program.relaxation is not None:
        program.relaxation[limit.row] = slack = program.lp.add_variable(f"relax_{limit.row}", 0.0)
        excess = excess + slack if limit.is_floor else excess - slack
    program.lp.addConstraint(excess >= 0 if limit.is_floor else excess <= 0, limit.row)
    program.limit_rows.append(limit)


def _add_coverage(program: Program, label: str, fraction: float | None, *, is_floor: bool) -> None:
    """Both coverage limits."""
    if fraction is None:
        return
    rate = window_rates(program.problem)
    spot = linear((v, -float(rate[s, p, t])) for (p, t, s), v in program.spot.items())
    limit = LimitRow(
        row="coverage_min" if is_floor else "coverage_max",
        label=label,
        unit="fraction",
        limit=fraction,
        is_floor=is_floor,
        scale=_scale_usd(program.problem),
        base=spot + float(np.sum(rate * program.firm_units)),
    )
    _add_limit(program, limit, linear((v, float(rate[s, p, t])) for (_, p, t, s), v in program.cover.items()))


def _committed_new(program: Program) -> Expression:
    """Fees that new purchases are charged inside the window."""
    return linear(zip(program.quantity, committed_fees(program.problem).tolist(), strict=True))


def _scale_usd(problem: PlanningProblem) -> float:
    """On-demand cost of the window: one for every limit in USD, so that their fractions compare."""
    return max(on_demand_equivalent_usd(problem), SMALLEST_SCALE_USD)
