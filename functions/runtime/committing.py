"""Commit a decision, and decide again where the world has moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Protocol

from functions.decision.reasons import Reason, reason
from functions.documents import Json, canonical_json
from functions.errors import StoreContendedError
from functions.profiles.feedback import FeedbackRecord
from functions.profiles.store import CommitRequest, CommitStatus, DecisionRecord, Snapshot
from functions.runtime.drafting import Draft, action_payload, commit_request, kept_until
from functions.runtime.identity import MAX_ALIASES
from functions.runtime.ports import Ports
from functions.runtime.spending import Spending

COMMIT_DEADLINE_S = 3.0
"""Wall time for all attempts of one commit."""

MAX_TRIED = 3
"""Actions that are tried to be committed for one event before nothing is done."""

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

    def screen(self, text: str) -> None:
        """Look at a message before it is kept; may refuse it."""
        ...

    def record_body(self, draft: Draft) -> dict[str, Json]:
        """Return what the decision keeps."""
        ...

    def trial(self, draft: Draft) -> FeedbackRecord | None:
        """Return what the responses to the decision are counted by; None where nobody asks."""
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
    spending = Spending(ports.store, draft.decision_id, keep_until=kept_until(draft, ports.wall()))
    tried = Tried(draft)
    while True:
        result = ports.store.commit(_screened(draft, decider, spending, ports))
        if result.status == "committed":
            return Committed(draft)
        if result.status == "duplicate":
            return Committed(draft, result.existing)
        if ports.monotonic() >= deadline:
            raise StoreContendedError("the profile was changed by others at every attempt to commit")
        if result.status == "conflict":
            ports.sleep(_CONFLICT_PAUSE_S * ports.jitter())
            continue
        if tried.is_refused(draft, result.status, spending):
            draft = tried.next(draft, _read_again(draft, ports), decider)


def _read_again(draft: Draft, ports: Ports) -> Snapshot:
    """Read what a draft stands on again; of the profile that its id has become an alias of meanwhile."""
    snapshot = ports.store.load(draft.snapshot.profile_id, draft.decision_id)
    for _ in range(MAX_ALIASES):
        if snapshot.decision is not None or snapshot.stands_for is None:
            break
        snapshot = ports.store.load(snapshot.stands_for, draft.decision_id)
    return snapshot


def _screened(draft: Draft, decider: Decider, spending: Spending, ports: Ports) -> CommitRequest:
    """Return the request of a draft, after the decider has looked at every message that would leave, whole."""
    takes, trial = spending.takes(draft.charges), decider.trial(draft)
    request = commit_request(draft, {}, action_payload(draft), takes, trial=trial, wall=ports.wall())
    for entry in (request.outbox, *request.notices):
        if entry is not None:
            decider.screen(canonical_json(entry.message))
    # Last, since what was found stands in it.
    return replace(request, decision=replace(request.decision, body=decider.record_body(draft)))


class Tried:
    """The actions that were about to be committed, and what the store refused."""

    def __init__(self, draft: Draft) -> None:
        self._removed: Final[dict[str, Reason]] = {}
        self._names: Final[list[str]] = []
        self._note(draft)

    def is_refused(self, draft: Draft, status: CommitStatus, spending: Spending) -> bool:
        """Note what the store refused; False when other shards of the same budgets may pay."""
        if status == "contacts_full":
            full = reason("contacts.full")
            self._removed.update({action.name: full for action in draft.plan.actions})
        if status != "budget_empty" or draft.decision.action is None:
            return True
        unpaid = spending.refused(draft.charges)
        if unpaid is not None:
            self._removed[draft.decision.action.name] = unpaid
        return unpaid is not None

    def next(self, draft: Draft, snapshot: Snapshot, decider: Decider) -> Draft:
        """Decide again; when so many actions were tried already, for do-nothing."""
        again = decider.redecide(draft, snapshot, self._removed)
        chosen = again.decision.action
        if chosen is not None and chosen.name not in self._names and len(self._names) >= MAX_TRIED:
            why = reason("commit.attempts", tried=str(MAX_TRIED))
            rest = {action.name: why for action in draft.plan.actions}
            self._removed.update({name: why for name, why in rest.items() if name not in self._removed})
            again = decider.redecide(draft, snapshot, self._removed)
        self._note(again)
        return again

    def _note(self, draft: Draft) -> None:
        chosen = draft.decision.action
        if chosen is not None and chosen.name not in self._names:
            self._names.append(chosen.name)
