"""`functions profile …`: read and write profiles and consent; the rest is in `access`."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final

from functions.cli.access import UnknownProfileError, delete_customer, export_customer
from functions.cli.arguments import add_json, specs_folder
from functions.cli.complaints import Complaints
from functions.cli.console import Console, counted
from functions.cli.declared import declared_consents
from functions.cli.progress import Progress, size_of
from functions.cli.putting import add_put, put_customer
from functions.cli.records import check_usable, numbered_lines, put_record, read_record
from functions.cli.suppress import list_name
from functions.documents import Json, parse_json
from functions.errors import EventError, EventMalformedError, StoreRejectedError
from functions.events.segment import is_segment
from functions.events.tealium import is_tealium_flat, is_tealium_function_input
from functions.ingest.visitors import is_visitor
from functions.profiles.access import customer_behind
from functions.profiles.store import MAX_PROFILE_BYTES, ProfileState, ProfileStore, Snapshot
from functions.settings import read_settings
from functions.times import format_instant, utc_now

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_EPILOG = """A record is a JSON object {"id": ..., "profile": {...}, "consent": {...}}. Consent is a
status by name, or an object {status, at, expires_at, source, jurisdiction};
statuses are granted, denied, revoked, unknown, conflict. What `get` prints can be
edited and put again; scores and contacts in it are left alone. `export` prints all
that is kept under the id and its aliases, and its suppression marks; `delete` erases
all but the marks. An alias is as good as the id everywhere.

A grant counts from its date on, a refusal at every time: an event of last week is not
decided on the consent of last week. A refusal that is put without --at bears the
present time, so that no older grant that arrives later can overrule it.

examples:
  functions profile import feature_specs/profiles.jsonl
  functions profile get customer-0042
  functions profile put customer-0042 --consent marketing=revoked
  functions profile put customer-0042 customer.json
  functions profile export customer-0042 --to customer-0042.json
  functions profile delete customer-0042
"""


_OF_ANOTHER_FORM: Final = 10
"""From so many refused lines on, and no other, a file is no list of records rather than one with faults."""

FORMATS: Final[Mapping[str, Callable[[dict[str, Json]], bool]]] = {
    "canonical": lambda body: "profile_id" in body,
    "segment": is_segment,
    "tealium": lambda body: is_tealium_flat(body) or is_tealium_function_input(body) or is_visitor(body),
}
"""What platforms send, and how it is recognised."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    actions: _SubParsersAction[argparse.ArgumentParser] = parser.add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    get = actions.add_parser("get", help="print a profile with its consent, scores and contacts")
    get.add_argument("id", metavar="ID")
    get.add_argument("--json", action="store_true", help="as always: the record is JSON")
    add_put(actions.add_parser("put", help="replace a profile, or single consent records"))
    load = actions.add_parser("import", help="read many records, one JSON object a line")
    load.add_argument("file", metavar="FILE", help="JSON lines; - for standard input")
    load.add_argument(
        "--format",
        choices=("record", *FORMATS),
        default="record",
        help="`record` is what `get` prints; the others are what platforms send, with the order of their own "
        "instants",
    )
    add_json(load)
    export = actions.add_parser("export", help="print everything that is kept about a customer")
    export.add_argument("id", metavar="ID", help="the customer's id, or an alias")
    export.add_argument("--to", metavar="FILE", help="write it to a file that only you may read")
    export.add_argument("--json", action="store_true", help="as always; with --to the numbers are JSON too")
    remove = actions.add_parser("delete", help="erase everything that is kept about a customer")
    remove.add_argument("id", metavar="ID", help="the customer's id, or an alias")
    remove.add_argument(
        "--suppress",
        type=list_name,
        metavar="LIST",
        help="leave a mark on a suppression list, as a keyed hash",
    )
    remove.add_argument("--new-list", action="store_true", help="also if no rule asks for the list yet")
    add_json(remove)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    if arguments.action in _WHOLE:
        return _WHOLE[arguments.action](arguments, console)
    from functions.cli.composition import opened_store

    with opened_store(read_settings(console.environment)) as store:
        return _ACTIONS[arguments.action](store, arguments, console)


def _get(store: ProfileStore, arguments: argparse.Namespace, console: Console) -> int:
    from functions.cli.composition import store_words

    customer = customer_behind(store, arguments.id)
    snapshot = store.load(customer)
    if snapshot.profile_json is None and not snapshot.consent and snapshot.state == ProfileState():
        where = store_words(read_settings(console.environment))
        raise UnknownProfileError(f"there is no profile {arguments.id!r}", hint=f"looked in {where}")
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


def _import(store: ProfileStore, arguments: argparse.Namespace, console: Console) -> int:
    done, read, refused, names = 0, 0, Complaints(console), Counter[str]()
    progress = Progress(console, "profile", total=size_of(arguments.file))
    take = _taker(store, arguments, console, names)
    try:
        for number, line in numbered_lines(arguments.file, console):
            try:
                take(line, f"{arguments.file}:{number}")
                done += 1
            except (EventError, StoreRejectedError) as error:
                refused.add(error.message)
            read += len(line)
            progress.show(done, read)
    finally:
        progress.end()
        refused.conclude()
        _warn_of_names(names, console)
        _conclude(done, refused.count, arguments, console)
    return 1 if refused.count else 0


def _conclude(done: int, refused: int, arguments: argparse.Namespace, console: Console) -> None:
    if arguments.json:
        console.json({"imported": done, "refused": refused})
        return
    refusals = f", {counted(refused, 'line')} refused" if refused else ""
    console.err(f"{counted(done, 'profile')} imported{refusals}")
    if refused >= _OF_ANOTHER_FORM and not done:
        console.err("  = every record stands on a line of its own; `jq -c . FILE` brings it there")


def _warn_of_names(names: Mapping[str, int], console: Console) -> None:
    """Name the consents that were imported and that no purpose needs; what a platform sends is kept nevertheless."""
    known = declared_consents(console) if names else None
    for name in sorted(set(names) - known) if known is not None else ():
        console.err(f"consent {name}: no purpose needs it; imported {counted(names[name], 'time')}")


def _taker(
    store: ProfileStore, arguments: argparse.Namespace, console: Console, names: Counter[str]
) -> Callable[[bytes, str], None]:
    """Return what takes in one line of the format that was asked for."""
    now = utc_now()
    if arguments.format == "record":
        return lambda line, where: names.update(_import_line(store, line, where, now, console))
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


def _import_line(
    store: ProfileStore, line: bytes, where: str, now: datetime, console: Console
) -> Iterable[str]:
    """Put one record, and return the consents that it names."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise EventMalformedError(f"{where}: no UTF-8 text") from None
    record = read_record(text, where)
    if not record.id:
        raise EventMalformedError(f"{where}: the record has no `id`")
    check_usable(record.id, where)
    try:
        kept = put_record(store, record, record.id, now=now, consent_at=now)
    except StoreRejectedError as error:
        raise StoreRejectedError(f"{where}: {error.message}") from error
    for name in kept:
        console.err(
            f"{where}: consent {name}: the record in the store is newer, or as new and stricter; it stays"
        )
    return tuple(record.consent)


_ACTIONS = {"get": _get, "put": put_customer, "import": _import}
_WHOLE = {"export": export_customer, "delete": delete_customer}
