"""Shared documents in the table of the profiles: items of partitions that no profile has.

Functions read them and may not write them: the rights of `infra` refuse writes by these partition keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from functions.documents import Json
from functions.errors import StoreRejectedError
from functions.profiles.dynamodb_calls import Answer, DynamoCalls, Surroundings, make_client
from functions.profiles.dynamodb_documents import VERSION, document_key
from functions.profiles.dynamodb_expressions import Expression
from functions.profiles.dynamodb_items import Item, number
from functions.profiles.dynamodb_keys import DOCUMENT, OPERATOR
from functions.profiles.operator_documents import (
    MAX_READ,
    OperatorDocument,
    check_name,
    pack_document,
    unpack_document,
)

BUDGET_MS: Final = 2_000
"""As for profiles, so that both stores of a process share one client and its connections."""

_BODY: Final = "document"


class DynamoOperatorStore:
    """Documents in a table that `functions.profiles.dynamodb_table` describes.

    Safe to share between threads, processes and machines. One partition gives some 3,000 consistent reads
    of small items a second, so that 15,000 processes can look at two of them every 10 seconds. Suppression
    marks, which every decision may read, have a partition each.

    Args:
        table: Its name.
        client: A low-level client of the AWS SDK that does not retry, in the place of the store's own.
        region: Of the table; None for that of the environment.
        endpoint_url: Where DynamoDB is; None for that of the region or the environment.
        budget_ms: Wall time for all attempts of one call, in milliseconds.
        around: Clock, sleep and jitter, with a budget of their own; tests pass theirs.

    Raises:
        SettingsError: The SDK can't make a client: no region, or a profile that can't be read.
    """

    def __init__(
        self,
        table: str,
        *,
        client: Any = None,
        region: str | None = None,
        endpoint_url: str | None = None,
        budget_ms: int = BUDGET_MS,
        around: Surroundings | None = None,
    ) -> None:
        client = client or make_client(region, endpoint_url, budget_ms)
        self._calls: Final = DynamoCalls(table, client, around or Surroundings(budget_ms / 1_000))

    def read_documents(self, *names: str) -> Mapping[str, OperatorDocument]:
        """Read documents by name, in one BatchGetItem with consistent reads."""
        for name in names:
            check_name(name)
        if len(names) > MAX_READ:
            raise StoreRejectedError(f"{len(names)} documents are too many for one read")
        items = self._calls.read([document_key(name) for name in dict.fromkeys(names)])
        return {document.name: document for document in map(_document, items)}

    def put_document(self, name: str, body: Mapping[str, Json], *, replaces: int) -> bool:
        """Write a document in the place of the version that was read, by one conditional PutItem."""
        check_name(name)
        packed, expression = pack_document(body), Expression()
        if replaces:
            version = expression.name(VERSION)
            expression.when(f"{version}={expression.value(number(replaces))}")
        else:
            expression.when("attribute_not_exists(pk)")
        answer = self._calls.insist(
            "put_item",
            TableName=self._calls.table,
            Item=document_key(name) | {VERSION: number(replaces + 1), _BODY: {"B": packed}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            **expression.parameters(),
        )
        return answer.response is not None or _was_ours(answer, replaces + 1, packed)

    def document_names(self, prefix: str) -> Sequence[str]:
        """List the names that begin with a prefix, in order; suppression marks are found by name alone."""
        expression = Expression()
        partition = f"{expression.name('pk')}={expression.value({'S': OPERATOR})}"
        sort = f"begins_with({expression.name('sk')},{expression.value({'S': DOCUMENT + prefix})})"
        items = self._calls.query(
            ConsistentRead=True,
            KeyConditionExpression=f"{partition} AND {sort}",
            ProjectionExpression=expression.name("sk"),
            **expression.parameters(),
        )
        return [item["sk"]["S"].removeprefix(DOCUMENT) for item in items]

    def close(self) -> None:
        """Do nothing: the client is shared with other stores of the same settings."""


def _document(item: Item) -> OperatorDocument:
    name = item["sk"]["S"].removeprefix(DOCUMENT)
    try:
        return unpack_document(name, int(item[VERSION]["N"]), bytes(item[_BODY]["B"]))
    except (KeyError, ValueError, TypeError):
        raise StoreRejectedError(f"the store holds a shared document that is damaged: {name}") from None


def _was_ours(answer: Answer, version: int, packed: bytes) -> bool:
    """Say whether a refused write had been carried out by an attempt whose answer was lost."""
    item = answer.reasons[0].item if answer.in_doubt and answer.reasons else None
    if not item or VERSION not in item or _BODY not in item:
        return False
    return item[VERSION].get("N") == str(version) and item[_BODY].get("B") == packed
