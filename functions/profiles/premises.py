"""What a decision stands on and a commit checks again: consent and shared documents, as they were read."""

from __future__ import annotations

from dataclasses import dataclass

from functions.governance.consent import ConsentRecord

MAX_CONSENTS = 100
"""Consent records that one commit can be conditional on."""

MAX_MARKS = 10
"""Shared documents that one commit can be conditional on."""


@dataclass(frozen=True, slots=True)
class ConsentCondition:
    """Commit only while the consent record still equals the one that was read (None: absent)."""

    purpose: str
    record: ConsentRecord | None


@dataclass(frozen=True, slots=True)
class DocumentCondition:
    """Commit only while a shared document still has the version that was read (0: absent)."""

    name: str
    version: int
