"""Billing cases of Azure: rates of an amortized export, refunds, exchanges and trade-ins.

Each class turns the inputs of one kind into the engine's and back. Not here: the rules (`optimizer.billing.azure`), the
order of application (`cases_azure`).
"""

import re
from collections.abc import Mapping

from optimizer.billing.azure.returns import (
    FEE_FRACTION,
    REFUND_LIMIT_USD,
    Cancellation,
    RefundRules,
    Reservation,
    is_exchange_allowed,
    refund,
    trade_in_hourly_usd,
)
from optimizer.billing.case_values import Case, CaseFormatError, Fields
from optimizer.billing.cases_azure import answer_to
from optimizer.metrics import effective_savings_fraction

HOURS_PER_YEAR = 8760
MONTHS_PER_YEAR = 12

_UPFRONT = re.compile(r"upfront_charge_(\d+)y")
_HOURLY = re.compile(r"hourly_(\d+)y")


class AzureRateCase:
    """A case of kind `effective_rate`: a line of an amortized export against its pay-as-you-go price.

    Both prices are of one hour of the instance, so that the size ratio changes nothing.
    """

    def __init__(self, case: Case) -> None:
        case.inputs.allow({"pay_as_you_go", "reservation_effective", "rinormalization_ratio", "quantity"})
        quantity = case.inputs.optional_number("quantity")
        self.hours = 1.0 if quantity is None else quantity
        self.pay_as_you_go_usd = case.inputs.number("pay_as_you_go")
        self.effective_usd = case.inputs.number("reservation_effective")

    def answer(self, key: str, expected: object) -> object:  # noqa: ARG002 - the protocol of all kinds
        """Say what the formula gives for an expected key.

        Raises
        ------
        NotSupportedError
            If the key is not one of this kind.
        """
        answers: Mapping[str, object] = {
            "savings": effective_savings_fraction(
                actual_usd=self.effective_usd, on_demand_equivalent_usd=self.pay_as_you_go_usd
            ),
            "savings_usd": (self.pay_as_you_go_usd - self.effective_usd) * self.hours,
            "yearly": self.effective_usd * HOURS_PER_YEAR,
        }
        return answer_to(answers, key)


class AzureRefundCase:
    """A case of kind `refund`: what cancelling a reservation takes out of the yearly limit."""

    def __init__(self, case: Case) -> None:
        inputs = case.inputs
        inputs.allow(
            {"monthly", "quantity", "term_months", "refunded_in_month", "pool_limit", "pool_used", "fee_fraction"}
        )
        limit, fee = inputs.optional_number("pool_limit"), inputs.optional_number("fee_fraction")
        self.rules = RefundRules(
            limit_usd=REFUND_LIMIT_USD if limit is None else limit, fee_fraction=FEE_FRACTION if fee is None else fee
        )
        used = inputs.optional_number("pool_used") or 0.0
        self.found = refund(
            _paid_monthly(inputs),
            elapsed_months=_elapsed_months(inputs, "refunded_in_month"),
            earlier=(Cancellation(day=0, cancelled_usd=used),),
            rules=self.rules,
        )

    def answer(self, key: str, expected: object) -> object:  # noqa: ARG002 - the protocol of all kinds
        """Say what the rules give for an expected key.

        Raises
        ------
        NotSupportedError
            If the key is not one of this kind.
        """
        answers: Mapping[str, object] = {
            "cancelled_commitment": self.found.cancelled_usd,
            "pool_left": self.found.limit_left_usd,
            "pool_restored_after_days": self.rules.window_days,
            "fee": self.found.fee_usd,
            "allowed": self.found.is_allowed,
        }
        return answer_to(answers, key)


class AzureExchangeCase:
    """A case of kind `ri_exchange`: what must be bought anew for a returned reservation, or a plan traded in for it."""

    def __init__(self, case: Case) -> None:
        self.inputs = case.inputs
        own = {"monthly", "quantity", "term_months", "exchanged_in_month", "new_monthly", "new_term_months"}
        self.inputs.allow({*own, *(name for name in self.inputs.values if _UPFRONT.fullmatch(name))})

    def answer(self, key: str, expected: object) -> object:  # noqa: ARG002 - the protocol of all kinds
        """Say what the rules give for an expected key.

        Raises
        ------
        NotSupportedError
            If the key is not one of this kind.
        CaseFormatError
            If a number that it needs is missing.
        """
        hourly = _HOURLY.fullmatch(key)
        if hourly is not None:
            years = int(hourly[1])
            return trade_in_hourly_usd(self.inputs.number(f"upfront_charge_{years}y"), years * MONTHS_PER_YEAR)
        if key in ("remaining_commitment", "minimum_new_commitment"):
            return self._remaining_usd()
        if key == "new_commitment":
            return self._new().total_usd
        if key == "allowed":
            return is_exchange_allowed([self._remaining_usd()], [self._new()])
        return answer_to({}, key)

    def _remaining_usd(self) -> float:
        """Commitment left of what is returned. [USD]"""
        return _paid_monthly(self.inputs).remaining_usd(_elapsed_months(self.inputs, "exchanged_in_month"))

    def _new(self) -> Reservation:
        """What is bought in its place."""
        return Reservation(
            monthly_usd=self.inputs.number("new_monthly"), term_months=_months(self.inputs, "new_term_months")
        )


def _paid_monthly(inputs: Fields) -> Reservation:
    """A reservation by its monthly price."""
    quantity = inputs.optional_number("quantity")
    return Reservation(
        monthly_usd=inputs.number("monthly") * (1.0 if quantity is None else quantity),
        term_months=_months(inputs, "term_months"),
    )


def _months(inputs: Fields, name: str) -> int:
    """A whole number of months."""
    value = inputs.number(name)
    if value != int(value):
        msg = f"{inputs.place}.{name} must be a whole number, got {value!r}."
        raise CaseFormatError(msg)
    return int(value)


def _elapsed_months(inputs: Fields, name: str) -> float:
    """Months that are over, at most the term."""
    elapsed, term = inputs.number(name), inputs.number("term_months")
    if elapsed > term:
        msg = f"{inputs.place}.{name} must be at most term_months {term:g}, got {elapsed:g}."
        raise CaseFormatError(msg)
    return elapsed
