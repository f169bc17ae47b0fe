"""Replayed events: which replay, and when they first arrived."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.errors import EventMalformedError
from functions.events.reading import Parsed, read_document
from functions.events.replays import LIVE, generation_of
from functions.testing.lambda_events import batch, event_body, eventbridge_event, sqs_record

REPLAYED_AT = datetime(2026, 11, 9, tzinfo=UTC)
NAME = "functions-20261102T091500Z"


def read(document: Any) -> Parsed:
    (parsed,) = read_document(document, received_at=REPLAYED_AT)
    return parsed


def replayed(**fields: Any) -> dict[str, Any]:
    return eventbridge_event(**{"replay-name": NAME, **fields})


@given(st.text(min_size=1, max_size=64))
def test_any_name_has_a_generation_of_its_own_that_is_never_that_of_live_events(name: str) -> None:
    assert 0 < generation_of(name) <= 2**48
    assert generation_of(name) == generation_of(name) != generation_of(name + "-")


def test_live_event_has_no_generation() -> None:
    assert read(eventbridge_event()).generation == LIVE == 0
    assert read(batch(sqs_record(event_body()))).generation == LIVE


def test_replayed_event_has_the_generation_of_its_replay_in_every_envelope() -> None:
    notification = {"Type": "Notification", "TopicArn": "arn:aws:sns:x", "Message": json.dumps(replayed())}
    for document in (replayed(), batch(sqs_record(replayed())), batch(sqs_record(notification))):
        assert read(document).generation == generation_of(NAME)


def test_of_two_envelopes_the_outer_one_says_which_replay_this_is() -> None:
    inner = replayed(**{"replay-name": "of-old"})

    assert read(replayed(detail=inner)).generation == generation_of(NAME)
    assert read(eventbridge_event(detail=inner)).generation == generation_of("of-old")


@pytest.mark.parametrize("name", [None, "", "  ", 7, [], {}, True])
def test_replay_that_does_not_say_which_is_refused_and_never_taken_for_live(name: Any) -> None:
    with pytest.raises(EventMalformedError, match="replay-name of an EventBridge event is text"):
        read(replayed(**{"replay-name": name})).value()


@pytest.mark.parametrize("time", [None, "", "yesterday", 3])
def test_replay_that_does_not_say_from_when_is_refused(time: Any) -> None:
    with pytest.raises(EventMalformedError, match="has the time of its first arrival"):
        read(replayed(time=time)).value()
    assert read(eventbridge_event(time=time)).generation == LIVE


def test_clock_of_a_producer_is_corrected_by_the_first_arrival_and_not_by_that_of_the_replay() -> None:
    page = {
        "type": "page",
        "messageId": "segment-1",
        "userId": "customer-1",
        "originalTimestamp": "2026-11-02T09:14:00Z",
        "sentAt": "2026-11-02T09:14:10Z",
    }
    live, again = eventbridge_event(detail=page), replayed(detail=page)

    times = [read(batch(sqs_record(one))).value().time for one in (live, again)]
    assert times == [datetime(2026, 11, 2, 9, 14, 50, tzinfo=UTC)] * 2
