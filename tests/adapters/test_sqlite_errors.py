"""What the SQLite store says when its file can't do its part, and that nothing is half done then."""

import errno
import os
import re
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import MappingProxyType

import pytest

from functions.errors import (
    ProfileStoreError,
    StoreDeniedError,
    StoreFullError,
    StoreRejectedError,
    StoreUnavailableError,
)
from functions.profiles.sqlite import SqliteProfileStore
from functions.profiles.sqlite_errors import BY_CODE, from_folder, from_sqlite
from functions.profiles.sqlite_schema import APPLICATION_ID, SCHEMA_VERSION, open_database
from functions.testing.store_checks.samples import (
    HOUR,
    NOW,
    a_decision,
    acted,
    document_of,
    own_outbox,
    read,
    with_action,
)

_NOT_ERRORS = frozenset(
    ("SQLITE_OK", "SQLITE_OK_LOAD_PERMANENTLY", "SQLITE_OK_SYMLINK", "SQLITE_ROW", "SQLITE_DONE")
)
_AUTHORIZER_CODES = re.compile(
    # Source: https://www.sqlite.org/c3ref/c_alter_table.html, and the answers of an authorizer.
    "SQLITE_("
    "(CREATE|DROP)_(TEMP_)?(INDEX|TABLE|TRIGGER|VIEW)|(CREATE|DROP)_VTABLE|DELETE|INSERT|PRAGMA|READ|SELECT"
    "|TRANSACTION|UPDATE|ATTACH|DETACH|ALTER_TABLE|REINDEX|ANALYZE|FUNCTION|SAVEPOINT|RECURSIVE|COPY"
    "|DENY|IGNORE)"
)
_SETTINGS = ("SQLITE_LIMIT_", "SQLITE_DBCONFIG_")

Spoil = Callable[[sqlite3.Connection], object]


def _store(path: Path, spoil: Spoil = lambda _: None, *, timeout_s: float = 5.0) -> SqliteProfileStore:
    """Open a store whose connection is spoilt once its tables exist."""

    def connect(file: Path, busy_timeout_s: float) -> sqlite3.Connection:
        connection = open_database(file, busy_timeout_s)
        spoil(connection)
        return connection

    return SqliteProfileStore(path, busy_timeout_s=timeout_s, connect=connect)


def _fails(path: Path, kind: type[ProfileStoreError], match: str) -> ProfileStoreError:
    """Read from a file that can't be used and return the error."""
    with closing(SqliteProfileStore(path)) as store, pytest.raises(kind, match=match) as caught:
        read(store, "profile-1")
    return caught.value


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that holds one profile with one action."""
    path = tmp_path / "profiles.db"
    with closing(SqliteProfileStore(path)) as store:
        store.put_profile("profile-1", {"n": 1}, updated_at=NOW)
        acted(store, "profile-1")
    return path


def test_every_result_code_of_sqlite_has_a_meaning() -> None:
    codes = {name: getattr(sqlite3, name) for name in dir(sqlite3) if name.startswith("SQLITE_")}
    errors = {
        name: code
        for name, code in codes.items()
        if name not in _NOT_ERRORS
        and not name.startswith(_SETTINGS)
        and not _AUTHORIZER_CODES.fullmatch(name)
    }
    assert len(errors) > 80
    assert {name for name, code in errors.items() if code & 0xFF not in BY_CODE} == set()
    assert set(BY_CODE) == {code for code in errors.values() if code < 256}


def test_every_meaning_says_what_and_never_repeats_what_sqlite_says() -> None:
    assert isinstance(BY_CODE, MappingProxyType)
    for code, (kind, text) in BY_CODE.items():
        error = sqlite3.OperationalError("secret-value")
        error.sqlite_errorcode, error.sqlite_errorname = code | 0x100, "SQLITE_NAME"
        translated = from_sqlite(error, Path("a/profiles.db"))
        assert type(translated) is kind
        assert str(translated) == f"the profile store a/profiles.db {text} (SQLITE_NAME)"


def test_an_error_without_a_code_is_a_fault_of_the_store() -> None:
    assert type(from_sqlite(sqlite3.ProgrammingError("x"), Path("p"))) is ProfileStoreError


def test_a_locked_file_is_unavailable_to_writers_and_open_to_readers(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with closing(_store(path, timeout_s=0.01)) as store:
            with pytest.raises(StoreUnavailableError, match=r"is locked by another process \(SQLITE_BUSY\)"):
                store.commit(with_action(a_decision("profile-1"), version=1))
            assert document_of(store, "profile-1") == {"n": 1}
            other.execute("ROLLBACK")
            assert store.commit(with_action(a_decision("profile-1"), version=1)).status == "committed"


def test_a_new_file_that_is_locked_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "profiles.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with closing(_store(path, timeout_s=0.01)) as store:
            with pytest.raises(StoreUnavailableError, match="is locked"):
                read(store, "profile-1")
            other.execute("ROLLBACK")
            assert read(store, "profile-1").profile_json is None


def test_a_full_disk_loses_nothing_that_was_there_and_writes_nothing_by_halves(path: Path) -> None:
    # The quota is SQLite's own: from here on the file may not grow by a single page.
    store = _store(path, lambda connection: connection.execute("PRAGMA max_page_count = 1").fetchall())
    large = a_decision("profile-1")
    large.body["text"] = "x" * 100_000
    with closing(store):
        before = read(store, "profile-1", large.id)
        with pytest.raises(StoreFullError, match=r"no room left.*\(SQLITE_FULL\)"):
            store.commit(with_action(large, version=1))
        assert read(store, "profile-1", large.id) == before
    with closing(SqliteProfileStore(path)) as store:
        assert store.commit(with_action(large, version=1)).status == "committed"


def test_a_commit_that_fails_at_its_last_statement_leaves_nothing(path: Path) -> None:
    failing = (
        "CREATE TEMP TRIGGER failing BEFORE INSERT ON outbox WHEN NEW.decision_id = 'decision-1' "
        "BEGIN SELECT RAISE(ABORT, 'secret'); END"
    )
    with closing(_store(path, lambda connection: connection.execute(failing))) as store:
        before = read(store, "profile-1", "decision-1")
        with pytest.raises(StoreRejectedError, match=r"do not allow \(SQLITE_CONSTRAINT_TRIGGER\)"):
            store.commit(with_action(a_decision("profile-1", "decision-1"), version=1))
        assert read(store, "profile-1", "decision-1") == before
        assert store.commit(with_action(a_decision("profile-1"), version=1)).status == "committed"


def test_a_connection_that_may_only_read_is_denied_to_writers(path: Path) -> None:
    with closing(_store(path, lambda connection: connection.execute("PRAGMA query_only = ON"))) as store:
        assert document_of(store, "profile-1") == {"n": 1}
        with pytest.raises(StoreDeniedError, match=r"may be read only \(SQLITE_READONLY\)"):
            store.put_profile("profile-1", {}, updated_at=NOW)


def test_a_file_that_is_opened_for_reading_is_denied_to_writers(path: Path) -> None:
    def connect(file: Path, busy_timeout_s: float) -> sqlite3.Connection:
        return sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, isolation_level=None)

    with closing(SqliteProfileStore(path, connect=connect)) as store:
        assert document_of(store, "profile-1") == {"n": 1}
        with pytest.raises(StoreDeniedError, match="may be read only"):
            store.commit(with_action(a_decision("profile-1"), version=1))


@contextmanager
def _as_ordinary_user() -> Iterator[None]:
    """Put off the rights of root, for whom no file is read-only; nothing to do for anybody else."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def _refuses(path: Path, match: str) -> None:
    """Find nothing where there is no file, and be denied to make one."""
    with closing(SqliteProfileStore(path)) as store:
        assert read(store, "profile-1").profile_json is None
        with pytest.raises(StoreDeniedError, match=match):
            store.put_profile("profile-1", {"n": 1}, updated_at=NOW)


def test_a_folder_without_the_right_to_write_is_denied(open_folder: Path) -> None:
    open_folder.chmod(0o555)
    with _as_ordinary_user():
        _refuses(open_folder / "profiles.db", r"check its folder and its rights \(SQLITE_CANTOPEN\)")
    with _as_ordinary_user():
        _refuses(open_folder / "new" / "profiles.db", "can't be created")
    open_folder.chmod(0o755)


def test_a_file_without_the_right_to_write_is_denied(open_folder: Path) -> None:
    path = open_folder / "profiles.db"
    with closing(SqliteProfileStore(path)) as store:
        store.put_profile("profile-1", {"n": 1}, updated_at=NOW)
    path.chmod(0o444)
    open_folder.chmod(0o555)
    with _as_ordinary_user(), closing(SqliteProfileStore(path)) as store, pytest.raises(StoreDeniedError):
        store.put_profile("profile-1", {"n": 2}, updated_at=NOW)
    open_folder.chmod(0o755)
    with closing(SqliteProfileStore(path)) as store:
        assert document_of(store, "profile-1") == {"n": 1}


def test_a_file_in_the_place_of_the_folder_is_denied(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")
    _fails(tmp_path / "taken" / "profiles.db", StoreDeniedError, "can't be created: check its parent")


def test_a_folder_in_the_place_of_the_file_is_denied(tmp_path: Path) -> None:
    _fails(tmp_path, StoreDeniedError, "can't be opened")


def test_a_folder_for_which_there_is_no_room_is_full() -> None:
    assert type(from_folder(OSError(errno.ENOSPC, "secret"), Path("p"))) is StoreFullError
    assert "secret" not in str(from_folder(OSError(errno.EACCES, "secret"), Path("p")))


def test_a_file_that_is_no_database_is_rejected_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "profiles.db"
    path.write_bytes(b"name,amount\n" * 1_000)
    _fails(path, StoreRejectedError, r"is no SQLite database \(SQLITE_NOTADB\)")
    assert path.read_bytes() == b"name,amount\n" * 1_000


def test_a_damaged_file_is_rejected(path: Path) -> None:
    damaged = bytearray(path.read_bytes())
    damaged[4096:] = b"\xff" * (len(damaged) - 4096)
    path.write_bytes(damaged)
    _fails(path, StoreRejectedError, r"is damaged \(SQLITE_CORRUPT")


def test_a_cut_file_is_rejected(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:8192])
    _fails(path, StoreRejectedError, "is damaged")


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE profile SET body = x'09ff'", "a codec that this version does not know"),
        ("UPDATE profile SET body = x'01ff'", "a profile that is damaged"),
        ("UPDATE profile SET body = x''", "a codec that this version does not know"),
        ("UPDATE score SET value = '{'", "a field value that can't be read"),
        ("UPDATE score SET at = 'yesterday'", "an instant that can't be read"),
        ("UPDATE contact SET tags = 'no json'", "a field tags that can't be read"),
        ("DROP TABLE budget", None),
        ("DROP TABLE alias", r"does not have the tables or columns .*\(SQLITE_ERROR\)"),
        ("DROP TABLE score", r"does not have the tables or columns .*\(SQLITE_ERROR\)"),
    ],
)
def test_what_somebody_else_wrote_into_the_file_is_rejected(
    path: Path, statement: str, message: str | None
) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(statement)
    with closing(SqliteProfileStore(path)) as store:
        if message is None:
            assert document_of(store, "profile-1") == {"n": 1}
            return
        with pytest.raises(StoreRejectedError, match=message):
            read(store, "profile-1")


def test_a_file_from_before_there_were_rails_gets_what_they_keep(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("ALTER TABLE contact DROP COLUMN counts")
        other.execute("ALTER TABLE outbox DROP COLUMN paid")
        for column in ("zones", "undelivered", "known_as"):
            other.execute(f"ALTER TABLE outbox DROP COLUMN {column}")
        other.execute("ALTER TABLE budget DROP COLUMN keep_until")
    with closing(SqliteProfileStore(path)) as store:
        contacts = read(store, "profile-1").state.contacts
        entries = own_outbox(store, "profile-1")
    assert contacts
    assert all(contact.counts for contact in contacts)
    assert [(entry.paid, entry.zones, entry.known_as) for entry in entries] == [((), {}, ())] * len(entries)
    assert [entry.undelivered for entry in entries] == [0] * len(entries)


def test_entries_that_somebody_damaged_are_told_and_take_nobodys_place(path: Path) -> None:
    with closing(SqliteProfileStore(path)) as store:
        damaged = [acted(store, "profile-2") for _ in range(3)]
        sound = acted(store, "profile-2", at=NOW + HOUR)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            for one in damaged:
                other.execute("UPDATE outbox SET message = 'no JSON' WHERE decision_id = ?", (one.id,))
            other.execute("DELETE FROM outbox WHERE profile_id = 'profile-1'")
        told: list[tuple[str, str]] = []
        listed = store.outbox(limit=1, unreadable=lambda *whose: told.append(whose))
        assert [entry.decision_id for entry in listed] == [sound.id]
        assert sorted(told) == sorted(("profile-2", one.id) for one in damaged)
        with pytest.raises(StoreRejectedError):
            store.outbox(limit=1)


def test_a_newer_schema_is_rejected_with_what_to_do(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    error = _fails(path, StoreRejectedError, "has schema 2; this version reads up to 1")
    assert error.hint == "Install the version that wrote it, or a newer one."


@pytest.mark.parametrize("user_version", [0, SCHEMA_VERSION, 7])
def test_a_database_of_another_program_is_rejected_and_left_alone(tmp_path: Path, user_version: int) -> None:
    path = tmp_path / "music.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE track (title TEXT)")
        other.execute(f"PRAGMA user_version = {user_version}")
    before = path.read_bytes()
    _fails(path, StoreRejectedError, "is a database of another program")
    assert path.read_bytes() == before


def test_the_file_says_whose_it_is_and_keeps_a_write_ahead_log(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        found = [other.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "journal_mode")]
    assert found == [APPLICATION_ID, "wal"]


def test_every_commit_is_flushed_to_the_disk(tmp_path: Path) -> None:
    with closing(open_database(tmp_path / "profiles.db", 1.0)) as connection:
        full = 2
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == full
