"""The conditions of a function and of its action, asked again on a fresh read when the action is about to leave.

What was decided may have lost its ground while it waited: the customer has ordered, or holds another contract by
now. So `when` of the function and `eligible` of the action are asked again, with the profile and the contact log of
now. Features that read nothing of the event are computed anew; those that do, and the outputs of the model, are those
of the decision, since the event is not kept and the model is not asked twice. A condition that itself reads the event
was answered by it for good, and is not asked again.

Who has become one with a customer of the holdout since the decision gets nothing either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from functions.decision.choosing import unfit, unmet_condition
from functions.decision.experiments import assign, held_out
from functions.documents import Json
from functions.errors import FeatureError
from functions.events.emitted import SCORE_UPDATED
from functions.expressions import Expression
from functions.expressions.paths import key
from functions.profiles.outbox import OutboxEntry
from functions.profiles.store import DecisionRecord, Snapshot
from functions.runtime.acting import UNKNOWN_FUNCTION
from functions.runtime.features import extract_feature
from functions.runtime.judging import Obstacle
from functions.runtime.learner import last_responses
from functions.runtime.ports import Ports
from functions.runtime.root import profile_document
from functions.spec.plan import Plan
from functions.times import format_instant

PlanOf = Callable[[str, str], Plan | None]
"""Given the name of a function and the id of a customer, returns the plan in force; None where there is none."""

_FRESH: Final = frozenset((key("profile"), key("now")))
_EVENT: Final = frozenset((key("event"), "*"))


def plans_in_force(plans: Iterable[Plan], ports: Ports) -> PlanOf:
    """Return what finds the plan in force among some functions."""
    known = {plan.name: plan for plan in plans}

    def plan_of(function: str, profile_id: str) -> Plan | None:
        plan = known.get(function)
        return ports.policy.look(plan).of(profile_id).plan if plan is not None else None

    return plan_of


def condition_obstacle(
    plan_of: PlanOf, entry: OutboxEntry, lives: Sequence[Snapshot], *, now: datetime, ports: Ports
) -> Obstacle | None:
    """Return the condition that an entry does not meet, or no longer, or the holdout; None when it may leave.

    Args:
        plan_of: Finds its function.
        entry: What is about to leave.
        lives: Fresh reads of the customer; the first has the decision.
        now: Time of the act.
        ports: The surroundings.

    Raises:
        ProfileStoreError: Responses can't be read.
    """
    if entry.action == SCORE_UPDATED:
        return None
    plan = plan_of(entry.function, entry.profile_id)
    if plan is None:
        return Obstacle(UNKNOWN_FUNCTION)
    ids = [one for life in lives for one in (life.profile_id, *life.state.known_as)]
    for why in held_out(assign(plan.experiments, lives[-1].profile_id, known_as=(*ids, *entry.known_as))):
        return Obstacle(why.code)
    again = _Again(plan, entry, now, ports)
    return next((found for life in lives if (found := again.obstacle(life, lives[0].decision))), None)


class _Again:
    """The conditions of one entry, at one moment."""

    def __init__(self, plan: Plan, entry: OutboxEntry, now: datetime, ports: Ports) -> None:
        action = plan.policy.action(entry.action)
        self._plan, self._entry, self._now, self._ports = plan, entry, now, ports
        self._when = _without_event(plan.when)
        self._action = (
            replace(action, eligible=_without_event(action.eligible)) if action is not None else None
        )
        eligible = self._action.eligible if self._action is not None else None
        self._asked = [one for one in (self._when, eligible) if one is not None]

    def obstacle(self, life: Snapshot, decision: DecisionRecord | None) -> Obstacle | None:
        """Return the condition that is not met under one id."""
        if not self._asked:
            return None
        try:
            document = self._document(life, decision)
        except FeatureError as error:
            return Obstacle(error.code)
        unmet = unmet_condition(self._when, document)
        if unmet is not None:
            return Obstacle(unmet.code)
        unfits = unfit(self._action, document) if self._action is not None else ()
        return Obstacle(unfits[0].code) if unfits else None

    def _document(self, life: Snapshot, decision: DecisionRecord | None) -> dict[str, Json]:
        """Return the root as it is now, with what of the decision stays.

        Raises:
            FeatureError: A feature that is read has no usable value now.
        """
        plan = self._plan
        profile = profile_document(plan.projection, life, now=self._now, without=self._entry.decision_id)
        responses = last_responses(self._ports.feedback, plan, life)
        if responses is not None:
            profile["responses"] = responses
        body: Mapping[str, Json] = decision.body if decision is not None else {}
        document = {**_part(body, "scores"), "profile": profile, "now": format_instant(self._now)}
        return {**document, "features": {**_part(body, "features"), **self._fresh_features(document)}}

    def _fresh_features(self, document: Mapping[str, Json]) -> dict[str, Json]:
        """Return the features that are read and need no event."""
        plan, found = self._plan, {}
        below = {path[1:2] for one in self._asked for path in one.lineage if path[0] == key("features")}
        whole = below & {(), ("*",)}
        for feature in plan.features:
            sources = (plan.values.expressions[feature.name], feature.as_of)
            if (whole or (key(feature.name),) in below) and all(map(_is_fresh, sources)):
                found[feature.name], _ = extract_feature(plan, feature, document, now=self._now)
        return found


def _without_event(condition: Expression | None) -> Expression | None:
    """Return a condition if it can be asked without the event."""
    if condition is None or any(not path or path[0] in _EVENT for path in condition.lineage):
        return None
    return condition


def _is_fresh(expression: Expression | None) -> bool:
    """Say whether an expression gives what is true now: it reads the profile and the clock alone."""
    return expression is None or all(path and path[0] in _FRESH for path in expression.lineage)


def _part(body: Mapping[str, Json], name: str) -> dict[str, Json]:
    part = body.get(name)
    return dict(part) if isinstance(part, dict) else {}
