"""What one send may take, as leases and the time that is left are reckoned with."""

from __future__ import annotations

from typing import Any

import pytest

from functions.actions.opening import CHANNEL_KINDS
from functions.actions.timeouts import DEFAULT_TIMEOUT_S, send_timeout_s
from functions.spec.plan import ChannelPlan


@pytest.mark.parametrize(
    ("options", "seconds"),
    [({}, DEFAULT_TIMEOUT_S), ({"timeout": "12s"}, 12.0), ({"timeout": 0.5}, 0.5)],
)
@pytest.mark.parametrize("kind", ["webhook", "eventbridge", "sqs", "sns", "tealium", "shop.mail:Channel"])
def test_a_channel_that_calls_somebody_takes_its_timeout_at_the_most(
    kind: str, options: dict[str, Any], seconds: float
) -> None:
    assert send_timeout_s(ChannelPlan("c", kind, options)) == seconds


def test_channels_that_call_nobody_take_next_to_nothing() -> None:
    assert {kind for kind in CHANNEL_KINDS if send_timeout_s(ChannelPlan("c", kind, {})) < 2.0} == {
        "memory",
        "response",
        "file",
    }
    assert send_timeout_s(None) == 0.0


def test_an_option_of_a_channel_of_your_own_that_is_no_duration_is_its_own_affair() -> None:
    plan = ChannelPlan("c", "shop.mail:Channel", {"timeout": "soon"})
    assert send_timeout_s(plan) == DEFAULT_TIMEOUT_S
