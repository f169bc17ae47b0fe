"""The gate before a model: a payload exists only with the clearance that consent gave.

`Clearance` can be made by `clear` alone, and `Payload` needs one, so an adapter that takes a `Payload`
can't be handed anything that skipped the check.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from functions.governance.consent import ConsentRecord, ConsentStatus, Verdict, verdict_at

_GATE: Final = object()


@dataclass(frozen=True, slots=True)
class ConsentCheck:
    """One check as the receipt shows it.

    Attributes:
        check: When it was made: `before_model`, `before_action` or `redrive`.
        purpose: The purpose of the spec.
        consent: The name of the record that the purpose needs.
        verdict: What the record meant at that instant.
    """

    check: str
    purpose: str
    consent: str
    verdict: Verdict

    @property
    def passed(self) -> bool:
        """Whether anything may follow."""
        return self.verdict == "granted"


class Clearance:
    """Proof that consent was checked and given. Made by `clear` only."""

    __slots__ = ("_gate", "_labels", "_purpose")

    def __init__(self, purpose: str, labels: frozenset[str], *, gate: object) -> None:
        if gate is not _GATE:
            raise TypeError("a Clearance is made by functions.governance.gate.clear, after the check")
        self._gate = gate
        self._purpose = purpose
        self._labels = labels

    @property
    def purpose(self) -> str:
        """The purpose that was cleared."""
        return self._purpose

    @property
    def labels(self) -> frozenset[str]:
        """Labels that may leave under it."""
        return self._labels

    @property
    def genuine(self) -> bool:
        """Whether the gate made it; one that was made without the constructor is not."""
        return getattr(self, "_gate", None) is _GATE


@dataclass(frozen=True, slots=True)
class Payload:
    """The micro-payload as it leaves for a model.

    Attributes:
        clearance: Proof of the check; a payload without it can't be built.
        content_type: Media type of the body.
        body: The exact bytes that leave; no repr shows them.
        accept: Media type that is asked for in return.
        labels: Of everything in the body.
    """

    clearance: Clearance
    content_type: str
    body: bytes = field(repr=False)
    accept: str
    labels: frozenset[str]

    def __post_init__(self) -> None:
        """Refuse anything in the place of a clearance, also where types are not checked."""
        if type(self.clearance) is not Clearance or not self.clearance.genuine:
            raise TypeError("a Payload needs the Clearance of a passed consent check")
        if not self.labels <= self.clearance.labels:
            raise TypeError("a Payload holds only what its Clearance lets leave")


def check_consent(
    record: ConsentRecord | None,
    *,
    check: str,
    purpose: str,
    consent: str,
    now: datetime,
    stated: ConsentStatus | None = None,
) -> ConsentCheck:
    """Read a consent record for one purpose at one instant.

    Args:
        record: As it is stored; None when there is none.
        check: When the check is made.
        purpose: Of the spec.
        consent: Name of the record that the purpose needs.
        now: Decision time, or the time of the act.
        stated: What the event itself says about this consent, None for nothing. It can only refuse: the
            strictest of both counts, however old either is.
    """
    verdict = verdict_at(record, now)
    if verdict == "granted" and stated is not None:
        verdict = stated
    return ConsentCheck(check=check, purpose=purpose, consent=consent, verdict=verdict)


def clear(checked: ConsentCheck, labels: Iterable[str]) -> Clearance | None:
    """Return the clearance of a check that passed, None otherwise.

    Args:
        checked: The check.
        labels: What may leave, as the data contract and the spec's exceptions have it.
    """
    return Clearance(checked.purpose, frozenset(labels), gate=_GATE) if checked.passed else None
