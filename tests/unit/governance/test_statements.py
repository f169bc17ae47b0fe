"""What an event's own consent object says, in the words of each platform."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.documents import Json
from functions.governance.consent import (
    ConsentFormatError,
    ConsentRecord,
    ConsentStatus,
    Verdict,
    verdict_at,
)
from functions.governance.consent_section import ConsentSection
from functions.governance.gate import check_consent
from functions.governance.statements import (
    ConsentSource,
    source_document,
    source_from,
    stated,
    stated_records,
)

NOW = datetime(2026, 11, 2, 9, 15, tzinfo=UTC)
SOURCE = ConsentSource(segment=("Advertising", "Email"), tealium=("Display Ads",), gpc=True)

SAID: list[tuple[Mapping[str, Json] | None, ConsentStatus | None]] = [
    (None, None),
    ({}, "denied"),
    ({"categoryPreferences": None}, None),
    ({"categoryPreferences": {}}, "denied"),
    ({"categoryPreferences": {"Advertising": True}}, "denied"),
    ({"categoryPreferences": {"Advertising": True, "Email": False}}, "denied"),
    ({"categoryPreferences": {"Advertising": True, "Email": True, "Other": False}}, "granted"),
    ({"categoryPreferences": {"Advertising": "true", "Email": True}}, "unknown"),
    ({"categoryPreferences": ["Advertising", "Email"]}, "unknown"),
    ({"consent_categories": []}, "denied"),
    ({"consent_categories": ["email"]}, "denied"),
    ({"consent_categories": ["email", "display_ads"]}, "granted"),
    ({"consent_categories": "Email, Display Ads"}, "granted"),
    ({"consent_categories": {"Display Ads": True}}, "unknown"),
    ({"consent_categories": [True]}, "unknown"),
    ({"marketing": "granted"}, "granted"),
    ({"marketing": {"status": "revoked", "at": "2026-11-01"}}, "revoked"),
    ({"marketing": "yes"}, "unknown"),
    ({"marketing": None}, None),
    ({"analytics": "denied"}, None),
    ({"marketing": "granted", "consent_categories": []}, "conflict"),
    ({"marketing": "granted", "consent_categories": ["display_ads"]}, "granted"),
    ({"marketing": "revoked", "consent_categories": []}, "revoked"),
    ({"categoryPreferences": {"Advertising": True, "Email": True}, "consent_categories": []}, "conflict"),
    ({"gpc": True}, "denied"),
    ({"gpc": "1"}, "denied"),
    ({"gpc": 1}, "denied"),
    ({"gpc": "true"}, "denied"),
    ({"gpc": " TRUE "}, "denied"),
    ({"gpc": False}, None),
    ({"gpc": "0"}, None),
    ({"gpc": 0}, None),
    ({"gpc": "false"}, None),
    ({"gpc": None}, None),
    ({"gpc": "yes"}, "unknown"),
    ({"gpc": [True]}, "unknown"),
    ({"gpc": True, "marketing": "granted"}, "denied"),
    ({"gpc": True, "marketing": "revoked"}, "revoked"),
]


@pytest.mark.parametrize(("document", "status"), SAID, ids=lambda value: str(value)[:70])
def test_every_mapped_category_must_be_granted_and_nothing_is_said_by_silence(
    document: Mapping[str, Json] | None, status: ConsentStatus | None
) -> None:
    assert stated(document, "marketing", SOURCE) == status


def test_platform_says_nothing_about_a_consent_that_it_has_no_word_for() -> None:
    everything: Json = {"categoryPreferences": {}, "consent_categories": [], "gpc": True}
    assert stated(everything, "marketing", ConsentSource()) is None
    assert stated(everything, "marketing", ConsentSource(segment=("Email",))) == "denied"


STORED: dict[str, ConsentRecord | None] = {
    "granted": ConsentRecord("marketing", "granted", NOW - timedelta(days=1)),
    "granted later": ConsentRecord("marketing", "granted", NOW + timedelta(minutes=1)),
    "denied": ConsentRecord("marketing", "denied", NOW - timedelta(days=1)),
    "revoked later": ConsentRecord("marketing", "revoked", NOW + timedelta(minutes=1)),
    "expired": ConsentRecord("marketing", "granted", NOW - timedelta(days=2), expires_at=NOW),
    "none": None,
}
STRICTEST: list[tuple[str, ConsentStatus | None, Verdict]] = [
    ("granted", None, "granted"),
    ("granted", "granted", "granted"),
    ("granted", "denied", "denied"),
    ("granted", "revoked", "revoked"),
    ("granted", "unknown", "unknown"),
    ("granted", "conflict", "conflict"),
    ("granted later", "denied", "denied"),
    ("granted later", None, "granted"),
    ("denied", None, "denied"),
    ("denied", "granted", "denied"),
    ("revoked later", "granted", "revoked"),
    ("revoked later", "denied", "revoked"),
    ("expired", "granted", "expired"),
    ("none", "granted", "unknown"),
    ("none", "denied", "unknown"),
    ("none", None, "unknown"),
]


@pytest.mark.parametrize(("stored", "said", "verdict"), STRICTEST)
def test_the_strictest_of_record_and_event_counts(
    stored: str, said: ConsentStatus | None, verdict: Verdict
) -> None:
    checked = check_consent(
        STORED[stored], check="before_model", purpose="retention", consent="marketing", now=NOW, stated=said
    )
    assert (checked.verdict, checked.passed) == (verdict, verdict == "granted")


_STATUS = st.sampled_from(("granted", "denied", "revoked", "unknown", "conflict"))
_PREFERENCES = st.dictionaries(st.sampled_from(("Advertising", "Email", "Other")), st.booleans() | st.text())
_DOCUMENT = st.fixed_dictionaries(
    {},
    optional={
        "categoryPreferences": _PREFERENCES | st.none() | st.text(),
        "consent_categories": st.lists(st.sampled_from(("display_ads", "email"))) | st.integers(),
        "gpc": st.booleans(),
        "marketing": _STATUS | st.text(),
    },
)


@given(document=st.none() | _DOCUMENT, status=st.none() | _STATUS)
def test_no_event_ever_opens_what_the_record_closes(
    document: Mapping[str, Json] | None, status: ConsentStatus | None
) -> None:
    record = None if status is None else ConsentRecord("marketing", status, NOW)
    said = stated(document, "marketing", SOURCE)
    passed = check_consent(
        record, check="before_model", purpose="retention", consent="marketing", now=NOW, stated=said
    ).passed
    assert passed == (verdict_at(record, NOW) == "granted" and said in (None, "granted"))


def test_an_event_makes_a_record_of_every_consent_that_it_speaks_about() -> None:
    sources = {
        "marketing": SOURCE,
        "analytics": ConsentSource(segment=("Analytics",)),
        "ads": ConsentSource(),
    }
    said: Json = {"categoryPreferences": {"Analytics": True}, "tcf": {"string": "CPX"}}
    assert stated_records(said, sources, at=NOW, said_by="segment") == {
        "analytics": ConsentRecord("analytics", "granted", NOW, source="segment"),
        "marketing": ConsentRecord("marketing", "denied", NOW, source="segment"),
    }


def test_our_own_form_keeps_what_a_record_says_of_itself() -> None:
    said: Json = {
        "ads": {"status": "granted", "at": "2026-11-01T00:00:00Z", "source": "centre"},
        "mail": "denied",
    }
    assert stated_records(said, {}, at=NOW, said_by="web.shop") == {
        "ads": ConsentRecord("ads", "granted", datetime(2026, 11, 1, tzinfo=UTC), source="centre"),
        "mail": ConsentRecord("mail", "denied", NOW, source="web.shop"),
    }


def test_a_contradiction_is_kept_as_a_conflict_and_a_silent_event_makes_no_record() -> None:
    said: Json = {"marketing": "granted", "consent_categories": []}
    assert stated_records(said, {"marketing": SOURCE}, at=NOW, said_by="t")["marketing"].status == "conflict"
    assert stated_records(None, {"marketing": SOURCE}, at=NOW, said_by="t") == {}
    assert stated_records({}, {"ads": ConsentSource()}, at=NOW, said_by="t") == {}


def test_an_empty_object_refuses_what_a_platform_has_words_for() -> None:
    """A platform that lists what was granted, and lists nothing, was granted nothing."""
    assert stated_records({}, {"marketing": SOURCE, "ads": ConsentSource()}, at=NOW, said_by="t") == {
        "marketing": ConsentRecord("marketing", "denied", NOW, source="t")
    }
    assert stated({}, "marketing", ConsentSource(gpc=True)) is None


@pytest.mark.parametrize(
    "said",
    [
        {"categoryPreferences": 1},
        {"consent_categories": 1},
        {"marketing": "SECRET"},
        {"A B SECRET": "granted"},
        {"ads": {"status": "granted", "at": "SECRET"}},
    ],
    ids=str,
)
def test_what_can_not_be_read_makes_no_record_and_is_not_repeated(said: Json) -> None:
    with pytest.raises(ConsentFormatError) as caught:
        stated_records(said, {"marketing": SOURCE}, at=NOW, said_by="t")
    assert "SECRET" not in str(caught.value)


def test_a_section_of_the_contract_becomes_a_source_and_survives_the_artefact() -> None:
    document: Json = {"segment": ["Advertising", "Email"], "tealium": ["Display Ads"], "gpc": "denies"}
    section = ConsentSection.model_validate(document)
    assert section.source() == SOURCE
    assert source_from(source_document(SOURCE)) == SOURCE
    assert ConsentSection.model_validate({}).source() == ConsentSource()
