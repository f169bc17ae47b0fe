"""What the codes of errors and of reasons are provoked with: a desk, and a world where everything is well."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from functions.governance.consent import ConsentRecord
from functions.models.memory import MemoryModel
from functions.models.model import Model, ModelReply
from functions.profiles.memory_operator import MemoryOperatorStore
from functions.profiles.store import ProfileStore
from functions.runtime.engine import Runtime
from functions.runtime.receipt import Receipt
from functions.runtime.stored_policy import StoredPolicy
from functions.runtime.switches import SWITCHES
from functions.spec.plan import Plan
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import (
    CUSTOMER,
    NOW,
    a_plan,
    an_event,
    put_customer,
)

HIGH, LOW = ModelReply(b"0.83", "text/csv"), ModelReply(b"0.1", "text/csv")


class Desk(Protocol):
    """See conftest.py."""

    folder: Path

    @property
    def specs(self) -> Path: ...

    @property
    def event(self) -> Path: ...

    def run(self, *arguments: str | Path, stdin: str = "", **environment: str) -> Any: ...


Provocation = Callable[[Desk], str]
"""Provokes one code on a fresh desk, and returns the code that the product gave."""


def shown(desk: Desk, *arguments: str | Path, **environment: str) -> str:
    """Return the code in `error[code]` on standard error."""
    done = desk.run(*arguments, **environment)
    assert done.code in (1, 2, 3)
    return str(done.err.partition("error[")[2].partition("]")[0])


def rejected(desk: Desk, text: str, *more: str) -> str:
    """Return the code of the receipt of an event."""
    done = desk.run("invoke", "churn-retention", "--event", "-", "--json", *more, stdin=text)
    receipt = json.loads(done.out)
    assert (done.code, receipt["outcome"]) == (1, "rejected")
    return str(receipt["reason"]["code"])


def decided(
    plan: Plan | None = None,
    *,
    store: ProfileStore | None = None,
    model: Model | None = None,
    reply: ModelReply = HIGH,
    profile: Mapping[str, Any] | None = None,
    age: timedelta = timedelta(0),
    record: ConsentRecord | None = None,
    customer: bool = True,
    generation: int = 0,
    **event: Any,
) -> Receipt:
    """Run the sample function in a world where everything is well but what is asked for."""
    world = Rehearsal(now=NOW, store=store, model=MemoryModel(lambda _: reply))
    if customer:
        put_customer(world.store, profile)
    if record is not None:
        world.store.put_consent(CUSTOMER, record, now=max(NOW, record.at))
    answers: Model = model or world.model
    runtime = Runtime(replace(world.ports, model=lambda _: answers))
    return runtime.handle(plan or a_plan(), an_event(**event), now=NOW + age, generation=generation)


def reason_of(*arguments: Any, **world: Any) -> str:
    return decided(*arguments, **world).reason.code


def with_switches(body: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return the reason and the notices of a decision while the store holds these switches."""
    documents, notices = MemoryOperatorStore(), list[str]()
    assert documents.put_document(SWITCHES, body, replaces=0)
    policy = StoredPolicy(documents, wall=lambda: NOW, published=False, notice=notices.append)
    world = Rehearsal(now=NOW, model=MemoryModel(lambda _: HIGH), policy=policy)
    put_customer(world.store)
    receipt = world.runtime.handle(a_plan(), an_event(), now=NOW)
    return receipt.reason.code, notices


def off(kind: str, *names: str) -> dict[str, Any]:
    since = {"at": "2026-11-01T00:00:00Z", "because": None}
    return {"format": 1, "action": {}, "function": {}, kind: dict.fromkeys(names, since)}
