"""What must be declared before actions can be ranked by what they bring."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from functions.spec.collecting import Collector
from functions.spec.language import Decide
from functions.spec.plan import ActionPlan
from functions.spec.policy import PolicyFile
from functions.spec.problems import Problem, closest
from functions.spec.ranking_plan import RankingPlan
from functions.spec.registry import Action, Registry
from functions.spec.source import Path, Source


def check_objectives(
    policy: PolicyFile, registry: Registry, *, source: Source, actions: Source
) -> Iterator[Problem]:
    """Yield what is wrong with objectives, levers and the terms of actions."""
    of_policy, of_actions = Collector(source), Collector(actions)
    if policy.learning is not None and policy.ranking.by == "order":
        of_policy.add(
            ("learning",),
            "spec.wrong_value",
            "what is learned needs one sum to draw by",
            "use `by: sum`, or leave the section out",
            at_key=True,
        )
    for name in policy.ranking.levers:
        if name not in registry.actions:
            path: Path = ("ranking", "levers", name)
            message, hint = f"the registry has no action {name!r}", closest(name, registry.actions)
            of_policy.add(path, "spec.unknown_action", message, hint, at_key=True)
    # Without objectives nothing is ranked, and what actions say of them means nothing yet.
    for name, action in registry.actions.items() if policy.objectives else ():
        _check_terms(name, action, policy.objectives, of_actions)
    yield from (*of_policy.problems, *of_actions.problems)


def _check_terms(name: str, action: Action, objectives: Iterable[str], collector: Collector) -> None:
    known = list(objectives)
    for key, amounts in (("value", action.value), ("chance", action.chance)):
        for objective in amounts:
            if objective not in known:
                message = f"the policy has no objective {objective!r}"
                collector.add(
                    ("actions", name, key, objective),
                    "spec.unknown_objective",
                    message,
                    closest(objective, known) or "declare it under `objectives` of policy.yaml",
                    at_key=True,
                )
    for objective in action.value:
        if objective not in action.chance:
            message = f"a success is worth something, and its chance is not said: {objective!r}"
            hint = "add it under `chance`"
            collector.add(("actions", name, "value", objective), "spec.no_chance", message, hint, at_key=True)
    if action.chance and action.cost is None:
        collector.add(
            ("actions", name),
            "spec.no_cost",
            f"{name} is ranked by what it brings, and its cost is not said",
            "add `cost`, which may be 0",
            at_key=True,
        )


def check_baseline(
    section: Decide, actions: Iterable[ActionPlan], ranking: RankingPlan | None, collector: Collector
) -> None:
    """Collect the objectives for which do-nothing has no estimate, or that nobody declares."""
    if ranking is None:
        return
    known = [objective.name for objective in ranking.objectives]
    for objective in section.do_nothing:
        if objective not in known:
            message = f"the policy has no objective {objective!r}"
            path: Path = ("decide", "do_nothing", objective)
            collector.add(path, "spec.unknown_objective", message, closest(objective, known), at_key=True)
    named = {objective: action.name for action in actions for objective in action.chance}
    for objective, action in named.items():
        if objective not in section.do_nothing:
            collector.add(
                ("decide",),
                "spec.no_baseline",
                f"{action} counts {objective!r}, and what do-nothing brings of it is not said",
                f"add `do_nothing: {{ {objective}: … }}`; what would have happened anyway is no effect",
                at_key=True,
            )
