"""Canaries: values found nowhere else, planted in every path of a profile and an event, and what came of them.

`run` takes one case through a whole decision by a Lambda's worker and a redrive after it, and gives every byte that came
out by the way it took; `allowed` says what may be found there.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count

from hypothesis import strategies as st

from functions.actions.message import message_document
from functions.documents import Json
from functions.errors import ActionUnavailableError, ModelUnavailableError
from functions.governance.consent import ConsentRecord, ConsentStatus
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.memory import MemoryProfileStore
from functions.profiles.store import ProfileStore
from functions.runtime.receipt import Receipt
from functions.testing.handler_stage import handler_stage
from functions.testing.rehearsal import InterruptedStore, Rehearsal
from functions.testing.sample_function import NOW, an_event
from tests.hardening.canary_functions import FUNCTIONS

HOUR = timedelta(hours=1)
PLACES = (
    "profile.identity.email",
    "profile.identity.phone",
    "profile.identity.name",
    "profile.health.note",
    "profile.orders.note",
    "profile.orders.count",
    "profile.orders.secret",
    "profile.web.visits.page",
    "profile.web.visits.ip",
    "profile.unlabelled.value",
    "profile.scores.churn_risk.value",
    "profile.scores.other.value",
    "event.properties.note",
    "event.properties.other",
    "event.traits.mail",
    "event.context.ip",
)
KINDS = ("text", "number", "object", "list", "null", "absent")
CANARY = re.compile(r"cnry\d{5}|91\d{9}")

STATUSES: tuple[ConsentStatus, ...] = ("granted", "denied", "revoked", "unknown", "conflict")


@dataclass(frozen=True)
class Consent:
    """What the store says about consent, with the hours from now at which it begins and ends."""

    status: ConsentStatus
    begins: float = -24
    ends: float | None = None

    def record(self) -> ConsentRecord:
        ends = None if self.ends is None else NOW + self.ends * HOUR
        return ConsentRecord("marketing", self.status, NOW + self.begins * HOUR, ends)

    def passes(self, hours: float) -> bool:
        """Whether it lets anything pass so many hours from now; five minutes of skew are allowed."""
        begun = self.begins * 60 <= hours * 60 + 5
        return self.status == "granted" and begun and (self.ends is None or self.ends > hours)


def passes(consent: Consent | None, hours: float) -> bool:
    return consent is not None and consent.passes(hours)


def later(before: Consent | None, after: Consent | None) -> Consent | None:
    """What the store holds after a change: what was said last, however late it comes."""
    if before is None or after is None:
        return after or before
    return before if before.begins > after.begins else after


CONSENTS = st.one_of(
    st.just(Consent("granted")),
    st.none(),
    st.builds(
        Consent,
        st.sampled_from(STATUSES),
        st.sampled_from([-24.0, 0.0, 0.05, 0.1, 24.0]),
        st.sampled_from([None, -1.0, 0.0, 1.0, 3.0]),
    ),
)


@dataclass
class Planted:
    """Documents full of canaries, and where each was planted."""

    profile: dict[str, Json]
    event: dict[str, dict[str, Json]]
    paths: dict[str, str]


class Planter:
    """Makes canaries, each unique, and remembers where each was planted."""

    def __init__(self) -> None:
        self.made = Planted({}, {}, {})
        self._numbers = count(1)

    def canary(self, path: str, *, number: bool = False) -> Json:
        value = f"91{next(self._numbers):09}" if number else f"cnry{next(self._numbers):05}"
        self.made.paths[value] = path
        return int(value) if number else value

    def value(self, path: str, kind: str) -> Json:
        if kind == "object":
            return {str(self.canary(path)): self.canary(path), "at": self.canary(path, number=True)}
        if kind == "list":
            return [self.canary(path), {"deep": [self.canary(path)]}]
        return None if kind == "null" else self.canary(path, number=kind == "number")

    def plant(self, path: str, kind: str) -> None:
        """Plant a value of a kind at a path, and a key and a value beside it."""
        root, *middle, last = path.split(".")
        here: dict[str, Json] = self.made.profile if root == "profile" else self.made.event
        for key in middle:
            here = here.setdefault(key, [{}])[0] if key == "visits" else here.setdefault(key, {})
        here[last] = self.value(path, kind)
        here[str(self.canary(f"{path}-beside"))] = self.canary(f"{path}-beside")


def planted(kinds: tuple[str, ...]) -> Planted:
    planter = Planter()
    for path, kind in zip(PLACES, kinds, strict=True):
        if kind != "absent":
            planter.plant(path, kind)
    return planter.made


def within(path: str, allowed: frozenset[str]) -> bool:
    return any(path == one or path.startswith(f"{one}.") for one in allowed)


@dataclass
class Seen:
    """Every byte that came out, by the way it took."""

    model: str
    channel: str
    told: str
    kept: str

    def by_way(self) -> Iterator[tuple[str, str]]:
        yield from (
            ("model", self.model),
            ("channel", self.channel),
            ("told", self.told),
            ("kept", self.kept),
        )


LINES = io.StringIO()
with redirect_stdout(LINES):
    WORKERS = {name: handler_stage(one.plan).worker for name, one in FUNCTIONS.items()}


@dataclass(frozen=True)
class Case:
    """One decision, with what happens to consent on its way.

    Attributes:
        name: Of the function.
        kinds: What stands in each of `PLACES`.
        consent: When the event comes.
        before_commit: What it is changed to between deciding and keeping; None for no change.
        before_redrive: What it is changed to before what could not be sent is sent again, two hours later.
        model_down: Whether the model fails.
        channel_down: Whether the channel fails at first.
    """

    name: str
    kinds: tuple[str, ...]
    consent: Consent | None
    before_commit: Consent | None
    before_redrive: Consent | None
    model_down: bool
    channel_down: bool


def put(store: ProfileStore, record: ConsentRecord) -> None:
    """Put a consent record whatever its date, as somebody else may who writes into the same table."""
    store.put_consent("c-1", record, now=max(NOW, record.at))


def run(case: Case) -> tuple[Seen, Receipt, Planted]:
    chosen, made = FUNCTIONS[case.name], planted(case.kinds)
    change = case.before_commit.record() if case.before_commit else None

    def happen(store: MemoryProfileStore) -> None:
        if change is not None:
            put(store, change)

    reply = ModelUnavailableError("down") if case.model_down else ModelReply(b"0.83", "text/csv")
    world = Rehearsal(
        now=NOW, store=InterruptedStore(happen), model=MemoryModel(lambda _: reply), policy=chosen.policy
    )
    world.store.put_profile("c-1", made.profile, updated_at=NOW - HOUR)
    if case.consent is not None:
        put(world.store, case.consent.record())
    if case.channel_down:
        world.channel.fail(*[ActionUnavailableError("down")] * chosen.messages)
    event = replace(
        an_event(user_id="c-1", properties=made.event.get("properties", {})),
        traits=made.event.get("traits", {}),
        context=made.event.get("context", {}),
        raw=made.event,
    )
    worker = replace(WORKERS[case.name], ports=world.ports)
    LINES.seek(0)
    LINES.truncate()
    with redirect_stdout(LINES):
        shift = worker.begin(handler_context())
        receipt = shift.handle(event)
        shift.report(receipt)
        world.wait(2 * HOUR)
        if case.before_redrive is not None:
            put(world.store, case.before_redrive.record())
        for entry, performed in shift.runtime.redrive(chosen.plan.policy, now=NOW + 2 * HOUR):
            worker.telemetry.performed(entry, performed, request_id="r")
        worker.telemetry.flush()
    return seen(world, receipt), receipt, made


class handler_context:  # noqa: N801 - stands in for a value of Lambda's
    aws_request_id = "request-1"
    invoked_function_arn = "arn:aws:lambda:eu-central-1:111122223333:function:churn"

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


def seen(world: Rehearsal, receipt: Receipt) -> Seen:
    store = world.store
    assert isinstance(store, MemoryProfileStore)
    state = store.load("c-1").state
    kept: list[Json] = [decision.body for decision in store.decisions("c-1")]
    kept += [score.value for score in state.scores.values()]
    entry = store.outbox_entry("c-1", receipt.decision_id or "")
    kept += [entry.message, entry.note] if entry is not None else []
    kept += [f"{contact}" for contact in state.contacts]
    return Seen(
        model="\n".join(call.payload.body.decode() for call in world.model.calls),
        channel=json.dumps([message_document(one.message) for one in world.channel.deliveries]),
        told=LINES.getvalue() + receipt.reason.text,
        kept=json.dumps(kept, default=str),
    )


CASE = st.builds(
    Case,
    st.sampled_from(sorted(FUNCTIONS)),
    st.tuples(*[st.sampled_from(KINDS)] * len(PLACES)),
    CONSENTS,
    st.one_of(st.none(), CONSENTS),
    st.one_of(st.none(), CONSENTS),
    st.booleans(),
    st.booleans(),
)


def acts(case: Case) -> bool:
    """Whether anything may leave by a channel, at once or when it is sent again."""
    if FUNCTIONS[case.name].outcome != "acted":
        return False
    latest = later(case.consent, case.before_commit)
    at_commit = passes(case.consent, 0) and passes(latest, 0)
    return at_commit and (not case.channel_down or passes(later(latest, case.before_redrive), 2))


def allowed(case: Case) -> Mapping[str, frozenset[str]]:
    """What the function declares, cut down to what the consent of each moment lets out."""
    chosen, nothing = FUNCTIONS[case.name], frozenset[str]()
    at_model = passes(case.consent, 0)
    latest = later(case.consent, case.before_commit)
    at_commit = at_model and passes(latest, 0)
    return {
        "model": chosen.model if at_model else nothing,
        "channel": chosen.channel if acts(case) else nothing,
        "told": nothing,
        "kept": chosen.kept if at_commit else nothing,
    }


FULL = tuple("number" if path.endswith("count") else "text" for path in PLACES)
GRANTED = Case("table", FULL, Consent("granted"), None, None, model_down=False, channel_down=False)
