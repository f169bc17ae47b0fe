"""Synthesis: what it needs, what it refuses, how much fits."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from infra.grouping import RESOURCES, RESOURCES_OF_URL

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesis, Synthesize

ROOT = Path(__file__).parents[2]
SPECS = ROOT / "feature_specs"

ACCEPTED = {
    "AwsSolutions-IAM5[Resource::*]",  # ListStreams and X-Ray
    "AwsSolutions-IAM5[Resource::<ExportBucketFD42BCED.Arn>/decisions/*]",  # objects of the lasting log
    "AwsSolutions-IAM5[Resource::<ExportBucketFD42BCED.Arn>/outcomes/*]",
    "AwsSolutions-S1",  # who reads the log is CloudTrail's affair
    "AwsSolutions-L1",  # Python 3.13
    "AwsSolutions-SMG4",  # the keys of visitor tokens and of webhooks are changed by a person
    "AwsSolutions-SQS3",  # dead-letter queues of streams, and of queues that are not made here
}


@pytest.fixture(scope="module")
def hundred(synthesize: Synthesize, tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    folder = tmp_path_factory.mktemp("specs")
    spec = yaml.safe_load((SPECS / "churn-retention.yaml").read_text())
    for shared in ("contract.yaml", "actions.yaml"):
        (folder / shared).write_text((SPECS / shared).read_text())
    for number in range(100):
        named = json.dumps({**spec, "name": f"churn-{number}"})
        (folder / f"{number}.yaml").write_text(named)
    # The rules are about what one function is; a hundred of the same say nothing more.
    return synthesize(specs=str(folder), checks="false")


def test_a_hundred_specs_fit(hundred: Synthesis) -> None:
    sizes = {name: len(template["Resources"]) for name, template in hundred.templates.items()}
    bytes_of = [path.stat().st_size for path in hundred.folder.glob("*.template.json")]

    assert hundred.returncode == 0
    assert len(hundred.of_type("AWS::Lambda::Function")) == 102
    assert max(sizes.values()) <= 500
    # Source: CloudFormation quotas, template body in S3.
    assert max(bytes_of) < 1_000_000


def test_a_stack_is_no_fuller_than_was_reckoned(hundred: Synthesis, deployed: Synthesis) -> None:
    functions = sum(len(one["Resources"]) for name, one in hundred.templates.items() if "Shared" not in name)
    assert functions <= 100 * RESOURCES
    url = [name for name in deployed.templates["Functions-dev-1"]["Resources"] if "RetentionUrl" in name]
    assert len(url) <= RESOURCES_OF_URL


def test_cdk_nag_finds_nothing_but_what_is_accepted(full: Synthesis) -> None:
    report = json.loads((full.folder / "validation-report.json").read_text())
    (solutions,) = [one for one in report["pluginReports"] if one["pluginName"] == "AwsSolutions"]

    assert solutions["violations"] == []
    assert {one["ruleName"] for one in solutions["suppressedViolations"]} == ACCEPTED


def test_cfn_lint_finds_nothing(deployed: Synthesis, full: Synthesis) -> None:
    templates = [str(path) for done in (deployed, full) for path in done.folder.glob("*.template.json")]
    # W3005: CDK writes dependencies that a reference implies; they do no harm.
    command = [
        str(Path(sys.executable).parent / "cfn-lint"),
        "--ignore-checks",
        "W3005",
        "--template",
        *templates,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 0, done.stdout + done.stderr


def test_an_aws_on_this_machine_gets_no_resource_that_it_lacks(synthesize: Synthesize) -> None:
    local = synthesize(
        target="local",
        architecture="x86_64",
        synthesizer="cli",
        python="3.11",
        lease_s="60",
        keep_data="false",
        sagemaker_url="http://127.0.0.1:8080",
    )
    (archive,) = local.of_type("AWS::Events::Archive").values()
    alarms = local.of_type("AWS::CloudWatch::Alarm").values()
    (table,) = local.of_type("AWS::DynamoDB::Table").values()
    function = next(iter(local.of_type("AWS::Lambda::Function").values()))["Properties"]

    assert local.returncode == 0
    assert archive["Condition"] == "NeverOnThisMachine"
    assert {one["Condition"] for one in alarms if "Metrics" in one["Properties"]} == {"NeverOnThisMachine"}
    assert {one.get("Condition") for one in alarms if "MetricName" in one["Properties"]} == {None}
    assert function["Architectures"] == ["x86_64"]
    variables = function["Environment"]["Variables"]
    assert variables["AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME"] == "http://127.0.0.1:8080"
    assert variables["FUNCTIONS_PLANS"] == "plans"
    assert variables["FUNCTIONS_LEASE"] == "60s"
    assert function["Runtime"] == "python3.11"
    # It is reached without TLS, and would refuse everybody.
    assert "aws:SecureTransport" not in json.dumps(local.templates)
    assert table["DeletionPolicy"] == "Delete"


def test_what_is_handed_in_is_not_made(synthesize: Synthesize) -> None:
    key = "arn:aws:kms:eu-central-1:111122223333:key/0b5c2a4e-0000-4000-8000-000000000000"
    handed = synthesize(
        environment="prod",
        table="customers",
        table_key=key,
        bus="clicks",
        alarm_topic="arn:aws:sns:eu-central-1:111122223333:on-call",
    )
    functions = handed.of_type("AWS::Lambda::Function").values()
    rules = [one["Properties"] for one in handed.of_type("AWS::Events::Rule").values()]
    roles = [json.dumps(one) for one in handed.of_type("AWS::IAM::Role").values()]

    assert handed.returncode == 0, handed.stderr
    for kind in ("DynamoDB::Table", "KMS::Key", "Events::EventBus", "Events::Archive", "SNS::Topic"):
        assert handed.of_type(f"AWS::{kind}") == {}
    assert {one["Properties"]["Environment"]["Variables"]["FUNCTIONS_STORE"] for one in functions} == {
        "dynamodb:customers"
    }
    assert {rule["EventBusName"] for rule in rules if "EventPattern" in rule} == {"clicks"}
    assert all(":table/customers" in role and key in role for role in roles)


@pytest.mark.parametrize(
    ("context", "said"),
    [
        ({"architecture": "mips"}, "context value architecture: must be one of: arm64, x86_64"),
        (
            {"functions": {"churn-retention": {"memory": 1}}},
            "context value functions: churn-retention: there is no option 'memory'",
        ),
        (
            {"table": "customers", "functions": {"watch-next": {"source": "profile-changes"}}},
            "context value functions: watch-next: the table has no stream",
        ),
    ],
)
def test_a_wrong_value_is_said_in_one_line(
    synthesize: Synthesize, context: dict[str, object], said: str
) -> None:
    done = synthesize(**context)

    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith(said)
    assert "Traceback" not in done.stderr


def test_a_spec_with_errors_is_not_deployed(synthesize: Synthesize, tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("version: 1\nname: wrong\n")
    done = synthesize(specs=str(tmp_path))

    assert done.returncode == 1
    assert "wrong.yaml:1:1" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(importlib.util.find_spec("aws_cdk") is None, reason="aws-cdk-lib is not installed")
def test_the_app_of_the_page_works(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "deploy.md").read_text()
    program = page.partition("```python\n")[2].partition("```")[0]
    start = "import os; from infra.node import use_packaged_node; use_packaged_node(os.environ)\n"
    environment = {**os.environ, "CDK_OUTDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", start + program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    template = json.loads((tmp_path / "Shop.template.json").read_text())
    kinds = [one["Type"] for one in template["Resources"].values()]

    assert done.returncode == 0, done.stderr
    assert kinds.count("AWS::Lambda::Function") == 1
