"""Recorded decisions under another policy: the policy of then gives them again, and a draft keeps its own rules."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.analysis.deciding import NO_BELIEFS, NO_MODEL, NO_RECORD
from functions.analysis.figures import Found
from functions.analysis.recorded import Recorded, read_recorded
from functions.analysis.simulation import Change, History, Kept, Simulation, Subject, Version
from functions.build.published import apply_policy, published_form
from functions.decision.posteriors import Counter
from functions.decision.reasons import reason
from functions.documents import Json, canonical_json, parse_json
from functions.learning.trials import counter_name
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.operations.exporting import decision_document
from functions.profiles.feedback import FeedbackRecord
from functions.profiles.memory import MemoryProfileStore
from functions.profiles.store import Contact
from functions.spec.plan import Plan
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import (
    NOW,
    REGISTRY,
    SPEC,
    a_plan,
    a_profile,
    an_event,
    consent,
    put_customer,
)

HOUR = timedelta(hours=1)
BERLIN = ZoneInfo("Europe/Berlin")
PRICED = {
    **REGISTRY,
    "currency": "EUR",
    "actions": {
        "offer-20": {"tags": ["big"], "channel": "offers", "cost": 5, "eligible": "features.orders >= `3`"},
        "offer-10": {"tags": ["small"], "channel": "offers", "cost": 2},
    },
}
Rules = Sequence[Mapping[str, Json]]
Happening = tuple[int, int, str]
"""Hours since the last one, the customer, and what the model says."""


def cap(at_most: int, hours: int, tag: Json = ("big", "small")) -> dict[str, Json]:
    return {"name": "cap", "cap": list(tag), "at_most": at_most, "per": f"{hours}h rolling"}


def cooldown(hours: int) -> dict[str, Json]:
    return {"name": "cooldown", "forbid": "small", "after_action": "big", "for": f"{hours}h"}


def budget(euros: int) -> dict[str, Json]:
    return {
        "name": "budget", "budget": ["big", "small"], "at_most": f"{euros} EUR", "per": "day",
        "timezone": "Europe/Berlin",
    }  # fmt: skip


def nights(defer: str | None = "up to 12h") -> dict[str, Json]:
    return {
        "name": "nights", "forbid": ["big", "small"], "between": ["21:00", "08:00"],
        "timezone": "'Europe/Berlin'", "defer": defer,
    }  # fmt: skip


def plan_of(rules: Rules, registry: Mapping[str, Json] = PRICED, **sections: Json) -> Plan:
    return a_plan(registry, rails=rules, **sections)


@cache
def plan_number(number: int) -> Plan:
    # Without `max_age` an action lives for a day, so that it can wait for the morning.
    return plan_of(POLICIES[number], trigger={"event_pattern": SPEC["trigger"]["event_pattern"]})


def recorded(world: Rehearsal, plan: Plan, happenings: Sequence[Happening]) -> list[Recorded]:
    """Decide for real, and read the log as an export has it."""
    now = NOW
    for number, (hours, customer, score) in enumerate(happenings):
        # A log keeps no order within an instant, so that no two decisions share one here.
        now += hours * HOUR + timedelta(seconds=1)
        world.model.queue(ModelReply(score.encode(), "text/csv"))
        event = an_event(f"event-{number:03}", user_id=f"customer-{customer}", time=now)
        world.runtime.handle(plan, event, now=now)
    store = world.store
    assert isinstance(store, MemoryProfileStore)
    documents = [decision_document(one) for one in store.every_decision()]
    lines = [parse_json(canonical_json(document), max_bytes=1_000_000) for document in documents]
    return sorted(map(read_recorded, lines), key=lambda one: one.at)


def a_world(customers: int = 3) -> Rehearsal:
    world = Rehearsal(now=NOW, model=MemoryModel())
    for customer in range(customers):
        put_customer(world.store, a_profile(orders=customer * 3), customer=f"customer-{customer}")
    return world


def subject(past: Plan, draft: Plan) -> Subject:
    applied = apply_policy(past, published_form(draft.policy))
    return Subject(past, applied.plan, {name: reason(code) for name, code in applied.removed.items()})


def simulated(
    past: Plan, draft: Plan, log: Sequence[Recorded], world: Rehearsal | None = None
) -> list[Change]:
    history = History(world.store.load) if world is not None else History()
    return replayed(past, draft, log, history)


def replayed(past: Plan, draft: Plan, log: Sequence[Recorded], history: History) -> list[Change]:
    simulation = Simulation({past.name: subject(past, draft)}, history)
    return [simulation.take(one) for one in log]


def kept_in(world: Rehearsal) -> Kept:
    def kept(profile_id: str, decision_id: str) -> Contact | None:
        contacts = world.store.load(profile_id).state.contacts
        return next((one for one in contacts if one.decision_id == decision_id), None)

    return kept


def figures(changes: Sequence[Change]) -> Found:
    found = Found()
    for change in changes:
        found.add(change)
    return found


POLICIES: Sequence[Rules] = (
    (),
    (cap(1, 24),),
    (cap(2, 72),),
    (cap(1, 9, ("big",)), cooldown(30)),
    (cooldown(12), budget(7)),
    (budget(5),),
    (cap(2, 48), cooldown(5), budget(12)),
    (nights(),),
    (nights(), cap(1, 20), budget(12)),
    (nights(None), cooldown(12)),
)
"""Rules by hand, so that each is compiled once."""

numbers = st.integers(0, len(POLICIES) - 1)
histories = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 2), st.sampled_from(["0.9", "0.9", "0.1"])), max_size=14
)


@settings(max_examples=30, deadline=None)
@given(numbers, histories)
def test_the_policy_of_then_gives_every_decision_again_to_the_last_bit(
    then: int, happened: list[Happening]
) -> None:
    past, world = plan_number(then), a_world()
    log = recorded(world, past, happened)
    changes = replayed(past, past, log, History(kept=kept_in(world)))
    assert [(change.check, change.rule) for change in changes if change.check != "settled"] == [
        (None, None) for one in log if one.code != "condition.false"
    ]
    assert [change.after.name if change.after else None for change in changes] == [one.action for one in log]
    # When an action leaves stands in the contact log alone.
    kept = kept_in(world)
    for change in changes:
        contact = kept(change.recorded.profile_id, change.recorded.id)
        assert (contact is None) == (change.after is None)
        assert contact is None or contact.at == (change.simulated.due or change.recorded.at)


@settings(max_examples=30, deadline=None)
@given(numbers, numbers, histories)
def test_every_action_that_a_draft_allows_keeps_every_rule_of_the_draft(
    then: int, wanted: int, happened: list[Happening]
) -> None:
    """A count by hand over what the draft itself would have done.

    That one more rule never means more actions is no law: a rule that takes an early action away makes room
    under a cap for two later ones.
    """
    past = plan_number(then)
    changes = simulated(past, plan_number(wanted), recorded(a_world(), past, happened))
    assert {change.simulated.unknown for change in changes} <= {None}
    done = [change for change in changes if change.after is not None]
    for number, change in enumerate(done):
        for rule in POLICIES[wanted]:
            assert keeps(rule, change, done[:number])


def left_at(change: Change) -> datetime:
    """Return when an action leaves: at once, or when the night is over."""
    return change.simulated.due or change.recorded.at


def keeps(rule: Mapping[str, Json], change: Change, before: Sequence[Change]) -> bool:
    at, action = change.recorded.at, change.after
    assert action is not None
    mine = [one for one in before if one.recorded.profile_id == change.recorded.profile_id]
    if rule["name"] == "cap":
        length = int(rule["per"].split("h")[0]) * HOUR
        capped = [one for one in mine if one.after and {*one.after.tags} & {*rule["cap"]}]
        counted = [one for one in capped if left_at(one) > at - length]
        return not {*action.tags} & {*rule["cap"]} or len(counted) < rule["at_most"]
    if rule["name"] == "cooldown":
        length = int(rule["for"].removesuffix("h")) * HOUR
        big = [one for one in mine if one.after and one.after.name == "offer-20"]
        return action.name != "offer-10" or not any(left_at(one) > at - length for one in big)
    if rule["name"] == "nights":
        return 8 <= left_at(change).astimezone(BERLIN).hour < 21
    day = at.astimezone(BERLIN).date()
    today = [one for one in before if one.recorded.at.astimezone(BERLIN).date() == day]
    paid = [one.after.cost or 0 for one in (*today, change) if one.after is not None]
    return sum(paid) <= int(rule["at_most"].split()[0])


@settings(max_examples=20, deadline=None)
@given(numbers, numbers, histories)
def test_the_same_decisions_and_draft_give_the_same_figures(
    then: int, wanted: int, happened: list[Happening]
) -> None:
    past, draft = plan_number(then), plan_number(wanted)
    log = recorded(a_world(), past, happened)
    first, second = (json.dumps(figures(simulated(past, draft, log)).as_document(ids=True)) for _ in range(2))
    assert first == second


def test_a_cap_counts_what_the_draft_itself_has_done() -> None:
    past, draft = plan_of([]), plan_of([cap(1, 48)])
    log = recorded(a_world(), past, [(0, 1, "0.9"), (24, 1, "0.9"), (30, 1, "0.9")])
    found = figures(simulated(past, draft, log))
    document = found.as_document(ids=True)
    assert document["rules"] == {"cap": {"takes": 1, "gives": 0}}
    assert document["total"]["actions"] == {"before": 3, "after": 2}
    assert document["total"]["spend_minor"] == {"before": 1500, "after": 1000}
    assert document["total"]["customers"] == {
        "before": 1, "after": 1, "newly": 0, "no_longer": 0, "newly_ids": [], "no_longer_ids": [],
    }  # fmt: skip


def test_a_rule_that_gives_way_is_named_and_who_newly_gets_something() -> None:
    past, draft = plan_of([budget(5)]), plan_of([])
    log = recorded(a_world(), past, [(0, 1, "0.9"), (1, 2, "0.9"), (1, 0, "0.9")])
    document = figures(simulated(past, draft, log)).as_document(ids=True)
    assert document["check"] == {"same": 3, "different": {}, "unchecked": {}}
    assert document["rules"] == {"budget": {"takes": 0, "gives": 2}}
    assert document["total"]["customers"]["newly_ids"] == ["customer-0", "customer-2"]


def test_what_happened_before_the_time_that_is_looked_at_counts() -> None:
    past, draft = plan_of([]), plan_of([cap(1, 48)])
    early, late = recorded(a_world(), past, [(0, 1, "0.9"), (24, 1, "0.9")])
    simulation = Simulation({past.name: subject(past, draft)}, History())
    simulation.note(early)
    change = simulation.take(late)
    assert (change.check, change.after, change.rule) == (None, None, "cap")


ORDERS = {"name": "orders", "forbid": ["big", "small"], "unless": "features.orders > `5`"}
LISTED = {"name": "listed", "forbid": ["big", "small"], "listed": "do-not-contact"}
PROFILE = {"name": "vips", "forbid": ["big", "small"], "unless": "profile.f == `true`"}
EVENT = {"name": "event", "forbid": ["big", "small"], "unless": "event.properties.x == `1`"}


def test_a_new_rule_over_features_is_judged_exactly() -> None:
    past = plan_of([])
    log = recorded(a_world(), past, [(0, 1, "0.9"), (1, 2, "0.9")])
    changes = simulated(past, plan_of([ORDERS]), log)
    assert [(one.after.name if one.after else None, one.rule) for one in changes] == [
        (None, "orders"),
        ("offer-20", None),
    ]
    assert not any(one.simulated.is_present for one in changes)


@pytest.mark.parametrize("rule", [PROFILE, LISTED], ids=lambda rule: str(rule["name"]))
def test_a_new_rule_over_the_customer_asks_today_and_says_so(rule: Mapping[str, Json]) -> None:
    past, world = plan_of([]), a_world()
    log = recorded(world, past, [(0, 1, "0.9")])
    world.store.put_profile("customer-1", a_profile(f=True), updated_at=NOW)
    (change,) = simulated(past, plan_of([rule]), log, world)
    assert (change.after is not None, change.simulated.is_present) == (True, True)
    (without,) = simulated(past, plan_of([rule]), log)
    assert (without.simulated.unknown, without.after) == (NO_RECORD, without.before)


def test_what_a_rule_reads_of_the_event_is_not_known() -> None:
    past, world = plan_of([]), a_world()
    (change,) = simulated(past, plan_of([EVENT]), recorded(world, past, [(0, 1, "0.9")]), world)
    assert (change.simulated.unknown, change.rule) == (NO_RECORD, None)


def test_what_an_unchanged_rule_said_is_taken_from_the_record_and_not_from_today() -> None:
    past, world = plan_of([PROFILE]), a_world()
    world.store.put_profile("customer-1", a_profile(f=True), updated_at=NOW)
    log = recorded(world, past, [(0, 1, "0.9"), (1, 2, "0.9")])
    world.store.put_profile("customer-1", a_profile(f=False), updated_at=NOW + HOUR)
    changes = simulated(past, plan_of([PROFILE, cap(5, 24)]), log, world)
    assert [one.after is not None for one in changes] == [True, False]
    assert [(one.check, one.simulated.is_present) for one in changes] == [(None, False), (None, False)]


def test_a_model_that_was_spared_leaves_it_open_what_would_follow() -> None:
    past = plan_of([ORDERS], score="when-actionable")
    log = recorded(a_world(), past, [(0, 1, "0.9")])
    (change,) = simulated(past, plan_of([], score="when-actionable"), log)
    assert (log[0].asked_model, change.simulated.unknown) == (False, NO_MODEL)
    (again,) = simulated(past, past, log)
    assert (again.check, again.is_checked) == (None, True)


def test_who_said_no_gets_nothing_from_any_draft() -> None:
    past, world = plan_of([cap(1, 24)]), a_world()
    world.store.put_consent("customer-1", consent("revoked"), now=NOW)
    (change,) = simulated(past, plan_of([]), recorded(world, past, [(0, 1, "0.9")]), world)
    assert (change.simulated.settled, change.after) == (True, None)


def test_an_action_that_the_draft_no_longer_has_is_taken_by_that() -> None:
    actions = {"offer-10": PRICED["actions"]["offer-10"]}
    past = plan_of([])
    draft = plan_of([], {**PRICED, "actions": actions}, decide={"actions": ["offer-10"]})
    (change,) = simulated(past, draft, recorded(a_world(), past, [(0, 1, "0.9")]))
    assert (change.after.name if change.after else None, change.rule) == ("offer-10", "policy.action_gone")


def learning(**section: Json) -> Plan:
    """Return a function that learns, with a rule that the first customer does not pass."""
    valued = {
        name: {**action, "value": {"kept": 50}, "chance": {"kept": 0.5}}
        for name, action in PRICED["actions"].items()
    }
    decide: Json = {"actions": ["offer-20", "offer-10"], "do_nothing": {"kept": 0.1}}
    rails = section.pop("rails", [])
    policy: dict[str, Json] = {"objectives": {"kept": {}}, "learning": section}
    return a_plan({**PRICED, "actions": valued}, policy=policy, rails=rails, decide=decide)


def learned(size: int = 12) -> list[Recorded]:
    """Return decisions between which something is learned, as a log has them."""
    world = a_world()
    counters = {
        "offer-20": Counter(40.0, 13.0, 13.0),
        "offer-10": Counter(7.5, 0.1 + 0.2, 0.3),
        "do-nothing": Counter(100.0, 9.0, 9.0),
    }
    for action, counter in counters.items():
        name = counter_name("churn", "other", action, "kept")
        body = {"trials": counter.trials, "total": counter.total, "squares": counter.squares}
        record = FeedbackRecord("counter", name, "-", NOW - HOUR, body)
        assert world.feedback.write_feedback([record]) is not False
    return recorded(world, learning(), [(1, number % 2, "0.9") for number in range(size)])


def test_a_draw_is_done_again_from_what_was_learned_by_then() -> None:
    log = learned()
    assert len({one.action for one in log}) > 1
    assert any(one.beliefs for one in log)
    assert [one.check for one in simulated(learning(), learning(), log)] == [None] * len(log)


@pytest.mark.parametrize("change", ["choice", "beliefs", "id"])
def test_a_draw_that_was_forged_is_told(change: str) -> None:
    log = learned()
    one = next(each for each in log if each.profile_id == "customer-1")
    if change == "choice":
        forged = replace(one, action="offer-10" if one.action != "offer-10" else "offer-20")
    elif change == "beliefs":
        forged = replace(one, beliefs={("offer-20", "kept"): Counter(1000.0, 900.0, 900.0)})
    else:
        forged = next(
            candidate
            for candidate in (replace(one, id=f"forged-{number}") for number in range(200))
            if simulated(learning(), learning(), [candidate])[0].check is not None
        )
    (found,) = simulated(learning(), learning(), [forged])
    assert found.is_checked
    assert found.check is not None


def test_other_actions_are_drawn_from_by_what_was_learned_by_then() -> None:
    draft = learning(rails=[{**ORDERS, "forbid": "big"}])
    changes = simulated(learning(), draft, learned())
    assert [one.simulated.unknown for one in changes] == [None] * len(changes)
    assert any(one.before != one.after for one in changes)


def test_what_was_learned_and_is_not_recorded_is_not_made_up() -> None:
    log = [replace(one, beliefs=None) for one in learned(2)]
    changes = simulated(learning(), learning(), log)
    assert [(one.check, one.is_checked, one.simulated.unknown) for one in changes] == [
        (NO_BELIEFS, False, NO_BELIEFS)
    ] * 2
    slower = learning(half_life="90d")
    assert {one.simulated.unknown for one in simulated(learning(), slower, learned(2))} == {NO_BELIEFS}


def test_decisions_of_a_policy_that_was_published_before_are_checked_by_it() -> None:
    then, today = plan_of([cap(1, 48)]), plan_of([])
    log = recorded(a_world(), then, [(0, 1, "0.9"), (1, 1, "0.9")])
    body = published_form(then.policy)

    def versions(plan: Plan, policy: str) -> Version | None:
        return (apply_policy(plan, body).plan, {}) if policy == then.policy.hash else None

    changes = replayed(today, today, log, History(versions=versions))
    assert [(one.check, one.is_checked) for one in changes] == [(None, True)] * 2
    assert [one.after.name if one.after else None for one in changes] == ["offer-20", "offer-20"]
    forged = replace(log[1], action="offer-10")
    (found,) = replayed(today, today, [forged], History(versions=versions))
    assert (found.is_checked, found.check is not None) == (True, True)


def test_a_choice_that_does_not_come_out_again_is_told() -> None:
    past = plan_of([cap(1, 48)])
    first, second = recorded(a_world(), past, [(0, 1, "0.9"), (1, 1, "0.9")])
    (change,) = simulated(past, past, [second])
    assert change.check == "do-nothing was chosen, offer-20 comes out"
    found = figures([change])
    assert (found.same, dict(found.different)) == (0, {change.check: 1})
    assert first.action == "offer-20"


def test_decisions_of_another_policy_are_simulated_and_not_checked() -> None:
    past = plan_of([cap(1, 48)])
    log = recorded(a_world(), plan_of([]), [(0, 1, "0.9")])
    (change,) = simulated(past, past, log)
    assert (change.is_checked, change.after is not None) == (False, True)


@pytest.mark.parametrize("part", ["action", "bundle", "candidates", "decided_at", "event", "reason"])
def test_what_is_no_recorded_decision_is_refused(part: str) -> None:
    world = a_world()
    recorded(world, plan_of([]), [(0, 1, "0.9")])
    store = world.store
    assert isinstance(store, MemoryProfileStore)
    (record,) = store.every_decision()
    document = decision_document(record)
    del document[part]
    with pytest.raises(ValueError, match="no"):
        read_recorded(document)
