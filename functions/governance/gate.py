"""The gate before a model: a payload exists only with the clearance that consent gave.

A `ConsentCheck` is made by `check_consent`, a `Clearance` by `clear` from such a check and from what the plan of the
function says of labels, and a `Payload` from a clearance. Each of the two first needs a token that this module
alone holds, so that for mypy, and when it runs, an adapter that takes a `Payload` can't be handed anything that
skipped the check. Who reaches into the module for the token does it knowingly.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from functions.governance.consent import ConsentRecord, ConsentStatus, Verdict, verdict_at


class _Token:
    """What only this module has."""


_TOKEN: Final = _Token()


@dataclass(frozen=True, slots=True)
class ConsentCheck:
    """One check as the receipt shows it.

    Attributes:
        check: When it was made: `before_model`, `before_action` or `redrive`.
        purpose: The purpose of the spec.
        consent: The name of the record that the purpose needs.
        verdict: What the record meant at that instant.
        token: Of the gate.
    """

    check: str
    purpose: str
    consent: str
    verdict: Verdict
    token: _Token = field(repr=False, compare=False)

    @property
    def passed(self) -> bool:
        """Whether anything may follow."""
        return self.verdict == "granted"


class Sent(Protocol):
    """What goes to the model, by its labels."""

    @property
    def labels(self) -> Collection[str]:
        """Labels of everything in the payload."""
        ...


class Leaving(Protocol):
    """What the plan of a function says of labels; `functions.spec.plan.Governance` does."""

    @property
    def may_leave(self) -> Collection[str]:
        """Labels that may leave, as the data contract and the exceptions of the spec have it."""
        ...

    @property
    def sent(self) -> Sent:
        """What goes to the model."""
        ...


class Clearance:
    """Proof that consent was checked and given. Made by `clear` only."""

    __slots__ = ("_labels", "_purpose", "_token")

    def __init__(self, purpose: str, labels: frozenset[str], *, token: _Token) -> None:
        if token is not _TOKEN:
            raise TypeError("a Clearance is made by functions.governance.gate.clear, after the check")
        self._token = token
        self._purpose = purpose
        self._labels = labels

    @property
    def purpose(self) -> str:
        """The purpose that was cleared."""
        return self._purpose

    @property
    def labels(self) -> frozenset[str]:
        """Labels of what leaves under it."""
        return self._labels

    @property
    def genuine(self) -> bool:
        """Whether the gate made it; one that was made without the constructor is not."""
        return getattr(self, "_token", None) is _TOKEN


@dataclass(frozen=True, slots=True)
class Payload:
    """The micro-payload as it leaves for a model.

    Attributes:
        clearance: Proof of the check; a payload without it can't be built.
        content_type: Media type of the body.
        body: The exact bytes that leave; no repr shows them.
        accept: Media type that is asked for in return.
    """

    clearance: Clearance
    content_type: str
    body: bytes = field(repr=False)
    accept: str

    def __post_init__(self) -> None:
        """Refuse anything in the place of a clearance, also where types are not checked."""
        if type(self.clearance) is not Clearance or not self.clearance.genuine:
            raise TypeError("a Payload needs the Clearance of a passed consent check")

    @property
    def labels(self) -> frozenset[str]:
        """Labels of everything in the body, as the plan has it."""
        return self.clearance.labels


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
    return ConsentCheck(check, purpose, consent, verdict, token=_TOKEN)


def clear(checked: ConsentCheck, leaving: Leaving) -> Clearance | None:
    """Return the clearance of a check that passed, None otherwise.

    Args:
        checked: The check.
        leaving: What may leave, and what does.

    Raises:
        TypeError: The check was not made here, or what would be sent has labels that may not leave.
    """
    if getattr(checked, "token", None) is not _TOKEN:
        raise TypeError("a ConsentCheck is made by functions.governance.gate.check_consent")
    sent = frozenset(leaving.sent.labels)
    if not sent <= frozenset(leaving.may_leave):
        raise TypeError("a Clearance is given only for what may leave")
    return Clearance(checked.purpose, sent, token=_TOKEN) if checked.passed else None
