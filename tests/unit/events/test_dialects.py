"""Producers' dialects become one canonical event; what is missing or wrong is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.documents import Json
from functions.errors import (
    EventEnvelopeError,
    EventFromFutureError,
    EventMalformedError,
    EventWithoutIdError,
)
from functions.events.dialects import check_time, to_event
from functions.events.envelopes import Delivery
from functions.events.event import Event

RECEIVED = datetime(2026, 11, 2, 9, 20, tzinfo=UTC)
HAPPENED = datetime(2026, 11, 2, 9, 15, tzinfo=UTC)


def read(body: Json, *, source: str | None = None, detail_type: str | None = None) -> Event:
    return to_event(Delivery(body, "event", "at", source, detail_type), received_at=RECEIVED)


def canonical(**fields: Json) -> dict[str, Json]:
    return {"id": "e-1", "name": "page_view", "time": "2026-11-02T09:15:00Z", **fields}


def segment(kind: str = "track", **fields: Json) -> dict[str, Json]:
    call = {"type": kind, "messageId": "m-1", "timestamp": "2026-11-02T09:15:00Z", **fields}
    return {"event": "Order Completed", **call} if kind == "track" else call


def tealium(**fields: Json) -> dict[str, Json]:
    udo = {"tealium_event": "page_view"}
    return {
        "event_id": "t-1",
        "visitor_id": "v-1",
        "post_time": 1793610900000,
        "data": {"udo": udo},
        **fields,
    }


def flat(**fields: Json) -> dict[str, Json]:
    return {"event_id": "t-1", "tealium_event": "page_view", "post_time": 1793610900000, **fields}


def test_a_canonical_event_is_read_field_by_field() -> None:
    body = canonical(
        type="page",
        source="shop.web",
        user_id=" c-1 ",
        anonymous_id="",
        properties={"a": 1},
        traits={"b": 2},
        context={"c": 3},
        consent={"d": 4},
    )
    assert read(body) == Event(
        id="e-1",
        name="page_view",
        type="page",
        time=HAPPENED,
        source="shop.web",
        user_id="c-1",
        anonymous_id=None,
        properties={"a": 1},
        traits={"b": 2},
        context={"c": 3},
        consent={"d": 4},
        raw=body,
    )


def test_a_canonical_event_takes_name_and_source_from_the_bus_only_where_it_has_none() -> None:
    bare = {"id": "e-1", "time": "2026-11-02T09:15:00Z"}
    from_bus = read(bare, source="bus.source", detail_type="bus_name")
    own = read(canonical(source="own"), source="bus.source", detail_type="bus_name")
    assert (from_bus.name, from_bus.source) == ("bus_name", "bus.source")
    assert (own.name, own.source) == ("page_view", "own")
    assert read(canonical()).source == "unknown"


texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp")), min_size=1, max_size=20)
labels = texts.map(str.strip).filter(bool)
objects = st.dictionaries(texts, st.none() | st.booleans() | st.integers() | texts, max_size=3)


@given(
    st.builds(
        Event,
        id=labels,
        name=labels,
        type=labels | st.just("track"),
        time=st.datetimes(timezones=st.just(UTC)).map(
            lambda t: t.replace(microsecond=t.microsecond // 1000 * 1000)
        ),
        source=labels,
        user_id=st.none() | labels,
        anonymous_id=st.none() | labels,
        properties=objects,
        traits=objects,
        context=objects,
        consent=st.none() | objects,
        raw=objects,
    )
)
def test_the_canonical_form_is_read_back_as_the_same_event(event: Event) -> None:
    assert read(event.as_document()) == event


def test_an_event_read_twice_keeps_its_producer_s_payload() -> None:
    first = read(segment(userId="u-1"))
    assert read(first.as_document()).raw == first.raw == segment(userId="u-1")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("track", "Order Completed"),
        ("page", "page_view"),
        ("screen", "screen_view"),
        ("identify", "identify"),
        ("group", "group"),
        ("alias", "alias"),
    ],
)
def test_a_segment_call_is_named_by_its_kind(kind: str, name: str) -> None:
    event = read(segment(kind, userId="u-1", anonymousId="a-1"))
    assert (event.name, event.type, event.source) == (name, kind, "segment")
    assert (event.id, event.user_id, event.anonymous_id) == ("m-1", "u-1", "a-1")


def test_a_segment_call_over_the_bus_has_the_source_that_the_rule_sees() -> None:
    assert read(segment(), source="aws.partner/segment.com/x").source == "aws.partner/segment.com/x"


def test_a_page_s_name_and_category_are_properties_unless_it_has_its_own() -> None:
    event = read(segment("page", name="Cancel", category="Account", properties={"name": "own"}))
    assert event.properties == {"name": "own", "category": "Account"}
    assert read(segment("track", name="x")).properties == {}


def test_traits_are_the_call_s_or_else_the_context_s() -> None:
    context = {"traits": {"plan": "context"}}
    assert read(segment("identify", traits={"plan": "own"}, context=context)).traits == {"plan": "own"}
    assert read(segment("track", context=context)).traits == {"plan": "context"}


def test_segment_consent_is_kept_as_given() -> None:
    assert read(segment(context={"consent": {"categoryPreferences": {}}})).consent == {
        "categoryPreferences": {}
    }
    assert read(segment()).consent is None


def untimed(**fields: Json) -> dict[str, Json]:
    body = segment(**fields)
    del body["timestamp"]
    return body


def test_a_wrong_clock_is_corrected_by_what_was_sent_and_received() -> None:
    # The device is two hours ahead; the event was sent three seconds after it happened.
    wrong = {"originalTimestamp": "2026-11-02T11:15:00Z", "sentAt": "2026-11-02T11:15:03Z"}
    with_receipt = read(untimed(**wrong, receivedAt="2026-11-02T09:15:03.5Z"))
    assert with_receipt.time == HAPPENED + timedelta(milliseconds=500)
    assert read(untimed(**wrong)).time == RECEIVED - timedelta(seconds=3)


def test_without_a_sending_time_the_original_time_stands() -> None:
    assert read(untimed(originalTimestamp="2026-11-02T09:15:00Z")).time == HAPPENED


def test_a_correction_out_of_the_calendar_is_refused() -> None:
    with pytest.raises(EventMalformedError, match=r"^at\.timestamp: outside the years"):
        read(
            untimed(
                originalTimestamp="9999-12-31T00:00:00Z",
                sentAt="0001-01-01T00:00:00Z",
                receivedAt="9999-01-01T00:00:00Z",
            )
        )


def test_a_tealium_function_input_is_read_from_its_data_object() -> None:
    udo = {"tealium_event": "cart_add", "customer_id": "c-1", "order_total": "34.98", "ut.env": "prod"}
    dom = {"url": "https://shop.example/", "pathname": "/", "viewport_height": 1}
    event = read(tealium(data={"udo": udo, "dom": dom}, useragent="UA"))
    assert (event.id, event.name, event.type, event.source) == ("t-1", "cart_add", "track", "tealium")
    assert (event.user_id, event.anonymous_id, event.time) == ("c-1", "v-1", HAPPENED)
    assert event.properties == udo
    assert event.context == {"page": {"url": "https://shop.example/", "path": "/"}, "userAgent": "UA"}
    assert event.consent is None


def test_a_flat_tealium_event_has_all_its_attributes_as_properties() -> None:
    body = flat(
        tealium_visitor_id="v-2", user_id="u-1", consent_categories=["crm"], post_time="1793610900000"
    )
    event = read(body)
    assert (event.id, event.user_id, event.anonymous_id, event.time) == ("t-1", "u-1", "v-2", HAPPENED)
    assert event.properties == body
    assert event.consent == {"consent_categories": ["crm"]}


def test_ids_that_are_whole_numbers_become_text_without_loss() -> None:
    event = read(canonical(id=9007199254740993, user_id=2**63))
    assert (event.id, event.user_id) == ("9007199254740993", "9223372036854775808")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (canonical(id=None), "id"),
        (canonical(id=" "), "id"),
        (segment(messageId=""), "messageId"),
        ({"type": "track", "event": "x", "userId": "u", "timestamp": "2026-11-02"}, "messageId"),
        (tealium(event_id=None), "event_id"),
        ({"tealium_event": "x"}, "event_id"),
    ],
)
def test_an_event_without_an_id_of_its_producer_is_refused(body: Json, field: str) -> None:
    with pytest.raises(EventWithoutIdError) as caught:
        read(body)
    assert str(caught.value) == f"at.{field}: the event has no id"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("text", "at: an event is a JSON object"),
        (canonical(id="x" * 257), "at.id: an id of over 256 characters"),
        (canonical(id="a\nb"), "at.id: an id with control characters"),
        (canonical(id=True), "at.id: an id is text or a whole number"),
        (canonical(id=1.5), "at.id: an id is text or a whole number"),
        (canonical(id=2**256), "at.id: an id is text or a whole number"),
        (canonical(user_id={}), "at.user_id: an id is text or a whole number"),
        (canonical(anonymous_id="\x00"), "at.anonymous_id: an id with control characters"),
        (canonical(name=None), "at.name: no text of 1 to 256 characters"),
        (canonical(name=5), "at.name: no text of 1 to 256 characters"),
        (canonical(type=""), "at.type: no text of 1 to 256 characters"),
        (canonical(time=None), "at.time: no instant: give ISO 8601 text or an epoch number"),
        (canonical(time="soon"), "at.time: no instant: give ISO 8601 text or an epoch number"),
        (canonical(properties=[]), "at.properties: no object"),
        (canonical(consent="yes"), "at.consent: no object"),
        (segment(event=None), "at.event: no text of 1 to 256 characters"),
        (untimed(), "at.timestamp: no instant: give ISO 8601 text or an epoch number"),
        (segment(context={"traits": 1}), "at.context.traits: no object"),
        (segment(properties="p"), "at.properties: no object"),
        (tealium(data={"udo": {}}), "at.data.udo.tealium_event: no text of 1 to 256 characters"),
        (flat(post_time=None), "at.post_time: no instant: give ISO 8601 text or an epoch number"),
    ],
)
def test_a_wrong_field_is_named_and_not_repeated(body: Json, text: str) -> None:
    with pytest.raises(EventMalformedError) as caught:
        read(body)
    assert str(caught.value) == text


@pytest.mark.parametrize("body", [{}, {"foo": 1}, {"type": "delete", "messageId": "m"}, {"data": {}}])
def test_an_unknown_dialect_is_refused_with_what_is_known(body: Json) -> None:
    with pytest.raises(EventEnvelopeError) as caught:
        read(body)
    assert "Segment" in (caught.value.hint or "")


def test_an_event_ahead_of_the_clock_by_more_than_the_skew_is_refused() -> None:
    event = read(canonical())
    check_time(event, HAPPENED - timedelta(minutes=5))
    with pytest.raises(EventFromFutureError, match="more than 5m ahead of the clock"):
        check_time(event, HAPPENED - timedelta(minutes=5, milliseconds=1))
    with pytest.raises(EventFromFutureError, match="more than 1s ahead"):
        check_time(event, HAPPENED - timedelta(seconds=2), timedelta(seconds=1))
