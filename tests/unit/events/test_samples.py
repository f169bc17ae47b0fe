"""The sample files tell one fact in every envelope and dialect."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from functions.events.event import Event
from functions.events.patterns import as_envelope, compile_pattern
from functions.events.reading import Parsed, read_events

SAMPLES = Path(__file__).parents[3] / "events"
RECEIVED = datetime(2026, 11, 2, 9, 15, 1, tzinfo=UTC)
HAPPENED = datetime(2026, 11, 2, 9, 15, tzinfo=UTC)


def parsed(name: str) -> Parsed:
    (only,) = read_events((SAMPLES / name).read_bytes(), received_at=RECEIVED)
    return only


def event(name: str) -> Event:
    return parsed(name).value()


@pytest.mark.parametrize(
    ("name", "envelope", "position", "event_id", "source"),
    [
        ("envelope-sqs.json", "sqs", "Records[0].body", "sqs-cancel-0042", "shop.web"),
        ("envelope-sns.json", "sns", "Records[0].Sns.Message", "sns-cancel-0042", "shop.web"),
        ("envelope-kinesis.json", "kinesis", "Records[0].kinesis.data", "kinesis-cancel-0042", "shop.web"),
        ("envelope-http-v2.json", "http", "body", "http-cancel-0042", "shop.web"),
        ("segment-page.json", "event", "document", "ajs-next-1793610900000-cancel-0042", "segment"),
        ("tealium-event.json", "event", "document", "0192e9c1-cancel-0042", "tealium"),
    ],
)
def test_a_sample_is_the_page_view_of_the_cancellation_page(
    name: str, envelope: str, position: str, event_id: str, source: str
) -> None:
    found = parsed(name)
    read = found.value()
    assert (found.envelope, found.position) == (envelope, position)
    assert (read.id, read.source, read.name) == (event_id, source, "page_view")
    assert (read.user_id, read.anonymous_id, read.time) == ("customer-0042", "visitor-7f3a", HAPPENED)
    assert read.properties["page_type"] == "cancellation"


@pytest.mark.parametrize(
    "name",
    [
        "envelope-sqs.json",
        "envelope-sns.json",
        "envelope-kinesis.json",
        "envelope-http-v2.json",
        "segment-page.json",
        "tealium-event.json",
    ],
)
def test_one_pattern_matches_the_fact_in_every_form(name: str) -> None:
    pattern = compile_pattern(
        {"detail-type": ["page_view"], "detail": {"properties": {"page_type": ["cancellation"]}}}
    )
    assert pattern.matches(as_envelope(event(name)))


def test_the_stream_sample_says_which_attributes_changed_and_holds_none_of_them() -> None:
    read = event("envelope-dynamodb-stream.json")
    assert read.id == "dynamodb:c4ca4238a0b923820dcc509a6f75849b"
    assert (read.name, read.type, read.source) == ("profile_changed", "change", "aws.dynamodb")
    assert (read.user_id, read.time) == ("customer-0042", HAPPENED)
    assert read.properties == {"change": "MODIFY", "changed": ["last_page_type", "visits"]}
    assert "9007199254740994" not in str(read.as_document())


def test_the_segment_sample_keeps_its_page_traits_and_consent() -> None:
    read = event("segment-page.json")
    assert (read.properties["name"], read.properties["category"]) == ("Cancel subscription", "Account")
    assert read.traits == {"plan": "premium"}
    assert read.consent == {
        "categoryPreferences": {"Advertising": False, "Analytics": True, "Functional": True}
    }


def test_the_tealium_sample_keeps_its_attributes_page_and_consent() -> None:
    read = event("tealium-event.json")
    assert (read.properties["order_total"], read.properties["ut.version"]) == (
        "34.98",
        "ut4.0.202611020900",
    )
    assert read.context["page"]["path"] == "/account/cancel"
    assert read.consent == {"consent_categories": ["analytics", "email", "personalization"]}
