"""Who may write what: each role its own partitions of the table, and nothing without a partition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from functions.profiles.dynamodb_documents import document_key
from functions.profiles.dynamodb_keys import (
    ALIAS,
    ALIAS_OF,
    CONSENT,
    DECISION,
    OUTBOX,
    PROFILE,
    RESPONSES,
    STATE,
    TRIAL,
    counter_key,
    key,
    shard_key,
)
from functions.profiles.operator_documents import MARK
from tests.infra.rights import allows, statements_of

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesis

PLATFORM: Final = {"profile", "consent", "alias", "note of an alias"}
DECISIONS: Final = {"state", "decision", "outbox", "budget"}
MEASURES: Final = {"trial", "responses"}
ITEMS: Final = {
    "profile": key("customer-1", PROFILE),
    "consent": key("customer-1", CONSENT),
    "alias": key("visitor-1", ALIAS),
    "note of an alias": key("customer-1", ALIAS_OF + "visitor-1"),
    "state": key("customer-1", STATE),
    "decision": key("customer-1", DECISION + "1"),
    "outbox": key("customer-1", OUTBOX + "1"),
    "budget": shard_key("discounts", "day-2026-11-02", 0),
    "trial": key("customer-1", TRIAL + "1"),
    "responses": key("customer-1", RESPONSES),
    "counter": counter_key("retention"),
    "switches": document_key("switches"),
    "mark": document_key(f"{MARK}0a"),
}
WRITES: Final = ("dynamodb:PutItem", "dynamodb:UpdateItem")


def _deciding(done: Synthesis) -> dict[str, list[dict[str, Any]]]:
    """Return those of functions and of the drain."""
    others = ("/Ingest", "/Outcomes")
    return {
        name: one for name, one in statements_of(done).items() if not any(kind in name for kind in others)
    }


def _of(done: Synthesis, kind: str) -> list[list[dict[str, Any]]]:
    return [statements for name, statements in statements_of(done).items() if kind in name]


def _writable(statements: list[dict[str, Any]], action: str, *attributes: str) -> set[str]:
    return {
        name
        for name, item in ITEMS.items()
        if allows(statements, action, item["pk"]["S"], ["pk", "sk", *attributes])
    }


def test_decisions_write_what_decisions_own(deployed: Synthesis) -> None:
    """No profile, no consent, no switch and no mark, whatever attributes a write names."""
    roles = _deciding(deployed)
    assert len(roles) >= 6
    for statements in roles.values():
        for action in WRITES:
            assert _writable(statements, action, "anything") == DECISIONS | MEASURES


def test_ingest_writes_what_the_platform_owns(ingesting: Synthesis) -> None:
    """The one that faces the internet can forge no action."""
    roles = _of(ingesting, "/Ingest")
    assert len(roles) == 2
    for statements in roles:
        for action in WRITES:
            assert _writable(statements, action, "anything") == PLATFORM


def test_ingest_unites_contact_logs_and_writes_nothing_else_of_a_decision(ingesting: Synthesis) -> None:
    united = ("version", "contact_count", "oldest_contact_at", "known_as", "contact#decision-1")
    for statements in _of(ingesting, "/Ingest"):
        assert _writable(statements, "dynamodb:UpdateItem", *united) == PLATFORM | DECISIONS - {"budget"}
        assert _writable(statements, "dynamodb:PutItem", *united) == PLATFORM
        for attribute in ("outcome", "lease_owner", "amount_left", "score#churn", "status", "message"):
            assert _writable(statements, "dynamodb:UpdateItem", *united, attribute) == PLATFORM


def test_outcomes_write_what_was_measured_and_the_end_of_consent(recording: Synthesis) -> None:
    """Consents are updated in place: no profile can be put, and no other attribute of one be written."""
    (statements,) = _of(recording, "/OutcomesRecorder")
    assert _writable(statements, "dynamodb:PutItem", "purpose#marketing") == MEASURES
    assert _writable(statements, "dynamodb:UpdateItem", "purpose#marketing") == MEASURES | PLATFORM
    for attribute in ("profile", "profile_at", "stands_for", "anything"):
        assert _writable(statements, "dynamodb:UpdateItem", "purpose#marketing", attribute) == MEASURES


def test_counting_writes_what_was_measured_and_counters(recording: Synthesis) -> None:
    (statements,) = _of(recording, "/OutcomesFold")
    for action in WRITES:
        assert _writable(statements, action, "anything") == MEASURES | {"counter"}


def test_all_read_by_key_and_only_decisions_check_in_a_transaction(
    deployed: Synthesis, ingesting: Synthesis, recording: Synthesis
) -> None:
    """A commit is conditional on consent and on marks, which it may not write."""
    for done in (deployed, ingesting, recording):
        for name, statements in statements_of(done).items():
            decides = name in _deciding(done)
            for item in ITEMS.values():
                partition = item["pk"]["S"]
                assert allows(statements, "dynamodb:BatchGetItem", partition)
                assert allows(statements, "dynamodb:ConditionCheckItem", partition) is decides


@pytest.mark.parametrize("action", ["Scan", "DeleteItem", "BatchWriteItem", "PartiQLInsert", "PartiQLUpdate"])
def test_nobody_deletes_lists_everything_or_writes_by_another_name(
    deployed: Synthesis, ingesting: Synthesis, recording: Synthesis, action: str
) -> None:
    for done in (deployed, ingesting, recording):
        for statements in statements_of(done).values():
            for partition in (None, "customer-1", "FUNCTIONS#DECIDED#customer-1"):
                assert not allows(statements, f"dynamodb:{action}", partition)


def test_who_lists_is_the_drain_the_count_and_the_recorder(deployed: Synthesis, recording: Synthesis) -> None:
    """The first two by the index, which holds keys alone; the recorder the trials of one customer."""
    found = {**statements_of(deployed), **statements_of(recording)}
    listing = [name for name, statements in found.items() if allows(statements, "dynamodb:Query", None)]
    constructs = [name.rpartition("/")[2].partition("Role")[0].removesuffix("Lambda") for name in listing]
    assert sorted(constructs) == ["Outbox", "OutcomesFold", "OutcomesRecorder"]


def test_a_write_without_a_known_partition_is_refused(
    deployed: Synthesis, ingesting: Synthesis, recording: Synthesis
) -> None:
    """A condition on all values holds where there is none."""
    for done in (deployed, ingesting, recording):
        for statements in statements_of(done).values():
            for action in WRITES:
                assert not allows(statements, action, None, ["pk", "sk"])


def test_an_id_that_looks_like_a_partition_of_decisions_is_no_customers(deployed: Synthesis) -> None:
    """Prefixes are matched as they are written."""
    statements = next(iter(_deciding(deployed).values()))
    for partition in ("functions#decided#customer-1", "xFUNCTIONS#DECIDED#customer-1", "FUNCTIONS#"):
        assert not allows(statements, "dynamodb:PutItem", partition, ["pk", "sk"])
