"""Every code of an error is reached through the product itself, and no code is forgotten."""

from __future__ import annotations

import ast
import importlib
import json
import pkgutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

import functions
from functions.actions.channel import ActionChannel
from functions.actions.file import FileChannel
from functions.actions.webhook import WebhookChannel
from functions.build.folder import load_built
from functions.build.published import published_form
from functions.errors import (
    EventForeignAccountError,
    FunctionsError,
    OperationError,
    UnhandledRecordError,
    every_error,
)
from functions.events.reading import Parsed
from functions.handlers.origin import check_account
from functions.handlers.records import sqs_handler
from functions.models.http import HttpModel
from functions.models.memory import MemoryModel
from functions.models.model import ModelConnection
from functions.operations.aws import AwsCalls
from functions.profiles.dynamodb import DynamoProfileStore
from functions.profiles.dynamodb_calls import Surroundings
from functions.profiles.memory_operator import MemoryOperatorStore
from functions.profiles.sqlite import SqliteProfileStore
from functions.profiles.sqlite_schema import open_database
from functions.profiles.store import CommitResult, ProfileStore
from functions.runtime.engine import Runtime
from functions.runtime.versions import publish, stored_pointer
from functions.spec.loading import load_function
from functions.spec.plan import ChannelPlan, ModelPlan
from functions.spec.problems import SpecError
from functions.testing.loopback import Answer, LoopbackReceiver
from functions.testing.rehearsal import InterruptedStore, Rehearsal
from functions.testing.sample_function import (
    CONTRACT,
    NOW,
    SPEC,
    a_plan,
    an_event,
    put_customer,
)
from tests.hardening.provoking import (
    HIGH,
    Desk,
    Provocation,
    decided,
    reason_of,
    rejected,
    shown,
    with_switches,
)

NO_RUNG: Final = {**SPEC["model"], "fallback": []}
SECRETS: Final = {"KEY": "whsec_" + "A" * 43 + "="}

# Named by `except` clauses, checks and tables of tests, never raised: each stands for those below it.
FAMILIES: Final = {
    "internal": "FunctionsError",
    "feature.error": "FeatureError",
    "dependency.failed": "DependencyError",
    "action.failed": "ActionError",
    "operation.failed": "OperationError",
}


def _bare(**changes: Any) -> str:
    """Return an event that fires the sample, with fields in the place of its own."""
    event = {
        "id": "e-1",
        "name": "page_view",
        "time": "2026-11-02T09:15:00Z",
        "user_id": "customer-0042",
        "properties": {"page_type": "cancellation"},
    }
    return json.dumps({**event, **changes})


def _blocked() -> str:
    """Return the code of a payload that looks like personal data where the contract blocks it."""
    plan = a_plan(
        contract={**CONTRACT, "detector": {"on_hit": "block"}},
        features={"note": {"from": "profile.note", "type": "string"}},
        write_back=None,
        decide={},
    )
    return reason_of(plan, profile={"note": "zoe@mail.example.com"})


def _feature(value: Any, **feature: Any) -> str:
    """Return the code when the one feature `x` has a value; by its name alone it has no answer to gaps."""
    plan = a_plan(
        features={"x": {"from": "profile.x", "type": "float", **feature}},
        model=None,
        write_back=None,
        decide={},
    )
    receipt = decided(plan, profile={"other": 1} if value is ... else {"x": value})
    assert receipt.outcome == "failed"
    return receipt.reason.code


def _model_over_http(answer: Answer, *, timeout: str = "2s") -> str:
    plan = a_plan(model={**NO_RUNG, "timeout": timeout, "attempts": 1})
    assert plan.model is not None
    with LoopbackReceiver(answer) as receiver:
        http: ModelPlan = replace(plan.model, kind="http", target=receiver.url, options={})
        model = HttpModel(http, ModelConnection(SECRETS.__getitem__))
        receipt = decided(replace(plan, model=http), model=model)
        model.close()
    assert receipt.outcome == "failed"
    return receipt.reason.code


def _sent(channel: ActionChannel) -> str:
    """Return the note of an action that a channel did not take."""
    world = Rehearsal(now=NOW, model=MemoryModel([HIGH]))
    put_customer(world.store)
    runtime = Runtime(replace(world.ports, channel=lambda _: channel))
    receipt = runtime.handle(a_plan(), an_event(), now=NOW)
    assert receipt.outcome == "acted"
    assert receipt.action is not None
    return str(receipt.action.note)


def _webhook(answer: Answer, *, allow_private: bool = True) -> str:
    with LoopbackReceiver(answer) as receiver:
        url = receiver.url if allow_private else receiver.url.replace("http:", "https:")
        options = {"url": url, "secret": "KEY", "allow_private": allow_private}
        channel = WebhookChannel(ChannelPlan("crm", "webhook", options), SECRETS.__getitem__)
        try:
            return _sent(channel)
        finally:
            channel.close()


def _sqlite(desk: Desk, spoil: Callable[[sqlite3.Connection], object]) -> str:
    """Return the code of an invocation over a file that is spoilt once it holds the customer."""
    path = desk.folder / "spoilt.db"
    with closing(SqliteProfileStore(path)) as store:
        # Long enough that the decision that keeps it does not fit into a page that is there already.
        put_customer(store, {"x": "x" * 50_000})

    def connect(file: Path, busy_timeout_s: float) -> sqlite3.Connection:
        connection = open_database(file, busy_timeout_s)
        spoil(connection)
        return connection

    plan = a_plan(
        features={"x": {"from": "profile.x", "type": "string"}}, model=None, write_back=None, decide={}
    )
    with closing(SqliteProfileStore(path, busy_timeout_s=0.01, connect=connect)) as store:
        receipt = decided(plan, store=store, customer=False)
    assert receipt.outcome == "failed"
    return receipt.reason.code


def _locked(desk: Desk) -> str:
    with closing(sqlite3.connect(desk.folder / "spoilt.db", isolation_level=None)) as other:

        def lock(_: sqlite3.Connection) -> None:
            other.execute("BEGIN EXCLUSIVE")

        return _sqlite(desk, lock)


def _without_room(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA max_page_count = 1").fetchall()


def _of_no_database(desk: Desk) -> str:
    path = desk.folder / "text.db"
    path.write_text("name,amount\n" * 1_000)
    with closing(SqliteProfileStore(path)) as store:
        return reason_of(store=store, customer=False)


def _throttled(_: Desk) -> str:
    class Client:
        def batch_get_item(self, **_: Any) -> None:
            response: Any = {"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {}}
            raise ClientError(response, "BatchGetItem")

    seconds = iter(range(100))
    around = Surroundings(1.0, lambda: float(next(seconds)), lambda _: None, lambda: 1.0)
    store: ProfileStore = DynamoProfileStore("profiles", client=Client(), around=around)
    return reason_of(store=store, customer=False)


def _contended(_: Desk) -> str:
    refusals = [lambda _: CommitResult("conflict")] * 1_000
    return reason_of(store=InterruptedStore(*refusals))


def _unbuilt(desk: Desk) -> str:
    with pytest.raises(FunctionsError) as caught:
        load_built(desk.folder / "nowhere", "churn-retention")
    return caught.value.code


def _wrong_spec(desk: Desk) -> str:
    (desk.specs / "churn-retention.yaml").write_text("version: 1\n")
    with pytest.raises(SpecError) as caught:
        load_function(desk.specs, "churn-retention")
    return caught.value.code


def _unknown_list(desk: Desk) -> str:
    (desk.specs / "policy.yaml").write_text("rails: []\n")
    return shown(desk, "suppress", "add", "nonsense", "b")


def _other_id(desk: Desk) -> str:
    (desk.folder / "a.json").write_text('{"id": "a", "profile": {}}')
    return shown(desk, "profile", "put", "b", desk.folder / "a.json")


def _blocked_id(desk: Desk) -> str:
    record = desk.folder / "record.json"
    record.write_text('{"profile_id": "undefined", "updated_at": "2026-11-02", "profile": {}}')
    done = desk.run("ingest", "--event", record)
    assert done.code == 1
    return str(done.out.partition("error[")[2].partition("]")[0])


def _foreign_account(_: Desk) -> str:
    with pytest.raises(EventForeignAccountError) as caught:
        check_account("999999999999", own="123456789012", accepted=())
    return caught.value.code


def _unhandled(_: Desk) -> str:
    class Worker:
        def begin(self, _: object) -> None:
            """Begin nothing: what is no batch is refused before."""

    idle: Any = Worker()
    with pytest.raises(UnhandledRecordError) as caught:
        sqs_handler(idle)({"Records": []}, None)
    return caught.value.code


def _no_event(_: Desk) -> str:
    with pytest.raises(FunctionsError) as caught:
        Parsed("document", "event", None, None).value()
    return caught.value.code


def _notice(body: Mapping[str, Any]) -> str:
    (notice,) = with_switches(body)[1]
    return notice


def _operated(code: str) -> str:
    """Return the code of an operation that AWS answers with one of its own."""

    class Client:
        def describe_archive(self, **_: Any) -> None:
            response: Any = {"Error": {"Code": code}, "ResponseMetadata": {}}
            raise ClientError(response, "DescribeArchive")

    with pytest.raises(OperationError) as caught:
        AwsCalls("events", client=Client()).call("describe_archive", ArchiveName="a")
    return caught.value.code


def _overtaken(_: Desk) -> str:
    documents, form = MemoryOperatorStore(), published_form(a_plan().policy)
    stood = stored_pointer(documents)
    publish(documents, form, stood, note=None, at=NOW)
    with pytest.raises(FunctionsError) as caught:
        publish(documents, form, stood, note=None, at=NOW)
    return caught.value.code


ERRORS: Final[Mapping[str, Provocation]] = {
    "settings.invalid": lambda desk: shown(desk, "settings", FUNCTIONS_LEASE="soon"),
    "usage.invalid": lambda desk: shown(desk, "replay"),
    "function.unknown": lambda desk: shown(desk, "invoke", "nobody", "--event", desk.event),
    "build.unusable": _unbuilt,
    "spec.invalid": _wrong_spec,
    "file.unreadable": lambda desk: shown(desk, "invoke", "churn-retention", "--event", "/nowhere"),
    "profile.unknown": lambda desk: shown(desk, "profile", "get", "nobody"),
    "profile.other_id": _other_id,
    "profile.unknown_consent": lambda desk: shown(
        desk, "profile", "put", "b", "--consent", "nonsense=denied"
    ),
    "profile.unusable_id": lambda desk: shown(desk, "profile", "put", "a\n", "--consent", "marketing=denied"),
    "suppress.unknown_list": _unknown_list,
    "system.refused": lambda desk: shown(desk, "build", "--output", "/dev/null"),
    "handler.unhandled": _unhandled,
    "policy.unusable": lambda _: _notice({"format": 1}),
    "policy.newer_format": lambda _: _notice({"format": 2}),
    "policy.moved": _overtaken,
    "policy.unknown_version": lambda desk: shown(desk, "policy", "use", "0123456789abcdef"),
    "switch.unknown_name": lambda desk: shown(desk, "switch", "off", "function", "nobody"),
    "event.foreign_account": _foreign_account,
    "event.invalid": _no_event,
    "event.malformed": lambda desk: rejected(desk, "{"),
    "event.too_large": lambda desk: rejected(desk, "[" * 200 + "]" * 200),
    "event.unknown_envelope": lambda desk: rejected(desk, '{"hello": "world"}'),
    "event.no_id": lambda desk: rejected(desk, _bare(id=None)),
    "event.from_future": lambda desk: rejected(desk, _bare(), "--now", "2026-11-02T09:00:00Z"),
    "event.blocked_id": _blocked_id,
    "event.no_key": lambda desk: rejected(desk, _bare(user_id=None)),
    "feature.missing": lambda _: _feature(...),
    "feature.null": lambda _: _feature(None),
    "feature.stale": lambda _: _feature(
        1, as_of="'2020-01-01'", stale_after="1d", missing=0, null=0, stale="error"
    ),
    "feature.out_of_range": lambda _: _feature(2, range=[0, 1], outside="error"),
    "feature.wrong_type": lambda _: _feature("one"),
    "feature.not_finite": lambda _: _feature(10**400),
    "feature.failed": lambda _: _feature("one", **{"from": "abs(profile.x)"}),
    "payload.blocked": lambda _: _blocked(),
    "payload.too_large": lambda _: reason_of(a_plan(model={**NO_RUNG, "max_payload": "4B"})),
    "store.failed": lambda desk: _sqlite(desk, sqlite3.Connection.close),
    "store.unavailable": _locked,
    "store.throttled": _throttled,
    "store.contended": _contended,
    "store.denied": lambda desk: _sqlite(desk, lambda one: one.execute("PRAGMA query_only = 1")),
    "store.full": lambda desk: _sqlite(desk, _without_room),
    "store.rejected": _of_no_database,
    "model.failed": lambda _: _model_over_http(Answer(418)),
    "model.unavailable": lambda _: _model_over_http(Answer(503)),
    "model.timeout": lambda _: _model_over_http(Answer(silent=True), timeout="100ms"),
    "model.throttled": lambda _: _model_over_http(Answer(429)),
    "model.rejected": lambda _: _model_over_http(Answer(400)),
    "model.denied": lambda _: _model_over_http(Answer(403)),
    "model.reply_malformed": lambda _: _model_over_http(Answer(body=b"<html>", content_type="text/html")),
    "model.reply_out_of_range": lambda _: _model_over_http(Answer(body=b"[1.5]")),
    "action.unavailable": lambda _: _webhook(Answer(503)),
    "action.throttled": lambda _: _webhook(Answer(429)),
    "action.ambiguous": lambda _: _webhook(Answer(500)),
    "operation.unavailable": lambda _: _operated("ThrottlingException"),
    "operation.denied": lambda _: _operated("AccessDeniedException"),
    "operation.rejected": lambda _: _operated("ValidationException"),
    "action.rejected": lambda _: _webhook(Answer(400)),
    "action.denied": lambda desk: _sent(FileChannel(ChannelPlan("f", "file", {"path": str(desk.folder)}))),
}


def _ours() -> set[type[FunctionsError]]:
    """Return every error of the package: a class is known once its module is imported."""
    for found in pkgutil.walk_packages(functions.__path__, "functions."):
        if not found.name.startswith("functions.handlers.") or found.name in _HANDLERS:
            importlib.import_module(found.name)
    return {error for error in every_error() if error.__module__.startswith("functions.")}


# The entry modules of Lambda functions open what they need when they are imported; their parts do not.
_HANDLERS: Final = {"functions.handlers.invocation", "functions.handlers.origin"}


@pytest.mark.parametrize("code", ERRORS)
def test_an_error_is_reached_through_the_product(code: str, desk: Desk) -> None:
    assert ERRORS[code](desk) == code


def test_every_error_has_a_provocation_or_is_a_family() -> None:
    codes = {error.code for error in _ours()}
    assert codes - set(FAMILIES) == set(ERRORS)
    assert set(FAMILIES) <= codes


def test_a_family_is_raised_nowhere_and_stands_in_no_table_of_errors() -> None:
    names = set(FAMILIES.values())
    found: list[str] = []
    for path in Path(functions.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            raised = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
            listed = isinstance(node, ast.Dict) and any(
                isinstance(value, ast.Name) and value.id in names for value in node.values
            )
            if raised or listed:
                found.append(f"{path}: {ast.unparse(node)[:100]}")
    assert found == []
