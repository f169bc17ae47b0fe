"""`functions profile export` and `delete`: all that is kept about a customer, given out and erased."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from functions.profiles.memory import MemoryProfileStore
from functions.profiles.sqlite import SqliteProfileStore
from functions.profiles.sqlite_feedback import SqliteFeedbackStore
from functions.profiles.store import Snapshot
from functions.testing.store_checks.responding import a_trial

Command = Callable[..., CompletedProcess[str]]

NOT_REACHED = (
    "not reached: copies outside the store, such as the lasting log of decisions and the archive of events on "
    "AWS; docs/operations.md says how to rewrite them (Erasing a customer)"
)


@pytest.fixture
def customer(functions: Command, project: Path, samples: None) -> str:
    """A customer with a profile, consent, a decision and all that comes of it."""
    functions("invoke", "churn-retention", "--event", project / "events" / "cancellation-page.json")
    store, feedback = SqliteProfileStore(project / "store.db"), SqliteFeedbackStore(project / "store.db")
    store.put_alias("visitor-7", "customer-0042")
    assert feedback.write_feedback([a_trial("customer-0042")])
    feedback.close()
    store.close()
    return "customer-0042"


def test_everything_that_is_kept_is_exported(functions: Command, customer: str) -> None:
    done = functions("profile", "export", customer)
    shown = json.loads(functions("profile", "get", customer).stdout)

    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert (document["id"], document["aliases"]) == (customer, ["visitor-7"])
    (record,) = document["records"]
    assert {name: record[name] for name in ("id", "profile", "consent", "scores", "version")} == {
        name: shown[name] for name in ("id", "profile", "consent", "scores", "version")
    }
    assert [one["action"] for one in record["contacts"]] == ["retention-offer-20"]
    (decision,) = record["decisions"]
    assert decision["body"]["scores"] == {"churn_risk": record["scores"]["churn_risk"]["value"]}
    assert [one["status"] for one in record["outbox"] if one["decision_id"] == decision["id"]] == ["sent"]
    assert [one["body"] for one in record["trials"]] == [{"action": "offer"}]
    assert record["responses"] == []


def test_an_alias_is_as_good_as_the_id(functions: Command, customer: str) -> None:
    by_id, by_alias = (
        json.loads(functions("profile", "export", one).stdout) | {"exported_at": ""}
        for one in (customer, "visitor-7")
    )

    assert by_alias == by_id


def test_an_export_to_a_file_is_for_its_owner_alone(
    functions: Command, customer: str, tmp_path: Path
) -> None:
    file = tmp_path / "customer.json"
    done = functions("profile", "export", customer, "--to", file)

    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == (
        f"written to {file}: 1 profile, 1 consent record, 1 score, 1 contact, 1 decision, "
        "1 action or notice, 1 alias, 1 record of feedback\n"
    )
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["id"] == customer
    assert not file.with_name("customer.json.part").exists()


def test_a_file_that_can_not_be_written_ends_with_three(functions: Command, customer: str) -> None:
    done = functions("profile", "export", customer, "--to", "nowhere/customer.json")

    assert done.returncode == 3
    assert "nowhere/customer.json can't be written: No such file or directory" in done.stderr


def test_erasing_leaves_nothing_and_says_how_much_it_was(functions: Command, customer: str) -> None:
    done = functions("profile", "delete", "visitor-7")

    assert (done.returncode, done.stdout) == (0, "")
    counts, warning = done.stderr.splitlines()
    assert counts == (
        "erased: customer-0042: 1 profile, 1 consent record, 1 score, 1 contact, 1 decision, "
        "1 action or notice, 1 alias, 1 record of feedback"
    )
    assert warning == NOT_REACHED
    for action in ("get", "export", "delete"):
        assert functions("profile", action, customer).returncode == 1
    assert json.loads(functions("decisions", "--profile", customer, "--json").stdout) == []


@pytest.mark.parametrize("action", ["get", "export", "delete"])
def test_an_unknown_customer_ends_with_one(functions: Command, action: str) -> None:
    done = functions("profile", action, "nobody")

    assert (done.returncode, done.stdout) == (1, "")
    assert "error[profile.unknown]" in done.stderr


class StoreWithoutHoldings:
    """A store of the user's own that can't say all that it keeps."""

    def __init__(self) -> None:
        self._inner = MemoryProfileStore()

    def load(self, profile_id: str, decision_id: str | None = None) -> Snapshot:
        return self._inner.load(profile_id, decision_id)

    def close(self) -> None:
        pass


@pytest.mark.parametrize("action", ["export", "delete"])
def test_a_store_that_can_not_say_what_it_keeps_is_refused(functions: Command, action: str) -> None:
    environment: Mapping[str, str] = {"FUNCTIONS_STORE": f"{__name__}:StoreWithoutHoldings"}
    done = functions("profile", action, "customer-0042", environment=environment)

    assert done.returncode == 3
    assert "a store of this class can't say all that it keeps about a customer" in done.stderr
