"""Cases of kind effective_rate, break_even and purchase_schedule: one offer's fee, its payments, when it is worth it.

Not here: the formulas (`optimizer.break_even`), running and reporting (`optimizer.billing.cases`).
"""

import re

from forecasting.hours import HOURS_PER_MONTH, HOURS_PER_YEAR
from optimizer.billing.case_values import Case, CaseFormatError, Fields, NotSupportedError
from optimizer.break_even import (
    UPFRONT_SHARE_BY_OPTION,
    PaymentSplit,
    break_even_fraction,
    effective_hourly_usd,
    payback_hours,
    payment_split,
    saving_fraction,
)

# Nothing in these is a figure: they say which product the rates are of.
DESCRIPTIVE = ("instance_type", "os", "platform", "region", "tenancy", "sp_type", "ri_type", "offering_class", "note")
TERM_KEYS = ("term_hours", "term_years", "term_months")
OPTION_SUFFIX = "_upfront"
MONTHLY_KEY = re.compile(r"monthly_(\d+)h")  # such as monthly_730h: the hourly part over a month of that length


def term_hours_of(inputs: Fields) -> float:
    """Term in hours, given in hours, years of 8,760 or months of 730; exactly one of them.

    Raises
    ------
    CaseFormatError
        If none or several are given, or the term is 0.
    """
    given = [(name, inputs.optional_number(name)) for name in TERM_KEYS]
    known = [(name, number) for name, number in given if number is not None]
    if len(known) != 1:
        msg = f"{inputs.place} must give one of {', '.join(TERM_KEYS)}, got {len(known)}."
        raise CaseFormatError(msg)
    (name, number), factor = known[0], {"term_years": HOURS_PER_YEAR, "term_months": HOURS_PER_MONTH, "term_hours": 1}
    if number == 0.0:
        msg = f"{inputs.place}.{name} must be > 0, got 0."
        raise CaseFormatError(msg)
    return number * factor[name]


def payment_option_of(inputs: Fields) -> str:
    """Payment option: none, partial or all, with or without the word upfront; empty where it is not given.

    Raises
    ------
    CaseFormatError
        If it is another one.
    """
    text = inputs.text("payment_option")
    option = text.strip().lower().replace(" ", "_").removesuffix(OPTION_SUFFIX)
    option = "none" if option == "no" else option
    if text and option not in UPFRONT_SHARE_BY_OPTION:
        msg = f"{inputs.place}.payment_option must be no, partial or all upfront, got {text!r}."
        raise CaseFormatError(msg)
    return option


class EffectiveRateCase:
    """A fee with an upfront and an hourly part, against on-demand.

    Parameters
    ----------
    case : Case
    """

    def __init__(self, case: Case) -> None:
        inputs = case.inputs
        inputs.allow({"on_demand", "upfront", "hourly", "payment_option", *TERM_KEYS, *DESCRIPTIVE})
        prices = [inputs.optional_number(name) for name in ("hourly", "upfront")]
        if prices == [None, None]:
            msg = f"{inputs.place} must give hourly, upfront or both."
            raise CaseFormatError(msg)
        self.hourly_usd, self.upfront_usd = (price or 0.0 for price in prices)
        self.term_hours = term_hours_of(inputs)
        self.on_demand_usd = _on_demand_usd(inputs)
        _check_option(inputs, upfront_usd=self.upfront_usd, hourly_usd=self.hourly_usd)
        self.effective_usd = effective_hourly_usd(
            hourly_usd=self.hourly_usd, upfront_usd=self.upfront_usd, term_hours=self.term_hours
        )

    def answer(self, key: str, expected: object) -> object:
        """Say what the formulas give for an expected key."""
        del expected
        monthly = MONTHLY_KEY.fullmatch(key)
        if monthly:
            return self.hourly_usd * float(monthly[1])
        answers = {
            "effective_hourly": self.effective_usd,
            "effective_monthly": self.effective_usd * HOURS_PER_MONTH,
            "upfront": self.upfront_usd,
            "total_cost": self.effective_usd * self.term_hours,
            "on_demand_cost": self.on_demand_usd * self.term_hours,
            **_worth(self.effective_usd, self.on_demand_usd),
            **_payback(self.upfront_usd, self.hourly_usd, self.on_demand_usd),
        }
        return _found(answers, key)


class BreakEvenCase:
    """A commitment in USD per hour, its payments, and the use from which on it is worth it.

    Parameters
    ----------
    case : Case
    """

    def __init__(self, case: Case) -> None:
        inputs = case.inputs
        inputs.allow({"on_demand", "sp_rate", "hours_in_month", "payment_option", *TERM_KEYS, *DESCRIPTIVE})
        self.rate_usd = inputs.number("sp_rate")
        self.on_demand_usd = _on_demand_usd(inputs)
        self.term_hours = term_hours_of(inputs)
        month_hours = inputs.optional_number("hours_in_month")
        self.month_hours = float(HOURS_PER_MONTH) if month_hours is None else month_hours
        self.split = _split(inputs, self.rate_usd, self.term_hours)

    def answer(self, key: str, expected: object) -> object:
        """Say what the formulas give for an expected key."""
        del expected
        use = break_even_fraction(effective_hourly_usd=self.rate_usd, on_demand_usd=self.on_demand_usd)
        answers = {
            "total_commitment": self.split.total_usd,
            "upfront": self.split.upfront_usd,
            "hourly_recurring": self.split.hourly_usd,
            "monthly_recurring": self.split.hourly_usd * self.month_hours,
            "effective_hourly": self.rate_usd,
            "effective_monthly": self.rate_usd * self.month_hours,
            "on_demand_monthly": self.on_demand_usd * self.month_hours,
            "monthly_savings": (self.on_demand_usd - self.rate_usd) * self.month_hours,
            "break_even_hours": use * self.month_hours,
            **_worth(self.rate_usd, self.on_demand_usd),
            **_payback(self.split.upfront_usd, self.split.hourly_usd, self.on_demand_usd),
        }
        return _found(answers, key)


class PurchaseScheduleCase:
    """What is charged for a commitment, at once and by the hour.

    Parameters
    ----------
    case : Case
    """

    def __init__(self, case: Case) -> None:
        inputs = case.inputs
        inputs.allow({"hourly_commitment", "payment_option", *TERM_KEYS, *DESCRIPTIVE})
        self.term_hours = term_hours_of(inputs)
        self.committed_usd = inputs.number("hourly_commitment")
        self.split = _split(inputs, self.committed_usd, self.term_hours)

    def answer(self, key: str, expected: object) -> object:
        """Say what is charged for an expected key."""
        del expected
        recurring_usd = self.split.hourly_usd * self.term_hours
        answers = {
            "one_time": self.split.upfront_usd,
            "per_hour_recurring": self.split.hourly_usd,
            "sum_recurring": recurring_usd,
            "sum_over_term": self.split.upfront_usd + recurring_usd,
            "effective_hourly": self.committed_usd,
        }
        return _found(answers, key)


def _on_demand_usd(inputs: Fields) -> float:
    """On-demand rate, above 0."""
    rate = inputs.number("on_demand")
    if rate == 0.0:
        msg = f"{inputs.place}.on_demand must be > 0, got 0."
        raise CaseFormatError(msg)
    return rate


def _check_option(inputs: Fields, *, upfront_usd: float, hourly_usd: float) -> None:
    """Refuse prices that contradict the payment option."""
    option = payment_option_of(inputs)
    for wrong, name, usd in (("none", "upfront", upfront_usd), ("all", "hourly", hourly_usd)):
        if option == wrong and usd > 0.0:
            msg = f"{inputs.place}.{name} must be 0 where payment_option is {option}, got {usd:g}."
            raise CaseFormatError(msg)


def _split(inputs: Fields, committed_usd: float, term_hours: float) -> PaymentSplit:
    """Payments of a commitment; the option must be given."""
    option = payment_option_of(inputs)
    if not option:
        msg = f"{inputs.place}.payment_option must be given."
        raise CaseFormatError(msg)
    return payment_split(committed_usd, term_hours=term_hours, payment_option=option)


def _worth(effective_usd: float, on_demand_usd: float) -> dict[str, float]:
    """When a fee is worth it, under both spellings."""
    use = break_even_fraction(effective_hourly_usd=effective_usd, on_demand_usd=on_demand_usd)
    saving = saving_fraction(effective_hourly_usd=effective_usd, on_demand_usd=on_demand_usd)
    return {
        "break_even_utilisation": use,
        "break_even_utilization": use,
        "savings": saving,
        "savings_fraction": saving,
    }


def _payback(upfront_usd: float, hourly_usd: float, on_demand_usd: float) -> dict[str, float]:
    """When the cash paid is earned back at full use."""
    hours = payback_hours(upfront_usd=upfront_usd, hourly_usd=hourly_usd, on_demand_usd=on_demand_usd)
    return {"payback_hours": hours, "payback_months": hours / HOURS_PER_MONTH}


def _found(answers: dict[str, float], key: str) -> float:
    """Answer of a key."""
    if key not in answers:
        msg = f"no rule answers {key!r}; known are {', '.join(sorted(answers))}"
        raise NotSupportedError(msg)
    return answers[key]
