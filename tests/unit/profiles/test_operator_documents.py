"""Shared documents: what is damaged is not read, and a write whose answer was lost is known again."""

import zlib
from collections.abc import Mapping
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from functions.errors import StoreRejectedError
from functions.profiles.dynamodb_calls import Surroundings
from functions.profiles.dynamodb_keys import OPERATOR
from functions.profiles.dynamodb_operator import DynamoOperatorStore
from functions.profiles.operator_documents import MAX_DOCUMENT_BYTES, pack_document, unpack_document

BODY: Final = {"hash": "0123456789abcdef"}


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"no zlib",
        pack_document(BODY)[:-3],
        zlib.compress(b"{"),
        zlib.compress(b"[]"),
        zlib.compress(b'{"a": 1, "a": 2}'),
        zlib.compress(b'{"a": NaN}'),
        zlib.compress(b'{"a": "' + b"x" * MAX_DOCUMENT_BYTES + b'"}'),
    ],
    ids=["empty", "not-compressed", "cut", "half", "list", "key-twice", "nan", "too-large"],
)
def test_a_damaged_document_is_named_and_not_read(packed: bytes) -> None:
    with pytest.raises(StoreRejectedError, match=r"damaged: switches$"):
        unpack_document("switches", 1, packed)


def test_a_document_without_a_version_is_damaged() -> None:
    with pytest.raises(StoreRejectedError, match="damaged"):
        unpack_document("switches", 0, pack_document(BODY))


class _LostAnswer:
    """A client of DynamoDB whose first write gets no answer, and whose second is refused by a condition."""

    def __init__(self, stored: Mapping[str, Any]) -> None:
        self.sent: list[dict[str, Any]] = []
        self._stored = stored

    def put_item(self, **request: Any) -> None:
        """Refuse in turn."""
        self.sent.append(request)
        if len(self.sent) == 1:
            raise ReadTimeoutError(endpoint_url="http://nowhere")
        answer: Any = {"Error": {"Code": "ConditionalCheckFailedException"}, "Item": self._stored}
        raise ClientError(answer, "PutItem")


def _put(stored: Mapping[str, Any]) -> bool:
    around = Surroundings(10.0, monotonic=lambda: 0.0, sleep=lambda _: None, jitter=lambda: 0.0)
    client = _LostAnswer(stored)
    written = DynamoOperatorStore("profiles", client=client, around=around).put_document(
        "policy/current", BODY, replaces=6
    )
    assert [request["Item"]["pk"] for request in client.sent] == [{"S": OPERATOR}] * 2
    return written


@pytest.mark.parametrize(
    ("version", "body", "written"),
    [("7", BODY, True), ("7", {"hash": "another"}, False), ("8", BODY, False)],
    ids=["ours", "of-another-writer", "replaced-since"],
)
def test_a_write_whose_answer_was_lost_is_known_again(
    version: str, body: Mapping[str, str], written: bool
) -> None:
    assert _put({"version": {"N": version}, "document": {"B": pack_document(body)}}) is written


@pytest.mark.parametrize("item", [{}, {"version": {"N": "7"}}, {"document": {"B": b""}}])
def test_a_refusal_that_shows_no_document_of_ours_is_a_refusal(item: Mapping[str, Any]) -> None:
    assert not _put(item)
