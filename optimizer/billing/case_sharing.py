"""The input `sharing` of a billing case: true, false, a mode, or a mode with groups of accounts.

Not here: what a mode means (`optimizer.billing.aws.sharing`).
"""

from optimizer.billing.aws.sharing import NOT_SHARED, ORGANIZATION, Sharing, SharingMode
from optimizer.billing.case_values import CaseFormatError, Fields, as_fields, text_list

MODE_WORDS = {
    "": SharingMode.ORGANIZATION,
    "on": SharingMode.ORGANIZATION,
    "organization": SharingMode.ORGANIZATION,
    "organisation": SharingMode.ORGANIZATION,
    "prioritized": SharingMode.PRIORITIZED_GROUPS,
    "prioritised": SharingMode.PRIORITIZED_GROUPS,
    "restricted": SharingMode.RESTRICTED_GROUPS,
    "off": SharingMode.OFF,
}


def sharing_of(inputs: Fields) -> Sharing:
    """Preference of a case; the whole organisation where nothing is said.

    Raises
    ------
    CaseFormatError
        If it is none of the forms.
    """
    value = inputs.values.get("sharing")
    if value is None or isinstance(value, bool):
        return ORGANIZATION if inputs.flag("sharing", default=True) else NOT_SHARED
    if isinstance(value, str):
        return Sharing(mode=_mode(value, f"{inputs.place}.sharing"))
    fields = as_fields(value, f"{inputs.place}.sharing")
    fields.allow({"mode", "groups", "opted_out"})
    groups = as_fields(fields.values.get("groups", {}), f"{fields.place}.groups")
    return Sharing(
        mode=_mode(fields.text("mode"), f"{fields.place}.mode"),
        group_of={account: name for name in groups.values for account in text_list(groups, name)},
        opted_out=frozenset(text_list(fields, "opted_out")),
    )


def _mode(word: str, place: str) -> SharingMode:
    """Mode by its word, with or without a word for groups."""
    known = word.strip().lower().removesuffix("_groups").removesuffix("_group")
    if known not in MODE_WORDS:
        msg = f"{place} must be one of {', '.join(filter(None, MODE_WORDS))}, got {word!r}."
        raise CaseFormatError(msg)
    return MODE_WORDS[known]
