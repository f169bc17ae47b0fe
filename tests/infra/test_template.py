"""What the template of a deployment promises."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from functions.handlers.factory import KINDS
from functions.handlers.settings import HANDLER_KEYS, HANDLER_SETTINGS, LOG_KEY, VISITOR_KEY
from functions.runtime.committing import COMMIT_DEADLINE_S
from functions.settings import SECRET_PREFIX, SETTINGS

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesis

ROOT = Path(__file__).parents[2]

BEHIND_A_QUEUE = {"churn-retention", "saas-account-health", "vip-cart-abandonment"}

WILDCARDS_THAT_ARE_MEANT = {
    # In the policy of a key, `*` is this key.
    ("AWS::KMS::Key", "kms:*", "*"),
    ("AWS::KMS::Key", "kms:Decrypt", "*"),
    ("AWS::KMS::Key", "kms:GenerateDataKey", "*"),
    # DynamoDB takes ListStreams for all streams only.
    ("AWS::IAM::Role", "dynamodb:ListStreams", "*"),
    # X-Ray takes segments for all resources only.
    ("AWS::IAM::Role", "xray:PutTelemetryRecords", "*"),
    ("AWS::IAM::Role", "xray:PutTraceSegments", "*"),
}


NOT_SET_IN_LAMBDA = {
    "FUNCTIONS_SPECS": "functions run what was built",
    "FUNCTIONS_MODELS": "of the embedded endpoint, on a laptop",
    "FUNCTIONS_ENDPOINT": "likewise",
    "FUNCTIONS_ENVIRONMENT": "names a deployment to the commands; a function is in one",
    "AWS_REGION": "Lambda sets it",
    "AWS_ENDPOINT_URL": "an AWS on this machine sets it",
}


def _specs() -> dict[str, Any]:
    files = (path for path in (ROOT / "feature_specs").glob("*.yaml") if ".cases." not in path.name)
    documents = (yaml.safe_load(path.read_text()) for path in files)
    return {document["name"]: document for document in documents if "trigger" in document}


def _name_of(function: dict[str, Any]) -> str | None:
    name = function["Properties"]["Environment"]["Variables"].get("FUNCTIONS_NAME")
    return name if isinstance(name, str) else None


def _functions(deployed: Synthesis) -> dict[str, dict[str, Any]]:
    """Return the functions that events fire, by the name of their spec."""
    found = deployed.of_type("AWS::Lambda::Function").values()
    return {
        str(_name_of(one)): one
        for one in found
        if not one["Properties"]["FunctionName"].endswith(("_url", "_outbox", "_export"))
    }


def _statements(deployed: Synthesis) -> Iterator[tuple[str, dict[str, Any]]]:
    for template in deployed.templates.values():
        for resource in template["Resources"].values():
            for document in _documents(resource["Properties"]):
                for statement in document["Statement"]:
                    yield resource["Type"], statement


def _documents(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "Statement" in value:
            yield value
        for part in value.values():
            yield from _documents(part)
    elif isinstance(value, list):
        for part in value:
            yield from _documents(part)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _target(reference: Any) -> str:
    """Return the logical id that an ARN comes from."""
    return str(reference["Fn::GetAtt"][0])


def test_every_spec_has_its_function(deployed: Synthesis) -> None:
    assert set(_functions(deployed)) == set(_specs())


def test_functions_run_on_the_decided_platform_with_handlers_that_exist(deployed: Synthesis) -> None:
    for function in deployed.of_type("AWS::Lambda::Function").values():
        properties = function["Properties"]
        kind = re.fullmatch(r"functions\.handlers\.(\w+)\.handler", properties["Handler"])

        assert kind is not None
        assert kind[1] in KINDS
        assert (ROOT / "functions" / "handlers" / f"{kind[1]}.py").exists()
        assert properties["Runtime"] == "python3.13"
        assert properties["Architectures"] == ["arm64"]


def test_handlers_fit_what_fires_them(deployed: Synthesis) -> None:
    kinds = {name: one["Properties"]["Handler"].split(".")[2] for name, one in _functions(deployed).items()}

    assert kinds == {
        **dict.fromkeys(BEHIND_A_QUEUE, "sqs"),
        "watch-next": "dynamodb",
        "footwear-offer": "kinesis",
    }


def test_rules_have_the_event_patterns_of_the_specs(deployed: Synthesis) -> None:
    rules = {
        rule["Properties"]["Name"]: rule["Properties"]["EventPattern"]
        for rule in deployed.of_type("AWS::Events::Rule").values()
        if "EventPattern" in rule["Properties"]
    }

    assert rules == {
        f"functions-dev-{name}": spec["trigger"]["event_pattern"]
        for name, spec in _specs().items()
        if name in BEHIND_A_QUEUE
    }


def test_rules_deliver_to_queues_and_park_what_they_can_not_deliver(deployed: Synthesis) -> None:
    queues = {key.split("/")[1] for key in deployed.of_type("AWS::SQS::Queue")}
    for rule in deployed.of_type("AWS::Events::Rule").values():
        (target,) = rule["Properties"]["Targets"]
        if "EventPattern" in rule["Properties"]:
            assert _target(target["Arn"]) in queues
            assert _target(target["DeadLetterConfig"]["Arn"]) in queues
        else:
            # The schedule of the outbox: a round that is lost is made up for by the next.
            assert rule["Properties"]["ScheduleExpression"] == "rate(1 minute)"
            assert target["RetryPolicy"]["MaximumRetryAttempts"] == 0


def test_queues_hide_a_message_for_six_timeouts_and_park_it_after_five(deployed: Synthesis) -> None:
    queues = {
        key.split("/")[1]: one["Properties"] for key, one in deployed.of_type("AWS::SQS::Queue").items()
    }
    functions = {
        key.split("/")[1]: one["Properties"] for key, one in deployed.of_type("AWS::Lambda::Function").items()
    }
    seen = 0
    for mapping in deployed.of_type("AWS::Lambda::EventSourceMapping").values():
        properties = mapping["Properties"]
        source = properties["EventSourceArn"]
        if not isinstance(source, dict) or "Fn::GetAtt" not in source or _target(source) not in queues:
            continue
        queue, function = queues[_target(source)], functions[properties["FunctionName"]["Ref"]]
        seen += 1

        assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]
        assert queue["RedrivePolicy"]["maxReceiveCount"] == 5
        assert _target(queue["RedrivePolicy"]["deadLetterTargetArn"]) in queues
        assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert seen == len(BEHIND_A_QUEUE)


def test_event_sources_report_single_failures_and_streams_have_a_place_for_theirs(
    deployed: Synthesis,
) -> None:
    for mapping in deployed.of_type("AWS::Lambda::EventSourceMapping").values():
        properties = mapping["Properties"]

        assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        if "StartingPosition" in properties:
            assert "Destination" in properties["DestinationConfig"]["OnFailure"]
            assert properties["BisectBatchOnFunctionError"] is True
            # Bounded by age alone: five quick failures would lose a record.
            assert "MaximumRetryAttempts" not in properties
    ages = {
        key: mapping["Properties"].get("MaximumRecordAgeInSeconds")
        for key, mapping in deployed.of_type("AWS::Lambda::EventSourceMapping").items()
        if "StartingPosition" in mapping["Properties"] and "/Export" not in key
    }
    assert set(ages.values()) == {6 * 3600}


def test_the_stream_of_the_table_fires_on_profiles_alone(deployed: Synthesis) -> None:
    filters = [
        json.loads(mapping["Properties"]["FilterCriteria"]["Filters"][0]["Pattern"])
        for key, mapping in deployed.of_type("AWS::Lambda::EventSourceMapping").items()
        if "FilterCriteria" in mapping["Properties"] and "/Export" not in key
    ]

    assert filters == [{"eventName": ["INSERT", "MODIFY"], "dynamodb": {"Keys": {"sk": {"S": ["PROFILE"]}}}}]


def test_a_paused_function_keeps_its_rule_so_that_events_wait(deployed: Synthesis) -> None:
    mappings = deployed.of_type("AWS::Lambda::EventSourceMapping")
    paused = [one for key, one in mappings.items() if "SaasAccountHealth" in key]

    assert [one["Properties"]["Enabled"] for one in paused] == [False]
    assert all(
        rule["Properties"]["State"] == "ENABLED" for rule in deployed.of_type("AWS::Events::Rule").values()
    )


def test_timeouts_hold_a_full_batch_and_what_the_handlers_keep_in_reserve(deployed: Synthesis) -> None:
    reserve_s = COMMIT_DEADLINE_S + 2.0
    for name, function in _functions(deployed).items():
        model_s = _seconds(_specs()[name].get("model", {}).get("timeout", "0s"))

        assert function["Properties"]["Timeout"] >= reserve_s + model_s


def _seconds(text: str) -> float:
    match = re.fullmatch(r"([\d.]+)(ms|s)", text.strip())
    assert match is not None
    return float(match[1]) / (1000 if match[2] == "ms" else 1)


def test_every_setting_of_the_handlers_is_set_or_has_a_reason_not_to_be(full: Synthesis) -> None:
    settings = {setting.variable for setting in (*SETTINGS, *HANDLER_SETTINGS)} | {*HANDLER_KEYS, LOG_KEY}
    assert set(NOT_SET_IN_LAMBDA) <= settings
    found = set()
    for function in full.of_type("AWS::Lambda::Function").values():
        variables = set(function["Properties"]["Environment"]["Variables"])
        found |= {one for one in variables if not one.startswith(SECRET_PREFIX)}

        assert {"FUNCTIONS_PLANS", "FUNCTIONS_STORE", "FUNCTIONS_METRICS", "FUNCTIONS_ACCOUNTS"} <= variables
    assert found == settings - set(NOT_SET_IN_LAMBDA)


def test_secrets_are_references_that_only_cloudformation_resolves(deployed: Synthesis) -> None:
    found = {}
    for name, function in _functions(deployed).items():
        for variable, value in function["Properties"]["Environment"]["Variables"].items():
            if variable.startswith(SECRET_PREFIX):
                found[name] = value
    url = next(iter(one for key, one in deployed.of_type("AWS::Lambda::Function").items() if "Url" in key))

    assert found["vip-cart-abandonment"] == (
        "{{resolve:secretsmanager:functions/dev/cart-recovery-key:SecretString:::}}"
    )
    assert "resolve:secretsmanager" in json.dumps(url["Properties"]["Environment"]["Variables"][VISITOR_KEY])


def test_no_right_is_wider_than_it_must_be(full: Synthesis) -> None:
    wide = set()
    for kind, statement in _statements(full):
        for action in _as_list(statement["Action"]):
            for resource in _as_list(statement.get("Resource", "-")):
                text = resource if isinstance(resource, str) else json.dumps(resource)
                if statement["Effect"] == "Allow" and ("*" in action or "*" in text):
                    wide.add((kind, action, text))

    # The log is written below two folders, by names that follow from what is in the objects.
    log = {one for one in wide if one[1] == "s3:PutObject"}
    folders = sorted(text.rpartition('"/')[2] for _, _, text in log)
    assert folders == ['decisions/*"]]}', 'outcomes/*"]]}']
    assert wide - log == WILDCARDS_THAT_ARE_MEANT


def test_only_the_url_of_a_page_is_open_to_everybody(deployed: Synthesis) -> None:
    permissions = deployed.of_type("AWS::Lambda::Permission")
    public = {key for key, one in permissions.items() if one["Properties"]["Principal"] == "*"}

    assert public
    assert all("/ChurnRetentionUrl" in key for key in public)


def test_what_is_denied_to_everybody_is_plain_http_alone(full: Synthesis) -> None:
    for kind, statement in _statements(full):
        if statement["Effect"] == "Deny" and kind != "AWS::IAM::Role":
            assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_a_function_may_call_its_own_endpoint_and_no_other(deployed: Synthesis) -> None:
    endpoints = {}
    for key, role in deployed.of_type("AWS::IAM::Role").items():
        for statement in _documents_of(role):
            if "sagemaker:InvokeEndpoint" in _as_list(statement["Action"]):
                endpoints[key.split("/")[1]] = json.dumps(statement["Resource"])
    models = {name: spec.get("model", {}) for name, spec in _specs().items()}
    expected = sum(model.get("kind") == "sagemaker" for model in models.values()) + 1  # one has a URL as well

    assert len(endpoints) == expected
    assert all("*" not in resource for resource in endpoints.values())
    churn = next(value for key, value in endpoints.items() if key.startswith("ChurnRetentionLambda"))
    assert churn.endswith(':endpoint/churn-risk"]]}')


def _documents_of(role: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for document in _documents(role["Properties"].get("Policies", [])):
        yield from document["Statement"]


def test_logs_forget_and_each_role_writes_its_own(full: Synthesis) -> None:
    groups = full.of_type("AWS::Logs::LogGroup")

    assert len(groups) == len(full.of_type("AWS::Lambda::Function"))
    assert {one["Properties"]["RetentionInDays"] for one in groups.values()} == {30}


def test_options_of_a_function_are_those_that_were_given(deployed: Synthesis) -> None:
    functions = deployed.of_type("AWS::Lambda::Function").values()
    by_name = {one["Properties"]["FunctionName"]: one["Properties"] for one in functions}

    assert by_name["functions-dev-churn-retention"]["ReservedConcurrentExecutions"] == 5
    assert by_name["functions-dev-churn-retention"]["Timeout"] == 20
    assert "ReservedConcurrentExecutions" not in by_name["functions-dev-watch-next"]
    variables = by_name["functions-dev-churn-retention_url"]["Environment"]["Variables"]
    assert variables["FUNCTIONS_ALLOWED_ORIGINS"] == "https://shop.example"


def test_events_are_kept_for_a_replay(deployed: Synthesis) -> None:
    (archive,) = deployed.of_type("AWS::Events::Archive").values()

    assert archive["Properties"]["RetentionDays"] == 14
    assert "Condition" not in archive


def test_channels_that_a_lambda_loses_are_warned_of(deployed: Synthesis) -> None:
    metadata = "".join(path.read_text() for path in deployed.folder.glob("*.metadata.json"))

    assert "churn-retention: the channel offers is of kind file, which is lost in Lambda" in metadata


def test_the_secrets_to_make_are_named(deployed: Synthesis) -> None:
    assert "Secrets Manager must hold: functions/dev/cart-recovery-key" in deployed.stderr
