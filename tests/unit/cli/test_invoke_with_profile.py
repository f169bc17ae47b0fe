"""`functions invoke --profile`: a customer from a file, put into the store first."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Command = Callable[..., CompletedProcess[str]]

ROOT = Path(__file__).parents[3]


@pytest.fixture
def event(project: Path) -> Path:
    """The sample event of the README."""
    return project / "events" / "cancellation-page.json"


class TestAProfileFromAFile:
    def test_a_record_is_put_first_even_into_a_store_in_memory(
        self, functions: Command, event: Path, tmp_path: Path
    ) -> None:
        file = tmp_path / "customer.json"
        record = {
            "id": "customer-0042",
            "profile": {"orders": {"count": 3, "revenue": 180.5, "last_at": "2026-07-05T09:15:00Z"}},
            "consent": {"marketing": "granted"},
        }
        file.write_text(json.dumps(record))
        done = functions(
            *("invoke", "churn-retention", "--event", event, "--profile", file, "--json"),
            environment={"FUNCTIONS_STORE": "memory:"},
        )

        receipt = json.loads(done.stdout)
        assert receipt["features"] == {"recency_days": 120, "frequency": 3, "lifetime_value": 180.5}
        assert receipt["consent"][0]["verdict"] == "granted"

    def test_a_bare_profile_is_that_of_the_customer_of_the_event(
        self, functions: Command, event: Path, tmp_path: Path
    ) -> None:
        file = tmp_path / "profile.json"
        file.write_text(json.dumps({"orders": {"count": 1}}))
        done = functions("invoke", "churn-retention", "--event", event, "--profile", file, "--json")

        receipt = json.loads(done.stdout)
        assert receipt["profile"]["bytes"] > 0
        assert receipt["reason"]["code"] == "consent.unknown"

    @pytest.mark.usefixtures("samples")
    def test_older_consent_than_the_stored_one_is_not_taken_and_that_is_said(
        self, functions: Command, event: Path, tmp_path: Path
    ) -> None:
        functions("profile", "put", "customer-0042", "--consent", "marketing=revoked")
        file = tmp_path / "customer.json"
        consent = {"marketing": {"status": "granted", "at": "2001-01-01T00:00:00Z"}}
        file.write_text(json.dumps({"id": "customer-0042", "consent": consent}))
        done = functions("invoke", "churn-retention", "--event", event, "--profile", file, "--json")

        assert json.loads(done.stdout)["reason"]["code"] == "consent.revoked"
        assert (
            "consent marketing: the record in the store is newer, or as new and stricter; it stays"
            in done.stderr
        )

    @pytest.mark.parametrize("text", ["[]", "{", '{"profile": 3}', '{"id": 3, "profile": {}}'])
    def test_what_is_no_record_is_refused_before_anything_happens(
        self, functions: Command, event: Path, tmp_path: Path, text: str
    ) -> None:
        file = tmp_path / "customer.json"
        file.write_text(text)
        done = functions("invoke", "churn-retention", "--event", event, "--profile", file)

        assert (done.returncode, done.stdout) == (1, "")
        assert f"error[event.malformed] {file}: " in done.stderr
