"""Records that can't succeed are parked at once, alone, with their code."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Final, Protocol

from functions.documents import Json
from functions.errors import ActionError

PARKING_TIMEOUT_S: Final = 5.0


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

        Args:
            record: As the event source delivered it; of SQS its body.
            code: Why.
            source: Event source.

        Returns:
            None when it is parked, else the code of why it is not.
        """
        if self.queue is None:
            return "parking.none"
        body = record if isinstance(record, str) else json.dumps(record, ensure_ascii=False, default=str)
        attributes = {"code": code, "function": self.function, "source": source}
        try:
            key = hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()
            self.queue.send(body, attributes, key=key, group=self.function)
        except ActionError as error:
            return error.code
        return None
