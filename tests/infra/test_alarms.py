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
    kinds = ("errors", "dead-letters", "latency", "unknown-consent")
    wanted = {f"functions-dev-{name}-{kind}" for name in plans for kind in kinds}
    with_model = {name for name, plan in plans.items() if plan.model is not None}

    assert {one["AlarmName"] for one in alarms} == wanted | {
        *(f"functions-dev-{name}-fallback-share" for name in with_model),
        "functions-dev_export-errors",
        "functions-dev_export-dead-letters",
        "functions-dev-export-late",
        "functions-dev_outbox-errors",
        "functions-dev-outbox-late",
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
    }
    refused = own["functions-dev-ingest-refused"]
    assert (refused["Threshold"], refused["EvaluationPeriods"]) == (0.1, 3)
    assert "docs/runbooks/ingest-refused.md" in refused["AlarmDescription"]
    assert "ingest" not in json.dumps([*deployed.of_type("AWS::CloudWatch::Alarm")])


def test_alarms_watch_metrics_that_the_handlers_write(deployed: Synthesis, ingesting: Synthesis) -> None:
    telemetry = (ROOT / "functions" / "handlers" / "telemetry.py").read_text()
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

    assert {"ConsentUnknown", "IngestRefused"} <= names
    assert {name for name in names if f'"{name}"' not in telemetry} == set()
