"""A policy as it is published: texts that a function compiles itself, and nothing that could widen what it may do."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from functions.build.artifact import plan_from_artifact, plan_to_artifact
from functions.build.published import (
    GONE,
    UNUSABLE,
    apply_policy,
    check_published,
    policy_for_leaving,
    published_form,
)
from functions.documents import Json, content_hash
from functions.errors import PolicyNewerFormatError, PolicyUnusableError
from functions.spec.loading import load_folder, load_policy
from functions.spec.plan import Plan, Policy
from functions.testing.sample_function import CONTRACT, REGISTRY, SPEC, a_plan, write_specs

SPECS = Path(__file__).parents[3] / "feature_specs"


def a_policy(registry: Mapping[str, Json] = REGISTRY) -> Policy:
    """Return the policy of a folder with this registry."""
    with TemporaryDirectory() as folder:
        write_specs(Path(folder), registry)
        return load_policy(Path(folder))


def with_actions(**actions: Any) -> dict[str, Any]:
    """Return the registry with actions in the place of its own; None takes one away."""
    changed = {**REGISTRY["actions"], **actions}
    return {**REGISTRY, "actions": {name: one for name, one in changed.items() if one is not None}}


def published(registry: Mapping[str, Json] = REGISTRY) -> dict[str, Any]:
    """Return what a store gives back."""
    form: dict[str, Any] = json.loads(json.dumps(published_form(a_policy(registry))))
    return form


def test_every_sample_decides_by_what_is_published_as_by_what_it_was_built_with() -> None:
    body = json.loads(json.dumps(published_form(load_policy(SPECS))))
    plans = load_folder(SPECS).plans
    assert plans
    for plan in plans.values():
        built = plan_from_artifact(plan_to_artifact(plan)).plan
        applied = apply_policy(built, body)
        assert (applied.plan, applied.removed) == (built, {})
        assert applied.plan.policy.hash == body["policy"]["hash"]


def test_published_form_holds_no_code_and_no_channel() -> None:
    text = json.dumps(published())
    assert "features.orders >= `3`" in text
    assert '"channels": {"is": "map", "at": {}}' in text
    assert '"memory"' not in text


def test_another_policy_brings_its_actions_its_hash_and_what_they_read() -> None:
    plan = a_plan()
    changed = {
        **REGISTRY["actions"]["offer-20"],
        "eligible": "profile.tier == 'gold'",
        "payload": {"percent": 25},
    }
    body = published(with_actions(**{"offer-20": changed}))
    applied = apply_policy(plan, body)
    first, second = applied.plan.actions
    assert first.eligible is not None
    assert (first.eligible.source, first.payload) == ("profile.tier == 'gold'", {"percent": 25})
    assert first.eligible.evaluate({"profile": {"tier": "gold"}}) is True
    assert second == plan.actions[1]
    assert applied.plan.bundle == replace(plan.bundle, policy=body["policy"]["hash"])
    assert applied.plan.bundle != plan.bundle
    assert "profile.tier" in applied.plan.reads
    assert applied.plan.projection.decode(b'{"tier": "gold", "name": "x"}') == {"tier": "gold"}
    assert applied.plan.channels == plan.channels
    assert applied.removed == {}


def test_expressions_that_did_not_change_are_not_compiled_again() -> None:
    plan = a_plan()
    body = published(
        with_actions(**{"offer-10": {**REGISTRY["actions"]["offer-10"], "payload": {"percent": 5}}})
    )
    first, _ = apply_policy(plan, body).plan.actions
    assert first.eligible is plan.actions[0].eligible


def test_a_policy_can_not_add_candidates_and_keeps_their_order() -> None:
    actions = {"another": {"channel": "offers"}, **dict(reversed(list(REGISTRY["actions"].items())))}
    applied = apply_policy(a_plan(), published({**REGISTRY, "actions": actions}))
    assert [action.name for action in applied.plan.actions] == ["offer-20", "offer-10"]
    assert applied.removed == {}


def test_an_action_that_is_gone_stays_a_candidate_that_may_not_be_chosen() -> None:
    applied = apply_policy(a_plan(), published(with_actions(**{"offer-20": None})))
    assert [action.name for action in applied.plan.actions] == ["offer-20", "offer-10"]
    assert applied.removed == {"offer-20": GONE}


@pytest.mark.parametrize(
    "action",
    [
        {"channel": "elsewhere"},
        {"channel": "offers", "eligible": "other_model > `0.5`"},
        {"channel": "offers", "payload": {"mail": {"from": "profile.email"}}},
        {"channel": "offers", "payload": {"all": {"from": "@"}}},
        {"channel": "offers", "payload": {"now": {"from": "[now, event.id]"}}},
        {"channel": "offers", "payload": {"values": {"from": "*.email"}}},
    ],
    ids=["channel", "output", "profile", "document", "event", "wildcard"],
)
def test_an_action_that_leaves_otherwise_or_reads_what_it_may_not_is_unusable(action: dict[str, Any]) -> None:
    registry = with_actions(**{"offer-20": action})
    registry["channels"] = {**registry["channels"], "elsewhere": {"kind": "memory"}}
    assert apply_policy(a_plan(), published(registry)).removed == {"offer-20": UNUSABLE}


def test_a_feature_that_may_not_leave_does_not_leave_by_a_published_payload() -> None:
    may_read = ["behavioral", "transactional", "derived", "direct-identifier"]
    contract = {**CONTRACT, "purposes": {"retention": {"consent": "marketing", "may_read": may_read}}}
    known = {"from": "profile.email", "type": "string", "missing": ""}
    plan = a_plan(
        contract=contract,
        features={**SPEC["features"], "email": known},
        model=None,
        write_back=None,
        decide={"when": "features.email != ''", "actions": ["offer-20", "offer-10"]},
        registry=with_actions(**{"offer-20": {"channel": "offers"}}),
    )
    payloads = {"orders": "features.orders", "mail": "features.email", "all": "features", "any": "features.*"}
    removed = {}
    for name, text in payloads.items():
        offer = {"channel": "offers", "payload": {"value": {"from": text}}}
        removed[name] = apply_policy(plan, published(with_actions(**{"offer-20": offer}))).removed
    gone = {"offer-20": UNUSABLE}
    assert removed == {"orders": {}, "mail": gone, "all": gone, "any": gone}


def excused(path: str, way: str) -> dict[str, Any]:
    return {"reads": path, "to": [way], "because": "Agreed.", "reviewed_by": "Ada P."}


def test_what_is_excused_leaves_by_a_published_payload_only_where_it_is_excused_for_actions() -> None:
    text = {"type": "string", "missing": "none"}
    plan = a_plan(
        features={"mail": {"from": "profile.email", **text}, "name": {"from": "profile.name", **text}},
        model={
            **SPEC["model"],
            "request": {"format": "json", "template": {"mail": {"from": "features.mail"}}},
            "response": {"churn_risk": "[0]", "word": "[1]"},
            "range": {},
            "fallback": [{"churn_risk": 1, "word": "profile.email"}],
        },
        decide={"actions": ["offer-20", "offer-10"]},
        write_back=None,
        exceptions=[excused("profile.email", "model"), excused("profile.name", "action")],
        registry=with_actions(
            **{
                "offer-20": {"channel": "offers"},
                "offer-10": {"channel": "offers", "payload": {"name": {"from": "features.name"}}},
            }
        ),
    )
    removed = {}
    for read in ("features.name", "features.mail", "churn_risk", "word", "features"):
        offer = {"channel": "offers", "payload": {"value": {"from": read}}}
        removed[read] = apply_policy(plan, published(with_actions(**{"offer-20": offer}))).removed
    gone = {"offer-20": UNUSABLE}
    assert removed == {
        "features.name": {}, "features.mail": gone, "churn_risk": {}, "word": gone, "features": gone
    }  # fmt: skip


def test_a_policy_of_a_newer_format_is_refused_by_its_format() -> None:
    body = published() | {"format": 2, "policy": "something else altogether"}
    with pytest.raises(PolicyNewerFormatError, match="version abc of the policy has format 2") as caught:
        check_published(body, "abc")
    assert caught.value.hint == "Deploy the version that wrote it, or a newer one."


def _damages() -> list[tuple[str, dict[str, Any]]]:
    good = published()
    other = published(with_actions(**{"offer-20": None}))
    touched = copy.deepcopy(good)
    touched["policy"]["actions"][1]["payload"]["percent"] = 100
    return [
        ("touched", touched),
        ("another-version", other),
        ("no-sum", {key: value for key, value in good.items() if key != "sum"}),
        ("no-format", {key: value for key, value in good.items() if key != "format"}),
        ("format-of-text", good | {"format": "1"}),
        ("no-policy", {"format": 1, "sum": content_hash(None)}),
        ("list", good | {"policy": []}),
        ("empty", {}),
    ]


@pytest.mark.parametrize(("damage", "body"), _damages(), ids=[name for name, _ in _damages()])
def test_a_damaged_policy_is_not_used(damage: str, body: dict[str, Any]) -> None:
    good = published()
    check_published(good, good["policy"]["hash"])
    with pytest.raises(PolicyUnusableError):
        check_published(body, good["policy"]["hash"])


def _spoilt(**action: Any) -> dict[str, Any]:
    body = copy.deepcopy(published())
    body["policy"]["actions"][0].update(action)
    return body


@pytest.mark.parametrize(
    "body",
    [
        _spoilt(eligible={"is": "expression", "at": "features.orders >="}),
        _spoilt(eligible={"is": "expression", "at": "no_such_function(features.orders)"}),
        _spoilt(eligible={"is": "expression", "at": 7}),
        _spoilt(eligible={"is": "os.system", "at": "true"}),
        _spoilt(surprise=1),
        {"policy": {"is": "Policy", "hash": "abc"}},
        {"policy": {"is": "Policy", "hash": "abc", "actions": [1]}},
    ],
)
def test_what_can_not_be_read_or_compiled_is_unusable_as_a_whole(body: dict[str, Any]) -> None:
    with pytest.raises(PolicyUnusableError):
        apply_policy(a_plan(), body)


def test_actions_about_to_leave_are_asked_by_the_rails_of_the_policy_and_leave_by_their_own_channels() -> (
    None
):
    plan: Plan = a_plan()
    changed = {**REGISTRY["actions"]["offer-20"], "tags": ["discount", "message"]}
    leaving = policy_for_leaving(plan.policy, published(with_actions(**{"offer-20": changed})))
    action = leaving.action("offer-20")
    assert action is not None
    assert (action.tags, action.eligible, action.payload) == (("discount", "message"), None, None)
    assert leaving.channels == plan.channels
