"""A recorded decision, decided again under another policy, in a world that has gone on under that policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from functions.analysis.evidence import ASKED, Evidence, Witness
from functions.analysis.recorded import OF_THE_POLICY, Recorded
from functions.analysis.world import World
from functions.decision.choosing import Candidate, Decision, choose, reads_outputs, unfit
from functions.decision.facts import Facts
from functions.decision.probabilities import seed_of
from functions.decision.rails import Charge, Rails, Ruling
from functions.decision.reasons import Reason, reason
from functions.decision.selecting import Setting
from functions.documents import Json
from functions.expressions import Expression
from functions.profiles.store import Snapshot
from functions.runtime.committing import MAX_TRIED
from functions.runtime.drafting import ACTION_LIFE
from functions.runtime.root import profile_document
from functions.spec.plan import ActionPlan, Plan
from functions.spec.rails import BudgetRail, rail_applies
from functions.spec.ranking_plan import RankingPlan
from functions.times import format_instant

Present = Callable[[str], Snapshot | None]
"""Gives a customer as of today; None where there is none."""

NO_MODEL: Final = "the model was not asked, and its answer would count"
NO_RECORD: Final = "what it reads of the event or the customer is not recorded"
NO_PROFILE: Final = "the profile is there no more"
NO_BELIEFS: Final = "what was learned by then is not recorded, or not what the draft learns"
NO_CANDIDATE: Final = "an action of the function was no candidate then"


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a policy makes of a recorded decision.

    Attributes:
        action: What it chooses; None for do-nothing, and where it is not known.
        unknown: Why it is not known; None when it is.
        is_present: Whether a profile of today was judged by.
        settled: Whether no policy changes anything about it.
        due: Until when the action waits.
        candidates: What became of each action, and of do-nothing; empty where it was settled or is not known.
        charges: What the action takes from budgets.
    """

    action: ActionPlan | None = None
    unknown: str | None = None
    is_present: bool = False
    settled: bool = False
    due: datetime | None = None
    candidates: tuple[Candidate, ...] = ()
    charges: tuple[Charge, ...] = ()

    def against(self, action: str) -> tuple[Reason, ...]:
        """Return everything that is against an action."""
        return next((one.reasons for one in self.candidates if one.action == action), ())


@dataclass(frozen=True, slots=True)
class _Standing:
    """What is against one action; `open` where something that counts is not known."""

    reasons: tuple[Reason, ...] = ()
    open: str | None = None
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """Where the verdicts about one action come from."""

    eligible: Evidence
    rails: Mapping[str, Evidence] = field(default_factory=dict)

    @property
    def sources(self) -> set[str]:
        return {self.eligible.source, *(one.source for one in self.rails.values())}


class Judge:
    """Decides recorded decisions of one function again.

    Args:
        past: The function with the policy that decisions were made by.
        draft: The same function with the policy to try.
        removed: Actions that the draft takes away, with why.
        present: Gives customers as of today; None when they are not at hand.
    """

    def __init__(
        self,
        past: Plan,
        draft: Plan,
        removed: Mapping[str, Reason] | None = None,
        present: Present | None = None,
    ) -> None:
        self._past, self._draft, self._removed, self._present = past, draft, removed or {}, present
        self._witness: Final = Witness(past, has_profiles=present is not None)
        self._rails: Final[dict[frozenset[str], Rails]] = {}
        self._every: Final = self._without(frozenset())
        self._order: Final = {rail.name: place for place, rail in enumerate(draft.policy.rails)}
        bare = tuple(replace(action, eligible=None) for action in draft.actions)
        # The condition has held, and eligibility is one of the reasons that are given.
        self._bare: Final = replace(draft, when=None, policy=replace(draft.policy, actions=bare))

    def charges(self, action: ActionPlan, at: datetime) -> tuple[Charge, ...]:
        """Return what an action takes from the budgets of the draft."""
        return self._every.charges(action, at)

    def judge(self, one: Recorded, world: World) -> Simulated:
        """Decide again.

        Args:
            one: The decision.
            world: What happened before it.
        """
        if one.is_settled or not self._draft.actions:
            return Simulated(settled=True)
        if any(action.name not in one.candidates for action in self._draft.actions):
            return Simulated(unknown=NO_CANDIDATE)
        known = {action.name: self._known(action, one) for action in self._draft.actions}
        is_present = any("present" in each.sources for each in known.values())
        facts = self._facts(one, world, is_present=is_present)
        if facts is None:
            return Simulated(unknown=NO_PROFILE)
        standing = {name: self._standing(name, one, facts, known[name]) for name in known}
        unknown = self._unknown(one, standing)
        if unknown is not None:
            return Simulated(unknown=unknown)
        return replace(self._decided(one, world, facts, standing), is_present=is_present)

    def _known(self, action: ActionPlan, one: Recorded) -> _Known:
        rails = {
            rail.name: self._witness.of_rail(rail, action, one)
            for rail in self._draft.policy.rails
            if not isinstance(rail, BudgetRail) and rail_applies(rail, action)
        }
        return _Known(self._witness.of_eligibility(action, one), rails)

    def _facts(self, one: Recorded, world: World, *, is_present: bool) -> Facts | None:
        document: dict[str, Json] = {
            "features": dict(one.features), **one.scores, "now": format_instant(one.event_time)
        }  # fmt: skip
        contacts = world.contacts(one.profile_id, one.at)
        if not is_present or self._present is None:
            return Facts(at=one.at, document=document, contacts=contacts)
        snapshot = self._present(one.profile_id)
        if snapshot is None or snapshot.profile_json is None:
            return None
        document["profile"] = profile_document(self._draft.projection, snapshot, now=one.at)
        return Facts(one.at, document, contacts, snapshot.consent, snapshot.lists)

    def _standing(self, name: str, one: Recorded, facts: Facts, known: _Known) -> _Standing:
        action = self._action(name)
        kept = tuple(why for why in one.candidates[name].reasons if why.code not in OF_THE_POLICY)
        unfit = self._eligibility(action, facts, known.eligible)
        said = [each.against for each in known.rails.values() if each.against is not None]
        ruling = self._ruling(
            one, facts, frozenset(rule for rule, each in known.rails.items() if not _asks(each))
        )
        due = ruling.due(action)
        waiting = ruling.waiting(action) if due is not None and (said or unfit or kept) else None
        found = [*said, *ruling.against(action), *([waiting] if waiting is not None and said else [])]
        ruled = sorted(found, key=lambda why: self._order.get(why.rule or "", 0))
        reasons = (*unfit, *kept, *(why for why in ruled if not self._is_budget(why)))
        reasons = (*reasons, *(why for why in ruled if self._is_budget(why)))
        is_open = not reasons and "unknown" in known.sources
        return _Standing(reasons, NO_RECORD if is_open else None, None if reasons else due)

    def _eligibility(self, action: ActionPlan, facts: Facts, known: Evidence) -> tuple[Reason, ...]:
        if known.source == "recorded":
            return (known.against,) if known.against is not None else ()
        if known.source == "unknown":
            return ()
        return unfit(action, facts.document)

    def _ruling(self, one: Recorded, facts: Facts, settled: frozenset[str]) -> Ruling:
        limit = self._draft.max_age
        expires_at = one.event_time + limit if limit is not None else one.at + ACTION_LIFE
        return self._without(settled).judge(facts, expires_at=expires_at)

    def _without(self, settled: frozenset[str]) -> Rails:
        """Return the rules that are asked again, made ready once."""
        found = self._rails.get(settled)
        if found is None:
            found = self._rails[settled] = Rails(
                self._draft.policy,
                reads_outputs=lambda expression: reads_outputs(self._draft, expression),
                only=lambda rail: rail.name not in settled,
            )
        return found

    def _unknown(self, one: Recorded, standing: Mapping[str, _Standing]) -> str | None:
        """Return why it is not known what would be chosen; None when it is."""
        left = [name for name, each in standing.items() if not each.reasons and name not in self._removed]
        if not left:
            return None
        if self._condition_is_open(one):
            return NO_MODEL
        undecided = [name for name in left if standing[name].open is not None]
        if self._goes_by_order(one):
            # Whoever stands behind the first allowed action has no say.
            return standing[left[0]].open if left[0] in undecided else None
        if undecided:
            return standing[undecided[0]].open
        return self._unranked(one, left)

    def _condition_is_open(self, one: Recorded) -> bool:
        when = self._draft.when
        asks = self._draft.model is not None and when is not None and reads_outputs(self._draft, when)
        return asks and not one.asked_model

    def _goes_by_order(self, one: Recorded) -> bool:
        worth = any(action.value or action.chance for action in self._draft.actions)
        return one.assignment.group != "random" and (
            one.assignment.group == "usual" or self._draft.policy.ranking is None or not worth
        )

    def _unranked(self, one: Recorded, left: list[str]) -> str | None:
        ranking = self._draft.policy.ranking
        if one.assignment.group == "random" or ranking is None:
            return None
        if ranking.learning is not None and not self._are_believed(one, ranking):
            return NO_BELIEFS
        worth = [each for name in left for each in _worth(self._action(name))]
        baseline = [each for each in self._draft.baseline.otherwise.values() if isinstance(each, Expression)]
        found = self._witness.of_expressions([*worth, *baseline], one)
        return None if found == ASKED else (NO_RECORD if one.asked_model else NO_MODEL)

    def _are_believed(self, one: Recorded, ranking: RankingPlan) -> bool:
        """Say whether it is recorded what was learned by then, as the draft would have learned it."""
        past = self._past.policy.ranking
        if one.beliefs is None or past is None or past.learning is None or ranking.learning is None:
            return False
        counted = {objective.name: objective.kind for objective in past.objectives}
        return past.learning.half_life == ranking.learning.half_life and all(
            counted.get(objective.name) == objective.kind for objective in ranking.objectives
        )

    def _decided(
        self, one: Recorded, world: World, facts: Facts, standing: Mapping[str, _Standing]
    ) -> Simulated:
        removed, tried = dict(self._removed), list[str]()
        while True:
            decision = self._chosen(one, facts, standing, removed)
            action = decision.action
            if action is None:
                return Simulated(candidates=decision.candidates)
            if action.name not in tried and len(tried) >= MAX_TRIED:
                rest = reason("commit.attempts", tried=str(MAX_TRIED))
                removed |= {each: rest for each in standing if each not in removed}
                continue
            tried = list(dict.fromkeys((*tried, action.name)))
            charges = self._every.charges(action, one.at)
            unpaid = world.unpaid(charges)
            if world.is_full(one.profile_id, one.at):
                removed |= dict.fromkeys(standing, reason("contacts.full"))
            elif unpaid is not None:
                removed[action.name] = unpaid.spent
            else:
                whole = self._action(action.name)
                return Simulated(
                    whole, due=standing[action.name].due, candidates=decision.candidates, charges=charges
                )

    def _chosen(
        self,
        one: Recorded,
        facts: Facts,
        standing: Mapping[str, _Standing],
        removed: Mapping[str, Reason],
    ) -> Decision:
        """Choose among what is left, by what was learned by then and by the number that drew then."""
        seed = seed_of(one.id, len(removed) - len(self._removed))
        setting = Setting(
            self._draft.policy.ranking,
            self._draft.baseline.otherwise,
            one.assignment,
            seed,
            one.beliefs or {},
        )
        return choose(
            self._bare, facts.document, lambda action: standing[action.name].reasons, removed, setting
        )

    def _action(self, name: str) -> ActionPlan:
        return next(action for action in self._draft.actions if action.name == name)

    def _is_budget(self, why: Reason) -> bool:
        place = self._order.get(why.rule or "")
        return place is not None and isinstance(self._draft.policy.rails[place], BudgetRail)


def _asks(known: Evidence) -> bool:
    return known.source in ("asked", "present")


def _worth(action: ActionPlan) -> Iterator[Expression]:
    for each in (*action.value.values(), *action.chance.values(), action.risk):
        if isinstance(each, Expression):
            yield each
