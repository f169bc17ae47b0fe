"""Items of shared documents: where they stand, and how a commit checks that one did not change."""

from __future__ import annotations

from typing import Any, Final

from functions.profiles.dynamodb_expressions import Expression
from functions.profiles.dynamodb_items import Item, number
from functions.profiles.dynamodb_keys import DOCUMENT, OPERATOR, SUPPRESSION, key_in
from functions.profiles.operator_documents import MARK
from functions.profiles.premises import DocumentCondition

VERSION: Final = "version"
"""Attribute of a shared document that counts its writes."""


def document_key(name: str) -> Item:
    """Return the key of a shared document.

    A suppression mark has a partition of its own: decisions that a list concerns read one and check it again.
    """
    partition = SUPPRESSION + name.removeprefix(MARK) if name.startswith(MARK) else OPERATOR
    return key_in(partition, DOCUMENT + name)


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
