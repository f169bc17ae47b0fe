"""The SQLite store and the store in memory agree on every sequence of operations."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from functions.documents import Json
from functions.errors import ProfileStoreError
from functions.governance.consent import ConsentRecord, ConsentStatus
from functions.profiles.budgets import BudgetTake
from functions.profiles.memory import MemoryProfileStore
from functions.profiles.outbox import ContactStatus, OutboxEntry
from functions.profiles.premises import ConsentCondition
from functions.profiles.sqlite import SqliteProfileStore
from functions.profiles.store import CommitRequest, ProfileStore, Score, StateUpdate
from functions.testing.store_checks.samples import NOW, a_contact, a_decision, a_score, an_entry

_Answer = TypeVar("_Answer")

_PROFILES = ("profile-1", "Zoë\x00🚀")
_DECISIONS = ("decision-1", "decision-2", "decision-3")
_STATUSES: tuple[ConsentStatus, ...] = ("granted", "revoked")
_SETTLED: tuple[ContactStatus, ...] = ("sent", "released", "unconfirmed", "reserved")

profiles = st.sampled_from(_PROFILES)
decisions = st.sampled_from(_DECISIONS)
instants = st.integers(-3, 3).map(lambda ticks: NOW + ticks * timedelta(microseconds=700))
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
consents = st.builds(
    ConsentRecord,
    purpose=st.sampled_from(["marketing", "ads"]),
    status=st.sampled_from(_STATUSES),
    at=instants,
    source=st.none() | st.text(max_size=3),
)
scores: st.SearchStrategy[dict[str, Score]] = st.dictionaries(
    st.sampled_from(["churn", "value"]),
    st.builds(lambda value, at: a_score(value, at=at), documents, instants),
    max_size=2,
)


class TwinStores(RuleBasedStateMachine):
    """Does the same to both stores and compares the answers, errors included."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.sqlite = SqliteProfileStore(Path(self.folder.name) / "profiles.db")
        self.memory = MemoryProfileStore()
        self.leases: list[OutboxEntry] = []

    def teardown(self) -> None:
        self.sqlite.close()
        self.folder.cleanup()

    def both(self, call: Callable[[ProfileStore], _Answer]) -> _Answer | None:
        """Call with either store; None when both refused for the same reason."""
        answers, refusals = [], []
        for store in (self.memory, self.sqlite):
            try:
                answers.append(call(store))
            except ProfileStoreError as error:
                refusals.append((type(error), str(error)))
        assert len(answers) == 2 or (not answers and refusals[0] == refusals[1])
        assert not answers or repr(answers[0]) == repr(answers[1])
        return answers[0] if answers else None

    @rule(profile=profiles, document=st.dictionaries(st.text(max_size=5), documents), at=instants)
    def put_profile(self, profile: str, document: dict[str, Json], at: datetime) -> None:
        self.both(lambda store: store.put_profile(profile, document, updated_at=at))

    @rule(profile=profiles, traits=st.dictionaries(st.text(max_size=2), documents, max_size=2), at=instants)
    def patch_profile(self, profile: str, traits: dict[str, Json], at: datetime) -> None:
        self.both(lambda store: store.patch_profile(profile, traits, at=at))

    @rule(profile=profiles, record=consents)
    def put_consent(self, profile: str, record: ConsentRecord) -> None:
        self.both(lambda store: store.put_consent(profile, record, now=NOW))

    @rule(profile=profiles, alias=st.text(max_size=2))
    def put_alias(self, profile: str, alias: str) -> None:
        self.both(lambda store: store.add_alias(alias, profile))
        self.both(lambda store: store.put_alias(alias, profile))
        self.both(lambda store: store.resolve_alias(alias))

    @rule(budget=st.sampled_from(["a", "b"]), limits=st.lists(st.integers(-1, 9), max_size=3))
    def open_budget(self, budget: str, limits: list[int]) -> None:
        self.both(lambda store: store.open_budget(budget, "2026-11-02", limits))

    @rule(data=st.data(), profile=profiles, decision_id=decisions, at=instants, acts=st.booleans())
    def commit(self, data: st.DataObject, profile: str, decision_id: str, at: datetime, acts: bool) -> None:
        decision = replace(a_decision(profile, decision_id, at=at), event_id="event-1")
        snapshot = self.memory.load(profile, decision_id)
        seen = st.sampled_from([snapshot.consent.get("marketing"), None])
        state = StateUpdate(
            scores=data.draw(scores),
            contact=a_contact(decision) if acts else None,
            expected_version=data.draw(st.sampled_from([snapshot.state.version, 0])),
            prune_before=data.draw(st.none() | instants),
        )
        take = st.builds(
            BudgetTake,
            st.sampled_from(["a", "b"]),
            st.just("2026-11-02"),
            st.integers(0, 2),
            st.integers(0, 4),
        )
        takes = tuple(data.draw(st.lists(take, max_size=2)))
        request = CommitRequest(
            replace(decision, body={"any": data.draw(documents)}),
            tuple(data.draw(st.lists(st.builds(ConsentCondition, st.just("marketing"), seen), max_size=1))),
            state,
            takes,
            replace(an_entry(decision), message={"any": data.draw(documents)}, paid=takes) if acts else None,
        )
        self.both(lambda store: store.commit(request))

    @rule(profile=profiles, decision_id=decisions, now=instants, owner=st.sampled_from(["v", "w"]))
    def lease(self, profile: str, decision_id: str, now: datetime, owner: str) -> None:
        until = now + timedelta(milliseconds=1)
        taken = self.both(lambda store: store.lease(profile, decision_id, owner=owner, now=now, until=until))
        self.leases.extend([taken] if taken else [])

    @rule(data=st.data(), status=st.sampled_from(_SETTLED), note=st.none() | st.just("late"))
    def settle(self, data: st.DataObject, status: ContactStatus, note: str | None) -> None:
        if self.leases:
            entry, due_at = data.draw(st.sampled_from(self.leases)), data.draw(st.none() | instants)
            in_doubt = data.draw(st.booleans())
            self.both(
                lambda store: store.settle(entry, status=status, note=note, due_at=due_at, in_doubt=in_doubt)
            )

    @rule(profile=profiles)
    def delete_profile(self, profile: str) -> None:
        self.both(lambda store: store.delete_profile(profile))

    @rule(days=st.integers(0, 80))
    def purge(self, days: int) -> None:
        now = NOW + timedelta(days=days)
        assert self.memory.purge(now) == self.sqlite.purge(now)

    @rule(at=st.none() | instants, limit=st.integers(-1, 3))
    def listing(self, at: datetime | None, limit: int) -> None:
        self.both(lambda store: store.outbox(due_before=at, limit=limit))
        self.both(lambda store: store.decisions(_PROFILES[0], limit=limit))

    @invariant()
    def reads_agree(self) -> None:
        for profile in _PROFILES:
            self.both(partial(_sorted, profile_id=profile))
        for budget in ("a", "b"):
            self.both(partial(_left, budget=budget))


def _left(store: ProfileStore, budget: str) -> tuple[int, ...]:
    return store.budget_left(budget, "2026-11-02")


def _sorted(store: ProfileStore, profile_id: str) -> tuple[object, ...]:
    """Read all about a profile; mappings have no order that a store must keep."""
    snapshot = store.load(profile_id, _DECISIONS[0])
    state = snapshot.state
    kept = (sorted(state.scores.items(), key=repr), sorted(snapshot.consent.items(), key=repr))
    listed = (store.decisions(profile_id), [store.outbox_entry(profile_id, name) for name in _DECISIONS])
    return (snapshot.profile_json, state.version, state.contacts, snapshot.decision, kept, listed)


TestTwinStores = TwinStores.TestCase
TestTwinStores.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
