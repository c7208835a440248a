"""What a rule buys on a date: the same dates, prices and pools as the planner, and only hours that were over by then.

Owned commitments and those bought before that still run count first. Not here: the rules
themselves (`optimizer.jobs.backtest.rules`).
"""

from dataclasses import asdict, dataclass, replace

import numpy as np

from forecasting.arrays import BoolArray, FloatArray
from forecasting.history import History
from forecasting.hours import HOURS_PER_DAY, date_of_hour, term_hours
from forecasting.scenarios import Scenarios
from optimizer.assembly import Assembled, Market, assemble
from optimizer.billing.replay import bill_portfolio
from optimizer.calendar_dates import Timeline
from optimizer.jobs.backtest.decisions import Decision, own_names
from optimizer.jobs.backtest.planner import inputs_at
from optimizer.jobs.backtest.request import Setting
from optimizer.jobs.backtest.rules import Rule, Statistic
from optimizer.jobs.solve import solve
from optimizer.offers import Offer
from optimizer.policy import Increments
from optimizer.portfolio import Commitment
from optimizer.spot.rates import effective_spot_usd

GAP_FRACTION = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChain:
    """A rule followed on every date.

    Attributes
    ----------
    rule : Rule
    """

    rule: Rule

    @property
    def name(self) -> str:
        """Name of the rule."""
        return self.rule.name

    @property
    def title(self) -> str:
        """Name for people."""
        return self.rule.title

    @property
    def fingerprint(self) -> str:
        """What tells its decisions from those of other chains."""
        return f"rule/{asdict(self.rule)}"

    def decide(self, setting: Setting, date_hour: int, held: tuple[Commitment, ...]) -> Decision:
        """Purchases of the rule on a date, in the steps of the policy."""
        rule = self.rule
        if not rule.look_back_days:
            return Decision(date_hour=date_hour, bought=())
        given = inputs_at(setting, date_hour, held, variant="off")
        wanted = rule_quantities(rule, given.market, given.history, date_hour=date_hour)
        steps = given.policy.increments
        bought = []
        for offer in given.market.catalog.offers:
            quantity = _in_steps(wanted.get(offer.offer_id, 0.0), offer, steps)
            if quantity > 0.0:
                bought.append(
                    Commitment(
                        commitment_id=f"{date_of_hour(date_hour)}/{offer.offer_id}",
                        offer_id=offer.offer_id,
                        quantity=quantity,
                        start_hour=date_hour,
                        end_hour=date_hour + offer.term_hours,
                    )
                )
        taken = frozenset(owned.commitment_id for owned in given.market.commitments)
        return Decision(date_hour=date_hour, bought=own_names(tuple(bought), taken))


def rule_quantities(rule: Rule, market: Market, history: History, *, date_hour: int) -> dict[str, float]:
    """Quantity of each offer that a rule buys; the lowest of its look-backs.

    Parameters
    ----------
    rule : Rule
    market : Market
        What is known on the date, with all that is owned.
    history : History
        Before the date. Hours before its first count as none.
    date_hour : int

    Returns
    -------
    dict of str to float
        By offer id. [units, normalized units or USD/h]
    """
    answers = []
    for days in rule.look_back_days:
        start = max(min(date_hour, history.end_hour) - days * HOURS_PER_DAY, history.start_hour)
        seen = history.between(start, min(date_hour, history.end_hour))
        past = np.zeros((len(market.catalog.pools), seen.units.shape[1]))
        for row, pool in enumerate(market.catalog.pools):
            if pool in seen.pools:
                past[row] = seen.units[seen.pools.index(pool)]
        running = _running(market, date_hour, past.shape[1])
        find = _optimum if rule.statistic is Statistic.OPTIMUM else _level
        answers.append(find(rule, running, past, date_hour))
    offers = set.intersection(*(set(answer) for answer in answers))
    return {offer_id: min(answer[offer_id] for answer in answers) for offer_id in sorted(offers)}


def _running(market: Market, date_hour: int, n_hours: int) -> Market:
    """Market with what is owned on the date alone, held through all hours looked back on."""
    held = tuple(
        replace(owned, start_hour=date_hour, end_hour=date_hour + n_hours)
        for owned in market.commitments
        if owned.start_hour <= date_hour < owned.end_hour
    )
    return replace(market, commitments=held)


def _allowed(rule: Rule, market: Market, date_hour: int) -> tuple[Offer, ...]:
    """Offers that the rule may buy on the date; what serves later, or other pools later, is no matter of the past."""
    offers = [
        offer
        for offer in market.buyable()
        if offer.kind in rule.kinds
        and not (offer.is_open_ended or offer.lead_hours or len(offer.age_bands) > 1)
        and (offer.available_from_hour is None or offer.available_from_hour <= date_hour)
    ]
    shortest = min((offer.term_hours for offer in offers), default=0)
    wanted = shortest if rule.term_months is None else term_hours(rule.term_months)
    return tuple(offer for offer in offers if offer.term_hours == wanted)


def _optimum(rule: Rule, market: Market, past: FloatArray, date_hour: int) -> dict[str, float]:
    """Quantities that would have cost least over the past hours, times the coverage that is wanted."""
    hours = np.arange(date_hour, date_hour + past.shape[1])
    none = np.array([], dtype=np.int64)
    timeline = Timeline(
        decision_hours=np.array([date_hour]),
        tail_hours=none,
        start_hour=date_hour,
        end_hour=date_hour + len(hours),
        valued_end_hour=date_hour + len(hours),
    )
    scenarios = Scenarios(
        pools=market.catalog.pools,
        hours=hours,
        hour_weights=np.ones(len(hours)),
        weights=np.ones(1),
        units=past[None],
    )
    allowed = {offer.offer_id for offer in _allowed(rule, market, date_hour)}
    terms = tuple(sorted({offer.term_months for offer in market.catalog.offers if offer.offer_id in allowed}))
    assembled = assemble(
        scenarios,
        replace(market, terms_months=terms, is_cash_limited=False),
        timeline,
        discount_rate_yearly=0.0,
        risk_lambda=0.0,
        keep_dominated=True,
    )
    is_open = np.array([assembled.offers[row].offer_id in allowed for row in assembled.problem.batches.instrument])
    assembled = with_batches(assembled, (assembled.decision_hour < 0) | is_open)
    if not np.any(assembled.decision_hour >= 0):
        return {}
    solved = solve(assembled, Increments(), method="auto", gap_fraction=GAP_FRACTION, tell=lambda _: None)
    row_of = assembled.problem.batches.instrument
    return {
        assembled.offers[int(row_of[batch])].offer_id: rule.coverage_fraction * float(solved.exact[batch])
        for batch in np.flatnonzero(assembled.decision_hour >= 0)
    }


def with_batches(assembled: Assembled, keep: BoolArray) -> Assembled:
    """Same problem with some of its batches only, of shape (n_batches,)."""
    batches = assembled.problem.batches
    kept = replace(
        batches,
        instrument=batches.instrument[keep],
        start_hour=batches.start_hour[keep],
        end_hour=batches.end_hour[keep],
        cost_usd=batches.cost_usd[keep],
        upfront_usd=batches.upfront_usd[keep],
        fixed_quantity=batches.fixed_quantity[keep],
    )
    return replace(
        assembled,
        problem=replace(assembled.problem, batches=kept),
        decision_hour=assembled.decision_hour[keep],
        commitment=tuple(owned for owned, is_kept in zip(assembled.commitment, keep, strict=True) if is_kept),
    )


def _level(rule: Rule, market: Market, past: FloatArray, date_hour: int) -> dict[str, float]:
    """A level of what each offer could have covered, less what held commitments covered of it in the mean hour.

    Each pool goes to the offer with the deepest discount on it, so that nothing is covered twice.
    """
    catalog = market.catalog
    hours = np.arange(date_hour, date_hour + past.shape[1])
    bill = bill_portfolio(catalog, market.pools, market.commitments, hours, past)
    pools = [market.pools[name] for name in catalog.pools]
    eligible = np.array([pool.spot_eligible_fraction for pool in pools])
    on_spot = np.where(effective_spot_usd(catalog, pools) < catalog.on_demand_usd, eligible, 0.0)
    firm: FloatArray = past * (1.0 - on_spot)[:, None]
    covered = firm - np.minimum(bill.on_demand_units, firm)
    draws: dict[str, FloatArray] = {}
    for pool, (offer, draw) in _deepest(_allowed(rule, market, date_hour), market).items():
        row = catalog.pools.index(pool)
        draws.setdefault(offer.offer_id, np.zeros(len(catalog.pools)))[row] = draw
    out = {}
    for offer_id, drawn in draws.items():
        target = rule.coverage_fraction * _statistic(rule, drawn @ firm)
        out[offer_id] = max(0.0, target - float((drawn @ covered).mean()))
    return out


def _deepest(offers: tuple[Offer, ...], market: Market) -> dict[str, tuple[Offer, float]]:
    """Offer with the deepest discount on each pool, and its draw there; none where none saves anything."""
    best: dict[str, tuple[float, str, Offer, float]] = {}
    rates = dict(zip(market.catalog.pools, market.catalog.on_demand_usd.tolist(), strict=True))
    for offer in offers:
        for pool, draw in zip(offer.pools, offer.draw.tolist(), strict=True):
            part = draw * offer.effective_hourly_usd / rates[pool]
            if part < 1.0:
                rank = (round(part, 12), offer.offer_id, offer, draw)
                best[pool] = min(best.get(pool, rank), rank, key=lambda one: one[:2])
    return {pool: (offer, draw) for pool, (_, _, offer, draw) in best.items()}


def _statistic(rule: Rule, series: FloatArray) -> float:
    """Level of a series of shape (n_hours,)."""
    if rule.statistic is Statistic.MEAN:
        return float(series.mean())
    if rule.statistic is Statistic.MINIMUM:
        return float(series.min())
    return float(np.quantile(series, rule.quantile_level, method="inverted_cdf"))


def _in_steps(quantity: float, offer: Offer, steps: Increments) -> float:
    """Quantity in whole steps, rounded down, and nothing below a minimum: a rule buys no more than it found."""
    step = offer.lot_quantity or (steps.usd_per_hour if offer.is_plan else steps.units) or 0.0
    stepped = quantity if step == 0.0 else float(np.floor(quantity / step + 1e-9)) * step
    return stepped if stepped * (1.0 + 1e-9) >= offer.minimum_quantity else 0.0
