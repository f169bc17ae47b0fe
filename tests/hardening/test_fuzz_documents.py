"""Whatever stands in specs, settings and addresses, the answer is a problem with a code, never a traceback."""

from __future__ import annotations

import json
from contextlib import chdir
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hardening.fuzzing import (
    ROOT,
    Desk,
    OpenDesk,
    check,
    corpus,
    cut_up,
    examples,
)

SPEC_TEXT: Final = (ROOT / "feature_specs" / "churn-retention.yaml").read_text()

TOKENS: Final = (
    *("version: 1\n", "name: ", "features:\n", "  x: ", "- ", "- - ", "? ", ": ", "{", "}", "[", "]", ", "),
    *(
        "&a ",
        "*a",
        "<<: *a\n",
        "!!python/object:os.system ",
        "!!binary ",
        "| \n",
        ">-\n",
        "\n",
        "  ",
        "\t",
        "#",
    ),
    *(
        "'",
        '"',
        "\\x00",
        "---\n",
        "...\n",
        "%YAML 1.1\n",
        "0o7",
        "0x_",
        "1_000",
        "1:20",
        ".nan",
        "-.inf",
        "~",
    ),
    *("yes", "2026-11-02", "9" * 400, "1e999", "\x85", "\u2028", "\ufeff", "\x00", "\ud800", "é", "null"),
)


@examples(60)
@given(data=st.data())
def test_a_spec_with_bytes_changed_is_valid_or_has_problems(
    shared_desk: OpenDesk, data: st.DataObject
) -> None:
    text = SPEC_TEXT.encode()
    for _ in range(data.draw(st.integers(1, 3))):
        text = cut_up(data, text)
    _validate(shared_desk(), text)


@examples(60)
@given(tokens=st.lists(st.sampled_from(TOKENS), max_size=12), at=st.none() | st.integers(0, len(SPEC_TEXT)))
def test_any_tokens_of_yaml_are_valid_or_have_problems(
    shared_desk: OpenDesk, tokens: list[str], at: int | None
) -> None:
    text = "".join(tokens)
    whole = text if at is None else SPEC_TEXT[:at] + text + SPEC_TEXT[at:]
    _validate(shared_desk(), whole.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("spec", corpus("specs"))
def test_the_corpus_of_specs_is_valid_or_has_problems(shared_desk: OpenDesk, spec: bytes) -> None:
    _validate(shared_desk(), spec)


def _validate(desk: Desk, text: bytes) -> None:
    folder = desk.folder / "fuzzed_specs"
    folder.mkdir(exist_ok=True)
    for name in ("contract.yaml", "actions.yaml"):
        (folder / name).write_bytes((desk.specs / name).read_bytes())
    (folder / "churn-retention.yaml").write_bytes(text)
    done = desk.run("validate", folder, "--json")
    check(done)
    verdict = json.loads(done.out)
    assert done.code == int(verdict["errors"] > 0)
    assert len(verdict["functions"]) == int(not verdict["errors"])
    shown = desk.run("validate", folder)
    check(shown)
    assert shown.code == done.code
    assert all(f"[{problem['code']}]" in shown.out for problem in verdict["problems"])
    for command in ("explain", "test"):
        asked = desk.run(command, "churn-retention", FUNCTIONS_SPECS=str(folder))
        check(asked)
        assert asked.code in (0, 1, 2)


VARIABLES: Final = ("LEASE", "EVENT_SKEW", "SPECS", "MODELS", "ENDPOINT")


@examples(60)
@given(
    environment=st.dictionaries(
        st.sampled_from([f"FUNCTIONS_{name}" for name in VARIABLES]),
        st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=6)
        | st.sampled_from(
            ("1s", "-1s", "0s", "999999999w", "nan s", "aws", "embedded", ".", "nowhere", "\udcff")
        ),
        max_size=3,
    )
)
def test_settings_of_any_text_are_taken_or_refused(
    shared_desk: OpenDesk, environment: dict[str, str]
) -> None:
    desk = shared_desk()
    for words in (["settings"], ["settings", "--json"], ["validate"]):
        with chdir(desk.folder):
            check(desk.run(*words, **environment))


@examples(60)
@given(
    address=st.lists(
        st.sampled_from(
            (
                *(
                    "sqlite:",
                    "memory:",
                    "dynamodb:",
                    "///",
                    "//",
                    "?",
                    "&",
                    "=",
                    "busy_timeout_s=",
                    "1",
                    "nan",
                ),
                *(
                    "inf",
                    "-1",
                    "1e999",
                    "a.db",
                    ".",
                    "%00",
                    "%ff",
                    "é",
                    " ",
                    "\udcff",
                    "functions.errors:Nothing",
                ),
            )
        ),
        max_size=6,
    )
)
def test_an_address_of_a_store_is_opened_or_refused(shared_desk: OpenDesk, address: list[str]) -> None:
    desk = shared_desk()
    store = "".join(address)
    if store.startswith("dynamodb:"):
        return
    with chdir(desk.folder):
        check(desk.run("profile", "get", "customer-0042", FUNCTIONS_STORE=store))
