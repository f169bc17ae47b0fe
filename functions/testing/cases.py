"""Run the cases of a spec: the real runtime over a memory store, a scripted model and a memory channel."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from functions.actions.memory import MemoryChannel
from functions.documents import Json
from functions.errors import FunctionsError, ModelTimeoutError, ModelUnavailableError
from functions.events.event import Event
from functions.events.reading import read_document, read_events
from functions.governance.consent import parse_consent
from functions.models.memory import MemoryModel
from functions.models.model import Model, ModelReply
from functions.profiles.memory import MemoryProfileStore
from functions.profiles.store import CommitRequest, DecisionRecord, Score, StateUpdate
from functions.runtime.engine import Runtime
from functions.runtime.ports import Ports
from functions.runtime.receipt import Receipt
from functions.spec.cases import Case, Given
from functions.spec.plan import ChannelPlan, ModelPlan, Plan
from functions.times import parse_instant


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How one case went.

    Attributes:
        name: Its sentence.
        differences: What was expected and what was found, a line each; empty when it passed.
        receipt: What the function said; None when the case could not be run.
    """

    name: str
    differences: tuple[str, ...]
    receipt: Receipt | None

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.differences


def run_case(plan: Plan, case: Case, *, folder: Path) -> CaseResult:
    """Run one case.

    Args:
        plan: The function.
        case: What is given and expected.
        folder: Paths of event files are relative to it.
    """
    try:
        event = _event(case.given.event, folder)
        now = parse_instant(case.given.now) if case.given.now else event.time
        receipt = _runtime(plan, case.given, event, now).handle(plan, event, now=now)
    except (FunctionsError, ValueError, OSError) as error:
        return CaseResult(case.name, (f"the case can't be run: {error}",), None)
    return CaseResult(case.name, tuple(_differences(case, receipt)), receipt)


def _event(given: Json, folder: Path) -> Event:
    received_at = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
    if isinstance(given, str):
        return read_events((folder / given).read_bytes(), received_at=received_at)[0].value()
    return read_document(given, received_at=received_at)[0].value()


def _runtime(plan: Plan, given: Given, event: Event, now: datetime) -> Runtime:
    store = MemoryProfileStore()
    key = plan.key.evaluate({"event": event.as_document()})
    if isinstance(key, str):
        _fill(store, key, given, now)
    model = _model(given)
    channel = MemoryChannel(ChannelPlan("memory", "memory", {}), lambda name: name)

    def opened(_: ModelPlan) -> Model:
        return model

    return Runtime(
        Ports(
            store=store,
            model=opened,
            channel=lambda _: channel,
            wall=lambda: now,
            monotonic=_stopped,
            sleep=lambda _: None,
            jitter=_stopped,
            owner="case",
        )
    )


def _stopped() -> float:
    return 0.0


def _fill(store: MemoryProfileStore, key: str, given: Given, now: datetime) -> None:
    before = now - timedelta(days=1)
    if given.profile is not None:
        store.put_profile(key, given.profile, updated_at=before)
    for record in parse_consent(given.consent, default_at=before).values():
        store.put_consent(key, record)
    if given.scores:
        scores = {name: _score(fields, before) for name, fields in given.scores.items()}
        decision = DecisionRecord(
            id="earlier",
            function="earlier",
            event_id="earlier",
            profile_id=key,
            decided_at=before,
            outcome="no_action",
            reason="actions.none",
            body={},
            expires_at=now,
        )
        store.commit(CommitRequest(decision=decision, state=StateUpdate(scores=scores)))


def _score(fields: Json, before: datetime) -> Score:
    given = fields if isinstance(fields, dict) else {"value": fields}
    expires_at = given.get("expires_at")
    return Score(
        value=given["value"],
        at=parse_instant(given["at"]) if given.get("at") else before,
        expires_at=parse_instant(expires_at) if expires_at else None,
        function="earlier",
        decision_id="earlier",
        model="earlier",
    )


def _model(given: Given) -> MemoryModel:
    if given.model == "timeout":
        return MemoryModel(lambda _: ModelTimeoutError("the model did not answer in time"))
    if given.model is None or given.model == "down":
        return MemoryModel(lambda _: ModelUnavailableError("the model is down"))
    body = given.model.body
    text = body if isinstance(body, str) else json.dumps(body)
    reply = ModelReply(text.encode(), given.model.content_type)
    return MemoryModel(lambda _: reply)


def _differences(case: Case, receipt: Receipt) -> Iterator[str]:
    expected = case.expect.model_dump(exclude_unset=True)
    document = receipt.as_document()
    found: Mapping[str, Json] = {
        "outcome": document["outcome"],
        "reason": document["reason"]["code"],
        "action": document["action"]["name"] if document["action"] else None,
        "features": document["features"],
        "imputed": document["imputed"],
        "payload": document["payload"]["body"] if document["payload"] else None,
        "scores": document["scores"],
        "rung": document["model"]["rung"] if document["model"] else "none",
        "write_back": document["write_back"],
    }
    for key, value in expected.items():
        if not _same(value, found[key]):
            yield f"{key}: expected {json.dumps(value)}, found {json.dumps(found[key])}"
    if case.given.model is None and receipt.payload is not None:
        yield "model: the case gives no reply, but the model was called"


def _same(expected: Json, found: Json) -> bool:
    """Compare JSON values; numbers to nine significant digits."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return expected.keys() == found.keys() and all(_same(expected[key], found[key]) for key in expected)
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(_same, expected, found))
    if _is_number(expected) and _is_number(found):
        return math.isclose(expected, found, rel_tol=1e-9, abs_tol=1e-12)
    return type(expected) is type(found) and bool(expected == found)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
