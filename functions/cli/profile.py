"""`functions profile …`: read and write profiles and consent; the rest is in `access`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final, get_args

from functions.cli.access import UnknownProfileError, delete_customer, export_customer
from functions.cli.arguments import instant, read_input, specs_folder
from functions.cli.console import Console, counted
from functions.cli.records import MAX_RECORD_BYTES, numbered_lines, put_record, read_consent, read_record
from functions.documents import Json, parse_json
from functions.errors import EventError, EventMalformedError, FunctionsError, StoreRejectedError
from functions.events.segment import is_segment
from functions.events.tealium import is_tealium_flat, is_tealium_function_input
from functions.governance.consent import ConsentStatus
from functions.ingest.visitors import is_visitor
from functions.profiles.store import MAX_PROFILE_BYTES, ProfileState, ProfileStore, Snapshot
from functions.settings import read_settings
from functions.times import format_instant, utc_now

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_EPILOG = """A record is a JSON object {"id": ..., "profile": {...}, "consent": {...}}. Consent is a
status by name, or an object {status, at, expires_at, source, jurisdiction};
statuses are granted, denied, revoked, unknown, conflict. What `get` prints can be
edited and put again; scores and contacts in it are left alone. `export` prints all
that is kept under the id and its aliases, and `delete` erases just that.

examples:
  functions profile import feature_specs/profiles.jsonl
  functions profile get customer-0042
  functions profile put customer-0042 --consent marketing=revoked
  functions profile put customer-0042 customer.json
  functions profile export customer-0042 --to customer-0042.json
  functions profile delete customer-0042
"""


FORMATS: Final[Mapping[str, Callable[[dict[str, Json]], bool]]] = {
    "canonical": lambda body: "profile_id" in body,
    "segment": is_segment,
    "tealium": lambda body: is_tealium_flat(body) or is_tealium_function_input(body) or is_visitor(body),
}
"""What platforms send, and how it is recognised."""


class ForeignRecordError(FunctionsError):
    """A record carries another id than the one it is to be written under."""

    code = "profile.other_id"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    actions: _SubParsersAction[argparse.ArgumentParser] = parser.add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    get = actions.add_parser("get", help="print a profile with its consent, scores and contacts")
    get.add_argument("id", metavar="ID")
    get.add_argument("--json", action="store_true", help="as always: the record is JSON")
    put = actions.add_parser("put", help="replace a profile, or single consent records")
    put.add_argument("id", metavar="ID")
    put.add_argument(
        "file", nargs="?", metavar="FILE", help="a record or a bare profile; - for standard input"
    )
    put.add_argument("--file", dest="file_option", metavar="FILE", help="the same as FILE")
    put.add_argument(
        "--consent",
        action="append",
        default=[],
        type=_consent_change,
        metavar="NAME=STATUS",
        help="may be repeated",
    )
    put.add_argument(
        "--at",
        type=instant,
        metavar="TIME",
        help="when consent was given; by default the date of the old record",
    )
    load = actions.add_parser("import", help="read many records, one JSON object a line")
    load.add_argument("file", metavar="FILE", help="JSON lines; - for standard input")
    load.add_argument(
        "--format",
        choices=("record", *FORMATS),
        default="record",
        help="`record` is what `get` prints; the others are what platforms send, with the order of their own "
        "instants",
    )
    export = actions.add_parser("export", help="print everything that is kept about a customer")
    export.add_argument("id", metavar="ID", help="the customer's id, or an alias")
    export.add_argument("--to", metavar="FILE", help="write it to a file that only you may read")
    remove = actions.add_parser("delete", help="erase everything that is kept about a customer")
    remove.add_argument("id", metavar="ID", help="the customer's id, or an alias")
    remove.add_argument(
        "--suppress", metavar="LIST", help="leave a mark on a suppression list, as a keyed hash"
    )


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    if arguments.action in _WHOLE:
        return _WHOLE[arguments.action](arguments, console)
    from functions.cli.composition import opened_store

    with opened_store(read_settings(console.environment)) as store:
        return _ACTIONS[arguments.action](store, arguments, console)


def _consent_change(text: str) -> tuple[str, str]:
    name, _, status = text.partition("=")
    try:
        read_consent({name: status}, utc_now(), text)
    except EventMalformedError:
        statuses = ", ".join(get_args(ConsentStatus))
        raise argparse.ArgumentTypeError(f"give NAME=STATUS, with one of the statuses {statuses}") from None
    return name, status


def _get(store: ProfileStore, arguments: argparse.Namespace, console: Console) -> int:
    snapshot = store.load(arguments.id)
    if snapshot.profile_json is None and not snapshot.consent and snapshot.state == ProfileState():
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
    kept: list[str] = []
    if path is not None:
        record = read_record(read_input(path, console, max_bytes=MAX_RECORD_BYTES), path)
        if record.id not in (None, arguments.id):
            raise ForeignRecordError(
                f"{path}: the record carries another id than {arguments.id!r}",
                hint="give the id of the record, or take `id` out of the file",
            )
        kept.extend(put_record(store, record, arguments.id, now=now, consent_at=now))
    for name, status in arguments.consent:
        if not _put_consent(store, arguments, name, status, now):
            kept.append(name)
    for name in kept:
        console.err(f"consent {name}: the record in the store is newer, or as new and stricter; it stays")
    console.err(f"written: {arguments.id}")
    return 1 if kept else 0


def _put_consent(
    store: ProfileStore, arguments: argparse.Namespace, name: str, status: str, now: datetime
) -> bool:
    entry = read_consent({name: status}, now, "--consent")[name]
    old = store.load(arguments.id).consent.get(name)
    # A correction by hand keeps the date of the record that it corrects, so that replays of past
    # events see it; --at says otherwise. What was refused is never given back for the same instant.
    gives_back = old is not None and old.status != "granted" and entry.status == "granted"
    at = arguments.at or (now if old is None or gives_back else old.at)
    return store.put_consent(arguments.id, replace(entry, at=at), now=now)


def _import(store: ProfileStore, arguments: argparse.Namespace, console: Console) -> int:
    done, refused = 0, 0
    take = _taker(store, arguments, console)
    try:
        for number, line in numbered_lines(arguments.file, console):
            try:
                take(line, f"{arguments.file}:{number}")
                done += 1
            except (EventError, StoreRejectedError) as error:
                refused += 1
                console.err(error.message)
            if done and done % 100 == 0:
                console.progress(f"{done:,} profiles")
    finally:
        console.progress("")
        console.err(
            f"{counted(done, 'profile')} imported"
            + (f", {counted(refused, 'line')} refused" if refused else "")
        )
    return 1 if refused else 0


def _taker(
    store: ProfileStore, arguments: argparse.Namespace, console: Console
) -> Callable[[bytes, str], None]:
    """Return what takes in one line of the format that was asked for."""
    now = utc_now()
    if arguments.format == "record":
        return lambda line, where: _import_line(store, line, where, now, console)
    from functions.events.decoding import decode_document
    from functions.events.envelopes import Delivery
    from functions.ingest.writing import Ingest
    from functions.spec.loading import load_consents

    settings = read_settings(console.environment)
    ingest = Ingest(store, load_consents(specs_folder(console)), settings.event_skew)
    fits = FORMATS[arguments.format]

    def take(line: bytes, where: str) -> None:
        body = decode_document(line, where)
        if not isinstance(body, dict) or not fits(body):
            raise EventMalformedError(f"{where}: no record of the format {arguments.format}")
        result = ingest.take_one(Delivery(body, "event", where), now=now, received_at=now)
        if result.error is not None:
            raise result.error
        for part in result.kept:
            console.err(
                f"{where}: {part}: the store holds something newer, or the alias of another; it stays"
            )

    return take


def _import_line(store: ProfileStore, line: bytes, where: str, now: datetime, console: Console) -> None:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise EventMalformedError(f"{where}: no UTF-8 text") from None
    record = read_record(text, where)
    if not record.id:
        raise EventMalformedError(f"{where}: the record has no `id`")
    try:
        kept = put_record(store, record, record.id, now=now, consent_at=now)
    except StoreRejectedError as error:
        raise StoreRejectedError(f"{where}: {error.message}") from error
    for name in kept:
        console.err(
            f"{where}: consent {name}: the record in the store is newer, or as new and stricter; it stays"
        )


_ACTIONS = {"get": _get, "put": _put, "import": _import}
_WHOLE = {"export": export_customer, "delete": delete_customer}
