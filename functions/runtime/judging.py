"""What the rails are asked with: facts out of a read, and rules that are made ready once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from typing import Final

from functions.decision.choosing import reads_outputs
from functions.decision.facts import Facts, counted
from functions.decision.rails import Rails, can_recheck
from functions.documents import Json
from functions.events.emitted import SCORE_UPDATED
from functions.profiles.outbox import OutboxEntry
from functions.profiles.store import Snapshot
from functions.runtime.in_force import UNKNOWN, Leaving
from functions.runtime.root import profile_document
from functions.spec.plan import ActionPlan, Plan, Policy
from functions.spec.projection import Projection
from functions.spec.rails import CONTACT_LOG
from functions.times import format_instant

_KEPT: Final = 64
"""Policies whose rules are kept ready."""


class ReadyRails:
    """Makes the rules of each plan ready once. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock: Final = Lock()
        self._kept: Final[dict[int, tuple[Plan, Rails]]] = {}

    def of(self, plan: Plan) -> Rails:
        """Return the rules of a plan."""
        found = self._kept.get(id(plan))
        if found is not None:  # the plan is held, so that no other can have its number
            return found[1]
        rails = Rails(plan.policy, reads_outputs=lambda expression: reads_outputs(plan, expression))
        with self._lock:
            if len(self._kept) >= _KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[id(plan)] = (plan, rails)
        return rails


def facts_of(snapshot: Snapshot, document: Mapping[str, Json], at: datetime) -> Facts:
    """Return what the rails judge a decision by.

    Args:
        snapshot: The read that it stands on.
        document: The root, to which outputs are added later.
        at: Decision time.
    """
    return Facts(
        at=at,
        document=document,
        contacts=counted(snapshot.state.contacts, since=CONTACT_LOG, at=at),
        consent=snapshot.consent,
        lists=snapshot.lists,
    )


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why an action may not leave now.

    Attributes:
        note: A code, with the rule behind a colon where one speaks.
        due: Until when it waits; None when waiting does not help.
    """

    note: str
    due: datetime | None = None


class Recheck:
    """The rules that are asked again when an action is about to leave.

    Args:
        leaving: As it is now, whatever it was when the action was decided.
    """

    def __init__(self, leaving: Leaving) -> None:
        self.hold: Final = leaving.hold
        self._all: Final = _Asked(leaving.policy)
        rollout, policy = leaving.rollout or (None, None)
        self._rollout: Final = rollout
        self._tried: Final = _Asked(policy) if policy is not None else None
        asked = [one for one in (self._all, self._tried) if one is not None]
        rails = tuple(rail for one in asked for rail in one.policy.rails)
        # Whoever looks here what the rules need finds what any of them needs.
        self.policy: Final = replace(leaving.policy, rails=rails)
        self.reads_responses: Final = any(one.reads_responses for one in asked)

    def obstacle(
        self,
        entry: OutboxEntry,
        snapshot: Snapshot,
        now: datetime,
        responses: Mapping[str, Json] | None = None,
    ) -> Obstacle | None:
        """Return what the rails have against an entry; None when it may leave.

        Args:
            entry: What is about to leave.
            snapshot: A fresh read.
            now: Time of the act.
            responses: The last responses of the customer, where a rule reads them.
        """
        if entry.action == SCORE_UPDATED:
            return None  # a score for the platform is no action
        found = self._all.obstacle(entry, snapshot, now, responses)
        if self._rollout is None or not self._rollout.includes(entry.profile_id):
            return found
        if self._tried is None:
            return Obstacle(UNKNOWN)
        return _worse(found, self._tried.obstacle(entry, snapshot, now, responses))


def _worse(one: Obstacle | None, other: Obstacle | None) -> Obstacle | None:
    """Return what keeps an action back for longer."""
    if one is None or other is None:
        return one or other
    if one.due is None or other.due is None:
        return one if one.due is None else other
    return one if one.due >= other.due else other


class _Asked:
    """The rules of one policy that can be asked again."""

    def __init__(self, policy: Policy) -> None:
        self.policy: Final = policy
        self._rails: Final = Rails(policy, only=can_recheck)
        expressions = tuple(policy.expressions())
        self._projection: Final = Projection(expressions)
        self.reads_responses: Final = any(
            path[:2] in ((".profile",), (".profile", ".responses"))
            for expression in expressions
            for path in expression.lineage
        )

    def obstacle(
        self,
        entry: OutboxEntry,
        snapshot: Snapshot,
        now: datetime,
        responses: Mapping[str, Json] | None,
    ) -> Obstacle | None:
        """Return what these rules have against an entry; None when it may leave."""
        action = self._action(entry, snapshot)
        contacts = counted(snapshot.state.contacts, since=CONTACT_LOG, at=now, without=entry.decision_id)
        profile = profile_document(self._projection, snapshot, now=now, without=entry.decision_id)
        if responses is not None:
            profile["responses"] = dict(responses)
        facts = Facts(
            at=now,
            document={"profile": profile, "now": format_instant(now)},
            contacts=contacts,
            consent=snapshot.consent,
            lists=snapshot.lists,
            zones=entry.zones,
        )
        ruling = self._rails.judge(facts, expires_at=entry.expires_at)
        waiting = ruling.waiting(action)
        if waiting is not None:
            return Obstacle(f"{waiting.code}:{waiting.rule}", ruling.due(action))
        against = ruling.against(action)
        return Obstacle(f"{against[0].code}:{against[0].rule}") if against else None

    def _action(self, entry: OutboxEntry, snapshot: Snapshot) -> ActionPlan:
        """Return the action of an entry with its tags of now and of then: whatever either forbids is forbidden."""
        known = self.policy.action(entry.action)
        contacts = snapshot.state.contacts
        then = next((one.tags for one in contacts if one.decision_id == entry.decision_id), ())
        return ActionPlan(
            name=entry.action,
            tags=tuple(dict.fromkeys((*(known.tags if known else ()), *then))),
            channel=entry.channel,
            eligible=None,
            payload=None,
            payload_expressions={},
            cost_minor=0,
            subject_to_caps=known.subject_to_caps if known else True,
            defer=known.defer if known else True,
        )
