"""Which option to take, and the sentences that say why and until when.

Not here: the figures (`figures`).
"""

from collections.abc import Sequence

from optimizer.jobs.renewals.answer import Option, SlipFlip
from optimizer.jobs.renewals.choices import Reviewed
from optimizer.jobs.renewals.slips import SLIP_DAYS

SAME_CALL_USD = 1.0  # below that two costs are the same to anybody


def is_candidate(option: Option) -> bool:
    """Whether an option can be recommended: it can be made, does something, its cost is known, the policy allows it."""
    is_known = option.choice.is_open and option.costs is not None
    return is_known and option.acts and option.is_within_limits and not option.needs_work


def recommended_place(options: Sequence[Option]) -> int | None:
    """Place of the option to take: the cheapest, and of those that cannot be told from it the one that locks in least.

    Two costs cannot be told apart where they differ by less than the larger gap to their lower bounds.
    """
    known = [(place, option) for place, option in enumerate(options) if is_candidate(option)]
    if not known:
        return None
    best = min(known, key=lambda pair: _objective(pair[1]))[1]
    same = [pair for pair in known if _objective(pair[1]) - _objective(best) <= max(_gap(pair[1]), _gap(best))]
    return min(same, key=lambda pair: (round(pair[1].lock_in_usd or 0.0, 2), _objective(pair[1])))[0]


def reason_text(options: Sequence[Option], place: int | None) -> str:
    """Why the recommended option, in one sentence."""
    if place is None:
        return "Nothing can be done about it within the rules and the policy's limits."
    own = options[place]
    others = [
        option for number, option in enumerate(options) if number != place and is_candidate(option) and option.acts
    ]
    if not others:
        return "It is the only option that the rules and the policy allow."
    rival = min(others, key=_objective)
    ahead = _objective(rival) - _objective(own)
    name = _named(rival)
    if ahead > max(_gap(rival), _gap(own), SAME_CALL_USD):
        return _ahead_text(own, rival, name)
    locks = "locks in less" if (rival.lock_in_usd or 0.0) > (own.lock_in_usd or 0.0) else "locks in no more"
    return f"In cost it cannot be told apart from {name} (difference {abs(ahead):,.0f} USD), and it {locks}."


def _ahead_text(own: Option, rival: Option, name: str) -> str:
    """By what an option is ahead of the next best: in cost, or, where it costs more, in risk."""
    if own.costs is None or rival.costs is None:
        return ""
    less = rival.costs.expected_usd - own.costs.expected_usd
    if less > 0.0:
        return f"It costs {less:,.0f} USD less in expectation than the next best, {name}."
    return (
        f"It costs {-less:,.0f} USD more in expectation than the next best, {name}, and is worth it for the weight "
        "that the policy gives to risk."
    )


def must_be_true_text(
    item: Reviewed, options: Sequence[Option], place: int | None, flips: Sequence[SlipFlip], *, is_known: bool
) -> str:
    """Until which slip of which event the recommended option stays the best."""
    if place is None or not item.events:
        return "" if place is None else "No declared event takes demand from its pools."
    if not is_known:
        return "Demand follows another model, whose events cannot be moved: how a slip would change this is not known."
    parts = []
    for event in item.events:
        first = next((flip for flip in flips if flip.event == event), None)
        if first is None:
            parts.append(f"the best option stays the same while '{event}' slips by up to {SLIP_DAYS[-1]:.0f} days")
        elif first.before == place:
            then = _named(options[first.after])
            parts.append(f"it is right unless '{event}' slips by more than {first.slip_days:.0f} days; then {then} is")
        elif first.after == place:
            parts.append(f"it is the cheapest where '{event}' slips by more than {first.slip_days:.0f} days")
        else:
            parts.append(f"the cheapest option changes where '{event}' slips by more than {first.slip_days:.0f} days")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _named(option: Option) -> str:
    """Title with the offer, where there is one."""
    title = option.title[0].lower() + option.title[1:]
    return f"'{title}' ({option.offer_id})" if option.offer_id else f"'{title}'"


def _objective(option: Option) -> float:
    """What options are ranked by."""
    return float("inf") if option.costs is None else option.costs.objective_usd


def _gap(option: Option) -> float:
    """How far its cost may be above its optimum. [USD]"""
    return 0.0 if option.costs is None else option.costs.objective_usd - option.costs.lower_bound_usd
