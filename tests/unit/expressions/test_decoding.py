"""Decoders that build only what is read."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from functions.documents import DocumentError, DocumentTooLargeError, parse_json
from functions.expressions import How, compile_features, decoder_for

FEATURES = {
    "spent": "sum(profile.orders[?kind == 'a'].price)",
    "count": "length(profile.orders)",
    "hits": "profile.web.*.hits",
    "any": "profile.tags && `1`",
    "keys": "keys(profile.scores)",
    "score": "profile.scores.churn.value || `0.5`",
    "last": "profile.orders[-1].at",
    "wide": "profile.big",
}
PROFILES: list[Any] = [
    {
        "orders": [{"kind": "a", "price": 2.5, "note": "x"}, {"kind": "b", "price": 3}, None, 7, [1]],
        "web": {"a": {"hits": 1, "more": 2}, "b": {"hits": None}, "c": 3},
        "tags": ["x"],
        "scores": {"churn": {"value": 0.25, "at": "now"}, "other": 1},
        "big": 2**70,
        "unread": {"deep": [1, 2, 3]},
    },
    {"orders": [], "web": {}, "tags": [], "scores": {}, "big": 1.0},
    {"orders": {"kind": "a"}, "web": [1], "tags": {"a": 1}, "scores": None, "big": {"any": [1, {"x": 1}]}},
    {"orders": "text", "web": 5, "tags": "", "scores": [1], "big": True},
    {},
    None,
    [1, 2],
    "text",
]


@pytest.mark.parametrize("profile", PROFILES)
def test_what_is_decoded_gives_the_same_values_and_failures(profile: Any) -> None:
    features = compile_features(FEATURES)
    decode = decoder_for(features.lineage, (".profile",), max_bytes=10_000)
    whole = features.evaluate({"profile": profile})
    assert features.evaluate({"profile": decode(json.dumps(profile).encode())}) == whole


@pytest.mark.parametrize(
    "text",
    [
        "*.tier", "values(@)[].tier", "map(&tier, values(@))", "*.*", "length(*.orders[])",
        "@.*.tier | [0]", "*.orders[].n", "[profile, event][].tier", "[profile, event][?tier].tier",
        "{a: profile}.*.tier", "max_by(values(@), &tier).tier", "merge(profile, event).tier",
        "not_null(nothing, @).profile.tier", "to_array(@)[0].profile.tier", "@.profile.tier",
        "[@][0].profile.tier", "(profile || event).tier", "values(@)[0].tier", "*[0] | [0]", "* | [1].tier",
        "*.*.n", "keys(@) && profile.tier", "sort_by(values(@), &tier || 'x')[].tier", "length(*)",
        "*.length(@)", "*.keys(@)", "*.orders.length(@)", "*.tier && profile.orders", "type(*)",
        "*[?orders].tier", "@", "*", "*.profile", "profile.*", "profile.*.n", "values(profile)",
        "*.orders[0]", "length(@)", "type(@)", "type(profile)", "!profile", "profile && 'y'", "*.{t: tier}",
        "*.[tier]", "merge(@, event).profile.tier", "reverse(values(@))[0].tier",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "profile", [{"tier": "gold", "orders": [{"n": 1}, {"n": 2}]}, {}, None, [{"n": 1}], "text"]
)
def test_a_wildcard_above_the_profile_reads_the_profile(text: str, profile: Any) -> None:
    features = compile_features({"f": text, "g": "event.tier"})
    decode = decoder_for(features.lineage, (".profile",), max_bytes=10_000)
    root = {"event": {"tier": "e"}, "profile": profile, "now": "2026-11-02"}
    cut = {**root, "profile": decode(json.dumps(profile).encode())}
    assert features.evaluate(cut) == features.evaluate(root)


def test_what_is_not_read_is_not_built() -> None:
    features = compile_features({"spent": "sum(profile.orders[].price)"})
    decode = decoder_for(features.lineage, (".profile",), max_bytes=10_000)
    assert decode(json.dumps(PROFILES[0]).encode()) == {
        "orders": [{"price": 2.5}, {"price": 3}, None, 7, [1]]
    }


@pytest.mark.parametrize("text", ["length(@)", "keys(@)", "type(profile)", "profile == `null`"])
def test_that_there_is_a_profile_builds_nothing_of_it(text: str) -> None:
    features = compile_features({"any": text})
    decode = decoder_for({**features.lineage, (".profile",): How.TYPE}, (".profile",), max_bytes=10_000)
    assert decode(b'{"a": 1, "b": [2]}') == {}


@pytest.mark.parametrize("text", ["profile", "@", "*", "to_string(@)"])
def test_a_profile_that_is_read_as_a_whole_is_decoded_as_a_whole(text: str) -> None:
    features = compile_features({"all": text})
    decode = decoder_for(features.lineage, (".profile",), max_bytes=10_000)
    assert decode(json.dumps(PROFILES[0]).encode()) == PROFILES[0]
    with pytest.raises(DocumentError, match="twice"):
        decode(b'{"a": {"b": 1, "b": 2}}')


@pytest.mark.parametrize("text", [b"{", b'{"orders": NaN}', b'{"orders": 1e999}', b"\xff", b""])
def test_what_is_no_json_is_refused_without_being_quoted(text: bytes) -> None:
    decode = decoder_for(compile_features(FEATURES).lineage, (".profile",), max_bytes=100)
    with pytest.raises(DocumentError) as caught:
        decode(text)
    assert "orders" not in str(caught.value)


READ = {
    "v": "profile.a",
    "w": "profile.c.d",
    "l": "profile.l[].x",
    "k": "keys(profile.k)",
    "n": "!(profile.n)",
}


@pytest.mark.parametrize(
    "text",
    [
        b'\xef\xbb\xbf{"a": 1}', b'{"\\u0061": 1}', b'{"a": 1} x', b'{"a": 1}\n', b"\xff", b'{"a": "\xff"}',
        b'{"a": "\\ud800"}', b'{"z": "\\ud800", "a": 1}', b'{"a": "\\ud83d\\ude00"}', b'{"a": "x\ny"}',
        b'{"z": "x\ny"}', b'{"z": "\\q"}', b'{"z": 01}', b'{"z": NaN}', b'{"a": NaN}', b'{"z": 1.}', b'{"z": --1}',
        b'{"z": tru}', b'{z: 1}', b'{"a": 1,}', b"[1]", b'"x"', b"null", b'{"a": 1e999}', b'{"a": -0}',
        b'{"a": -0.0}', b'{"a": 1E5}', b'{"a": 1.0}', b'{"a": 123456789012345678901}', b'{"a": -9223372036854775809}',
        b'{"a": 18446744073709551616}', b'{"a": 1e-400}', b'{"a": 2.2250738585072011e-308}',
        b'{"a": 1.7976931348623159e308}', b'{"a": 5e-324}', b'{"a": 9007199254740993.0}',
        b'{"a": 0.30000000000000004}', b'{"a": ' + b"9" * 5_000 + b"}", b'{"a": 1' + b"0" * 400 + b"}",
        b'{"a": ' + b"[" * 90 + b"]" * 90 + b"}", b'{"a": "\\u0000"}', '{"é": 1, "a": "é\u2028"}'.encode(),
        b'{"l": [{"x": 1}, {"x": 1, "y": "\\ud800"}, 3]}', b'{"l": {"x": 1}, "k": [1], "n": [0]}',
        b'{"k": {"p": 1, "q": {"x": 1}}, "n": {"p": {}}}', b'{"z": "x', b'{"z": "\\u12"}', b'{"z": -}', b'{"z": 1e}',
        b'{"a": 00}', b"", b"  ", b'{"z": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)  # fmt: skip
def test_the_answer_or_the_error_is_that_of_the_whole_document(text: bytes) -> None:
    features = compile_features(READ)
    decode = decoder_for(features.lineage, (".profile",), max_bytes=300_000)

    def answer(read: Callable[[bytes], Any]) -> Any:
        try:
            return exact(features.evaluate({"profile": read(text)}))
        except DocumentError as error:
            return type(error), str(error)

    assert answer(decode) == answer(lambda raw: parse_json(raw, max_bytes=300_000))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (b'{"z": "\xff", "a": 1}', {"a": 1}),
        (b'{"z": 1e999, "a": 1}', {"a": 1}),
        (b'{"z": ' + b"[" * 150 + b"]" * 150 + b', "a": 1}', {"a": 1}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'{"c": {"d": 1}, "c": {"e": 2}}', {"c": {}}),
    ],
)
def test_what_only_a_look_at_every_byte_would_find_goes_unnoticed(text: bytes, kept: Any) -> None:
    with pytest.raises(DocumentError):
        parse_json(text, max_bytes=300_000)
    assert decoder_for(compile_features(READ).lineage, (".profile",), max_bytes=300_000)(text) == kept


def exact(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, repr(value)) for name, value in values.items()]


def test_what_is_too_large_or_too_deep_is_refused() -> None:
    decode = decoder_for(compile_features({"tags": "profile.tags"}).lineage, (".profile",), max_bytes=200_000)
    with pytest.raises(DocumentTooLargeError):
        decode(b" " * 200_001)
    with pytest.raises(DocumentTooLargeError):
        decode(b'{"tags": ' + b"[" * 10_000 + b"]" * 10_000 + b"}")
