"""What a policy that is tried in the shadow would have chosen, for the record of what was decided.

It is decided by the state that the decision that counts was decided by, of which it may read other paths. There
is no I/O but for suppression lists and responses, which are asked where the policy names them. Nothing is sent and
nothing is written but that word in the record; whatever goes wrong with it is nothing to the decision. Budgets are not
asked: what another policy would have left in them by then is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from functions.decision.choosing import Against, Decision, choose, deferred, foreclosed
from functions.decision.experiments import OPTIMISED, held_out
from functions.decision.probabilities import seed_of
from functions.decision.rails import Ruling
from functions.documents import Json
from functions.runtime.drafting import Draft, expiry
from functions.runtime.in_force import TriedPlan
from functions.runtime.journal import Journal
from functions.runtime.judging import ReadyRails, facts_of
from functions.runtime.learner import Learner
from functions.runtime.suppression import Suppressions, with_lists
from functions.spec.plan import ActionPlan, Plan
from functions.times import format_instant

NO_OUTPUTS: Final = "shadow.no_outputs"
"""Why it is not known: the model was not asked, and what it says would count."""

FAILED: Final = "shadow.failed"
"""Why it is not known: deciding failed."""

_ELSEWHERE: Final = frozenset({"event.too_old", "event.replayed", "rollout.shadow"})
"""Codes of decisions in which no policy has a say."""


class Shadow:
    """Decides a draft again by a policy that is tried.

    Args:
        rails: Makes the rules of a plan ready.
        learner: Knows what was learned.
        suppressions: Who is on which suppression list.
    """

    def __init__(self, rails: ReadyRails, learner: Learner, suppressions: Suppressions | None) -> None:
        self._rails: Final = rails
        self._learner: Final = learner
        self._suppressions: Final = suppressions

    def of(self, trial: TriedPlan, draft: Draft, journal: Journal, known_as: str) -> Json:
        """Return what the policy would have chosen; None where no policy has a say.

        Args:
            trial: The policy.
            draft: The decision, which stands.
            journal: What else is known of the run.
            known_as: The key of the customer as the event gives it.
        """
        if not draft.cleared or draft.ruling is None or draft.decision.reason.code in _ELSEWHERE:
            return None
        try:
            decision = self._decided(trial, draft, journal, known_as)
        except Exception:  # noqa: BLE001 - whatever a shadow does, the decision that counts is committed
            return {"policy": trial.rollout.hash, "unknown": FAILED}
        if decision is None:
            return {"policy": trial.rollout.hash, "unknown": NO_OUTPUTS}
        return {"policy": trial.rollout.hash, **_document(decision)}

    def _decided(self, trial: TriedPlan, draft: Draft, journal: Journal, known_as: str) -> Decision | None:
        plan = trial.plan
        known = with_lists(draft.snapshot, self._suppressions, plan.policy, (known_as,), draft.now)
        document = self._document(plan, draft)
        facts = facts_of(known, document, draft.now)
        ruling = self._rails.of(plan).judge(facts, expires_at=expiry(plan, draft.event, draft.now))
        if plan.model is not None and not journal.outputs:
            return foreclosed(plan, document, _against(ruling, journal, outputs=False), trial.removed)
        setting = self._learner.setting(
            plan,
            document,
            journal.assignment or OPTIMISED,
            seed=seed_of(draft.decision_id, 0),
            now=draft.now,
        )
        against = _against(ruling, journal)
        return deferred(choose(plan, document, against, trial.removed, setting), ruling)

    def _document(self, plan: Plan, draft: Draft) -> Mapping[str, Json]:
        """Return what the plan reads; of the profile the decision that counts holds only what its own plan does."""
        if set(plan.reads) <= set(draft.plan.reads):
            return draft.document
        return {**draft.document, **self._learner.root(plan, draft.event, draft.snapshot, now=draft.now)}


def _against(ruling: Ruling, journal: Journal, *, outputs: bool = True) -> Against:
    held = held_out(journal.assignment)
    return lambda action: (*held, *ruling.against(action, outputs=outputs))


def _document(decision: Decision) -> Mapping[str, Json]:
    """Return names, codes and numbers: no text that could carry what an expression has read."""
    action: ActionPlan | None = decision.action
    return {
        "outcome": decision.outcome,
        "reason": decision.reason.code,
        "action": action.name if action is not None else None,
        "due": format_instant(decision.due) if decision.due is not None else None,
        "candidates": [
            {
                "action": one.action,
                "verdict": one.verdict,
                "by": one.by,
                "rules": [why.rule for why in one.reasons if why.rule is not None],
                "value": one.value,
                "chance": one.chance,
            }
            for one in decision.candidates
        ],
    }
