"""Outcomes: what events call what a customer did after a decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

OutcomeType = Literal["shown", "clicked", "accepted", "converted", "unsubscribed", "complained"]

OUTCOME_EVENTS: Final[Mapping[str, OutcomeType]] = {
    "action shown": "shown",
    "action clicked": "clicked",
    "action accepted": "accepted",
    "action converted": "converted",
    "action unsubscribed": "unsubscribed",
    "action complained": "complained",
    # Source: https://segment.com/docs/connections/spec/email/ and .../spec/ecommerce/v2/
    "email opened": "shown",
    "email link clicked": "clicked",
    "email marked as spam": "complained",
    "unsubscribed": "unsubscribed",
    "order completed": "converted",
}
"""Outcome by the name of the event, in lower case, with `_` and `.` read as spaces."""
