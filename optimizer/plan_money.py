"""What a plan is worth in money terms, as plain data that pages and files are made from.

Not here: how any of it is computed (`optimizer.jobs.money`) or shown (`optimizer.report`).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarterMoney:
    """One calendar quarter of the window, expected. Costs and payments are above zero, EBITDA and flows below.

    Attributes
    ----------
    quarter : str
        Such as 2025-Q1.
    start_hour, end_hour : int
        Epoch hours of it inside the window, end exclusive.
    on_demand_usd, spot_usd : float
        [USD]
    fees_usd : float
        Fees of commitments paid as they run. [USD]
    prepaid_expense_usd : float
        Upfront fees of commitments, spread over their terms: the part of this quarter. [USD]
    running_usd, depreciation_usd : float
        Of owned hardware. [USD]
    cost_usd : float
        All of the above: the cost in the profit and loss statement. [USD]
    ebitda_usd : float
        Minus all of the cost but depreciation. [USD]
    ebit_usd : float
        Minus all of the cost. [USD]
    upfront_usd, capex_usd, salvage_usd : float
        Upfront fees paid, hardware paid for, hardware sold. [USD]
    cash_usd, cash_p10_usd, cash_p90_usd : float
        Paid in the quarter, expected and its quantiles. [USD]
    free_cash_flow_usd : float
        Minus the expected cash paid. [USD]
    prepaid_end_usd : float
        Upfront fees paid, before or in the window, and not yet spread by the end of the quarter. [USD]
    all_on_demand_usd : float
        What the same demand costs on demand, in cash and in the books. [USD]
    """

    quarter: str
    start_hour: int
    end_hour: int
    on_demand_usd: float
    spot_usd: float
    fees_usd: float
    prepaid_expense_usd: float
    running_usd: float
    depreciation_usd: float
    cost_usd: float
    ebitda_usd: float
    ebit_usd: float
    upfront_usd: float
    capex_usd: float
    salvage_usd: float
    cash_usd: float
    cash_p10_usd: float
    cash_p90_usd: float
    free_cash_flow_usd: float
    prepaid_end_usd: float
    all_on_demand_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseMoney:
    """What one purchase, or all of the first date, brings against on demand.

    What it covers is valued at on-demand rates; several commitments on one offer share it by quantity.

    Attributes
    ----------
    commitment_id : str or None
        None: all purchases of the first date together.
    offer_id, payment_option : str
    upfront_usd : float
        [USD]
    saved_usd : float
        Value covered less fees, amortized, inside the window. [USD]
    npv_usd : float
        Value covered less cash at the policy's rate; of what runs past the window only its part inside. [USD]
    payback_months, discounted_payback_months : float
        Months of 730 hours from the decision; infinite where not within the window.
    is_within_window : bool
        Whether its whole term is seen; else a payback after the window is not known.
    is_flagged : bool
        Payback past the policy's months, or never.
    """

    commitment_id: str | None
    offer_id: str
    payment_option: str
    upfront_usd: float
    saved_usd: float
    npv_usd: float
    payback_months: float
    discounted_payback_months: float
    is_within_window: bool
    is_flagged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Cash of the whole plan against another way, inside the window.

    Attributes
    ----------
    against : str
        "all_on_demand" or "keep_owned".
    saved_cash_usd : float
        [USD]
    npv_usd : float
        The same at the policy's rate. [USD]
    payback_months, discounted_payback_months : float
        From which on it never has cost more; infinite where it has at the end of the window.
    tied_up_usd : float
        Most that it has cost more at any time. [USD]
    """

    against: str
    saved_cash_usd: float
    npv_usd: float
    payback_months: float
    discounted_payback_months: float
    tied_up_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FinancingPair:
    """Two payment options of one offer: what the larger upfront part earns by lower fees.

    Attributes
    ----------
    more_offer_id, less_offer_id : str
        The one that asks for more upfront, and for less.
    kind, more_option, less_option : str
    term_months : int
    low_rate_yearly, high_rate_yearly : float or None
        Interest over the pools of the offer; None where none is defined.
    is_worth : bool
        Whether it is above the policy's rate for every pool.
    """

    more_offer_id: str
    less_offer_id: str
    kind: str
    more_option: str
    less_option: str
    term_months: int
    low_rate_yearly: float | None
    high_rate_yearly: float | None
    is_worth: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentVariant:
    """The purchases of the first date, paid in another way; what they cover stays.

    Attributes
    ----------
    name : str
        "as_planned", "none", "partial" or "all".
    n_changed : int
        Purchases that the price list also sells that way.
    npv_usd, ebitda_usd, first_year_cash_usd : float
        Gain against on demand at the policy's rate, in EBITDA, and in free cash flow of the first 8,760 hours. [USD]
    upfront_usd : float
        [USD]
    tied_up_usd : float
        Most cash that they have taken more than on demand at any time. [USD]
    payback_months : float
    """

    name: str
    n_changed: int
    npv_usd: float
    ebitda_usd: float
    first_year_cash_usd: float
    upfront_usd: float
    tied_up_usd: float
    payback_months: float


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCostRow:
    """Cost per unit of a driver in the window.

    Attributes
    ----------
    driver : str
    level : str
        "business" (all), "product" (owner, else group of the pools) or "infrastructure" (pool).
    name : str or None
        None: everything, or committed value that no usage consumed.
    is_unused : bool
        Whether it is what no usage consumed.
    month : str or None
        YYYY-MM; None: the whole window.
    volume : float
        Sum over the days of the driver's daily value, P50.
    amortized_usd, on_demand_equivalent_usd, cash_usd : float
        Per unit of the driver and day. [USD]
    elasticity, elasticity_low, elasticity_high : float or None
        Of amortized cost in the driver over the months of the window, with its central 90 %; None where not known.
    verdict : str
    """

    driver: str
    level: str
    name: str | None
    is_unused: bool
    month: str | None
    volume: float
    amortized_usd: float
    on_demand_equivalent_usd: float
    cash_usd: float
    elasticity: float | None = None
    elasticity_low: float | None = None
    elasticity_high: float | None = None
    verdict: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMoney:
    """Everything about money that goes beyond the expected cost.

    Attributes
    ----------
    goal : str
        The policy's: cost, ebitda, free_cash_flow or payback.
    discount_rate_yearly, payback_flag_months : float
        The policy's.
    npv_cash_usd : float
        Cash of all quarters at that rate, above zero. [USD]
    quarters : tuple of QuarterMoney
    purchases : tuple of PurchaseMoney
        Of the first date with an upfront part, the largest first; all of the first date together last.
    comparisons : tuple of Comparison
    financing : tuple of FinancingPair
    variants : tuple of PaymentVariant
        From best to worst by the goal.
    recommendation : str
        Sentences: which way of paying is best by the goal, and what it differs from the plan.
    unit_costs : tuple of UnitCostRow
        Empty without drivers.
    """

    goal: str
    discount_rate_yearly: float
    payback_flag_months: float
    npv_cash_usd: float
    quarters: tuple[QuarterMoney, ...]
    purchases: tuple[PurchaseMoney, ...]
    comparisons: tuple[Comparison, ...]
    financing: tuple[FinancingPair, ...]
    variants: tuple[PaymentVariant, ...]
    recommendation: str
    unit_costs: tuple[UnitCostRow, ...] = ()
