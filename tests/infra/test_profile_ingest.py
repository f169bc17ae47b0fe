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
