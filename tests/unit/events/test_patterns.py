"""Event patterns mean what EventBridge's documentation says they mean."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.documents import Json
from functions.events.dialects import to_event
from functions.events.envelopes import Delivery
from functions.events.patterns import as_envelope, compile_pattern

# The event of AWS's documentation.
INSTANCE: dict[str, Json] = {
    "version": "0",
    "id": "ddddd4-aaaa-7777-4444-345dd43cc333",
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "account": "012345679012",
    "time": "2017-10-02T16:24:49Z",
    "region": "us-east-1",
    "resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-000000aaaaaa00000"],
    "detail": {
        "c-count": 5,
        "d-count": 3,
        "x-limit": 301.8,
        "source-ip": "10.0.0.33",
        "instance-id": "i-000000aaaaaa00000",
        "state": "running",
    },
}


def matches(pattern: Json, document: Json) -> bool:
    return compile_pattern(pattern).matches(document)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (
            {
                "detail-type": ["EC2 Instance State-change Notification"],
                "resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-000000aaaaaa00000"],
                "detail": {"state": ["initializing", "running"]},
            },
            True,
        ),
        ({"time": [{"prefix": "2017-10-02"}]}, True),
        ({"source": [{"suffix": "ec2"}]}, True),
        ({"source": [{"equals-ignore-case": "AWS.EC2"}]}, True),
        ({"source": [{"wildcard": "aws.*2"}]}, True),
        ({"detail": {"state": [{"anything-but": "initializing"}]}}, True),
        ({"detail": {"x-limit": [{"anything-but": 123}]}}, True),
        ({"detail": {"state": [{"anything-but": ["stopped", "overloaded"]}]}}, True),
        ({"detail": {"x-limit": [{"anything-but": [100, 200, 301.8]}]}}, False),
        ({"detail": {"state": [{"anything-but": {"prefix": "run"}}]}}, False),
        (
            {
                "detail": {
                    "c-count": [{"numeric": [">", 0, "<=", 5]}],
                    "d-count": [{"numeric": ["<", 10]}],
                    "x-limit": [{"numeric": ["=", 3.018e2]}],
                }
            },
            True,
        ),
        ({"detail": {"source-ip": [{"cidr": "10.0.0.0/24"}]}}, True),
        ({"detail": {"c-count": [{"exists": True}]}}, True),
        ({"detail": {"c-count": [{"exists": False}]}}, False),
        ({"detail": {"e-count": [{"exists": False}]}}, True),
        (
            {
                "time": [{"prefix": "2017-10-02"}],
                "detail": {
                    "state": [{"anything-but": "initializing"}],
                    "c-count": [{"numeric": [">", 0, "<=", 5]}],
                    "d-count": [{"numeric": ["<", 10]}],
                    "x-limit": [{"anything-but": [100, 200, 300]}],
                    "source-ip": [{"cidr": "10.0.0.0/8"}],
                },
            },
            True,
        ),
        (
            {
                "detail": {
                    "$or": [
                        {"c-count": [{"numeric": [">", 5]}]},
                        {"d-count": [{"numeric": ["<", 10]}]},
                        {"x-limit": [{"numeric": ["=", 1]}]},
                    ]
                }
            },
            True,
        ),
    ],
)
def test_the_documented_examples_hold(pattern: Json, expected: bool) -> None:
    assert matches(pattern, INSTANCE) is expected


# Operator, then what it matches, then what it does not.
OPERATORS: list[tuple[Json, list[Json], list[Json]]] = [
    ("x", ["x", ["y", "x"]], ["X", "xy", "", None, 1, [], {}]),
    ("", [""], [" ", None]),
    (1, [1, 1.0, [2, 1]], ["1", True, 2, None]),
    (1.5, [1.5], [1, "1.5"]),
    (0, [0, 0.0, -0.0], [False, None, ""]),
    (True, [True], [1, "true", False]),
    (False, [False], [0, None]),
    (None, [None], [False, 0, "", "null", []]),
    ({"prefix": "ab"}, ["ab", "abc"], ["a", "AB", 1, None]),
    ({"prefix": {"equals-ignore-case": "EventB"}}, ["eventbridge", "EVENTB"], ["event", 1]),
    ({"suffix": ".png"}, [".png", "a.png"], ["a.PNG", "png", 1]),
    ({"suffix": {"equals-ignore-case": ".png"}}, ["a.PNG", "b.Png"], ["a.jpg"]),
    ({"equals-ignore-case": "alice"}, ["Alice", "ALICE"], ["alic", "alicea", 1]),
    ({"wildcard": "a*c"}, ["ac", "abbc"], ["ab", "bac", 1]),
    ({"wildcard": "*/lib/*"}, ["/usr/lib/x"], ["/usr/bin/x"]),
    ({"anything-but": "a"}, ["b", "", 1, True, None, ["a", "b"]], ["a", ["a"], [], {}]),
    ({"anything-but": 1}, [2, "1", True, None], [1, 1.0]),
    ({"anything-but": ["a", "b"]}, ["c"], ["a", "b"]),
    ({"anything-but": [1, 2]}, [3, "1"], [1, 2.0]),
    ({"anything-but": {"prefix": "us-"}}, ["eu-1", 1], ["us-east-1"]),
    ({"anything-but": {"prefix": ["us-", "eu-"]}}, ["ap-1"], ["us-1", "eu-1"]),
    ({"anything-but": {"suffix": ".png"}}, ["a.jpg"], ["a.png"]),
    ({"anything-but": {"suffix": [".png", ".gif"]}}, ["a.jpg"], ["a.png", "a.gif"]),
    ({"anything-but": {"equals-ignore-case": "init"}}, ["run"], ["INIT", "init"]),
    ({"anything-but": {"equals-ignore-case": ["init", "stop"]}}, ["run"], ["Init", "STOP"]),
    ({"anything-but": {"wildcard": "*/lib/*"}}, ["/bin/x"], ["/lib/x"]),
    ({"anything-but": {"wildcard": ["*a*", "*b*"]}}, ["c"], ["xax", "b"]),
    ({"numeric": ["=", 5]}, [5, 5.0], ["5", 4, True, None]),
    ({"numeric": ["<", 5]}, [4.999, -1], [5, "4", True, False]),
    ({"numeric": ["<=", 5]}, [5], [5.001]),
    ({"numeric": [">", 5]}, [5.001], [5]),
    ({"numeric": [">=", 5]}, [5], [4.999]),
    ({"numeric": [">", 0, "<", 10]}, [0.1, 9.9], [0, 10]),
    ({"numeric": [">=", 0, "<=", 10]}, [0, 10], [-0.1, 10.1]),
    ({"exists": True}, [1, "", None, False, [1]], [[], {}, {"a": 1}, [{"a": 1}]]),
    ({"exists": False}, [[], {}, {"a": 1}, [{"a": 1}]], [1, "", None, False, [1]]),
    ({"cidr": "10.0.0.0/24"}, ["10.0.0.0", "10.0.0.255"], ["10.0.1.0", "::a", "host", 1, None]),
    ({"cidr": "2001:db8::/32"}, ["2001:db8::1", "2001:DB8:0:0::2"], ["2001:db9::1", "10.0.0.1"]),
]


@pytest.mark.parametrize(("entry", "yes", "no"), OPERATORS, ids=lambda value: json.dumps(value)[:40])
def test_an_operator_matches_these_values_and_not_those(entry: Json, yes: list[Json], no: list[Json]) -> None:
    pattern = compile_pattern({"detail": {"field": [entry]}})
    assert [value for value in yes if not pattern.matches({"detail": {"field": value}})] == []
    assert [value for value in no if pattern.matches({"detail": {"field": value}})] == []


@pytest.mark.parametrize("entry", [entry for entry, _, _ in OPERATORS if entry != {"exists": False}])
def test_a_missing_field_satisfies_nothing_but_exists_false(entry: Json) -> None:
    assert not matches({"detail": {"field": [entry]}}, {"detail": {}})
    assert not matches({"detail": {"field": [entry]}}, {})
    assert matches({"detail": {"field": [entry, {"exists": False}]}}, {})


EMPLOYEES: dict[str, Json] = {
    "employees": [
        {"firstName": "John", "lastName": "Doe"},
        {"firstName": "Anna", "lastName": "Smith", "level": 3},
        {"firstName": "Peter", "lastName": "Jones"},
    ]
}
TEAMS: dict[str, Json] = {"employees": [EMPLOYEES["employees"][:2], EMPLOYEES["employees"][2:]]}


@pytest.mark.parametrize("document", [EMPLOYEES, TEAMS])
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"firstName": ["Anna"]}, True),
        ({"firstName": ["Anna"], "lastName": ["Smith"]}, True),
        ({"firstName": ["Anna"], "lastName": ["Jones"]}, False),
        ({"firstName": ["Anna", "Peter"], "lastName": ["Jones"]}, True),
        ({"firstName": ["Anna"], "$or": [{"lastName": ["Jones"]}, {"level": [3]}]}, True),
        ({"firstName": ["Peter"], "$or": [{"lastName": ["Smith"]}, {"level": [3]}]}, False),
        ({"level": [{"exists": True}]}, True),
        ({"level": [{"exists": False}]}, False),
        ({"salary": [{"exists": False}]}, True),
        # Decided by an element already: only that one must lack the field.
        ({"firstName": ["Peter"], "level": [{"exists": False}]}, True),
        ({"firstName": ["Anna"], "level": [{"exists": False}]}, False),
        # Looked at before any element is decided: no element may have the field.
        ({"firstName": [{"exists": False}], "lastName": ["Doe"]}, False),
        # The order is that of the names, not that of the pattern.
        ({"level": [{"exists": False}], "firstName": ["Peter"]}, True),
        ({"lastName": ["Doe"], "firstName": [{"exists": False}]}, False),
    ],
)
def test_fields_below_an_array_match_in_one_element(document: Json, fields: Json, expected: bool) -> None:
    assert matches({"employees": fields}, document) is expected


def test_fields_of_different_arrays_are_free_of_one_another() -> None:
    document = {"a": [{"x": 1}, {"x": 2}], "b": [{"y": 1}, {"y": 2}]}
    assert matches({"a": {"x": [1]}, "b": {"y": [2]}}, document)


def test_nested_arrays_bind_at_every_level() -> None:
    document = {"orders": [{"id": 1, "lines": [{"sku": "a", "n": 1}, {"sku": "b", "n": 2}]}, {"id": 2}]}
    assert matches({"orders": {"id": [1], "lines": {"sku": ["b"], "n": [2]}}}, document)
    assert not matches({"orders": {"id": [1], "lines": {"sku": ["a"], "n": [2]}}}, document)
    assert not matches({"orders": {"id": [2], "lines": {"sku": ["a"]}}}, document)


def test_lists_of_scalars_bind_nothing() -> None:
    assert matches({"a": ["x"], "b": ["y"]}, {"a": ["w", "x"], "b": ["y", "z"]})


def test_parallel_alternatives_must_both_hold() -> None:
    pattern: Json = {
        "$or": [{"metricName": ["CPU"]}, {"namespace": ["EC2"]}],
        "detail": {"$or": [{"source": ["cw"]}, {"kind": ["alarm"]}]},
    }
    assert matches(pattern, {"namespace": "EC2", "detail": {"kind": "alarm"}})
    assert not matches(pattern, {"namespace": "EC2", "detail": {"kind": "other"}})


def test_alternatives_may_stand_inside_alternatives() -> None:
    pattern: Json = {
        "source": ["cw"],
        "$or": [
            {"metricName": ["CPU"]},
            {"metricType": ["t"], "$or": [{"metricId": [1234]}, {"spaceId": [1000]}]},
        ],
    }
    assert matches(pattern, {"source": "cw", "metricType": "t", "spaceId": 1000})
    assert not matches(pattern, {"source": "cw", "metricType": "t", "spaceId": 1})


def test_a_key_with_a_dot_is_that_key() -> None:
    assert matches({"detail": {"ut.env": ["prod"]}}, {"detail": {"ut.env": "prod"}})
    assert not matches({"detail": {"ut.env": ["prod"]}}, {"detail": {"ut": {"env": "prod"}}})


def test_an_event_is_matched_in_eventbridge_form() -> None:
    body = {"id": "e-1", "name": "page_view", "time": "2026-11-02T09:15:00Z", "properties": {"n": 1}}
    event = to_event(Delivery(body, "event", "document"), received_at=datetime(2026, 11, 2, tzinfo=UTC))
    envelope = as_envelope(event)
    assert {key: envelope[key] for key in ("id", "source", "detail-type", "time", "resources")} == {
        "id": "e-1",
        "source": "unknown",
        "detail-type": "page_view",
        "time": "2026-11-02T09:15:00.000Z",
        "resources": [],
    }
    assert envelope["detail"] == event.as_document()
    assert matches({"detail-type": ["page_view"], "detail": {"properties": {"n": [1]}}}, envelope)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from("abc"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_existence_and_absence_are_opposites(document: Json) -> None:
    for path in ({"x": [{"exists": True}]}, {"x": {"y": [{"exists": True}]}}):
        absence = json.loads(json.dumps(path).replace("true", "false"))
        assert matches(path, document) is not matches(absence, document)


@given(values, st.sampled_from("abc"))
def test_adding_an_entry_never_loses_a_match(document: Json, entry: str) -> None:
    if matches({"x": {"y": [entry]}}, document):
        assert matches({"x": {"y": [entry, {"prefix": "zz"}]}}, document)


def test_a_large_hostile_event_is_matched_in_linear_time() -> None:
    many = [{"k": index, "list": [{"a": 1}, {"b": 2}]} for index in range(20_000)]
    document = {"p": many, "q": many, "r": many, "s": "no"}
    exists: Json = [{"exists": True}]
    pattern: Json = {
        "p": {"k": exists},
        "q": {"k": exists},
        "r": {"list": {"a": [1], "b": [2]}},
        "s": ["yes"],
    }
    assert not matches(pattern, document)
