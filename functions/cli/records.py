"""One customer as a file gives them: read, checked, and put into a store."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from functions.cli.arguments import unreadable
from functions.cli.console import Console
from functions.documents import DocumentError, Json, parse_json
from functions.errors import EventMalformedError
from functions.governance.consent import (
    CONSENT_FIELDS,
    ConsentFormatError,
    ConsentRecord,
    is_purpose,
    parse_consent,
)
from functions.profiles import consents
from functions.profiles.access import customer_behind
from functions.profiles.store import MAX_PROFILE_BYTES, ProfileStore

MAX_RECORD_BYTES = 2 * MAX_PROFILE_BYTES
"""The most that a record may take as text: a profile, and room for what stands around it."""

_KEYS: Final = frozenset({"id", "profile", "consent", "scores", "contacts", "version"})
_NAMEABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")
_MAX_NAMED: Final = 3


class UnusableIdError(EventMalformedError):
    """No event can be about an id like this: empty, too long, no text, or with control characters."""

    code = "profile.unusable_id"


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
    if not _is_record(document, where):
        return Record(None, document, {}, where)
    profile, consent = document.get("profile"), document.get("consent")
    if not isinstance(profile, dict | None) or not isinstance(consent, dict | None):
        raise EventMalformedError(f"{where}: `profile` and `consent` are JSON objects")
    if not isinstance(document.get("id"), str | None):
        raise EventMalformedError(f"{where}: `id` is a text")
    return Record(document.get("id"), profile, consent or {}, where)


def _is_record(document: Mapping[str, Json], where: str) -> bool:
    """Say whether a document is a record; else it is a bare profile.

    Raises:
        EventMalformedError: It is meant as a record, and has keys that no record has: taken for a profile, it would
            lose its consent.
    """
    unknown = set(document) - _KEYS
    if not unknown:
        return bool({"profile", "consent"} & set(document))
    slips = any(get_close_matches(key, ("profile", "consent"), n=1, cutoff=0.8) for key in unknown)
    meant = {"id", "consent"} & set(document) and (slips or {"id", "consent"} <= set(document))
    if isinstance(document.get("profile"), dict) or meant:
        raise EventMalformedError(
            f"{where}: a record has no {_named(unknown, _KEYS)}",
            hint=f"A record has {', '.join(sorted(_KEYS))}; a profile with other such keys stands under `profile`.",
        )
    return False


def _named(keys: Set[str], known: Set[str]) -> str:
    """Name keys that are not known, each with the closest that is; a key that is no name may be a value."""
    shown = sorted(key for key in keys if _NAMEABLE.fullmatch(key))[:_MAX_NAMED]
    texts = []
    for key in shown:
        close = get_close_matches(key, sorted(known), n=1)
        texts.append(f"`{key}` (did you mean `{close[0]}`?)" if close else f"`{key}`")
    hidden = len(keys) - len(shown)
    if hidden:
        texts.append(f"{hidden} more" if texts else f"key of this form ({hidden} found)")
    return ", ".join(texts)


def put_record(
    store: ProfileStore,
    record: Record,
    profile_id: str,
    *,
    now: datetime,
    consent_at: datetime,
    dated: Callable[[ConsentRecord], ConsentRecord] = lambda entry: entry,
) -> tuple[str, ...]:
    """Write a record; nothing is written when a part of it is wrong.

    Args:
        store: Where to.
        record: What.
        profile_id: Under which id; of an alias, the profile that it stands for is written.
        now: The date of the profile.
        consent_at: The date of consent that gives none.
        dated: Gives a consent record the date under which it is written.

    Returns:
        The consent records that were not written, because the one in the store counts.

    Raises:
        EventMalformedError: A consent record has a wrong form.
        StoreRejectedError: A grant is dated ahead of the clock.
    """
    consent = read_consent(record.consent, consent_at, record.where)
    # What is rehearsed may happen on another day than today.
    present = max(now, consent_at)
    entries = {name: dated(entry) for name, entry in consent.items()}
    for entry in entries.values():
        consents.dated(entry, present)
    customer = customer_behind(store, profile_id)
    if record.profile is not None:
        store.put_profile(customer, record.profile, updated_at=now)
    return tuple(
        name for name, entry in entries.items() if not store.put_consent(customer, entry, now=present)
    )


def read_consent(document: Mapping[str, Json], default_at: datetime, where: str) -> dict[str, ConsentRecord]:
    """Read consent records.

    Raises:
        EventMalformedError: One has a wrong form.
    """
    for name, body in document.items():
        unknown = set(body) - CONSENT_FIELDS if isinstance(body, Mapping) else set()
        if unknown:
            shown = f"consent.{name}" if is_purpose(name) else "a consent record"
            raise EventMalformedError(f"{where}: {shown} has no {_named(unknown, CONSENT_FIELDS)}")
    try:
        return parse_consent(document, default_at=default_at)
    except ConsentFormatError as error:
        raise EventMalformedError(f"{where}: {error}") from None


def check_usable(profile_id: str, where: str) -> None:
    """Refuse an id that no event can be about: what is kept under it would never be read.

    Raises:
        UnusableIdError: It is empty, too long, no text, or has control characters.
    """
    from functions.runtime.identity import is_usable_id

    if not is_usable_id(profile_id):
        raise UnusableIdError(
            f"{where}: an id has 1 to 256 characters without controls; no event has another"
        )


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
