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
from functions.profiles.store import Contact
from functions.spec.plan import ActionPlan, Plan

Kept = Callable[[str, str], Contact | None]
"""Given a customer and a decision, returns the contact that the decision made, where it is still kept."""

Version = tuple[Plan, Mapping[str, Reason]]
"""A function with a policy, and the actions that the policy takes away from it, with why."""

Versions = Callable[[Plan, str], Version | None]
"""Gives a function with the policy of a hash, as it was published; None where that is not known."""

OTHER_POLICY: Final = "decided by a spec other than the present one, or by a policy that is not known"
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
        versions: Gives the policies that were in force.
    """

    present: Present | None = None
    earlier: Earlier = lambda _: ()
    kept: Kept = lambda _profile, _decision: None
    versions: Versions = lambda _plan, _hash: None


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


@dataclass(frozen=True, slots=True)
class _Judges:
    """Who decides the decisions of one function and one policy again: as then, and by the draft."""

    check: Judge
    draft: Judge


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
        self._judges: Final[dict[tuple[str, str], _Judges | None]] = {}

    def note(self, one: Recorded) -> None:
        """Take a decision as it was: one before the time that is looked at."""
        self._follow(one, None)

    def take(self, one: Recorded) -> Change:
        """Replay a decision of a function that is among the subjects."""
        before = self._action(one)
        check, is_checked = self._checked(one)
        simulated = self._of(one).draft.judge(one, self._trial)
        if simulated.settled or simulated.unknown is not None:
            self._follow(one, None)
            return Change(one, simulated, before, before, check, is_checked, None)
        self._follow(one, simulated)
        return Change(one, simulated, before, simulated.action, check, is_checked, _cause(one, simulated))

    def _of(self, one: Recorded) -> _Judges:
        """Return who judges by the policy that a decision was made by, or by that of today where it is not known."""
        past = self._subjects[one.function].past
        return self._known(one.function, one.policy) or self._built(one.function, (past, {}))

    def _known(self, function: str, policy: str) -> _Judges | None:
        key = function, policy
        if key not in self._judges:
            past = self._subjects[function].past
            version = (past, {}) if policy == past.bundle.policy else self._history.versions(past, policy)
            self._judges[key] = self._built(function, version) if version is not None else None
        return self._judges[key]

    def _built(self, function: str, version: Version) -> _Judges:
        subject, present = self._subjects[function], self._history.present
        plan, removed = version
        return _Judges(
            Judge(plan, plan, removed, present), Judge(plan, subject.draft, subject.removed, present)
        )

    def _checked(self, one: Recorded) -> tuple[str | None, bool]:
        judges = self._known(one.function, one.policy)
        if judges is None or one.spec != self._subjects[one.function].past.bundle.spec:
            return OTHER_POLICY, False
        again = judges.check.judge(one, self._truth)
        if again.settled:
            return "settled", False
        if again.unknown is not None:
            return again.unknown, False
        return _difference(one, again), True

    def _follow(self, one: Recorded, simulated: Simulated | None) -> None:
        """Let the worlds go on: the one by what was recorded, the other by what the draft does, where that is known."""
        action, kept = self._action(one), self._history.kept(one.profile_id, one.id)
        contact = kept or (contact_of(one.id, action, one.at) if action is not None else None)
        judges = self._of(one) if one.function in self._subjects else None
        if one.action is not None and contact is not None:
            charges = judges.check.charges(action, one.at) if judges and action else ()
            self._truth.act(one.profile_id, contact, charges, one.at)
            if simulated is None:
                charges = judges.draft.charges(action, one.at) if judges and action else ()
                self._trial.act(one.profile_id, contact, charges, one.at)
        if simulated is not None and simulated.action is not None:
            self._act(one, simulated.action, simulated, kept)

    def _act(self, one: Recorded, action: ActionPlan, simulated: Simulated, kept: Contact | None) -> None:
        contact = contact_of(one.id, action, simulated.due or one.at)
        if kept is not None and action.name == one.action:
            contact = replace(contact, status=kept.status)
        self._trial.act(one.profile_id, contact, simulated.charges, one.at)

    def _action(self, one: Recorded) -> ActionPlan | None:
        subject = self._subjects.get(one.function)
        if subject is None or one.action is None:
            return None
        return subject.past.policy.action(one.action) or _unknown_action(one.action)


def _unknown_action(name: str) -> ActionPlan:
    return ActionPlan(name, (), "", None, None, {})


def _difference(one: Recorded, again: Simulated) -> str | None:
    """Return how a decision came out otherwise; None when it is the same to the last bit."""
    chosen = again.action.name if again.action is not None else None
    if chosen != one.action:
        return f"{one.action or DO_NOTHING} was chosen, {chosen or DO_NOTHING} comes out"
    for candidate in again.candidates:
        was = one.candidates.get(candidate.action)
        if was is not None and candidate.as_document() != was.document:
            return f"the same choice, another account of {candidate.action}"
    return None


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
