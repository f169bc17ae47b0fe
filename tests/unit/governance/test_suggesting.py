"""Labels proposed from samples: a reason for each line, and never a value."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from functions.documents import Json
from functions.governance.contract import DataContract
from functions.governance.identifiers import NATIONAL_IDS
from functions.governance.suggesting import Suggestion, Survey, suggestion_lines

ROOT = Path(__file__).parents[3]
SAMPLES = ROOT / "feature_specs" / "profiles.jsonl"
PROFILES = [json.loads(line)["profile"] for line in SAMPLES.read_text(encoding="utf-8").splitlines()]


def surveyed(*profiles: Json) -> Survey:
    survey = Survey()
    for profile in profiles:
        survey.look(profile)
    return survey


def suggested(*profiles: Json) -> dict[str, Suggestion]:
    found = surveyed(*profiles).suggestions()
    return {".".join(step.removeprefix(".") for step in one.path): one for one in found}


@pytest.mark.parametrize(
    ("profile", "label", "reason"),
    [
        (
            {"contact_point": "zoe@mail.example.com"},
            "direct-identifier",
            "1 of 1 values look like an e-mail address",
        ),
        ({"x": "+49 30 23125 429"}, "direct-identifier", "1 of 1 values look like a phone number"),
        (
            {"x": 4111111111111111},
            "direct-identifier",
            "1 of 1 values look like a card number with a right check digit",
        ),
        (
            {"x": "DE89370400440532013000"},
            "direct-identifier",
            "1 of 1 values look like an IBAN with right check digits",
        ),
        ({"x": "123-45-6789"}, "direct-identifier", "1 of 1 values look like a US social security number"),
        ({"x": ["a", "b", "write to a@b.example"]}, "sensitive", "1 of 3 values look like an e-mail address"),
        ({"firstName": "Zoe"}, "direct-identifier", "the name 'firstName'"),
        ({"birthday": None}, "sensitive", "the name 'birthday'"),
        ({"orders": {"total": 3.5}}, "transactional", "it stands under 'orders'"),
        ({"web": {"seconds": 3}}, "behavioral", "it stands under 'web'"),
        ({"device_id": "x"}, "pseudonymous", "the name 'device_id'"),
        ({"flux": 1}, None, "nothing tells what it is"),
    ],
)
def test_a_field_is_told_by_its_values_its_name_and_what_it_stands_under(
    profile: dict[str, Json], label: str | None, reason: str
) -> None:
    (one,) = suggested(profile).values()
    assert (one.label, one.reason) == (label, reason)


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        ("a US social security number", "123-45-6789", "000-45-6789"),
        ("a UK national insurance number", "AB 12 34 56 C", "BG123456C"),
        ("a Spanish DNI or NIE", "12345678Z", "12345678A"),
        ("a French social security number", "284058819002582", "284058819002583"),
        ("a German tax id", "86095742719", "86095742718"),
    ],
)
def test_national_identifiers_are_told_by_their_check_digits(kind: str, right: str, wrong: str) -> None:
    holds = dict(NATIONAL_IDS)[kind]
    assert (holds(right), holds(wrong), holds(f"x{right}"), holds("")) == (True, False, False, False)


def test_a_whole_of_one_label_is_one_line_and_a_mixed_one_is_not() -> None:
    found = suggested({"orders": {"count": 1, "lines": [{"price": 2, "sku": "a"}], "order_id": "x"}})
    assert {path: one.label for path, one in found.items()} == {
        "orders.count": "transactional",
        "orders.lines": "transactional",
        "orders.order_id": "pseudonymous",
    }


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for child in value.values():
            yield from _texts(child)
    elif isinstance(value, list):
        for child in value:
            yield from _texts(child)
    elif value is not None:
        yield str(value)


def test_no_value_of_the_samples_is_shown_and_every_line_has_a_reason() -> None:
    lines = list(suggestion_lines(surveyed(*PROFILES)))
    assert all(" # " in line for line in lines[2:])
    shown = "\n".join(lines)
    values = {text for profile in PROFILES for text in _texts(profile) if len(text) >= 8}
    assert len(values) > 3_000
    # Words that are names of fields, too.
    assert {text for text in values if text in shown} <= {"category", "customer"}


def test_the_lines_are_a_contract_once_somebody_has_written_the_purposes() -> None:
    document = yaml.safe_load("\n".join(suggestion_lines(surveyed(*PROFILES))))
    document["purposes"] = {"retention": {"consent": "marketing"}}
    contract = DataContract.model_validate(document)
    assert contract.profile["identity.email"].label == "direct-identifier"
    assert list(contract.labels().conflicts()) == []


@pytest.mark.parametrize(
    "key", ["zoe@mail.example.com", "2026-01", "10c6201edf7da63b", "customer-0042", "4", "x" * 61]
)
def test_keys_that_are_data_are_not_shown(key: str) -> None:
    assert list(suggested({"by": {key: 1, "plain": 2}})) == ["by.*", "by.plain"]


def test_what_is_kept_is_bounded_whatever_the_profiles_hold() -> None:
    survey = Survey()
    letters = "abcdefghijklmnopqrstuvwxyz"
    for first in letters:
        survey.look({first + second: dict.fromkeys(letters, 1) for second in letters})
    assert survey.profiles == 26
    assert len(list(survey.suggestions())) <= 61 * 26
    wide = surveyed({f"{one}{two}": 1 for one in letters for two in letters})
    found = {one.path: one.label for one in wide.suggestions()}
    assert (len(found), found[("*",)]) == (61, None)
