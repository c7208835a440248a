"""Plans of the small fleet under policies of the tests, made once each."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from forecasting.hours import hour_of_date
from optimizer.jobs.forecast_causes import Causes
from optimizer.jobs.inputs import InputPaths, RunOptions
from optimizer.jobs.quarterly import PlanningInputs, make_plan, read_planning_inputs
from optimizer.plan import Plan

AS_OF = "2024-03-11"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Run:
    """A plan and what it was made from."""

    given: PlanningInputs
    plan: Plan
    causes: Causes


@pytest.fixture(scope="session")
def planned(small_fleet: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    """Plan of the small fleet; roles are the optional files to use, the policy is text.

    `pools` and `prices` may be text too, in place of the fleet's own files. Reasons of purchases take a while, and are
    there only where asked for.
    """
    known: dict[tuple[object, ...], Run] = {}

    def plan(
        policy: str = "{}\n",
        *roles: str,
        terms: tuple[int, ...] = (1,),
        prices: str = "",
        pools: str = "",
        method: str = "auto",
        explains: bool = False,
    ) -> Run:
        key = (policy, roles, terms, prices, pools, method, explains)
        if key not in known:
            folder = tmp_path_factory.mktemp("planned")
            (folder / "policy.yaml").write_text(policy)
            (folder / "prices.csv").write_text(prices or (small_fleet / "prices.csv").read_text())
            (folder / "pools.csv").write_text(pools or (small_fleet / "pools.csv").read_text())
            paths = InputPaths(
                usage=small_fleet / "usage.csv",
                prices=folder / "prices.csv",
                commitments=small_fleet / "commitments.csv" if "commitments" in roles else None,
                pools=folder / "pools.csv" if "pools" in roles or pools else None,
                roadmap=small_fleet / "roadmap.yaml" if "roadmap" in roles else None,
                policy=folder / "policy.yaml",
            )
            given = read_planning_inputs(paths, RunOptions(terms_months=terms), as_of_hour=hour_of_date(AS_OF))
            answer = make_plan(given, method=method, tell=lambda _: None, explains=explains)
            known[key] = Run(given=given, plan=answer.plan, causes=answer.causes)
        return known[key]

    return plan
