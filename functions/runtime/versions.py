"""Published versions of the policy, and the pointer that says which of them is in force, and which is tried.

A version is immutable: its name is the hash of what it holds. The pointer is moved by whoever has read
where it stood, and remembers its last moves. A version that is tried for a part of the customers stands in the
same document, so that to promote it is one write; a process too old to know of it goes by what is in force.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from functions.build.published import check_published, refuse_newer
from functions.decision.rollouts import Rollout
from functions.documents import Json
from functions.errors import PolicyMovedError, PolicyUnusableError, UnknownPolicyError
from functions.profiles.operator_documents import OperatorDocument, OperatorStore
from functions.spec.experiment_plan import Slice
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
        rollout: The version that is tried; None for none.
    """

    moves: tuple[Move, ...] = ()
    version: int = 0
    rollout: Rollout | None = None

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
        rollout = _read_rollout(document.body.get("rollout"))
    except (KeyError, TypeError, ValueError):
        moves, rollout = [], None
    if not moves:
        raise PolicyUnusableError("the pointer to the policy in force is damaged")
    return Pointer(tuple(moves), document.version, rollout)


def _read_rollout(body: Mapping[str, Json] | None) -> Rollout | None:
    """Read what is tried; whoever can't tell for whom must not guess, so that a damaged one is an error."""
    if body is None:
        return None
    mode, share = body["mode"], float(body["share"])
    if mode not in ("shadow", "canary") or not 0 < share <= 1:
        raise ValueError("no rollout")
    part = Slice(str(body["seed"]), ((0.0, share),))
    return Rollout(str(body["hash"]), mode, part, parse_instant(body["at"]), body["note"])


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


def store_version(store: OperatorStore, body: Mapping[str, Json]) -> str:
    """Write a version, which changes nothing until the pointer says so.

    Args:
        store: Where to.
        body: The version, as `published_form` makes it.

    Returns:
        Its hash.

    Raises:
        PolicyUnusableError: The store has another document under the hash.
        FunctionsError: The store failed.
    """
    version = str(body["policy"]["hash"])
    if not store.put_document(VERSIONS + version, body, replaces=0):
        stored_version(store, version)
    return version


def publish(
    store: OperatorStore, body: Mapping[str, Json], pointer: Pointer, *, note: str | None, at: datetime
) -> str:
    """Write a version, and put it into force for everybody; what was tried is tried no more.

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
    version = store_version(store, body)
    _move(store, pointer, Move(version, at, note))
    return version


def use(store: OperatorStore, version: str, pointer: Pointer, *, note: str | None, at: datetime) -> None:
    """Put a version into force that was published before; what was tried is tried no more.

    Raises:
        UnknownPolicyError: None has this hash.
        PolicyMovedError: Somebody else moved the pointer meanwhile.
        FunctionsError: The version can't be read, or the store failed.
    """
    _check_stored(store, version)
    _move(store, pointer, Move(version, at, note))


def try_out(store: OperatorStore, rollout: Rollout, pointer: Pointer) -> None:
    """Try a version that was stored for a part of the customers, in the place of what was tried before.

    Raises:
        UnknownPolicyError: None has this hash, or nothing is in force that the others could go by.
        PolicyMovedError: Somebody else moved the pointer meanwhile.
        FunctionsError: The version can't be read, or the store failed.
    """
    if not pointer.moves:
        raise UnknownPolicyError(
            "nothing was published that the other customers could go by",
            hint="`functions policy publish` puts the policy of today into force; then try the new one",
        )
    _check_stored(store, rollout.hash)
    _write(store, pointer, pointer.moves, rollout)


def stop(store: OperatorStore, pointer: Pointer) -> None:
    """Try nothing any more: everybody goes by what is in force.

    Raises:
        PolicyMovedError: Somebody else moved the pointer meanwhile.
        FunctionsError: The store failed.
    """
    _write(store, pointer, pointer.moves, None)


def _check_stored(store: OperatorStore, version: str) -> None:
    if VERSIONS + version not in store.document_names(VERSIONS + version):
        raise UnknownPolicyError(
            f"no version {version!r} of the policy was published", hint="`functions policy list` shows them"
        )
    stored_version(store, version)


def _move(store: OperatorStore, pointer: Pointer, move: Move) -> None:
    _write(store, pointer, (move, *pointer.moves[: _REMEMBERED - 1]), None)


def _write(store: OperatorStore, pointer: Pointer, moves: Sequence[Move], rollout: Rollout | None) -> None:
    written: list[Json] = [
        {"hash": one.hash, "at": format_instant(one.at), "note": one.note} for one in moves
    ]
    body: dict[str, Json] = {"format": _FORMAT, "moves": written}
    if rollout is not None:
        body["rollout"] = {
            "hash": rollout.hash, "mode": rollout.mode, "seed": rollout.part.seed, "share": rollout.share,
            "at": format_instant(rollout.at), "note": rollout.note,
        }  # fmt: skip
    if not store.put_document(CURRENT, body, replaces=pointer.version):
        raise PolicyMovedError(
            "somebody else changed the policy in force meanwhile; yours is not in force",
            hint="`functions policy list` shows theirs; then run the command again",
        )
