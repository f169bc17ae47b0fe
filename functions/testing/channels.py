"""The checks that every channel must pass, to be run by pytest.

Subclass `ChannelConformance` in a test module and give it a fixture named `stage`:

    import pytest
    from functions.testing.channels import ChannelConformance, ChannelStage

    class TestMyChannel(ChannelConformance):
        @pytest.fixture
        def stage(self):
            ...  # a receiver, and the channel that delivers to it
            yield ChannelStage(channel, taken=lambda: [...])

This module does not need pytest to be imported.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from functions.actions.channel import ActionChannel, ActionMessage
from functions.documents import Json
from functions.errors import ActionError

NOW: Final = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TakenMessage:
    """What the receiver saw of one delivery."""

    idempotency_key: str
    action: str
    profile_id: str
    payload: Json


@dataclass(frozen=True, slots=True)
class ChannelStage:
    """A channel, and what its receiver has taken so far, in order."""

    channel: ActionChannel
    taken: Callable[[], Sequence[TakenMessage]]


def sample_message(key: str = "decision-1", *, payload: Json = None) -> ActionMessage:
    """Return a message about nobody."""
    return ActionMessage(
        idempotency_key=key,
        action="retention-offer-20",
        function="churn-retention",
        profile_id="customer-1",
        event_id="event-1",
        decided_at=NOW,
        expires_at=NOW + timedelta(days=1),
        payload={"template": "retention", "percent": 20} if payload is None else payload,
    )


class ChannelConformance:
    """Every promise of `functions.actions.channel.ActionChannel`. The subclass provides `stage`."""

    def test_message_arrives_as_it_is(self, stage: ChannelStage) -> None:
        """Key, action, profile and payload."""
        stage.channel.send(sample_message(), now=NOW)
        assert list(stage.taken()) == [_expected("decision-1", {"template": "retention", "percent": 20})]

    def test_text_of_any_script_and_shape_arrives_unchanged(self, stage: ChannelStage) -> None:
        """Line breaks and separators inside a payload stay inside it."""
        payload = {"text": 'Größe 東京 🎁\r\n\u2028\t"quoted"', "nested": [None, True, 0.1, {"n": 2**60}]}
        stage.channel.send(sample_message(payload=payload), now=NOW)
        assert [one.payload for one in stage.taken()] == [payload]

    def test_second_attempt_carries_the_same_key_and_content(self, stage: ChannelStage) -> None:
        """A receiver may see a message twice and can tell."""
        stage.channel.send(sample_message(), now=NOW)
        stage.channel.send(sample_message(), now=NOW + timedelta(hours=1))
        assert len({(one.idempotency_key, str(one.payload)) for one in stage.taken()}) == 1

    def test_messages_sent_at_once_arrive_whole(self, stage: ChannelStage) -> None:
        """A channel is shared between threads."""
        keys = [f"decision-{number}" for number in range(16)]
        threads = [
            threading.Thread(target=stage.channel.send, args=(sample_message(key),), kwargs={"now": NOW})
            for key in keys
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(one.idempotency_key for one in stage.taken()) == sorted(keys)

    def test_what_json_cannot_carry_is_refused_and_not_repeated(self, stage: ChannelStage) -> None:
        """The error says so without the payload."""
        error = _refusal(stage.channel, sample_message(payload={"secret-name": float("nan")}))
        assert not error.retryable
        assert "secret-name" not in f"{error} {error.hint} {error.__cause__!r}"
        assert list(stage.taken()) == []


def _refusal(channel: ActionChannel, message: ActionMessage) -> ActionError:
    try:
        channel.send(message, now=NOW)
    except ActionError as error:
        return error
    raise AssertionError("the message was expected to be refused")


def _expected(key: str, payload: Json) -> TakenMessage:
    return TakenMessage(key, "retention-offer-20", "customer-1", payload)
