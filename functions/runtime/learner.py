"""What a runtime does about learning: beliefs before a decision, a trial with it, responses on the profile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from functions.decision.evaluating import evaluate
from functions.decision.experiments import Assignment
from functions.decision.posteriors import Beliefs
from functions.decision.ranking import DO_NOTHING
from functions.decision.selecting import Setting
from functions.documents import Json
from functions.errors import ProfileStoreError
from functions.events.event import Event
from functions.learning.counting import BeliefCache
from functions.learning.responses import read_responses
from functions.learning.trials import Trial, lessons_of, trial_record
from functions.profiles.feedback import FeedbackRecord, FeedbackStore
from functions.profiles.store import Snapshot
from functions.runtime.drafting import Draft
from functions.runtime.journal import Journal
from functions.runtime.root import root_document
from functions.spec.plan import Plan
from functions.spec.ranking_plan import LearningPlan

OTHER: Final = "other"
"""The segment of customers for whom none can be told."""

_MAX_LEAF: Final = 100


class Learner:
    """Stands between a runtime and the store of feedback; without one it learns nothing.

    Beliefs keep no decision back: what can't be read is not believed. Propensities stay exact, since they are
    what was drawn from.
    """

    def __init__(self, feedback: FeedbackStore | None, monotonic: Callable[[], float]) -> None:
        self._feedback = feedback
        self._cache = BeliefCache(feedback, monotonic) if feedback is not None else None

    def setting(
        self,
        plan: Plan,
        document: Mapping[str, Json],
        assignment: Assignment,
        *,
        seed: float,
        now: datetime,
    ) -> Setting:
        """Return what the best of the allowed actions is selected by."""
        leaf = self.leaf(plan, document)
        beliefs = self._beliefs(plan, leaf, now) if leaf is not None else {}
        return Setting(plan.policy.ranking, plan.baseline.otherwise, assignment, seed, beliefs, leaf)

    def leaf(self, plan: Plan, document: Mapping[str, Json]) -> str | None:
        """Return the segment of a customer; None where nothing is learned."""
        ranking = plan.policy.ranking
        return leaf_of(plan, document) if ranking is not None and ranking.learning is not None else None

    def _beliefs(self, plan: Plan, leaf: str, now: datetime) -> Beliefs:
        ranking = plan.policy.ranking
        if self._cache is None or ranking is None or ranking.learning is None:
            return {}
        half_lives = {one.name: ranking.learning.half_life for one in ranking.objectives}
        names = [action.name for action in plan.actions]
        try:
            return self._cache.read(plan.name, leaf, names, half_lives, now=now)
        except ProfileStoreError:
            return {}

    def root(self, plan: Plan, event: Event, snapshot: Snapshot, *, now: datetime) -> dict[str, Json]:
        """Build the root document, with the last responses where the function reads them.

        Raises:
            ProfileStoreError: The store failed.
        """
        document = root_document(plan, event, snapshot, now=now)
        responses = self.responses(plan, snapshot)
        if responses is not None:
            document["profile"]["responses"] = responses
        return document

    def responses(self, plan: Plan, snapshot: Snapshot) -> dict[str, Json] | None:
        """Return the last responses of a customer; None where the function reads none.

        Raises:
            ProfileStoreError: The store failed; a complaint that can't be read must not pass for none.
        """
        return last_responses(self._feedback, plan, snapshot)

    def trial(self, draft: Draft, journal: Journal) -> FeedbackRecord | None:
        """Return the trial of a decision that waits for responses, to be written with it or not at all.

        It teaches only where chance has chosen for a customer for whom the ranking would choose. Whom a
        condition, a rail or the usual order chose for, is another population: its trial is kept so that
        groups can be compared, and nothing is learned from it.
        """
        if self._feedback is None or not draft.cleared or not is_measured(draft.plan):
            return None
        ranking = draft.plan.policy.ranking
        learning = ranking.learning if ranking is not None else None
        drawn = draft.decision.drawn
        lessons = {}
        if drawn and ranking is not None and learning is not None:
            lessons = lessons_of(ranking.objectives, learning.half_life)
        action = draft.decision.action
        trial = Trial(
            profile_id=draft.snapshot.profile_id,
            decision_id=draft.decision_id,
            function=draft.plan.name,
            action=action.name if action is not None else DO_NOTHING,
            group=journal.assignment.group if journal.assignment is not None else "optimised",
            leaf=journal.leaf or OTHER,
            decided_at=draft.now,
            closes_at=draft.now + (learning or LearningPlan()).window,
            lessons=lessons,
            drawn=drawn,
        )
        return trial_record(trial, due_at=trial.closes_at if lessons else None)


def is_measured(plan: Plan) -> bool:
    """Say whether responses to the decisions of a function are of interest."""
    experiments = plan.experiments
    return plan.policy.ranking is not None or experiments.holdout is not None or bool(experiments.experiments)


def leaf_of(plan: Plan, document: Mapping[str, Json]) -> str:
    """Return the segment of a customer, as text."""
    segment = plan.baseline.segment
    value = evaluate(segment, document) if segment is not None else None
    if isinstance(value, bool | int | float | str):
        return str(value)[:_MAX_LEAF]
    return OTHER


def last_responses(feedback: FeedbackStore | None, plan: Plan, snapshot: Snapshot) -> dict[str, Json] | None:
    """Return the last responses of a customer; None where they are not kept, or the function reads none.

    Raises:
        ProfileStoreError: The store failed.
    """
    if feedback is None or not any(_is_of_responses(path) for path in plan.reads):
        return None
    return read_responses(feedback, snapshot.profile_id, *snapshot.state.known_as)


def _is_of_responses(path: str) -> bool:
    return path in ("profile", "profile.responses") or path.startswith("profile.responses.")
