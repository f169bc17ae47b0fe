"""Whatever comes in at an entrance, the answer is a receipt or a sentence with a code, never a traceback."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.cli.main import COMMANDS
from functions.cli.parsing import Parser
from tests.hardening.fuzzing import (
    CORPUS,
    SAMPLES,
    Desk,
    OpenDesk,
    check,
    check_receipts,
    corpus,
    cut_up,
    examples,
    mutated,
    values,
)


def invoke(desk: Desk, event: bytes, *more: str | Path, **environment: str) -> Any:
    """Send the bytes of an event to the sample function."""
    file = desk.folder / "fuzzed.json"
    file.write_bytes(event)
    return desk.run("invoke", "churn-retention", "--event", file, "--json", *more, **environment)


@examples(60)
@given(data=st.data())
def test_an_event_with_a_node_changed_becomes_receipts(shared_desk: OpenDesk, data: st.DataObject) -> None:
    document = json.loads(data.draw(st.sampled_from(SAMPLES)))
    for _ in range(data.draw(st.integers(1, 3))):
        document = mutated(data, document)
    check_receipts(invoke(shared_desk(), json.dumps(document).encode("utf-8", "surrogatepass")))


@examples(60)
@given(data=st.data())
def test_an_event_with_bytes_changed_becomes_receipts(shared_desk: OpenDesk, data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(SAMPLES))
    for _ in range(data.draw(st.integers(1, 3))):
        text = cut_up(data, text)
    check_receipts(invoke(shared_desk(), text))


@pytest.mark.parametrize("event", corpus("events"))
def test_the_corpus_of_events_becomes_receipts(shared_desk: OpenDesk, event: bytes) -> None:
    check_receipts(invoke(shared_desk(), event))


# `endpoint` serves until it is interrupted, so it is not among the commands that are tried at random.
# These serve for ever, or ask AWS; their arguments are tried without running them in tests/unit/cli.
LEFT_OUT: Final = {"endpoint", "tail", "metrics", "--watch"}
RUN: Final = tuple(name for name in COMMANDS if name not in LEFT_OUT)


def _vocabulary(parser: Parser) -> Iterator[str]:
    """Yield every option, action and choice below a parser."""
    for action in parser._actions:
        yield from action.option_strings
        yield from map(str, action.choices or ())
        for inner in action.choices.values() if isinstance(action.choices, dict) else ():
            yield from _vocabulary(inner)


def _every_word() -> Iterator[str]:
    for command in RUN:
        parser = Parser(prog=command)
        importlib.import_module(f"functions.cli.{command}").add_arguments(parser)
        yield from _vocabulary(parser)


WORDS: Final = (
    *sorted({*RUN, *_every_word()} - LEFT_OUT),
    *(
        "churn-retention",
        "churn-retenton",
        "customer-0042",
        "do-not-contact",
        "-V",
        "--version",
        "--",
        "-",
        "",
    ),
    *("events/cancellation-page.json", "feature_specs/profiles.jsonl", "feature_specs", "events", "nowhere"),
    *("2026-11-02T09:15:00Z", "1793610900", "now", "0", "-1", "99999999999", "1e999", "marketing=granted"),
    *("marketing=maybe", "=granted", "--limit=0", "--now=", "--event=", "--json=1", "@events", "%s", "{0}"),
)
# What a shell hands over: bytes that are no UTF-8 come as half a surrogate pair, a null byte can't come.
arguments = st.sampled_from(WORDS) | st.text(
    st.characters(exclude_characters="\x00/.", exclude_categories=["Cs"]) | st.just("\udcff"), max_size=8
)


def call(desk: Desk, argv: list[str], stdin: str = "") -> Any:
    """Run a command in the folder of the desk, where it may write."""
    with chdir(desk.folder):
        return desk.run(*argv, stdin=stdin)


@examples(150)
@given(
    command=st.sampled_from(RUN) | arguments,
    rest=st.lists(arguments, max_size=6),
    stdin=st.text(st.characters(exclude_categories=["Cs"]) | st.just("\udcff"), max_size=8),
)
def test_any_words_after_the_command_end_in_an_exit_code(
    shared_desk: OpenDesk, command: str, rest: list[str], stdin: str
) -> None:
    done = call(shared_desk(), [command, *rest], stdin)
    check(done)
    assert done.out or done.err or done.code == 0


@pytest.mark.parametrize(
    "words",
    json.loads((CORPUS / "arguments.json").read_text()),
    ids=lambda words: " ".join(words)[:60] or "none",
)
def test_the_corpus_of_arguments_ends_in_an_exit_code(shared_desk: OpenDesk, words: list[str]) -> None:
    check(call(shared_desk(), words))


PROFILE: Final = {
    "orders": {"count": 3, "revenue": 180.5, "last_at": "2026-07-05T09:15:00Z"},
    "history": [{"at": "2026-07-05T09:15:00Z", "total": 20}],
}
RECORD: Final = {"id": "customer-0042", "profile": PROFILE, "consent": {"marketing": "granted"}}


@examples(30)
@given(data=st.data())
def test_a_profile_of_any_shape_is_read_or_refused(shared_desk: OpenDesk, data: st.DataObject) -> None:
    document = RECORD
    for _ in range(data.draw(st.integers(1, 3))):
        document = mutated(data, document)
    _invoke_with_profile(shared_desk(), json.dumps(document).encode("utf-8", "surrogatepass"))


@examples(30)
@given(document=values)
def test_any_json_as_a_profile_is_read_or_refused(shared_desk: OpenDesk, document: Any) -> None:
    _invoke_with_profile(shared_desk(), json.dumps(document).encode("utf-8", "surrogatepass"))


@examples(20)
@given(data=st.data())
def test_bytes_as_a_profile_are_read_or_refused(shared_desk: OpenDesk, data: st.DataObject) -> None:
    _invoke_with_profile(shared_desk(), cut_up(data, json.dumps(RECORD).encode()))


@pytest.mark.parametrize("profile", corpus("profiles"))
def test_the_corpus_of_profiles_is_read_or_refused(shared_desk: OpenDesk, profile: bytes) -> None:
    _invoke_with_profile(shared_desk(), profile)


def _invoke_with_profile(desk: Desk, profile: bytes) -> None:
    """Import a profile into the file of the desk, and run the function with it over a store in memory."""
    file = desk.folder / "fuzzed-profile.json"
    file.write_bytes(profile)
    done = desk.run("profile", "import", file)
    check(done)
    counted = re.search(r"(\d+) profiles? imported(?:, (\d+) lines? refused)?", done.err)
    assert counted is not None
    assert done.code == int(bool(counted[2]))
    check_receipts(
        desk.run(
            *("invoke", "churn-retention", "--event", desk.event, "--profile", file, "--json"),
            FUNCTIONS_STORE="memory:",
        )
    )
