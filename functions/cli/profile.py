"""`functions profile …`: read and write profiles and consent."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from functions.cli.arguments import add_json, instant, read_input
from functions.cli.console import Console
from functions.documents import DocumentError, Json, parse_json
from functions.errors import EventMalformedError, FunctionsError
from functions.governance.consent import ConsentFormatError, ConsentRecord, parse_consent
from functions.profiles.store import MAX_PROFILE_BYTES, ProfileStore, Snapshot
from functions.settings import read_settings
from functions.times import format_instant, utc_now

if TYPE_CHECKING:
    from argparse import _SubParsersAction

MAX_IMPORT_BYTES = 2_000_000_000
_RECORD_KEYS = {"id", "profile", "consent", "scores", "contacts", "version"}

_EPILOG = """A record is a JSON object {"id": ..., "profile": {...}, "consent": {...}}. Consent is a status by name, or an
object {status, at, expires_at, source, jurisdiction}; statuses are granted, denied, revoked, unknown, conflict.

examples:
  functions profile import feature_specs/profiles.jsonl
  functions profile get customer-0042
  functions profile put customer-0042 --consent marketing=revoked
  functions profile put customer-0042 customer.json
  functions profile delete customer-0042
"""


@dataclass(frozen=True, slots=True)
class Record:
    """One customer as a file gives them."""

    id: str | None
    profile: Mapping[str, Json] | None
    consent: Mapping[str, Json]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    actions: _SubParsersAction[argparse.ArgumentParser] = parser.add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    get = actions.add_parser("get", help="print a profile with its consent, scores and contacts")
    get.add_argument("id", metavar="ID")
    add_json(get)
    put = actions.add_parser("put", help="replace a profile, or single consent records")
    put.add_argument("id", metavar="ID")
    put.add_argument(
        "file", nargs="?", metavar="FILE", help="a record or a bare profile; - for standard input"
    )
    put.add_argument("--file", dest="file_option", metavar="FILE", help="the same as FILE")
    put.add_argument("--consent", action="append", default=[], metavar="NAME=STATUS", help="may be repeated")
    put.add_argument(
        "--at",
        type=instant,
        metavar="TIME",
        help="when consent was given; by default the date of the old record",
    )
    load = actions.add_parser("import", help="read many records, one JSON object a line")
    load.add_argument("file", metavar="FILE", help="JSON lines; - for standard input")
    remove = actions.add_parser("delete", help="erase everything that is kept about a customer")
    remove.add_argument("id", metavar="ID")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from functions.cli.composition import opened_store

    with opened_store(read_settings(console.environment)) as store:
        return _ACTIONS[arguments.action](store, arguments, console)


def read_record(text: str, where: str) -> Record:
    """Read one record, or a bare profile.

    Raises:
        EventMalformedError: It is neither; the place is named, never the content.
    """
    try:
        document = parse_json(text, max_bytes=2 * MAX_PROFILE_BYTES)
    except DocumentError as error:
        raise EventMalformedError(f"{where}: {error}") from None
    if not isinstance(document, dict):
        raise EventMalformedError(f"{where}: a record is a JSON object")
    if not ({"profile", "consent"} & set(document) and set(document) <= _RECORD_KEYS):
        return Record(None, document, {})
    profile, consent = document.get("profile"), document.get("consent")
    if not isinstance(profile, dict | None) or not isinstance(consent, dict | None):
        raise EventMalformedError(f"{where}: `profile` and `consent` are JSON objects")
    if not isinstance(document.get("id"), str | None):
        raise EventMalformedError(f"{where}: `id` is a text")
    return Record(document.get("id"), profile, consent or {})


def put_record(store: ProfileStore, record: Record, *, now: datetime, profile_id: str | None = None) -> str:
    """Write a record; its consent keeps the dates it gives, others are dated now.

    Returns:
        The profile id.

    Raises:
        EventMalformedError: There is no id, or a consent record has a wrong form.
    """
    target = profile_id or record.id
    if not target:
        raise EventMalformedError("the record has no `id`", hint="give it as `functions profile put ID FILE`")
    consent = _consent(record.consent, now)
    if record.profile is not None:
        store.put_profile(target, record.profile, updated_at=now)
    for entry in consent.values():
        store.put_consent(target, entry)
    return target


def _consent(document: Mapping[str, Json], default_at: datetime) -> dict[str, ConsentRecord]:
    try:
        return parse_consent(document, default_at=default_at)
    except ConsentFormatError as error:
        raise EventMalformedError(str(error)) from None


def _get(store: ProfileStore, arguments: argparse.Namespace, console: Console) -> int:
    snapshot = store.load(arguments.id)
    if snapshot.profile_json is None and not snapshot.consent and not snapshot.state.contacts:
        raise UnknownProfileError(f"there is no profile {arguments.id!r}")
    console.json(_document(snapshot))
    return 0


def _document(snapshot: Snapshot) -> dict[str, Json]:
    profile = (
        parse_json(snapshot.profile_json, max_bytes=MAX_PROFILE_BYTES) if snapshot.profile_json else None
    )
    state = snapshot.state
    return {
        "id": snapshot.profile_id,
        "profile": profile,
        "consent": {purpose: record.as_document() for purpose, record in snapshot.consent.items()},
        "scores": {
            name: {
                "value": score.value,
                "at": format_instant(score.at),
                "expires_at": format_instant(score.expires_at) if score.expires_at else None,
                "function": score.function,
                "model": score.model,
                "decision_id": score.decision_id,
            }
            for name, score in state.scores.items()
        },
        "contacts": [
            {
                "decision_id": contact.decision_id,
                "action": contact.action,
                "channel": contact.channel,
                "tags": list(contact.tags),
                "at": format_instant(contact.at),
                "status": contact.status,
            }
            for contact in state.contacts
        ],
        "version": state.version,
    }


def _put(store: ProfileStore, arguments: argparse.Namespace, console: Console) -> int:
    path = arguments.file or arguments.file_option
    if path is None and not arguments.consent:
        console.err("functions profile put: give a FILE, or --consent NAME=STATUS")
        return 2
    now = utc_now()
    if path is not None:
        record = read_record(read_input(path, console, max_bytes=2 * MAX_PROFILE_BYTES), path)
        put_record(store, record, now=now, profile_id=arguments.id)
    known = store.load(arguments.id).consent
    for text in arguments.consent:
        purpose, _, status = text.partition("=")
        entry = _consent({purpose: status}, now)[purpose]
        old = known.get(purpose)
        # A correction by hand keeps the date of the record that it corrects, so that replays of past
        # events see it; --at says otherwise.
        at = arguments.at or (old.at if old is not None else now)
        if not store.put_consent(arguments.id, replace(entry, at=at)):
            console.err(f"consent {purpose}: the stored record was given later; it stays")
            return 1
    console.err(f"written: {arguments.id}")
    return 0


def _import(store: ProfileStore, arguments: argparse.Namespace, console: Console) -> int:
    count, failed = 0, 0
    now = utc_now()
    for number, line in _lines(arguments.file, console):
        try:
            put_record(store, read_record(line, f"{arguments.file}:{number}"), now=now)
            count += 1
        except EventMalformedError as error:
            failed += 1
            where = "" if error.message.startswith(arguments.file) else f"{arguments.file}:{number}: "
            console.err(f"{where}{error.message}")
        if count % 100 == 0:
            console.progress(f"{count:,} profiles")
    console.progress("")
    console.err(f"{count:,} profiles imported" + (f", {failed:,} refused" if failed else ""))
    return 1 if failed else 0


def _lines(path: str, console: Console) -> Iterator[tuple[int, str]]:
    from functions.errors import SettingsError

    try:
        stream = console.stdin if path == "-" else open(path, encoding="utf-8-sig")  # noqa: PTH123, SIM115
        with stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    yield number, line
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise EventMalformedError(f"{path}: no UTF-8 text") from None


def _delete(store: ProfileStore, arguments: argparse.Namespace, console: Console) -> int:
    if not store.delete_profile(arguments.id):
        raise UnknownProfileError(f"nothing is kept about {arguments.id!r}")
    console.err(f"erased: {arguments.id}")
    return 0


class UnknownProfileError(FunctionsError):
    """Nothing is kept about a customer."""

    code = "profile.unknown"
    who = "operator"


_ACTIONS = {"get": _get, "put": _put, "import": _import, "delete": _delete}
