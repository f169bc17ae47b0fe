"""What the SQLite store does beyond the protocol: opening, threads, purging, forks."""

import os
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from functions.profiles.memory import MemoryProfileStore
from functions.profiles.retention import SCORE_GRACE
from functions.profiles.sqlite import SqliteProfileStore
from functions.profiles.store import MAX_PROFILE_BYTES
from functions.testing.store_checks.samples import (
    DAY,
    NOW,
    a_decision,
    a_score,
    acted,
    document_of,
    own_outbox,
    read,
    scores_alone,
    taken,
    with_action,
)

_TICK = timedelta(milliseconds=1)


def test_making_a_store_touches_nothing_until_it_is_used(tmp_path: Path) -> None:
    store = SqliteProfileStore(tmp_path / "a" / "b" / "profiles.db")
    assert list(tmp_path.iterdir()) == []
    assert read(store, "profile-1").profile_json is None
    assert list(tmp_path.iterdir()) == []
    store.put_profile("profile-1", {"n": 1}, updated_at=NOW)
    assert (tmp_path / "a" / "b" / "profiles.db").exists()
    assert document_of(store, "profile-1") == {"n": 1}
    store.close()


def test_reading_where_a_file_was_removed_finds_nothing_and_makes_no_file(tmp_path: Path) -> None:
    with closing(SqliteProfileStore(tmp_path / "profiles.db")) as store:
        store.put_profile("profile-1", {"n": 1}, updated_at=NOW)
        for path in tmp_path.iterdir():
            path.unlink()
        assert read(store, "profile-1").profile_json is None
        assert list(tmp_path.iterdir()) == []


def test_a_store_that_was_never_used_can_be_closed(tmp_path: Path) -> None:
    SqliteProfileStore(tmp_path / "profiles.db").close()
    assert list(tmp_path.iterdir()) == []


def test_closing_leaves_one_file_and_using_again_opens_it_again(tmp_path: Path) -> None:
    store = SqliteProfileStore(str(tmp_path / "profiles.db"))
    store.put_profile("profile-1", {"n": 1}, updated_at=NOW)
    store.close()
    assert [path.name for path in tmp_path.iterdir()] == ["profiles.db"]
    assert document_of(store, "profile-1") == {"n": 1}
    store.close()


def test_two_stores_on_one_file_see_each_other(tmp_path: Path) -> None:
    path = tmp_path / "profiles.db"
    with closing(SqliteProfileStore(path)) as first, closing(SqliteProfileStore(path)) as second:
        decision = acted(first, "profile-1")
        assert read(second, "profile-1", decision.id).decision == decision
        assert taken(second, decision).attempts == 1
        assert first.lease("profile-1", decision.id, owner="x", now=NOW, until=NOW + DAY) is None


@pytest.mark.skipif(os.name == "nt", reason="this system does not remove open files")
def test_a_file_that_is_removed_while_it_is_open_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "data" / "profiles.db"
    with closing(SqliteProfileStore(path)) as store:
        acted(store, "profile-1")
        for leftover in path.parent.iterdir():
            leftover.unlink()
        path.parent.rmdir()
        decision = acted(store, "profile-1")
        with closing(SqliteProfileStore(path)) as other:
            assert read(other, "profile-1", decision.id).decision == decision
            assert read(other, "profile-1").state.version == 1


def test_a_profile_takes_little_room(tmp_path: Path) -> None:
    path = tmp_path / "profiles.db"
    with closing(SqliteProfileStore(path)) as store:
        store.put_profile("profile-1", {"text": "a" * (MAX_PROFILE_BYTES - 20)}, updated_at=NOW)
    assert path.stat().st_size < 100_000


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_purging_drops_what_may_be_dropped_to_the_millisecond(kind: str, tmp_path: Path) -> None:
    store = MemoryProfileStore() if kind == "memory" else SqliteProfileStore(tmp_path / "profiles.db")
    old, young = (a_decision("profile-1", name, at=NOW) for name in ("old", "young"))
    old = replace(old, expires_at=NOW)
    young = replace(young, expires_at=NOW + _TICK)
    for version, decision in enumerate((old, young)):
        request = with_action(decision, version=version, scores=False)
        assert request.outbox is not None
        outbox = replace(request.outbox, keep_until=decision.expires_at)
        assert store.commit(replace(request, outbox=outbox)).status == "committed"
    past = NOW - SCORE_GRACE
    scores = {
        "long-expired": replace(a_score(), expires_at=past),
        "expired": replace(a_score(), expires_at=past + _TICK),
        "endless": replace(a_score(), expires_at=None),
    }
    store.commit(scores_alone(replace(young, id="young-2"), **scores))

    for budget, until in (("old", NOW), ("young", NOW + _TICK), ("endless", None)):
        store.open_budget(budget, "2026-11-02", [1, 1], keep_until=until)

    assert store.purge(NOW) == 5

    assert [decision.id for decision in store.decisions("profile-1")] == ["young-2", "young"]
    assert [entry.decision_id for entry in own_outbox(store, "profile-1")] == ["young"]
    state = read(store, "profile-1").state
    assert set(state.scores) == {"expired", "endless"}
    assert (state.version, len(state.contacts)) == (2, 2)
    left = {budget: store.budget_left(budget, "2026-11-02") for budget in ("old", "young", "endless")}
    assert left == {"old": (), "young": (1, 1), "endless": (1, 1)}
    assert store.purge(NOW) == 0
    store.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_opens_a_connection_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "profiles.db"
    with closing(SqliteProfileStore(path)) as store:
        acted(store, "profile-1")
        child = os.fork()
        if child == 0:
            # Only the exit code leaves the child: nothing of pytest may run in it.
            try:
                acted(store, "profile-1")
                store.close()
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        acted(store, "profile-1")
        assert read(store, "profile-1").state.version == 3
