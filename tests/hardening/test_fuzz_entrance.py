"""Whatever comes in at an entrance, the answer is a receipt or a sentence with a code, never a traceback.

FUZZ_FACTOR=50 multiplies the number of examples. What once broke something stands in `corpus/`.
"""

from __future__ import annotations

import copy
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import chdir
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.decision.reasons import CONSENT_SENTENCES, REASONS
from functions.endpoint.faults import Fault, Faults
from functions.endpoint.server import EndpointServer
from functions.errors import ModelError, every_error
from functions.models.model import ModelConnection, ModelReply
from functions.models.opening import open_model
from functions.models.replies import read_reply
from functions.runtime.engine import Runtime
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import NOW, a_plan, an_event, put_customer

ROOT: Final = Path(__file__).parents[2]
CORPUS: Final = Path(__file__).parent / "corpus"
FACTOR: Final = int(os.environ.get("FUZZ_FACTOR", "1"))
EXIT_CODES: Final = {0, 1, 2, 3, 130}
OUTCOMES: Final = {"acted", "no_action", "suppressed", "duplicate", "rejected", "failed"}
SECRET: Final = "s3cr3t-4711"
SAMPLES: Final = tuple(path.read_bytes() for path in sorted((ROOT / "events").glob("*.json")))
SPEC_TEXT: Final = (ROOT / "feature_specs" / "churn-retention.yaml").read_text()


class Desk(Protocol):
    """See conftest.py."""

    folder: Path

    @property
    def specs(self) -> Path: ...

    @property
    def event(self) -> Path: ...

    def run(self, *arguments: str | Path, stdin: str = "", **environment: str) -> Any: ...


OpenDesk = Callable[[], Desk]


def examples(number: int) -> settings:
    """Return the settings of a fuzz: a fixed number of examples, however long each takes."""
    return settings(
        max_examples=number * FACTOR,
        deadline=None,
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.large_base_example,
        ],
    )


def known_codes() -> set[str]:
    """Return every code that a receipt may name."""
    consents = {f"consent.{verdict}" for verdict in CONSENT_SENTENCES}
    return {error.code for error in every_error()} | set(REASONS) | consents


def check(done: Any) -> None:
    """Check what every command promises whatever it is given."""
    assert done.code in EXIT_CODES
    assert "Traceback" not in done.out + done.err
    assert SECRET not in done.err


def check_receipts(done: Any) -> None:
    """Check the output of `invoke --json`: one receipt for each event, or a sentence why there is none."""
    check(done)
    if not done.out:
        assert done.code in (1, 2, 3)
        assert "error[" in done.err or "usage:" in done.err
        return
    try:
        receipts = [json.loads(done.out)]
    except ValueError:
        receipts = [json.loads(line) for line in done.out.splitlines()]
    for receipt in receipts:
        assert receipt["outcome"] in OUTCOMES
        assert receipt["reason"]["code"] in known_codes()
        assert receipt["reason"]["text"].endswith((".", "?"))
    failed = any(receipt["outcome"] in ("rejected", "failed") for receipt in receipts)
    assert done.code == int(failed)


# What breaks programs that read JSON. Every text of more than three signs is one of a known few.
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=3),
    st.sampled_from(
        (
            *(10**400, -(10**18), 2**63, 1e308, -1e-320, 0.1),
            *("", " ", "\ud800", "\x00", "\ufeff", "é" * 300, "9" * 5_000, "a" * 70_000, SECRET),
            *("2026-11-02T09:15:00Z", "0000-00-00", "9999-12-31T23:59:59.999999-23:59", "NaN", "Infinity"),
            *("customer-0042", "page_view", "aws:sqs", "{}", "[]", "null", "eyJh", "H4sIAAAA", "granted"),
        )
    ),
)
keys = st.text(max_size=3) | st.sampled_from(
    (
        *("id", "name", "time", "user_id", "event", "Records", "body", "Sns", "Message", "detail", "data"),
        *("profile", "consent", "orders", "count", "revenue", "last_at", "scores", "contacts", "version"),
        *("marketing", "status", "at", "expires_at", "purpose", "__proto__", "__class__", ""),
    )
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=8,
)


def paths(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every node below the root."""
    if path:
        yield path
    if isinstance(document, dict | list):
        pairs = document.items() if isinstance(document, dict) else enumerate(document)
        for key, child in pairs:
            yield from paths(child, (*path, key))


def unpacked(text: str) -> Any:
    """Return the document inside a text, as queues carry it; None where there is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict | list) else None


def mutated(data: st.DataObject, document: Any) -> Any:
    """Return a document with one node changed, in a document inside one of its texts perhaps."""
    found = list(paths(document))
    if not found:
        return data.draw(values)
    path = data.draw(st.sampled_from(found))
    changed = parent = copy.deepcopy(document)
    for step in path[:-1]:
        parent = parent[step]
    inner = unpacked(parent[path[-1]]) if isinstance(parent[path[-1]], str) else None
    how = data.draw(st.sampled_from(("replace", "delete", "rename", "wrap")))
    if inner is not None and data.draw(st.booleans()):
        parent[path[-1]] = json.dumps(mutated(data, inner))
    elif how == "delete":
        del parent[path[-1]]
    elif how == "rename" and isinstance(parent, dict):
        parent[data.draw(keys)] = parent.pop(path[-1])
    elif how == "wrap":
        parent[path[-1]] = data.draw(st.sampled_from((lambda one: [one], lambda one: {"a": one}, str)))(
            parent[path[-1]]
        )
    else:
        parent[path[-1]] = data.draw(values)
    return changed


def cut_up(data: st.DataObject, text: bytes) -> bytes:
    """Return a text with some bytes removed, replaced, repeated or swapped for those of others."""
    at = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(at, min(len(text), at + 40)))
    instead = data.draw(
        st.binary(max_size=4)
        | st.sampled_from(
            (b"", b'"', b"{", b"]", b",", b"\xff", b"\x00", b"1e999", b"\\ud800", text[at:end] * 3)
        )
    )
    return text[:at] + instead + text[end:]


def invoke(desk: Desk, event: bytes, *more: str | Path, **environment: str) -> Any:
    """Send the bytes of an event to the sample function."""
    file = desk.folder / "fuzzed.json"
    file.write_bytes(event)
    return desk.run("invoke", "churn-retention", "--event", file, "--json", *more, **environment)


def corpus(folder: str) -> list[Any]:
    """Return the files of a folder of the corpus, as parameters named after them."""
    return [pytest.param(path.read_bytes(), id=path.name) for path in sorted((CORPUS / folder).iterdir())]


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
WORDS: Final = (
    *(
        "invoke",
        "validate",
        "explain",
        "test",
        "build",
        "profile",
        "decisions",
        "outbox",
        "schema",
        "settings",
    ),
    *(
        "get",
        "put",
        "import",
        "delete",
        "churn-retention",
        "churn-retenton",
        "customer-0042",
        "spec",
        "actions",
    ),
    *("--event", "--profile", "--now", "--new-id", "--json", "--limit", "--code", "--redrive", "--consent"),
    *("--at", "--file", "--help", "-h", "-V", "--version", "--check", "--output", "--write", "--", "-", ""),
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
    command=st.sampled_from(WORDS[:10]) | arguments,
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


TYPES: Final = (
    "application/json",
    "text/csv",
    "application/jsonlines",
    "application/x-ndjson",
    "text/html",
    "",
)
PLAN: Final = a_plan()
REPLIES: Final = (
    b'{"predictions": [{"score": 0.83}]}',
    b"0.83,0.1\n0.2,0.3",
    b'"0.83"',
    b"[0.83]",
    b"[[0.83]]",
)
replies = st.binary(max_size=30) | values.map(
    lambda value: json.dumps(value).encode("utf-8", "surrogatepass")
)


@examples(300)
@given(body=replies | st.sampled_from(REPLIES), content_type=st.sampled_from(TYPES) | st.text(max_size=5))
def test_any_reply_of_a_model_is_believed_or_refused(body: bytes, content_type: str) -> None:
    _read(body, content_type)


@examples(60)
@given(data=st.data())
def test_a_reply_with_bytes_changed_is_believed_or_refused(data: st.DataObject) -> None:
    _read(cut_up(data, data.draw(st.sampled_from(REPLIES))), data.draw(st.sampled_from(TYPES[:4])))


@pytest.mark.parametrize("content_type", TYPES[:4])
@pytest.mark.parametrize("body", corpus("replies"))
def test_the_corpus_of_replies_is_believed_or_refused(body: bytes, content_type: str) -> None:
    _read(body, content_type)


def _read(body: bytes, content_type: str) -> None:
    assert PLAN.model is not None
    error: ModelError | None = None
    try:
        score = read_reply(ModelReply(body, content_type), PLAN.model)["churn_risk"]
    except ModelError as caught:
        error = caught
    if error is not None:
        assert SECRET not in f"{error} {error.hint} {error.__cause__!r}"
        return
    assert type(score) in (int, float)
    assert 0 <= score <= 1


@pytest.fixture(scope="module")
def scripted() -> Iterator[tuple[Faults, Runtime]]:
    """A runtime whose SageMaker endpoint answers as it is told, over real HTTP and with the SDK."""
    faults = Faults()
    with EndpointServer(ROOT / "models", faults=faults) as server:
        plan = a_plan().model
        assert plan is not None
        model = open_model(plan, ModelConnection(lambda name: name, "us-east-1", server.url, unsigned=True))
        world = Rehearsal(now=NOW)
        put_customer(world.store)
        yield faults, Runtime(replace(world.ports, model=lambda _: model))


content_types = st.sampled_from(TYPES[:5]) | st.text(
    st.characters(min_codepoint=32, max_codepoint=126), max_size=8
)


@examples(40)
@given(
    body=replies, content_type=content_types, truncate_to=st.none() | st.integers(0, 3), number=st.integers()
)
def test_whatever_the_endpoint_answers_a_rung_of_the_ladder_decides(
    scripted: tuple[Faults, Runtime], body: bytes, content_type: str, truncate_to: int | None, number: int
) -> None:
    faults, runtime = scripted
    fault = Fault(body=body, content_type=content_type, truncate_to=truncate_to)
    # A broken connection is tried again, and fails again.
    faults.push(fault, fault)
    receipt = runtime.handle(a_plan(), an_event(f"event-{number}"), now=NOW)
    while faults.take() != Fault():
        """Take back what was not needed."""
    assert receipt.outcome in ("acted", "no_action", "duplicate")
    if receipt.outcome != "duplicate":
        assert receipt.model is not None
        assert receipt.model.rung in ("model", "cache", "fallback")
        assert (receipt.model.rung == "model") == (receipt.model.error is None)


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
