"""Publishing: immutable versions, and a pointer that only moves for whoever saw where it stood."""

from datetime import timedelta

import pytest

from functions.build.published import published_form
from functions.errors import PolicyMovedError, PolicyUnusableError, UnknownPolicyError
from functions.profiles.memory_operator import MemoryOperatorStore
from functions.runtime.versions import (
    CURRENT,
    VERSIONS,
    Move,
    Pointer,
    publish,
    stored_pointer,
    stored_version,
    use,
)
from functions.spec.plan import Policy
from functions.testing.sample_function import NOW, a_plan


def _a_policy(name: str) -> Policy:
    return Policy(hash=name, currency=None, actions=a_plan().actions, channels={})


def _publish(store: MemoryOperatorStore, name: str, pointer: Pointer | None = None) -> str:
    stood = stored_pointer(store) if pointer is None else pointer
    return publish(store, published_form(_a_policy(name)), stood, note=f"note of {name}", at=NOW)


def test_nothing_published_is_no_version() -> None:
    assert stored_pointer(MemoryOperatorStore()) == Pointer((), 0)
    assert stored_pointer(MemoryOperatorStore()).hash is None


def test_a_publication_writes_its_version_and_moves_the_pointer() -> None:
    store = MemoryOperatorStore()
    assert _publish(store, "a") == "a"
    assert stored_pointer(store) == Pointer((Move("a", NOW, "note of a"),), 1)
    assert stored_version(store, "a") == published_form(_a_policy("a"))
    assert list(store.document_names("")) == [CURRENT, VERSIONS + "a"]


def test_of_two_publishers_one_wins_and_the_other_is_told() -> None:
    store = MemoryOperatorStore()
    _publish(store, "a")
    stood = stored_pointer(store)
    _publish(store, "b", stood)
    with pytest.raises(PolicyMovedError, match="yours is not in force"):
        _publish(store, "c", stood)
    with pytest.raises(PolicyMovedError):
        use(store, "a", stood, note=None, at=NOW)
    assert stored_pointer(store).hash == "b"


def test_a_version_is_written_once_and_can_be_published_again() -> None:
    store = MemoryOperatorStore()
    for name in ("a", "b", "a"):
        _publish(store, name)
    assert [move.hash for move in stored_pointer(store).moves] == ["a", "b", "a"]
    assert store.read_documents(VERSIONS + "a")[VERSIONS + "a"].version == 1


def test_a_version_that_was_tampered_with_is_not_put_into_force_again() -> None:
    store = MemoryOperatorStore()
    _publish(store, "a")
    _publish(store, "b")
    body = dict(stored_version(store, "a"))
    assert store.put_document(VERSIONS + "a", body | {"sum": "0"}, replaces=1)
    with pytest.raises(PolicyUnusableError):
        _publish(store, "a")
    with pytest.raises(PolicyUnusableError):
        use(store, "a", stored_pointer(store), note=None, at=NOW)
    assert stored_pointer(store).hash == "b"


@pytest.mark.parametrize("name", ["b", "", "a/../a", "A"])
def test_only_a_version_that_was_published_can_be_used(name: str) -> None:
    store = MemoryOperatorStore()
    _publish(store, "ab")
    with pytest.raises(UnknownPolicyError):
        use(store, name, stored_pointer(store), note=None, at=NOW)


def test_the_pointer_remembers_its_last_moves_and_stays_small() -> None:
    store = MemoryOperatorStore()
    for number in range(30):
        at = NOW + timedelta(minutes=number)
        publish(store, published_form(_a_policy(f"v{number}")), stored_pointer(store), note="n" * 200, at=at)
    moves = stored_pointer(store).moves
    assert [move.hash for move in moves] == [f"v{number}" for number in range(29, 9, -1)]
    assert moves[0].at == NOW + timedelta(minutes=29)
