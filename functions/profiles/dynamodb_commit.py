"""A commit against DynamoDB: one transaction, and what its refusal means.

The transaction has at most one operation per item: put the decision if it is absent, check the consent
records and the suppression marks, update the state, take from the budget's shard, put the outbox entry, add the
trial. A second delivery is told by the decision that exists, not by `ClientRequestToken`, which answers success
to an identical repeat.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from functions.errors import StoreThrottledError, StoreUnavailableError
from functions.profiles.budgets import BudgetTake
from functions.profiles.conditions import Stored, check_request, entries_of, refusal
from functions.profiles.dynamodb_calls import Answer, DynamoCalls, Patience
from functions.profiles.dynamodb_consents import (
    consent_attribute,
    consent_value,
    consents_of,
    same_consents_expression,
)
from functions.profiles.dynamodb_documents import document_check, document_version
from functions.profiles.dynamodb_expressions import Expression
from functions.profiles.dynamodb_feedback import trial_update
from functions.profiles.dynamodb_items import (
    COMMIT,
    Attribute,
    Item,
    decision_item,
    decision_of,
    key_of,
    number,
    outbox_item,
)
from functions.profiles.dynamodb_keys import CONSENT, STATE, key, shard_key
from functions.profiles.dynamodb_state import (
    StateWrite,
    contacts_left,
    state_expression,
    state_write,
    version_of,
)
from functions.profiles.premises import DocumentCondition
from functions.profiles.rows import as_stored
from functions.profiles.store import CommitRequest, CommitResult

_Part = str
"""`decision`, `consent`, `state`, `trial`, or `mark`, `budget` or `outbox` with a number."""

_Found = Mapping[_Part, Item]
"""The items that conditions failed on; empty where there is none."""

AMOUNT_LEFT: Final = "amount_left"
"""What is left in a shard of a budget, in minor units."""

AMOUNT_LIMIT: Final = "amount_limit"
"""Of which limit the shard has a share."""

_UNCONDITIONAL: Final = ("outbox", "trial")
_JUDGED: Final = frozenset({"None", "ConditionalCheckFailed"})

_ALL_OLD: Final[Mapping[str, Any]] = MappingProxyType({"ReturnValuesOnConditionCheckFailure": "ALL_OLD"})


@dataclass(frozen=True, slots=True)
class _Known:
    """What a refused attempt has taught: the items as they were a moment ago."""

    state: Item | None = None
    consents: Mapping[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit, encoded and checked before the first call.

    Attributes:
        request: As it was asked for.
        token: Marks the decision as written by this commit and no other.
        decision: Its item.
        state: What to write to the state, None for nothing.
        consents: The records that were read, by purpose; None where one was absent.
        outbox: The items of the outbox entries.
        trial: The write that adds its trial, None where it has none.
    """

    request: CommitRequest
    token: str
    decision: Item
    state: StateWrite | None
    consents: Mapping[str, Attribute | None]
    outbox: tuple[Item, ...]
    trial: dict[str, Any] | None


def prepare_commit(table: str, request: CommitRequest, token: str) -> Commit:
    """Check and encode a request.

    Raises:
        StoreRejectedError: It contradicts itself, holds what can't be kept, or an item is too large.
    """
    check_request(request)
    records = {one.purpose: one.record for one in request.consents}
    return Commit(
        request=request,
        token=token,
        decision=decision_item(request.decision, token),
        state=state_write(request.decision.profile_id, request.state) if request.state else None,
        consents={purpose: consent_value(one) if one else None for purpose, one in records.items()},
        outbox=tuple(outbox_item(entry) for entry in entries_of(request)),
        trial=trial_update(table, request.trial) if request.trial is not None else None,
    )


def carry_out(calls: DynamoCalls, commit: Commit) -> CommitResult:
    """Send the transaction until it is answered.

    When an answer is lost, the same transaction is sent again: it either passes, or fails on the decision,
    whose token says whether this commit wrote it. So nothing is written twice, and nothing that was written
    is taken for somebody else's.

    Returns:
        The result; `conflict` also when the items kept changing until the budget of time was used up.

    Raises:
        StoreUnavailableError: No answer in time; the commit may or may not have been carried out.
        ProfileStoreError: As its subclasses say; nothing was written.
    """
    patience, known, in_doubt = calls.patience(), _Known(), False
    while True:
        operations = _operations(calls.table, commit, known)
        try:
            answer = calls.attempt("transact_write_items", TransactItems=list(operations.values()))
            if answer.response is not None:
                return CommitResult("committed")
            found = _found(calls, patience, operations, answer)
        except (StoreThrottledError, StoreUnavailableError) as error:
            in_doubt = in_doubt or isinstance(error, StoreUnavailableError)
            if patience.wait():
                continue
            written = _written(calls, commit, patience) if in_doubt else None
            if written is None:
                raise
            return written
        result = _judged(commit, found)
        if result is not None:
            return result
        if not _goes_on(patience, answer, in_doubt):
            return _given_up(calls, commit, patience, in_doubt)
        known = _learnt(commit, known, found)


def _goes_on(patience: Patience, answer: Answer, in_doubt: bool) -> bool:
    """Say whether to send again: at once with what was learnt, or after a pause if the doubt is our own."""
    if answer.conflict:
        # In doubt, the other transaction may be our own, still on its way.
        return in_doubt and patience.wait()
    return not patience.is_over()


def _given_up(calls: DynamoCalls, commit: Commit, patience: Patience, in_doubt: bool) -> CommitResult:
    if not in_doubt:
        return CommitResult("conflict")
    written = _written(calls, commit, patience)
    if written is None:
        raise StoreUnavailableError(
            f"the profile store {calls.table}: no answer whether a commit was written"
        )
    return written


def _operations(table: str, commit: Commit, known: _Known) -> dict[_Part, dict[str, Any]]:
    request, profile_id = commit.request, commit.request.decision.profile_id
    absent = {"ConditionExpression": "attribute_not_exists(pk)", **_ALL_OLD}
    put = {"TableName": table, "Item": commit.decision, **absent}
    found: dict[_Part, dict[str, Any]] = {"decision": {"Put": put}}
    if request.consents:
        same = same_consents_expression({**commit.consents, **known.consents})
        found["consent"] = {"ConditionCheck": same.request(table, key(profile_id, CONSENT), **_ALL_OLD)}
    for place, mark in enumerate(request.marks):
        found[_mark(place)] = {"ConditionCheck": {**document_check(table, mark), **_ALL_OLD}}
    if commit.state is not None:
        update = state_expression(commit.state, known.state)
        if update.changes:
            found["state"] = {"Update": update.request(table, key(profile_id, STATE), **_ALL_OLD)}
    for place, take in enumerate(request.budgets):
        where = shard_key(take.budget, take.period, take.shard)
        found[_budget(place)] = {"Update": _take(take).request(table, where, **_ALL_OLD)}
    for number_of_entry, item in enumerate(commit.outbox):
        found[f"outbox {number_of_entry}"] = {"Put": {"TableName": table, "Item": item}}
    if commit.trial is not None:
        found["trial"] = {"Update": commit.trial}
    return found


def _mark(place: int) -> _Part:
    return f"mark {place}"


def _budget(place: int) -> _Part:
    return f"budget {place}"


def _take(take: BudgetTake) -> Expression:
    expression = Expression()
    left, amount = expression.name(AMOUNT_LEFT), expression.value(number(take.amount))
    expression.set(AMOUNT_LEFT, f"{left}-{amount}")
    expression.when(f"{left}>={amount}")
    if take.limit is not None:
        expression.when(f"{expression.name(AMOUNT_LIMIT)}={expression.value(number(take.limit))}")
    return expression


def _found(
    calls: DynamoCalls, patience: Patience, operations: Mapping[_Part, dict[str, Any]], answer: Answer
) -> _Found:
    """Return the items that conditions failed on, from the answer or, where it is not enough, read anew.

    All reasons come in one list; only beside a conflict or throttling is the rest not judged.
    """
    reasons = dict(zip(operations, answer.reasons, strict=False))
    failed = [part for part, reason in reasons.items() if reason.code == "ConditionalCheckFailed"]
    if reasons and not failed:
        return {}
    given: dict[_Part, Item | None] = {part: reasons[part].item for part in failed}
    if not reasons or any(reason.code not in _JUDGED for reason in reasons.values()):
        given = dict.fromkeys(part for part in operations if not part.startswith(_UNCONDITIONAL))
    missing = {part: _key(operations[part]) for part, item in given.items() if not item}
    read = calls.read(list(missing.values()), patience) if missing else []
    by_key = {_flat(item): item for item in read}
    return {part: item or by_key.get(_flat(missing[part]), {}) for part, item in given.items()}


def _flat(item: Item) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


def _key(operation: Mapping[str, Any]) -> Item:
    (parameters,) = operation.values()
    return key_of(parameters.get("Item") or parameters["Key"])


def _judged(commit: Commit, found: _Found) -> CommitResult | None:
    """Return the first reason against the commit; None when there is none in what was found."""
    request = commit.request
    decision = found.get("decision")
    if decision and decision.get(COMMIT, {}).get("S") == commit.token:
        return CommitResult("committed")
    state = request.state
    version = state.expected_version or 0 if state else 0
    stored = Stored(
        decision=decision_of(decision) if decision else None,
        consents={one.purpose: as_stored(one.record) for one in request.consents if one.record},
        marks={one.name: _version(found, place, one) for place, one in enumerate(request.marks)},
        version=version,
        budgets_left=tuple(_left(found, place, take) for place, take in enumerate(request.budgets)),
    )
    if "consent" in found:
        stored = replace(stored, consents=consents_of(found["consent"]))
    if commit.state is not None and "state" in found:
        item = found["state"]
        stored = replace(stored, version=version_of(item), contacts=contacts_left(item, commit.state))
    return refusal(request, stored)


def _version(found: _Found, place: int, read: DocumentCondition) -> int:
    """Return the version of a shared document; the one that was read where its condition held."""
    return document_version(found[_mark(place)]) if _mark(place) in found else read.version


def _left(found: _Found, place: int, take: BudgetTake) -> int | None:
    """Return what a shard has left; as much as is asked for where its condition held."""
    if _budget(place) not in found:
        return take.amount
    left, limit = (found[_budget(place)].get(name) for name in (AMOUNT_LEFT, AMOUNT_LIMIT))
    return take.found(int(left["N"]), int(limit["N"]) if limit else None) if left else None


def _learnt(commit: Commit, known: _Known, found: _Found) -> _Known:
    """Return what the next attempt builds on."""
    consents = known.consents
    if "consent" in found:
        # The records that were read, as somebody else spelled them.
        item = found["consent"]
        spelled = {one.purpose: item.get(consent_attribute(one.purpose)) for one in commit.request.consents}
        consents = {purpose: value for purpose, value in spelled.items() if value is not None}
    return _Known(state=found.get("state", known.state), consents=consents)


def _written(calls: DynamoCalls, commit: Commit, patience: Patience) -> CommitResult | None:
    """Look once for the decision after a lost answer; None when it is not there or nobody answers."""
    try:
        items = calls.read([key_of(commit.decision)], patience)
    except (StoreThrottledError, StoreUnavailableError):
        return None
    return _judged(commit, {"decision": items[0]}) if items else None
