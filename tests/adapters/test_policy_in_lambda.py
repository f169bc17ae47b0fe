"""A published policy and a switch reach a running Lambda function, under AWS's own runtime client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.build.folder import build_folder
from functions.build.published import published_form
from functions.governance.consent import ConsentRecord
from functions.profiles.operator_documents import OperatorStore
from functions.profiles.sqlite import SqliteProfileStore
from functions.profiles.sqlite_operator import SqliteOperatorStore
from functions.runtime.switches import Switch, switch_off
from functions.runtime.versions import CURRENT, publish, stored_pointer
from functions.spec.loading import load_policy
from functions.testing.lambda_events import event_body, eventbridge_event
from functions.testing.lambda_runtime import LambdaRuntime
from functions.testing.sample_function import CUSTOMER, REGISTRY, SPEC, a_profile, write_specs

pytestmark = pytest.mark.e2e

CHANNELS = {"offers": {"kind": "file", "path": "offers.jsonl"}}


def _write(folder: Path, percent: int) -> None:
    offer = {
        "channel": "offers",
        "payload": {"percent": percent},
        "eligible": f"features.orders < `{percent}`",
    }
    registry = {"channels": CHANNELS, "actions": {**REGISTRY["actions"], "offer-20": offer}}
    folder.mkdir(exist_ok=True)
    trigger = {"event_pattern": SPEC["trigger"]["event_pattern"]}
    write_specs(
        folder, registry, trigger=trigger, model=None, write_back=None, decide={"actions": ["offer-20"]}
    )


@pytest.fixture
def documents(tmp_path: Path) -> Iterator[OperatorStore]:
    store = SqliteOperatorStore(tmp_path / "profiles.db")
    yield store
    store.close()


@pytest.fixture
def function(tmp_path: Path) -> LambdaRuntime:
    """A function that looks before every event."""
    _write(tmp_path / "specs", 20)
    build_folder(tmp_path / "specs", tmp_path / "plans")
    yesterday = datetime.now(UTC) - timedelta(days=1)
    with closing(SqliteProfileStore(tmp_path / "profiles.db")) as store:
        store.put_profile(CUSTOMER, a_profile(), updated_at=yesterday)
        store.put_consent(CUSTOMER, ConsentRecord("marketing", "granted", yesterday), now=yesterday)
    environment = {
        "FUNCTIONS_NAME": "churn",
        "FUNCTIONS_PLANS": str(tmp_path / "plans"),
        "FUNCTIONS_STORE": f"sqlite:///{tmp_path}/profiles.db",
        "FUNCTIONS_EVENT_SKEW": "3650d",
        "FUNCTIONS_POLICY_EVERY": "1ms",
    }
    return LambdaRuntime("functions.handlers.eventbridge.handler", environment, cwd=tmp_path)


class Running:
    """A function in its process, and what it says about each event."""

    def __init__(self, process: LambdaRuntime) -> None:
        self.process = process
        self._events = 0

    def decide(self) -> dict[str, Any]:
        """Send a new event, and return its receipt."""
        self._events += 1
        reply = self.process.invoke(eventbridge_event({**event_body(), "id": f"event-{self._events}"}))
        assert reply.error is None
        receipts = [one["receipt"] for one in self.process.log_documents if one.get("message") == "receipt"]
        return dict(receipts[-1])


def _publish(folder: Path, documents: OperatorStore, percent: int) -> str:
    _write(folder / "published", percent)
    form = published_form(load_policy(folder / "published"))
    return publish(documents, form, stored_pointer(documents), note=None, at=datetime.now(UTC))


def _percents(folder: Path) -> list[int]:
    return [
        json.loads(line)["payload"]["percent"] for line in (folder / "offers.jsonl").read_text().splitlines()
    ]


def test_policy_and_switch_reach_a_process_that_goes_on(
    tmp_path: Path, function: LambdaRuntime, documents: OperatorStore
) -> None:
    with function:
        running, pid = Running(function), function.pid
        built = running.decide()
        version = _publish(tmp_path, documents, 25)
        published = running.decide()
        switch_off(documents, Switch("function", "churn", datetime.now(UTC)))
        off = running.decide()
        assert function.pid == pid
    assert (built["outcome"], published["outcome"]) == ("acted", "acted")
    assert built["bundle"]["policy"] != version
    assert published["bundle"]["policy"] == version
    assert _percents(tmp_path) == [20, 25]
    assert (off["outcome"], off["reason"]["code"]) == ("suppressed", "switch.function_off")


def test_a_process_that_begins_under_a_damaged_pointer_does_not_act_and_says_so(
    function: LambdaRuntime, documents: OperatorStore
) -> None:
    moves = [{"hash": "0123456789abcdef", "at": "2026-11-02T09:00:00Z", "note": None}]
    documents.put_document(CURRENT, {"format": 1, "moves": moves}, replaces=0)
    with function:
        receipt = Running(function).decide()
        log = function.log_documents
    assert (receipt["outcome"], receipt["reason"]["code"]) == ("suppressed", "policy.unavailable")
    assert [one["code"] for one in log if one.get("message") == "policy not read"] == ["policy.unusable"]
    metrics = {name for one in log if "_aws" in one for name in one}
    assert {"PolicyUnread", "PolicyUnavailable", "Suppressed"} <= metrics


def test_a_process_compiles_a_published_policy_without_pydantic_and_yaml(
    tmp_path: Path, function: LambdaRuntime, documents: OperatorStore
) -> None:
    _publish(tmp_path, documents, 25)
    with function:
        assert Running(function).decide()["outcome"] == "acted"
        loaded = Path(f"/proc/{function.pid}/maps").read_text()
    assert "pydantic_core" not in loaded
    assert "_yaml" not in loaded
