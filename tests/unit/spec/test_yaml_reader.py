"""YAML to data with places: YAML 1.2 types, strict, bounded, every fault at its place."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.spec.problems import Problem
from functions.spec.source import Place
from functions.spec.yaml_reader import (
    MAX_CHARACTERS,
    MAX_DEPTH,
    MAX_FILE_BYTES,
    MAX_NODES,
    MAX_PROBLEMS,
    read_yaml,
)


def only(text: str) -> Problem:
    source = read_yaml(text, "a.yaml")
    assert len(source.problems) == 1
    assert source.problems[0].file == "a.yaml"
    return source.problems[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("Off", "Off"),
        ("21:00", "21:00"),
        ("2026-11-02", "2026-11-02"),
        ("2026-11-02T09:15:00Z", "2026-11-02T09:15:00Z"),
        ("1_000", "1_000"),
        ("0o17", 15),
        ("017", 17),
        ("0x1F", 31),
        ("-12", -12),
        ("+3", 3),
        ("1.", 1.0),
        (".5", 0.5),
        ("-1e3", -1000.0),
        ("12e03", 12000.0),
        ("1e-400", 0.0),
        ("true", True),
        ("FALSE", False),
        ("tRUE", "tRUE"),
        ("null", None),
        ("~", None),
        ("", None),
        ("'no'", "no"),
        ('"1"', "1"),
        ("!!str 1", "1"),
        ("! 1", "1"),
        ("<<", "<<"),
        ('"a\\u00e9\\n"', "aé\n"),
        ("1" * 300, int("1" * 300)),
    ],
)
def test_plain_scalars_have_the_types_of_yaml_1_2(text: str, value: Any) -> None:
    source = read_yaml(f"key: {text}\n", "a.yaml")
    assert source.problems == []
    assert source.data == {"key": value}
    assert type(source.data["key"]) is type(value)


def test_keys_are_texts_whatever_they_look_like() -> None:
    source = read_yaml("null: 1\ntrue: 2\n3: 4\n~: 5\n0x1F: 6\n<<: 7\n", "a.yaml")
    assert source.problems == []
    assert source.data == {"null": 1, "true": 2, "3": 4, "~": 5, "0x1F": 6, "<<": 7}


def test_block_scalars_and_anchors_are_read() -> None:
    source = read_yaml("a: |\n  x\n   y\nb: >-\n  x\n  y\nc: &c [1]\nd: *c\n", "a.yaml")
    assert source.data == {"a": "x\n y\n", "b": "x y", "c": [1], "d": [1]}


def test_every_key_and_value_knows_its_place() -> None:
    source = read_yaml("ü: x\nlist:\n  - {a: 'b c'}\n", "a.yaml")
    assert (source.keys[("ü",)].line, source.keys[("ü",)].column) == (1, 1)
    assert (source.values[("ü",)].line, source.values[("ü",)].column) == (1, 4)
    place = source.values[("list", 0, "a")]
    assert (place.line, place.column, place.length) == (3, 9, 5)


@pytest.mark.parametrize(
    ("text", "line", "column", "code", "hint"),
    [
        ("a: 1\n\tb: 2\n", 2, 1, "yaml.tab", "indent with spaces"),
        ("a:\n\t- 1\n", 2, 1, "yaml.tab", "indent with spaces"),
        ("a: [1\n", 2, 1, "yaml.syntax", ""),
        ("a: b: c\n", 1, 5, "yaml.syntax", ""),
        ("ü: 'x\n", 2, 1, "yaml.syntax", ""),
        ("%YAML 2.0\n---\na: 1\n", 1, 1, "yaml.syntax", ""),
        ("a: 1\nb: 2\na: 3\n", 3, 1, "yaml.duplicate_key", "keep one of them"),
        ("a: {b: 1, 'b': 2}\n", 1, 11, "yaml.duplicate_key", "keep one of them"),
        ("a: &x\n  b: *x\n", 2, 6, "yaml.alias", ""),
        ("a: *nowhere\n", 1, 4, "yaml.alias", ""),
        ("? [a, b]\n: 1\n", 1, 3, "yaml.key", ""),
        ("a: 1\n---\nb: 2\n", 2, 1, "yaml.documents", ""),
        ("a: !python/object:os.system x\n", 1, 4, "yaml.tag", ""),
        ("a: !!int 3\n", 1, 4, "yaml.tag", ""),
        ("a: !set {x, y}\n", 1, 4, "yaml.tag", ""),
        ("a: !seq [x]\n", 1, 4, "yaml.tag", ""),
        ("a: 1e400\n", 1, 4, "yaml.number", ""),
        ("a: .inf\n", 1, 4, "yaml.number", ""),
        ("a: -.INF\n", 1, 4, "yaml.number", ""),
        ("a: .nan\n", 1, 4, "yaml.number", ""),
        ('a: "\\ud800"\n', 1, 7, "yaml.syntax", ""),
        ("a: 1\nb: \x00\n", 2, 4, "yaml.character", "write it as an escape in double quotes"),
        ("a: \ud800\n", 1, 4, "yaml.character", "write it as an escape in double quotes"),
        ("a: \x7f\n", 1, 4, "yaml.character", "write it as an escape in double quotes"),
        ("", 0, 0, "yaml.empty", ""),
        ("# nothing but a comment\n", 0, 0, "yaml.empty", ""),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), 1, MAX_DEPTH + 1, "yaml.too_deep", ""),
        ("[" * 100_000, 1, MAX_DEPTH + 1, "yaml.too_deep", ""),
        ("x" * (MAX_FILE_BYTES + 1), 0, 0, "yaml.too_large", ""),
        ("é" * (MAX_FILE_BYTES // 2 + 1), 0, 0, "yaml.too_large", ""),
    ],
)
def test_fault_of_the_text_is_one_problem_at_its_place(
    text: str, line: int, column: int, code: str, hint: str
) -> None:
    problem = only(text)
    assert (problem.line, problem.column, problem.code, problem.hint) == (line, column, code, hint)


def test_fatal_fault_leaves_no_data() -> None:
    assert read_yaml("a: [1\n", "a.yaml").data is None


def test_the_deepest_allowed_nesting_is_read() -> None:
    source = read_yaml("[" * MAX_DEPTH + "]" * MAX_DEPTH, "a.yaml")
    assert source.problems == []


def test_reading_goes_on_after_a_key_that_is_given_twice_and_keeps_the_first() -> None:
    source = read_yaml("a: 1\na: 2\nb: {c: 1, c: [2]}\n", "a.yaml")
    assert source.data == {"a": 1, "b": {"c": 1}}
    assert [(p.line, p.column, p.message) for p in source.problems] == [
        (2, 1, "the key 'a' is given twice"),
        (3, 11, "the key 'c' is given twice"),
    ]


def test_problems_of_one_text_are_bounded() -> None:
    assert len(read_yaml("a: 1\n" * 5_000, "a.yaml").problems) == MAX_PROBLEMS


def test_bomb_of_aliases_is_refused() -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 10))
    problem = only("l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n" + levels)
    assert problem.code == "yaml.bomb"
    assert f"{MAX_NODES:,}" in problem.message


def test_bomb_of_one_long_text_repeated_is_refused() -> None:
    problem = only(f"a: &a {'x' * 200_000}\nb: [{', '.join(['*a'] * (MAX_CHARACTERS // 200_000))}]\n")
    assert (problem.line, problem.column, problem.code) == (1, 4, "yaml.bomb")


def test_bomb_of_one_long_key_repeated_is_refused() -> None:
    mapping = f"{{? {'k' * 900} : 1}}"
    aliases = ", ".join(["*a"] * (MAX_CHARACTERS // 900))
    assert only(f"a: &a {mapping}\nb: [{aliases}]\n").code == "yaml.bomb"


def test_aliases_can_not_nest_deeper_than_a_text_can() -> None:
    half = MAX_DEPTH // 2 + 5
    text = f"a: &a {'[' * half}{']' * half}\nb: {'[' * half}*a{']' * half}\n"
    assert only(text).code == "yaml.too_deep"


def caret(text: str, key: str, offset: int) -> str:
    """Return what of its line stands from the caret on."""
    source = read_yaml(text, "a.yaml")
    problem = source.problem((key,), "yaml.tab", "m", offset=offset, length=1)
    return source.lines[problem.line - 1][problem.column - 1 :]


@pytest.mark.parametrize(
    "written",
    [
        "a || nope(b)",
        "'a || nope(b)'",
        '"a || nope(b)"',
        "'it''s || nope(b)'",
        '"\\"\\u00e9\\x41\\U0001F600\\t || nope(b)"',
        "|\n  a ||\n\n    nope(b)",
        "|2-\n    a ||\n    nope(b)",
        ">\n  a ||\n  b ||\n\n   nope(b)",
        ">-\n  ü || nope(b)",
        "a ||\n  b\n\n  || nope(b)",
        "'a ||\n  b\n\n\n  || nope(b)'",
        '"a ||\n  b\n  || nope(b)"',
        '"a || \\\n   b\n\n   || nope(b)"',
        '"a || \\\n\n   nope(b)"',
    ],
)
def test_caret_finds_a_character_in_every_style_of_scalar(written: str) -> None:
    text = f"first: 1\nkey: {written}\nlast: 2\n"
    value = read_yaml(text, "a.yaml").data["key"]
    assert caret(text, "key", value.index("nope")).startswith("nope(b)")


def test_caret_behind_the_end_stands_behind_the_last_character() -> None:
    for written in ("a ||", "'a ||'", '"a ||"', "|\n  a ||\n", ">-\n  a ||\n"):
        text = f"key: {written}\n"
        source = read_yaml(text, "a.yaml")
        problem = source.problem(("key",), "yaml.tab", "m", offset=99, length=1)
        assert source.lines[problem.line - 1][: problem.column - 1].endswith("a ||")


@given(st.text(alphabet="ab'\"\\ \n|é:#-", min_size=1, max_size=30))
def test_caret_finds_every_visible_character_of_any_text_in_double_quotes(value: str) -> None:
    text = f"key: {json.dumps(value)}\n"
    source = read_yaml(text, "a.yaml")
    assert source.data == {"key": value}
    for offset, sign in enumerate(value):
        if sign.isalpha() and sign.isascii():
            assert caret(text, "key", offset).startswith(sign)


@given(st.lists(st.text(alphabet="ab.|'\"", min_size=1, max_size=8), min_size=1, max_size=4), st.data())
def test_caret_finds_every_character_of_any_block(words: list[str], data: st.DataObject) -> None:
    style = data.draw(st.sampled_from(["|", ">", "|-", ">-"]))
    lines = [
        f"{' ' * data.draw(st.integers(0, 2))}{word}{data.draw(st.sampled_from(['', chr(10)]))}"
        for word in words
    ]
    text = f"key: {style}2\n".replace("-2", "2-") + "".join(f"  {line}\n" for line in lines)
    source = read_yaml(text, "a.yaml")
    value = source.data["key"]
    offset = data.draw(st.integers(0, len(value) - 1))
    if not value[offset].isspace():
        assert caret(text, "key", offset)[0] == value[offset]


def test_place_of_what_is_not_there_is_that_of_its_nearest_parent() -> None:
    source = read_yaml("a:\n  b: 1\n", "a.yaml")
    problem = source.problem(("a", "c", "d"), "yaml.tab", "m")
    assert (problem.line, problem.column) == (2, 3)
    assert read_yaml("a: 1", "a.yaml").values[("a",)] != Place(1, 1)


def within(data: Any) -> bool:
    if isinstance(data, dict):
        return all(isinstance(key, str) and within(child) for key, child in data.items())
    if isinstance(data, list):
        return all(map(within, data))
    return data is None or isinstance(data, str | bool | int) or math.isfinite(data)


@given(st.text(max_size=400))
def test_any_text_gives_json_data_or_problems_and_never_raises(text: str) -> None:
    source = read_yaml(text, "a.yaml")
    assert source.problems or within(source.data)
    for problem in source.problems:
        problem.render()


@given(st.binary(max_size=400).map(lambda raw: raw.decode("latin-1")))
def test_any_bytes_give_json_data_or_problems_and_never_raise(text: str) -> None:
    source = read_yaml(text, "a.yaml")
    assert source.problems or within(source.data)


@given(st.text(alphabet=st.sampled_from("ab:-[]{}&*!|>'\"#%,? \n\t~0.1"), max_size=120))
def test_any_text_of_yaml_signs_never_raises(text: str) -> None:
    source = read_yaml(text, "a.yaml")
    assert source.problems or within(source.data)


# JSON writes other planes as two escapes, which YAML does not know, and leaves DEL as it is.
plain_texts = st.text(
    st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"], exclude_characters="\x7f"), max_size=12
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | plain_texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain_texts, inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_json_is_yaml(value: Any) -> None:
    source = read_yaml(json.dumps(value), "a.yaml")
    assert source.problems == []
    assert source.data == value
