"""What a customer got already, as the next decision reads it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from functions.documents import Json
from functions.profiles.store import Contact
from functions.times import format_instant

_SPANS: Final = MappingProxyType(
    {"day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=30)}
)


def past_offers(contacts: Sequence[Contact], *, now: datetime, without: str = "") -> dict[str, Json]:
    """Return `profile.last_offer` and `profile.fatigue`.

    Args:
        contacts: The contact log, the oldest first.
        now: Decision time, or that of the act.
        without: A decision whose own action is left out.

    Returns:
        `last_offer`: `{action, channel, at, decision_id}`, None before the first. `fatigue`: how many actions
        there were within a `day`, a `week` and a `month` of 30 days, of those that count towards caps. What was
        released never left, and what waits for its time has not come yet; neither is told.
    """
    told = [
        one for one in contacts if one.status != "released" and one.at <= now and one.decision_id != without
    ]
    last = told[-1] if told else None
    return {
        "last_offer": {
            "action": last.action,
            "channel": last.channel,
            "at": format_instant(last.at),
            "decision_id": last.decision_id,
        }
        if last is not None
        else None,
        "fatigue": {
            name: sum(one.counts and now - one.at < span for one in told) for name, span in _SPANS.items()
        },
    }
