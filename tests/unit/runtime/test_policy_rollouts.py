"""A version of the policy that is tried: for a part of the customers, or in the shadow, and never for the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from functions.build.published import published_form
from functions.decision.experiments import bucket
from functions.decision.rollouts import Rollout
from functions.documents import Json
from functions.errors import PolicyMovedError, UnknownPolicyError
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.memory_operator import MemoryOperatorStore
from functions.runtime.receipt import Receipt
from functions.runtime.stored_policy import StoredPolicy
from functions.runtime.switches import Switch, switch_off
from functions.runtime.versions import (
    CURRENT,
    VERSIONS,
    publish,
    stop,
    store_version,
    stored_pointer,
    try_out,
    use,
)
from functions.spec.experiment_plan import Mode, Slice
from functions.spec.loading import load_policy
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import (
    NOW,
    REGISTRY,
    SPEC,
    a_plan,
    a_profile,
    an_event,
    put_customer,
    write_specs,
)

PLAN = a_plan(trigger={**SPEC["trigger"], "max_age": "7d"})
LOOK = timedelta(seconds=10)
CUSTOMERS = [f"customer-{number}" for number in range(60)]
SEED, SHARE = "spring", 0.4
INSIDE = [one for one in CUSTOMERS if bucket(SEED, one) < SHARE]
OUTSIDE = [one for one in CUSTOMERS if bucket(SEED, one) >= SHARE]

NEVER: Sequence[Mapping[str, Json]] = (
    {"name": "never", "forbid": "all", "unless": "profile.orders > `1000`"},
)
NIGHTS: Sequence[Mapping[str, Json]] = (
    {
        "name": "nights", "forbid": "all", "between": ["09:00", "12:00"], "timezone": "'UTC'",
        "defer": "up to 12h",
    },
)  # fmt: skip


class World:
    """A function, its customers and the documents of operators."""

    def __init__(self) -> None:
        self.documents = MemoryOperatorStore()
        self.notices: list[str] = []
        self.stage = Rehearsal(now=NOW, model=MemoryModel(lambda _: ModelReply(b"0.83", "text/csv")))
        for customer in CUSTOMERS:
            put_customer(self.stage.store, customer=customer)
        self.policy = StoredPolicy(
            self.documents, wall=self.stage.ports.wall, published=True, notice=self.notices.append
        )
        self.runtime = type(self.stage.runtime)(replace(self.stage.ports, policy=self.policy))
        self.events = 0
        self.live = self.publish(20)

    def form(self, percent: int, rails: Sequence[Mapping[str, Json]] = ()) -> dict[str, Json]:
        """Return a policy in which the offer has a percentage."""
        actions = {"offer-20": {"channel": "offers", "payload": {"percent": percent}}}
        with TemporaryDirectory() as folder:
            registry = {**REGISTRY, "actions": {**REGISTRY["actions"], **actions}}
            write_specs(Path(folder), registry, rails=rails)
            return published_form(load_policy(Path(folder)))

    def publish(self, percent: int, rails: Sequence[Mapping[str, Json]] = ()) -> str:
        """Put a policy into force for everybody."""
        pointer = stored_pointer(self.documents)
        return publish(self.documents, self.form(percent, rails), pointer, note=None, at=NOW)

    def attempt(
        self, mode: Mode, percent: int = 30, rails: Sequence[Mapping[str, Json]] = (), share: float = SHARE
    ) -> str:
        """Try a policy for a part, and let the function see it."""
        version = store_version(self.documents, self.form(percent, rails))
        rollout = Rollout(version, mode, Slice(SEED, ((0.0, share),)), NOW, None)
        try_out(self.documents, rollout, stored_pointer(self.documents))
        self.stage.wait(LOOK)
        return version

    def handle(self, customer: str) -> Receipt:
        """Decide about a new event."""
        self.events += 1
        return self.runtime.handle(PLAN, an_event(f"event-{self.events}", user_id=customer), now=NOW)

    def body(self, receipt: Receipt) -> Mapping[str, Json]:
        """Return what was recorded of a decision."""
        assert receipt.profile_id is not None
        found = self.stage.store.load(receipt.profile_id, receipt.decision_id).decision
        assert found is not None
        return found.body

    def percents(self) -> list[Json]:
        """Return the percentages of everything that was sent."""
        return [one.message.payload["percent"] for one in self.stage.channel.deliveries]


def _version(receipt: Receipt) -> str:
    assert receipt.bundle is not None
    return receipt.bundle.policy


def test_both_parts_have_customers() -> None:
    assert len(INSIDE) > 10
    assert len(OUTSIDE) > 10


def test_a_canary_decides_for_its_part_alone_and_its_hash_is_in_the_receipt() -> None:
    world = World()
    tried = world.attempt("canary")
    found = {customer: world.handle(customer) for customer in CUSTOMERS}
    assert {one for one in CUSTOMERS if _version(found[one]) == tried} == set(INSIDE)
    assert {one for one in CUSTOMERS if _version(found[one]) == world.live} == set(OUTSIDE)
    assert world.percents() == [30 if customer in INSIDE else 20 for customer in CUSTOMERS]
    assert {str(world.body(found[one])["bundle"]["policy"]) for one in INSIDE} == {tried}


def test_a_wider_canary_keeps_whoever_was_in_it() -> None:
    world = World()
    world.attempt("canary", share=0.1)
    before = {one for one in CUSTOMERS if world.handle(one).bundle != world.handle(OUTSIDE[0]).bundle}
    tried = world.attempt("canary", share=0.5)
    after = {one for one in CUSTOMERS if _version(world.handle(one)) == tried}
    assert before < after


def test_a_shadow_is_recorded_and_nothing_of_it_is_done() -> None:
    world = World()
    tried = world.attempt("shadow", percent=99)
    found = {customer: world.handle(customer) for customer in CUSTOMERS}
    assert world.percents() == [20] * len(CUSTOMERS)
    assert {_version(one) for one in found.values()} == {world.live}
    assert len(world.stage.store.outbox(due_before=NOW + timedelta(days=9), limit=1000)) == 0
    for customer in OUTSIDE:
        assert "shadow" not in world.body(found[customer])
    for customer in INSIDE:
        shadow = world.body(found[customer])["shadow"]
        assert (shadow["policy"], shadow["outcome"], shadow["action"]) == (tried, "acted", "offer-20")
        assert len(world.stage.store.load(customer).state.contacts) == 1


def test_a_shadow_holds_no_words_that_could_carry_a_value() -> None:
    world = World()
    world.attempt("shadow", rails=NEVER)
    shadow = world.body(world.handle(INSIDE[0]))["shadow"]
    assert shadow["action"] is None
    assert shadow["candidates"][0] == {
        "action": "offer-20", "verdict": "vetoed", "by": "rail.blocked", "rules": ["never"],
        "value": None, "chance": None,
    }  # fmt: skip


def test_a_shadow_is_judged_by_what_its_own_rails_read_of_the_profile() -> None:
    world = World()
    world.attempt("shadow", rails=[{"name": "asked", "forbid": "all", "unless": "profile.note == 'yes'"}])
    asked, other = INSIDE[:2]
    world.stage.store.put_profile(asked, a_profile(note="yes"), updated_at=NOW)
    found = {one: world.body(world.handle(one))["shadow"]["action"] for one in (asked, other)}
    assert found == {asked: "offer-20", other: None}


def test_a_shadow_says_when_its_action_would_wait() -> None:
    world = World()
    world.attempt("shadow", rails=NIGHTS)
    receipt = world.handle(INSIDE[0])
    assert receipt.action is not None
    assert receipt.action.delivery == "sent"
    assert world.body(receipt)["shadow"]["due"] == "2026-11-02T12:00:00.000Z"


def test_a_shadow_that_fails_is_a_word_in_the_record() -> None:
    world = World()
    tried = world.attempt("shadow")
    broken = world.policy.look(PLAN).rollout
    assert broken is not None
    in_force = replace(world.policy.look(PLAN), rollout=replace(broken, plan=None))  # type: ignore[arg-type]

    class Broken:
        """Gives a shadow that can't be decided."""

        look = staticmethod(lambda _plan: in_force)
        leaving = world.policy.leaving

    runtime = type(world.runtime)(replace(world.stage.ports, policy=Broken()))
    receipt = runtime.handle(PLAN, an_event("event-x", user_id=INSIDE[0]), now=NOW)
    assert receipt.outcome == "acted"
    assert world.percents() == [20]
    assert world.body(receipt)["shadow"] == {"policy": tried, "unknown": "shadow.failed"}


def test_a_canary_that_can_not_be_read_costs_its_part_the_actions_and_the_others_nothing() -> None:
    world = World()
    tried = world.attempt("canary")
    other = world.documents.read_documents(VERSIONS + tried)[VERSIONS + tried]
    body = {**other.body, "sum": "damaged"}
    assert world.documents.put_document(VERSIONS + tried, body, replaces=other.version)
    inside, outside = world.handle(INSIDE[0]), world.handle(OUTSIDE[0])
    assert (inside.outcome, inside.reason.code) == ("suppressed", "policy.unavailable")
    assert outside.outcome == "acted"
    assert world.notices == ["policy.unusable"]


def test_a_damaged_part_is_no_part_so_that_nobody_is_guessed_into_one() -> None:
    world = World()
    world.attempt("canary")
    pointer = world.documents.read_documents(CURRENT)[CURRENT]
    body = {**pointer.body, "rollout": {**pointer.body["rollout"], "share": 7}}
    world.documents.put_document(CURRENT, body, replaces=pointer.version)
    assert world.handle(OUTSIDE[0]).reason.code == "policy.unavailable"


def test_what_is_switched_off_is_off_in_the_canary_too() -> None:
    world = World()
    world.attempt("canary")
    for name in ("offer-20", "offer-10"):
        switch_off(world.documents, Switch("action", name, NOW, None))
    world.stage.wait(LOOK)
    for customer in (INSIDE[0], OUTSIDE[0]):
        assert world.handle(customer).reason.code == "switch.action_off"
    assert world.percents() == []


def test_an_action_of_the_canary_leaves_only_if_both_policies_let_it() -> None:
    """Quiet hours of the version that is tried let it wait; the policy in force forbids it meanwhile."""
    world = World()
    world.attempt("canary", rails=NIGHTS)
    waiting = [world.handle(customer).action for customer in INSIDE[:2]]
    assert [one.delivery for one in waiting if one] == ["queued", "queued"]
    later = NOW + timedelta(hours=3)
    world.stage.wait(timedelta(hours=3))
    first = world.runtime.redrive(PLAN.policy, now=later, limit=1)
    assert [done.delivery for _, done in first if done] == ["sent"]
    world.publish(20, NEVER)
    version = world.attempt("canary", rails=NIGHTS)
    assert version is not None
    second = world.runtime.redrive(PLAN.policy, now=later, limit=1)
    assert [(done.delivery, done.note) for _, done in second if done] == [("none", "rail.blocked:never")]


def test_the_canary_forbids_what_the_policy_in_force_lets_leave() -> None:
    world = World()
    world.publish(20, NIGHTS)
    world.stage.wait(LOOK)
    for customer in (INSIDE[0], OUTSIDE[0]):
        world.handle(customer)
    world.attempt("canary", rails=NEVER)
    world.stage.wait(timedelta(hours=3))
    done = world.runtime.redrive(PLAN.policy, now=NOW + timedelta(hours=3))
    assert {entry.profile_id: found.delivery for entry, found in done if found} == {
        INSIDE[0]: "none",
        OUTSIDE[0]: "sent",
    }


def test_to_promote_is_to_use_it_and_ends_the_trial() -> None:
    world = World()
    tried = world.attempt("canary")
    use(world.documents, tried, stored_pointer(world.documents), note=None, at=NOW)
    assert stored_pointer(world.documents).rollout is None
    world.stage.wait(LOOK)
    assert {_version(world.handle(one)) for one in (INSIDE[0], OUTSIDE[0])} == {tried}


def test_to_stop_is_to_go_by_what_is_in_force() -> None:
    world = World()
    world.attempt("canary")
    stop(world.documents, stored_pointer(world.documents))
    world.stage.wait(LOOK)
    assert {_version(world.handle(one)) for one in (INSIDE[0], OUTSIDE[0])} == {world.live}


def test_whoever_looked_at_an_older_pointer_changes_nothing() -> None:
    world = World()
    world.attempt("canary")
    pointer = stored_pointer(world.documents)
    world.attempt("canary", share=0.5)
    with pytest.raises(PolicyMovedError):
        stop(world.documents, pointer)
    with pytest.raises(PolicyMovedError):
        use(world.documents, world.live, pointer, note=None, at=NOW)
    rollout = stored_pointer(world.documents).rollout
    assert rollout is not None
    assert rollout.share == 0.5


def test_nothing_is_tried_before_anything_is_in_force() -> None:
    store = MemoryOperatorStore()
    store_version(store, World().form(30))
    with pytest.raises(UnknownPolicyError, match="nothing was published"):
        try_out(store, Rollout("x", "canary", Slice("s", ((0.0, 0.1),)), NOW), stored_pointer(store))


def test_what_was_never_stored_is_not_tried() -> None:
    world = World()
    rollout = Rollout("x", "canary", Slice("s", ((0.0, 0.1),)), NOW)
    with pytest.raises(UnknownPolicyError, match="no version"):
        try_out(world.documents, rollout, stored_pointer(world.documents))
