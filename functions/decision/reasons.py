"""Why something happened or did not, as a stable code and a sentence a marketer can read.

The sentences name functions, actions, purposes and expressions, which are the authors' own words, and
never a value of a profile or an event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from functions.documents import Json
from functions.errors import FunctionsError


@dataclass(frozen=True, slots=True)
class Reason:
    """A code and its sentence.

    Attributes:
        code: Stable and dotted.
        text: The sentence.
        rule: Name of the rail that speaks, where one does.
    """

    code: str
    text: str
    rule: str | None = None

    def as_document(self) -> dict[str, Json]:
        """Return the JSON form."""
        return {"code": self.code, "rule": self.rule, "text": self.text}


CONSENT_SENTENCES: Mapping[str, str] = {
    "denied": "the customer said no to {consent}",
    "revoked": "the customer has withdrawn consent to {consent}",
    "unknown": "there is no record that the customer consents to {consent}, and unknown is no",
    "conflict": "the records about consent to {consent} contradict each other, so it counts as no",
    "expired": "the customer's consent to {consent} has expired",
    "not_yet": "the customer's consent to {consent} is dated in the future, so it does not count yet",
}
"""Every verdict that does not pass."""

REASONS: Mapping[str, str] = {
    "action.chosen": "{action} was chosen: {because} and it is the first eligible action.",
    "action.ranked": "{action} was chosen: {because} and of the allowed actions it is worth the most.",
    "action.drawn": "{action} was chosen: {because} and it was drawn, the more likely the more it is worth; "
    "so it is learnt what works.",
    "action.random": "{action} was chosen: {because} and it was drawn at random, since the customer is in the group "
    "for which any allowed action is as likely as the next.",
    "actions.not_worth": "Nothing was done: no allowed action is worth more than doing nothing.",
    "nothing.drawn": "Nothing was done: doing nothing was drawn, so that it is learnt what happens without an action.",
    "experiment.holdout": "Nothing was done: the customer is in the holdout, the small group that gets no action, so "
    "that the effect of all actions can be measured.",
    "condition.false": "Nothing was done: the condition {condition} does not hold.",
    "condition.failed": "Nothing was done: the condition {condition} could not be evaluated, and unknown is no.",
    "actions.none": "Nothing was done: the function declares no action.",
    "actions.not_eligible": "Nothing was done: the customer is not eligible for any of the actions.",
    "actions.ruled_out": "Nothing was done: none of the actions is left. {because}",
    "eligibility.false": "The customer is not eligible for it: the condition {condition} does not hold.",
    "eligibility.unknown": "Whether the customer is eligible for it can't be told, and unknown is no: the condition "
    "{condition} is neither true nor false.",
    "contacts.full": "The contact log of this customer is full.",
    "budget.empty": "The budget {rule} has not enough left. {sentence}",
    "rail.blocked": "The rule {rule} forbids it. {sentence}",
    "rail.unknown": "The rule {rule} can't be judged, because {path} is not known, and unknown is no. {sentence}",
    "commit.attempts": "Not tried: {tried} other actions were refused when they were about to be committed.",
    "action.deferred": "{action} was chosen, and waits until {due}. {sentence}",
    "consent": "Nothing was done for {purpose}: {sentence}.",
    "event.too_old": "Nothing was done: the event is {age} old, and the moment has passed after {limit}.",
    "event.replayed": "Nothing was done: the event was sent again by a replay, which decides and does not act.",
    "event.no_trigger": "The event does not match the trigger of {function}.",
    "rollout.elsewhere": "Not decided here: the customer belongs to the part for which {function} decides.",
    "rollout.shadow": "Nothing was done: the function runs as a shadow of {function}, which decides.",
    "profile.missing": "Nothing was done: there is no profile for this customer.",
    "switch.function_off": "Nothing was done: the function {function} is switched off.",
    "switch.action_off": "An operator has switched the action off.",
    "policy.unavailable": "Which policy is in force could not be read, and unknown is no.",
    "policy.action_gone": "The policy in force no longer has the action.",
    "policy.action_unusable": "The function can't carry out the action as the policy in force describes it.",
    "action.expired": "The action was not sent in time; the moment has passed.",
    "action.awaits_caller": "The action goes back to the page that asks with the same event, and none has asked.",
    "action.no_time": "The action is left to the schedule, so that the next event is decided in time.",
    "score.superseded": "The score was not told: a newer one is stored.",
}
"""Sentence by code; `consent` stands for the codes `consent.<verdict>`."""


def reason(code: str, **parts: str) -> Reason:
    """Build a reason by its code."""
    return Reason(code, REASONS[code].format(**parts))


ELIGIBILITY: Final = ("eligibility.false", "eligibility.unknown")
"""Codes of the condition of an action itself."""


def rail_reason(code: str, rule: str, sentence: str, path: str = "") -> Reason:
    """Build the reason that a rule gives against an action."""
    return Reason(code, REASONS[code].format(rule=rule, sentence=sentence, path=path), rule)


def consent_reason(verdict: str, *, purpose: str, consent: str) -> Reason:
    """Build the reason for a consent check that did not pass."""
    sentence = CONSENT_SENTENCES[verdict].format(consent=consent)
    return Reason(f"consent.{verdict}", REASONS["consent"].format(purpose=purpose, sentence=sentence))


def error_reason(error: FunctionsError) -> Reason:
    """Build the reason for an event that ended in an error."""
    return Reason(error.code, " ".join(_sentence(part) for part in (error.message, error.hint) if part))


def _sentence(text: str) -> str:
    end = "" if text.endswith((".", "?", "!")) else "."
    return f"{text[:1].upper()}{text[1:]}{end}"
