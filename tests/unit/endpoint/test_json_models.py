"""Models behind plain HTTP: what they answer, what they refuse, and how a folder is read."""

from __future__ import annotations

import copy
import http.client
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from functions.endpoint.artefact import load_models, load_served, stand_ins
from functions.endpoint.faults import Fault, Faults
from functions.endpoint.invocation import ReceivedRequest, answer
from functions.endpoint.json_models import JsonModel
from functions.endpoint.replies import Reply
from functions.endpoint.server import EndpointServer
from functions.errors import SettingsError

RANKING: dict[str, Any] = {
    "format": "functions-model/1",
    "name": "next",
    "version": "7",
    "kind": "ranking",
    "stands_in_for": "https://ranking.media.example/v1/rank",
    "max_items": 3,
    "features": [
        {"name": "drama", "unit": "share", "meaning": "how much drama", "range": [0, 1]},
        {"name": "late", "unit": "0 or 1", "meaning": "whether it is late", "range": [0, 1]},
    ],
    "items": [
        {"id": "a", "title": "A", "bias": 0, "weights": {}},
        {"id": "b", "title": "B", "bias": -1, "weights": {"drama": 3}},
        {"id": "c", "title": "C", "bias": 0, "weights": {"late": -1}},
        {"id": "d", "title": "D", "bias": 0, "weights": {}},
    ],
}
OUTPUTS: dict[str, Any] = {
    "format": "functions-model/1",
    "name": "note",
    "version": "7",
    "kind": "logistic-outputs",
    "features": [
        {
            "name": "value",
            "unit": "USD",
            "meaning": "of the cart",
            "minimum": 0,
            "trained_range": [1, 100],
            "transform": "log1p",
        }
    ],
    "outputs": [
        {"name": "plain", "meaning": "p", "intercept": 0.5, "weights": {"value": 0}},
        {"name": "warm", "meaning": "w", "intercept": -1, "weights": {"value": 0.5}},
    ],
}

Damage = Callable[[dict[str, Any]], object]


class Sum:
    """A model that scores rows."""

    feature_names = ("a", "b")

    def score(self, rows: Any) -> list[float]:
        return [sum(row) for row in rows]


def loaded(folder: Path, document: dict[str, Any]) -> JsonModel:
    path = folder / document["name"] / "model.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    model = load_served(path)
    assert isinstance(model, JsonModel)
    return model


@pytest.fixture
def ranking(tmp_path: Path) -> JsonModel:
    return loaded(tmp_path, RANKING)


@pytest.fixture
def outputs(tmp_path: Path) -> JsonModel:
    return loaded(tmp_path, OUTPUTS)


def call(model: JsonModel, body: Any, *, fault: Fault | None = None, **changes: Any) -> Reply:
    request = {"method": "POST", "path": "/models/next", "headers": {"content-type": "application/json"}}
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    received = ReceivedRequest(body=text, **{**request, **changes})
    return answer({"next": model, "rows": Sum()}, received, fault or Fault())


def error(reply: Reply) -> tuple[int, str, str]:
    found = json.loads(reply.body)["error"]
    return reply.status, found["code"], found["message"]


def test_a_ranking_gives_the_highest_first_by_the_formula(ranking: JsonModel) -> None:
    reply = call(ranking, {"features": {"drama": 0.5, "late": 1}})
    assert (reply.status, reply.content_type) == (200, "application/json")
    found = json.loads(reply.body)
    assert (found["model"], found["version"]) == ("next", "7")
    assert [(item["id"], item["title"]) for item in found["ranked"]] == [("b", "B"), ("a", "A"), ("d", "D")]
    assert found["ranked"][0]["score"] == pytest.approx(1 / (1 + math.exp(-0.5)), abs=1e-12)
    assert found["ranked"][1]["score"] == 0.5


def test_what_is_excluded_is_not_ranked_and_no_more_than_the_limit(ranking: JsonModel) -> None:
    request = {"features": {"drama": 1, "late": 0}, "exclude": ["b", "unknown", ""], "limit": 2}
    assert [item["id"] for item in json.loads(call(ranking, request).body)["ranked"]] == ["a", "c"]


def test_when_everything_is_excluded_the_ranking_is_empty(ranking: JsonModel) -> None:
    request = {"features": {"drama": 1, "late": 0}, "exclude": ["a", "b", "c", "d"]}
    assert json.loads(call(ranking, request).body)["ranked"] == []


def test_several_regressions_answer_together_and_name_the_best(outputs: JsonModel) -> None:
    found = json.loads(call(outputs, {"features": {"value": 99}}).body)
    warm = 1 / (1 + math.exp(1 - 0.5 * math.log1p(99)))
    assert found["outputs"]["plain"] == pytest.approx(1 / (1 + math.exp(-0.5)))
    assert found["best"] == {"name": "warm", "score": pytest.approx(warm)}
    assert json.loads(call(outputs, {"features": {"value": 0}}).body)["best"]["name"] == "plain"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "no JSON"),
        (b'{"features": {"drama": NaN, "late": 0}}', "NaN and Infinity are no JSON numbers"),
        ([], "the body is no JSON object"),
        ({}, 'the body has no "features"'),
        ({"features": {}, "fetures": 1}, "the body has 1 keys that are not read"),
        ({"features": []}, '"features" is no object'),
        ({"features": {"drama": 1}}, "features lack late"),
        (
            {"features": {"drama": 1, "late": 0, "email": "x"}},
            "features have 1 names that this model does not read",
        ),
        ({"features": {"drama": "1", "late": 0}}, "feature drama is no number"),
        ({"features": {"drama": True, "late": 0}}, "feature drama is no number"),
        ({"features": {"drama": None, "late": 0}}, "feature drama is no number"),
        ({"features": {"drama": 1.01, "late": 0}}, "feature drama is out of its range or not finite"),
        ({"features": {"drama": 10**400, "late": 0}}, "feature drama is too large"),
        ({"features": {"drama": 1, "late": 0}, "limit": 0}, '"limit" is no whole number from 1 to 3'),
        ({"features": {"drama": 1, "late": 0}, "limit": 4}, '"limit" is no whole number from 1 to 3'),
        ({"features": {"drama": 1, "late": 0}, "limit": True}, '"limit" is no whole number from 1 to 3'),
        ({"features": {"drama": 1, "late": 0}, "limit": 1.5}, '"limit" is no whole number from 1 to 3'),
        ({"features": {"drama": 1, "late": 0}, "exclude": "a"}, '"exclude" is no list of at most 1,000 ids'),
        ({"features": {"drama": 1, "late": 0}, "exclude": [1]}, '"exclude" is no list of at most 1,000 ids'),
        ({"features": {"drama": 1, "late": 0}, "exclude": ["a"] * 1001}, '"exclude" is no list of at most'),
    ],
)
def test_a_request_that_is_not_what_the_model_reads_is_refused(
    ranking: JsonModel, body: Any, problem: str
) -> None:
    status, code, message = error(call(ranking, body))
    assert (status, code) == (400, "bad_request")
    assert problem in message


def test_a_refusal_repeats_no_value(ranking: JsonModel, outputs: JsonModel) -> None:
    for model in (ranking, outputs):
        secret = {
            "features": {"drama": "s3cret", "late": 0, "s3cret": 1, "value": "s3cret"},
            "limit": "s3cret",
        }
        assert "s3cret" not in error(call(model, secret))[2]
    assert "s3cret" not in error(call(outputs, {"features": {"value": "s3cret"}}))[2]


def test_a_value_below_the_minimum_is_refused(outputs: JsonModel) -> None:
    assert error(call(outputs, {"features": {"value": -1}}))[0] == 400


def test_another_content_type_is_refused(ranking: JsonModel) -> None:
    reply = call(ranking, b"0.5,1", headers={"content-type": "text/csv"})
    assert error(reply) == (415, "unsupported_media_type", "Content-Type must be application/json")


@pytest.mark.parametrize("path", ["/models/other", "/models/rows", "/models/%2e%2e"])
def test_a_name_that_is_not_served_here_is_not_found(ranking: JsonModel, path: str) -> None:
    assert error(call(ranking, {}, path=path))[:2] == (404, "unknown_model")


def test_a_get_of_a_model_is_no_operation(ranking: JsonModel) -> None:
    assert call(ranking, b"", method="GET").status == 404


def test_the_sagemaker_door_says_which_door_is_right(ranking: JsonModel) -> None:
    reply = call(ranking, {"instances": [[1, 0]]}, path="/endpoints/next/invocations")
    assert reply.status == 400
    assert "plain HTTP model: POST /models/next" in json.loads(reply.body)["Message"]


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault(error="ModelError", original_status=422), 422),
        (Fault(error="ModelError", original_status=0), 504),
        (Fault(error="ServiceUnavailable"), 503),
        (Fault(error="ModelNotReadyException"), 429),
    ],
)
def test_a_fault_answers_with_its_status(ranking: JsonModel, fault: Fault, status: int) -> None:
    assert call(ranking, {"features": {"drama": 1, "late": 0}}, fault=fault).status == status


def test_a_fault_can_change_scores_body_and_content_type(ranking: JsonModel) -> None:
    request = {"features": {"drama": 1, "late": 0}}
    insane = call(ranking, request, fault=Fault(score=float("inf")))
    assert insane.body.count(b"Infinity") == 3
    assert b'"version": "7"' in insane.body
    other = call(ranking, request, fault=Fault(body=b"oops", content_type="text/plain"))
    assert (other.content_type, other.body) == ("text/plain", b"oops")


def test_the_model_is_served_over_http_with_faults_in_their_order(ranking: JsonModel) -> None:
    faults = Faults([Fault(error="InternalFailure"), None])
    with EndpointServer({"next": ranking}, faults=faults) as server:
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
        statuses = []
        for _ in range(2):
            body = json.dumps({"features": {"drama": 1, "late": 0}})
            connection.request(
                "POST", "/models/next?x=1", body, {"Content-Type": "application/json; charset=utf-8"}
            )
            reply = connection.getresponse()
            statuses.append((reply.status, "ranked" in json.loads(reply.read())))
        connection.close()
        assert statuses == [(500, False), (200, True)]
        assert [request.is_invocation for request in server.requests] == [True, True]


@pytest.mark.parametrize(
    ("document", "damage", "problem"),
    [
        (RANKING, lambda d: d.pop("items"), "items is missing"),
        (RANKING, lambda d: d.update(items=[]), "items is no list of at least one item"),
        (RANKING, lambda d: d.update(items=[1]), "items[0] is no object"),
        (RANKING, lambda d: d["items"][1].update(id="a"), "two items have the same id"),
        (RANKING, lambda d: d["items"][0].update(title=""), "items[0].title is no text"),
        (RANKING, lambda d: d["items"][0].update(bias="0"), "items[0].bias is no finite number"),
        (RANKING, lambda d: d["items"][0].update(weights=[]), "items[0].weights is no object"),
        (RANKING, lambda d: d["items"][0].update(weights={"drma": 1}), "items[0].weights.drma is no feature"),
        (
            RANKING,
            lambda d: d["items"][0].update(weights={"drama": True}),
            "items[0].weights.drama is no finite number",
        ),
        (RANKING, lambda d: d.update(max_items=0), "max_items is no whole number from 1 to 100"),
        (RANKING, lambda d: d.update(stands_in_for="ftp://x"), "stands_in_for is no http or https URL"),
        (RANKING, lambda d: d.update(stands_in_for="https://u@h/"), "stands_in_for is no http or https URL"),
        (RANKING, lambda d: d.update(intercept=1), "intercept is no key of this format"),
        (RANKING, lambda d: d.update(format="2"), "format must be functions-model/1"),
        (RANKING, lambda d: d["features"][0].update(range=[1, 0]), "features[0].range is no pair"),
        (RANKING, lambda d: d["features"].append(d["features"][0]), "two features have the same name"),
        (OUTPUTS, lambda d: d["outputs"][0].update(weights={}), "outputs[0].weights.value is missing"),
        (OUTPUTS, lambda d: d["outputs"][0].pop("intercept"), "outputs[0].intercept is missing"),
        (OUTPUTS, lambda d: d["outputs"][1].update(name="plain"), "two outputs have the same name"),
        (OUTPUTS, lambda d: d["features"][0].update(transform="sqrt"), "features[0].transform must be"),
        (OUTPUTS, lambda d: d["features"][0].update(minimum=-1), "features[0].minimum must be above -1"),
        (OUTPUTS, lambda d: d["features"][0].update(weight=1), "features[0].weight is no key of this format"),
    ],
)
def test_a_malformed_model_is_refused_with_the_place(
    tmp_path: Path, document: dict[str, Any], damage: Damage, problem: str
) -> None:
    damaged = copy.deepcopy(document)
    damage(damaged)
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, damaged)
    assert f"model.json: {problem}" in caught.value.message


def test_a_folder_says_which_urls_its_models_stand_in_for(tmp_path: Path) -> None:
    assert stand_ins(tmp_path / "missing") == {}
    assert stand_ins(tmp_path) == {}
    loaded(tmp_path, RANKING)
    loaded(tmp_path, OUTPUTS)
    assert sorted(load_models(tmp_path)) == ["next", "note"]
    assert stand_ins(tmp_path) == {"https://ranking.media.example/v1/rank": "next"}


def test_two_models_for_one_url_are_refused(tmp_path: Path) -> None:
    loaded(tmp_path, RANKING)
    loaded(tmp_path, {**RANKING, "name": "other"})
    with pytest.raises(SettingsError, match=r"the models next and other in .* stand in for one URL"):
        stand_ins(tmp_path)
