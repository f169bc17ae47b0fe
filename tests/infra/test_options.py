"""What a deployment gets when it asks: queues and keys of others, snapshots, traces, throttles, warnings."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from functions.errors import SettingsError
from infra.configuration import Configuration, read_configuration
from tests.infra.conftest import KEY, KINESIS, QUEUE

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesis

needs_cdk = pytest.mark.skipif(
    importlib.util.find_spec("aws_cdk") is None, reason="aws-cdk-lib is not installed"
)


def _read(**context: Any) -> Configuration:
    return read_configuration(context.get)


def _functions(done: Synthesis) -> dict[str, dict[str, Any]]:
    found = (one["Properties"] for one in done.of_type("AWS::Lambda::Function").values())
    return {one["FunctionName"].removeprefix("functions-dev"): one for one in found}


def _statements(done: Synthesis, part: str) -> list[dict[str, Any]]:
    return [
        statement
        for key, role in done.of_type("AWS::IAM::Role").items()
        if part in key and "Policies" in role["Properties"]
        for statement in role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    ]


def _mappings(done: Synthesis) -> dict[str, dict[str, Any]]:
    found = done.of_type("AWS::Lambda::EventSourceMapping").items()
    return {key.split("/")[1]: one["Properties"] for key, one in found}


def _mapping(done: Synthesis, part: str) -> dict[str, Any]:
    (found,) = [one for key, one in _mappings(done).items() if key.startswith(part)]
    return found


def test_an_existing_queue_fires_a_function_that_may_take_from_it_and_nothing_else(full: Synthesis) -> None:
    mapping = _mapping(full, "VipCartAbandonment")
    rights = {
        action: statement["Resource"]
        for statement in _statements(full, "/VipCartAbandonment")
        for action in statement["Action"]
        if action.startswith("sqs:")
    }
    rules = [one["Properties"].get("Name") for one in full.of_type("AWS::Events::Rule").values()]

    assert mapping["EventSourceArn"] == QUEUE
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 3}
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert "MaximumBatchingWindowInSeconds" not in mapping
    assert rights == dict.fromkeys(
        ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
        QUEUE,
    )
    assert _functions(full)["-vip-cart-abandonment"]["Handler"] == "functions.handlers.sqs.handler"
    assert "functions-dev-vip-cart-abandonment" not in rules
    queues = [one["Properties"]["QueueName"] for one in full.of_type("AWS::SQS::Queue").values()]
    assert [one for one in queues if "vip-cart" in one] == ["functions-dev-vip-cart-abandonment_dlq"]


def test_whoever_names_a_source_of_another_account_means_its_records(full: Synthesis) -> None:
    accepted = {
        name: json.dumps(one["Environment"]["Variables"]["FUNCTIONS_ACCOUNTS"])
        for name, one in _functions(full).items()
    }

    assert all('"AWS::AccountId"' in one and "777788889999" in one for one in accepted.values())
    assert [name for name, one in accepted.items() if QUEUE.split(":")[4] in one] == ["-vip-cart-abandonment"]
    assert [name for name, one in accepted.items() if KINESIS.split(":")[4] in one] == ["-footwear-offer"]


def test_without_a_word_records_come_from_the_account_itself(deployed: Synthesis) -> None:
    named = [
        name
        for name, one in _functions(deployed).items()
        if "FUNCTIONS_ACCOUNTS" in one["Environment"]["Variables"]
    ]

    assert named == ["-footwear-offer"]  # a stream that its context names


def test_keys_of_others_are_used_through_their_services_alone(full: Synthesis) -> None:
    for part in ("/VipCart", "/ChurnRetention", "/Outbox"):
        found = [one for one in _statements(full, part) if one["Resource"] == KEY]
        assert found
        for statement in found:
            through = json.dumps(statement["Condition"]["StringEquals"]["kms:ViaService"])
            assert set(statement["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}
            assert all(f'"{service}."' in through for service in ("kinesis", "sns", "sqs"))


def test_a_queue_starts_no_more_invocations_than_are_reserved(full: Synthesis) -> None:
    assert _mapping(full, "SaasAccountHealth")["ScalingConfig"] == {"MaximumConcurrency": 5}
    assert "ScalingConfig" not in _mapping(full, "IngestQueue")


def test_public_urls_have_a_throttle_and_nothing_else_has(full: Synthesis, deployed: Synthesis) -> None:
    reserved = {
        name: one["ReservedConcurrentExecutions"]
        for name, one in _functions(full).items()
        if "ReservedConcurrentExecutions" in one
    }

    assert reserved == {"-churn-retention_url": 7, "_ingest_url": 7, "-saas-account-health": 5}
    assert _functions(deployed)["-churn-retention_url"]["ReservedConcurrentExecutions"] == 5
    assert _read().public_concurrency == 20
    assert _read(url_concurrency=0).public_concurrency is None
    assert _read(target="local").public_concurrency is None


def test_snapshots_are_behind_an_alias_that_everything_invokes(full: Synthesis, deployed: Synthesis) -> None:
    aliases = full.of_type("AWS::Lambda::Alias")
    functions = full.of_type("AWS::Lambda::Function")
    assert {one["Properties"]["SnapStart"]["ApplyOn"] for one in functions.values()} == {"PublishedVersions"}
    assert len(aliases) == len(full.of_type("AWS::Lambda::Version")) == len(functions)
    assert {one["Properties"]["Name"] for one in aliases.values()} == {"live"}
    ids = {key.split("/")[1] for key in aliases}
    invoked = [json.dumps(one["FunctionName"]) for one in _mappings(full).values()]
    schedules = [
        json.dumps(target["Arn"])
        for one in full.of_type("AWS::Events::Rule").values()
        for target in one["Properties"]["Targets"]
        if "ScheduleExpression" in one["Properties"]
    ]
    assert len(schedules) == 2
    for reference in (*invoked, *schedules):
        assert any(f'"{alias}"' in reference for alias in ids)
    assert {one["Properties"]["Qualifier"] for one in full.of_type("AWS::Lambda::Url").values()} == {"live"}
    assert "SnapStart" not in json.dumps(deployed.templates)


def test_traces_are_on_where_they_are_asked_for(full: Synthesis, deployed: Synthesis) -> None:
    for function in _functions(full).values():
        assert function["TracingConfig"] == {"Mode": "Active"}
        assert function["Environment"]["Variables"]["FUNCTIONS_TRACING"] == "on"
    assert "xray" not in json.dumps(deployed.templates)


def test_the_key_of_logs_is_a_reference_and_is_named(full: Synthesis) -> None:
    key = _functions(full)["_outbox"]["Environment"]["Variables"]["FUNCTIONS_LOG_KEY"]

    assert key == "{{resolve:secretsmanager:functions/dev/log-key:SecretString:::}}"
    assert "functions/dev/log-key" in full.stderr


def test_more_readers_of_the_stream_than_it_serves_are_warned_of(
    full: Synthesis, deployed: Synthesis
) -> None:
    def said(done: Synthesis) -> str:
        return "".join(path.read_text() for path in done.folder.glob("*.metadata.json"))

    assert "churn-retention, watch-next, the lasting log read the table's stream" in said(full)
    assert "read the table's stream" not in said(deployed)


@needs_cdk
def test_what_would_never_start_is_refused(tmp_path: Path) -> None:
    from infra.app import _check_runtime

    pinned = tmp_path / "lambda.txt"
    pinned.write_text("boto3==1.0\n")
    with pytest.raises(SettingsError, match="does not pin aws-xray-sdk"):
        _check_runtime(_read(tracing=True, requirements=str(pinned)))
    with pytest.raises(SettingsError, match=r"Python 3\.11 has no SnapStart"):
        _check_runtime(_read(snap_start=True, python="3.11"))
    _check_runtime(_read(snap_start=True))


@needs_cdk
def test_a_bus_that_was_handed_in_by_its_arn_keeps_account_and_region() -> None:
    import aws_cdk as cdk

    from infra.addresses import existing_bus

    arn = "arn:aws:events:eu-west-1:111122223333:event-bus/clicks"
    address = existing_bus(cdk.Stack(), arn)
    assert (address.name, address.arn) == (arn, arn)
    with pytest.raises(SettingsError, match="none of an event bus"):
        existing_bus(cdk.Stack(), "arn:aws:sqs:eu-west-1:111122223333:clicks")
