"""The lasting log: a bucket that nobody reads by accident, and a function that can do nothing but write it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from functions.profiles.dynamodb_keys import DECIDED, DECISION, MEASURED, TRIAL

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesis


def _one(deployed: Synthesis, kind: str) -> dict[str, Any]:
    (found,) = [one for key, one in deployed.of_type(kind).items() if "/Export" in key]
    return found


def test_the_bucket_is_encrypted_closed_and_outlives_its_stack(deployed: Synthesis) -> None:
    bucket = _one(deployed, "AWS::S3::Bucket")
    properties = bucket["Properties"]
    encryption = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]

    assert encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["DeletionPolicy"] == "Retain"


def test_the_bucket_forgets(deployed: Synthesis) -> None:
    (rule,) = _one(deployed, "AWS::S3::Bucket")["Properties"]["LifecycleConfiguration"]["Rules"]

    assert (rule["ExpirationInDays"], rule["Status"]) == (400, "Enabled")
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 7}


def test_decisions_and_their_trials_alone_are_read_from_the_stream_and_nothing_is_given_up(
    deployed: Synthesis,
) -> None:
    mapping = _one(deployed, "AWS::Lambda::EventSourceMapping")["Properties"]

    assert [json.loads(one["Pattern"]) for one in mapping["FilterCriteria"]["Filters"]] == [
        {
            "eventName": names,
            "dynamodb": {"Keys": {"pk": {"S": [{"prefix": partition}]}, "sk": {"S": [{"prefix": sort}]}}},
        }
        for partition, sort, names in (
            (DECIDED, DECISION, ["INSERT"]),
            (MEASURED, TRIAL, ["INSERT", "MODIFY"]),
        )
    ]
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert "MaximumRetryAttempts" not in mapping
    assert "MaximumRecordAgeInSeconds" not in mapping


def test_the_export_may_write_the_log_and_read_nothing_but_the_stream(deployed: Synthesis) -> None:
    role = _one(deployed, "AWS::IAM::Role")
    (policy,) = role["Properties"]["Policies"]
    allowed = set()
    for statement in policy["PolicyDocument"]["Statement"]:
        assert statement["Effect"] == "Allow"
        actions = statement["Action"]
        allowed |= set(actions if isinstance(actions, list) else [actions])

    assert {one for one in allowed if not one.startswith(("kms:", "logs:"))} == {
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
        "s3:PutObject",
        "sqs:SendMessage",
    }


def test_without_days_there_is_no_log(synthesize: Any) -> None:
    bare = synthesize(export_days=0, checks="false")

    assert bare.returncode == 0, bare.stderr
    assert bare.of_type("AWS::S3::Bucket") == {}
    assert not [key for key in bare.of_type("AWS::Lambda::Function") if "/Export" in key]
