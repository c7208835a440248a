"""Cases of kind planning_optimum: a small published planning problem, solved in whole numbers as the optimizer does.

A purchase is possible in every hour, lasts its duration in hours and is paid in full, even past the last hour of
demand. Not here: the problem (`optimizer.assembly`), its solution (`optimizer.whole_extensive`), running and reporting
cases (`optimizer.billing.cases`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.scenarios import Scenarios
from optimizer.assembly import Market, assemble
from optimizer.billing.case_values import Case, CaseFormatError, Fields, NotSupportedError, as_fields, is_number
from optimizer.calendar_dates import Timeline
from optimizer.metrics import effective_savings_fraction
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.policy import Increments
from optimizer.pools import Pool
from optimizer.problem import PlanningProblem
from optimizer.rounding import with_steps
from optimizer.solver import WholeOptions
from optimizer.whole_extensive import WholeSolution, solve_whole_extensive

WHOLE_STEPS = Increments(units=1.0, usd_per_hour=1.0)  # the format's own rule: integer purchases, plans in whole USD
MAX_NODES = 50_000  # about half a minute; the best answer is found long before it is proved
PROVIDER = "case"
REGION = "case"


class PlanningCase:
    """A planning problem and its optimum.

    Parameters
    ----------
    case : Case
        `inputs` has tables, each an object of columns: on_demand (instance, hourly_price), reserved (instance,
        market_name, hourly_price, upfront_price, duration), savings_plan (instance, hourly_price, duration) and demand
        (hour, and one column for each instance). reserved and savings_plan may be absent.

    Raises
    ------
    CaseFormatError
        If a table is not of the format.
    """

    def __init__(self, case: Case) -> None:
        self.problem = planning_problem(case.inputs)
        self.found: WholeSolution = solve_whole_extensive(self.problem, WholeOptions(max_nodes=MAX_NODES))

    def answer(self, key: str, expected: object) -> object:
        """Say what the optimum is."""
        del expected
        on_demand_usd = float(np.einsum("p,sph->", self.problem.on_demand_usd, self.problem.demand))
        if key in ("optimal_cost", "total_cost"):
            return self.found.objective_usd
        if key == "on_demand_cost":
            return on_demand_usd
        if key == "savings_fraction":
            return effective_savings_fraction(
                actual_usd=self.found.objective_usd, on_demand_equivalent_usd=on_demand_usd
            )
        msg = f"no rule answers {key!r}"
        raise NotSupportedError(msg)


def planning_problem(inputs: Fields) -> PlanningProblem:
    """Problem of the tables: every hour is a purchase date, terms are in hours, purchases and use are whole numbers.

    Demand that is no whole number is rounded up, as instances are used whole.

    Raises
    ------
    CaseFormatError
        If a table is not of the format.
    """
    inputs.allow({"on_demand", "reserved", "savings_plan", "demand"})
    rates = _on_demand(_table(inputs, "on_demand"))
    hours, units = _demand(_table(inputs, "demand"), tuple(rates))
    offers = (
        *_reservations(_table(inputs, "reserved"), rates),
        *_plans(_table(inputs, "savings_plan"), rates),
    )
    pools = tuple(rates)
    catalog = Catalog(
        pools=pools,
        on_demand_usd=np.array(list(rates.values())),
        spot_usd=np.full(len(pools), np.nan),
        offers=offers,
    )
    market = Market(catalog=catalog, pools={name: Pool(name=name) for name in pools}, commitments=(), terms_months=())
    none: list[int] = []
    timeline = Timeline(
        decision_hours=hours,
        tail_hours=np.array(none, dtype=np.int64),
        start_hour=int(hours[0]),
        end_hour=int(hours[-1]) + 1,
        valued_end_hour=int(hours[-1]) + 1,
        charges_full_term=True,
    )
    scenarios = Scenarios(
        pools=pools, hours=hours, hour_weights=np.ones(len(hours)), weights=np.ones(1), units=np.ceil(units)[None]
    )
    assembled = assemble(
        scenarios, market, timeline, discount_rate_yearly=0.0, risk_lambda=0.0, keep_dominated=True
    )  # in whole steps a dearer offer may fit better
    return replace(with_steps(assembled, WHOLE_STEPS).problem, has_whole_use=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """One table, by columns of equal length."""

    place: str
    columns: Mapping[str, tuple[object, ...]]
    n_rows: int

    def texts(self, name: str) -> tuple[str, ...]:
        """Column of names, none of them empty."""
        for row, value in enumerate(self._column(name)):
            if not isinstance(value, str) or not value:
                msg = f"{self.place}.{name}[{row}] must be text, got {value!r}."
                raise CaseFormatError(msg)
        return tuple(str(value) for value in self._column(name))

    def numbers(self, name: str, *, above: float | None = None) -> tuple[float, ...]:
        """Column of finite numbers, >= 0 or above the number given."""
        out = []
        for row, value in enumerate(self._column(name)):
            is_right = is_number(value) and np.isfinite(value) and (value >= 0.0 if above is None else value > above)
            if not is_number(value) or not is_right:
                rule = ">= 0" if above is None else f"> {above:g}"
                msg = f"{self.place}.{name}[{row}] must be a number {rule}, got {value!r}."
                raise CaseFormatError(msg)
            out.append(float(value))
        return tuple(out)

    def whole_hours(self, name: str) -> tuple[int, ...]:
        """Column of durations in whole hours, at least one."""
        for row, value in enumerate(self.numbers(name, above=0.0)):
            if value != int(value):
                msg = f"{self.place}.{name}[{row}] must be a whole number of hours, got {value!r}."
                raise CaseFormatError(msg)
        return tuple(int(value) for value in self.numbers(name, above=0.0))

    def _column(self, name: str) -> tuple[object, ...]:
        """Values of a column, which must be there."""
        if name not in self.columns:
            msg = f"{self.place}.{name} must be given."
            raise CaseFormatError(msg)
        return self.columns[name]


def _table(inputs: Fields, name: str) -> _Table:
    """Table of a field; without rows where the field is absent."""
    value = inputs.values.get(name)
    place = f"{inputs.place}.{name}"
    fields = as_fields({} if value is None else value, place)
    columns: dict[str, tuple[object, ...]] = {}
    for key, items in fields.values.items():
        if not isinstance(items, list):
            msg = f"{place}.{key} must be a list, got {items!r}."
            raise CaseFormatError(msg)
        columns[key] = tuple(items)
    lengths = {len(items) for items in columns.values()}
    if len(lengths) > 1:
        msg = f"{place} must have columns of one length, got {sorted(lengths)}."
        raise CaseFormatError(msg)
    return _Table(place=place, columns=columns, n_rows=lengths.pop() if lengths else 0)


def _allow(table: _Table, *known: str) -> None:
    """Refuse a column that no rule reads."""
    Fields(place=table.place, values=dict(table.columns)).allow(set(known))


def _on_demand(table: _Table) -> dict[str, float]:
    """On-demand rate of each instance type."""
    _allow(table, "instance", "hourly_price")
    names = table.texts("instance")
    if not names or len(set(names)) < len(names):
        msg = f"{table.place}.instance must name at least one instance, each once, got {list(names)}."
        raise CaseFormatError(msg)
    return dict(zip(names, table.numbers("hourly_price", above=0.0), strict=True))


def _demand(table: _Table, pools: tuple[str, ...]) -> tuple[IntArray, FloatArray]:
    """Hours, and demand of shape (n_pools, n_hours)."""
    _allow(table, "hour", *pools)
    hours = np.array(table.numbers("hour"))
    if not len(hours) or np.any(np.diff(hours) != 1.0) or hours[0] != int(hours[0]):
        msg = f"{table.place}.hour must be whole hours one after the other, got {hours.tolist()}."
        raise CaseFormatError(msg)
    return hours.astype(np.int64), np.array([table.numbers(pool) for pool in pools])


def _known(table: _Table, rates: Mapping[str, float]) -> tuple[str, ...]:
    """Instance of each row, which must have an on-demand price."""
    names = table.texts("instance")
    for row, name in enumerate(names):
        if name not in rates:
            msg = f"{table.place}.instance[{row}] must have an on-demand price, got {name!r}."
            raise CaseFormatError(msg)
    return names


def _reservations(table: _Table, rates: Mapping[str, float]) -> tuple[Offer, ...]:
    """One offer for each row."""
    if not table.n_rows:
        return ()
    _allow(table, "instance", "market_name", "hourly_price", "upfront_price", "duration")
    upfront = table.numbers("upfront_price") if "upfront_price" in table.columns else (0.0,) * table.n_rows
    rows = zip(_known(table, rates), table.numbers("hourly_price"), upfront, table.whole_hours("duration"), strict=True)
    return tuple(
        Offer(
            offer_id=f"reserved {row}",
            kind=OfferKind.RESERVED_STANDARD,
            provider=PROVIDER,
            region=REGION,
            pools=(name,),
            draw=np.ones(1),
            hourly_usd=hourly_usd,
            upfront_usd=upfront_usd,
            term_months=0,
            payment_option="partial" if upfront_usd else "none",
            given_term_hours=n_hours,
        )
        for row, (name, hourly_usd, upfront_usd, n_hours) in enumerate(rows)
    )


def _plans(table: _Table, rates: Mapping[str, float]) -> tuple[Offer, ...]:
    """One plan for each name and duration: its rows are the rates of what it covers."""
    if not table.n_rows:
        return ()
    _allow(table, "instance", "market_name", "hourly_price", "duration")
    labels = table.texts("market_name") if "market_name" in table.columns else ("",) * table.n_rows
    cards: dict[tuple[str, int], dict[str, float]] = {}
    rows = zip(
        labels,
        table.whole_hours("duration"),
        _known(table, rates),
        table.numbers("hourly_price", above=0.0),
        strict=True,
    )
    for label, n_hours, name, rate in rows:
        if name in cards.setdefault((label, n_hours), {}):
            msg = f"{table.place} must have one row for each instance of a plan, got {name!r} again."
            raise CaseFormatError(msg)
        cards[label, n_hours][name] = rate
    return tuple(
        Offer(
            offer_id=f"plan {number}",
            kind=OfferKind.COMPUTE_SAVINGS_PLAN,
            provider=PROVIDER,
            region=REGION,
            pools=tuple(card),
            draw=np.array(list(card.values())),
            hourly_usd=1.0,
            upfront_usd=0.0,
            term_months=0,
            payment_option="none",
            given_term_hours=n_hours,
        )
        for number, ((_, n_hours), card) in enumerate(cards.items())
    )
