"""Records that can't succeed are parked at once, alone, with their code; what is too large for the queue, smaller."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from functions.documents import Json
from functions.errors import ActionError

PARKING_TIMEOUT_S: Final = 5.0

MAX_MESSAGE_BYTES: Final = 1_048_576
"""The most a message may hold, with the names, types and values of its attributes.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html.
"""

STREAMS: Final[Mapping[str, tuple[str, str]]] = {
    "aws:kinesis": ("kinesis", "sequenceNumber"),
    "aws:dynamodb": ("dynamodb", "SequenceNumber"),
}
"""Event source to the part of a record that has its sequence number, and the number's name there."""

_GZIP: Final = 16 + zlib.MAX_WBITS


class DeadLetterQueue(Protocol):
    """A queue for records that need a person."""

    def send(self, body: str, attributes: dict[str, str], *, key: str, group: str) -> None:
        """Send one message.

        Raises:
            ActionError: The queue did not take it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Parking:
    """Sends records to the dead-letter queue.

    Attributes:
        function: Name of the function, for whoever reads the queue.
        queue: None where none is configured; then every record is refused.
    """

    function: str
    queue: DeadLetterQueue | None

    def park(self, record: Json, *, code: str, source: str) -> str | None:
        """Park a record as it came, so that it can be sent again as it is.

        What is too large for a message is compressed, which handlers read as well. Where that is too large
        still, a record of a stream leaves a note of its place, since the stream has it and nothing behind it
        may wait; any other is refused, so that its source keeps it.

        Args:
            record: As the event source delivered it; of SQS its body.
            code: Why.
            source: Event source.

        Returns:
            None when it is parked, else the code of why it is not.
        """
        if self.queue is None:
            return "parking.none"
        body = _text(record)
        key = hashlib.sha256(body.encode()).hexdigest()
        for form, text in _forms(record, body, source=source, key=key):
            attributes = {"code": code, "function": self.function, "source": source, **form}
            if message_bytes(text, attributes) <= MAX_MESSAGE_BYTES:
                try:
                    self.queue.send(text, attributes, key=key, group=self.function)
                except ActionError as error:
                    return error.code
                return None
        return "parking.too_large"


def message_bytes(body: str, attributes: Mapping[str, str]) -> int:
    """Return what a message counts for: its body as it is sent, and its attributes of type String."""
    # Two characters that SQS refuses are sent as escapes of six bytes, in the place of three.
    escapes = 3 * (body.count("\ufffe") + body.count("\uffff"))
    labels = sum(len(name) + len("String") + len(text.encode()) for name, text in attributes.items())
    return len(body.encode()) + escapes + labels


def _text(record: Json) -> str:
    text = record if isinstance(record, str) else json.dumps(record, ensure_ascii=False, default=str)
    # Half a surrogate pair can't be sent; as an escape, which in JSON means the same, it can.
    return text.encode(errors="backslashreplace").decode()


def _forms(record: Json, body: str, *, source: str, key: str) -> Iterator[tuple[dict[str, str], str]]:
    """Yield the forms in which a record can be parked, the best first."""
    yield {}, body
    yield {"form": "compressed"}, _compressed(body)
    if source in STREAMS and isinstance(record, dict):
        yield {"form": "place"}, json.dumps(_place(record, source, len(body.encode()), key))


def _compressed(body: str) -> str:
    stream = zlib.compressobj(wbits=_GZIP)
    return base64.b64encode(stream.compress(body.encode()) + stream.flush()).decode()


def _place(record: Mapping[str, Json], source: str, size: int, key: str) -> dict[str, Json]:
    """Return where a record is found again: names and numbers of AWS, nothing of its content or its keys."""
    part, name = STREAMS[source]
    inner = record.get(part)
    return {
        "stream": record.get("eventSourceARN"),
        "event_id": record.get("eventID"),
        "sequence_number": inner.get(name) if isinstance(inner, dict) else None,
        "bytes": size,
        "sha256": key,
    }
