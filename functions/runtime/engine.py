"""The runtime: one event, start to end.

Order: trigger, event time, profile key, one consistent read, duplicate, age, profile, consent, features,
model, decide, commit, act, receipt. Nothing is computed for a model before consent, nothing leaves before
the commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from functions.decision.choosing import Decision, choose, never_eligible, suppressed
from functions.decision.reasons import Reason, consent_reason, error_reason, reason
from functions.documents import Json
from functions.errors import EventError, EventWithoutKeyError, FunctionsError
from functions.events.dialects import check_time
from functions.events.event import Event
from functions.events.patterns import as_envelope
from functions.governance.gate import Clearance, ConsentCheck, check_consent, clear
from functions.profiles.store import DecisionRecord, OutboxEntry, Snapshot
from functions.runtime.acting import Performed, perform
from functions.runtime.committing import Draft, commit
from functions.runtime.features import FeatureSet, extract_features
from functions.runtime.identity import decision_id
from functions.runtime.payload import build_payload
from functions.runtime.ports import Ports
from functions.runtime.receipt import ActionTaken, ModelCall, Receipt, SentPayload
from functions.runtime.root import root_document
from functions.runtime.scoring import score
from functions.runtime.stopwatch import Stopwatch
from functions.spec.plan import ChannelPlan, Plan
from functions.times import format_duration

_NO_MODEL = ModelCall("none", "none", "none", 0.0, 0)


class Runtime:
    """Runs plans on events."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def handle(self, plan: Plan, event: Event, *, now: datetime, generation: int = 0) -> Receipt:
        """Run one function on one event.

        Args:
            plan: The function.
            event: The event.
            now: Decision time.
            generation: 0 for live events; a replay has its own, so that it decides anew.

        Returns:
            The receipt; errors of the event, of a feature and of a dependency become outcomes in it.
        """
        run = _Run(plan, event, now=now, generation=generation, ports=self._ports)
        try:
            return run.execute()
        except EventError as error:
            return run.receipt("rejected", error_reason(error))
        except FunctionsError as error:
            return run.receipt("failed", error_reason(error), retryable=error.retryable)

    def redrive(
        self, channels: Mapping[str, ChannelPlan], *, now: datetime, limit: int = 100
    ) -> Sequence[tuple[OutboxEntry, Performed | None]]:
        """Send what is due in the outbox, after age and consent were checked again.

        Args:
            channels: Where the channels of the entries are found.
            now: Time of the act.
            limit: Entries at the most.

        Returns:
            Every due entry with how far it got; None where somebody else holds it.
        """
        entries = self._ports.store.outbox(due_before=max(now, self._ports.wall()), limit=limit)
        return [
            (
                entry,
                perform(
                    entry.profile_id,
                    entry.decision_id,
                    channels=channels,
                    now=now,
                    ports=self._ports,
                    recheck=True,
                ),
            )
            for entry in entries
        ]


class _Run:
    """One function on one event; gathers what the receipt will say."""

    def __init__(self, plan: Plan, event: Event, *, now: datetime, generation: int, ports: Ports) -> None:
        self.plan, self.event, self.now, self.ports = plan, event, now, ports
        self._generation = generation
        self._watch = Stopwatch(ports.monotonic)
        self._id: str | None = None
        self._profile_id: str | None = None
        self._profile_bytes: int | None = None
        self._checks: list[ConsentCheck] = []
        self._features = FeatureSet({}, {})
        self._payload: SentPayload | None = None
        self._call = _NO_MODEL
        self._outputs: Mapping[str, Json] = {}

    def execute(self) -> Receipt:
        if not self.plan.pattern.matches(as_envelope(self.event)):
            return self.receipt("rejected", reason("event.no_trigger", function=self.plan.name))
        check_time(self.event, self.now, max_skew=self.ports.event_skew)
        snapshot = self._load()
        if snapshot.decision is not None:
            return self._duplicate(snapshot.decision)
        if snapshot.profile_json is None and not self.plan.cold_start:
            return self._finish(suppressed(self.plan, reason("profile.missing")), snapshot, {}, None)
        checked = self._check_consent(snapshot, "before_model")
        clearance = clear(checked)
        if clearance is None:
            why = consent_reason(checked.verdict, purpose=checked.purpose, consent=checked.consent)
            return self._finish(suppressed(self.plan, why), snapshot, {}, None)
        document = self._prepare(snapshot)
        self._invoke(document, clearance)
        decision = self._decide(document)
        return self._finish(decision, snapshot, document, clearance)

    def _load(self) -> Snapshot:
        key = _profile_key(self.plan, self.event)
        self._id = decision_id(
            function=self.plan.name, event_id=self.event.id, key=key, generation=self._generation
        )
        store = self.ports.store
        with self._watch.stage("load"):
            snapshot = store.load(key, self._id)
            if snapshot.profile_json is None:
                resolved = store.resolve_alias(key)
                snapshot = store.load(resolved, self._id) if resolved is not None else snapshot
        self._profile_id = snapshot.profile_id
        self._profile_bytes = len(snapshot.profile_json) if snapshot.profile_json is not None else None
        self.ports.at_stage("loaded")
        return snapshot

    def _check_consent(self, snapshot: Snapshot, check: str) -> ConsentCheck:
        checked = check_consent(
            snapshot.consent.get(self.plan.consent),
            check=check,
            purpose=self.plan.purpose,
            consent=self.plan.consent,
            now=self.now,
        )
        self._checks.append(checked)
        return checked

    def _prepare(self, snapshot: Snapshot) -> dict[str, Json]:
        with self._watch.stage("features"):
            document = root_document(self.event, snapshot, now=self.now)
            self._features = extract_features(self.plan, document, now=self.event.time)
            document["features"] = dict(self._features.values)
        self.ports.at_stage("prepared")
        return document

    def _invoke(self, document: dict[str, Json], clearance: Clearance) -> None:
        model = self.plan.model
        if model is None or self._id is None or self._model_is_spared(document):
            return
        payload = build_payload(model, self._features.values, clearance)
        self._payload = SentPayload(payload.content_type, len(payload.body), payload.body.decode())
        with self._watch.stage("connect"):
            adapter = self.ports.model(model)
        with self._watch.stage("model"):
            scored = score(model, adapter, payload, document, inference_id=self._id, ports=self.ports)
        self._call, self._outputs = scored.call, scored.outputs
        document.update(scored.outputs)
        self.ports.at_stage("invoked")

    def _model_is_spared(self, document: Mapping[str, Json]) -> bool:
        if self.plan.score == "always":
            return False
        return self._too_old() is not None or never_eligible(self.plan, document)

    def _too_old(self) -> Reason | None:
        limit, age = self.plan.max_age, self.now - self.event.time
        if limit is None or age <= limit:
            return None
        seconds = timedelta(seconds=round(age.total_seconds()))
        return reason("event.too_old", age=format_duration(seconds), limit=format_duration(limit))

    def _decide(self, document: Mapping[str, Json], removed: Mapping[str, Reason] | None = None) -> Decision:
        with self._watch.stage("decide"):
            too_old = self._too_old()
            decision = suppressed(self.plan, too_old) if too_old else choose(self.plan, document, removed)
        self.ports.at_stage("decided")
        return decision

    def _finish(
        self,
        decision: Decision,
        snapshot: Snapshot,
        document: dict[str, Json],
        clearance: Clearance | None,
    ) -> Receipt:
        """Commit the decision, act, and write the receipt."""
        with self._watch.stage("commit"):
            done = commit(self._draft(decision, snapshot, document, clearance), self, self.ports)
        self.ports.at_stage("committed")
        if done.existing is not None:
            return self._duplicate(done.existing)
        final = done.draft.decision
        action = None
        if final.action is not None:
            action = self._act(done.draft)
        return self.receipt(
            final.outcome,
            final.reason,
            decision=final,
            action=action,
            write_back=done.draft.write_back,
        )

    def _draft(
        self,
        decision: Decision,
        snapshot: Snapshot,
        document: Mapping[str, Json],
        clearance: Clearance | None,
    ) -> Draft:
        return Draft(
            plan=self.plan,
            event=self.event,
            now=self.now,
            decision_id=self._id or "",
            decision=decision,
            snapshot=snapshot,
            document=document,
            cleared=clearance is not None,
            call=self._call,
            outputs=self._outputs,
        )

    def redecide(self, draft: Draft, snapshot: Snapshot, removed: Mapping[str, Reason]) -> Draft:
        """Decide again on fresh state; features and outputs stay, the model is not asked twice."""
        if not draft.cleared:
            return self._draft(draft.decision, snapshot, draft.document, None)
        checked = self._check_consent(snapshot, "before_action")
        clearance = clear(checked)
        if clearance is None:
            why = consent_reason(checked.verdict, purpose=checked.purpose, consent=checked.consent)
            return self._draft(suppressed(self.plan, why), snapshot, draft.document, None)
        fresh = root_document(self.event, snapshot, now=self.now)
        document = {**fresh, "features": dict(self._features.values), **self._outputs}
        return self._draft(self._decide(document, removed), snapshot, document, clearance)

    def record_body(self, draft: Draft) -> dict[str, Json]:
        """Return the receipt as the decision keeps it: without the payload, the action still queued."""
        action = draft.decision.action
        queued = ActionTaken(action.name, action.channel, "queued", draft.decision_id) if action else None
        body = self.receipt(
            draft.decision.outcome,
            draft.decision.reason,
            decision=draft.decision,
            action=queued,
            write_back=draft.write_back,
        ).as_document()
        del body["payload"], body["timings_ms"]
        return body

    def _act(self, draft: Draft) -> ActionTaken:
        with self._watch.stage("act"):
            performed = perform(
                draft.snapshot.profile_id,
                draft.decision_id,
                channels=self.plan.channels,
                now=self.now,
                ports=self.ports,
                recheck=False,
            )
        if performed is not None:
            return performed.as_action()
        # Somebody else took the entry between the commit and here, and will finish it.
        action = draft.decision.action
        name, channel = (action.name, action.channel) if action else ("", "")
        return ActionTaken(name, channel, "queued", draft.decision_id)

    def _duplicate(self, existing: DecisionRecord) -> Receipt:
        """Answer with the first decision; send its action if whoever made it did not get that far."""
        store = self.ports.store
        action: ActionTaken | None = None
        entry = store.outbox_entry(existing.profile_id, existing.id)
        if entry is not None:
            performed = None
            if entry.status == "reserved" and entry.due_at <= self.ports.wall():
                performed = perform(
                    existing.profile_id,
                    existing.id,
                    channels=self.plan.channels,
                    now=self.now,
                    ports=self.ports,
                    recheck=True,
                )
            action = performed.as_action() if performed else _as_kept(entry)
        why = existing.body["reason"]
        return self.receipt(
            "duplicate",
            Reason(why["code"], why["text"]),
            action=action,
            original_outcome=existing.outcome,
            scores=existing.body.get("scores", {}),
        )

    def receipt(
        self,
        outcome: str,
        why: Reason,
        *,
        decision: Decision | None = None,
        action: ActionTaken | None = None,
        write_back: Mapping[str, Json] | None = None,
        original_outcome: str | None = None,
        scores: Mapping[str, Json] | None = None,
        retryable: bool = False,
    ) -> Receipt:
        event = self.event
        return Receipt(
            function=self.plan.name,
            outcome=outcome,  # type: ignore[arg-type]  # checked where outcomes are made
            reason=why,
            bundle=self.plan.bundle,
            decision_id=self._id,
            original_outcome=original_outcome,
            event_id=event.id,
            event_name=event.name,
            event_time=event.time,
            profile_id=self._profile_id,
            profile_bytes=self._profile_bytes,
            read_paths=tuple(path for path in self.plan.reads if path.startswith("profile")),
            features=self._features.values,
            imputed=self._features.imputed,
            consent=tuple(self._checks),
            payload=self._payload,
            model=self._call if self.plan.model is not None else None,
            scores=self._outputs if scores is None else scores,
            candidates=decision.candidates if decision else (),
            action=action,
            write_back=write_back or {},
            timings_ms=self._watch.timings(),
            retryable=retryable,
        )


def _profile_key(plan: Plan, event: Event) -> str:
    try:
        key = plan.key.evaluate({"event": event.as_document()})
    except (ValueError, TypeError, ArithmeticError, RecursionError) as error:
        raise EventWithoutKeyError(f"the profile key failed on this event ({type(error).__name__})") from None
    if not isinstance(key, str) or not 1 <= len(key) <= 256:
        raise EventWithoutKeyError(
            f"the profile key {plan.key.source} gives no text of 1 to 256 characters for this event",
            hint="send the ids that the key reads",
        )
    return key


def _as_kept(entry: OutboxEntry) -> ActionTaken:
    delivery = {"sent": "sent", "released": "none", "reserved": "queued"}[entry.status]
    return ActionTaken(
        entry.action,
        entry.channel,
        delivery,  # type: ignore[arg-type]  # the values of the table above
        entry.decision_id,
        entry.note,
    )
