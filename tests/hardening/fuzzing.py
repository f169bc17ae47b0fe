"""What fuzzes have in common: how documents are spoilt, and what every command promises all the same.

FUZZ_FACTOR=50 multiplies the number of examples. What once broke something stands in `corpus/`.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Protocol

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from functions.decision.reasons import CONSENT_SENTENCES, REASONS
from functions.errors import every_error

ROOT: Final = Path(__file__).parents[2]
CORPUS: Final = Path(__file__).parent / "corpus"
FACTOR: Final = int(os.environ.get("FUZZ_FACTOR", "1"))
EXIT_CODES: Final = {0, 1, 2, 3, 130}
OUTCOMES: Final = {"acted", "no_action", "suppressed", "duplicate", "rejected", "failed"}
SECRET: Final = "s3cr3t-4711"
SAMPLES: Final = tuple(path.read_bytes() for path in sorted((ROOT / "events").glob("*.json")))


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


def corpus(folder: str) -> list[Any]:
    """Return the files of a folder of the corpus, as parameters named after them."""
    return [pytest.param(path.read_bytes(), id=path.name) for path in sorted((CORPUS / folder).iterdir())]
