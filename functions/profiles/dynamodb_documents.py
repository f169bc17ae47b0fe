"""Items of shared documents: where they stand, and how a commit checks that one did not change."""

from __future__ import annotations

from typing import Any, Final

from functions.profiles.dynamodb_expressions import Expression
from functions.profiles.dynamodb_items import Item, key, number
from functions.profiles.operator_documents import MARK
from functions.profiles.premises import DocumentCondition

OPERATOR_PARTITION: Final = "OPERATOR#DOCUMENTS"
"""Partition key of every shared document but the suppression marks.

A profile of that id could be read, and no decision about it could be written.
"""

SUPPRESSION_PARTITION: Final = "SUPPRESSION#"
"""What the partition key of a suppression mark begins with.

Each has a partition of its own, since every decision that a list concerns reads one and checks it again.
"""

VERSION: Final = "version"
"""Attribute of a shared document that counts its writes."""

DOCUMENT: Final = "DOCUMENT#"
"""What the sort key of a shared document begins with; its name follows."""


def document_key(name: str) -> Item:
    """Return the key of a shared document."""
    if name.startswith(MARK):
        return key(SUPPRESSION_PARTITION + name.removeprefix(MARK), DOCUMENT + name)
    return key(OPERATOR_PARTITION, DOCUMENT + name)


def document_version(item: Item) -> int:
    """Return the version of a shared document, 0 for none."""
    return int(item[VERSION]["N"]) if VERSION in item else 0


def document_check(table: str, read: DocumentCondition) -> dict[str, Any]:
    """Return the check, in the transaction of a decision, that a shared document is as it was read."""
    expression = Expression()
    if read.version:
        expression.when(f"{expression.name(VERSION)}={expression.value(number(read.version))}")
    else:
        expression.when("attribute_not_exists(pk)")
    return expression.request(table, document_key(read.name))
