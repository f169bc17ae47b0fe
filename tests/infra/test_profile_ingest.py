"""The deployment of profile ingest: off by default, and alone in what it may write."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from infra.profile_ingest import TAKEN

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesis


def _functions(done: Synthesis) -> dict[str, dict[str, Any]]:
    found = done.of_type("AWS::Lambda::Function").values()
    return {
        one["Properties"]["FunctionName"]: one["Properties"]
        for one in found
        if "_ingest" in one["Properties"]["FunctionName"]
    }


def _statements(done: Synthesis, *, ingest: bool) -> list[list[dict[str, Any]]]:
    return [
        role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
        for key, role in done.of_type("AWS::IAM::Role").items()
        # What records outcomes may end a consent, and has tests of its own.
        if ("/Ingest" in key) is ingest
        and "/OutcomesRecorder" not in key
        and "Policies" in role["Properties"]
    ]


def _denied(statements: list[dict[str, Any]]) -> set[str]:
    return {
        name
        for statement in statements
        if statement["Effect"] == "Deny"
        for name in statement["Condition"].get("ForAnyValue:StringLike", {}).get("dynamodb:Attributes", ())
    }


def test_nothing_is_taken_in_unless_it_is_asked_for(deployed: Synthesis) -> None:
    assert _functions(deployed) == {}


def test_webhook_and_queue_have_their_handlers_and_a_place_for_poison(ingesting: Synthesis) -> None:
    functions = _functions(ingesting)
    assert {name: one["Handler"] for name, one in functions.items()} == {
        "functions-dev_ingest_sqs": "functions.handlers.ingest_sqs.handler",
        "functions-dev_ingest_url": "functions.handlers.ingest_url.handler",
    }
    assert all("FUNCTIONS_DLQ_URL" in one["Environment"]["Variables"] for one in functions.values())
    key = functions["functions-dev_ingest_url"]["Environment"]["Variables"]["FUNCTIONS_INGEST_KEY"]
    assert "resolve:secretsmanager" in json.dumps(key)


def test_the_bus_feeds_the_queue_with_what_is_taken_in(ingesting: Synthesis) -> None:
    patterns = [
        rule["Properties"].get("EventPattern") for rule in ingesting.of_type("AWS::Events::Rule").values()
    ]
    assert {"detail-type": list(TAKEN)} in patterns


def test_only_ingest_may_write_profiles_consent_and_aliases(ingesting: Synthesis) -> None:
    own, others = _statements(ingesting, ingest=True), _statements(ingesting, ingest=False)
    assert len(own) == 2
    for statements in own:
        assert {"outcome", "score#*", "contact#*"} <= _denied(statements)
        assert not {"profile", "purpose#*"} & _denied(statements)
    writers = [statements for statements in others if "dynamodb:PutItem" in json.dumps(statements)]
    assert len(writers) >= 5
    for statements in writers:
        assert {"profile", "profile_at", "stands_for", "purpose#*"} <= _denied(statements)
