"""Every sample event, through the real command line and the embedded endpoint, ends as it is meant to.

What leaves is watched where it arrives: the bytes that the endpoint received and those that the channel wrote.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from functions.cli.composition import opened_runtime, opened_store
from functions.cli.console import Console
from functions.cli.main import run
from functions.documents import Json
from functions.endpoint.server import EndpointServer
from functions.events.reading import read_events
from functions.runtime.receipt import Receipt
from functions.settings import read_settings
from functions.spec.loading import load_folder, load_function
from functions.testing.profiles import REFERENCE_TIME, compact_json
from functions.testing.sample_profiles import sample_records

ROOT = Path(__file__).parents[2]
EVENTS, MODELS = ROOT / "events", ROOT / "models"
RECORDS = {record["id"]: record for record in sample_records()}
PLANS = load_folder(ROOT / "feature_specs").plans
# What `functions new NAME` has written beside them is the reader's own; its event is called by its name.
SHIPPED = [name for name in PLANS if not (ROOT / "events" / f"{name}.json").exists()]
MARK = " q9z-planted"
WORDS = {"standard", "account"}
"""Texts of profiles that also stand in the AWS SDK's user agent and in a model's name."""


@dataclass(frozen=True)
class Ending:
    """How one event of a file ends."""

    customer: str
    outcome: str
    reason: str
    action: str | None = None
    calls: int = 1


@dataclass(frozen=True)
class Sample:
    """A function and one of its event files."""

    function: str
    file: str
    endings: tuple[Ending, ...]


def acted(customer: str, action: str) -> Ending:
    return Ending(customer, "acted", "action.chosen", action)


def idle(customer: str) -> Ending:
    return Ending(customer, "no_action", "condition.false")


def vetoed(customer: str, reason: str) -> Ending:
    return Ending(customer, "suppressed", reason, calls=0)


OFFER = acted("customer-0042", "retention-offer-20")
SAMPLES = (
    Sample("churn-retention", "cancellation-page.json", (OFFER,)),
    Sample("churn-retention", "envelope-sqs.json", (OFFER,)),
    Sample("churn-retention", "envelope-sns.json", (OFFER,)),
    Sample("churn-retention", "envelope-kinesis.json", (OFFER,)),
    Sample("churn-retention", "envelope-http-v2.json", (OFFER,)),
    # Its own consent object refuses what the stored record grants.
    Sample("churn-retention", "segment-page.json", (vetoed("customer-0042", "consent.denied"),)),
    Sample("churn-retention", "tealium-event.json", (OFFER,)),
    Sample("churn-retention", "page-view-loyal-customer.json", (idle("customer-0007"),)),
    Sample(
        "churn-retention", "page-view-consent-withdrawn.json", (vetoed("customer-0013", "consent.revoked"),)
    ),
    Sample(
        "churn-retention",
        "envelope-dynamodb-stream.json",
        (Ending("customer-0042", "rejected", "event.no_trigger", calls=0),),
    ),
    Sample(
        "footwear-offer",
        "department-entered.json",
        (Ending("customer-0101", "acted", "action.ranked", "footwear-offer-15"),),
    ),
    Sample("footwear-offer", "department-entered-without-interest.json", (idle("customer-0102"),)),
    Sample(
        "saas-account-health",
        "account-usage-reports.json",
        (
            # It is night in Los Angeles: what reaches the customer outside the product waits until eight.
            Ending("admin-0201", "acted", "action.deferred", "success-manager-call"),
            Ending("admin-0202", "acted", "action.deferred", "education-campaign"),
            idle("admin-0203"),
        ),
    ),
    Sample("watch-next", "film-ended.json", (acted("viewer-0301", "suggest-next-titles"),)),
    Sample("watch-next", "film-ended-suggestions-off.json", (vetoed("viewer-0302", "actions.not_eligible"),)),
    Sample("vip-cart-abandonment", "cart-abandoned-by-vip.json", (acted("customer-0401", "vip-cart-note"),)),
    Sample("vip-cart-abandonment", "cart-abandoned.json", (vetoed("customer-0402", "actions.not_eligible"),)),
)
by_file = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.file)


class Project:
    """A folder with a copy of the specs that writes nothing outside itself, and the command line over it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.specs = folder / "feature_specs"
        self.offers = folder / "offers.jsonl"
        self.environment = {
            "FUNCTIONS_SPECS": str(self.specs),
            "FUNCTIONS_STORE": f"sqlite:///{folder}/store.db",
            "FUNCTIONS_MODELS": str(MODELS),
        }
        shutil.copytree(ROOT / "feature_specs", self.specs)
        actions = self.specs / "actions.yaml"
        text = actions.read_text(encoding="utf-8")
        assert ".functions/offers.jsonl" in text
        actions.write_text(text.replace(".functions/offers.jsonl", str(self.offers)), encoding="utf-8")

    def call(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        """Run `functions ARGUMENTS…`; returns exit code, output and diagnosis."""
        out, err = io.StringIO(), io.StringIO()
        code = run(list(arguments), Console(io.StringIO(), out, err, {**self.environment, **environment}))
        return code, out.getvalue(), err.getvalue()

    def keep(self, record: Mapping[str, Json]) -> None:
        """Import a customer."""
        path = self.folder / "customers.jsonl"
        path.write_text(compact_json(dict(record)) + "\n", encoding="utf-8")
        code, _, err = self.call("profile", "import", str(path))
        assert code == 0, err

    def written(self) -> list[dict[str, Any]]:
        """What the channel wrote."""
        if not self.offers.exists():
            return []
        return [json.loads(line) for line in self.offers.read_text(encoding="utf-8").splitlines()]

    def watched(self, sample: Sample) -> tuple[list[Receipt], list[bytes]]:
        """Run a sample over an endpoint of our own; returns receipts and every request as bytes."""
        settings = read_settings(self.environment)
        plan = load_function(self.specs, sample.function)
        parsed = read_events((EVENTS / sample.file).read_bytes(), received_at=REFERENCE_TIME)
        with (
            EndpointServer(MODELS) as endpoint,
            opened_store(settings) as store,
            opened_runtime(settings, store, endpoint=endpoint) as runtime,
        ):
            events = [one.value() for one in parsed]
            receipts = [runtime.handle(plan, event, now=event.time) for event in events]
            requests = list(endpoint.requests)
        heads = (f"{one.method} {one.path} {json.dumps(dict(one.headers))}\n".encode() for one in requests)
        return receipts, [head + one.body for head, one in zip(heads, requests, strict=True)]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def leaves(value: Json, path: str = "profile") -> Iterator[tuple[str, Json]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from leaves(child, f"{path}.{key}")
    elif isinstance(value, list):
        for child in value:
            yield from leaves(child, f"{path}[]")
    else:
        yield path, value


def declared(function: str) -> Callable[[str], bool]:
    """Whether the spec says that it reads a path of the profile."""
    reads = PLANS[function].reads
    return lambda path: any(path == read or path.startswith((f"{read}.", f"{read}[")) for read in reads)


def undeclared_values(profile: Json, function: str) -> set[str]:
    """Texts and long numbers of a profile that the function has no business with.

    Those of fewer than six characters stand in any text; the planted marks find them.
    """
    is_declared = declared(function)
    mine = {str(value) for path, value in leaves(profile) if is_declared(path)}
    found = {str(value) for path, value in leaves(profile) if not is_declared(path)}
    return {value for value in found - mine - WORDS if len(value) >= 6}


def planted(value: Json, is_declared: Callable[[str], bool], path: str = "profile") -> Json:
    """Return a profile with a mark in every text that the function does not declare."""
    if isinstance(value, dict):
        return {key: planted(child, is_declared, f"{path}.{key}") for key, child in value.items()}
    if isinstance(value, list):
        return [planted(child, is_declared, f"{path}[]") for child in value]
    return value + MARK if isinstance(value, str) and not is_declared(path) else value


def test_every_event_file_and_every_function_is_sampled() -> None:
    found = {path.name for path in EVENTS.glob("*.json")}
    assert sorted(sample.file for sample in SAMPLES) == sorted(found - {f"{name}.json" for name in PLANS})
    endings = {(sample.function, ending.outcome) for sample in SAMPLES for ending in sample.endings}
    for function in SHIPPED:
        assert (function, "acted") in endings
        assert {(function, "no_action"), (function, "suppressed")} & endings


def test_the_folder_is_clean_and_all_its_cases_pass(project: Project) -> None:
    shutil.copytree(EVENTS, project.folder / "events")
    code, _, err = project.call("validate")
    assert (code, err) == (0, f"{len(PLANS)} functions fine\n")
    code, out, err = project.call("test", "--json")
    assert code == 0, err
    results = json.loads(out)
    counts = {name: sum(one["function"] == name for one in results) for name in SHIPPED}
    assert len(counts) == 5
    assert min(counts.values()) >= 6


@by_file
def test_a_sample_event_ends_as_it_is_meant_to(project: Project, sample: Sample) -> None:
    for ending in sample.endings:
        project.keep(RECORDS[ending.customer])
    code, out, err = project.call("invoke", sample.function, "--event", str(EVENTS / sample.file), "--json")
    several = len(sample.endings) > 1
    receipts = [json.loads(line) for line in out.splitlines()] if several else [json.loads(out)]
    found = [
        Ending(
            ending.customer,
            receipt["outcome"],
            receipt["reason"]["code"],
            receipt["action"]["name"] if receipt["action"] else None,
            int(receipt["payload"] is not None),
        )
        for receipt, ending in zip(receipts, sample.endings, strict=True)
    ]
    assert found == list(sample.endings), err
    assert code == (1 if sample.endings[0].outcome == "rejected" else 0)
    expected = [
        (one.customer, one.action)
        for one in sample.endings
        if one.reason in ("action.chosen", "action.ranked")
    ]
    assert [(one["profile_id"], one["action"]) for one in project.written()] == expected


@by_file
def test_nothing_of_a_profile_leaves_but_what_the_spec_declares(project: Project, sample: Sample) -> None:
    for ending in sample.endings:
        project.keep(RECORDS[ending.customer])
    receipts, requests = project.watched(sample)
    assert [receipt.outcome for receipt in receipts] == [ending.outcome for ending in sample.endings]
    assert len(requests) == sum(ending.calls for ending in sample.endings)
    arrived = [request.partition(b"\n")[2] for request in requests]
    assert all(0 < len(body) < 1_000 for body in arrived)
    assert [receipt.payload.body.encode() for receipt in receipts if receipt.payload] == arrived
    sent = b"\n".join(requests).decode()
    acts = json.dumps(project.written(), ensure_ascii=False)
    for ending in sample.endings:
        values = undeclared_values(RECORDS[ending.customer]["profile"], sample.function)
        assert len(values) > 100
        assert ending.customer in values
        assert {value for value in values if value in sent} == set()
        # The id of the profile is how the channel knows whom an action is for.
        others = acts.replace(ending.customer, "")
        assert {value for value in values if value in others} == set()


@pytest.mark.parametrize(
    "sample",
    # The envelopes of one fact leave alike; the test above has seen each.
    [sample for sample in SAMPLES if not sample.file.startswith("envelope-")],
    ids=lambda sample: sample.file,
)
def test_marks_in_everything_undeclared_change_nothing_and_never_leave(
    project: Project, sample: Sample
) -> None:
    is_declared = declared(sample.function)
    bodies: list[list[bytes]] = []
    for mark in (False, True):
        other = Project(project.folder / str(mark))
        for ending in sample.endings:
            record = RECORDS[ending.customer]
            profile = planted(record["profile"], is_declared) if mark else record["profile"]
            other.keep({**record, "profile": profile})
        receipts, requests = other.watched(sample)
        assert [receipt.outcome for receipt in receipts] == [ending.outcome for ending in sample.endings]
        bodies.append([request.partition(b"\n")[2] for request in requests])
        assert MARK.strip().encode() not in b"".join(requests)
        assert MARK.strip() not in json.dumps(other.written())
    assert bodies[0] == bodies[1]


def test_a_mark_in_what_is_declared_does_leave(project: Project) -> None:
    record = RECORDS["viewer-0301"]
    marked = planted(record["profile"], lambda path: path != "profile.viewing.history[].title_id")
    project.keep({**record, "profile": marked})
    _, [request] = project.watched(next(one for one in SAMPLES if one.file == "film-ended.json"))
    assert MARK.strip().encode() in request


@pytest.mark.parametrize("function", sorted(PLANS))
def test_no_function_declares_who_somebody_is_or_what_is_sensitive(function: str) -> None:
    is_declared = declared(function)
    profile = RECORDS["customer-0401"]["profile"]
    branches = ("identity.", "health.", "referral.", "location.last_known")
    parts = (".messages", ".billing_contact", ".users", ".personal_shopper", ".ip")
    private = [
        path
        for path, _ in leaves(profile)
        if path.startswith(tuple(f"profile.{branch}" for branch in branches))
        or any(part in path for part in parts)
    ]
    assert len(private) > 30
    assert [path for path in private if is_declared(path)] == []


def test_the_titles_that_were_ranked_are_in_the_action_and_on_the_profile(project: Project) -> None:
    project.keep(RECORDS["viewer-0301"])
    project.call("invoke", "watch-next", "--event", str(EVENTS / "film-ended.json"))
    [message] = project.written()
    titles = message["payload"]["titles"]
    assert len(titles) == 3
    seen = {film["title_id"] for film in RECORDS["viewer-0301"]["profile"]["viewing"]["history"]}
    assert not seen & set(titles)
    _, out, _ = project.call("profile", "get", "viewer-0301", "--json")
    score = json.loads(out)["scores"]["next_titles"]
    assert score["value"] == ",".join(titles)


def test_the_note_for_a_vip_is_the_one_that_the_model_picked(project: Project) -> None:
    project.keep(RECORDS["customer-0401"])
    _, out, _ = project.call(
        "invoke", "vip-cart-abandonment", "--event", str(EVENTS / "cart-abandoned-by-vip.json"), "--json"
    )
    [message] = project.written()
    assert message["payload"]["template"] == "personal-shopper"
    # The receipt names the model of the spec, whoever answered in its place.
    assert json.loads(out)["model"]["target"] == "https://recovery.shop.example/v1/score"


def test_without_the_embedded_endpoint_the_url_of_the_spec_and_its_secret_are_used(project: Project) -> None:
    project.keep(RECORDS["viewer-0301"])
    code, out, _ = project.call(
        "invoke", "watch-next", "--event", str(EVENTS / "film-ended.json"), FUNCTIONS_ENDPOINT="aws"
    )
    assert code == 1
    assert "Set the variable FUNCTIONS_SECRET_MEDIA_RANKING_TOKEN." in out


def test_a_url_that_no_model_stands_in_for_is_called_as_written(project: Project) -> None:
    spec = project.specs / "watch-next.yaml"
    with EndpointServer(MODELS) as other:
        # A port that answers, at a path that is not served: the call arrives there and nowhere else.
        text = spec.read_text(encoding="utf-8").replace(
            "https://ranking.media.example/v1/rank", f"{other.url}/v1/rank"
        )
        spec.write_text(text, encoding="utf-8")
        project.keep(RECORDS["viewer-0301"])
        code, out, _ = project.call(
            "invoke",
            "watch-next",
            "--event",
            str(EVENTS / "film-ended.json"),
            "--json",
            FUNCTIONS_SECRET_MEDIA_RANKING_TOKEN="t0ken",
        )
        [request, *_] = other.requests
    assert (request.path, request.headers["authorization"]) == ("/v1/rank", "Bearer t0ken")
    assert (code, json.loads(out)["outcome"]) == (1, "failed")


def test_the_token_of_the_real_service_is_not_sent_to_its_stand_in(project: Project) -> None:
    project.environment["FUNCTIONS_SECRET_MEDIA_RANKING_TOKEN"] = "t0ken"
    project.keep(RECORDS["viewer-0301"])
    sample = next(one for one in SAMPLES if one.file == "film-ended.json")
    receipts, [request] = project.watched(sample)
    assert receipts[0].outcome == "acted"
    assert request.startswith(b"POST /models/next-titles ")
    assert b"t0ken" not in request
