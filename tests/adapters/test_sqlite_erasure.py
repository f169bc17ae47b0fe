"""What was erased is gone from the bytes of the files, not only from the tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from functions.profiles.access import erase
from functions.profiles.sqlite import SqliteProfileStore
from functions.profiles.sqlite_connection import SqliteConnection
from functions.profiles.sqlite_feedback import SqliteFeedbackStore
from functions.profiles.sqlite_schema import open_database
from functions.testing.store_checks.responding import a_trial
from functions.testing.store_checks.samples import NOW, acted

CUSTOMER = "customer-of-the-canary"
NEIGHBOUR = "customer-next-door"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "profiles.db"


@pytest.fixture
def store(file: Path) -> Iterator[SqliteProfileStore]:
    """Two customers with decisions, and a log that was not brought into the file since."""
    with closing(SqliteProfileStore(file)) as store, closing(SqliteFeedbackStore(file)) as feedback:
        for name in (CUSTOMER, NEIGHBOUR):
            store.put_profile(name, {"n": 1}, updated_at=NOW)
            for _ in range(30):
                acted(store, name)
            store.put_alias(f"visitor-{name}", name)
            assert feedback.write_feedback([a_trial(name)])
        yield store


def _bytes(file: Path) -> bytes:
    return b"".join(path.read_bytes() for path in file.parent.iterdir())


def test_neither_file_nor_log_holds_bytes_of_an_erased_customer(
    file: Path, store: SqliteProfileStore
) -> None:
    assert CUSTOMER.encode() in _bytes(file)
    with closing(SqliteFeedbackStore(file)) as feedback:
        erase(store, feedback, CUSTOMER)

    assert store.scrub()
    assert CUSTOMER.encode() not in _bytes(file)
    assert NEIGHBOUR.encode() in _bytes(file)


def test_a_reader_elsewhere_prevents_it_and_that_is_known(file: Path) -> None:
    reader = SqliteConnection(file, 0.0, open_database)
    with closing(SqliteProfileStore(file, busy_timeout_s=0.0)) as store, closing(reader):
        store.put_profile(CUSTOMER, {"n": 1}, updated_at=NOW)
        with reader.transaction("BEGIN") as connection:
            connection.execute("SELECT count(*) FROM profile").fetchone()
            store.delete_profile(CUSTOMER)
            assert not store.scrub()
        assert store.scrub()
    assert CUSTOMER.encode() not in _bytes(file)


def test_there_is_nothing_to_scrub_where_there_is_no_file(file: Path) -> None:
    with closing(SqliteProfileStore(file)) as store:
        assert store.scrub()
        assert not file.exists()
