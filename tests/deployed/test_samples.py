"""Sample events on the bus of a deployed stack: score, decision, action."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from functions.errors import SettingsError
from functions.testing.local_aws import ACCOUNT, REGION
from infra.deploying import connected

if TYPE_CHECKING:
    from tests.deployed.conftest import Deployment

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("deployed")]

Sample = Callable[..., dict[str, Any]]

# Sample to the function that it fires, the outcome, the action and the scores.
ON_THE_BUS = {
    "cancellation-page": ("churn-retention", "acted", "retention-offer-20", {"churn_risk"}),
    "page-view-loyal-customer": ("churn-retention", "no_action", None, {"churn_risk"}),
    "page-view-consent-withdrawn": ("churn-retention", "suppressed", None, set()),
    # The event itself says that there is no consent to advertising.
    "segment-page": ("churn-retention", "suppressed", None, set()),
    "tealium-event": ("churn-retention", "acted", "retention-offer-20", {"churn_risk"}),
    "cart-abandoned-by-vip": (
        "vip-cart-abandonment",
        "acted",
        "vip-cart-note",
        {"recovery_chance", "template"},
    ),
    "cart-abandoned": ("vip-cart-abandonment", "suppressed", None, set()),
    "film-ended": ("watch-next", "acted", "suggest-next-titles", {"best_score", "next_titles"}),
    "film-ended-suggestions-off": ("watch-next", "suppressed", None, set()),
    "account-usage-reports": ("saas-account-health", "acted", "success-manager-call", {"account_risk"}),
}


@pytest.fixture(scope="module")
def decided(deployment: Deployment, sample: Sample) -> dict[str, dict[str, Any]]:
    """Put every sample on the bus, and return what was decided."""
    deployment.put(*(sample(name, event_id=f"sample-{name}") for name in ON_THE_BUS))
    return {
        name: deployment.decided(function, f"sample-{name}")[0] for name, (function, *_) in ON_THE_BUS.items()
    }


@pytest.mark.parametrize("name", ON_THE_BUS)
def test_a_sample_event_on_the_bus_becomes_a_decision(decided: dict[str, Any], name: str) -> None:
    function, outcome, action, scores = ON_THE_BUS[name]
    decision = decided[name]

    assert (decision["function"], decision["outcome"]) == (function, outcome)
    assert (decision["action"] or {}).get("name") == action
    assert set(decision["scores"]) == scores
    assert decision["model"] is None or decision["model"]["rung"] == ("model" if scores else "none")


def test_scores_are_written_to_the_profile(deployment: Deployment, decided: dict[str, Any]) -> None:
    about = ["cancellation-page", "tealium-event"]
    kept = deployment.store.load("customer-0042").state.scores["churn_risk"]

    assert kept.value in {decided[name]["scores"]["churn_risk"] for name in about}
    assert deployment.store.load("customer-0013").state.scores == {}
    assert deployment.store.load("admin-0201").state.scores["account_risk"].value == pytest.approx(
        decided["account-usage-reports"]["scores"]["account_risk"], abs=1e-3
    )


def test_actions_arrive_once_under_the_key_of_their_decision(
    deployment: Deployment, decided: dict[str, Any]
) -> None:
    for name in ("cancellation-page", "tealium-event"):
        deployment.settled([decided[name]])
        (delivery,) = deployment.crm.deliveries(f"sample-{name}")
        assert delivery.headers["idempotency-key"] == decided[name]["decision_id"]
        assert deployment.crm.message(delivery)["idempotency_key"] == decided[name]["decision_id"]
    for name, queue in (
        ("cart-abandoned-by-vip", "offers"),
        ("account-usage-reports", "offers"),
        ("film-ended", "studio"),
    ):
        (message,) = deployment.arrived_about(queue, f"sample-{name}")
        assert message["content"]["idempotency_key"] == decided[name]["decision_id"]
        assert message["content"]["action"] == ON_THE_BUS[name][2]


def test_an_action_that_was_sent_is_settled_in_the_outbox(
    deployment: Deployment, decided: dict[str, Any]
) -> None:
    acted = [decision for decision in decided.values() if decision["outcome"] == "acted"]
    entries = deployment.settled(acted)

    assert len(entries) == 5
    assert {(entry.status, entry.attempts, entry.note) for entry in entries} == {("sent", 1, None)}


def test_the_same_event_again_is_answered_with_the_first_decision(
    deployment: Deployment, decided: dict[str, Any], sample: Sample
) -> None:
    again = sample("cancellation-page", event_id="sample-cancellation-page")
    deployment.put(again, again, again)
    about = again["id"]
    receipts = deployment.until(
        "three duplicates",
        lambda: (
            found if len(found := deployment.receipts("churn-retention", "duplicate", about)) > 2 else None
        ),
    )

    assert {one["original_outcome"] for one in receipts} == {"acted"}
    assert {one["action"]["idempotency_key"] for one in receipts} == {
        decided["cancellation-page"]["decision_id"]
    }
    assert len(deployment.decisions("churn-retention", ["sample-cancellation-page"])) == 1
    assert len(deployment.crm.deliveries("sample-cancellation-page")) == 1


def test_the_log_holds_no_value_of_an_event_or_a_profile(
    deployment: Deployment, decided: dict[str, Any]
) -> None:
    features = decided["cancellation-page"]["features"]
    text = deployment.until("receipts", lambda: json.dumps(deployment.log("-churn-retention")))

    for value in ("customer-0042", "visitor-7f3a", "sample-", "203.0.113.7", str(features["recency_days"])):
        assert value not in text
    assert decided["cancellation-page"]["decision_id"] in text


def test_metrics_are_written_beside_the_receipts(deployment: Deployment, decided: dict[str, Any]) -> None:
    (space,) = {
        metrics["Namespace"]
        for line in deployment.log("-churn-retention")
        for metrics in line.get("_aws", {}).get("CloudWatchMetrics", ())
    }

    assert space == "Functions/e2e"


def test_what_no_policy_allows_is_refused(deployment: Deployment) -> None:
    """Without this, the roles of the functions would prove nothing here."""
    iam = deployment.client("iam")
    iam.create_user(UserName="stranger")
    key = iam.create_access_key(UserName="stranger")["AccessKey"]
    stranger = boto3.client(
        "dynamodb",
        endpoint_url=deployment.aws.url,
        region_name=REGION,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )

    with pytest.raises(stranger.exceptions.ClientError, match="AccessDenied"):
        stranger.scan(TableName="functions-e2e-profiles")


def test_deploying_again_changes_nothing(deployment: Deployment) -> None:
    deployer = connected(deployment.aws.url, **deployment.aws.session_options)

    assert deployer.deploy(deployment.assembly) == deployment.outputs


def test_a_stack_that_cannot_be_made_says_why(deployment: Deployment, tmp_path: Path) -> None:
    template = {
        "Resources": {
            "Url": {
                "Type": "AWS::Lambda::Url",
                "Properties": {"TargetFunctionArn": "nowhere", "AuthType": "NONE"},
            }
        }
    }
    bucket = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
    (tmp_path / "Broken.template.json").write_text(json.dumps(template))
    asset = {
        "source": {"path": "Broken.template.json", "packaging": "file"},
        "destinations": {"here": {"bucketName": bucket, "objectKey": "broken.json"}},
    }
    (tmp_path / "Broken.assets.json").write_text(json.dumps({"files": {"template": asset}}))
    properties = {"stackTemplateAssetObjectUrl": f"s3://{bucket}/broken.json"}
    artifact = {"type": "aws:cloudformation:stack", "properties": properties}
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": {"Broken": artifact}}))
    deployer = connected(deployment.aws.url, **deployment.aws.session_options)

    with pytest.raises(SettingsError, match=r"^stack Broken: "):
        deployer.deploy(tmp_path)
