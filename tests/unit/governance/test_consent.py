"""What a consent record means at an instant, and which forms of it are read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.documents import Json
from functions.governance.consent import (
    CLOCK_SKEW,
    ConsentFormatError,
    ConsentRecord,
    ConsentStatus,
    Verdict,
    parse_consent,
    verdict_at,
)

NOW = datetime(2026, 11, 2, 9, 15, tzinfo=UTC)
TICK = timedelta(microseconds=1)
SECRET = "zoe@mail.example.com"


def record(
    status: ConsentStatus = "granted", at: datetime = NOW, expires_at: datetime | None = None
) -> ConsentRecord:
    return ConsentRecord("marketing", status, at, expires_at)


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        (None, "unknown"),
        (record("unknown"), "unknown"),
        (record("denied"), "denied"),
        (record("revoked"), "revoked"),
        (record("conflict"), "conflict"),
        (record(), "granted"),
        (record(at=NOW - timedelta(days=4000)), "granted"),
        (record(at=NOW + CLOCK_SKEW), "granted"),
        (record(at=NOW + CLOCK_SKEW + TICK), "not_yet"),
        (record(expires_at=NOW + TICK), "granted"),
        (record(expires_at=NOW), "expired"),
        (record(expires_at=NOW - timedelta(days=1)), "expired"),
        (record(at=NOW + timedelta(days=1), expires_at=NOW - TICK), "not_yet"),
        (record("denied", expires_at=NOW - timedelta(days=1)), "denied"),
        (record("revoked", at=NOW + timedelta(days=1)), "revoked"),
    ],
)
def test_record_means_what_it_says_and_only_while_it_is_in_force(
    given: ConsentRecord | None, verdict: Verdict
) -> None:
    assert verdict_at(given, NOW) == verdict


@given(
    st.sampled_from(["granted", "denied", "revoked", "unknown", "conflict"]),
    st.timedeltas(timedelta(days=-10), timedelta(days=10)),
    st.none() | st.timedeltas(timedelta(days=-10), timedelta(days=10)),
)
def test_nothing_but_a_grant_in_force_passes(
    status: ConsentStatus, age: timedelta, left: timedelta | None
) -> None:
    expires_at = None if left is None else NOW + left
    passes = status == "granted" and age <= CLOCK_SKEW and (left is None or left > timedelta(0))
    assert (verdict_at(record(status, NOW + age, expires_at), NOW) == "granted") is passes


def test_status_alone_is_a_record_of_the_default_instant() -> None:
    assert parse_consent({"marketing": "granted"}, default_at=NOW) == {"marketing": record()}


def test_object_gives_every_field() -> None:
    document = {
        "marketing": {
            "purpose": "marketing",
            "status": "revoked",
            "at": "2026-09-30T19:45:00+02:00",
            "expires_at": 1_793_610_900,
            "source": "unsubscribe-link",
            "jurisdiction": "EU",
        }
    }
    assert parse_consent(document, default_at=NOW) == {
        "marketing": ConsentRecord(
            "marketing",
            "revoked",
            datetime(2026, 9, 30, 17, 45, tzinfo=UTC),
            datetime(2026, 11, 2, 9, 15, tzinfo=UTC),
            "unsubscribe-link",
            "EU",
        )
    }


def test_record_as_document_is_read_back_as_it_was() -> None:
    full = ConsentRecord("marketing", "granted", NOW, NOW + timedelta(days=1), "form", "EU")
    for one in (full, record("denied")):
        assert parse_consent({"marketing": one.as_document()}, default_at=NOW) == {"marketing": one}
    assert record().as_document() == {
        "purpose": "marketing",
        "status": "granted",
        "at": "2026-11-02T09:15:00.000Z",
    }


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (SECRET, "consent must be an object keyed by purpose"),
        ([SECRET], "consent must be an object keyed by purpose"),
        (None, "consent must be an object keyed by purpose"),
        (
            {"marketing": SECRET},
            "consent.marketing.status must be one of granted, denied, revoked, unknown, conflict",
        ),
        (
            {"marketing": "Granted"},
            "consent.marketing.status must be one of granted, denied, revoked, unknown, conflict",
        ),
        ({"marketing": True}, "consent.marketing must be a status or an object with a status"),
        ({"marketing": [SECRET]}, "consent.marketing must be a status or an object with a status"),
        (
            {"marketing": {}},
            "consent.marketing.status must be one of granted, denied, revoked, unknown, conflict",
        ),
        (
            {"marketing": {"status": [SECRET]}},
            "consent.marketing.status must be one of granted, denied, revoked, unknown, conflict",
        ),
        (
            {"marketing": {"status": "granted", SECRET: 1}},
            "consent.marketing has fields that are not known: 1",
        ),
        ({"marketing": {"status": "granted", "at": SECRET}}, "consent.marketing.at is no instant"),
        (
            {"marketing": {"status": "granted", "expires_at": True}},
            "consent.marketing.expires_at is no instant",
        ),
        ({"marketing": {"status": "granted", "source": [SECRET]}}, "consent.marketing.source must be text"),
        (
            {"marketing": {"status": "granted", "jurisdiction": 7}},
            "consent.marketing.jurisdiction must be text",
        ),
        (
            {"marketing": {"status": "granted", "purpose": "support"}},
            "consent.marketing.purpose is not the purpose that it stands under",
        ),
        ({SECRET: {"status": "granted", "at": "x"}}, "a consent record.at is no instant"),
    ],
)
def test_other_forms_are_refused_without_repeating_a_value(document: Json, message: str) -> None:
    with pytest.raises(ConsentFormatError) as caught:
        parse_consent(document, default_at=NOW)
    assert str(caught.value) == message
    assert caught.value.__cause__ is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("granted"),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["marketing", "status", "at", "expires_at", "source", ""]), inner
            )
        ),
        max_leaves=8,
    )
)
def test_any_document_is_records_or_a_format_error(document: Json) -> None:
    try:
        records = parse_consent(document, default_at=NOW)
    except ConsentFormatError:
        return
    assert set(records) == set(document)
