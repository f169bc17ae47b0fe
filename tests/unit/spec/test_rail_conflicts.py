"""Actions that can never pass because of rules that are fine one by one: named, with every rule."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from functions.decision.evaluating import evaluate
from functions.expressions import compile_expression
from functions.spec.loading import load_folder
from functions.spec.problems import Problem
from functions.spec.rail_conflicts import OWN, conflicts
from functions.spec.rails import EligibilityRail, QuietRail, Selection
from functions.testing.sample_function import REGISTRY, write_specs

OFFERS = "forbid: [discount]"


def _problems(folder: Path, rules: str, *, eligible: str | None = None) -> list[Problem]:
    registry = {
        **REGISTRY,
        "actions": {
            "offer": {"tags": ["discount"], "channel": "offers", "eligible": eligible, "payload": {}}
        },
    }
    write_specs(folder, registry, decide={"actions": ["offer"]})
    (folder / "policy.yaml").write_text(f"rails:\n{rules}")
    return list(load_folder(folder).problems)


def _rule(name: str, text: str) -> str:
    return f"  - {{ name: {name}, {text} }}\n"


def _valid(name: str, start: str, end: str) -> str:
    return _rule(name, f'valid: discount, from: "{start}", until: "{end}", timezone: UTC')


def _quiet(name: str, start: str, end: str, zone: str = "profile.zone", more: str = "") -> str:
    return _rule(name, f'{OFFERS}, between: ["{start}", "{end}"], timezone: "{zone}"{more}')


def _unless(name: str, text: str) -> str:
    return _rule(name, f'{OFFERS}, unless: "{text}"')


@pytest.mark.parametrize(
    ("rules", "eligible", "said"),
    [
        (
            _valid("spring", "2090-03-01", "2090-06-01") + _valid("autumn", "2090-09-01", "2090-12-01"),
            None,
            "spring and autumn are valid at no common time",
        ),
        (
            _quiet("nights", "20:00", "09:00") + _quiet("days", "08:30", "20:00"),
            None,
            "nights and days leave no minute of the day between them",
        ),
        (
            _quiet("nights", "20:00", "08:00", "profile.zone", ", otherwise: UTC, defer: up to 12h")
            + _quiet("days", "08:00", "20:00", "profile.zone", ", otherwise: UTC"),
            None,
            "nights and days leave no minute of the day between them",
        ),
        (
            _quiet("nights", "20:00", "08:00", "'Mars/Olympus'"),
            None,
            "nights goes by a time zone that there never is",
        ),
        (_unless("closed", "`false`"), None, "closed asks for what is never true"),
        (_unless("closed", "`1` == `2`"), None, "closed asks for what is never true"),
        ("", "`false`", f"{OWN} asks for what is never true"),
        ("", "features.orders > `1` && `false`", f"{OWN} asks for what is never true"),
        (
            _unless("one", "profile.a") + _unless("other", "!(profile.a)"),
            None,
            "one and other ask for what can't be true together",
        ),
        (
            _unless("one", "features.orders > `3`"),
            "features.orders <= `3`",
            f"one and {OWN} ask for what can't be true together",
        ),
        ("", "profile.a == 'x' && profile.a == 'y'", f"{OWN} asks for what can't be true together"),
        ("", "profile.a != 'x' && 'x' == profile.a", f"{OWN} asks for what can't be true together"),
        (
            "",
            "`5` < features.orders && features.orders == `5`",
            f"{OWN} asks for what can't be true together",
        ),
    ],
)
def test_an_action_that_nothing_is_left_of_is_named_with_all_that_forbids_it(
    tmp_path: Path, rules: str, eligible: str | None, said: str
) -> None:
    (found,) = _problems(tmp_path, rules or "  []", eligible=eligible)
    assert (Path(found.file).name, found.code) == ("actions.yaml", "policy.never_passes")
    assert found.message == f"the action 'offer' can never pass: {said}"


@pytest.mark.parametrize(
    ("rules", "eligible"),
    [
        (_valid("one", "2090-03-01", "2090-06-01") + _valid("two", "2090-05-01", "2090-12-01"), None),
        (_quiet("nights", "20:00", "09:00") + _quiet("days", "09:01", "20:00"), None),
        (_quiet("nights", "20:00", "08:00") + _quiet("days", "08:00", "20:00", "profile.other_id"), None),
        (
            _quiet("nights", "20:00", "08:00", "profile.zone", ", otherwise: UTC")
            + _quiet("days", "08:00", "20:00", "profile.zone", ", otherwise: Asia/Tokyo"),
            None,
        ),
        (_quiet("nights", "20:00", "08:00", "'Mars/Olympus'", ", otherwise: UTC"), None),
        (_quiet("nights", "20:00", "08:00", "'Europe/Berlin'"), None),
        (_unless("one", "profile.a") + _unless("other", "!(profile.b)"), None),
        (_unless("one", "profile.a || !(profile.a)"), None),
        (_unless("one", "features.orders >= `3`"), "features.orders <= `3`"),
        ("", "profile.a == 'x' && profile.b == 'y'"),
        ("", "profile.a != 'x' && profile.a != 'y'"),
        ("", "`true`"),
        ("", "profile.a == `1` && profile.a < `2`"),
    ],
)
def test_what_may_pass_at_some_time_for_somebody_is_no_conflict(
    tmp_path: Path, rules: str, eligible: str | None
) -> None:
    assert _problems(tmp_path, rules or "  []", eligible=eligible) == []


def test_a_period_that_is_over_is_a_warning(tmp_path: Path) -> None:
    (found,) = _problems(tmp_path, _valid("winter", "2020-12-01", "2021-03-01"))
    assert (Path(found.file).name, found.code, found.severity) == (
        "policy.yaml",
        "policy.period_over",
        "warning",
    )


_CONSTANTS = ["`1`", "`2`", "'x'", "'y'", "`true`", "`null`"]
_VALUES = [0, 1, 1.5, 2, 3, "w", "x", "xx", "y", "z", True, False, None]


def test_what_is_found_is_never_true_and_only_that_for_numbers_and_texts() -> None:
    """Every pair of comparisons, asked of every value around their constants."""
    everything = Selection(everything=True)
    signs = ("==", "!=", "<", "<=", ">", ">=")
    texts = [f"profile.a {sign} {constant}" for sign in signs for constant in _CONSTANTS]
    asked = {text: compile_expression(text) for text in texts}
    true = {
        text: {str(value) for value in _VALUES if evaluate(one, {"profile": {"a": value}}) is True}
        for text, one in asked.items()
    }
    rails = {text: EligibilityRail(text, None, everything, one) for text, one in asked.items()}
    found = 0
    for one, other in combinations(texts, 2):
        if list(conflicts([rails[one], rails[other]], None)):
            found += 1
            assert not true[one] & true[other], (one, other)
    assert found > 100


def test_three_quiet_times_may_cover_a_day_together() -> None:
    everything, zone = Selection(everything=True), compile_expression("profile.zone")
    hours = [(0, 480), (480, 960), (960, 0)]
    rails = [
        QuietRail(f"part-{start}", None, everything, start, end, zone, None, None) for start, end in hours
    ]
    assert [one.names for one in conflicts(rails, None)] == [("part-0", "part-480", "part-960")]
    assert list(conflicts(rails[:2], None)) == []
