"""Large and deep input: what is done for it is bounded, which is counted and not timed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from functions.documents import MAX_DEPTH, parse_json
from functions.errors import StoreRejectedError
from functions.events.decoding import MAX_ENVELOPE_BYTES, MAX_EVENT_BYTES
from functions.events.reading import read_events
from functions.expressions import compile_features
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.sqlite import SqliteProfileStore
from functions.profiles.store import MAX_PROFILE_BYTES
from functions.runtime.receipt import Receipt
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import CUSTOMER, NOW, a_plan, a_profile, an_event, put_customer

EVENT = {"id": "e-1", "name": "page_view", "time": "2026-11-02T09:15:00Z", "user_id": CUSTOMER}


def calls_of(work: Callable[[], object]) -> int:
    """Return how many calls of Python and C functions a piece of work makes."""
    calls = 0

    def count(_: FrameType, what: str, __: Any) -> None:
        nonlocal calls
        calls += what in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return calls


def decided(profile: dict[str, Any], **sections: Any) -> Receipt:
    """Run the sample function on a profile."""
    world = Rehearsal(now=NOW, model=MemoryModel([ModelReply(b"0.83", "text/csv")]))
    put_customer(world.store, profile)
    return world.runtime.handle(a_plan(**sections), an_event(), now=NOW)


def test_an_event_over_its_limit_is_refused_before_it_is_parsed() -> None:
    text = json.dumps({**EVENT, "properties": {"x": ["y"] * 2_000_000}}).encode()
    assert len(text) > MAX_ENVELOPE_BYTES / 2
    text = text.ljust(MAX_ENVELOPE_BYTES + 1)

    def read() -> None:
        (only,) = read_events(text, received_at=NOW)
        assert only.error is not None
        assert only.error.code == "event.too_large"

    assert calls_of(read) < 200


def test_an_envelope_of_ten_megabytes_costs_no_more_than_its_nodes() -> None:
    nodes = 1_500_000
    text = json.dumps({**EVENT, "properties": {"x": [0] * nodes}}).encode().ljust(MAX_ENVELOPE_BYTES)

    def read() -> None:
        (only,) = read_events(text, received_at=NOW)
        assert only.error is not None
        assert only.error.code == "event.too_large"

    # Counting stops at the limit of one event, far below what the envelope holds.
    assert calls_of(read) < 8 * MAX_EVENT_BYTES


def test_a_body_that_is_an_envelope_of_envelopes_is_opened_a_few_times_only() -> None:
    inner: Any = EVENT
    for _ in range(12):
        inner = {"Records": [{"eventSource": "aws:sqs", "body": json.dumps(inner)}]}
    (only,) = read_events(json.dumps(inner), received_at=NOW)
    assert only.error is not None
    assert only.error.code == "event.too_large"


def test_a_profile_of_ten_thousand_keys_is_decided_about_and_read_for_what_is_asked(tmp_path: Path) -> None:
    wide = {f"key-{n:05}": "v" * 30 for n in range(10_000)}
    profile = a_profile(**wide)
    assert 400_000 < len(json.dumps(profile)) < 600_000
    receipt = decided(profile)
    assert (receipt.outcome, receipt.features) == ("acted", {"recency_days": 120.0, "orders": 5})
    with closing(SqliteProfileStore(tmp_path / "profiles.db")) as store:
        put_customer(store, profile)
        text = store.load(CUSTOMER).profile_json
    assert text is not None
    assert parse_json(text, max_bytes=MAX_PROFILE_BYTES) == profile


def test_the_work_for_a_profile_grows_no_faster_than_its_keys() -> None:
    plan, work = a_plan(), {}
    for keys in (1_000, 10_000):
        world = Rehearsal(now=NOW, model=MemoryModel([ModelReply(b"0.83", "text/csv")]))
        put_customer(world.store, a_profile(**{f"key-{n:05}": {"n": n} for n in range(keys)}))
        work[keys] = calls_of(lambda world=world: world.runtime.handle(plan, an_event(), now=NOW))  # type: ignore[misc]
    assert work[10_000] < 11 * work[1_000]


def nested(levels: int) -> Any:
    """Return a profile of that many levels, itself the first."""
    deep: Any = 1
    for _ in range(levels - 1):
        deep = {"d": deep}
    return a_profile(deep=deep)


def test_nesting_is_read_to_its_limit_and_refused_beyond() -> None:
    assert decided(nested(MAX_DEPTH)).reason.code == "action.chosen"
    with pytest.raises(StoreRejectedError, match="levels deep"):
        decided(nested(MAX_DEPTH + 1))


WINDOWS = {
    "count": "count_within(profile.items, 'at', '30d')",
    "sum": "sum_within(profile.items, 'at', 'n', '30d')",
    "avg": "avg_within(profile.items, 'at', 'n', '30d')",
    "max": "max_within(profile.items, 'at', 'n', '30d')",
    "more": "count_within(profile.items, 'at', '7d')",
}


def test_windows_over_ten_thousand_items_read_each_time_once() -> None:
    features = compile_features(WINDOWS)
    items: list[Any] = [{"at": "2026-11-01T09:00:00Z", "n": n} for n in range(10_000)]
    document = {"now": "2026-11-02T09:15:00Z", "profile": {"items": items}}
    found: list[Any] = []
    work = calls_of(lambda: found.append(features.evaluate(document)))
    total = sum(range(10_000))
    assert found == [{"count": 10_000, "sum": total, "avg": total / 10_000, "max": 9_999, "more": 10_000}]
    # Five windows share one reading of the times: some twenty calls for each item, all in all.
    assert work < 40 * len(items)


def test_windows_over_ten_thousand_hostile_items_are_values() -> None:
    hostile: list[Any] = [None, 1, "x", [], {}, {"at": 10**400}, {"at": "9" * 1_000}, {"at": True, "n": 1}]
    hostile += [
        {"at": "2026-11-01", "n": number} for number in (10**400, -(10**400), 1e308, 1e308, "1", None)
    ]
    document = {"now": "2026-11-02T09:15:00Z", "profile": {"items": hostile * 800}}
    found = compile_features(WINDOWS).evaluate(document)
    assert found["count"] == found["more"] == 6 * 800
    assert found["sum"] is found["max"] is None
    assert found["avg"] == 5e307  # what is added up need not fit a float for its mean to do so


@pytest.mark.parametrize(
    ("numbers", "mean"),
    [([10**400, 1.5], None), ([10**308] * 2 + [1.5], 6.666666666666666e307), ([1e308] * 2, 1e308)],
    ids=["one", "two", "floats"],
)
def test_a_sum_that_no_float_holds_is_null_and_a_mean_that_one_holds_is_not(
    numbers: list[Any], mean: float | None
) -> None:
    items = [{"at": "2026-11-01", "n": number} for number in numbers]
    document = {"now": "2026-11-02T09:15:00Z", "profile": {"items": items}}
    found = compile_features(WINDOWS).evaluate(document)
    assert (found["count"], found["sum"], found["avg"]) == (len(numbers), None, mean)


@pytest.mark.parametrize("number", [10**400, -(10**400), 10**4_299], ids=["large", "negative", "longest"])
def test_a_huge_whole_number_ends_in_a_reason(number: int) -> None:
    receipt = decided(a_profile(orders=number))
    assert (receipt.outcome, receipt.reason.code) == ("failed", "feature.not_finite")
