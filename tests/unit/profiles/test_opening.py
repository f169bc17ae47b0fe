"""From the address of a store to the store."""

import subprocess
import sys
from pathlib import Path

import pytest

from functions.errors import SettingsError
from functions.profiles.memory import MemoryProfileStore
from functions.profiles.memory_operator import MemoryOperatorStore
from functions.profiles.opening import KINDS, open_operator_store, open_store
from functions.profiles.sqlite import SqliteProfileStore
from functions.testing.store_checks.samples import NOW, document_of


def test_memory_opens_an_empty_store_each_time() -> None:
    first, second = open_store("memory:"), open_store("memory:")
    first.put_profile("profile-1", {"n": 1}, updated_at=NOW)
    assert isinstance(first, MemoryProfileStore)
    assert second.load("profile-1", "decision-1").profile_json is None


def test_three_slashes_open_a_file_from_here_and_four_from_the_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    near = open_store("sqlite:///data/profiles 1%20.db?busy_timeout_s=0.5")
    assert isinstance(near, SqliteProfileStore)
    near.put_profile("profile-1", {"n": 1}, updated_at=NOW)
    near.close()
    far = open_store(f"sqlite:///{tmp_path}/data/profiles 1%20.db")
    assert document_of(far, "profile-1") == {"n": 1}
    far.close()


def test_a_class_of_the_users_own_is_opened_by_its_dotted_path() -> None:
    assert isinstance(open_store("functions.profiles.memory:MemoryProfileStore"), MemoryProfileStore)


def test_options_of_an_own_class_are_passed_as_text(tmp_path: Path) -> None:
    store = open_store(f"functions.profiles.sqlite:SqliteProfileStore?path={tmp_path}/a%20b.db")
    store.put_profile("profile-1", {"n": 1}, updated_at=NOW)
    store.close()
    assert (tmp_path / "a b.db").exists()


def test_shared_documents_are_in_the_file_of_the_profiles(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/profiles.db?busy_timeout_s=0.5"
    store, documents = open_store(url), open_operator_store(url)
    assert documents is not None
    store.put_profile("profile-1", {"n": 1}, updated_at=NOW)
    assert documents.put_document("switches", {"n": 2}, replaces=0)
    assert document_of(store, "profile-1") == {"n": 1}
    assert [file.name for file in tmp_path.glob("*.db")] == ["profiles.db"]
    store.close()
    documents.close()


def test_an_own_class_keeps_shared_documents_when_it_has_the_methods() -> None:
    own = "functions.profiles.memory_operator:MemoryOperatorStore"
    assert isinstance(open_operator_store(own), MemoryOperatorStore)
    assert open_operator_store("functions.profiles.memory:MemoryProfileStore") is None


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "no kind of store has that name"),
        ("memory", "no kind of store has that name"),
        ("oracle:x", "no kind of store has that name; known: memory:; sqlite:///"),
        ("memory:x", "the form memory:"),
        ("sqlite:", "the form sqlite:///folder/file.db"),
        ("sqlite:profiles.db", "the form sqlite:///folder/file.db"),
        ("sqlite:///", "the form sqlite:///folder/file.db"),
        ("sqlite:///x.db?timeout=1", "it takes: busy_timeout_s"),
        ("sqlite:///x.db?busy_timeout_s=soon", "a value that can't be read"),
        ("sqlite:///x.db?busy_timeout_s=nan", "a value that can't be read"),
        ("sqlite:///x.db?busy_timeout_s=-1", "a value that can't be read"),
        ("memory:?size=1", "it takes: none"),
        ("dynamodb:", "the form dynamodb:table-name"),
        ("dynamodb:my table", "the form dynamodb:table-name"),
        ("dynamodb://profiles", "the form dynamodb:table-name"),
        ("dynamodb:profiles?key=1", "it takes: region, endpoint_url, budget_ms"),
        ("dynamodb:profiles?budget_ms=0", "a value that can't be read"),
        ("dynamodb:profiles?budget_ms=1.5", "a value that can't be read"),
        ("dynamodb:profiles?region=eu-central-1&endpoint_url=nowhere", "can't be read"),
        ("no.such.module:Store", "can't be imported"),
        ("functions.profiles.memory:Store", "the module functions.profiles.memory has no Store"),
        ("functions.profiles.memory:MemoryProfileStore?a=1", "does not take these options"),
    ],
)
def test_an_address_that_opens_nothing_says_why(url: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        open_store(url)


def test_a_misspelt_kind_gets_the_closest_one_as_a_hint() -> None:
    with pytest.raises(SettingsError) as caught:
        open_store("sqllite:///x.db?password=secret")
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("Did you mean sqlite:///")
    assert "secret" not in str(caught.value)


def test_every_kind_names_a_class_that_exists() -> None:
    for target in [target for kind in KINDS.values() for target in (kind.target, kind.documents)]:
        module, _, name = target.partition(":")
        found = subprocess.run(
            [sys.executable, "-c", f"from {module} import {name}"], check=False, timeout=60
        )
        assert found.returncode == 0


def test_opening_loads_nothing_heavy_and_only_the_kind_that_is_asked_for() -> None:
    program = (
        "import sys\n"
        "from functions.profiles.opening import open_store\n"
        "assert 'sqlite3' not in sys.modules\n"
        "open_store('memory:')\n"
        "assert 'sqlite3' not in sys.modules\n"
        "open_store('sqlite:///never-used.db').close()\n"
        "import functions.testing.stores\n"
        "heavy = {'boto3', 'botocore', 'httpx', 'jmespath', 'pydantic', 'pytest', 'yaml', 'asyncio'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, timeout=60, capture_output=True, text=True
    )
    assert done.stdout == "[]\n"
