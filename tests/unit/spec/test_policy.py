"""What is wrong with a policy is found where it stands, and what is right becomes rails."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from functions.expressions import compile_expression
from functions.spec.loading import load_folder, load_policy
from functions.spec.plan_codec import PolicyFormatError, policy_document, policy_from_document
from functions.spec.problems import Problem
from functions.spec.rails import CapRail, CooldownRail, Rolling, Selection, ValidityRail

MakeFolder = Callable[..., Path]

ACTIONS = """\
currency: EUR
channels: { offers: { kind: memory } }
actions:
  offer-20: { tags: [discount, message], channel: offers, cost: 20, risk: 0.9, value: { revenue: 30 } }
  call: { tags: [call], channel: offers, cost: 4.5, risk: "risk", value: { revenue: "multiply(risk, `2`)" } }
  note: { tags: [note], channel: offers, cost: 0, subject_to_caps: false }
  quiet-note: { tags: [uncounted], channel: offers, counts_towards_caps: false }
"""


def _problems(make_folder: MakeFolder, rule: str, *, actions: str = ACTIONS) -> list[Problem]:
    text = f"rails:\n  - {rule}\n"
    return list(load_folder(make_folder({"policy.yaml": text, "actions.yaml": actions})).problems)


CAP = "per: 7d rolling"


@pytest.mark.parametrize(
    ("rule", "code", "line", "column", "hint"),
    [
        ("{ name: a, cap: mesage, at_most: 2, per: 7d rolling }", "policy.unknown_tag", 2, 21, "did you mean 'message'?"),
        ("{ name: a, forbid: { actions: [cal] }, listed: x }", "policy.unknown_action", 2, 36, "did you mean 'call'?"),
        (
            "{ name: a, forbid: call, unless_consent: marketng }",
            "policy.unknown_consent", 2, 46, "did you mean 'marketing'?",
        ),
        ("{ name: a, cap: call, at_most: 2, per: day }", "policy.no_zone", 2, 44, ""),
        (
            "{ name: a, cap: call, at_most: 2, per: day, timezone: Europe/Berln }",
            "policy.unknown_zone", 2, 59, "did you mean 'Europe/Berlin'?",
        ),
        (
            "{ name: a, cap: call, at_most: 2, per: day, timezone: ../../etc/passwd }",
            "policy.unknown_zone", 2, 59, "",
        ),
        ("{ name: a, cap: call, at_most: 2, per: 91d rolling }", "policy.window_too_long", 2, 44, ""),
        ("{ name: a, suppress: call, after: 2, within: 60d, for: 31d }", "policy.window_too_long", 2, 60, ""),
        ("{ name: a, forbid: call, after_action: call, for: 91d }", "policy.window_too_long", 2, 55, ""),
        ("{ name: a, cap: call, at_most: 500, per: 7d rolling }", "policy.never_binds", 2, 36, ""),
        ("{ name: a, cap: uncounted, at_most: 5, per: 7d rolling }", "policy.never_binds", 2, 41, ""),
        (
            "{ name: a, cap: call, at_most: 5, per: 7d rolling }\n  - {name: b, cap: call, at_most: 5, per: 9d rolling}",
            "policy.never_binds", 2, 36, "",
        ),
        (
            "{ name: a, cap: call, at_most: 5, per: 7d rolling }\n  - { name: a, forbid: call, listed: x }",
            "policy.duplicate_name", 3, 13, "",
        ),
        ("{ name: a, cap: note, at_most: 1, per: 7d rolling }", "policy.selects_nothing", 2, 21, ""),
        (
            "{ name: a, budget: note, at_most: 5 EUR, per: day, timezone: UTC }",
            "policy.selects_nothing", 2, 24, "",
        ),
        (
            "{ name: a, budget: call, at_most: 5 USD, per: day, timezone: UTC }",
            "policy.currency", 2, 39, "write the budget in EUR",
        ),
        ("{ name: a, budget: call, at_most: 5.005 EUR, per: day, timezone: UTC }", "spec.wrong_amount", 2, 39, ""),
        (
            "{ name: a, budget: uncounted, at_most: 5 EUR, per: day, timezone: UTC }", "policy.no_cost", 2, 24,
            "give it a `cost` in the registry, which may be 0; without one it can never pass",
        ),
        ("{ name: a, forbid: note, risk_over: 0.5 }", "policy.no_risk", 2, 24, None),
        ("{ name: a, forbid: call }", "policy.unknown_rule", 2, 5, ""),
        ("{ name: a, forbid: call, after_action: call, after: profile.x, for: 1d }", "policy.contradiction", 2, 5, ""),
        ("{ name: a, forbid: call, for: 1d }", "policy.contradiction", 2, 5, ""),
        (
            '{ name: a, forbid: call, between: ["08:00", "08:00"], timezone: profile.zone }',
            "policy.contradiction", 2, 39, "",
        ),
        ("{ name: a, valid: call }", "policy.contradiction", 2, 5, ""),
        ("{ name: a, valid: call, from: 2026-06-01 }", "policy.no_zone", 2, 35, "add `timezone: Europe/Berlin`"),
        (
            "{ name: a, valid: call, from: 2026-06-01, until: 2026-05-01, timezone: UTC }",
            "policy.contradiction", 2, 54, "",
        ),
        ("{ name: a, cap: call, at_most: 2, per: 0d rolling }", "policy.contradiction", 2, 44, ""),
        (
            "{ name: a, cap: call, at_most: 2, per: 7d rolling, timezone: UTC }",
            "policy.contradiction", 2, 66, "leave the timezone out",
        ),
        ("{ name: a, forbid: call, unless: profile.x > }", "expression.syntax", 2, 49, None),
        ("{ name: a, forbid: call, unless: risk > `1` }", "expression.unknown_root", 2, 38, None),
    ],
)  # fmt: skip
def test_a_fault_is_found_where_it_stands(
    make_folder: MakeFolder, rule: str, code: str, line: int, column: int, hint: str | None
) -> None:
    found = [one for one in _problems(make_folder, rule) if Path(one.file).name == "policy.yaml"]
    assert [(one.code, one.line, one.column) for one in found] == [(code, line, column)]
    assert hint is None or found[0].hint == hint or (not hint and not found[0].hint.startswith("did"))


@pytest.mark.parametrize(
    ("rule", "action"),
    [
        ("{ name: killer, cap: call, at_most: 0, per: 7d rolling }", "call"),
        ("{ name: killer, only_one_of: [discount, message], per: 7d rolling }", "offer-20"),
        ("{ name: killer, forbid: discount, risk_over: 0.5 }", "offer-20"),
        ("{ name: killer, budget: discount, at_most: 19.99 EUR, per: day, timezone: UTC }", "offer-20"),
    ],
)
def test_an_action_that_can_never_pass_is_named_with_the_rules_that_kill_it(
    make_folder: MakeFolder, rule: str, action: str
) -> None:
    (found,) = _problems(make_folder, rule)
    assert (Path(found.file).name, found.code) == ("actions.yaml", "policy.never_passes")
    assert repr(action) in found.message
    assert "killer" in found.message


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("cost: 20", "cost: 20.001", "spec.wrong_amount"),
        ("risk: 0.9", "risk: 1.1", "spec.wrong_value"),
        ("tags: [call]", "tags: [all]", "spec.reserved_tag"),
        ('"multiply(risk, `2`)"', '"multiply(risk"', "expression.syntax"),
    ],
)
def test_a_fault_of_an_action_is_found(make_folder: MakeFolder, old: str, new: str, code: str) -> None:
    folder = make_folder({"actions.yaml": ACTIONS.replace(old, new)})
    assert [one.code for one in load_folder(folder).problems] == [code]


def test_a_folder_without_a_policy_has_no_rails(make_folder: MakeFolder) -> None:
    assert load_policy(make_folder({"actions.yaml": ACTIONS})).rails == ()


def test_a_policy_with_errors_lets_no_function_be_built(make_folder: MakeFolder) -> None:
    folder = make_folder({"policy.yaml": "rails: [{ name: a, forbid: nobody, listed: x }]\n"})
    assert dict(load_folder(folder).plans) == {}


def test_rules_become_rails(make_folder: MakeFolder) -> None:
    rules = """\
rails:
  - { name: two, cap: [call, message], at_most: 2, per: 7d rolling, because: Enough }
  - { name: later, forbid: all, after: profile.at, absent: never, for: 12h }
  - name: winter
    valid: { actions: [call] }
    from: 2026-10-01
    until: 2026-12-24T18:00:00+01:00
    timezone: Europe/Berlin
"""
    cap, cooldown, validity = load_policy(make_folder({"policy.yaml": rules, "actions.yaml": ACTIONS})).rails
    week = Rolling(timedelta(days=7))
    assert cap == CapRail("two", "Enough", Selection(tags=("call", "message")), 2, week)
    assert cooldown == CooldownRail(
        "later", None, Selection(everything=True), timedelta(hours=12), compile_expression("profile.at"), True
    )
    start, end = datetime(2026, 9, 30, 22, tzinfo=UTC), datetime(2026, 12, 24, 17, tzinfo=UTC)
    assert validity == ValidityRail("winter", None, Selection(actions=("call",)), start, end)


def test_a_policy_survives_its_document(make_folder: MakeFolder) -> None:
    rules = """\
rails:
  - { name: a, forbid: discount, unless_consent: marketing }
  - { name: b, cap: message, at_most: 2, per: week, timezone: Europe/Berlin }
  - { name: c, forbid: message, after_action: call, for: 3d }
  - { name: d, forbid: message, after: profile.at, for: 3d }
  - { name: e, suppress: message, after: 3, within: 1d, for: 2d }
  - { name: f, forbid: message, between: ["21:00", "08:00"], timezone: profile.zone, otherwise: UTC, defer: up to 12h }
  - { name: g, budget: discount, at_most: 5000 EUR, per: day, timezone: Europe/Berlin }
  - { name: h, only_one_of: [message, call], per: 30d rolling }
  - { name: i, forbid: all, listed: stop }
  - { name: j, forbid: call, unless: profile.ok }
  - { name: k, valid: call, until: 2026-12-24T18:00:00Z }
  - { name: l, forbid: [discount, call], risk_over: 0.95 }
"""
    policy = load_policy(make_folder({"policy.yaml": rules, "actions.yaml": ACTIONS}))
    assert len(policy.rails) == 12
    assert policy_from_document(policy_document(policy), compile_expression) == policy


@pytest.mark.parametrize(
    "document", [None, 1, [], {}, {"is": "os.system"}, {"is": "Policy"}, {"is": "Rolling", "x": 1}]
)
def test_a_document_that_is_no_policy_is_refused(document: object) -> None:
    with pytest.raises(PolicyFormatError):
        policy_from_document(document, compile_expression)
