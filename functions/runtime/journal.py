"""What one run gathers on its way, and the receipts that are made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from functions.decision.choosing import Drawn
from functions.decision.experiments import Assignment
from functions.decision.posteriors import Beliefs, beliefs_document
from functions.decision.reasons import Reason, error_reason
from functions.documents import Json
from functions.errors import EventError, FeatureError, FunctionsError, PayloadBlockedError
from functions.events.event import Event
from functions.events.replays import LIVE
from functions.governance.detector import Hit, detect
from functions.governance.gate import ConsentCheck
from functions.profiles.store import DecisionRecord
from functions.runtime.drafting import Draft
from functions.runtime.features import FeatureSet
from functions.runtime.receipt import ActionTaken, ModelCall, Outcome, Receipt, SentPayload
from functions.runtime.stopwatch import Stopwatch
from functions.spec.plan import Plan

NO_CALL = ModelCall("none", "none", "none", 0.0, 0)
"""The call of a run in which the model was not asked."""


@dataclass(slots=True)
class Journal:
    """The facts of one run so far; every receipt of the run says what is known at that point."""

    plan: Plan
    event: Event
    watch: Stopwatch
    generation: int = LIVE
    decision_id: str | None = None
    profile_id: str | None = None
    profile_bytes: int | None = None
    checks: list[ConsentCheck] = field(default_factory=list)
    features: FeatureSet = field(default_factory=lambda: FeatureSet({}, {}))
    payload: SentPayload | None = None
    hits: list[Hit] = field(default_factory=list)
    call: ModelCall = NO_CALL
    outputs: Mapping[str, Json] = field(default_factory=dict)
    assignment: Assignment | None = None
    leaf: str | None = None
    first_draw: Drawn | None = None
    beliefs: Beliefs | None = None

    def receipt(self, outcome: Outcome, why: Reason) -> Receipt:
        """Return the receipt of an event about which nothing was decided."""
        event = self.event
        return Receipt(
            function=self.plan.name,
            outcome=outcome,
            reason=why,
            bundle=self.plan.bundle,
            decision_id=self.decision_id,
            event_id=event.id,
            event_name=event.name,
            event_time=event.time,
            generation=self.generation,
            profile_id=self.profile_id,
            profile_bytes=self.profile_bytes,
            read_paths=tuple(path for path in self.plan.reads if _is_of_profile(path)),
            features=self.features.values,
            imputed=self.features.imputed,
            consent=tuple(self.checks),
            exceptions=self.plan.governance.exceptions,
            detector=tuple(self.hits),
            payload=self.payload,
            model=self.call if self.plan.model is not None else None,
            scores=self.outputs,
            assignment=self.assignment,
            segment=self.leaf,
            timings_ms=self.watch.timings(),
        )

    def of_error(self, error: FunctionsError) -> Receipt:
        """Return the receipt of an event that ended in an error before anything was kept."""
        if isinstance(error, EventError):
            return self.receipt("rejected", error_reason(error))
        unusable = {}
        if isinstance(error, FeatureError) and error.feature is not None:
            unusable = {error.feature: error.state}
        receipt = self.receipt("failed", error_reason(error))
        return replace(receipt, retryable=error.retryable, unusable=unusable)

    def screen(self, text: str, where: str) -> None:
        """Look at what is about to leave for what looks like personal data.

        Raises:
            PayloadBlockedError: It does, and the contract says to block it.
        """
        found = [Hit(where, pattern) for pattern in detect(text)]
        self.hits += [hit for hit in found if hit not in self.hits]
        if found and self.plan.governance.on_hit == "block":
            names = ", ".join(hit.pattern for hit in found)
            raise PayloadBlockedError(
                f"what was to leave for the {where} looks like personal data ({names})",
                hint="the data contract blocks it; see what the features read",
            )

    def of_draft(self, draft: Draft, action: ActionTaken | None) -> Receipt:
        """Return the receipt of a decision that was committed."""
        decision = draft.decision
        return replace(
            self.receipt(decision.outcome, decision.reason),
            first_draw=self.first_draw if self.first_draw != decision.draw else None,
            candidates=decision.candidates,
            action=action,
            write_back=draft.write_back,
        )

    def of_duplicate(self, existing: DecisionRecord, action: ActionTaken | None) -> Receipt:
        """Return the receipt of an event that was decided before."""
        body = existing.body
        why = body.get("reason") or {}
        return replace(
            self.receipt("duplicate", Reason(existing.reason, str(why.get("text", "")))),
            original_outcome=existing.outcome,
            action=action,
            scores=body.get("scores") or {},
        )

    def body(self, draft: Draft) -> dict[str, Json]:
        """Return what a decision keeps: the receipt without the payload, its action still queued.

        Without consent it keeps nothing that was computed, also when consent went after the computing.
        """
        action = draft.decision.action
        queued = ActionTaken(action.name, action.channel, "queued", draft.decision_id) if action else None
        receipt = self.of_draft(draft, queued)
        if not draft.cleared:
            receipt = replace(
                receipt, features={}, imputed={}, scores={}, segment=None, first_draw=None, detector=()
            )
        document = receipt.as_document()
        del document["payload"], document["timings_ms"]
        if draft.cleared and self.beliefs is not None:
            # What was drawn by, so that the draw can be done again.
            document["beliefs"] = beliefs_document(self.beliefs)
        return document


def _is_of_profile(path: str) -> bool:
    return path == "profile" or path.startswith(("profile.", "profile["))
