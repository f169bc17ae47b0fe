"""What the template promises about alarms."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from functions.spec.loading import load_folder

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesis

ROOT = Path(__file__).parents[2]


def test_every_function_has_its_alarms_and_somebody_is_told(deployed: Synthesis) -> None:
    alarms = [one["Properties"] for one in deployed.of_type("AWS::CloudWatch::Alarm").values()]
    plans = load_folder(ROOT / "feature_specs").plans
    every = ("errors", "dead-letters", "latency", "unknown-consent")
    kinds = (*every, "denied", "crashed", "policy-unavailable")
    wanted = {f"functions-dev-{name}-{kind}" for name in plans for kind in kinds}
    with_model = {name for name, plan in plans.items() if plan.model is not None}

    assert {one["AlarmName"] for one in alarms} == wanted | {
        *(f"functions-dev-{name}-fallback-share" for name in with_model),
        *(f"functions-dev-{name}-stream-late" for name in ("watch-next", "footwear-offer")),
        "functions-dev-churn-retention_url-url-errors",
        "functions-dev_export-errors",
        "functions-dev_export-dead-letters",
        "functions-dev-export-late",
        "functions-dev_outbox-errors",
        "functions-dev-outbox-late",
        "functions-dev-outbox-unreadable",
    }
    assert all(one["AlarmActions"] and one["TreatMissingData"] == "notBreaching" for one in alarms)
    assert [one["Properties"]["Endpoint"] for one in deployed.of_type("AWS::SNS::Subscription").values()] == [
        "on-call@shop.example"
    ]


def test_ingest_has_alarms_of_its_own_where_it_is_deployed(deployed: Synthesis, ingesting: Synthesis) -> None:
    alarms = [one["Properties"] for one in ingesting.of_type("AWS::CloudWatch::Alarm").values()]
    own = {one["AlarmName"]: one for one in alarms if "ingest" in one["AlarmName"]}

    assert set(own) == {
        "functions-dev_ingest_sqs-errors",
        "functions-dev_ingest_url-errors",
        "functions-dev-ingest-dead-letters",
        "functions-dev-ingest-refused",
        "functions-dev-ingest-denied",
        "functions-dev-ingest-crashed",
        "functions-dev_ingest_url-url-errors",
    }
    refused = own["functions-dev-ingest-refused"]
    assert (refused["Threshold"], refused["EvaluationPeriods"]) == (0.1, 3)
    assert "docs/runbooks/ingest-refused.md" in refused["AlarmDescription"]
    assert "ingest" not in json.dumps([*deployed.of_type("AWS::CloudWatch::Alarm")])


def test_alarms_watch_metrics_that_the_handlers_write(deployed: Synthesis, ingesting: Synthesis) -> None:
    handlers = "".join(path.read_text() for path in (ROOT / "functions" / "handlers").glob("*.py"))
    names = set()
    alarms = (done.of_type("AWS::CloudWatch::Alarm").values() for done in (deployed, ingesting))
    for alarm in chain.from_iterable(alarms):
        metrics = [
            one["MetricStat"]["Metric"]
            for one in alarm["Properties"].get("Metrics", [])
            if "MetricStat" in one
        ]
        for metric in metrics or [alarm["Properties"]]:
            if metric["Namespace"] == "Functions/dev":
                names.add(metric["MetricName"])
                assert [one["Name"] for one in metric["Dimensions"]] == ["service"]

    assert {"ConsentUnknown", "IngestRefused", "Denied", "Crashed", "PolicyUnavailable"} <= names
    assert {name for name in names if f'"{name}"' not in handlers} == set()


def test_a_public_url_has_an_alarm_of_its_own_since_its_errors_are_answers(deployed: Synthesis) -> None:
    (alarm,) = [
        one["Properties"]
        for key, one in deployed.of_type("AWS::CloudWatch::Alarm").items()
        if "RetentionUrl" in key
    ]
    watched = {one["MetricStat"]["Metric"]["MetricName"] for one in alarm["Metrics"] if "MetricStat" in one}
    (expression,) = [one["Expression"] for one in alarm["Metrics"] if "Expression" in one]

    assert watched == {"Url5xxCount", "Throttles"}
    assert expression == "FILL(failed, 0) + FILL(throttled, 0)"
    assert (alarm["Threshold"], alarm["EvaluationPeriods"]) == (0, 3)


def test_the_dashboard_shows_metrics_that_the_handlers_write(deployed: Synthesis) -> None:
    (dashboard,) = deployed.of_type("AWS::CloudWatch::Dashboard").values()
    handlers = "".join(path.read_text() for path in (ROOT / "functions" / "handlers").glob("*.py"))
    body = dashboard["Properties"]["DashboardBody"]
    text = (
        body
        if isinstance(body, str)
        else "".join(part if isinstance(part, str) else "REGION" for part in body["Fn::Join"][1])
    )
    searches = [
        metric[0]["expression"]
        for widget in json.loads(text)["widgets"]
        for metric in widget["properties"]["metrics"]
    ]
    own = [one for one in searches if one.startswith("SEARCH('{Functions/dev,service} MetricName=")]
    names = {one.split('"')[1] for one in own}

    assert dashboard["Properties"]["DashboardName"] == "functions-dev"
    assert len(searches) == len(own) + 1
    assert any('ApproximateAgeOfOldestMessage" "functions-dev"' in one for one in searches)
    assert {"Acted", "Failed", "Latency", "Crashed", "Denied", "PolicyUnavailable"} <= names
    assert {"RailUnknown", "EligibilityUnknown", "RolloutElsewhere", "RolloutShadow"} <= names
    assert {name for name in names if f'"{name}"' not in handlers} == set()
