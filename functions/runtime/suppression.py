"""Suppression lists: marks that outlive the erasure of a customer and hold no id in the clear.

A mark stands under a keyed hash of the customer's id, as a shared document: functions read it and may not write
it. Beside the marks stands a check of the key they were written with. Without that document no mark was ever
written; with it, a process that lacks the key or has another one knows nothing, and a rule that asks forbids.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from functions.documents import Json
from functions.errors import FunctionsError, SettingsError, StoreContendedError, StoreRejectedError
from functions.profiles.operator_documents import MARK, SUPPRESSION_KEY, OperatorDocument, OperatorStore
from functions.profiles.premises import DocumentCondition
from functions.profiles.store import Snapshot
from functions.spec.plan import Policy
from functions.spec.rails import ListRail
from functions.times import format_instant, parse_instant

MIN_KEY_LENGTH: Final = 16
"""The fewest characters of the key; ids are easily guessed, so that all that protects them is the key."""

_CHECK: Final = "suppression"
_FORMAT: Final = 1
_ATTEMPTS: Final = 10


@dataclass(frozen=True, slots=True)
class Mark:
    """That a customer is on a list.

    Attributes:
        at: When it was set.
        until: From when on it counts no more; None for no end.
        because: Why, in the operator's words; None when nothing was said.
    """

    at: datetime
    until: datetime | None = None
    because: str | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """What is known of a customer at one moment.

    Attributes:
        lists: Those that the customer is on.
        marks: The documents that say so, with their versions; also those that do not exist yet.
    """

    lists: frozenset[str]
    marks: tuple[DocumentCondition, ...] = ()


class Suppressions:
    """The marks of one store. Safe to share between threads and processes.

    Args:
        documents: Where the marks are.
        secret: Gives a secret by name, or raises `SettingsError`.
    """

    def __init__(self, documents: OperatorStore, secret: Callable[[str], str]) -> None:
        self._documents: Final = documents
        self._secret: Final = secret
        self._checked: bytes | None = None

    def listed(self, ids: Sequence[str], *, now: datetime) -> Listed | None:
        """Return the lists that a customer is on under any of some ids; None when that can't be known."""
        try:
            found = self._read(ids)
            lists = frozenset(
                name
                for document in found.values()
                for name, mark in _marks(document).items()
                if mark.until is None or mark.until > now
            )
        except FunctionsError:
            return None
        marks = [DocumentCondition(name, one.version if one else 0) for name, one in found.items()]
        return Listed(lists, tuple(marks))

    def marks(self, profile_id: str) -> Mapping[str, Mark]:
        """Return the marks of an id by list, those that have ended included.

        Raises:
            SettingsError: There is no key, or another one than the marks were written with.
            ProfileStoreError: The store failed, or holds what can't be read; so for every method below.
        """
        return next((_marks(found) for found in self._read([profile_id]).values()), {})

    def add(self, name: str, profile_id: str, mark: Mark) -> None:
        """Put a customer on a list, in the place of an earlier mark on it.

        Raises:
            SettingsError: As `marks`.
        """
        key = self._key()
        self._documents.put_document(_CHECK, {"format": _FORMAT, "check": _digest(key, _CHECK)}, replaces=0)
        self._change(profile_id, lambda marks: {**marks, name: mark})

    def remove(self, name: str, profile_id: str) -> bool:
        """Take a customer off a list; False when there is no mark.

        Raises:
            SettingsError: As `marks`.
        """
        if name not in self.marks(profile_id):
            return False
        self._change(profile_id, lambda marks: {key: one for key, one in marks.items() if key != name})
        return True

    def _read(self, ids: Sequence[str]) -> Mapping[str, OperatorDocument | None]:
        """Return the documents of some ids by their names; none where no mark was ever written without a key."""
        try:
            key = self._key()
        except SettingsError:
            if not self._documents.read_documents(_CHECK):
                return {}
            raise
        names = [MARK + _digest(key, profile_id) for profile_id in ids]
        # The check is written once and never changed: a key that has passed it is not asked for again, or every
        # decision of every customer would read the same item.
        known = self._checked == key
        found = self._documents.read_documents(*names, *(() if known else (_CHECK,)))
        if _CHECK in found:
            _check(found[_CHECK], key)
            self._checked = key
        return {name: found.get(name) for name in names}

    def _change(self, profile_id: str, change: Callable[[Mapping[str, Mark]], Mapping[str, Mark]]) -> None:
        key = self._key()
        name = MARK + _digest(key, profile_id)
        for _ in range(_ATTEMPTS):
            found = self._documents.read_documents(_CHECK, name)
            _check(found[_CHECK], key)
            before = found.get(name)
            body = _document(change(_marks(before)))
            if self._documents.put_document(name, body, replaces=before.version if before else 0):
                return
        raise StoreContendedError("others changed the marks of the same customer at every attempt")

    def _key(self) -> bytes:
        key = self._secret(SUPPRESSION_KEY)
        if len(key) < MIN_KEY_LENGTH:
            raise SettingsError(f"the secret {SUPPRESSION_KEY!r} has fewer than {MIN_KEY_LENGTH} characters")
        return key.encode(errors="surrogateescape")


def with_lists(
    snapshot: Snapshot,
    suppressions: Suppressions | None,
    policy: Policy,
    known_as: Sequence[str],
    now: datetime,
) -> Snapshot:
    """Return a read with the lists that the customer is on; nothing is read where no rule asks.

    Args:
        snapshot: As the store gave it; what it says of lists counts too.
        suppressions: None where the store keeps no marks.
        policy: The rules.
        known_as: Other ids of the customer.
        now: When the marks are to count.
    """
    asks = any(isinstance(rail, ListRail) for rail in policy.rails)
    if suppressions is None or not asks or snapshot.lists is None:
        return snapshot
    found = suppressions.listed(tuple(dict.fromkeys((snapshot.profile_id, *known_as))), now=now)
    if found is None:
        return replace(snapshot, lists=None)
    return replace(snapshot, lists=snapshot.lists | found.lists, marks=found.marks)


def _digest(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(errors="surrogatepass"), "sha256").hexdigest()


def _check(document: OperatorDocument, key: bytes) -> None:
    known = str(document.body.get("check"))
    if not hmac.compare_digest(known.encode(), _digest(key, _CHECK).encode()):
        raise SettingsError(
            f"the secret {SUPPRESSION_KEY!r} is not the one that the suppression marks of this store were written with"
        )


def _marks(document: OperatorDocument | None) -> dict[str, Mark]:
    if document is None:
        return {}
    try:
        return {
            name: Mark(
                parse_instant(mark["at"]),
                parse_instant(mark["until"]) if mark["until"] else None,
                mark["because"],
            )
            for name, mark in document.body["lists"].items()
        }
    except (KeyError, TypeError, ValueError, AttributeError):
        raise StoreRejectedError("the store holds a suppression mark that is damaged") from None


def _document(marks: Mapping[str, Mark]) -> dict[str, Json]:
    lists = {
        name: {
            "at": format_instant(mark.at),
            "until": format_instant(mark.until) if mark.until else None,
            "because": mark.because,
        }
        for name, mark in marks.items()
    }
    return {"format": _FORMAT, "lists": lists}
