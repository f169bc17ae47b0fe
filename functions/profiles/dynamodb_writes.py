"""Writes of the PROFILE item: a whole profile in one conditional put, traits on what was read.

Every write marks the item with a token of its own. A write that builds on what it read is conditional on the
token that it saw, so that of two at once one comes second and looks again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from functions.documents import Json
from functions.errors import StoreContendedError, StoreRejectedError
from functions.profiles.dynamodb_calls import DynamoCalls
from functions.profiles.dynamodb_expressions import Expression
from functions.profiles.dynamodb_items import Item
from functions.profiles.dynamodb_keys import PROFILE, key
from functions.profiles.dynamodb_profiles import (
    TRAITS_WRITTEN_AT,
    WRITE,
    WRITTEN_AT,
    profile_item,
    profile_json,
)
from functions.profiles.traits import NEVER, StoredProfile, newest_trait, patched, replaced

_ALL_OLD: Final = "ALL_OLD"


def write_whole(
    calls: DynamoCalls,
    profile_id: str,
    document: Mapping[str, Json],
    at: str,
    *,
    new_token: Callable[[], str],
) -> bool:
    """Replace a profile; False when the stored one is newer.

    Nothing is read, but where traits are stored that are newer than the profile.

    Raises:
        ProfileStoreError: As its subclasses say; so for every function below.
    """
    token = new_token()
    item = profile_item(profile_id, document, at, traits_at=newest_trait(document), write=token)
    expression, moment = Expression(), {"S": at}
    written, traits = expression.name(WRITTEN_AT), expression.name(TRAITS_WRITTEN_AT)
    expression.when(f"attribute_not_exists({written}) OR {written}<={expression.value(moment)}")
    expression.when(f"attribute_not_exists({traits}) OR {traits}<{expression.value(moment)}")
    refused = _put(calls, item, expression, token)
    if refused is None:
        return True
    if refused.get(WRITTEN_AT, {}).get("S", "") > at:
        return False
    return _swap(calls, profile_id, lambda stored: (replaced(stored, document, at), at), new_token=new_token)


def write_traits(
    calls: DynamoCalls, profile_id: str, traits: Mapping[str, Json], at: str, *, new_token: Callable[[], str]
) -> bool:
    """Write traits; False when something newer is known of each."""
    return _swap(
        calls,
        profile_id,
        lambda stored: (patched(stored, traits, at), stored.updated_at if stored else NEVER),
        new_token=new_token,
    )


_Change = Callable[[StoredProfile | None], tuple[Mapping[str, Json] | None, str]]
"""From what is stored to what shall be, None for no change, with the instant of the whole profile."""


def _swap(calls: DynamoCalls, profile_id: str, change: _Change, *, new_token: Callable[[], str]) -> bool:
    patience = calls.patience()
    while True:
        found = calls.read([key(profile_id, PROFILE)], patience)
        before = found[0] if found else None
        document, at = change(_stored(before))
        if document is None:
            return False
        token = new_token()
        item = profile_item(profile_id, document, at, traits_at=newest_trait(document), write=token)
        if _put(calls, item, _unchanged(before), token) is None:
            return True
        if not patience.wait():
            raise StoreContendedError(f"the profile store {calls.table}: others wrote the profile each time")


def _put(calls: DynamoCalls, item: Item, expression: Expression, token: str) -> Item | None:
    """Put an item; None when it was written, also by an attempt whose answer was lost."""
    request: dict[str, Any] = {"TableName": calls.table, "Item": item, **expression.parameters()}
    answer = calls.insist("put_item", **request, ReturnValuesOnConditionCheckFailure=_ALL_OLD)
    if answer.response is not None:
        return None
    stored = answer.reasons[0].item or {}
    return None if stored.get(WRITE, {}).get("S") == token else stored


def _unchanged(before: Item | None) -> Expression:
    """Return the condition that nobody wrote since the item was read."""
    expression = Expression()
    if before is None:
        expression.when("attribute_not_exists(pk)")
        return expression
    for attribute in (WRITE, WRITTEN_AT):
        name = expression.name(attribute)
        stored = before.get(attribute)
        same = f"{name}={expression.value(stored)}" if stored else f"attribute_not_exists({name})"
        expression.when(same)
    return expression


def _stored(item: Item | None) -> StoredProfile | None:
    if item is None:
        return None
    if WRITTEN_AT not in item:
        raise StoreRejectedError("the profile is written by somebody else, so no trait can be put into it")
    return StoredProfile(item[WRITTEN_AT]["S"], profile_json(item))
