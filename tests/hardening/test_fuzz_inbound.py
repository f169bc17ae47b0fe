"""Whatever a webhook is sent, the answer is a status with codes, and the store holds nothing that can't be read."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from functions.errors import every_error
from functions.governance.statements import ConsentSource
from functions.handlers.inbound import inbound_handler
from functions.handlers.parking import Parking
from functions.handlers.taking import IngestWorker
from functions.handlers.telemetry import Telemetry
from functions.ingest.writing import Ingest
from functions.profiles.memory import MemoryProfileStore
from functions.testing.handler_stage import StageContext
from functions.testing.sample_function import NOW
from tests.hardening.fuzzing import SAMPLES, SECRET, examples

KEY: Final = "a-key-of-twenty-four-bytes-at-least"
STATUSES: Final = {200, 401, 405, 413, 422}
_NAMES: Final = st.sampled_from(
    (
        "profile_id", "updated_at", "profile", "traits", "consent", "aliases", "type", "messageId", "userId",
        "anonymousId", "timestamp", "visitor", "properties", "visitor_id", "metrics", "tealium_event", "batch",
        "context", "categoryPreferences", "consent_categories", "gpc", "marketing", "previousId", "post_time",
    )
)  # fmt: skip
_LEAVES: Final = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
    st.sampled_from(("2026-11-02T09:00:00Z", "identify", "alias", "granted", "null", "0", SECRET, "\ud800")),
)  # fmt: skip
_JSON: Final = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=6),
    max_leaves=20,
)


def _answer(store: MemoryProfileStore, body: Any, **fields: Any) -> tuple[int, Any]:
    worker = IngestWorker(
        ingest=Ingest(store, {"marketing": ConsentSource(("Ads",), ("email",), gpc=True)}),
        wall=lambda: NOW,
        accounts=(),
        parking=Parking("ingest", None),
        telemetry=Telemetry("fuzz-inbound", namespace="Tests"),
    )
    request = {
        "headers": {"authorization": f"Bearer {KEY}"},
        "requestContext": {"http": {"method": "POST"}},
        "body": body,
        **fields,
    }
    reply: Any = inbound_handler(worker, (KEY,))(request, StageContext())
    assert SECRET not in reply["body"]
    return reply["statusCode"], json.loads(reply["body"])


def _check(store: MemoryProfileStore, told: tuple[int, Any]) -> None:
    status, document = told
    assert status in STATUSES
    codes = {one["code"] for one in document.get("records", ()) if "code" in one}
    assert codes <= {error.code for error in every_error()}
    for profile_id in store._kept:
        text = store.load(profile_id).profile_json
        assert text is None or isinstance(json.loads(text), dict)


@examples(150)
@given(body=_JSON)
def test_any_document_gets_an_answer(body: Any) -> None:
    store = MemoryProfileStore()
    _check(store, _answer(store, json.dumps(body)))


_CUT: Final = st.builds(lambda text, at: text[:at], st.sampled_from(SAMPLES), st.integers(0, 2_000))


@examples(100)
@given(data=st.binary(max_size=200) | _CUT)
def test_any_bytes_get_an_answer(data: bytes) -> None:
    store = MemoryProfileStore()
    _check(store, _answer(store, base64.b64encode(data).decode(), isBase64Encoded=True))


@examples(50)
@given(body=_JSON, headers=_JSON, context=_JSON, encoded=st.booleans())
def test_any_request_gets_an_answer(body: Any, headers: Any, context: Any, encoded: bool) -> None:
    store = MemoryProfileStore()
    told = _answer(store, body, headers=headers, requestContext=context, isBase64Encoded=encoded)
    assert told[0] in STATUSES
