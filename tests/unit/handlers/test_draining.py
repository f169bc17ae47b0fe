"""The drain of the outbox: what fails keeps nothing else from leaving."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from functions.actions.channel import ActionMessage
from functions.errors import (
    ActionUnavailableError,
    StoreRejectedError,
    StoreUnavailableError,
    UnhandledRecordError,
)
from functions.handlers.draining import needed_s, schedule_handler
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.memory import MemoryProfileStore
from functions.profiles.outbox import OutboxEntry, Unreadable
from functions.runtime.engine import Runtime
from functions.runtime.redriving import PAGE, PATIENCE
from functions.spec.plan import ChannelPlan, Plan, Policy
from functions.testing.acts import FailingStore
from functions.testing.handler_stage import HandlerStage, handler_stage
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import NOW, a_plan, an_event, consent, put_customer

NO_POLICY = Policy("none", None, (), {})
TRIGGER = {"event_pattern": {"detail-type": ["page_view"]}}
DOWN = ActionUnavailableError("down")


def waiting(count: int, *, store: MemoryProfileStore | None = None) -> HandlerStage:
    """Return a stage whose outbox has that many actions, one for each customer, due an hour ago."""
    plan = a_plan(trigger=TRIGGER)
    model = MemoryModel(lambda _: ModelReply(b"0.83", "text/csv"))
    rehearsal = Rehearsal(now=NOW, model=model, store=store)
    rehearsal.channel.fail(*[DOWN] * count)
    for number in range(count):
        put_customer(rehearsal.store, customer=f"customer-{number}")
        event = an_event(f"e{number}", user_id=f"customer-{number}")
        rehearsal.runtime.handle(plan, event, now=NOW)
        rehearsal.wait(timedelta(milliseconds=1))
    rehearsal.wait(timedelta(hours=1))
    return handler_stage(plan, rehearsal=rehearsal)


def drain(stage: HandlerStage) -> Any:
    return schedule_handler(stage.worker, stage.worker.plan.policy, [stage.worker.plan])({}, stage.context)


def test_schedule_sends_what_waits() -> None:
    stage = waiting(PAGE + 3)
    assert drain(stage) == {"handled": PAGE + 3}
    assert len(set(stage.acted_on)) == PAGE + 3
    assert drain(stage) == {"handled": 0}


def test_schedule_asks_the_conditions_of_the_function_again() -> None:
    stage = waiting(2)
    store = stage.worker.ports.store
    condition = a_plan(
        trigger=TRIGGER, decide={"when": "features.orders > `3`", "actions": ["offer-10", "offer-20"]}
    )
    store.put_profile("customer-1", {"orders": 1}, updated_at=NOW)
    handle = schedule_handler(stage.worker, stage.worker.plan.policy, [condition])
    assert handle({}, stage.context) == {"handled": 2}
    assert stage.acted_on == ["e0"]


def test_schedule_stops_between_two_entries_when_time_is_short() -> None:
    stage = waiting(4)
    needed_ms = int(needed_s(stage.worker.plan.policy) * 1000)
    stage.context.remaining_ms = [needed_ms, needed_ms - 1]
    assert drain(stage) == {"handled": 2}
    assert drain(stage) == {"handled": 1}
    assert len(stage.acted_on) == 3


def test_schedule_needs_the_time_of_the_slowest_channel() -> None:
    def needed(timeout: str) -> float:
        channels = {"a": ChannelPlan("a", "memory", {}), "b": ChannelPlan("b", "sqs", {"timeout": timeout})}
        return needed_s(replace(NO_POLICY, channels=channels))

    assert needed("12s") - needed("2s") == 10


def test_schedule_releases_what_the_customer_no_longer_wants(capsys: pytest.CaptureFixture[str]) -> None:
    stage = waiting(1)
    stage.rehearsal.store.put_consent("customer-0", consent("revoked", at=NOW), now=NOW)
    assert drain(stage) == {"handled": 1}
    assert stage.acted_on == []
    out = capsys.readouterr().out
    assert '"note":"consent.revoked"' in out
    assert "ActionReleased" in out


def test_schedule_notes_how_long_an_action_waits_that_it_could_not_send(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stage = waiting(1)
    stage.rehearsal.channel.fail(DOWN)
    drain(stage)
    (waited,) = (json.loads(line) for line in capsys.readouterr().out.splitlines() if "OutboxAge" in line)
    stage.rehearsal.wait(timedelta(minutes=10))
    drain(stage)

    assert waited["OutboxAge"][0] >= 0
    # What was sent waits no more.
    assert "OutboxAge" not in capsys.readouterr().out


def test_schedule_leaves_a_channel_alone_that_is_down() -> None:
    stage = waiting(PATIENCE + 10)
    stage.rehearsal.channel.fail(*[DOWN] * 100)
    assert drain(stage) == {"handled": PATIENCE}
    assert len(stage.rehearsal.store.outbox(due_before=stage.rehearsal.ports.wall())) == 10


def test_schedule_ends_when_others_hold_what_is_due() -> None:
    stage = waiting(PAGE + 10)
    now = stage.rehearsal.ports.wall()
    store = stage.rehearsal.store
    *held, free = store.outbox(limit=1_000)
    for entry in held:
        store.lease(
            entry.profile_id, entry.decision_id, owner="other", now=now, until=now + timedelta(minutes=1)
        )
    assert drain(stage) == {"handled": PAGE + 10}
    assert stage.acted_on == [free.message["event_id"]]


class BrokenStore(MemoryProfileStore):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def outbox(self, **_: Any) -> Any:
        raise self._error


@pytest.mark.parametrize(
    ("error", "code"),
    [(StoreUnavailableError("down"), "store.unavailable"), (KeyError("secret"), "internal")],
)
def test_schedule_fails_when_the_outbox_cannot_be_listed(error: Exception, code: str) -> None:
    stage = handler_stage(a_plan(), rehearsal=Rehearsal(now=NOW, store=BrokenStore(error)))
    with pytest.raises(UnhandledRecordError, match=code) as raised:
        drain(stage)
    assert raised.value.__context__ is None


def test_channel_of_another_function_is_found() -> None:
    stage = waiting(1)
    other = schedule_handler(stage.worker, NO_POLICY, [stage.worker.plan])
    assert other({}, stage.context) == {"handled": 1}
    assert stage.acted_on == []
    stage.rehearsal.wait(timedelta(hours=2))
    assert drain(stage) == {"handled": 1}
    assert len(stage.acted_on) == 1


@pytest.mark.parametrize("error", [StoreRejectedError("damaged"), StoreUnavailableError("down")])
def test_customers_who_cannot_be_read_keep_nobody_from_being_served(error: Exception) -> None:
    store = FailingStore(error)
    stage = waiting(PAGE + 11, store=store)
    store.unread = {f"customer-{number}" for number in range(PAGE + 10)}
    assert drain(stage) == {"handled": PAGE + 11}
    assert stage.acted_on == [f"e{PAGE + 10}"]
    now = stage.rehearsal.ports.wall()
    entries = store.outbox(limit=1_000)
    assert len(entries) == PAGE + 10
    assert {(entry.lease_owner, entry.note) for entry in entries} == {(None, error.code)}  # type: ignore[attr-defined]
    assert all(entry.due_at > now for entry in entries)


def test_an_entry_that_fails_again_and_again_is_tried_ever_more_seldom() -> None:
    store = FailingStore(StoreRejectedError("damaged"))
    stage = waiting(1, store=store)
    store.unread = {"customer-0"}
    pauses = []
    for _ in range(12):
        drain(stage)
        (entry,) = store.outbox()
        pauses.append((entry.due_at - stage.rehearsal.ports.wall()).total_seconds())
        stage.rehearsal.wait(timedelta(hours=2))
    assert pauses == sorted(pauses)
    assert (pauses[0] < 60, pauses[-1]) == (True, 3600)


def test_settlements_that_fail_end_the_pass_all_the_same() -> None:
    store = FailingStore(StoreUnavailableError("down"))
    stage = waiting(PAGE + 5, store=store)
    store.unsettled = 10_000
    assert drain(stage) == {"handled": PAGE + 5}


class _Damaged(MemoryProfileStore):
    """Holds entries that nobody can read."""

    damaged: frozenset[str] = frozenset()

    def outbox(
        self, *, due_before: datetime | None = None, limit: int = 100, unreadable: Unreadable | None = None
    ) -> list[OutboxEntry]:
        found = super().outbox(due_before=due_before, limit=10_000)
        for entry in found:
            if entry.profile_id in self.damaged:
                assert unreadable is not None
                unreadable(entry.profile_id, entry.decision_id)
        return [entry for entry in found if entry.profile_id not in self.damaged][:limit]


def test_a_damaged_entry_is_counted_and_logged_without_whose_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = _Damaged()
    stage = waiting(3, store=store)
    store.damaged = frozenset({"customer-1"})
    capsys.readouterr()
    assert drain(stage) == {"handled": 2}
    out = capsys.readouterr().out
    lines = [json.loads(line) for line in out.splitlines()]
    (logged,) = (line for line in lines if line.get("message") == "outbox entry unreadable")
    assert (logged["code"], logged["level"]) == ("store.rejected", "WARNING")
    assert "customer-1" not in out
    assert [line["OutboxUnreadable"] for line in lines if "OutboxUnreadable" in line] == [[1.0]]


@dataclass
class _Receiver:
    """A receiver of its own kind: up, down, or one that fails in a way nobody foresaw."""

    error: Exception | None = None
    taken: list[str] = field(default_factory=list)
    asked: int = 0

    def send(self, message: ActionMessage, *, now: datetime) -> None:
        self.asked += 1
        if self.error is not None:
            raise self.error
        self.taken.append(message.event_id)


def _mixed(receivers: dict[str, _Receiver], counts: dict[str, int]) -> HandlerStage:
    """Return a stage whose outbox has actions by several channels, in the order of the counts."""
    registry = {
        "channels": {name: {"kind": "memory"} for name in receivers},
        "actions": {f"by-{name}": {"channel": name, "payload": {}} for name in receivers},
    }
    model = MemoryModel(lambda _: ModelReply(b"0.83", "text/csv"))
    world = Rehearsal(now=NOW, model=model)
    down = Runtime(replace(world.ports, channel=lambda _: _Receiver(DOWN)))
    plans: Iterator[tuple[str, Plan]] = (
        (name, a_plan(registry, trigger=TRIGGER, decide={"actions": [f"by-{name}"]})) for name in counts
    )
    for name, plan in plans:
        for number in range(counts[name]):
            customer = f"{name}-{number}"
            put_customer(world.store, customer=customer)
            down.handle(plan, an_event(customer, user_id=customer), now=NOW)
            world.wait(timedelta(milliseconds=1))
    world.wait(timedelta(hours=1))
    every = a_plan(registry, trigger=TRIGGER, decide={"actions": [f"by-{name}" for name in receivers]})
    stage = handler_stage(every, rehearsal=world)
    ports = replace(world.ports, channel=lambda one: receivers[one.name])
    return replace(stage, worker=replace(stage.worker, ports=ports))


def test_one_channel_that_is_down_keeps_no_other_from_sending() -> None:
    receivers = {"broken": _Receiver(DOWN), "sound": _Receiver()}
    stage = _mixed(receivers, {"broken": 2 * PAGE, "sound": 15})
    drain(stage)
    assert receivers["sound"].taken == [f"sound-{number}" for number in range(15)]
    assert receivers["broken"].asked == PATIENCE


def test_a_channel_that_is_up_again_sends_everything_in_the_next_pass() -> None:
    receivers = {"broken": _Receiver(DOWN)}
    stage = _mixed(receivers, {"broken": 20})
    drain(stage)
    receivers["broken"].error = None
    drain(stage)
    assert len(receivers["broken"].taken) == 20 - PATIENCE


def test_a_channel_that_fails_in_a_way_nobody_foresaw_waits_as_after_any_failure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    receivers = {"broken": _Receiver(KeyError("secret-value")), "sound": _Receiver()}
    stage = _mixed(receivers, {"broken": 12, "sound": 2})
    assert drain(stage) == {"handled": 14}
    assert receivers["sound"].taken == ["sound-0", "sound-1"]
    out = capsys.readouterr().out
    assert "secret-value" not in out
    counted = Counter(line.count('"crashed"') for line in out.splitlines())
    assert counted[1] == 12
    entries = stage.rehearsal.store.outbox(limit=1_000)
    assert {(entry.note, entry.in_doubt) for entry in entries} == {("internal", True)}
    assert all(entry.due_at > stage.rehearsal.ports.wall() for entry in entries)
