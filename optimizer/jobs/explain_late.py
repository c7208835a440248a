"""What late, early, certain or cancelled events do to purchases that are already decided.

Not here: the demand of such worlds (`optimizer.jobs.explain_events`), what purchases save as planned
(`optimizer.explain_savings`).
"""

from dataclasses import replace

from forecasting.roadmap import Event
from optimizer.coefficients import covered_pools
from optimizer.explain_flips import date_flip, probability_flip
from optimizer.explain_savings import Savings
from optimizer.explain_terms import Planned
from optimizer.explanation import EventRegret, Flip, LateEvent
from optimizer.frontier import cheapest_as_safe
from optimizer.frontier_search import FrontierOptions
from optimizer.jobs.explain_events import EventChange, EventWorlds
from optimizer.policy_limits import owned_stranded
from optimizer.problem import PlanningProblem

LATE_DAYS = 90.0
MOST_LATE_DAYS = 365.0
MOST_EARLY_DAYS = 180.0
DATE_STEP_DAYS = 5.0
REGRET_OPTIONS = FrontierOptions(gap_fraction=5e-4, max_rounds=30)


class EventSavings:
    """Savings of the purchases of a plan where one event differs; each world is made once.

    Parameters
    ----------
    planned : Planned
        On the hours of the worlds.
    worlds : EventWorlds
    whole : PlanningProblem
        With all hours.
    """

    def __init__(self, planned: Planned, worlds: EventWorlds, whole: PlanningProblem) -> None:
        self.worlds, self.as_planned = worlds, Savings(planned, whole)
        self._planned, self._whole = planned, whole
        self._covers = covered_pools(planned.problem)  # at any age
        self._known: dict[EventChange, Savings] = {}
        self._touched = {
            event.name: worlds.touched_pools(self._savings(EventChange(event=event.name, late_days=LATE_DAYS)).problem)
            for event in worlds.events
        }

    @property
    def events(self) -> tuple[Event, ...]:
        """Events whose being late changes demand."""
        return tuple(event for event in self.worlds.events if self._touched[event.name].any())

    def touching(self, batch: int) -> tuple[Event, ...]:
        """Events that move demand of pools that a purchase covers."""
        covers = self._covers[batch]
        return tuple(event for event in self.events if bool((self._touched[event.name] & covers).any()))

    def saving_usd(self, batch: int, change: EventChange) -> float:
        """Expected saving under a change, discounted as the optimizer weighs it. [USD]"""
        return self._savings(change).expected_usd(batch)

    def late(self, batch: int, expected_usd: float) -> tuple[LateEvent, ...]:
        """What a purchase saves with each event that touches it late.

        Parameters
        ----------
        batch : int
        expected_usd : float
            Expected saving as planned, on all hours, amortized and undiscounted: what changes is added to it. [USD]
        """
        weights = self.worlds.problem.weights
        before_usd = float(weights @ self.as_planned.of(batch).scenario_usd)
        out = []
        for event in self.touching(batch):
            found = self._savings(EventChange(event=event.name, late_days=LATE_DAYS)).of(batch)
            change_usd = float(weights @ found.scenario_usd) - before_usd
            saving_usd = expected_usd + change_usd
            out.append(
                LateEvent(
                    event=event.name,
                    late_days=LATE_DAYS,
                    saving_usd=saving_usd,
                    change_usd=change_usd,
                    regret_usd=max(0.0, -saving_usd),
                )
            )
        return tuple(out)

    def flips(self, batch: int) -> tuple[Flip, ...]:
        """Chance and date of each event that touches a purchase at which it saves nothing."""
        out: list[Flip] = []
        for event in self.touching(batch):
            if self.worlds.is_to_come(event):
                never, surely = (
                    self.saving_usd(batch, EventChange(event=event.name, happens=happens)) for happens in (False, True)
                )
                out.append(probability_flip(event.name, planned=event.probability, never_usd=never, surely_usd=surely))
            out.append(self._date_flip(batch, event))
        return tuple(out)

    def _date_flip(self, batch: int, event: Event) -> Flip:
        """Days late or early at which a purchase saves nothing."""

        def saving(days: float) -> float:
            return self.saving_usd(batch, EventChange(event=event.name, late_days=days))

        early = min(MOST_EARLY_DAYS, self.worlds.days_ahead(event))
        return date_flip(event.name, saving, low=-early, high=MOST_LATE_DAYS, step=DATE_STEP_DAYS)

    def _savings(self, change: EventChange) -> Savings:
        """Savings under a change."""
        if change not in self._known:
            planned = replace(self._planned, problem=self.worlds.changed(change))
            self._known[change] = Savings(planned, self._whole)
        return self._known[change]


def event_regret(planned: Planned, worlds: EventWorlds, event: str, excess_usd: float) -> EventRegret:
    """What holding the whole plan costs if an event comes late, against a plan that had known.

    The other plan is optimized anew from the first date, within the same limits; it may strand as many USD as the plan
    that is held would then.

    Parameters
    ----------
    planned : Planned
        On the hours of the worlds.
    worlds : EventWorlds
    event : str
    excess_usd : float
        From `plan_excess_usd`. [USD]
    """
    late = worlds.changed(EventChange(event=event, late_days=LATE_DAYS))
    held_usd, best_usd, lower_usd = cheapest_as_safe(_with_owned_stranded(late), planned.quantity, REGRET_OPTIONS)
    return EventRegret(
        event=event,
        late_days=LATE_DAYS,
        held_usd=held_usd,
        best_usd=best_usd,
        regret_usd=max(0.0, held_usd - best_usd - excess_usd),
        gap_usd=max(0.0, best_usd - lower_usd),
    )


def plan_excess_usd(planned: Planned) -> float:
    """What the plan costs above one found in the same way with nothing late: no part of any regret. [USD]"""
    held_usd, best_usd, _ = cheapest_as_safe(planned.problem, planned.quantity, REGRET_OPTIONS)
    return held_usd - best_usd


def _with_owned_stranded(problem: PlanningProblem) -> PlanningProblem:
    """Return the same problem, whose limits know what the owned portfolio strands alone."""
    return replace(problem, limits=replace(problem.limits, owned_stranded_usd=owned_stranded(problem)))
