"""Decisions and what came of them for a lasting log: lines of JSON in gzipped objects, by function and day.

The name of an object follows from the first record in it, and its bytes from its records, so that a batch
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
from functions.profiles.feedback import FeedbackRecord
from functions.profiles.store import DecisionRecord
from functions.times import format_instant

FOLDER: Final = "decisions"
"""First part of the names of objects with decisions."""

OUTCOMES_FOLDER: Final = "outcomes"
"""First part of the names of objects with what came of them."""

PUT_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Exported:
    """One record, and where it stood in the stream.

    Attributes:
        position: A text that no other record has, of letters, digits and dashes.
        record: A decision; or its trial as it is now, with the outcomes so far.
    """

    position: str
    record: DecisionRecord | FeedbackRecord


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


def trial_document(record: FeedbackRecord) -> dict[str, Json]:
    """Return what leaves of the trial of a decision; of several, that of the highest version is the last."""
    return {
        "profile_id": record.owner,
        "decision_id": record.name,
        "decided_at": format_instant(record.at),
        "version": record.version,
        "trial": record.body,
    }


def decision_line(record: DecisionRecord) -> bytes:
    """Return a decision as one line."""
    return canonical_json(decision_document(record)).encode() + b"\n"


def log_objects(records: Iterable[Exported]) -> list[LogObject]:
    """Return records as objects: one for each kind, function and day of decision, in the order of the records."""
    groups: dict[str, list[Exported]] = {}
    for one in records:
        groups.setdefault(_folder(one.record), []).append(one)
    return [
        LogObject(
            f"{folder}/{members[0].position}.jsonl.gz",
            gzip.compress(b"".join(_line(one.record) for one in members), mtime=0),
        )
        for folder, members in groups.items()
    ]


def _line(record: DecisionRecord | FeedbackRecord) -> bytes:
    if isinstance(record, DecisionRecord):
        return decision_line(record)
    return canonical_json(trial_document(record)).encode() + b"\n"


def _folder(record: DecisionRecord | FeedbackRecord) -> str:
    # The form that Athena, Spark and others read as partitions.
    if isinstance(record, DecisionRecord):
        folder, function, at = FOLDER, record.function, record.decided_at
    else:
        folder, function, at = OUTCOMES_FOLDER, str(record.body.get("function")), record.at
    return f"{folder}/function={quote(function, safe='')}/date={format_instant(at)[:10]}"
