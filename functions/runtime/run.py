"""One function on one event, start to end.

Order: policy in force, trigger, event time, profile key, one consistent read, duplicate, the function's
switch, profile, consent, features, model, age, decide, commit, act, receipt. Nothing is computed for a
model before consent, nothing leaves before the commit.

A replay decides anew, under decision ids of its generation, and withholds the action. Only an event that
nobody has decided about yet, and that is within its `max_age`, is no more than late: it is decided under the
id of a live event, so that neither a late delivery nor another replay can act on it a second time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from functions.decision.choosing import Decision, choose, deferred, foreclosed, suppressed, withheld
from functions.decision.experiments import OPTIMISED, assign, held_out
from functions.decision.probabilities import seed_of
from functions.decision.rails import Ruling
from functions.decision.reasons import Reason, consent_reason, reason
from functions.decision.rollouts import shadow_reason, stands_aside
from functions.documents import Json
from functions.events.dialects import check_calendar, check_time
from functions.events.event import Event
from functions.events.patterns import as_envelope
from functions.events.replays import LIVE
from functions.governance.gate import Clearance, check_consent, clear
from functions.governance.statements import stated
from functions.profiles.feedback import FeedbackRecord
from functions.profiles.store import DecisionRecord, Snapshot
from functions.runtime.after_commit import AfterCommit
from functions.runtime.committing import commit
from functions.runtime.drafting import Draft, expiry
from functions.runtime.features import extract_features
from functions.runtime.identity import MAX_ALIASES, decision_id, profile_key
from functions.runtime.in_force import InForce
from functions.runtime.journal import Journal
from functions.runtime.judging import ReadyRails, facts_of
from functions.runtime.learner import Learner
from functions.runtime.payload import build_payload
from functions.runtime.ports import Ports
from functions.runtime.receipt import Receipt, SentPayload
from functions.runtime.scoring import score
from functions.runtime.shadowing import Shadow
from functions.runtime.stopwatch import Stopwatch
from functions.runtime.suppression import with_lists
from functions.spec.plan import ActionPlan, ModelPlan
from functions.times import format_duration


class Run:
    """One function on one event."""

    def __init__(
        self,
        in_force: InForce,
        event: Event,
        *,
        look: Callable[[], InForce],
        now: datetime,
        generation: int,
        ports: Ports,
        rails: ReadyRails,
        learner: Learner,
    ) -> None:
        self._in_force, self._plan, self._rails = in_force, in_force.plan, rails
        self._event, self._now, self._generation = event, now, generation
        self._ports, self._learner = ports, learner
        self._watch = Stopwatch(ports.monotonic)
        self._id = self._key = ""
        self._withheld: Reason | None = None
        self._look, self._shadowed = look, shadow_reason(self._plan.experiments, self._plan.name)
        self._foreclosed: Decision | None = None
        self._ruling: Ruling | None = None
        self._known: Snapshot | None = None
        self._after = AfterCommit(self._fresh, self._at, self._watch, ports)
        self._shadow = Shadow(rails, learner, ports.suppressions)
        self.journal = Journal(self._plan, event, self._watch, generation)

    def execute(self) -> Receipt:
        """Run the function; errors before the commit are raised."""
        if not self._plan.pattern.matches(as_envelope(self._event)):
            return self.journal.receipt("rejected", reason("event.no_trigger", function=self._plan.name))
        check_calendar(self._event, self._now)
        check_time(self._event, self._now, max_skew=self._ports.event_skew)
        snapshot = self._load()
        if aside := stands_aside(self._plan.experiments, self._plan.name, snapshot.profile_id):
            return self.journal.receipt("rejected", aside)
        if snapshot.decision is not None:
            return self._duplicate(snapshot.decision)
        if self._in_force.off is not None:
            return self._finish(self._uncleared(suppressed(self._plan, self._in_force.off), snapshot))
        if snapshot.profile_json is None and not self._plan.cold_start:
            return self._finish(self._uncleared(suppressed(self._plan, reason("profile.missing")), snapshot))
        clearance = self._check_consent(snapshot, "before_model")
        if isinstance(clearance, Decision):
            return self._finish(self._uncleared(clearance, snapshot))
        document = self._prepare(snapshot)
        if self._plan.model is not None:
            self._invoke(self._plan.model, document, clearance)
        decision = self._decide(document, {})
        return self._finish(self._draft(decision, snapshot, document, cleared=True))

    def _load(self) -> Snapshot:
        self._key = key = profile_key(self._plan, self._event)
        with self._watch.stage("load"):
            snapshot = self._replayed(key) if self._generation else self._read(key, LIVE)
        self._in_force = self._in_force.of(snapshot.profile_id)
        self._plan = self.journal.plan = self._in_force.plan
        self._identify(snapshot)
        if snapshot.profile_json is not None:
            self.journal.profile_bytes = len(snapshot.profile_json)
        self._ports.at_stage("loaded")
        return snapshot

    def _identify(self, snapshot: Snapshot) -> None:
        """Note whose decision it is, and the group of the customer under every id."""
        ids = (self._key, *snapshot.state.known_as)
        self.journal.profile_id = snapshot.profile_id
        self.journal.assignment = assign(self._plan.experiments, snapshot.profile_id, known_as=ids)

    def _replayed(self, key: str) -> Snapshot:
        """Read for an event of a replay, and say whether its action is withheld."""
        if self._plan.max_age is not None and self._too_old() is None:
            live = self._read(key, LIVE)
            if live.decision is None or live.decision.body.get("generation") == self._generation:
                return live
        self._withheld = reason("event.replayed")
        return self._read(key, self._generation)

    def _read(self, key: str, generation: int) -> Snapshot:
        """Read what a decision of a generation needs, and take its identity."""
        # Where one of two functions decides, both would write the same decision, so that only one ever does.
        function = self._plan.experiments.decides_as(self._plan.name)
        self._id = self.journal.decision_id = decision_id(
            function=function, event_id=self._event.id, key=key, generation=generation
        )
        store = self._ports.store
        snapshot = store.load(key, self._id)
        for _ in range(MAX_ALIASES):
            # An earlier decision comes before the alias, and the alias before a profile of the id's own:
            # neither an alias nor a profile that comes later lets an event be decided twice.
            if snapshot.decision is not None or snapshot.stands_for is None:
                break
            snapshot = store.load(snapshot.stands_for, self._id)
        return snapshot

    def _fresh(self) -> InForce:
        """Return what is in force now for the customer."""
        return self._look().of(self.journal.profile_id or "")

    def _at(self) -> datetime:
        """Return decision time and what has passed since: what may run out is asked by it."""
        return self._now + timedelta(seconds=self._watch.elapsed_s())

    def _check_consent(self, snapshot: Snapshot, check: str, *, noted: bool = True) -> Clearance | Decision:
        """Return the clearance, or the decision that stands without one.

        Args:
            snapshot: A read.
            check: Where it is asked.
            noted: Whether the receipt says so, also when it passes.
        """
        checked = check_consent(
            snapshot.consent.get(self._plan.consent),
            check=check,
            purpose=self._plan.purpose,
            consent=self._plan.consent,
            now=self._at(),
            stated=stated(self._event.consent, self._plan.consent, self._plan.consent_source),
        )
        if noted or not checked.passed:
            self.journal.checks.append(checked)
        clearance = clear(checked, self._plan.governance)
        if clearance is not None:
            return clearance
        why = consent_reason(checked.verdict, purpose=checked.purpose, consent=checked.consent)
        return suppressed(self._plan, why)

    def _prepare(self, snapshot: Snapshot) -> dict[str, Json]:
        with self._watch.stage("features"):
            document = self._learner.root(self._plan, self._event, snapshot, now=self._now)
            features = extract_features(self._plan, document, now=self._event.time)
        self.journal.features = features
        document["features"] = dict(features.values)
        self.journal.leaf = self._learner.leaf(self._plan, document)
        self._judge(snapshot, document)
        self._ports.at_stage("prepared")
        return document

    def _invoke(self, model: ModelPlan, document: dict[str, Json], clearance: Clearance) -> None:
        """Add the outputs of the model to the document, unless no action could follow from them."""
        if self._plan.score == "when-actionable":
            self._foreclosed = foreclosed(
                self._plan, document, self._against_before_model, self._in_force.removed
            )
            if self._foreclosed is None and self._withheld is not None:
                self._foreclosed = suppressed(self._plan, self._withheld)
            if self._foreclosed is not None or self._too_old() is not None:
                return
        payload = build_payload(model, self.journal.features.values, clearance)
        text = payload.body.decode()
        self.journal.screen(text, "model")
        with self._watch.stage("connect"):
            adapter = self._ports.model(model)
        labels = tuple(sorted(payload.labels))
        self.journal.payload = SentPayload(payload.content_type, len(payload.body), text, labels)
        with self._watch.stage("model"):
            scored = score(model, adapter, payload, document, inference_id=self._id, ports=self._ports)
        self.journal.call, self.journal.outputs = scored.call, scored.outputs
        if scored.error is not None:
            raise scored.error
        document.update(scored.outputs)
        self._ports.at_stage("invoked")

    def _too_old(self) -> Reason | None:
        limit, age = self._plan.max_age, self._now - self._event.time
        if limit is None or age <= limit:
            return None
        seconds = timedelta(seconds=round(age.total_seconds()))
        return reason("event.too_old", age=format_duration(seconds), limit=format_duration(limit))

    def _decide(self, document: Mapping[str, Json], removed: Mapping[str, Reason]) -> Decision:
        with self._watch.stage("decide"):
            too_old = self._too_old() if self._withheld is None else None
            if too_old is not None:
                decision = suppressed(self._plan, too_old)
            else:
                decision = self._foreclosed or self._choose(document, removed)
            # The age of a replayed event is no news: what would have been chosen is.
            without = self._withheld or self._shadowed
            if without is not None:
                decision = withheld(decision, without)
        self._ports.at_stage("decided")
        return decision

    def _choose(self, document: Mapping[str, Json], removed: Mapping[str, Reason]) -> Decision:
        assignment, seed = self.journal.assignment or OPTIMISED, seed_of(self._id, len(removed))
        setting = self._learner.setting(self._plan, document, assignment, seed=seed, now=self._now)
        self.journal.leaf, self.journal.beliefs = setting.leaf, setting.beliefs if setting.leaf else None
        decision = choose(self._plan, document, self._against, {**removed, **self._in_force.removed}, setting)
        return deferred(decision, self._ruling)

    def _against(self, action: ActionPlan) -> tuple[Reason, ...]:
        ruled = self._ruling.against(action) if self._ruling is not None else ()
        return (*held_out(self.journal.assignment), *ruled)

    def _against_before_model(self, action: ActionPlan) -> tuple[Reason, ...]:
        """Ask the rails alone: the holdout is scored like everybody else, and fails like everybody else."""
        return self._ruling.against(action, outputs=False) if self._ruling is not None else ()

    def _judge(self, snapshot: Snapshot, document: Mapping[str, Json]) -> None:
        """Ask the rails on fresh state; what reads outputs is asked when there are some."""
        marks, policy = self._ports.suppressions, self._plan.policy
        ids = (self._key, *snapshot.state.known_as)
        known = self._known = with_lists(snapshot, marks, policy, ids, self._now)
        self._ruling = self._rails.of(self._plan).judge(
            facts_of(known, document, self._now), expires_at=expiry(self._plan, self._event, self._now)
        )

    def _uncleared(self, decision: Decision, snapshot: Snapshot) -> Draft:
        return self._draft(decision, snapshot, {}, cleared=False)

    def _draft(
        self, decision: Decision, snapshot: Snapshot, document: Mapping[str, Json], *, cleared: bool
    ) -> Draft:
        return Draft(
            plan=self._plan,
            event=self._event,
            now=self._now,
            decision_id=self._id,
            decision=decision,
            snapshot=(self._known or snapshot) if cleared else snapshot,
            document=document,
            cleared=cleared,
            call=self.journal.call,
            ruling=self._ruling if cleared else None,
            known_as=tuple(
                one
                for one in dict.fromkeys((self._key, *snapshot.state.known_as))
                if one != snapshot.profile_id
            ),
            quiet=self._withheld is not None,
        )

    def _finish(self, draft: Draft) -> Receipt:
        """Commit the decision, act, and write the receipt."""
        if draft.cleared:
            # The commit is conditional on the record of this snapshot; whether it has run out is asked here.
            clearance = self._check_consent(
                draft.snapshot, "before_action", noted=draft.decision.action is not None
            )
            draft = self._uncleared(clearance, draft.snapshot) if isinstance(clearance, Decision) else draft
        with self._watch.stage("commit"):
            done = commit(draft, self, self._ports)
        self._ports.at_stage("committed")
        if done.existing is not None:
            return self._duplicate(done.existing)
        action = self._after.act(done.draft)
        self._after.announce(done.draft)
        return self.journal.of_draft(done.draft, action)

    def _duplicate(self, existing: DecisionRecord) -> Receipt:
        """Answer with the first decision; send its action if whoever made it did not get that far."""
        return self.journal.of_duplicate(existing, self._after.resume(existing))

    def redecide(self, draft: Draft, snapshot: Snapshot, removed: Mapping[str, Reason]) -> Draft:
        """Decide again on fresh state; features and outputs stay, the model is not asked twice.

        When the id has become an alias meanwhile, the state is that of the profile which it stands for.
        """
        self._identify(snapshot)
        if not draft.cleared:
            return self._uncleared(draft.decision, snapshot)
        self.journal.first_draw = self.journal.first_draw or draft.decision.draw
        clearance = self._check_consent(snapshot, "before_action")
        if isinstance(clearance, Decision):
            return self._uncleared(clearance, snapshot)
        fresh = self._learner.root(self._plan, self._event, snapshot, now=self._now)
        document = {**fresh, "features": dict(self.journal.features.values), **self.journal.outputs}
        self._judge(snapshot, document)
        return self._draft(self._decide(document, removed), snapshot, document, cleared=True)

    def screen(self, text: str) -> None:
        """Look at a message for what looks like personal data."""
        self.journal.screen(text, "action")

    def record_body(self, draft: Draft) -> dict[str, Json]:
        """Return what the decision keeps."""
        body, tried = self.journal.body(draft), self._in_force.rollout
        seen = self._shadow.of(tried, draft, self.journal, self._key) if tried is not None else None
        return body if seen is None else {**body, "shadow": seen}

    def trial(self, draft: Draft) -> FeedbackRecord | None:
        """Return what the responses to the decision are counted by; what sends nothing has none."""
        without = self._withheld or self._shadowed
        return self._learner.trial(draft, self.journal) if without is None else None
