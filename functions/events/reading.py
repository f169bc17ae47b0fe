"""From bytes or a parsed envelope to events, record by record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from functions.documents import Json
from functions.errors import EventError
from functions.events.decoding import decode_document
from functions.events.dialects import to_event
from functions.events.envelopes import Delivery, Refusal, Vet, unwrap_each
from functions.events.event import Event
from functions.events.replays import LIVE


@dataclass(frozen=True, slots=True)
class Parsed:
    """What became of one record: an event, or the error that keeps it from being one.

    Attributes:
        position: Where it stands, for example `Records[2].body`.
        envelope: What it came in, from outside in, for example `sqs/sns`; `event` for a bare one.
        event: The event; None with an error.
        error: Why there is none; None with an event.
        generation: Of the replay that sent it again; `LIVE` for none.
    """

    position: str
    envelope: str
    event: Event | None
    error: EventError | None
    generation: int = LIVE

    def value(self) -> Event:
        """Return the event.

        Raises:
            EventError: There is none.
        """
        if self.event is None:
            raise self.error or EventError(f"{self.position}: no event")
        return self.event


def read_events(text: str | bytes, *, received_at: datetime | None) -> tuple[Parsed, ...]:
    """Read every event of a document; a poison record keeps its neighbours.

    Args:
        text: JSON of an envelope, a bare event or a list of them.
        received_at: When it arrived, aware; see `to_event`.

    Returns:
        At least one; a text that is no JSON is one record with an error.
    """
    try:
        document = decode_document(text, "document")
    except EventError as error:
        return (Parsed("document", "event", None, error),)
    return read_document(document, received_at=received_at)


def read_document(
    document: Json, *, received_at: datetime | None, vet: Vet = lambda _: None
) -> tuple[Parsed, ...]:
    """Read every event of a document that is parsed already, as a Lambda runtime hands it over.

    Args:
        document: An envelope, a bare event or a list of them.
        received_at: When it arrived, aware; see `to_event`.
        vet: Is asked about the accounts that the envelopes name; see `unwrap_each`.
    """
    return tuple(_parsed(found, received_at) for found in unwrap_each(document, vet))


def _parsed(found: Delivery | Refusal, received_at: datetime | None) -> Parsed:
    if isinstance(found, Refusal):
        return Parsed(found.position, found.envelope, None, found.error)
    try:
        # A queue says when it took an event, which for a replay is long after it first arrived.
        event = to_event(found, received_at=found.arrived_at or received_at)
        return Parsed(found.position, found.envelope, event, None, found.generation)
    except EventError as error:
        return Parsed(found.position, found.envelope, None, error)
