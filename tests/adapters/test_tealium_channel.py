"""Scores to Tealium's Collect: what is posted, and what each answer means."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from functions.actions.channel import ActionMessage
from functions.actions.hops import MAX_HOPS, hops_of
from functions.actions.opening import open_channel
from functions.actions.tealium import COLLECT_URL, TealiumChannel
from functions.errors import (
    ActionAmbiguousError,
    ActionDeniedError,
    ActionError,
    ActionRejectedError,
    ActionThrottledError,
    ActionUnavailableError,
    SettingsError,
)
from functions.events.dialects import to_event
from functions.events.envelopes import Delivery
from functions.spec.plan import ChannelPlan
from functions.testing.channels import NOW, sample_message
from functions.testing.loopback import Answer, LoopbackReceiver

OPTIONS = {"account": "shop", "profile": "main"}


def no_secret(name: str) -> str:
    raise AssertionError(name)


def score(**changes: Any) -> ActionMessage:
    payload = {
        "score": "churn_risk",
        "value": 0.83,
        "at": "2026-11-02T08:59:00.000Z",
        "expires_at": None,
        "model": "churn-risk",
        "anonymous_id": "visitor-1",
    }
    message = sample_message("decision-1/churn_risk", payload={**payload, **changes})
    return replace(message, action="score.updated")


def channel(receiver: LoopbackReceiver, **options: Any) -> TealiumChannel:
    plan = ChannelPlan("t", "tealium", {**OPTIONS, "url": receiver.url, "allow_private": True, **options})
    return TealiumChannel(plan, no_secret)


def test_score_is_posted_under_its_name_with_the_visitor_and_the_hops() -> None:
    with LoopbackReceiver(Answer(200)) as receiver:
        channel(receiver, datasource="abc123").send(score(), now=NOW)
        channel(receiver).send(score(anonymous_id=None), now=NOW)
    first, second = (json.loads(request.body) for request in receiver.received)
    assert first == {
        "churn_risk": 0.83,
        "tealium_account": "shop",
        "tealium_profile": "main",
        "tealium_datasource": "abc123",
        "tealium_event": "model_prediction_complete",
        "tealium_visitor_id": "visitor-1",
        "event_id": "action:1:decision-1/churn_risk",
        "model_version": "churn-risk",
        "score_name": "churn_risk",
        "score_at": "2026-11-02T08:59:00.000Z",
        "functions_hops": 1,
    }
    assert second["tealium_visitor_id"] == "customer-1"


def test_what_comes_back_counts_the_hops_and_ends() -> None:
    message = score()
    with LoopbackReceiver(Answer(200)) as receiver:
        for hops in range(1, MAX_HOPS + 1):
            channel(receiver).send(message, now=NOW)
            body = {**json.loads(receiver.received[-1].body), "post_time": 1_793_610_000_000}
            event = to_event(Delivery(body, "event", "document"), received_at=NOW)
            assert hops_of(event.id) == hops
            message = replace(message, event_id=event.id)
        with pytest.raises(ActionRejectedError, match="in a row"):
            channel(receiver).send(message, now=NOW)


def test_no_name_of_a_score_can_take_the_place_of_what_tealium_reads() -> None:
    with LoopbackReceiver(Answer(200)) as receiver:
        channel(receiver).send(score(score="tealium_visitor_id", value="other"), now=NOW)
    assert json.loads(receiver.received[0].body)["tealium_visitor_id"] == "visitor-1"


def test_an_action_is_refused() -> None:
    with LoopbackReceiver(Answer(200)) as receiver, pytest.raises(ActionRejectedError, match="only scores"):
        channel(receiver).send(sample_message(), now=NOW)
    assert receiver.received == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(400), ActionRejectedError),
        (Answer(403), ActionDeniedError),
        (Answer(429), ActionThrottledError),
        (Answer(503), ActionUnavailableError),
        (Answer(500), ActionAmbiguousError),
        (Answer(drop=True), ActionAmbiguousError),
    ],
    ids=["400", "403", "429", "503", "500", "dropped"],
)
def test_every_answer_has_its_error(answer: Answer, error: type[ActionError]) -> None:
    with LoopbackReceiver(answer) as receiver, pytest.raises(error):
        channel(receiver).send(score(), now=NOW)


def test_address_is_tealiums_and_checked() -> None:
    assert COLLECT_URL == "https://collect.tealiumiq.com/event"
    assert isinstance(open_channel(ChannelPlan("t", "tealium", OPTIONS), secrets=no_secret), TealiumChannel)
    with pytest.raises(SettingsError, match="https"):
        TealiumChannel(ChannelPlan("t", "tealium", {**OPTIONS, "url": "http://example.com"}), no_secret)
    with pytest.raises(SettingsError, match="account"):
        TealiumChannel(ChannelPlan("t", "tealium", {"account": "shop"}), no_secret)
