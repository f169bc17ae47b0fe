"""Recorded decisions under another policy, one after the other, and what would have changed, in numbers.

Two worlds go side by side. In the one everything happens as recorded, and the policy of then must give every
recorded choice again: the check of the method. In the other one the draft decides, and what it does is what its
own caps and budgets count from there on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from functions.analysis.deciding import Judge, Present, Simulated
from functions.analysis.recorded import Recorded
from functions.analysis.world import Earlier, World, contact_of
from functions.decision.ranking import DO_NOTHING
from functions.decision.reasons import Reason
from functions.documents import Json
from functions.profiles.store import Contact
from functions.spec.plan import ActionPlan, Plan

Kept = Callable[[str, str], Contact | None]
"""Given a customer and a decision, returns the contact that the decision made, where it is still kept."""

OTHER_POLICY: Final = "decided by another policy or spec than the present one"
BY_CHOICE: Final = "the choice among what is allowed"


@dataclass(frozen=True, slots=True)
class Subject:
    """One function, as it is and as it would be.

    Attributes:
        past: With the policy of today.
        draft: With the policy to try.
        removed: Actions that the draft takes away, with why.
    """

    past: Plan
    draft: Plan
    removed: Mapping[str, Reason]


@dataclass(frozen=True, slots=True)
class History:
    """What is known besides the decisions.

    Attributes:
        present: Gives customers as of today; None when they are not at hand.
        earlier: Gives contacts that no recorded decision made.
        kept: Gives the contact of a decision.
    """

    present: Present | None = None
    earlier: Earlier = lambda _: ()
    kept: Kept = lambda _profile, _decision: None


@dataclass(frozen=True, slots=True)
class Change:
    """One decision, before and after.

    Attributes:
        recorded: As it was.
        simulated: As it would be.
        before: What was done.
        after: What would be done; the same where that is not known.
        check: What the check of the method found: None where the recorded choice came out again, `settled`
            where there was nothing to choose, or why it did not, or could not be checked.
        is_checked: Whether it could be checked.
        rule: What made the difference; None without one.
    """

    recorded: Recorded
    simulated: Simulated
    before: ActionPlan | None
    after: ActionPlan | None
    check: str | None
    is_checked: bool
    rule: str | None


class Simulation:
    """Replays decisions in order of time.

    Args:
        subjects: By the name of the function.
        history: What is known besides.
    """

    def __init__(self, subjects: Mapping[str, Subject], history: History) -> None:
        self._subjects, self._history = subjects, history
        self._truth: Final = World(history.earlier)
        self._trial: Final = World(history.earlier)
        present = history.present
        self._checks: Final = {
            name: Judge(one.past, one.past, present=present) for name, one in subjects.items()
        }
        self._drafts: Final = {
            name: Judge(one.past, one.draft, one.removed, present) for name, one in subjects.items()
        }

    def note(self, one: Recorded) -> None:
        """Take a decision as it was: one before the time that is looked at."""
        self._follow(self._truth, one, self._checks)
        self._follow(self._trial, one, self._drafts)

    def take(self, one: Recorded) -> Change:
        """Replay a decision of a function that is among the subjects."""
        before = self._action(one)
        check, is_checked = self._checked(one)
        self._follow(self._truth, one, self._checks)
        simulated = self._drafts[one.function].judge(one, self._trial)
        if simulated.settled or simulated.unknown is not None:
            self._follow(self._trial, one, self._drafts)
            return Change(one, simulated, before, before, check, is_checked, None)
        after = simulated.action
        if after is not None:
            self._act(one, after, simulated)
        return Change(one, simulated, before, after, check, is_checked, _cause(one, simulated))

    def _checked(self, one: Recorded) -> tuple[str | None, bool]:
        past = self._subjects[one.function].past
        if (one.policy, one.spec) != (past.bundle.policy, past.bundle.spec):
            return OTHER_POLICY, False
        again = self._checks[one.function].judge(one, self._truth)
        if again.settled:
            return "settled", False
        if again.unknown is not None:
            return again.unknown, False
        return _difference(one, again, past), True

    def _act(self, one: Recorded, action: ActionPlan, simulated: Simulated) -> None:
        contact = contact_of(one.id, action, simulated.due or one.at)
        kept = self._history.kept(one.profile_id, one.id) if action.name == one.action else None
        if kept is not None:
            contact = replace(contact, status=kept.status)
        self._trial.act(one.profile_id, contact, simulated.charges, one.at)

    def _follow(self, world: World, one: Recorded, judges: Mapping[str, Judge]) -> None:
        """Let a world do what was recorded; an action that nobody knows any more is taken from the log."""
        if one.action is None:
            return
        action, kept = self._action(one), self._history.kept(one.profile_id, one.id)
        contact = kept or (contact_of(one.id, action, one.at) if action is not None else None)
        charges = judges[one.function].charges(action, one.at) if action and one.function in judges else ()
        if contact is not None:
            world.act(one.profile_id, contact, charges, one.at)

    def _action(self, one: Recorded) -> ActionPlan | None:
        subject = self._subjects.get(one.function)
        if subject is None or one.action is None:
            return None
        return subject.past.policy.action(one.action) or _unknown_action(one.action)


def _unknown_action(name: str) -> ActionPlan:
    return ActionPlan(name, (), "", None, None, {})


def _difference(one: Recorded, again: Simulated, past: Plan) -> str | None:
    """Return how a decision came out otherwise; None when it is the same to the last bit."""
    chosen = again.action.name if again.action is not None else None
    if chosen != one.action:
        return f"{one.action or DO_NOTHING} was chosen, {chosen or DO_NOTHING} comes out"
    learned = past.policy.ranking is not None and past.policy.ranking.learning is not None
    for candidate in again.candidates:
        was = one.candidates.get(candidate.action)
        if was is not None and _view(candidate.as_document(), learned) != _view(was.document, learned):
            return f"the same choice, another account of {candidate.action}"
    return None


def _view(document: Mapping[str, Json], learned: bool) -> Mapping[str, Json]:
    # What was learned by then is not kept, so that values can't be computed again.
    return {name: document[name] for name in ("action", "verdict", "reasons")} if learned else dict(document)


def _cause(one: Recorded, simulated: Simulated) -> str | None:
    """Return what made the difference: the first rule that takes the action, or that gives way to another."""
    after = simulated.action.name if simulated.action is not None else None
    if after == one.action:
        return None
    for reasons in (
        simulated.against(one.action) if one.action is not None else (),
        one.candidates[after].reasons if after is not None and after in one.candidates else (),
    ):
        if reasons:
            return reasons[0].rule or reasons[0].code
    return BY_CHOICE
