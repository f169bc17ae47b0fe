"""A decision as a log has it, read back: what is known of it, and nothing that is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from functions.decision.experiments import OPTIMISED, Assignment
from functions.decision.posteriors import Beliefs, beliefs_from
from functions.decision.reasons import ELIGIBILITY, Reason
from functions.documents import Json
from functions.times import parse_instant

OF_THE_POLICY: Final = frozenset(
    {
        "rail.blocked", "rail.unknown", "budget.empty", "contacts.full", "commit.attempts",
        *ELIGIBILITY, "policy.action_gone", "policy.action_unusable",
    }
)  # fmt: skip
"""Codes of reasons that another policy may not give; every other one stands whatever the policy says."""

SETTLED_FIRST: Final = ("condition.false", "condition.failed", "actions.none")
"""Codes of decisions that ended before any rule was asked."""


@dataclass(frozen=True, slots=True)
class PastCandidate:
    """What became of one action.

    Attributes:
        document: As it was recorded.
        verdict: `chosen`, `vetoed` or `outranked`.
        reasons: Everything that was against it.
    """

    document: Mapping[str, Json]
    verdict: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A decision of the past.

    Attributes:
        id: Its id.
        function: Which function.
        profile_id: About whom.
        at: Decision time.
        event_time: When the event happened.
        spec: Hash of the spec that decided.
        policy: Hash of the policy that was in force.
        code: Code of the reason.
        action: What was chosen; None for do-nothing.
        features: Features; empty without consent.
        scores: Outputs of the model; empty when it was not asked.
        asked_model: Whether outputs were asked for.
        assignment: The group of the customer.
        candidates: By action.
        replayed: Whether a replay made it.
        beliefs: What was learned by then of the actions; None where that is not recorded.
    """

    id: str
    function: str
    profile_id: str
    at: datetime
    event_time: datetime
    spec: str
    policy: str
    code: str
    action: str | None
    features: Mapping[str, Json]
    scores: Mapping[str, Json]
    asked_model: bool
    assignment: Assignment
    candidates: Mapping[str, PastCandidate]
    replayed: bool
    beliefs: Beliefs | None = None

    @property
    def is_settled(self) -> bool:
        """Whether no policy could have changed it: it ended before the rules, or for another reason than they."""
        if self.code in SETTLED_FIRST:
            return True
        return bool(self.candidates) and all(
            any(why.code not in OF_THE_POLICY for why in one.reasons) for one in self.candidates.values()
        )


def read_recorded(document: Mapping[str, Any]) -> Recorded:
    """Read a decision as `functions decisions export` writes it.

    Raises:
        ValueError: It is none.
    """
    try:
        return _read(document)
    except (KeyError, TypeError, AttributeError):
        raise ValueError("no recorded decision") from None


def _read(document: Mapping[str, Any]) -> Recorded:
    action, experiment, model = document["action"], document.get("experiment"), document.get("model")
    candidates = [one for one in document["candidates"] if one["action"] != "do-nothing"]
    texts = {
        "id": document["decision_id"],
        "function": document["function"],
        "profile_id": document["profile_id"],
        "spec": document["bundle"]["spec"],
        "policy": document["bundle"]["policy"],
        "code": document["reason"]["code"],
    }
    if not all(isinstance(text, str) and text for text in texts.values()):
        raise ValueError("no recorded decision")
    return Recorded(
        **texts,
        at=parse_instant(document["decided_at"]),
        event_time=parse_instant(document["event"]["time"]),
        action=str(action["name"]) if document["outcome"] == "acted" else None,
        features=dict(document["features"]),
        scores=dict(document["scores"]),
        asked_model=model is not None and model["rung"] != "none",
        assignment=_assignment(experiment),
        candidates={str(one["action"]): _candidate(one) for one in candidates},
        replayed="generation" in document,
        beliefs=beliefs_from(document["beliefs"]) if "beliefs" in document else None,
    )


def _assignment(experiment: Mapping[str, Any] | None) -> Assignment:
    if experiment is None:
        return OPTIMISED
    if experiment["group"] not in ("holdout", "random", "usual", "optimised"):
        raise ValueError("no group of customers")
    return Assignment(experiment["group"], experiment["experiment"], experiment["bucket"])


def _candidate(one: Mapping[str, Any]) -> PastCandidate:
    reasons = (Reason(str(why["code"]), str(why["text"]), why["rule"]) for why in one["reasons"])
    return PastCandidate(one, str(one["verdict"]), tuple(reasons))
