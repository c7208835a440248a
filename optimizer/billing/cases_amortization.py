"""Billing cases of kind `amortisation`: a commitment's payments spread over its term, and what of an hour is unused.

Not here: the formulas (`optimizer.billing.aws.amortization`).
"""

from forecasting.hours import HOURS_PER_DAY, HOURS_PER_YEAR
from optimizer.billing.aws.amortization import (
    HourLedger,
    Payments,
    commitment_of_upfront_usd,
    hour_ledger,
    plan_payments,
)
from optimizer.billing.aws.reserved import Payment
from optimizer.billing.case_values import Case, CaseFormatError, Fields, NotSupportedError, answer_of
from optimizer.billing.cases_rates import payment_option_of
from optimizer.metrics import utilization_fraction

COMMITMENT_FIELDS = ("hourly_commitment", "commitment")
UPFRONT_FIELDS = ("upfront_fee", "upfront")
HOURLY_FIELDS = ("hourly", "recurring_hourly", "hourly_fee")
TERM_FIELDS = ("term_years", "term_days", "term_hours")
OPTION_FIELDS = ("payment_option", "payment")
INPUT_FIELDS = frozenset(
    {*COMMITMENT_FIELDS, *UPFRONT_FIELDS, *HOURLY_FIELDS, *TERM_FIELDS, *OPTION_FIELDS, "used", "quantity"}
    | {"used_quantity", "hours_in_month"}
)


class AmortizationCase:
    """A case of this kind; `answer` gives what it says about an expected key."""

    def __init__(self, case: Case) -> None:
        self.inputs = case.inputs
        self.inputs.allow(INPUT_FIELDS)
        self.payment = _payment(self.inputs)
        self.payments = self._payments()

    def answer(self, key: str, expected: object) -> object:  # noqa: ARG002 - the protocol of all kinds
        """Say what the formulas give for an expected key.

        Raises
        ------
        NotSupportedError
            If the key is not one of this kind, or its inputs are missing.
        """
        return answer_of(
            {
                "hourly_commitment": lambda: self.payments.effective_hourly_usd,
                "effective_hourly": lambda: self.payments.effective_hourly_usd,
                "total_commitment": lambda: self.payments.total_usd,
                "upfront_fee": lambda: self.payments.upfront_usd,
                "upfront": lambda: self.payments.upfront_usd,
                "recurring_hourly": lambda: self.payments.recurring_hourly_usd,
                "hourly_recurring": lambda: self.payments.recurring_hourly_usd,
                "recurring_fee_per_hour": lambda: self.payments.recurring_hourly_usd,
                "per_hour_recurring": lambda: self.payments.recurring_hourly_usd,
                "recurring_per_month": lambda: self.payments.recurring_hourly_usd * self._month_hours(),
                "per_hour": lambda: self.payments.amortized_hourly_usd,
                "per_day": lambda: self.payments.amortized_hourly_usd * HOURS_PER_DAY,
                "per_month": lambda: self.payments.amortized_hourly_usd * self._month_hours(),
                "used_amortized": lambda: self._ledger().used_amortized_usd,
                "used_recurring": lambda: self._ledger().used_recurring_usd,
                "used_total": lambda: self._ledger().used_usd,
                "unused_amortized": lambda: self._ledger().unused_amortized_usd,
                "unused_recurring": lambda: self._ledger().unused_recurring_usd,
                "unused_total": lambda: self._ledger().unused_usd,
                "utilization": self._used_fraction,
            },
            key,
        )

    def _payments(self) -> Payments:
        """Payments of a plan where its commitment or payment option is given, else of a reservation."""
        hours = _term_hours(self.inputs)
        committed = self.inputs.first_number(*COMMITMENT_FIELDS)
        upfront = self.inputs.first_number(*UPFRONT_FIELDS)
        hourly = self.inputs.first_number(*HOURLY_FIELDS)
        if committed is not None:
            if self.payment is None:
                msg = f"needs one input among {', '.join(OPTION_FIELDS)}"
                raise NotSupportedError(msg)
            return plan_payments(committed, self.payment, hours)
        if upfront is not None and hourly is None and self.payment in (Payment.PARTIAL, Payment.ALL):
            return plan_payments(commitment_of_upfront_usd(upfront, self.payment, hours), self.payment, hours)
        if upfront is None and hourly is None:
            msg = f"needs one input among {', '.join((*COMMITMENT_FIELDS, *UPFRONT_FIELDS, *HOURLY_FIELDS))}"
            raise NotSupportedError(msg)
        count = self.inputs.optional_number("quantity")
        return Payments(
            upfront_usd=(upfront or 0.0) * (1.0 if count is None else count),
            recurring_hourly_usd=(hourly or 0.0) * (1.0 if count is None else count),
            term_hours=hours,
        )

    def _ledger(self) -> HourLedger:
        """What of an hour is used."""
        return hour_ledger(self.payments, self._used_fraction())

    def _used_fraction(self) -> float:
        """Used part: of the fee in USD, or of the quantity."""
        used_quantity, quantity = self.inputs.optional_number("used_quantity"), self.inputs.optional_number("quantity")
        if used_quantity is not None:
            fraction = utilization_fraction(used_usd=used_quantity, committed_usd=1.0 if quantity is None else quantity)
        else:
            fraction = utilization_fraction(
                used_usd=self.inputs.needed("used"), committed_usd=self.payments.effective_hourly_usd
            )
        if fraction is None or fraction > 1.0:
            msg = f"{self.inputs.place}.used must not exceed what is committed, which must be > 0."
            raise CaseFormatError(msg)
        return fraction

    def _month_hours(self) -> float:
        """Hours of the month, which must be given."""
        return self.inputs.needed("hours_in_month")


def _payment(inputs: Fields) -> Payment | None:
    """Payment option under either name; None where it is not given."""
    option = payment_option_of(Fields(place=inputs.place, values={"payment_option": inputs.text(*OPTION_FIELDS)}))
    return Payment(option) if option else None


def _term_hours(inputs: Fields) -> float:
    """Hours of the term, 8,760 where it is not given: payments by the hour do not depend on it then."""
    factors = {"term_years": HOURS_PER_YEAR, "term_days": HOURS_PER_DAY, "term_hours": 1}
    given = {name: inputs.number(name) for name in TERM_FIELDS if inputs.optional_number(name) is not None}
    if len(given) > 1 or 0.0 in given.values():
        msg = f"{inputs.place} must give at most one of {', '.join(TERM_FIELDS)}, above 0."
        raise CaseFormatError(msg)
    needs_term = inputs.first_number(*UPFRONT_FIELDS) is not None
    if not given and needs_term:
        msg = f"needs one input among {', '.join(TERM_FIELDS)}"
        raise NotSupportedError(msg)
    return next((number * factors[name] for name, number in given.items()), float(HOURS_PER_YEAR))
