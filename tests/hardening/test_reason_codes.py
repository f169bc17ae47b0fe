"""Every code of a reason is reached through the product itself, and no code is forgotten."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest

from functions.build.published import published_form
from functions.decision.reasons import CONSENT_SENTENCES, REASONS
from functions.errors import ActionUnavailableError, ProfileStoreError
from functions.governance.consent import ConsentRecord
from functions.models.memory import MemoryModel
from functions.profiles.memory import MemoryProfileStore
from functions.profiles.memory_operator import MemoryOperatorStore
from functions.profiles.store import CommitResult
from functions.runtime.engine import Runtime
from functions.runtime.haste import Haste
from functions.runtime.stored_policy import StoredPolicy
from functions.runtime.versions import Pointer, publish
from functions.spec.experiment_plan import ExperimentPlan, ExperimentsPlan, Mode, RolloutPlan, Slice
from functions.spec.loading import load_policy
from functions.spec.plan import ChannelPlan, Plan
from functions.testing.rehearsal import InterruptedStore, Rehearsal
from functions.testing.sample_function import (
    NOW,
    REGISTRY,
    SPEC,
    a_plan,
    a_profile,
    an_event,
    consent,
    put_customer,
    write_specs,
)
from functions.testing.store_checks.samples import spend
from tests.hardening.provoking import HIGH, LOW, Desk, Provocation, decided, off, reason_of, with_switches


def _published(desk: Desk, change: Callable[[Any], None]) -> str:
    """Return why the first action of the sample was vetoed by a policy that was published for another folder."""
    path = desk.folder / "published"
    path.mkdir()
    registry = json.loads(json.dumps(dict(REGISTRY)))
    change(registry)
    write_specs(path, registry, decide={"actions": ["offer-10"]})
    documents = MemoryOperatorStore()
    publish(documents, published_form(load_policy(path)), Pointer(), note=None, at=NOW)
    policy = StoredPolicy(documents, wall=lambda: NOW, published=True)
    world = Rehearsal(now=NOW, model=MemoryModel(lambda _: HIGH), policy=policy)
    put_customer(world.store)
    plan = a_plan(decide={"when": "churn_risk >= `0.6`", "actions": ["offer-20"]})
    return world.runtime.handle(plan, an_event(), now=NOW).reason.code


def _without_the_offer(registry: Any) -> None:
    del registry["actions"]["offer-20"]


def _by_another_channel(registry: Any) -> None:
    registry["channels"]["elsewhere"] = {"kind": "memory"}
    registry["actions"]["offer-20"]["channel"] = "elsewhere"


def _acted(*, channels: Mapping[str, ChannelPlan] | None = None, **ports: Any) -> str:
    """Return the note of an action that does not leave at once."""
    world = Rehearsal(now=NOW, model=MemoryModel([HIGH]))
    put_customer(world.store)
    plan = a_plan()
    plan = replace(plan, policy=replace(plan.policy, channels=channels or plan.channels))
    receipt = Runtime(replace(world.ports, **ports)).handle(plan, an_event(), now=NOW)
    assert receipt.action is not None
    return str(receipt.action.note)


def _superseded(_: Desk) -> str:
    told = {"scores.churn_risk": {**SPEC["write_back"]["scores.churn_risk"], "notify": "offers"}}
    plan = a_plan(decide={}, write_back=told, trigger={**SPEC["trigger"], "max_age": "1h"})
    world = Rehearsal(now=NOW, model=MemoryModel([HIGH, HIGH]))
    put_customer(world.store)
    world.channel.fail(ActionUnavailableError("the receiver is down"))
    for minutes in (10, 0):
        event = an_event(f"event-{minutes}", time=NOW - timedelta(minutes=minutes))
        world.runtime.handle(plan, event, now=NOW)
    world.wait(timedelta(minutes=1))
    ((_entry, performed),) = world.runtime.redrive(plan.policy, now=NOW)
    assert performed is not None
    return str(performed.note)


def _redriven(_: Desk) -> str:
    world = Rehearsal(now=NOW, model=MemoryModel([HIGH]))
    put_customer(world.store)

    def die(stage: str) -> None:
        if stage == "committed":
            raise ProfileStoreError("the process dies here")

    world.on_stage = die
    world.runtime.handle(a_plan(), an_event(), now=NOW)
    world.on_stage = lambda _: None
    ((_entry, performed),) = world.runtime.redrive(a_plan().policy, now=NOW + timedelta(days=1), limit=10)
    assert performed is not None
    return str(performed.note)


def _full_contact_log(_: Desk) -> str:
    return reason_of(store=InterruptedStore(lambda _: CommitResult("contacts_full")))


_PRICED: Final = {
    "channels": REGISTRY["channels"],
    "currency": "EUR",
    "actions": {
        f"offer-{number}": {"tags": ["discount"], "channel": "offers", "cost": number}
        for number in range(1, 6)
    },
}


def _railed(rule: Mapping[str, Any], *names: str, **sections: Any) -> Plan:
    decide = {"actions": list(names) or ["offer-5"]}
    return a_plan(_PRICED, rails=[{"name": "rule", **rule}], decide=decide, **sections)


def _money(limit: int) -> Mapping[str, Any]:
    return {"budget": "discount", "at_most": f"{limit} EUR", "per": "day", "timezone": "UTC"}


def _without_money() -> MemoryProfileStore:
    store = MemoryProfileStore()
    store.open_budget("rule", "day-2026-11-02", [500])
    spend(store, "rule", "day-2026-11-02", 500)
    return store


def _three_attempts(_: Desk) -> str:
    plan = _railed(_money(5), "offer-5", "offer-4", "offer-3", "offer-2")
    return str(decided(plan, store=_without_money()).candidates[3].by)


_NIGHT: Final = {"forbid": "discount", "between": ["09:00", "10:00"], "timezone": "profile.zone"}


def _ranked(cost: float, **learning: Any) -> Plan:
    """Return a function with one action that brings 25, and costs something."""
    action = {"channel": "offers", "cost": cost, "value": {"kept": 50}, "chance": {"kept": 0.5}}
    policy = {"objectives": {"kept": {}}, **({"learning": learning} if learning else {})}
    decide = {"actions": ["offer-20"], "do_nothing": {"kept": 0}}
    return a_plan({**REGISTRY, "actions": {"offer-20": action}}, policy=policy, decide=decide)


def _drawn(code: str) -> str:
    """Return a code that is drawn for some of a hundred events."""
    plan = _ranked(24, floor=0.2)
    codes = [reason_of(plan, event_id=f"event-{number}") for number in range(100)]
    return next((one for one in codes if one == code), "")


_EVERYBODY: Final = ((0.0, 1.0),)
_HOLDOUT: Final = ExperimentsPlan(Slice("holdout", _EVERYBODY))


def _tried(mode: Mode, *, of: str) -> ExperimentsPlan:
    """Return rollouts in which the function is tried for everybody, or another one in its place."""
    name = "other" if of == "churn" else "churn"
    return ExperimentsPlan(rollouts=(RolloutPlan(name, of, mode, Slice("tried", _EVERYBODY)),))


def _unfit(condition: str) -> str:
    actions = {"offer-5": {**_PRICED["actions"]["offer-5"], "eligible": condition}}
    plan = a_plan({**_PRICED, "actions": actions}, decide={"actions": ["offer-5"]})
    return str(decided(plan).candidates[0].by)


_RANDOM: Final = ExperimentsPlan(None, (ExperimentPlan("offers", "offers", {"random": _EVERYBODY}),))


def _consent(record: ConsentRecord) -> str:
    return reason_of(record=record)


REASON_CODES: Final[Mapping[str, Provocation]] = {
    "action.chosen": lambda _: reason_of(),
    "action.ranked": lambda _: reason_of(_ranked(9)),
    "actions.not_worth": lambda _: reason_of(_ranked(26)),
    "action.drawn": lambda _: _drawn("action.drawn"),
    "nothing.drawn": lambda _: _drawn("nothing.drawn"),
    "action.random": lambda _: reason_of(replace(a_plan(), experiments=_RANDOM)),
    "experiment.holdout": lambda _: reason_of(replace(a_plan(), experiments=_HOLDOUT)),
    "condition.false": lambda _: reason_of(reply=LOW),
    "condition.failed": lambda _: reason_of(
        a_plan(decide={"when": "abs('x') > `1`", "actions": ["offer-10"]})
    ),
    "actions.none": lambda _: reason_of(a_plan(decide={})),
    "actions.not_eligible": lambda _: reason_of(
        a_plan(decide={"actions": ["offer-20"]}), profile=a_profile(orders=1)
    ),
    "actions.ruled_out": lambda _: reason_of(
        a_plan(
            rails=[{"name": "rule", "forbid": {"actions": ["offer-10"]}, "unless": "profile.orders > `9`"}]
        ),
        profile=a_profile(orders=1),
    ),
    "eligibility.false": lambda _: _unfit("features.orders > `9`"),
    "eligibility.unknown": lambda _: _unfit("profile.missing"),
    "contacts.full": _full_contact_log,
    "budget.empty": lambda _: reason_of(_railed(_money(5)), store=_without_money()),
    "commit.attempts": _three_attempts,
    "rail.blocked": lambda _: reason_of(_railed({**_NIGHT, "otherwise": "UTC"})),
    "rail.unknown": lambda _: reason_of(_railed(_NIGHT)),
    "action.deferred": lambda _: reason_of(
        _railed(
            {**_NIGHT, "otherwise": "UTC", "defer": "up to 1h"},
            trigger={"event_pattern": {"detail-type": ["page_view"]}},
        )
    ),
    "event.too_old": lambda _: reason_of(age=timedelta(minutes=1)),
    "event.replayed": lambda _: reason_of(age=timedelta(minutes=1), generation=1),
    "event.no_trigger": lambda _: reason_of(name="purchase"),
    "rollout.elsewhere": lambda _: reason_of(replace(a_plan(), experiments=_tried("canary", of="churn"))),
    "rollout.shadow": lambda _: reason_of(replace(a_plan(), experiments=_tried("shadow", of="other"))),
    "profile.missing": lambda _: reason_of(customer=False),
    "action.expired": _redriven,
    "action.awaits_caller": lambda _: _acted(channels={"offers": ChannelPlan("offers", "response", {})}),
    "action.no_time": lambda _: _acted(haste=Haste(lambda: 0.0)),
    "score.superseded": _superseded,
    "switch.function_off": lambda _: with_switches(off("function", "churn"))[0],
    "switch.action_off": lambda _: with_switches(off("action", "offer-20", "offer-10"))[0],
    "policy.action_gone": lambda desk: _published(desk, _without_the_offer),
    "policy.action_unusable": lambda desk: _published(desk, _by_another_channel),
    "policy.unavailable": lambda _: with_switches({"format": 2})[0],
    "consent.denied": lambda _: _consent(consent("denied", at=NOW)),
    "consent.revoked": lambda _: _consent(consent("revoked", at=NOW)),
    "consent.unknown": lambda _: _consent(consent("unknown", at=NOW)),
    "consent.conflict": lambda _: _consent(consent("conflict", at=NOW)),
    "consent.expired": lambda _: _consent(replace(consent(at=NOW - timedelta(1)), expires_at=NOW)),
    "consent.not_yet": lambda _: _consent(consent(at=NOW + timedelta(days=1))),
}


@pytest.mark.parametrize("code", REASON_CODES)
def test_a_reason_is_reached_through_the_product(code: str, desk: Desk) -> None:
    assert REASON_CODES[code](desk) == code


def test_every_reason_has_a_provocation() -> None:
    codes = {code for code in REASONS if code != "consent"} | {
        f"consent.{name}" for name in CONSENT_SENTENCES
    }
    assert codes == set(REASON_CODES)
