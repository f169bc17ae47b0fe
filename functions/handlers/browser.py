"""What a browser says in its headers, besides what the page says in its event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from functions.events.event import Event
from functions.governance.statements import GPC

_HEADER: Final = "sec-gpc"


def with_browser_signal(event: Event, headers: Mapping[str, Any]) -> Event:
    """Return an event that also says what `Sec-GPC: 1` says.

    Args:
        event: As the page sent it.
        headers: Of its request, names in lower case.
    """
    if headers.get(_HEADER) != "1":
        return event
    return replace(event, consent={**(event.consent or {}), GPC: True})
