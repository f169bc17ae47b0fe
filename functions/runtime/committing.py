"""Commit a decision, and decide again where the world has moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from functions.decision.reasons import Reason, reason
from functions.documents import Json
from functions.errors import StoreContendedError
from functions.profiles.store import CommitStatus, DecisionRecord, Snapshot
from functions.runtime.drafting import Draft, commit_request
from functions.runtime.ports import Ports

COMMIT_DEADLINE_S = 3.0
"""Wall time for all attempts of one commit."""

_CONFLICT_PAUSE_S = 0.02


@dataclass(frozen=True, slots=True)
class Committed:
    """How a commit ended: with the draft that was written, or with the decision that was there first."""

    draft: Draft
    existing: DecisionRecord | None = None


class Decider(Protocol):
    """Who can decide again, and write what the decision keeps."""

    def redecide(self, draft: Draft, snapshot: Snapshot, removed: Mapping[str, Reason]) -> Draft:
        """Decide again on fresh state without asking the model."""
        ...

    def record_body(self, draft: Draft) -> dict[str, Json]:
        """Return what the decision keeps."""
        ...


def commit(draft: Draft, decider: Decider, ports: Ports) -> Committed:
    """Commit a draft.

    Args:
        draft: The decision.
        decider: Asked again when consent or the contact log changed meanwhile.
        ports: The surroundings.

    Raises:
        StoreContendedError: Others kept changing the same profile until the deadline.
        ProfileStoreError: The store failed.
        FeatureError: A payload or a score of the decision can't be built.
    """
    deadline = ports.monotonic() + COMMIT_DEADLINE_S
    removed: dict[str, Reason] = {}
    while True:
        request = commit_request(draft, decider.record_body(draft), wall=ports.wall())
        result = ports.store.commit(request)
        if result.status == "committed":
            return Committed(draft)
        if result.status == "duplicate":
            return Committed(draft, result.existing)
        if ports.monotonic() >= deadline:
            raise StoreContendedError("the profile was changed by others at every attempt to commit")
        if result.status == "conflict":
            ports.sleep(_CONFLICT_PAUSE_S * ports.jitter())
            continue
        removed.update(_refused(result.status, draft))
        snapshot = ports.store.load(draft.snapshot.profile_id, draft.decision_id)
        draft = decider.redecide(draft, snapshot, removed)


def _refused(status: CommitStatus, draft: Draft) -> Mapping[str, Reason]:
    """Return the actions that an answer of the store rules out; a full contact log rules out all."""
    if status == "contacts_full":
        return {action.name: reason("contacts.full") for action in draft.plan.actions}
    if status == "budget_empty" and draft.decision.action is not None:
        return {draft.decision.action.name: reason("budget.empty")}
    return {}
