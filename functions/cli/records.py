"""One customer as a file gives them: read, checked, and put into a store."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from functions.cli.arguments import unreadable
from functions.cli.console import Console
from functions.documents import DocumentError, Json, parse_json
from functions.errors import EventMalformedError
from functions.governance.consent import ConsentFormatError, ConsentRecord, parse_consent
from functions.profiles.consents import dated
from functions.profiles.store import MAX_PROFILE_BYTES, ProfileStore

MAX_RECORD_BYTES = 2 * MAX_PROFILE_BYTES
"""The most that a record may take as text: a profile, and room for what stands around it."""

_KEYS = {"id", "profile", "consent", "scores", "contacts", "version"}


@dataclass(frozen=True, slots=True)
class Record:
    """One customer.

    Attributes:
        id: Whose; None in a bare profile.
        profile: The enriched profile; None when the record is about consent alone.
        consent: By name, in the form that `parse_consent` reads.
        where: Where it stood, for errors.
    """

    id: str | None
    profile: Mapping[str, Json] | None
    consent: Mapping[str, Json]
    where: str


def read_record(text: str, where: str) -> Record:
    """Read `{id, profile, consent}` as `functions profile get` prints it, or a bare profile.

    Scores, contacts and version are the work of decisions: they may stand in a record, and are left alone.

    Raises:
        EventMalformedError: It is neither; the place is named, never the content.
    """
    try:
        document = parse_json(text, max_bytes=MAX_RECORD_BYTES)
    except DocumentError as error:
        raise EventMalformedError(f"{where}: {error}") from None
    if not isinstance(document, dict):
        raise EventMalformedError(f"{where}: a record is a JSON object")
    if not ({"profile", "consent"} & set(document) and set(document) <= _KEYS):
        return Record(None, document, {}, where)
    profile, consent = document.get("profile"), document.get("consent")
    if not isinstance(profile, dict | None) or not isinstance(consent, dict | None):
        raise EventMalformedError(f"{where}: `profile` and `consent` are JSON objects")
    if not isinstance(document.get("id"), str | None):
        raise EventMalformedError(f"{where}: `id` is a text")
    return Record(document.get("id"), profile, consent or {}, where)


def put_record(
    store: ProfileStore, record: Record, profile_id: str, *, now: datetime, consent_at: datetime
) -> tuple[str, ...]:
    """Write a record; nothing is written when a part of it is wrong.

    Args:
        store: Where to.
        record: What.
        profile_id: Under which id.
        now: The date of the profile.
        consent_at: The date of consent that gives none.

    Returns:
        The consent records that were not written, because the one in the store counts.

    Raises:
        EventMalformedError: A consent record has a wrong form.
        StoreRejectedError: A grant is dated ahead of the clock.
    """
    consent = read_consent(record.consent, consent_at, record.where)
    # What is rehearsed may happen on another day than today.
    present = max(now, consent_at)
    for entry in consent.values():
        dated(entry, present)
    if record.profile is not None:
        store.put_profile(profile_id, record.profile, updated_at=now)
    return tuple(
        name for name, entry in consent.items() if not store.put_consent(profile_id, entry, now=present)
    )


def read_consent(document: Mapping[str, Json], default_at: datetime, where: str) -> dict[str, ConsentRecord]:
    """Read consent records.

    Raises:
        EventMalformedError: One has a wrong form.
    """
    try:
        return parse_consent(document, default_at=default_at)
    except ConsentFormatError as error:
        raise EventMalformedError(f"{where}: {error}") from None


def numbered_lines(path: str, console: Console) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file that hold something, numbered from 1; bytes, so that each fails alone."""
    if path == "-":
        source = (line.encode(errors="surrogateescape") for line in console.stdin)
        yield from _numbered(source)
        return
    try:
        with Path(path).open("rb") as file:
            yield from _numbered(file)
    except OSError as error:
        raise unreadable(path, error) from None


def _numbered(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(lines, 1):
        content = line.removeprefix(BOM_UTF8) if number == 1 else line
        if content.strip():
            yield number, content
