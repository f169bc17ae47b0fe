"""What there are alarms for; told apart from the alarms, since to read it needs no CDK."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

RUNBOOKS: Final = "docs/runbooks"
"""Folder of the pages; each is called as its kind."""

KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "errors": "Invocations fail as a whole.",
        "dead-letters": "Records wait in the dead-letter queue.",
        "denied": "Records wait, since a right or a setting is missing.",
        "crashed": "An error that nobody foresaw.",
        "latency": "Decisions take too long.",
        "fallback-share": "The model does not answer.",
        "unknown-consent": "Consent does not reach the table.",
        "policy-unavailable": "Nothing is sent, since the policy and the switches can not be read.",
        "stream-late": "Records of a stream wait too long.",
        "url-errors": "A public URL answers with errors, or refuses requests for want of capacity.",
        "outbox-late": "An action waits in the outbox and can not be sent.",
        "outbox-unreadable": "An entry of the outbox is damaged, and its action is not sent.",
        "export-late": "Decisions do not reach the lasting log.",
        "ingest-refused": "Too many of the records that platforms send are refused.",
    }
)
"""What each kind of alarm means, in a sentence."""
