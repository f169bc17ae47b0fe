"""The receipt as a log line: names, codes, sizes and hashed ids, and no value of an event or a profile."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Collection

from functions.decision.choosing import Candidate
from functions.decision.experiments import Assignment
from functions.documents import Json
from functions.events.replays import LIVE
from functions.runtime.receipt import ActionTaken, ModelCall, Receipt, SentPayload
from functions.times import format_instant

Hashed = Callable[[str | None], str | None]
"""Gives what stands in a log for an identifier."""


def log_document(
    receipt: Receipt, *, known_names: Collection[str] = (), hashed: Hashed | None = None
) -> dict[str, Json]:
    """Return what a log may keep of a receipt, under the keys that the receipt has.

    Every field is named here, so that one which a receipt gains is not logged until somebody has thought
    about it. Lists of names stand where the receipt has values; what was drawn, and for which segment,
    tells of a customer and is left out. To find the lines of one profile, hash its id:
    `printf %s customer-0042 | sha256sum | cut -c1-16`.

    Args:
        receipt: What became of an event.
        known_names: Names of events that the author of the spec wrote. A name that only a producer wrote
            could hold anything, so it is hashed.
        hashed: Hashes identifiers; without a key when not given.
    """
    hashed = hashed or plain_hash
    name, bundle = receipt.event_name, receipt.bundle
    document: dict[str, Json] = {
        "decision_id": receipt.decision_id,
        "function": receipt.function,
        "bundle": {"spec": bundle.spec, "policy": bundle.policy, "model": bundle.model} if bundle else None,
        "event": {
            "id": hashed(receipt.event_id),
            "name": name if name in known_names else hashed(name),
            "time": format_instant(receipt.event_time) if receipt.event_time else None,
        },
        "profile_id": hashed(receipt.profile_id),
        "outcome": receipt.outcome,
        "reason": {"code": receipt.reason.code, "text": receipt.reason.text},
        "profile": {"bytes": receipt.profile_bytes, "read_paths": list(receipt.read_paths)},
        "features": list(receipt.features),
        "imputed": dict(receipt.imputed),
        "unusable": dict(receipt.unusable),
        **_checks(receipt),
        "payload": _payload(receipt.payload),
        "model": _model(receipt.model),
        "scores": list(receipt.scores),
        "experiment": _experiment(receipt.assignment),
        "candidates": [_candidate(one) for one in receipt.candidates],
        "action": _action(receipt.action),
        "write_back": list(receipt.write_back),
        "timings_ms": {stage: round(ms, 3) for stage, ms in receipt.timings_ms.items()},
    }
    if receipt.generation != LIVE:
        document["generation"] = receipt.generation
    if receipt.outcome == "duplicate":
        document["original_outcome"] = receipt.original_outcome
    if receipt.outcome == "failed":
        document["retryable"] = receipt.retryable
    return document


def _checks(receipt: Receipt) -> dict[str, Json]:
    """Return what was checked; who has agreed to an exception is nobody's business in a log."""
    return {
        "consent": [
            {"check": one.check, "purpose": one.purpose, "consent": one.consent, "verdict": one.verdict}
            for one in receipt.consent
        ],
        "exceptions": [
            {"reads": one.reads, "to": list(one.to), "labels": list(one.labels)} for one in receipt.exceptions
        ],
        "detector": [{"where": hit.where, "pattern": hit.pattern} for hit in receipt.detector],
    }


def _payload(payload: SentPayload | None) -> Json:
    if payload is None:
        return None
    return {
        "content_type": payload.content_type,
        "bytes": payload.bytes,
        "labels": list(payload.labels),
    }


def _model(model: ModelCall | None) -> Json:
    if model is None:
        return None
    return {
        "kind": model.kind,
        "target": model.target,
        "rung": model.rung,
        "latency_ms": round(model.latency_ms, 3),
        "attempts": model.attempts,
        "error": model.error,
    }


def _experiment(assignment: Assignment | None) -> Json:
    if assignment is None:
        return None
    return {"group": assignment.group, "experiment": assignment.experiment}


def _candidate(candidate: Candidate) -> Json:
    """Return what became of an action; its value, what it is made of and its chance come of values."""
    return {
        "action": candidate.action,
        "verdict": candidate.verdict,
        "by": candidate.by,
        "reasons": [{"code": one.code, "rule": one.rule} for one in candidate.reasons],
        "lacking": list(candidate.terms.lacking) if candidate.terms is not None else [],
    }


def _action(action: ActionTaken | None) -> Json:
    if action is None:
        return None
    return {
        "name": action.name,
        "channel": action.channel,
        "delivery": action.delivery,
        "idempotency_key": action.idempotency_key,
        "note": action.note,
    }


def plain_hash(text: str | None) -> str | None:
    """Return the first 16 hex digits of the SHA-256 of an id; None for none.

    Whoever can guess the id can find its hash; `keyed_hash` needs the key too.

    >>> plain_hash("customer-0042")
    '10c6201edf7da63b'
    """
    if text is None:
        return None
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def keyed_hash(key: bytes) -> Hashed:
    """Return what gives the first 16 hex digits of the HMAC-SHA256 of an id under a key.

    >>> keyed_hash(b"a key of twenty-four bytes, at least")("customer-0042")
    'ae05cfe639ea89e1'
    """

    def hashed(text: str | None) -> str | None:
        if text is None:
            return None
        return hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256").hex()[:16]

    return hashed
