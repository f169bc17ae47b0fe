"""Published versions of the policy, and the pointer that says which of them is in force.

A version is immutable: its name is the hash of what it holds. The pointer is moved by whoever has read
where it stood, and remembers its last moves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from functions.build.published import check_published, refuse_newer
from functions.documents import Json
from functions.errors import PolicyMovedError, PolicyUnusableError, UnknownPolicyError
from functions.profiles.operator_documents import OperatorDocument, OperatorStore
from functions.times import format_instant, parse_instant

CURRENT: Final = "policy/current"
"""Name of the pointer."""

VERSIONS: Final = "policy/version/"
"""What the names of versions begin with; the hash follows."""

MAX_NOTE: Final = 200
"""The longest note, in characters."""

_FORMAT: Final = 1
# With notes of the usual length the pointer stays under 4 KB, which is one unit of a consistent read.
_REMEMBERED: Final = 20


@dataclass(frozen=True, slots=True)
class Move:
    """One move of the pointer.

    Attributes:
        hash: The version that came into force.
        at: When.
        note: Why, in the publisher's words; None when nothing was said.
    """

    hash: str
    at: datetime
    note: str | None


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where the pointer stands.

    Attributes:
        moves: The last moves, newest first; none when nothing was ever published.
        version: Of its document; 0 when there is none.
    """

    moves: tuple[Move, ...] = ()
    version: int = 0

    @property
    def hash(self) -> str | None:
        """The version in force; None when every function goes by what it was built with."""
        return self.moves[0].hash if self.moves else None


def read_pointer(document: OperatorDocument | None) -> Pointer:
    """Read the pointer out of its document.

    Raises:
        PolicyNewerFormatError: A newer version of this package wrote it.
        PolicyUnusableError: It is damaged.
    """
    if document is None:
        return Pointer()
    refuse_newer(document.body, _FORMAT, "the pointer to the policy in force")
    try:
        moves = [
            Move(str(move["hash"]), parse_instant(move["at"]), move["note"])
            for move in document.body["moves"]
        ]
    except (KeyError, TypeError, ValueError):
        moves = []
    if not moves:
        raise PolicyUnusableError("the pointer to the policy in force is damaged")
    return Pointer(tuple(moves), document.version)


def stored_pointer(store: OperatorStore) -> Pointer:
    """Read where the pointer stands now.

    Raises:
        FunctionsError: It can't be read, or the store failed.
    """
    return read_pointer(store.read_documents(CURRENT).get(CURRENT))


def stored_version(store: OperatorStore, version: str) -> Mapping[str, Json]:
    """Return what a version holds.

    Raises:
        PolicyNewerFormatError: A newer version of this package wrote it.
        PolicyUnusableError: It is not there, or not what its name says.
    """
    document = store.read_documents(VERSIONS + version).get(VERSIONS + version)
    if document is None:
        raise PolicyUnusableError(f"the store has no version {version} of the policy")
    check_published(document.body, version)
    return document.body


def version_hashes(store: OperatorStore) -> Sequence[str]:
    """List the versions that were published, in no order of time.

    Raises:
        ProfileStoreError: The store failed.
    """
    return [name.removeprefix(VERSIONS) for name in store.document_names(VERSIONS)]


def publish(
    store: OperatorStore, body: Mapping[str, Json], pointer: Pointer, *, note: str | None, at: datetime
) -> str:
    """Write a version, and put it into force.

    Args:
        store: Where to.
        body: The version, as `published_form` makes it.
        pointer: As it was read before the version was made: who looked at an older policy does not win.
        note: Why.
        at: When.

    Returns:
        The hash of the version.

    Raises:
        PolicyMovedError: Somebody else moved the pointer meanwhile; the version is kept, and not in force.
        PolicyUnusableError: The store has another document under the hash.
        FunctionsError: The store failed.
    """
    version = str(body["policy"]["hash"])
    if not store.put_document(VERSIONS + version, body, replaces=0):
        stored_version(store, version)
    _move(store, pointer, Move(version, at, note))
    return version


def use(store: OperatorStore, version: str, pointer: Pointer, *, note: str | None, at: datetime) -> None:
    """Put a version into force that was published before.

    Raises:
        UnknownPolicyError: None has this hash.
        PolicyMovedError: Somebody else moved the pointer meanwhile.
        FunctionsError: The version can't be read, or the store failed.
    """
    if VERSIONS + version not in store.document_names(VERSIONS + version):
        raise UnknownPolicyError(
            f"no version {version!r} of the policy was published", hint="`functions policy list` shows them"
        )
    stored_version(store, version)
    _move(store, pointer, Move(version, at, note))


def _move(store: OperatorStore, pointer: Pointer, move: Move) -> None:
    moves: list[Json] = [
        {"hash": one.hash, "at": format_instant(one.at), "note": one.note}
        for one in (move, *pointer.moves[: _REMEMBERED - 1])
    ]
    if not store.put_document(CURRENT, {"format": _FORMAT, "moves": moves}, replaces=pointer.version):
        raise PolicyMovedError(
            "somebody else changed the policy in force meanwhile; yours is not in force",
            hint="`functions policy list` shows theirs; then run the command again",
        )
