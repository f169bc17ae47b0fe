"""Decisions for a lasting log: lines of JSON in gzipped objects, by function and day.

The name of an object follows from the first decision in it, and its bytes from its decisions, so that a batch
that is delivered again overwrites what it wrote before.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from functions.documents import Json, canonical_json
from functions.operations.aws import AwsCalls
from functions.profiles.store import DecisionRecord
from functions.times import format_instant

FOLDER: Final = "decisions"
"""First part of every object's name."""

PUT_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Exported:
    """One decision, and where it stood in the stream.

    Attributes:
        position: A text that no other decision has, of letters, digits and dashes.
        record: The decision.
    """

    position: str
    record: DecisionRecord


@dataclass(frozen=True, slots=True)
class LogObject:
    """One object of the log.

    Attributes:
        name: Where it belongs.
        body: Its lines, gzipped.
    """

    name: str
    body: bytes


class Bucket:
    """An S3 bucket that objects are put into.

    Args:
        name: Of the bucket.
        client: A client in the place of the SDK's own, for tests.

    Raises:
        SettingsError: The SDK can't make a client.
    """

    def __init__(self, name: str, *, client: Any = None) -> None:
        self._name = name
        self._calls = AwsCalls("s3", timeout_s=PUT_TIMEOUT_S, client=client)

    def put(self, log_object: LogObject) -> None:
        """Write an object, in the place of one of the same name.

        Raises:
            OperationError: S3 did not take it; it may have, after `OperationUnavailableError`.
        """
        self._calls.call(
            "put_object",
            Bucket=self._name,
            Key=log_object.name,
            Body=log_object.body,
            ContentType="application/gzip",
        )


def decision_document(record: DecisionRecord) -> dict[str, Json]:
    """Return what leaves of a decision: what it keeps, and when it was made."""
    return {**record.body, "decided_at": format_instant(record.decided_at)}


def decision_line(record: DecisionRecord) -> bytes:
    """Return a decision as one line."""
    return canonical_json(decision_document(record)).encode() + b"\n"


def log_objects(decisions: Iterable[Exported]) -> list[LogObject]:
    """Return decisions as objects: one for each function and day, in the order of the decisions."""
    groups: dict[str, list[Exported]] = {}
    for one in decisions:
        groups.setdefault(_folder(one.record), []).append(one)
    return [
        LogObject(
            f"{folder}/{members[0].position}.jsonl.gz",
            gzip.compress(b"".join(decision_line(one.record) for one in members), mtime=0),
        )
        for folder, members in groups.items()
    ]


def _folder(record: DecisionRecord) -> str:
    # The form that Athena, Spark and others read as partitions.
    function = quote(record.function, safe="")
    return f"{FOLDER}/function={function}/date={format_instant(record.decided_at)[:10]}"
