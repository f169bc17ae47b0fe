"""One payload of a platform as the changes that it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from functions.documents import Json
from functions.errors import EventMalformedError, EventWithoutKeyError
from functions.events.dialects import to_event
from functions.events.envelopes import Delivery
from functions.events.event import Event
from functions.events.fields import instant, members, optional_members
from functions.events.tealium import is_tealium_flat, is_tealium_function_input
from functions.governance.consent import ConsentFormatError, ConsentRecord
from functions.governance.statements import GPC, ConsentSources, stated_records
from functions.ingest.identity import usable_id
from functions.ingest.visitors import is_visitor, visitor_of

_OWN: Final = frozenset({"profile_id", "updated_at", "profile", "traits", "consent", "aliases"})
MAX_ALIASES: Final = 40
"""Ids that one record may give a profile."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What one payload changes.

    Attributes:
        form: Who speaks: `record`, `tealium-visitor` or `event`.
        profile_id: Whose, before aliases are followed.
        at: The producer's instant of it.
        profile: The whole profile; None where it is not about that.
        traits: Single traits.
        consent: Records, by name.
        aliases: Other ids of the same person.
    """

    form: str
    profile_id: str
    at: datetime
    profile: Mapping[str, Json] | None = None
    traits: Mapping[str, Json] = field(default_factory=dict)
    consent: Mapping[str, ConsentRecord] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()


def read_changes(
    delivery: Delivery, *, sources: ConsentSources, received_at: datetime, gpc: bool = False
) -> Changes:
    """Read a payload: our own record, Tealium visitor data, or an event of any dialect.

    Args:
        delivery: The payload, out of its envelopes.
        sources: What platforms call the consents of the data contract.
        received_at: When it arrived, for the correction of clocks.
        gpc: Whether the request that brought it carried `Sec-GPC: 1`.

    Raises:
        EventError: It is none of these, or a part of it can't be used; the message names the part.
    """
    body, position = delivery.body, delivery.position
    try:
        if isinstance(body, dict) and "profile_id" in body and "id" not in body:
            return _own_record(body, position, sources, gpc=gpc)
        if isinstance(body, dict) and is_visitor(body):
            profile_id, at, document = visitor_of(body, position)
            return Changes("tealium-visitor", profile_id, at, profile=document)
        return _of_event(to_event(delivery, received_at=received_at), position, sources, gpc=gpc)
    except ConsentFormatError as error:
        raise EventMalformedError(f"{position}: {error}") from None


def _own_record(body: dict[str, Json], position: str, sources: ConsentSources, *, gpc: bool) -> Changes:
    unknown = len(body.keys() - _OWN)
    if unknown:
        raise EventMalformedError(
            f"{position}: {unknown} fields that are not known", hint=f"a record has {', '.join(sorted(_OWN))}"
        )
    profile_id = _needed(usable_id(body["profile_id"], f"{position}.profile_id"), f"{position}.profile_id")
    at = instant(body.get("updated_at"), f"{position}.updated_at")
    consent = optional_members(body.get("consent"), f"{position}.consent")
    return Changes(
        "record",
        profile_id,
        at,
        profile=optional_members(body.get("profile"), f"{position}.profile"),
        traits=members(body.get("traits"), f"{position}.traits"),
        # A record that lists no consents was printed for a customer who has none.
        consent=stated_records(_with_signal(consent or None, gpc), sources, at=at, said_by="record"),
        aliases=_aliases(body.get("aliases"), f"{position}.aliases"),
    )


def _of_event(event: Event, position: str, sources: ConsentSources, *, gpc: bool) -> Changes:
    user = usable_id(event.user_id, f"{position}.user_id")
    anonymous = usable_id(event.anonymous_id, f"{position}.anonymous_id")
    raw = event.raw if isinstance(event.raw, dict) else {}
    aliases = []
    if event.type == "alias":
        aliases.append(usable_id(raw.get("previousId"), f"{position}.previousId"))
    if event.type in ("alias", "identify") or is_tealium_flat(raw) or is_tealium_function_input(raw):
        aliases.append(anonymous)
    profile_id = _needed(user or anonymous, f"{position}: the user's or the anonymous id")
    return Changes(
        "event",
        profile_id,
        event.time,
        traits=event.traits if event.type == "identify" else {},
        consent=stated_records(
            _with_signal(event.consent, gpc), sources, at=event.time, said_by=event.source
        ),
        aliases=tuple(alias for alias in aliases if alias is not None and user is not None),
    )


def _aliases(value: Json, position: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MAX_ALIASES:
        raise EventMalformedError(f"{position}: no list of at most {MAX_ALIASES} ids")
    found = (usable_id(one, f"{position}[{index}]") for index, one in enumerate(value))
    return tuple(alias for alias in found if alias is not None)


def _with_signal(consent: Mapping[str, Json] | None, gpc: bool) -> Mapping[str, Json] | None:
    return {**(consent or {}), GPC: True} if gpc else consent


def _needed(profile_id: str | None, what: str) -> str:
    if profile_id is None:
        raise EventWithoutKeyError(f"{what} is missing", hint="say whose profile it is")
    return profile_id
