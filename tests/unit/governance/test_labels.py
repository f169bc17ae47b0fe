"""Labels of paths: the most specific rule wins, and a read of a whole touches everything below."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.expressions import compile_expression
from functions.governance.labels import LabelMap, LabelRule, parse_pattern

RULES = {
    "orders": "transactional",
    "orders.items[].note": "sensitive",
    "identity": "direct-identifier",
    "identity.id": "pseudonymous",
    "web.*": "behavioral",
    "web.*.ip": "direct-identifier",
    "web.searches": "sensitive",
    '"odd key"."a.b"': "behavioral",
    "tickets.at": "behavioral",
    "tickets.text": "sensitive",
    "scores.health_risk": "sensitive",
}


def labels(**more: str) -> LabelMap:
    return LabelMap(
        LabelRule(parse_pattern("profile", text), label) for text, label in {**RULES, **more}.items()
    )


def touched(expression: str, **more: str) -> set[str]:
    return {reading.label for reading in labels(**more).readings(compile_expression(expression).lineage)}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("profile.orders.count", {"transactional"}),
        ("profile.orders.items[0].price", {"transactional"}),
        ("profile.orders.items[0].note", {"sensitive"}),
        ("profile.orders", {"transactional", "sensitive"}),
        ("profile.orders.items", {"transactional", "sensitive"}),
        ("profile.identity.id", {"pseudonymous"}),
        ("profile.identity.name.first", {"direct-identifier"}),
        ("profile.identity", {"direct-identifier", "pseudonymous"}),
        ("profile.web.pages[].at", {"behavioral"}),
        ("profile.web.pages[].ip", {"direct-identifier"}),
        # A literal of the same length wins over `*`, and a longer pattern over both.
        ("profile.web.searches[].query", {"sensitive"}),
        # Here the number of searches is told as well.
        ("profile.web.searches[].ip", {"direct-identifier", "sensitive"}),
        ("profile.web.*.at", {"behavioral", "sensitive"}),
        ("profile.web.*", {"behavioral", "sensitive", "direct-identifier"}),
        ("profile.web", {"behavioral", "sensitive", "direct-identifier", "unlabelled"}),
        ('profile."odd key"."a.b".c', {"behavioral"}),
        ('profile."odd key"', {"behavioral", "unlabelled"}),
        ("profile.nobody.knows", {"unlabelled"}),
        ("profile.scores.churn.value", {"derived"}),
        ("profile.scores.health_risk.value", {"sensitive"}),
        ("profile.scores", {"derived", "sensitive"}),
        ("event.user_id || event.anonymous_id", {"pseudonymous"}),
        ("event.time", {"behavioral"}),
        ("event.properties.value", {"unlabelled"}),
        ("event", {"behavioral", "pseudonymous", "unlabelled"}),
        ("now", set()),
        ("`1`", set()),
        # Counting what an array holds tells nothing of what stands in it.
        ("count_within(profile.tickets, 'at', '30d')", {"behavioral"}),
        # The keys of an object may tell as much as its values.
        ("length(profile.orders)", {"transactional", "sensitive"}),
        ("keys(profile.nobody)", {"unlabelled"}),
        ("profile.tickets == null", {"behavioral", "sensitive", "unlabelled"}),
        ("type(profile.tickets)", {"unlabelled"}),
        ("length(profile.tickets[])", {"unlabelled"}),
        # Through any key: what stands under some has a label, what stands under the others has none.
        ("length(profile.tickets.*)", {"behavioral", "sensitive", "unlabelled"}),
        (
            "length(profile.*.at | [?@])",
            {"behavioral", "derived", "direct-identifier", "transactional", "unlabelled"},
        ),
        # That there is something is told, though something deeper is read as well.
        (
            "if_else(profile.web.searches, 'asked', profile.web.pages[0].at)",
            {"sensitive", "behavioral", "direct-identifier"},
        ),
        ("not_null(profile.tickets, profile.tickets.at)", {"behavioral", "sensitive", "unlabelled"}),
        ("type(profile.identity) == profile.identity.id", {"direct-identifier", "pseudonymous"}),
        # Whether a whole is empty tells whether something stands directly in it.
        ("if_else(profile.web.pages[0], `1`, `0`)", {"behavioral", "direct-identifier"}),
        ("if_else(profile.orders, `1`, `0`)", {"transactional"}),
        ("*.identity.name", {"direct-identifier", "unlabelled"}),
        ("length(@)", {*RULES.values(), "derived", "pseudonymous", "unlabelled"}),
        ("!@", set()),
        ("[profile.orders.count, event.id]", {"transactional", "behavioral"}),
        ("@.profile.orders.count", {"transactional"}),
    ],
)
def test_a_read_touches_the_labels_of_what_it_may_tell(expression: str, expected: set[str]) -> None:
    assert touched(expression) == expected


def test_the_whole_document_is_everything() -> None:
    assert touched("@") == {*RULES.values(), "derived", "pseudonymous", "behavioral", "unlabelled"}


def test_a_contract_says_otherwise_than_what_is_built_in() -> None:
    rules = [
        LabelRule(parse_pattern("event", "user_id"), "direct-identifier"),
        LabelRule(parse_pattern("profile", "scores"), "sensitive"),
    ]
    found = LabelMap(rules).readings(compile_expression("[event.user_id, profile.scores.x.value]").lineage)
    assert {reading.label for reading in found} == {"direct-identifier", "sensitive"}


def conflicts(**given_labels: str) -> int:
    rules = (LabelRule(parse_pattern("profile", text), label) for text, label in given_labels.items())
    return len(list(LabelMap(rules).conflicts()))


def test_rules_conflict_where_neither_is_more_specific_and_both_match() -> None:
    assert conflicts(**{"a.*": "sensitive", "*.b": "behavioral"}) == 1
    assert conflicts(**{"a.*": "sensitive", "*.b": "sensitive"}) == 0
    assert conflicts(**{"a.*": "sensitive", "b.*": "behavioral"}) == 0
    assert conflicts(**{"a.*": "sensitive", "a.b": "behavioral"}) == 0
    assert conflicts(**{"a.*.c": "sensitive", "*.b": "behavioral"}) == 0
    assert conflicts(**{"a.*.c": "sensitive", "a.b.*": "behavioral", "*.b.c": "derived"}) == 3


def test_a_longer_rule_conflicts_with_a_guarded_one_that_it_gets_into_by_a_star() -> None:
    assert conflicts(**{"identity": "direct-identifier", "*.country": "behavioral"}) == 1
    assert conflicts(**{"health": "sensitive", "*.*.code": "derived"}) == 1
    assert conflicts(**{"a.health": "sensitive", "a.*.at": "behavioral"}) == 1
    # Somebody has named what is guarded, or weakens nothing.
    assert conflicts(**{"health": "sensitive", "health.*.mood": "behavioral"}) == 0
    assert conflicts(**{"identity": "direct-identifier", "*.country": "sensitive"}) == 0
    assert conflicts(**{"orders": "transactional", "*.country": "behavioral"}) == 0
    assert conflicts(**{"identity.name": "direct-identifier", "*.country": "behavioral"}) == 0


def test_a_rule_that_wins_wherever_two_match_decides_between_them() -> None:
    guarded = {"identity": "direct-identifier", "*.country": "behavioral"}
    assert conflicts(**guarded, **{"identity.country": "behavioral"}) == 0
    assert conflicts(**guarded, **{"identity.land": "behavioral"}) == 1
    assert conflicts(**{"a.*": "sensitive", "*.b": "behavioral", "a.b": "behavioral"}) == 0


def test_a_longer_rule_by_a_star_keeps_to_the_purposes_of_a_guarded_one() -> None:
    def rule(text: str, *purposes: str) -> LabelRule:
        return LabelRule(parse_pattern("profile", text), "sensitive", frozenset(purposes) or None)

    health = rule("health", "care", "study")
    assert not list(LabelMap([health, rule("*.mood", "care")]).conflicts())
    assert list(LabelMap([health, rule("*.mood", "care", "sales")]).conflicts())
    assert list(LabelMap([health, rule("*.mood")]).conflicts())
    assert not list(LabelMap([rule("health"), rule("*.mood", "sales")]).conflicts())


def test_patterns_are_written_as_paths_in_expressions() -> None:
    assert parse_pattern("profile", 'a[].b."c d".*') == (".profile", ".a", ".b", ".c d", "*")
    for text in ("", ".", "a..b", "a.", "2026", "a b", "[]", "a[0]", "a.b*", "a\n"):
        with pytest.raises(ValueError, match="as in expressions"):
            parse_pattern("profile", text)


KEYS = st.sampled_from(["a", "b", "c"])
PATTERNS = st.lists(st.one_of(KEYS, st.just("*")), min_size=1, max_size=3).map(".".join)
PATHS = st.lists(KEYS, min_size=1, max_size=4)


@given(st.dictionaries(PATTERNS, st.sampled_from(["sensitive", "behavioral", "derived"]), max_size=6), PATHS)
def test_a_whole_read_has_every_label_that_a_read_below_it_has(
    rules: dict[str, str], path: list[str]
) -> None:
    found = LabelMap(LabelRule(parse_pattern("profile", text), label) for text, label in rules.items())

    def at(keys: list[str]) -> set[str]:
        text = ".".join(["profile", *keys])
        return {reading.label for reading in found.readings(compile_expression(text).lineage)}

    for end in range(len(path)):
        assert at(path) - {"unlabelled"} <= at(path[:end])
        assert "unlabelled" not in at(path) or "unlabelled" in at(path[:end])
