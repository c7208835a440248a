"""By whose rules each pool of a price list is billed.

A pool is billed by the rules of the provider of its on-demand price. Where the rules of a provider are not known here
its pools are billed in AWS's order of application, and every output says so. Not here: the rules themselves
(`optimizer.billing.aws`, `optimizer.billing.azure`, `optimizer.billing.gcp`).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from optimizer.offers import Catalog


class Rules(StrEnum):
    """Whose billing rules."""

    AWS = "aws"
    AZURE = "azure"
    GCP = "gcp"


TITLES = {Rules.AWS: "AWS", Rules.AZURE: "Azure", Rules.GCP: "Google Cloud"}
RULES_OF_NAME = {
    "aws": Rules.AWS,
    "amazon": Rules.AWS,
    "amazon web services": Rules.AWS,
    "azure": Rules.AZURE,
    "microsoft": Rules.AZURE,
    "microsoft azure": Rules.AZURE,
    "gcp": Rules.GCP,
    "google": Rules.GCP,
    "google cloud": Rules.GCP,
    "google cloud platform": Rules.GCP,
}
RULES_OF_THE_UNKNOWN = Rules.AWS


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedRules:
    """Rules that some pools are billed by.

    Attributes
    ----------
    provider : str
        As the price list names it; empty where it does not.
    rules : Rules
    is_known : bool
        Whether they are the provider's own; if not, only the order of application of another is used.
    n_pools : int
    """

    provider: str
    rules: Rules
    is_known: bool
    n_pools: int


def known_rules(provider: str) -> Rules | None:
    """Rules of a provider; None where they are not known here.

    Examples
    --------
    >>> known_rules("Google Cloud").value, known_rules("trace")
    ('gcp', None)
    """
    return RULES_OF_NAME.get(" ".join(provider.lower().replace("_", " ").replace("-", " ").split()))


def rules_of_pools(catalog: Catalog) -> tuple[Rules, ...]:
    """Rules that each pool of a price list is billed by."""
    return tuple(known_rules(provider) or RULES_OF_THE_UNKNOWN for provider in _providers(catalog))


def applied_rules(catalog: Catalog) -> tuple[AppliedRules, ...]:
    """Rules by provider, in the order of their names."""
    counts = Counter(_providers(catalog))
    return tuple(
        AppliedRules(
            provider=provider,
            rules=known_rules(provider) or RULES_OF_THE_UNKNOWN,
            is_known=known_rules(provider) is not None,
            n_pools=n_pools,
        )
        for provider, n_pools in sorted(counts.items())
    )


def rules_sentence(applied: Sequence[AppliedRules]) -> str:
    """One or two sentences that say by whose rules was billed.

    Examples
    --------
    >>> rules_sentence([AppliedRules(provider="trace", rules=Rules.AWS, is_known=False, n_pools=10)])
    "Billed in AWS's order of application, as no rules are known of the provider 'trace'."
    """
    known = list(dict.fromkeys(TITLES[item.rules] for item in applied if item.is_known))
    unknown = [f"'{item.provider}'" for item in applied if not item.is_known]
    sentences = [f"Billed by the rules of {' and '.join(known)}."] if known else []
    if unknown:
        subject = f"Pools of {', '.join(unknown)} are billed" if known else "Billed"
        whom = f"of the provider{'s' if len(unknown) > 1 else ''} {', '.join(unknown)}" if not known else "of them"
        order = f"in {TITLES[RULES_OF_THE_UNKNOWN]}'s order of application"
        sentences.append(f"{subject} {order}, as no rules are known {whom}.")
    return " ".join(sentences)


def _providers(catalog: Catalog) -> tuple[str, ...]:
    """Provider of each pool; empty texts where the catalog was made without them."""
    return catalog.providers or ("",) * len(catalog.pools)
