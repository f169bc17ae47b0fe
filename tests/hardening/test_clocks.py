"""Clocks that jump, disagree or change to summer time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.errors import ActionUnavailableError
from functions.expressions import compile_features
from functions.governance.consent import ConsentRecord, verdict_at
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.outbox import OutboxEntry
from functions.profiles.store import ProfileStore
from functions.runtime.receipt import Receipt
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import CUSTOMER, NOW, a_plan, an_event, put_customer

HIGH = ModelReply(b"0.83", "text/csv")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PLAN = a_plan()
ENDS = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


class _DeadError(Exception):
    """The process has died."""


def _world(store: ProfileStore | None = None, *, owner: str = "first") -> Rehearsal:
    world = Rehearsal(now=NOW, store=store, model=MemoryModel(lambda _: HIGH), owner=owner)
    put_customer(world.store)
    return world


def _die_at(world: Rehearsal, stage: str) -> None:
    def die(passed: str) -> None:
        if passed == stage:
            raise _DeadError

    world.on_stage = die
    with pytest.raises(_DeadError):
        world.runtime.handle(PLAN, an_event(), now=NOW)
    world.on_stage = lambda _: None


def _redrive(world: Rehearsal, now: datetime = NOW) -> list[Any]:
    found = world.runtime.redrive(PLAN.policy, now=now, limit=10)
    return [performed and (performed.delivery, performed.note) for _, performed in found]


def _entry(world: Rehearsal) -> OutboxEntry:
    (decision,) = world.store.decisions(CUSTOMER)
    entry = world.store.outbox_entry(CUSTOMER, decision.id)
    assert entry is not None
    return entry


@pytest.mark.parametrize("jump", [-365 * DAY, -DAY, -HOUR], ids=str)
def test_a_clock_that_went_back_never_lets_two_work_on_one_entry(jump: timedelta) -> None:
    world = _world()
    _die_at(world, "leased")
    world.wait(jump)
    assert _redrive(world) == [None]
    assert world.channel.deliveries == []
    world.wait(-jump + HOUR)
    assert _redrive(world) == [("sent", None)]
    assert [one.message.idempotency_key for one in world.channel.deliveries] == [_entry(world).decision_id]


def test_a_clock_that_went_forth_ends_the_lease_of_a_slow_worker_who_then_settles_nothing() -> None:
    slow = _world()
    fast = _world(slow.store, owner="second")
    fast.wait(DAY)
    taken: list[Any] = []

    def overtake(stage: str) -> None:
        if stage == "sent" and not taken:
            taken.append(_redrive(fast))

    slow.on_stage = overtake
    receipt = slow.runtime.handle(PLAN, an_event(), now=NOW)
    keys = {one.message.idempotency_key for world in (slow, fast) for one in world.channel.deliveries}
    assert taken == [[("sent", None)]]
    assert keys == {receipt.decision_id}
    assert (_entry(slow).status, _entry(slow).attempts, _entry(slow).lease_owner) == ("sent", 2, None)
    assert [contact.status for contact in slow.store.load(CUSTOMER).state.contacts] == ["sent"]


@pytest.mark.parametrize("jump", [-DAY, DAY], ids=str)
def test_a_retry_comes_when_the_clock_says_so_wherever_it_jumped_meanwhile(jump: timedelta) -> None:
    world = _world()
    world.channel.fail(ActionUnavailableError("the receiver is down"))
    receipt = world.runtime.handle(PLAN, an_event(), now=NOW)
    assert receipt.action is not None
    assert receipt.action.delivery == "queued"
    world.wait(jump)
    early = _redrive(world)
    world.wait(-jump + HOUR)
    late = _redrive(world)
    assert (early, late) == (([], [("sent", None)]) if jump < timedelta(0) else ([("sent", None)], []))
    assert len(world.channel.deliveries) == 1


@given(jumps=st.lists(st.timedeltas(-10 * DAY, 10 * DAY), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_whatever_the_clock_does_between_the_stages_there_is_one_decision_and_one_message(
    jumps: list[timedelta],
) -> None:
    world = _world()
    left = list(jumps)

    def jump(_: str) -> None:
        if left:
            world.jump(left.pop())

    world.on_stage = jump
    receipts: list[Receipt] = [world.runtime.handle(PLAN, an_event(), now=NOW) for _ in range(3)]
    world.wait(100 * DAY)
    _redrive(world)
    assert [receipt.outcome for receipt in receipts][1:] == ["duplicate", "duplicate"]
    assert len({receipt.decision_id for receipt in receipts}) == 1
    assert [one.message.idempotency_key for one in world.channel.deliveries] == [receipts[0].decision_id]
    assert (_entry(world).status, len(world.store.load(CUSTOMER).state.contacts)) == ("sent", 1)


@pytest.mark.parametrize(
    ("ahead", "outcome", "reason"),
    [
        (timedelta(minutes=5), "acted", "action.chosen"),
        (timedelta(minutes=5, milliseconds=1), "rejected", "event.from_future"),
        (365 * DAY, "rejected", "event.from_future"),
        (-timedelta(seconds=30), "acted", "action.chosen"),
        (-timedelta(seconds=31), "suppressed", "event.too_old"),
        (-365 * DAY, "suppressed", "event.too_old"),
    ],
    ids=str,
)
def test_a_producer_whose_clock_is_wrong_is_told_apart_by_how_wrong(
    ahead: timedelta, outcome: str, reason: str
) -> None:
    receipt = _world().runtime.handle(PLAN, an_event(time=NOW + ahead), now=NOW)
    assert (receipt.outcome, receipt.reason.code) == (outcome, reason)


@pytest.mark.parametrize("now", ENDS, ids=["first", "last"])
def test_a_decision_time_at_an_end_of_the_calendar_is_refused(now: datetime) -> None:
    world = _world()
    receipt = world.runtime.handle(PLAN, an_event(), now=now)
    assert (receipt.outcome, receipt.reason.code, receipt.retryable) == ("failed", "settings.invalid", False)
    assert world.store.decisions(CUSTOMER) == []


@pytest.mark.parametrize("now", ENDS, ids=["first", "last"])
def test_a_redrive_at_an_end_of_the_calendar_loses_nothing(now: datetime) -> None:
    world = _world()
    _die_at(world, "committed")
    ((delivery, note),) = _redrive(world, now)
    assert (delivery, note) == ("none", "action.expired" if now.year > 9000 else "consent.not_yet")


@pytest.mark.parametrize("now", ENDS, ids=["first", "last"])
@pytest.mark.parametrize("at", ENDS, ids=["given first", "given last"])
def test_consent_can_be_judged_at_any_instant(at: datetime, now: datetime) -> None:
    record = ConsentRecord("marketing", "granted", at)
    assert verdict_at(record, now) == ("granted" if at <= now else "not_yet")


SWITCHES = [
    # Source: the IANA time zone database; on these days the hour given is skipped or comes twice.
    ("Europe/Berlin", "2026-03-29T00:59:59Z", 7, 1),
    ("Europe/Berlin", "2026-03-29T01:00:00Z", 7, 3),
    ("Europe/Berlin", "2026-10-25T00:30:00Z", 7, 2),
    ("Europe/Berlin", "2026-10-25T01:30:00Z", 7, 2),
    ("Europe/Berlin", "2026-10-25T22:59:59Z", 7, 23),
    ("Europe/Berlin", "2026-10-25T23:00:00Z", 1, 0),
    ("Europe/Berlin", "2026-03-28T22:59:59Z", 6, 23),
    ("Europe/Berlin", "2026-03-29T22:00:00Z", 1, 0),
    ("America/New_York", "2026-03-08T06:59:59Z", 7, 1),
    ("America/New_York", "2026-03-08T07:00:00Z", 7, 3),
    ("America/New_York", "2026-11-01T05:30:00Z", 7, 1),
    ("America/New_York", "2026-11-01T06:30:00Z", 7, 1),
    ("America/New_York", "2026-03-09T03:59:59Z", 7, 23),
    ("America/New_York", "2026-11-02T04:59:59Z", 7, 23),
    ("America/New_York", "2026-11-02T05:00:00Z", 1, 0),
]


@pytest.mark.parametrize(("zone", "at", "day", "hour"), SWITCHES)
def test_days_and_hours_are_those_of_the_zone_also_when_its_clocks_change(
    zone: str, at: str, day: int, hour: int
) -> None:
    features = compile_features(
        {"day": "day_of_week(event.time, zone)", "hour": "hour_of_day(event.time, zone)"}
    )
    assert features.evaluate({"event": {"time": at}, "zone": zone}) == {"day": day, "hour": hour}


@pytest.mark.parametrize(("zone", "day", "hours"), [("Europe/Berlin", 29, 23), ("UTC", 29, 24)])
def test_a_day_on_which_clocks_change_has_as_many_hours_as_pass(zone: str, day: int, hours: int) -> None:
    features = compile_features({"hour": "hour_of_day(at, zone)", "day": "day_of_week(at, zone)"})
    first = datetime(2026, 3, 28, tzinfo=UTC)
    found = [features.evaluate({"at": (first + n * HOUR).isoformat(), "zone": zone}) for n in range(24 * 3)]
    assert sum(one["day"] == 7 for one in found) == hours


def test_spans_of_time_are_those_that_passed_and_not_those_on_the_wall() -> None:
    features = compile_features({"hours": "hours_between(a, b)"})
    document = {"a": "2026-03-28T12:00:00+01:00", "b": "2026-03-29T12:00:00+02:00"}
    assert features.evaluate(document) == {"hours": 23.0}


@pytest.mark.parametrize(
    "zone",
    ["", "Europe", "../../etc/passwd", "/etc/localtime", "x" * 5_000, "a\0b", "\ud800", 5, None, ["UTC"]],
)
def test_a_zone_that_is_none_makes_null(zone: Any) -> None:
    features = compile_features({"hour": "hour_of_day(event.time, zone)"})
    assert features.evaluate({"event": {"time": "2026-11-02T09:00:00Z"}, "zone": zone}) == {"hour": None}
