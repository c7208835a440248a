"""Billing cases of kind `ri_exchange`: count, true-up, term and end of a convertible exchange.

Not here: the rules (`optimizer.billing.aws.exchange`).
"""

from optimizer.billing.aws.exchange import exchange_count, is_payment_allowed, merged_term, true_up_usd
from optimizer.billing.aws.reserved import Payment
from optimizer.billing.case_values import Case, CaseFormatError, Fields, NotSupportedError, answer_of
from optimizer.billing.cases_modification import moment_of
from optimizer.billing.cases_rates import payment_option_of

GIVEN_FIELDS = ("original_value", "total_value", "original_total_value")
UNIT_FIELDS = ("target_unit_value", "target_value")
LEFT_FIELDS = ("remaining_upfront", "original_remaining_upfront")
NEW_UPFRONT_FIELDS = ("new_prorated_upfront", "target_prorated_upfront")
COUNT_FIELDS = ("original_quantity", "original_count")
OPTION_FIELDS = ("original_payment", "target_payment")
INPUT_FIELDS = frozenset(
    {*GIVEN_FIELDS, *UNIT_FIELDS, *LEFT_FIELDS, *NEW_UPFRONT_FIELDS, *COUNT_FIELDS, *OPTION_FIELDS, "originals"}
)
ORIGINAL_FIELDS = frozenset({"id", "term_years", "end", "value", "remaining_upfront"})


class ExchangeCase:
    """A case of this kind; `answer` gives what it says about an expected key."""

    def __init__(self, case: Case) -> None:
        self.inputs = case.inputs
        self.inputs.allow(INPUT_FIELDS)
        self.originals = self.inputs.objects("originals")
        for fields in self.originals:
            fields.allow(ORIGINAL_FIELDS)

    def answer(self, key: str, expected: object) -> object:  # noqa: ARG002 - the protocol of all kinds
        """Say what the engine found for an expected key.

        Raises
        ------
        NotSupportedError
            If the key is not one of this kind, or its inputs are missing.
        """
        return answer_of(
            {
                "quantity": self._count,
                "total_value": lambda: self._count() * self.inputs.needed(*UNIT_FIELDS),
                "true_up": lambda: true_up_usd(
                    remaining_upfront_usd=self._sum("remaining_upfront", LEFT_FIELDS),
                    prorated_upfront_usd=self.inputs.needed(*NEW_UPFRONT_FIELDS),
                ),
                "term_years": lambda: self._merged()[0],
                "end": self._end,
                "accepted": self._is_allowed,
                "allowed": self._is_allowed,
            },
            key,
        )

    def _count(self) -> int:
        """Instances received."""
        n_given = self.inputs.first_number(*COUNT_FIELDS)
        given_usd = self._sum("value", GIVEN_FIELDS) * (1.0 if n_given is None else n_given)
        unit_usd = self.inputs.needed(*UNIT_FIELDS)
        if unit_usd == 0.0:
            msg = f"{self.inputs.place}.{UNIT_FIELDS[0]} must be > 0, got 0."
            raise CaseFormatError(msg)
        return exchange_count(given_usd=given_usd, unit_usd=unit_usd)

    def _sum(self, name: str, names: tuple[str, ...]) -> float:
        """Sum over the originals where each gives it, else the sum that is given."""
        if self.originals and all(fields.optional_number(name) is not None for fields in self.originals):
            return sum(fields.number(name) for fields in self.originals)
        return self.inputs.needed(*names)

    def _merged(self) -> tuple[int, int]:
        """Term and end in epoch seconds."""
        if not self.originals:
            msg = "needs the input originals"
            raise NotSupportedError(msg)
        return merged_term([(int(fields.number("term_years")), _end_of(fields)) for fields in self.originals])

    def _end(self) -> str:
        """End, in the words of the original that ends last."""
        _, end = self._merged()
        return next(fields.text("end") for fields in self.originals if _end_of(fields) == end)

    def _is_allowed(self) -> bool:
        """Whether one payment option may become the other."""
        given, wanted = (
            payment_option_of(Fields(place=name, values={"payment_option": self.inputs.text(name)}))
            for name in OPTION_FIELDS
        )
        if not given or not wanted:
            msg = f"needs the inputs {' and '.join(OPTION_FIELDS)}"
            raise NotSupportedError(msg)
        return is_payment_allowed(Payment(given), Payment(wanted))


def _end_of(fields: Fields) -> int:
    """End of an original, which must be given."""
    end = moment_of(fields, "end")
    if end is None:
        msg = f"{fields.place}.end must be given."
        raise CaseFormatError(msg)
    return end
