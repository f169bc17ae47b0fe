"""The receipt: what became of one event, as a value that a person and a program can read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from functions.decision.choosing import Candidate, Drawn
from functions.decision.experiments import Assignment
from functions.decision.probabilities import seed_of
from functions.decision.reasons import Reason, error_reason
from functions.documents import Json
from functions.errors import EventError
from functions.events.replays import LIVE
from functions.governance.detector import Hit
from functions.governance.gate import ConsentCheck
from functions.spec.plan import Bundle, ExceptionPlan, Plan
from functions.times import format_instant

Outcome = Literal["acted", "no_action", "suppressed", "duplicate", "rejected", "failed"]
Delivery = Literal["sent", "queued", "returned", "none", "unconfirmed"]
RungName = Literal["model", "cache", "fallback", "none"]


@dataclass(frozen=True, slots=True)
class SentPayload:
    """The bytes that left for a model."""

    content_type: str
    bytes: int
    body: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelCall:
    """How the outputs came about.

    Attributes:
        kind: Kind of the model.
        target: Endpoint or URL.
        rung: Who answered: the model, the last score (`cache`), a constant (`fallback`), or `none`: nobody,
            or the model was not asked.
        latency_ms: Wall time of the step.
        attempts: Calls made.
        error: Code of why the model itself did not answer; None when it did.
    """

    kind: str
    target: str
    rung: RungName
    latency_ms: float
    attempts: int
    error: str | None = None

    def as_document(self) -> dict[str, Json]:
        """Return the JSON form."""
        return {
            "kind": self.kind,
            "target": self.target,
            "rung": self.rung,
            "latency_ms": round(self.latency_ms, 3),
            "attempts": self.attempts,
            "error": self.error,
        }


@dataclass(frozen=True, slots=True)
class ActionTaken:
    """The action of a decision, and how far it got.

    Attributes:
        name: Name in the registry.
        channel: Where it goes.
        delivery: `sent`, `queued` in the outbox, `returned` to the caller, `none` when it was released, or
            `unconfirmed` when it was given up after an attempt that may have arrived.
        idempotency_key: The same at every attempt.
        note: Code of why it is not sent; None when it is.
    """

    name: str
    channel: str
    delivery: Delivery
    idempotency_key: str
    note: str | None = None

    def as_document(self) -> dict[str, Json]:
        """Return the JSON form."""
        return {
            "name": self.name,
            "channel": self.channel,
            "delivery": self.delivery,
            "idempotency_key": self.idempotency_key,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one event. The JSON form is a public contract.

    Attributes:
        function: Name of the spec.
        outcome: How it ended.
        reason: Why, as a code and a sentence.
        decision_id: None where no decision could be identified.
        original_outcome: Of the first decision, with `duplicate`.
        event_id: The producer's id.
        event_name: Name of the event.
        event_time: When it happened.
        generation: Of the replay that sent the event again; `LIVE` for none.
        profile_id: Whose.
        assignment: The group of the customer; None where it was not asked.
        segment: In which responses are counted; None where nothing is learned.
        first_draw: What chance has chosen at first, where the commit refused it; None where it did not.
        retryable: With `failed`: whether the same event may succeed later.
    """

    function: str
    outcome: Outcome
    reason: Reason
    bundle: Bundle | None = None
    decision_id: str | None = None
    original_outcome: str | None = None
    event_id: str | None = None
    event_name: str | None = None
    event_time: datetime | None = None
    generation: int = LIVE
    profile_id: str | None = None
    profile_bytes: int | None = None
    read_paths: tuple[str, ...] = ()
    features: Mapping[str, Json] = field(default_factory=dict)
    imputed: Mapping[str, str] = field(default_factory=dict)
    unusable: Mapping[str, str] = field(default_factory=dict)
    consent: tuple[ConsentCheck, ...] = ()
    exceptions: tuple[ExceptionPlan, ...] = ()
    detector: tuple[Hit, ...] = ()
    payload: SentPayload | None = None
    model: ModelCall | None = None
    scores: Mapping[str, Json] = field(default_factory=dict)
    assignment: Assignment | None = None
    segment: str | None = None
    first_draw: Drawn | None = None
    candidates: tuple[Candidate, ...] = ()
    action: ActionTaken | None = None
    write_back: Mapping[str, Json] = field(default_factory=dict)
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    retryable: bool = False

    @property
    def exit_code(self) -> int:
        """0 when the event was dealt with, 1 when it was rejected or failed."""
        return 1 if self.outcome in ("rejected", "failed") else 0

    @property
    def dead_letter(self) -> bool:
        """Whether a handler parks the event for a person: the same event can't succeed later.

        An event that matches no trigger, or that another function decides about, is no fault of anybody; a
        retryable failure is parked by the queue, after its retries. A failure for want of a right or a setting
        is none of the event: a handler leaves it to the queue as well.
        """
        if self.outcome == "rejected":
            return self.reason.code not in ("event.no_trigger", "rollout.elsewhere")
        return self.outcome == "failed" and not self.retryable

    def as_document(self) -> dict[str, Json]:
        """Return the JSON form."""
        document: dict[str, Json] = {
            "decision_id": self.decision_id,
            "function": self.function,
            "bundle": _bundle(self.bundle),
            "event": {
                "id": self.event_id,
                "name": self.event_name,
                "time": format_instant(self.event_time) if self.event_time else None,
            },
            "profile_id": self.profile_id,
            "outcome": self.outcome,
            "reason": {"code": self.reason.code, "text": self.reason.text},
            "profile": {"bytes": self.profile_bytes, "read_paths": list(self.read_paths)},
            "features": dict(self.features),
            "imputed": dict(self.imputed),
            "unusable": dict(self.unusable),
            "consent": [_consent(check) for check in self.consent],
            "exceptions": [exception.as_document() for exception in self.exceptions],
            "detector": [{"where": hit.where, "pattern": hit.pattern} for hit in self.detector],
            "payload": _payload(self.payload),
            "model": self.model.as_document() if self.model else None,
            "scores": dict(self.scores),
            "experiment": self._experiment(),
            "candidates": [candidate.as_document() for candidate in self.candidates],
            "action": self.action.as_document() if self.action else None,
            "write_back": dict(self.write_back),
            "timings_ms": {stage: round(ms, 3) for stage, ms in self.timings_ms.items()},
        }
        if self.generation != LIVE:
            document["generation"] = self.generation
        if self.outcome == "duplicate":
            document["original_outcome"] = self.original_outcome
        if self.outcome == "failed":
            document["retryable"] = self.retryable
        return document

    def _experiment(self) -> Json:
        """Return the group, and what drew where something was drawn: enough to do it again."""
        if self.assignment is None or self.decision_id is None:
            return None
        seed = seed_of(self.decision_id)
        document = {**self.assignment.as_document(), "segment": self.segment, "seed": seed}
        if self.first_draw is not None:
            document["first_draw"] = self.first_draw.as_document()
        return document


def refused(plan: Plan, error: EventError) -> Receipt:
    """Return the receipt of a record that is no event, so that no run began."""
    return Receipt(
        plan.name, "rejected", error_reason(error), bundle=plan.bundle, exceptions=plan.governance.exceptions
    )


def _bundle(bundle: Bundle | None) -> Json:
    return {"spec": bundle.spec, "policy": bundle.policy, "model": bundle.model} if bundle else None


def _consent(check: ConsentCheck) -> Json:
    return {
        "check": check.check,
        "purpose": check.purpose,
        "consent": check.consent,
        "verdict": check.verdict,
    }


def _payload(payload: SentPayload | None) -> Json:
    if payload is None:
        return None
    return {
        "content_type": payload.content_type,
        "bytes": payload.bytes,
        "body": payload.body,
        "labels": list(payload.labels),
    }
