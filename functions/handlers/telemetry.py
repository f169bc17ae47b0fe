"""What a handler says about itself: one log line per event, metrics once per invocation, traces if wanted.

Powertools' decorators are not used: they can be told by the environment to log whole events, responses
and exceptions.
"""

from __future__ import annotations

import json
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final, Protocol

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from functions.errors import FunctionsError, SettingsError, StoreRejectedError
from functions.events.replays import LIVE
from functions.governance.detector import detect
from functions.handlers.log import Hashed, log_document, plain_hash
from functions.ingest.writing import Ingested
from functions.learning.responses import Recording
from functions.profiles.outbox import OutboxEntry
from functions.runtime.acting import Performed
from functions.runtime.in_force import UNKNOWN
from functions.runtime.receipt import Receipt

Span = Callable[[str], AbstractContextManager[Callable[[], None]]]
"""Opens a span of a trace; what it gives marks the span as failed."""

INTERNAL: Final = "internal"
"""Code of an error that nobody foresaw."""

_OUTCOMES: Final = {
    "acted": "Acted",
    "no_action": "NoAction",
    "suppressed": "Suppressed",
    "duplicate": "Duplicate",
    "rejected": "Rejected",
    "failed": "Failed",
}
_RUNGS: Final = {"model": "RungModel", "cache": "RungCache", "fallback": "RungFallback", "none": "RungNone"}
_DELIVERIES: Final = {
    "sent": "ActionSent",
    "returned": "ActionReturned",
    "queued": "ActionQueued",
    "unconfirmed": "ActionUnconfirmed",
}
_FATES: Final = {
    "written": "IngestWritten",
    "older": "IngestOlder",
    "nothing": "IngestNothing",
    "refused": "IngestRefused",
    "failed": "IngestFailed",
}
_STATES: Final = {
    "missing": "Missing",
    "null": "Null",
    "stale": "Stale",
    "out_of_range": "OutOfRange",
    "wrong_type": "WrongType",
    "failed": "Failed",
}
_UNKNOWN: Final = {"rail.unknown": "RailUnknown", "eligibility.unknown": "EligibilityUnknown"}
_TRIALS: Final = {"rollout.elsewhere": "RolloutElsewhere", "rollout.shadow": "RolloutShadow"}
_RESPONSES: Final = {
    "recorded": "OutcomeRecorded",
    "credited": "OutcomeCredited",
    "repeated": "OutcomeRepeated",
    "noted": "OutcomeNoted",
    "unmatched": "OutcomeUnmatched",
    "no_outcome": "OutcomeNone",
}
_FRAMES: Final = 5
_UNREADABLE: Final = StoreRejectedError.code


class Telemetry:
    """The log, the metrics and the traces of one function.

    Metrics, by the dimension `service`, which is the function's name: a count for each outcome and each
    rung of the model, `ConsentUnknown`, `RailUnknown` and `EligibilityUnknown` for a decision in which a rule or the
    condition of an action could not be judged, `RolloutElsewhere` for an event that was left to the other function
    of a rollout, `RolloutShadow` for one that was decided for the record alone, for each feature why its own value
    was not used (`Missing.<feature>`, `Null.`, `Stale.`, `OutOfRange.`, `WrongType.`),
    `Detector.<where>.<pattern>` for what looks like personal data, `Replayed` for a decision of a replay, which counts
    as nothing else, `Parked`, `Retried`, `Denied` for a record that waits until somebody mends a right or a
    setting, `Crashed`, `PolicyUnread` for a look at the policy in force that failed,
    `PolicyUnavailable` for a decision that had to do without it, how far actions got, and `Latency` in
    milliseconds. The schedule notes `OutboxAge`, in seconds, of the oldest action that it could not send, and
    `OutboxUnreadable` for an entry that is damaged.

    Args:
        service: Name of the function.
        namespace: Of the metrics.
        known_names: Names of events that the spec's author wrote; see `log_document`.
        span: Opens spans; None for no traces.
        hashed: Hashes identifiers.
    """

    def __init__(
        self,
        service: str,
        *,
        namespace: str,
        known_names: Collection[str] = (),
        span: Span | None = None,
        hashed: Hashed = plain_hash,
    ) -> None:
        # Without `location`: looking up the caller costs more than the rest of the line.
        self._logger = Logger(
            service=service, utc=True, use_rfc3339=True, location=None, json_serializer=self._line
        )
        self._metrics = EphemeralMetrics(namespace=namespace, service=service)
        self._known_names = known_names
        self._hashed = hashed
        self._counts: Counter[str] = Counter()
        self.span: Span = span or (lambda _: nullcontext(lambda: None))

    def receipt(self, receipt: Receipt, *, request_id: str, position: str | None = None) -> None:
        """Log and count what became of one event."""
        document = log_document(receipt, known_names=self._known_names, hashed=self._hashed)
        self._logger.info("receipt", receipt=document, request_id=request_id, position=position)
        if receipt.generation != LIVE:
            # What was decided again about the past would distort the figures and alarms of the present.
            self._counts["Replayed"] += 1
        else:
            self._count_decision(receipt)
        if receipt.action is not None and receipt.outcome != "duplicate":
            self._counts[_DELIVERIES.get(receipt.action.delivery, "ActionReleased")] += 1

    def _count_decision(self, receipt: Receipt) -> None:
        self._counts[_OUTCOMES[receipt.outcome]] += 1
        # A model that was not asked, as without consent, has no share in what the rungs say.
        if receipt.model is not None and (receipt.model.rung != "none" or receipt.model.error is not None):
            self._counts[_RUNGS[receipt.model.rung]] += 1
        if any(check.verdict == "unknown" for check in receipt.consent):
            self._counts["ConsentUnknown"] += 1
        if any(candidate.by == UNKNOWN for candidate in receipt.candidates):
            self._counts["PolicyUnavailable"] += 1
        codes = {why.code for candidate in receipt.candidates for why in candidate.reasons}
        self._counts.update(_UNKNOWN[code] for code in codes & _UNKNOWN.keys())
        self._counts.update(_TRIALS[code] for code in {receipt.reason.code} & _TRIALS.keys())
        for states in (receipt.imputed, receipt.unusable):
            for feature, state in states.items():
                self._counts[f"{_STATES[state]}.{feature}"] += 1
        for hit in receipt.detector:
            self._counts[f"Detector.{hit.where}.{hit.pattern}"] += 1
        if "total" in receipt.timings_ms:
            self._metrics.add_metric("Latency", MetricUnit.Milliseconds, receipt.timings_ms["total"])

    def performed(self, entry: OutboxEntry, performed: Performed | None, *, request_id: str) -> None:
        """Log and count how far an entry of the outbox got."""
        document = {
            "decision_id": entry.decision_id,
            "function": entry.function,
            "profile_id": self._hashed(entry.profile_id),
            "action": entry.action,
            "channel": entry.channel,
            "attempts": entry.attempts,
            "delivery": performed.delivery if performed else "held",
            "note": performed.note if performed else None,
        }
        self._logger.info("outbox", outbox=document, request_id=request_id)
        held = "ActionHeld" if performed is None else "ActionReleased"
        self._counts[_DELIVERIES.get(performed.delivery, held) if performed else held] += 1

    def unreadable(self, profile_id: str, key: str, *, request_id: str) -> None:
        """Log and count an entry of the outbox that is damaged; the key of an action is the decision's id."""
        whose = self._hashed(profile_id)
        self.warning(
            "outbox entry unreadable", _UNREADABLE, request_id=request_id, decision_id=key, profile_id=whose
        )
        self.count("OutboxUnreadable")

    def ingested(self, record: Ingested, *, request_id: str) -> None:
        """Log and count what became of one record that was taken in."""
        document = {
            "position": record.position,
            "envelope": record.envelope,
            "form": record.form,
            "fate": record.fate,
            "profile_id": self._hashed(record.profile_id) if record.profile_id else None,
            "wrote": list(record.wrote),
            "kept": list(record.kept),
            "code": record.code,
        }
        self._logger.info("ingested", ingested=document, request_id=request_id)
        self._counts[_FATES[record.fate]] += 1

    def responded(self, recording: Recording, *, request_id: str) -> None:
        """Log and count what became of one event about an outcome, for one decision."""
        ours = recording.status not in ("noted", "unmatched")  # else the id is the event's own words
        document = {
            "status": recording.status,
            "outcome": recording.type,
            "profile_id": self._hashed(recording.profile_id),
            "decision_id": recording.decision_id if ours else None,
            "action": recording.action,
        }
        self._logger.info("responded", responded=document, request_id=request_id)
        self._counts[_RESPONSES[recording.status]] += 1

    def warning(self, what: str, code: str, *, request_id: str | None = None, **facts: str | None) -> None:
        """Log that something needs attention: a code, and facts that are names of ours."""
        self._logger.warning(what, extra={"code": code, "request_id": request_id, **facts})

    def policy_unread(self, code: str) -> None:
        """Log and count that a look at the policy in force failed."""
        self.warning("policy not read", code)
        self.count("PolicyUnread")

    def _line(self, document: dict[str, Any]) -> str:
        """Return a log line; what looks like personal data in it is counted, and the line withheld."""
        line = json.dumps(document, separators=(",", ":"), default=str)
        hits = detect(line)
        for pattern in hits:
            self._counts[f"Detector.log.{pattern}"] += 1
        if not hits:
            return line
        kept = {name: document.get(name) for name in ("level", "message", "timestamp", "service")}
        return json.dumps({**kept, "withheld": list(hits)}, separators=(",", ":"), default=str)

    def count(self, metric: str, number: int = 1) -> None:
        """Count something, once unless told otherwise."""
        self._counts[metric] += number

    def outbox_age(self, seconds: float) -> None:
        """Note how long ago an action was decided that could not be sent."""
        self._metrics.add_metric("OutboxAge", MetricUnit.Seconds, seconds)

    def crashed(self, error: Exception, *, request_id: str) -> None:
        """Log an error that nobody foresaw: its class and where it was raised, never its text."""
        frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
        self._logger.error(
            "crashed",
            code=error.code if isinstance(error, FunctionsError) else INTERNAL,
            error=type(error).__name__,
            where=[f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames],
            request_id=request_id,
        )
        self._counts["Crashed"] += 1

    def flush(self) -> None:
        """Write the metrics of the invocation as one line of EMF."""
        for name, count in self._counts.items():
            self._metrics.add_metric(name, MetricUnit.Count, count)
        if self._counts:
            self._metrics.flush_metrics()
        self._counts.clear()


class Subsegment(Protocol):
    """A part of a trace, as the SDK of X-Ray has it."""

    def add_fault_flag(self) -> None:
        """Note that it ended in an error."""
        ...


class Recorder(Protocol):
    """What opens parts of a trace, as the SDK of X-Ray has it."""

    def in_subsegment(self, name: str) -> AbstractContextManager[Subsegment | None]:
        """Open one until the context ends; None where nothing is traced."""
        ...


def xray_span(service: str) -> Span:
    """Return what opens subsegments of AWS X-Ray.

    Libraries are not patched: what the SDK then writes of a failed call is the text of its error, and that of a
    model's container may quote the payload.

    Raises:
        SettingsError: The SDK of X-Ray is not installed.
    """
    from aws_lambda_powertools.tracing import Tracer

    try:
        tracer: Any = Tracer(service=service, auto_patch=False)
    except ImportError:
        raise SettingsError(
            "FUNCTIONS_TRACING: the SDK of AWS X-Ray is not installed",
            hint="Add aws-xray-sdk to the bundle, or set FUNCTIONS_TRACING=off.",
        ) from None
    return quiet_span(tracer.provider)


def quiet_span(recorder: Recorder) -> Span:
    """Return what opens subsegments that tell of an error that there was one, and never its text."""

    @contextmanager
    def span(name: str) -> Iterator[Callable[[], None]]:
        opened = recorder.in_subsegment(name=f"## {name}")
        subsegment = opened.__enter__()
        failed = subsegment.add_fault_flag if subsegment is not None else lambda: None
        try:
            yield failed
        except BaseException:
            failed()
            raise
        finally:
            # Not told of the error, which the SDK would write down with its text and its stack.
            opened.__exit__(None, None, None)

    return span
