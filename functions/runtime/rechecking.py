"""What is asked of an entry of the outbox again, on a fresh read, when it is about to leave.

A customer may have become an alias of another since the decision. Then both are asked: consent must stand under
both ids, and the rules look at both.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from functions.events.emitted import SCORE_UPDATED
from functions.governance.gate import check_consent
from functions.learning.responses import read_responses
from functions.profiles.outbox import OutboxEntry, notice_key
from functions.profiles.store import ProfileStore, Snapshot
from functions.runtime.identity import MAX_ALIASES
from functions.runtime.judging import Obstacle, Recheck
from functions.runtime.ports import Ports
from functions.runtime.reconsidering import PlanOf, condition_obstacle
from functions.runtime.suppression import with_lists


def recheck(
    rules: Recheck, entry: OutboxEntry, *, now: datetime, ports: Ports, plan_of: PlanOf | None = None
) -> Obstacle | None:
    """Return why an entry may not leave now, by switches, age, consent, conditions and rails; None when it may.

    Args:
        rules: What is in force.
        entry: What is about to leave.
        now: Time of the act.
        ports: The surroundings.
        plan_of: Finds the function of the entry, whose conditions are asked; None to ask none.

    Raises:
        ProfileStoreError: The customer can't be read.
    """
    held = rules.hold(entry.function, entry.action)
    if held is not None:
        return Obstacle(held)
    if entry.expires_at is not None and entry.expires_at <= now:
        return Obstacle("action.expired")
    lives = lives_of(ports.store, entry, with_decision=plan_of is not None)
    found = consent_obstacle(entry, lives, now) or score_obstacle(entry, lives[0])
    if found is None and plan_of is not None:
        found = condition_obstacle(plan_of, entry, lives, now=now, ports=ports)
    ids = (*(one for life in lives for one in (life.profile_id, *life.state.known_as)), *entry.known_as)
    for life in lives:
        found = found or _rule_obstacle(rules, entry, life, ids, now=now, ports=ports)
    return found


def lives_of(store: ProfileStore, entry: OutboxEntry, *, with_decision: bool = False) -> tuple[Snapshot, ...]:
    """Read whose an entry is: the profile that was decided about, and the one that it has become an alias of.

    Args:
        store: Where.
        entry: What is about to leave.
        with_decision: Whether the first read has the decision, too.

    Raises:
        ProfileStoreError: One can't be read.
    """
    own = last = store.load(entry.profile_id, entry.decision_id if with_decision else None)
    for _ in range(MAX_ALIASES):
        if last.stands_for is None:
            break
        last = store.load(last.stands_for)
    return (own,) if last.profile_id == own.profile_id else (own, last)


def consent_obstacle(entry: OutboxEntry, lives: Sequence[Snapshot], at: datetime) -> Obstacle | None:
    """Return the consent that an entry lacks under one of the ids; None when it stands under each."""
    for life in lives:
        checked = check_consent(
            life.consent.get(entry.consent),
            check="redrive",
            purpose=entry.purpose,
            consent=entry.consent,
            now=at,
        )
        if not checked.passed:
            return Obstacle(f"consent.{checked.verdict}")
    return None


def score_obstacle(entry: OutboxEntry, own: Snapshot) -> Obstacle | None:
    """Return what keeps a score from being told: it is not, or no longer, the one that is stored."""
    if entry.action != SCORE_UPDATED:
        return None
    name = entry.message["payload"]["score"]
    stored = own.state.scores.get(name)
    if stored is not None and notice_key(stored.decision_id, name) == entry.decision_id:
        return None
    return Obstacle("score.superseded")


def _rule_obstacle(
    rules: Recheck, entry: OutboxEntry, life: Snapshot, ids: Sequence[str], *, now: datetime, ports: Ports
) -> Obstacle | None:
    feedback = ports.feedback if rules.reads_responses else None
    names = (life.profile_id, *life.state.known_as)
    responses = read_responses(feedback, *names) if feedback is not None else None
    known = with_lists(life, ports.suppressions, rules.policy, ids, now)
    return rules.obstacle(entry, known, now, responses)
