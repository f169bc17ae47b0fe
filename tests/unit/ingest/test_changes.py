"""What a payload of each platform asks for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from functions.documents import Json
from functions.errors import (
    EventBlockedIdError,
    EventError,
    EventMalformedError,
    EventWithoutIdError,
    EventWithoutKeyError,
)
from functions.events.envelopes import Delivery
from functions.governance.consent import ConsentRecord
from functions.governance.statements import ConsentSource
from functions.ingest.changes import Changes, read_changes
from functions.ingest.identity import usable_id

NOW = datetime(2026, 11, 2, 9, 15, tzinfo=UTC)
SOURCES = {"marketing": ConsentSource(segment=("Ads",), tealium=("email",), gpc=True)}


def read(body: Json, *, gpc: bool = False) -> Changes:
    return read_changes(Delivery(body, "event", "document"), sources=SOURCES, received_at=NOW, gpc=gpc)


def segment(**fields: Json) -> dict[str, Any]:
    call = {
        "type": "identify",
        "messageId": "m-1",
        "timestamp": NOW.isoformat(),
        "userId": "u",
        "anonymousId": "a",
    }
    return {name: value for name, value in {**call, **fields}.items() if value is not None}


def test_own_record_can_hold_everything_at_once() -> None:
    body = {
        "profile_id": " c-1 ",
        "updated_at": NOW.isoformat(),
        "profile": {"orders": 5},
        "traits": {"plan": "gold"},
        "consent": {"marketing": "granted"},
        "aliases": ["v-1", 42],
    }
    assert read(body) == Changes(
        "record",
        "c-1",
        NOW,
        profile={"orders": 5},
        traits={"plan": "gold"},
        consent={"marketing": ConsentRecord("marketing", "granted", NOW, source="record")},
        aliases=("v-1", "42"),
    )


def test_identify_gives_traits_and_lets_the_anonymous_id_stand_for_the_user() -> None:
    changes = read(segment(traits={"plan": "gold"}))
    assert changes == Changes("event", "u", NOW, traits={"plan": "gold"}, aliases=("a",))


def test_alias_lets_the_previous_id_stand_for_the_user() -> None:
    assert read(segment(type="alias", previousId="old")).aliases == ("old", "a")


def test_an_event_with_an_empty_consent_object_refuses_and_a_record_without_consents_does_not() -> None:
    assert read(segment(context={"consent": {}})).consent["marketing"].status == "denied"
    record: Json = {"profile_id": "c-1", "updated_at": NOW.isoformat(), "consent": {}}
    assert read(record).consent == {}


def test_other_calls_say_nothing_but_consent() -> None:
    said: Json = {"consent": {"categoryPreferences": {}}}
    changes = read(segment(type="track", event="Signed Up", traits={"plan": "gold"}, context=said))
    assert (changes.traits, changes.aliases, changes.profile) == ({}, (), None)
    assert changes.consent == {"marketing": ConsentRecord("marketing", "denied", NOW, source="segment")}


def test_a_missing_consent_object_changes_nothing_and_sec_gpc_denies() -> None:
    assert read(segment()).consent == {}
    assert read(segment(), gpc=True).consent["marketing"].status == "denied"
    assert (
        read(segment(context={"consent": {"marketing": "granted"}}), gpc=True).consent["marketing"].status
        == "denied"
    )


def test_anonymous_call_is_about_the_anonymous_profile() -> None:
    changes = read(segment(userId=None, traits={"plan": "gold"}))
    assert (changes.profile_id, changes.aliases) == ("a", ())


def test_tealium_event_gives_consent_and_an_alias() -> None:
    body = {
        "tealium_event": "login",
        "event_id": "e-1",
        "post_time": int(NOW.timestamp() * 1000),
        "tealium_visitor_id": "v-1",
        "customer_id": "c-1",
        "consent_categories": ["email"],
    }
    changes = read(body)
    assert (changes.profile_id, changes.aliases, changes.profile) == ("c-1", ("v-1",), None)
    assert changes.consent["marketing"] == ConsentRecord("marketing", "granted", NOW, source="tealium")


VISITOR: dict[str, Any] = {
    "properties": {"visitor_id": "v-1", "Favourite colour": "red"},
    "metrics": {"Lifetime visit count": 12},
    "badges": ["Fan"],
}


@pytest.mark.parametrize(
    "body",
    [
        {"visitor": VISITOR, "updated_at": NOW.isoformat()},
        {"visitor": VISITOR, "post_time": int(NOW.timestamp() * 1000)},
        {"visitor": VISITOR, "post_time": str(int(NOW.timestamp() * 1000))},
        {**VISITOR, "updated_at": NOW.isoformat()},
    ],
    ids=["wrapped", "milliseconds", "text of milliseconds", "bare"],
)
def test_visitor_is_a_whole_profile_with_its_names_as_they_are(body: Json) -> None:
    assert read(body) == Changes("tealium-visitor", "v-1", NOW, profile=VISITOR)


REFUSED: list[tuple[str, Json, type[EventError]]] = [
    ("text", "text", EventMalformedError),
    ("record without instant", {"profile_id": "c"}, EventMalformedError),
    ("unknown field", {"profile_id": "c", "updated_at": "2026-11-02", "profil": {}}, EventMalformedError),
    (
        "profile of no object",
        {"profile_id": "c", "updated_at": "2026-11-02", "profile": []},
        EventMalformedError,
    ),
    ("no id", {"profile_id": "", "updated_at": "2026-11-02"}, EventWithoutKeyError),
    ("blocked id", {"profile_id": "NULL", "updated_at": "2026-11-02"}, EventBlockedIdError),
    (
        "blocked alias",
        {"profile_id": "c", "updated_at": "2026-11-02", "aliases": ["0000"]},
        EventBlockedIdError,
    ),
    (
        "too many aliases",
        {"profile_id": "c", "updated_at": "2026-11-02", "aliases": ["a"] * 41},
        EventMalformedError,
    ),
    (
        "consent",
        {"profile_id": "c", "updated_at": "2026-11-02", "consent": {"marketing": 1}},
        EventMalformedError,
    ),
    ("identify without message id", segment(messageId=None), EventWithoutIdError),
    ("blocked user", segment(userId="anonymous"), EventBlockedIdError),
    (
        "blocked anonymous id",
        segment(anonymousId="00000000-0000-0000-0000-000000000000"),
        EventBlockedIdError,
    ),
    ("nobody", segment(userId=None, anonymousId=None), EventWithoutKeyError),
    ("visitor without instant", {"visitor": VISITOR}, EventMalformedError),
    ("visitor without id", {"metrics": {"a": 1}, "updated_at": "2026-11-02"}, EventWithoutKeyError),
]


@pytest.mark.parametrize(("body", "error"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_can_not_be_used_is_refused_with_its_place(body: Json, error: type[EventError]) -> None:
    with pytest.raises(error) as caught:
        read(body)
    assert type(caught.value) is error
    assert "document" in str(caught.value)


BLOCKED = (
    "null",
    "NULL",
    " None ",
    "anonymous",
    "-1",
    "0",
    "0000-0000",
    "undefined",
    "N/A",
    "[object Object]",
    "--",
)


@pytest.mark.parametrize("word", BLOCKED)
def test_words_that_stand_for_no_id_are_refused(word: str) -> None:
    with pytest.raises(EventBlockedIdError):
        usable_id(word, "id")


@pytest.mark.parametrize("word", ["c-0", "10", "user-1", "nullify", "0a"])
def test_ids_that_only_look_a_little_like_them_are_taken(word: str) -> None:
    assert usable_id(word, "id") == word
