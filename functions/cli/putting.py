"""`functions profile put`: a profile is replaced, or single consent records; what refuses is dated so that it stays."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import get_args

from functions.cli.arguments import add_json, instant, read_input
from functions.cli.console import Console
from functions.cli.declared import check_consents
from functions.cli.parsing import closest
from functions.cli.records import (
    MAX_RECORD_BYTES,
    Record,
    check_usable,
    put_record,
    read_consent,
    read_record,
)
from functions.errors import EventMalformedError, FunctionsError, UsageError
from functions.governance.consent import ConsentRecord, ConsentStatus
from functions.profiles.access import customer_behind
from functions.profiles.store import ProfileStore
from functions.times import format_instant, utc_now


class ForeignRecordError(FunctionsError):
    """A record carries another id than the one it is to be written under."""

    code = "profile.other_id"


@dataclass(frozen=True, slots=True)
class _Dates:
    """Gives consent its date.

    Attributes:
        before: What the store holds.
        given: The date that was asked for.
        now: The present instant.
    """

    before: Mapping[str, ConsentRecord]
    given: datetime | None
    now: datetime

    def of_option(self, entry: ConsentRecord) -> ConsentRecord:
        """Date a consent that was typed.

        One more grant corrects the record that is there and keeps its date, so that events of the past see it.
        Everything else is news: under an old date, any grant of the meantime would overrule it.
        """
        old = self.before.get(entry.purpose)
        if self.given is not None or old is None:
            return replace(entry, at=self.given or self.now)
        corrects = entry.status == old.status == "granted"
        return replace(entry, at=old.at if corrects else self.now)

    def of_file(self, entry: ConsentRecord) -> ConsentRecord:
        """Date a refusal now that a file gives the very date of the grant: `status` was edited, and `at` was not."""
        old = self.before.get(entry.purpose)
        if old is None or entry.status == "granted" or old.status != "granted" or entry.at != old.at:
            return entry
        return replace(entry, at=self.now)


def add_put(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `profile put`."""
    parser.add_argument("id", metavar="ID", help="the customer's id, or an alias")
    parser.add_argument(
        "file", nargs="?", metavar="FILE", help="a record or a bare profile; - for standard input"
    )
    parser.add_argument("--file", dest="file_option", metavar="FILE", help="the same as FILE")
    parser.add_argument(
        "--consent",
        action="append",
        default=[],
        type=_consent_change,
        metavar="NAME=STATUS",
        help="may be repeated",
    )
    parser.add_argument(
        "--at",
        type=instant,
        metavar="TIME",
        help="when consent was given; by default now, or for one more `granted` the date of the old record",
    )
    parser.add_argument(
        "--new-consent", action="store_true", help="keep a consent also if no purpose needs its name"
    )
    add_json(parser)


def put_customer(store: ProfileStore, arguments: argparse.Namespace, console: Console) -> int:
    """Run `profile put`.

    Raises:
        UsageError: The arguments do not go together, or a consent is of a name that nobody needs.
        ForeignRecordError: The file is about somebody else.
        EventMalformedError: The file holds no record.
        ProfileStoreError: The store can't do its part.
    """
    path = arguments.file or arguments.file_option
    if path is None and not arguments.consent:
        raise UsageError("functions profile put: give a FILE, or --consent NAME=STATUS")
    now, record = utc_now(), _record(path, console)
    changes = {
        name: read_consent({name: status}, now, "--consent")[name]
        for name, status in _once(arguments.consent)
    }
    if not arguments.new_consent:
        check_consents([*changes, *(record.consent if record else ())], console)
    check_usable(arguments.id, "ID")
    customer = customer_behind(store, arguments.id)
    if record is not None and record.id not in (None, arguments.id, customer):
        raise ForeignRecordError(
            f"{path}: the record carries another id than {arguments.id!r}",
            hint="give the id of the record, or take `id` out of the file",
        )
    if customer != arguments.id:
        console.err(f"{arguments.id} stands for {customer}")
    dates = _Dates(store.load(customer).consent, arguments.at, now)
    kept = _write(store, customer, record, changes, dates)
    stored = store.load(customer).consent
    _say(
        arguments, console, customer, {name: stored[name] for name in dict.fromkeys((*changes, *kept))}, kept
    )
    return 1 if kept else 0


def _record(path: str | None, console: Console) -> Record | None:
    return (
        read_record(read_input(path, console, max_bytes=MAX_RECORD_BYTES), path) if path is not None else None
    )


def _once(changes: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    found: dict[str, str] = {}
    for name, status in changes:
        if found.setdefault(name, status) != status:
            raise UsageError(f"--consent {name} is given twice, once as {found[name]} and once as {status}")
    return found.items()


def _consent_change(text: str) -> tuple[str, str]:
    name, _, status = text.partition("=")
    try:
        read_consent({name: status}, utc_now(), text)
    except EventMalformedError:
        statuses = get_args(ConsentStatus)
        raise argparse.ArgumentTypeError(
            f"give NAME=STATUS, with one of the statuses {', '.join(statuses)}{closest(status, statuses)}"
        ) from None
    return name, status


def _write(
    store: ProfileStore,
    customer: str,
    record: Record | None,
    changes: Mapping[str, ConsentRecord],
    dates: _Dates,
) -> list[str]:
    """Write what was given, and return the consents for which the store holds something later."""
    kept: list[str] = []
    if record is not None:
        kept += put_record(store, record, customer, now=dates.now, consent_at=dates.now, dated=dates.of_file)
    kept += [
        name
        for name, entry in changes.items()
        if not store.put_consent(customer, dates.of_option(entry), now=dates.now)
    ]
    return kept


def _say(
    arguments: argparse.Namespace,
    console: Console,
    customer: str,
    stored: Mapping[str, ConsentRecord],
    kept: Iterable[str],
) -> None:
    for name in kept:
        console.err(f"consent {name}: the record in the store is newer, or as new and stricter; it stays")
    if arguments.json:
        consent = {name: {"status": one.status, "at": format_instant(one.at)} for name, one in stored.items()}
        console.json({"id": customer, "consent": consent, "kept": list(kept)})
    else:
        console.err(f"written: {customer}")
