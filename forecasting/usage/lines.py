"""What an importer says about the lines of an export: which are machines that run, what they cost, how to sum them.

Lines are told apart by a few columns of few values each, summed in one pass, and judged once for each combination.
Not here: the columns of any one provider (`forecasting.usage.cur` and its neighbours).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from forecasting.usage.engine import literal
from forecasting.usage.export_columns import FIELD, ExportColumn, FoundColumn
from forecasting.usage.pool_names import PoolKey


class Part(StrEnum):
    """Why money stands in an export; the first ones are demand, all others are left out of it."""

    ON_DEMAND = "on demand"
    RESERVED = "covered by a reservation"
    PLANNED = "covered by a savings plan"
    SPOT = "spot"
    IDLE_CAPACITY = "idle capacity reservation"
    OTHER_USAGE = "other usage"
    SERVERLESS = "serverless compute that a compute plan covers too"
    HOST = "dedicated hosts, not counted in instances"
    MARKETPLACE = "marketplace"
    LICENCE = "licences"
    SPLIT_COST = "split cost allocation"
    FREE_RESERVATION = "capacity reservations, counted where they run"
    NEGATION = "savings plan negation"
    RECURRING_FEE = "recurring fees of commitments"
    UPFRONT_FEE = "upfront fees of commitments"
    UNUSED = "unused commitment"
    FEE = "other fees"
    DISCOUNT = "discounts"
    CREDIT = "credits"
    REFUND = "refunds"
    CORRECTION = "corrections"
    TAX = "tax"
    UNKNOWN = "lines of an unknown kind"


DEMAND_PARTS = (Part.ON_DEMAND, Part.RESERVED, Part.PLANNED, Part.SPOT, Part.IDLE_CAPACITY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What lines with the same keys are.

    Attributes
    ----------
    part : Part
    pool : PoolKey or None
        Only where they are demand.
    divide_by : str
        Number as text that the quantity is divided by to give instance-hours.
    is_counted : bool
        False where other lines count the same machines: their memory, or a surcharge on them.
    """

    part: Part
    pool: PoolKey | None = None
    divide_by: str = "1"
    is_counted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A point in time of a row, which is read once for each value and not for each row.

    Attributes
    ----------
    column : str
        As it stands in the file.
    reading : str
        Microseconds since 1970 in UTC, of what takes the place of `{}`.
    """

    column: str
    reading: str

    @property
    def sql(self) -> str:
        """Microseconds since 1970 of a single row."""
        return self.reading.format(self.column)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSql:
    """How the rows of a file are grouped before they are judged: expressions over single rows, as cheap as can be.

    Attributes
    ----------
    is_candidate : str
        Whether a row can be of a machine: times and quantities of others are not looked at.
    is_machine : str
        Whether a row is of a machine, nearly: read where rows are searched for those that stand twice.
    start, end : Moment
        Its time.
    keys : Mapping of str to str
        What rows are told apart by.
    money, units : Mapping of str to str
        What is summed.
    identity : tuple of str
        What makes a row of a machine the same row in two exports, besides its time; the first is its resource.
    """

    is_candidate: str
    is_machine: str
    start: Moment
    end: Moment
    keys: Mapping[str, str]
    money: Mapping[str, str]
    units: Mapping[str, str]
    identity: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSql:
    """What groups of rows are: expressions over the keys and sums of `RowSql`, by their names.

    Attributes
    ----------
    is_machine : str
        Whether they may be demand: true for too many rather than too few.
    quantity : str
        Instance-hours, or what `Verdict.divide_by` turns into them.
    billed, amortized : str
        Money.
    extra : str
        Money that stands beside the cost of the same lines, such as a list of credits.
    extra_amortized : str
        What of it is not in `amortized` already; all of it where empty.
    covered : Mapping of Part to str
        What commitments paid for of lines on demand, in place of the user, at their price: it makes that part of their
        hours, at no cost.
    keys : Mapping of str to str
        What all lines are judged by; never null.
    machine_keys : Mapping of str to str
        What machines are judged by besides.
    """

    is_machine: str
    quantity: str
    billed: str
    amortized: str
    keys: Mapping[str, str]
    machine_keys: Mapping[str, str]
    extra: str = "0"
    extra_amortized: str = ""
    covered: Mapping[Part, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Types:
    """Decimal types of what is summed.

    Attributes
    ----------
    money, units : str
    """

    money: str
    units: str


# As exact as exports write: 11 decimals of money, 10 of hours by the second. The narrow ones hold ten million a line.
NARROW = Types(money="DECIMAL(18, 11)", units="DECIMAL(18, 10)")
WIDE = Types(money="DECIMAL(38, 15)", units="DECIMAL(38, 10)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Columns of one file as expressions of SQL.

    Attributes
    ----------
    found : Mapping of str to FoundColumn
    types : Types
        Decimal types of what is summed.
    """

    found: Mapping[str, FoundColumn]
    types: Types

    def has(self, name: str) -> bool:
        """Whether the file has the column."""
        return name in self.found

    def raw(self, name: str) -> str:
        """Text, null or empty where there is none."""
        if name not in self.found:
            return "CAST(NULL AS VARCHAR)"
        place = self.found[name]
        return place.sql if place.kind == "VARCHAR" else f"CAST({place.sql} AS VARCHAR)"

    def text(self, name: str) -> str:
        """Text, empty where there is none."""
        return f"coalesce({self.raw(name)}, '')" if name in self.found else "''"

    def moment(self, name: str) -> Moment:
        """Point in time; one without a zone is UTC.

        A cast between the two types of timestamps would take longer than all the rest of a pass.
        """
        place = self.found[name]
        if place.kind in {"TIMESTAMP", "TIMESTAMP WITH TIME ZONE"}:
            return Moment(column=place.sql, reading="epoch_us({})")
        kind = "TIMESTAMP" if place.kind.startswith(("TIMESTAMP", "DATE")) else "TIMESTAMPTZ"
        return Moment(column=place.sql, reading=f"epoch_us(CAST({{}} AS {kind}))")

    def money(self, name: str) -> str:
        """Exact amount, null where there is none."""
        return self._number(name, self.types.money)

    def value(self, name: str) -> str:
        """Number to reckon with, 0 where there is none; exact where the file has it as text."""
        if name not in self.found:
            return "0"
        place = self.found[name]
        return f"coalesce({self.money(name) if place.kind == 'VARCHAR' else place.sql}, 0)"

    def is_negative(self, name: str) -> str:
        """Whether a number is below 0."""
        place = self.found[name]
        if place.kind in {"VARCHAR", FIELD}:
            return f"starts_with(CAST({place.sql} AS VARCHAR), '-')"
        return f"{place.sql} < 0"

    def units(self, name: str) -> str:
        """Exact quantity, null where there is none."""
        return self._number(name, self.types.units)

    def json(self, name: str, key: str) -> str:
        """Text of a key in a column of JSON or a struct; empty where there is none."""
        if name not in self.found:
            return "''"
        return f"coalesce(json_extract_string({self.text(name)}, '$.\"{key}\"'), '')"

    def label(self, name: str, key: str) -> str:
        """Value of a key in a list of keys and values; empty where there is none."""
        if name not in self.found:
            return "''"
        place = self.found[name]
        if place.kind.endswith("[]"):
            return f"coalesce(list_filter({place.sql}, lambda pair: pair.key = '{key}')[1].value, '')"
        pairs = f"json_extract({place.sql}, '$[*]')"
        same = f"list_filter({pairs}, lambda pair: json_extract_string(pair, '$.key') = '{key}')"
        return f"coalesce(json_extract_string({same}[1], '$.value'), '')"

    def amounts(self, name: str, *, types: Sequence[str] = ()) -> str:
        """Sum of the amounts in a list, of all or of those whose type is named."""
        if name not in self.found:
            return "0"
        place = self.found[name]
        if place.kind.endswith("[]"):
            ones, amount, kind = place.sql, "one.amount", "one.type"
        else:
            ones = f"json_extract({place.sql}, '$[*]')"
            amount, kind = (f"json_extract_string(one, '$.{part}')" for part in ("amount", "type"))
        if types:
            listed = ", ".join(literal(name) for name in types)
            ones = f"list_filter({ones}, lambda one: {kind} IN ({listed}))"
        return f"coalesce(list_sum(list_transform({ones}, lambda one: CAST({amount} AS {self.types.money}))), 0)"

    def _number(self, name: str, kind: str) -> str:
        """Number as a decimal."""
        return f"CAST({self.found[name].sql} AS {kind})" if name in self.found else f"CAST(NULL AS {kind})"


Key = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One format of export.

    Attributes
    ----------
    name : str
        As on the command line.
    title : str
        For messages.
    columns : tuple of ExportColumn
    tag_columns : tuple of str
        Beginnings of the names of columns that hold tags, or their whole names.
    rows : function of Columns that returns RowSql
    lines : LineSql
    judge : function of keys that returns Verdict
        Keys are those of `LineSql` and `currency`.
    number_columns, time_columns : tuple of str
        Whose cells must be numbers, and points in time; for messages.
    type_columns : tuple of str
        At least one of them must be there: without any, no type of machine could be told. None where empty.
    switch_on : str
        Where the provider lets one ask for hourly rows.
    json_keys : tuple of str
        Keys at the top of JSON lines, where the format has them.
    divisors : function of all keys that returns divisors by unit
        What quantities in a unit are divided by to give instance-hours, 1 where it is not among them; "" where that
        cannot be told. Each key then has it as `divide_by`.
    """

    name: str
    title: str
    columns: tuple[ExportColumn, ...]
    tag_columns: tuple[str, ...]
    rows: Callable[[Columns], RowSql]
    lines: LineSql
    judge: Callable[[Key], Verdict]
    number_columns: tuple[str, ...]
    time_columns: tuple[str, ...]
    switch_on: str
    type_columns: tuple[str, ...] = field(default=())
    json_keys: tuple[str, ...] = field(default=())
    divisors: Callable[[Sequence[Key]], Mapping[str, str]] = field(default=lambda _: {})
