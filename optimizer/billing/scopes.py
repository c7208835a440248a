"""How wide a commitment reaches: what its declared scope means under its provider's rules.

Not here: which pools lie inside (`optimizer.billing.eligibility`).
"""

from typing import NoReturn

from forecasting.errors import InputError, Problem
from optimizer.billing.providers import TITLES, Rules
from optimizer.billing.settlement import Reach
from optimizer.portfolio import Commitment

ZONAL_SCOPES = frozenset({"zonal", "zone", "availability zone"})
REGIONAL_SCOPES = frozenset({"regional", "region"})
REACH_OF_SCOPE = {
    Rules.AZURE: {
        "shared": Reach.SHARED,
        "management group": Reach.MANAGEMENT_GROUP,
        "subscription": Reach.ACCOUNT,
        "single": Reach.ACCOUNT,
        "single subscription": Reach.ACCOUNT,
        "resource group": Reach.RESOURCE_GROUP,
        "single resource group": Reach.RESOURCE_GROUP,
    },
    Rules.GCP: {"shared": Reach.SHARED, "billing account": Reach.SHARED, "project": Reach.ACCOUNT},
}
SCOPES_SHOWN = {Rules.AZURE: "shared, subscription or resource group", Rules.GCP: "shared or project"}


def is_zonal_scope(commitment: Commitment) -> bool:
    """Whether the declared scope of an AWS commitment is a zone.

    Raises
    ------
    InputError
        If it is neither a zone nor a region.
    """
    scope = _word(commitment)
    if scope not in ZONAL_SCOPES | REGIONAL_SCOPES:
        message = f"must be zonal or regional, got '{commitment.scope}' for commitment '{commitment.commitment_id}'."
        refuse_scope(message)
    return scope in ZONAL_SCOPES


def reach_of(commitment: Commitment, rules: Rules, *, is_plan: bool) -> Reach:
    """Reach of a commitment of Azure or Google Cloud.

    What is not declared is the provider's own default: shared, but the project of its account for a resource-based
    commitment of Google Cloud. Flexible commitments of Google Cloud are always shared.

    Raises
    ------
    InputError
        If the scope is none of the provider's, or one that the price contract cannot follow, or if a zone is named.
    """
    named = f"commitment '{commitment.commitment_id}'"
    if commitment.zone:
        refuse_scope(
            f"{named} must not name a zone, got '{commitment.zone}': commitments of {TITLES[rules]} are regional. "
            "Leave the zone empty."
        )
    scope = _word(commitment)
    if scope in REGIONAL_SCOPES | {""}:
        is_project = rules == Rules.GCP and not is_plan and commitment.account != ""
        return Reach.ACCOUNT if is_project else Reach.SHARED
    reach = REACH_OF_SCOPE[rules].get(scope)
    if reach is None:
        refuse_scope(f"must be {SCOPES_SHOWN[rules]} at {TITLES[rules]}, got '{commitment.scope}' for {named}.")
    if reach == Reach.MANAGEMENT_GROUP:
        refuse_scope(
            f"{named} is scoped to a management group, and no file says which subscriptions that holds. "
            "Give it the scope 'shared' or 'subscription'."
        )
    return Reach.SHARED if rules == Rules.GCP and is_plan else reach


def refuse_scope(message: str) -> NoReturn:
    """Refuse the scope of a commitment."""
    source = "commitments"
    raise InputError(source, [Problem(column="scope", message=message)])


def _word(commitment: Commitment) -> str:
    """Scope in lower case, with single spaces."""
    return " ".join(commitment.scope.lower().replace("_", " ").replace("-", " ").split())
