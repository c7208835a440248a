"""Google Cloud's flexible (spend-based) commitments under both models of billing.

Until 2026-01-20 a commitment was stated in on-demand USD per hour: its fee was the discounted part, and a credit took
the covered usage off at its on-demand price [1]_. Since then it is stated in discounted USD per hour, and covered usage
is listed at its discounted price, without credits [2]_. What is paid is the same. Commitments of the price contract are
in discounted USD per hour. Not here: which usage is covered (`optimizer.billing.gcp.order`).

References
----------
.. [1] https://cloud.google.com/docs/cuds-spend-based
.. [2] https://docs.cloud.google.com/docs/cuds-multiprice
"""

from dataclasses import dataclass
from enum import StrEnum

from forecasting.hours import hour_of_date

MULTIPRICE_SINCE = "2026-01-21"  # for everyone; accounts that moved from July 2025 on did so earlier


class FlexibleModel(StrEnum):
    """How a flexible commitment is stated and shown on the bill."""

    CREDITS = "credits"
    MULTIPRICE = "multiprice"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlexibleCommitment:
    """A flexible commitment, whatever the model it was stated under.

    Attributes
    ----------
    on_demand_usd : float
        Usage it covers in an hour, at on-demand prices. [USD/h]
    discount_fraction : float
        Part of the on-demand price that it saves.
    """

    on_demand_usd: float
    discount_fraction: float

    @property
    def discounted_usd(self) -> float:
        """What it costs, used or not: the commitment as the price contract states it. [USD/h]"""
        return self.on_demand_usd * (1.0 - self.discount_fraction)

    def stated_usd(self, model: FlexibleModel) -> float:
        """Commitment as Google states it. [USD/h]"""
        return self.on_demand_usd if model == FlexibleModel.CREDITS else self.discounted_usd

    def credit_usd(self, used_on_demand_usd: float, model: FlexibleModel) -> float:
        """Credit for the usage that it covers in an hour: negative, or 0 where there are none. [USD]"""
        return -min(used_on_demand_usd, self.on_demand_usd) if model == FlexibleModel.CREDITS else 0.0

    def usage_usd(self, used_on_demand_usd: float, model: FlexibleModel) -> float:
        """What the usage lines of an hour say, before credits and the fee of what is not used. [USD]

        Under the old model all usage at on-demand prices, under the new one the covered part at the discounted price.
        """
        if model == FlexibleModel.CREDITS:
            return used_on_demand_usd
        covered_usd = min(used_on_demand_usd, self.on_demand_usd)
        return used_on_demand_usd - covered_usd * self.discount_fraction

    def fee_usd(self, used_on_demand_usd: float, model: FlexibleModel) -> float:
        """Fee line of an hour: all of it under the old model, what no usage consumed under the new one. [USD]"""
        if model == FlexibleModel.CREDITS:
            return self.discounted_usd
        covered_usd = min(used_on_demand_usd, self.on_demand_usd)
        return self.discounted_usd - covered_usd * (1.0 - self.discount_fraction)

    def total_usd(self, used_on_demand_usd: float, model: FlexibleModel) -> float:
        """What an hour costs: usage, fee and credit; the same under both models. [USD]"""
        usage_usd = self.usage_usd(used_on_demand_usd, model)
        return usage_usd + self.fee_usd(used_on_demand_usd, model) + self.credit_usd(used_on_demand_usd, model)


def flexible_commitment(stated_usd: float, discount_fraction: float, model: FlexibleModel) -> FlexibleCommitment:
    """Commitment from the amount Google states.

    Parameters
    ----------
    stated_usd : float
        On-demand USD per hour under the old model, discounted USD per hour under the new one.
    discount_fraction : float
        In [0, 1).
    model : FlexibleModel

    Examples
    --------
    >>> flexible_commitment(54.0, 0.46, FlexibleModel.MULTIPRICE).on_demand_usd
    100.0
    """
    if not 0.0 <= discount_fraction < 1.0:
        msg = f"discount_fraction must be in [0, 1), got {discount_fraction}."
        raise ValueError(msg)
    on_demand = stated_usd if model == FlexibleModel.CREDITS else stated_usd / (1.0 - discount_fraction)
    return FlexibleCommitment(on_demand_usd=on_demand, discount_fraction=discount_fraction)


def model_at(hour: int) -> FlexibleModel:
    """Model in force for everyone in an epoch hour (UTC days).

    Examples
    --------
    >>> model_at(hour_of_date("2026-01-20")).value, model_at(hour_of_date("2026-01-21")).value
    ('credits', 'multiprice')
    """
    return FlexibleModel.MULTIPRICE if hour >= hour_of_date(MULTIPRICE_SINCE) else FlexibleModel.CREDITS
