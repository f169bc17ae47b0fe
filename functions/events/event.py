"""The event as the rest of the house sees it, whatever producer and transport it came from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from functions.documents import Json
from functions.times import format_instant


@dataclass(frozen=True, slots=True)
class Event:
    """One fact about one person, in canonical form.

    Attributes:
        id: The producer's own id (`id`, `messageId`, `event_id`), never the envelope's: an event that
            arrives by two ways has one id.
        name: What happened, for example `page_view`.
        type: The kind of call in the Segment sense: `track`, `page`, `identify`; `change` for a stream.
        time: When it happened, aware, UTC, in whole milliseconds.
        source: Who said so: the producer's or the bus's `source`.
        user_id: The known person, stripped; None if the producer knows none.
        anonymous_id: The device or visitor, stripped; None if the producer gave none.
        properties: What is said about the fact.
        traits: What is said about the person.
        context: Page, device, campaign and the like.
        consent: What the source says about consent, exactly as given; None where it says nothing.
        raw: The producer's payload.
    """

    id: str
    name: str
    type: str
    time: datetime
    source: str
    user_id: str | None
    anonymous_id: str | None
    properties: dict[str, Json]
    traits: dict[str, Json]
    context: dict[str, Json]
    consent: dict[str, Json] | None
    raw: Json

    def as_document(self) -> dict[str, Json]:
        """Return the JSON form that expressions see as `event` and patterns as `detail`.

        The parts are shared with the event, not copied: do not change them.
        """
        return {
            "id": self.id,
            "name": self.name,
            "type": self.type,
            "time": format_instant(self.time),
            "source": self.source,
            "user_id": self.user_id,
            "anonymous_id": self.anonymous_id,
            "properties": self.properties,
            "traits": self.traits,
            "context": self.context,
            "consent": self.consent,
            "raw": self.raw,
        }
