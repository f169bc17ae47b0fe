"""`functions invoke`: one receipt for each event, whatever the file holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from functions.endpoint.server import EndpointServer

Command = Callable[..., CompletedProcess[str]]

ROOT = Path(__file__).parents[3]
CONTRACT = {
    "decision_id", "function", "bundle", "event", "profile_id", "outcome", "reason", "profile", "features",
    "imputed", "unusable", "consent", "exceptions", "detector", "payload", "model", "scores", "experiment",
    "candidates", "action", "write_back", "timings_ms",
}  # fmt: skip
DEAD_PORT = {"AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": "http://127.0.0.1:9"}


def _bare_event(**changes: Any) -> dict[str, Any]:
    event = {
        "id": "page-1",
        "name": "page_view",
        "time": "2026-11-02T09:15:00Z",
        "user_id": "customer-0042",
        "properties": {"page_type": "cancellation"},
    }
    return {**event, **changes}


def _sqs(*bodies: str) -> str:
    records = [
        {
            "messageId": f"message-{index}",
            "receiptHandle": "x",
            "body": body,
            "attributes": {},
            "messageAttributes": {},
            "md5OfBody": "x",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:events",
            "awsRegion": "eu-central-1",
        }
        for index, body in enumerate(bodies)
    ]
    return json.dumps({"Records": records})


@pytest.fixture
def event(project: Path) -> Path:
    """The sample event of the README."""
    return project / "events" / "cancellation-page.json"


@pytest.mark.usefixtures("samples")
class TestWithTheSampleCustomers:
    def test_one_event_prints_one_json_object_with_the_keys_of_the_contract(
        self, functions: Command, event: Path
    ) -> None:
        done = functions("invoke", "churn-retention", "--event", event, "--json")

        receipt = json.loads(done.stdout)
        assert (done.returncode, done.stderr) == (0, "")
        assert set(receipt) == CONTRACT
        assert receipt["outcome"] == "acted"
        assert receipt["model"]["rung"] == "model"
        assert receipt["payload"]["bytes"] == len(receipt["payload"]["body"]) < 100
        assert receipt["profile"]["bytes"] > 20_000
        assert 0 < receipt["scores"]["churn_risk"] < 1
        assert receipt["action"]["delivery"] == "sent"
        assert receipt["timings_ms"]["total"] > 0

    def test_the_same_event_again_is_a_duplicate_with_the_original_outcome(
        self, functions: Command, event: Path, project: Path
    ) -> None:
        first = json.loads(functions("invoke", "churn-retention", "--event", event, "--json").stdout)
        done = functions("invoke", "churn-retention", "--event", event, "--json")
        text = functions("invoke", "churn-retention", "--event", event)

        again = json.loads(done.stdout)
        assert set(again) == CONTRACT | {"original_outcome"}
        assert (again["outcome"], again["original_outcome"]) == ("duplicate", "acted")
        assert again["action"] == first["action"]
        assert again["decision_id"] == first["decision_id"]
        assert "--new-id sends it again as a new one" in done.stderr
        assert text.stdout.startswith("churn-retention  DUPLICATE of acted\n")
        assert len((project / "offers.jsonl").read_text().splitlines()) == 1

    def test_a_new_id_makes_it_a_new_event(self, functions: Command, event: Path, project: Path) -> None:
        receipts = [
            json.loads(functions("invoke", "churn-retention", "--event", event, "--new-id", "--json").stdout)
            for _ in range(2)
        ]

        assert [receipt["outcome"] for receipt in receipts] == ["acted", "acted"]
        assert len({receipt["event"]["id"] for receipt in receipts}) == 2
        assert len((project / "offers.jsonl").read_text().splitlines()) == 2

    def test_the_decision_is_as_old_as_the_event_unless_a_time_is_given(
        self, functions: Command, event: Path
    ) -> None:
        late = functions(
            "invoke", "churn-retention", "--event", event, "--now", "2026-11-02T09:16:00Z", "--json"
        )

        receipt = json.loads(late.stdout)
        assert receipt["outcome"] == "suppressed"
        assert receipt["reason"] == {
            "code": "event.too_old",
            "text": "Nothing was done: the event is 1m old, and the moment has passed after 30s.",
        }
        assert receipt["features"]["recency_days"] == 196.6
        assert receipt["write_back"] != {}

    @pytest.mark.parametrize(
        "name",
        [
            "envelope-sqs",
            "envelope-sns",
            "envelope-kinesis",
            "envelope-http-v2",
            "tealium-event",
        ],
    )
    def test_every_envelope_and_dialect_leads_to_the_same_decision(
        self, functions: Command, project: Path, name: str
    ) -> None:
        done = functions(
            "invoke", "churn-retention", "--event", project / "events" / f"{name}.json", "--json"
        )

        receipt = json.loads(done.stdout)
        assert (done.returncode, receipt["outcome"]) == (0, "acted")
        assert receipt["payload"]["body"] == "196.6,3.0,398.47"

    def test_an_event_that_refuses_itself_is_not_decided_on_the_stored_grant(
        self, functions: Command, project: Path
    ) -> None:
        event = project / "events" / "segment-page.json"
        receipt = json.loads(functions("invoke", "churn-retention", "--event", event, "--json").stdout)

        assert (receipt["outcome"], receipt["reason"]["code"]) == ("suppressed", "consent.denied")
        assert receipt["payload"] is None

    def test_the_event_can_come_over_standard_input(self, functions: Command, event: Path) -> None:
        done = functions(
            "invoke", "churn-retention", "--event", "-", "--json", stdin="\ufeff" + event.read_text()
        )

        assert json.loads(done.stdout)["outcome"] == "acted"

    def test_an_envelope_with_several_events_prints_a_line_for_each(self, functions: Command) -> None:
        good, other = _bare_event(), _bare_event(id="page-2", properties={"page_type": "home"})
        text = _sqs(json.dumps(good), "no json", json.dumps(other))
        done = functions("invoke", "churn-retention", "--event", "-", "--json", stdin=text)

        receipts = [json.loads(line) for line in done.stdout.splitlines()]
        assert done.returncode == 1
        assert [(receipt["outcome"], receipt["reason"]["code"]) for receipt in receipts] == [
            ("acted", "action.chosen"),
            ("rejected", "event.malformed"),
            ("rejected", "event.no_trigger"),
        ]
        assert "-: 1 of 3 events could not be read" in done.stderr

    def test_several_receipts_in_text_are_parted_by_an_empty_line(self, functions: Command) -> None:
        text = _sqs(*(json.dumps(_bare_event(id=f"page-{index}")) for index in range(2)))
        done = functions("invoke", "churn-retention", "--event", "-", stdin=text)

        assert done.stdout.count("\n\nchurn-retention  ACTED\n") == 1

    def test_a_dead_endpoint_says_which_rung_answered(self, functions: Command, event: Path) -> None:
        constant = functions("invoke", "churn-retention", "--event", event, "--json", environment=DEAD_PORT)
        functions("invoke", "churn-retention", "--event", event, "--new-id")
        cache = functions(
            "invoke", "churn-retention", "--event", event, "--new-id", "--json", environment=DEAD_PORT
        )
        text = functions("invoke", "churn-retention", "--event", event, "--new-id", environment=DEAD_PORT)

        first, second = json.loads(constant.stdout), json.loads(cache.stdout)
        assert (first["model"]["rung"], first["model"]["error"]) == ("fallback", "model.unavailable")
        assert (first["scores"], first["outcome"]) == ({"churn_risk": 0.5}, "no_action")
        assert (second["model"]["rung"], second["outcome"]) == ("cache", "acted")
        assert second["write_back"] == {}
        assert "churn-risk failed, the last score answers [model.unavailable]" in text.stdout

    def test_without_consent_a_sentence_says_why_and_no_byte_reaches_the_endpoint(
        self, functions: Command, event: Path
    ) -> None:
        with EndpointServer(ROOT / "models") as server:
            environment = {"AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": server.url}
            functions("invoke", "churn-retention", "--event", event, environment=environment)
            asked = len(server.requests)
            functions("profile", "put", "customer-0042", "--consent", "marketing=revoked")
            done = functions(
                "invoke", "churn-retention", "--event", event, "--new-id", environment=environment
            )
            after = len(server.requests)

        assert (asked, after) == (1, 1)
        assert done.returncode == 0
        assert done.stdout.splitlines()[:2] == [
            "churn-retention  SUPPRESSED",
            "Nothing was done for retention: the customer has withdrawn consent to marketing. [consent.revoked]",
        ]

    def test_nothing_of_the_profile_is_printed_but_the_features(
        self, functions: Command, event: Path
    ) -> None:
        profile = json.loads(functions("profile", "get", "customer-0042").stdout)["profile"]
        done = functions("invoke", "churn-retention", "--event", event)

        email = profile["identity"]["email"]
        assert "@" in email
        assert email not in done.stdout + done.stderr

    def test_colours_are_for_terminals(self, functions: Command, event: Path) -> None:
        plain = functions("invoke", "churn-retention", "--event", event)
        coloured = functions("invoke", "churn-retention", "--event", event, "--new-id", tty=True)
        refused = functions(
            "invoke", "churn-retention", "--event", event, "--new-id", tty=True, environment={"NO_COLOR": "1"}
        )

        assert "\x1b[" not in plain.stdout + refused.stdout
        assert coloured.stdout.startswith("\x1b[1mchurn-retention\x1b[0m  \x1b[32;1mACTED\x1b[0m\n")

    def test_another_event_matches_no_trigger(self, functions: Command, project: Path) -> None:
        done = functions(
            "invoke",
            "churn-retention",
            "--event",
            project / "events" / "envelope-dynamodb-stream.json",
            "--json",
        )

        receipt = json.loads(done.stdout)
        assert done.returncode == 1
        assert (receipt["outcome"], receipt["reason"]["code"]) == ("rejected", "event.no_trigger")
        assert receipt["decision_id"] is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "event.malformed"),
        ("{", "event.malformed"),
        ("[]", "event.malformed"),
        ('{"Records": []}', "event.malformed"),
        ('{"foo": 1}', "event.unknown_envelope"),
        ("3", "event.malformed"),
        (json.dumps({**_bare_event(), "id": None}), "event.no_id"),
        (json.dumps(_bare_event(user_id=None)), "event.no_key"),
        ("[" * 200 + "]" * 200, "event.too_large"),
        (" " * 10_000_001, "event.too_large"),
    ],
    ids=["empty", "cut", "no items", "no records", "unknown", "number", "no id", "no key", "deep", "10 MB"],
)
def test_what_is_no_event_is_rejected_with_its_code(
    functions: Command, tmp_path: Path, text: str, code: str
) -> None:
    file = tmp_path / "event.json"
    file.write_text(text)
    done = functions("invoke", "churn-retention", "--event", file, "--json")
    shown = functions("invoke", "churn-retention", "--event", file)
    piped = functions("invoke", "churn-retention", "--event", "-", "--json", stdin=text)

    receipt = json.loads(done.stdout)
    assert done.returncode == shown.returncode == 1
    assert set(receipt) == CONTRACT
    assert (receipt["outcome"], receipt["reason"]["code"]) == ("rejected", code)
    assert shown.stdout.startswith("churn-retention  REJECTED\n")
    assert f"[{code}]" in shown.stdout
    assert json.loads(piped.stdout)["reason"]["code"] == code


def test_a_file_that_is_no_utf8_is_rejected(functions: Command, tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    file.write_bytes(b'{"id": "\xff"}')
    done = functions("invoke", "churn-retention", "--event", file, "--json")

    assert json.loads(done.stdout)["reason"]["code"] == "event.malformed"
    assert f"{file}: 1 of 1 event could not be read" in done.stderr


def test_an_event_file_that_is_not_there_is_named_with_where_it_was_looked_for(functions: Command) -> None:
    done = functions("invoke", "churn-retention", "--event", "nowhere/event.json", "--json")

    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "error[file.unreadable] nowhere/event.json can't be read: No such file or directory\n"
        f"  = looked in {Path.cwd()}\n"
    )


def test_a_folder_is_no_event_file(functions: Command, project: Path) -> None:
    done = functions("invoke", "churn-retention", "--event", project)

    assert done.returncode == 3
    assert f"{project} can't be read: Is a directory" in done.stderr


def test_an_unknown_function_gets_a_suggestion(functions: Command, event: Path) -> None:
    done = functions("invoke", "churn-retenton", "--event", event)

    assert (done.returncode, done.stdout) == (2, "")
    assert "no function is called 'churn-retenton'" in done.stderr
    assert "did you mean 'churn-retention'?" in done.stderr


def test_a_spec_with_faults_is_shown_with_all_of_them(functions: Command, project: Path, event: Path) -> None:
    spec = project / "feature_specs" / "churn-retention.yaml"
    spec.write_text(spec.read_text().replace("max_age", "max_agee").replace("type: int", "type: whole"))
    done = functions("invoke", "churn-retention", "--event", event)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("error[") >= 2
    assert f"{spec}:" in done.stderr


def test_a_store_without_the_customer_hints_at_the_import(functions: Command, event: Path) -> None:
    done = functions("invoke", "churn-retention", "--event", event)

    assert done.returncode == 0
    assert "there is no profile for this customer. [profile.missing]" in done.stdout
    assert done.stderr == (
        "hint: `functions profile import FILE` reads profiles into the store; then send the event again "
        "with --new-id\n"
    )


def test_a_missing_folder_of_models_is_the_operators_to_mend(
    functions: Command, event: Path, tmp_path: Path, project: Path
) -> None:
    functions("profile", "import", project / "feature_specs" / "profiles.jsonl")
    done = functions(
        "invoke",
        "churn-retention",
        "--event",
        event,
        environment={"FUNCTIONS_MODELS": str(tmp_path / "none")},
    )

    assert done.returncode == 1
    assert "does not exist. Set FUNCTIONS_MODELS, or FUNCTIONS_ENDPOINT=aws to call SageMaker." in done.stdout
    assert "[settings.invalid]" in done.stdout
